extension ReceiverConfiguration {
    init?(_ section: ConfigurationSection) {
        let name = section.declaredReceiver("name")
        let type = section.required("type", ConfigurationValue<Kind>.choice)
        let url = section.required("url", .secretWebAddress)
        let secret = section.optional("secret", .signingSecret)
        let rateLimit = section.optional("rate_limit", .rateLimit)
        let allowPrivateNetwork = section.optional("allow_private_network", .boolean)
        let sendResolved = section.optional("send_resolved", .boolean)
        let tellAcknowledged = section.optional("tell_acknowledged", .boolean)
        if type == .slack, section.has("secret") {
            section.problem("secret", "is for receivers of type webhook: Slack checks no signature")
        }
        guard let name, let type, let url else { return nil }
        self.init(
            name: name, type: type, url: url, secret: secret, rateLimit: rateLimit, allowPrivateNetwork: allowPrivateNetwork ?? false,
            sendResolved: sendResolved ?? true, tellAcknowledged: tellAcknowledged ?? false)
    }
}
