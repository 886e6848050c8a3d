import Foundation

extension DetectionConfiguration {
    /// What is written to monitoring_settings: one JSON object with sorted keys, whose durations are whole seconds.
    ///
    /// Equal configurations give equal texts, so that a new version is only written when something changed. What
    /// `metrics` leaves out, and `slices` as they are by default, are left out here too: the database has its own.
    public var settingsJSON: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        // Numbers and text only, which always encode.
        let data = (try? encoder.encode(Settings(self))) ?? Data("{}".utf8)
        return String(decoding: data, as: UTF8.self)
    }
}

/// The shape of monitoring_settings.settings.
private struct Settings: Encodable {
    struct Baseline: Encodable {
        var name: String
        var windowDays: Int
    }

    struct Ratios: Encodable {
        var low, medium, high, critical: Double?
    }

    struct Health: Encodable {
        var warning, critical: Double
    }

    struct Slices: Encodable {
        var enabled: Bool
        var leastEvents: Int
    }

    struct Metric: Encodable {
        var enabled: Bool?
        var rule: String?
        var thresholds: Ratios?
        var floor: Double?
    }

    var rule: String
    var windowsSeconds: [Int64]
    var baseline: Baseline
    var thresholds: Ratios
    var criticalAfterSeconds: Int64
    var resolveAfterSeconds: Int64
    var reopenWithinSeconds: Int64
    var health: Health
    /// nil: as the database has it.
    var slices: Slices?
    var metrics: [String: Metric]

    init(_ configuration: DetectionConfiguration) {
        let general = configuration.thresholds
        rule = configuration.rule.rawValue
        windowsSeconds = configuration.windows.map(\.components.seconds)
        baseline = Baseline(name: configuration.baseline.name, windowDays: configuration.baseline.windowDays)
        thresholds = Ratios(low: general.low, medium: general.medium, high: general.high, critical: general.critical)
        criticalAfterSeconds = configuration.criticalAfter.components.seconds
        resolveAfterSeconds = configuration.resolveAfter.components.seconds
        reopenWithinSeconds = configuration.reopenWithin.components.seconds
        health = Health(warning: configuration.health.warning, critical: configuration.health.critical)
        slices =
            configuration.slices == DetectionConfiguration.Slices()
            ? nil : Slices(enabled: configuration.slices.enabled, leastEvents: configuration.slices.leastEvents)
        metrics = configuration.metrics.mapValues { metric in
            let own = metric.thresholds
            let ratios = Ratios(low: own.low, medium: own.medium, high: own.high, critical: own.critical)
            return Metric(
                enabled: metric.enabled, rule: metric.rule?.rawValue,
                thresholds: own == DetectionConfiguration.Metric.Thresholds() ? nil : ratios, floor: metric.floor)
        }
    }
}
