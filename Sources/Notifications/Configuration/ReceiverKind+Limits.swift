extension ReceiverKind {
    /// How many messages it is sent in a time, where the configuration says nothing; nil: as fast as it answers.
    ///
    /// | kind | limit | since |
    /// | --- | --- | --- |
    /// | slack, googlechat | 1/s | it is what a webhook, or a space, is allowed |
    /// | discord | 1/s | 5 in 2 s are allowed a webhook, and bans follow what goes on after a 429 |
    /// | teams | 4/s | requests beyond it are throttled |
    /// | pagerduty | 2/s | 120 events a minute are allowed a service |
    /// | mattermost, rocketchat | 10/s | the usual limit of a server |
    public var standardRateLimit: RateLimit? {
        switch self {
        case .slack, .googlechat, .discord: .onePerSecond
        case .teams: .perSecond(4)
        case .pagerduty: .perSecond(2)
        case .mattermost, .rocketchat: .perSecond(10)
        case .webhook, .log: nil
        }
    }

    /// How many requests it has at the same time, where the configuration says nothing.
    public var standardInFlight: Int {
        switch self {
        case .slack, .teams, .pagerduty: 4
        case .googlechat, .discord: 2
        case .mattermost, .rocketchat: 8
        case .webhook, .log: 64
        }
    }
}
