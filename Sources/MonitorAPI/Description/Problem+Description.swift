import HTTPTypes
import Monitoring

extension Problem {
    /// As the answer's body has it.
    var document: JSONValue {
        var document = members
        document["type"] = .string(type)
        document["title"] = .string(kind.title)
        document["status"] = .integer(Int64(kind.status.code))
        document["detail"] = .string(detail)
        return .object(document)
    }
}

extension Problem.Kind {
    /// What programs tell problems apart by.
    var type: String { "urn:torq-monitor:problem:\(rawValue)" }

    var schemaName: String {
        "Problem" + rawValue.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// Further members, each with what it says; those of them in `sometimes` may be left out.
    private var members: (always: [String: Schema], sometimes: [String: Schema]) {
        let parameter = Schema.text.with(["description": "The parameter's name."])
        let field = Schema.text.with(["description": "The field's name."])
        let allowed = Schema.text.with(["description": "What would be allowed, in words."])
        let names = Schema.array(of: .text).with(["description": "The names that are allowed."])
        switch self {
        case .invalidParameter: return (["parameter": parameter], ["allowed": allowed])
        case .unknownParameter: return (["parameter": parameter, "allowed": names], [:])
        case .invalidBody:
            let either = Schema(["anyOf": .array([allowed.json, names.json])])
            let index = Schema.integer.with(["minimum": 0, "description": "Of several alerts the faulty one, from 0."])
            let faulty = Schema.array(of: Schema.integer.with(["minimum": 0])).with(["description": "Of several alerts the faulty ones."])
            let taken = Schema.integer.with(["minimum": 0, "description": "How many of the others are kept."])
            return ([:], ["field": field, "allowed": either, "index": index, "faulty": faulty, "taken": taken])
        case .contradiction: return ([:], ["parameter": parameter, "field": field, "allowed": allowed])
        case .transitionForbidden:
            let status = Schema.words(AlertStatus.words)
            return (
                [
                    "from": status.with(["description": "Where the alert stands."]),
                    "to": status.with(["description": "Where it would have stood."]),
                    "action": Schema.words(AlertAction.allCases.map(\.rawValue)).with(["description": "What was asked for."]),
                ], [:]
            )
        case .notificationSettled:
            return (
                [
                    "status_of_notification": Schema.text.with(["description": "Where it stands."]),
                    "action": Schema.words(["retry", "drop"]).with(["description": "What was asked for."]),
                ], [:]
            )
        case .unavailable:
            return (
                [:],
                [
                    "reason": Schema.words(Readiness.reasons + ["evaluations_fail"]).with([
                        "description": "Why it is not ready: of /ready, and of every path while the service starts."
                    ]),
                    "since": Schema.time.with(["description": "Since when."]),
                ]
            )
        default: return ([:], [:])
        }
    }

    var schema: Schema {
        let (always, sometimes) = members
        let own: [String: Schema] = [
            "type": Schema.text.with(["const": .string(type), "description": "What programs tell problems apart by."]),
            "title": Schema.text.with(["const": .string(title), "description": "The kind of problem, in words."]),
            "status": Schema.integer.with(["const": .integer(Int64(status.code)), "description": "The status of the answer."]),
            "detail": Schema.text.with(["description": "What was wrong, and what is allowed, in a sentence for people."]),
        ]
        return Schema.object(
            own.merging(always) { first, _ in first }.merging(sometimes) { first, _ in first },
            required: Array(own.keys) + Array(always.keys)
        ).with(["description": .string("\(title).")])
    }

    /// What an example has for its further members.
    var exampleMembers: [String: JSONValue] {
        switch self {
        case .invalidParameter: ["parameter": "limit", "allowed": "a whole number from 1 to 1000"]
        case .unknownParameter: ["parameter": "windwo", "allowed": .array(["window"])]
        case .invalidBody: ["field": "note", "allowed": "a text"]
        case .transitionForbidden: ["from": "resolved", "to": "acknowledged", "action": "acknowledge"]
        case .notificationSettled: ["status_of_notification": "delivered", "action": "retry"]
        default: [:]
        }
    }

    /// One as it could be.
    var example: Problem {
        let detail =
            switch self {
            case .malformed: "The request has more than one Host header."
            case .invalidParameter: "limit is \"0\"; allowed is a whole number from 1 to 1000."
            case .unknownParameter: "There is no parameter windwo here; window is allowed."
            case .invalidBody: "The field note must be a text."
            case .unauthenticated: "Send the header Authorization: Bearer and a token of this listener."
            case .forbidden: "The token dashboard has the scope read, which does not allow this."
            case .notFound: "There is nothing at this path."
            case .methodNotAllowed: "POST is not for this path; GET, HEAD, OPTIONS are."
            case .transitionForbidden:
                "Cannot acknowledge an alert that is resolved: from resolved to acknowledged is no allowed transition."
            case .notificationSettled: "It cannot be sent again: it is delivered."
            case .contradiction: "start_date 2026-03-02 lies after end_date 2026-03-01."
            case .keyReused: "This Idempotency-Key came with another request before."
            case .keyInUse: "The first request with this Idempotency-Key is still being served."
            case .linkExpired: "It was valid until 10:00 UTC. Nothing was changed."
            case .bodyTooLarge: "A body has at most 1 MB."
            case .bodyTimeout: "The body did not arrive within 20 seconds."
            case .unsupportedMediaType: "A body here is application/json."
            case .misdirected: "Without tokens this listener answers to localhost and loopback addresses alone."
            case .tooManyFailures: "Too many failures from this address. Try again in 60 seconds."
            case .tooManyAlerts: "There is room for 100000 alerts from elsewhere at a time; none of these was taken."
            case .tooManyConnections: "This listener has as many connections as it takes."
            case .headerTooLarge: "A request's header has at most 32 KB, and 100 fields of 16 KB."
            case .internalError: "The request could not be served; the log has more under its X-Request-Id."
            case .methodUnknown: "There is no method PROPFIND."
            case .unavailable: "The database does not answer at the moment. Try again in a few seconds."
            }
        return Problem(self, detail, members: exampleMembers)
    }
}
