import Hummingbird
import Synchronization

/// Answers by what was put in last; a request that has begun is answered to its end by what was there when it came.
final class SwappableResponder: HTTPResponder {
    typealias Context = MonitorContext

    private let present: Mutex<any HTTPResponder<MonitorContext>>

    init(_ responder: any HTTPResponder<MonitorContext>) {
        present = Mutex(responder)
    }

    func swap(_ responder: any HTTPResponder<MonitorContext>) {
        present.withLock { $0 = responder }
    }

    func respond(to request: Request, context: MonitorContext) async throws -> Response {
        let responder = present.withLock { $0 }
        guard request.uri.path == StreamEndpoint.path else { return try await responder.respond(to: request, context: context) }
        // In a task of its own, whose memory goes with it: a connection's task keeps what its deepest call has taken for as long as
        // the client stays, two thirds of what a client costs that follows the stream.
        async let response = responder.respond(to: request, context: context)
        return try await response
    }
}
