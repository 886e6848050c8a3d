/// What an import did.
public struct ImportReport: Sendable, Hashable, Codable {
    /// A line that was not imported.
    public struct MalformedLine: Sendable, Hashable, Codable {
        /// Where its record begins; the first line of the file is 1.
        public var line: Int
        /// What is wrong with it.
        public var reason: String

        /// - Parameter line: 1 or more.
        public init(line: Int, reason: String) {
            self.line = line
            self.reason = reason
        }
    }

    /// Records of the file, without its header and without empty lines.
    public var read = 0
    /// Events that are new.
    public var imported = 0
    /// Records whose event_id was there already, in the table or earlier in the file, and that changed nothing.
    public var skippedExisting = 0
    /// Records whose event_id was there already and that were counted as a retry of it.
    public var counted = 0
    /// The first malformed lines, in the order of the file.
    public var malformed: [MalformedLine] = []
    /// How many malformed lines there were in all.
    public var malformedCount = 0

    /// Nothing done yet.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case read, imported, counted, malformed
        case skippedExisting = "skipped_existing"
        case malformedCount = "malformed_count"
    }

    /// At most so many malformed lines are kept.
    static let keptLines = 20

    mutating func note(_ line: MalformedLine) {
        malformedCount += 1
        // What the database refuses is known a batch later than what cannot be read: the list is kept in order.
        let place = malformed.lastIndex { $0.line <= line.line }.map { $0 + 1 } ?? 0
        malformed.insert(line, at: place)
        if malformed.count > Self.keptLines { malformed.removeLast() }
    }
}
