import Foundation
import Monitoring
import Testing

@testable import Notifications

/// Every format × what is told, against files beside this one. With TORQ_WRITE_GOLDEN set they are written instead of compared: look
/// at what changed before you keep it.
@Suite struct GoldenTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    @Test(arguments: ReceiverKind.allCases)
    func everyFormatSaysWhatItDid(kind: ReceiverKind) throws {
        var bodies: [String: JSONValue] = [:]
        for (name, message) in try Self.messages() {
            let body = try Fixtures.body(message, kind)
            bodies[name] = kind == .log ? .string(body) : try JSONValue(parsing: body)
        }
        let file = Self.directory.appending(path: "\(kind.rawValue).json")
        if ProcessInfo.processInfo.environment["TORQ_WRITE_GOLDEN"] != nil {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            try (encoder.encode(JSONValue.object(bodies)) + Data("\n".utf8)).write(to: file)
        }
        let expected = try JSONValue(parsing: String(contentsOf: file, encoding: .utf8))
        for (name, body) in bodies.sorted(by: { $0.key < $1.key }) {
            #expect(body == expected[name], "\(kind.rawValue), \(name)")
        }
    }

    static func messages() throws -> [(String, AlertMessage)] {
        var opened = try Fixtures.message(try Fixtures.transition())
        opened.history = Fixtures.history
        opened.links.snooze = "https://m.example/a/SNZ"
        opened.links.runbook = "https://wiki.example.com/fallbacks"
        var escalated = try Fixtures.message(try Fixtures.transition(.escalated, sequence: 2, from: .high))
        escalated.history = Fixtures.history
        var resolved = try Fixtures.message(try Fixtures.transition(.resolved, sequence: 3, note: "Calm since 02:50.")) { alert in
            alert.status = .resolved
            alert.severity = .low
            alert.resolvedAt = Fixtures.opened.addingTimeInterval(2543)
            alert.resolutionNote = "Calm since 02:50."
        }
        resolved.history = Fixtures.history
        let acknowledged = try Fixtures.message(try Fixtures.transition(.acknowledged, sequence: 2, actor: "Dana", note: "looking at it")) {
            $0.status = .acknowledged
            $0.acknowledgedBy = "Dana"
        }
        var again = try Fixtures.message(nil)
        again.cause = .repetition
        again.moment = Fixtures.opened.addingTimeInterval(4 * 3600)
        again.history = Fixtures.history
        let group = try Fixtures.group()
        return [
            ("opened", opened), ("escalated", escalated), ("resolved", resolved), ("acknowledged", acknowledged), ("repeat", again),
            ("grouped", group), ("hostile", try hostile(hostileText)), ("long", try hostile(String(repeating: "long words ", count: 400))),
        ]
    }

    /// All that clients take for a mention, a link or markup.
    static let hostileText =
        "<!channel> <@U1> @everyone @here @channel @all <at>all</at> <users/all> <#C1> [x](http://evil.example) <http://evil.example|x> "
        + "*b* _i_ ~s~ `c` **b** ||sp|| <b>h</b> &amp; \u{202E}rtl\u{0} :fire: \"q\"\n> quote"

    static func hostile(_ text: String) throws -> AlertMessage {
        var message = try Fixtures.message(try Fixtures.transition(actor: text, note: text), environment: text) { alert in
            alert.alertType = text
            alert.metricName = text
            alert.summary = text
            alert.contextData = .object(["headline": .string(String(text.prefix(600)))])
            alert.affectedModel = text
            alert.affectedBackend = text
            alert.affectedAgent = text
            alert.affectedVersion = text
            alert.acknowledgedBy = text
            alert.resolutionNote = text
        }
        message.others = [.init(alert: message.alert, transition: message.transition, openLink: "https://m.example/a/X")]
        return message
    }
}
