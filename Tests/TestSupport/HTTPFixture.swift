internal import Foundation
internal import Glibc

/// An HTTP/1.1 server on a raw socket that misbehaves on demand. Every wait in it ends with `stop` or after ten seconds.
public final class HTTPFixture: Sendable {
    /// A request as it came.
    public struct Request: Sendable {
        /// The first word of the request line.
        public var method: String
        /// The second word of the request line.
        public var target: String
        /// In the order they came.
        public var headers: [(name: String, value: String)]
        /// As long as Content-Length says.
        public var body: [UInt8]
        /// Which connection brought it, from 1.
        public var connection: Int

        /// The value of the first header of that name, whose case does not matter.
        public func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    /// What to do with a request.
    public enum Reply: Sendable {
        /// Content-Length is added; the connection is kept.
        case answer(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [])
        /// These bytes; the connection is kept.
        case raw(String)
        /// These bytes, and the connection is closed.
        case rawThenClose(String)
        /// A proper head for 1,000 bytes, and then a byte each 20 ms.
        case drip
        /// Nothing at all.
        case hang
        /// The connection is reset.
        case reset
    }

    /// The port, on 127.0.0.1.
    public let port: Int
    private let state = State()
    private let shutdown: Shutdown

    /// Listens at once.
    public init(_ handler: @escaping @Sendable (Request) -> Reply = { _ in .answer(status: 200) }) throws {
        let (listener, port) = try Self.listen()
        self.port = port
        let shutdown = try Shutdown()
        self.shutdown = shutdown
        let state = self.state
        Thread.detachNewThread {
            defer { close(listener) }
            var number = 0
            while shutdown.waits(for: listener, milliseconds: -1) {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { continue }
                number += 1
                state.accepted(number)
                let connection = FixtureConnection(client, number, shutdown) { request in
                    state.add(request)
                    return handler(request)
                }
                Thread.detachNewThread { connection.run() }
            }
        }
    }

    deinit { shutdown.begin() }

    /// Ends all connections.
    public func stop() { shutdown.begin() }

    /// `http://127.0.0.1:PORT` and the path.
    public func url(_ path: String = "/", host: String = "127.0.0.1") -> String { "http://\(host):\(port)\(path)" }

    /// All requests so far.
    public var requests: [Request] { state.requests }

    /// How many connections came so far.
    public var connections: Int { state.connections }

