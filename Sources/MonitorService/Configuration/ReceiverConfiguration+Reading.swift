import Notifications

extension ReceiverConfiguration {
    init?(_ section: ConfigurationSection) {
        let name = section.declaredReceiver("name")
        let type = section.required("type", ConfigurationValue<Kind>.choice)
        let needsURL = type.map { $0.hasEndpoint && $0.standardURL == nil } ?? true
        let url = needsURL ? section.required("url", .secretWebAddress) : section.optional("url", .secretWebAddress)
        let routingKey = type == .pagerduty ? section.required("routing_key", .routingKey) : section.optional("routing_key", .routingKey)
        let secret = section.optional("secret", .signingSecret)
        let previousSecret = section.optional("previous_secret", .signingSecret)
        let rateLimit = section.optional("rate_limit", .rateLimit)
        let inFlight = section.optional("max_in_flight", .integer(1...256))
        let allowPrivateNetwork = section.optional("allow_private_network", .boolean)
        let sendResolved = section.optional("send_resolved", .boolean)
        let tellAcknowledged = section.optional("tell_acknowledged", .boolean)
        let supersede = section.optional("supersede", .boolean)
        let interactive = section.optional("interactive", .boolean)
        let isTemplated = section.has("templates")
        let templates = section.section("templates") { section in
            MessageTemplates(title: section.optional("title", .template), body: section.optional("body", .template))
        }
        if let type { Self.checkKeys(section, of: type) }
        if previousSecret != nil, secret == nil {
            section.problem("previous_secret", "stands beside a secret, while that replaces it: there is no secret")
        }
        guard let name, let type, !needsURL || url != nil, type != .pagerduty || routingKey != nil else { return nil }
        self.init(
            name: name, type: type, url: url, routingKey: routingKey, secret: secret, previousSecret: previousSecret,
            rateLimit: rateLimit, maximumInFlight: inFlight, allowPrivateNetwork: allowPrivateNetwork ?? false,
            sendResolved: sendResolved ?? true, tellAcknowledged: tellAcknowledged, supersede: supersede,
            interactive: interactive ?? false, templates: isTemplated ? templates : nil)
    }

    /// Reports keys that a type has no use for.
    private static func checkKeys(_ section: ConfigurationSection, of type: Kind) {
        for key in ["secret", "previous_secret"] where section.has(key) && type != .webhook {
            section.problem(key, "is for receivers of type webhook: \(type.rawValue) checks no signature")
        }
        if section.has("routing_key"), type != .pagerduty {
            section.problem("routing_key", "is for receivers of type pagerduty")
        }
        if section.has("interactive"), type != .slack { section.problem("interactive", "is for receivers of type slack") }
        if section.has("templates"), !type.takesTemplates {
            section.problem("templates", "is for messages that people read: programs rely on the form of type \(type.rawValue)")
        }
        if !type.hasEndpoint {
            for key in ["url", "allow_private_network"] where section.has(key) {
                section.problem(key, "has no use for type \(type.rawValue), which sends nothing")
            }
        }
    }
}
