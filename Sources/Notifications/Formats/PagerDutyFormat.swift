import Foundation
import Monitoring

/// An alert as an event of PagerDuty's Events API v2, without its `routing_key`: that is a secret, and added where it is sent.
///
/// | told | `event_action` |
/// | --- | --- |
/// | opened, escalated, reopened, a repeat, an escalation, the end of quiet | `trigger` |
/// | acknowledged | `acknowledge` |
/// | resolved | `resolve` |
///
/// The `dedup_key` is the alert's id, not its fingerprint: all steps of an alert share it, reopenings too, and a later alert on the
/// same condition is an incident of its own even where the end of the one before never arrived. The summary has at most 1,024
/// characters; the rest is bounded to a few kilobytes of the 512 that are allowed.
enum PagerDutyFormat {
    static func body(_ message: AlertMessage, _ content: MessageContent) -> JSONValue {
        let action: String
        if message.isOver {
            action = "resolve"
        } else if content.tone == .inHand {
            action = "acknowledge"
        } else {
            action = "trigger"
        }
        var event: [String: JSONValue] = [
            "event_action": .string(action), "dedup_key": .string(dedupKey(message)), "client": .string("torq-monitor"),
            "payload": payload(message, content),
        ]
        if let open = content.actions.first(where: { $0.kind == .open }) { event["client_url"] = .string(open.url) }
        let links = content.actions.map { JSONValue.object(["href": .string($0.url), "text": .string($0.label)]) }
        if !links.isEmpty { event["links"] = .array(links) }
        return .object(event)
    }

    /// A frozen body with the key of the service that it goes to.
    static func addressed(_ body: [UInt8], routingKey: String) -> [UInt8] {
        guard body.first == UInt8(ascii: "{"), let key = try? MonitoringJSON.encode(routingKey) else { return body }
        return Array(#"{"routing_key":"#.utf8) + key + [UInt8(ascii: ",")] + body.dropFirst()
    }

    private static func dedupKey(_ message: AlertMessage) -> String {
        let id = message.isTest ? message.id : message.alert.id
        return "torq-monitor/\(message.isTest ? "test/" : "")\(id.uuidString.lowercased())"
    }

    private static func payload(_ message: AlertMessage, _ content: MessageContent) -> JSONValue {
        let alert = message.alert
        var details: [String: JSONValue] = [
            "alert_id": .string(alert.id.uuidString.lowercased()), "since": .string(MonitoringJSON.timestamp(alert.openedAt)),
        ]
        for fact in content.facts { details[fact.label.lowercased()] = .string(Markup.plain.words(fact.value, limit: 200)) }
        if !content.detail.isEmpty { details["summary"] = .string(Markup.plain.words(content.detail, limit: 1000)) }
        if let body = content.custom.body { details["message"] = .string(body) }
        if let remark = content.remark { details["remark"] = .string(Markup.plain.words(remark, limit: 200)) }
        if let note = content.note { details["note"] = .string(Markup.plain.words(note, limit: 1000)) }
        return .object([
            "summary": .string(content.custom.title ?? Markup.plain.words(content.sentence, limit: 1024)),
            "source": .string(content.environment.map { "torq-monitor \(Markup.plain.words($0, limit: 64))" } ?? "torq-monitor"),
            "severity": .string(message.isTest ? "info" : severity(AlertWords(message).severity)),
            "timestamp": .string(MonitoringJSON.timestamp(message.transition?.occurredAt ?? message.moment)),
            "component": .string(
                Markup.plain.words(content.place ?? alert.sliceValue ?? alert.labels?["instance"] ?? alert.metricName, limit: 200)),
            "group": .string(Markup.plain.words(FigureText.name(of: alert) ?? alert.metricName, limit: 200)),
            "class": .string(Markup.plain.words(alert.alertType, limit: 200)),
            "custom_details": .object(details),
        ])
    }

    private static func severity(_ severity: Severity) -> String {
        switch severity {
        case .critical: "critical"
        case .high: "error"
        case .medium: "warning"
        case .low: "info"
        }
    }
}
