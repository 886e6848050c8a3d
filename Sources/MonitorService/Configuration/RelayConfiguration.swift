public import Monitoring
public import Notifications

/// How alerts from elsewhere are taken in, as the configuration writes it.
public struct RelayConfiguration: Sendable, Hashable {
    /// Who may send webhooks to `/relay/{name}`.
    public struct Source: Sendable, Hashable {
        /// What the webhooks look like.
        public enum Format: String, Sendable, Hashable, CaseIterable {
            case alertmanager, grafana, generic
        }

        /// How a signature is made.
        public enum Signature: String, Sendable, Hashable, CaseIterable {
            case standardWebhooks = "standard-webhooks"
            case slack
        }

        /// In its path; unique.
        public var name: String
        /// What it sends.
        public var format: Format
        /// What it shows as `Authorization: Bearer`; nil where it signs, or where a token of the listener is asked for.
        public var token: Secret?
        /// What it signs with.
        public var secret: Secret?
        /// How.
        public var signature = Signature.standardWebhooks
        /// How long its alerts stand that it does not name again; nil: until it says that they are over.
        public var resolveTimeout: Duration?
        /// Of a generic one, JSON pointers by what stands there.
        public var pointers = Pointers()
        /// Of a generic one, values of `status` that say that it is over; empty: the usual ones.
        public var resolvedValues: [String] = []
    }

    /// JSON pointers, as text.
    public struct Pointers: Sendable, Hashable {
        /// An array of alerts; nil: the document is one.
        public var alerts: String?
        /// What it is called.
        public var title: String?
        /// What is said about it.
        public var summary: String?
        /// How bad it is.
        public var severity: String?
        /// Whether it goes on.
        public var status: String?
        /// What tells it from others.
        public var identity: [String] = []
        /// Where its source shows it.
        public var link: String?
    }

    /// How long an alert of Alertmanager's API stands that names no end and is not seen again.
    public var resolveTimeout: Duration = .seconds(300)
    /// What severities of other systems mean, over the usual ones.
    public var severities: [String: Severity] = [:]
    /// Of an alert that has none, or one that is not known.
    public var defaultSeverity = Severity.medium
    /// So many from elsewhere may stand at a time.
    public var maximumAlerts = 100_000
    /// In the order written; names are unique.
    public var sources: [Source] = []

    /// The defaults.
    public init() {}
}

/// Which alerts keep which others from being told, as the configuration writes it.
public struct InhibitConfiguration: Sendable, Hashable {
    /// What a source is like.
    public var sourceMatchers: [String] = []
    /// What a target is like.
    public var targetMatchers: [String] = []
    /// Labels that both have alike.
    public var equal: [String] = []
}
