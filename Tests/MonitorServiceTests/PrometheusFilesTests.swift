import Foundation
import Testing

/// What lies in deploy/prometheus, held against what the program measures.
struct PrometheusFilesTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy/prometheus")

    @Test("rules and dashboard ask for metrics that there are")
    func names() throws {
        let sources = ["Sources/MonitorAPI", "Sources/MonitorService", "Sources/Notifications"].flatMap { path in
            let root = Self.directory.deletingLastPathComponent().deletingLastPathComponent().appending(path: path)
            return FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
        }
        let code = try sources.filter { $0.pathExtension == "swift" }.map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        for file in ["alerts.yaml", "dashboard.json"] {
            let text = try String(contentsOf: Self.directory.appending(path: file), encoding: .utf8)
            let names = Set(text.matches(of: /torq_(monitor_[a-z_]+)/).map { String($0.1) })
            #expect(names.count > 8)
            for name in names {
                let base = ["_bucket", "_count"].first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
                #expect(code.contains("\"\(base)\"") || code.contains("\"torq_\(base)\""), "\(file): \(name)")
            }
        }
        let dashboard = try Data(contentsOf: Self.directory.appending(path: "dashboard.json"))
        #expect((try JSONSerialization.jsonObject(with: dashboard) as? [String: Any])?["panels"] != nil)
    }

    @Test(
        "promtool takes the rules, and they fire as their tests say",
        .enabled(if: PeerProgram.find("promtool") != nil, PeerProgram.hint("promtool")), .timeLimit(.minutes(1)))
    func rules() async throws {
        let promtool = try #require(PeerProgram.find("promtool"))
        for arguments in [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts-test.yaml"]] {
            let file = Self.directory.appending(path: arguments[2]).path
            let outcome = try await promtool.run([arguments[0], arguments[1], file])
            #expect(outcome.succeeded, "\(outcome.output)\(outcome.errors)")
        }
    }
}
