import Glibc
import NIOCore

/// The address of a client: IPv4, or IPv6. IPv4 inside IPv6 is IPv4.
struct ClientAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16, in network order.
    let bytes: [UInt8]

    /// From its usual text; nil for anything else.
    init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.init(bytes: Array(bytes.prefix(4)))
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.init(bytes: bytes)
        } else {
            return nil
        }
    }

    /// Of a socket's other end; nil for a socket in the file system.
    init?(_ address: SocketAddress?) {
        guard let text = address?.ipAddress else { return nil }
        self.init(text)
    }

    /// From a hop of X-Forwarded-For, which may have a port: `192.0.2.7`, `192.0.2.7:4711`, `[2001:db8::7]:4711`.
    init?(hop: some StringProtocol) {
        let text = hop.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            self.init(String(text[text.index(after: text.startIndex)..<end]))
        } else if text.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1, let colon = text.firstIndex(of: ":") {
            self.init(String(text[..<colon]))
        } else {
            self.init(String(text))
        }
    }

    private init(bytes: [UInt8]) {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        self.bytes = bytes.count == 16 && bytes.starts(with: mapped) ? Array(bytes.suffix(4)) : bytes
    }

    /// What one client can be expected to have to itself: an IPv4 address, or the first 64 bits of an IPv6 one.
    var network: ClientNetwork { ClientNetwork(bytes: bytes.count == 4 ? bytes : Array(bytes.prefix(8))) }

    var isLoopback: Bool { bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 }

    var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count)) != nil else { return "?" }
        return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }
}

/// What is counted as one client.
struct ClientNetwork: Sendable, Hashable {
    /// 4 or 8.
    let bytes: [UInt8]
}
