import Notifications

/// What the forms of pages carry so that no other site's page can send them: a code that only this listener can make, for this
/// session alone.
struct FormMark: Sendable {
    /// The field's name.
    static let field = "form"

    let signer: LinkSigner

    func mark(for principal: Principal) -> String { signer.formMark(for: principal.binding) }

    /// - Throws: 403 where the form was not made for this principal.
    func check(_ fields: FormFields, _ principal: Principal) throws(Problem) {
        guard let mark = fields.values[Self.field], signer.isFormMark(mark, for: principal.binding) else {
            throw Problem(.forbidden, "This form is not of your session any more. Nothing was changed: load the page again.")
        }
    }
}
