import Postgres
import TestSupport
import Testing

@testable import MonitorService

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct EvaluationLeaseTests {
    @Test func oneHoldsItAndTheFenceGrowsWithEveryHolder() async throws {
        try await withTestDatabase(schema: true) { database in
            let first = EvaluationLease(client: database.client, holder: "a")
            let second = EvaluationLease(client: database.client, holder: "b")
            #expect(try await first.acquire() == 1)
            #expect(try await first.acquire() == 1)
            #expect(try await second.acquire() == nil)
            try await database.client.query("UPDATE monitoring_lease SET expires_at = clock_timestamp() - interval '1 second'")
            #expect(try await second.acquire() == 2)
            #expect(try await first.acquire() == nil)
        }
    }

    @Test func aPausedHolderFindsItsFenceGone() async throws {
        try await withTestDatabase(schema: true) { database in
            let paused = EvaluationLease(client: database.client, holder: "a")
            let fence = try #require(try await paused.acquire())
            #expect(try await database.client.transaction { try await EvaluationLease.isHeld(by: "a", fence: fence, on: $0) })
            try await database.client.query("UPDATE monitoring_lease SET expires_at = clock_timestamp() - interval '1 second'")
            #expect(try await EvaluationLease(client: database.client, holder: "b").acquire() == 2)
            #expect(try await !database.client.transaction { try await EvaluationLease.isHeld(by: "a", fence: fence, on: $0) })
        }
    }

    /// It waited for the row, which the holder keeps while it evaluates, until its statement's time was up.
    @Test func aStandbyDoesNotWaitForAnEvaluation() async throws {
        try await withTestDatabase(schema: true, queryTimeout: .seconds(2)) { database in
            let standby = EvaluationLease(client: database.client, holder: "b")
            let fence = try #require(try await EvaluationLease(client: database.client, holder: "a").acquire())
            try await database.client.transaction { connection async throws in
                #expect(try await EvaluationLease.isHeld(by: "a", fence: fence, on: connection))
                #expect(try await standby.acquire() == nil)
            }
            try await database.client.query("UPDATE monitoring_lease SET expires_at = clock_timestamp()")
            try await database.client.transaction { connection in
                try await connection.query("SELECT FROM monitoring_lease FOR SHARE")
                #expect(try await standby.acquire() == nil)
            }
            #expect(try await standby.acquire() == fence + 1)
        }
    }

    /// The renewal beside an evaluation found its own row locked, and must not take that for a loss.
    @Test func aHolderThatEvaluatesStillHoldsIt() async throws {
        try await withTestDatabase(schema: true) { database in
            let lease = EvaluationLease(client: database.client, holder: "a")
            let fence = try #require(try await lease.acquire())
            try await database.client.transaction { connection async throws in
                #expect(try await EvaluationLease.isHeld(by: "a", fence: fence, on: connection))
                #expect(try await lease.attempt() == .held(fence: fence))
            }
        }
    }

    /// Nobody else can take a row that is locked, so an evaluation that takes longer than the lease lasts goes on.
    @Test func aHolderThatEvaluatesForLongStillHoldsIt() async throws {
        try await withTestDatabase(schema: true) { database in
            let (lease, other) = (
                EvaluationLease(client: database.client, holder: "a"), EvaluationLease(client: database.client, holder: "b")
            )
            let fence = try #require(try await lease.acquire())
            try await database.client.query("UPDATE monitoring_lease SET expires_at = clock_timestamp() + interval '1 second'")
            try await database.client.transaction { connection async throws in
                #expect(try await EvaluationLease.isHeld(by: "a", fence: fence, on: connection))
                try await eventually("it is over", timeout: .seconds(10)) {
                    try await database.client.query("SELECT expires_at < clock_timestamp() AS is_over FROM monitoring_lease")[0].decode(
                        "is_over")
                }
                #expect(try await lease.attempt() == .held(fence: fence))
                #expect(try await other.acquire() == nil)
            }
            #expect(try await lease.attempt() == .held(fence: fence))
        }
    }

    @Test func whoWaitsKnowsHowLong() async throws {
        try await withTestDatabase(schema: true) { database in
            _ = try await EvaluationLease(client: database.client, holder: "a").acquire()
            guard case .taken(let left) = try await EvaluationLease(client: database.client, holder: "b").attempt() else {
                Issue.record("b has it")
                return
            }
            #expect(left > .seconds(EvaluationLease.durationSeconds - 5) && left <= .seconds(EvaluationLease.durationSeconds))
        }
    }

    @Test func whatIsReleasedCanBeTakenAtOnce() async throws {
        try await withTestDatabase(schema: true) { database in
            let first = EvaluationLease(client: database.client, holder: "a")
            _ = try await first.acquire()
            try await first.release()
            #expect(try await EvaluationLease(client: database.client, holder: "b").acquire() != nil)
        }
    }
}
