import Hummingbird
import Logging
import NIOCore

/// What goes along with a request.
struct MonitorContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// In the answer and in every log line: the one that Hummingbird's logger carries. A logger that keeps no metadata has none,
    /// and Hummingbird's own `id` traps on that.
    let requestID: String
    private let remoteAddress: SocketAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress
        requestID = source.logger[metadataKey: "hb.request.id"]?.description ?? Self.randomID()
    }

    /// The other end of the connection: a client, or a proxy. Few requests need it.
    var peer: ClientAddress? { ClientAddress(remoteAddress) }

    static func randomID() -> String {
        let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }
}
