public import Foundation
public import Postgres

/// Walks through history and tells which alerts would have been raised, under the database's settings or other thresholds.
///
/// It works in a schema of its own and changes nothing else, but for rolling up events that are new. It begins without alerts;
/// its evaluations see the five-minute buckets that were closed at their moment, with what has since arrived late for them.
public struct Backtest: Sendable {
    private let client: PostgresClient
    private let clock: @Sendable () -> Date

    /// - Parameters:
    ///   - client: Of a database with the monitor's schema, and a user who may create schemas. It needs two connections.
    ///   - clock: What the present is: so far events are rolled up.
    public init(client: PostgresClient, clock: @escaping @Sendable () -> Date = { Date() }) {
        self.client = client
        self.clock = clock
    }

    /// Evaluates `from`, then every `step`, up to but not including `to`.
    ///
    /// - Parameters:
    ///   - from: The first moment.
    ///   - to: After `from`, at most 200 days.
    ///   - step: One minute to one day. Detection steps on five minutes, a shorter step finds nothing more.
    ///   - thresholds: What stands over the settings' own.
    ///   - baselineWindowDays: 1 to 90; nil for the settings' own.
    ///   - progress: Called about once a second.
    /// - Throws: `MonitoringError` with `.invalidArgument`; `PostgresError`, with SQLSTATE TMSET where the thresholds together with the
    ///   settings make no sense, or `.cancelled`; `CancellationError`.
    public func run(
        from: Date, to: Date, step: Duration = .seconds(300), thresholds: ThresholdOverrides? = nil, baselineWindowDays: Int? = nil,
        progress: @escaping @Sendable (BacktestProgress) async -> Void = { _ in }
    ) async throws -> BacktestReport {
        let plan = try BacktestPlan(from: from, to: to, step: step)
        guard baselineWindowDays.map((1...90).contains) ?? true else {
            throw MonitoringError(.invalidArgument, "a baseline's window is 1 to 90 days")
        }
        let (settings, reachDays) = try await settings(thresholds, baselineWindowDays)
        try await rollUp(plan, progress)
        try await BacktestScratch.dropLeftovers(client)
        let scratch = try await BacktestScratch(client: client, id: UUID())
        return try await scratch.whileLocked { checkLock in
            do {
                try await scratch.create(
                    copyingFrom: plan.from.addingTimeInterval(-Double(reachDays) * 86_400), to: plan.moment(plan.count))
                try await walk(plan, scratch, settings, checkLock, progress)
                let report = try await scratch.report(plan)
                try await scratch.drop()
                return report
            } catch {
                // What cannot be dropped now is dropped at the next start.
                try? await scratch.drop()
                throw error
            }
        }
    }

    /// The effective settings as JSON, and how many days before a moment its evaluation can read: a baseline that reaches back as
    /// far as it may, from the one of a week before, which slow drift is held against, with its day of distance and the rest of a day.
    private func settings(_ thresholds: ThresholdOverrides?, _ windowDays: Int?) async throws -> (json: String, reachDays: Int) {
        var override: [String: JSONValue] = [:]
        if let thresholds {
            override["thresholds"] = try JSONValue(parsing: String(decoding: MonitoringJSON.encode(thresholds), as: UTF8.self))
        }
        if let windowDays { override["baseline"] = .object(["window_days": .integer(Int64(windowDays))]) }
        let text = String(decoding: try MonitoringJSON.encode(JSONValue.object(override)), as: UTF8.self)
        let row = try await client.query(Self.effective, [.json(text)])[0]
        return (try row.decode("settings"), max(28, try row.decode("window_days", as: Int.self)) + 10)
    }

    private func rollUp(_ plan: BacktestPlan, _ progress: @Sendable (BacktestProgress) async -> Void) async throws {
        try await MonitoringEngine(client: client).catchUp(at: clock()) { step in
            await progress(
                BacktestProgress(
                    phase: .rollingUp(hoursPending: step.hoursPending), evaluations: 0, evaluationsInAll: plan.count, transitions: 0,
                    moment: plan.from))
        }
    }

    /// In statements of about a second, so that progress shows and a cancellation need not wait.
    private func walk(
        _ plan: BacktestPlan, _ scratch: BacktestScratch, _ settings: String, _ checkLock: @Sendable () async throws -> Void,
        _ progress: @Sendable (BacktestProgress) async -> Void
    ) async throws {
        var done = 0
        var transitions = 0
        var size = 8
        while done < plan.count {
            try Task.checkCancellation()
            try await checkLock()
            let count = min(size, plan.count - done)
            let began = ContinuousClock.now
            transitions += try await scratch.walk(
                from: plan.moment(done), count: count, stepSeconds: plan.stepSeconds, settings: settings)
            let seconds = max(0.001, (ContinuousClock.now - began) / .seconds(1))
            done += count
            size = min(max(1, Int(Double(count) / seconds)), size * 2, 1000)
            await progress(
                BacktestProgress(
                    phase: .evaluating, evaluations: done, evaluationsInAll: plan.count, transitions: transitions,
                    moment: plan.moment(done - 1)))
        }
    }

    private static let effective = """
        SELECT settings, (settings -> 'baseline' ->> 'window_days')::integer AS window_days
        FROM monitoring_effective_settings($1::jsonb) settings
        WHERE monitoring_check_settings(settings)
        """
}
