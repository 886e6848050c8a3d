import Foundation
import Monitoring

/// What somebody filled in on a link's page.
struct LinkForm: Sendable, Hashable {
    /// nil where none was given.
    var name: String?
    var note: String?
    /// nil where the form has none.
    var snooze: SnoozeChoice?

    /// - Throws: A problem in words for the person.
    init(_ body: [UInt8], _ action: AlertAction) throws(Problem) {
        let form: FormFields
        do {
            form = try FormFields(String(decoding: body, as: UTF8.self))
        } catch {
            throw Problem(.invalidBody, "The form could not be read.")
        }
        name = try PlainText.check(form.values["name"] ?? "", maximum: ActionOrder.maximumName, multiline: false).get {
            Problem(.invalidBody, "Your name must be \($0).")
        }
        note = try PlainText.check(form.values["note"] ?? "", maximum: ActionOrder.maximumNote, multiline: true).get {
            Problem(.invalidBody, "Your note must be \($0).")
        }
        guard action == .snooze else { return }
        guard let chosen = SnoozeChoice(rawValue: form.values["for"] ?? SnoozeChoice.standard.rawValue) else {
            throw Problem(
                .invalidBody, "How long must be \(QueryParameters.list(SnoozeChoice.allCases.map(\.rawValue))). Nothing was changed.")
        }
        snooze = chosen
    }
}

/// The form of a link's page, ready for its template.
struct LinkFormFields: Sendable {
    /// One way to choose how long.
    struct Choice: Sendable {
        let value: String
        let label: String
        let end: String
        let isChosen: Bool
    }

    /// What it is about: `Acknowledge this alert`.
    let title: String
    let button: String
    let consequence: String
    let receiver: String
    let name: String
    let maximumName = ActionOrder.maximumName
    let maximumNote = ActionOrder.maximumNote
    let choices: [Choice]
    let hasChoices: Bool

    init(_ action: AlertAction, title: String, button: String, consequence: String, receiver: String, name: String?, now: Date) {
        self.title = title
        self.button = button
        self.consequence = consequence
        self.receiver = receiver
        self.name = name ?? ""
        choices =
            action != .snooze
            ? []
            : SnoozeChoice.allCases.map { choice in
                Choice(
                    value: choice.rawValue, label: choice.label, end: "\(Wording.moment(choice.end(after: now), now: now)) UTC",
                    isChosen: choice == .standard)
            }
        hasChoices = !choices.isEmpty
    }
}
