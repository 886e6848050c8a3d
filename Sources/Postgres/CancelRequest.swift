import CLibPQ

/// Asks the server to cancel what a connection runs. `PQcancel` makes a connection of its own and blocks: it runs on a thread of its own.
final class CancelRequest: @unchecked Sendable {  // `pointer` belongs to the thread, once started.
    /// A server that does not answer can hold a thread for minutes (TCP's own time-out): no more than these.
    static let maximumThreads = 32
    private static let threads = Locked(0)

    private let pointer: OpaquePointer
    /// Ends when the server has taken the request, or it failed.
    let sent: PollWait

    private init(_ pointer: OpaquePointer, deadline: ContinuousClock.Instant) {
        self.pointer = pointer
        sent = PollWait(deadline: deadline)
    }

    deinit {
        PQfreeCancel(pointer)
    }

    /// Nil when the request cannot be made; the connection should be closed then.
    static func start(_ connection: OpaquePointer, deadline: ContinuousClock.Instant) -> CancelRequest? {
        guard let pointer = PQgetCancel(connection) else { return nil }
        let request = CancelRequest(pointer, deadline: deadline)
        let isFree = threads.withLock { count in
            guard count < maximumThreads else { return false }
            count += 1
            return true
        }
        guard isFree else { return nil }
        let isStarted = NativeThread.start("postgres-cancel") {
            var buffer = [CChar](repeating: 0, count: 256)
            // What the buffer says helps nobody: whether the cancel worked shows in the query's answer.
            _ = PQcancel(request.pointer, &buffer, Int32(buffer.count))
            threads.withLock { $0 -= 1 }
            request.sent.finish(.ready)
        }
        guard isStarted else {
            threads.withLock { $0 -= 1 }
            return nil
        }
        return request
    }
}
