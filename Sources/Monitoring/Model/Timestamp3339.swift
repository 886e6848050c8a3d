import Foundation

/// Times as RFC 3339 writes them, read and written without a formatter: an alert holds ten of them, and there may be thousands.
enum Timestamp3339 {
    /// The moment of `2026-02-21T10:00:02.431+05:30`; nil for anything else. Years are 0001 to 9999, a minute has 60 seconds.
    static func date(_ text: String) -> Date? {
        var text = text
        return text.withUTF8 { bytes -> Date? in
            var reader = Reader(bytes: bytes)
            guard bytes.count <= 40, let year = reader.number(4), year > 0, reader.take("-"), let month = reader.number(2),
                reader.take("-"),
                let day = reader.number(2), (1...12).contains(month), day >= 1, day <= days(month, year), reader.take("T"),
                let hour = reader.number(2), hour < 24, reader.take(":"), let minute = reader.number(2), minute < 60, reader.take(":"),
                let second = reader.number(2), second < 60, let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd
            else { return nil }
            let seconds = (daysSince1970(year, month, day) * 86_400) + hour * 3600 + minute * 60 + second - offset
            return Date(timeIntervalSince1970: Double(seconds) + fraction)
        }
    }

    /// `2026-02-21T10:00:02.431Z`, to the millisecond; without a fraction where there is none.
    static func text(_ date: Date) -> String {
        let milliseconds = Int((date.timeIntervalSince1970 * 1000).rounded())
        let day = floorDivide(milliseconds, 86_400_000)
        let rest = milliseconds - day * 86_400_000
        let (year, month, dayOfMonth) = civil(day)
        let length = rest % 1000 == 0 ? 20 : 24
        guard (1...9999).contains(year) else { return date.formatted(Date.ISO8601FormatStyle()) }
        return String(unsafeUninitializedCapacity: length) { bytes in
            func write(_ value: Int, _ digits: Int, at place: Int) {
                var value = value
                for index in stride(from: place + digits - 1, through: place, by: -1) {
                    bytes[index] = UInt8(0x30 + value % 10)
                    value /= 10
                }
            }
            for (place, character) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, "."), (length - 1, "Z")]
                as [(Int, Unicode.Scalar)]
            {
                bytes[place] = UInt8(ascii: character)
            }
            write(year, 4, at: 0)
            write(month, 2, at: 5)
            write(dayOfMonth, 2, at: 8)
            write(rest / 3_600_000, 2, at: 11)
            write(rest / 60_000 % 60, 2, at: 14)
            write(rest / 1000 % 60, 2, at: 17)
            if length == 24 { write(rest % 1000, 3, at: 20) }
            return length
        }
    }

    private static func days(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil: years that begin in March, in eras of 400.
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = floorDivide(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// civil_from_days of the same source.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func floorDivide(_ value: Int, _ by: Int) -> Int {
        value >= 0 ? value / by : -((by - 1 - value) / by)
    }

    private struct Reader {
        let bytes: UnsafeBufferPointer<UInt8>
        var place = 0

        var isAtEnd: Bool { place == bytes.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
            place += 1
            return true
        }

        mutating func digit() -> Int? {
            guard place < bytes.count, (0x30...0x39).contains(bytes[place]) else { return nil }
            place += 1
            return Int(bytes[place - 1]) - 0x30
        }

        mutating func number(_ digits: Int) -> Int? {
            var value = 0
            for _ in 0..<digits {
                guard let digit = digit() else { return nil }
                value = value * 10 + digit
            }
            return value
        }

        /// Nothing, or a dot and one to nine digits.
        mutating func fraction() -> Double? {
            guard take(".") else { return 0 }
            var (value, scale, count) = (0.0, 1.0, 0)
            while let digit = digit() {
                count += 1
                value = value * 10 + Double(digit)
                scale *= 10
            }
            return (1...9).contains(count) ? value / scale : nil
        }

        /// `Z`, `+05:30`; seconds east of Greenwich.
        mutating func offset() -> Int? {
            if take("Z") { return 0 }
            let isEast = take("+")
            guard isEast || take("-"), let hours = number(2), hours < 24, take(":"), let minutes = number(2), minutes < 60 else {
                return nil
            }
            return (hours * 3600 + minutes * 60) * (isEast ? 1 : -1)
        }
    }
}
