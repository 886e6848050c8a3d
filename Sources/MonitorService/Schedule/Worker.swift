import Foundation
import Logging
import Metrics
import MonitorAPI
import Monitoring
import Postgres
import ServiceLifecycle

/// Rolls up, refreshes the baseline when it is due, evaluates and applies, on schedule, while it holds the lease.
///
/// Every step is idempotent and stands in the database: after a crash anywhere the next run takes up what is left. An error is
/// logged and the step tried again with the next slot; it ends nothing.
struct Worker: Service {
    let client: PostgresClient
    let detection: DetectionConfiguration
    /// Unique to this process.
    let process: String
    let clock: @Sendable () -> Date
    let logger: Logger
    /// Told of every evaluation, and of every one that failed.
    let watch: EvaluationWatch
    /// Called after transitions were committed, for a dispatcher in the same process.
    let onTransitions: @Sendable () async -> Void

    func run() async throws {
        let lease = EvaluationLease(client: client, holder: process)
        await cancelWhenGracefulShutdown {
            var state = State(schedule: EvaluationSchedule(interval: detection.evaluationInterval))
            while !Task.isCancelled {
                await turn(&state, lease: lease)
                let pause = min(EvaluationLease.renewal, state.schedule.untilNextSlot(after: clock()))
                try? await Task.sleep(for: max(pause, .milliseconds(50)))
            }
        }
        // Outside of the cancelled task, so that the query is not cancelled as well.
        do {
            try await lease.release()
        } catch {
            logger.warning("The lease could not be given up; others wait for its end", metadata: ["error": "\(error)"])
        }
    }

    private struct State {
        var schedule: EvaluationSchedule
        var holdsLease = false
        var viewIsStale = true
        var failures = 0
    }

    /// Another process took the lease in the middle of an evaluation.
    private struct LeaseLost: Error {}

    private func turn(_ state: inout State, lease: EvaluationLease) async {
        do {
            guard let fence = try await lease.acquire() else {
                if state.holdsLease { logger.notice("Another process evaluates now") }
                state.holdsLease = false
                watch.succeeded()
                return
            }
            if !state.holdsLease {
                logger.info("This process evaluates", metadata: ["fence": "\(fence)"])
                state.holdsLease = true
            }
            let now = clock()
            guard state.schedule.isDue(at: now) else { return }
            try await evaluate(at: now, fence: fence, state: &state, lease: lease)
            state.schedule.evaluated(at: now)
            watch.succeeded()
            if state.failures > 0 { logger.notice("Evaluations go on", metadata: ["failures": "\(state.failures)"]) }
            state.failures = 0
        } catch is LeaseLost {
            state.holdsLease = false
            logger.notice("The lease was lost during an evaluation; nothing was changed")
        } catch {
            if Task.isCancelled { return }
            state.failures += 1
            Counter(label: "monitor_evaluations_total", dimensions: [("outcome", "failed")]).increment()
            watch.failed(at: clock())
            logger.error("An evaluation failed", metadata: ["error": "\(error)", "failures": "\(state.failures)"])
        }
    }

    private func evaluate(at now: Date, fence: Int, state: inout State, lease: EvaluationLease) async throws {
        let engine = MonitoringEngine(client: client)
        let started = ContinuousClock.now
        var done = 0
        let changed = try await engine.catchUp(at: now) { progress in
            done += progress.hoursChanged
            if progress.hoursChanged > 0 {
                logger.info("Rolling up", metadata: ["hours_done": "\(done)", "hours_pending": "\(progress.hoursPending)"])
            }
            // A long backfill outlives the lease unless it is renewed in between.
            guard try await lease.acquire() == fence else { throw LeaseLost() }
        }
        let rolledUp = ContinuousClock.now
        Timer(label: "monitor_rollup_duration_seconds").record(duration: started.duration(to: rolledUp))
        try await refreshBaselineIfDue(at: now)
        let transitions = try await client.transaction { connection in
            guard try await EvaluationLease.isHeld(by: process, fence: fence, on: connection) else { throw LeaseLost() }
            return try await MonitoringEngine.applyEvaluation(at: now, on: connection)
        }
        Timer(label: "monitor_evaluation_duration_seconds").record(duration: rolledUp.duration(to: .now))
        Counter(label: "monitor_evaluations_total", dimensions: [("outcome", "done")]).increment()
        for transition in transitions {
            Counter(
                label: "monitor_alert_transitions_total",
                dimensions: [("transition", transition.transition.rawValue), ("severity", transition.severity.rawValue)]
            ).increment()
            logger.notice(
                "An alert changed",
                metadata: [
                    "alert": "\(transition.alertID.uuidString.lowercased())", "transition": "\(transition.transition.rawValue)",
                    "severity": "\(transition.severity.rawValue)",
                ])
        }
        if !transitions.isEmpty { await onTransitions() }
        if changed > 0 { state.viewIsStale = true }
        if state.viewIsStale {
            try await engine.refreshDailyView()
            state.viewIsStale = false
        }
        logger.debug(
            "Evaluated",
            metadata: ["hours_changed": "\(changed)", "transitions": "\(transitions.count)", "took": "\(started.duration(to: .now))"])
    }

    private func refreshBaselineIfDue(at now: Date) async throws {
        let repository = BaselineRepository(client: client)
        let name = detection.baseline.name
        if let present = try await repository.baseline(name: name), present.validUntil > now,
            present.baselineWindowDays == detection.baseline.windowDays
        {
            return
        }
        if let baseline = try await repository.refresh(name: name, windowDays: detection.baseline.windowDays, at: now) {
            logger.info(
                "The baseline was refreshed",
                metadata: ["baseline": "\(name)", "from": "\(baseline.baselineStartDate)", "to": "\(baseline.baselineEndDate)"])
        }
    }
}
