import Monitoring

/// The figures of the status page, as they were read.
struct StatusFigures: Sendable {
    /// Of the whole window, the last hour, and the last three days with the three before.
    var whole: TrendQueries.Step?
    var hour: TrendQueries.Step?
    var before: TrendQueries.Step?
    var after: TrendQueries.Step?
    var latency: LatencyFigures
    var steps: [TrendQueries.Step]
    var marks: [TrendQueries.Mark]
    var gauges: StateQueries.Gauges
    var models: [SliceFigures]
    var reasons: [FallbackReason]
}
