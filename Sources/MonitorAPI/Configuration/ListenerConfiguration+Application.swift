import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

extension ListenerConfiguration {
    /// What listens at the address, within the limits of connections, headers and time.
    ///
    /// - Parameter onListening: Called once, with the port.
    func application<Responder: HTTPResponder>(
        _ responder: Responder, logger: Logger, onListening: @escaping @Sendable (Int) async -> Void
    ) -> Application<Responder> where Responder.Context == MonitorContext {
        let room = max(64, FileDescriptorLimit.raise() - 512)
        let shared = ConnectionGuard.Shared(
            ConnectionLimits(total: min(room, connections.total), perClient: connections.perClient), proxies: proxies, logger: logger)
        return Application(
            responder: responder,
            server: HTTPServerBuilder { responder in
                HTTP1Channel(
                    responder: responder,
                    configuration: .init(
                        // It has the idle timeout too.
                        additionalChannelHandlers: [ConnectionGuard(shared)],
                        httpDecoderConfiguration: .init(
                            maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 32 * 1024, maxHeaderFieldCount: 100)))
            },
            configuration: .init(address: .hostname(host, port: port), serverName: nil, backlog: 4096),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
            logger: logger)
    }
}
