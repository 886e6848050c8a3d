import Foundation

/// A named destination with its format, its limits and its secrets.
public struct Receiver: Sendable, Hashable, CustomStringConvertible {
    /// Letters, digits, `-`, `_` and `.`, at most 48.
    public let name: String
    /// What it speaks.
    public let kind: ReceiverKind
    /// Where it is; nil for `log` alone. The URL is a credential.
    public let url: Secret?
    /// The key of a `pagerduty` service; nil for all others.
    public let routingKey: Secret?
    /// What a `webhook` is signed with, the first being the newest; empty: unsigned. While a key is replaced there are two, and each
    /// message bears both signatures.
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
    /// Whether buttons of a `slack` message tell the listener of a press instead of opening a page.
    public let isInteractive: Bool
    /// What replaces parts of its messages; nil: nothing.
    public let templates: MessageTemplates?

    /// A receiver that has been checked.
    ///
    /// - Parameters:
    ///   - url: http or https, at most 2,000 characters; nil for `log`, and for `pagerduty` where it is the usual one.
    ///   - routingKey: For `pagerduty` alone, which needs it.
    ///   - signingSecrets: For `webhook` alone.
    ///   - rateLimit: nil: the kind's own, `ReceiverKind.standardRateLimit`.
    ///   - tellAcknowledged: nil: yes for `pagerduty`, no for the others.
    ///   - supersedes: nil: yes for all but `webhook`.
    ///   - maximumInFlight: Requests at the same time, 1 to 256; nil: the kind's own.
    ///   - isInteractive: For `slack` alone.
    ///   - templates: Not for `webhook`.
    /// - Throws: `.invalidReceiver`; the URL is never quoted.
    public init(
        name: String, kind: ReceiverKind, url: Secret? = nil, routingKey: Secret? = nil, signingSecrets: [SigningSecret] = [],
        rateLimit: RateLimit? = nil, allowPrivateNetwork: Bool = false, sendResolved: Bool = true, tellAcknowledged: Bool? = nil,
        supersedes: Bool? = nil, maximumInFlight: Int? = nil, isInteractive: Bool = false, templates: MessageTemplates? = nil
    ) throws(NotificationConfigurationError) {
        guard Self.isName(name) else {
            throw NotificationConfigurationError(
                .invalidReceiver, "a receiver's name has 1 to 48 letters, digits, '-', '_' and '.', and begins with a letter or digit")
        }
        func refuse(_ why: String) -> NotificationConfigurationError {
            NotificationConfigurationError(.invalidReceiver, "receiver '\(name)'\(why)")
        }
        let url = url ?? kind.standardURL
        if kind.hasEndpoint {
            guard let url, Self.isEndpoint(url.reveal()) else { throw refuse(" needs an http or https URL") }
        } else if url != nil {
            throw refuse(" of type \(kind.rawValue) takes no URL")
        }
        guard signingSecrets.isEmpty || kind == .webhook else { throw refuse(": only type webhook takes a secret") }
        guard (routingKey != nil) == (kind == .pagerduty) else {
            throw refuse(kind == .pagerduty ? " needs the routing key of a PagerDuty service" : ": only type pagerduty takes a routing key")
        }
        if let routingKey, !Self.isRoutingKey(routingKey.reveal()) {
            throw refuse(": a routing key has 32 letters and digits")
        }
        guard !isInteractive || kind == .slack else { throw refuse(": only type slack has interactive buttons") }
        guard templates == nil || kind.takesTemplates else { throw refuse(": type \(kind.rawValue) takes no templates") }
        guard (1...256).contains(maximumInFlight ?? 1) else { throw refuse(": 1 to 256 requests at the same time") }
        self.name = name
        self.kind = kind
        self.url = url
        self.routingKey = routingKey
        self.signingSecrets = signingSecrets
        self.rateLimit = rateLimit ?? kind.standardRateLimit
        self.allowPrivateNetwork = allowPrivateNetwork
        self.sendResolved = sendResolved
        self.tellAcknowledged = tellAcknowledged ?? kind.tellsAcknowledgedByDefault
        self.supersedes = supersedes ?? kind.supersedesByDefault
        self.maximumInFlight = maximumInFlight ?? kind.standardInFlight
        self.isInteractive = isInteractive
        self.templates = templates
    }

    /// The host of its URL, with the port where it has one: all of it that may be shown. nil for `log`.
    public var host: String? {
        guard let text = url?.reveal(), let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty else { return nil }
        return host + (parts.port.map { ":\($0)" } ?? "")
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

    /// Whether a text can be the key of a PagerDuty service.
    public static func isRoutingKey(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy(isAlphanumeric)
    }

    private static func isEndpoint(_ text: String) -> Bool {
        guard text.utf8.count <= 2000, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }), let components = URLComponents(string: text),
            let scheme = components.scheme?.lowercased(), scheme == "https" || scheme == "http"
        else { return false }
        return components.host?.isEmpty == false
    }
}
