import Foundation

/// A one-dimensional array in PostgreSQL's binary format (array_recv): neither side quotes its elements, or looks for the end of one.
///
/// The format: dimensions, flags (1: there are NULLs) and element type as int4; length and lower bound; each element with its length
/// before it, -1 for NULL. An empty array has no dimension.
struct BinaryArray {
    private(set) var bytes: [UInt8] = []

    /// - Parameter size: Of all elements, in bytes.
    private init(of type: PostgresType, count: Int, hasNulls: Bool = false, size: Int) {
        bytes.reserveCapacity(20 + 4 * count + size)
        append(Int32(count == 0 ? 0 : 1))
        append(Int32(hasNulls ? 1 : 0))
        append(type.oid)
        guard count > 0 else { return }
        append(Int32(count))
        append(Int32(1))
    }

    private mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    static func text(_ elements: [String?]) -> BinaryArray {
        let size = elements.reduce(0) { $0 + ($1?.utf8.count ?? 0) }
        var array = BinaryArray(of: .text, count: elements.count, hasNulls: elements.contains { $0 == nil }, size: size)
        for element in elements {
            guard var element else {
                array.append(Int32(-1))
                continue
            }
            element.withUTF8 { utf8 in
                array.append(Int32(utf8.count))
                array.bytes.append(contentsOf: utf8)
            }
        }
        return array
    }

    static func uuid(_ elements: [UUID]) -> BinaryArray {
        var array = BinaryArray(of: .uuid, count: elements.count, size: 16 * elements.count)
        for element in elements {
            array.append(Int32(16))
            withUnsafeBytes(of: element.uuid) { array.bytes.append(contentsOf: $0) }
        }
        return array
    }

    static func bool(_ elements: [Bool]) -> BinaryArray {
        var array = BinaryArray(of: .bool, count: elements.count, size: elements.count)
        for element in elements {
            array.append(Int32(1))
            array.append(UInt8(element ? 1 : 0))
        }
        return array
    }

    static func timestamp(_ elements: [Date]) -> BinaryArray {
        var array = BinaryArray(of: .timestamptz, count: elements.count, size: 8 * elements.count)
        for element in elements {
            array.append(Int32(8))
            array.append(PostgresTimestamp.microseconds(element))
        }
        return array
    }
}
