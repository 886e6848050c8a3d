import Dispatch
import Glibc

/// A TCP connection to the listener, for what no HTTP client would send, and for answers that have no end.
final class RawConnection: Sendable {
    /// The other end did not do what was waited for.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: CInt

    init(port: Int) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = in_addr_t(UInt32(0x7F00_0001).bigEndian)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw Failure(description: "cannot connect: \(errno)") }
    }

    deinit { Glibc.close(descriptor) }

    /// - Returns: Whether the other end still takes it.
    @discardableResult
    func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count
    }

    /// What comes until `isEnough` says so, or the other end closes.
    ///
    /// - Throws: `Failure` where neither happens within `seconds`.
    func read(within seconds: Int, until isEnough: @escaping @Sendable (String) -> Bool = { _ in false }) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { [self] in
                continuation.resume(with: Result { try readNow(within: seconds, until: isEnough) })
            }
        }
    }

    private func readNow(within seconds: Int, until isEnough: (String) -> Bool) throws -> String {
        var received: [UInt8] = []
        let end = DispatchTime.now() + .seconds(seconds)
        while !isEnough(String(decoding: received, as: UTF8.self)) {
            let left = Int64(end.uptimeNanoseconds) - Int64(DispatchTime.now().uptimeNanoseconds)
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&wait, 1, CInt(left / 1_000_000 + 1)) > 0 else {
                throw Failure(description: "not within \(seconds) s; so far: \(String(decoding: received, as: UTF8.self))")
            }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            received += buffer.prefix(count)
        }
        return String(decoding: received, as: UTF8.self)
    }
}
