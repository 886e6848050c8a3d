public import Notifications

/// Everything that the service can be told, with its defaults: a value without side effects.
///
/// `ConfigurationLoader` makes it from environment, file and command line. Without any of them it is `ServiceConfiguration()`:
/// an embedded PostgreSQL, a listener on 127.0.0.1:8080, and notifications that are logged instead of sent.
public struct ServiceConfiguration: Sendable, Hashable {
    /// What is watched, such as `production`; shown in every message. nil shows nothing.
    public var environment: String?

    /// Where the embedded PostgreSQL and other local state live. nil: under XDG_DATA_HOME, see `DataDirectory`.
    public var dataDirectory: String?

    /// The database that is worked on.
    public var database = DatabaseConfiguration()

    /// The HTTP listener.
    public var listener = ListenerConfiguration()

    /// How alerts are found.
    public var detection = DetectionConfiguration()

    /// Where messages can go, in the order written; names are unique.
    public var receivers: [ReceiverConfiguration] = []

    /// What goes where; the first that matches, unless it says `continue`.
    public var routes: [RouteConfiguration] = []

    /// Times that routes refer to by their names, which are unique.
    public var timeIntervals: [TimeIntervalConfiguration] = []

    /// Names of the receivers of what no route matches; empty: nobody is told. nil: every receiver is.
    public var defaultReceivers: [String]?

    /// Name of the receiver that is told when another is disabled or the roll-up stalls.
    public var fallbackReceiver: String?

    /// Called after every good evaluation, for a dead man's switch elsewhere.
    public var heartbeat: Secret?

    /// How long an acknowledged alert may stay open before its receivers are reminded. nil: never.
    public var remindAcknowledgedAfter: Duration?

    /// What to read when an alert comes, by alert type; `default` holds for the types not named.
    public var runbookURLs: [String: String] = [:]

    /// Which alerts keep which others from being told.
    public var inhibitRules: [InhibitConfiguration] = []

    /// How alerts from elsewhere are taken in.
    public var relay = RelayConfiguration()

    /// How long own tables keep what is past.
    public var retention = RetentionConfiguration()

    /// The defaults.
    public init() {}
}

extension ServiceConfiguration {
    /// The alert types that a runbook can be named for.
    public static let alertTypes = [
        "fallback_spike", "error_spike", "duplicate_spike", "latency_spike", "health_decline", "model_drift", "traffic_drop",
    ]

    /// What to read when an alert of this type comes; nil where nothing is configured.
    public func runbookURL(for alertType: String) -> String? {
        runbookURLs[alertType] ?? runbookURLs["default"]
    }
}
