import Foundation
import Monitoring
import Notifications
import Postgres

/// Reads what stands, of ours and from elsewhere, for programs that know Alertmanager's API.
struct AlertmanagerQueries: Sendable {
    let client: PostgresClient
    let settings: RelaySettings

    /// What is asked for.
    struct Filter: Sendable {
        var matchers: [Matcher] = []
        var active = true
        var silenced = true
        var inhibited = true
        var receiver: Matcher?

        /// Whether a group is told to a receiver that is asked for.
        func covers(_ group: AlertStandings.Group) -> Bool {
            receiver?.matches(AlertLabels(receiver: group.receiver)) ?? true
        }
    }

    /// What matches, in the order of its beginning, with those of its groups that receivers who are asked for are told.
    ///
    /// - Throws: 400 where patterns take too long to compare.
    func alerts(_ filter: Filter, now: Date) async throws -> [(alert: AlertmanagerAlert, groups: [AlertStandings.Group])] {
        let certain = try certain(filter)
        async let asked = client.query(Self.standing, [.json(certain), .timestamp(now)], timeout: .seconds(12))
        let standings = try await AlertStandings.read(settings.notifications, from: client, at: now)
        let end = now.addingTimeInterval(settings.resolveTimeout.wholeSeconds)
        let rows = try await asked
        var found: [(alert: AlertmanagerAlert, groups: [AlertStandings.Group])] = []
        var patience = ComparingPatience(rows.count, "alerts")
        for row in rows {
            let labels = try AlertLabels(row: row)
            guard try await patience.matches(filter.matchers, labels.asShown) else { continue }
            let standing = standings.standing(of: try row.decode("id"), labels)
            guard standing.groups.contains(where: filter.covers) else { continue }
            let alert = try AlertmanagerAlert(row: row, standing: standing, labels: labels, end: end)
            // What somebody snoozed or ignored is silenced for whoever knows silences alone.
            let isSilenced = !alert.status.silencedBy.isEmpty || alert.status.state == "suppressed" && alert.status.inhibitedBy.isEmpty
            let isShown =
                (filter.active || alert.status.state != "active") && (filter.silenced || !isSilenced)
                && (filter.inhibited || alert.status.inhibitedBy.isEmpty)
            if isShown { found.append((alert, standing.groups.filter(filter.covers))) }
        }
        return found
    }

    /// What an alert from elsewhere must have, as far as it can be looked up.
    private func certain(_ filter: Filter) throws -> String {
        var certain: [String: String] = [:]
        for matcher in filter.matchers {
            if let value = matcher.required, !value.isEmpty { certain[matcher.label] = value }
        }
        return try IncomingAlert.json(certain)
    }

    private static let standing = "SELECT * FROM monitoring_standing_alerts($1::jsonb, $2::timestamptz)"
}
