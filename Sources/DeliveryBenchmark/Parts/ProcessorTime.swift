import Foundation
import Glibc

/// Processor time in seconds.
struct ProcessorTime: Sendable {
    var user = 0.0
    var system = 0.0

    var total: Double { user + system }

    static func - (later: ProcessorTime, earlier: ProcessorTime) -> ProcessorTime {
        ProcessorTime(user: later.user - earlier.user, system: later.system - earlier.system)
    }

    static func + (one: ProcessorTime, other: ProcessorTime) -> ProcessorTime {
        ProcessorTime(user: one.user + other.user, system: one.system + other.system)
    }

    /// Of this process.
    static var own: ProcessorTime {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return ProcessorTime(
            user: Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) * 1e-6,
            system: Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) * 1e-6)
    }
}
