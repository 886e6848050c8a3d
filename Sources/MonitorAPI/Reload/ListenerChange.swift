public import Notifications

/// What can be another one while the listener runs: everything but its address.
public struct ListenerChange: Sendable {
    var configuration: ListenerConfiguration
    var linkSigner: LinkSigner
    var receivers: [String: ReceiverKind]

    /// - Parameters:
    ///   - configuration: Its host and port are not looked at.
    ///   - linkSigner: Of the links in messages.
    ///   - receivers: That are configured: their kinds, by name.
    public init(configuration: ListenerConfiguration, linkSigner: LinkSigner, receivers: [String: ReceiverKind]) {
        self.configuration = configuration
        self.linkSigner = linkSigner
        self.receivers = receivers
    }
}
