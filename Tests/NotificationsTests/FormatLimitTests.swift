import Foundation
import Monitoring
import Testing

@testable import Notifications

/// Whatever an alert holds, a body is JSON, is within its format's limits, and pings nobody.
@Suite struct FormatLimitTests {
    static let kinds = ReceiverKind.allCases.filter(\.hasEndpoint)

    @Test(arguments: kinds)
    func randomHostileAlertsStayWithinEveryLimit(kind: ReceiverKind) throws {
        var random = Dice(seed: 42)
        for round in 0..<25 {
            let message = try Self.message(&random)
            for isPlain in [false, true] {
                let text = try Fixtures.body(message, kind, isPlain: isPlain)
                let problems = Self.problems(kind, text, try JSONValue(parsing: text))
                #expect(problems == [], "\(kind.rawValue), round \(round), plain \(isPlain)")
            }
        }
    }

    @Test(arguments: kinds)
    func nothingInAnAlertIsAMentionOrALink(kind: ReceiverKind) throws {
        guard kind != .webhook else { return }
        for transition in [AlertTransition.Kind.opened, .acknowledged, .resolved] {
            var message = try GoldenTests.hostile(GoldenTests.hostileText)
            message.transition?.transition = transition
            for isPlain in [false, true] {
                let body = try Fixtures.json(message, kind, isPlain: isPlain)
                #expect(Self.pings(kind, body) == [], "\(kind.rawValue), \(transition), plain \(isPlain)")
            }
        }
    }

    /// The bounds of all formats, as their documentation has them.
    static func problems(_ kind: ReceiverKind, _ text: String, _ body: JSONValue) -> [String] {
        var problems: [String] = []
        func require(_ holds: Bool, _ what: String) {
            if !holds { problems.append(what) }
        }
        func length(_ value: JSONValue?) -> Int { value?.string?.utf16.count ?? 0 }
        switch kind {
        case .slack:
            require((1...40_000).contains(length(body["text"])), "text")
            let attached = body["attachments"]?.array?.first?["blocks"]?.array ?? []
            let blocks = (body["blocks"]?.array ?? []) + attached
            require(blocks.count <= 50, "blocks")
            for block in blocks {
                let fields = block["fields"]?.array ?? []
                let elements = block["elements"]?.array ?? []
                require(fields.count <= 10 && fields.allSatisfy { (1...2000).contains(length($0["text"])) }, "fields")
                require(elements.count <= (block["type"] == .string("context") ? 10 : 25), "elements")
                require(block["text"] == nil || (1...3000).contains(length(block["text"]?["text"])), "section")
                require(elements.allSatisfy { length($0["url"]) <= 3000 && length($0["value"]) <= 2000 }, "button")
                require(elements.allSatisfy { length($0["text"]?["text"]) <= 75 }, "label")
            }
        case .mattermost, .rocketchat:
            require((1...4000).contains(length(body["text"])), "text")
            let attachment = body["attachments"]?.array?.first
            require(attachment.map { $0.texts.reduce(0) { $0 + $1.text.utf16.count } <= 12_000 } ?? true, "attachment")
        case .discord:
            require((1...2000).contains(length(body["content"])), "content")
            require(body["allowed_mentions"]?["parse"]?.array == [], "mentions")
            let embed = body["embeds"]?.array?.first
            let fields = embed?["fields"]?.array ?? []
            require(length(embed?["description"]) <= 4096 && fields.count <= 25, "embed")
            require(
                fields.allSatisfy { (1...256).contains(length($0["name"])) && (1...1024).contains(length($0["value"])) }, "fields")
            let all = fields.reduce(0) { $0 + length($1["name"]) + length($1["value"]) }
            require(all + length(embed?["description"]) + length(embed?["footer"]?["text"]) <= 6000, "in all")
        case .teams:
            require(text.utf8.count <= 28_672, "bytes \(text.utf8.count)")
            let card = body["attachments"]?.array?.first?["content"]
            require(card?["body"]?.array?.isEmpty == false && (card?["actions"]?.array ?? []).count <= 6, "card")
        case .googlechat:
            require(text.utf8.count <= 32_000, "bytes \(text.utf8.count)")
            require((1...4096).contains(length(body["text"])), "text")
        case .pagerduty:
            require(text.utf8.count <= 512 * 1024, "bytes")
            require((1...1024).contains(length(body["payload"]?["summary"])) && (1...255).contains(length(body["dedup_key"])), "summary")
            require(length(body["payload"]?["source"]) > 0, "source")
            require(["critical", "error", "warning", "info"].contains(body["payload"]?["severity"]?.string), "severity")
            require(["trigger", "acknowledge", "resolve"].contains(body["event_action"]?.string), "action")
        case .webhook:
            require(text.utf8.count <= 20_000, "bytes \(text.utf8.count)")
        case .log: break
        }
        if kind != .webhook { problems += pings(kind, body) }
        return problems
    }

