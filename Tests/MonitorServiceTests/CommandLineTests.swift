import Foundation
import Monitoring
import MonitoringSchema
import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests")) struct CommandLineTests {
    @Test(arguments: [
        (["nonsense"], 2, "nonsense"),
        (["check", "--at", "yesterday"], 2, "yesterday"),
        (["compute", "--hour", "24"], 2, "--hour is 0 to 23"),
        (["compute", "--date", "2999-01-01"], 2, "--date is a date that has begun"),
        (["check", "--at", "2099-01-01"], 2, "--at is a moment that has come"),
        (["check", "--at", "2999-01-01"], 2, "--at is from 1970-01-01 to 2099-12-31"),
        (["check", "--at", "0001-01-01"], 2, "--at is from 1970-01-01 to 2099-12-31"),
        (["backtest", "--from", "0001-01-01", "--to", "0001-01-02"], 2, "--from and --to are from 1970-01-01"),
        (["alerts", "list", "--status", "closed"], 2, "--status is open, acknowledged, resolved, ignored or all"),
        (["alert", "list", "--status", "closed"], 2, "--status is open, acknowledged, resolved, ignored or all"),
        (["baseline", "accept"], 2, "--reason"),
        (["baseline", "accept", "--reason", " "], 2, "--reason must say why"),
        (["backtest", "--from", "2026-02-01", "--to", "2026-02-02", "--step", "often"], 2, "--step"),
        (
            ["backtest", "--from", "2026-02-01", "--to", "2026-02-02", "--svg", "/nowhere/x.svg", "--database", "host=/nowhere"], 1,
            "/nowhere/x.svg cannot be written: there is no such directory"
        ),
        (
            ["check", "--database", "mysql://root@localhost/x"], 1,
            "torq-monitor: command line: database.url: cannot be used: the conninfo is not valid: keywords and values are written keyword=value"
        ),
        (["check", "--database", "postgresql://u:hunter2@h:port/x"], 1, "the port is no number"),
        (["check", "--database", "postgresql://u:hunter2@h:70000/x"], 1, "the port is no number from 1 to 65535"),
        (["config", "check", "--config", "/nowhere.yaml"], 1, "/nowhere.yaml"),
        (["healthcheck", "--port", "1"], 1, "not ready"),
    ])
    func faultsAreNamedAndTheExitCodeTellsTheirKind(arguments: [String], code: Int32, words: String) async throws {
        let outcome = try await Program.run(arguments)
        #expect(outcome.code == code)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains(words))
    }

    @Test func whatServeRefusesConfigCheckRefuses() async throws {
        let environment = ["TORQ_MONITOR_LISTENER_PUBLIC_URL": "https://monitor.example.com/?from=chat"]
        for command in [["config", "check"], ["serve", "--port", "0"]] {
            let outcome = try await Program.run(command, environment: environment)
            #expect(outcome.code == 1)
            #expect(outcome.errors.contains("listener.public_url must be like https://monitor.example.com"))
        }
    }

    @Test func aPortThatIsTakenIsNamedBeforeAnythingIsBegun() async throws {
        let other = try HTTPFixture()
        defer { other.stop() }
        for command in [["serve"], ["demo", "--chat-port", "0"]] {
            let outcome = try await Program.run(command + ["--data-dir", "/nowhere/at/all", "--port", "\(other.port)"])
            #expect(outcome.code == 1)
            #expect(outcome.errors.contains("port \(other.port) of 127.0.0.1 is taken"))
        }
    }

    /// 192.0.2.0/24 is for documentation: nobody has an address of it.
    @Test(arguments: [("192.0.2.7", "no interface of this machine has that address"), ("nosuch.invalid", "there is no host of that name")])
    func anAddressThatNobodyHasIsNamed(host: String, words: String) async throws {
        let token = String(repeating: "4f1c", count: 16)
        let files = try ReloadTests.Files()
        defer { files.remove() }
        try files.write("monitor.yaml", "listener: {host: \(host), tokens: [{name: a, secret: \(token), scope: read}]}")
        let result = try await Program.run(["serve", "--config", files.path("monitor.yaml")])
        #expect(result.code == 1 && result.errors.contains("port 8080 of \(host) cannot be bound: \(words)"), "\(result.errors)")
    }

    /// What cannot be written ends nothing on stderr, and is no success on stdout.
    @Test(arguments: [
        ("config check 2>/dev/full", 0, ""), ("alerts foo 2>/dev/full", 2, ""), ("alerts foo 2>&-", 2, ""),
        ("schema >/dev/full", 1, "standard output cannot be written"), ("--help >/dev/full", 1, "standard output cannot be written"),
    ])
    func aFullDisk(command: String, code: Int, words: String) async throws {
        let script = "\"$0\" \(command); test $? -eq \(code)"
        let result = try await PeerProgram(path: "/bin/sh").run(["-c", script, Program.path], timeout: .seconds(60))
        #expect(result.succeeded && (words.isEmpty || result.errors.contains(words)), "\(result)")
    }

    /// The numbers of what is closed must not become those of sockets.
    @Test func aServiceWithoutStandardDescriptorsGoesOn() async throws {
        let port = try HTTPFixture.unusedPort()
        let url = "postgresql://monitor@127.0.0.1:1/none"
        let script = """
            "$0" serve --port \(port) --database \(url) 0<&- 1>&- 2>&- &
            sleep 7
            for number in 0 1 2; do readlink /proc/$!/fd/$number; done
            kill $! && wait $!
            echo $?
            """
        let result = try await PeerProgram(path: "/bin/sh").run(["-c", script, Program.path])
        #expect(result.output == "/dev/null\n/dev/null\n/dev/null\n0\n", "\(result)")
    }

    @Test func aSecretIsNotInAnError() async throws {
        let outcome = try await Program.run(["check", "--database", "postgresql://monitor:hunter2secret@127.0.0.1:1/x?connect_timeout=1"])
        #expect(outcome.code == 1)
        #expect(!outcome.errors.contains("hunter2secret"))
    }

    /// The last one counts, and the others hold passwords as well.
    @Test func noPasswordStandsInTheProcessList() async throws {
        let script = """
            "$0" serve --port 0 --database postgresql://u:hunter2@127.0.0.1:1/a --database=postgresql://u:hunter3@127.0.0.1:1/b 2>/dev/null &
            for try in 1 2 3 4 5 6 7 8 9 10; do
                sleep 0.5
                tr '\\0' ' ' </proc/$!/cmdline
                echo
            done
            kill $!
            """
        let result = try await PeerProgram(path: "/bin/sh").run(["-c", script, Program.path])
        let last = result.output.split(separator: "\n").last ?? ""
        #expect(last.contains("--database ****") && last.contains("--database=****") && !last.contains("hunter"), "\(last)")
    }

    @Test(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) func aCommandDoesNotMigrateADatabaseOfOthers() async throws {
        try await withTestDatabase { database in
            for command in [["alerts", "list"], ["check", "--dry-run"], ["backtest", "--from", "2026-02-01", "--to", "2026-02-02"]] {
                let outcome = try await Program.run(command + ["--database", database.url])
                #expect(outcome.errors == "torq-monitor: the database's schema is not up to date: run torq-monitor migrate first\n")
                #expect(outcome.code == 1)
            }
            #expect(try await database.client.query("SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace").isEmpty)
        }
    }

    @Test func theSchemaIsPrinted() async throws {
        #expect(try await Program.run(["schema"]).output == MonitoringSchema.whole)
    }

    @Test func theExampleConfigurationIsGood() async throws {
        let example = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../deploy/torq-monitor.yaml").path
        let outcome = try await Program.run(["config", "check", "--config", example])
        #expect(outcome.output == "The configuration is good.\n")
        #expect(outcome.errors == "")
        #expect(outcome.code == 0)
    }

    @Test func withoutAFileACheckSaysSo() async throws {
        #expect(try await Program.run(["config", "check"]).output.contains("It has no file"))
    }

    @Test(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
    func checkExitsWithThreeWhileAlertsAreOpenAndInThePastForWhatFires() async throws {
        try await withTestDatabase { database in
            let shared = ["--database", database.url]
            #expect(try await Program.run(["migrate"] + shared).code == 0)
            #expect(try await Program.run(["check", "--exit-code"] + shared).code == 0)
            try await SpineTests.writeEvents(database.client)
            #expect(try await Program.run(["compute", "--update-baseline"] + shared).code == 0)
            try await database.client.query("DELETE FROM learning_events WHERE occurred_at > now() - interval '2 hours'")
            for options in [["--dry-run"], ["--at", MonitoringJSON.timestamp(Date())], []] {
                let outcome = try await Program.run(["check", "--exit-code", "--format", "json"] + options + shared)
                let alerts = try JSONValue(parsing: outcome.output)["open_alerts"]?.array ?? []
                #expect(alerts.contains { $0["alert_type"] == .string("fallback_spike") }, "\(options) \(outcome.errors)")
                #expect(outcome.code == 3)
            }
            // The settings are the database's; a file that says something else is no secret wish.
            let files = try ReloadTests.Files()
            defer { files.remove() }
            for (text, isOther) in [("detection: {rule: ratio}", true), ("detection: {rule: evidence}", false)] {
                try files.write("monitor.yaml", text)
                let outcome = try await Program.run(["check", "--dry-run", "--config", files.path("monitor.yaml")] + shared)
                #expect(outcome.code == 0 && outcome.errors.contains("the detection of") == isOther, "\(outcome.errors)")
            }
            let past = try await Program.run(["check", "--exit-code", "--format", "json", "--at", "2020-01-01"] + shared)
            #expect(try JSONValue(parsing: past.output)["open_alerts"] == .array([]))
            #expect(past.code == 0)
        }
    }

    @Test(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
    func aNewNormalIsAcceptedAndShown() async throws {
        try await withTestDatabase { database in
            let shared = ["--database", database.url]
            #expect(try await Program.run(["migrate"] + shared).code == 0)
            let none = try await Program.run(["baseline", "show"] + shared)
            #expect(none.code == 1 && none.errors.contains("there is no such baseline yet"))
            try await SpineTests.writeEvents(database.client)
            #expect(try await Program.run(["compute", "--update-baseline"] + shared).code == 0)
            #expect(try await Program.run(["baseline", "show"] + shared).output.contains("Fallback rate"))

            let future = try await Program.run(["baseline", "accept", "--reason", "r", "--from", "2999-01-01"] + shared)
            #expect(
                future.code == 2 && future.errors.contains("a new normal begins with a whole UTC hour of the last 28 days"),
                "\(future.errors)")
            let accepted = try await Program.run(["baseline", "accept", "--reason", "new model", "--by", "ann"] + shared)
            #expect(accepted.code == 0 && accepted.output.contains("by ann: new model"), "\(accepted.errors)")
            #expect(!accepted.errors.contains("nothing is compared"), "\(accepted.errors)")
            #expect(accepted.errors.contains("nothing to compare with") && accepted.errors.contains("error_rate"), "\(accepted.errors)")
            let unused = try await Program.run(["baseline", "accept", "--reason", "r", "--name", "7day_roling"] + shared)
            #expect(
                unused.code == 0 && unused.errors.contains("nothing is compared with 7day_roling: the settings name 7day_rolling"),
                "\(unused.errors)")
            let shown = try JSONValue(parsing: try await Program.run(["baseline", "show", "--format", "json"] + shared).output)
            #expect(shown["accepted_by"] == .string("ann"))
            #expect(try await Program.run(["alerts", "list"] + shared).output == "No alerts.\n")
            let resolved = try await Program.run(["alerts", "list", "--status", "resolved", "--format", "json"] + shared)
            #expect(resolved.output.contains(#""resolved_by":"ann""#))
        }
    }

    @Test(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
    func eventsAreImportedComputedAndWalkedThrough() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString).csv").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try """
        event_id,occurred_at,event_type,source_agent,duplicate_count,event_data
        a,2026-02-21T10:00:00Z,success,prince_flowers,1,"{""reward"": 0.9, ""duration_ms"": 100}"
        b,2026-02-21T10:30:00+00:00,failure,prince_flowers,2,"{""reward"": ""0.1"", ""duration_ms"": 300}"
        c,yesterday,success,prince_flowers,1,{}
        """.write(toFile: file, atomically: true, encoding: .utf8)
        try await withTestDatabase { database in
            let shared = ["--database", database.url]
            #expect(try await Program.run(["migrate"] + shared).code == 0)
            #expect(try await Program.run(["migrate"] + shared).output == "The schema is up to date.\n")
            let imported = try await Program.run(["import"] + shared + ["--format", "json", file])
            #expect(imported.code == 0, "\(imported.errors)")
            let report = try JSONValue(parsing: imported.output).array?.first
            #expect(report?["imported"] == .integer(2))
            #expect(report?["malformed_count"] == .integer(1))
            #expect(imported.errors.contains("line 4"))
            try "event_id,occurred_at,event_type\nd,soon,success\n".write(toFile: file, atomically: true, encoding: .utf8)
            let nothing = try await Program.run(["import"] + shared + [file])
            #expect(nothing.code == 1 && nothing.errors.contains("no line of it could be read"), "\(nothing.errors)")

            let computed = try await Program.run(["compute"] + shared + ["--date", "2026-02-21", "--format", "json"])
            let expected = """
                {"baseline_data":null,"baseline_updated":false,"computation_time_ms":0,"drift_check":{"alert_ids":[],"alerts_created":0},\
                "metrics_computed":true,"metrics_inserted":25,"rows_computed":25,"target_date":"2026-02-21","target_hour":null,\
                "view_refreshed":true}

                """
            #expect(
                computed.output.replacing(/"computation_time_ms":[0-9.]+/, with: #""computation_time_ms":0"#) == expected,
                "\(computed.errors)")
            let day = try await MetricRepository(client: database.client).daily(from: Day("2026-02-21")!, to: Day("2026-02-21")!)
            #expect(day.map(\.totalEvents) == [2])
            #expect(day.first?.latencyP50 == 200)
            #expect(day.first?.errorRate == 0.5)

            let walked = try await Program.run(
                ["backtest"] + shared + ["--from", "2026-02-21", "--to", "2026-02-22", "--step", "1h", "--format", "json"])
            // Two events are nothing to compare with.
            let unarmed = [
                "duplicate_rate", "error_rate", "fallback_rate", "health_score", "latency_p95", "model_mix", "total_events",
            ].map { #"{"metric_name":"\#($0)","evaluations":24}"# }.joined(separator: ",")
            #expect(
                try JSONValue(parsing: walked.output)
                    == JSONValue(
                        parsing: """
                            {"from":"2026-02-21T00:00:00Z","to":"2026-02-22T00:00:00Z","step_seconds":3600,"evaluations":24,"alerts":[],\
                            "not_armed":[\(unarmed)]}
                            """))
            let told = try await Program.run(["backtest"] + shared + ["--from", "2026-02-21", "--to", "2026-02-22", "--step", "1h"])
            #expect(told.output.contains("Nothing to compare with in 24 of 24 evaluations: duplicate_rate, error_rate, "), "\(told.output)")
            let checked = try await Program.run(["check"] + shared + ["--at", "2026-02-21T12:00:00Z", "--exit-code", "--format", "json"])
            #expect(checked.code == 0)
        }
    }
}
