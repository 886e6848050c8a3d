/// Host and port, as a Host header or an origin has them.
struct Authority: Sendable, Hashable {
    /// In lower case; an IPv6 address in brackets.
    var host: String
    /// nil where it is the scheme's own.
    var port: Int?

    init(host: String, port: Int?) {
        self.host = host
        self.port = port
    }

    /// Reads `host`, `host:port` or `[::1]:port`; nil for anything else.
    init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= 300, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "@") }) else {
            return nil
        }
        let lowered = text.lowercased()
        let hostEnd: String.Index
        if lowered.hasPrefix("[") {
            guard let bracket = lowered.firstIndex(of: "]") else { return nil }
            hostEnd = lowered.index(after: bracket)
        } else {
            hostEnd = lowered.firstIndex(of: ":") ?? lowered.endIndex
        }
        host = String(lowered[..<hostEnd])
        let rest = lowered[hostEnd...]
        guard !host.isEmpty else { return nil }
        if rest.isEmpty {
            port = nil
        } else {
            guard rest.hasPrefix(":"), let number = Int(rest.dropFirst()), (1...65_535).contains(number) else { return nil }
            port = number
        }
    }

    /// Reads an Origin header, `scheme://host:port`; nil for `null` and anything else.
    init?(origin: String) {
        let lowered = origin.lowercased()
        guard let prefix = ["http://", "https://"].first(where: lowered.hasPrefix) else { return nil }
        self.init(String(lowered.dropFirst(prefix.count)))
    }

    /// Whether only this machine answers to `host`.
    static func isLoopback(_ host: String) -> Bool {
        if ["127.0.0.1", "localhost", "::1", "[::1]"].contains(host.lowercased()) { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { $0.allSatisfy(\.isASCII) && (UInt8($0).map { _ in true } ?? false) }
    }
}
