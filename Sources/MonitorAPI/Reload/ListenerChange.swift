public import Notifications

/// What can be another one while the listener runs: everything but its address.
public struct ListenerChange: Sendable {
    var configuration: ListenerConfiguration
    var linkSigner: LinkSigner
    var receivers: [String: ReceiverKind]
    var relay: RelaySettings

    /// - Parameters:
    ///   - configuration: Its host and port are not looked at.
    ///   - linkSigner: Of the links in messages.
    ///   - receivers: That are configured: their kinds, by name.
    ///   - relay: How alerts from elsewhere are taken in.
    public init(
        configuration: ListenerConfiguration, linkSigner: LinkSigner, receivers: [String: ReceiverKind],
        relay: RelaySettings = RelaySettings()
    ) {
        self.configuration = configuration
        self.linkSigner = linkSigner
        self.receivers = receivers
        self.relay = relay
    }
}
