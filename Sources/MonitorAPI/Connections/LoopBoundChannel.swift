import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// HTTP/1.1 connections, each of them served on the thread of its own event loop.
struct LoopBoundChannel: ServerChildChannel {
    private let connection: HTTP1Channel

    init(_ connection: HTTP1Channel) {
        self.connection = connection
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        connection.setup(channel: channel, logger: logger)
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
            await connection.handle(value: value, logger: logger)
        }
    }
}
