/// What postmaster.pid says: PostgreSQL's lock file in its data directory (its lines are described in pidfile.h).
struct PostmasterFile: Sendable, Hashable {
    /// How far the server is.
    enum Status: String, Sendable, Hashable {
        case starting
        case ready
        case stopping
        case standby
    }

    var processID: Int32
    var socketDirectory: String

    /// nil while the server has not written it yet, or says something unknown.
    var status: Status?

    /// Reads the file's text: process, data directory, start time, port, socket directory, address, memory key, status.
    init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, let processID = Int32(first), processID > 1 else { return nil }
        self.processID = processID
        socketDirectory = lines.count > 4 ? String(lines[4]) : ""
        status = lines.count > 7 ? Status(rawValue: String(lines[7].prefix { $0 != " " })) : nil
    }
}
