import CoreMetrics
import Synchronization

/// One line or histogram of a metric.
final class MetricSeries: CounterHandler, RecorderHandler, TimerHandler, MeterHandler, Sendable {
    /// Types as Prometheus names them.
    enum Kind: String, Sendable, Hashable {
        case counter, gauge, histogram
        /// Described, and nothing measured as yet.
        case undecided = "untyped"
    }

    enum Value: Sendable, Hashable {
        case number(Double)
        /// How many are in each of `bounds` and the last one, which has none; not cumulated.
        case histogram(counts: [Int], sum: Double)
    }

    /// Upper bounds of a histogram, in seconds.
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

    private let state: Mutex<Value>

    init(_ kind: Kind) {
        state = Mutex(kind == .histogram ? .histogram(counts: [Int](repeating: 0, count: Self.bounds.count + 1), sum: 0) : .number(0))
    }

    var value: Value { state.withLock { $0 } }

    func increment(by amount: Int64) { add(Double(amount)) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
    func reset() { set(0 as Double) }
    func set(_ value: Int64) { set(Double(value)) }
    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1_000_000_000) }

    func set(_ value: Double) {
        state.withLock { state in
            if case .number = state { state = .number(value) }
        }
    }

    func record(_ value: Double) {
        state.withLock { state in
            switch state {
            case .number: state = .number(value)
            case .histogram(var counts, let sum):
                // Without this the array is copied for each value.
                state = .number(0)
                counts[Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count] += 1
                state = .histogram(counts: counts, sum: sum + value)
            }
        }
    }

    private func add(_ amount: Double) {
        state.withLock { state in
            if case .number(let value) = state { state = .number(value + amount) }
        }
    }
}
