import Foundation
import HTTPTypes
import Hummingbird

/// One method of one path: what it takes, who may use it, and what it does.
struct Endpoint: Sendable {
    /// What a request's body may be.
    enum Body: Sendable, Hashable {
        case none
        /// `application/json`, or absent.
        case json
        /// `application/x-www-form-urlencoded`.
        case form
    }

    var method: HTTPRequest.Method
    /// With `{name}` for a part that varies.
    var path: String
    var access: Gate.Access
    /// What it is for, takes and answers; nil for what is not described as yet.
    var operation: Operation?
    /// Names of the parameters that it knows, where there is no operation.
    var query: [String] = []
    /// Whether parameters that it does not know, and such as are empty, are passed over: clients of somebody else's API send what that knows.
    var isLenient = false
    var body: Body
    /// Errors are pages for people, not problem documents.
    var isPage: Bool
    /// A browser's session opens it as well as a token does.
    var takesSession = false
    /// When it is given up.
    var deadline: Duration
    /// How long an answer may be given again; nil: never.
    var freshness: Freshness?
    /// Whether it looks after idempotency keys itself, since it knows whose they are.
    var keepsKeysItself = false
    /// How large a body may be, in bytes.
    var maximumBody = 1 << 20
    /// Who lets its requests in before their bodies are read; nil: nobody need.
    var turns: IntakeTurns?
    /// Looks at a request before its body is read and takes up room; what it throws is the answer. nil: who is let in has proven itself.
    var beforeBody: (@Sendable (Request, MonitorContext, Date) throws(Problem) -> BodyRoom)?
    var handle: @Sendable (Call) async throws -> Response

    /// What reads: its answers carry an ETag, and are kept for as long as `freshness` says.
    static func get(
        _ path: String, access: Gate.Access = .read, freshness: Freshness? = .data(), _ operation: Operation,
        handle: @escaping @Sendable (Call) async throws -> Response
    ) -> Endpoint {
        Endpoint(
            method: .get, path: path, access: access, operation: operation, body: .none, isPage: operation.answersPages,
            takesSession: operation.answersPages, deadline: .seconds(15), freshness: freshness, handle: handle)
    }

    /// What acts, on a JSON body or none.
    static func post(
        _ path: String, access: Gate.Access = .write, deadline: Duration = .seconds(15), _ operation: Operation,
        handle: @escaping @Sendable (Call) async throws -> Response
    ) -> Endpoint {
        Endpoint(
            method: .post, path: path, access: access, operation: operation, body: .json, isPage: false, deadline: deadline,
            handle: handle)
    }

    static func delete(_ path: String, _ operation: Operation, handle: @escaping @Sendable (Call) async throws -> Response) -> Endpoint {
        Endpoint(
            method: .delete, path: path, access: .write, operation: operation, body: .none, isPage: false, deadline: .seconds(15),
            handle: handle)
    }
}

/// What a request's body may take up.
struct BodyRoom: Sendable, Hashable {
    /// In bytes.
    var most: Int
    /// Whether it is known already who sends it: what has still to be proven by the body has a share of the room alone.
    var isProven = true
    /// Where it comes from, where it is not proven; nil: not known.
    var network: ClientNetwork?
}
