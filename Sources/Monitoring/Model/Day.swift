public import Foundation

/// A date in UTC, whatever the machine's or the session's time zone: `2026-02-21`.
public struct Day: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Days since 1970-01-01.
    public let number: Int

    /// The day that `moment` lies in.
    public init(containing moment: Date) {
        number = Int((moment.timeIntervalSince1970 / 86_400).rounded(.down))
    }

    /// A day counted from 1970-01-01.
    public init(number: Int) {
        self.number = number
    }

    /// Reads `YYYY-MM-DD` and nothing else; nil where it is not a date that exists.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2], text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), year >= 1
        else { return nil }
        let components = DateComponents(year: year, month: month, day: day)
        guard let date = Self.calendar.date(from: components), components.month == Self.calendar.component(.month, from: date) else {
            return nil
        }
        self.init(containing: date)
        guard description == text else { return nil }
    }

    /// Its first moment.
    public var start: Date { Date(timeIntervalSince1970: Double(number) * 86_400) }

    /// The first moment after it.
    public var end: Date { Date(timeIntervalSince1970: Double(number + 1) * 86_400) }

    /// `YYYY-MM-DD`.
    public var description: String { start.formatted(Date.ISO8601FormatStyle().year().month().day()) }

    /// The day so many days later; earlier for a negative number.
    public func advanced(by days: Int) -> Day { Day(number: number + days) }

    /// In order of time.
    public static func < (left: Day, right: Day) -> Bool { left.number < right.number }

    private static let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()
}

extension Day: Codable {
    /// Reads `YYYY-MM-DD`.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let day = Day(text) else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not a date (YYYY-MM-DD)"))
        }
        self = day
    }

    /// Writes `YYYY-MM-DD`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
