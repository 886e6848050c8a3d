import Foundation

/// How far the status page looks back.
enum PageWindow: String, Sendable, Hashable, CaseIterable {
    case day = "24h"
    case week = "7d"
    case month = "30d"

    /// What the course of that time is called.
    var title: String {
        switch self {
        case .day: "The last 24 hours"
        case .week: "The last 7 days"
        case .month: "The last 30 days"
        }
    }

    /// As it stands after "in".
    var words: String { title.prefix(1).lowercased() + title.dropFirst() }

    var label: String {
        switch self {
        case .day: "24 hours"
        case .week: "7 days"
        case .month: "30 days"
        }
    }

    /// In as few letters as can be.
    var shortName: String {
        switch self {
        case .day: "24 h"
        case .week: "7 d"
        case .month: "30 d"
        }
    }

    var length: TimeInterval {
        switch self {
        case .day: 86_400
        case .week: 7 * 86_400
        case .month: 30 * 86_400
        }
    }

    /// Of a point in a chart.
    var stepSeconds: Int {
        switch self {
        case .day: 1800
        case .week: 4 * 3600
        case .month: 12 * 3600
        }
    }

    var stepWords: String {
        switch self {
        case .day: "half-hour values"
        case .week: "4-hour values"
        case .month: "12-hour values"
        }
    }
}
