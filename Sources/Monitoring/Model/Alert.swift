public import Foundation
import Postgres

/// One condition on one metric (and, where it names one, one dimension value), from open to resolved.
///
/// The fields are those of the monitor API; keys are in snake case.
public struct Alert: Sendable, Hashable, Codable {
    /// Names the alert for good.
    public var id: UUID
    /// The same for every alert on the same condition; only one of them is not resolved.
    public var fingerprint: String
    /// `fallback_spike`, `error_spike`, `latency_spike`, `duplicate_spike`, `health_decline`, …
    public var alertType: String
    /// How bad it is now.
    public var severity: Severity
    /// How bad it was at its worst.
    public var peakSeverity: Severity
    /// `fallback_rate`, `error_rate`, `duplicate_rate`, `latency_p95`, `health_score`, …
    public var metricName: String
    /// The value of the window that showed it: a share (0 to 1), milliseconds, or points of health.
    public var currentValue: Double?
    /// What that window was expected to show, in the same unit.
    public var baselineValue: Double?
    /// Current over baseline, after the floor; for health baseline over current.
    public var deviationRatio: Double?
    /// Ratio from which it is low.
    public var thresholdLow: Double?
    /// Ratio from which it is medium.
    public var thresholdMedium: Double?
    /// Ratio from which it is high.
    public var thresholdHigh: Double?
    /// Day of the moment of opening.
    public var metricDate: Day
    /// Hour of that moment (0 to 23, UTC); nil where a window of 24 h or more showed it.
    public var metricHour: Int?
    /// Days of the baseline.
    public var comparisonWindowDays: Int?
    /// The model that explains most of it; nil where it is spread.
    public var affectedModel: String?
    /// The backend that explains most of it; nil where it is spread.
    public var affectedBackend: String?
    /// The agent that explains most of it; nil where it is spread.
    public var affectedAgent: String?
    /// The version (`service:version`) that explains most of it; nil where it is spread.
    public var affectedVersion: String?
    /// Of an alert on one slice, what it is a value of: `model`, `backend`, `agent`, `version`; nil for an alert on all events.
    public var sliceDimension: String?
    /// The value of that slice.
    public var sliceValue: String?
    /// Where it stands.
    public var status: AlertStatus
    /// When it was opened first.
    public var openedAt: Date
    /// Nobody is told before this moment; nil where it is not snoozed.
    public var snoozedUntil: Date?
    /// When somebody took it in hand.
    public var acknowledgedAt: Date?
    /// Who.
    public var acknowledgedBy: String?
    /// When it ended.
    public var resolvedAt: Date?
    /// Who resolved it; nil where it resolved by itself.
    public var resolvedBy: String?
    /// What was said about that.
    public var resolutionNote: String?
    /// At least one receiver was reached.
    public var notified: Bool
    /// When the first was.
    public var notifiedAt: Date?
    /// Names of the receivers that were reached.
    public var notificationChannels: [String]
    /// One sentence with the evidence.
    public var summary: String
    /// The evidence: an object.
    public var contextData: JSONValue
    /// event_ids of examples, at most 10.
    public var relatedEvents: [String]
    /// Of an alert from elsewhere, who brought it: `alertmanager`, or the name of a relay; nil for what was found here.
    public var origin: String?
    /// Of an alert from elsewhere, what it is: `alertname`, `instance`, …; nil for what was found here.
    public var labels: [String: String]?
    /// Of an alert from elsewhere, what its source says about it; nil for what was found here.
    public var annotations: [String: String]?
    /// Of an alert from elsewhere, where its source shows it: any text; nil where it says nothing.
    public var generatorURL: String?
    /// When the row was written.
    public var createdAt: Date
    /// When it was changed last.
    public var updatedAt: Date

    enum CodingKeys: String, CodingKey {
        case id, fingerprint, severity, status, notified, summary, origin, labels, annotations
        case generatorURL = "generator_url"
        case alertType = "alert_type"
        case peakSeverity = "peak_severity"
        case metricName = "metric_name"
        case currentValue = "current_value"
        case baselineValue = "baseline_value"
        case deviationRatio = "deviation_ratio"
        case thresholdLow = "threshold_low"
        case thresholdMedium = "threshold_medium"
        case thresholdHigh = "threshold_high"
        case metricDate = "metric_date"
        case metricHour = "metric_hour"
        case comparisonWindowDays = "comparison_window_days"
        case affectedModel = "affected_model"
        case affectedBackend = "affected_backend"
        case affectedAgent = "affected_agent"
        case affectedVersion = "affected_version"
        case sliceDimension = "slice_dimension"
        case sliceValue = "slice_value"
        case openedAt = "opened_at"
        case snoozedUntil = "snoozed_until"
        case acknowledgedAt = "acknowledged_at"
        case acknowledgedBy = "acknowledged_by"
        case resolvedAt = "resolved_at"
        case resolvedBy = "resolved_by"
        case resolutionNote = "resolution_note"
        case notifiedAt = "notified_at"
        case notificationChannels = "notification_channels"
        case contextData = "context_data"
        case relatedEvents = "related_events"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }
}

