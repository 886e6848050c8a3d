/// Durations as the configuration writes them: `90s`, `30m`, `1h`, `7d`, and in sequence `1h30m`.
enum ConfigurationDuration {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// What is allowed, in words, for messages.
    static let allowed = "a duration such as 90s, 30m, 1h30m or 7d"

    /// Reads whole numbers with the units w, d, h, m, s and ms, the larger before the smaller.
    ///
    /// - Returns: nil where the text is anything else, a bare number and a negative one included.
    static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        var rest = Substring(text)
        var total: Int64 = 0
        var smallest = Int64.max
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let name = rest[digits.endIndex...].prefix { $0.isASCII && $0.isLetter }
            guard let number = Int64(digits), let unit = units.first(where: { $0.name == name })?.milliseconds, unit < smallest
            else { return nil }
            let (product, tooLarge) = number.multipliedReportingOverflow(by: unit)
            let (sum, overflow) = total.addingReportingOverflow(product)
            if tooLarge || overflow { return nil }
            total = sum
            smallest = unit
            rest = rest[name.endIndex...]
        }
        return smallest == .max ? nil : .milliseconds(total)
    }

    /// The shortest text in one unit that reads back the same: 5400 s is `90m`, 7200 s is `2h`.
    static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        if milliseconds == 0 { return "0s" }
        let unit = units.first { $0.name != "w" && milliseconds % $0.milliseconds == 0 }
        return unit.map { "\(milliseconds / $0.milliseconds)\($0.name)" } ?? "\(milliseconds)ms"
    }
}
