import Foundation
import Monitoring
import Notifications

/// A silence as Alertmanager's API shows it.
struct AlertmanagerSilence: Codable, Sendable, Hashable {
    struct Status: Codable, Sendable, Hashable {
        /// `pending`, `active` or `expired`.
        var state: String
    }

    struct Condition: Codable, Sendable, Hashable {
        var isEqual: Bool
        var isRegex: Bool
        var name: String
        var value: String
    }

    var comment: String
    var createdBy: String
    var endsAt: Date
    var id: String
    var matchers: [Condition]
    var startsAt: Date
    var status: Status
    var updatedAt: Date

    init(_ record: SilenceRecord) {
        comment = record.comment
        createdBy = record.createdBy
        endsAt = record.endsAt
        id = record.id
        matchers = record.matchers.compactMap { try? Matcher($0) }.map(Condition.init)
        startsAt = record.startsAt
        status = Status(state: record.state.rawValue)
        updatedAt = record.updatedAt ?? record.createdAt
    }
}

extension AlertmanagerSilence.Condition {
    init(_ matcher: Matcher) {
        let parts = matcher.parts
        self.init(isEqual: parts.isEqual, isRegex: parts.isRegex, name: matcher.label, value: parts.value)
    }

    /// As this monitor writes it.
    var text: String {
        let sign =
            switch (isEqual, isRegex) {
            case (true, false): "="
            case (false, false): "!="
            case (true, true): "=~"
            case (false, true): "!~"
            }
        // As the labels of alerts are written here.
        return "\(IncomingAlert.labelName(name))\(sign)\"\(value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}

/// A silence as Alertmanager's API takes it.
struct PostableSilence: Decodable, Sendable {
    struct Condition: Decodable, Sendable {
        var name: String
        var value: String
        var isRegex: Bool?
        var isEqual: Bool?

        var text: String {
            AlertmanagerSilence.Condition(isEqual: isEqual ?? true, isRegex: isRegex ?? false, name: name, value: value).text
        }
    }

    var id: String?
    var matchers: [Condition]
    var startsAt: String
    var endsAt: String
    var createdBy: String
    var comment: String
}
