import Foundation
import Monitoring

/// One line of JSON on stdout.
func printJSON(_ value: some Encodable) throws {
    print(String(decoding: try MonitoringJSON.encode(value), as: UTF8.self))
}

/// Alerts as a table on stdout.
func printTable(_ alerts: [Alert]) {
    guard !alerts.isEmpty else { return print("No alerts.") }
    var table = TextTable("ID", "SEVERITY", "STATUS", "OPENED", "SUMMARY")
    for alert in alerts {
        table.add(
            alert.id.uuidString.lowercased(), alert.severity.rawValue, standing(of: alert, at: Date()), Figures.time(alert.openedAt),
            line(of: alert))
    }
    print(table.text)
}

/// Its status, and how long it is snoozed.
func standing(of alert: Alert, at now: Date) -> String {
    guard let until = alert.snoozedUntil, until > now else { return alert.status.rawValue }
    return "\(alert.status.rawValue), snoozed until \(Figures.time(until))"
}

/// What happened, and of an alert from elsewhere to what.
private func line(of alert: Alert) -> String {
    let summary = alert.summary.isEmpty ? alert.alertType : alert.summary
    guard let name = FigureText.name(of: alert) else { return summary }
    return (summary == name ? name : "\(name): \(summary)") + (FigureText.labels(of: alert).map { " (\($0))" } ?? "")
}
