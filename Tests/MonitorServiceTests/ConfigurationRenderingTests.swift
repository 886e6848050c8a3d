import Notifications
import Testing

@testable import MonitorService

@Suite struct ConfigurationRenderingTests {
    typealias File = ConfigurationFileTests

    @Test func theDefaultsAreTheDatabasesOwn() {
        #expect(
            DetectionConfiguration().settingsJSON
                == #"{"baseline":{"name":"7day_rolling","window_days":7},"critical_after_seconds":1800,"#
                + #""health":{"critical":50,"warning":70},"metrics":{},"reopen_within_seconds":86400,"resolve_after_seconds":3600,"#
                + #""rule":"evidence","thresholds":{"critical":3,"high":3,"low":1.5,"medium":2},"#
                + #""windows_seconds":[3600,21600,86400,259200]}"#)
    }

    @Test func settingsHoldOnlyWhatAMetricSaysItself() throws {
        let text = """
            detection:
              critical_after: 90s
              windows: [2h]
              metrics:
                latency_p95: {enabled: true, rule: ratio, thresholds: {low: 1.3}, floor: 0.005}
                duplicate_rate: {enabled: false}
                error_rate: {}
            """
        #expect(
            try File.load(text).configuration.detection.settingsJSON
                == #"{"baseline":{"name":"7day_rolling","window_days":7},"critical_after_seconds":90,"#
                + #""health":{"critical":50,"warning":70},"#
                + #""metrics":{"duplicate_rate":{"enabled":false},"#
                + #""latency_p95":{"enabled":true,"floor":0.005,"rule":"ratio","thresholds":{"low":1.3}}},"#
                + #""reopen_within_seconds":86400,"resolve_after_seconds":3600,"#
                + #""rule":"evidence","thresholds":{"critical":3,"high":3,"low":1.5,"medium":2},"windows_seconds":[7200]}"#)
    }

