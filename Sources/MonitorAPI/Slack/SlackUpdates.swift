import Foundation

/// How messages in Slack are changed after somebody pressed a button in them.
public struct SlackUpdates: Sendable {
    /// Where addresses that come with a press may lead: `https://hooks.slack.com`.
    public let origin: String
    /// POSTs a JSON body. It bounds its own time, follows no redirect and reaches public addresses alone.
    public let send: @Sendable (_ url: String, _ body: [UInt8]) async -> Void

    /// - Parameter origin: Another one than Slack's is for tests.
    public init(origin: String = "https://hooks.slack.com", send: @escaping @Sendable (_ url: String, _ body: [UInt8]) async -> Void) {
        self.origin = origin
        self.send = send
    }

    /// Whether an address leads to the origin: nothing before its host, and its scheme, host and port alone.
    func allows(_ address: String) -> Bool {
        guard address.utf8.count <= 2000, address.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }),
            let given = URLComponents(string: address), let allowed = URLComponents(string: origin)
        else { return false }
        return given.scheme?.lowercased() == allowed.scheme?.lowercased() && given.host?.lowercased() == allowed.host?.lowercased()
            && given.port == allowed.port && given.user == nil && given.password == nil
    }
}
