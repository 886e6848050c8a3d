public import Postgres

extension EventHistory {
    /// Writes all events into learning_events by COPY.
    ///
    /// - Parameters:
    ///   - client: Of a database with the monitor's schema.
    ///   - timeout: For all of it.
    /// - Returns: How many events there were.
    @discardableResult
    public func load(into client: PostgresClient, timeout: Duration = .seconds(300)) async throws -> Int {
        try await client.withConnection { connection in
            try await connection.copyIn("COPY learning_events (\(SimulatedEvent.columns)) FROM STDIN", timeout: timeout) { writer in
                var buffer: [UInt8] = []
                buffer.reserveCapacity(300_000)
                for event in self {
                    event.appendCopyRow(to: &buffer)
                    if buffer.count > 256 * 1024 {
                        try await writer.write(buffer)
                        buffer.removeAll(keepingCapacity: true)
                    }
                }
                try await writer.write(buffer)
            }
        }
    }
}
