import Postgres

/// The rows that delivering alerts writes, written by plain SQL: notifications, their claim with the body, attempts, results.
struct OutboxFloor: Sendable {
    let client: PostgresClient

    private static let batch = 500

    func run(_ alerts: Int) async throws -> @Sendable (inout Figures) -> Void {
        try await AlertFeed(client: client).open(0..<alerts)
        try await client.query("CHECKPOINT")
        let server = try await ServerUsage(of: client)
        let start = Moment.now
        do {
            // As many commits as there are steps, on one connection.
            for _ in stride(from: 0, to: alerts, by: Self.batch) { try await client.query(Self.route, [.int(Self.batch)]) }
            for _ in stride(from: 0, to: alerts, by: Self.batch) {
                try await client.query(Self.claim, [.int(Self.batch)])
                try await client.query(Self.record)
            }
        } catch let error as PostgresError {
            return { $0.remark("no floor: \(error)") }
        }
        let took = Moment.now - start
        let used = server.again().since(server)
        return { figures in
            figures.add(.floor, "PostgreSQL, the same rows by plain SQL", Double(alerts) / took, "/s")
            figures.add(.floor, "PostgreSQL, the same rows by plain SQL", used, per: alerts)
        }
    }

    private static let route = """
        WITH taken AS (
            UPDATE monitoring_alert_transitions
            SET routed_at = now()
            WHERE id IN (SELECT id FROM monitoring_alert_transitions WHERE routed_at IS NULL ORDER BY id LIMIT $1::integer)
            RETURNING alert_id, sequence, transition, to_severity
        )
        INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, transition, severity, status, due_at)
        SELECT alert_id, 'hook', 'transition', sequence, transition, to_severity, 'pending', now()
        FROM taken
        """

    private static let claim = """
        UPDATE monitoring_notifications
        SET status = 'sending', claim_id = gen_random_uuid(), claimed_by = 'floor', claimed_until = now() + interval '40 s',
            attempts = attempts + 1, body = repeat('x', 1500), content_type = 'application/json', updated_at = now()
        WHERE id IN (
            SELECT id FROM monitoring_notifications
            WHERE receiver = 'hook' AND status = 'pending' ORDER BY due_at LIMIT $1::integer FOR UPDATE SKIP LOCKED)
        """

    private static let record = """
        WITH delivered AS (
            UPDATE monitoring_notifications
            SET status = 'delivered', delivered_at = now(), claim_id = NULL, claimed_by = NULL, claimed_until = NULL, updated_at = now()
            WHERE status = 'sending' AND claimed_by = 'floor'
            RETURNING id, alert_id
        ), told AS (
            UPDATE monitoring_alerts a
            SET notified = true, notified_at = now(), notification_channels = '{hook}', updated_at = now()
            FROM delivered d
            WHERE a.id = d.alert_id
        )
        INSERT INTO monitoring_delivery_attempts
            (notification_id, attempt, process, started_at, outcome, http_status, name_lookup_ms, connect_ms, tls_ms, first_byte_ms,
             total_ms, remote_address, answer)
        SELECT id, 1, 'floor', now(), 'delivered', 200, 0.012, 0.034, 0, 0.512, 0.534, '127.0.0.1', ''
        FROM delivered
        """
}
