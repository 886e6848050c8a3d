import Foundation
import Monitoring

/// Figures as people read them.
enum Figures {
    /// A metric's value in its unit: `31.2 %`, `2.4 s`, `870 ms`, `62.5`; `-` for none.
    static func value(_ value: Double?, of metric: String) -> String {
        guard let value else { return "-" }
        if metric.hasSuffix("_rate") { return String(format: "%.1f %%", value * 100) }
        if metric.hasPrefix("latency_") { return value < 1000 ? String(format: "%.0f ms", value) : String(format: "%.2f s", value / 1000) }
        return String(format: "%.4g", value)
    }

    static func ratio(_ ratio: Double?) -> String {
        ratio.map { String(format: "%.2fx", $0) } ?? "-"
    }

    static func probability(_ value: Double?) -> String {
        value.map { String(format: "%.2g", $0) } ?? "-"
    }

    /// `1h`, `72h`, `45m`.
    static func window(_ seconds: Int) -> String {
        seconds % 3600 == 0 ? "\(seconds / 3600)h" : "\(seconds / 60)m"
    }

    /// To the second; `-` for none.
    static func time(_ date: Date?) -> String {
        date.map { MonitoringJSON.timestamp(Date(timeIntervalSince1970: $0.timeIntervalSince1970.rounded(.down))) } ?? "-"
    }
}
