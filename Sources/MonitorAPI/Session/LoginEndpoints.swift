import Foundation
import HTTPTypes
import Hummingbird
import Notifications

/// Signing in to the pages with a token, and out again.
struct LoginEndpoints: Sendable {
    private let doorkeeper: Doorkeeper
    private let marks: FormMark
    private let pages: PageRenderer
    private let publicPath: String

    init(doorkeeper: Doorkeeper, marks: FormMark, configuration: ListenerConfiguration, pages: PageRenderer) {
        self.doorkeeper = doorkeeper
        self.marks = marks
        self.pages = pages
        publicPath = configuration.publicPath
    }

    var all: [Endpoint] {
        [
            .get("/login", access: .open, query: ["next", "over", "out"], isPage: true) { try await show($0) },
            .post("/login", access: .open, body: .form, isPage: true) { try await signIn($0) },
            .post("/logout", access: .read, body: .form, isPage: true) { try await signOut($0) },
        ]
    }

    private func show(_ call: Call) async throws -> Response {
        let next = try target(call.query.text("next", maximum: 100))
        guard doorkeeper.gate.hasTokens else { return redirect(to: next.location) }
        let isOver = try call.query.flag("over")
        let isOut = try call.query.flag("out")
        let notice =
            isOver ? "Your session is over. Nothing was changed: sign in again." : isOut ? "You are signed out on this device." : nil
        return try page(next, notice: notice, call: call)
    }

    private func signIn(_ call: Call) async throws -> Response {
        let headers = call.request.headers
        try doorkeeper.gate.checkForm(authority: call.request.head.authority, headers: headers)
        let fields = try Self.fields(of: call)
        let next = try target(fields.values["next"])
        guard doorkeeper.gate.hasTokens else { return redirect(to: next.location) }
        let secret = (fields.values["token"] ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
        guard !secret.isEmpty else { return try page(next, fault: "Type a token.", call: call) }
        let known = secret.utf8.count <= 4096 ? doorkeeper.gate.token(withSecret: secret) : nil
        if known?.isBeyondGuessing != true { try doorkeeper.failures.check(headers, call.context) }
        guard let token = known else {
            doorkeeper.failures.failed(headers, call.context)
            return try page(next, fault: "This token is not known here.", call: call)
        }
        guard token.scope != .ingest else {
            return try page(next, fault: "The token \(token.name) brings alerts in, and opens no pages.", call: call)
        }
        let session = Session()
        try await doorkeeper.sessions.open(session, by: token, now: call.now)
        var response = redirect(to: next.location)
        response.headers[values: .setCookie] = [doorkeeper.cookie.header(session)] + nameCookie(fields)
        return response
    }

    private func signOut(_ call: Call) async throws -> Response {
        try doorkeeper.gate.checkForm(authority: call.request.head.authority, headers: call.request.headers)
        try marks.check(try Self.fields(of: call), call.principal)
        if let session = call.principal.session { try await doorkeeper.sessions.close(session) }
        var response = redirect(to: "login?out=1")
        response.headers[.setCookie] = doorkeeper.cookie.removal
        return response
    }

    private func target(_ text: String?) throws(Problem) -> LoginTarget {
        guard let text, !text.isEmpty else { return .home }
        guard let target = LoginTarget(text) else { throw QueryParameters.refusal("next", text, allowed: "the path of a page") }
        return target
    }

    private func nameCookie(_ fields: FormFields) -> [String] {
        guard case .accepted(let name?) = PlainText.check(fields.values["name"] ?? "", maximum: ActionOrder.maximumName, multiline: false)
        else { return [] }
        return [NameCookie.header(name, under: publicPath, isSecure: doorkeeper.cookie.isSecure)]
    }

    private func page(_ next: LoginTarget, notice: String? = nil, fault: String? = nil, call: Call) throws -> Response {
        let page = LoginPage(
            next: next.path, notice: notice, fault: fault, name: NameCookie.name(in: call.request.headers[.cookie]) ?? "")
        return PageFrame(title: "Sign in · torq-monitor", tone: .neutral, root: "", isForm: true, body: try pages.render(.login, page))
            .response(status: fault == nil ? .ok : .unauthorized, headers: fault == nil ? [:] : [.wwwAuthenticate: "Bearer"])
    }

    private func redirect(to location: String) -> Response {
        Response(status: .seeOther, headers: [.location: location, .cacheControl: "no-store"])
    }

    static func fields(of call: Call) throws(Problem) -> FormFields {
        do {
            return try FormFields(String(decoding: call.body, as: UTF8.self))
        } catch {
            throw Problem(.invalidBody, "The form could not be read.")
        }
    }
}
