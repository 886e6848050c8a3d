import Hummingbird
import Logging

/// What goes along with a request.
struct MonitorContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// In the answer and in every log line: the one that Hummingbird's logger carries. A logger that keeps no metadata has none,
    /// and Hummingbird's own `id` traps on that.
    let requestID: String
    /// The other end of the connection: a client, or a proxy.
    let peer: ClientAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = ClientAddress(source.channel.remoteAddress)
        requestID = source.logger[metadataKey: "hb.request.id"]?.description ?? Self.randomID()
    }

    static func randomID() -> String {
        let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }
}
