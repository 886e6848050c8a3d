import Foundation
import HTTPTypes
import Hummingbird
import Monitoring
import NIOCore

/// GET /api/monitor/stream: every transition as a server-sent event, from now on or from where the client was.
struct StreamEndpoint: Sendable {
    static let path = "/api/monitor/stream"

    let hub: StreamHub
    /// A stream ends after so long and comes again, and with it the question whether its token or session still holds.
    var lifetimeSeconds = 900

    private static let allowedIDs = "the id of an event of this stream"
    private static let lastEventID = QueryParameter<Int64>(
        "last_event_id", "As the header Last-Event-ID, for a client that cannot set one; the header goes before it.",
        schema: Schema.text.with(["pattern": "^[0-9]{1,18}$"]), example: "4711", allowed: allowedIDs, parse: position)

    var all: [Endpoint] {
        var endpoint = Endpoint.get(
            Self.path, freshness: nil,
            Operation(
                id: "stream", tag: .alerts, summary: "Every transition, as a server-sent event",
                detail: """
                    From now on, or from where the client was: `Last-Event-ID` brings what came after that event, up to 1,000 of them. \
                    The `event` is `transition` or `gap`: more was missed than is sent again, and `after` says after which position; then \
                    the client lists the alerts. A comment comes every 15 seconds. A stream ends after \
                    \(lifetimeSeconds / 60) minutes, and is taken up again by whoever still may.
                    """,
                query: [Self.lastEventID.declaration], headers: [Self.header],
                answer: .events(StreamMessage.self), needsDatabase: false)
        ) { try follow($0) }
        endpoint.takesSession = true
        return [endpoint]
    }

    private static let header = ParameterDeclaration(
        name: "Last-Event-ID", text: "The id of the last event that the client has.", schema: lastEventID.declaration.schema,
        example: "4711", check: lastEventID.declaration.check)

    private func follow(_ call: Call) throws -> Response {
        let position = try Self.position(call)
        let hub = hub
        let lifetime = lifetimeSeconds
        let body = ResponseBody { writer in
            guard let subscription = hub.follow(after: position, lifetime: lifetime) else {
                // Too many, or we are about to end: the client waits, and asks again.
                try await writer.write(ByteBuffer(string: "retry: 30000\n\n"))
                return try await writer.finish(nil)
            }
            defer { hub.leave(subscription.id) }
            // Not all at once, should this process go.
            try await writer.write(ByteBuffer(string: "retry: \(Int.random(in: 1000...4000))\n\n"))
            for await bytes in subscription.stream { try await writer.write(bytes) }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .accelBuffering: "no"], body: body)
    }

    /// What the client has seen: the header that a browser sends when it comes again, else the parameter.
    private static func position(_ call: Call) throws(Problem) -> Int64? {
        guard let header = call.request.headers[.lastEventID], !header.isEmpty else { return try call.query.value(lastEventID) }
        guard let position = position(header) else {
            throw QueryParameters.refusal("Last-Event-ID", header, allowed: allowedIDs)
        }
        return position
    }

    private static func position(_ text: String) -> Int64? {
        guard text.utf8.count <= 18, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text)
    }
}
