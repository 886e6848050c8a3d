public import Foundation
public import Postgres

/// What becomes of alerts by what is configured: who hears of them, and what keeps them from being told.
public struct AlertStandings: Sendable {
    /// What becomes of one.
    public struct Standing: Sendable, Hashable {
        /// Silences that cover it.
        public var silencedBy: [SilenceRecord]
        /// An alert that keeps it from being told.
        public var inhibitedBy: Inhibition.Source?
        /// By receiver, in the order of the routes, the labels of the group that it is told with; of what is told to nobody one of `nobody`.
        public var groups: [Group]
    }

    /// What is told together.
    public struct Group: Sendable, Hashable {
        /// Its name.
        public var receiver: String
        /// What its alerts have alike; of an alert that is told by itself all labels.
        public var labels: [String: String]
    }

    /// What viewers know a receiver by that is none.
    public static let nobody = "nobody"

    private let configuration: NotificationConfiguration?
    private let silences: [(record: SilenceRecord, silence: Silence)]
    private let inhibition: Inhibition
    private let moment: Date

    /// - Parameters:
    ///   - configuration: nil: nobody hears of anything.
    ///   - silences: Those of them that are active count.
    public init(configuration: NotificationConfiguration?, silences: [SilenceRecord], inhibition: Inhibition, moment: Date) {
        self.configuration = configuration
        self.silences = silences.filter { $0.state == .active }.compactMap { record in
            (try? record.matchers.map { try Matcher($0) }).map { (record, Silence(matchers: $0)) }
        }
        self.inhibition = inhibition
        self.moment = moment
    }

    /// What becomes of an alert.
    public func standing(of id: UUID, _ labels: AlertLabels) -> Standing {
        let plan = configuration?.routing.plan(for: labels, at: moment) ?? RoutingPlan()
        let groups = plan.tellings.map { telling in
            guard let group = telling.group else { return Group(receiver: telling.receiver, labels: labels.shown) }
            let pairs = group.names.map { ($0, labels[$0]) }.filter { !$0.1.isEmpty }
            return Group(receiver: telling.receiver, labels: Dictionary(pairs) { first, _ in first })
        }
        return Standing(
            silencedBy: silences.filter { $0.silence.covers(labels) }.map(\.record), inhibitedBy: inhibition.inhibitor(of: id, labels),
            groups: groups.isEmpty ? [Group(receiver: Self.nobody, labels: labels.shown)] : groups)
    }
}

extension AlertStandings {
    private static let mostSilences = 20_000

    /// By what holds in the database at a moment.
    ///
    /// - Parameter configuration: nil: nobody hears of anything.
    public static func read(
        _ configuration: NotificationConfiguration?, from client: PostgresClient, at moment: Date
    ) async throws -> AlertStandings {
        let silences = try await SilenceRepository(client: client).list(all: false, limit: mostSilences, now: moment)
        let inhibition = try await Inhibition.read(configuration?.inhibitRules ?? [], from: client)
        return AlertStandings(configuration: configuration, silences: silences, inhibition: inhibition, moment: moment)
    }
}

extension Inhibition {
    /// What stands now, as the database has it.
    public static func read(_ rules: [InhibitRule], from client: PostgresClient) async throws -> Inhibition {
        guard !rules.isEmpty else { return .none }
        return try Inhibition(rules, try await client.query(Self.sources, Self.parameters(rules), timeout: .seconds(10)))
    }
}

extension AlertLabels {
    /// Of an alert, from the columns `columns`.
    public init(row: PostgresRow) throws {
        self = try AlertLabels(row: row, severity: try row.word("severity"))
    }

    /// Of `monitoring_alerts AS a`.
    public static let columns = """
        a.severity, a.alert_type, a.metric_name, a.status, a.affected_model AS model, a.affected_backend AS backend,
        a.affected_agent AS agent, a.affected_version AS version, a.labels
        """
}

extension AlertLabels {
    /// Those that programs see, and no others: what a filter of Alertmanager's API looks at.
    public var asShown: AlertLabels {
        let shown = shown
        return AlertLabels(named: shown)
    }

    /// One label `receiver`.
    public init(receiver: String) {
        self.init(named: ["receiver": receiver])
    }

    /// Any.
    public init(named: [String: String]) {
        self.init([.severity: named["severity"] ?? ""], foreign: named)
    }
}

extension AlertLabels {
    /// Names of the labels that every alert has.
    public static let ownNames = Name.allCases.map(\.rawValue)
}
