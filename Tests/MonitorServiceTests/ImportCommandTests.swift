import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

/// `import` on the command line.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint),
    .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"))
struct ImportCommandTests {
    /// Texts of a file are shown, and do nothing to a terminal.
    @Test func aFileSendsNoEscapesToATerminal() async throws {
        try await withTestDatabase { database in
            #expect(try await Program.run(["migrate", "--database", database.url]).code == 0)
            let files = try ReloadTests.Files()
            defer { files.remove() }
            try files.write("time.ndjson", #"{"event_id": "a", "event_type": "success", "occurred_at": "\u001b[2Jnow"}"# + "\n")
            try files.write("key.ndjson", #"{"event_id": "a", "\u001b[2J": 1}"# + "\n")
            try files.write("header.csv", "event_id,occurred_at,\u{1B}[2J\n")
            for (file, words) in [
                ("time.ndjson", "is not a time like 2026-02-21T10:00:02.431Z: \" [2Jnow\""), ("key.ndjson", "has no column \" [2J\""),
                ("header.csv", "has no column \" [2J\""),
            ] {
                let outcome = try await Program.run(["import", files.path(file), "--database", database.url])
                #expect(outcome.code == 1 && outcome.errors.contains(words), "\(outcome.errors)")
                #expect(!outcome.errors.contains("\u{1B}"), "\(file)")
            }
        }
    }

    @Test func whatWasImportedIsToldThoughTheNextFileIsNotThere() async throws {
        try await withTestDatabase { database in
            #expect(try await Program.run(["migrate", "--database", database.url]).code == 0)
            let files = try ReloadTests.Files()
            defer { files.remove() }
            try files.write("a.ndjson", #"{"event_id": "a", "event_type": "success", "occurred_at": "2026-02-21T10:00:00Z"}"# + "\n")
            let outcome = try await Program.run(
                ["import", files.path("a.ndjson"), files.path("none"), "--format", "json", "--database", database.url])
            #expect(outcome.code == 1 && outcome.errors.contains(files.path("none")), "\(outcome.errors)")
            #expect(try JSONValue(parsing: outcome.output).array?.map { $0["imported"] } == [.integer(1)])
        }
    }

    /// Batches that were committed stay: whoever counts existing events would count them twice.
    @Test(arguments: [
        ("skip", "run again, it skips them"), ("count", "run again with --on-existing count, it counts them once more"),
    ])
    func whatStaysOfAnImportThatBrokeOffIsTold(onExisting: String, words: String) async throws {
        try await withTestDatabase { database in
            #expect(try await Program.run(["migrate", "--database", database.url]).code == 0)
            let files = try ReloadTests.Files()
            defer { files.remove() }
            let events = (1...10_001).map { "e\($0),success,2026-02-21T10:00:00Z\n" }.joined()
            try files.write("events.csv", "event_id,event_type,occurred_at\n" + events)
            try await database.client.withConnection { connection in
                try await connection.executeScript(
                    """
                    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room' USING ERRCODE = '53100'; END $$;
                    CREATE TRIGGER fail BEFORE INSERT ON learning_events FOR EACH ROW WHEN (NEW.event_id = 'e10001') EXECUTE FUNCTION fail();
                    """)
            }
            let file = files.path("events.csv")
            let outcome = try await Program.run(["import", file, "--on-existing", onExisting, "--database", database.url])
            #expect(outcome.code == 1)
            #expect(
                outcome.errors.contains(
                    "\(file): it broke off, and stays as far as it came: 10000 imported, 0 counted; \(words)\n"), "\(outcome.errors)")
        }
    }
}
