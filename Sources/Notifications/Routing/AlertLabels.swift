import Monitoring

/// What matchers look at: an alert's names as text. A label that an alert does not have is the empty text, as in Alertmanager.
struct AlertLabels: Sendable, Hashable {
    /// The labels there are.
    enum Name: String, Sendable, Hashable, CaseIterable {
        case alertType = "alert_type"
        case severity
        case metricName = "metric_name"
        case model, backend, agent, version, status
    }

    private var values: [Name: String]

    /// At most 1,024 bytes of a value are looked at, so that a hostile name costs no more than a long one.
    init(_ values: [Name: String]) {
        self.values = values.mapValues { $0.utf8.count <= 1024 ? $0 : String(decoding: $0.utf8.prefix(1024), as: UTF8.self) }
    }

    subscript(name: Name) -> String { values[name] ?? "" }

    /// The severity, where it is one.
    var severity: Severity? { Severity(rawValue: self[.severity]) }
}
