import Postgres

/// The right to evaluate, which one process has at a time: a row, so that it works through a transaction pooler.
///
/// Times are the database's. Every change of holder raises the fence; what is done under the lease names its fence, so that a
/// process that was paused while another took over changes nothing.
struct EvaluationLease: Sendable {
    let client: PostgresClient
    /// Unique to this process.
    let holder: String

    /// A holder that falls silent loses the lease after this time.
    static let durationSeconds = 9
    /// How often a holder renews it, so that two renewals may fail.
    static let renewal: Duration = .seconds(3)

    /// Takes or renews the lease.
    ///
    /// - Returns: The fence; nil while another process holds it.
    func acquire() async throws -> Int? {
        try await client.query(Self.take, [.text(holder), .int(Self.durationSeconds)], timeout: .seconds(5)).first?.decode("fence")
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
            WHERE name = 'evaluation' AND (holder = $1::text OR expires_at <= clock_timestamp())
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
        SELECT fence FROM taken UNION ALL SELECT fence FROM made
        """

    // A process that is stopped in the middle of its transaction must not keep the row from the others for long.
    private static let hold = """
        SELECT set_config('idle_in_transaction_session_timeout', '5s', true)
        FROM monitoring_lease
        WHERE name = 'evaluation' AND holder = $1::text AND fence = $2::bigint AND expires_at > clock_timestamp()
        FOR SHARE
        """
}
