/// Who takes part in events: the values of the four dimensions, how common each is, and how it differs from the others.
public struct Population: Sendable, Hashable {
    /// A value of a dimension.
    public struct Member: Sendable, Hashable {
        /// As the events have it.
        public var name: String
        /// Its share of the events, 0 to 1.
        public var share: Double
        /// Its rates of bad events over those of all, in about.
        public var badness: Double
        /// Its durations over those of all, in about.
        public var slowness: Double

        /// - Parameters:
        ///   - share: Of all events (of a version: of its backend's).
        ///   - badness: 1 for one like the others.
        ///   - slowness: 1 for one like the others.
        public init(_ name: String, share: Double, badness: Double = 1, slowness: Double = 1) {
            self.name = name
            self.share = share
            self.badness = badness
            self.slowness = slowness
        }
    }

    /// The models.
    public var models: [Member]
    /// `railway` and `vercel`.
    public var backends: [Member]
    /// The agents.
    public var agents: [Member]
    /// The versions of each backend's service, in the backends' order; their shares are of the backend's events.
    public var versions: [[Member]]

    /// A console with four models, two backends, four agents and two versions of each service.
    public static let console = Population(
        models: [
            Member("claude-sonnet-4-6", share: 0.45, badness: 0.95, slowness: 1.05),
            Member("claude-haiku-4-5", share: 0.3, badness: 0.9, slowness: 0.9),
            Member("gpt-5-mini", share: 0.15, badness: 1.2), Member("llama-3.3-70b", share: 0.1, badness: 1.2, slowness: 1.1),
        ],
        backends: [Member("railway", share: 0.7, badness: 0.95), Member("vercel", share: 0.3, badness: 1.1, slowness: 1.05)],
        agents: [
            Member("prince_flowers", share: 0.5), Member("research_scout", share: 0.2, badness: 1.1, slowness: 1.1),
            Member("code_reviewer", share: 0.18, badness: 0.9), Member("support_triage", share: 0.12, slowness: 0.9),
        ],
        versions: [
            [Member("railway:1.0.8", share: 0.65), Member("railway:1.0.7", share: 0.35, badness: 1.1)],
            [Member("vercel:2.3.1", share: 0.6), Member("vercel:2.3.0", share: 0.4, badness: 1.05)],
        ])

    /// A dimension's values with their shares of all events.
    func shares(of dimension: Slice.Dimension) -> [(name: String, share: Double)] {
        switch dimension {
        case .model: models.map { ($0.name, $0.share) }
        case .backend: backends.map { ($0.name, $0.share) }
        case .agent: agents.map { ($0.name, $0.share) }
        case .version:
            zip(backends, versions).flatMap { backend, versions in versions.map { ($0.name, $0.share * backend.share) } }
        }
    }
}
