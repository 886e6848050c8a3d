import Foundation

/// A named destination with its format, its limits and its secrets.
public struct Receiver: Sendable, Hashable, CustomStringConvertible {
    /// Letters, digits, `-`, `_` and `.`, at most 48.
    public let name: String
    /// What it speaks.
    public let kind: ReceiverKind
    /// Where it is; nil for `log` alone. The URL is a credential.
    public let url: Secret?
    /// What a `webhook` is signed with, the first being the newest; empty: unsigned.
    public let signingSecrets: [SigningSecret]
    /// nil: as fast as it answers.
    public let rateLimit: RateLimit?
    /// Whether its address may be private, loopback or link-local.
    public let allowPrivateNetwork: Bool
    /// Whether it is told when an alert of which it was told is over.
    public let sendResolved: Bool
    /// Whether it is told when somebody takes an alert in hand.
    public let tellAcknowledged: Bool
    /// Whether a newer message of an alert replaces one that waits.
    public let supersedes: Bool
    /// Requests at the same time, 1 to 256.
    public let maximumInFlight: Int

    /// A receiver that has been checked.
    ///
    /// - Parameters:
    ///   - url: http or https, at most 2,000 characters; nil for `log`.
    ///   - signingSecrets: For `webhook` alone.
    ///   - rateLimit: nil: one a second for `slack`, none for the others.
    ///   - supersedes: nil: yes for what people read, no for `webhook`.
    ///   - maximumInFlight: Requests at the same time, 1 to 256.
    /// - Throws: `.invalidReceiver`; the URL is never quoted.
    public init(
        name: String, kind: ReceiverKind, url: Secret? = nil, signingSecrets: [SigningSecret] = [], rateLimit: RateLimit? = nil,
        allowPrivateNetwork: Bool = false, sendResolved: Bool = true, tellAcknowledged: Bool = false, supersedes: Bool? = nil,
        maximumInFlight: Int? = nil
    ) throws(NotificationConfigurationError) {
        guard Self.isName(name) else {
            throw NotificationConfigurationError(
                .invalidReceiver, "a receiver's name has 1 to 48 letters, digits, '-', '_' and '.', and begins with a letter or digit")
        }
        if kind.hasEndpoint {
            guard let url, Self.isEndpoint(url.reveal()) else {
                throw NotificationConfigurationError(.invalidReceiver, "receiver '\(name)' needs an http or https URL")
            }
        } else if url != nil {
            throw NotificationConfigurationError(.invalidReceiver, "receiver '\(name)' of type \(kind.rawValue) takes no URL")
        }
        guard signingSecrets.isEmpty || kind == .webhook else {
            throw NotificationConfigurationError(.invalidReceiver, "receiver '\(name)': only type webhook takes a secret")
        }
        guard (1...256).contains(maximumInFlight ?? 1) else {
            throw NotificationConfigurationError(.invalidReceiver, "receiver '\(name)': 1 to 256 requests at the same time")
        }
        self.name = name
        self.kind = kind
        self.url = url
        self.signingSecrets = signingSecrets
        self.rateLimit = rateLimit ?? (kind == .slack ? .onePerSecond : nil)
        self.allowPrivateNetwork = allowPrivateNetwork
        self.sendResolved = sendResolved
        self.tellAcknowledged = tellAcknowledged
        self.supersedes = supersedes ?? kind.isChat
        self.maximumInFlight = maximumInFlight ?? (kind == .slack ? 4 : 32)
    }

    /// Its kind and name.
    public var description: String { "\(kind.rawValue) receiver '\(name)'" }

    static func isName(_ text: String) -> Bool {
        guard (1...48).contains(text.utf8.count), let first = text.utf8.first, isAlphanumeric(first) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    private static func isEndpoint(_ text: String) -> Bool {
        guard text.utf8.count <= 2000, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }), let components = URLComponents(string: text),
            let scheme = components.scheme?.lowercased(), scheme == "https" || scheme == "http"
        else { return false }
        return components.host?.isEmpty == false
    }
}
