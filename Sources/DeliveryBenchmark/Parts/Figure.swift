/// One number of a benchmark.
struct Figure: Encodable, Sendable {
    /// What a number is told for.
    enum Role: String, Encodable, Sendable {
        /// Of the product.
        case product
        /// Of the least that the same work takes.
        case floor
        /// Of another program that does the same.
        case peer
        /// Of the receiver and what else shares the processors.
        case surroundings
    }

    /// The bound that a number must keep.
    enum Goal: Sendable {
        case atLeast(Double), atMost(Double)
    }

    let benchmark: String
    let role: Role
    let name: String
    let value: Double
    let unit: String
    let goal: Goal?

    /// nil where there is no goal.
    var isMet: Bool? {
        switch goal {
        case .atLeast(let bound): value >= bound
        case .atMost(let bound): value <= bound
        case nil: nil
        }
    }

    private enum CodingKeys: String, CodingKey {
        case benchmark, role, name, value, unit, atLeast, atMost, isMet
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(benchmark, forKey: .benchmark)
        try container.encode(role, forKey: .role)
        try container.encode(name, forKey: .name)
        // JSON has no infinity, which stands for "never".
        try container.encode(value.isFinite ? value : nil, forKey: .value)
        try container.encode(unit, forKey: .unit)
        switch goal {
        case .atLeast(let bound): try container.encode(bound, forKey: .atLeast)
        case .atMost(let bound): try container.encode(bound, forKey: .atMost)
        case nil: break
        }
        try container.encodeIfPresent(isMet, forKey: .isMet)
    }
}
