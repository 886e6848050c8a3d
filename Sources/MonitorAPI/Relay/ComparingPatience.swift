import Notifications

/// Compares patterns with many things for at most three seconds in all, and lets others have their turn every few milliseconds.
struct ComparingPatience {
    private static let most = Duration.seconds(3)
    private static let turn = Duration.milliseconds(5)

    private let count: Int
    private let name: String
    private let began = ContinuousClock.now
    private var pause = ContinuousClock.now

    /// - Parameters:
    ///   - count: How many there are to compare with.
    ///   - name: What they are.
    init(_ count: Int, _ name: String) {
        self.count = count
        self.name = name
    }

    /// Whether all matchers match.
    ///
    /// - Throws: 400 where all of it has taken too long; `CancellationError`.
    mutating func matches(_ matchers: [Matcher], _ labels: @autoclosure () throws -> AlertLabels) async throws -> Bool {
        try await wait()
        guard !matchers.isEmpty else { return true }
        let labels = try labels()
        for matcher in matchers {
            guard matcher.matches(labels) else { return false }
            try await wait()
        }
        return true
    }

    private mutating func wait() async throws {
        guard pause.duration(to: .now) > Self.turn else { return }
        try Task.checkCancellation()
        guard began.duration(to: .now) < Self.most else {
            throw Problem(
                .invalidParameter, "It takes too long to look at \(count) \(name) in this way; a filter that names a label with = helps.")
        }
        await Task.yield()
        pause = .now
    }
}
