public import Foundation
public import Postgres

/// Alerts, their timelines, and what people do to them.
public struct AlertRepository: Sendable {
    private let client: PostgresClient

    /// - Parameter client: Of a database with the monitor's schema.
    public init(client: PostgresClient) {
        self.client = client
    }

    /// The alert of that id; nil where there is none.
    public func alert(id: UUID) async throws -> Alert? {
        try await client.query("SELECT \(Self.columns) FROM monitoring_alerts WHERE id = $1::uuid", [.uuid(id)]).first.map(Alert.init(row:))
    }

    /// The ids of alerts in that range of UUIDs, in their order.
    ///
    /// - Parameter limit: At most so many.
    public func ids(in range: ClosedRange<UUID>, limit: Int) async throws -> [UUID] {
        try await client.query(
            "SELECT id FROM monitoring_alerts WHERE id BETWEEN $1::uuid AND $2::uuid ORDER BY id LIMIT $3::integer",
            [.uuid(range.lowerBound), .uuid(range.upperBound), .int(limit)]
        ).map { try $0.decode("id") }
    }

    /// The alerts of those ids, in their order; one that is no longer kept is left out.
    public func alerts(ids: [UUID]) async throws -> [Alert] {
        let rows = try await client.query("SELECT \(Self.columns) FROM monitoring_alerts WHERE id = ANY ($1::uuid[])", [.uuidArray(ids)])
        let known = try Dictionary(
            rows.map {
                let alert = try Alert(row: $0); return (alert.id, alert)
            }, uniquingKeysWith: { first, _ in first })
        return ids.compactMap { known[$0] }
    }

    /// Alerts in the order of their opening, newest first.
    ///
    /// - Parameters:
    ///   - minimumSeverity: The lowest severity that is given.
    ///   - status: nil for every status.
    ///   - limit: 1 to 1000.
    ///   - place: Only what follows in that order: the opening in microseconds since 1970, and the id; nil for the first page.
    /// - Returns: At most `limit` alerts, how many there are in all, and whether more follow.
    public func alerts(
        minimumSeverity: Severity = .low, status: AlertStatus? = .open, limit: Int = 50, after place: (microseconds: Int, id: UUID)? = nil
    ) async throws -> AlertList {
        guard (1...1000).contains(limit) else { throw MonitoringError(.invalidArgument, "limit is 1 to 1000") }
        let severities = Severity.allCases.filter { $0 >= minimumSeverity }.map(\.rawValue)
        let filter: [PostgresValue] = [.textArray(severities), .text(status?.rawValue)]
        return try await client.withConnection { connection in
            let rows = try await connection.query(Self.list, filter + [.int(limit + 1), .int(place?.microseconds), .uuid(place?.id)])
            let total: Int = try await connection.query(Self.count, filter)[0].decode("total")
            let alerts = try rows.prefix(limit).map(Alert.init(row:))
            return AlertList(alerts: alerts, totalCount: total, hasMore: rows.count > limit)
        }
    }

    /// The gravest alerts of a status, and of those that are as grave the newest first.
    ///
    /// - Parameter limit: 1 to 1000.
    /// - Returns: At most `limit` alerts, and how many there are in all.
    public func gravest(_ status: AlertStatus, limit: Int) async throws -> AlertList {
        guard (1...1000).contains(limit) else { throw MonitoringError(.invalidArgument, "limit is 1 to 1000") }
        return try await client.withConnection { connection in
            let severities = PostgresValue.textArray(Severity.allCases.map(\.rawValue))
            let rows = try await connection.query(Self.bySeverity, [.text(status.rawValue), .int(limit), severities])
            let total: Int = try await connection.query(Self.count, [severities, .text(status.rawValue)])[0].decode("total")
            return AlertList(alerts: try rows.map(Alert.init(row:)), totalCount: total, hasMore: rows.count < total)
        }
    }

    /// Every step of the alert, first to last; empty where there is no such alert.
    public func timeline(of id: UUID) async throws -> [AlertTransition] {
        try await client.query(Self.transitions, [.uuid(id)]).map(AlertTransition.init(row:))
    }

