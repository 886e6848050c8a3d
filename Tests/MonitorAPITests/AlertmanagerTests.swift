import Foundation
import Monitoring
import Notifications
import TestSupport
import Testing

@testable import MonitorAPI

/// Alertmanager's API, version 2, as Prometheus and its viewers use it.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct AlertmanagerTests {
    static let latency =
        #"{"labels": {"alertname": "HighLatency", "severity": "page", "instance": "a"}, "annotations": {"summary": "p99 is 4 s", "description": "p99 of checkout is 4 s", "runbook_url": "https://runbooks.example/latency"}, "generatorURL": "http://prometheus.example/graph"}"#

    static func ended(_ alert: String) -> String { "[\(alert.dropLast()), \"endsAt\": \"2026-03-10T11:59:00Z\"}]" }

    @Test("an alert that is posted is an alert like any other: opened, shown, acknowledged, over")
    func life() async throws {
        try await withListener(fixture: false) { listener in
            let posted = try await listener.post("/api/v2/alerts", "[\(Self.latency)]")
            #expect(posted.status == 200 && posted.text == "", "\(posted.text)")
            let list = try JSONValue(parsing: try await listener.send("GET", "/api/monitor/alerts?threshold=low").text)
            let alert = try #require(list["alerts"]?.array?.first)
            #expect(alert["labels"] == .object(["alertname": "HighLatency", "severity": "page", "instance": "a"]))
            #expect(alert["severity"] == "critical" && alert["origin"] == "alertmanager" && alert["status"] == "open")
            #expect(alert["summary"] == "p99 of checkout is 4 s" && alert["generator_url"] == "http://prometheus.example/graph")
            let id = try #require(alert["id"]?.string)
            let page = try await listener.send("GET", "/alerts/\(id)").text
            #expect(
                page.contains("<h1>HighLatency</h1>") && page.contains("p99 of checkout is 4 s")
                    && page.contains("<dt>instance</dt><dd>a</dd>"))
            #expect(
                page.contains(#"href="http:&#x2F;&#x2F;prometheus.example&#x2F;graph""#)
                    || page.contains(#"href="http://prometheus.example/graph""#))
            #expect(page.contains(">What to do about it</a>") && page.contains("runbooks.example") && page.contains("What its source says"))
            let hostile = Self.latency.replacing("https://runbooks.example/latency", with: "javascript:alert(1)")
            #expect(try await listener.post("/api/v2/alerts", "[\(hostile)]").status == 200)
            #expect(try await !listener.send("GET", "/alerts/\(id)").text.contains(">What to do about it</a>"))
            #expect(try await listener.post("/api/v2/alerts", "[\(Self.latency)]").status == 200)
            let home = try await listener.send("GET", "/").text
            #expect(home.contains("HighLatency") && home.contains("instance=a severity=page"))

            let acknowledged = try await listener.post("/api/monitor/alerts/\(id)/acknowledge", #"{"acknowledged_by": "Ana"}"#)
            #expect(acknowledged.status == 200, "\(acknowledged.text)")
            #expect(try await listener.post("/api/v2/alerts", "[\(Self.latency)]").status == 200)
            #expect(try await listener.value("SELECT status FROM monitoring_alerts") == "acknowledged")
            #expect(try await listener.post("/api/v2/alerts", Self.ended(Self.latency)).status == 200)
            let steps = "SELECT string_agg(transition || ' by ' || actor, ', ' ORDER BY sequence) FROM monitoring_alert_transitions"
            #expect(try await listener.value(steps) == "opened by alertmanager, acknowledged by Ana, resolved by alertmanager")
            #expect(try await listener.value("SELECT count(*) FROM monitoring_relayed_alerts") == "0")
            // It comes back, within a day.
            #expect(try await listener.post("/api/v2/alerts", "[\(Self.latency)]").status == 200)
            #expect(try await listener.value("SELECT string_agg(status, ',') FROM monitoring_alerts") == "open")
            #expect(try await listener.value("SELECT max(transition) FROM monitoring_alert_transitions WHERE sequence = 4") == "reopened")
        }
    }

    @Test("what its source says at the end is shown; where it says only that it is over, what it said before")
    func lastWords() async throws {
        let last = Self.latency.replacing("p99 of checkout is 4 s", with: "fixed by robin").replacing("/graph", with: "/end")
        let labels = #"{"labels": {"alertname": "HighLatency", "severity": "page", "instance": "a"}}"#
        let words = "SELECT concat_ws(' ', status, summary, annotations ->> 'description', generator_url) FROM monitoring_alerts"
        try await withListener(fixture: false) { listener in
            for (end, said) in [
                (last, "resolved fixed by robin fixed by robin http://prometheus.example/end"),
                (labels, "resolved p99 of checkout is 4 s p99 of checkout is 4 s http://prometheus.example/graph"),
            ] {
                let statuses = [
                    try await listener.post("/api/v2/alerts", "[\(Self.latency)]").status,
                    try await listener.post("/api/v2/alerts", Self.ended(end)).status,
                ]
                #expect(statuses == [200, 200])
                #expect(try await listener.value(words) == said)
            }
        }
    }

    @Test("an end that is named at last holds, sooner than silence would have ended it; silence shortens none that was named")
    func namedEnd() async throws {
        try await withListener(fixture: false) { listener in
            let repository = RelayedAlertRepository(client: listener.database.client)
            func ending(_ alert: String, at time: String) -> String { "[\(alert.dropLast()), \"endsAt\": \"2026-03-10T\(time)Z\"}]" }
            let reworded = Self.latency.replacing("p99 is 4 s", with: "p99 is 5 s")
            for named in [Self.latency, reworded] {
                _ = try await listener.post("/api/v2/alerts", "[\(Self.latency)]")
                _ = try await listener.post("/api/v2/alerts", ending(named, at: "12:01:00"))
                _ = try await listener.post("/api/v2/alerts", ending(named, at: "12:00:30"))
                #expect(try await repository.endSilent(at: Listener.now.addingTimeInterval(59)) == 0)
                #expect(try await repository.endSilent(at: Listener.now.addingTimeInterval(61)) == 1)
            }
            _ = try await listener.post("/api/v2/alerts", ending(Self.latency, at: "13:00:00"))
            _ = try await listener.post("/api/v2/alerts", "[\(Self.latency)]")
            #expect(try await repository.endSilent(at: Listener.now.addingTimeInterval(301)) == 0)
        }
    }

    @Test("what is said again changes nothing, what is said otherwise is shown")
    func repeats() async throws {
        try await withListener(fixture: false) { listener in
            for _ in 0..<3 {
                let answer = try await listener.post("/api/v2/alerts", "[\(Self.latency), \(Self.latency)]")
                #expect(answer.status == 200, "\(answer.text)")
            }
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alert_transitions") == "1")
            let reworded = Self.latency.replacing("p99 is 4 s", with: "p99 is 5 s")
            #expect(try await listener.post("/api/v2/alerts", "[\(reworded)]").status == 200)
            #expect(try await listener.value("SELECT annotations ->> 'summary' FROM monitoring_alerts") == "p99 is 5 s")
            #expect(try await listener.value("SELECT context_data ->> 'headline' FROM monitoring_alerts") == "HighLatency: p99 is 5 s")
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alert_transitions") == "1")
            // Empty labels are none.
            let padded = Self.latency.replacing(#""instance": "a""#, with: #""instance": "a", "zone": """#)
            #expect(try await listener.post("/api/v2/alerts", "[\(padded)]").status == 200)
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alerts") == "1")
        }
    }

    @Test("one that is resolved by hand while its source goes on stays so until that is over")
    func byHand() async throws {
        try await withListener(fixture: false) { listener in
            _ = try await listener.post("/api/v2/alerts", "[\(Self.latency)]")
            let id = try #require(try await listener.value("SELECT id FROM monitoring_alerts"))
            #expect(try await listener.post("/api/monitor/alerts/\(id)/resolve", #"{"note": "known"}"#).status == 200)
            _ = try await listener.post("/api/v2/alerts", "[\(Self.latency)]")
            #expect(try await listener.value("SELECT string_agg(status, ',') FROM monitoring_alerts") == "resolved")
            _ = try await listener.post("/api/v2/alerts", Self.ended(Self.latency))
            _ = try await listener.post("/api/v2/alerts", "[\(Self.latency)]")
            #expect(try await listener.value("SELECT string_agg(status, ',') FROM monitoring_alerts") == "open")
            // And one that a person reopened is joined, not doubled.
            _ = try await listener.post("/api/v2/alerts", Self.ended(Self.latency))
            #expect(try await listener.post("/api/monitor/alerts/\(id)/reopen", "{}").status == 200)
            _ = try await listener.post("/api/v2/alerts", "[\(Self.latency)]")
            #expect(try await listener.value("SELECT string_agg(status, ',') FROM monitoring_alerts") == "open")
        }
    }

    @Test("one that is not seen again is over after its time")
    func silence() async throws {
        try await withListener(fixture: false) { listener in
            let long = Self.latency.dropLast() + #", "endsAt": "2026-03-10T13:00:00Z"}"#
            let other = Self.latency.replacing("HighLatency", with: "DiskFull")
            _ = try await listener.post("/api/v2/alerts", "[\(long), \(other)]")
            let repository = RelayedAlertRepository(client: listener.database.client)
            #expect(try await repository.endSilent(at: Listener.now.addingTimeInterval(299)) == 0)
            #expect(try await repository.endSilent(at: Listener.now.addingTimeInterval(301)) == 1)
            #expect(
                try await listener.value("SELECT labels ->> 'alertname' FROM monitoring_alerts WHERE status = 'resolved'") == "DiskFull")
            #expect(try await repository.endSilent(at: Listener.now.addingTimeInterval(3601)) == 1)
        }
    }

    @Test("names are written as they always were, and none keeps its alert out")
    func names() async throws {
        try await withListener(fixture: false) { listener in
            let alert = #"[{"labels": {"service.name": "cart", "0 Zone": "b"}, "annotations": {"Dashboard URL": "https://d"}}]"#
            let answer = try await listener.post("/api/v2/alerts", alert)
            #expect(answer.status == 200)
            #expect(try await listener.value("SELECT labels::text FROM monitoring_alerts") == #"{"_0_Zone": "b", "service_name": "cart"}"#)
            #expect(try await listener.value("SELECT annotations::text FROM monitoring_alerts") == #"{"Dashboard_URL": "https://d"}"#)
            let silence = #"""
                {"matchers": [{"name": "service.name", "value": "cart", "isRegex": false, "isEqual": true}], "createdBy": "ana", "comment": "x",
                 "startsAt": "2026-03-10T11:00:00Z", "endsAt": "2026-03-10T18:00:00Z"}
                """#
            let silenced = try await listener.post("/api/v2/silences", silence)
            #expect(silenced.status == 200, "\(silenced.text)")
            #expect(try await listener.value("SELECT matchers[1] FROM monitoring_silences") == #"service_name="cart""#)
        }
    }

    @Test("evaluations leave alerts from elsewhere alone")
    func evaluations() async throws {
        try await withListener(fixture: false) { listener in
            let named = Self.latency.replacing("HighLatency", with: "error_rate")
            _ = try await listener.post("/api/v2/alerts", "[\(named)]")
            try await listener.run(
                "SELECT monitoring_apply_evaluation('2026-03-10T12:00Z'), monitoring_apply_evaluation('2026-03-14T12:00Z')")
            #expect(try await listener.value("SELECT string_agg(status, ',') FROM monitoring_alerts") == "open")
        }
    }

    @Test(
        "a faulty alert is named by its place, and keeps out none that is not",
        arguments: [
            (#"[{"labels": {"a": "b"}}, {"labels": {}}]"#, 1, "has no label with a value; the other was taken.", "1"),
            (
                #"[{"labels": {}}, {"labels": {"a": "b"}}, {"labels": {"c": ""}}, {"labels": {"d": "e"}}]"#, 0,
                "has no label with a value, and 1 more are faulty; the other 2 were taken.", "2"
            ),
            (#"[{"labels": {"a": ""}}]"#, 0, "has no label with a value; none was taken.", "0"),
            (#"[{"labels": {"a-b": "c", "a_b": "c"}}]"#, 0, "has two labels that are written 'a_b' here", "0"),
            (#"[{"labels": {"": "c"}}]"#, 0, "has a name of 0 bytes on a label", "0"),
            (#"[{"labels": {"a": "b"}, "endsAt": "soon"}]"#, 0, "endsAt", "0"), (#"[{"labels": {"a": "b\u0000"}}]"#, 0, "NUL", "0"),
            (#"[{"labels": {"a": "b"}, "startsAt": "2026-03-10T12:00:00Z", "endsAt": "2026-03-10T11:00:00Z"}]"#, 0, "ends before", "0"),
            // What is none of it cannot be told apart.
            (#"[{"labels": {"a": "b"}}, {"labels": {"a": 1}}]"#, 1, "labels.a", "0"),
            (#"[{"labels": {"a": "b"}}, {"annotations": {}}]"#, 1, "has no labels", "0"),
        ])
    func faults(body: String, index: Int, reason: String, taken: String) async throws {
        try await withListener(fixture: false) { listener in
            let answer = try await listener.post("/api/v2/alerts", body)
            let problem = try JSONValue(parsing: answer.text)
            #expect(answer.status == 400 && problem["index"]?.integer == index, "\(answer.text)")
            #expect(problem["detail"]?.string?.contains(reason) == true, "\(answer.text)")
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alerts") == taken)
        }
    }

    /// What Alertmanager takes, which Python's `isoformat()` and others write.
    @Test(
        "a time without a zone is UTC, one without seconds a full minute, and a comma is a point",
        arguments: [
            ("2026-11-30T12:00:00", 0), ("2026-11-30T12:00:00.250000", 0.25), ("2026-11-30T12:00Z", 0), ("2026-11-30T12:00", 0),
            ("2026-11-30T12:00:00,5Z", 0.5), ("2026-11-30T12:00:00,5", 0.5), ("2026-11-30T13:00:00.500+01:00", 0.5),
        ])
    func plainTimes(text: String, seconds: Double) throws {
        #expect(try RelayBody.time(text, "startsAt") == Date(timeIntervalSince1970: 1_796_040_000 + seconds))
    }

    @Test(
        "what is no time is none without a zone either",
        arguments: [
            "2026-11-30", "2026-11-30T12", "2026-11-30T12:00:00.", "2026-11-30T25:00", "2026-11-30T12:60", "2026-11-30T12:0", "noon", "T",
            "Z",
        ])
    func noTimes(text: String) {
        #expect(throws: IncomingAlert.Fault.self) { try RelayBody.time(text, "startsAt") }
    }

    /// Prometheus drops an alert that is refused.
    @Test("an annotation that is too long is cut, at a character; the alert is taken")
    func longAnnotation() throws {
        let long = String(repeating: "é", count: 40_000)
        let alert = try IncomingAlert(labels: ["alertname": "Long"], annotations: ["a": long, "b": "short"]).checked()
        let kept = try #require(alert.annotations["a"])
        #expect(kept.utf8.count <= IncomingAlert.longestAnnotation && kept.utf8.count > IncomingAlert.longestAnnotation - 4)
        #expect(kept.hasSuffix("é…") && long.hasPrefix(kept.dropLast()) && alert.annotations["b"] == "short")
    }

    @Test("times far away are taken for the nearest that can be")
    func farTimes() async throws {
        try await withListener(fixture: false) { listener in
            let body = #"[{"labels": {"a": "b"}, "startsAt": "1820-01-01T00:00:00Z", "endsAt": "9999-12-31T23:59:59Z"}]"#
            #expect(try await listener.post("/api/v2/alerts", body).status == 200)
            let shown = try JSONValue(parsing: try await listener.send("GET", "/api/v2/alerts").text).array?.first
            #expect(shown?["startsAt"] == "1970-01-01T00:00:00Z" && shown?["endsAt"] == "2100-01-01T00:00:00Z")
        }
    }

    @Test("of two ends that are said of an alert the later one holds; what is over by what was said is not shown")
    func ends() async throws {
        try await withListener(fixture: false) { listener in
            func post(_ end: String, _ words: String = "p99 is 4 s") async throws {
                let alert = Self.latency.replacing("p99 is 4 s", with: words)
                let answer = try await listener.post("/api/v2/alerts", "[\(alert.dropLast()), \"endsAt\": \"\(end)\"}]")
                #expect(answer.status == 200)
            }
            func end() async throws -> JSONValue? {
                try JSONValue(parsing: try await listener.send("GET", "/api/v2/alerts").text).array?.first?["endsAt"]
            }
            try await post("2026-03-10T12:05:00Z")
            try await post("2026-03-10T12:02:00Z")
            #expect(try await end() == "2026-03-10T12:05:00Z")
            try await post("2026-03-10T12:02:00Z", "p99 is 5 s")
            #expect(try await end() == "2026-03-10T12:05:00Z")
            try await post("2026-03-10T12:09:00Z")
            #expect(try await end() == "2026-03-10T12:09:00Z")
            try await listener.run("UPDATE monitoring_relayed_alerts SET ends_at = '2026-03-10T12:00:00Z'")
            #expect(try await end() == nil)
        }
    }

    @Test("what is beyond the room for alerts is refused whole, with a time to come again")
    func room() async throws {
        var extras = ListenerExtras()
        extras.relay.maximumAlerts = 100
        try await withListener(fixture: false, extras: extras) { listener in
            func alerts(_ range: Range<Int>) -> String {
                "[" + range.map { #"{"labels": {"alertname": "A\#($0)"}}"# }.joined(separator: ",") + "]"
            }
            let first = try await listener.post("/api/v2/alerts", alerts(0..<90))
            #expect(first.status == 200, "\(first.text)")
            let refused = try await listener.post("/api/v2/alerts", alerts(80..<120))
            #expect(refused.status == 429 && refused.header("Retry-After") == "60", "\(refused.text)")
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alerts") == "90")
            #expect(try await listener.post("/api/v2/alerts", alerts(0..<100)).status == 200)
        }
    }

    @Test("ten thousand alerts in one request are taken, and one of them is found")
    func many() async throws {
        try await withListener(fixture: false) { listener in
            let body = (0..<10_000).map {
                #"{"labels": {"alertname": "A\#($0)", "severity": "warning", "instance": "host-\#($0 % 100)"}, "annotations": {"summary": "it is \#($0)"}}"#
            }
            #expect(try await listener.post("/api/v2/alerts", "[\(body.joined(separator: ","))]").status == 200)
            #expect(try await listener.value("SELECT count(*) FROM monitoring_relayed_alerts") == "10000")
            let found = try JSONValue(parsing: try await listener.send("GET", "/api/v2/alerts?filter=alertname%3D%22A4711%22").text)
            #expect(found.array?.count == 1 && found.array?.first?["labels"]?["instance"] == "host-11")
        }
    }

    @Test("alerts are shown as Alertmanager shows them, ours among them, and filtered by any label")
    func shown() async throws {
        var extras = ListenerExtras()
        extras.relay.notifications = try NotificationConfiguration(
            receivers: [try Receiver(name: "oncall", kind: .log), try Receiver(name: "infra", kind: .log)],
            routes: [
                Route(
                    matchers: [try Matcher("team=infra")], receivers: ["infra"],
                    grouping: try Grouping(by: ["alertname"], wait: .zero, interval: .seconds(60)))
            ], defaultReceivers: ["oncall"],
            inhibitRules: [
                try InhibitRule(
                    source: [try Matcher("alertname=NodeDown")], target: [try Matcher("alertname=DiskFull")], equal: ["instance"])
            ])
        try await withListener(extras: extras) { listener in
            let alerts = [
                Self.latency, #"{"labels": {"alertname": "NodeDown", "instance": "b", "team": "infra"}}"#,
                #"{"labels": {"alertname": "DiskFull", "instance": "b", "team": "infra"}}"#,
            ]
            #expect(try await listener.post("/api/v2/alerts", "[\(alerts.joined(separator: ","))]").status == 200)
            let silence =
                #"{"matchers": [{"name": "alertname", "value": "High.*", "isRegex": true}], "startsAt": "2026-03-10T11:00:00Z", "endsAt": "2026-03-10T13:00:00Z", "createdBy": "Ana", "comment": "deploy"}"#
            let made = try await listener.post("/api/v2/silences", silence)
            #expect(made.status == 200, "\(made.text)")
            let silenceID = try #require(try JSONValue(parsing: made.text)["silenceID"]?.string)
            func names(_ query: String) async throws -> [String] {
                let answer = try await listener.send("GET", "/api/v2/alerts?\(query)")
                return (try JSONValue(parsing: answer.text).array ?? []).compactMap { $0["labels"]?["alertname"]?.string }.sorted()
            }
            #expect(try await names("") == ["DiskFull", "HighLatency", "NodeDown", "fallback_spike", "latency_spike"])
            #expect(try await names("silenced=false") == ["DiskFull", "NodeDown", "fallback_spike", "latency_spike"])
            #expect(try await names("inhibited=false&silenced=false") == ["NodeDown", "fallback_spike", "latency_spike"])
            #expect(try await names("active=false") == ["DiskFull", "HighLatency"])
            #expect(try await names("receiver=infra") == ["DiskFull", "NodeDown"])
            #expect(try await names("receiver=in.*") == ["DiskFull", "NodeDown"])
            #expect(try await names("filter=instance%3D%22b%22&filter=alertname!~%22Disk.*%22") == ["NodeDown"])
            #expect(try await names("filter=severity%3D%22page%22") == ["HighLatency"])
            #expect(try await names("filter=alertname%3D%22fallback_spike%22") == ["fallback_spike"])
            let latency = try #require(
                try JSONValue(parsing: try await listener.send("GET", "/api/v2/alerts?filter=alertname%3DHighLatency").text).array?.first)
            #expect(latency["status"]?["silencedBy"] == .array([.string(silenceID)]) && latency["status"]?["state"] == "suppressed")
            #expect(latency["endsAt"] == "2026-03-10T12:05:00Z" && latency["receivers"] == .array([.object(["name": "oncall"])]))
            // As Prometheus makes it of these labels.
            #expect(latency["fingerprint"]?.string?.count == 16)

            let groups =
                try JSONValue(parsing: try await listener.send("GET", "/api/v2/alerts/groups?filter=team%3Dinfra").text).array ?? []
            #expect(groups.count == 2 && groups.allSatisfy { $0["receiver"]?["name"] == "infra" }, "\(groups)")
            #expect(Set(groups.compactMap { $0["labels"]?["alertname"]?.string }) == ["DiskFull", "NodeDown"])
            let receivers = try JSONValue(parsing: try await listener.send("GET", "/api/v2/receivers").text)
            #expect(receivers == .array([.object(["name": "infra"]), .object(["name": "oncall"])]))
            let status = try JSONValue(parsing: try await listener.send("GET", "/api/v2/status").text)
            #expect(status["config"]?["original"]?.string?.contains("receiver: 'oncall'") == true)

            // The silence is one of ours.
            let own = try JSONValue(parsing: try await listener.send("GET", "/api/monitor/silences").text)
            #expect(own["silences"]?.array?.first?["matchers"] == .array([#"alertname=~"High.*""#]))
            let changed = silence.replacing("{\"matchers\"", with: "{\"id\": \"\(silenceID)\", \"matchers\"").replacing(
                "deploy", with: "longer")
            let kept = try JSONValue(parsing: try await listener.post("/api/v2/silences", changed).text)
            #expect(kept["silenceID"]?.string == silenceID)
            let other = changed.replacing("High.*", with: "Disk.*")
            let second = try JSONValue(parsing: try await listener.post("/api/v2/silences", other).text)["silenceID"]?.string
            #expect(second != silenceID)
            let listed = try JSONValue(parsing: try await listener.send("GET", "/api/v2/silences").text).array ?? []
            #expect(Set(listed.compactMap { $0["status"]?["state"]?.string }) == ["active", "expired"] && listed.count == 2)
            #expect(try await listener.send("DELETE", "/api/v2/silence/\(second ?? "")").status == 200)
            let ended = try JSONValue(parsing: try await listener.send("GET", "/api/v2/silence/\(second ?? "")").text)
            #expect(ended["status"]?["state"] == "expired")
        }
    }

    @Test("a token that may only bring alerts in does nothing else")
    func ingest() async throws {
        let tokens = [try ListenerTokenFixture.token("prometheus", .ingest), try ListenerTokenFixture.token("board", .read)]
        try await withListener(tokens: tokens, fixture: false) { listener in
            func header(_ name: String) -> [(name: String, value: String)] { [(name: "Authorization", value: "Bearer secret-of-\(name)")] }
            let brought = try await listener.post("/api/v2/alerts", "[\(Self.latency)]", headers: header("prometheus"))
            #expect(brought.status == 200, "\(brought.text)")
            #expect(try await listener.post("/api/v2/alerts", "[\(Self.latency)]", headers: header("board")).status == 403)
            #expect(try await listener.post("/api/v2/alerts", "[\(Self.latency)]").status == 401)
            #expect(try await listener.send("GET", "/api/v2/alerts", headers: header("prometheus")).status == 403)
            #expect(try await listener.send("GET", "/api/v2/alerts", headers: header("board")).status == 200)
            #expect(try await listener.value("SELECT credential FROM monitoring_alert_transitions") == "prometheus")
        }
    }

    @Test("long labels are shown whole")
    func longLabels() async throws {
        try await withListener(fixture: false) { listener in
            let long = String(repeating: "y", count: 1500)
            let body = (0..<3).map { #"{"labels": {"alertname": "Long", "v": "\#(long)\#($0)"}}"# }
            #expect(try await listener.post("/api/v2/alerts", "[\(body.joined(separator: ","))]").status == 200)
            let shown = try JSONValue(parsing: try await listener.send("GET", "/api/v2/alerts").text).array ?? []
            #expect(Set(shown.compactMap { $0["labels"]?["v"]?.string }) == Set((0..<3).map { "\(long)\($0)" }))
            #expect(Set(shown.compactMap { $0["fingerprint"]?.string }).count == 3)
        }
    }

    /// A pattern that is read may still take long with many alerts: others are served meanwhile, and it comes to an end.
    @Test("a filter that takes long is given up, and keeps nobody waiting")
    func heavyFilter() async throws {
        try await withListener(fixture: false) { listener in
            let value = String(repeating: "a", count: 1000)
            let body = (0..<400).map { #"{"labels": {"alertname": "Heavy", "n": "\#($0)", "v": "\#(value)"}}"# }
            #expect(try await listener.post("/api/v2/alerts", "[\(body.joined(separator: ","))]").status == 200)
            let filter = "filter=v%3D~%22" + "(a*)%7B100%7D(a*)%7B100%7D(a*)%7B100%7Db" + "%22"
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<3 { group.addTask { try await listener.send("GET", "/api/v2/alerts?\(filter)").status } }
                #expect(try await listener.send("GET", "/health").status == 200)
                for try await status in group { #expect(status == 400) }
            }
        }
    }

    @Test("one alert and twenty heavy filters keep nobody waiting either, and more than twenty are refused")
    func heavyFilters() async throws {
        try await withListener(fixture: false) { listener in
            let value = String(repeating: "ab", count: 1000)
            #expect(try await listener.post("/api/v2/alerts", #"[{"labels": {"alertname": "Heavy", "v": "\#(value)"}}]"#).status == 200)
            let filter = "filter=v!~((.%7C.%7C.)*)%7B90%7Dc"
            func ask(_ path: String, _ count: Int) async throws -> Int {
                try await listener.send("GET", path + "?" + Array(repeating: filter, count: count).joined(separator: "&")).status
            }
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<2 { group.addTask { try await ask("/api/v2/alerts", 20) } }
                #expect(try await listener.send("GET", "/health").status == 200)
                for try await status in group { #expect(status == 200 || status == 400) }
            }
            for path in ["/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/silences"] { #expect(try await ask(path, 21) == 400) }
        }
    }

    @Test("an alert that is larger than lists can bear is refused")
    func fatAlert() async throws {
        try await withListener(fixture: false) { listener in
            let annotations = (0..<10).map { #""a\#($0)": "\#(String(repeating: "x", count: 14_000))""# }.joined(separator: ",")
            let answer = try await listener.post("/api/v2/alerts", #"[{"labels": {"alertname": "Fat"}, "annotations": {\#(annotations)}}]"#)
            #expect(answer.status == 400 && answer.text.contains("Alert 0 has more than 128 KB"), "\(answer.text.prefix(300))")
        }
    }

    @Test("fingerprints are Prometheus's")
    func fingerprints() {
        #expect(AlertmanagerAlert.fingerprint(of: [:]) == "cbf29ce484222325")
    }

    @Test("a client that takes JSON alone is told what is wrong in JSON, as Alertmanager does")
    func plainErrors() async throws {
        try await withListener(fixture: false) { listener in
            let answer = try await listener.post("/api/v2/alerts", "[{}]", headers: [(name: "Accept", value: "application/json")])
            #expect(answer.status == 400 && answer.header("Content-Type") == "application/json")
            let words = try JSONValue(parsing: answer.text)
            #expect(words.string?.contains("Alert 0 has no labels") == true, "\(answer.text)")
        }
    }
}
