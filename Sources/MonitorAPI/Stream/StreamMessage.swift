import Foundation
import Monitoring
import Postgres

/// What the data of an event holds: the transition, and what it was of.
struct StreamMessage: Encodable, Sendable {
    let position: Int64
    let alertID: String
    let alertType: String
    let metricName: String
    let summary: String
    let affected: [String: String?]
    let transition: AlertTransition

    enum CodingKeys: String, CodingKey {
        case position, summary, affected
        case alertID = "alert_id"
        case alertType = "alert_type"
        case metricName = "metric_name"
    }

    func encode(to encoder: any Encoder) throws {
        try transition.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(position, forKey: .position)
        try container.encode(alertID, forKey: .alertID)
        try container.encode(alertType, forKey: .alertType)
        try container.encode(metricName, forKey: .metricName)
        try container.encode(summary, forKey: .summary)
        try container.encode(affected, forKey: .affected)
    }
}

extension StreamMessage {
    init(row: PostgresRow) throws {
        self.init(
            position: try row.decode("id"), alertID: try row.decode("alert_id", as: UUID.self).uuidString.lowercased(),
            alertType: try row.decode("alert_type"), metricName: try row.decode("metric_name"), summary: try row.decode("summary"),
            affected: [
                "model": try row.decode("affected_model"), "backend": try row.decode("affected_backend"),
                "agent": try row.decode("affected_agent"), "version": try row.decode("affected_version"),
            ],
            transition: try AlertTransition(row: row))
    }
}

extension StreamMessage: Described {
    static let schemaName = "StreamMessage"
    static let about = "The data of an event of the stream: one step in an alert's life, and what the alert is."
    static let example = StreamMessage(
        position: 4711, alertID: "00000000-0000-4000-8000-000000000001", alertType: "fallback_spike", metricName: "fallback_rate",
        summary: "Fallback rate 13.0 % in the last hour, 4.0 % expected (3.3×).",
        affected: ["model": "gpt-4o", "backend": nil, "agent": nil, "version": nil], transition: AlertTransition.example)
    static let notes = AlertTransition.notes.merging([
        "position": FieldNote("Its place among all transitions, and the event's `id`.", ["minimum": 1]),
        "alert_id": .uuid("The alert."),
        "alert_type": "The alert's type: `fallback_spike`, …",
        "metric_name": "The alert's metric: `fallback_rate`, …",
        "summary": "One sentence with the evidence, as it is now.",
        "affected": "By dimension (`model`, `backend`, `agent`, `version`) the value that explains most of it; null where it is spread.",
    ]) { own, _ in own }
}
