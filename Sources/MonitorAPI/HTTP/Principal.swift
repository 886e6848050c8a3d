/// Who a request comes from, as far as the listener can tell.
struct Principal: Sendable, Hashable {
    /// The token's name; nil where there are no tokens.
    var tokenName: String?
    var scope: AccessScope
    /// nil for whoever sends the token itself.
    var session: Session?

    /// Whoever reaches a listener without tokens, on the loopback address.
    static let local = Principal(tokenName: nil, scope: .write)

    /// What the audit holds as the credential.
    var credential: String { tokenName ?? "local" }
    /// What the forms of its pages are bound to.
    var binding: String { session?.binding ?? tokenName.map { "token \($0)" } ?? "local" }
    /// Who acts where the client gives no name.
    var defaultActor: String { tokenName ?? "api" }
}
