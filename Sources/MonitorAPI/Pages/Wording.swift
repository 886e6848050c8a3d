import Foundation
import Monitoring
import Notifications

/// `FigureText` for pages: a figure stays in one line with its unit.
enum Wording {
    static func value(_ value: Double?, of metric: String) -> String { bound(FigureText.value(value, of: metric)) }

    static func percent(_ share: Double) -> String { bound(FigureText.percent(share)) }

    static func milliseconds(_ value: Double) -> String { bound(FigureText.milliseconds(value)) }

    static func number(_ value: Double, places: Int) -> String { FigureText.number(value, places: places) }

    static func count(_ value: Int) -> String { FigureText.count(value) }

    static func span(_ seconds: TimeInterval) -> String { bound(FigureText.span(seconds)) }

    static func time(_ moment: Date) -> String { FigureText.time(moment) }

    static func moment(_ moment: Date, now: Date) -> String { bound(FigureText.moment(moment, now: now)) }

    static func metric(_ name: String) -> String { FigureText.metric(name) }

    static func sentence(_ name: String) -> String { FigureText.sentence(name) }

    /// A name that others gave, without marks that nobody sees; `(unnamed)` where nothing is left of it.
    static func name(_ text: String) -> String {
        let clean = SafeText.clean(text, limit: .max)
        return clean.allSatisfy(\.isWhitespace) ? "(unnamed)" : clean
    }

    /// At most `limit` UTF-16 units, the last an ellipsis where something was cut off.
    static func fitted(_ text: String, to limit: Int) -> String { SafeText.fitted(text, to: limit) }

    /// A value on a scale: without decimals that say nothing, and without a unit that its name says.
    static func tick(_ value: Double, of metric: String) -> String {
        switch metric {
        case "health_score", "total_events": number(value, places: value == value.rounded() ? 0 : 1)
        default: Self.value(value, of: metric).replacing(".0\u{A0}", with: "\u{A0}")
        }
    }

    /// A moment on a scale: the time of day, or the day.
    static func tick(_ moment: Date, isDay: Bool) -> String {
        isDay ? bound(String(FigureText.moment(moment, now: .distantPast).prefix { $0 != "," })) : time(moment)
    }

    private static func bound(_ text: String) -> String { text.replacing(" ", with: "\u{A0}") }
}
