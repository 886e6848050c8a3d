import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

/// `notifications` and `silences` on the command line.
@Suite(.enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests")) struct OutboxCommandTests {
    private static let alert = "00000000-0000-4000-8000-000000000001"
    private static let first = "20000000-0000-4000-8000-000000000001"
    private static let second = "20000000-0000-4000-8000-000000000002"

    private static let sql = """
        INSERT INTO monitoring_alerts (id, fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, opened_at, live_since,
            last_evidence_at)
        VALUES ('\(alert)', 'f1', 'error_spike', 'high', 'high', 'error_rate', '2026-02-21', now(), now(), now());
        INSERT INTO monitoring_notifications (id, alert_id, receiver, cause, sequence, transition, severity, status, due_at, attempts,
            message_id, last_error, created_at)
        VALUES
            ('\(first)', '\(alert)', 'oncall', 'transition', 1, 'opened', 'high', 'dead', now(), 1, '\(first)', 'refused', now() - interval '2 hours'),
            ('\(second)', '\(alert)', 'oncall', 'transition', 2, 'escalated', 'high', 'dead', now(), 1, '\(first)', 'refused', now() - interval '1 hour');
        INSERT INTO monitoring_delivery_attempts (notification_id, attempt, process, started_at, outcome, reason, total_ms)
        VALUES ('\(first)', 1, 'p1', now(), 'retry', 'refused', 12.5);
        """

    @Test(arguments: [
        (["notifications", "retry"], "either ids or --receiver NAME"),
        (["notifications", "retry", first, "--receiver", "oncall"], "either ids or --receiver NAME"),
        (["notifications", "retry", first, "--present"], "--present and --since go with --receiver"),
        (["notifications", "retry", "--receiver", "oncall", "--since", "91d"], "--since is a time such as 12h or 3d, at most 90d"),
        (["notifications", "list", "--limit", "0"], "--limit is 1 to 1000"),
        (["silences", "add", "--for", "2h"], "Missing expected argument"),
        (["silences", "add", "=red", "--for", "2h"], "names no label"),
        (["silences", "add", "severity>=high"], "say how long: --for 2h, or --until with a moment"),
        (["silences", "add", "severity>=high", "--for", "often"], "--for is a time such as 30m, 4h or 2d"),
        (["silences", "add", "severity>=high", "--for", "2h", "--by", ""], "--by has 1 to 200 characters"),
        (["silences", "add", "severity>=high", "--for", "2h", "--by", "\u{1B}[2J"], "--by has 1 to 200 characters"),
        (["silences", "add", "severity>=high", "--until", "2020-01-01"], "a silence ends after it begins, and after now"),
    ])
    func faultsAreNamed(arguments: [String], words: String) async throws {
        let outcome = try await Program.run(arguments)
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(!outcome.errors.contains("\u{1B}"))
    }

    @Test(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
    func aNotificationIsShownRetriedAndReplayed() async throws {
        try await withTestDatabase { database in
            let shared = ["--database", database.url]
            #expect(try await Program.run(["migrate"] + shared).code == 0)
            try await database.client.withConnection { try await $0.executeScript(Self.sql) }

            let shown = try await Program.run(["notifications", "show", Self.second] + shared)
            #expect(shown.output.contains("escalated of alert \(Self.alert) to oncall: dead, refused"), "\(shown.output)\(shown.errors)")
            #expect(shown.output.contains("Its message tells of 2:") && shown.output.contains("12.5"))
            let json = try await Program.run(["notifications", "show", Self.second, "--format", "json"] + shared)
            #expect(try JSONValue(parsing: json.output)["attempts"]?.array?.count == 1)
            #expect(try await Program.run(["notifications", "show", Self.alert] + shared).code == 1)

            let page = try await Program.run(["notifications", "list", "--limit", "1", "--format", "json"] + shared)
            #expect(page.errors == "there are older ones (--limit up to 1000, --status and --receiver for some of them)\n")
            #expect(try JSONValue(parsing: page.output).array?.count == 1)
            #expect(try await Program.run(["notifications", "list", "--limit", "2"] + shared).errors == "")

            let retried = try await Program.run(["notifications", "retry", Self.second] + shared)
            #expect(retried.output.hasPrefix("\(Self.second) is pending, due at 2"), "\(retried.output)")
            #expect(retried.output.hasSuffix("Z, with 1 more that its message tells of\n"), "\(retried.output)")
            // The beginnings of both are the same.
            let several = try await Program.run(["notifications", "drop", Self.first.prefix(8).description] + shared)
            #expect(several.code == 1 && several.errors.contains("several notifications have ids that begin with"), "\(several.errors)")
            let dropped = try await Program.run(["notifications", "drop", Self.first] + shared)
            #expect(dropped.output == "\(Self.first) is dropped, with 1 more that its message tells of\n")

            let again = try await Program.run(["notifications", "drop", Self.first] + shared)
            #expect(again.code == 0 && again.output == "\(Self.first) is dropped, as it was\n")
            try await database.client.query("UPDATE monitoring_notifications SET status = 'delivered'")
            let late = try await Program.run(["notifications", "retry", Self.first] + shared)
            #expect(late.code == 1 && late.output == "\(Self.first) is delivered, as it was\n", "\(late.output)\(late.errors)")

            try await database.client.query("UPDATE monitoring_notifications SET status = 'dead', message_id = NULL")
            let narrow = try await Program.run(["notifications", "retry", "--receiver", "oncall", "--since", "30m"] + shared)
            #expect(narrow.output == "0 are due again, 0 are superseded by newer ones\n")
            let present = try await Program.run(["notifications", "retry", "--receiver", "oncall", "--present"] + shared)
            #expect(present.output == "1 are due again, 1 are superseded by newer ones\n", "\(present.errors)")
            try await database.client.query("UPDATE monitoring_notifications SET status = 'dead'")
            let all = try await Program.run(["notifications", "retry", "--receiver", "oncall", "--since", "3d"] + shared)
            #expect(all.output == "2 are due again, 0 are superseded by newer ones\n")
            let nobody = try await Program.run(["notifications", "retry", "--receiver", "nobody"] + shared)
            #expect(nobody.code == 1 && nobody.errors.contains("nothing was ever told to a receiver nobody; there are oncall"))
            let none = try await Program.run(["notifications", "list", "--receiver", "nobody"] + shared)
            #expect(none.code == 1 && none.errors.contains("nothing was ever told to a receiver nobody; there are oncall"))
        }
    }

    @Test(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
    func silencesAreAddedListedAndEnded() async throws {
        try await withTestDatabase { database in
            let shared = ["--database", database.url]
            #expect(try await Program.run(["migrate"] + shared).code == 0)
            #expect(try await Program.run(["silences", "list"] + shared).output == "No silences.\n")
            let added = try await Program.run(
                [
                    "silences", "add", "severity>=high", "model=~\"gpt-.*\"", "--for", "2h", "--by", "ann", "--comment", "load test",
                    "--format",
                    "json",
                ] + shared)
            let silence = try JSONValue(parsing: added.output)
            #expect(silence["matchers"] == .array([.string("severity>=high"), .string("model=~\"gpt-.*\"")]))
            #expect(silence["state"] == .string("active") && silence["created_by"] == .string("ann"))
            let id = try #require(silence["id"]?.string)
            let list = try await Program.run(["silences", "list"] + shared)
            #expect(list.output.contains(id) && list.output.contains("load test") && list.output.contains("active"))
            let later = try await Program.run(
                ["silences", "add", "severity>=low", "--from", "2999-01-01", "--until", "2999-01-02"] + shared)
            #expect(later.code == 2 && later.errors.contains("a silence ends within ten years"))
            let ended = try await Program.run(["silences", "expire", id] + shared)
            #expect(ended.output == "Silence \(id) is expired.\n", "\(ended.errors)")
            #expect(try await Program.run(["silences", "list"] + shared).output == "No silences.\n")
            #expect(
                try await Program.run(["silences", "list", "--all", "--format", "json"] + shared).output.contains(#""state":"expired""#))
            #expect(try await Program.run(["silences", "expire", Self.alert] + shared).code == 1)
            let slip = try await Program.run(["silences", "add", "modle=gpt-4o", "severity=low", "--for", "2h"] + shared)
            #expect(
                slip.errors == "No alert stands now.\n"
                    + "torq-monitor: warning: modle is no label of the monitor's, and no alert that stands has it\n", "\(slip.errors)")
            for _ in 0..<2 { try await ReloadTests.openAlert(database.client) }
            for (matcher, said) in [
                ("model=m", "It covers all of the 2 alerts that stand now."), ("model=n", "It covers none of the 2 alerts that stand now."),
            ] {
                let added = try await Program.run(["silences", "add", matcher, "--for", "2h", "--format", "json"] + shared)
                #expect(added.errors == "\(said)\n", "\(added.errors)")
            }
        }
    }
}
