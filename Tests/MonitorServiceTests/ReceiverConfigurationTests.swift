import Notifications
import Testing

@testable import MonitorService

@Suite struct ReceiverConfigurationTests {
    typealias File = ConfigurationFileTests

    static let all = """
        listener: {slack_signing_secret: 0123456789abcdef}
        receivers:
          - {name: s, type: slack, url: "https://hooks.slack.com/services/T0/B0/hidden", interactive: true}
          - {name: m, type: mattermost, url: "https://chat.example.com/hooks/hidden", allow_private_network: true}
          - {name: r, type: rocketchat, url: "https://rocket.example.com/hooks/a/hidden"}
          - {name: d, type: discord, url: "https://discord.com/api/webhooks/1/hidden", max_in_flight: 1}
          - {name: t, type: teams, url: "https://x.logic.azure.com/workflows/1?sig=hidden", rate_limit: 2/s}
          - name: g
            type: googlechat
            url: https://chat.googleapis.com/v1/spaces/A/messages?key=hidden
            templates:
              title: "{{SEVERITY}} {{condition}}"
              body: |
                since {{since}}
                <a href="{{links.open}}">look</a>
          - {name: p, type: pagerduty, routing_key: 0123456789abcdef0123456789hidden, supersede: false}
          - {name: w, type: webhook, url: "https://hidden@h.example.com/x", secret: hidden-new-secret-1, previous_secret: hidden-old-secret-1}
          - {name: l, type: log, templates: {title: "{{title}}"}}
        """

    @Test func everyTypeIsMadeAsItIsDescribed() throws {
        let configuration = try NotificationConfiguration(File.load(Self.all).configuration, port: 1)
        #expect(
            configuration.receivers.values.sorted { $0.name < $1.name }.map(\.kind) == [
                .discord, .googlechat, .log, .mattermost, .pagerduty, .rocketchat, .slack, .teams, .webhook,
            ])
        #expect(configuration.receivers["s"]?.isInteractive == true)
        #expect(configuration.receivers["m"]?.allowPrivateNetwork == true)
        #expect(configuration.receivers["d"]?.maximumInFlight == 1)
        #expect(configuration.receivers["t"]?.rateLimit?.description == "2/s")
        #expect(configuration.receivers["g"]?.templates?.body?.text == "since {{since}}\n<a href=\"{{links.open}}\">look</a>\n")
        #expect(configuration.receivers["p"]?.supersedes == false && configuration.receivers["p"]?.tellAcknowledged == true)
        #expect(configuration.receivers["p"]?.host == "events.pagerduty.com")
        #expect(configuration.receivers["w"]?.signingSecrets.count == 2)
        #expect(configuration.receivers["l"]?.url == nil)
    }

    @Test func whatIsShownHoldsNoSecretAndReadsBack() throws {
        let loaded = try File.load(Self.all).configuration
        let shown = loaded.redactedYAML
        #expect(!shown.contains("hidden"))
        for line in [
            "routing_key: \"***\"", "previous_secret: \"***\"", "interactive: true", "max_in_flight: 1", "supersede: false",
            "title: \"{{SEVERITY}} {{condition}}\"",
        ] {
            #expect(shown.contains(line), "\(line)\n\(shown)")
        }
        let secret = "0123456789abcdef0123456789abcdef"
        let again = try File.load(shown.replacing("\"***\"", with: "\"\(secret)\"")).configuration
        #expect(again.receivers.map(\.type) == loaded.receivers.map(\.type))
        #expect(again.receivers.map(\.templates) == loaded.receivers.map(\.templates))
        #expect(again.receivers.map(\.tellAcknowledged) == loaded.receivers.map(\.tellAcknowledged))
    }

    @Test(arguments: [
        (
            "{name: a, type: slak, url: https://h}",
            "receivers[0].type: must be one of slack, mattermost, rocketchat, discord, teams, googlechat, pagerduty, webhook, log, not \"slak\""
        ),
        ("{name: a, type: pagerduty}", "receivers[0].routing_key: is missing: the 32 letters and digits of a service's integration key"),
        ("{name: a, type: pagerduty, routing_key: short}", "receivers[0].routing_key: must be the 32 letters and digits"),
        (
            "{name: a, type: slack, url: https://h, routing_key: 0123456789abcdef0123456789abcdef}",
            "routing_key: is for receivers of type pagerduty"
        ),
        ("{name: a, type: discord, url: https://h, interactive: true}", "receivers[0].interactive: is for receivers of type slack"),
        (
            "{name: a, type: slack, url: https://h, interactive: true}",
            "receivers[0].interactive: a is interactive: that needs listener.slack_signing_secret"
        ),
        ("{name: a, type: teams, url: https://h, secret: 0123456789abcdef}", "receivers[0].secret: is for receivers of type webhook"),
        (
            "{name: a, type: webhook, url: https://h, previous_secret: 0123456789abcdef}",
            "receivers[0].previous_secret: stands beside a secret, while that replaces it: there is no secret"
        ),
        ("{name: a, type: webhook, url: https://h, templates: {title: x}}", "receivers[0].templates: is for messages that people read"),
        ("{name: a, type: log, url: https://h}", "receivers[0].url: has no use for type log, which sends nothing"),
        ("{name: a, type: discord}", "receivers[0].url: is missing: an http:// or https:// URL with a host"),
        ("{name: a, type: slack, url: https://h, max_in_flight: 0}", "receivers[0].max_in_flight: must be a whole number from 1 to 256"),
        (
            "{name: a, type: slack, url: https://h, template: {title: x}}",
            "receivers[0].template: unknown key; did you mean receivers[0].templates?"
        ),
        (
            "{name: a, type: slack, url: https://h, templates: {titel: x}}",
            "templates.titel: unknown key; did you mean receivers[0].templates.title?"
        ),
        (
            "{name: a, type: slack, url: https://h, templates: {title: \"{{conditon}}\"}}",
            "monitor.yaml:1: receivers[0].templates.title: no message has a 'conditon'; did you mean condition?"
        ),
        (
            "{name: a, type: slack, url: https://h, templates: {body: \"{{#alerts}}\"}}",
            "receivers[0].templates.body: a template's tags are {{name}}, {{#name}}…{{/name}} and {{^name}}…{{/name}}"
        ),
    ])
    func faultsAreNamed(receiver: String, words: String) {
        let problems = File.problems("receivers: [\(receiver)]")
        #expect(problems.contains { $0.contains(words) }, "\(problems)")
    }

    @Test(
        "what is wrong between parts of the configuration is named where it stands",
        arguments: [
            (
                "routes: [{receivers: []}, {matchers: [severity=bad], receivers: []}]",
                "routes[1].matchers: matcher 'severity=bad' names no severity"
            ), ("routes: [{mute_time_intervals: [n], receivers: []}]", "routes[0].mute_time_intervals: no time interval is called n"),
            (
                "inhibit_rules: [{source_matchers: [a=b], target_matchers: [severity=bad]}]",
                "inhibit_rules[0].target_matchers: matcher 'severity=bad'"
            ),
            (
                "relay: {sources: [{name: a, format: generic, title: /t, identity: [/a/x-y, /b/x_y]}]}",
                "relay.sources[0].identity: each pointer's last part is a label's name"
            ),
            (
                "relay: {sources: [{name: a, format: generic, title: /t, identity: [/a/source]}]}",
                "relay.sources[0].identity: each pointer's last part is a label's name"
            ),
        ])
    func placesAreNamed(text: String, words: String) {
        let problems = File.problems(text)
        #expect(problems.contains { $0.contains(words) }, "\(problems)")
    }
}
