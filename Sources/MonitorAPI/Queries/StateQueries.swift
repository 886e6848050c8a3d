import Foundation
import Postgres

/// How the monitor itself is doing.
struct StateQueries: Sendable {
    /// Figures of the database as of now.
    struct Gauges: Sendable, Hashable {
        /// Alerts that are open or acknowledged, by severity and status.
        var alerts: [AlertCount]
        /// Notifications by status; those that are finished of the last day alone.
        var notifications: [String: Int]
        /// When the oldest notification that waits has been due.
        var oldestDueAt: Date?
        /// When the roll-up ran last; nil before it ever did.
        var rolledUpAt: Date?
        var hoursPending = 0
        /// When an evaluation was applied last; nil before one ever was.
        var evaluatedAt: Date?
        /// What is not finished, by receiver.
        var queues: [Queue] = []
    }

    struct Queue: Sendable, Hashable {
        var receiver: String
        var waiting: Int
        var oldestDueAt: Date?
        var dead: Int
    }

    struct AlertCount: Sendable, Hashable {
        var severity: String
        var status: String
        var count: Int
    }

    let client: any QuerySource

    func gauges(now: Date) async throws -> Gauges {
        let alerts = try await client.query(Self.alerts, [], timeout: .seconds(5)).map { row in
            AlertCount(severity: try row.decode("severity"), status: try row.decode("status"), count: try row.decode("count"))
        }
        var notifications: [String: Int] = [:]
        for row in try await client.query(Self.notifications, [.timestamp(now)], timeout: .seconds(5)) {
            notifications[try row.decode("status", as: String.self)] = try row.decode("count", as: Int.self)
        }
        let state = try await client.query(Self.state, [], timeout: .seconds(5))[0]
        return Gauges(
            alerts: alerts, notifications: notifications, oldestDueAt: try state.decode("oldest_due_at"),
            rolledUpAt: try state.decode("last_run_at"), hoursPending: try state.decode("hours_pending"),
            evaluatedAt: try state.decode("evaluated_at"), queues: try await queues())
    }

    private func queues() async throws -> [Queue] {
        try await client.query(Self.queues, [], timeout: .seconds(5)).map { row in
            Queue(
                receiver: try row.decode("receiver"), waiting: try row.decode("waiting"), oldestDueAt: try row.decode("oldest_due_at"),
                dead: try row.decode("dead"))
        }
    }

    private static let alerts = """
        SELECT severity, status, count(*) AS count
        FROM monitoring_alerts
        WHERE status IN ('open', 'acknowledged')
        GROUP BY severity, status
        """

    private static let notifications = """
        SELECT status, count(*) AS count
        FROM monitoring_notifications
        WHERE status IN ('pending', 'sending', 'dead') OR created_at > $1::timestamptz - interval '1 day'
        GROUP BY status
        """

    private static let state = """
        SELECT last_run_at, hours_pending, (SELECT last_run_at FROM monitoring_evaluation_state) AS evaluated_at,
               (SELECT min(due_at) FROM monitoring_notifications WHERE status IN ('pending', 'sending')) AS oldest_due_at
        FROM monitoring_rollup_state
        """

    private static let queues = """
        SELECT receiver, count(*) FILTER (WHERE status <> 'dead') AS waiting, min(due_at) FILTER (WHERE status <> 'dead') AS oldest_due_at,
               count(*) FILTER (WHERE status = 'dead') AS dead
        FROM monitoring_notifications
        WHERE status IN ('pending', 'sending', 'dead')
        GROUP BY receiver
        ORDER BY receiver
        LIMIT 200
        """
}
