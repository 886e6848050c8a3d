import Foundation
import Monitoring
import Notifications

/// What Alertmanager's API says of itself.
struct AlertmanagerStatus: Codable, Sendable, Hashable {
    struct Cluster: Codable, Sendable, Hashable {
        struct Peer: Codable, Sendable, Hashable {
            var address: String
            var name: String
        }

        /// There are none: what processes have in common is the database.
        var peers: [Peer] = []
        var status: String
    }

    struct Version: Codable, Sendable, Hashable {
        var branch: String
        var buildDate: String
        var buildUser: String
        var goVersion: String
        var revision: String
        var version: String
    }

    struct Config: Codable, Sendable, Hashable {
        /// The routes as Alertmanager's configuration writes them, without anything that is secret.
        var original: String
    }

    var cluster: Cluster
    var config: Config
    var uptime: Date
    var versionInfo: Version

    init(_ settings: RelaySettings) {
        cluster = Cluster(status: "disabled")
        config = Config(original: settings.notifications?.alertmanagerYAML(settings.severities) ?? "")
        uptime = Self.started
        versionInfo = Version(branch: "", buildDate: "", buildUser: "", goVersion: "", revision: "torq-monitor", version: "0.25.0")
    }

    private static let started = Date()

    /// Makes the present what it is up since; once.
    static func begin() {
        _ = started
    }
}
