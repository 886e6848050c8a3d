/// The fields of one record of CSV (RFC 4180).
struct CSVFields {
    /// A field without its quotes.
    struct Field: Hashable {
        var bytes: ArraySlice<UInt8>
        /// Whether it stood in quotes: an empty field without them is no value.
        var isQuoted: Bool
    }

    private let record: ArraySlice<UInt8>
    private var position: Int

    private init(_ record: ArraySlice<UInt8>) {
        self.record = record
        position = record.startIndex
    }

    /// - Parameter record: Without its line's end.
    static func parse(_ record: ArraySlice<UInt8>) throws(LineFault) -> [Field] {
        var parser = CSVFields(record)
        var fields: [Field] = []
        while true {
            fields.append(try parser.field(number: fields.count + 1))
            guard parser.position < record.endIndex else { return fields }
            parser.position += 1
        }
    }

    /// Reads up to the comma after the field.
    private mutating func field(number: Int) throws(LineFault) -> Field {
        guard position < record.endIndex, record[position] == UInt8(ascii: "\"") else {
            let start = position
            while position < record.endIndex, record[position] != UInt8(ascii: ",") {
                if record[position] == UInt8(ascii: "\"") { throw LineFault("column \(number) has a quote but does not begin with one") }
                position += 1
            }
            return Field(bytes: record[start..<position], isQuoted: false)
        }
        position += 1
        var piece = position
        var unescaped: [UInt8] = []
        while true {
            guard let quote = record[position...].firstIndex(of: UInt8(ascii: "\"")) else {
                throw LineFault("the quoted field in column \(number) never ends")
            }
            position = quote + 1
            guard position < record.endIndex, record[position] == UInt8(ascii: "\"") else {
                guard position == record.endIndex || record[position] == UInt8(ascii: ",") else {
                    throw LineFault("column \(number) goes on after its closing quote")
                }
                let rest = record[piece..<quote]
                return Field(bytes: unescaped.isEmpty ? rest : (unescaped + rest)[...], isQuoted: true)
            }
            unescaped += record[piece...quote]
            position += 1
            piece = position
        }
    }
}
