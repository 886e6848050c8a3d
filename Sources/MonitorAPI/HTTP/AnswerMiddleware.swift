import HTTPTypes
import Hummingbird
import Logging

/// What every answer has, whatever it answers: the request's id, a problem document for an error, a line in the access log.
struct AnswerMiddleware: RouterMiddleware {
    let gate: Gate
    let metrics: RequestMetrics

    func handle(
        _ request: Request, context: MonitorContext, next: (Request, MonitorContext) async throws -> Response
    ) async throws -> Response {
        let began = ContinuousClock.now
        var response: Response
        do {
            // The first is the authority; a second one is left among the fields.
            if request.headers[.secondHost] != nil { throw Problem(.malformed, "The request has more than one Host header.") }
            try gate.checkOrigin(
                authority: request.head.authority, headers: request.headers, place: Gate.Place(path: request.uri.path))
            response = try await next(request, context)
        } catch {
            var problem = Self.problem(describing: error, context, path: request.uri.path)
            if problem.kind == .notFound, !EndpointTable.methods.contains(request.method) {
                problem = Problem(.methodUnknown, "There is no method \(request.method.rawValue.prefix(20)).")
            }
            if Self.wantsPage(request) {
                response = ErrorPage.response(problem, to: request)
            } else if Self.wantsAlertmanagersWords(request) {
                // There is nothing else to delete there.
                let endsSilence = request.method == .delete && context.endpointPath != nil
                response = problem.alertmanagersResponse(endsSilence: endsSilence)
            } else {
                response = problem.response()
            }
            if request.method == .head { response = response.createHeadResponse() }
        }
        response.headers[.requestID] = context.requestID
        response.headers[.xContentTypeOptions] = "nosniff"
        let elapsed = began.duration(to: .now)
        metrics.answered(
            EndpointTable.methods.contains(request.method) ? request.method.rawValue : "other", route: context.endpointPath ?? "none",
            status: response.status.code, in: elapsed)
        // The route's pattern, never the path: that of a link is a secret.
        var metadata: Logger.Metadata = [
            "method": .string(String(request.method.rawValue.prefix(20))), "route": .string(context.endpointPath ?? "none"),
            "status": .stringConvertible(response.status.code),
            "milliseconds": .stringConvertible(
                Double(elapsed.components.attoseconds / 1_000_000_000_000) / 1000 + Double(elapsed.components.seconds) * 1000),
        ]
        metadata["alert_id"] = Logger.alertID(path: request.uri.path, route: context.endpointPath)
        context.logger.debug("Request answered", metadata: metadata)
        return response
    }

    /// A browser that looks for a page, and not a program that asks the API.
    private static func wantsPage(_ request: Request) -> Bool {
        !request.uri.path.hasPrefix("/api/") && request.headers[.accept]?.hasPrefix("text/html") ?? false
    }

    /// Alertmanager's clients take JSON alone, and show a text.
    private static func wantsAlertmanagersWords(_ request: Request) -> Bool {
        request.uri.path.hasPrefix("/api/v2/") && request.headers[.accept]?.contains("application/json") ?? false
    }

    /// What the client is told; the log hears more where it is our fault.
    static func problem(describing error: any Error, _ context: MonitorContext, path: String = "") -> Problem {
        if let error = error as? HTTPError, error.status == .notFound { return Problem(.notFound, "There is nothing at this path.") }
        let problem = Problem(describing: error)
        // A client that hung up is nobody's fault, and one that is asked to come again is in the metrics. Why it is not ready is logged
        // where it is found, once.
        if error is CancellationError || problem == .busy || problem.reason != nil { return problem }
        switch problem.kind {
        case .internalError, .unavailable:
            // A problem that was meant to be told is a matter of what it is about, and in its words.
            let meant = (error as? Problem)?.detail
            var metadata: Logger.Metadata = [
                "route": .string(context.endpointPath ?? "none"),
                "error": .string(String((meant ?? String(describing: error)).prefix(500))),
            ]
            metadata["alert_id"] = Logger.alertID(path: path, route: context.endpointPath)
            context.logger.log(level: meant == nil ? .error : .warning, "Request failed", metadata: metadata)
        default:
            break
        }
        return problem
    }
}
