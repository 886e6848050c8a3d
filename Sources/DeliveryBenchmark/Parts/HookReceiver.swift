import Foundation
import Glibc

/// A receiver of webhooks on 127.0.0.1 that remembers what came, cheaply: one thread and poll(2).
final class HookReceiver: Sendable {
    /// Where it listens.
    let url: String
    private let record: Record
    private let listener: Int32
    private let wakeUp: Int32

    /// Listens at once.
    ///
    /// - Parameter reply: Decides on a request by its number, from 1, and the time; on the receiver's thread.
    init(_ reply: @escaping @Sendable (_ number: Int, _ at: Double) -> Reply = { _, _ in .status(200) }) throws {
        let (listener, port) = try Self.listen()
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure("no pipe") }
        self.listener = listener
        wakeUp = ends[1]
        url = "http://127.0.0.1:\(port)/hook"
        let record = Record()
        self.record = record
        let stopping = ends[0]
        Thread.detachNewThread {
            var loop = HookLoop(listener: listener, stopping: stopping, record: record, reply: reply)
            loop.run()
            close(listener)
            close(stopping)
        }
    }

    deinit {
        // The thread sees the end of the pipe, and ends.
        close(wakeUp)
    }

    /// How many requests came.
    var count: Int { record.read { $0.arrivals.count } }

    /// All that came, in its order.
    var arrivals: [Arrival] { record.read { $0.arrivals } }

    /// What came from one moment on.
    func arrivals(since number: Int) -> ArraySlice<Arrival> { record.read { $0.arrivals.dropFirst(number) } }

    /// How many different alerts were received and answered with 2xx.
    var alerts: Int { record.read { $0.alerts.count } }

    /// The processor time of its thread, in seconds.
    var processorTime: Double { record.read { $0.processorTime } }

    /// Forgets what came.
    func forget() {
        record.change {
            $0.arrivals.removeAll(keepingCapacity: true)
            $0.alerts.removeAll(keepingCapacity: true)
        }
    }

    /// A port at which nothing listens.
    static func unusedPort() throws -> Int {
        let (listener, port) = try listen()
        close(listener)
        return port
    }

    private static func listen() throws -> (Int32, Int) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length) == 0 && Glibc.listen(listener, 1024) == 0 && getsockname(listener, raw, &length) == 0
            }
        }
        guard listener >= 0, isListening else { throw Failure("no socket") }
        return (listener, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// What the thread writes and the benchmark reads. Unchecked: behind its lock.
    final class Record: @unchecked Sendable {
        struct Content {
            var arrivals: [Arrival] = []
            var alerts: Set<Int> = []
            var processorTime = 0.0
        }

        private let lock = NSLock()
        private var content = Content()

        func read<R>(_ body: (Content) -> R) -> R { lock.withLock { body(content) } }
        func change(_ body: (inout Content) -> Void) { lock.withLock { body(&content) } }
    }
}
