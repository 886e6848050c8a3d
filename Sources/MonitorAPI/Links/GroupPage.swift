import Foundation
import Monitoring
import Notifications

/// What the page of a link to a message shows: how its alerts stand now.
struct GroupPage: Sendable {
    /// One of them.
    struct Member: Sendable {
        let card: AlertCard
        /// Empty for an alert from elsewhere, whose figures are not known here.
        let value: String
        /// To its own page: a token.
        let link: String
        let isOver: Bool
    }

    let markHTML = Brand.mark
    let title: String
    let worst: String
    let state: String
    let receiver: String
    let hasHeadline: Bool
    let outcome: GroupOutcome
    let members: [Member]
    let isCut: Bool
    let cut: String
    let form: LinkFormFields
    let offersForm: Bool
    let tone: PageFrame.Tone

    /// - Parameter action: nil for a link that only shows.
    init(
        _ subject: LinkWork.Subject, _ action: AlertAction?, outcome: GroupOutcome, receiver: String, name: String?, now: Date,
        link: (Alert) -> String
    ) {
        let alerts = subject.alerts
        let live = alerts.filter { $0.status == .open || $0.status == .acknowledged }
        let first = (live.isEmpty ? alerts : live).max { ($0.severity, $1.openedAt) < ($1.severity, $0.openedAt) }
        let others = subject.total - 1
        title = (first.map(AlertCard.shortTitle) ?? "") + (others > 0 ? " and \(others) more" : "")
        worst = first?.severity.rawValue ?? "low"
        state = Self.state(alerts)
        self.receiver = receiver
        self.outcome = outcome
        hasHeadline = !outcome.headline.isEmpty
        members = alerts.map { alert in
            Member(
                card: AlertCard(alert, now: now),
                value: alert.labels == nil ? Wording.value(alert.currentValue, of: alert.metricName) : "", link: link(alert),
                isOver: alert.status == .resolved || alert.status == .ignored)
        }
        isCut = subject.total > alerts.count
        cut = "\(Wording.count(alerts.count)) of \(Wording.count(subject.total)) are shown: those that need somebody, and the worst."
        let open = action.map { action in alerts.count { LinkDeed.stands(action, until: nil, $0, now: now) == .toDo } } ?? 0
        form = LinkFormFields(
            action ?? .acknowledge, title: action.map { "\(Wording.sentence($0.rawValue)) these alerts" } ?? "",
            button: action.map { Self.button($0, open, subject) } ?? "", consequence: action.map(Self.consequence) ?? "",
            receiver: receiver, name: name, now: now)
        offersForm = action != nil && open > 0 && outcome.offersForm
        tone = alerts.map(\.tone).max { $0.urgency < $1.urgency } ?? .neutral
    }

    /// `31 open, 5 acknowledged, 4 resolved`.
    private static func state(_ alerts: [Alert]) -> String {
        let counts = [AlertStatus.open, .acknowledged, .ignored, .resolved].map { status in
            (status.rawValue, alerts.count { $0.status == status })
        }
        return counts.filter { $0.1 > 0 }.map { "\(Wording.count($0.1)) \($0.0)" }.joined(separator: ", ")
    }

    /// `Acknowledge all 40`, or how many of them.
    private static func button(_ action: AlertAction, _ open: Int, _ subject: LinkWork.Subject) -> String {
        let verb = Wording.sentence(action.rawValue)
        if open == subject.total { return "\(verb) all \(Wording.count(open))" }
        return "\(verb) \(Wording.count(open)) of \(Wording.count(subject.total))"
    }

    private static func consequence(_ action: AlertAction) -> String {
        switch action {
        case .resolve: "Ends these alerts. Each stays quiet until its condition has cleared once, or gets worse."
        case .snooze: "Nobody is told of these alerts until then. Those that are still open at that time are told once more."
        default: "Shows the others that you have them in hand. If one gets worse, they are still told."
        }
    }
}

extension PageFrame.Tone {
    /// For comparing: the greater one matters more.
    fileprivate var urgency: Int {
        switch self {
        case .neutral: 0
        case .calm: 1
        case .watch: 2
        case .high: 3
        case .critical: 4
        }
    }
}
