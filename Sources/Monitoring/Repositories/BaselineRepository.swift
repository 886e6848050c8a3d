public import Foundation
public import Postgres

/// The published baseline.
public struct BaselineRepository: Sendable {
    private let client: PostgresClient

    /// - Parameter client: Of a database with the monitor's schema.
    public init(client: PostgresClient) {
        self.client = client
    }

    /// The baseline of that name; nil while there is none.
    ///
    /// - Parameter name: nil for the one that the settings name.
    public func baseline(name: String? = nil) async throws -> BaselineSnapshot? {
        try await client.query(Self.selection, [.text(name)]).first.map(BaselineSnapshot.init(row:))
    }

    /// Whether a metric can be judged, or lacks anything to compare with.
    public struct Arming: Sendable, Hashable {
        /// `latency_p95`, …
        public var metricName: String
        /// Whether it can be.
        public var isArmed: Bool
        /// The UTC midnight from which on it can be, should events go on coming; nil: that cannot be told, or it can be now.
        public var armedFrom: Date?
    }

    /// What can be judged at a moment, of the metrics that the settings in force switch on.
    public func arming(at moment: Date) async throws -> [Arming] {
        try await client.query(
            "SELECT metric_name, armed, armed_from FROM monitoring_arming($1::timestamptz) ORDER BY metric_name", [.timestamp(moment)],
            timeout: .seconds(10)
        ).map {
            Arming(metricName: try $0.decode("metric_name"), isArmed: try $0.decode("armed"), armedFrom: try $0.decode("armed_from"))
        }
    }

    /// The name of the one that the settings in force compare with.
    public func nameInUse() async throws -> String {
        try await client.query("SELECT monitoring_baseline_name() AS name")[0].decode("name")
    }

    /// Computes it anew as of `moment` and publishes it; nil where there are no events to compute it from.
    ///
    /// - Parameters:
    ///   - name: nil for the one that the settings name.
    ///   - windowDays: 1 to 90; nil for what the settings say.
    @discardableResult
    public func refresh(name: String? = nil, windowDays: Int? = nil, at moment: Date) async throws -> BaselineSnapshot? {
        guard windowDays.map((1...90).contains) ?? true else {
            throw MonitoringError(.invalidArgument, "a baseline looks back 1 to 90 days")
        }
        _ = try await client.query(Self.update, [.text(name), .int(windowDays), .timestamp(moment)])
        return try await baseline(name: name)
    }

    /// Accepts what has been measured since `start` as the new normal: nothing before it counts any more, and the live alerts of what
    /// is compared with this baseline end, with `actor` as their actor. It stands in monitoring_audit.
    ///
    /// - Parameters:
    ///   - name: nil for the one that the settings name; a name that there is none of yet makes one.
    ///   - actor: The name that the person gave.
    ///   - credential: What the claim rests on: a token's name, `local`, `cli`.
    ///   - reason: Not empty.
    ///   - start: A whole UTC hour of the last 28 days; nil for the present one. Evaluations have nothing to compare with (`not_armed`)
    ///     until a UTC midnight that has 20 hours since then before it.
    ///   - moment: When it counts as done.
    /// - Throws: `MonitoringError` with `.invalidArgument` for an argument that cannot be.
    @discardableResult
    public func accept(
        name: String? = nil, actor: String, credential: String?, reason: String, from start: Date? = nil, at moment: Date
    ) async throws -> BaselineSnapshot {
        do {
            let rows = try await client.query(
                Self.acceptance,
                [.text(name), .text(actor), .text(credential), .text(reason), .timestamp(start), .timestamp(moment)])
            return try BaselineSnapshot(row: rows[0])
        } catch let error as PostgresError where error.sqlState == "TMARG" {
            // "p_from: …" names a parameter that is none of ours.
            throw MonitoringError(
                .invalidArgument, error.message.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? error.message)
        }
    }

    static let columns = """
        baseline_name, baseline_window_days, baseline_fallback_rate, baseline_error_rate, baseline_duplicate_rate,
        baseline_latency_p50, baseline_latency_p95, baseline_latency_p99, baseline_health_score, total_events,
        model_baselines, backend_baselines, baseline_start_date, baseline_end_date, accepted_from, accepted_by,
        accepted_reason, computed_at, valid_until
        """

    /// `$1` null: the one that the settings name.
    static let selection = """
        SELECT \(columns)
        FROM monitoring_baseline
        WHERE baseline_name = coalesce($1::text, (SELECT monitoring_baseline_name()))
        """

    private static let acceptance = """
        SELECT \(columns)
        FROM monitoring_accept_baseline($1::text, $2::text, $3::text, $4::text, $5::timestamptz, $6::timestamptz)
        """

    private static let update = "SELECT baseline_name FROM update_baseline($1::text, $2::integer, $3::timestamptz)"
}
