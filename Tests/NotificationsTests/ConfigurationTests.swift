import Testing

@testable import Notifications

@Suite struct ConfigurationTests {
    @Test func withoutReceiversMessagesAreLogged() throws {
        let configuration = try NotificationConfiguration()
        #expect(configuration.receivers.values.map(\.kind) == [.log])
        #expect(configuration.routing.plan(for: Fixtures.labels(), at: Fixtures.now).tellings.map(\.receiver) == ["log"])
    }

    @Test func withoutRoutesEverybodyIsTold() throws {
        let configuration = try NotificationConfiguration(receivers: [Fixtures.receiver("a"), Fixtures.receiver("b", .slack)])
        #expect(configuration.routing.plan(for: Fixtures.labels(), at: Fixtures.now).tellings.map(\.receiver) == ["a", "b"])
    }

    @Test func refusesRoutesToNobody() throws {
        let route = Route(matchers: [], receivers: ["nobody"])
        #expect(throws: NotificationConfigurationError(.invalidRoute, "receiver 'nobody' is not defined")) {
            try NotificationConfiguration(receivers: [Fixtures.receiver("a")], routes: [route])
        }
        #expect(throws: NotificationConfigurationError(.invalidRoute, "receiver 'b' is not defined")) {
            try NotificationConfiguration(receivers: [Fixtures.receiver("a")], defaultReceivers: ["b"])
        }
        #expect(throws: NotificationConfigurationError(.invalidReceiver, "receiver 'a' is defined twice")) {
            try NotificationConfiguration(receivers: [Fixtures.receiver("a"), Fixtures.receiver("a")])
        }
    }

    @Test(arguments: ["ftp://example.com", "https://", "example.com", "https://exa mple.com", "https://example.com/<x>"])
    func refusesPublicURLs(text: String) {
        #expect(throws: NotificationConfigurationError.self) { try NotificationConfiguration(publicURL: text) }
    }

    @Test func thePublicURLLosesItsSlash() throws {
        #expect(try NotificationConfiguration(publicURL: "https://example.com/x//").publicURL == "https://example.com/x")
    }

    @Test(arguments: [
        "slack", "mattermost", "rocketchat", "discord", "teams", "googlechat", "pagerduty", "webhook", "log",
    ])
    func knowsItsKinds(name: String) throws {
        #expect(try ReceiverKind(named: name).rawValue == name)
    }

    @Test func namesTheKindsThereAre() {
        let message =
            "receiver type 'smoke' is unknown; the types are slack, mattermost, rocketchat, discord, teams, googlechat, pagerduty, webhook, log"
        #expect(throws: NotificationConfigurationError(.invalidReceiver, message)) { try ReceiverKind(named: "smoke") }
    }

    @Test func secretsNeverPrint() throws {
        let receiver = try Receiver(
            name: "a", kind: .webhook, url: Secret("https://example.com/T0KEN"), signingSecrets: [SigningSecret("0123456789abcdef-secret")])
        var dumped = ""
        dump(receiver, to: &dumped)
        for text in ["\(receiver)", String(reflecting: receiver), dumped, "\(LinkKey(id: "k", secret: Array("T0KEN-secret".utf8)))"] {
            #expect(!text.contains("T0KEN") && !text.contains("secret\"") && !text.contains("0123456789"))
        }
        #expect("\(receiver)" == "webhook receiver 'a'")
    }

    @Test func errorsNeverQuoteTheURL() {
        #expect(throws: NotificationConfigurationError(.invalidReceiver, "receiver 'a' needs an http or https URL")) {
            try Receiver(name: "a", kind: .slack, url: Secret("gopher://example.com/T0KEN"))
        }
    }

    @Test(arguments: ["1/s", "30/m", "500/h"])
    func ratesReadAsTheyAreWritten(text: String) throws {
        #expect(try RateLimit(parsing: text).description == text)
    }

    @Test(arguments: ["", "1", "0/s", "1/d", "-1/s", "1/s/s", "10001/s", "x/s"])
    func refusesRates(text: String) {
        #expect(throws: NotificationConfigurationError.self) { try RateLimit(parsing: text) }
    }
}
