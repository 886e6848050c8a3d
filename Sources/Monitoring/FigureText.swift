public import Foundation

/// Figures and names as a person reads them, the same in messages, on pages and on a terminal.
///
/// | | |
/// | --- | --- |
/// | share 0.312, 0.0042 | 31.2 %, 0.42 % |
/// | 840 ms, 2437 ms | 840 ms, 2.4 s |
/// | health 46.23 | 46 of 100 |
/// | traffic 1204 | 1,204 events |
/// | model mix (a population stability index) 0.314 | 0.31 |
/// | ratio 7.84, 120.4 | 7.8×, 120× |
/// | 2,543 s | 42 min |
public enum FigureText {
    /// A metric's value in its own unit; `–` where there is none.
    public static func value(_ value: Double?, of metric: String) -> String {
        guard let value, value.isFinite else { return "–" }
        switch metric {
        case _ where metric.hasSuffix("_rate"): return percent(value)
        case _ where metric.hasPrefix("latency_"): return milliseconds(value)
        case "health_score": return "\(number(value, places: value.rounded() == value || value >= 10 ? 0 : 1)) of 100"
        case "total_events": return "\(number(value, places: 0)) \(value.rounded() == 1 ? "event" : "events")"
        default: return number(value, places: abs(value) >= 100 ? 0 : 2)
        }
    }

    /// A share as percent, with the figures that matter.
    public static func percent(_ share: Double) -> String {
        let percent = share * 100
        return "\(number(percent, places: percent == 0 || percent >= 99.95 ? 0 : percent < 1 ? 2 : 1)) %"
    }

    /// Milliseconds, or seconds from one second on.
    public static func milliseconds(_ value: Double) -> String {
        if value < 999.5 { return "\(number(value, places: value < 10 ? 1 : 0)) ms" }
        return value < 59_950 ? "\(number(value / 1000, places: 1)) s" : span(value / 1000)
    }

    /// `7.8×`, `120×` from a hundred on; nil where there is none.
    public static func ratio(_ ratio: Double?) -> String? {
        guard let ratio, ratio.isFinite else { return nil }
        return number(ratio, places: ratio >= 99.95 ? 0 : 1) + "×"
    }

    /// The same for an alert: a metric whose fall is the trouble has the fall's.
    public static func deviation(of alert: Alert) -> String? {
        ratio(alert.deviationRatio).map { text in
            switch alert.metricName {
            case "total_events": "\(text) fewer"
            case "health_score": "\(text) lower"
            default: text
            }
        }
    }

    /// With commas between thousands and so many decimals, at most 3; what is no number, or too large for one, is a dash.
    public static func number(_ value: Double, places: Int) -> String {
        guard value.magnitude < 1e15 else { return "–" }
        let scale = [1, 10, 100, 1000][min(max(places, 0), 3)]
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let decimals = scale == 1 ? "" : "." + String(String(scaled % scale + scale).dropFirst())
        return (value < 0 && scaled > 0 ? "-" : "") + count(scaled / scale) + decimals
    }

    /// A whole number with commas.
    public static func count(_ value: Int) -> String {
        var digits = String(value.magnitude)
        var grouped = ""
        while digits.count > 3 {
            grouped = "," + digits.suffix(3) + grouped
            digits.removeLast(3)
        }
        return (value < 0 ? "-" : "") + digits + grouped
    }

    /// A span of time in its largest unit, and the next one where there is one: `37 s`, `42 min`, `3 h 5 min`, `2 d 4 h`.
    public static func span(_ seconds: Double) -> String {
        let total = Int(max(0, min(seconds, 1e12)).rounded())
        if total < 60 { return "\(total) s" }
        let (minutes, hours, days) = (total / 60, total / 3600, total / 86_400)
        if hours == 0 { return "\(minutes) min" }
        if days == 0 { return minutes % 60 == 0 ? "\(hours) h" : "\(hours) h \(minutes % 60) min" }
        return hours % 24 == 0 ? "\(days) d" : "\(days) d \(hours % 24) h"
    }

    /// `14:05`, in UTC.
    public static func time(_ moment: Date) -> String {
        let minutes = Int((moment.timeIntervalSince1970 / 60).rounded(.down))
        let ofDay = ((minutes % 1440) + 1440) % 1440
        return twoDigits(ofDay / 60) + ":" + twoDigits(ofDay % 60)
    }

    /// `24 Nov, 14:05`, in UTC; the time alone where it is the same day as `now`.
    public static func moment(_ moment: Date, now: Date) -> String {
        let day = Day(containing: moment)
        if day == Day(containing: now) { return time(moment) }
        let parts = day.description.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, (1...12).contains(parts[1]) else { return time(moment) }
        return "\(parts[2]) \(months[parts[1] - 1]), \(time(moment))"
    }

    /// `fallback_rate` as `Fallback rate`.
    public static func metric(_ name: String) -> String {
        switch name {
        case "duplicate_rate": "Duplicates"
        case "health_score": "Health"
        case "total_events": "Traffic"
        default: sentence(name)
        }
    }

    /// What an alert is about: `Fallback rate`, and on a slice `Error rate of model gpt-5-mini`; of one from elsewhere its name.
    public static func subject(of alert: Alert) -> String {
        name(of: alert) ?? metric(alert.metricName) + slice(of: alert)
    }

    /// What an alert from elsewhere is called: `HighLatency`; nil for what was found here.
    public static func name(of alert: Alert) -> String? {
        guard let labels = alert.labels else { return nil }
        if let name = labels["alertname"] ?? alert.annotations?["title"], !name.isEmpty { return name }
        return labels.min { $0.key < $1.key }.map { "\($0.key) \($0.value)" } ?? "Alert"
    }

    /// What tells an alert from elsewhere from others of its name: `instance=n1 job=db`; nil for what was found here, and where nothing does.
    public static func labels(of alert: Alert) -> String? {
        let texts = (alert.labels ?? [:]).filter { $0.key != "alertname" }.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return texts.isEmpty ? nil : texts.joined(separator: " ")
    }

    /// ` of model gpt-5-mini` for an alert on one slice, else empty.
    public static func slice(of alert: Alert) -> String {
        guard let dimension = alert.sliceDimension, let value = alert.sliceValue else { return "" }
        return " of \(dimension) \(value.isEmpty ? "(none named)" : value)"
    }

    /// What an alert's baseline value is called.
    public static func baselineName(of metric: String) -> String {
        metric == "model_mix" ? "Threshold" : "Expected"
    }

    /// `fallback_spike` as `Fallback spike`.
    public static func sentence(_ name: String) -> String {
        let words = name.replacing("_", with: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
