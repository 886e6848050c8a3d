import Monitoring

/// Whether a transition is told, and why not.
enum TellingDecision: Sendable, Hashable {
    /// To these receivers.
    case tell([String])
    /// To those of these receivers who were told that the alert had opened.
    case tellThoseWhoKnow([String])
    /// It is a step that nobody needs to hear of.
    case notTold
    /// The alert is ignored, or was until this step.
    case ignored
    /// Somebody asked for quiet until later: by this very step, or before it.
    case snoozed
    /// A silence covers it.
    case silenced

    /// Decides for one transition.
    ///
    /// Who hears of an end is whoever heard of the beginning: the routes may no longer lead there, as the severity has changed.
    init(_ transition: UnroutedTransition, silences: [Silence], configuration: NotificationConfiguration) {
        let receivers = configuration.receivers.values.sorted { $0.name < $1.name }
        if transition.isIgnored {
            self = .ignored
            return
        }
        let decision: TellingDecision
        switch transition.kind {
        case .opened, .escalated, .reopened:
            decision = .tell(configuration.routing.receivers(for: transition.labels))
        case .resolved:
            decision = .tellThoseWhoKnow(receivers.filter(\.sendResolved).map(\.name))
        case .acknowledged:
            decision = .tellThoseWhoKnow(receivers.filter(\.tellAcknowledged).map(\.name))
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
        } else {
            self = decision
        }
    }

    /// As what a step is kept for the end of the quiet, `snoozed` or `silenced`; nil: it is not.
    ///
    /// A snooze is kept itself: its end is told although nothing else may have happened meanwhile.
    func withheld(_ kind: AlertTransition.Kind) -> String? {
        guard [.opened, .escalated, .reopened, .snoozed].contains(kind) else { return nil }
        return switch self {
        case .snoozed: "snoozed"
        case .silenced: "silenced"
        case .tell, .tellThoseWhoKnow, .notTold, .ignored: nil
        }
    }
}
