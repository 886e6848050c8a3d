import Foundation
import Monitoring
import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct CatchUpTests {
    /// It asked ten times a second, without end, and told of each time.
    @Test func whoWaitsForAnotherSessionsRollUpKeepsStillAndGivesUp() async throws {
        try await withTestDatabase(schema: true) { database in
            try await database.client.query("INSERT INTO monitoring_rollup_pending (hour_start) VALUES ('2026-02-21T10:00Z')")
            try await database.client.transaction { connection in
                try await connection.query("SELECT FROM monitoring_rollup_lock FOR UPDATE")
                let engine = MonitoringEngine(client: database.client)
                let message = "another session has been rolling up events for 0.6 seconds: try again later"
                await #expect(throws: MonitoringError(.busy, message)) {
                    try await engine.catchUp(at: Date(), patience: .milliseconds(600)) { _ in Issue.record("a step of nobody's") }
                }
            }
            try await MonitoringEngine(client: database.client).catchUp(at: Date(), patience: .zero)
        }
    }
}