    /// Does what a person asks for.
    ///
    /// - Parameters:
    ///   - actor: The name that the person gave.
    ///   - credential: What the claim rests on: a token's name, `link`, `slack`, `cli`.
    ///   - until: The end of a snooze, after `moment`; nil for any other action.
    ///   - moment: When it counts as done.
    /// - Returns: The alert as it is now, and whether this call changed it: acknowledging twice is no error.
    /// - Throws: `MonitoringError` with `.alertNotFound`, or `.transitionForbidden` naming both states.
    public func perform(
        _ action: AlertAction, on id: UUID, actor: String, credential: String?, note: String? = nil, until: Date? = nil, at moment: Date
    ) async throws -> ActionResult {
        let answer = try await client.query(
            Self.act,
            [
                .uuid(id), .text(action.rawValue), .text(actor), .text(credential), .text(note), .timestamp(until), .timestamp(moment),
            ])[0]
        let outcome: String = try answer.decode("outcome")
        if outcome == "not_found" { throw MonitoringError(.alertNotFound, "there is no alert \(id.uuidString.lowercased())") }
        if outcome == "forbidden" {
            let from: String? = try answer.decode("from_status")
            throw MonitoringError(.transitionForbidden, "cannot \(action.rawValue) an alert that is \(from ?? "unknown")")
        }
        guard let alert = try await alert(id: id) else {
            throw MonitoringError(.alertNotFound, "there is no alert \(id.uuidString.lowercased())")
        }
        return ActionResult(alert: alert, changed: outcome == "changed")
    }

    static let columns = """
        id, fingerprint, alert_type, severity, peak_severity, metric_name, current_value, baseline_value, deviation_ratio,
        threshold_low, threshold_medium, threshold_high, metric_date, metric_hour, comparison_window_days, affected_model,
        affected_backend, affected_agent, affected_version, slice_dimension, slice_value, status, opened_at, snoozed_until,
        acknowledged_at, acknowledged_by, resolved_at, resolved_by, resolution_note, notified, notified_at, notification_channels, summary,
        context_data, related_events, origin, labels, annotations, generator_url, created_at, updated_at
        """

    private static let list = """
        SELECT \(columns)
        FROM monitoring_alerts
        WHERE severity = ANY ($1::text[])
          AND ($2::text IS NULL OR status = $2)
          AND ($4::bigint IS NULL
               OR opened_at <= timestamptz 'epoch' + $4 * interval '1 microsecond'
                  AND (opened_at < timestamptz 'epoch' + $4 * interval '1 microsecond' OR id > $5::uuid))
        ORDER BY opened_at DESC, id
        LIMIT $3::integer
        """

    private static let bySeverity = """
        SELECT alert.*
        FROM unnest($3::text[]) WITH ORDINALITY AS grade (severity, rank)
        CROSS JOIN LATERAL (
            SELECT \(columns)
            FROM monitoring_alerts
            WHERE status = $1::text AND severity = grade.severity
            ORDER BY opened_at DESC, id
            LIMIT $2::integer
        ) AS alert
        ORDER BY grade.rank DESC, alert.opened_at DESC, alert.id
        LIMIT $2::integer
        """

    private static let count = """
        SELECT count(*) AS total
        FROM monitoring_alerts
        WHERE severity = ANY ($1::text[])
          AND ($2::text IS NULL OR status = $2)
        """

    private static let transitions = """
        SELECT sequence, transition, from_status, to_status, from_severity, to_severity, actor, credential, note, evidence, occurred_at
        FROM monitoring_alert_transitions
        WHERE alert_id = $1::uuid
        ORDER BY sequence
        """

    private static let act = """
        SELECT outcome, from_status, to_status
        FROM monitoring_act_on_alert($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::timestamptz, $7::timestamptz)
        """
}

/// A page of alerts.
public struct AlertList: Sendable, Hashable {
    /// In the order that was asked for.
    public var alerts: [Alert]
    /// How many match, on this page or not.
    public var totalCount: Int
    /// Whether more follow after these.
    public var hasMore: Bool
}

/// What came of an action.
public struct ActionResult: Sendable, Hashable {
    /// The alert as it is now.
    public var alert: Alert
    /// Whether this call changed it; false where it was so already.
    public var changed: Bool
}

extension AlertTransition {
    /// From the columns of monitoring_alert_transitions.
    ///
    /// - Throws: `PostgresError` where one is missing or holds what this version does not know.
    public init(row: PostgresRow) throws {
        sequence = try row.decode("sequence")
        transition = try row.decodeEnum("transition")
        fromStatus = try row.decodeEnum("from_status")
        toStatus = try row.decodeEnum("to_status")
        fromSeverity = try row.decodeEnum("from_severity")
        toSeverity = try row.decodeEnum("to_severity")
        actor = try row.decode("actor")
        credential = try row.decode("credential")
        note = try row.decode("note")
        evidence = try JSONValue(parsing: row.decode("evidence"))
        occurredAt = try row.decode("occurred_at")
    }
}
