import Foundation
import Logging
import Metrics
import MonitorAPI
import Monitoring
import Postgres
import ServiceLifecycle

/// Rolls up, refreshes the baseline when it is due, evaluates and applies, and removes what is past, on schedule, while it holds
/// the lease.
///
/// Every step is idempotent and stands in the database: after a crash anywhere the next run takes up what is left. An error is
/// logged and the step tried again with the next slot; it ends nothing.
struct Worker: Service {
    let client: PostgresClient
    let running: RunningConfiguration
    /// Unique to this process.
    let process: String
    let clock: ServiceClock
    let logger: Logger
    /// Told of every evaluation, and of every one that failed.
    let watch: EvaluationWatch
    /// Called after transitions were committed, for a dispatcher in the same process.
    let onTransitions: @Sendable () async -> Void
    /// Called after each good evaluation.
    var onEvaluation: @Sendable () async -> Void = {}

    func run() async throws {
        let lease = EvaluationLease(client: client, holder: process)
        await cancelWhenGracefulShutdown {
            var state = State(running.configuration.detection)
            while !Task.isCancelled {
                let pause = await turn(&state, lease: lease)
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
        /// As they were written last.
        var settings: String
        var retention = RetentionSchedule()
        var holdsLease = false
        var viewIsStale = true
        var failures = 0
        /// What went wrong last, and when that was said.
        var complaint: (text: String, at: ContinuousClock.Instant)?

        /// Whether an error is worth a line: another than before, or the same for a minute.
        mutating func complains(of error: any Error) -> Bool {
            let text = "\(error)"
            if let complaint, complaint.text == text, complaint.at.duration(to: .now) < .seconds(60) { return false }
            complaint = (text, .now)
            return true
        }

        init(_ detection: DetectionConfiguration) {
            schedule = EvaluationSchedule(interval: detection.evaluationInterval)
            settings = detection.settingsJSON
        }
    }

    /// Another process took the lease in the middle of an evaluation.
    private struct LeaseLost: Error {}

    /// - Returns: How long until the next.
    private func turn(_ state: inout State, lease: EvaluationLease) async -> Duration {
        do {
            let detection = running.configuration.detection
            try await takeOver(detection, &state)
            switch try await lease.attempt() {
            case .taken(let left):
                if state.holdsLease { logger.notice("Another process evaluates now") }
                state.holdsLease = false
                watch.succeeded()
                // As soon as it is over, and not all at the same moment; a row that is still locked is looked at soon again.
                let chance = Duration.milliseconds(Int.random(in: 50...300))
                return min(max(left, .milliseconds(200)) + chance, .seconds(EvaluationLease.durationSeconds))
            case .held(let fence):
                if !state.holdsLease {
                    logger.info("This process evaluates", metadata: ["fence": "\(fence)"])
                    state.holdsLease = true
                    // Whoever had it may have changed what the view shows, and not have come to refreshing it.
                    state.viewIsStale = true
                }
                if state.schedule.isDue(at: clock.uncorrected()) {
                    let now = try await clock.compared()
                    try await whileRenewing(lease, fence) { [state] in try await evaluate(at: now, fence: fence, state, lease) }
                    state.viewIsStale = false
                    state.schedule.evaluated(at: clock.uncorrected())
                    watch.succeeded()
                    if state.failures > 0 { logger.notice("Evaluations go on", metadata: ["failures": "\(state.failures)"]) }
                    state.failures = 0
                    state.complaint = nil
                    await onEvaluation()
                } else if state.retention.isDue(at: .now) {
                    await removeWhatIsPast(&state, fence: fence)
                }
                return min(
                    EvaluationLease.renewal, state.schedule.untilNextSlot(after: clock.uncorrected()),
                    state.retention.untilNext(after: .now))
            }
        } catch is LeaseLost {
            state.holdsLease = false
            logger.notice("The lease was lost during an evaluation; nothing was changed")
        } catch {
            if Task.isCancelled { return .zero }
            // Something may have been rolled up before it failed.
            state.viewIsStale = true
            state.failures += 1
            Counter(label: "monitor_evaluations_total", dimensions: [("outcome", "failed")]).increment()
            watch.failed(at: clock.now, of: error)
            logger.log(
                level: state.complains(of: error) ? .error : .debug, "An evaluation failed",
                metadata: ["error": "\(error)", "failures": "\(state.failures)"])
        }
        return min(EvaluationLease.retry, state.schedule.untilNextSlot(after: clock.uncorrected()))
    }

    /// Takes over what has changed in the configuration since the last turn.
    private func takeOver(_ detection: DetectionConfiguration, _ state: inout State) async throws {
        if state.schedule.interval != detection.evaluationInterval {
            state.schedule = EvaluationSchedule(interval: detection.evaluationInterval)
        }
        let settings = detection.settingsJSON
        guard state.settings != settings else { return }
        try await MonitoringEngine(client: client).writeSettings(settings, writtenBy: process)
        state.settings = settings
    }

    /// Renews the lease while `body` works, which may take longer than it lasts.
    private func whileRenewing(_ lease: EvaluationLease, _ fence: Int, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { [logger] in
                while true {
                    try await Task.sleep(for: EvaluationLease.renewal)
                    do {
                        guard try await lease.acquire() == fence else { throw LeaseLost() }
                    } catch let error as PostgresError {
                        // What is applied asks for the fence itself: a lease that is over by then changes nothing.
                        if error.code != .cancelled { logger.warning("The lease was not renewed", metadata: ["error": "\(error)"]) }
                    }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func evaluate(at now: Date, fence: Int, _ state: State, _ lease: EvaluationLease) async throws {
        let engine = MonitoringEngine(client: client)
        let started = ContinuousClock.now
        var done = 0
        let changed = try await engine.catchUp(at: now) { progress in
            done += progress.hoursChanged
            if progress.hoursChanged > 0 {
                logger.info("Rolling up", metadata: ["hours_done": "\(done)", "hours_pending": "\(progress.hoursPending)"])
            }
            guard try await lease.acquire() == fence else { throw LeaseLost() }
        }
        let rolledUp = ContinuousClock.now
        Timer(label: "monitor_rollup_duration_seconds").record(duration: started.duration(to: rolledUp))
        try await refreshBaselineIfDue(at: now)
        let transitions = try await client.transaction { connection in
            guard try await EvaluationLease.isHeld(by: process, fence: fence, on: connection) else { throw LeaseLost() }
            if try await MonitoringEngine.takeBackFuture(at: now, on: connection) {
                logger.warning(
                    "The clock was set back; evaluations go on from here", metadata: ["moment": "\(MonitoringJSON.timestamp(now))"])
            }
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
                    "alert_id": "\(transition.alertID.uuidString.lowercased())", "transition": "\(transition.transition.rawValue)",
                    "severity": "\(transition.severity.rawValue)",
                ])
        }
        if !transitions.isEmpty { await onTransitions() }
        if changed > 0 || state.viewIsStale { try await engine.refreshDailyView() }
        logger.debug(
            "Evaluated",
            metadata: ["hours_changed": "\(changed)", "transitions": "\(transitions.count)", "took": "\(started.duration(to: .now))"])
    }

    private func refreshBaselineIfDue(at now: Date) async throws {
        let baseline = running.configuration.detection.baseline
        let repository = BaselineRepository(client: client)
        // None is valid for longer than a day and a half: one that seems so was derived by a clock that was ahead.
        if let present = try await repository.baseline(name: baseline.name), present.validUntil > now,
            present.validUntil < now.addingTimeInterval(37 * 3600),
            present.baselineWindowDays == baseline.windowDays
        {
            return
        }
        if let baseline = try await repository.refresh(name: baseline.name, windowDays: baseline.windowDays, at: now) {
            logger.info(
                "The baseline was refreshed",
                metadata: [
                    "baseline": "\(baseline.baselineName)", "from": "\(baseline.baselineStartDate)", "to": "\(baseline.baselineEndDate)",
                ])
        }
    }

    /// One batch of what the retention of own tables lets go. That it failed is logged, and tried again in an hour.
    private func removeWhatIsPast(_ state: inout State, fence: Int) async {
        do {
            let now = try await clock.compared()
            let removed = try await client.transaction { connection in
                guard try await EvaluationLease.isHeld(by: process, fence: fence, on: connection) else { throw LeaseLost() }
                return try await Retention(running.configuration.retention).removeBatch(at: now, on: connection)
            }
            state.retention.ran(isFinished: removed.isFinished, at: .now)
            if !removed.isEmpty { logger.info("What is past was removed", metadata: removed.metadata) }
        } catch {
            state.retention.ran(isFinished: true, at: .now)
            if !Task.isCancelled { logger.warning("What is past could not be removed", metadata: ["error": "\(error)"]) }
        }
    }
}
