public import Foundation
public import Postgres

/// Alerts from elsewhere in the database, as far as time ends them.
public struct RelayedAlertRepository: Sendable {
    private let client: PostgresClient

    /// - Parameter client: Of a database with the monitor's schema.
    public init(client: PostgresClient) {
        self.client = client
    }

    /// Ends those whose time was over at a moment and that were not seen again.
    ///
    /// - Returns: How many alerts are over by that.
    public func endSilent(at moment: Date) async throws -> Int {
        var all = 0
        while true {
            let ended: Int = try await client.query(
                "SELECT monitoring_end_relayed($1::timestamptz, $2::integer) AS ended", [.timestamp(moment), .int(Self.batch)],
                timeout: .seconds(60))[0].decode("ended")
            all += ended
            if ended < Self.batch { break }
        }
        if all > 0 { try await client.query("SELECT monitoring_bump_data_version()", timeout: .seconds(30)) }
        return all
    }

    private static let batch = 5000
}
