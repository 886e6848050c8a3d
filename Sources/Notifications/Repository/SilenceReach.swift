import Monitoring

/// How much a silence covers of what stands, for whoever writes it: one with a slip in it covers nothing, and nobody notices.
public struct SilenceReach: Sendable, Hashable {
    /// Alerts that are open or acknowledged.
    public private(set) var standing = 0
    /// Those of them that all matchers match.
    public private(set) var covered = 0
    /// Whether there are more alerts than were looked at.
    public let isPartial: Bool
    /// Labels that matchers name and that neither the monitor knows nor any of the alerts has, in the matchers' order; none where there
    /// are more alerts.
    public let unknownLabels: [String]

    init(_ matchers: [Matcher], over alerts: [Alert], isPartial: Bool) {
        let silence = Silence(matchers: matchers)
        var known = Set(AlertLabels.Name.allCases.map(\.rawValue))
        known.insert("alertname")
        for alert in alerts {
            let labels = AlertLabels(alert)
            standing += 1
            if silence.covers(labels) { covered += 1 }
            known.formUnion((labels.foreign ?? [:]).keys)
        }
        self.isPartial = isPartial
        unknownLabels = isPartial ? [] : matchers.map(\.label).filter { known.insert($0).inserted }
    }
}
