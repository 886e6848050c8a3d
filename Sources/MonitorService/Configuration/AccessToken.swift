public import Notifications

/// A bearer token and what it opens.
public struct AccessToken: Sendable, Hashable {
    /// What a token may do. `write` includes `read`; `ingest` includes neither.
    public enum Scope: String, Sendable, Hashable, CaseIterable {
        /// Look at everything.
        case read
        /// Look, acknowledge, resolve, silence, compute.
        case write
        /// Hand in alerts from elsewhere, and nothing else.
        case ingest
    }

    /// Who holds it, as the audit shows it; unique.
    public var name: String

    /// The token itself.
    public var secret: Secret

    /// What it opens.
    public var scope: Scope

    /// Names a token and what it opens.
    public init(name: String, secret: Secret, scope: Scope) {
        self.name = name
        self.secret = secret
        self.scope = scope
    }
}
