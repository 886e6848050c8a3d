/// Turns records of a file into values of learning_events' columns.
struct EventRecordReader {
    /// A value for each column, checked; nil for NULL.
    typealias Values = [ArraySlice<UInt8>?]

    private let format: EventFormat
    private let columns: EventColumns
    /// For each field of a CSV record its column.
    private var header: [Int] = []

    init(format: EventFormat, columns: EventColumns) {
        self.format = format
        self.columns = columns
    }

    /// Whether the next record is a header.
    var needsHeader: Bool { format == .csv && header.isEmpty }

    /// Reads the header of a CSV file.
    mutating func readHeader(_ record: RecordSplitter.Record) throws(ImportError) {
        let fields: [CSVFields.Field]
        do {
            fields = try CSVFields.parse(record.bytes)
        } catch { throw ImportError(.badHeader, line: record.line, error.reason) }
        var places: [Int] = []
        for field in fields {
            let name = String(decoding: field.bytes, as: UTF8.self)
            guard let place = columns.place(of: name) else {
                throw ImportError(.badHeader, line: record.line, unknownColumn(name))
            }
            guard !places.contains(place) else { throw ImportError(.badHeader, line: record.line, "column \(name) is named twice") }
            places.append(place)
        }
        for required in [columns.eventID, columns.occurredAt] where !places.contains(required) {
            throw ImportError(.badHeader, line: record.line, "the column \(columns.all[required].name) is missing")
        }
        header = places
    }

    /// The values of an event.
    func values(of record: RecordSplitter.Record) throws(LineFault) -> Values {
        if record.isTooLong { throw LineFault("over 16 MB long (is a closing quote missing?)") }
        guard String(validating: record.bytes, as: UTF8.self) != nil else { throw LineFault("not valid UTF-8") }
        if record.bytes.contains(0) { throw LineFault("a zero byte, which PostgreSQL cannot store") }
        let values = try format == .csv ? csvValues(record.bytes) : jsonValues(record.bytes)
        for (value, column) in zip(values, columns.all) where value?.isEmpty ?? true {
            let hasNoDefault = value == nil && column.isRequired && column.defaultSQL == nil
            if hasNoDefault || column.name == "event_id" || column.name == "occurred_at" { throw LineFault("\(column.name) is missing") }
        }
        return values
    }

    private func csvValues(_ bytes: ArraySlice<UInt8>) throws(LineFault) -> Values {
        let fields = try CSVFields.parse(bytes)
        guard fields.count == header.count else { throw LineFault("\(fields.count) columns where the header has \(header.count)") }
        var values = Values(repeating: nil, count: columns.all.count)
        for (field, place) in zip(fields, header) {
            // Programs that quote everything write an absent number as "".
            let isText = columns.all[place].kind == .text
            if field.bytes.isEmpty, !(field.isQuoted && isText) { continue }
            values[place] = try check(field.bytes, place)
        }
        return values
    }

    private func jsonValues(_ bytes: ArraySlice<UInt8>) throws(LineFault) -> Values {
        var scanner = JSONScanner(bytes)
        guard scanner.take("{") else { throw LineFault("not a JSON object") }
        var values = Values(repeating: nil, count: columns.all.count)
        var seen = [Bool](repeating: false, count: columns.all.count)
        if !scanner.take("}") {
            repeat {
                let place = try readKey(&scanner)
                if seen[place] { throw LineFault("\(columns.all[place].name) is there twice") }
                seen[place] = true
                values[place] = try jsonValue(try scanner.value(), place)
            } while scanner.take(",")
            guard scanner.take("}") else { throw scanner.fault(scanner.peek == nil ? "JSON ends too early" : "not JSON") }
        }
        try scanner.end()
        return values
    }

    private func readKey(_ scanner: inout JSONScanner) throws(LineFault) -> Int {
        scanner.skipSpace()
        guard scanner.peek == UInt8(ascii: "\"") else { throw scanner.fault("not JSON") }
        let (raw, hasEscapes) = try scanner.string()
        let name = String(decoding: hasEscapes ? try JSONScanner.unescape(raw)[...] : raw, as: UTF8.self)
        guard scanner.take(":") else { throw scanner.fault("not JSON") }
        guard let place = columns.place(of: name) else {
            throw LineFault(unknownColumn(name))
        }
        return place
    }

    /// - Parameter raw: Valid JSON.
    private func jsonValue(_ raw: ArraySlice<UInt8>, _ place: Int) throws(LineFault) -> ArraySlice<UInt8>? {
        let column = columns.all[place]
        let isNull = raw.first == UInt8(ascii: "n")
        if column.kind == .json {
            // A dump writes NULL as null; a column that has no NULL means the JSON value.
            return isNull && !column.isRequired ? nil : raw
        }
        switch raw.first {
        case UInt8(ascii: "n"): return nil
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            if column.kind != .other { throw LineFault("\(column.name) is an object or a list") }
            return raw
        case UInt8(ascii: "\""):
            let text = raw.dropFirst().dropLast()
            return try check(text.contains(UInt8(ascii: "\\")) ? try JSONScanner.unescape(text)[...] : text, place)
        default:
            if column.kind == .text { throw LineFault("\(column.name) is not a string") }
            return try check(raw, place)
        }
    }

    private func unknownColumn(_ name: String) -> String {
        "learning_events has no column \"\(name.prefix(80))\"; it has \(columns.names)"
    }

    private func check(_ value: ArraySlice<UInt8>, _ place: Int) throws(LineFault) -> ArraySlice<UInt8> {
        do {
            return try columns.all[place].kind.checked(value)
        } catch {
            let isJSON = columns.all[place].kind == .json
            throw LineFault("\(columns.all[place].name)\(isJSON ? ":" : "") \(error.reason)")
        }
    }
}
