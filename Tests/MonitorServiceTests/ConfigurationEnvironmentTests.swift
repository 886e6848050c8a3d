import Foundation
import Notifications
import Testing

@testable import MonitorService

@Suite struct ConfigurationEnvironmentTests {
    typealias File = ConfigurationFileTests

    @Test func commandLineOverEnvironmentOverFile() throws {
        let file = "listener: {port: 1, public_url: https://file.example.com}\ndatabase: {pool_size: 2}\n"
        let environment = ["TORQ_MONITOR_LISTENER_PORT": "3", "TORQ_MONITOR_DATABASE_POOL_SIZE": "4"]
        let configuration = try File.load(file, environment, ["listener.port": "5"]).configuration
        #expect(configuration.listener.port == 5)
        #expect(configuration.database.poolSize == 4)
        #expect(configuration.listener.publicURL == "https://file.example.com")
    }

    @Test(arguments: [
        (["DATABASE_URL": "postgres://a"], "postgres://a"),
        (["DATABASE_URL": "postgres://a", "TORQ_MONITOR_DATABASE_URL": "postgres://b"], "postgres://b"),
        (["DATABASE_URL": ""], "postgres://file"),
        ([:], "postgres://file"),
    ])
    func theDatabaseHasTwoVariables(environment: [String: String], expected: String) throws {
        #expect(try File.load("database: {url: postgres://file}", environment).configuration.database.url == Secret(expected))
    }

    @Test func everyKindOfValueCanStandInAVariable() throws {
        let environment = [
            "TORQ_MONITOR_DETECTION_EVALUATION_INTERVAL": "5s",
            "TORQ_MONITOR_DETECTION_WINDOWS": "1h, 2h",
            "TORQ_MONITOR_DETECTION_METRICS_LATENCY_P95_THRESHOLDS_LOW": "1.25",
            "TORQ_MONITOR_DETECTION_HEALTH_WARNING": "75",
            "TORQ_MONITOR_LISTENER_TOKENS": "[{\"name\": \"a\", \"secret\": \"0123456789abcdef0123456789abcdef\", \"scope\": \"read\"}]",
            "TORQ_MONITOR_RECEIVERS": "- {name: hook, type: webhook, url: https://example.com}",
            "TORQ_MONITOR_DEFAULT_RECEIVERS": "hook",
            "TORQ_MONITOR_RUNBOOK_URL": "https://wiki.example.com",
            "TORQ_MONITOR_ENVIRONMENT": "${not replaced}",
        ]
        var expected = ServiceConfiguration()
        expected.detection.evaluationInterval = .seconds(5)
        expected.detection.windows = [.seconds(3600), .seconds(7200)]
        var latency = DetectionConfiguration.Metric()
        latency.thresholds.low = 1.25
        expected.detection.metrics = ["latency_p95": latency]
        expected.detection.health.warning = 75
        expected.listener.tokens = [AccessToken(name: "a", secret: Secret("0123456789abcdef0123456789abcdef"), scope: .read)]
        expected.receivers = [ReceiverConfiguration(name: "hook", type: .webhook, url: Secret("https://example.com"))]
        expected.defaultReceivers = ["hook"]
        expected.runbookURLs = ["default": "https://wiki.example.com"]
        expected.environment = "${not replaced}"
        let loaded = try File.load("", environment)
        #expect(loaded.configuration == expected)
        #expect(loaded.warnings == [])
    }

