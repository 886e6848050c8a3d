import Foundation
import Glibc

/// A TCP listener on 127.0.0.1 that stands before the unix socket of a server, and can let it seem gone, stuck or another one. Stops
/// when it goes.
public final class SocketProxy: @unchecked Sendable {  // `state` is guarded by `lock`, the rest never changes.
    /// What it does with what comes.
    public enum Behaviour: Sendable {
        /// Hands it on, both ways.
        case forwards
        /// Accepts, keeps, and hands on nothing: as a network that swallows packets, or a server whose disk hangs.
        case hangs
    }

    private struct State {
        var target: String
        var behaviour = Behaviour.forwards
        /// Grows when all connections are to end.
        var generation = 0
        var connections = 0
        var isOver = false
    }

    /// Where it listens.
    public let port: Int
    private let listener: Int32
    private let lock = NSLock()
    private var state: State

    /// How many connections have come.
    public var connections: Int { lock.withLock { state.connections } }

    /// Listens on a free port.
    ///
    /// - Parameter target: The path of the server's socket.
    /// - Throws: `POSIXError` where the system gives no socket.
    public init(to target: String) throws {
        state = State(target: target)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, raw, &length) == 0
            }
        }
        guard listener >= 0, isListening else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        let thread = Thread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                guard let self else {
                    Glibc.close(client)
                    return
                }
                let generation = lock.withLock {
                    state.connections += 1
                    return state.generation
                }
                Thread { [weak self] in Self.serve(client, generation) { self?.present } }.start()
            }
        }
        thread.start()
    }

    deinit {
        // Ends the accept(2) of the thread.
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
    }

    /// Behaves otherwise from now on, with the connections there are too.
    public func behave(_ behaviour: Behaviour) {
        lock.withLock { state.behaviour = behaviour }
    }

    /// Leads to another server from now on, and ends the connections there are.
    public func lead(to target: String) {
        lock.withLock {
            state.target = target
            state.generation += 1
        }
    }

    private var present: State { lock.withLock { state } }

    /// Until one end closes, the connections are to end, or the proxy is gone.
    private static func serve(_ client: Int32, _ generation: Int, _ present: () -> State?) {
        defer { Glibc.close(client) }
        var server: Int32 = -1
        defer { if server >= 0 { Glibc.close(server) } }
        while let state = present(), state.generation == generation {
            guard case .forwards = state.behaviour else {
                usleep(10_000)
                continue
            }
            if server < 0 {
                server = connect(to: state.target)
                guard server >= 0 else { return }
            }
            var entries = [pollfd(fd: client, events: Int16(POLLIN), revents: 0), pollfd(fd: server, events: Int16(POLLIN), revents: 0)]
            guard poll(&entries, 2, 20) >= 0 else { return }
            for (entry, other) in [(entries[0], server), (entries[1], client)] where entry.revents != 0 {
                guard pass(from: entry.fd, to: other) else { return }
            }
        }
    }

    private static func pass(from source: Int32, to target: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(source, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        var sent = 0
        while sent < count {
            let written = buffer.withUnsafeBytes { send(target, $0.baseAddress! + sent, count - sent, Int32(MSG_NOSIGNAL)) }
            guard written > 0 else { return false }
            sent += written
        }
        return true
    }

    private static func connect(to path: String) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                Glibc.connect(descriptor, raw, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard isConnected else {
            Glibc.close(descriptor)
            return -1
        }
        return descriptor
    }
}
