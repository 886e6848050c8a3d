import Foundation
import Notifications
import Postgres
import TestSupport
import Testing

@testable import MonitorAPI

/// What is refused, and in which words.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct RefusalTests {
    @Test("faulty parameters are 400 with what is allowed")
    func parameters() async throws {
        try await withListener(fixture: false) { listener in
            for (path, detail) in [
                ("summary?window=0d", "window is \"0d\"; allowed is 24h, or 1d to 90d."),
                ("summary?window=91d", "window is \"91d\"; allowed is 24h, or 1d to 90d."),
                ("summary?window=7", "window is \"7\"; allowed is 24h, or 1d to 90d."),
                ("summary?window=", "window is empty; allowed is 24h, or 1d to 90d."),
                ("summary?include_hourly=yes", "include_hourly is \"yes\"; allowed is true or false."),
                ("summary?windwo=7d", "There is no parameter windwo here; window, include_hourly are allowed."),
                ("summary?window=7d&window=1d", "The parameter window is given twice."),
                ("summary?window=%ff", "The query is not percent-encoded UTF-8 text."),
                ("summary?window=%0", "The query is not percent-encoded UTF-8 text."),
                ("baseline?x=1", "There is no parameter x here; none are allowed."),
                ("alerts?threshold=worst", "threshold is \"worst\"; allowed is low, medium, high or critical."),
                ("alerts?status=closed", "status is \"closed\"; allowed is open, acknowledged, resolved, ignored or all."),
                ("alerts?limit=0", "limit is \"0\"; allowed is a whole number from 1 to 1000."),
                ("alerts?limit=1001", "limit is \"1001\"; allowed is a whole number from 1 to 1000."),
                ("alerts?limit=-1", "limit is \"-1\"; allowed is a whole number from 1 to 1000."),
                ("alerts?limit=1e2", "limit is \"1e2\"; allowed is a whole number from 1 to 1000."),
                ("metrics/daily?start_date=2026-02-30", "start_date is \"2026-02-30\"; allowed is a date, YYYY-MM-DD, from 1970 to 2099."),
                ("metrics/daily?limit=01", "limit is \"01\"; allowed is a whole number from 1 to 1000."),
                ("alerts?cursor=7", "cursor is \"7\"; allowed is the next_cursor of an answer."),
                ("metrics/hourly?cursor=2026-03-09T24", "cursor is \"2026-03-09T24\"; allowed is the next_cursor of an answer."),
                ("metrics/breakdown", "by is missing; allowed is model, backend, agent or version."),
                ("metrics/breakdown?by=colour", "by is \"colour\"; allowed is model, backend, agent or version."),
                ("alerts/7", "id is \"7\"; allowed is a UUID."),
            ] {
                let answer = try await listener.send("GET", "/api/monitor/\(path)")
                #expect(answer.status == 400, "\(path)")
                #expect(answer.header("Content-Type") == "application/problem+json", "\(path)")
                let problem = try JSONDecoder().decode(ProblemFixture.self, from: Data(answer.text.utf8))
                #expect(problem.detail == detail, "\(path)")
            }
        }
    }

    @Test("faulty bodies are 400, other types 415, large ones 413")
    func bodies() async throws {
        try await withListener { listener in
            let acknowledge = "/api/monitor/alerts/\(Fixture.alert)/acknowledge"
            for (path, body, detail) in [
                (acknowledge, "{", "The body is not JSON."),
                (acknowledge, " \n", "The body is not JSON."),
                (acknowledge, "[]", "The body must be a JSON object."),
                (acknowledge, #"{"by": "x"}"#, "There is no field by here; acknowledged_by, actor, note, alert_id are allowed."),
                (acknowledge, #"{"acknowledged_by": 7}"#, "The field acknowledged_by must be a text."),
                (acknowledge, #"{"acknowledged_by": "a\nb"}"#, "The field acknowledged_by must be a text without control characters."),
                (acknowledge, #"{"note": "\u0000"}"#, "The field note must be a text without control characters."),
                (
                    acknowledge, #"{"acknowledged_by": "\#(String(repeating: "x", count: 201))"}"#,
                    "The field acknowledged_by must be at most 200 characters long."
                ),
                (
                    acknowledge, #"{"note": "\#(String(repeating: "x", count: 4001))"}"#,
                    "The field note must be at most 4000 characters long."
                ),
                (acknowledge, #"{"alert_id": "\#(Fixture.resolved)"}"#, "The body's alert_id names another alert than the path does."),
                ("/api/monitor/compute", #"{"hour": 24}"#, "The field hour must be a whole number from 0 to 23."),
                ("/api/monitor/compute", #"{"hour": "3"}"#, "The field hour must be a whole number from 0 to 23."),
                ("/api/monitor/compute", #"{"date": "yesterday"}"#, "The field date must be a date, YYYY-MM-DD, from 1970 to 2099."),
                (acknowledge, #"{"acknowledged_by": "a", "actor": "b"}"#, "Of acknowledged_by or actor one names who does it."),
                ("/api/monitor/compute", #"{"update_baseline": 1}"#, "The field update_baseline must be true or false."),
                ("/api/monitor/alerts/\(Fixture.alert)/snooze", "{}", "A snooze needs either until (a time) or minutes (1 to 43200)."),
                (
                    "/api/monitor/silences", #"{"matchers": [], "minutes": 5}"#,
                    "The field matchers must be 1 to 50 texts of at most 4000 characters."
                ),
            ] {
                let answer = try await listener.post(path, body)
                #expect(answer.status == 400, "\(body)")
                let problem = try JSONDecoder().decode(ProblemFixture.self, from: Data(answer.text.utf8))
                #expect(problem.detail == detail, "\(body)")
            }
            let form = try await listener.send(
                "POST", acknowledge, headers: [(name: "Content-Type", value: "application/x-www-form-urlencoded")], body: "note=x")
            #expect(form.status == 415)
            let large = try await listener.post(acknowledge, #"{"note": "\#(String(repeating: "x", count: 1 << 20))"}"#)
            #expect(large.status == 413)
            #expect(try await listener.post("/api/monitor/alerts/\(Fixture.absent)/resolve").status == 404)
            #expect(try await listener.value("SELECT status FROM monitoring_alerts WHERE id = '\(Fixture.alert)'") == "open")
        }
    }

    @Test("values that do not fit each other, or the present, are 409")
    func contradictions() async throws {
        try await withListener { listener in
            let reversed = try await listener.send("GET", "/api/monitor/metrics/daily?start_date=2026-03-02&end_date=2026-03-01")
            #expect(reversed.status == 409 && reversed.text.contains("start_date 2026-03-02 lies after end_date 2026-03-01."))
            let long = try await listener.send("GET", "/api/monitor/metrics/hourly?start_date=2025-03-02&end_date=2026-03-01")
            #expect(long.status == 409 && long.text.contains("start_date to end_date may be 92 days."))
            for (path, body, detail) in [
                ("compute", #"{"date": "2026-03-11"}"#, "date must be a date that has begun."),
                (
                    "alerts/\(Fixture.alert)/snooze", #"{"until": "2026-04-10T12:00:01Z"}"#,
                    "until must be a time within the next 30 days."
                ),
                (
                    "silences", #"{"matchers": ["severity=low"], "ends_at": "2026-03-10T11:00:00Z"}"#,
                    "ends_at must be a time after starts_at that is still to come, within ten years."
                ),
            ] {
                let answer = try await listener.post("/api/monitor/\(path)", body)
                #expect(answer.status == 409 && answer.text.contains(detail), "\(answer.text)")
                #expect(answer.text.contains("urn:torq-monitor:problem:contradiction"))
            }
        }
    }

    @Test("other methods are 405 with Allow, other paths 404, unheard-of methods 501")
    func methods() async throws {
        try await withListener(fixture: false) { listener in
            let post = try await listener.post("/api/monitor/summary")
            #expect(post.status == 405)
            #expect(post.header("Allow") == "GET, HEAD, OPTIONS")
            #expect(
                post.text == """
                    {"detail":"POST is not for this path; GET, HEAD, OPTIONS are.","status":405,"title":"That method is not for this path",\
                    "type":"urn:torq-monitor:problem:method-not-allowed"}
                    """)
            #expect(try await listener.send("DELETE", "/api/monitor/silences").header("Allow") == "GET, HEAD, OPTIONS, POST")
            let options = try await listener.send("OPTIONS", "/api/monitor/compute")
            #expect(options.status == 204)
            #expect(options.header("Allow") == "OPTIONS, POST")
            let lost = try await listener.send("GET", "/api/monitor/nothing")
            #expect(lost.status == 404)
            #expect(
                lost.text
                    == #"{"detail":"There is nothing at this path.","status":404,"title":"There is nothing here","type":"urn:torq-monitor:problem:not-found"}"#
            )
            #expect(try await listener.send("PROPFIND", "/").status == 501)
            let head = try await listener.send("HEAD", "/health")
            #expect(head.status == 200 && head.text.isEmpty)
        }
    }

    @Test("with tokens, who has none gets 401, who may not gets 403; health, links and styles stay open")
    func tokens() async throws {
        let tokens = [try ListenerTokenFixture.token("dashboard", .read), try ListenerTokenFixture.token("ingest", .ingest)]
        try await withListener(tokens: tokens) { listener in
            let none = try await listener.send("GET", "/api/monitor/summary")
            #expect(none.status == 401)
            #expect(none.header("WWW-Authenticate") == "Bearer")
            for (token, path, status) in [
                ("secret-of-dashboard", "/api/monitor/summary", 200), ("secret-of-dashboarD", "/api/monitor/summary", 401),
                ("secret-of-ingest", "/api/monitor/summary", 403), ("secret-of-dashboard", "/", 200), ("x", "/", 401),
            ] {
                let answer = try await listener.send("GET", path, headers: [(name: "Authorization", value: "Bearer \(token)")])
                #expect(answer.status == status, "\(token) \(path)")
            }
            let write = try await listener.post(
                "/api/monitor/compute", headers: [(name: "Authorization", value: "Bearer secret-of-dashboard")])
            #expect(write.status == 403)
            #expect(try await listener.send("GET", "/health").status == 200)
            #expect(try await listener.send("GET", "/style.css").status == 200)
            let page = try await listener.send("GET", "/")
            #expect(page.status == 303)
            #expect(page.header("Location") == "login")
        }
    }

    @Test("without tokens, other host names, other sites' pages and proxies are refused")
    func loopback() async throws {
        try await withListener(publicURL: "https://monitor.example.com") { listener in
            for (headers, status) in [
                ([(name: "Host", value: "monitor.example.com")], 421), ([(name: "Host", value: "evil.example")], 421),
                ([(name: "Origin", value: "http://evil.example")], 403), ([(name: "Origin", value: "null")], 403),
                ([(name: "Origin", value: "http://127.0.0.1:\(listener.port)")], 200),
                ([(name: "X-Forwarded-For", value: "10.0.0.1")], 403),
                ([(name: "Host", value: "localhost:1")], 200),
            ] {
                let answer = try await listener.send("GET", "/api/monitor/alerts", headers: headers)
                #expect(answer.status == status, "\(headers)")
            }
            let named = [(name: "Host", value: "monitor.example.com")]
            let link = try listener.link(.open, Fixture.alert)
            for path in ["/style.css", "/", "/alerts/\(Fixture.alert)", link] {
                #expect(try await listener.send("GET", path, headers: named).status == 200, "\(path)")
                #expect(try await listener.send("GET", path, headers: [(name: "Host", value: "evil.example")]).status == 421, "\(path)")
            }
            #expect(try await listener.send("GET", "/", headers: named + [(name: "Origin", value: "https://evil.example")]).status == 403)
        }
    }

    @Test("no page takes more than one connection of the pool")
    func connections() async throws {
        try await withTestDatabase(schema: true) { database in
            try await database.client.withConnection { try await $0.executeScript(Fixture.sql) }
            let pool = PostgresClient(try PostgresConfiguration(database.url, applicationName: "pages"), poolSize: 8)
            try await withListener(over: database, client: pool) { listener in
                for path in ["/", "/alerts/\(Fixture.alert)", "/api/monitor/alerts/\(Fixture.alert)", "/metrics"] {
                    #expect(try await listener.send("GET", path).status == 200, "\(path)")
                    // Connections that were made stay, so that it shows afterwards.
                    let used = try await listener.value(
                        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pages' AND datname = current_database()")
                    #expect(used == "1", "\(path)")
                }
            }
            await pool.close()
        }
    }

    @Test("a body in another encoding is refused before anybody looks how deep it is")
    func otherEncodings() {
        let text = #"{"note": "∀", "x": "# + String(repeating: "[", count: 50) + String(repeating: "]", count: 50) + "}"
        let bytes = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        #expect {
            _ = try JSONBody(bytes, fields: [])
        } throws: {
            ($0 as? Problem)?.detail == "The body is not JSON in UTF-8."
        }
    }

    @Test("a database that is away is 503 at once, without a word of it; the process stays healthy")
    func unavailable() async throws {
        try await withTestDatabase { database in
            let away = PostgresClient(
                try PostgresConfiguration("host=127.0.0.1 port=1 user=u password=hunter2 dbname=d", connectTimeout: .seconds(1)),
                acquireTimeout: .seconds(1))
            try await withListener(over: database, client: away) { listener in
                for path in ["/api/monitor/summary", "/api/monitor/alerts/\(Fixture.alert)", "/ready", "/metrics"] {
                    let answer = try await listener.send("GET", path)
                    #expect(answer.status == 503, "\(path)")
                    #expect(answer.header("Retry-After") == "5", "\(path)")
                    // To supervisors in a word of its own.
                    let reason = path == "/ready" ? #""reason":"database_gone","# : ""
                    #expect(
                        answer.text == """
                            {"detail":"The database does not answer at the moment. Try again in a few seconds.",\(reason)"status":503,\
                            "title":"The monitor cannot answer at the moment","type":"urn:torq-monitor:problem:unavailable"}
                            """)
                }
                let page = try await listener.send("GET", "/")
                #expect(page.status == 503)
                #expect(page.text.contains("<h1>The monitor cannot answer at the moment</h1>"))
                #expect(try await listener.send("GET", "/health").status == 200)
            }
            await away.close()
        }
    }
}

/// The members of a problem that tests look at.
struct ProblemFixture: Decodable {
    var detail: String
}

/// Tokens whose secrets follow from their names.
enum ListenerTokenFixture {
    static func token(_ name: String, _ scope: AccessScope) throws -> ListenerToken {
        try ListenerToken(name: name, secret: "secret-of-\(name)", scope: scope)
    }
}
