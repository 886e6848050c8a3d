public import Foundation

/// What a link in a message allows whoever holds it to do.
public struct LinkClaim: Sendable, Hashable {
    /// What a link is for. Each lets its holder see what it is about; none allows what another one does.
    public enum Action: String, Sendable, Hashable, CaseIterable {
        /// Look at the whole story, and change nothing.
        case open
        /// Take it in hand.
        case acknowledge
        /// End it.
        case resolve
        /// Hear nothing of it for a while.
        case snooze
    }

    /// What a link is about.
    public enum Subject: Sendable, Hashable {
        /// One alert.
        case alert(UUID)
        /// All alerts that one message told of: the id is that of the notification which carried it.
        case message(UUID)

        /// Of the alert or of the message.
        public var id: UUID {
            switch self {
            case .alert(let id), .message(let id): id
            }
        }
    }

    /// What it is for.
    public var action: Action
    /// To which alerts.
    public var subject: Subject
    /// To whom the message went: the context of the person who clicks.
    public var receiver: String
    /// Until when, in whole seconds.
    public var expiresAt: Date

    /// - Parameter expiresAt: Fractions of a second are cut off in a token.
    public init(action: Action, subject: Subject, receiver: String, expiresAt: Date) {
        self.action = action
        self.subject = subject
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
