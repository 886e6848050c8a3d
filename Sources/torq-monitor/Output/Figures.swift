import Foundation
import Monitoring

/// What `FigureText` leaves to a terminal.
enum Figures {
    static func ratio(_ ratio: Double?) -> String {
        FigureText.ratio(ratio) ?? "–"
    }

    static func probability(_ value: Double?) -> String {
        value.map { String(format: "%.2g", $0) } ?? "–"
    }

    /// `1h`, `72h`, `45m`.
    static func window(_ seconds: Int) -> String {
        seconds % 3600 == 0 ? "\(seconds / 3600)h" : "\(seconds / 60)m"
    }

    /// To the second; `–` for none.
    static func time(_ date: Date?) -> String {
        date.map { MonitoringJSON.timestamp(Date(timeIntervalSince1970: $0.timeIntervalSince1970.rounded(.down))) } ?? "–"
    }
}
