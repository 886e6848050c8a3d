public import Foundation

/// When a route tells: Alertmanager's mute and active time intervals. What it would have told while quiet, it tells at the end.
public struct Schedule: Sendable, Hashable {
    /// It is quiet in any of these.
    public let mutes: [CalendarInterval]
    /// It is quiet outside all of these; nil: it is not.
    public let actives: [CalendarInterval]?

    /// Always, unless told otherwise.
    public init(mutes: [CalendarInterval] = [], actives: [CalendarInterval]? = nil) {
        self.mutes = mutes
        self.actives = actives
    }

    /// Whether nothing is told at a moment.
    public func isQuiet(at moment: Date) -> Bool {
        mutes.contains { $0.contains(moment) } || actives.map { !$0.contains { $0.contains(moment) } } ?? false
    }
}
