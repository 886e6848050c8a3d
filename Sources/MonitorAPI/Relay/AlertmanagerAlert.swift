import Foundation
import Monitoring
import Notifications
import Postgres

/// An alert as Alertmanager's API shows it.
struct AlertmanagerAlert: Codable, Sendable, Hashable {
    struct Status: Codable, Sendable, Hashable {
        var inhibitedBy: [String]
        var silencedBy: [String]
        /// `active`, or `suppressed` where nobody is told.
        var state: String
    }

    struct Receiver: Codable, Sendable, Hashable {
        var name: String
    }

    var annotations: [String: String]
    var endsAt: Date
    var fingerprint: String
    var generatorURL: String
    var labels: [String: String]
    var receivers: [Receiver]
    var startsAt: Date
    var status: Status
    var updatedAt: Date
}

extension AlertmanagerAlert {
    /// - Parameters:
    ///   - row: Of `AlertmanagerQueries`.
    ///   - end: Where nothing is known of an end.
    init(row: PostgresRow, standing: AlertStandings.Standing, labels: AlertLabels, end: Date) throws {
        let kept: String? = try row.decode("annotations")
        annotations =
            try kept.map { try MonitoringJSON.decode([String: String].self, from: $0.utf8) } ?? ["summary": try row.decode("summary")]
        let ends: Date? = try row.decode("ends_at")
        endsAt = ends.flatMap { $0 == .distantFuture ? nil : $0 } ?? end
        generatorURL = try row.decode("generator_url") ?? ""
        self.labels = labels.shown
        fingerprint = Self.fingerprint(of: self.labels)
        receivers = standing.groups.map { Receiver(name: $0.receiver) }
        startsAt = try row.decode("starts_at")
        updatedAt = try row.decode("updated_at")
        let isQuiet: Bool = try row.decode("is_quiet")
        let inhibitedBy = standing.inhibitedBy.map { [Self.fingerprint(of: $0.labels.shown)] } ?? []
        status = Status(
            inhibitedBy: inhibitedBy, silencedBy: standing.silencedBy.map(\.id),
            state: isQuiet || !inhibitedBy.isEmpty || !standing.silencedBy.isEmpty ? "suppressed" : "active")
    }

    /// Prometheus's fingerprint of labels: FNV-1a of 64 bits over names and values in the order of the names, each followed by 0xFF.
    ///
    /// | labels | fingerprint |
    /// | --- | --- |
    /// | none | cbf29ce484222325 |
    static func fingerprint(of labels: [String: String]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for (name, value) in labels.sorted(by: { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }) {
            name.utf8.forEach(add)
            add(0xFF)
            value.utf8.forEach(add)
            add(0xFF)
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Alerts that are told together, as Alertmanager's API shows them.
struct AlertmanagerGroup: Codable, Sendable, Hashable {
    var alerts: [AlertmanagerAlert]
    var labels: [String: String]
    var receiver: AlertmanagerAlert.Receiver
}
