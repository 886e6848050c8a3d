import Notifications
import Testing

@testable import MonitorService

@Suite struct ConfigurationFileTests {
    /// The example of the interface, as it stands there.
    static let example = """
        database:
          url: ${DATABASE_URL}            # absent: embedded
          pool_size: 8
        listener:
          host: 127.0.0.1
          port: 8080
          public_url: https://monitor.example.com   # what links in messages begin with
          tokens:                         # absent: loopback only, and a non-loopback host is refused
            - {name: dashboard, secret: "${DASHBOARD_TOKEN}", scope: read}
            - {name: oncall,    secret: "${ONCALL_TOKEN}",    scope: write}
          link_key: ${TORQ_LINK_KEY}      # signs acknowledge links; absent: made once and kept in the database
          slack_signing_secret: ${SLACK_SIGNING_SECRET}
        detection:
          evaluation_interval: 1m
          rule: evidence                  # or ratio: the seed's plain rule
          windows: [1h, 6h, 24h, 72h]     # one alert, whichever shows it
          baseline: {name: 7day_rolling, window_days: 7}
          thresholds: {low: 1.5, medium: 2.0, high: 3.0, critical: 3.0}
          critical_after: 30m
          resolve_after: 1h
          health: {warning: 70, critical: 50}
          metrics:                        # per metric, over the general ones
            latency_p95: {thresholds: {low: 1.3}}
            duplicate_rate: {enabled: false}
        receivers:
          - {name: oncall, type: slack, url: "${SLACK_WEBHOOK_URL}", rate_limit: 1/s}
          - {name: audit,  type: webhook, url: "https://example.com/hook", secret: "${WEBHOOK_SECRET}"}
        routes:                           # first match unless continue: true; what matches none goes to default_receivers
          - matchers: ['severity>=high', 'alert_type=~"error_spike|fallback_spike"']
            receivers: [oncall, audit]
            repeat_interval: 4h              # while open and not acknowledged
            escalate: {after: 30m, receivers: [audit]}
        default_receivers: [audit]
        """

    static let environment = [
        "DATABASE_URL": "postgresql://monitor:swordfish@db.example.com:6432/console?sslmode=require",
        "DASHBOARD_TOKEN": "dashboard-token-000001",
        "ONCALL_TOKEN": "oncall-token-000000002",
        "TORQ_LINK_KEY": "a link key of any text",
        "SLACK_SIGNING_SECRET": "a signing secret",
        "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/abcdef",
        "WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3",
    ]

