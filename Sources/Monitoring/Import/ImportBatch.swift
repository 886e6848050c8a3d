/// Rows on their way into the database, in COPY's text format (PostgreSQL manual, COPY, "Text Format"). No event is in it twice.
struct ImportBatch: Sendable {
    /// Another record of an event that is in the batch.
    struct Repeat: Sendable {
        var eventID: String
        var row: Int
        var times: Int
        /// The latest of its records' times, as text.
        var occurredAt: [String]
    }

    private(set) var bytes: [UInt8] = []
    /// Where each row ends in `bytes`.
    private(set) var ends: [Int] = []
    /// The line of each row.
    private(set) var lines: [Int] = []
    /// Records that repeat a row.
    private(set) var repeats: [Repeat] = []
    /// By the bytes of the event_id: Swift takes texts for equal that PostgreSQL tells apart, such as é in its two forms.
    private var rows: [[UInt8]: Int] = [:]
    private var repeatPlaces: [Int: Int] = [:]

    var count: Int { ends.count }

    /// Records in it: its rows and their repetitions.
    private(set) var records = 0

    /// COPY's data for some of the rows.
    func data(_ range: Range<Int>) -> [UInt8] {
        range.isEmpty ? [] : Array(bytes[(range.lowerBound == 0 ? 0 : ends[range.lowerBound - 1])..<ends[range.upperBound - 1]])
    }

    mutating func append(_ values: EventRecordReader.Values, line: Int, columns: EventColumns) {
        records += 1
        let eventID = Array(values[columns.eventID] ?? [])
        if let row = rows[eventID] {
            let time = String(decoding: values[columns.occurredAt] ?? [], as: UTF8.self)
            if let place = repeatPlaces[row] {
                repeats[place].times += 1
                repeats[place].occurredAt.append(time)
            } else {
                repeatPlaces[row] = repeats.count
                repeats.append(Repeat(eventID: String(decoding: eventID, as: UTF8.self), row: row, times: 1, occurredAt: [time]))
            }
            return
        }
        rows[eventID] = count
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: "\t")) }
            if let value { appendEscaped(value) } else { bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "N")]) }
        }
        bytes.append(UInt8(ascii: "\n"))
        ends.append(bytes.count)
        lines.append(line)
    }

    private mutating func appendEscaped(_ value: ArraySlice<UInt8>) {
        var piece = value.startIndex
        for index in value.indices {
            let letter: UInt8
            switch value[index] {
            case UInt8(ascii: "\\"): letter = UInt8(ascii: "\\")
            case UInt8(ascii: "\n"): letter = UInt8(ascii: "n")
            case UInt8(ascii: "\r"): letter = UInt8(ascii: "r")
            case UInt8(ascii: "\t"): letter = UInt8(ascii: "t")
            default: continue
            }
            bytes.append(contentsOf: value[piece..<index])
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(letter)
            piece = index + 1
        }
        bytes.append(contentsOf: value[piece...])
    }
}
