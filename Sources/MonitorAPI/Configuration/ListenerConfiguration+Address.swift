import Glibc
import NIOCore
import NIOPosix

extension ListenerConfiguration {
    /// Binds the address for a moment, so that one that is taken is found before anything else is begun.
    ///
    /// - Throws: `ListenerConfigurationError` with `.addressUnavailable`.
    public func checkAddress() async throws {
        do {
            let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port).get()
            try await channel.close()
        } catch {
            throw unavailable(error)
        }
    }

    /// What is said where the address cannot be bound.
    func unavailable(_ error: any Error) -> ListenerConfigurationError {
        let code = (error as? IOError)?.errnoCode
        let reason =
            switch code {
            case EADDRINUSE: "is taken: end what listens there, or choose another with --port"
            case EADDRNOTAVAIL: "cannot be bound: no interface of this machine has that address"
            case EACCES: "cannot be bound: ports under 1024 take the right to do so; choose another with --port"
            case let code?: "cannot be bound: \(String(cString: strerror(code)))"
            case nil where error is SocketAddressError.UnknownHost: "cannot be bound: there is no host of that name"
            case nil: "cannot be bound: \(error)"
            }
        return ListenerConfigurationError(.addressUnavailable, "port \(port) of \(host) \(reason)")
    }
}
