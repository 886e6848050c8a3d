#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Asks whether a PostgreSQL answers on a unix socket.
enum SocketProbe {
    /// Longest path of a unix socket, in bytes without the closing zero (sockaddr_un.sun_path).
    static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// Connects, checks that the listener is the expected process, and sends an SSLRequest, which every PostgreSQL answers with
    /// one letter before it asks who is there (protocol documentation, 55.2.10).
    ///
    /// - Parameters:
    ///   - path: of the socket.
    ///   - processID: of the postmaster.
    ///   - timeout: for the answer.
    static func answers(path: String, processID: Int32, timeout: Duration) async -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard connect(descriptor, to: path), isListener(descriptor, processID) else { return false }
        let request: [UInt8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F]
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return false }
        let deadline = ContinuousClock.now + timeout
        var answer: UInt8 = 0
        while true {
            let count = recv(descriptor, &answer, 1, 0)
            if count == 1 { return answer == UInt8(ascii: "N") || answer == UInt8(ascii: "S") }
            guard count < 0, errno == EAGAIN || errno == EINTR, ContinuousClock.now < deadline, !Task.isCancelled else { return false }
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    private static func connect(_ descriptor: Int32, to path: String) -> Bool {
        guard path.utf8.count <= longestPath else { return false }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    /// SO_PEERCRED names the process that called listen(2): the postmaster. Its struct ucred (unix(7)) is process, user and
    /// group, 32 bits each; Glibc's module does not show it.
    private static func isListener(_ descriptor: Int32, _ processID: Int32) -> Bool {
        var credentials: (process: Int32, user: UInt32, group: UInt32) = (0, 0, 0)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else { return false }
        return credentials.process == processID
    }
}
