/// Whether a connection may still be used by the one who got it.
final class Lease: Sendable {
    private let isOver = Locked(false)

    func check() throws(PostgresError) {
        if isOver.withLock({ $0 }) { throw PostgresError(.misuse, message: "the connection was used after its closure had ended") }
    }

    func end() {
        isOver.withLock { $0 = true }
    }
}
