import Foundation
import MonitorAPI
import TestSupport
import Testing

/// Requests that are sent again.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct IdempotencyTests {
    private static let body = #"{"matchers": ["severity>=high"], "minutes": 60, "created_by": "Ana"}"#
    private static func key(_ key: String) -> [(name: String, value: String)] { [(name: "Idempotency-Key", value: key)] }

    @Test("the same request again is not done again, and gets the first one's answer")
    func again() async throws {
        try await withListener { listener in
            let first = try await listener.post("/api/monitor/silences", Self.body, headers: Self.key("a"))
            #expect(first.status == 201 && first.header("Idempotency-Replayed") == nil)
            let second = try await listener.post("/api/monitor/silences", Self.body, headers: Self.key("a"))
            #expect(second.status == 201 && second.text == first.text && second.header("Idempotency-Replayed") == "true")
            #expect(second.header("Content-Type") == "application/json")
            #expect(try await listener.value("SELECT count(*) FROM monitoring_silences") == "1")
            // Another key, or none, is another request.
            #expect(try await listener.post("/api/monitor/silences", Self.body, headers: Self.key("b")).text != first.text)
            #expect(try await listener.post("/api/monitor/silences", Self.body).text != first.text)
            #expect(try await listener.value("SELECT count(*) FROM monitoring_silences") == "3")
        }
    }

    @Test("the same key with another body or path is 422; a key that is none is 400")
    func reused() async throws {
        try await withListener { listener in
            #expect(try await listener.post("/api/monitor/silences", Self.body, headers: Self.key("a")).status == 201)
            let other = try await listener.post("/api/monitor/silences", Self.body + " ", headers: Self.key("a"))
            #expect(other.status == 422 && other.text.contains("urn:torq-monitor:problem:idempotency-key-reused"))
            #expect(try await listener.post("/api/monitor/compute", Self.body, headers: Self.key("a")).status == 422)
            for faulty in ["a b", String(repeating: "x", count: 256)] {
                #expect(try await listener.post("/api/monitor/silences", Self.body, headers: Self.key(faulty)).status == 400)
            }
            #expect(try await listener.value("SELECT count(*) FROM monitoring_silences") == "1")
        }
    }

    @Test("of many at the same time one is done, and all get its answer")
    func together() async throws {
        try await withListener { listener in
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<16 {
                    group.addTask { try await listener.post("/api/monitor/silences", Self.body, headers: Self.key("a")) }
                }
                return try await group.reduce(into: [Answer]()) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.status == 201 } && Set(answers.map(\.text)).count == 1)
            #expect(try await listener.value("SELECT count(*) FROM monitoring_silences") == "1")
        }
    }

    @Test("what the data forbid is kept; what was faulty or could not be served is not")
    func outcomes() async throws {
        try await withListener { listener in
            let path = "/api/monitor/alerts/\(Fixture.resolved)/acknowledge"
            let forbidden = try await listener.post(path, "{}", headers: Self.key("a"))
            #expect(forbidden.status == 409)
            try await listener.run("UPDATE monitoring_alerts SET status = 'open', resolved_at = NULL WHERE id = '\(Fixture.resolved)'")
            let again = try await listener.post(path, "{}", headers: Self.key("a"))
            #expect(again.status == 409 && again.text == forbidden.text && again.header("Content-Type") == "application/problem+json")
            #expect(try await listener.post(path, #"{"actor": 7}"#, headers: Self.key("b")).status == 400)
            #expect(try await listener.post(path, #"{"actor": "Ana"}"#, headers: Self.key("b")).status == 200)
        }
    }

    @Test("keys are each token's own; they end after a day, and a dead process's claims by themselves")
    func owners() async throws {
        let tokens = [try ListenerTokenFixture.token("one", .write), try ListenerTokenFixture.token("two", .write)]
        try await withListener(tokens: tokens) { listener in
            let send = { (token: String) in
                try await listener.post(
                    "/api/monitor/silences", Self.body,
                    headers: Self.key("a") + [(name: "Authorization", value: "Bearer secret-of-\(token)")])
            }
            let first = try await send("one")
            #expect(try await send("two").text != first.text)
            try await listener.run("UPDATE monitoring_idempotency_keys SET created_at = now() - interval '25 hours'")
            let later = try await send("one")
            #expect(later.status == 201 && later.text != first.text)
            // What is a day old goes with the next that is kept.
            #expect(try await listener.value("SELECT count(*) FROM monitoring_idempotency_keys") == "1")
            try await listener.run(
                "UPDATE monitoring_idempotency_keys SET status = NULL, answer = NULL, claimed_until = now() - interval '1 second'")
            #expect(try await send("one").header("Idempotency-Replayed") == nil)
            #expect(try await send("one").header("Idempotency-Replayed") == "true")
        }
    }
}
