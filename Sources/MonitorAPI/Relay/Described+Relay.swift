import Foundation
import Monitoring

extension AlertmanagerAlert: Described {
    static let schemaName = "AlertmanagerAlert"
    static let about = "An alert as Alertmanager's API shows it."
    static let example: AlertmanagerAlert = exampleValue(
        #"""
        {"annotations": {"summary": "p99 of checkout is 4 s"}, "endsAt": "2026-02-21T10:40:00Z", "fingerprint": "cbf29ce484222325",
         "generatorURL": "http://prometheus.example.com/graph?g0.expr=up", "labels": {"alertname": "HighLatency", "severity": "page"},
         "receivers": [{"name": "oncall"}], "startsAt": "2026-02-21T10:35:00Z",
         "status": {"inhibitedBy": [], "silencedBy": [], "state": "active"}, "updatedAt": "2026-02-21T10:35:02Z"}
        """#)
    static let notes: [String: FieldNote] = [
        "annotations": "What is said about it.",
        "endsAt": "When it is over unless it is seen again.",
        "fingerprint": "Of its labels, as Prometheus makes it.",
        "generatorURL": "Where its source shows it; empty where it does not say.",
        "labels": "What it is.",
        "receivers": "Who is told.",
        "startsAt": "Since when.",
        "status": "Whether it is told.",
        "updatedAt": "When it was seen or changed last.",
    ]
}

extension AlertmanagerAlert.Receiver: Described {
    static let schemaName = "AlertmanagerReceiver"
    static let about = "A receiver's name."
    static let example = AlertmanagerAlert.Receiver(name: "oncall")
    static let notes: [String: FieldNote] = ["name": "Its name in the configuration."]
}

extension AlertmanagerAlert.Status: Described {
    static let schemaName = "AlertmanagerAlertStatus"
    static let about = "Whether an alert is told."
    static let example = AlertmanagerAlert.Status(inhibitedBy: [], silencedBy: [], state: "active")
    static let notes: [String: FieldNote] = [
        "inhibitedBy": "Fingerprints of alerts that keep it from being told.", "silencedBy": "Ids of silences that cover it.",
        "state": .words("`suppressed` where nobody is told.", ["active", "suppressed", "unprocessed"]),
    ]
}

extension AlertmanagerGroup: Described {
    static let schemaName = "AlertmanagerGroup"
    static let about = "Alerts that a receiver is told of together."
    static let example = AlertmanagerGroup(
        alerts: [.example], labels: ["alertname": "HighLatency"], receiver: AlertmanagerAlert.Receiver(name: "oncall"))
    static let notes: [String: FieldNote] = [
        "alerts": "Earliest first.", "labels": "What they have alike.", "receiver": "Who is told of them.",
    ]
}

extension AlertmanagerSilence: Described {
    static let schemaName = "AlertmanagerSilence"
    static let about = "A silence as Alertmanager's API shows it."
    static let example: AlertmanagerSilence = exampleValue(
        #"""
        {"comment": "deploy", "createdBy": "Ana", "endsAt": "2026-02-21T11:00:00Z", "id": "30000000-0000-4000-8000-000000000001",
         "matchers": [{"isEqual": true, "isRegex": false, "name": "alertname", "value": "HighLatency"}],
         "startsAt": "2026-02-21T10:00:00Z", "status": {"state": "active"}, "updatedAt": "2026-02-21T10:00:00Z"}
        """#)
    static let notes: [String: FieldNote] = [
        "comment": "Why.", "createdBy": "Who made it.", "endsAt": "Until when.", "id": .uuid("Its id."), "matchers": "All must fit.",
        "startsAt": "From when.", "status": "Whether it holds.", "updatedAt": "When it was made.",
    ]
}

extension AlertmanagerSilence.Status: Described {
    static let schemaName = "AlertmanagerSilenceStatus"
    static let about = "Whether a silence holds."
    static let example = AlertmanagerSilence.Status(state: "active")
    static let notes: [String: FieldNote] = ["state": .words("Whether it holds.", ["expired", "active", "pending"])]
}

extension AlertmanagerSilence.Condition: Described {
    static let schemaName = "AlertmanagerMatcher"
    static let about = "A condition on a label."
    static let example = AlertmanagerSilence.Condition(isEqual: true, isRegex: false, name: "alertname", value: "HighLatency")
    static let notes: [String: FieldNote] = [
        "isEqual": "Whether it must fit, or must not.", "isRegex": "Whether the value is a pattern for the whole.",
        "name": "The label's name.",
        "value": "What it is held against.",
    ]
}

extension AlertmanagerSilenceID: Described {
    static let schemaName = "AlertmanagerSilenceID"
    static let about = "Which silence it is."
    static let example = AlertmanagerSilenceID(silenceID: "30000000-0000-4000-8000-000000000001")
    static let notes: [String: FieldNote] = ["silenceID": .uuid("Its id.")]
}

extension AlertmanagerStatus: Described {
    static let schemaName = "AlertmanagerStatus"
    static let about = "What Alertmanager's API says of itself."
    static let example: AlertmanagerStatus = exampleValue(
        #"""
        {"cluster": {"peers": [], "status": "disabled"}, "config": {"original": "route:\n  receiver: 'oncall'\n"}, "uptime": "2026-02-21T10:00:00Z",
         "versionInfo": {"branch": "", "buildDate": "", "buildUser": "", "goVersion": "", "revision": "torq-monitor", "version": "0.25.0"}}
        """#)
    static let notes: [String: FieldNote] = [
        "cluster": "There is none: processes share a database.", "config": "What is told to whom.", "uptime": "When the process started.",
        "versionInfo": "Of the API that it speaks.",
    ]
}

extension AlertmanagerStatus.Cluster: Described {
    static let schemaName = "AlertmanagerCluster"
    static let about = "Alertmanager's cluster, of which there is none."
    static let example = AlertmanagerStatus.Cluster(status: "disabled")
    static let notes: [String: FieldNote] = [
        "peers": "There are none.", "status": .words("Always `disabled`.", ["ready", "settling", "disabled"]),
    ]
}

extension AlertmanagerStatus.Cluster.Peer: Described {
    static let schemaName = "AlertmanagerPeer"
    static let about = "A process of Alertmanager's cluster, of which there is none."
    static let example = AlertmanagerStatus.Cluster.Peer(address: "127.0.0.1:9094", name: "a")
    static let notes: [String: FieldNote] = ["address": "Where it is.", "name": "What it is called."]
}

extension AlertmanagerStatus.Config: Described {
    static let schemaName = "AlertmanagerConfig"
    static let about = "What is told to whom."
    static let example = AlertmanagerStatus.Config(original: "route:\n  receiver: 'oncall'\n")
    static let notes: [String: FieldNote] = ["original": "The routes as Alertmanager's YAML, without secrets."]
}

extension AlertmanagerStatus.Version: Described {
    static let schemaName = "AlertmanagerVersion"
    static let about = "Of the API that it speaks."
    static let example = AlertmanagerStatus.Version(
        branch: "", buildDate: "", buildUser: "", goVersion: "", revision: "torq-monitor", version: "0.25.0")
    static let notes: [String: FieldNote] = [
        "branch": "Empty.", "buildDate": "Empty.", "buildUser": "Empty.", "goVersion": "Empty.", "revision": "Who answers.",
        "version": "Alertmanager's version whose API this is.",
    ]
}

extension RelayAnswer: Described {
    static let schemaName = "RelayReport"
    static let about = "What a webhook came to."
    static let example = RelayAnswer(alerts: 1, opened: 1, reopened: 0, resolved: 0)
    static let notes: [String: FieldNote] = [
        "alerts": .count("That it told of."), "opened": .count("New ones."), "reopened": .count("Those that came back."),
        "resolved": .count("Those that are over."),
    ]
}

/// POST /api/v2/silences.
struct AlertmanagerSilenceID: Codable, Sendable, Hashable {
    var silenceID: String
}

/// POST /relay/{name}.
struct RelayAnswer: Codable, Sendable, Hashable {
    var alerts: Int
    var opened: Int
    var reopened: Int
    var resolved: Int
}

/// Names and texts.
private func labelSet(longest: Int) -> Schema {
    Schema([
        "type": "object", "maxProperties": .integer(Int64(IncomingAlert.mostLabels)),
        "propertyNames": .object(["pattern": .string("^[A-Za-z_][A-Za-z0-9_]{0,\(IncomingAlert.longestName - 1)}$")]),
        "additionalProperties": Schema.keptText.with(["maxLength": .integer(Int64(longest))]).json,
    ])
}

extension PostableAlert {
    static let schema: Schema = .array(
        of: Schema([
            "type": "object", "required": .array(["labels"]),
            "properties": .object([
                // Not all of them empty: such a label counts as none.
                "labels": labelSet(longest: IncomingAlert.longestLabel).with([
                    "minProperties": 1, "not": .object(["additionalProperties": .object(["const": ""])]),
                ]).json, "annotations": labelSet(longest: IncomingAlert.longestAnnotation).orNull.json, "startsAt": moment.json,
                "endsAt": moment.json,
                "generatorURL": Schema.keptText.with(["maxLength": .integer(Int64(IncomingAlert.longestURL))]).orNull.json,
            ]),
        ])
    ).with(["maxItems": .integer(Int64(RelayBody.mostAlerts))])

    /// Go writes the first of its years where it has no time.
    private static let moment = Schema([
        "anyOf": .array([Schema.nearTime.json, .object(["enum": .array(["", "0001-01-01T00:00:00Z", .null])])])
    ])

    static let example: JSONValue = .array([
        .object([
            "labels": .object(["alertname": "HighLatency", "severity": "page", "instance": "checkout-1"]),
            "annotations": .object(["summary": "p99 of checkout is 4 s"]), "startsAt": "2026-02-21T10:35:00Z",
            "generatorURL": "http://prometheus.example.com/graph?g0.expr=up",
        ])
    ])
}

extension PostableSilence {
    static let schema = Schema([
        "type": "object", "required": .array(["matchers", "startsAt", "endsAt", "createdBy", "comment"]),
        "properties": .object([
            "id": Schema(["anyOf": .array([Schema.uuid.json, .object(["enum": .array(["", .null])])])]).json,
            "createdBy": Schema.text.json, "comment": Schema.text.json, "startsAt": Schema.nearTime.json,
            "endsAt": Schema.nearTime.json,
            "matchers": Schema.array(
                of: Schema([
                    "type": "object", "required": .array(["name", "value"]),
                    "properties": .object([
                        "name": Schema.text.with(["pattern": "^[A-Za-z_][A-Za-z0-9_]*$"]).json,
                        "value": Schema.keptText.with(["maxLength": 4000]).json, "isRegex": Schema.flag.json, "isEqual": Schema.flag.json,
                    ]), "if": .object(["properties": .object(["isRegex": .object(["const": true])]), "required": .array(["isRegex"])]),
                    "then": .object(["properties": .object(["value": .object(["format": "regex"])])]),
                ])
            ).with(["minItems": 1, "maxItems": 50]).json,
        ]),
    ])

    static let example: JSONValue = .object([
        "matchers": .array([.object(["name": "alertname", "value": "HighLatency", "isRegex": false, "isEqual": true])]),
        "startsAt": "2026-02-21T10:00:00Z", "endsAt": "2026-02-21T11:00:00Z", "createdBy": "Ana", "comment": "deploy",
    ])
}
