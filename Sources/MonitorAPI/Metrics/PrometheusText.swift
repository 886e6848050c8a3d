/// Figures in Prometheus' text format.
struct PrometheusText {
    private(set) var text = ""

    mutating func begin(_ name: String, _ help: String, type: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func add(_ name: String, _ labels: String, _ value: MetricSeries.Value) {
        switch value {
        case .number(let number): line(name, labels, number)
        case .histogram(let counts, let sum):
            var count = 0
            let inner = labels.isEmpty ? "" : labels.dropFirst().dropLast() + ","
            for (index, further) in counts.enumerated() {
                count += further
                let bound = index < MetricSeries.bounds.count ? Self.number(MetricSeries.bounds[index]) : "+Inf"
                line("\(name)_bucket", "{\(inner)le=\"\(bound)\"}", Double(count))
            }
            line("\(name)_sum", labels, sum)
            line("\(name)_count", labels, Double(count))
        }
    }

    /// A gauge with all its values.
    mutating func gauge(_ name: String, _ help: String, _ samples: [(labels: [(String, String)], value: Double)]) {
        begin(name, help, type: "gauge")
        for sample in samples { line(name, Self.labels(sample.labels), sample.value) }
    }

    private mutating func line(_ name: String, _ labels: String, _ value: Double) {
        text += "\(name)\(labels) \(Self.number(value))\n"
    }

    /// `{a="1",b="2"}` with the values escaped; nothing without labels.
    static func labels(_ dimensions: [(String, String)]) -> String {
        guard !dimensions.isEmpty else { return "" }
        let pairs = dimensions.map { name, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return "\(name)=\"\(escaped)\""
        }
        return "{\(pairs.joined(separator: ","))}"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }
}
