import Foundation

/// A course in one line of text: `▁▁▂▁·▁▃█`.
///
/// | values | text |
/// | --- | --- |
/// | 0, 1, 2, 3, 4, 5, 6, 7 | `▁▂▃▄▅▆▇█` |
/// | 0, 0, 0 | `▁▁▁` |
/// | 4, none, 8 | `▅·█`: a gap stays a gap |
/// | none at all | nil |
enum Sparkline {
    /// One character a value. The ground is zero, the top the largest value, or `top` where there is one; so that a small change of
    /// a large value looks small.
    ///
    /// - Parameters:
    ///   - values: At most the last 48 are shown; what is negative or no number is a gap.
    ///   - top: What a full bar means, such as 100 for a score.
    static func text(_ values: [Double?], top: Double? = nil) -> String? {
        let values = values.suffix(48).map { value in value.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil } }
        guard let largest = values.compactMap({ $0 }).max() else { return nil }
        let full = max(top ?? largest, largest)
        return String(
            values.map { value in
                guard let value else { return gap }
                guard full > 0 else { return bars[0] }
                return bars[min(7, max(0, Int((value / full * 7).rounded())))]
            })
    }

    private static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let gap: Character = "·"
}
