import Monitoring
import Postgres
import Synchronization

/// The version of the data that answers are made of, as this process knows it.
///
/// It is asked for at most twice a second, however many requests there are, and anew after each request that may have changed
/// something: so a client reads its own writes, and what others wrote half a second later.
final class DataVersion: Sendable {
    /// What an answer was made of.
    struct Stamp: Sendable, Hashable {
        var version: Int
        /// Writes through this process before it.
        var writes: Int
    }

    /// So old may the knowledge be.
    static let patience = Duration.milliseconds(500)
    private static let timeout = Duration.seconds(5)

    private struct State {
        var writes = 0
        var known: (version: Int, asked: ContinuousClock.Instant)?
    }

    private let client: PostgresClient
    private let state = Mutex(State())
    private let questions = Coalescer<Int, Int>()

    init(client: PostgresClient) {
        self.client = client
    }

    /// Something may have been written through this process.
    func wrote() {
        state.withLock { state in
            state.writes += 1
            state.known = nil
        }
    }

    /// - Throws: Where the database does not answer: nothing is known then.
    func current() async throws -> Stamp {
        let (writes, known) = state.withLock { ($0.writes, $0.known) }
        if let known, known.asked.duration(to: .now) < Self.patience { return Stamp(version: known.version, writes: writes) }
        let version = try await questions.value(for: writes) {
            let asked = ContinuousClock.now
            let version: Int = try await client.query("SELECT data_version FROM monitoring_rollup_state", timeout: Self.timeout)[0]
                .decode("data_version")
            state.withLock { state in
                // A write meanwhile may or may not be in it.
                if state.writes == writes { state.known = (version, asked) }
            }
            return version
        }
        return Stamp(version: version, writes: writes)
    }
}
