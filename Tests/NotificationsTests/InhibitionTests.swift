import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import Notifications

/// While one alert stands, others that it explains are not told.
@Suite struct InhibitionTests {
    private static func labels(_ foreign: [String: String]) -> AlertLabels {
        AlertLabels([.severity: "high", .status: "open", .alertType: "relayed", .metricName: "relayed"], foreign: foreign)
    }

    private static func rule(_ source: [String], _ target: [String], equal: [String] = []) throws -> InhibitRule {
        try InhibitRule(source: try source.map { try Matcher($0) }, target: try target.map { try Matcher($0) }, equal: equal)
    }

    private static let source = UUID()

    @Test(arguments: [
        (["alertname": "HighLatency", "cluster": "a"], true), (["alertname": "HighLatency", "cluster": "b"], false),
        (["alertname": "HighLatency"], false), (["alertname": "NodeDown", "cluster": "a", "x": "1"], false),
    ])
    func targetsWithTheSameValuesAreKeptQuiet(target: [String: String], isQuiet: Bool) throws {
        let inhibition = Inhibition(
            rules: [try Self.rule(["alertname=NodeDown"], ["alertname!=NodeDown"], equal: ["cluster"])],
            sources: [.init(id: Self.source, labels: Self.labels(["alertname": "NodeDown", "cluster": "a"]))])
        #expect((inhibition.inhibitor(of: UUID(), Self.labels(target)) != nil) == isQuiet)
    }

    @Test func whatNeitherHasIsAlike() throws {
        let inhibition = Inhibition(
            rules: [try Self.rule(["alertname=NodeDown"], ["alertname=HighLatency"], equal: ["cluster"])],
            sources: [.init(id: Self.source, labels: Self.labels(["alertname": "NodeDown"]))])
        #expect(inhibition.inhibitor(of: UUID(), Self.labels(["alertname": "HighLatency"]))?.id == Self.source)
    }

    @Test func noneKeepsItselfOrItsLikeQuiet() throws {
        let labels = Self.labels(["alertname": "NodeDown", "n": "1"])
        let other = Self.labels(["alertname": "NodeDown", "n": "2"])
        let inhibition = Inhibition(
            rules: [try Self.rule(["alertname=NodeDown"], ["alertname=~\".*\""])],
            sources: [.init(id: Self.source, labels: labels), .init(id: UUID(), labels: other)])
        #expect(inhibition.inhibitor(of: Self.source, labels) == nil)
        #expect(inhibition.inhibitor(of: UUID(), Self.labels(["alertname": "HighLatency"]))?.id == Self.source)
    }

    @Test func aRuleWithoutMatchersIsRefused() {
        #expect(throws: NotificationConfigurationError.self) { try InhibitRule(source: [], target: [try Matcher("a=b")]) }
    }

    /// The target is told when the source is over, if it still stands then.
    @Test(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
    func whatWasKeptQuietIsToldAtTheEnd() async throws {
        let channel = try HTTPFixture { _ in .answer(status: 200, body: []) }
        defer { channel.stop() }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let rule = try Self.rule(["model=source"], ["model=target"])
            let configuration = try NotificationConfiguration(
                receivers: [try fixture.receiver(at: channel.url())], inhibitRules: [rule], delivery: OutboxFixture.fast)
            try await fixture.withDispatcher(configuration) {
                let known = try await fixture.open("target")
                _ = try await fixture.settled(known, [.delivered])
                let source = try await fixture.open("source")
                _ = try await fixture.settled(source, [.delivered])
                // Of the end of what was told before, whoever waits for it hears.
                try await fixture.step(known, .resolved, status: .resolved)
                #expect(try await fixture.settled(known, [.delivered, .delivered]).map(\.transition) == ["opened", "resolved"])
                let target = try await fixture.open("target")
                let other = try await fixture.open("other")
                _ = try await fixture.settled(other, [.delivered])
                try await eventually("it is withheld") {
                    try await database.client.query(
                        "SELECT withheld FROM monitoring_alert_transitions WHERE alert_id = $1::uuid", [.uuid(target)])[0]
                        .decode("withheld", as: String?.self) == "inhibited"
                }
                #expect(try await fixture.notifications(target).isEmpty)
                try await fixture.step(source, .resolved, status: .resolved)
                let told = try await fixture.settled(target, [.delivered])
                #expect(told.map(\.cause) == ["inhibition_ended"])
            }
        }
    }
}
