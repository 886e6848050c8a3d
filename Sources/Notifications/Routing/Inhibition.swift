public import Foundation

/// What stands now and keeps others from being told.
public struct Inhibition: Sendable {
    /// An alert that stands.
    public struct Source: Sendable, Hashable {
        /// Of the alert.
        public var id: UUID
        /// Its labels.
        public var labels: AlertLabels

        /// - Parameter id: Of the alert.
        public init(id: UUID, labels: AlertLabels) {
            self.id = id
            self.labels = labels
        }
    }

    private struct Standing: Sendable {
        var rule: InhibitRule
        /// By the values that a rule has alike.
        var sources: [[String]: [(source: Source, isTarget: Bool)]] = [:]
    }

    private let standing: [Standing]

    /// Nothing keeps anything from being told.
    public static let none = Inhibition(rules: [], sources: [])

    /// - Parameter sources: Alerts that stand; those that no rule names do no harm.
    public init(rules: [InhibitRule], sources: [Source]) {
        standing = rules.map { rule in
            var standing = Standing(rule: rule)
            for source in sources where rule.isSource(source.labels) {
                standing.sources[rule.shared(source.labels), default: []].append((source, rule.isTarget(source.labels)))
            }
            return standing
        }.filter { !$0.sources.isEmpty }
    }

    /// The first alert that keeps this one from being told; nil: none does.
    ///
    /// What is both source and target of a rule is no source for its like, as in Alertmanager: two of them would silence each other.
    public func inhibitor(of id: UUID, _ labels: AlertLabels) -> Source? {
        for standing in standing where standing.rule.isTarget(labels) {
            guard let sources = standing.sources[standing.rule.shared(labels)] else { continue }
            let isSource = standing.rule.isSource(labels)
            if let found = sources.first(where: { $0.source.id != id && !(isSource && $0.isTarget) }) { return found.source }
        }
        return nil
    }
}
