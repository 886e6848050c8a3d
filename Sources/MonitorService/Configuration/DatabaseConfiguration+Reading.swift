extension DatabaseConfiguration {
    init(_ section: ConfigurationSection) {
        section.read("url", .secret, into: &url)
        section.read("pool_size", .integer(2...200), into: &poolSize)
    }
}

extension RetentionConfiguration {
    init(_ section: ConfigurationSection) {
        section.read("attempts", .retention, into: &attempts)
        section.read("rollup", .retention, into: &rollup)
        section.read("resolved_alerts", .retention, into: &resolvedAlerts)
        section.warnOfKeysWithoutEffect(["attempts", "rollup", "resolved_alerts"])
    }
}
