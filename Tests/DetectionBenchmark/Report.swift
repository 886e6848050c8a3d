import Foundation
import Monitoring
import Simulation

/// What is printed.
enum Report {
    static func table(_ results: [CellResult]) -> String {
        var rows: [[String]] = [
            [
                "scenario", "events/h", "seeds", "false/30d", "precision", "recall", "of", "delay", "oracle", "ratio", "resolved", "slice",
                "alerts", "repeats", "ms/step",
            ]
        ]
        for (kind, rate, cells) in groups(results) {
            rows.append(row([kind.rawValue, "\(Int(rate))", "\(cells.count)"], cells) { _ in true })
        }
        let incidents = results.filter { $0.cell.kind == .incidents }
        for kind in Incident.Kind.allCases where !kind.isHarmless {
            for rate in Set(incidents.map(\.cell.rate)).sorted() {
                let cells = incidents.filter { $0.cell.rate == rate }
                let has = cells.contains { $0.score?.outcomes.contains { $0.known.incident.kind == kind } ?? false }
                guard has else { continue }
                var row = row([kind.rawValue, "\(Int(rate))", ""], cells) { $0.kind == kind }
                row[3] = ""
                row[4] = ""
                row[14] = ""
                rows.append(row)
            }
        }
        var text = aligned(rows)
        let wrong = results.flatMap(remarks)
        if !wrong.isEmpty { text += "\n\n" + wrong.joined(separator: "\n") }
        return text
    }

    /// The histories of each scenario and rate.
    static func groups(_ results: [CellResult]) -> [(kind: DetectionBenchmark.Kind, rate: Double, cells: [CellResult])] {
        DetectionBenchmark.Kind.allCases.flatMap { kind in
            Set(results.map(\.cell.rate)).sorted().map { rate in
                (kind, rate, results.filter { $0.cell.kind == kind && $0.cell.rate == rate })
            }
        }.filter { !$0.cells.isEmpty }
    }

    private static func row(_ head: [String], _ cells: [CellResult], where isCounted: (Incident) -> Bool) -> [String] {
        let summary = DetectionSummary(cells.compactMap(\.score), where: isCounted)
        let steps = cells.compactMap(\.millisecondsPerStep)
        return head + [
            figure(summary.falseAlertsIn30Days, "%.2f"), figure(summary.precision, "%.2f"), figure(summary.recall, "%.2f"),
            "\(summary.expected)",
            hours(summary.delay), hours(summary.oracleDelay), figure(summary.delayRatio, "%.2f"), hours(summary.resolvedAfter),
            figure(summary.attribution, "%.2f"), figure(summary.alertsPerIncident, "%.2f"),
            figure(summary.repeatShare.map { $0 * 100 }, "%.0f %%"),
            figure(steps.isEmpty ? nil : steps.reduce(0, +) / Double(steps.count), "%.1f"),
        ]
    }

    /// Every false alert, miss, wrong slice and repeat.
    private static func remarks(_ result: CellResult) -> [String] {
        guard let score = result.score else { return [] }
        let head = result.cell.label
        let alerts = score.falseAlerts.map { alert in
            let until = alert.resolvedAt.map(MonitoringJSON.timestamp) ?? "the end"
            return
                "\(head): false \(alert.alertType) \(alert.peakSeverity.rawValue) \(MonitoringJSON.timestamp(alert.openedAt)) to \(until), "
                + "\(figure(alert.currentValue, "%.4g")) for \(figure(alert.baselineValue, "%.4g")) \(named(alert.affected.named))"
        }
        return alerts
            + score.outcomes.flatMap { outcome -> [String] in
                var lines: [String] = []
                let what = "\(head): \(text(outcome.known.incident))"
                if outcome.isExpected, outcome.foundAt == nil {
                    lines.append("\(what): missed, the oracle took \(hours(outcome.oracleDelay))")
                }
                if outcome.isAttributed == false { lines.append("\(what): names \(named(outcome.affected?.named ?? []))") }
                if outcome.repeats > 0 {
                    lines.append("\(what): \(outcome.more) alerts more, \(outcome.beside) beside, reopened \(outcome.reopened) times")
                }
                return lines
            }
    }

    static func text(_ incident: Incident) -> String {
        let kind = incident.isDrift ? "\(incident.kind.rawValue) drift" : incident.kind.rawValue
        let duration = incident.end.timeIntervalSince(incident.start)
        return
            "\(kind) x\(figure(incident.factor, "%.2g")) \(named([incident.slice].compactMap { $0 })) \(MonitoringJSON.timestamp(incident.start)) for "
            + hours(duration)
    }

    private static func named(_ slices: [Slice]) -> String {
        slices.isEmpty ? "(all)" : "(" + slices.map { "\($0.dimension.rawValue) \($0.value)" }.joined(separator: ", ") + ")"
    }

    private static func figure(_ value: Double?, _ format: String) -> String {
        value.map { String(format: format, $0) } ?? "-"
    }

    private static func hours(_ seconds: Double?) -> String {
        seconds.map { String(format: "%.2f h", $0 / 3600) } ?? "-"
    }

    private static func aligned(_ rows: [[String]]) -> String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.indices.map { String(repeating: " ", count: widths[$0] - row[$0].count) + row[$0] }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
