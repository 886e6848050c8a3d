import HTTPTypes
import Monitoring

/// What an endpoint is for, takes and answers: the document is made of these, and so is what the listener checks.
struct Operation: Sendable {
    /// How the document groups operations.
    enum Tag: String, Sendable, Hashable, CaseIterable {
        case metrics, alerts, baseline, silences, notifications, receivers, relay, operation, pages

        var about: String {
            switch self {
            case .metrics: "What the learning events came to."
            case .alerts: "Conditions from open to resolved, and what people do to them."
            case .baseline: "What figures are compared with."
            case .silences: "Times in which matching alerts are tracked and not told."
            case .notifications: "The outbox: what was told, what waits, what is dead."
            case .receivers: "Where messages go."
            case .relay: "Alerts from elsewhere: Alertmanager's API, and webhooks."
            case .operation: "What supervisors ask."
            case .pages: "What people open in a browser."
            }
        }
    }

    /// What it answers where all is well.
    enum Answer: Sendable {
        case json(any Described.Type, HTTPResponse.Status = .ok)
        /// An array of them.
        case list(any Described.Type)
        /// The media type, and an example.
        case text(String, example: String)
        /// A JSON document with a schema of its own.
        case document(String)
        /// Server-sent events without an end, whose data is of a type.
        case events(any Described.Type)
        /// A page; what goes wrong is told on one as well.
        case page
        /// Nothing.
        case empty
    }

    /// Its name for programs: `listAlerts`.
    var id: String
    var tag: Tag
    var summary: String
    var detail = ""
    /// Parts of the path that vary.
    var path: [ParameterDeclaration] = []
    var query: [ParameterDeclaration] = []
    /// Headers of its own.
    var headers: [ParameterDeclaration] = []
    /// Fields of the JSON body.
    var fields: [FieldDeclaration] = []
    /// What of the body depends on several fields, as members of its schema.
    var bodyRule: [String: JSONValue] = [:]
    /// The schema of a body that is no object of fields; nil: it is one.
    var bodySchema: Schema?
    /// Whether an absent body, which counts as an empty object, is refused.
    var requiresBody = false
    /// Bodies as they could be; the first is the one to show.
    var bodyExamples: [JSONValue] = []
    var answer: Answer
    /// What can go wrong beyond what follows from the rest, each with a detail as it could be.
    var problems: [Problem.Kind: String] = [:]
    /// Whether it asks the database for anything.
    var needsDatabase = true

    /// Its errors are pages too.
    var answersPages: Bool {
        if case .page = answer { true } else { false }
    }
}
