import Foundation
import Postgres

/// What the server's processes have used, where they run on this machine (proc(5), stat: utime and stime).
enum ProcessorTime {
    /// Seconds of all sessions of the database so far; nil where the processes cannot be seen.
    static func ofBackends(_ client: PostgresClient) async throws -> Double? {
        let processes = try await client.query("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
            .map { try $0.decode("pid", as: Int.self) }
        let ticks = processes.compactMap { process -> Int? in
            guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8), text.contains("(postgres)"),
                let fields = text.split(separator: ")").last?.split(separator: " "), fields.count > 12
            else { return nil }
            return Int(fields[11]).flatMap { user in Int(fields[12]).map { user + $0 } }
        }
        return ticks.isEmpty ? nil : Double(ticks.reduce(0, +)) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
