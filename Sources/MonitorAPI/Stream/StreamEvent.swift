import Foundation
import Monitoring
import NIOCore
import Postgres

/// A transition as those who follow the stream get it.
struct StreamEvent: Sendable {
    /// Its place among all transitions: whoever has seen it has seen all that are smaller.
    let position: Int64
    /// As it is sent: the same bytes for everybody.
    let bytes: ByteBuffer

    init(row: PostgresRow) throws {
        let message = try Message(row: row)
        position = message.position
        let data = String(decoding: try MonitoringJSON.encode(message), as: UTF8.self)
        // JSON has no line breaks but those that are escaped, so one data line holds it.
        bytes = ByteBuffer(string: "id: \(position)\nevent: transition\ndata: \(data)\n\n")
    }

    init(position: Int64, bytes: ByteBuffer) {
        self.position = position
        self.bytes = bytes
    }

    /// What its data holds: the transition, and what it was of.
    private struct Message: Encodable {
        let position: Int64
        let alertID: String
        let alertType: String
        let metricName: String
        let summary: String
        let affected: [String: String?]
        let transition: AlertTransition

        init(row: PostgresRow) throws {
            position = try row.decode("id")
            alertID = try row.decode("alert_id", as: UUID.self).uuidString.lowercased()
            alertType = try row.decode("alert_type")
            metricName = try row.decode("metric_name")
            summary = try row.decode("summary")
            affected = [
                "model": try row.decode("affected_model"), "backend": try row.decode("affected_backend"),
                "agent": try row.decode("affected_agent"), "version": try row.decode("affected_version"),
            ]
            transition = try AlertTransition(row: row)
        }

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
}
