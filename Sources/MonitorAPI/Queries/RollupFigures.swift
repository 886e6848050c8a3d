import Foundation
import Postgres

/// What figures can be split by.
enum SliceDimension: String, Sendable, Hashable, CaseIterable {
    case model, backend, agent, version
}

/// What the events of one model (or backend, agent, version) came to.
struct SliceFigures: Encodable, Sendable, Hashable {
    /// null for the events that name none.
    @Nullable var value: String?
    var totalEvents: Int
    var successfulEvents: Int
    var failedEvents: Int
    var fallbackEvents: Int
    var duplicateEvents: Int
    @Nullable var fallbackRate: Double?
    @Nullable var errorRate: Double?
    @Nullable var duplicateRate: Double?
    @Nullable var latencyP50: Double?
    @Nullable var latencyP95: Double?
    @Nullable var latencyP99: Double?

    enum CodingKeys: String, CodingKey {
        case value
        case totalEvents = "total_events"
        case successfulEvents = "successful_events"
        case failedEvents = "failed_events"
        case fallbackEvents = "fallback_events"
        case duplicateEvents = "duplicate_events"
        case fallbackRate = "fallback_rate"
        case errorRate = "error_rate"
        case duplicateRate = "duplicate_rate"
        case latencyP50 = "latency_p50"
        case latencyP95 = "latency_p95"
        case latencyP99 = "latency_p99"
    }
}

extension SliceFigures {
    init(row: PostgresRow) throws {
        _value = Nullable(wrappedValue: try row.decode("value"))
        totalEvents = try row.decode("total_events")
        successfulEvents = try row.decode("successful_events")
        failedEvents = try row.decode("failed_events")
        fallbackEvents = try row.decode("fallback_events")
        duplicateEvents = try row.decode("duplicate_events")
        _fallbackRate = Nullable(wrappedValue: try row.decode("fallback_rate"))
        _errorRate = Nullable(wrappedValue: try row.decode("error_rate"))
        _duplicateRate = Nullable(wrappedValue: try row.decode("duplicate_rate"))
        _latencyP50 = Nullable(wrappedValue: try row.decode("latency_p50"))
        _latencyP95 = Nullable(wrappedValue: try row.decode("latency_p95"))
        _latencyP99 = Nullable(wrappedValue: try row.decode("latency_p99"))
    }
}

/// Durations over a window, in milliseconds, as percentile_cont gives them.
struct LatencyFigures: Encodable, Sendable, Hashable {
    /// Events with a duration.
    var events: Int
    @Nullable var p50: Double?
    @Nullable var p75: Double?
    @Nullable var p90: Double?
    @Nullable var p95: Double?
    @Nullable var p99: Double?
    @Nullable var avg: Double?
    @Nullable var min: Double?
    @Nullable var max: Double?
}

extension LatencyFigures {
    init(row: PostgresRow) throws {
        events = try row.decode("events")
        _p50 = Nullable(wrappedValue: try row.decode("p50"))
        _p75 = Nullable(wrappedValue: try row.decode("p75"))
        _p90 = Nullable(wrappedValue: try row.decode("p90"))
        _p95 = Nullable(wrappedValue: try row.decode("p95"))
        _p99 = Nullable(wrappedValue: try row.decode("p99"))
        _avg = Nullable(wrappedValue: try row.decode("avg"))
        _min = Nullable(wrappedValue: try row.decode("min"))
        _max = Nullable(wrappedValue: try row.decode("max"))
    }
}
