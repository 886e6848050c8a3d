import Postgres

/// The right to evaluate, which one process has at a time: a row, so that it works through a transaction pooler.
///
/// Times are the database's. Every change of holder raises the fence; what is done under the lease names its fence, so that a
/// process that was paused while another took over changes nothing.
struct EvaluationLease: Sendable {
    let client: PostgresClient
    /// Unique to this process.
    let holder: String

    /// A holder that falls silent loses the lease after this time; whoever waits asks as soon as it is over. So another one evaluates
    /// within ten seconds.
    static let durationSeconds = 8
    /// How often a holder renews it.
    static let renewal: Duration = .seconds(4)
    /// How soon a renewal that failed is tried again.
    static let retry: Duration = .seconds(1)

    /// What became of asking for it.
    enum Attempt: Sendable, Hashable {
        /// This process has it, under that fence.
        case held(fence: Int)
        /// Another one has it, for so long unless it renews it; zero or less where that is over and its row is still locked.
        case taken(left: Duration)
    }

    /// Takes or renews the lease.
    func attempt() async throws -> Attempt {
        let rows = try await client.query(Self.take, [.text(holder), .int(Self.durationSeconds)], timeout: .seconds(5))
        // Its row was made by another process since this statement began.
        guard let row = rows.first else { return .taken(left: .seconds(Self.durationSeconds)) }
        // Locked by an evaluation of this very process, it is not renewed, and not lost either, however long that takes.
        if try row.decode("is_own") { return .held(fence: try row.decode("fence")) }
        return .taken(left: .seconds(try row.decode("seconds_left", as: Double.self)))
    }

    /// Takes or renews the lease.
    ///
    /// - Returns: The fence; nil while another process holds it.
    func acquire() async throws -> Int? {
        guard case .held(let fence) = try await attempt() else { return nil }
        return fence
    }

    /// Gives it up, so that another process need not wait.
    func release() async throws {
        try await client.query(
            "UPDATE monitoring_lease SET expires_at = clock_timestamp() WHERE name = 'evaluation' AND holder = $1::text", [.text(holder)],
            timeout: .seconds(5))
    }

    /// Holds the lease's row for the rest of the transaction.
    ///
    /// - Returns: Whether it is still held under that fence.
    static func isHeld(by holder: String, fence: Int, on connection: PostgresConnection) async throws -> Bool {
        try await connection.query(hold, [.text(holder), .int(fence)], timeout: .seconds(5)).count == 1
    }

    // The holder keeps its row FOR SHARE while it evaluates, which may take longer than a standby's patience: what cannot be
    // locked at once is not ours. A row that is held and has not expired is not locked, so that the holder can renew it.
    private static let take = """
        WITH takeable AS (
            SELECT name, holder
            FROM monitoring_lease
            WHERE name = 'evaluation'
                -- One that ends later than any that is taken now was taken before the clock was set back.
                AND (holder = $1::text OR expires_at NOT BETWEEN clock_timestamp() AND clock_timestamp() + make_interval(secs => $2::integer))
            FOR UPDATE SKIP LOCKED
        ),
        taken AS (
            UPDATE monitoring_lease AS lease
            SET holder = $1::text,
                fence = lease.fence + CASE WHEN takeable.holder = $1::text THEN 0 ELSE 1 END,
                expires_at = clock_timestamp() + make_interval(secs => $2::integer)
            FROM takeable
            WHERE lease.name = takeable.name
            RETURNING lease.fence
        ),
        made AS (
            INSERT INTO monitoring_lease (name, holder, expires_at)
            SELECT 'evaluation', $1::text, clock_timestamp() + make_interval(secs => $2::integer)
            WHERE NOT EXISTS (SELECT FROM monitoring_lease WHERE name = 'evaluation')
            ON CONFLICT (name) DO NOTHING
            RETURNING fence
        )
        SELECT true AS is_own, fence, 0::double precision AS seconds_left FROM taken
        UNION ALL
        SELECT true, fence, 0 FROM made
        UNION ALL
        SELECT
            holder = $1::text, fence,
            extract(epoch FROM expires_at - clock_timestamp())::double precision
        FROM monitoring_lease
        WHERE name = 'evaluation' AND NOT EXISTS (SELECT FROM taken)
        """

    // A process that is stopped in the middle of its transaction must not keep the row from the others for long.
    private static let hold = """
        SELECT set_config('idle_in_transaction_session_timeout', '5s', true)
        FROM monitoring_lease
        WHERE name = 'evaluation' AND holder = $1::text AND fence = $2::bigint AND expires_at > clock_timestamp()
        FOR SHARE
        """
}
