import HTTPTypes

/// The cookie that holds a session.
struct SessionCookie: Sendable, Hashable {
    /// Whether the pages are reached by TLS: a browser then sends it by TLS alone, and takes it from this very host alone.
    let isSecure: Bool

    /// `__Host-` asks for Secure, Path=/ and no Domain (RFC 6265bis, section 4.1.3.2).
    private var name: String { isSecure ? "__Host-torq_session" : "torq_session" }

    /// The session in a request; nil where there is none that could be.
    func session(in headers: HTTPFields) -> Session? {
        for header in headers[values: .cookie] where header.utf8.count <= 8192 {
            for part in header.split(separator: ";") {
                let pair = part.drop { $0 == " " }
                guard pair.hasPrefix(name + "=") else { continue }
                return Session(cookie: String(pair.dropFirst(name.utf8.count + 1)))
            }
        }
        return nil
    }

    /// A Set-Cookie header.
    func header(_ session: Session) -> String { "\(name)=\(session.cookie); Max-Age=\(Int(Session.lifetime))\(attributes)" }

    /// A Set-Cookie header that takes it back.
    var removal: String { "\(name)=; Max-Age=0\(attributes)" }

    private var attributes: String { "; Path=/; HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")" }
}
