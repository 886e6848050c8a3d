import Monitoring

extension AlertAction {
    /// How the API describes it.
    var operation: Operation {
        var operation = Operation(
            id: "\(rawValue)Alert", tag: .alerts, summary: summary, path: [.id(of: "an alert")],
            fields: ActionOrder.fields(of: self), bodyRule: ActionOrder.rule(of: self), bodyExamples: [example],
            answer: .json(Alert.self),
            problems: [.notFound: "There is no alert 00000000-0000-4000-8000-00000000ffff."])
        operation.detail = detail
        if let forbidden { operation.problems[.transitionForbidden] = forbidden }
        operation.requiresBody = self == .snooze
        if self == .snooze { operation.problems[.contradiction] = "until must be a time within the next 30 days." }
        return operation
    }

    private var summary: String {
        switch self {
        case .acknowledge: "Take an alert in hand"
        case .unacknowledge: "Give an alert back"
        case .resolve: "End an alert"
        case .ignore: "Track an alert and tell nobody, until its condition clears"
        case .snooze: "Tell nobody before a time"
        case .reopen: "Open an alert again"
        }
    }

    private var detail: String {
        switch self {
        case .acknowledge: "A second time, by whomever, it changes nothing and answers with the first one's name."
        case .unacknowledge: "An open alert stays as it is."
        case .resolve: "While its condition holds, an alert resolved by hand stays so until that has cleared once or is a severity worse."
        case .ignore: "An ignored alert stays as it is."
        case .snooze: "Its end tells once, where the alert is still open then."
        case .reopen: "An open alert stays as it is."
        }
    }

    /// What the table of transitions forbids; nil where it allows it from everywhere.
    private var forbidden: String? {
        switch self {
        case .acknowledge: "Cannot acknowledge an alert that is resolved: from resolved to acknowledged is no allowed transition."
        case .unacknowledge: "Cannot unacknowledge an alert that is resolved: from resolved to open is no allowed transition."
        case .resolve: nil
        case .ignore: "Cannot ignore an alert that is resolved: from resolved to ignored is no allowed transition."
        case .snooze: "Cannot snooze an alert that is resolved."
        case .reopen: "Cannot reopen an alert that is acknowledged: from acknowledged to open is no allowed transition."
        }
    }

    private var example: JSONValue {
        switch self {
        case .acknowledge, .resolve: .object(["acknowledged_by": "Ana", "note": "The gateway was restarted."])
        case .snooze: .object(["minutes": 30, "actor": "Ana"])
        default: .object(["actor": "Ana"])
        }
    }
}
