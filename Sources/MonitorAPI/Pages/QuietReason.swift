import Foundation
import Monitoring
import Notifications
import Postgres

/// Why nobody is told of an alert, as things stand.
struct QuietReason: Sendable {
    let text: String
    /// The page of the alert that keeps it quiet; empty where none does.
    let link: String
    let linkTitle: String

    /// nil where nothing keeps it from being told, or it is over.
    static func find(
        for alert: Alert, _ configuration: NotificationConfiguration?, _ client: PostgresClient, now: Date
    ) async throws -> QuietReason? {
        guard let configuration, alert.status != .resolved, alert.status != .ignored,
            let row = try await client.query(labels, [.uuid(alert.id)], timeout: .seconds(5)).first
        else { return nil }
        let standing = try await AlertStandings.read(configuration, from: client, at: now).standing(of: alert.id, try AlertLabels(row: row))
        if let inhibitor = standing.inhibitedBy {
            return QuietReason(
                text: "Kept quiet as long as another alert stands:", link: inhibitor.id.uuidString.lowercased(),
                linkTitle: inhibitor.labels.shown["alertname"] ?? "that one")
        }
        if let silence = standing.silencedBy.first {
            return QuietReason(
                text: "A silence by \(silence.createdBy) keeps it quiet until \(Wording.moment(silence.endsAt, now: now)) UTC.", link: "",
                linkTitle: "")
        }
        guard standing.groups.allSatisfy({ $0.receiver == AlertStandings.nobody }) else { return nil }
        return QuietReason(text: "No route leads from it to a receiver at this time.", link: "", linkTitle: "")
    }

    private static let labels = "SELECT \(AlertLabels.columns) FROM monitoring_alerts AS a WHERE a.id = $1::uuid"
}