    @Test func anAlertTypeIsSwitchedOffByItsMetricAndSlicesByThemselves() throws {
        let text = """
            detection:
              slices: {enabled: false, least_events: 200}
              metrics:
                total_events: {enabled: false}
                model_mix: {thresholds: {high: 4, critical: 4}}
            """
        let json = try File.load(text).configuration.detection.settingsJSON
        #expect(
            json.contains(
                #""metrics":{"model_mix":{"thresholds":{"critical":4,"high":4}},"total_events":{"enabled":false}}"#)
                && json.contains(#""slices":{"enabled":false,"least_events":200}"#), "\(json)")
        let shown = try File.load(text).configuration.redactedYAML
        #expect(shown.contains("  slices:\n    enabled: false\n    least_events: 200\n"))
        #expect(shown.contains("    total_events:\n      enabled: false\n"))
    }

    @Test(arguments: [("least_events: 0", "detection.slices.least_events"), ("least: 3", "least_events")])
    func aFaultyKeyOfSlicesIsNamed(line: String, words: String) {
        #expect(File.problems("detection: {slices: {\(line)}}").contains { $0.contains(words) })
    }

    @Test func whatIsShownHoldsNoSecret() throws {
        let shown = try File.load(File.example, File.environment).configuration.redactedYAML
        #expect(
            shown == """
                database:
                  url: "postgresql://monitor:***@db.example.com:6432/console?sslmode=require"
                  pool_size: 8
                listener:
                  host: "127.0.0.1"
                  port: 8080
                  public_url: https://monitor.example.com
                  tokens:
                  - name: dashboard
                    secret: "***"
                    scope: read
                  - name: oncall
                    secret: "***"
                    scope: write
                  link_key: "***"
                  slack_signing_secret: "***"
                  max_connections: 15000
                  max_connections_per_client: 1000
                detection:
                  evaluation_interval: 1m
                  rule: evidence
                  windows: [1h, 6h, 1d, 3d]
                  baseline:
                    name: "7day_rolling"
                    window_days: 7
                  thresholds:
                    low: 1.5
                    medium: 2
                    high: 3
                    critical: 3
                  critical_after: 30m
                  resolve_after: 1h
                  reopen_within: 1d
                  health:
                    warning: 70
                    critical: 50
                  slices:
                    enabled: true
                    least_events: 50
                  metrics:
                    duplicate_rate:
                      enabled: false
                    latency_p95:
                      thresholds:
                        low: 1.3
                receivers:
                - name: oncall
                  type: slack
                  url: "https://hooks.slack.com/***"
                  rate_limit: "1/s"
                  allow_private_network: false
                  send_resolved: true
                  tell_acknowledged: false
                - name: audit
                  type: webhook
                  url: "https://example.com/***"
                  secret: "***"
                  allow_private_network: false
                  send_resolved: true
                  tell_acknowledged: false
                routes:
                - matchers: ["severity>=high", "alert_type=~\\"error_spike|fallback_spike\\""]
                  receivers: [oncall, audit]
                  continue: false
                  repeat_interval: 4h
                  escalate:
                    after: 30m
                    receivers: [audit]
                default_receivers: [audit]
                relay:
                  resolve_timeout: 5m
                  default_severity: medium
                  max_alerts: 100000
                retention:
                  attempts: 30d
                  rollup: 120d
                  resolved_alerts: 365d
                  audit: 730d

                """)
    }

    @Test func whatIsShownReadsBackTheSameWithSecretsPutIn() throws {
        let secret = Secret("0123456789abcdef")
        var expected = try File.expected()
        expected.database.url = Secret("postgresql://monitor:***@db.example.com:6432/console?sslmode=require")
        for index in expected.listener.tokens.indices { expected.listener.tokens[index].secret = secret }
        expected.listener.linkKey = secret
        expected.listener.slackSigningSecret = secret
        expected.receivers[0].url = Secret("https://hooks.slack.com/***")
        expected.receivers[1].url = Secret("https://example.com/***")
        expected.receivers[1].secret = secret
        expected.environment = "a ${strange}: 'name' # \"yes\""
        var shown = try File.load(File.example, File.environment).configuration
        shown.environment = expected.environment
        let text = shown.redactedYAML.replacing("\"***\"", with: "\"\(secret.reveal())\"")
        #expect(try File.load(text).configuration == expected)
    }

    /// Where it is found is shown, `?host=` of a socket's directory included; what else options may hold is not.
    @Test(arguments: [
        ("postgresql://postgres@/x?host=/run/postgresql&port=6432", "postgresql://postgres@/x?host=/run/postgresql&port=6432"),
        (
            "postgres://u:hidden@h/x?sslpassword=hidden&sslmode=verify-full&password=hidden",
            "postgres://u:***@h/x?sslpassword=***&sslmode=verify-full&password=***"
        ),
        ("host=h password=hidden", "***"),
        ("postgres:hidden@h", "***"),
    ])
    func aDatabaseIsShownByWhereItIs(url: String, shown: String) throws {
        var configuration = ServiceConfiguration()
        configuration.database.url = Secret(url)
        let text = configuration.redactedYAML
        #expect(text.contains(shown) && !text.contains("hidden"), "\(text)")
    }

    @Test func aSecretIsNotPrinted() throws {
        let secret = Secret("swordfish")
        var dumped = ""
        dump(["key": secret], to: &dumped)
        var receiver = ReceiverConfiguration(name: "a", type: .slack, url: secret, secret: secret)
        receiver.rateLimit = try RateLimit(parsing: "1/s")
        for text in [
            "\(secret)", String(reflecting: secret), dumped, "\(receiver)", String(reflecting: receiver), "\(Optional(secret) as Any)",
        ] {
            #expect(!text.contains("swordfish"), "\(text)")
            #expect(text.contains("***"), "\(text)")
        }
        #expect(secret.reveal() == "swordfish")
    }

    @Test(arguments: [
        ("90s", Duration.seconds(90), "90s"), ("30m", .seconds(1800), "30m"), ("1h30m", .seconds(5400), "90m"),
        ("24h", .seconds(86400), "1d"), ("7d", .seconds(604_800), "7d"), ("2w", .seconds(1_209_600), "14d"),
        ("500ms", .milliseconds(500), "500ms"), ("1s500ms", .milliseconds(1500), "1500ms"), ("0s", .zero, "0s"), ("0", .zero, "0s"),
    ])
    func durationsAreReadAndWritten(text: String, duration: Duration, written: String) {
        #expect(ConfigurationDuration.parse(text) == duration)
        #expect(ConfigurationDuration.format(duration) == written)
    }

    @Test(arguments: ["", "30", "1.5h", "-1h", "1 h", "h", "1h1h", "1m1h", "1y", "９s", "99999999999999999999s", "9223372036854775807w"])
    func otherDurationsAreNone(text: String) {
        #expect(ConfigurationDuration.parse(text) == nil)
    }

    @Test(arguments: ["", "1", "1/d", "0/s", "-1/s", "1/s/s", "1.5/s", "/s", "1/"])
    func otherRatesAreNone(text: String) {
        #expect(throws: NotificationConfigurationError.self) { try RateLimit(parsing: text) }
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.9.9.9", true), ("localhost", true), ("::1", true), ("0.0.0.0", false), ("::", false),
        ("10.0.0.1", false), ("127.example.com", false), ("monitor.example.com", false), ("127.0.0.1.example.com", false),
    ])
    func loopbackIsThisMachineAlone(host: String, expected: Bool) {
        var listener = ListenerConfiguration()
        listener.host = host
        #expect(listener.isLoopback == expected)
    }
}
