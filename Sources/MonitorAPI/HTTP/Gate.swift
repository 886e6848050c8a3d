import HTTPTypes

/// Decides who may come in. Pure: headers in, a principal or a problem out.
struct Gate: Sendable {
    /// What an endpoint asks of those who use it.
    enum Access: Sendable, Hashable {
        /// Anybody: it says nothing, or has a check of its own.
        case open
        case read
        case write
        /// Bringing alerts in.
        case ingest
    }

    /// What kind of thing a path leads to, as far as the ways there go.
    enum Place: Sendable, Hashable {
        /// A link of a message, or what its page needs, or a click in one: a signature is its check.
        case link
        /// A page of ours, or a form of one.
        case page
        case api

        /// The stream is what keeps pages live.
        private static let pages: Set<String> = ["/", "/login", "/logout", StreamEndpoint.path]
        private static let prefixes = ["/alerts/", "/silences/", "/notifications/"]

        init(path: String) {
            self =
                path.hasPrefix("/a/") || ["/style.css", "/live.js", "/slack/interactions"].contains(path)
                ? .link : Self.pages.contains(path) || Self.prefixes.contains(where: path.hasPrefix) ? .page : .api
        }
    }

    let tokens: [ListenerToken]
    private let publicAuthority: Authority?

    init(_ configuration: ListenerConfiguration) {
        tokens = configuration.tokens
        publicAuthority = configuration.publicAuthority
    }

    /// Whether anybody must show one.
    var hasTokens: Bool { !tokens.isEmpty }

    /// Without tokens everything rests on nobody else reaching this machine's loopback address: a page in a browser must not
    /// (it would send its Origin, or come by a name of its own that leads to 127.0.0.1), nor what a proxy passes on.
    ///
    /// Links and pages may be reached by the public URL's name as well: whoever configured that name lets it lead here. The API may not.
    func checkOrigin(authority: String?, headers: HTTPFields, place: Place) throws(Problem) {
        guard tokens.isEmpty else { return }
        guard let host = authority.flatMap({ Authority($0) }), Authority.isLoopback(host.host) || (place != .api && host == publicAuthority)
        else {
            throw Problem(.misdirected, "Without tokens this listener answers to localhost and loopback addresses alone.")
        }
        if HTTPField.Name.forwarding.contains(where: headers.contains) {
            throw Problem(.forbidden, "Without tokens this listener takes no request that a proxy passes on. Configure listener.tokens.")
        }
        let isOfOtherOrigin = headers[.origin].map { Authority(origin: $0) != host } ?? false
        // What a page takes in, such as a picture, comes without an Origin; a person who follows a link is none of its.
        let isTakenIn = headers[.secFetchSite] == "cross-site" && headers[.secFetchMode] != "navigate"
        if place != .link && isOfOtherOrigin || place == .api && isTakenIn {
            throw Problem(.forbidden, "Without tokens this listener takes no request from another site's page.")
        }
    }

    /// - Parameter beforeGuess: Called before the answer says whether a secret is right, where one like it could be found by trying;
    ///   what it throws is the answer, to right ones as to wrong ones.
    /// - Throws: 401 without a known token, 403 where its scope does not reach.
    func admit(
        _ headers: HTTPFields, to access: Access, beforeGuess: () throws(Problem) -> Void = {}
    ) throws(Problem) -> Principal {
        guard !tokens.isEmpty, access != .open else { return .local }
        let presented = Self.bearer(headers[.authorization])
        let token = presented.flatMap { self.token(withSecret: $0) }
        if token?.isBeyondGuessing != true { try beforeGuess() }
        guard presented != nil else {
            throw Problem(
                .unauthenticated, "Send the header Authorization: Bearer and a token of this listener.",
                headers: [.wwwAuthenticate: "Bearer"])
        }
        guard let token else {
            throw Problem(
                .unauthenticated, "This token is not known here.", headers: [.wwwAuthenticate: #"Bearer error="invalid_token""#])
        }
        try check(token, access)
        return Principal(tokenName: token.name, scope: token.scope)
    }

    /// - Throws: 403 where the token's scope does not reach.
    func check(_ token: ListenerToken, _ access: Access) throws(Problem) {
        guard
            token.scope == .write || (token.scope == .read && access == .read) || (token.scope == .ingest && access == .ingest)
        else {
            throw Problem(.forbidden, "The token \(token.name) has the scope \(token.scope.rawValue), which does not allow this.")
        }
    }

    /// The token that has this secret; nil where none has.
    func token(withSecret presented: String) -> ListenerToken? {
        let digest = ListenerToken.digest(of: presented)
        // All are compared, so that the time taken does not tell which one comes close.
        return tokens.reduce(nil) { found, token in token.matches(digest) ? token : found }
    }

    /// A form must come from a page of this listener. A browser that says so is believed; one that says nothing holds the
    /// link, which no other site knows.
    ///
    /// A page under `Referrer-Policy: no-referrer` posts with `Origin: null` (Fetch, "append a request Origin header"), so null
    /// says nothing either way.
    func checkForm(authority: String?, headers: HTTPFields) throws(Problem) {
        let refusal = Problem(.forbidden, "This form was sent from another site's page.")
        if let site = headers[.secFetchSite] {
            guard ["same-origin", "none"].contains(site) else { throw refusal }
            return
        }
        guard let origin = headers[.origin], origin != "null" else { return }
        let sender = Authority(origin: origin)
        guard let sender, sender == authority.flatMap({ Authority($0) }) || sender == publicAuthority else { throw refusal }
    }

    /// The secret that a header `Bearer …` shows; nil where it is none.
    static func bearer(_ header: String?) -> String? {
        guard let header, header.utf8.count <= 4096, header.lowercased().hasPrefix("bearer ") else { return nil }
        let token = header.dropFirst(7).drop { $0 == " " }
        return token.isEmpty ? nil : String(token)
    }
}
