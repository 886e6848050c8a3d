import Postgres

/// The processor time of a PostgreSQL server, by process.
struct ServerUsage: Sendable {
    private let postmaster: Int32
    private let whole: ProcessorTime
    private let parts: [Int32: (title: String, time: ProcessorTime)]

    /// Of the server that the client is connected to, which must be on this machine.
    init(of client: PostgresClient) async throws {
        let backend: Int = try await client.query("SELECT pg_backend_pid() AS id").first?.decode("id") ?? 0
        guard let postmaster = ProcessFile(id: Int32(backend)).parent else { throw Failure("PostgreSQL runs on another machine") }
        self.init(postmaster: postmaster)
    }

    private init(postmaster: Int32) {
        self.postmaster = postmaster
        let file = ProcessFile(id: postmaster)
        var parts: [Int32: (title: String, time: ProcessorTime)] = [:]
        for child in file.children { parts[child.id] = (child.title, child.processorTime()) }
        self.parts = parts
        // Backends that have ended are counted with their parent.
        whole = parts.values.reduce(file.processorTime(withChildren: true)) { $0 + $1.time }
    }

    /// The same server later.
    func again() -> ServerUsage { ServerUsage(postmaster: postmaster) }

    /// What was used since.
    func since(_ earlier: ServerUsage) -> ProcessorTime { whole - earlier.whole }

    /// The same by process, the busiest first: only those that still run.
    func parts(since earlier: ServerUsage) -> [(title: String, id: Int32, time: ProcessorTime)] {
        parts.map { id, part in (part.title, id, part.time - (earlier.parts[id]?.time ?? ProcessorTime())) }
            .filter { $0.2.total > 0 }.sorted { $0.2.total > $1.2.total }
    }
}
