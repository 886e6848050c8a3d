import HTTPTypes
import NIOConcurrencyHelpers

/// Slows down those who guess: tokens, logins, links.
final class FailureLimit: Sendable {
    private let buckets = NIOLockedValueBox(FailureBuckets())
    private let proxies: ProxyTrust
    private let began = ContinuousClock.now

    init(proxies: ProxyTrust) {
        self.proxies = proxies
    }

    /// Before it is said whether a secret that could be guessed is right. What nobody can guess needs no asking: an address that others
    /// guess from is not theirs alone.
    ///
    /// - Throws: 429 for a client that has failed too often.
    func check(_ request: HTTPFields, _ context: MonitorContext) throws(Problem) {
        guard let client = client(request, context) else { return }
        let now = seconds
        guard let wait = buckets.withLockedValue({ $0.wait(client, at: now) }) else { return }
        throw Problem(
            .tooManyFailures,
            "Too many wrong tokens or links came from this address. Try again in \(wait) \(wait == 1 ? "second" : "seconds").",
            headers: [.retryAfter: "\(wait)"])
    }

    /// A secret was wrong.
    func failed(_ request: HTTPFields, _ context: MonitorContext) {
        guard let client = client(request, context) else { return }
        let now = seconds
        buckets.withLockedValue { $0.failed(client, at: now) }
    }

    /// Where a request comes from; nil where that is not known.
    func client(_ request: HTTPFields, _ context: MonitorContext) -> ClientNetwork? {
        context.peer.map { proxies.client(peer: $0, forwardedFor: request[values: .forwardedFor]).network }
    }

    private var seconds: Double {
        let elapsed = began.duration(to: .now).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    }
}