    static func expected() throws -> ServiceConfiguration {
        var expected = ServiceConfiguration()
        expected.database.url = Secret("postgresql://monitor:swordfish@db.example.com:6432/console?sslmode=require")
        expected.listener.publicURL = "https://monitor.example.com"
        expected.listener.tokens = [
            AccessToken(name: "dashboard", secret: Secret("dashboard-token-000001"), scope: .read),
            AccessToken(name: "oncall", secret: Secret("oncall-token-000000002"), scope: .write),
        ]
        expected.listener.linkKey = Secret("a link key of any text")
        expected.listener.slackSigningSecret = Secret("a signing secret")
        var latency = DetectionConfiguration.Metric()
        latency.thresholds.low = 1.3
        var duplicates = DetectionConfiguration.Metric()
        duplicates.enabled = false
        expected.detection.metrics = ["latency_p95": latency, "duplicate_rate": duplicates]
        expected.receivers = [
            ReceiverConfiguration(
                name: "oncall", type: .slack, url: Secret("https://hooks.slack.com/services/T0/B0/abcdef"),
                rateLimit: try RateLimit(parsing: "1/s")),
            ReceiverConfiguration(
                name: "audit", type: .webhook, url: Secret("https://example.com/hook"),
                secret: Secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3")),
        ]
        var route = RouteConfiguration(receivers: ["oncall", "audit"])
        route.matchers = ["severity>=high", "alert_type=~\"error_spike|fallback_spike\""]
        route.repeatInterval = .seconds(4 * 3600)
        route.escalate = RouteConfiguration.Escalation(after: .seconds(1800), receivers: ["audit"])
        expected.routes = [route]
        expected.defaultReceivers = ["audit"]
        return expected
    }

    static func load(_ text: String, _ environment: [String: String] = [:], _ overrides: [String: String] = [:]) throws
        -> LoadedConfiguration
    {
        try ConfigurationLoader(environment: environment, overrides: overrides).load(text: text, name: "monitor.yaml")
    }

    static func problems(_ text: String, _ environment: [String: String] = [:], _ overrides: [String: String] = [:]) -> [String] {
        do {
            _ = try load(text, environment, overrides)
            return []
        } catch {
            return (error as? ConfigurationError)?.problems.map(\.description) ?? ["\(error)"]
        }
    }

    @Test func theExampleIsReadWhole() throws {
        let loaded = try Self.load(Self.example, Self.environment)
        #expect(try loaded.configuration == Self.expected())
        #expect(loaded.warnings.isEmpty)
    }

    @Test func nothingAtAllGivesTheDefaults() throws {
        for text in ["", "# only a comment\n", "---\n", "database:\nlistener: ~\ndetection: {metrics: null}\nreceivers: []\n"] {
            let loaded = try Self.load(text)
            #expect(loaded == LoadedConfiguration(configuration: ServiceConfiguration(), warnings: [], file: nil))
        }
    }

    @Test func everyFurtherNameIsRead() throws {
        let text = """
            environment: production
            data_dir: /var/lib/torq-monitor
            listener:
              host: 0.0.0.0
              port: 0
              public_url: http://monitor.internal:8080/base//
              tokens: [{name: ci, secret: ingest-token-0000001, scope: ingest}]
              trusted_proxies: [10.0.0.0/8, "::1", 192.168.0.7]
            detection:
              rule: ratio
              windows: [1d, 30m]
              reopen_within: 2d
              health: {warning: 80, critical: 62.5}
              metrics:
                error_rate: {rule: evidence, floor: 0.01, thresholds: {medium: 2.5, high: 4, critical: 5}}
            receivers:
              - name: private.hook
                type: webhook
                url: http://10.1.2.3/hook
                allow_private_network: yes
                send_resolved: no
                tell_acknowledged: yes
                rate_limit: 30/m
            routes:
              - receivers: private.hook
                continue: true
                group_by: [alert_type, severity]
                group_wait: 30s
                group_interval: 5m
              - {receivers: []}
            fallback_receiver: private.hook
            heartbeat: https://hc.example.com/ping/abc
            remind_acknowledged_after: 1d
            runbook_url: {default: https://wiki.example.com/, error_spike: https://wiki.example.com/errors}
            retention: {attempts: 7d, rollup: forever, resolved_alerts: 90d}
            """
        var expected = ServiceConfiguration()
        expected.environment = "production"
        expected.dataDirectory = "/var/lib/torq-monitor"
        expected.listener.host = "0.0.0.0"
        expected.listener.port = 0
        expected.listener.publicURL = "http://monitor.internal:8080/base"
        expected.listener.tokens = [AccessToken(name: "ci", secret: Secret("ingest-token-0000001"), scope: .ingest)]
        expected.listener.trustedProxies = ["10.0.0.0/8", "::1", "192.168.0.7"]
        expected.detection.rule = .ratio
        expected.detection.windows = [.seconds(1800), .seconds(86400)]
        expected.detection.reopenWithin = .seconds(2 * 86400)
        expected.detection.health.warning = 80
        expected.detection.health.critical = 62.5
        var errors = DetectionConfiguration.Metric()
        errors.rule = .evidence
        errors.floor = 0.01
        errors.thresholds.medium = 2.5
        errors.thresholds.high = 4
        errors.thresholds.critical = 5
        expected.detection.metrics = ["error_rate": errors]
        expected.receivers = [
            ReceiverConfiguration(
                name: "private.hook", type: .webhook, url: Secret("http://10.1.2.3/hook"),
                rateLimit: try RateLimit(parsing: "30/m"), allowPrivateNetwork: true, sendResolved: false, tellAcknowledged: true)
        ]
        var route = RouteConfiguration(receivers: ["private.hook"])
        route.continue = true
        route.groupBy = ["alert_type", "severity"]
        route.groupWait = .seconds(30)
        route.groupInterval = .seconds(300)
        expected.routes = [route, RouteConfiguration(receivers: [])]
        expected.fallbackReceiver = "private.hook"
        expected.heartbeat = Secret("https://hc.example.com/ping/abc")
        expected.remindAcknowledgedAfter = .seconds(86400)
        expected.runbookURLs = ["default": "https://wiki.example.com", "error_spike": "https://wiki.example.com/errors"]
        expected.retention.attempts = .seconds(7 * 86400)
        expected.retention.rollup = nil
        expected.retention.resolvedAlerts = .seconds(90 * 86400)
        let loaded = try Self.load(text)
        #expect(loaded.configuration == expected)
        #expect(loaded.configuration.runbookURL(for: "latency_spike") == "https://wiki.example.com")
        #expect(loaded.configuration.runbookURL(for: "error_spike") == "https://wiki.example.com/errors")
    }

    private static let noLink =
        "must be an http:// or https:// URL with a host and no user, of at most 500 visible ASCII characters other than < > | and \""
    private static let noAddress =
        "must be an http:// or https:// URL with a host, of at most 2000 visible ASCII characters, or file: and a path"

    /// What is read must become links and requests.
    @Test(arguments: [
        ("listener: {public_url: 'https://mon.exämple.com'}", "listener.public_url: \(noLink), not \"https://mon.exämple.com\""),
        ("listener: {public_url: 'https://mon/a|b'}", "listener.public_url: \(noLink), not \"https://mon/a|b\""),
        ("listener: {public_url: 'https://me@mon'}", "listener.public_url: \(noLink), not \"https://me@mon\""),
        ("runbook_url: https://wiki/x y", "runbook_url: \(noLink), not \"https://wiki/x y\""),
        ("runbook_url: {default: 'https://wiki:99999'}", "runbook_url.default: \(noLink), not \"https://wiki:99999\""),
        ("heartbeat: http://x/TOKEN space", "heartbeat: \(noAddress)"),
        ("receivers: [{name: a, type: slack, url: https://h/TOKEN space}]", "receivers[0].url: \(noAddress)"),
        ("receivers: [{name: a, type: slack, url: https://hööks/TOKEN}]", "receivers[0].url: \(noAddress)"),
    ])
    func anAddressThatCannotBeUsedIsRefusedWhereItStands(text: String, problem: String) {
        #expect(Self.problems("environment: test\n" + text) == ["monitor.yaml:2: \(problem)"])
    }

    @Test func theSchemeOfAnAddressMayBeInCapitals() throws {
        let text = "listener: {public_url: 'HTTPS://Mon.example.com/'}\nheartbeat: HTTP://x/y\nrunbook_url: Https://wiki"
        let configuration = try Self.load(text).configuration
        #expect(configuration.listener.publicURL == "https://Mon.example.com")
        #expect(configuration.heartbeat == Secret("http://x/y"))
        #expect(configuration.runbookURL(for: "error_spike") == "https://wiki")
    }

    @Test func aReceiverIsMadeAsItIsDescribed() throws {
        let text = "receivers: [{name: a, type: slack, url: https://h, send_resolved: false, tell_acknowledged: true}]"
        let receiver = try #require(try NotificationConfiguration(Self.load(text).configuration, port: 1).receivers["a"])
        #expect(!receiver.sendResolved && receiver.tellAcknowledged)
    }

    /// It was one matcher with the value `ops,zone=eu`, which nothing has.
    @Test func anEntryWithCommasIsSeveralMatchersAsInAlertmanager() throws {
        let text = """
            routes: [{matchers: ['team=ops,zone=eu', '{severity>=high}'], receivers: []}]
            inhibit_rules: [{source_matchers: ['alertname="A",zone="eu"'], target_matchers: ['{alertname="B",}'], equal: [site]}]
            """
        let loaded = try Self.load(text).configuration
        #expect(loaded.routes[0].matchers == ["team=ops", "zone=eu", "severity>=high"])
        #expect(loaded.inhibitRules[0].sourceMatchers == [#"alertname="A""#, #"zone="eu""#])
        #expect(loaded.inhibitRules[0].targetMatchers == [#"alertname="B""#])
        #expect(try Self.load(loaded.redactedYAML).configuration == loaded)
        #expect(
            Self.problems("routes: [{matchers: ['team=ops,zone'], receivers: []}]") == [
                "monitor.yaml:1: routes[0].matchers[0]: matcher 'zone' has no operator"
            ])
    }

