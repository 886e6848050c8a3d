import HTTPTypes
import Hummingbird

/// Pages, links and what else is not of the API.
extension Endpoint {
    static func get(
        _ path: String, access: Gate.Access = .read, query: [String] = [], isPage: Bool = false,
        handle: @escaping @Sendable (Call) async throws -> Response
    ) -> Endpoint {
        Endpoint(
            method: .get, path: path, access: access, query: query, body: .none, isPage: isPage, takesSession: isPage,
            deadline: .seconds(15), handle: handle)
    }

    static func post(
        _ path: String, access: Gate.Access = .write, body: Body, isPage: Bool = false, deadline: Duration = .seconds(15),
        handle: @escaping @Sendable (Call) async throws -> Response
    ) -> Endpoint {
        // A form has a name and a note of 4,000 characters; who sends it is often not known before it is read.
        Endpoint(
            method: .post, path: path, access: access, body: body, isPage: isPage, takesSession: isPage, deadline: deadline,
            maximumBody: 64 << 10, handle: handle)
    }
}
