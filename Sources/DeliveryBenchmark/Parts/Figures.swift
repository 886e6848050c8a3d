import Foundation

/// The numbers of one benchmark, in the order in which they are told.
struct Figures: Sendable {
    let benchmark: String
    private(set) var all: [Figure] = []
    /// What could not be measured, and why.
    private(set) var remarks: [String] = []

    init(_ benchmark: String) {
        self.benchmark = benchmark
    }

    /// Every goal was met.
    var areMet: Bool { all.allSatisfy { $0.isMet != false } }

    mutating func add(_ role: Figure.Role = .product, _ name: String, _ value: Double, _ unit: String, goal: Figure.Goal? = nil) {
        all.append(Figure(benchmark: benchmark, role: role, name: name, value: value, unit: unit, goal: goal))
    }

    mutating func add(
        _ role: Figure.Role = .product, _ name: String, _ values: [Double], _ unit: String, median: Figure.Goal? = nil,
        p99: Figure.Goal? = nil
    ) {
        let sample = Sample(values)
        add(role, "\(name), n", Double(values.count), "")
        add(role, "\(name), median", sample.quantile(0.5), unit, goal: median)
        add(role, "\(name), p90", sample.quantile(0.9), unit)
        add(role, "\(name), p99", sample.quantile(0.99), unit, goal: p99)
    }

    /// Processor time a unit of work, split as the kernel does.
    mutating func add(_ role: Figure.Role, _ name: String, _ time: ProcessorTime, per count: Int) {
        add(role, "\(name), CPU each, user", time.user / Double(count) * 1e6, "µs")
        add(role, "\(name), CPU each, system", time.system / Double(count) * 1e6, "µs")
    }

    mutating func remark(_ text: String) {
        remarks.append(text)
    }

    func json() throws -> String {
        struct Whole: Encodable {
            var figures: [Figure]
            var remarks: [String]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(Whole(figures: all, remarks: remarks)), as: UTF8.self)
    }

    func table() -> String {
        let rows = all.map { figure -> [String] in
            [figure.role.rawValue, figure.name, Self.text(figure.value), figure.unit, Self.text(figure)]
        }
        let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            var line = "  "
            for (column, cell) in row.enumerated() {
                let space = String(repeating: " ", count: widths[column] - cell.count)
                line += (column == 2 ? space + cell : cell + space) + "  "
            }
            while line.last == " " { line.removeLast() }
            return line
        }
        return ([benchmark] + lines + remarks.map { "  \($0)" }).joined(separator: "\n")
    }

    private static func text(_ figure: Figure) -> String {
        switch figure.goal {
        case .atLeast(let bound): "at least \(text(bound)): \(figure.isMet == true ? "met" : "MISSED")"
        case .atMost(let bound): "at most \(text(bound)): \(figure.isMet == true ? "met" : "MISSED")"
        case nil: ""
        }
    }

    private static func text(_ value: Double) -> String {
        guard value.isFinite else { return "never" }
        if value == value.rounded() { return String(format: "%.0f", value) }
        return String(format: abs(value) >= 100 ? "%.0f" : abs(value) >= 10 ? "%.1f" : "%.2f", value)
    }
}
