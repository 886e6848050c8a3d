import Foundation

/// How long somebody who snoozes may choose.
enum SnoozeChoice: String, Sendable, Hashable, CaseIterable {
    case hour = "1h"
    case fourHours = "4h"
    case eightHours = "8h"
    case tomorrow

    /// What a click in a chat chooses.
    static let standard = fourHours

    /// When it ends.
    ///
    /// | at | 4h | tomorrow |
    /// | --- | --- | --- |
    /// | 10 March, 12:00 | 10 March, 16:00 | 11 March, 08:00 |
    /// | 10 March, 23:30 | 11 March, 03:30 | 11 March, 08:00 |
    func end(after now: Date) -> Date {
        switch self {
        case .hour: now.addingTimeInterval(3600)
        case .fourHours: now.addingTimeInterval(4 * 3600)
        case .eightHours: now.addingTimeInterval(8 * 3600)
        // UTC days have one length.
        case .tomorrow: Date(timeIntervalSince1970: ((now.timeIntervalSince1970 / 86_400).rounded(.down) + 1) * 86_400 + 8 * 3600)
        }
    }

    var label: String {
        switch self {
        case .hour: "1 hour"
        case .fourHours: "4 hours"
        case .eightHours: "8 hours"
        case .tomorrow: "Tomorrow"
        }
    }
}
