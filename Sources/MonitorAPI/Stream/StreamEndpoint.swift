import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// GET /api/monitor/stream: every transition as a server-sent event, from now on or from where the client was.
struct StreamEndpoint: Sendable {
    /// A browser's stream ends after so long and comes again, and with it the question whether its session still holds.
    static let sessionSeconds = 900

    let hub: StreamHub

    var all: [Endpoint] {
        var endpoint = Endpoint.get("/api/monitor/stream", query: ["last_event_id"]) { try follow($0) }
        endpoint.takesSession = true
        return [endpoint]
    }

    private func follow(_ call: Call) throws -> Response {
        let position = try Self.position(call)
        let lifetime = call.principal.session == nil ? nil : Self.sessionSeconds
        let hub = hub
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
        let header = call.request.headers[.lastEventID]
        let parameter = try call.query.text("last_event_id", maximum: 20)
        guard let text = header ?? parameter, !text.isEmpty else { return nil }
        guard text.utf8.count <= 18, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let position = Int64(text) else {
            throw QueryParameters.refusal(
                header == nil ? "last_event_id" : "Last-Event-ID", text, allowed: "the id of an event of this stream")
        }
        return position
    }
}
