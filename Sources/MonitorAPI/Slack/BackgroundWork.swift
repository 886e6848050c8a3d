import Synchronization

/// Work that goes on after its request was answered: bounded in number, and ended with the listener.
final class BackgroundWork: Sendable {
    private static let atOnce = 8
    private static let waiting = 200

    private let jobs: AsyncStream<@Sendable () async -> Void>
    private let queue: AsyncStream<@Sendable () async -> Void>.Continuation

    init() {
        (jobs, queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.waiting))
    }

    /// - Parameter job: Bounds its own time.
    /// - Returns: Whether it will be done: false where too much waits, or the listener ends.
    func submit(_ job: @escaping @Sendable () async -> Void) -> Bool {
        if case .enqueued = queue.yield(job) { return true }
        return false
    }

    /// Takes nothing more; `run` ends with what it has.
    func finish() {
        queue.finish()
    }

    /// Does the work, until `finish` or cancellation.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for await job in jobs {
                if running >= Self.atOnce {
                    await group.next()
                    running -= 1
                }
                group.addTask { await job() }
                running += 1
            }
        }
    }
}
