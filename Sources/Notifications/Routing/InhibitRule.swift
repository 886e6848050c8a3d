/// While a source stands, targets with the same values of some labels are not told: Alertmanager's `inhibit_rules`.
public struct InhibitRule: Sendable, Hashable {
    /// What a source is like.
    public let source: [Matcher]
    /// What a target is like.
    public let target: [Matcher]
    /// Labels that both must have alike; one that neither has is alike.
    public let equal: [String]

    /// - Parameters:
    ///   - source: At least one.
    ///   - target: At least one.
    /// - Throws: `.invalidRoute` where a side has no matchers, which would be every alert.
    public init(source: [Matcher], target: [Matcher], equal: [String] = []) throws(NotificationConfigurationError) {
        guard !source.isEmpty, !target.isEmpty else {
            throw NotificationConfigurationError(.invalidRoute, "an inhibit rule needs source_matchers and target_matchers")
        }
        self.source = source
        self.target = target
        self.equal = equal
    }

    func isSource(_ labels: AlertLabels) -> Bool { source.allSatisfy { $0.matches(labels) } }
    func isTarget(_ labels: AlertLabels) -> Bool { target.allSatisfy { $0.matches(labels) } }

    /// The values that a source and its targets share.
    func shared(_ labels: AlertLabels) -> [String] { equal.map { labels[$0] } }

    /// Labels that an alert from elsewhere must have to be a source, as far as that is known without looking at each: none, where
    /// any could be.
    var certain: [String: String] {
        var certain: [String: String] = [:]
        for matcher in source where AlertLabels.Name(rawValue: matcher.label) == nil {
            if let value = matcher.required, !value.isEmpty { certain[matcher.label] = value }
        }
        return certain
    }
}
