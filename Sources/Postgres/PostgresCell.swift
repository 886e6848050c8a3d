/// A value that is not NULL in PostgreSQL's binary format, valid only while it is decoded.
public struct PostgresCell {
    /// The type that the server gave it.
    public let type: PostgresType
    /// The value as it travelled.
    public let bytes: UnsafeRawBufferPointer

    /// Big-endian, as all integers travel; nil unless the value is exactly that long.
    func integer<T: FixedWidthInteger>(_: T.Type = T.self) -> T? {
        guard bytes.count == MemoryLayout<T>.size else { return nil }
        return T(bigEndian: bytes.loadUnaligned(as: T.self))
    }

    /// Valid UTF-8, which client_encoding promises.
    var string: String? { String(validating: bytes, as: UTF8.self) }

    /// The elements of a one-dimensional array (nil for NULL); an empty array has no dimension. Nil when it is no such array.
    ///
    /// The format (array_send): dimensions, flags and element type as int4; length and lower bound of each dimension; each element
    /// with its length before it, -1 for NULL.
    func elements() -> [PostgresCell?]? {
        var position = 0
        func next() -> Int32? {
            guard position + 4 <= bytes.count else { return nil }
            defer { position += 4 }
            return Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int32.self))
        }
        guard let dimensions = next(), next() != nil, let element = next() else { return nil }
        if dimensions == 0 { return [] }
        guard dimensions == 1, let count = next(), next() != nil, count >= 0, Int(count) <= bytes.count / 4 else { return nil }
        let type = PostgresType(oid: UInt32(bitPattern: element))
        var result: [PostgresCell?] = []
        result.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let length = next() else { return nil }
            if length < 0 {
                result.append(nil)
                continue
            }
            guard position + Int(length) <= bytes.count else { return nil }
            result.append(PostgresCell(type: type, bytes: UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(length)])))
            position += Int(length)
        }
        return result
    }

    /// Whether the type is an array's, as far as that can be told: the header names the element type.
    var isArray: Bool { PostgresType.arrays.contains(type.oid) || type.isUserDefined }
}

extension PostgresType {
    static let arrays: Set<UInt32> = [
        199, 1000, 1001, 1002, 1003, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1028, 1115, 1182, 1185, 1231, 2951, 3807,
    ]
}
