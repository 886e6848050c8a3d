public import WebTransport

/// Times and bounds of sending. The defaults are meant to be kept; tests make them short.
public struct DeliverySettings: Sendable, Hashable {
    /// When a message that failed is sent again.
    public var backoff: Backoff
    /// For the whole request, connecting included.
    public var requestTimeout: Duration
    /// How often due messages are looked for when nothing wakes the dispatcher, where notices are not heard.
    public var pollInterval: Duration
    /// How often they are looked for where notices are heard.
    public var idleInterval: Duration
    /// How often a process says that it is alive.
    public var heartbeatInterval: Duration
    /// After what silence a process counts as dead and its claims come back.
    public var heartbeatTimeout: Duration
    /// Requests at the same time, over all receivers.
    public var maximumInFlight: Int
    /// How long a receiver rests after an answer that says it is gone for good.
    public var disabledRest: Duration
    /// When an endpoint counts as broken, and how often it is tried then.
    public var breaker: BreakerSettings

    /// - Parameters:
    ///   - requestTimeout: A claim lasts twice as long and ten seconds more.
    ///   - maximumInFlight: 1 or more.
    public init(
        backoff: Backoff = Backoff(), requestTimeout: Duration = .seconds(15), pollInterval: Duration = .seconds(1),
        idleInterval: Duration = .seconds(15), heartbeatInterval: Duration = .seconds(3), heartbeatTimeout: Duration = .seconds(10),
        maximumInFlight: Int = 256,
        disabledRest: Duration = .seconds(3600), breaker: BreakerSettings = BreakerSettings()
    ) {
        self.backoff = backoff
        self.requestTimeout = requestTimeout
        self.pollInterval = pollInterval
        self.idleInterval = max(pollInterval, idleInterval)
        self.heartbeatInterval = heartbeatInterval
        self.heartbeatTimeout = heartbeatTimeout
        self.maximumInFlight = max(1, maximumInFlight)
        self.disabledRest = disabledRest
        self.breaker = breaker
    }

    /// What a dispatcher's transport needs: a place for every request that may be under way, else one receiver that hangs takes those of
    /// others.
    public var transport: WebTransportConfiguration { WebTransportConfiguration(maxConnections: maximumInFlight) }

    /// How long a claim lasts: longer than any request can.
    var claimSeconds: Double { requestTimeout.seconds * 2 + 10 }
}
