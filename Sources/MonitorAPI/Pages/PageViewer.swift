import HTTPTypes
import Hummingbird

/// Whom a page is made for, as far as it shows.
struct PageViewer: Sendable {
    /// Whether there are buttons for them.
    let canAct: Bool
    /// The token that they signed in with; empty without one.
    let tokenName: String
    /// Whether they can sign out.
    let canSignOut: Bool
    /// What their forms carry.
    let mark: String
    /// The name that they gave last; empty where they gave none.
    let name: String

    init(_ call: Call, marks: FormMark) {
        canAct = call.principal.scope == .write
        tokenName = call.principal.tokenName.map { $0 + (call.principal.scope == .read ? " (read only)" : "") } ?? ""
        canSignOut = call.principal.session != nil
        mark = marks.mark(for: call.principal)
        name = NameCookie.name(in: call.request.headers[.cookie]) ?? ""
    }

    /// Somebody whom a link in a message leads here.
    static let guest = PageViewer()

    private init() {
        canAct = false
        tokenName = ""
        canSignOut = false
        mark = ""
        name = ""
    }
}
