public import CoreMetrics
import Synchronization

/// What swift-metrics' counters, gauges and timers come to, for Prometheus: text format 0.0.4.
///
/// A label of swift-metrics becomes the metric's name, with `torq_` before it; timers are histograms in seconds. There are at
/// most `mostSeries` of a name: what comes beyond is counted together under the label `overflow`, so that no receiver's or route's
/// name can fill the memory.
public final class PrometheusRegistry: MetricsFactory, Sendable {
    static let mostSeries = 1000

    private struct Family {
        var kind: MetricSeries.Kind
        var help: String?
        /// By its labels as they are written: `{receiver="oncall"}`.
        var series: [String: MetricSeries] = [:]
    }

    private let families = Mutex<[String: Family]>([:])

    /// Nothing has been measured.
    public init() {}

    /// Says what a metric means, in a line.
    public func describe(_ label: String, _ help: String) {
        families.withLock { $0[Self.name(label), default: Family(kind: .undecided)].help = help }
    }

    /// A counter, which only grows.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter)
    }

    /// A histogram, or a gauge where nothing is to be aggregated.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        series(label, dimensions, aggregate ? .histogram : .gauge)
    }

    /// A histogram of seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .histogram)
    }

    /// A gauge.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge)
    }

    /// What was counted stays: others may hold the same.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// What was recorded stays.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// What was timed stays.
    public func destroyTimer(_ handler: any TimerHandler) {}
    /// What was set stays.
    public func destroyMeter(_ handler: any MeterHandler) {}

    private func series(_ label: String, _ dimensions: [(String, String)], _ kind: MetricSeries.Kind) -> MetricSeries {
        families.withLock { families in
            let name = Self.name(label)
            var family = families[name] ?? Family(kind: kind)
            if family.kind == .undecided { family.kind = kind }
            // A name has one type: what comes as another is measured, and not shown.
            guard family.kind == kind else { return MetricSeries(kind) }
            var labels = PrometheusText.labels(dimensions)
            if family.series[labels] == nil, family.series.count >= Self.mostSeries { labels = #"{overflow="true"}"# }
            let series = family.series[labels] ?? MetricSeries(kind)
            family.series[labels] = series
            families[name] = family
            return series
        }
    }

    /// Everything that was measured, names and labels in order.
    func text() -> String {
        let families = families.withLock { $0 }
        var text = PrometheusText()
        for (name, family) in families.sorted(by: { $0.key < $1.key }) where !family.series.isEmpty {
            text.begin(name, family.help ?? "Without a description.", type: family.kind.rawValue)
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) { text.add(name, labels, series.value) }
        }
        return text.text
    }

    private static func name(_ label: String) -> String {
        "torq_" + String(label.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") ? $0 : "_" })
    }
}
