import Foundation
import Monitoring

/// What a transition changes in what will be told later, unless somebody takes the alert in hand.
struct ReminderOrder: Sendable, Hashable {
    /// One that is to come.
    struct Reminder: Sendable, Hashable {
        var receiver: String
        /// `.repetition` or `.escalationStep`.
        var cause: NotificationCause
        var after: Duration
    }

    /// Whether all that there were are to go first, together with what they have put into the outbox.
    var clears = false
    /// A repetition takes the place of the one there is; a step leaves it as it is, and is told once in a life of the alert.
    var reminders: [Reminder] = []

    init(clears: Bool = false, reminders: [Reminder]) {
        self.clears = clears
        self.reminders = reminders
    }

    /// - Parameter plan: Of the alert as it is now.
    init(_ transition: UnroutedTransition, _ decision: TellingDecision, plan: RoutingPlan, configuration: NotificationConfiguration) {
        switch transition.kind {
        case .resolved, .ignored:
            clears = true
        case .acknowledged:
            clears = true
            if let after = configuration.remindAcknowledgedAfter {
                reminders = plan.tellings.map { Reminder(receiver: $0.receiver, cause: .repetition, after: after) }
            }
        case .opened, .escalated, .reopened, .unacknowledged:
            // What is withheld is told at the end of the quiet, and its reminders count from there.
            guard transition.labels[.status] == "open", ![.ignored, .snoozed, .silenced, .inhibited].contains(decision) else { return }
            reminders = Self.reminders(of: plan)
        case .deescalated, .snoozed:
            break
        }
    }

    /// Those of an alert that is open and has just been told.
    static func reminders(of plan: RoutingPlan) -> [Reminder] {
        plan.tellings.compactMap { telling in
            plan.repeatIntervals[telling.receiver].map { Reminder(receiver: telling.receiver, cause: .repetition, after: $0) }
        } + plan.steps.map { Reminder(receiver: $0.telling.receiver, cause: .escalationStep, after: $0.after) }
    }
}
