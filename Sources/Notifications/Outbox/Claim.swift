import Foundation
import Postgres

/// What came of a claim.
struct Claim: Sendable, Hashable {
    var messages: [ClaimedMessage] = []
    /// Of the receiver's circuit breaker, as all processes know it.
    var openings = 0
    /// Whether a message is sent to see whether the receiver works.
    var isTrial = false
    /// Until another one can bring something; nil: until something is due.
    var wait: Duration?
    /// Whether the database knows the receiver: somebody may have deleted its row.
    var isRegistered = true
}

/// What all processes know of a receiver's endpoint.
struct ReceiverState: Sendable, Hashable {
    /// Until something may be sent; nil or less than zero: now.
    var restLeft: Duration?
    /// Its answers say that it is gone.
    var isDisabled: Bool
    /// Of the circuit breaker; 0: closed.
    var openings: Int
    /// Whether one message is sent to see whether it works.
    var isTrial: Bool { openings > 0 || isDisabled }
    /// Of the rate limit, `tokensAge` ago; nil: all.
    var tokens: Double?
    var tokensAge: Duration

    init(row: PostgresRow) throws {
        let rest: Double? = try row.decode("rest_left")
        restLeft = rest.map { .seconds($0) }
        isDisabled = try row.decode("is_disabled")
        openings = try row.decode("openings")
        tokens = try row.decode("tokens")
        tokensAge = .seconds(try row.decode("tokens_age") as Double)
    }
}
