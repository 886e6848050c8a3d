/// Cuts a stream of bytes into records, wherever its chunks were cut. A record ends with its line, in CSV not inside quotes.
///
/// Memory is bounded by the longest record and one chunk: a record over the limit is dropped while it is read, and told.
struct RecordSplitter {
    /// A record without its line's end.
    struct Record {
        /// Its first line; the first of the stream is 1.
        var line: Int
        /// Empty where it was too long.
        var bytes: ArraySlice<UInt8>
        /// It was longer than the limit, and its bytes are gone.
        var isTooLong = false
    }

    private enum Place {
        /// Where a field of CSV begins, → any other.
        case fieldStart
        /// In a field without quotes, → fieldStart.
        case plain
        /// Inside quotes, → quoteInQuotes.
        case quoted
        /// After a quote inside quotes: the second of two → quoted; the field's end → fieldStart; anything else (malformed) → plain.
        case quoteInQuotes
    }

    private let format: EventFormat
    private let limit: Int
    private var buffer: [UInt8] = []
    private var start = 0
    private var scanned = 0
    private var place = Place.fieldStart
    private var line = 1
    private var recordLine = 1
    private var isDropping = false
    private var isAtBeginning = true

    /// - Parameter limit: Of a record, in bytes.
    init(format: EventFormat, limit: Int = 16 * 1024 * 1024) {
        self.format = format
        self.limit = limit
    }

    /// Takes the next piece of the stream.
    mutating func append(_ chunk: [UInt8]) {
        buffer.removeSubrange(0..<start)
        scanned -= start
        start = 0
        buffer.append(contentsOf: chunk)
        if isAtBeginning, buffer.count >= 3 {
            isAtBeginning = false
            if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
            scanned = start
        }
    }

    /// The next whole record; nil until more is appended.
    mutating func next() -> Record? {
        guard !isAtBeginning else { return nil }
        guard let end = findEnd() else {
            if buffer.count - start > limit {
                isDropping = true
                start = buffer.count
            }
            return nil
        }
        return record(endingAt: end, next: end + 1)
    }

    /// The record that the stream ends with, where its last line has no end; call it after `next()` has given nil.
    mutating func finish() -> Record? {
        isAtBeginning = false
        if let record = next() { return record }
        guard isDropping || start < buffer.count else { return nil }
        return record(endingAt: buffer.count, next: buffer.count)
    }

    private mutating func record(endingAt end: Int, next: Int) -> Record {
        defer {
            start = next
            scanned = next
            place = .fieldStart
            recordLine = line
            isDropping = false
        }
        if isDropping || end - start > limit { return Record(line: recordLine, bytes: [], isTooLong: true) }
        let hasReturn = end > start && buffer[end - 1] == UInt8(ascii: "\r")
        return Record(line: recordLine, bytes: buffer[start..<(hasReturn ? end - 1 : end)])
    }

    /// Where the line's end is that ends the record.
    private mutating func findEnd() -> Int? {
        let from = scanned
        var place = place
        var lines = 0
        let end = buffer.withUnsafeBufferPointer { bytes in
            format == .csv
                ? Self.csvEnd(bytes, from: from, place: &place, lines: &lines)
                : bytes[from...].firstIndex(of: UInt8(ascii: "\n"))
        }
        self.place = place
        if format == .ndjson, end != nil { lines = 1 }
        line += lines
        scanned = end ?? buffer.count
        return end
    }

    private static func csvEnd(_ bytes: UnsafeBufferPointer<UInt8>, from: Int, place: inout Place, lines: inout Int) -> Int? {
        for index in from..<bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\n"):
                lines += 1
                if place != .quoted { return index }
            case UInt8(ascii: "\""):
                switch place {
                case .fieldStart, .quoteInQuotes: place = .quoted
                case .quoted: place = .quoteInQuotes
                case .plain: break
                }
            case UInt8(ascii: ","):
                if place != .quoted { place = .fieldStart }
            default:
                if place != .quoted { place = .plain }
            }
        }
        return nil
    }
}
