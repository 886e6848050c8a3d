public import Monitoring

/// What matchers look at: an alert's names as text. A label that an alert does not have is the empty text, as in Alertmanager.
///
/// An alert from elsewhere has labels of its own beside the monitor's names; where both have a name, matchers see its own.
public struct AlertLabels: Sendable, Hashable {
    /// The labels that every alert has.
    enum Name: String, Sendable, Hashable, CaseIterable {
        case alertType = "alert_type"
        case severity
        case metricName = "metric_name"
        case model, backend, agent, version, status
    }

    private var values: [Name: String]
    /// Of an alert from elsewhere; nil for what was found here.
    let foreign: [String: String]?

    init(_ values: [Name: String], foreign: [String: String]? = nil) {
        self.values = values
        self.foreign = foreign
    }

    /// Those of an alert.
    public init(_ alert: Alert) {
        var values: [Name: String] = [
            .alertType: alert.alertType, .severity: alert.severity.rawValue, .metricName: alert.metricName, .status: alert.status.rawValue,
        ]
        values[.model] = alert.affectedModel
        values[.backend] = alert.affectedBackend
        values[.agent] = alert.affectedAgent
        values[.version] = alert.affectedVersion
        self.init(values, foreign: alert.labels)
    }

    /// What the monitor itself knows.
    subscript(name: Name) -> String { values[name] ?? "" }

    /// What a matcher or a grouping sees. What was found here is called by its type; the severity of what comes from elsewhere is none
    /// where its source says none, whatever it is taken for.
    subscript(name: String) -> String {
        if let foreign, let value = foreign[name] { return value }
        if name == Name.severity.rawValue, foreign != nil, !isOfGenericSource { return "" }
        if let known = Name(rawValue: name) { return self[known] }
        return name == "alertname" && foreign == nil ? self[.alertType] : ""
    }

    /// Whether it bears a source's name and nothing beside its title or its identity, as GenericPayload makes it: such a source says the
    /// severity, but not as a label, which would make another alert of one that gets worse.
    private var isOfGenericSource: Bool {
        guard let foreign, foreign["source"] != nil else { return false }
        return foreign["alertname"] == nil || foreign.count == 2
    }

    /// The severity, where it is one.
    var severity: Severity? { Severity(rawValue: self[.severity]) }

    /// All of them, as programs that know Alertmanager's labels see them.
    public var shown: [String: String] {
        if let foreign { return foreign }
        var shown: [String: String] = ["alertname": self[.alertType]]
        for name in Name.allCases where name != .status && !self[name].isEmpty { shown[name.rawValue] = self[name] }
        return shown
    }
}
