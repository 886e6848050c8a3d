public import Foundation

extension Bool: PostgresDecodable {
    /// From bool.
    public init?(postgres cell: PostgresCell) {
        guard cell.type == .bool, let byte = cell.integer(UInt8.self) else { return nil }
        self = byte != 0
    }
}

extension Int64: PostgresDecodable {
    /// From int2, int4, int8 and oid, and from a numeric that is a whole number in range (sum(bigint) is one).
    public init?(postgres cell: PostgresCell) {
        switch cell.type {
        case .int8: self.init(optional: cell.integer(Int64.self))
        case .int4: self.init(optional: cell.integer(Int32.self))
        case .int2: self.init(optional: cell.integer(Int16.self))
        case .oid: self.init(optional: cell.integer(UInt32.self))
        case .numeric: self.init(optional: NumericText.decode(cell.bytes).flatMap { NumericText.wholeNumber($0) })
        default: return nil
        }
    }

    private init?<T: BinaryInteger>(optional value: T?) {
        guard let value else { return nil }
        self.init(exactly: value)
    }
}

extension Int: PostgresDecodable {
    /// As Int64.
    public init?(postgres cell: PostgresCell) {
        guard let value = Int64(postgres: cell) else { return nil }
        self = Int(value)
    }
}

extension Double: PostgresDecodable {
    /// From float4, float8, the integers, and numeric (the nearest double).
    public init?(postgres cell: PostgresCell) {
        switch cell.type {
        case .float8:
            guard let bits = cell.integer(UInt64.self) else { return nil }
            self.init(bitPattern: bits)
        case .float4:
            guard let bits = cell.integer(UInt32.self) else { return nil }
            self.init(Float(bitPattern: bits))
        case .numeric:
            guard let text = NumericText.decode(cell.bytes) else { return nil }
            self.init(text)
        default:
            guard let value = Int64(postgres: cell) else { return nil }
            self.init(value)
        }
    }
}

extension String: PostgresDecodable {
    /// From text, varchar, char, name, json, jsonb and enums; from uuid (lower case), date (`YYYY-MM-DD`) and numeric (exactly,
    /// with all its places).
    public init?(postgres cell: PostgresCell) {
        let text: String?
        switch cell.type {
        case .text, .varchar, .bpchar, .name, .char, .unknown, .json: text = cell.string
        case .jsonb:
            // jsonb_send: a version, which is 1, then the text.
            guard cell.bytes.first == 1 else { return nil }
            text = PostgresCell(type: .json, bytes: UnsafeRawBufferPointer(rebasing: cell.bytes.dropFirst())).string
        case .numeric: text = NumericText.decode(cell.bytes)
        case .uuid: text = UUID(postgres: cell)?.uuidString.lowercased()
        case .date: text = cell.integer(Int32.self).map { CivilDate.text(daysSince2000: $0) }
        case let type where type.isUserDefined: text = cell.string
        default: text = nil
        }
        guard let text else { return nil }
        self = text
    }
}

extension UUID: PostgresDecodable {
    /// From uuid.
    public init?(postgres cell: PostgresCell) {
        guard cell.type == .uuid, cell.bytes.count == 16 else { return nil }
        self.init(uuid: cell.bytes.loadUnaligned(as: uuid_t.self))
    }
}

extension Date: PostgresDecodable {
    /// From timestamptz, and from timestamp taken as UTC; infinity is `distantFuture`, -infinity `distantPast`.
    public init?(postgres cell: PostgresCell) {
        guard cell.type == .timestamptz || cell.type == .timestamp, let microseconds = cell.integer(Int64.self) else { return nil }
        self = PostgresTimestamp.date(microseconds)
    }
}
