import Monitoring

/// Whether a transition is told, and why not.
enum TellingDecision: Sendable, Hashable {
    /// To those whom the plan names, but for those whose route is quiet now.
    case tell(RoutingPlan)
    /// To those of these receivers who were told that the alert had opened.
    case tellThoseWhoKnow([RoutingPlan.Telling])
    /// It is a step that nobody needs to hear of.
    case notTold
    /// The alert is ignored, or was until this step.
    case ignored
    /// Somebody asked for quiet until later: by this very step, or before it.
    case snoozed
    /// A silence covers it.
    case silenced
    /// Another alert that stands says enough.
    case inhibited

    /// Decides for one transition.
    ///
    /// Who hears of an end is whoever heard of the beginning: the routes may no longer lead there, as the severity has changed.
    init(
        _ transition: UnroutedTransition, silences: [Silence], inhibition: Inhibition = .none, configuration: NotificationConfiguration
    ) {
        let receivers = configuration.receivers.values.sorted { $0.name < $1.name }
        if transition.isIgnored {
            self = .ignored
            return
        }
        let plan = configuration.routing.plan(for: transition.labels, at: transition.moment)
        switch transition.kind {
        case .opened, .escalated, .reopened: break
        // An end is no disturbance, and whoever waits for it must not wait for ever: nothing keeps it back.
        case .resolved:
            self = .tellThoseWhoKnow(receivers.filter(\.sendResolved).map { plan.telling(of: $0.name) })
            return
        case .acknowledged:
            self = .tellThoseWhoKnow(receivers.filter(\.tellAcknowledged).map { plan.telling(of: $0.name) })
            return
        case .snoozed:
            self = .snoozed
            return
        case .deescalated, .unacknowledged, .ignored:
            self = .notTold
            return
        }
        if transition.isSnoozed {
            self = .snoozed
        } else if silences.contains(where: { $0.covers(transition.labels) }) {
            self = .silenced
        } else if inhibition.inhibitor(of: transition.alertID, transition.labels) != nil {
            self = .inhibited
        } else {
            self = .tell(plan)
        }
    }

    /// Who is told now.
    var tellings: [RoutingPlan.Telling] {
        switch self {
        case .tell(let plan): plan.tellings.filter { !$0.isMuted }
        case .tellThoseWhoKnow(let tellings): tellings
        case .notTold, .ignored, .snoozed, .silenced, .inhibited: []
        }
    }

    /// As what a step is kept for the end of the quiet, `snoozed`, `silenced`, `inhibited` or `muted`; nil: it is not.
    ///
    /// A snooze is kept itself: its end is told although nothing else may have happened meanwhile.
    func withheld(_ kind: AlertTransition.Kind) -> String? {
        guard [.opened, .escalated, .reopened, .snoozed].contains(kind) else { return nil }
        return switch self {
        case .snoozed: "snoozed"
        case .silenced: "silenced"
        case .inhibited: "inhibited"
        case .tell(let plan): plan.tellings.contains(where: \.isMuted) ? "muted" : nil
        case .tellThoseWhoKnow, .notTold, .ignored: nil
        }
    }
}
