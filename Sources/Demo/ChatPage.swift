public import Foundation
import Glibc
import HTTPTypes
import Hummingbird
public import Logging
import Mustache
import NIOCore

/// A chat channel in a browser tab: takes Slack-style webhooks at `webhookPath`, as strictly as Slack does, and shows the
/// messages with working buttons.
///
/// It listens on the loopback address alone. It keeps the last 200 messages in memory; nothing is stored.
public struct ChatPage: Sendable {
    /// The path that takes webhooks; it holds a secret, as Slack's does.
    public let webhookPath: String
    private let port: Int
    private let channel = ChatChannel()
    private let clock: @Sendable () -> Date
    private let logger: Logger

    /// - Parameters:
    ///   - port: 0 for any free port.
    ///   - clock: The time shown beside a message.
    public init(port: Int, clock: @escaping @Sendable () -> Date, logger: Logger) {
        var random = SystemRandomNumberGenerator()
        webhookPath = "/services/T0DEMO/B0ALERTS/" + hex(random.next() as UInt64) + hex(random.next() as UInt64)
        self.port = port
        self.clock = clock
        self.logger = logger
    }

    /// Listens until its task is cancelled or the service group shuts down.
    ///
    /// - Parameter onListening: Called once with the port.
    /// - Throws: Where the port is taken.
    public func run(onListening: @escaping @Sendable (Int) async -> Void) async throws {
        let template = try MustacheTemplate(string: ChatPageTemplate.page)
        let router = Router()
        router.post(RouterPath(webhookPath)) { request, _ in try await receive(request) }
        router.get("/") { _, _ in
            Self.answer(template.render(["messages": await messagesHTML()]), type: "text/html; charset=utf-8")
        }
        router.get("/messages") { request, _ in
            let version = "\"\(await channel.count)\""
            if request.headers[.ifNoneMatch] == version { return Response(status: .notModified) }
            var response = Self.answer(await messagesHTML(), type: "text/html; charset=utf-8")
            response.headers[.eTag] = version
            return response
        }
        router.get("/chat.js") { _, _ in Self.answer(ChatPageTemplate.script, type: "text/javascript; charset=utf-8") }
        router.get("/chat.css") { _, _ in Self.answer(ChatPageTemplate.style, type: "text/css; charset=utf-8") }
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: port), serverName: nil),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
            logger: logger)
        do {
            try await application.runService(gracefulShutdownSignals: [])
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw ChatPageError(
                description: "port \(port) is taken: end what listens there, or choose another for the chat page with --chat-port")
        }
    }

    /// Answers as Slack does: `ok`, or the word that says why not.
    private func receive(_ request: Request) async throws -> Response {
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: 256 * 1024)
        } catch {
            return Self.answer("payload_too_large", type: "text/plain", status: .contentTooLarge)
        }
        guard let payload = try? JSONDecoder().decode(SlackPayload.self, from: Data(body.readableBytesView)) else {
            return Self.answer("invalid_payload", type: "text/plain", status: .badRequest)
        }
        if let refusal = payload.refusal {
            return Self.answer(refusal, type: "text/plain", status: .badRequest)
        }
        await channel.post(payload, at: clock())
        return Self.answer("ok", type: "text/plain")
    }

    private func messagesHTML() async -> String {
        let messages = await channel.messages
        guard !messages.isEmpty else { return ChatPageTemplate.empty }
        return messages.map { message in
            let time = DemoEvent.timestamp(message.receivedAt)
            let shown = time.dropFirst(11).prefix(5)
            return """
                <article class="message" id="m\(message.number)">
                <div class="avatar" aria-hidden="true">TM</div>
                <div class="content"><p class="from"><strong>torq-monitor</strong> <span class="app">APP</span>
                <time datetime="\(time)">\(shown) UTC</time></p>\(message.payload.html)</div>
                </article>
                """
        }.joined()
    }

    private static func answer(_ text: String, type: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [
                .contentType: type, .cacheControl: "no-store",
                .contentSecurityPolicy:
                    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'",
                HTTPField.Name("Referrer-Policy")!: "no-referrer", .xContentTypeOptions: "nosniff",
            ],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}

/// Why the chat page cannot be shown.
struct ChatPageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A sentence for people.
    var description: String
}
