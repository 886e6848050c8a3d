import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore

/// Hummingbird's channel of a connection, which may be let go before anybody has handled it.
///
/// A connection that is accepted in the moment in which the listener closes is: swift-nio then ends the process, since the channel's
/// writer was never finished. Here the writer is kept until the connection is closed, and finished then.
struct ListenerChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let channel: HTTP1Channel

    // Deprecated only so that it may name the channel's writer, which is deprecated outside of a scope that handles the connection;
    // it is called through the protocol alone.
    @available(*, deprecated)
    func setup(channel connection: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.setup(channel: connection, logger: logger).map { value in
            connection.closeFuture.whenComplete { _ in value.outbound.finish() }
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await channel.handle(value: value, logger: logger)
    }
}
