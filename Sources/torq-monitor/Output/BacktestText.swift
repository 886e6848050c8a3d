import Foundation
import Monitoring

/// A comparison of threshold sets for a terminal: a course of each, what each would have brought, and what they say of each trouble.
struct BacktestText {
    let comparison: BacktestComparison
    /// Columns of the course.
    var width = 72

    /// `Nothing to compare with in 288 of 2016 evaluations: latency_p95`, a line for those that lacked it equally long; empty where all had.
    static func unarmed(_ report: BacktestReport) -> String {
        Dictionary(grouping: report.unarmed, by: \.evaluations).sorted { $0.key > $1.key }
            .map { count, metrics in
                "Nothing to compare with in \(count) of \(report.evaluations) evaluations: "
                    + metrics.map(\.metricName).joined(separator: ", ")
            }
            .joined(separator: "\n")
    }

    private static let marks: [Severity: Character] = [.low: "▂", .medium: "▄", .high: "▆", .critical: "█"]

    var text: String {
        // The sets differ in their thresholds, which nothing that is compared with depends on.
        let unarmed = comparison.entries.first.map { Self.unarmed($0.report) } ?? ""
        return ([course, totals] + (comparison.incidents.isEmpty ? [] : [incidents]) + (unarmed.isEmpty ? [] : [unarmed]))
            .joined(separator: "\n\n")
    }

    private var labels: [String] {
        let count = comparison.entries.map(\.name.count).max() ?? 0
        return comparison.entries.map { $0.name + String(repeating: " ", count: count - $0.name.count) }
    }

    /// `settings  ····▂▆██▂·····`
    var course: String {
        guard let report = comparison.entries.first?.report else { return "" }
        let lines = zip(labels, comparison.courses(columns: width)).map { label, course in
            "\(label)  " + String(course.map { $0.flatMap { Self.marks[$0] } ?? "·" })
        }
        let (from, to) = (String(Figures.time(report.from).prefix(10)), String(Figures.time(report.to).prefix(10)))
        let indent = String(repeating: " ", count: (labels.first?.count ?? 0) + 2)
        let axis = indent + from + String(repeating: " ", count: max(1, width - from.count - to.count)) + to
        return (lines + [axis, indent + "· none  ▂ low  ▄ medium  ▆ high  █ critical"]).joined(separator: "\n")
    }

    private var totals: String {
        var table = TextTable("THRESHOLDS", "ALERTS", "LOW", "MEDIUM", "HIGH", "CRITICAL", "STEPS", "HOURS OPEN")
        for entry in comparison.entries {
            func count(_ severity: Severity) -> String { "\(entry.report.alerts.count { $0.peakSeverity == severity })" }
            let open = entry.report.alerts.reduce(0.0) { sum, alert in
                sum + (alert.resolvedAt ?? entry.report.to).timeIntervalSince(alert.openedAt)
            }
            table.add(
                entry.name, "\(entry.report.alerts.count)", count(.low), count(.medium), count(.high), count(.critical),
                "\(entry.report.alerts.map(\.transitions.count).reduce(0, +))", String(format: "%.1f", open / 3600))
        }
        return table.text
    }

    /// A line for each trouble, and a column for each set: its worst severity and how much later it would have said so.
    private var incidents: String {
        var table = TextTable(cells: ["OPENED", "RESOLVED", "TYPE", "AFFECTED"] + comparison.entries.map(\.name))
        for incident in comparison.incidents {
            let affected = [incident.affected.model, incident.affected.backend, incident.affected.agent, incident.affected.version]
                .compactMap { $0 }.joined(separator: ", ")
            let cells = incident.alerts.map { alerts -> String in
                guard let first = alerts.first, let worst = alerts.map(\.peakSeverity).max() else { return "–" }
                let minutes = Int((first.openedAt.timeIntervalSince(incident.openedAt) / 60).rounded())
                return worst.rawValue + (minutes > 0 ? " +\(minutes)m" : "") + (alerts.count > 1 ? " ×\(alerts.count)" : "")
            }
            table.add(
                cells: [
                    Figures.time(incident.openedAt), Figures.time(incident.resolvedAt), incident.alertType,
                    affected.isEmpty ? "–" : affected,
                ] + cells)
        }
        return table.text
    }
}
