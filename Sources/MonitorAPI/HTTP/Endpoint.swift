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
    /// Names of the parameters that it knows.
    var query: [String]
    var body: Body
    /// Errors are pages for people, not problem documents.
    var isPage: Bool
    /// A browser's session opens it as well as a token does.
    var takesSession = false
    /// When it is given up.
    var deadline: Duration
    var handle: @Sendable (Call) async throws -> Response

    static func get(
        _ path: String, access: Gate.Access = .read, query: [String] = [], isPage: Bool = false,
        handle: @escaping @Sendable (Call) async throws -> Response
    ) -> Endpoint {
        Endpoint(
            method: .get, path: path, access: access, query: query, body: .none, isPage: isPage, takesSession: isPage,
            deadline: .seconds(15),
            handle: handle)
    }

    static func post(
        _ path: String, access: Gate.Access = .write, body: Body = .json, isPage: Bool = false, deadline: Duration = .seconds(15),
        handle: @escaping @Sendable (Call) async throws -> Response
    ) -> Endpoint {
        Endpoint(
            method: .post, path: path, access: access, query: [], body: body, isPage: isPage, takesSession: isPage, deadline: deadline,
            handle: handle)
    }

    static func delete(_ path: String, handle: @escaping @Sendable (Call) async throws -> Response) -> Endpoint {
        Endpoint(method: .delete, path: path, access: .write, query: [], body: .none, isPage: false, deadline: .seconds(15), handle: handle)
    }
}
