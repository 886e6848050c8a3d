import HTTPTypes
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Stands in front of a connection's requests: counts it, closes it when it dawdles, and answers what is no HTTP.
///
/// One a connection, on its event loop.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// What all connections of a listener share.
    final class Shared: Sendable {
        fileprivate let count: NIOLockedValueBox<ConnectionCount>
        fileprivate let proxies: ProxyTrust
        fileprivate let logger: Logger

        init(_ limits: ConnectionLimits, proxies: ProxyTrust, logger: Logger) {
            count = NIOLockedValueBox(ConnectionCount(limits))
            self.proxies = proxies
            self.logger = logger
        }

        /// Connections that there are.
        var total: Int { count.withLockedValue(\.total) }
    }

    private let shared: Shared
    private let line = RequestLineGuard()
    private var clock = ConnectionClock(at: .now())
    private var timer: Scheduled<Void>?
    private var timerAt: NIODeadline?
    /// It was answered by us, or refused: nothing of it goes further.
    private var isOver = false
    /// What is wrong with a request that came before those ahead of it were answered: it is said after their answers, and what
    /// comes meanwhile is dropped.
    private var lastWord: Problem?

    init(_ shared: Shared) {
        self.shared = shared
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let operations = context.pipeline.syncOperations
        do {
            try operations.addHandler(line, position: .before(try operations.handler(type: HTTP1ToHTTPServerCodec.self)))
        } catch {
            context.fireErrorCaught(error)
            context.close(promise: nil)
            return
        }
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver, lastWord == nil else { return }
        let now = NIODeadline.now()
        switch unwrapInboundIn(data) {
        case .head(let head):
            if let fault = line.fault { return refuse(fault, context) }
            // The first Host is the authority; what is left is a second one (RFC 9112, section 3.2).
            if head.headerFields.contains(where: { $0.name.canonicalName == "host" }) {
                return refuse(Problem(.malformed, "A request has one Host header."), context)
            }
            clock.headReceived(at: now)
            if head.headerFields[.expect]?.lowercased() == "100-continue", !line.isOld {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body: clock.bodyReceived()
        case .end: clock.endReceived(at: now)
        }
        arm(context)
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        clock.readCompleted(at: .now())
        arm(context)
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        clock.writabilityChanged(context.channel.isWritable, waiting: Self.waiting(context), at: .now())
        arm(context)
        context.fireChannelWritabilityChanged()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        guard case .end = unwrapOutboundIn(data), !isOver else { return }
        clock.answered(at: .now())
        arm(context)
        if let lastWord, !clock.owesAnswer { answer(lastWord, context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isOver, lastWord == nil else { return }
        // A request whose body it is in hears of it itself.
        guard !clock.isReadingBody, !(error is IOError), !(error is ChannelError) else { return context.fireErrorCaught(error) }
        if case .headerOverflow? = error as? HTTPParserError {
            refuse(Problem(.headerTooLarge, "A request's header has at most 32 KB, and 100 fields of 16 KB."), context)
        } else {
            refuse(Problem(.malformed, "This is no HTTP request."), context)
        }
    }

    private func begin(_ context: ChannelHandlerContext) {
        let shared = self.shared
        let address = ClientAddress(context.channel.remoteAddress)
        let client = address.flatMap { $0.isLoopback || shared.proxies.trusts($0) ? nil : $0.network }
        guard shared.count.withLockedValue({ $0.open(client) }) else {
            return answer(Problem(.tooManyConnections, "There are too many connections.", headers: [.retryAfter: "5"]), context)
        }
        context.channel.closeFuture.whenComplete { _ in shared.count.withLockedValue { $0.close(client) } }
        // Of its own the kernel holds megabytes for a slow client: what that takes of them would not be seen here for minutes.
        try? context.channel.syncOptions?.setOption(.socketOption(.so_sndbuf), value: 256 << 10)
        arm(context)
    }

    /// Answers what is no request, once those before it are answered.
    private func refuse(_ problem: Problem, _ context: ChannelHandlerContext) {
        if clock.owesAnswer { lastWord = problem } else { answer(problem, context) }
    }

    /// The last word on this connection.
    private func answer(_ problem: Problem, _ context: ChannelHandlerContext) {
        isOver = true
        let requestID = MonitorContext.randomID()
        let (head, body) = problem.parts()
        var answer = head
        answer.headerFields[.requestID] = requestID
        answer.headerFields[.connection] = "close"
        answer.headerFields[.contentLength] = "\(body.count)"
        answer.headerFields[.xContentTypeOptions] = "nosniff"
        shared.logger.debug(
            "Request answered",
            metadata: ["hb.request.id": "\(requestID)", "route": "none", "status": .stringConvertible(answer.status.code)])
        context.write(wrapOutboundOut(.head(answer)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil)
        // A client may take its time for what was answered before.
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    /// Sets the timer where it would come too late; one that comes too early looks again.
    private func arm(_ context: ChannelHandlerContext) {
        guard let deadline = clock.deadline else { return }
        if let timerAt, timerAt <= deadline { return }
        timer?.cancel()
        timerAt = deadline
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
            guard let self else { return }
            self.timerAt = nil
            self.clock.looked(waiting: Self.waiting(context), at: .now())
            if let deadline = self.clock.deadline, deadline <= .now() {
                self.isOver = true
                context.close(promise: nil)
            } else {
                self.arm(context)
            }
        }
    }

    /// Bytes that are written and that the client has not taken.
    private static func waiting(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}
