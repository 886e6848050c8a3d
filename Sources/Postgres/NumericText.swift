/// The binary form of numeric (numeric_send): number of digits, weight of the first, sign and display scale as int2, then the
/// digits, each of base 10,000.
enum NumericText {
    /// Exactly what the server would write, `NaN` and `Infinity` included; nil when the bytes are no numeric.
    ///
    /// | digits | weight | scale | text |
    /// | --- | --- | --- | --- |
    /// | 1, 2345, 6000 | 1 | 2 | 12345.60 |
    /// | 12 | -2 | 8 | 0.00000012 |
    /// | 1 | 2 | 0 | 100000000 |
    static func decode(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count >= 8, bytes.count % 2 == 0 else { return nil }
        func field(_ index: Int) -> UInt16 { UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)) }
        let count = Int(field(0))
        let weight = Int(Int16(bitPattern: field(1)))
        let scale = Int(field(3))
        guard bytes.count == 8 + 2 * count else { return nil }
        var text = ""
        switch field(2) {
        case 0x0000: break
        case 0x4000: text = "-"
        case 0xC000: return "NaN"
        case 0xD000: return "Infinity"
        case 0xF000: return "-Infinity"
        default: return nil
        }
        /// The digit of weight `position`, four decimals.
        func group(_ position: Int) -> String {
            let index = weight - position
            guard (0..<count).contains(index) else { return "0000" }
            let digits = String(field(4 + index))
            return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
        if weight < 0 {
            text += "0"
        } else {
            var whole = ""
            for position in stride(from: weight, through: 0, by: -1) { whole += group(position) }
            let significant = whole.drop { $0 == "0" }
            text += significant.isEmpty ? "0" : significant
        }
        if scale > 0 {
            var fraction = ""
            for position in 1...((scale + 3) / 4) { fraction += group(-position) }
            text += "." + fraction.prefix(scale)
        }
        return text
    }

    /// `12.00` is 12; nil for anything with a fraction or out of Int64's range.
    static func wholeNumber(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.count == 1 || parts[1].allSatisfy({ $0 == "0" }) else { return nil }
        return Int64(parts[0])
    }
}
