import Foundation
import Monitoring

/// Where a page ends in a list that is ordered by a time, newest first, and by id: `1773142200000000.0000…0001`.
///
/// It names a place, not a row: a row that is gone leaves no gap, and one that came since shifts nothing.
struct Cursor: Sendable, Hashable, Encodable {
    /// Microseconds since 1970, as exact as the database's.
    var microseconds: Int
    var id: UUID

    init(time: Date, id: UUID) {
        microseconds = Int((time.timeIntervalSince1970 * 1_000_000).rounded())
        self.id = id
    }

    /// nil for anything that is none.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...16).contains(parts[0].utf8.count), parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let microseconds = Int(parts[0]), parts[1].utf8.count == 36, let id = UUID(uuidString: String(parts[1]))
        else { return nil }
        self.microseconds = microseconds
        self.id = id
    }

    var text: String { "\(microseconds).\(id.uuidString.lowercased())" }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    static let pattern = "^[0-9]{1,16}\\.[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
}

extension QueryParameter where Value == Cursor {
    static let cursor = QueryParameter(
        "cursor", "The `next_cursor` of the page before; absent for the first page.",
        schema: Schema.text.with(["pattern": .string(Cursor.pattern)]), example: "1771670100000000.00000000-0000-4000-8000-000000000001",
        allowed: "the next_cursor of an answer", parse: { Cursor($0) })
}
