public import Foundation
public import Monitoring

/// How a detector did on one history: its alerts against the truth. Every term is defined here.
///
/// An **opening** is a transition `opened` or `reopened` of an alert. An incident **may raise** the type of its kind:
///
/// | kind | type | beside it |
/// | --- | --- | --- |
/// | fallback | fallback_spike | health_decline |
/// | error | error_spike | health_decline |
/// | duplicates | duplicate_spike | health_decline |
/// | latency | latency_spike | |
/// | health | health_decline | |
/// | mix | model_drift | |
/// | gap | traffic_drop | |
/// | surge, rollout | nothing | |
///
/// An opening **belongs** to an incident when it comes after the incident's start and up to `grace` after its end (2 h, 24 h for a
/// drift), and is of a type that the incident may raise, alone or beside.
///
/// - **found**: there is an opening of the incident's own type that belongs to it. The **delay** is from the start to the first.
/// - **alerts** of an incident: the different alerts of its own type with an opening that belongs to it.
/// - **repeat**: whatever else is told of an incident: an alert of its own type after the first (`more`), an alert beside it
///   (`beside`), and each reopening of an alert whose earlier opening belonged to an incident, whenever it comes (`reopened`).
/// - **false alert**: an alert with an opening that belongs to no incident, unless it is such a reopening.
/// - **resolved after**: from the end of the incident to the time that the first alert that found it was resolved for good; below 0
///   when that was earlier, nil when it was open at the end of the history.
/// - **attribution** is right when what the first alert names at the end is the incident's slice and nothing else: for an
///   incident of all events nothing, for a mix shift the model or nothing.
/// - **covered**: an incident that was not found because an alert of its own type, opened before it, was still open at its start.
/// - **expected** (the incidents that recall is measured on): not harmless, and found by the oracle.
public struct DetectionScore: Sendable, Hashable {
    /// What became of one incident.
    public struct Outcome: Sendable, Hashable {
        /// The truth.
        public var known: KnownIncident
        /// When the detector found it.
        public var foundAt: Date?
        /// How many alerts of its own type it had.
        public var alerts = 0
        /// Alerts of its own type after the first.
        public var more: Int { max(0, alerts - 1) }
        /// Alerts that came beside it.
        public var beside = 0
        /// Reopenings of its alerts.
        public var reopened = 0
        /// How often it was told again.
        public var repeats: Int { more + beside + reopened }
        /// Whether another alert of its type was open at its start.
        public var isCovered = false
        /// What the first alert says.
        public var affected: BacktestAlert.Affected?
        /// When the first alert was resolved for good.
        public var resolvedAt: Date?

        /// Whether a detector should find it.
        public var isExpected: Bool { known.oracleFoundAt != nil && !known.incident.kind.isHarmless }
        /// Seconds from the start.
        public var delay: Double? { foundAt.map { $0.timeIntervalSince(known.incident.start) } }
        /// Seconds from the start.
        public var oracleDelay: Double? { known.oracleFoundAt.map { $0.timeIntervalSince(known.incident.start) } }
        /// Seconds from the end.
        public var resolvedAfter: Double? { resolvedAt.map { $0.timeIntervalSince(known.incident.end) } }
        /// Whether the alert names what the incident is about; nil where it was not found.
        public var isAttributed: Bool? {
            affected.map { affected in
                let named = affected.named
                return named == [known.incident.slice].compactMap { $0 } || known.incident.kind == .mix && named.isEmpty
            }
        }
    }

    /// In the order of the incidents.
    public var outcomes: [Outcome]
    /// In the order of their opening.
    public var falseAlerts: [BacktestAlert]
    /// Alerts that found an incident or came beside one.
    public var trueAlerts: Int
    /// Evaluated days in which there can be an alert.
    public var days: Double

    /// Days that a baseline needs before anything can be compared with it: they do not count among the days.
    public static let unarmedDays = 5.0
    static let grace = 2 * 3600.0
    static let graceOfDrift = 24 * 3600.0

    /// Judges a report.
    ///
    /// - Parameter historyStart: The first event: five days from then on nothing can be found.
    public init(_ report: BacktestReport, truth: [KnownIncident], historyStart: Date) {
        outcomes = truth.map { Outcome(known: $0) }
        falseAlerts = []
        trueAlerts = 0
        let armed = historyStart.addingTimeInterval(Self.unarmedDays * 86_400)
        days = max(0, report.to.timeIntervalSince(max(report.from, armed)) / 86_400)
        for alert in report.alerts.sorted(by: { $0.openedAt < $1.openedAt }) { judge(alert) }
        for index in outcomes.indices where outcomes[index].foundAt == nil {
            let incident = outcomes[index].known.incident
            outcomes[index].isCovered = report.alerts.contains {
                $0.alertType == incident.kind.alertType && $0.openedAt <= incident.start
                    && ($0.resolvedAt ?? .distantFuture) > incident.start
            }
        }
    }

    private mutating func judge(_ alert: BacktestAlert) {
        var owner: Int?
        var isFalse = false
        var seen: Set<Int> = []
        for opening in alert.openings {
            let found = outcomes.firstIndex { $0.known.incident.mayRaise(alert.alertType, at: opening) }
            guard let index = found, index != owner else {
                if let owner { outcomes[owner].reopened += 1 } else { isFalse = true }
                continue
            }
            owner = index
            guard seen.insert(index).inserted else { continue }
            let incident = outcomes[index].known.incident
            guard alert.alertType == incident.kind.alertType else {
                outcomes[index].beside += 1
                continue
            }
            outcomes[index].alerts += 1
            if outcomes[index].foundAt == nil {
                outcomes[index].foundAt = opening
                outcomes[index].affected = alert.affected
                outcomes[index].resolvedAt = alert.resolvedAt
            }
        }
        if isFalse { falseAlerts.append(alert) }
        if owner != nil { trueAlerts += 1 }
    }
}

extension BacktestAlert {
    /// When it was opened and opened again.
    var openings: [Date] {
        let openings = transitions.filter { $0.transition == .opened || $0.transition == .reopened }.map(\.at)
        return openings.isEmpty ? [openedAt] : openings
    }
}

extension BacktestAlert.Affected {
    /// What it names.
    public var named: [Slice] {
        [
            model.map { Slice(.model, $0) }, backend.map { Slice(.backend, $0) }, agent.map { Slice(.agent, $0) },
            version.map { Slice(.version, $0) },
        ]
        .compactMap { $0 }
    }
}

extension Incident.Kind {
    /// The type of alert that it raises, nil for what is harmless.
    public var alertType: String? {
        switch self {
        case .fallback: "fallback_spike"
        case .error: "error_spike"
        case .duplicates: "duplicate_spike"
        case .latency: "latency_spike"
        case .health: "health_decline"
        case .mix: "model_drift"
        case .gap: "traffic_drop"
        case .surge, .rollout: nil
        }
    }
}

extension Incident {
    /// Whether an opening of that type at that moment belongs to it.
    func mayRaise(_ type: String, at moment: Date) -> Bool {
        guard moment > start, moment <= end.addingTimeInterval(isDrift ? DetectionScore.graceOfDrift : DetectionScore.grace) else {
            return false
        }
        let beside = [.fallback, .error, .duplicates].contains(kind) && type == "health_decline"
        return type == kind.alertType || beside
    }
}
