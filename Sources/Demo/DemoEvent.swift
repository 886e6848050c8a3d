public import Foundation

/// One row of learning_events, as the console's backend would write it.
public struct DemoEvent: Sendable, Hashable {
    /// First 32 hex digits of a SHA-256 over trace, type, agent, query and answer: the idempotency key.
    public var eventID: String
    /// The time that counts for every window.
    public var occurredAt: Date
    /// `chat_interaction`, or one of the rarer ones.
    public var eventType: String
    /// What the event is about: `learning`, `performance`, …
    public var category: String
    /// The agent that answered.
    public var sourceAgent: String
    /// 32 hex digits, written to both trace columns.
    public var traceID: String
    /// The conversation.
    public var sessionID: String
    /// Over 1: the event was retried.
    public var duplicateCount: Int
    /// The JSON text of event_data; at times not what it should be, as in the wild.
    public var eventData: String

    /// The columns of `copyRow`, in its order.
    public static let columns =
        "event_id, occurred_at, event_type, category, source_agent, trace_id, source_trace_id, session_id, duplicate_count, event_data, created_at, updated_at"

    /// Appends the event as a line of COPY's text format (PostgreSQL manual, COPY, "Text Format").
    ///
    /// It counts as ingested at `ingestedAt`, a moment after it occurred for history, the present for live events.
    public func appendCopyRow(to buffer: inout [UInt8], ingestedAt: Date) {
        let occurred = Self.timestamp(occurredAt)
        let ingested = Self.timestamp(ingestedAt)
        let fields = [
            eventID, occurred, eventType, category, sourceAgent, traceID, traceID, sessionID, String(duplicateCount), eventData, ingested,
            ingested,
        ]
        for (index, field) in fields.enumerated() {
            if index > 0 { buffer.append(UInt8(ascii: "\t")) }
            for byte in field.utf8 {
                switch byte {
                case UInt8(ascii: "\\"): buffer.append(contentsOf: [byte, byte])
                case UInt8(ascii: "\n"): buffer.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
                case UInt8(ascii: "\r"): buffer.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
                case UInt8(ascii: "\t"): buffer.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
                default: buffer.append(byte)
                }
            }
        }
        buffer.append(UInt8(ascii: "\n"))
    }

    /// `2026-02-21T10:00:02.431Z`, milliseconds rounded down.
    static func timestamp(_ date: Date) -> String {
        let milliseconds = Int((date.timeIntervalSince1970 * 1000).rounded(.down))
        let days = Int((Double(milliseconds) / 86_400_000).rounded(.down))
        let rest = milliseconds - days * 86_400_000
        let (year, month, day) = civil(fromDays: days)
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
            + "\(padded(rest / 3_600_000, 2)):\(padded(rest / 60_000 % 60, 2)):\(padded(rest / 1000 % 60, 2)).\(padded(rest % 1000, 3))Z"
    }

    /// Year, month and day of a day counted from 1970-01-01 (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
