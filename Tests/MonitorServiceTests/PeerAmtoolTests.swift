import Foundation
import Monitoring
import TestSupport
import Testing

/// Alertmanager's own command line against the API that is like Alertmanager's.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"),
    .enabled(if: PeerProgram.find("amtool") != nil, PeerProgram.hint("amtool")), .timeLimit(.minutes(3)))
struct PeerAmtoolTests {
    @Test func alertsAndSilencesAreAddedListedAndEnded() async throws {
        let amtool = try #require(PeerProgram.find("amtool"))
        try await withPeerDirectory { directory in
            let file = "\(directory)/torq-monitor.yaml"
            try """
            receivers: [{name: infra, type: log}, {name: oncall, type: log}]
            routes:
              - {matchers: ['team="infra"', 'severity>=high'], receivers: [infra, oncall], group_by: [alertname]}
            default_receivers: [oncall]
            inhibit_rules: [{source_matchers: [alertname=NodeDown], target_matchers: [alertname=DiskFull], equal: [instance]}]
            """.write(toFile: file, atomically: true, encoding: .utf8)
            try await withTestDatabase { database in
                let code = try await Program.serve(["--database", database.url, "--config", file]) { address in
                    @discardableResult func run(_ arguments: String..., fails: Bool = false) async throws -> String {
                        let outcome = try await amtool.run(arguments + ["--alertmanager.url=\(address)"])
                        #expect(outcome.succeeded != fails, "\(arguments): \(outcome.output)\(outcome.errors)")
                        return outcome.output + outcome.errors
                    }
                    try await run("alert", "add", "alertname=HighLatency", "severity=page", "team=infra", "--annotation=summary=p99 is 4 s")
                    try await run("alert", "add", "alertname=DiskFull", "instance=a b c", "severity=warning")
                    #expect(try await run("alert", "query").contains("p99 is 4 s"))
                    let found = try await run("alert", "query", "alertname=DiskFull", "-o", "json")
                    let alert = try #require(try JSONValue(parsing: found).array?.first)
                    #expect(alert["labels"]?["instance"] == "a b c" && alert["status"]?["state"] == "active")
                    #expect(try await run("alert", "query", "alertname=~High.*", "-o", "extended").contains("HighLatency"))

                    let id = try await run(
                        "silence", "add", "alertname=DiskFull", "instance=~a.*", "--comment=deploy", "--author=Ana", "--duration=1h"
                    ).trimmingCharacters(in: .whitespacesAndNewlines)
                    #expect(UUID(uuidString: id) != nil, "\(id)")
                    #expect(try await run("silence", "query").contains("Ana"))
                    #expect(try await run("silence", "query", "alertname=DiskFull", "-q").contains(id))
                    #expect(!(try await run("silence", "query", "alertname=Other", "-q").contains(id)))
                    #expect(!(try await run("alert", "query").contains("DiskFull")))
                    #expect(try await run("alert", "query", "--silenced").contains("DiskFull"))
                    let updated = try await run("silence", "update", id, "--duration=2h", "--comment=longer")
                    #expect(updated.contains("longer"), "\(updated)")
                    try await run("silence", "expire", id)
                    #expect(!(try await run("silence", "query", "-q").contains(id)))
                    #expect(try await run("silence", "query", "--expired", "-q").contains(id))
                    #expect(try await run("alert", "query").contains("DiskFull"))

                    #expect(try await run("config", "show").contains("infra,oncall"))
                    #expect(try await run("config", "routes", "test", "team=infra", "severity=page").contains("infra,oncall"))
                    #expect(try await run("config", "routes", "test", "team=infra", "severity=info").contains("oncall"))
                    #expect(try await run("config", "routes", "show").contains("team"))
                    let unknown = try await run("silence", "expire", "00000000-0000-4000-8000-00000000ffff", fails: true)
                    #expect(unknown.contains("silence not found"), "\(unknown)")
                    let negative = try await run("silence", "add", "team!=infra", "--comment=c", "--author=a")
                    #expect(UUID(uuidString: negative.trimmingCharacters(in: .whitespacesAndNewlines)) != nil, "\(negative)")
                    let refused = try await run("silence", "add", "alertname=~\\bx", "--comment=c", "--author=a", fails: true)
                    #expect(refused.contains("regular expression"), "\(refused)")
                }
                #expect(code == 0)
            }
        }
    }
}
