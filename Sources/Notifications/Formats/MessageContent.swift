import Foundation
import Monitoring

/// What a message says, part by part, as plain text: each format lays these parts out and escapes them in its own way.
struct MessageContent: Sendable, Hashable {
    /// How it is meant to be looked at.
    enum Tone: Sendable, Hashable {
        case critical, high, medium, low, inHand, over
    }

    /// A figure or a name under its label.
    struct Fact: Sendable, Hashable {
        var label: String
        var value: String
        /// Whether it is a name of others', shown as code.
        var isName = false
        /// Whether it is drawn of characters that must be equally wide.
        var isCourse = false
        /// Of a course its least and its largest value; nil for all others.
        var scale: String?

        /// The label, with the scale where there is one.
        var title: String { scale.map { "\(label), \($0)" } ?? label }
    }

    /// One of the further alerts.
    struct Line: Sendable, Hashable {
        var tone: Tone
        /// `CRITICAL`, `Resolved`.
        var word: String
        var condition: String
        var place: String?
        var url: String?
    }

    /// A button or link.
    struct Action: Sendable, Hashable {
        enum Kind: String, Sendable, Hashable {
            case acknowledge, resolve, snooze, open, runbook, source
        }
        var kind: Kind
        var label: String
        var url: String
    }

    var tone: Tone
    /// `CRITICAL`, `Resolved`, `In hand`.
    var word: String
    /// The rest of the first line up to the place: `Back again: Fallback rate 31.2 %, 7.8× the expected 4.0 %`.
    var condition: String
    /// Who explains most of it, where the condition does not say so.
    var place: String?
    var environment: String?
    /// `, and 39 more alerts`, or empty.
    var rest: String
    /// The first line as one sentence, for notifications, screen readers and logs.
    var sentence: String
    var facts: [Fact]
    /// The evidence in a sentence; empty where the figures say it.
    var detail: String
    /// Who has it in hand, how long it lasted.
    var remark: String?
    /// What a person said about it.
    var note: String?
    var lines: [Line]
    /// Of the further alerts, so many have no line.
    var unlisted: Int
    var actions: [Action]
    /// What tells this alert from others wherever it is shown.
    var footer: [String]
    /// The first line and the rest as a template of the configuration gave them, in the format's own markup.
    var custom = Custom()

    /// What templates gave; nil where there is none, or where it gave nothing of use.
    struct Custom: Sendable, Hashable {
        var title: String?
        var body: String?
    }

    /// How much of a message there is room for; each step says less than the one before.
    enum Room: Int, Sendable, CaseIterable {
        case full, fiveLines, twoLines, noLines, noDetail, headline

        var lines: Int {
            switch self {
            case .full: 10
            case .fiveLines: 5
            case .twoLines: 2
            default: 0
            }
        }
    }

    /// Without what there is no room for.
    func within(_ room: Room) -> MessageContent {
        var content = self
        let kept = min(room.lines, lines.count)
        content.lines = Array(lines.prefix(kept))
        content.unlisted += lines.count - kept
        if room.rawValue >= Room.noDetail.rawValue {
            content.detail = ""
            content.note = nil
            content.custom.body = nil
        }
        if room == .headline {
            content.facts = []
            content.actions = actions.filter { $0.url.utf8.count <= 500 }
        }
        return content
    }

    /// The first body, from the fullest on, that is within a format's limit; the shortest where none is.
    func fitting<Body>(_ make: (MessageContent) throws -> Body, where fits: (Body) -> Bool) rethrows -> Body {
        for room in Room.allCases.dropLast() {
            let body = try make(within(room))
            if fits(body) { return body }
        }
        return try make(within(.headline))
    }

    /// `and 29 more`; nil where every alert has its line.
    var unlistedText: String? { unlisted > 0 ? "and \(FigureText.count(unlisted)) more" : nil }
}