    @Test func aWaitThatAnAlertByItselfDoesNotWaitIsWarnedOfByWhatIsWritten() throws {
        func warnings(_ keys: String) throws -> [String] {
            try Self.load("routes: [{receivers: [], \(keys)}]").warnings.map(\.description)
        }
        #expect(
            try warnings("group_by: ['...'], group_wait: 8s") == [
                "monitor.yaml:1: routes[0].group_wait: has no effect with group_by ['...'], where each alert is told by itself"
            ])
        #expect(try warnings("group_interval: 8s") == ["monitor.yaml:1: routes[0].group_interval: has no effect without group_by"])
    }

    @Test func whatHasNoEffectYetIsWarnedOf() throws {
        let text = """
            routes: [{matchers: [modle=gpt-4o, team=infra], receivers: []}]
            runbook_url: {error_spike: https://h, traffic_drop: https://h}
            """
        #expect(
            try Self.load(text).warnings.map(\.description) == [
                "monitor.yaml:1: routes[0].matchers: modle in 'modle=gpt-4o' is a label of alerts from elsewhere; did you mean model?"
            ])
    }

    @Test func aTokenThatCouldBeFoundByTryingIsWarnedOfAndNotShown() throws {
        let warnings = try Self.load("listener: {tokens: [{name: a, secret: 0123456789abcdef, scope: read}]}").warnings.map(\.description)
        #expect(warnings.count == 1 && warnings[0].hasPrefix("monitor.yaml:1: listener.tokens[0].secret: could be found by trying"))
        #expect(warnings.allSatisfy { !$0.contains("0123456789abcdef") })
    }

    @Test func anOptionalVariableThatIsNotSetIsAbsent() throws {
        let configuration = try Self.load("listener: {link_key: \"${KEY}\", port: \"${PORT:-9090}\"}\n").configuration
        #expect(configuration.listener.linkKey == nil)
        #expect(configuration.listener.port == 9090)
    }

    /// An embedded database in its place would be empty, and all would seem well.
    @Test func aDatabaseWhoseVariableIsNotSetIsAnError() throws {
        let text = "database:\n  url: \"${DATABASE_URL}\"\n"
        #expect(throws: ConfigurationError.self) { try Self.load(text) }
        #expect(try Self.load("database: {pool_size: 4}").configuration.database.url == nil)
    }

    @Test(arguments: [
        ("listener: {prot: 80}", ["monitor.yaml:1: listener.prot: unknown key; did you mean listener.port?"]),
        ("pool_size: 4", ["monitor.yaml:1: pool_size: unknown key; did you mean database.pool_size?"]),
        ("detection:\n  threshholds: {}", ["monitor.yaml:2: detection.threshholds: unknown key; did you mean detection.thresholds?"]),
        ("default_reciever: [a]", ["monitor.yaml:1: default_reciever: unknown key; did you mean default_receivers?"]),
        ("zebra: 1", ["monitor.yaml:1: zebra: unknown key"]),
        (
            "detection: {metrics: {error_rates: {}}}",
            ["monitor.yaml:1: detection.metrics.error_rates: unknown key; did you mean detection.metrics.error_rate?"]
        ),
        (
            "receivers:\n  - name: a\n    type: webhook\n    url: https://example.com\n    secrets: b\n",
            ["monitor.yaml:5: receivers[0].secrets: unknown key; did you mean receivers[0].secret?"]
        ),
        ("listener:\n  port: eighty", ["monitor.yaml:2: listener.port: must be a whole number from 0 to 65535, not \"eighty\""]),
        ("listener: {port: 65536}", ["monitor.yaml:1: listener.port: must be a whole number from 0 to 65535, not \"65536\""]),
        ("listener: {port: [1]}", ["monitor.yaml:1: listener.port: must be a single value, not a list or a map"]),
        (
            "detection: {rule: evidense}",
            ["monitor.yaml:1: detection.rule: must be one of evidence, ratio, not \"evidense\""]
        ),
        (
            "detection: {critical_after: 30}",
            [
                "monitor.yaml:1: detection.critical_after: must be a duration such as 90s, 30m, 1h30m or 7d, from 0s to 7d, not \"30\""
            ]
        ),
        (
            "detection: {windows: [1h, 7m]}",
            [
                "monitor.yaml:1: detection.windows[1]: must be a duration such as 90s, 30m, 1h30m or 7d, from 5m to 7d, in steps of 5m,"
                    + " not \"7m\""
            ]
        ),
        ("detection: {windows: []}", ["monitor.yaml:1: detection.windows: must hold at least one window, such as 1h"]),
        (
            "detection: {thresholds: {low: 2.5}}",
            ["monitor.yaml:1: detection.thresholds: must rise: low <= medium <= high <= critical; they are 2.5, 2.0, 3.0, 3.0"]
        ),
        (
            "detection: {metrics: {error_rate: {thresholds: {high: 1.6}}}}",
            [
                "monitor.yaml:1: detection.metrics.error_rate: thresholds must rise: low <= medium <= high <= critical;"
                    + " with those that it leaves out they are 1.5, 2.0, 1.6, 3.0"
            ]
        ),
        (
            "detection: {health: {warning: 40}}",
            ["monitor.yaml:1: detection.health.critical: must not be above warning, which is 40.0"]
        ),
        (
            "listener: true",
            [
                "monitor.yaml:1: listener: must hold keys: host, port, public_url, tokens, link_key, slack_signing_secret, trusted_proxies, max_connections, max_connections_per_client"
            ]
        ),
        (
            "listener:\n  host: 0.0.0.0",
            [
                "monitor.yaml:2: listener.host: 0.0.0.0 can be reached from other machines: describe listener.tokens, or bind a loopback"
                    + " address such as 127.0.0.1"
            ]
        ),
        (
            "listener: {host: '::', tokens: []}",
            [
                "monitor.yaml:1: listener.host: :: can be reached from other machines: describe listener.tokens, or bind a loopback"
                    + " address such as 127.0.0.1"
            ]
        ),
        (
            "listener: {tokens: [{name: a, secret: \"${TOKEN}\", scope: admin}]}",
            [
                "monitor.yaml:1: listener.tokens[0].secret: the environment variable TOKEN is not set",
                "monitor.yaml:1: listener.tokens[0].scope: must be one of read, write, ingest, not \"admin\"",
            ]
        ),
        (
            "listener: {trusted_proxies: [10.0.0.0/33, proxy]}",
            [
                "monitor.yaml:1: listener.trusted_proxies[0]: must be an IP address or a network such as 10.0.0.0/8, not \"10.0.0.0/33\"",
                "monitor.yaml:1: listener.trusted_proxies[1]: must be an IP address or a network such as 10.0.0.0/8, not \"proxy\"",
            ]
        ),
        (
            "receivers:\n  - {name: a, type: webhook, url: ftp://example.com}\n  - {name: a, type: slack, url: https://h, secret: 0123456789abcdef}\n  - {type: pager}",
            [
                "monitor.yaml:2: receivers[0].url: \(noAddress)",
                "monitor.yaml:3: receivers[1].name: another receiver is called a already",
                "monitor.yaml:3: receivers[1].secret: is for receivers of type webhook: slack checks no signature",
                "monitor.yaml:4: receivers[2].name: is missing: a name of 1 to 48 letters, digits, '-', '_' and '.' that begins"
                    + " with a letter or digit",
                "monitor.yaml:4: receivers[2].type: must be one of slack, mattermost, rocketchat, discord, teams, googlechat, pagerduty,"
                    + " webhook, log, not \"pager\"",
                "monitor.yaml:4: receivers[2].url: is missing: an http:// or https:// URL with a host, of at most 2000 visible ASCII"
                    + " characters, or file: and a path",
            ]
        ),
        (
            "receivers: [{name: a, type: webhook, url: https://h, secret: \"${HOOK_SECRET}\", rate_limit: 1/d}]",
            [
                "monitor.yaml:1: receivers[0].secret: the environment variable HOOK_SECRET is not set",
                "monitor.yaml:1: receivers[0].rate_limit: must be a rate such as 1/s, 30/m or 100/h, not \"1/d\"",
            ]
        ),
        (
            """
            receivers: [{name: audit, type: webhook, url: https://h}]
            routes:
              - receivers: [audit, audlt]
                escalate:
                  after: 30m
                  receivers: [boss]
            default_receivers: [audit, nobody]
            fallback_receiver: spare
            """,
            [
                "monitor.yaml:3: routes[0].receivers[1]: no receiver is called audlt: described are audit; did you mean audit?",
                "monitor.yaml:6: routes[0].escalate.receivers[0]: no receiver is called boss: described are audit",
                "monitor.yaml:7: default_receivers[1]: no receiver is called nobody: described are audit",
                "monitor.yaml:8: fallback_receiver: no receiver is called spare: described are audit",
            ]
        ),
        // The receiver is there, only wrong: the route is not blamed for it.
        (
            "receivers: [{name: a, type: slack, url: nowhere}]\ndefault_receivers: [a]",
            ["monitor.yaml:1: receivers[0].url: \(noAddress)"]
        ),
        ("routes: [{matchers: []}]", ["monitor.yaml:1: routes[0].receivers: is missing: names of receivers, or [] to tell nobody"]),
        (
            "routes: [{receivers: [], matchers: ['severity>=bad', 'model>=a', high], escalate: {}}]",
            [
                "monitor.yaml:1: routes[0].matchers[0]: matcher 'severity>=bad' compares with no severity; they are low, medium, high and critical",
                "monitor.yaml:1: routes[0].matchers[1]: matcher 'model>=a' compares; only severity can be compared",
                "monitor.yaml:1: routes[0].matchers[2]: matcher 'high' has no operator",
                "monitor.yaml:1: routes[0].escalate.after: is missing: a duration such as 90s, 30m, 1h30m or 7d, from 1s to 30d",
                "monitor.yaml:1: routes[0].escalate.receivers: is missing: names of receivers",
            ]
        ),
        // What serve would refuse.
        (
            "routes: [{receivers: [], matchers: ['model=~\"(\"']}]",
            ["monitor.yaml:1: routes[0].matchers[0]: matcher 'model=~\"(\"' has a regular expression that has a '(' without its ')'"]
        ),
        (
            "receivers: [{name: -a, type: webhook, url: https://h, secret: tooshort}]",
            [
                "monitor.yaml:1: receivers[0].name: must be a name of 1 to 48 letters, digits, '-', '_' and '.' that begins with a letter"
                    + " or digit, not \"-a\"",
                "monitor.yaml:1: receivers[0].secret: must be 16 to 256 bytes, or whsec_ and 24 to 64 bytes as base64, or file: and a path",
            ]
        ),
        (
            "listener: {link_key: tooshort, tokens: [{name: a, secret: 1234567, scope: read}]}",
            [
                "monitor.yaml:1: listener.tokens[0].secret: must be at least 8 visible ASCII characters, without spaces, or file: and a path",
                "monitor.yaml:1: listener.link_key: must be at least 16 bytes, or file: and a path",
            ]
        ),
        ("environment: \"a${REGION}\"", ["monitor.yaml:1: environment: the environment variable REGION is not set"]),
        (
            "environment: \"${REGION\"",
            ["monitor.yaml:1: environment: has a ${ that is no ${NAME} or ${NAME:-default}; write $${ for the characters themselves"]
        ),
        ("listener: {link_key: \"file:/nowhere/key\"}", ["monitor.yaml:1: listener.link_key: the file /nowhere/key cannot be read"]),
        ("a: [1", ["monitor.yaml:2: not YAML: did not find expected ',' or ']', column 1"]),
        ("port: 1\nport: 2", ["monitor.yaml:1: given twice: port"]),
        ("- a", ["monitor.yaml:1: the file must hold keys and values, such as `listener: {port: 8080}`"]),
        (
            "zebra: 1\nlistener: {port: x}\ndatabase: {pool_size: 1}",
            [
                "monitor.yaml:1: zebra: unknown key",
                "monitor.yaml:2: listener.port: must be a whole number from 0 to 65535, not \"x\"",
                "monitor.yaml:3: database.pool_size: must be a whole number from 2 to 200, not \"1\"",
            ]
        ),
    ])
    func aFaultNamesPlaceKeyAndWhatIsAllowed(text: String, expected: [String]) {
        #expect(Self.problems(text) == expected)
    }
}
