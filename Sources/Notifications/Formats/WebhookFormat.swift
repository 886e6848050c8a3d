import Foundation
import Monitoring

/// An alert as JSON for programs, as Standard Webhooks shapes it: `type`, `timestamp`, `data`; at most 20,000 bytes.
///
/// `data.alert` is the alert, of a group its worst. A group has `data.alerts` besides, with all its members, the worst first, of an alert
/// that has taken several steps the newest: as much of each as there is room for, and `data.alerts_left_out` where there is none for some.
enum WebhookFormat {
    static let limit = 20_000
    static let contentType = "application/json"

    static func body(_ message: AlertMessage) throws -> [UInt8] {
        var payload = Payload(message)
        payload.data.alerts = Detail.whole.members(of: message)
        var bytes = try MonitoringJSON.encode(payload)
        if bytes.count <= limit { return bytes }
        // The evidence is what grows; whoever wants all of it asks the API.
        payload.data.shorten()
        for detail in Detail.allCases {
            payload.data.alerts = detail.members(of: message)
            bytes = try MonitoringJSON.encode(payload)
            if bytes.count <= limit { return bytes }
        }
        var kept = message.others.count + 1
        while bytes.count > limit, kept > 1 {
            kept /= 2
            payload.data.alerts = payload.data.alerts.map { Array($0.prefix(kept)) }
            payload.data.alertsLeftOut = message.others.count + 1 - kept
            bytes = try MonitoringJSON.encode(payload)
        }
        return bytes
    }

