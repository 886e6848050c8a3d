import Foundation

/// Whole buckets of the roll-up: from the one that a window begins in to the moment it ends.
struct RollupSpan: Sendable, Hashable {
    var start: Date
    var end: Date

    /// - Parameter hourly: The slices are held by the hour, the totals by five minutes.
    init(_ window: Window, hourly: Bool, until moment: Date) {
        self.init(from: window.start(before: moment), hourly: hourly, until: moment)
    }

    init(from start: Date, hourly: Bool, until end: Date) {
        let seconds: Double = hourly ? 3600 : 300
        self.start = Date(timeIntervalSince1970: (start.timeIntervalSince1970 / seconds).rounded(.down) * seconds)
        self.end = end
    }
}
