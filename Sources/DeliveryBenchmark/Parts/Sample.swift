/// Measured values in their order.
struct Sample: Sendable {
    private let sorted: [Double]

    init(_ values: [Double]) {
        sorted = values.sorted()
    }

    /// The smallest value that at least this share of the values does not exceed; infinity where there are none.
    func quantile(_ share: Double) -> Double {
        guard let last = sorted.last else { return .infinity }
        let rank = Int((share * Double(sorted.count)).rounded(.up))
        return rank >= sorted.count ? last : sorted[max(0, rank - 1)]
    }
}
