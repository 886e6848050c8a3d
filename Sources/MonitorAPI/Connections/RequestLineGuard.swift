import NIOCore
import NIOHTTP1

/// Sees a request as it was written, before its version and framing are gone: what RFC 9112 refuses of them, and what a client of
/// HTTP/1.0 must not be sent.
final class RequestLineGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What is wrong with the request whose header came last.
    private(set) var fault: Problem?
    /// It is of HTTP/1.0: its client knows no chunks, no interim answers, and a connection that stays only where it asked for that.
    private(set) var isOld = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        isOld = Self.isOld(head.version)
        fault = Self.fault(of: head)
        if isOld, !head.headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "keep-alive" }) {
            head.headers.replaceOrAdd(name: "connection", value: "close")
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isOld, case .head(var head) = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        head.version = .http1_0
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    private static func isOld(_ version: HTTPVersion) -> Bool { version.major < 1 || version.major == 1 && version.minor == 0 }

    private static func fault(of head: HTTPRequestHead) -> Problem? {
        if !isOld(head.version), !head.headers.contains(name: "host") {
            return Problem(.malformed, "A request has one Host header.")
        }
        let codings = head.headers["transfer-encoding"]
        if !codings.isEmpty, codings.map({ $0.lowercased() }) != ["chunked"] || isOld(head.version) {
            return Problem(.malformed, "A body is sent as it is, or with Transfer-Encoding: chunked in HTTP/1.1.")
        }
        return nil
    }
}
