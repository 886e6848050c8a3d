import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import MonitorAPI

@Suite struct ListenerChannelTests {
    /// Hummingbird's own channel ends the process of the tests here.
    @Test("connections that are accepted while the listener closes end nothing but themselves")
    func letGo() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = ListenerChannel(channel: HTTP1Channel(responder: { _, _, _ in }))
        let (accepted, continuation) = AsyncStream.makeStream(of: Void.self)
        let server = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0) { connection in
            Self.setUp(listener, connection).always { _ in continuation.yield() }
        }
        let port = try #require(server.channel.localAddress?.port)
        var clients: [any Channel] = []
        for _ in 0..<4 { clients.append(try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).get()) }
        var iterator = accepted.makeAsyncIterator()
        for _ in clients { await iterator.next() }
        // Nobody takes them over.
        try await server.executeThenClose { _ in }
        for client in clients { try await client.close() }
    }

    private static func setUp<Listener: ServerChildChannel>(
        _ listener: Listener, _ connection: any Channel
    ) -> EventLoopFuture<Listener.Value> {
        listener.setup(channel: connection, logger: Logger(label: "test"))
    }
}
