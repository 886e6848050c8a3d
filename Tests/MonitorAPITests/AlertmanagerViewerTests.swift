import Foundation
import Monitoring
import Notifications
import TestSupport
import Testing

@testable import MonitorAPI

/// What amtool, karma and Grafana do with Alertmanager's API, answered as Alertmanager answers it.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct AlertmanagerViewerTests {
    private static func silence(
        _ matchers: String, from start: String = "2026-03-10T11:00:00Z", until end: String = "2026-03-10T13:00:00Z", id: String? = nil
    ) -> String {
        let id = id.map { "\"id\": \"\($0)\", " } ?? ""
        return
            "{\(id)\"matchers\": [\(matchers)], \"startsAt\": \"\(start)\", \"endsAt\": \"\(end)\", \"createdBy\": \"Ana\", \"comment\": \"deploy\"}"
    }

    private static func matcher(_ name: String, _ value: String, isRegex: Bool = false, isEqual: Bool = true) -> String {
        "{\"name\": \"\(name)\", \"value\": \"\(value)\", \"isRegex\": \(isRegex), \"isEqual\": \(isEqual)}"
    }

    private static func keep(_ body: String, _ listener: Listener) async throws -> String {
        let answer = try await listener.post("/api/v2/silences", body)
        #expect(answer.status == 200, "\(answer.text)")
        return try #require(try JSONValue(parsing: answer.text)["silenceID"]?.string)
    }

    @Test(
        "a silence that would cover everything, or none, is refused, as Alertmanager refuses it",
        arguments: [
            (silence(matcher("typo", "")), "matchers"), (silence(matcher("typo", ".*", isRegex: true)), "matchers"),
            (silence(matcher("a", "", isRegex: true) + "," + matcher("c", "x?", isRegex: true)), "matchers"), (silence(""), "matchers"),
            (silence(matcher("a", "(", isRegex: true)), "matchers"), (silence("{\"value\": \"x\"}"), "it has no name in matchers"),
            (silence(matcher("a", "b"), until: "2026-03-10T11:59:59Z"), "endsAt"),
            (silence(matcher("a", "b"), from: "2026-03-10T14:00:00Z"), "endsAt"),
            (silence(matcher("a", "b"), until: "soon"), "endsAt"),
        ])
    func refusals(body: String, words: String) async throws {
        try await withListener(fixture: false) { listener in
            let answer = try await listener.post("/api/v2/silences", body, headers: [(name: "Accept", value: "application/json")])
            let told = try JSONValue(parsing: answer.text).string ?? ""
            #expect(answer.status == 400 && told.contains(words) && !told.contains("Alert 0"), "\(answer.status) \(answer.text)")
            #expect(try await listener.value("SELECT count(*) FROM monitoring_silences") == "0")
        }
    }

    @Test(
        "what is not so is enough for a silence, as it is for Alertmanager",
        arguments: [
            matcher("team", "infra", isEqual: false), matcher("team", "in.*", isRegex: true, isEqual: false),
            matcher("team", "infra", isEqual: false) + "," + matcher("zone", "x?", isRegex: true),
        ])
    func negativeSilences(matchers: String) async throws {
        try await withListener(fixture: false) { listener in
            _ = try await Self.keep(Self.silence(matchers), listener)
            let labels = [#"{"alertname": "A", "team": "infra"}"#, #"{"alertname": "B"}"#]
            #expect(
                try await listener.post("/api/v2/alerts", "[\(labels.map { "{\"labels\": \($0)}" }.joined(separator: ","))]").status == 200)
            let alerts = try JSONValue(parsing: try await listener.send("GET", "/api/v2/alerts?silenced=false").text).array ?? []
            #expect(alerts.compactMap { $0["labels"]?["alertname"]?.string } == ["A"])
        }
    }

    @Test(
        "times without a zone or seconds are UTC and full minutes in silences, as in Alertmanager",
        arguments: [
            ("2026-03-10T13:00:00", "2026-03-10T13:00:00Z"), ("2026-03-10T13:00:00.250", "2026-03-10T13:00:00.250Z"),
            ("2026-03-10T13:00Z", "2026-03-10T13:00:00Z"), ("2026-03-10T13:00", "2026-03-10T13:00:00Z"),
            ("2026-03-10T13:00:00,5Z", "2026-03-10T13:00:00.500Z"),
        ])
    func silencesOfPlainTimes(text: String, shown: String) async throws {
        try await withListener(fixture: false) { listener in
            let id = try await Self.keep(Self.silence(Self.matcher("a", "b"), from: "2026-03-10T11:00", until: text), listener)
            let silence = try JSONValue(parsing: try await listener.send("GET", "/api/v2/silence/\(id)").text)
            #expect(silence["endsAt"]?.string == shown)
        }
    }

    @Test("groups of a receiver are its own, though their alerts are told to others as well")
    func groupsOfAReceiver() async throws {
        var extras = ListenerExtras()
        extras.relay.notifications = try NotificationConfiguration(
            receivers: [try Receiver(name: "infra", kind: .log), try Receiver(name: "web", kind: .log)],
            routes: [
                Route(
                    matchers: [try Matcher("team=infra")], receivers: ["infra"], continues: true,
                    grouping: try Grouping(by: ["severity"], wait: .zero, interval: .seconds(1))),
                Route(matchers: [try Matcher("team=infra")], receivers: ["web"]),
            ], defaultReceivers: [])
        try await withListener(fixture: false, extras: extras) { listener in
            let labels = [#"{"alertname": "A", "team": "infra"}"#, #"{"alertname": "B", "team": "infra", "severity": "page"}"#]
            #expect(
                try await listener.post("/api/v2/alerts", "[\(labels.map { "{\"labels\": \($0)}" }.joined(separator: ","))]").status == 200)
            func groups(_ query: String) async throws -> [JSONValue] {
                try JSONValue(parsing: try await listener.send("GET", "/api/v2/alerts/groups\(query)").text).array ?? []
            }
            func receivers(_ groups: [JSONValue]) -> [String] { groups.compactMap { $0["receiver"]?["name"]?.string }.sorted() }
            #expect(try await receivers(groups("")) == ["infra", "infra", "web", "web"])
            #expect(try await receivers(groups("?receiver=web")) == ["web", "web"])
            let infra = try await groups("?receiver=in.*")
            #expect(receivers(infra) == ["infra", "infra"])
            // Alerts that name no severity are a group that has none.
            #expect(Set(infra.compactMap { $0["labels"] }) == [.object([:]), .object(["severity": "page"])])
            #expect(infra.first?["alerts"]?.array?.first?["receivers"]?.array?.count == 2)
        }
    }

    @Test("long lists of instances, and an end in twenty years, are silences like others")
    func longSilences() async throws {
        try await withListener(fixture: false) { listener in
            let hosts = (0..<80).map { "host\($0).example.com:9100" }.joined(separator: "|")
            _ = try await Self.keep(Self.silence(Self.matcher("instance", hosts, isRegex: true), until: "2046-03-10T12:00:00Z"), listener)
            #expect(try await listener.post("/api/v2/alerts", #"[{"labels": {"instance": "host79.example.com:9100"}}]"#).status == 200)
            let alert = try JSONValue(parsing: try await listener.send("GET", "/api/v2/alerts").text).array?.first
            #expect(alert?["status"]?["state"] == "suppressed")
        }
    }

    @Test("one that holds and is moved to the future holds no longer; one that is changed otherwise stays itself")
    func moved() async throws {
        try await withListener(fixture: false) { listener in
            let matchers = Self.matcher("team", "infra")
            let first = try await Self.keep(Self.silence(matchers), listener)
            func shown(_ id: String) async throws -> JSONValue {
                try JSONValue(parsing: try await listener.send("GET", "/api/v2/silence/\(id)").text)
            }
            #expect(try await shown(first)["updatedAt"] == "2026-03-10T12:00:00Z")
            try await listener.run("UPDATE monitoring_silences SET created_at = '2026-03-10T11:00:00Z'")
            #expect(try await Self.keep(Self.silence(matchers, until: "2026-03-10T14:00:00Z", id: first), listener) == first)
            let longer = try await shown(first)
            #expect(longer["endsAt"] == "2026-03-10T14:00:00Z" && longer["updatedAt"] == "2026-03-10T12:00:00Z", "\(longer)")

            let later = try await Self.keep(
                Self.silence(matchers, from: "2026-03-10T13:30:00Z", until: "2026-03-10T14:00:00Z", id: first), listener)
            #expect(later != first)
            #expect(try await shown(first)["status"]?["state"] == "expired")
            #expect(try await shown(later)["status"]?["state"] == "pending")
            // What has not begun is moved as it is.
            let evenLater = Self.silence(matchers, from: "2026-03-10T13:40:00Z", until: "2026-03-10T14:00:00Z", id: later)
            #expect(try await Self.keep(evenLater, listener) == later)
        }
    }

    @Test(
        "a filter of silences asks for one of their matchers",
        arguments: [
            ("alertname=%22High%22", [0]), ("alertname!=%22High%22", [1]), ("alertname=~%22High.*%22", [2]), ("alertname=High.*", []),
            ("team=%22infra%22", [0, 2]), ("team=infra&filter=alertname=High", [0]), ("zone=%22%22", []), ("a=%22x%5Cny%22", [3]),
        ])
    func filters(filter: String, places: [Int]) async throws {
        try await withListener(fixture: false) { listener in
            let team = Self.matcher("team", "infra")
            var ids: [String] = []
            for matchers in [
                Self.matcher("alertname", "High") + "," + team,
                Self.matcher("alertname", "High", isEqual: false) + "," + Self.matcher("b", "c"),
                Self.matcher("alertname", "High.*", isRegex: true) + "," + team, Self.matcher("a", "x\\ny"),
            ] { ids.append(try await Self.keep(Self.silence(matchers), listener)) }
            let found = try JSONValue(parsing: try await listener.send("GET", "/api/v2/silences?filter=\(filter)").text).array ?? []
            #expect(Set(found.compactMap { $0["id"]?.string }) == Set(places.map { ids[$0] }))
        }
    }

    @Test("parameters of other versions say nothing, and words for yes and no are Alertmanager's")
    func parameters() async throws {
        try await withListener(fixture: false) { listener in
            #expect(try await listener.post("/api/v2/alerts", #"[{"labels": {"alertname": "DiskFull"}}]"#).status == 200)
            for (query, count) in [
                ("ruleMetadata=true&accesscontrol=true", 1), ("active=", 1), ("active=1&receiver=", 1),
                ("active=False", 0), ("active=maybe", 0),
            ] {
                let answer = try await listener.send("GET", "/api/v2/alerts?\(query)")
                let alerts = try JSONValue(parsing: answer.text).array
                #expect(answer.status == 200 && alerts?.count == count, "\(query): \(answer.text)")
            }
            for path in ["/api/v2/silences?ruleMetadata=true&accesscontrol=true", "/api/v2/alerts/groups?unprocessed=false"] {
                #expect(try await listener.send("GET", path).status == 200, "\(path)")
            }
            #expect(try await listener.send("GET", "/api/v2/alerts?filter=%3D").status == 400)
            // Ours are as strict as they were.
            #expect(try await listener.send("GET", "/api/monitor/alerts?foo=bar").status == 400)
        }
    }

    @Test("what is told to nobody is shown with nobody, what is snoozed is not active, and who inhibits is named by fingerprint")
    func standings() async throws {
        var extras = ListenerExtras()
        extras.relay.notifications = try NotificationConfiguration(
            receivers: [try Receiver(name: "infra", kind: .log)],
            routes: [Route(matchers: [try Matcher("team=infra")], receivers: ["infra"])], defaultReceivers: [],
            inhibitRules: [try InhibitRule(source: [try Matcher("alertname=NodeDown")], target: [try Matcher("alertname=DiskFull")])])
        try await withListener(fixture: false, extras: extras) { listener in
            for labels in [#"{"alertname": "NodeDown", "team": "infra"}"#, #"{"alertname": "DiskFull"}"#, #"{"alertname": "Slow"}"#] {
                #expect(try await listener.post("/api/v2/alerts", "[{\"labels\": \(labels)}]").status == 200)
            }
            func alert(_ name: String) async throws -> JSONValue? {
                try JSONValue(parsing: try await listener.send("GET", "/api/v2/alerts?filter=alertname%3D\(name)").text).array?.first
            }
            let down = try await alert("NodeDown")
            #expect(try await alert("DiskFull")?["status"]?["inhibitedBy"] == .array([try #require(down?["fingerprint"])]))
            // And whoever looks at its page sees why nobody is told.
            func page(_ name: String) async throws -> String {
                let id = try await listener.value("SELECT id FROM monitoring_alerts WHERE labels ->> 'alertname' = '\(name)'")
                return try await listener.send("GET", "/alerts/\(id ?? "")").text
            }
            let source = try await listener.value("SELECT id FROM monitoring_alerts WHERE labels ->> 'alertname' = 'NodeDown'")
            let link = "<a href=\"\(source ?? "")\" data-key=\"quiet\">NodeDown</a>"
            #expect(try await page("DiskFull").contains("another alert stands: \(link)"))
            #expect(try await page("Slow").contains("No route leads from it to a receiver at this time."))
            #expect(try await !page("NodeDown").contains("No route leads"))
            _ = try await Self.keep(Self.silence(Self.matcher("alertname", "NodeDown")), listener)
            #expect(try await page("NodeDown").contains("A silence by Ana keeps it quiet until"))
            try await listener.run("DELETE FROM monitoring_silences")
            #expect(try await alert("Slow")?["receivers"] == .array([.object(["name": "nobody"])]))
            let groups = try JSONValue(parsing: try await listener.send("GET", "/api/v2/alerts/groups").text).array ?? []
            #expect(groups.compactMap { $0["receiver"]?["name"]?.string }.sorted() == ["infra", "nobody", "nobody"])
            let receivers = try JSONValue(parsing: try await listener.send("GET", "/api/v2/receivers").text)
            #expect(receivers == .array([.object(["name": "infra"]), .object(["name": "nobody"])]))

            let id = try #require(
                try await listener.value("SELECT id FROM monitoring_alerts WHERE labels ->> 'alertname' = 'Slow'"))
            #expect(try await listener.post("/api/monitor/alerts/\(id)/snooze", #"{"minutes": 60}"#).status == 200)
            let answer = try await listener.send("GET", "/api/v2/alerts?silenced=false&inhibited=false")
            let active = try JSONValue(parsing: answer.text).array ?? []
            #expect(active.compactMap { $0["labels"]?["alertname"]?.string } == ["NodeDown"])
        }
    }
}
