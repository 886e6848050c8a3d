import Foundation
import Monitoring
import Notifications

/// What a message becomes, or what the one who pressed a button is told.
struct SlackReply: Encodable, Sendable {
    /// Whether the message is replaced; otherwise only the one who pressed sees it.
    var replacesOriginal: Bool
    var text: String
    var blocks: [JSONValue]?

    enum CodingKeys: String, CodingKey {
        case text, blocks
        case replacesOriginal = "replace_original"
        case responseType = "response_type"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(replacesOriginal, forKey: .replacesOriginal)
        if !replacesOriginal { try container.encode("ephemeral", forKey: .responseType) }
        try container.encode(text, forKey: .text)
        try container.encodeIfPresent(blocks, forKey: .blocks)
    }

    /// For the one who pressed, alone.
    static func whisper(_ text: String) -> SlackReply {
        SlackReply(replacesOriginal: false, text: text)
    }

    /// The message after the press: what it told of, who has it, and what can still be done.
    ///
    /// - Parameters:
    ///   - results: Not empty, the worst first.
    ///   - token: Of a link to the same alerts, for an action.
    ///   - publicURL: What links begin with; nil: none are shown.
    static func standing(
        _ deed: LinkDeed, _ results: [LinkResult], total: Int, publicURL: String?, token: (LinkClaim.Action) -> String
    ) -> SlackReply {
        let alerts = results.map(\.alert)
        let first = alerts[0]
        let what = words(AlertCard.title(of: first) + (total > 1 ? " and \(total - 1) more" : ""), 250)
        let head = "*\(first.severity.rawValue.uppercased()) · \(what)*"
        let lines = total > 1 ? group(deed, results) : [single(deed, results[0])]
        var blocks = [section(total > 1 || first.summary.isEmpty ? head : "\(head)\n\(words(first.summary, 600))")]
        blocks.append(section(lines.joined(separator: "\n")))
        var buttons: [JSONValue] = []
        if deed.action != .resolve, alerts.contains(where: { $0.status != .resolved }) {
            if deed.action == .snooze, alerts.contains(where: { $0.status == .open }) {
                buttons.append(button("Acknowledge", .acknowledge, value: token(.acknowledge)))
            }
            buttons.append(button(total > 1 ? "Resolve all" : "Resolve", .resolve, value: token(.resolve)))
        }
        if let publicURL { buttons.append(button("Open", .open, url: "\(publicURL)/a/\(token(.open))")) }
        if !buttons.isEmpty {
            blocks.append(.object(["type": .string("actions"), "elements": .array(buttons)]))
        }
        return SlackReply(replacesOriginal: true, text: "\(what): \(lines.joined(separator: " "))", blocks: blocks)
    }

    private static func single(_ deed: LinkDeed, _ result: LinkResult) -> String {
        let alert = result.alert
        if alert.status == .resolved {
            return ":white_check_mark: Resolved \(alert.resolvedBy.map { "by \(words($0, 200))" } ?? "by itself")."
        }
        if alert.status == .ignored { return ":no_bell: Ignored until the condition clears." }
        var parts: [String] = []
        if alert.status == .acknowledged {
            parts.append(":eyes: Acknowledged by \(words(alert.acknowledgedBy ?? "somebody", 200)).")
        }
        if let until = alert.snoozedUntil, until > deed.moment {
            let who = deed.action == .snooze && result.kind == .done ? " by \(words(deed.actor, 200))" : ""
            parts.append(":zzz: Snoozed\(who) until \(Wording.moment(until, now: deed.moment)) UTC.")
        }
        return parts.isEmpty ? "Nobody has it yet." : parts.joined(separator: " ")
    }

    private static func group(_ deed: LinkDeed, _ results: [LinkResult]) -> [String] {
        let done = results.count { $0.kind == .done }
        var lines: [String] = []
        if done > 0 {
            let end = deed.until.map { " until \(Wording.moment($0, now: deed.moment)) UTC" } ?? ""
            let emoji = deed.action == .resolve ? ":white_check_mark:" : deed.action == .snooze ? ":zzz:" : ":eyes:"
            lines.append("\(emoji) \(Wording.count(done)) \(past(deed.action)) by \(words(deed.actor, 200))\(end).")
        }
        return lines + GroupOutcome.others(deed.action, results).map { words($0, 300) }
    }

    private static func past(_ action: AlertAction) -> String {
        switch action {
        case .resolve: "resolved"
        case .snooze: "snoozed"
        default: "acknowledged"
        }
    }

    private static func section(_ text: String) -> JSONValue {
        // Verbatim: an address or a channel's name in it becomes no link by itself.
        .object([
            "type": .string("section"),
            "text": .object(["type": .string("mrkdwn"), "text": .string(text), "verbatim": .bool(true)]),
        ])
    }

    private static func button(_ label: String, _ action: LinkClaim.Action, value: String? = nil, url: String? = nil) -> JSONValue {
        var members: [String: JSONValue] = [
            "type": .string("button"), "action_id": .string(action.rawValue),
            "text": .object(["type": .string("plain_text"), "text": .string(label)]),
        ]
        if let value { members["value"] = .string(value) }
        if let url { members["url"] = .string(url) }
        return .object(members)
    }

    /// Text of others as the messages have it: on one line, inert and cut.
    private static func words(_ text: String, _ limit: Int) -> String { Markup.slack.words(text, limit: limit) }
}
