import Foundation
import Logging
import Postgres

/// Removes what the monitor's own tables need no longer keep: monitoring_remove_past() says what that is.
struct Retention: Sendable {
    /// Rows of each kind at most that go in one batch.
    static let batchSize = 5000

    private let configuration: RetentionConfiguration

    init(_ configuration: RetentionConfiguration) {
        self.configuration = configuration
    }

    /// How many rows went.
    struct Removed: Sendable, Hashable {
        /// By what they are: `attempts`, `notifications`, `rollup`, `alerts`, `audit`, `others`.
        var rows: [String: Int] = [:]
        /// Whether nothing is left that could go.
        var isFinished = true

        var isEmpty: Bool { rows.values.allSatisfy { $0 == 0 } }
        var metadata: Logger.Metadata { rows.filter { $0.value > 0 }.mapValues { "\($0)" } }
    }

    /// One batch, which holds no lock that a delivery or an evaluation waits for.
    func removeBatch(at moment: Date, limit: Int = batchSize, on connection: PostgresConnection) async throws -> Removed {
        func seconds(_ duration: Duration?) -> PostgresValue { .double(duration.map { Double($0.components.seconds) }) }
        let row = try await connection.query(
            Self.remove,
            [
                seconds(configuration.attempts), seconds(configuration.rollup), seconds(configuration.resolvedAlerts),
                seconds(configuration.audit), .int(limit), .timestamp(moment),
            ], timeout: .seconds(30))[0]
        var removed = Removed(isFinished: try row.decode("is_finished"))
        for kind in ["attempts", "notifications", "rollup", "alerts", "audit", "others"] { removed.rows[kind] = try row.decode(kind) }
        return removed
    }

    private static let remove = """
        SELECT attempts, notifications, rollup, alerts, audit, others, is_finished
        FROM monitoring_remove_past(
            make_interval(secs => $1::double precision), make_interval(secs => $2::double precision),
            make_interval(secs => $3::double precision), make_interval(secs => $4::double precision),
            $5::integer, $6::timestamptz)
        """
}
