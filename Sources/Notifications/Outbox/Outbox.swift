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
    let changed = Signal()
    /// Whether others may have taken what this process has claimed.
    let pulse: Pulse
    /// How long a lane waits for the database, each time.
    static let patience = Duration.seconds(15)
    /// The same for a process that is to end.
    static let lastPatience = Duration.seconds(5)

    init(client: PostgresClient, process: String, settings: DeliverySettings) {
        self.client = client
        self.process = process
        self.settings = settings
        pulse = Pulse(timeout: settings.heartbeatTimeout)
    }

    // Claiming

    /// When the next notification of a receiver is due, from now; zero or less: now. nil: there is none.
    ///
    /// - Parameter isLater: Of those that are not due yet.
    func nextDue(receiver: String, isLater: Bool = false) async throws -> Duration? {
        let sql = isLater ? Self.nextDueLater : Self.nextDue
        let seconds: Double? = try await client.query(sql, [.text(receiver)]).first?.decode("seconds")
        return seconds.map { .seconds($0) }
    }

    /// Takes what is due for a receiver, makes the bodies of what is sent for the first time, and keeps them: every later attempt sends
    /// the same. All of it, or nothing, in one transaction.
    ///
    /// Of one alert it takes one step at a time, in their order; where newer messages replace older ones, the newest, and marks those
    /// that it replaces. What is told together is taken together.
    ///
    /// - Parameters:
    ///   - limit: Of messages.
    ///   - router: Knows what is not to be told any more.
    ///   - render: Makes a body; nil where that is not possible.
    func claim(
        _ claimID: UUID, receiver: Receiver, limit: Int, router: TransitionRouter? = nil,
        render: @Sendable (ClaimedMessage) -> RenderedMessage?
    ) async throws -> Claim {
        try await client.transaction { connection in
            // The lock makes for one claimer a receiver: two at once could take two steps of one alert. What is claimed has to be seen by
            // a snapshot that is newer than the lock.
            guard let row = try await connection.query(Self.lock, [.text(receiver.name)]).first else { return Claim(isRegistered: false) }
            let state = try ReceiverState(row: row)
            if let rest = state.restLeft, rest > .zero { return Claim(openings: state.openings, wait: rest) }
            var bucket = receiver.rateLimit.map { TokenBucket($0, tokens: state.tokens, at: .zero) }
            var limit = state.isTrial ? min(1, limit) : limit
            if let available = bucket?.available(limit, at: state.tokensAge) {
                guard available > 0 else {
                    return Claim(openings: state.openings, wait: max(.milliseconds(1), bucket?.wait(at: state.tokensAge) ?? .zero))
                }
                limit = available
            }
            var rows = try await connection.query(
                Self.claimable, [.text(receiver.name), .bool(receiver.supersedes), .int(limit), .bool(state.isTrial)]
            ).map { row in (unit: try row.decode("unit") as UUID, notification: try ClaimedNotification(row: row)) }
            let held = try await router?.holdBack(rows.map(\.notification.id), receiver: receiver.name, connection) ?? []
            rows.removeAll { held.contains($0.notification.id) }
            var messages = ClaimedMessage.assemble(rows, claimID: claimID)
            guard !messages.isEmpty || held.isEmpty else { return Claim(openings: state.openings, wait: .zero) }
            guard !messages.isEmpty else { return Claim(openings: state.openings, wait: nil) }
            // Ignored while somebody held it: it was not among what waited then.
            let unwanted = messages.filter(\.isIgnored).map(\.id)
            if !unwanted.isEmpty {
                try await connection.query(Self.dropIgnored, [.uuidArray(unwanted)])
                messages.removeAll(where: \.isIgnored)
                guard !messages.isEmpty else { return Claim(openings: state.openings, wait: .zero) }
            }
            for index in messages.indices { messages[index].rendered = messages[index].frozen ?? render(messages[index]) }
            try await take(messages, claimID, receiver, connection)
            if bucket != nil {
                bucket?.take(messages.count, at: state.tokensAge)
                try await connection.query(Self.keepTokens, [.text(receiver.name), .double(bucket?.tokens)])
            }
            return Claim(messages: messages, openings: state.openings, isTrial: state.isTrial, wait: .zero)
        }
    }

    private func take(
        _ messages: [ClaimedMessage], _ claimID: UUID, _ receiver: Receiver, _ connection: PostgresConnection
    ) async throws {
        let members = messages.flatMap { message in message.members.map { (message: message, id: $0.id) } }
        func text(_ path: KeyPath<RenderedMessage, String>) -> [String] {
            members.map { $0.id == $0.message.id ? $0.message.rendered?[keyPath: path] ?? "" : "" }
        }
        try await connection.query(
            Self.keepClaim,
            [
                .text(receiver.name), .bool(receiver.supersedes), .uuidArray(members.map(\.id)), .uuidArray(members.map(\.message.id)),
                .textArray(text(\.body)), .textArray(text(\.contentType)), .uuid(claimID), .text(process), .double(settings.claimSeconds),
            ])
    }

    /// Gives back what these claims still hold.
    func giveBack(_ claims: [UUID]) async throws {
        try await client.query(Self.giveBack, [.uuidArray(claims), .text(process)])
    }

    /// Gives back messages that were claimed and not sent, as if they had not been claimed.
    func release(_ messages: [ClaimedMessage]) async throws {
        let held = messages.flatMap { message in message.members.map { (id: $0.id, claim: message.claimID) } }
        try await client.query(Self.release, [.uuidArray(held.map(\.id)), .uuidArray(held.map(\.claim)), .text(process)])
    }

    // Results

    /// Records results, each with its attempt, and marks the alerts that reached somebody.
    ///
    /// - Parameters:
    ///   - change: Of the receiver's circuit breaker.
    ///   - isTrial: Whether a success ends what is known against the receiver.
    /// - Returns: How many alerts reached somebody.
    @discardableResult
    func record(
        _ results: [AttemptResult], receiver: String, change: CircuitBreaker.Change? = nil, isTrial: Bool = false
    ) async throws -> Int {
        do {
            return try await recordTogether(results, receiver, change, isTrial)
        } catch let error as PostgresError where Self.isOfOne(error) && results.count > 1 {
            // An evaluation holds several of the alerts: one at a time there is no circle to be caught in. Nor does one that cannot be
            // written keep the others from it.
            var delivered = 0
            var failure: PostgresError?
            for result in results {
                do {
                    delivered += try await recordTogether([result], receiver, change, isTrial)
                } catch let error as PostgresError where Self.isOfOne(error) || error.code == .timedOut {
                    failure = error
                }
            }
            if let failure { throw failure }
            return delivered
        }
    }

    /// Whether it lies with one of what was to be written (a lock, a deadlock, a value, a constraint) and not with the database: that is
    /// full or read-only for all of them.
    private static func isOfOne(_ error: PostgresError) -> Bool {
        guard let state = error.sqlState else { return false }
        return ["55P03", "40P01"].contains(state) || ["22", "23"].contains(String(state.prefix(2)))
    }

    private func recordTogether(
        _ results: [AttemptResult], _ receiver: String, _ change: CircuitBreaker.Change?, _ isTrial: Bool
    ) async throws -> Int {
        defer { changed.raise() }
        return try await client.transaction { connection in
            try await recordReceiver(results, receiver, change, isTrial, connection)
            return try await connection.query(
                Self.recordAttempts, [.text(receiver), .text(process), .bool(results.count == 1)] + results.columns)[0]
                .decode("delivered")
        }
    }

    private func recordReceiver(
        _ results: [AttemptResult], _ receiver: String, _ change: CircuitBreaker.Change?, _ isTrial: Bool, _ connection: PostgresConnection
    ) async throws {
        if let pause = results.compactMap(\.pauseSeconds).max() {
            let reason = results.first(where: \.disables)?.reason
            try await connection.query(Self.pause, [.text(receiver), .double(pause), .text(reason)])
        } else if isTrial, results.contains(where: { $0.status == "delivered" }) {
            // It works: whoever was tried in vain meanwhile need not wait any longer.
            if try await connection.query(Self.recover, [.text(receiver)]).affectedRows > 0 {
                try await connection.query(Self.hasten, [.text(receiver)])
            }
        }
        if case .opened(let rest, let openings) = change {
            try await connection.query(Self.open, [.text(receiver), .double(rest.seconds), .int(openings)])
        }
    }

    /// Puts down that a receiver took a message just now. On its own: whoever records holds notifications, and whoever claims holds the
    /// receiver's row and waits for some of them.
    func noteDelivery(_ receiver: String) async throws {
        try await client.query(Self.noteDelivery, [.text(receiver)])
    }

    /// Lets caches of the API see what has changed. Never inside a transaction of deliveries: its row is everybody's, and an
    /// evaluation holds it to its end.
    func bumpDataVersion() async throws {
        try await client.query("SELECT monitoring_bump_data_version()")
    }

    // Processes

    /// Says that this process lives.
    func beat() async throws {
        let began = ContinuousClock.now
        try await client.query(Self.beat, [.text(process)])
        pulse.beat(at: began)
    }

    /// Takes the claims of processes that live no more, and those whose time is over. On its own: what cannot be taken keeps nobody's heart
    /// from beating.
    ///
    /// - Returns: How many claims came back.
    func takeLost() async throws -> Int {
        try await client.query(Self.takeLost, [.text(process), .double(settings.heartbeatTimeout.seconds)]).count
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

    /// Ends what nobody has been able to deliver in its time, without another try: a receiver that rests is not asked.
    ///
    /// - Returns: How many.
    func buryOverdue() async throws -> Int {
        let overdue = try await client.query(Self.buryOverdue).affectedRows
        return overdue + (try await client.query(Self.buryLeftBehind).affectedRows)
    }

    /// Ends what waits in vain for a receiver that the configuration no longer has.
    func buryUndefined(known: [String]) async throws -> Int {
        try await client.query(Self.buryUndefined, [.textArray(known)]).affectedRows
    }
}
