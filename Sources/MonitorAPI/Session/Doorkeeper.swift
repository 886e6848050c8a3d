import Foundation
import HTTPTypes
import Hummingbird

/// Lets requests in: by a bearer token, by a session, or because a listener without tokens serves this machine alone.
struct Doorkeeper: Sendable {
    let gate: Gate
    let sessions: SessionStore
    let failures: FailureLimit
    let cookie: SessionCookie

    /// Who a request comes from.
    ///
    /// - Throws: A problem, or `LoginNeeded` for a page that somebody without a token looks at.
    func admit(_ request: Request, _ context: MonitorContext, to endpoint: Endpoint, now: Date) async throws -> Principal {
        guard gate.hasTokens, endpoint.access != .open else { return .local }
        // Other credentials, such as those of a proxy's basic authentication, are not meant for us.
        let hasBearer = Gate.bearer(request.headers[.authorization]) != nil
        if !hasBearer, endpoint.takesSession {
            guard let session = cookie.session(in: request.headers) else {
                if endpoint.isPage { throw LoginNeeded(path: request.uri.path, isOver: false) }
                return try gate.admit(request.headers, to: endpoint.access)
            }
            guard let token = try await token(of: session, now: now) else {
                if endpoint.isPage { throw LoginNeeded(path: request.uri.path, isOver: true) }
                throw Problem(.unauthenticated, "This session is over.", headers: [.wwwAuthenticate: "Bearer"])
            }
            try gate.check(token, endpoint.access)
            return Principal(tokenName: token.name, scope: token.scope, session: session)
        }
        // Only what names a secret can be wrong about it.
        guard hasBearer else { return try gate.admit(request.headers, to: endpoint.access) }
        do {
            return try gate.admit(request.headers, to: endpoint.access) { () throws(Problem) in
                try failures.check(request.headers, context)
            }
        } catch {
            if error.kind == .unauthenticated { failures.failed(request.headers, context) }
            throw error
        }
    }

    /// The token of a session, as long as it is configured.
    private func token(of session: Session, now: Date) async throws -> ListenerToken? {
        guard let record = try await sessions.record(of: session, now: now) else { return nil }
        return gate.tokens.first { token in
            token.name == record.tokenName && ListenerToken.isSame(session.mark(of: token), record.tokenMark)
        }
    }
}

/// A page was asked for by somebody who has not signed in.
struct LoginNeeded: Error, Sendable, Hashable {
    /// Of the page.
    var path: String
    /// They had been.
    var isOver: Bool

    /// To the login page, and back to where they wanted to go; relative, since a proxy may serve us under a path of its own.
    func response(cookie: SessionCookie) -> Response {
        var query: [String] = []
        if let next = LoginTarget(path), next.path != "/" { query.append("next=\(next.path)") }
        if isOver { query.append("over=1") }
        var response = Response(
            status: .seeOther,
            headers: [
                .location: PageFrame.root(above: path) + "login" + (query.isEmpty ? "" : "?") + query.joined(separator: "&"),
                .cacheControl: "no-store",
            ])
        if isOver { response.headers[.setCookie] = cookie.removal }
        return response
    }
}

/// A page that signing in leads to: one of ours, and nothing else.
struct LoginTarget: Sendable, Hashable {
    let path: String

    static let home = LoginTarget("/")!

    /// nil for anything but `/` and `/alerts/` with an id.
    init?(_ path: String) {
        if path == "/" {
            self.path = path
        } else {
            guard path.hasPrefix("/alerts/"), path.utf8.count == 44, let id = UUID(uuidString: String(path.dropFirst(8))) else {
                return nil
            }
            self.path = "/alerts/" + id.uuidString.lowercased()
        }
    }

    /// From the login page.
    var location: String { path == "/" ? "./" : String(path.dropFirst()) }
}
