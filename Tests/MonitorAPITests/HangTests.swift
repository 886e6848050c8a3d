import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

@testable import MonitorAPI

/// A database that is there and says nothing any more.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct HangTests {
    /// Supervisors give up after a few seconds, and then know less than they could be told.
    @Test("what supervisors ask is answered in time though the database hangs, and well once it does not")
    func supervisors() async throws {
        try await withTestDatabase { database in
            _ = try await SchemaMigrator(client: database.client).migrate()
            let (proxy, url) = try await database.stalling()
            let client = PostgresClient(try PostgresConfiguration(url), poolSize: 3)
            try await withListener(over: database, client: client) { listener in
                for path in ["/ready", "/metrics"] { #expect(try await listener.send("GET", path).status == 200, "\(path)") }
                proxy.stall()
                // More often than the pool has connections, so that some wait for one, and some for an answer.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<6 {
                        group.addTask { try await Self.expectRefusal(number % 2 == 0 ? "/ready" : "/metrics", listener) }
                    }
                    try await group.waitForAll()
                }
                #expect(try await listener.send("GET", "/health").status == 200)
                proxy.resume()
                for path in ["/ready", "/metrics"] {
                    try await eventually("\(path) answers again", timeout: .seconds(20)) {
                        try await listener.send("GET", path).status == 200
                    }
                }
            }
            await client.close()
        }
    }

    private static func expectRefusal(_ path: String, _ listener: Listener) async throws {
        let began = ContinuousClock.now
        let answer = try await listener.send("GET", path)
        let elapsed = began.duration(to: .now)
        #expect(answer.status == 503, "\(path)")
        if path == "/ready" {
            // What was given up may have taken its connection along.
            let reason = try JSONValue(parsing: answer.text)["reason"]?.string
            #expect(["database_slow", "database_gone"].contains(reason), "\(answer.text)")
        }
        // Two seconds, and what a busy machine needs to say so.
        #expect(elapsed >= .seconds(1) && elapsed < .seconds(5), "\(path): \(elapsed)")
    }
}
