import Foundation
import Monitoring

/// The buttons of an alert on a page: what can be done to it from where it stands.
struct AlertForm: Sendable {
    struct Button: Sendable {
        let value: String
        let label: String
        /// `main` for the first, `plain` for the others.
        let style: String
        /// With the alert's title: there are many buttons of one name on a page.
        let name: String
        let isSnooze: Bool
    }

    /// One way to choose how long.
    struct Choice: Sendable {
        let value: String
        let label: String
        let isChosen: Bool
    }

    let mark: String
    /// Where it is sent, from the page that it stands on.
    let action: String
    /// That page: `status` or `alert`.
    let from: String
    let name: String
    let buttons: [Button]
    /// For ids on a page with several.
    let suffix: String
    let title: String
    let choices: [Choice]
    let maximumName = ActionOrder.maximumName
    let maximumNote = ActionOrder.maximumNote

    /// nil where somebody may look alone.
    init?(_ alert: Alert, viewer: PageViewer, from: String) {
        guard viewer.canAct else { return nil }
        mark = viewer.mark
        let id = alert.id.uuidString.lowercased()
        action = from == "status" ? "alerts/\(id)" : id
        self.from = from
        name = viewer.name
        suffix = String(id.suffix(12))
        let title = AlertCard.shortTitle(of: alert)
        self.title = title
        buttons = Self.actions(alert.status).enumerated().map { index, action in
            let label = Self.label(action)
            return Button(
                value: action.rawValue, label: label, style: index == 0 ? "main" : "plain", name: "\(label): \(title)",
                isSnooze: action == .snooze)
        }
        choices = SnoozeChoice.allCases.map { Choice(value: $0.rawValue, label: $0.label, isChosen: $0 == .standard) }
    }

    /// What a person can do, the likeliest first: the rows of monitoring_allowed_transitions that change something.
    static func actions(_ status: AlertStatus) -> [AlertAction] {
        switch status {
        case .open: [.acknowledge, .resolve, .snooze, .ignore]
        case .acknowledged: [.resolve, .snooze, .unacknowledge, .ignore]
        case .ignored: [.reopen, .resolve]
        case .resolved: [.reopen]
        }
    }

    private static func label(_ action: AlertAction) -> String {
        action == .unacknowledge ? "Give back" : Wording.sentence(action.rawValue)
    }
}
