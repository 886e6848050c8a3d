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
            alert.id.uuidString.lowercased(), alert.severity.rawValue, alert.status.rawValue, Figures.time(alert.openedAt),
            alert.summary.isEmpty ? alert.alertType : alert.summary)
    }
    print(table.text)
}
