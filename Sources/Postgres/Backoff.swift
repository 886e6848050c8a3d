/// How long to wait before the next attempt to connect.
///
/// The wait doubles from `first` up to `limit`; half of it is certain, the other half is drawn by the caller, so that
/// clients that lost the same server do not return in step. With the default values:
///
/// | failures | jitter 0 | jitter 1 |
/// | --- | --- | --- |
/// | 1 | 50 ms | 100 ms |
/// | 2 | 100 ms | 200 ms |
/// | 3 | 200 ms | 400 ms |
/// | 6 | 1.6 s | 3.2 s |
/// | 7 and more | 2.5 s | 5 s |
struct Backoff: Sendable, Hashable {
    var first: Duration = .milliseconds(100)
    var limit: Duration = .seconds(5)

    /// - Parameters:
    ///   - failures: how many attempts in a row have failed, 1 or more; 0 waits not at all.
    ///   - jitter: 0 … 1.
    func delay(failures: Int, jitter: Double) -> Duration {
        guard failures > 0 else { return .zero }
        // 2^30 times any useful `first` is beyond any useful `limit`.
        let full = min(first * (1 << min(failures - 1, 30)), limit)
        return full * (0.5 + 0.5 * min(max(jitter, 0), 1))
    }
}
