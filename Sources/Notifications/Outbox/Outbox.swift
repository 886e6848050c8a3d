import Foundation
import Monitoring
import Postgres

/// The outbox as a dispatcher uses it: claims, bodies, results. All its times are the database's, so that processes need not agree on theirs.
struct Outbox: Sendable {
    let client: PostgresClient
    /// Names this process, and no other, in claims.
    let process: String
    let settings: DeliverySettings
    /// Raised when something has changed that an answer of the API shows.
    var changed = Signal()

    // Claiming

    /// When the next notification of a receiver is due, from now; zero or less: now. nil: there is none.
    func nextDue(receiver: String) async throws -> Duration? {
        let seconds: Double? = try await client.query(Self.nextDue, [.text(receiver)]).first?.decode("seconds")
        return seconds.map { .seconds($0) }
    }

    /// Takes due notifications of a receiver: one an alert, in the order of its steps.
    ///
    /// Where newer messages replace older ones it takes the newest and marks those that it replaces.
    func claim(_ claimID: UUID, receiver: Receiver, limit: Int) async throws -> [ClaimedNotification] {
        try await client.transaction { connection in
            // One claimer a receiver: two at once could take two steps of one alert. The claim needs a snapshot that is newer than the lock.
            try await connection.query(Self.lock, [.text(receiver.name)])
            return try await connection.query(
                Self.claim,
                [
                    .text(receiver.name), .bool(receiver.supersedes), .int(limit), .uuid(claimID), .text(process),
                    .double(settings.claimSeconds),
                ]
            ).map(ClaimedNotification.init(row:))
        }
    }

    /// Keeps bodies from now on: every later attempt sends the same.
    ///
    /// - Returns: The ids of those that are still claimed.
    func freeze(_ bodies: [(id: UUID, message: RenderedMessage)], claimID: UUID) async throws -> Set<UUID> {
        let rows = try await client.query(
            Self.freeze,
            [
                .uuidArray(bodies.map(\.id)), .textArray(bodies.map(\.message.body)), .textArray(bodies.map(\.message.contentType)),
                .uuid(claimID),
            ])
        return Set(try rows.map { try $0.decode("id") as UUID })
    }

    /// Gives back what these claims still hold.
    func giveBack(_ claims: [UUID]) async throws {
        try await client.query(Self.giveBack, [.uuidArray(claims), .text(process)])
    }

    // Results

    /// Records results of one claim, each with its attempt, and marks the alerts that reached somebody.
    ///
    /// - Returns: How many were delivered.
    func record(_ results: [AttemptResult], receiver: String, claimID: UUID) async throws -> Int {
        do {
            return try await recordTogether(results, receiver: receiver, claimID: claimID)
        } catch let error as PostgresError where error.sqlState == "55P03" || error.sqlState == "40P01" {
            // An evaluation holds several of the alerts: one at a time there is no circle to be caught in.
            var delivered = 0
            for result in results { delivered += try await recordTogether([result], receiver: receiver, claimID: claimID) }
            return delivered
        }
    }

    private func recordTogether(_ results: [AttemptResult], receiver: String, claimID: UUID) async throws -> Int {
        let json = String(decoding: try MonitoringJSON.encode(results), as: UTF8.self)
        defer { changed.raise() }
        return try await client.transaction { connection in
            // Shorter than deadlock_timeout: in a deadlock this side gives way.
            if results.count > 1 { try await connection.query("SET LOCAL lock_timeout = '500ms'") }
            try await connection.query(Self.recordAttempts, [.json(json), .text(process)])
            if results.contains(where: { $0.pauseSeconds != nil || $0.status == "delivered" }) {
                let pause = results.compactMap(\.pauseSeconds).max()
                let reason = results.first(where: \.disables)?.reason
                try await connection.query(Self.recordReceiver, [.text(receiver), .double(pause), .text(reason)])
            }
            let alerts = try await connection.query(Self.recordResults, [.json(json), .uuid(claimID)]).map { row in
                (id: try row.decode("alert_id") as UUID, status: try row.decode("status") as String)
            }.filter { $0.status == "delivered" }.map(\.id)
            if !alerts.isEmpty { try await connection.query(Self.markNotified, [.uuidArray(alerts), .text(receiver)]) }
            return alerts.count
        }
    }

    /// Lets caches of the API see what has changed. Never inside a transaction of deliveries: its row is everybody's, and an
    /// evaluation holds it to its end.
    func bumpDataVersion() async throws {
        try await client.query("SELECT monitoring_bump_data_version()")
    }

    // Processes

    /// Says that this process lives, and takes the claims of those that do not.
    ///
    /// - Returns: How many claims came back.
    func heartbeat() async throws -> Int {
        try await client.query(Self.heartbeat, [.text(process)])
        return try await client.query(Self.reclaim, [.text(process), .double(settings.heartbeatTimeout.seconds)]).affectedRows
    }

    /// Forgets processes that have been silent for a day.
    func forgetDead() async throws {
        try await client.query(Self.forgetDead)
    }

    /// The last words of a process: gives back all that it holds.
    func leave() async throws {
        try await client.query(Self.giveAllBack, [.text(process)])
        try await client.query("DELETE FROM monitoring_processes WHERE process = $1::text", [.text(process)])
    }

    /// Clears what is known of a receiver whose address is another one than before.
    func register(_ receiver: Receiver) async throws {
        try await client.query(Self.register, [.text(receiver.name), .text(receiver.endpointDigest)])
    }

    /// Ends what waits in vain for a receiver that the configuration no longer has.
    func buryUndefined(known: [String]) async throws -> Int {
        try await client.query(Self.buryUndefined, [.textArray(known)]).affectedRows
    }
}
