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
        if (error as? IOError)?.errnoCode == EADDRINUSE {
            return ListenerConfigurationError(
                .addressUnavailable, "port \(port) of \(host) is taken: end what listens there, or choose another with --port")
        }
        return ListenerConfigurationError(.addressUnavailable, "port \(port) of \(host) cannot be bound: \(error)")
    }
}
