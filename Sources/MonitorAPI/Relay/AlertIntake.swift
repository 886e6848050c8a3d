import Foundation
import HTTPTypes
import Logging
import Monitoring
import Notifications
import Postgres

/// Brings alerts from elsewhere into the database: one statement a request, and nothing is answered before its commit.
struct AlertIntake: Sendable {
    let client: PostgresClient
    let settings: RelaySettings
    let turns: IntakeTurns
    let background: BackgroundWork
    let logger: Logger

    /// What came of a request.
    struct Report: Sendable, Hashable {
        var opened: Int
        var reopened: Int
        var resolved: Int
        /// Said in other words than before.
        var changed: Int
    }

    /// Who brings them.
    struct Source: Sendable, Hashable {
        /// `alertmanager`, or the name of a relay.
        var origin: String
        /// What its claim rests on: a token's name.
        var credential: String
        /// How long an alert stands that names no end; nil: until its source says so.
        var timeout: Duration?
    }

    /// Takes in all of them.
    ///
    /// - Parameter alerts: Checked. Of those with the same labels the last counts.
    /// - Throws: A problem where there is no room: 429 where too many stand, 503 where too many requests wait.
    @discardableResult
    func take(_ alerts: [IncomingAlert], from source: Source, now: Date) async throws -> Report {
        guard !alerts.isEmpty else { return Report(opened: 0, reopened: 0, resolved: 0, changed: 0) }
        let parameters = try parameters(alerts, source, now)
        do {
            let row = try await turns.take { try await client.query(Self.relay, parameters, timeout: .seconds(50)) }[0]
            let report = Report(
                opened: try row.decode("opened"), reopened: try row.decode("reopened"), resolved: try row.decode("resolved"),
                changed: try row.decode("changed"))
            if report.opened + report.reopened + report.resolved + report.changed > 0 { raiseVersion() }
            return report
        } catch let error as PostgresError where error.sqlState == "TMFUL" {
            throw Problem(
                .tooManyAlerts, "There is room for \(settings.maximumAlerts) alerts from elsewhere at a time; none of these was taken.",
                headers: [.retryAfter: "60"])
        }
    }

    private func parameters(_ alerts: [IncomingAlert], _ source: Source, _ now: Date) throws -> [PostgresValue] {
        var places: [String: Int] = [:]
        var fingerprints: [String] = []
        var kept: [IncomingAlert] = []
        for alert in alerts {
            let fingerprint = alert.fingerprint
            if let place = places[fingerprint] {
                kept[place] = alert
            } else {
                places[fingerprint] = kept.count
                fingerprints.append(fingerprint)
                kept.append(alert)
            }
        }
        let end = source.timeout.map { now.addingTimeInterval($0.wholeSeconds) } ?? .distantFuture
        return [
            .textArray(fingerprints), .textArray(try kept.map { try IncomingAlert.json($0.labels) }),
            .textArray(try kept.map { try IncomingAlert.json($0.annotations) }), .textArray(kept.map(\.generatorURL)),
            .textArray(kept.map(\.content)),
            .textArray(kept.map { settings.severities.severity(of: $0.labels["severity"] ?? $0.annotations["severity"]).rawValue }),
            .textArray(kept.map(\.headline)), .textArray(kept.map(\.summary)),
            .timestampArray(kept.map { $0.startsAt ?? $0.endsAt.map { min($0, now) } ?? now }),
            .timestampArray(kept.map { $0.endsAt ?? end }),
            .text(source.origin), .text(source.credential), .timestamp(now), .double(settings.reopenWithin.wholeSeconds),
            .int(settings.maximumAlerts), .boolArray(kept.map { $0.endsAt != nil }),
        ]
    }

    /// Apart from the statement that takes them in: what an evaluation holds would have to be waited for. Once for all that comes in
    /// a moment.
    private func raiseVersion() {
        guard turns.wantsVersion() else { return }
        let isTaken = background.submit { [client, turns, logger] in
            try? await Task.sleep(for: .milliseconds(150))
            turns.versionBegins()
            do {
                try await client.query("SELECT monitoring_bump_data_version()", timeout: .seconds(30))
            } catch {
                logger.warning(
                    "The data version was not raised: other processes show for up to a minute what was", metadata: ["error": "\(error)"])
            }
        }
        if !isTaken { turns.versionBegins() }
    }

    private static let relay = """
        SELECT *
        FROM monitoring_relay_alerts(
            $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
            $10::timestamptz[], $11::text, $12::text, $13::timestamptz, make_interval(secs => $14::double precision), $15::integer,
            $16::boolean[])
        """
}

extension Duration {
    /// With its fraction.
    var wholeSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
