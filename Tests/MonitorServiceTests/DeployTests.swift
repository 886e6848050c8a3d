import Foundation
import Notifications
import Subprocess
import Testing
import Yams

@testable import MonitorService

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// What deploy/ holds is read by those for whom it is meant, as far as they are here.
@Suite struct DeployTests {
    private static let deploy = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy")
    private static let analyze = "/usr/bin/systemd-analyze"

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: deploy.appending(path: path), encoding: .utf8)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: analyze), "systemd is not installed"))
    func theUnitIsCleanAndHardened() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let unit = directory.appending(path: "torq-monitor.service").path
        // The program need not be installed here.
        try Self.text("systemd/torq-monitor.service").replacing("/usr/local/bin/torq-monitor", with: "/bin/true")
            .write(toFile: unit, atomically: true, encoding: .utf8)
        let verified = try await run("verify", unit)
        #expect(verified.succeeded && verified.text.isEmpty, "\(verified.text)")
        // 0 is safe, 10 is open to all; a unit that says nothing has 9.6.
        let judged = try await run("security", "--offline=true", "--threshold=20", "--no-pager", unit)
        #expect(judged.succeeded, "\(judged.text.suffix(400))")
    }

    /// Docker is not here: at least all that the package consists of is handed to it.
    @Test func theImageIsBuiltOfAllThatThePackageNames() throws {
        let root = Self.deploy.deletingLastPathComponent()
        let package = try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        let named = package.matches(of: /path: "([^"\/]+)/).map { String($0.output.1) }
        let folders = Set(named + ["Sources", "Tests", "Plugins"])
        #expect(folders.isSuperset(of: ["sql", "Plugins"]))
        let (dockerfile, ignored) = (try Self.text("docker/Dockerfile"), try Self.text("docker/Dockerfile.dockerignore"))
        let railway = try Self.text("railway/railway.json")
        for folder in folders {
            #expect(dockerfile.contains("COPY \(folder) \(folder)\n"), "\(folder)")
            #expect(ignored.split(separator: "\n").contains("!\(folder)"), "\(folder)")
            if folder != "Tests" { #expect(railway.contains("\"\(folder)/**\""), "\(folder)") }
        }
    }

    @Test func theExampleConfigurationIsGood() throws {
        let loaded = try ConfigurationLoader(environment: [:]).load(text: try Self.text("torq-monitor.yaml"), name: "torq-monitor.yaml")
        #expect(loaded.warnings == [])
        // What it writes out are the defaults.
        #expect(loaded.configuration == ServiceConfiguration())
    }

    @Test("what the example shows behind \"# \" can be used without it")
    func everyLineOfTheExampleIsGood() throws {
        let lines = try Self.text("torq-monitor.yaml").split(separator: "\n", omittingEmptySubsequences: false)
        let text = lines.dropFirst(3).map { $0.replacing(#/^( *)# /#, maxReplacements: 1) { $0.output.1 } }.joined(separator: "\n")
        let secret = "8c1f0e7ab3d94526e1f7a0b2c3d4958670a1b2c3d4e5f60718293a4b5c6d7e8f"
        let environment = [
            "DATABASE_URL": "postgresql://monitor@db.example.com/agents", "DASHBOARD_TOKEN": secret, "ONCALL_TOKEN": secret + "1",
            "PROMETHEUS_TOKEN": secret + "2", "GRAFANA_TOKEN": secret + "3", "TORQ_LINK_KEY": secret, "SLACK_SIGNING_SECRET": secret,
            "TEAMS_WORKFLOW_URL": "https://example.com/teams", "GOOGLE_CHAT_URL": "https://chat.googleapis.com/v1/spaces/a/messages?key=b",
            "PAGERDUTY_ROUTING_KEY": String(secret.prefix(32)), "WEBHOOK_SECRET": "whsec_\(Data(secret.utf8).base64EncodedString())",
            "CI_SECRET": "whsec_\(Data(secret.utf8).base64EncodedString())",
            "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/x",
        ]
        let loaded = try ConfigurationLoader(environment: environment).load(text: text, name: "torq-monitor.yaml")
        #expect(loaded.warnings == [])
        #expect(
            loaded.configuration.receivers.map(\.name) == ["ops", "gamers", "office", "space", "pager", "audit", "lines", "oncall"])
        #expect(loaded.configuration.relay.sources.map(\.name) == ["grafana", "ci"])
        #expect(loaded.configuration.routes.first?.receivers == ["oncall", "audit"])
        #expect(loaded.configuration.database.url != nil)
        // The keys that a receiver may have say what holds without them.
        let words = #/ {4}(rate_limit|max_in_flight|send_resolved|tell_ack|supersede|allow_private|interactive).*\n/#
        let plain = try ConfigurationLoader(environment: environment).load(text: text.replacing(words, with: ""), name: "torq-monitor.yaml")
        let receivers = try [loaded, plain].map { try NotificationConfiguration($0.configuration, port: 1).receivers["oncall"] }
        #expect(receivers[0] == receivers[1])
    }

    @Test func theConfigurationOfKubernetesIsGood() throws {
        let documents = try Yams.load_all(yaml: try Self.text("kubernetes/torq-monitor.yaml")).compactMap { $0 as? [String: Any] }
        #expect(documents.map { $0["kind"] as? String } == ["ConfigMap", "Deployment", "Service", "PodDisruptionBudget"])
        let configuration = try #require((documents[0]["data"] as? [String: String])?["torq-monitor.yaml"])
        // With the secrets where this test has them.
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for (name, value) in [
            ("database-url", "postgresql://h/d"), ("oncall-token", "0123456789abcdef0123456789abcdef"),
            ("slack-webhook-url", "https://h/x"),
        ] {
            try value.write(to: directory.appending(path: name), atomically: true, encoding: .utf8)
        }
        let loaded = try ConfigurationLoader(environment: [:]).load(
            text: configuration.replacing("/etc/torq-monitor/secrets", with: directory.path), name: "torq-monitor.yaml")
        #expect(loaded.warnings == [])
        let spec = (documents[1]["spec"] as? [String: Any]) ?? [:]
        #expect(spec["replicas"] as? Int == 2)
        let container = (((spec["template"] as? [String: Any])?["spec"] as? [String: Any])?["containers"] as? [[String: Any]])?.first ?? [:]
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] { #expect(container[probe] != nil, "\(probe)") }
    }

    @Test func whatTheContainersAreToldIsGood() throws {
        let compose = try #require(try Yams.load(yaml: try Self.text("docker/compose.yaml")) as? [String: Any])
        let services = try #require(compose["services"] as? [String: [String: Any]])
        let environment = try #require(services["monitor"]?["environment"] as? [String: String])
        let variables = environment.mapValues { value in
            value.replacing(/\$\{ONCALL_TOKEN[^}]*\}/, with: "0123456789abcdef0123456789abcdef").replacing(/\$\{PUBLIC_URL:-([^}]*)\}/) {
                $0.output.1
            }
            .replacing(/\$\{[A-Z_]*[^}]*\}/, with: "")
        }
        let loaded = try ConfigurationLoader(
            environment: variables.merging(["TORQ_MONITOR_LISTENER_HOST": "0.0.0.0"]) { old, _ in old }
        ).load()
        #expect(loaded.warnings == [] && loaded.configuration.listener.tokens.count == 1)
        _ = try JSONDecoder().decode([String: JSONAny].self, from: Data(try Self.text("railway/railway.json").utf8))
    }

    private struct JSONAny: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    private func run(_ arguments: String...) async throws -> (succeeded: Bool, text: String) {
        let result = try await Subprocess.run(
            .path(FilePath(Self.analyze)), arguments: Arguments(arguments), output: .string(limit: 1024 * 1024),
            error: .string(limit: 1024 * 1024))
        return (result.terminationStatus.isSuccess, result.standardError)
    }
}
