import Foundation
import Monitoring

/// An alert as JSON for programs, as Standard Webhooks shapes it: `type`, `timestamp`, `data`; at most 20,000 bytes.
enum WebhookFormat {
    static func body(_ message: AlertMessage) throws -> [UInt8] {
        var payload = Payload(message)
        let bytes = try MonitoringJSON.encode(payload)
        if bytes.count <= limit { return bytes }
        // The evidence is what grows; whoever wants all of it asks the API.
        payload.data.alert.contextData = .object(["truncated": .bool(true)])
        payload.data.alert.relatedEvents = []
        payload.data.alert.summary = String(payload.data.alert.summary.prefix(1000))
        payload.data.alert.resolutionNote = payload.data.alert.resolutionNote.map { String($0.prefix(1000)) }
        payload.data.transition?.evidence = .object(["truncated": .bool(true)])
        let note = payload.data.transition?.note
        payload.data.transition?.note = note.map { String($0.prefix(1000)) }
        return try MonitoringJSON.encode(payload)
    }

    private static let limit = 20_000

    private struct Payload: Encodable {
        var type: String
        var timestamp: Date
        var data: Content

        init(_ message: AlertMessage) {
            if message.endsQuiet {
                type = "alert.\(message.cause.rawValue)"
                timestamp = message.moment
            } else {
                type = "alert.\(message.transition?.transition.rawValue ?? "test")"
                timestamp = message.transition?.occurredAt ?? message.moment
            }
            data = Content(
                alert: message.alert, transition: message.transition, environment: message.environment,
                links: [
                    "acknowledge": message.links.acknowledge, "resolve": message.links.resolve, "open": message.links.open,
                    "runbook": message.links.runbook,
                ].compactMapValues { $0 })
        }
    }

    private struct Content: Encodable {
        var alert: Alert
        var transition: AlertTransition?
        var environment: String?
        var links: [String: String]
    }
}
