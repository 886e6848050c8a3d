import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What SIGTERM, SIGINT and SIGHUP do to this process: the first asks it to end, the second ends it at once. What comes within a quarter
/// of a second of the first is no second one: timeout(1) sends to its child and then to its whole group.
///
/// They are taken by a handler of our own rather than by a service group's, which ignores every further signal.
public enum ProcessSignals {
    /// An order to end is followed within this time, or the process is ended: requests in flight have 20 s, database connections 10,
    /// an embedded PostgreSQL 25.
    public static let longestEnd: Duration = .seconds(60)

    /// Takes the signals for the rest of the process's life. Called once.
    ///
    /// A SIGHUP that was ignored when the process was started (nohup) goes on being ignored.
    ///
    /// - Parameter onEnd: Called for the first of them, on a thread of its own.
    public static func take(_ onEnd: @escaping @Sendable (_ signal: Int32) -> Void) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            // Signals end it as they end any process.
            StandardError.write("torq-monitor: signals end it at once: \(String(cString: strerror(errno)))\n")
            return
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (reading, writing) = (ends[0], ends[1])
        signalPipe.store(writing, ordering: .releasing)
        Thread.detachNewThread {
            var number: UInt8 = 0
            while true {
                guard read(reading, &number, 1) == 1 else {
                    if errno == EINTR { continue }
                    return
                }
                if Int32(number) == SIGHUP, hangupIsIgnored.load(ordering: .acquiring) {
                    onHangup.withLock { $0 }?()
                    continue
                }
                // A thread that waits for nothing else, for whatever it is that does not end.
                Thread.detachNewThread {
                    Thread.sleep(forTimeInterval: Double(longestEnd.components.seconds))
                    _exit(1)
                }
                onEnd(Int32(number))
            }
        }
        signal(SIGTERM, handleSignal)
        signal(SIGINT, handleSignal)
        if unsafeBitCast(signal(SIGHUP, handleSignal), to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { signal(SIGHUP, SIG_IGN) }
    }

    /// The signal that asked this process to end; nil where none did.
    public static var received: Int32? {
        let number = order.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    /// From now on SIGHUP ends nothing; `handler` hears of each.
    public static func ignoreHangup(_ handler: @escaping @Sendable () -> Void) {
        onHangup.withLock { $0 = handler }
        hangupIsIgnored.store(true, ordering: .releasing)
    }
}

// What the handler touches: atomics alone, since it may interrupt anything.
private let signalPipe = Atomic<Int32>(-1)
private let order = Atomic<Int32>(0)
/// Of the order, in nanoseconds since the machine started.
private let orderedAt = Atomic<Int64>(0)
private let hangupIsIgnored = Atomic<Bool>(false)
private let onHangup = Mutex<(@Sendable () -> Void)?>(nil)

private func handleSignal(_ number: Int32) {
    let isOrder = number != SIGHUP || !hangupIsIgnored.load(ordering: .acquiring)
    let before = errno
    if isOrder {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let now = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        let (isFirst, first) = orderedAt.compareExchange(expected: 0, desired: now, ordering: .acquiringAndReleasing)
        guard isFirst else {
            if now - first > 250_000_000 { _exit(128 + number) }
            errno = before
            return
        }
        order.store(number, ordering: .releasing)
    }
    var byte = UInt8(number)
    _ = write(signalPipe.load(ordering: .acquiring), &byte, 1)
    errno = before
}
