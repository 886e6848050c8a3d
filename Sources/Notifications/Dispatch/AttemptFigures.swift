import Metrics
import WebTransport

/// Counts attempts for the metrics of a receiver. Its series are looked up once: a burst has thousands of the same.
struct AttemptFigures {
    private struct Series: Hashable {
        var outcome: String
        var reason: String
    }

    private let receiver: String
    private var counters: [Series: Counter] = [:]
    private var duration: Timer?

    init(receiver: String) {
        self.receiver = receiver
    }

    /// A request came back.
    mutating func count(_ result: AttemptResult) {
        let series = Series(outcome: result.outcome, reason: result.reason ?? "")
        let counter =
            counters[series]
            ?? Counter(
                label: "monitor_delivery_attempts_total",
                dimensions: [("receiver", receiver), ("outcome", series.outcome), ("reason", series.reason)])
        counters[series] = counter
        counter.increment()
        guard let timings = result.timings else { return }
        let duration = duration ?? Timer(label: "monitor_delivery_attempt_duration_seconds", dimensions: [("receiver", receiver)])
        self.duration = duration
        duration.recordNanoseconds(Int64(timings.total / .nanoseconds(1)))
    }
}
