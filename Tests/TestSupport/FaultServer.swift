import Foundation
import Glibc

/// A TCP listener on 127.0.0.1 that behaves badly, for tests of timeouts and retries. Stops when it goes.
public final class FaultServer: @unchecked Sendable {  // `accepted` is guarded by `lock`, the rest never changes.
    /// What it does with a connection.
    public enum Behaviour: Sendable {
        /// Accepts, reads nothing, says nothing.
        case silent
        /// Accepts and closes.
        case closes
    }

    /// Where it listens.
    public let port: Int
    private let listener: Int32
    private let lock = NSLock()
    private var accepted: [Int32] = []
    private var total = 0

    /// How many connections have come.
    public var connections: Int { lock.withLock { total } }

    /// Listens on a free port.
    ///
    /// - Throws: `POSIXError` where the system gives no socket.
    public init(_ behaviour: Behaviour) throws {
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
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                guard let self else {
                    Glibc.close(connection)
                    return
                }
                lock.withLock {
                    total += 1
                    if case .silent = behaviour { accepted.append(connection) } else { Glibc.close(connection) }
                }
            }
        }
        thread.start()
    }

    deinit {
        // Ends the accept(2) of the thread.
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
        for connection in accepted { Glibc.close(connection) }
    }
}