    /// The same for one alert, with what the database wrote as it is; nil where there is no room for all of it, or it tells of no step
    /// and of no reminder.
    static func body(
        relaying notification: ClaimedNotification, links: MessageLinks, environment: String?, moment: Date
    ) throws -> String? {
        let type: String
        let timestamp: String
        switch notification.cause {
        case .transition, .fallback:
            guard let step = notification.transition else { return nil }
            (type, timestamp) = (step.kind.rawValue, step.occurredAt)
        case .test: return nil
        default: (type, timestamp) = (notification.cause.rawValue, MonitoringJSON.timestamp(moment))
        }
        var text = ""
        text.reserveCapacity(notification.alert.json.utf8.count + (notification.transition?.json.utf8.count ?? 0) + 1000)
        text += #"{"data":{"alert":"#
        text += notification.alert.json
        if let environment { text += #","environment":"# + (try MonitoringJSON.quoted(environment)) }
        text += #","links":{"#
        text += try links.named.map { #""\#($0.name)":"# + (try MonitoringJSON.quoted($0.url)) }.joined(separator: ",")
        text += "}"
        if let step = notification.transition { text += #","transition":"# + step.json }
        text += #"},"timestamp":"\#(timestamp)","type":"alert.\#(type)"}"#
        return text.utf8.count <= limit ? text : nil
    }

    /// How much is said of each member of a group.
    private enum Detail: CaseIterable {
        case whole, full, brief, names

        func members(of message: AlertMessage) -> [Member]? {
            guard !message.others.isEmpty else { return nil }
            let lead = AlertMessage.Member(
                alert: message.alert, transition: message.transition, cause: message.cause, openLink: message.links.open)
            return ([lead] + message.others).map { Member($0, self) }
        }
    }

    private struct Payload: Encodable {
        var type: String
        var timestamp: Date
        var data: Content

        init(_ message: AlertMessage) {
            if message.isReminder {
                type = "alert.\(message.cause.rawValue)"
                timestamp = message.moment
            } else {
                type = "alert.\(message.isTest ? "test" : message.transition?.transition.rawValue ?? "test")"
                timestamp = message.transition?.occurredAt ?? message.moment
            }
            var alert = message.alert
            // JSON has no infinity, and a message must be made.
            for path in [\Alert.currentValue, \.baselineValue, \.deviationRatio, \.thresholdLow, \.thresholdMedium, \.thresholdHigh] {
                alert[keyPath: path] = finite(alert[keyPath: path])
            }
            data = Content(
                alert: alert, transition: message.transition, environment: message.environment,
                links: Dictionary(message.links.named.map { ($0.name, $0.url) }) { $1 })
        }
    }

    private struct Content: Encodable {
        var alert: Alert
        var transition: AlertTransition?
        var environment: String?
        var links: [String: String]
        var alerts: [Member]?
        var alertsLeftOut: Int?

        private enum CodingKeys: String, CodingKey {
            case alert, transition, environment, links, alerts
            case alertsLeftOut = "alerts_left_out"
        }

        mutating func shorten() {
            alert.contextData = .object(["truncated": .bool(true)])
            alert.relatedEvents = []
            alert.summary = cut(alert.summary, to: 600)
            alert.resolutionNote = alert.resolutionNote.map { cut($0, to: 600) }
            alert.fingerprint = cut(alert.fingerprint, to: 200)
            alert.alertType = cut(alert.alertType, to: 200)
            alert.metricName = cut(alert.metricName, to: 200)
            alert.acknowledgedBy = alert.acknowledgedBy.map { cut($0, to: 200) }
            alert.resolvedBy = alert.resolvedBy.map { cut($0, to: 200) }
            for path in [\Alert.affectedModel, \.affectedBackend, \.affectedAgent, \.affectedVersion, \.sliceValue] {
                alert[keyPath: path] = alert[keyPath: path].map { cut($0, to: 250) }
            }
            alert.sliceDimension = alert.sliceDimension.map { cut($0, to: 64) }
            alert.labels = alert.labels.map { shortened($0) }
            alert.annotations = alert.annotations.map { shortened($0) }
            alert.generatorURL = alert.generatorURL.flatMap { $0.utf8.count <= 700 ? $0 : nil }
            alert.notificationChannels = Array(alert.notificationChannels.prefix(10))
            transition?.evidence = .object(["truncated": .bool(true)])
            let note = transition?.note
            transition?.note = note.map { cut($0, to: 600) }
            let actor = transition?.actor
            if let actor { transition?.actor = cut(actor, to: 200) }
            environment = environment.map { cut($0, to: 64) }
            links = links.filter { $0.value.utf8.count <= 700 }
        }
    }

    private struct Member: Encodable {
        var id: String
        var severity: String
        var status: String
        var alertType: String?
        var metricName: String?
        var sliceDimension: String?
        var sliceValue: String?
        var affectedModel: String?
        var currentValue: Double?
        var baselineValue: Double?
        var deviationRatio: Double?
        var openedAt: Date?
        var summary: String?
        var transition: String?
        var cause: String?
        var link: String?
        var fingerprint: String?
        /// Of an alert from elsewhere, as are the next two.
        var labels: [String: String]?
        var annotations: [String: String]?
        var generatorURL: String?

        private enum CodingKeys: String, CodingKey {
            case id, severity, status, summary, transition, cause, link, fingerprint, labels, annotations
            case generatorURL = "generator_url"
            case alertType = "alert_type"
            case metricName = "metric_name"
            case sliceDimension = "slice_dimension"
            case sliceValue = "slice_value"
            case affectedModel = "affected_model"
            case currentValue = "current_value"
            case baselineValue = "baseline_value"
            case deviationRatio = "deviation_ratio"
            case openedAt = "opened_at"
        }

        init(_ member: AlertMessage.Member, _ detail: Detail) {
            let alert = member.alert
            id = alert.id.uuidString.lowercased()
            severity = alert.severity.rawValue
            status = alert.status.rawValue
            guard detail != .names else { return }
            alertType = cut(alert.alertType, to: 64)
            metricName = cut(alert.metricName, to: 64)
            sliceDimension = alert.sliceDimension.map { cut($0, to: 64) }
            sliceValue = alert.sliceValue.map { cut($0, to: 200) }
            currentValue = finite(alert.currentValue)
            deviationRatio = finite(alert.deviationRatio)
            transition = member.transition?.transition.rawValue
            labels = detail == .whole ? alert.labels : alert.labels.map { shortened($0) }
            guard detail != .brief else { return }
            affectedModel = alert.affectedModel.map { cut($0, to: 200) }
            baselineValue = finite(alert.baselineValue)
            openedAt = alert.openedAt
            summary = cut(alert.summary, to: 300)
            cause = member.cause.rawValue
            link = member.openLink
            fingerprint = cut(alert.fingerprint, to: 200)
            guard detail == .whole else { return }
            annotations = alert.annotations
            generatorURL = alert.generatorURL
        }
    }

    private static func cut(_ text: String, to limit: Int) -> String {
        SafeText.fitted(SafeText.clean(text, limit: limit + 1), to: limit)
    }

    /// The first ten of them by name.
    private static func shortened(_ texts: [String: String]) -> [String: String] {
        Dictionary(texts.sorted { $0.key < $1.key }.prefix(10).map { (cut($0.key, to: 64), cut($0.value, to: 200)) }) { first, _ in first }
    }

    private static func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }
}
