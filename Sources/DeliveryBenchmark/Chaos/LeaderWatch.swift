import Foundation
import Postgres

/// Looks who evaluates, and how long nobody did after the one that had was hurt.
actor LeaderWatch {
    private let client: PostgresClient
    /// Its process; nil before there was one.
    private(set) var leader: Int32?
    private var unable: Set<Int32> = []
    /// Since when whoever should evaluate cannot.
    private var since: Double?
    private(set) var gaps: [Double] = []

    init(client: PostgresClient) {
        self.client = client
    }

    var hasLeader: Bool { leader != nil && since == nil }

    /// It was killed, or stands still.
    func hurt(_ process: Int32) {
        unable.insert(process)
        if process == leader { since = since ?? Moment.now }
    }

    /// It goes on.
    func resumed(_ process: Int32) {
        unable.remove(process)
    }

    func run() async throws {
        while !Task.isCancelled {
            let row = try await client.query(
                "SELECT split_part(holder, '/', 2)::integer AS process FROM monitoring_lease WHERE expires_at > clock_timestamp()"
            ).first
            if let row {
                let process = Int32(try row.decode("process", as: Int.self))
                if !unable.contains(process) {
                    leader = process
                    if let since { gaps.append(Moment.now - since) }
                    since = nil
                }
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
        if let since { gaps.append(Moment.now - since) }
    }
}
