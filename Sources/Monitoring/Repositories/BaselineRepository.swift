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

    static let columns = """
        baseline_name, baseline_window_days, baseline_fallback_rate, baseline_error_rate, baseline_duplicate_rate,
        baseline_latency_p50, baseline_latency_p95, baseline_latency_p99, baseline_health_score, total_events,
        model_baselines, backend_baselines, baseline_start_date, baseline_end_date, computed_at, valid_until
        """

    /// `$1` null: the one that the settings name.
    static let selection = """
        SELECT \(columns)
        FROM monitoring_baseline
        WHERE baseline_name = coalesce($1::text, (SELECT monitoring_baseline_name()))
        """

    private static let update = "SELECT baseline_name FROM update_baseline($1::text, $2::integer, $3::timestamptz)"
}