    /// Returns when so many requests have come, false when they have not after five seconds.
    public func received(_ count: Int) async -> Bool {
        for _ in 0..<1000 {
            if requests.count >= count { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    /// A port on 127.0.0.1 at which nothing listens.
    public static func unusedPort() throws -> Int {
        let (listener, port) = try listen()
        close(listener)
        return port
    }

    private static func listen() throws -> (listener: CInt, port: Int) {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && Glibc.listen(listener, 128) == 0 && getsockname(listener, address, &length) == 0
            }
        }
        guard isListening else {
            let failure = errno
            close(listener)
            throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .EIO)
        }
        return (listener, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// Unchecked: behind its lock.
    private final class State: @unchecked Sendable {
        private let lock = NSLock()
        private var seen: [Request] = []
        private var count = 0
        var requests: [Request] { lock.withLock { seen } }
        var connections: Int { lock.withLock { count } }
        func add(_ request: Request) { lock.withLock { seen.append(request) } }
        func accepted(_ number: Int) { lock.withLock { count = number } }
    }
}

/// A pipe whose read end is readable once the fixture is to stop. Unchecked: `writer` is touched behind the lock.
private final class Shutdown: @unchecked Sendable {
    private let reader: CInt
    private var writer: CInt
    private let lock = NSLock()

    init() throws {
        var ends: [CInt] = [0, 0]
        guard pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        reader = ends[0]
        writer = ends[1]
    }

    deinit {
        begin()
        close(reader)
    }

    func begin() {
        lock.withLock {
            if writer >= 0 { close(writer) }
            writer = -1
        }
    }

    /// True when the socket can be read from (or is closed), false when the time is over or the fixture stops.
    func waits(for socket: CInt, milliseconds: CInt) -> Bool {
        var polled = [pollfd(fd: socket, events: Int16(POLLIN), revents: 0), pollfd(fd: reader, events: Int16(POLLIN), revents: 0)]
        while poll(&polled, 2, milliseconds) < 0 && errno == EINTR {}
        return polled[1].revents == 0 && polled[0].revents != 0
    }

    /// Sleeps; false when the fixture stops meanwhile.
    func sleeps(milliseconds: CInt) -> Bool {
        var polled = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        return poll(&polled, 1, milliseconds) == 0
    }
}

/// One accepted connection, on its own thread. Unchecked: `buffer` is that thread's.
private final class FixtureConnection: @unchecked Sendable {
    private let socket: CInt
    private let number: Int
    private let shutdown: Shutdown
    private let handler: @Sendable (HTTPFixture.Request) -> HTTPFixture.Reply
    private var buffer: [UInt8] = []

    init(_ socket: CInt, _ number: Int, _ shutdown: Shutdown, _ handler: @escaping @Sendable (HTTPFixture.Request) -> HTTPFixture.Reply) {
        self.socket = socket
        self.number = number
        self.shutdown = shutdown
        self.handler = handler
    }

    func run() {
        defer { close(socket) }
        while let request = nextRequest(), handle(request) {}
    }

    /// False when the connection is over.
    private func handle(_ request: HTTPFixture.Request) -> Bool {
        switch handler(request) {
        case .answer(let status, let headers, let body):
            let lines = headers.map { "\($0.name): \($0.value)\r\n" }.joined()
            let length = request.method == "HEAD" || status == 204 || status == 304 ? "" : "Content-Length: \(body.count)\r\n"
            let head = "HTTP/1.1 \(status) Some Reason\r\n\(lines)\(length)\r\n"
            return write(Array(head.utf8) + (request.method == "HEAD" ? [] : body))
        case .raw(let text):
            return write(Array(text.utf8))
        case .rawThenClose(let text):
            _ = write(Array(text.utf8))
            return false
        case .drip:
            guard write(Array("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".utf8)) else { return false }
            for _ in 0..<500 {
                guard write([0x2e]), shutdown.sleeps(milliseconds: 20) else { return false }
            }
            return false
        case .hang:
            _ = shutdown.waits(for: socket, milliseconds: 10_000)
            return false
        case .reset:
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
            return false
        }
    }

    private func nextRequest() -> HTTPFixture.Request? {
        let end = Array("\r\n\r\n".utf8)
        var headEnd = range(of: end)
        while headEnd == nil {
            guard read() else { return nil }
            headEnd = range(of: end)
        }
        guard let headEnd else { return nil }
        let lines = String(decoding: buffer[..<headEnd], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ").map(String.init)
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
        }
        buffer.removeFirst(headEnd + end.count)
        var request = HTTPFixture.Request(
            method: words.first ?? "", target: words.count > 1 ? words[1] : "", headers: headers, body: [], connection: number)
        let length = request.header("Content-Length").flatMap { Int($0) } ?? 0
        while buffer.count < length {
            guard read() else { return nil }
        }
        request.body = Array(buffer.prefix(length))
        buffer.removeFirst(length)
        return request
    }

    private func range(of bytes: [UInt8]) -> Int? {
        guard buffer.count >= bytes.count else { return nil }
        return (0...(buffer.count - bytes.count)).first { buffer[$0..<($0 + bytes.count)].elementsEqual(bytes) }
    }

    private func read() -> Bool {
        guard shutdown.waits(for: socket, milliseconds: 10_000) else { return false }
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        let count = recv(socket, &chunk, chunk.count, 0)
        guard count > 0 else { return false }
        buffer += chunk.prefix(count)
        return true
    }

    private func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { send(socket, $0.baseAddress! + sent, bytes.count - sent, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}
