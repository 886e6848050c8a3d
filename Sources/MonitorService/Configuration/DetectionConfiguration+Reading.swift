extension DetectionConfiguration {
    private static let ratio = ConfigurationValue<Double>.number(1...1000)
    private static let score = ConfigurationValue<Double>.number(0...100)
    private static let days = ConfigurationValue<Duration>.duration(.zero...(.seconds(7 * 86400)))

    init(_ section: ConfigurationSection) {
        section.read("evaluation_interval", .duration(.seconds(1)...(.seconds(3600))), into: &evaluationInterval)
        section.read("rule", .choice, into: &rule)
        readWindows(section)
        section.section("baseline") { section in
            section.read("name", .name, into: &baseline.name)
            section.read("window_days", .integer(1...28), into: &baseline.windowDays)
        }
        section.section("thresholds") { section in
            section.read("low", Self.ratio, into: &thresholds.low)
            section.read("medium", Self.ratio, into: &thresholds.medium)
            section.read("high", Self.ratio, into: &thresholds.high)
            section.read("critical", Self.ratio, into: &thresholds.critical)
        }
        if !thresholds.areAscending {
            section.problem("thresholds", "must rise: low <= medium <= high <= critical; they are \(thresholds)")
        }
        section.read("critical_after", Self.days, into: &criticalAfter)
        section.read("resolve_after", Self.days, into: &resolveAfter)
        section.read("reopen_within", Self.days, into: &reopenWithin)
        section.section("health") { section in
            section.read("warning", Self.score, into: &health.warning)
            section.read("critical", Self.score, into: &health.critical)
            if health.critical > health.warning { section.problem("critical", "must not be above warning, which is \(health.warning)") }
        }
        section.section("slices") { section in
            section.read("enabled", .boolean, into: &slices.enabled)
            section.read("least_events", .integer(1...1_000_000), into: &slices.leastEvents)
        }
        section.section("metrics") { section in
            for name in Self.metricNames {
                let metric = section.section(name, Metric.init)
                if metric != Metric() { metrics[name] = metric }
                let effective = thresholds(for: name)
                if metrics[name] != nil, thresholds.areAscending, !effective.areAscending {
                    section.problem(
                        name,
                        "thresholds must rise: low <= medium <= high <= critical; with those that it leaves out they are \(effective)")
                }
            }
        }
    }

    private mutating func readWindows(_ section: ConfigurationSection) {
        let window = ConfigurationValue<Duration>.duration(.seconds(300)...(.seconds(7 * 86400)), step: .seconds(300))
        guard let given = section.list("windows", window) else { return }
        windows = Set(given).sorted()
        if section.isEmptyList("windows") { section.problem("windows", "must hold at least one window, such as 1h") }
        if windows.count > 8 { section.problem("windows", "must hold at most 8 windows, not \(windows.count)") }
    }

    /// The ratios that hold for a metric: its own over those that it is known with (monitoring_known_metrics() and the default
    /// settings have them), or over the general ones.
    public func thresholds(for metric: String) -> Thresholds {
        var result = thresholds
        switch metric {
        case "latency_p95": result.low = min(1.3, thresholds.medium)
        case "model_mix": (result.low, result.medium, result.high, result.critical) = (1, 2, 4, 1_000_000)
        case "total_events": (result.low, result.medium, result.high, result.critical) = (2, 3, 5, 5)
        default: break
        }
        let own = metrics[metric]?.thresholds
        result.low = own?.low ?? result.low
        result.medium = own?.medium ?? result.medium
        result.high = own?.high ?? result.high
        result.critical = own?.critical ?? result.critical
        return result
    }
}

extension DetectionConfiguration.Metric {
    init(_ section: ConfigurationSection) {
        section.read("enabled", .boolean, into: &enabled)
        section.read("rule", .choice, into: &rule)
        section.section("thresholds") { section in
            section.read("low", .number(1...1000), into: &thresholds.low)
            section.read("medium", .number(1...1000), into: &thresholds.medium)
            section.read("high", .number(1...1000), into: &thresholds.high)
            section.read("critical", .number(1...1000), into: &thresholds.critical)
        }
        section.read("floor", .number(0...1), into: &floor)
    }
}

extension DetectionConfiguration.Thresholds: CustomStringConvertible {
    /// Whether each is at least the one before.
    var areAscending: Bool {
        low <= medium && medium <= high && high <= critical
    }

    /// The four, lowest first.
    public var description: String {
        "\(low), \(medium), \(high), \(critical)"
    }
}
