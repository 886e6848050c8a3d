import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Notifications

/// All endpoints, as a router that lets in, reads, checks and answers.
struct EndpointTable: Sendable {
    let endpoints: [Endpoint]
    let doorkeeper: Doorkeeper
    let clock: @Sendable () -> Date
    let cache: AnswerCache
    let keys: IdempotencyKeys
    /// A body that drips in is given up.
    var bodyDeadline = Duration.seconds(20)
    let metrics: RequestMetrics

    func router() -> Router<MonitorContext> {
        let router = Router(context: MonitorContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: AnswerMiddleware(gate: doorkeeper.gate, metrics: metrics))
        for (path, group) in Dictionary(grouping: endpoints, by: \.path) {
            for endpoint in group {
                router.on(RouterPath(path), method: endpoint.method) { request, context in
                    try await answer(endpoint, request, context)
                }
            }
            let methods = group.map(\.method)
            let allowed = Self.allowed(methods)
            for method in Self.methods where !methods.contains(method) && !(method == .head && methods.contains(.get)) {
                router.on(RouterPath(path), method: method) { _, _ in
                    if method == .options { return Response(status: .noContent, headers: [.allow: allowed]) }
                    throw Problem(
                        .methodNotAllowed, "\(method.rawValue) is not for this path; \(allowed) are.", headers: [.allow: allowed])
                }
            }
        }
        return router
    }

    /// Every method that has a meaning; what is none of them is 501.
    static let methods: [HTTPRequest.Method] = [
        .get, .head, .post, .put, .delete, .patch, .options, .trace, .connect, HTTPRequest.Method("QUERY")!,
    ]

    static func allowed(_ methods: [HTTPRequest.Method]) -> String {
        let implied: [HTTPRequest.Method] = methods.contains(.get) ? [.head, .options] : [.options]
        return (methods + implied).map(\.rawValue).sorted().joined(separator: ", ")
    }

    private func answer(_ endpoint: Endpoint, _ request: Request, _ context: MonitorContext) async throws -> Response {
        do {
            if endpoint.isPage, endpoint.method == .get, let plain = Self.redirect(request) { return plain }
            let principal = try await doorkeeper.admit(request, context, to: endpoint, now: clock())
            if let freshness = endpoint.freshness {
                let key = AnswerCache.Key(path: request.uri.path, query: request.uri.query ?? "", scope: principal.scope)
                let now = clock()
                return try await cache.answer(key, freshness, now: now) {
                    try await serve(endpoint, request, context, principal, now)
                }.response(to: request.headers)
            }
            // Whatever came of it: what was answered before may hold no longer.
            defer { if endpoint.method != .get { cache.wrote() } }
            return try await serve(endpoint, request, context, principal, clock())
        } catch let error as LoginNeeded {
            return error.response(cookie: doorkeeper.cookie)
        } catch  where endpoint.isPage {
            let problem = AnswerMiddleware.problem(describing: error, context)
            return ErrorPage.response(problem, to: request)
        }
    }

    /// To a page's own path, where there is a slash too many in it: what the page leads to is relative. nil where there is none.
    private static func redirect(_ request: Request) -> Response? {
        let path = request.uri.path.split(separator: "/").joined(separator: "/")
        guard request.uri.path != "/" + path else { return nil }
        let location = PageFrame.root(above: request.uri.path) + path + (request.uri.query.map { "?" + $0 } ?? "")
        return Response(status: .permanentRedirect, headers: [.location: location, .cacheControl: "no-store"])
    }

    private func serve(
        _ endpoint: Endpoint, _ request: Request, _ context: MonitorContext, _ principal: Principal, _ now: Date
    ) async throws -> Response {
        let query =
            if let operation = endpoint.operation {
                try QueryParameters(request.uri.query, declared: operation.query, isLenient: endpoint.isLenient)
            } else {
                // The address of a page goes through many hands, and some leave something on it.
                try QueryParameters(request.uri.query, allowed: endpoint.query, isLenient: endpoint.isPage)
            }
        var room = try endpoint.beforeBody?(request, context, now) ?? BodyRoom(most: endpoint.maximumBody)
        let limit = room.most
        room.most = min(max(0, request.headers[.contentLength].flatMap(Int.init) ?? limit), limit)
        if endpoint.turns?.enter(room) == false { throw Problem.busy }
        defer { endpoint.turns?.leave(room) }
        let body: [UInt8]
        do {
            body = try await self.body(of: request, as: endpoint.body, limit: limit)
        } catch let problem as Problem where problem.kind == .bodyTimeout && !room.isProven {
            // Nobody who has something to say keeps a place for so long.
            doorkeeper.failures.failed(request.headers, context)
            throw problem
        }
        let call = Call(
            request: request, context: context, principal: principal, query: query, body: body, now: now, operation: endpoint.operation)
        let serve = { try await Self.within(endpoint.deadline, else: .unavailable) { try await endpoint.handle(call) } }
        guard endpoint.takesIdempotencyKey, let key = request.headers[.idempotencyKey] else { return try await serve() }
        try ParameterDeclaration.idempotencyKey.check(key)
        return try await keys.answer(key, of: call, deadline: endpoint.deadline, serve)
    }

    private func body(of request: Request, as kind: Endpoint.Body, limit: Int) async throws -> [UInt8] {
        // What reads is the same with or without one: it is not looked at.
        if request.method == .get || request.method == .head { return [] }
        if kind == .none, !request.hasBody { return [] }
        let most = limit >= 1 << 20 ? "\(limit >> 20) MB" : "\(limit >> 10) KB"
        let tooLarge = Problem(.bodyTooLarge, "A body has at most \(most).", headers: [.connection: "close"])
        if let declared = request.headers[.contentLength].flatMap(Int.init), declared > limit { throw tooLarge }
        var collected = ByteBuffer()
        do {
            let stream = request.body
            collected = try await Self.within(bodyDeadline, else: .bodyTimeout) { try await stream.collect(upTo: limit) }
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
        guard collected.readableBytes > 0 else { return [] }
        let type = request.headers[.contentType]?.split(separator: ";").first?.trimmingCharacters(in: .whitespaces).lowercased()
        switch kind {
        case .none:
            throw Problem(.invalidBody, "No body is taken here.")
        case .json:
            guard type == "application/json" else { throw Problem(.unsupportedMediaType, "A body here is application/json.") }
        case .form:
            guard type == "application/x-www-form-urlencoded" else {
                throw Problem(.unsupportedMediaType, "A body here is application/x-www-form-urlencoded.")
            }
        }
        return Array(collected.readableBytesView)
    }

    /// What `body` gives, or `problem` where that does not come in time: no client waits for a database that hangs, and no
    /// client that drips holds us up.
    static func within<Value: Sendable>(
        _ deadline: Duration, else problem: Problem, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask {
                // A task that sleeps would leave its timer behind until it fires, after most requests' answers by far.
                _ = await Signal().wait(atMost: deadline)
                try Task.checkCancellation()
                throw problem
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw problem }
            return first
        }
    }
}

extension Request {
    /// Whether the client sends one, of whatever length.
    fileprivate var hasBody: Bool {
        headers[.transferEncoding] != nil || headers[.contentLength].map { $0 != "0" } ?? false
    }
}
