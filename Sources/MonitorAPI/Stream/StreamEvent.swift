import Monitoring
import NIOCore
import Postgres

/// A transition as those who follow the stream get it.
struct StreamEvent: Sendable {
    /// Its place among all transitions: whoever has seen it has seen all that are smaller.
    let position: Int64
    /// As it is sent: the same bytes for everybody.
    let bytes: ByteBuffer

    init(row: PostgresRow) throws {
        let message = try StreamMessage(row: row)
        position = message.position
        let data = String(decoding: try MonitoringJSON.encode(message), as: UTF8.self)
        // JSON has no line breaks but those that are escaped, so one data line holds it.
        bytes = ByteBuffer(string: "id: \(position)\nevent: transition\ndata: \(data)\n\n")
    }

    init(position: Int64, bytes: ByteBuffer) {
        self.position = position
        self.bytes = bytes
    }
}