    @Test func aFaultInAVariableNamesTheVariable() {
        let problems = File.problems(
            "", ["TORQ_MONITOR_LISTENER_PORT": "http", "TORQ_MONITOR_RECEIVERS": "[{", "TORQ_MONITOR_DETECTION_WINDOWS": "1h,soon"],
            ["database.pool_size": "many"])
        #expect(
            problems == [
                "command line: database.pool_size: must be a whole number from 2 to 200, not \"many\"",
                "TORQ_MONITOR_LISTENER_PORT: listener.port: must be a whole number from 0 to 65535, not \"http\"",
                "TORQ_MONITOR_DETECTION_WINDOWS: detection.windows[1]: must be a duration such as 90s, 30m, 1h30m or 7d, from 5m to 7d,"
                    + " in steps of 5m, not \"soon\"",
                "TORQ_MONITOR_RECEIVERS: receivers: must be a list in YAML or JSON",
            ])
    }

    /// What the command line overrules is known all the same.
    @Test func whatIsOverruledCanBeMeant() throws {
        let loader = ConfigurationLoader(environment: ["TORQ_MONITOR_LISTNER_PORT": "1"], overrides: ["listener.port": "2"])
        let warnings = try loader.load(text: "", name: "monitor.yaml").warnings.map(\.suggestion)
        #expect(warnings == ["TORQ_MONITOR_LISTENER_PORT"])
    }

    @Test func aVariableThatNothingReadsIsWarnedOf() throws {
        let environment = [
            "TORQ_MONITOR_LISTENER_PROT": "1", "TORQ_MONITOR_SERVICE_HOST": "10.0.0.1", "TORQ_MONITOR_CONFIG": "/etc/monitor.yaml",
        ]
        let warnings = try ConfigurationLoader(environment: environment).load(text: "", name: "monitor.yaml").warnings.map(\.description)
        #expect(
            warnings == [
                "TORQ_MONITOR_LISTENER_PROT: an environment variable that nothing reads; did you mean TORQ_MONITOR_LISTENER_PORT?",
                "TORQ_MONITOR_SERVICE_HOST: an environment variable that nothing reads",
            ])
    }

    @Test func aSlackAddressAloneTakesEverything() throws {
        let variable = ["SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x"]
        let slack = ReceiverConfiguration(name: "slack", type: .slack, url: Secret("https://hooks.slack.com/services/T/B/x"))
        let alone = try File.load("", variable).configuration
        #expect(alone.receivers == [slack])
        #expect(alone.defaultReceivers == nil)
        let routed = try File.load("routes: [{receivers: [slack]}]\ndefault_receivers: []", variable).configuration
        #expect(routed.receivers == [slack])
        #expect(routed.defaultReceivers == [])
        let described = try File.load("receivers: [{name: a, type: webhook, url: https://h}]", variable).configuration
        #expect(described.receivers.map(\.name) == ["a"])
        #expect(described.defaultReceivers == nil)
        #expect(
            File.problems("", ["SLACK_WEBHOOK_URL": "hooks"])
                == [
                    "SLACK_WEBHOOK_URL: receivers: must be an http:// or https:// URL with a host, of at most 2000 visible ASCII characters,"
                        + " or file: and a path"
                ])
    }

    @Test func secretsComeFromFilesBesideTheConfiguration() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data("a key of sixteen bytes\r\n".utf8).write(to: directory.appendingPathComponent("key"))
        try Data("\n".utf8).write(to: directory.appendingPathComponent("empty"))
        let file = directory.appendingPathComponent("monitor.yaml").path
        try Data("listener: {link_key: \"file:key\"}\n".utf8).write(to: URL(fileURLWithPath: file))
        let loader = ConfigurationLoader(environment: ["TORQ_MONITOR_CONFIG": file])
        let loaded = try loader.load()
        #expect(loaded.file == file)
        #expect(loaded.configuration.listener.linkKey == Secret("a key of sixteen bytes"))

        // A later reading sees what the file holds then, and refuses what is faulty.
        try Data("listener: {link_key: \"file:\(directory.path)/empty\"}\n".utf8).write(to: URL(fileURLWithPath: file))
        #expect(throws: ConfigurationError.self) { try loader.load() }
        #expect(
            throws: ConfigurationError([
                ConfigurationProblem(
                    place: "/nowhere.yaml", key: "", message: "cannot be read: no such file, no permission, or more than 1 MiB")
            ])
        ) { try ConfigurationLoader(file: "/nowhere.yaml", environment: [:]).load() }
    }

    @Test(arguments: [
        ("plain", EnvironmentReference.Expansion.text("plain")),
        ("${A}", .text("1")),
        ("x${A}y${A}z", .text("x1y1z")),
        ("${B}", .unset("B", whole: true)),
        ("-${B}", .unset("B", whole: false)),
        ("${EMPTY}", .unset("EMPTY", whole: true)),
        ("${B:-default}", .text("default")),
        ("${B:-}", .text("")),
        ("${A:-default}", .text("1")),
        ("${NESTED}", .text("${A}")),
        ("$${A}", .text("${A}")),
        ("$$ and $A", .text("$$ and $A")),
        ("${A", .malformed),
        ("${}", .malformed),
        ("${A-b}", .malformed),
    ])
    func referencesAreReplacedOnce(text: String, expected: EnvironmentReference.Expansion) {
        #expect(EnvironmentReference.expand(text, environment: ["A": "1", "EMPTY": "", "NESTED": "${A}"]) == expected)
    }

    /// A forgotten variable must not turn off what would tell of trouble, nor tell it to others.
    @Test(arguments: [
        ("heartbeat: \"${NOWHERE}\"", "heartbeat"), ("fallback_receiver: \"${NOWHERE}\"", "fallback_receiver"),
        ("default_receivers: \"${NOWHERE}\"", "default_receivers"), ("routes: [{receivers: \"${NOWHERE}\"}]", "routes[0].receivers"),
        ("routes: [{matchers: \"${NOWHERE}\", receivers: []}]", "routes[0].matchers"),
    ])
    func aVariableThatIsNotSetIsAFault(text: String, key: String) {
        #expect(File.problems(text) == ["monitor.yaml:1: \(key): the environment variable NOWHERE is not set"])
    }

    /// Whoever looks at the alerts has the database, and not the secrets of chat channels and clients.
    @Test(arguments: [
        ("database: {url: postgres://a}\nreceivers: [{name: a, type: slack, url: \"${WEBHOOK}\"}]\ndefault_receivers: [a]", nil),
        ("database: {url: postgres://a}\nlistener: {tokens: [{name: a, secret: \"file:/nowhere\", scope: read}]}", nil),
        (
            """
            database: {url: postgres://a}
            listener: {slack_signing_secret: "${SIGNING}"}
            receivers: [{name: a, type: slack, url: https://example.com, interactive: true}]
            """, nil
        ),
        ("database: {url: postgres://a}\nlistener: {host: 0.0.0.0}", nil),
        ("database: {url: \"postgres://a:${PASSWORD}@h/d\"}", "database.url: the environment variable PASSWORD is not set"),
        ("databse: {url: postgres://a}\nheartbeat: \"file:/nowhere\"", "databse: unknown key"),
        ("database: {url: postgres://a}\nreceivers: [{name: a, type: pager, url: \"${WEBHOOK}\"}]", "receivers[0].type: must be one of"),
    ])
    func whatNeedsTheDatabaseAloneNeedsNoOtherSecret(text: String, problem: String?) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString).yaml").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let loader = ConfigurationLoader(file: file, environment: [:])
        #expect(throws: ConfigurationError.self) { try loader.load() }
        do {
            #expect(try loader.loadForDatabase().configuration.database.url == Secret("postgres://a"))
            #expect(problem == nil)
        } catch {
            #expect(error.description.contains(problem ?? "no problem"), "\(error)")
        }
    }
}
