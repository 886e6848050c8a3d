import Glibc

/// The monotonic clock, which all processes of a machine share.
enum Moment {
    /// Seconds.
    static var now: Double { seconds(CLOCK_MONOTONIC) }

    /// The processor time of the thread that asks, in seconds.
    static var ofThread: Double { seconds(CLOCK_THREAD_CPUTIME_ID) }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

/// Looks every few milliseconds whether something is so.
///
/// - Returns: Whether it was, within the time.
func becomes(within seconds: Double, every milliseconds: Int = 5, _ condition: () async throws -> Bool) async throws -> Bool {
    let end = Moment.now + seconds
    while try await !condition() {
        guard Moment.now < end else { return false }
        try await Task.sleep(for: .milliseconds(milliseconds))
    }
    return true
}
