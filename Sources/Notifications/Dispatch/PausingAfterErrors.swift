/// How long a loop rests after errors of the database in a row: 100 ms, doubled up to two seconds.
struct PausingAfterErrors: Sendable, Hashable {
    private var count = 0

    mutating func failed() -> Duration {
        count += 1
        return min(.seconds(2), .milliseconds(100) * (1 << min(count - 1, 5)))
    }

    mutating func succeeded() {
        count = 0
    }
}
