public import Notifications

/// A named set of times, as routes refer to it.
public struct TimeIntervalConfiguration: Sendable, Hashable {
    /// One of its times, as it was written and as it is understood.
    public struct Element: Sendable, Hashable {
        var times: [String] = []
        var weekdays: [String] = []
        var daysOfMonth: [String] = []
        var months: [String] = []
        var years: [String] = []
        var location: String?
        /// What it means.
        public var interval: CalendarInterval
    }

    /// What routes call it.
    public var name: String

    /// It holds when one of these does.
    public var elements: [Element]
}

extension TimeIntervalConfiguration {
    init?(_ section: ConfigurationSection) {
        let name = section.required("name", .name)
        let elements = section.sections("time_intervals", Element.init)
        if !section.has("time_intervals") || section.isEmptyList("time_intervals") {
            section.problem("time_intervals", "is missing: a list of times, weekdays, days_of_month, months, years")
        }
        guard let name, let elements else { return nil }
        self.init(name: name, elements: elements)
    }
}

extension TimeIntervalConfiguration.Element {
    init?(_ section: ConfigurationSection) {
        let times = section.sections("times") { section -> String? in
            guard let start = section.required("start_time", .text(atMost: 16)), let end = section.required("end_time", .text(atMost: 16))
            else {
                return nil
            }
            return "\(start)-\(end)"
        }
        func texts(_ key: String) -> [String] { section.list(key, .text(atMost: 64)) ?? [] }
        let (weekdays, days, months, years) = (texts("weekdays"), texts("days_of_month"), texts("months"), texts("years"))
        let location = section.optional("location", .text(atMost: 64))
        do {
            let interval = try CalendarInterval(
                times: times ?? [], weekdays: weekdays, daysOfMonth: days, months: months, years: years, location: location)
            self.init(
                times: times ?? [], weekdays: weekdays, daysOfMonth: days, months: months, years: years, location: location,
                interval: interval)
        } catch {
            // The message begins with the part that cannot be read.
            section.problem(error.message.split(separator: " ").first.map(String.init) ?? "times", error.message)
            return nil
        }
    }
}
