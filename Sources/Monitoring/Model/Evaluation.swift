import Postgres

/// What one metric looked like over one window, and what follows from it.
public struct Evaluation: Sendable, Hashable, Codable {
    /// `fallback_rate`, `error_rate`, …
    public var metricName: String
    /// The alert that it would be.
    public var alertType: String
    /// Length of the window, which ends at the moment of the evaluation.
    public var windowSeconds: Int
    /// A share (0 to 1), milliseconds, or points of health; nil without data.
    public var currentValue: Double?
    /// What was to be expected, in the same unit; nil while the baseline is not armed.
    public var baselineValue: Double?
    /// Current over baseline, after the floor.
    public var ratio: Double?
    /// Events in the window.
    public var totalEvents: Int
    /// Those of them that count against the metric.
    public var badEvents: Double?
    /// How many were to be expected.
    public var expectedEvents: Double?
    /// Lower confidence bound of the ratio.
    public var lowerBound: Double?
    /// Probability of so many bad events where nothing is wrong.
    public var pValue: Double?
    /// How much more the baseline scatters than a Poisson count; 1 or more.
    public var dispersion: Double?
    /// `no_data`, `not_armed`, `too_few`, `within_noise`, `below_threshold`, or a severity.
    public var verdict: String
    /// What the other rule would have said.
    public var wouldBe: String?
    /// nil unless it fires.
    public var severity: Severity?
    /// Of a row on one slice, what it is a value of: `model`, `backend`, `agent`, `version`; nil for all events.
    public var sliceDimension: String?
    /// The value of that slice.
    public var sliceValue: String?
    /// The model that explains most of the excess.
    public var affectedModel: String?
    /// The backend that explains most of the excess.
    public var affectedBackend: String?
    /// The agent that explains most of the excess.
    public var affectedAgent: String?
    /// The version that explains most of the excess.
    public var affectedVersion: String?
    /// Everything that the verdict follows from.
    public var evidence: JSONValue

    enum CodingKeys: String, CodingKey {
        case ratio, dispersion, verdict, severity, evidence
        case metricName = "metric_name"
        case alertType = "alert_type"
        case windowSeconds = "window_seconds"
        case currentValue = "current_value"
        case baselineValue = "baseline_value"
        case totalEvents = "total_events"
        case badEvents = "bad_events"
        case expectedEvents = "expected_events"
        case lowerBound = "lower_bound"
        case pValue = "p_value"
        case wouldBe = "would_be"
        case sliceDimension = "slice_dimension"
        case sliceValue = "slice_value"
        case affectedModel = "affected_model"
        case affectedBackend = "affected_backend"
        case affectedAgent = "affected_agent"
        case affectedVersion = "affected_version"
    }

    /// Every key is written, null where there is no value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(metricName, forKey: .metricName)
        try container.encode(alertType, forKey: .alertType)
        try container.encode(windowSeconds, forKey: .windowSeconds)
        try container.encode(currentValue, forKey: .currentValue)
        try container.encode(baselineValue, forKey: .baselineValue)
        try container.encode(ratio, forKey: .ratio)
        try container.encode(totalEvents, forKey: .totalEvents)
        try container.encode(badEvents, forKey: .badEvents)
        try container.encode(expectedEvents, forKey: .expectedEvents)
        try container.encode(lowerBound, forKey: .lowerBound)
        try container.encode(pValue, forKey: .pValue)
        try container.encode(dispersion, forKey: .dispersion)
        try container.encode(verdict, forKey: .verdict)
        try container.encode(wouldBe, forKey: .wouldBe)
        try container.encode(severity, forKey: .severity)
        try container.encode(sliceDimension, forKey: .sliceDimension)
        try container.encode(sliceValue, forKey: .sliceValue)
        try container.encode(affectedModel, forKey: .affectedModel)
        try container.encode(affectedBackend, forKey: .affectedBackend)
        try container.encode(affectedAgent, forKey: .affectedAgent)
        try container.encode(affectedVersion, forKey: .affectedVersion)
        try container.encode(evidence, forKey: .evidence)
    }
}

extension Evaluation {
    init(row: PostgresRow) throws {
        metricName = try row.decode("metric_name")
        alertType = try row.decode("alert_type")
        windowSeconds = try row.decode("window_seconds")
        currentValue = try row.decode("current_value")
        baselineValue = try row.decode("baseline_value")
        ratio = try row.decode("ratio")
        totalEvents = try row.decode("total_events")
        badEvents = try row.decode("bad_events")
        expectedEvents = try row.decode("expected_events")
        lowerBound = try row.decode("lower_bound")
        pValue = try row.decode("p_value")
        dispersion = try row.decode("dispersion")
        verdict = try row.decode("verdict")
        wouldBe = try row.decode("would_be")
        severity = try row.decodeEnum("severity")
        sliceDimension = try row.decode("slice_dimension")
        sliceValue = try row.decode("slice_value")
        affectedModel = try row.decode("affected_model")
        affectedBackend = try row.decode("affected_backend")
        affectedAgent = try row.decode("affected_agent")
        affectedVersion = try row.decode("affected_version")
        evidence = try JSONValue(parsing: row.decode("evidence"))
    }
}