    /// What a client would take for a mention, a link or markup of somebody else's.
    static func pings(_ kind: ReceiverKind, _ body: JSONValue) -> [String] {
        let linking: Set<String> = ["url", "client_url", "href", "value", "$schema", "contentUrl"]
        return body.texts.flatMap { key, text in
            // In Slack nothing works inside a code span.
            let seen = kind == .slack ? text.replacing(/`[^`]*`/, with: "``") : text
            let mentions = ["<!", "<@", "@everyone", "@here", "@channel", "@all", "<at>", "<users/", "<#C1", "\u{202E}"]
            let links = linking.contains(key) && seen.hasPrefix("http") ? [] : ["http://evil", "evil.example", "](http://evil"]
            return (mentions + links).filter { seen.contains($0) }.map { "\(key): \($0)" }
        }
    }

    private static func message(_ random: inout Dice) throws -> AlertMessage {
        func text() -> String { random.text() }
        func name() -> String? { random.chance(0.3) ? nil : random.text() }
        let kind = random.pick(AlertTransition.Kind.allCases)
        func alert() throws -> Alert {
            try Fixtures.alert { alert in
                alert.id = UUID()
                alert.severity = random.pick(Severity.allCases)
                alert.peakSeverity = random.pick(Severity.allCases)
                alert.alertType = text()
                alert.metricName = random.pick(["fallback_rate", "health_score", "total_events", "model_mix", text()])
                alert.summary = text()
                if random.chance(0.7) { alert.contextData = .object(["headline": .string(text()), "total_events": .number(1e300)]) }
                (alert.affectedModel, alert.affectedBackend, alert.affectedAgent, alert.affectedVersion) = (name(), name(), name(), name())
                (alert.sliceDimension, alert.sliceValue) = (name(), name())
                (alert.acknowledgedBy, alert.resolvedBy, alert.resolutionNote) = (name(), name(), name())
                alert.status = random.pick(AlertStatus.allCases)
                alert.currentValue = random.pick([nil, 0, -1, .greatestFiniteMagnitude, .infinity, .nan])
                alert.baselineValue = random.pick([nil, 0, -1, .greatestFiniteMagnitude, .infinity, .nan])
                alert.deviationRatio = random.pick([nil, 0, -1, .greatestFiniteMagnitude, .infinity, .nan])
            }
        }
        func transition() throws -> AlertTransition? {
            random.chance(0.1) ? nil : try Fixtures.transition(kind, from: .low, actor: text(), note: name())
        }
        let url = "https://m.example/" + String(repeating: "x", count: random.pick([10, 100, 600, 1900, 5000]))
        var message = AlertMessage(
            id: UUID(), alert: try alert(), transition: try transition(), moment: Fixtures.now, environment: name(),
            links: MessageLinks(acknowledge: url, resolve: url, open: url, runbook: url, snooze: url, count: 40),
            cause: random.pick(NotificationCause.allCases))
        for _ in 0..<random.pick([0, 0, 1, 12, 60]) {
            message.others.append(.init(alert: try alert(), transition: try transition(), openLink: url))
        }
        message.history = (0..<random.pick([0, 24, 100])).map { _ in random.pick([nil, 0, 0.5, 1, -1, .infinity, .nan]) }
        return message
    }
}

/// Chance that can be had again.
private struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ (state >> 29)) &* 0x9E37_79B9_7F4A_7C15
    }

    mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[Int.random(in: 0..<elements.count, using: &self)] }

    /// From nothing to a few thousand characters, of what hurts.
    mutating func text() -> String {
        let pieces = [
            GoldenTests.hostileText, "👩‍👩‍👧‍👦", "e\u{301}\u{301}\u{301}",
            "\\", "\"", "&", "<", ">", "|", "`", "*", "_", "\n", "\u{0}", "\u{7F}", " ", "]]>", "{{title}}", "</script>",
            "ß漢字", "a", "-", "#", "://", "@",
        ]
        var text = ""
        for _ in 0..<pick([0, 1, 3, 40, 400]) { text += pick(pieces) }
        return text
    }
}
