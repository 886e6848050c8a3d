import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Monitoring
import Notifications
import Postgres

/// Buttons of messages in Slack. It is answered at once; then the message says who has the alert.
struct SlackEndpoint: Sendable {
    /// From a request's arrival to its answer, whatever it waits for: Slack shows a fault to whoever pressed after three seconds.
    private static let answerWithin = Duration.milliseconds(2200)
    /// So long may the work on a message with many alerts take.
    private static let patience = Duration.seconds(25)

    private let client: PostgresClient
    private let secret: Secret
    private let work: LinkWork
    private let signer: LinkSigner
    private let publicURL: String?
    private let updates: SlackUpdates?
    private let background: BackgroundWork
    private let memory: ReplayMemory

    /// - Parameters:
    ///   - updates: nil: what is pressed is done, and messages stay as they are.
    ///   - memory: Of requests that were taken, so that none is taken twice.
    init(
        client: PostgresClient, secret: Secret, signer: LinkSigner, publicURL: String?, updates: SlackUpdates?, background: BackgroundWork,
        memory: ReplayMemory
    ) {
        self.client = client
        self.secret = secret
        self.signer = signer
        self.publicURL = publicURL
        self.updates = updates
        self.background = background
        self.memory = memory
        work = LinkWork(client: client)
    }

    var all: [Endpoint] {
        var endpoint = Endpoint.post("/slack/interactions", access: .open, body: .form, deadline: .milliseconds(2700)) {
            try await interact($0)
        }
        // The message comes along, with each of its letters in three.
        endpoint.maximumBody = 256 << 10
        return [endpoint]
    }

    private func interact(_ call: Call) async throws -> Response {
        let answerBy = ContinuousClock.now + Self.answerWithin
        try admit(call)
        let interaction = try SlackInteraction(call.body)
        guard interaction.type == "block_actions" else {
            throw Problem(
                .invalidBody, "The payload's type must be block_actions.",
                members: ["field": .string("payload.type"), "allowed": .string("block_actions")])
        }
        guard let value = interaction.value else { return Response(status: .ok) }
        let claim: LinkClaim
        do {
            claim = try signer.verify(value, at: call.now)
        } catch {
            let reason = if case .expired = error { "This button is no longer valid." } else { "This button is not one of ours." }
            try start { await reply(.whisper("\(reason) Nothing was changed."), to: interaction) }
            return Response(status: .ok)
        }
        guard let action = claim.action.alertAction else { return Response(status: .ok) }
        let deed = LinkDeed(
            action: action, actor: interaction.actor, credential: "slack",
            until: action == .snooze ? SnoozeChoice.standard.end(after: call.now) : nil, moment: call.now)
        try await perform(deed, claim, for: interaction, call, until: answerBy)
        return Response(status: .ok)
    }

    /// The signature first: nothing of an unsigned body is looked at.
    private func admit(_ call: Call) throws(Problem) {
        let headers = call.request.headers
        let signature = headers[.slackSignature]
        do {
            try SlackSignature.verify(
                signature: signature, timestamp: headers[.slackTimestamp], body: call.body, secret: secret.reveal(), now: call.now)
        } catch {
            let detail =
                switch error {
                case .malformed: "The headers X-Slack-Signature and X-Slack-Request-Timestamp must be as Slack writes them."
                case .stale: "The request was signed more than five minutes ago, or the clocks differ."
                case .mismatch: "The signature does not belong to this body."
                }
            throw Problem(.unauthenticated, detail, headers: [.wwwAuthenticate: "Slack-Signature"])
        }
        switch memory.accept(signature ?? "", until: call.now.addingTimeInterval(Double(2 * SlackSignature.tolerance)), now: call.now) {
        case .fresh: break
        case .replayed: throw Self.replayed
        case .full: throw Problem(.unavailable, "Too many requests came within a few minutes.", headers: [.retryAfter: "60"])
        }
    }

    private static let replayed = Problem(.forbidden, "This request was received before.")

    /// Whether no process has accepted it.
    private func isFirst(_ call: Call) async throws -> Bool {
        let signature = call.request.headers[.slackSignature] ?? ""
        return try await client.query(Self.remember, [.text(signature), .uuid(UUID())]).affectedRows > 0
    }

    /// Among the keys of requests that are done once: there is no token by this name.
    private static let remember = """
        INSERT INTO monitoring_idempotency_keys (credential, key, request, claim, claimed_until)
        VALUES ('/slack/interactions', $1::text, '', $2::uuid, now())
        ON CONFLICT DO NOTHING
        """

    /// Does it, waiting for it as long as Slack waits: what is not done by then goes on, and the message says how it ended. Nothing is
    /// waited for in this task: a query that is cut off takes its time, while a database hangs.
    private func perform(
        _ deed: LinkDeed, _ claim: LinkClaim, for interaction: SlackInteraction, _ call: Call, until answerBy: ContinuousClock.Instant
    ) async throws {
        let (outcomes, outcome) = AsyncStream.makeStream(of: Result<Void, any Error>.self)
        try start {
            let done: SlackReply
            do {
                guard try await isFirst(call) else {
                    outcome.yield(.failure(Self.replayed))
                    outcome.finish()
                    return
                }
                done = try await self.done(deed, claim, call.context.logger)
                outcome.yield(.success(()))
            } catch {
                outcome.yield(.failure(error))
                done = .whisper("That could not be done: the monitor's database does not answer. Try again in a minute.")
                var metadata = Self.metadata(claim)
                metadata["error"] = .string(String(String(describing: error).prefix(500)))
                call.context.logger.error("A press on a button failed", metadata: metadata)
            }
            outcome.finish()
            await reply(done, to: interaction)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await result in outcomes { try result.get() } }
            group.addTask { try? await Task.sleep(until: answerBy) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// A message stands for alerts that the database alone knows.
    private static func metadata(_ claim: LinkClaim) -> Logger.Metadata {
        switch claim.subject {
        case .alert(let id): ["alert_id": "\(id.uuidString.lowercased())"]
        case .message(let id): ["notification": "\(id.uuidString.lowercased())"]
        }
    }

    private func done(_ deed: LinkDeed, _ claim: LinkClaim, _ logger: Logger) async throws -> SlackReply {
        guard let subject = try await work.subject(claim.subject) else {
            return .whisper("What this message tells of is no longer kept. Nothing was changed.")
        }
        let results = try await work.perform(deed, on: subject.alerts, until: .now + Self.patience)
        for result in results where result.kind == .done { logger.changed(result.alert.id, by: deed.action, credential: deed.credential) }
        return .standing(deed, results, total: subject.total, publicURL: publicURL) { action in
            signer.token(for: LinkClaim(action: action, subject: claim.subject, receiver: claim.receiver, expiresAt: claim.expiresAt))
        }
    }

    private func start(_ job: @escaping @Sendable () async -> Void) throws(Problem) {
        guard background.submit(job) else {
            throw Problem(.unavailable, "Too many presses wait to be done.", headers: [.retryAfter: "10"])
        }
    }

    private func reply(_ reply: SlackReply, to interaction: SlackInteraction) async {
        guard let updates, let url = interaction.responseURL, updates.allows(url), let body = try? MonitoringJSON.encode(reply) else {
            return
        }
        await updates.send(url, body)
    }
}
