import Notifications
import Postgres

extension DatabaseConfiguration {
    init(_ section: ConfigurationSection) {
        // Whoever names a database and forgets its variable does not mean another one.
        url = section.optional("url", .secret)
        if let url {
            do {
                _ = try PostgresConfiguration(url.reveal())
            } catch {
                section.problem("url", "cannot be used: \(error.message)")
            }
        }
        section.read("pool_size", .integer(2...200), into: &poolSize)
    }
}

extension RetentionConfiguration {
    init(_ section: ConfigurationSection) {
        section.read("attempts", .retention, into: &attempts)
        // The expectation reaches back 28 days, over their windows and a week for slow drift.
        section.read("rollup", .retention(atLeastDays: 45), into: &rollup)
        section.read("resolved_alerts", .retention(atLeastDays: 45), into: &resolvedAlerts)
        section.read("audit", .retention, into: &audit)
    }
}
