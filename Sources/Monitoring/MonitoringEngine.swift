public import Foundation
public import Postgres

/// The steps of the worker, each one statement of the database's engine: idempotent, bounded, and standing at the moment given.
public struct MonitoringEngine: Sendable {
    private let client: PostgresClient

    /// - Parameter client: Of a database with the monitor's schema.
    public init(client: PostgresClient) {
        self.client = client
    }

    /// Rolls up the next changed hours of learning events; call it again while `hoursPending` is over 0.
    ///
    /// - Parameter maximumHours: At most so many hours in this step; 1 or more.
    public func rollUp(maximumHours: Int = 48, at moment: Date) async throws -> RollUpProgress {
        let row = try await client.query(
            "SELECT hours_changed, hours_pending, events_read FROM monitoring_roll_up($1::integer, $2::timestamptz)",
            [.int(maximumHours), .timestamp(moment)], timeout: .seconds(300))[0]
        return RollUpProgress(
            hoursChanged: try row.decode("hours_changed"), hoursPending: try row.decode("hours_pending"),
            eventsRead: try row.decode("events_read"))
    }

    /// Rolls up until nothing is pending.
    ///
    /// - Parameters:
    ///   - patience: While another session rolls up, this one waits, and gives up after so long without a step of its own.
    ///   - onStep: Called after each step that leaves some, and every three seconds while another session rolls up; what it throws
    ///     ends the work, which goes on where it was next time.
    /// - Returns: How many hours were computed here.
    /// - Throws: `MonitoringError` with `.busy` where the patience is at its end.
    @discardableResult
    public func catchUp(
        at moment: Date, patience: Duration = .seconds(300), onStep: (RollUpProgress) async throws -> Void = { _ in }
    ) async throws -> Int {
        var changed = 0
        var lastStep = ContinuousClock.now
        var lastCall = ContinuousClock.now
        while true {
            let progress = try await rollUp(at: moment)
            changed += progress.hoursChanged
            guard progress.hoursPending > 0 else { return changed }
            try Task.checkCancellation()
            let now = ContinuousClock.now
            let isOwnStep = progress.hoursChanged > 0 || progress.eventsRead > 0
            if isOwnStep { lastStep = now }
            if isOwnStep || now - lastCall >= .seconds(3) {
                try await onStep(progress)
                lastCall = now
            }
            guard !isOwnStep else { continue }
            guard now - lastStep < patience else {
                throw MonitoringError(.busy, "another session has been rolling up events for \(patience): try again later")
            }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    /// Whether evaluations go by other settings than these would make.
    public func goesByOtherSettings(than json: String) async throws -> Bool {
        try await client.query(
            "SELECT monitoring_effective_settings() <> monitoring_overlay(monitoring_defaults_for($1::jsonb), $1::jsonb) AS is_other",
            [.json(json)])[0].decode("is_other")
    }

    /// Every metric and window as of `moment`; changes nothing.
    public func evaluate(at moment: Date, thresholds: ThresholdConfig? = nil) async throws -> [Evaluation] {
        try await client.query(Self.evaluation, [.timestamp(moment), .json(try Self.override(thresholds))]).map(Evaluation.init(row:))
    }

    /// Evaluates, and takes every alert the step that follows from it.
    ///
    /// - Returns: The transitions that were written, none where everything stays as it is.
    public func applyEvaluation(at moment: Date, thresholds: ThresholdConfig? = nil) async throws -> [AppliedTransition] {
        try await client.transaction { try await Self.applyEvaluation(at: moment, thresholds: thresholds, on: $0) }
    }

    /// The same in a transaction of the caller's, which may hold a lease for it.
    public static func applyEvaluation(
        at moment: Date, thresholds: ThresholdConfig? = nil, on connection: PostgresConnection
    ) async throws -> [AppliedTransition] {
        try await connection.query(application, [.timestamp(moment), .json(try override(thresholds))]).map { row in
            AppliedTransition(
                alertID: try row.decode("alert_id"), transition: try row.decodeEnum("transition"), severity: try row.decodeEnum("severity"))
        }
    }

    /// Where the clock was set back, takes back what had come of moments that lie ahead of `moment` by now, so that evaluations go on.
    ///
    /// - Returns: Whether it was.
    public static func takeBackFuture(at moment: Date, on connection: PostgresConnection) async throws -> Bool {
        try await connection.query("SELECT monitoring_take_back_future($1::timestamptz) AS was_set_back", [.timestamp(moment)])[0]
            .decode("was_set_back")
    }

    /// Computes an hour, or all hours of a day and the day itself, from the events as they are now.
    ///
    /// - Parameter hour: 0 to 23; nil for the whole day.
    public func compute(_ day: Day, hour: Int? = nil, at moment: Date) async throws -> ComputeResult {
        guard hour.map((0...23).contains) ?? true else { throw MonitoringError(.invalidArgument, "an hour is 0 to 23") }
        let row = try await client.query(
            "SELECT rows_computed, metrics_inserted, computation_time_ms FROM compute_hourly_metrics($1::date, $2::integer, $3::timestamptz)",
            [.text(day.description), .int(hour), .timestamp(moment)], timeout: .seconds(300))[0]
        return ComputeResult(
            rowsComputed: try row.decode("rows_computed"), metricsInserted: try row.decode("metrics_inserted"),
            computationTimeMilliseconds: try row.decode("computation_time_ms"))
    }

    /// Refreshes the materialized view of the days.
    public func refreshDailyView() async throws {
        try await client.query("SELECT refresh_daily_metrics_mv()", timeout: .seconds(120))
    }

    /// Makes `json` the settings that every evaluation goes by, unless they are already.
    ///
    /// - Throws: `PostgresError` naming the faulty key where the database refuses them.
    public func writeSettings(_ json: String, writtenBy: String) async throws {
        try await client.query(Self.settings, [.json(json), .text(writtenBy)])
    }

    private static func override(_ thresholds: ThresholdConfig?) throws -> String? {
        try thresholds.map { String(decoding: try MonitoringJSON.encode(["thresholds": $0]), as: UTF8.self) }
    }

    private static let evaluation = """
        SELECT metric_name, alert_type, window_seconds, current_value, baseline_value, ratio, total_events, bad_events, expected_events,
               lower_bound, p_value, dispersion, verdict, would_be, severity, affected_model, affected_backend, affected_agent,
               affected_version, evidence, slice_dimension, slice_value
        FROM monitoring_evaluate($1::timestamptz, $2::jsonb)
        """

    private static let application = """
        SELECT alert_id, transition, severity
        FROM monitoring_apply_evaluation($1::timestamptz, $2::jsonb)
        """

    private static let settings = """
        INSERT INTO monitoring_settings (settings, written_by)
        SELECT $1::jsonb, $2::text
        WHERE $1::jsonb IS DISTINCT FROM (SELECT settings FROM monitoring_settings ORDER BY version DESC LIMIT 1)
        """
}

/// How far a roll-up step came.
public struct RollUpProgress: Sendable, Hashable {
    /// Hours computed by this step.
    public var hoursChanged: Int
    /// Hours known to have changed that are still to be computed.
    public var hoursPending: Int
    /// Events read for it.
    public var eventsRead: Int
}

/// A transition that an evaluation led to.
public struct AppliedTransition: Sendable, Hashable, Codable {
    /// The alert.
    public var alertID: UUID
    /// The step it took.
    public var transition: AlertTransition.Kind
    /// Its severity after it.
    public var severity: Severity

    enum CodingKeys: String, CodingKey {
        case transition, severity
        case alertID = "alert_id"
    }

    /// The id in lower case, as everywhere.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(alertID.uuidString.lowercased(), forKey: .alertID)
        try container.encode(transition, forKey: .transition)
        try container.encode(severity, forKey: .severity)
    }
}

/// What a computation did.
public struct ComputeResult: Sendable, Hashable, Codable {
    /// Hours and days computed.
    public var rowsComputed: Int
    /// Those of them that were new or had changed.
    public var metricsInserted: Int
    /// How long it took, in the database.
    public var computationTimeMilliseconds: Double
}
