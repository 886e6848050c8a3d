public import Foundation
public import Postgres

/// Compares what the agents do now with what they did before, and opens, escalates and resolves alerts.
public struct DriftDetector: Sendable {
    private let client: PostgresClient
    private let engine: MonitoringEngine
    private let alerts: AlertRepository
    private let thresholds: ThresholdConfig?
    private let clock: @Sendable () -> Date

    /// - Parameters:
    ///   - client: Of a database with the monitor's schema.
    ///   - thresholds: nil for those of the settings in the database.
    ///   - clock: What the present is.
    public init(client: PostgresClient, thresholds: ThresholdConfig? = nil, clock: @escaping @Sendable () -> Date = { Date() }) {
        self.client = client
        engine = MonitoringEngine(client: client)
        alerts = AlertRepository(client: client)
        self.thresholds = thresholds
        self.clock = clock
    }

    /// An evaluation, and the alerts it stepped.
    public struct Report: Sendable, Hashable {
        /// The moment it stands at.
        public var moment: Date
        /// Whether that counts as the present: less than ten minutes ago, which are two buckets of the roll-up. What is older is only
        /// reported on.
        public var isPresent: Bool
        /// Every metric and window.
        public var evaluations: [Evaluation]
        /// The transitions that were written; none for a moment in the past, or without `autoSave`.
        public var transitions: [AppliedTransition]
        /// The alerts of those transitions as they are now.
        public var alerts: [Alert]
        /// The evaluations that fire, worst first.
        public var firing: [Evaluation] {
            evaluations.filter { $0.severity != nil }.sorted { ($0.severity ?? .low, $0.ratio ?? 0) > ($1.severity ?? .low, $1.ratio ?? 0) }
        }
    }

    /// Rolls up what is new, and evaluates.
    ///
    /// - Parameters:
    ///   - date: The day whose end is looked at; nil, or today, for the present. A day in the past is only reported on, even one that
    ///     ended a minute ago: it opens no alerts and tells nobody.
    ///   - autoSave: Whether alerts are opened, escalated and resolved accordingly.
    /// - Throws: `MonitoringError` with `.invalidArgument` for a day that has not begun.
    public func checkAndAlert(date: Day? = nil, autoSave: Bool = true) async throws -> Report {
        let now = clock()
        guard let date else { return try await check(at: now, autoSave: autoSave) }
        let today = Day(containing: now)
        guard date <= today else { throw MonitoringError(.invalidArgument, "a day to check must have begun") }
        return try await check(at: min(date.end, now), autoSave: autoSave && date == today)
    }

    /// The same for any moment. Less than ten minutes ago is the present; what is longer ago is only reported on.
    ///
    /// - Throws: `MonitoringError` with `.invalidArgument` for a moment more than ten minutes ahead.
    public func check(at moment: Date, autoSave: Bool = true) async throws -> Report {
        let now = clock()
        let isPresent = try await isPresent(moment, now)
        try await engine.catchUp(at: now)
        let evaluations = try await engine.evaluate(at: moment, thresholds: thresholds)
        guard autoSave, isPresent else {
            return Report(moment: moment, isPresent: isPresent, evaluations: evaluations, transitions: [], alerts: [])
        }
        let transitions = try await engine.applyEvaluation(at: moment, thresholds: thresholds)
        var touched: [Alert] = []
        for id in Set(transitions.map(\.alertID)) {
            if let alert = try await alerts.alert(id: id) { touched.append(alert) }
        }
        touched.sort { ($0.severity, $0.openedAt) > ($1.severity, $1.openedAt) }
        return Report(moment: moment, isPresent: isPresent, evaluations: evaluations, transitions: transitions, alerts: touched)
    }

    /// The database's own rule, so that there is one.
    private func isPresent(_ moment: Date, _ now: Date) async throws -> Bool {
        do {
            return try await client.query(Self.presence, [.timestamp(moment), .timestamp(now)])[0].decode("is_present")
        } catch let error as PostgresError where error.sqlState == "TMARG" {
            throw MonitoringError(.invalidArgument, "a moment to check must not lie in the future")
        }
    }

    private static let presence = "SELECT monitoring_is_present($1::timestamptz, $2::timestamptz) AS is_present"
}

/// A detector for the database at `databaseURL`; the connection is made when it is first needed.
///
/// - Parameter thresholds: nil for those of the settings in the database.
/// - Throws: `PostgresError` where the URL is none.
public func makeDetector(databaseURL: String, thresholds: ThresholdConfig? = nil) throws -> DriftDetector {
    DriftDetector(client: PostgresClient(try PostgresConfiguration(databaseURL), poolSize: 2), thresholds: thresholds)
}
