internal import Foundation
internal import Glibc

/// Passes bytes between clients on 127.0.0.1 and a server, until it is told to pass no more: to both sides the other one is there and
/// says nothing, as when a network or a machine hangs. Ends with its owner.
public final class StallingProxy: Sendable {
    /// Where the server is.
    public enum Server: Sendable {
        /// A socket in the file system.
        case path(String)
        /// An IPv4 address and its port.
        case address(String, port: Int)
    }

    /// Where clients connect, on 127.0.0.1.
    public let port: Int
    private let valve = Valve()

    /// Listens on a free port.
    ///
    /// - Throws: `POSIXError` where the system gives no socket.
    public init(_ server: Server) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address("127.0.0.1", port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, raw, &length) == 0
            }
        }
        guard listener >= 0, isListening else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        port = Int(UInt16(bigEndian: address.sin_port))
        valve.add(listener)
        Thread.detachNewThread { [valve] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                let other = Self.connect(to: server)
                guard other >= 0 else {
                    Glibc.close(client)
                    continue
                }
                valve.add(client)
                valve.add(other)
                for (from, to) in [(client, other), (other, client)] {
                    Thread.detachNewThread { Self.pass(from, to, valve) }
                }
            }
        }
    }

    deinit { valve.end() }

    /// From here on nothing passes; new clients are accepted, and hear nothing.
    public func stall() { valve.set(isOpen: false) }

    /// What was held back passes, and all that follows.
    public func resume() { valve.set(isOpen: true) }

    private static func pass(_ from: Int32, _ to: Int32, _ valve: Valve) {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(from, &buffer, buffer.count)
            guard valve.waitUntilOpen(), count > 0 else { break }
            var sent = 0
            while sent < count {
                let written = buffer.withUnsafeBytes { send(to, $0.baseAddress! + sent, count - sent, CInt(MSG_NOSIGNAL)) }
                guard written > 0 else { break }
                sent += written
            }
            if sent < count { break }
        }
        // Whoever reads the other way finds its end.
        shutdown(from, Int32(SHUT_RDWR))
        shutdown(to, Int32(SHUT_RDWR))
    }

    private static func connect(to server: Server) -> Int32 {
        switch server {
        case .path(let path):
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
            return connected(descriptor, address)
        case .address(let host, let port):
            return connected(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), Self.address(host, port: port))
        }
    }

    private static func connected(_ descriptor: Int32, _ address: some Any) -> Int32 {
        let isConnected = withUnsafeBytes(of: address) { bytes in
            Glibc.connect(
                descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
        }
        if !isConnected { Glibc.close(descriptor) }
        return isConnected ? descriptor : -1
    }

    private static func address(_ host: String, port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr(host)
        address.sin_port = UInt16(port).bigEndian
        return address
    }

    /// Lets bytes through, or not. Unchecked: all of it is behind its condition's lock.
    private final class Valve: @unchecked Sendable {
        private let condition = NSCondition()
        private var isOpen = true
        private var hasEnded = false
        private var descriptors: [Int32] = []

        func add(_ descriptor: Int32) { condition.withLock { descriptors.append(descriptor) } }

        func set(isOpen: Bool) {
            condition.withLock {
                self.isOpen = isOpen
                condition.broadcast()
            }
        }

        /// - Returns: False once it has ended.
        func waitUntilOpen() -> Bool {
            condition.withLock {
                while !isOpen, !hasEnded { condition.wait() }
                return !hasEnded
            }
        }

        /// Ends every accept(2) and read(2). The descriptors stay until the process ends: a thread may be about to use one.
        func end() {
            condition.withLock {
                hasEnded = true
                for descriptor in descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
                condition.broadcast()
            }
        }
    }
}
