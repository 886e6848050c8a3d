extension JSONScanner {
    /// Passes a number that PostgreSQL's numeric can hold: up to 131,072 digits before the point and 16,383 after it
    /// (PostgreSQL manual, "Arbitrary Precision Numbers").
    mutating func number() throws(LineFault) {
        if peek == UInt8(ascii: "-") { position += 1 }
        let whole = try digits()
        if whole.count > 1, whole.first == UInt8(ascii: "0") { throw fault("a number with a leading zero") }
        var fraction: ArraySlice<UInt8> = []
        if peek == UInt8(ascii: ".") {
            position += 1
            fraction = try digits()
        }
        var exponent = 0
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            position += 1
            let isNegative = peek == UInt8(ascii: "-")
            if isNegative || peek == UInt8(ascii: "+") { position += 1 }
            // Far beyond numeric it does not matter how far.
            exponent = try digits().reduce(0) { min($0 * 10 + Int($1) - 0x30, 10_000_000) }
            if isNegative { exponent = -exponent }
        }
        guard fraction.count - exponent <= 16_383, exponent < 10_000_000 else { throw fault("a number beyond PostgreSQL's numeric") }
        // The place of the first digit that counts: 0 for ones, 1 for tens, -1 for tenths.
        var top: Int?
        if let index = whole.firstIndex(where: { $0 != UInt8(ascii: "0") }) {
            top = whole.endIndex - index - 1
        } else if let index = fraction.firstIndex(where: { $0 != UInt8(ascii: "0") }) {
            top = fraction.startIndex - index - 1
        }
        if let top, top + exponent > 131_071 { throw fault("a number beyond PostgreSQL's numeric") }
    }

    private mutating func digits() throws(LineFault) -> ArraySlice<UInt8> {
        let start = position
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        if position == start { throw fault("a number that is none") }
        return bytes[start..<position]
    }
}
