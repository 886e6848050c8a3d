import Foundation
import Hummingbird
import Monitoring
import Notifications
import Postgres

/// Receivers: how it goes with each, what it missed, and whether a message reaches it. Never where it is.
struct ReceiverEndpoints: Sendable {
    /// The default of `days`.
    private static let standardDays = 7
    private static let what = BodyField<Replay>.choice(
        "what", of: Replay.self, isRequired: true, "`all` that it missed, oldest first, or the `present` state of each alert.")
    private static let days = BodyField<Int>.integer("days", in: 1...90, "How far it looks back; absent: 7.")

    private let receivers: ReceiverRepository
    private let deliveries: NotificationRepository
    private let kinds: [String: ReceiverKind]
    private let test: MonitorServer.ReceiverTester?

    /// - Parameters:
    ///   - kinds: Of the receivers that are configured, by name.
    ///   - test: Sends a test message; nil where this process cannot.
    init(client: PostgresClient, kinds: [String: ReceiverKind], test: MonitorServer.ReceiverTester?) {
        receivers = ReceiverRepository(client: client)
        deliveries = NotificationRepository(client: client)
        self.kinds = kinds
        self.test = test
    }

    var all: [Endpoint] {
        let absent = "There is no receiver nobody in the configuration."
        return [
            .get(
                "/api/monitor/receivers", freshness: .brief,
                Operation(
                    id: "listReceivers", tag: .receivers, summary: "How it goes with each receiver; never where it is",
                    answer: .json(ReceiverListAnswer.self))
            ) { try await list($0) },
            .post(
                "/api/monitor/receivers/{name}/replay", deadline: .seconds(40),
                Operation(
                    id: "replayReceiver", tag: .receivers, summary: "Give a receiver that works again what it missed",
                    path: [.receiverName], fields: [Self.what.declaration, Self.days.declaration],
                    bodyExamples: [.object(["what": "present"])], answer: .json(ReplayOutcome.self), problems: [.notFound: absent])
            ) { try await replay($0) },
            .post(
                "/api/monitor/receivers/{name}/test", deadline: .seconds(60),
                Operation(
                    id: "testReceiver", tag: .receivers, summary: "Send a marked message and say what came of it", path: [.receiverName],
                    answer: .json(ReceiverTestOutcome.self), problems: [.notFound: absent])
            ) { try await test($0) },
        ]
    }

    private func list(_ call: Call) async throws -> Response {
        let all = try await receivers.receivers(named: kinds.keys.sorted())
        return try .json(
            ReceiverListAnswer(
                receivers: all.map { ReceiverAnswer(record: $0, kind: kinds[$0.name], now: call.now) }, count: all.count))
    }

    private func replay(_ call: Call) async throws -> Response {
        let body = try call.fields()
        guard let what = try body.value(Self.what) else {
            throw JSONBody.refusal("what", allowed: QueryParameters.list(Replay.allCases.map(\.rawValue)))
        }
        let days = try body.value(Self.days) ?? Self.standardDays
        let name = call.part("name")
        if kinds[name] == nil {
            guard try await receivers.receivers().contains(where: { $0.name == name }) else { throw Self.missing(name) }
        }
        return try .json(try await deliveries.replay(receiver: name, what, within: .seconds(days * 86_400)))
    }

    private func test(_ call: Call) async throws -> Response {
        _ = try call.fields()
        let name = call.part("name")
        guard kinds[name] != nil else { throw Self.missing(name) }
        guard let test else {
            throw Problem(.unavailable, "This process sends no messages: ask one that dispatches, or run torq-monitor receivers test.")
        }
        return try .json(try await test(name))
    }

    private static func missing(_ name: String) -> Problem {
        Problem(.notFound, "There is no receiver \(name.prefix(48)) in the configuration.")
    }
}
