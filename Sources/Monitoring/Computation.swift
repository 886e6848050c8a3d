public import Foundation
public import Postgres

/// What POST /api/monitor/compute and `torq-monitor compute` do: rolls up what is new, computes a day or an hour of it from the
/// events as they are now, and looks at the result.
public struct Computation: Sendable {
    private let client: PostgresClient
    private let engine: MonitoringEngine

    /// - Parameter client: Of a database with the monitor's schema.
    public init(client: PostgresClient) {
        self.client = client
        engine = MonitoringEngine(client: client)
    }

    /// Computes.
    ///
    /// - Parameters:
    ///   - day: nil for today. Alerts are opened, escalated and resolved for today alone: a day in the past is only reported on.
    ///   - hour: 0 to 23; nil for all hours and the day.
    ///   - updatesBaseline: Whether the baseline that the settings name is computed anew.
    ///   - now: The present.
    /// - Throws: `MonitoringError` with `.invalidArgument` for a day that has not begun and an hour that is none, `.busy` where
    ///   another session rolls up for too long.
    public func run(day: Day? = nil, hour: Int? = nil, updatesBaseline: Bool, at now: Date) async throws -> Report {
        let began = ContinuousClock.now
        let today = Day(containing: now)
        let day = day ?? today
        guard day <= today else { throw MonitoringError(.invalidArgument, "\(day) has not begun: today is \(today)") }
        try await engine.catchUp(at: now)
        let result = try await engine.compute(day, hour: hour, at: now)
        // Those that the roll-up before it has written are of this computation as well.
        let inserted: Int = try await client.query(Self.inserted, [.text("\(day)"), .int(hour), .timestamp(now)])[0].decode("inserted")
        let baseline = updatesBaseline ? try await refreshBaseline(at: now) : nil
        try await engine.refreshDailyView()
        let transitions = day == today ? try await engine.applyEvaluation(at: now) : []
        // As check_drift_and_alert counts them: an alert that comes back is told of anew.
        let created = transitions.filter { [.opened, .reopened].contains($0.transition) }.map { $0.alertID.uuidString.lowercased() }
        return Report(
            targetDate: day, targetHour: hour, rowsComputed: result.rowsComputed, metricsInserted: inserted,
            baseline: baseline, driftCheck: Report.DriftCheck(alertsCreated: created.count, alertIDs: created.sorted()),
            computationTimeMilliseconds: (began.duration(to: .now) / .milliseconds(1) * 100).rounded() / 100)
    }

    private func refreshBaseline(at now: Date) async throws -> BaselineSnapshot? {
        let settings = try await client.query(Self.settings)[0]
        return try await BaselineRepository(client: client)
            .refresh(name: settings.decode("name"), windowDays: settings.decode("window_days"), at: now)
    }

    private static let inserted = """
        SELECT count(*) AS inserted
        FROM monitoring_metrics
        WHERE metric_date = $1::date AND coalesce(metric_hour = $2::integer, true) AND computed_at = $3::timestamptz
        """

    private static let settings = """
        SELECT settings -> 'baseline' ->> 'name' AS name, (settings -> 'baseline' ->> 'window_days')::integer AS window_days
        FROM monitoring_effective_settings() AS settings
        """
}

extension Computation {
    /// What a computation did; its JSON is the answer of the API.
    public struct Report: Sendable, Hashable, Encodable {
        /// What the evaluation after it led to.
        public struct DriftCheck: Sendable, Hashable, Encodable {
            /// Alerts that it opened or reopened.
            public var alertsCreated: Int
            /// Their ids, in order.
            public var alertIDs: [String]

            /// - Parameter alertIDs: In lower case.
            public init(alertsCreated: Int, alertIDs: [String]) {
                self.alertsCreated = alertsCreated
                self.alertIDs = alertIDs
            }

            enum CodingKeys: String, CodingKey {
                case alertsCreated = "alerts_created"
                case alertIDs = "alert_ids"
            }
        }

        /// The day that was computed.
        public var targetDate: Day
        /// Its hour; nil where all were computed.
        public var targetHour: Int?
        /// Hours and days computed.
        public var rowsComputed: Int
        /// Those of them that were new or had changed.
        public var metricsInserted: Int
        /// The new baseline; nil where none was asked for, or where there are no events for one.
        public var baseline: BaselineSnapshot?
        /// What the evaluation after it led to.
        public var driftCheck: DriftCheck
        /// How long all of it took.
        public var computationTimeMilliseconds: Double

        /// - Parameter targetHour: 0 to 23; nil for all hours.
        public init(
            targetDate: Day, targetHour: Int?, rowsComputed: Int, metricsInserted: Int, baseline: BaselineSnapshot?, driftCheck: DriftCheck,
            computationTimeMilliseconds: Double
        ) {
            self.targetDate = targetDate
            self.targetHour = targetHour
            self.rowsComputed = rowsComputed
            self.metricsInserted = metricsInserted
            self.baseline = baseline
            self.driftCheck = driftCheck
            self.computationTimeMilliseconds = computationTimeMilliseconds
        }

        private enum CodingKeys: String, CodingKey {
            case metricsComputed = "metrics_computed"
            case targetDate = "target_date"
            case targetHour = "target_hour"
            case rowsComputed = "rows_computed"
            case metricsInserted = "metrics_inserted"
            case baselineUpdated = "baseline_updated"
            case baselineData = "baseline_data"
            case viewRefreshed = "view_refreshed"
            case driftCheck = "drift_check"
            case computationTimeMilliseconds = "computation_time_ms"
        }

        /// Every key is written, null where there is no value.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(true, forKey: .metricsComputed)
            try container.encode(targetDate, forKey: .targetDate)
            try container.encode(targetHour, forKey: .targetHour)
            try container.encode(rowsComputed, forKey: .rowsComputed)
            try container.encode(metricsInserted, forKey: .metricsInserted)
            try container.encode(baseline != nil, forKey: .baselineUpdated)
            try container.encode(baseline, forKey: .baselineData)
            try container.encode(true, forKey: .viewRefreshed)
            try container.encode(driftCheck, forKey: .driftCheck)
            try container.encode(computationTimeMilliseconds, forKey: .computationTimeMilliseconds)
        }
    }
}
