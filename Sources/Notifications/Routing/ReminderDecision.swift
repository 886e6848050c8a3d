import Foundation
import Monitoring

/// What becomes of a reminder whose time has come.
enum ReminderDecision: Sendable, Hashable {
    /// It is told. `again`: and once more after that time, if nothing happens.
    case tell(RoutingPlan.Telling, again: Duration?)
    /// Not now: it is looked at again then.
    case later(Duration)
    /// There is nothing to remind of any more.
    case forget

    /// How long a reminder waits that a silence, another alert, or the hours of its route, keep from being told.
    static let quietWait = Duration.seconds(60)

    init(
        _ reminder: DueReminder, silences: [Silence], inhibition: Inhibition = .none, configuration: NotificationConfiguration
    ) {
        let isAcknowledged = reminder.labels[.status] == AlertStatus.acknowledged.rawValue
        guard isAcknowledged || reminder.labels[.status] == AlertStatus.open.rawValue, configuration.receivers[reminder.receiver] != nil
        else {
            self = .forget
            return
        }
        if let left = reminder.snoozeLeft, left > .zero {
            self = .later(max(left, .seconds(1)))
            return
        }
        let plan = configuration.routing.plan(for: reminder.labels, at: reminder.moment)
        let again: Duration?
        switch reminder.cause {
        case .repetition:
            again = isAcknowledged ? configuration.remindAcknowledgedAfter : plan.repeatIntervals[reminder.receiver]
            guard again != nil else {
                self = .forget
                return
            }
        default:
            guard !isAcknowledged, plan.steps.contains(where: { $0.telling.receiver == reminder.receiver }) else {
                self = .forget
                return
            }
            // From then on it is told again as the others are.
            again = plan.repeatIntervals[reminder.receiver]
        }
        let telling = plan.telling(of: reminder.receiver)
        if telling.isMuted || silences.contains(where: { $0.covers(reminder.labels) })
            || inhibition.inhibitor(of: reminder.alertID, reminder.labels) != nil
        {
            self = .later(Self.quietWait)
        } else {
            self = .tell(telling, again: again)
        }
    }
}
