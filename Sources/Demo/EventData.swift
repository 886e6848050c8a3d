import Foundation

/// The fields of event_data, before they become JSON. Those that go wrong in the wild are kept as JSON text, so that a
/// `Flaw` can put anything in their place; nil leaves the field out.
struct EventData {
    var sessionID: String
    var query: String
    var answer: String
    var reward: String?
    var duration: String?
    var model: String?
    var backend: String
    var telemetry: String?

    init(
        sessionID: String, query: String, answer: String, reward: String, duration: Int, model: String, backend: String, trace: String,
        fallbackReason: String?, occurredAt: Date
    ) {
        self.sessionID = sessionID
        self.query = query
        self.answer = answer
        self.reward = reward
        self.duration = String(duration)
        self.model = jsonString(model)
        self.backend = backend
        let reason = fallbackReason.map(jsonString) ?? "null"
        let railway = Self.hop(
            service: "railway", version: "1.0.8", sha: "6a1f326", model: model, latency: duration, end: occurredAt,
            fallbackReason: backend == "railway" ? reason : "null")
        let vercel = Self.hop(
            service: "vercel", version: "2.3.1", sha: "c09d4e1", model: model, latency: duration, end: occurredAt, fallbackReason: reason)
        let chain = backend == "vercel" ? [vercel, railway] : [railway]
        telemetry =
            #"{"trace_id": "\#(trace)", "session_id": "\#(sessionID)", "request_chain": [\#(chain.joined(separator: ", "))]}"#
    }

    /// The whole document, keys in the order in which the backend writes them.
    var json: String {
        let fields = [
            ("session_id", jsonString(sessionID)), ("user_query", jsonString(query)), ("agent_response", jsonString(answer)),
            ("reward", reward), ("duration_ms", duration), ("model", model), ("backend", jsonString(backend)), ("telemetry", telemetry),
        ]
        return "{" + fields.compactMap { name, value in value.map { "\"\(name)\": \($0)" } }.joined(separator: ", ") + "}"
    }

    private static func hop(
        service: String, version: String, sha: String, model: String, latency: Int, end: Date, fallbackReason: String
    ) -> String {
        let ended = end.timeIntervalSince1970
        let started = ended - Double(latency) / 1000
        let timestamp = DemoEvent.timestamp(end).dropLast()
        return #"{"service": "\#(service)", "git_sha": "\#(sha)", "version": "\#(version)", "started_at": \#(seconds(started)), "#
            + #""ended_at": \#(seconds(ended)), "latency_ms": \#(latency), "model_used": \#(jsonString(model)), "#
            + #""streaming_attempted": false, "streaming_success": false, "fallback_reason": \#(fallbackReason), "timestamp": "\#(timestamp)"}"#
    }

    private static func seconds(_ value: Double) -> String {
        String((value * 1000).rounded(.down) / 1000)
    }
}

/// A JSON string literal (RFC 8259, section 7).
func jsonString(_ text: String) -> String {
    var literal = "\""
    literal.reserveCapacity(text.utf8.count + 2)
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": literal += "\\\""
        case "\\": literal += "\\\\"
        case "\n": literal += "\\n"
        case "\r": literal += "\\r"
        case "\t": literal += "\\t"
        case _ where scalar.value < 0x20: literal += "\\u00" + hex(UInt8(scalar.value))
        default: literal.unicodeScalars.append(scalar)
        }
    }
    return literal + "\""
}
