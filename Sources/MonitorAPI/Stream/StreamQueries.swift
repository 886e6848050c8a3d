import Postgres

/// Reads transitions in the order of their commits (see sql/functions/f073_stream.sql).
struct StreamQueries: Sendable {
    /// Most that are read at once.
    static let page = 500

    let client: PostgresClient

    /// The newest, in their order.
    func newest(_ limit: Int) async throws -> [StreamEvent] {
        try await client.query(Self.newest, [.int(limit)], timeout: .seconds(5)).map(StreamEvent.init(row:))
    }

    /// Those after a position, in their order; at most a page.
    func after(_ position: Int64) async throws -> [StreamEvent] {
        try await client.query(Self.following, [.int(Int(position)), .int(Self.page)], timeout: .seconds(5)).map(StreamEvent.init(row:))
    }

    private static let columns = """
        t.id, t.alert_id, t.sequence, t.transition, t.from_status, t.to_status, t.from_severity, t.to_severity, t.actor, t.credential,
        t.note, t.evidence, t.occurred_at, a.alert_type, a.metric_name, a.summary, a.affected_model, a.affected_backend, a.affected_agent,
        a.affected_version
        """

    private static let newest = """
        SELECT \(columns)
        FROM (SELECT * FROM monitoring_alert_transitions ORDER BY id DESC LIMIT $1::integer) AS t
        JOIN monitoring_alerts AS a ON a.id = t.alert_id
        ORDER BY t.id
        """

    private static let following = """
        SELECT \(columns)
        FROM monitoring_alert_transitions AS t
        JOIN monitoring_alerts AS a ON a.id = t.alert_id
        WHERE t.id > $1::bigint
        ORDER BY t.id
        LIMIT $2::integer
        """
}
