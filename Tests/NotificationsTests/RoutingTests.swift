import Foundation
import Monitoring
import Testing

@testable import Notifications

@Suite struct RoutingTests {
    private func table(_ routes: [Route]) -> RoutingTable {
        RoutingTable(routes: routes, defaultReceivers: ["default"])
    }

    @Test func theFirstMatchDecides() throws {
        let routes = [
            try Route(matchers: [Matcher("severity>=critical")], receivers: ["pager"]),
            try Route(matchers: [Matcher("severity>=high")], receivers: ["chat", "audit"]),
            Route(matchers: [], receivers: ["all"]),
        ]
        #expect(table(routes).plan(for: Fixtures.labels(), at: Fixtures.now).tellings.map(\.receiver) == ["chat", "audit"])
    }

    @Test func continueLooksFurtherAndNamesNobodyTwice() throws {
        let routes = [
            try Route(matchers: [Matcher("severity>=high")], receivers: ["chat"], continues: true),
            try Route(matchers: [Matcher("model=gpt-4o")], receivers: ["chat", "models"], continues: true),
            try Route(matchers: [Matcher("model=other")], receivers: ["nobody"]),
        ]
        #expect(table(routes).plan(for: Fixtures.labels(), at: Fixtures.now).tellings.map(\.receiver) == ["chat", "models"])
    }

    @Test func aQuietRouteKeepsNobodyFromHearingByAnother() throws {
        let never = Schedule(actives: [])
        func route(_ receivers: [String], _ schedule: Schedule, escalates: Bool = false) -> Route {
            Route(
                matchers: [], receivers: receivers, continues: true, repeatInterval: schedule == never ? .seconds(60) : .seconds(3600),
                escalation: escalates ? Escalation(after: .seconds(600), receivers: ["boss"]) : nil, schedule: schedule)
        }
        for routes in [[route(["chat"], never), route(["chat"], Schedule())], [route(["chat"], Schedule()), route(["chat"], never)]] {
            let plan = table(routes).plan(for: Fixtures.labels(), at: Fixtures.now)
            #expect(plan.tellings == [RoutingPlan.Telling(receiver: "chat")] && plan.repeatIntervals == ["chat": .seconds(3600)])
        }
        let both = table([route(["chat"], never, escalates: true), route([], Schedule(), escalates: true)])
        #expect(both.plan(for: Fixtures.labels(), at: Fixtures.now).steps.map(\.telling.isMuted) == [false])
    }

    @Test func whatMatchesNothingGoesToTheDefault() throws {
        let routes = [try Route(matchers: [Matcher("severity>=critical"), Matcher("model=gpt-4o")], receivers: ["pager"])]
        #expect(table(routes).plan(for: Fixtures.labels(), at: Fixtures.now).tellings.map(\.receiver) == ["default"])
    }

    private func transition(
        _ kind: AlertTransition.Kind, isIgnored: Bool = false, isSnoozed: Bool = false
    ) -> UnroutedTransition {
        UnroutedTransition(
            id: 1, alertID: Fixtures.alertID, sequence: 1, kind: kind, severity: .high, labels: Fixtures.labels(), isIgnored: isIgnored,
            isSnoozed: isSnoozed, moment: Fixtures.now)
    }

    private static let quiet = RoutingPlan(tellings: [RoutingPlan.Telling(receiver: "quiet")])

    private func configuration() throws -> NotificationConfiguration {
        try NotificationConfiguration(
            receivers: [
                Receiver(name: "chat", kind: .slack, url: Secret("https://hooks.slack.com/x"), tellAcknowledged: true),
                Receiver(name: "quiet", kind: .webhook, url: Secret("https://example.com/x"), sendResolved: false),
            ], defaultReceivers: ["quiet"])
    }

    @Test(arguments: [
        (AlertTransition.Kind.opened, TellingDecision.tell(Self.quiet)), (.escalated, .tell(Self.quiet)), (.reopened, .tell(Self.quiet)),
        (.resolved, .tellThoseWhoKnow([RoutingPlan.Telling(receiver: "chat")])),
        (.acknowledged, .tellThoseWhoKnow([RoutingPlan.Telling(receiver: "chat")])), (.deescalated, .notTold),
        (.unacknowledged, .notTold), (.snoozed, .snoozed), (.ignored, .notTold),
    ])
    func tellsWhatMatters(kind: AlertTransition.Kind, decision: TellingDecision) throws {
        #expect(TellingDecision(transition(kind), silences: [], configuration: try configuration()) == decision)
    }

    @Test func ignoredSnoozedAndSilencedAlertsAreNotTold() throws {
        let configuration = try configuration()
        let silence = Silence(matchers: [try Matcher("model=gpt-4o"), try Matcher("severity>=low")])
        let other = Silence(matchers: [try Matcher("model=gpt-4o"), try Matcher("severity>=critical")])
        #expect(TellingDecision(transition(.opened, isIgnored: true), silences: [], configuration: configuration) == .ignored)
        #expect(TellingDecision(transition(.escalated, isSnoozed: true), silences: [], configuration: configuration) == .snoozed)
        #expect(TellingDecision(transition(.opened), silences: [other, silence], configuration: configuration) == .silenced)
        #expect(
            TellingDecision(transition(.opened), silences: [other, Silence(matchers: [])], configuration: configuration)
                == .tell(Self.quiet)
        )
    }
}
