import Foundation
import Monitoring

/// Figures, spans and names as people read them.
enum Wording {
    /// `3.1 %` for a share, `2,314 ms` for a duration, `87.5` for points of health; a dash where there is none.
    static func value(_ value: Double?, of metric: String) -> String {
        guard let value else { return "–" }
        switch metric {
        case "latency_p95": return milliseconds(value)
        case "fallback_rate", "error_rate", "duplicate_rate": return percent(value)
        case "health_score": return number(value, places: 1)
        default: return number(value, places: value.magnitude < 10 ? 2 : 0)
        }
    }

    /// With more places where it is small: `12.3 %`, `0.45 %`.
    static func percent(_ share: Double) -> String {
        let percent = share * 100
        return number(percent, places: percent != 0 && percent.magnitude < 1 ? 2 : 1) + "\u{A0}%"
    }

    /// `2,314 ms`, from ten seconds on `12.3 s`.
    static func milliseconds(_ value: Double) -> String {
        value < 9999.5 ? number(value, places: 0) + "\u{A0}ms" : number(value / 1000, places: 1) + "\u{A0}s"
    }

    /// With commas between thousands and so many decimals, at most 3; what is no number, or too large for one, is a dash.
    static func number(_ value: Double, places: Int) -> String {
        guard value.magnitude < 1e15 else { return "–" }
        let scale = [1, 10, 100, 1000][min(max(places, 0), 3)]
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let decimals = scale == 1 ? "" : "." + String(String(scaled % scale + scale).dropFirst())
        return (value < 0 && scaled > 0 ? "-" : "") + count(scaled / scale) + decimals
    }

    /// A value on a scale: without decimals that say nothing.
    static func tick(_ value: Double, of metric: String) -> String {
        Self.value(value, of: metric).replacing(".0\u{A0}", with: "\u{A0}").replacing(/\.0$/, with: "")
    }

    static func count(_ value: Int) -> String {
        var digits = String(value.magnitude)
        var grouped = ""
        while digits.count > 3 {
            grouped = "," + digits.suffix(3) + grouped
            digits.removeLast(3)
        }
        return (value < 0 ? "-" : "") + digits + grouped
    }

    /// `less than a minute`, `12 min`, `3 h 20 min`, `2 d 4 h`.
    static func span(_ seconds: TimeInterval) -> String {
        let minutes = Int(max(0, seconds) / 60)
        switch minutes {
        case 0: return "less than a minute"
        case 1..<60: return "\(minutes)\u{A0}min"
        case 60..<1440: return "\(minutes / 60)\u{A0}h" + (minutes % 60 == 0 ? "" : " \(minutes % 60)\u{A0}min")
        default: return "\(minutes / 1440)\u{A0}d" + (minutes % 1440 / 60 == 0 ? "" : " \(minutes % 1440 / 60)\u{A0}h")
        }
    }

    /// `14:05`, in UTC.
    static func time(_ moment: Date) -> String {
        let minutes = Int((moment.timeIntervalSince1970 / 60).rounded(.down))
        let ofDay = ((minutes % 1440) + 1440) % 1440
        return twoDigits(ofDay / 60) + ":" + twoDigits(ofDay % 60)
    }

    /// `24 Nov, 14:05`; the time alone where it is the same day as `now`.
    static func moment(_ moment: Date, now: Date) -> String {
        let day = Day(containing: moment)
        if day == Day(containing: now) { return time(moment) }
        let parts = day.description.split(separator: "-")
        return "\(Int(parts[2]) ?? 0)\u{A0}\(months[(Int(parts[1]) ?? 1) - 1]), \(time(moment))"
    }

    /// `fallback_rate` as `Fallback rate`.
    static func metric(_ name: String) -> String {
        switch name {
        case "latency_p95": "Latency p95"
        case "health_score": "Health"
        case "duplicate_rate": "Retry rate"
        default: sentence(name)
        }
    }

    /// `fallback_spike` as `Fallback spike`.
    static func sentence(_ name: String) -> String {
        let words = name.replacing("_", with: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