extension Alert {
    /// Every key is written, null where there is no value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id.uuidString.lowercased(), forKey: .id)
        try container.encode(fingerprint, forKey: .fingerprint)
        try container.encode(alertType, forKey: .alertType)
        try container.encode(severity, forKey: .severity)
        try container.encode(peakSeverity, forKey: .peakSeverity)
        try container.encode(metricName, forKey: .metricName)
        try container.encode(currentValue, forKey: .currentValue)
        try container.encode(baselineValue, forKey: .baselineValue)
        try container.encode(deviationRatio, forKey: .deviationRatio)
        try container.encode(thresholdLow, forKey: .thresholdLow)
        try container.encode(thresholdMedium, forKey: .thresholdMedium)
        try container.encode(thresholdHigh, forKey: .thresholdHigh)
        try container.encode(metricDate, forKey: .metricDate)
        try container.encode(metricHour, forKey: .metricHour)
        try container.encode(comparisonWindowDays, forKey: .comparisonWindowDays)
        try container.encode(affectedModel, forKey: .affectedModel)
        try container.encode(affectedBackend, forKey: .affectedBackend)
        try container.encode(affectedAgent, forKey: .affectedAgent)
        try container.encode(affectedVersion, forKey: .affectedVersion)
        try container.encode(sliceDimension, forKey: .sliceDimension)
        try container.encode(sliceValue, forKey: .sliceValue)
        try container.encode(status, forKey: .status)
        try container.encode(openedAt, forKey: .openedAt)
        try container.encode(snoozedUntil, forKey: .snoozedUntil)
        try container.encode(acknowledgedAt, forKey: .acknowledgedAt)
        try container.encode(acknowledgedBy, forKey: .acknowledgedBy)
        try container.encode(resolvedAt, forKey: .resolvedAt)
        try container.encode(resolvedBy, forKey: .resolvedBy)
        try container.encode(resolutionNote, forKey: .resolutionNote)
        try container.encode(notified, forKey: .notified)
        try container.encode(notifiedAt, forKey: .notifiedAt)
        try container.encode(notificationChannels, forKey: .notificationChannels)
        try container.encode(summary, forKey: .summary)
        try container.encode(contextData, forKey: .contextData)
        try container.encode(relatedEvents, forKey: .relatedEvents)
        try container.encode(origin, forKey: .origin)
        try container.encode(labels, forKey: .labels)
        try container.encode(annotations, forKey: .annotations)
        try container.encode(generatorURL, forKey: .generatorURL)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(updatedAt, forKey: .updatedAt)
    }

    /// The columns of a row of its table.
    init(row: PostgresRow) throws {
        id = try row.decode("id")
        fingerprint = try row.decode("fingerprint")
        alertType = try row.decode("alert_type")
        severity = try row.decodeEnum("severity")
        peakSeverity = try row.decodeEnum("peak_severity")
        metricName = try row.decode("metric_name")
        currentValue = try row.decode("current_value")
        baselineValue = try row.decode("baseline_value")
        deviationRatio = try row.decode("deviation_ratio")
        thresholdLow = try row.decode("threshold_low")
        thresholdMedium = try row.decode("threshold_medium")
        thresholdHigh = try row.decode("threshold_high")
        metricDate = try row.decodeDay("metric_date")
        metricHour = try row.decode("metric_hour")
        comparisonWindowDays = try row.decode("comparison_window_days")
        affectedModel = try row.decode("affected_model")
        affectedBackend = try row.decode("affected_backend")
        affectedAgent = try row.decode("affected_agent")
        affectedVersion = try row.decode("affected_version")
        sliceDimension = try row.decode("slice_dimension")
        sliceValue = try row.decode("slice_value")
        status = try row.decodeEnum("status")
        openedAt = try row.decode("opened_at")
        snoozedUntil = try row.decode("snoozed_until")
        acknowledgedAt = try row.decode("acknowledged_at")
        acknowledgedBy = try row.decode("acknowledged_by")
        resolvedAt = try row.decode("resolved_at")
        resolvedBy = try row.decode("resolved_by")
        resolutionNote = try row.decode("resolution_note")
        notified = try row.decode("notified")
        notifiedAt = try row.decode("notified_at")
        notificationChannels = try row.decode("notification_channels")
        summary = try row.decode("summary")
        contextData = try JSONValue(parsing: row.decode("context_data"))
        relatedEvents = try row.decode("related_events")
        origin = try row.decode("origin")
        labels = try Self.texts(row, "labels")
        annotations = try Self.texts(row, "annotations")
        generatorURL = try row.decode("generator_url")
        createdAt = try row.decode("created_at")
        updatedAt = try row.decode("updated_at")
    }

    /// A jsonb column that holds an object of texts.
    private static func texts(_ row: PostgresRow, _ column: String) throws -> [String: String]? {
        guard let text: String = try row.decode(column) else { return nil }
        return try MonitoringJSON.decode([String: String].self, from: text.utf8)
    }
}
