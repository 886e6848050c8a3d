public import Foundation

/// What a link in a message allows whoever holds it to do.
public struct LinkClaim: Sendable, Hashable {
    /// What a link is for. Each lets its holder see the alert; none allows what another one does.
    public enum Action: String, Sendable, Hashable, CaseIterable {
        /// Look at the alert's whole story, and change nothing.
        case open
        /// Take it in hand.
        case acknowledge
        /// End it.
        case resolve
    }

    /// What it is for.
    public var action: Action
    /// To which alert.
    public var alertID: UUID
    /// To whom the message went: the context of the person who clicks.
    public var receiver: String
    /// Until when, in whole seconds.
    public var expiresAt: Date

    /// - Parameter expiresAt: Fractions of a second are cut off in a token.
    public init(action: Action, alertID: UUID, receiver: String, expiresAt: Date) {
        self.action = action
        self.alertID = alertID
        self.receiver = receiver
        self.expiresAt = expiresAt
    }
}

/// Why a token allows nothing.
public enum LinkError: Error, Sendable, Hashable {
    /// It is no token of ours, or was cut on its way.
    case malformed
    /// It was signed with a key that is gone.
    case unknownKey
    /// Somebody changed it.
    case badSignature
    /// It was good once: what it had allowed is here so that the page can say so.
    case expired(LinkClaim)
}
