import Foundation
import Logging
import Notifications
import Postgres
import ServiceLifecycle
import WebTransport

/// Calls the configured URL after each good evaluation, as long as deliveries work too: whoever expects the calls there raises an
/// alarm when they stay away, whatever has become of this process.
struct HeartbeatService: Service {
    /// An element for each good evaluation of this process.
    let evaluations: AsyncStream<Void>
    let running: RunningConfiguration
    let client: PostgresClient
    let logger: Logger

    private enum Outcome: Hashable {
        case called, withheld, failed
    }

    func run() async throws {
        let transport = WebTransport()
        await cancelWhenGracefulShutdown {
            var last = Outcome.called
            for await _ in evaluations {
                guard let url = running.configuration.heartbeat else { continue }
                let outcome = await beat(url, transport, last)
                if outcome == .called, last != .called { logger.notice("The heartbeat is back") }
                last = outcome
            }
        }
        await transport.close()
    }

    /// What is wrong is logged when it begins.
    private func beat(_ url: Secret, _ transport: WebTransport, _ last: Outcome) async -> Outcome {
        do {
            let configuration = running.configuration
            let receivers = try NotificationConfiguration(configuration, port: configuration.listener.port).receivers.keys.sorted()
            if try await client.query(Self.stuck, [.textArray(receivers)], timeout: .seconds(10))[0].decode("is_stuck") {
                if last != .withheld { logger.error("Nothing is delivered: the heartbeat is withheld") }
                return .withheld
            }
            // Its address is the operator's own, and may well be inside.
            let response = try await transport.send(
                WebRequest(url: url.reveal(), connectTimeout: .seconds(5), timeout: .seconds(10), addresses: .any))
            if (200..<300).contains(response.status) { return .called }
            if last != .failed { logger.warning("The heartbeat was not taken", metadata: ["status": "\(response.status)"]) }
        } catch let error as WebTransportError {
            // Its description may name the address.
            if last != .failed { logger.warning("The heartbeat was not taken", metadata: ["error": "\(error.code)"]) }
        } catch {
            if last != .failed, !Task.isCancelled { logger.warning("The heartbeat was not sent", metadata: ["error": "\(error)"]) }
        }
        return .failed
    }

    /// Something that is owed to a receiver which can be tried has waited for five minutes, and nobody has tried anything in them.
    private static let stuck = """
        SELECT
            (EXISTS (
                SELECT
                FROM monitoring_notifications n
                LEFT JOIN monitoring_receivers r ON r.receiver = n.receiver
                WHERE n.receiver = ANY ($1::text[])
                  AND n.status = 'pending'
                  AND (n.message_id IS NULL OR n.message_id = n.id)
                  AND n.due_at < now() - interval '5 minutes'
                  AND coalesce(r.paused_until < now() - interval '5 minutes', true))
             OR EXISTS (
                SELECT
                FROM monitoring_alert_transitions
                WHERE routed_at IS NULL AND created_at < now() - interval '5 minutes'))
            AND coalesce((
                SELECT started_at < now() - interval '5 minutes'
                FROM monitoring_delivery_attempts
                ORDER BY id DESC
                LIMIT 1), true) AS is_stuck
        """
}
