import Foundation

extension SimulatedEvent {
    /// The columns of `appendCopyRow`, in its order.
    public static let columns = """
        event_id, occurred_at, event_type, category, source_agent, source_trace_id, trace_id, session_id, duplicate_count, event_data, \
        created_at, updated_at
        """

    /// Appends it as a line of COPY's text format; ingested as it occurred. Nothing in it needs to be escaped.
    public func appendCopyRow(to buffer: inout [UInt8]) {
        let moment = Self.timestamp(milliseconds: occurredAt)
        let trace = Self.hex(identityLow) + Self.hex(identityHigh)
        let line =
            "\(eventID)\t\(moment)\t\(eventType)\tlearning\t\(agent)\t\(trace)\t\(trace)\t\(session)\t\(duplicateCount)\t\(eventData(trace: trace))"
            + "\t\(moment)\t\(moment)\n"
        buffer.append(contentsOf: line.utf8)
    }

    /// Appends it as a line that `torq-monitor import` takes.
    public func appendJSONLine(to buffer: inout [UInt8]) {
        let trace = Self.hex(identityLow) + Self.hex(identityHigh)
        let line = """
            {"event_id":"\(eventID)","occurred_at":"\(Self.timestamp(milliseconds: occurredAt))","event_type":"\(eventType)",\
            "category":"learning","source_agent":"\(agent)","source_trace_id":"\(trace)","trace_id":"\(trace)","session_id":"\(session)",\
            "duplicate_count":\(duplicateCount),"event_data":\(eventData(trace: trace))}

            """
        buffer.append(contentsOf: line.utf8)
    }

    private var eventID: String { Self.hex(identityHigh) + Self.hex(identityLow) }
    private var session: String { "s-\(identityHigh % 5000)" }

    /// As the console writes it, without the texts.
    private func eventData(trace: String) -> String {
        var text = "{\"session_id\":\"\(session)\""
        if let reward {
            let digits = reward >= 100 ? "1.0" : reward < 10 ? "0.0\(reward)" : "0.\(reward)"
            text += isRewardText ? ",\"reward\":\"\(digits)\"" : ",\"reward\":\(digits)"
        }
        if let duration { text += ",\"duration_ms\":\(duration)" }
        let own = hop(version[...], reason: fallbackReason.map { "\"\($0)\"" } ?? "null")
        let chain = backend == "vercel" ? own + "," + hop("railway:1.0.8", reason: "null") : own
        return text
            + ",\"model\":\"\(model)\",\"backend\":\"\(backend)\",\"telemetry\":{\"trace_id\":\"\(trace)\",\"request_chain\":[\(chain)]}}"
    }

    private func hop(_ name: Substring, reason: String) -> String {
        let colon = name.firstIndex(of: ":") ?? name.endIndex
        return "{\"service\":\"\(name[..<colon])\",\"version\":\"\(name[colon...].dropFirst())\",\"latency_ms\":\(duration ?? 0),"
            + "\"model_used\":\"\(model)\",\"fallback_reason\":\(reason)}"
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// `2026-02-21T10:00:02.431Z`; the date after Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    static func timestamp(milliseconds: Int) -> String {
        let rest = milliseconds % 86_400_000
        let shifted = milliseconds / 86_400_000 + 719_468
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let fromMarch = (5 * dayOfYear + 2) / 153
        let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
        let year = yearOfEra + shifted / 146_097 * 400 + (month <= 2 ? 1 : 0)
        let day = dayOfYear - (153 * fromMarch + 2) / 5 + 1
        let thousandths = rest % 1000
        return
            "\(year)-\(padded(month))-\(padded(day))T\(padded(rest / 3_600_000)):\(padded(rest / 60_000 % 60)):\(padded(rest / 1000 % 60))."
            + "\(thousandths < 100 ? "0" : "")\(padded(thousandths))Z"
    }

    private static func padded(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
