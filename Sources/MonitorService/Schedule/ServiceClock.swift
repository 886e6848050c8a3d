import Foundation
import Logging
import Postgres
import Synchronization

/// What the present is: what the service's clock says, put right where this machine's time is far from the database's. By a future,
/// alerts would be ended and history removed before their time; by a past, nothing would happen.
final class ServiceClock: Sendable {
    /// The database's clock holds where this machine's is so far from it, in seconds.
    private static let tolerance: TimeInterval = 300

    /// As it is, for intervals.
    let uncorrected: @Sendable () -> Date
    private let client: PostgresClient
    private let machine: @Sendable () -> Date
    private let logger: Logger
    /// Seconds by which the machine is ahead, where that is too much.
    private let ahead = Mutex<TimeInterval?>(nil)

    /// - Parameters:
    ///   - clock: The service's; the demo's is shifted.
    ///   - machine: This machine's time, which `clock` goes by.
    init(
        client: PostgresClient, clock: @escaping @Sendable () -> Date, machine: @escaping @Sendable () -> Date = { Date() }, logger: Logger
    ) {
        self.client = client
        uncorrected = clock
        self.machine = machine
        self.logger = logger
    }

    /// The present by what was found last.
    var now: Date { uncorrected().addingTimeInterval(-(ahead.withLock { $0 } ?? 0)) }

    /// The present, after a look at the database's clock.
    func compared() async throws -> Date {
        let rows = try await client.query("SELECT clock_timestamp() AS now", timeout: .seconds(5))
        let seconds = machine().timeIntervalSince(try rows[0].decode("now", as: Date.self))
        let areApart = abs(seconds) > Self.tolerance
        let wereApart = ahead.withLock { ahead in
            defer { ahead = areApart ? seconds : nil }
            return ahead != nil
        }
        if areApart, !wereApart {
            logger.warning(
                "This machine's clock and the database's are apart; the database's holds", metadata: ["seconds_ahead": "\(Int(seconds))"])
        }
        return now
    }
}
