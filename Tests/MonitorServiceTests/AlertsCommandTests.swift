import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

/// `alerts` on the command line.
@Suite(.enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests")) struct AlertsCommandTests {
    private static let first = "3f2a9c1b-5d60-4000-8000-000000000001"
    private static let second = "3f2a9c1b-5d61-4000-8000-000000000002"

    private static let sql = """
        INSERT INTO monitoring_alerts (id, fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, opened_at, live_since,
            last_evidence_at)
        SELECT id::uuid, id, 'error_spike', 'high', 'high', 'error_rate', '2026-02-21', now(), now(), now()
        FROM unnest('{\(first),\(second)}'::text[]) AS id;
        SELECT monitoring_transition(id, 'open', 'evaluation', 'monitor', NULL, NULL, 'high', '{}', now()) FROM monitoring_alerts;
        """

    @Test("what is no beginning of an id is refused", arguments: ["3f2", "3f2g", "3f2a9c1b5-d60", "\(first)0", "-", "３f2a"])
    func faultsAreNamed(id: String) async throws {
        let outcome = try await Program.run(["alerts", "show", "--", id])
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains("at least its first 4 hexadecimal digits"), "\(outcome.errors)")
    }

    @Test(arguments: ["\u{1B}[2J", "a\nb", " ", "", String(repeating: "x", count: 201)])
    func whoDoesItHasAPlainName(name: String) async throws {
        for command in [["alerts", "ack", Self.first], ["baseline", "accept", "--reason", "r"]] {
            let outcome = try await Program.run(command + ["--by", name])
            #expect(outcome.code == 2)
            #expect(outcome.errors.contains("--by has 1 to 200 characters, none of them a control character"), "\(outcome.errors)")
            #expect(!outcome.errors.contains("\u{1B}"))
        }
    }

    @Test(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: geteuid() == 0, "only root may become somebody else"))
    func aUserWithoutANameIsNamedByItsNumber() async throws {
        try await withTestDatabase { database in
            #expect(try await Program.run(["migrate", "--database", database.url]).code == 0)
            try await database.client.withConnection { try await $0.executeScript(Self.sql) }
            let command = "alerts ack \(Self.first) --format json --database '\(database.url)'"
            let script = "exec setpriv --reuid 54321 --clear-groups \"$0\" \(command)"
            let taken = try await PeerProgram(path: "/bin/sh").run(["-c", script, Program.path])
            #expect(try JSONValue(parsing: taken.output)["acknowledged_by"] == "uid 54321", "\(taken.errors)")
        }
    }

    @Test("an alert can be named by the beginning of its id", .enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
    func anAlertIsNamedByItsBeginning() async throws {
        try await withTestDatabase { database in
            let shared = ["--database", database.url]
            #expect(try await Program.run(["migrate"] + shared).code == 0)
            try await database.client.withConnection { try await $0.executeScript(Self.sql) }

            let taken = try await Program.run(["alerts", "ack", "3F2A9C1B-5D60", "--by", "ana", "--format", "json"] + shared)
            let alert = try JSONValue(parsing: taken.output)
            #expect(alert["id"]?.string == Self.first, "\(taken.errors)")
            #expect(alert["status"] == "acknowledged" && alert["acknowledged_by"] == "ana")
            let shown = try await Program.run(["alerts", "show", "3f2a9c1b5d61", "--format", "json"] + shared)
            #expect(try JSONValue(parsing: shown.output)["alert"]?["id"]?.string == Self.second)
            #expect(try JSONValue(parsing: shown.output)["alert"]?["status"] == "open")
            try await database.client.query("UPDATE monitoring_alerts SET summary = E'red \\x1b[31m\\u009b \\u202e\\nline'")
            let table = try await Program.run(["alerts", "show", "3f2a9c1b5d61"] + shared)
            #expect(table.output.split(separator: "\n").contains("red  [31m    line"), "\(table.output)")

            for format in ["table", "json"] {
                let list = try await Program.run(["alerts", "list", "--status", "all", "--limit", "1", "--format", format] + shared)
                #expect(list.errors == "1 more opened before these (--limit up to 1000, --threshold high for the grave ones)\n")
                let all = try await Program.run(["alerts", "list", "--status", "all", "--limit", "2", "--format", format] + shared)
                #expect(all.errors == "")
            }

            let several = try await Program.run(["alerts", "resolve", "3f2a"] + shared)
            #expect(several.code != 0)
            #expect(several.errors.contains("several alerts have ids that begin with 3f2a: \(Self.first), \(Self.second)"))
            // A name that an older version took.
            try await database.client.query("UPDATE monitoring_alerts SET acknowledged_by = E'\\x1b[2J' WHERE status = 'acknowledged'")
            let already = try await Program.run(["alerts", "ack", Self.first] + shared)
            #expect(already.output == "It was so already: the alert is acknowledged,  [2J has it.\n", "\(already.errors)")
            let none = try await Program.run(["alerts", "resolve", "3f2b"] + shared)
            #expect(none.code != 0)
            #expect(none.errors.contains("there is no alert whose id begins with 3f2b"))
            let open = try await database.client.query("SELECT count(*) AS n FROM monitoring_alerts WHERE status = 'resolved'")
            #expect(try open[0].decode("n") == 0)
        }
    }
}
