import Foundation
import HTTPTypes
import Hummingbird
import Monitoring
import Notifications
import Postgres

/// Webhooks of systems elsewhere: each has a path, a format and a proof of its own.
struct RelayEndpoint: Sendable {
    private static let name = ParameterDeclaration(
        name: "name", text: "The source's name in the configuration.", schema: Schema.text.with(["minLength": 1]), isRequired: true,
        example: "ci"
    ) { _ throws(Problem) in }

    let settings: RelaySettings
    let gate: Gate
    let intake: AlertIntake
    let keys: IdempotencyKeys
    let failures: FailureLimit

    var all: [Endpoint] {
        var endpoint = Endpoint.post(
            "/relay/{name}", access: .open, deadline: .seconds(60),
            Operation(
                id: "relayWebhook", tag: .relay, summary: "A webhook of a system elsewhere",
                detail: """
                    Its alerts are kept before it is answered. The source proves itself by its own token (`Authorization: Bearer`), by \
                    the signature of Standard Webhooks, or by one like Slack's. `Idempotency-Key` and `webhook-id` are honoured for a day.
                    """,
                path: [Self.name], bodySchema: Schema(["type": "object"]), requiresBody: true,
                bodyExamples: [.object(["title": "Backup failed", "level": "error"])], answer: .json(RelayAnswer.self),
                problems: [
                    .notFound: "There is no relay ci.", .keyReused: "This Idempotency-Key came with another request before.",
                    .keyInUse: "The first request with this Idempotency-Key is still being served.",
                    .invalidParameter: "Idempotency-Key is \"a b\"; allowed is 1 to 255 printable ASCII characters without spaces.",
                    .unauthenticated: "This source shows no token that is known here.",
                    .tooManyFailures: "Too many failures from this address. Try again in 60 seconds.",
                    .tooManyAlerts: "There is room for 100000 alerts from elsewhere at a time; none of these was taken.",
                ])
        ) { try await serve($0) }
        endpoint.maximumBody = AlertmanagerEndpoints.maximumBody
        endpoint.turns = intake.turns
        endpoint.beforeBody = { request, context, now throws(Problem) in try room(request, context, now) }
        endpoint.keepsKeysItself = true
        return [endpoint]
    }

    /// A body that is signed: it is read before anybody knows whose it is.
    static let maximumSignedBody = 1 << 20

    /// Who is not known, or shows nothing that could be right, has no room.
    private func room(_ request: Request, _ context: MonitorContext, _ now: Date) throws(Problem) -> BodyRoom {
        let proof = RelayProof(source: try source(context), gate: gate)
        if !proof.isBeyondGuessing(request.headers) { try failures.check(request.headers, context) }
        return try proving(request, context) { () throws(Problem) in
            try proof.isProven(by: request.headers, now: now)
                ? BodyRoom(most: AlertmanagerEndpoints.maximumBody)
                : BodyRoom(most: Self.maximumSignedBody, isProven: false, network: failures.client(request.headers, context))
        }
    }

    private func source(_ context: MonitorContext) throws(Problem) -> RelaySource {
        let name = (context.parameters.get("name") ?? "").removingPercentEncoding ?? ""
        guard let source = settings.sources.first(where: { $0.name == name }) else {
            throw Problem(.notFound, "There is no relay \(name.prefix(64)).")
        }
        return source
    }

    /// Counts what could be a guess and is wrong.
    private func proving<Value>(
        _ request: Request, _ context: MonitorContext, _ check: () throws(Problem) -> Value
    ) throws(Problem) -> Value {
        do {
            return try check()
        } catch {
            if Self.names(request.headers) { failures.failed(request.headers, context) }
            throw error
        }
    }

    private func serve(_ call: Call) async throws -> Response {
        let source = try source(call.context)
        let proof = RelayProof(source: source, gate: gate)
        try proving(call.request, call.context) { () throws(Problem) in
            try proof.check(call.request.headers, body: call.body, now: call.now)
        }
        // Whose key it is: nobody else's has that name.
        var own = call
        own.principal = Principal(tokenName: "/relay/\(source.name)", scope: .ingest)
        guard let key = proof.key(of: call.request.headers) else { return try await take(own, source) }
        try ParameterDeclaration.idempotencyKey.check(key)
        return try await keys.answer(key, of: own, deadline: .seconds(60)) { try await take(own, source) }
    }

    /// Whether it shows something that could be guessed.
    private static func names(_ headers: HTTPFields) -> Bool {
        headers[.authorization] != nil || headers[.webhookSignature] != nil || headers[.slackSignature] != nil
    }

    private func take(_ call: Call, _ source: RelaySource) async throws -> Response {
        let alerts: [IncomingAlert] =
            switch source.format {
            case .alertmanager, .grafana: try WebhookPayload.read(call.body, now: call.now)
            case .generic(let format): try GenericPayload.read(call.body, format, of: source.name, now: call.now)
            }
        let report = try await intake.take(
            alerts, from: AlertIntake.Source(origin: source.name, credential: "relay", timeout: source.resolveTimeout), now: call.now)
        return try .json(
            RelayAnswer(alerts: alerts.count, opened: report.opened, reopened: report.reopened, resolved: report.resolved))
    }
}
