import Foundation
import Logging
import Monitoring
import Postgres
import TestSupport
import WebTransport

@testable import Notifications

/// A database with alerts, and dispatchers on it.
struct OutboxFixture: Sendable {
    let client: PostgresClient
    let key = LinkKey(id: "k", secret: Array(repeating: 1, count: 32))

    /// An alert that has just been opened.
    func open(_ model: String = "gpt-4o", severity: Severity = .high) async throws -> UUID {
        let id = UUID()
        try await client.query(
            """
            INSERT INTO monitoring_alerts
                (id, fingerprint, alert_type, severity, peak_severity, metric_name, current_value, baseline_value, deviation_ratio,
                 metric_date, opened_at, last_evidence_at, live_since, affected_model, sequence)
            VALUES ($1::uuid, $1::text, 'fallback_spike', $2::text, $2::text, 'fallback_rate', 0.312, 0.04, 7.8,
                    '2026-02-21', now(), now(), now(), $3::text, 0)
            """, [.uuid(id), .text(severity.rawValue), .text(model)])
        try await step(id, .opened, to: severity)
        return id
    }

    /// A step of an alert, as the monitor records it.
    func step(_ id: UUID, _ kind: AlertTransition.Kind, status: AlertStatus = .open, to severity: Severity = .high) async throws {
        try await client.transaction { connection in
            try await connection.query(
                """
                UPDATE monitoring_alerts
                SET sequence = sequence + 1, severity = $2::text, status = $3::text,
                    resolved_at = CASE WHEN $3 = 'resolved' THEN now() END
                WHERE id = $1::uuid
                """, [.uuid(id), .text(severity.rawValue), .text(status.rawValue)])
            try await connection.query(
                """
                INSERT INTO monitoring_alert_transitions
                    (alert_id, sequence, transition, from_status, to_status, to_severity, actor, occurred_at)
                SELECT id, sequence, $2::text, CASE WHEN sequence > 1 THEN 'open' END, status, severity, 'monitor', now()
                FROM monitoring_alerts WHERE id = $1::uuid
                """, [.uuid(id), .text(kind.rawValue)])
            try await connection.query("SELECT pg_notify('monitoring_transitions', $1::text)", [.uuid(id)])
        }
    }

    /// Settings with waits of milliseconds. A process that a busy machine stops for a while is not taken for dead by them,
    /// nor what it sends for lost, which would then be sent twice.
    static let fast = DeliverySettings(
        backoff: Backoff(first: .milliseconds(20), factor: 2, most: .milliseconds(100)), requestTimeout: .seconds(60),
        pollInterval: .milliseconds(50), idleInterval: .milliseconds(50), heartbeatInterval: .milliseconds(50),
        heartbeatTimeout: .seconds(600))

    /// The same, with which a process is soon taken for dead.
    static let impatient = {
        var settings = fast
        settings.heartbeatTimeout = .milliseconds(600)
        return settings
    }()

    /// A process was last heard of an hour ago.
    func fellSilent(_ process: String) async throws {
        try await client.query(
            "UPDATE monitoring_processes SET seen_at = now() - interval '1 hour' WHERE process = $1::text", [.text(process)])
    }

    func configuration(_ receivers: [Receiver], delivery: DeliverySettings = fast) throws -> NotificationConfiguration {
        try NotificationConfiguration(receivers: receivers, environment: "test", delivery: delivery)
    }

    func receiver(_ name: String = "hook", _ kind: ReceiverKind = .webhook, at url: String, rateLimit: String? = "1000/s") throws
        -> Receiver
    {
        try Receiver(
            name: name, kind: kind, url: Secret(url),
            rateLimit: rateLimit.map { limit throws(NotificationConfigurationError) in try RateLimit(parsing: limit) },
            allowPrivateNetwork: true)
    }

    /// Runs a dispatcher while `body` runs; then it is stopped, and has ended.
    func withDispatcher(
        _ configuration: NotificationConfiguration, logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        _ body: @Sendable () async throws -> Void
    ) async throws {
        let transport = WebTransport(configuration.delivery.transport)
        let dispatcher = Dispatcher(
            client: client, transport: transport, configuration: configuration, linkSigner: LinkSigner(keys: [key]), process: "test",
            logger: logger)
        let task = Task { await dispatcher.run() }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        task.cancel()
        await task.value
        await transport.close()
        try result.get()
    }

    func notifications(_ id: UUID) async throws -> [NotificationRecord] {
        try await NotificationRepository(client: client).list(alertID: id)
    }

    /// Waits until every notification of an alert is in one of these states, and there are so many of them.
    func settled(_ id: UUID, _ statuses: [NotificationRecord.Status], timeout: Duration = .seconds(10)) async throws -> [NotificationRecord]
    {
        let repository = NotificationRepository(client: client)
        try await eventually("the notifications are \(statuses)", timeout: timeout) {
            try await repository.list(alertID: id).map(\.status) == statuses
        }
        return try await repository.list(alertID: id)
    }

    func isNotified(_ id: UUID) async throws -> [String]? {
        let alert = try await AlertRepository(client: client).alert(id: id)
        guard let alert, alert.notified, alert.notifiedAt != nil else { return nil }
        return alert.notificationChannels
    }
}

/// Answers in their order, the last again and again.
final class Script: Sendable {
    private let replies: [HTTPFixture.Reply]
    private let count = LockedCount()

    init(_ replies: [HTTPFixture.Reply]) {
        self.replies = replies
    }

    func next() -> HTTPFixture.Reply {
        replies[min(count.next(), replies.count - 1)]
    }
}

/// 0, 1, 2, …
final class LockedCount: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0

    func next() -> Int {
        lock.withLock {
            value += 1
            return value - 1
        }
    }
}
