import Foundation
import MonitorAPI
import Monitoring
import Notifications
import TestSupport
import Testing

/// The outbox and the receivers through the API.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct NotificationTests {
    private static let told = "10000000-0000-4000-8000-000000000001"

    @Test("notifications are listed newest first, filtered, and paged without gap or repetition")
    func list() async throws {
        try await withListener { listener in
            try await listener.run(GroupFixture.sql(7, status: "dead"))
            let all = try await Page(listener, "")
            #expect(all.notifications.count == 8 && all.nextCursor == nil)
            #expect(all.notifications.first?.id == Self.told)
            #expect(all.notifications.dropFirst().map(\.id) == (1...7).reversed().map(GroupFixture.notification))
            #expect(try await Page(listener, "?status=dead&receiver=oncall").notifications.count == 7)
            #expect(try await Page(listener, "?receiver=other").notifications.isEmpty)
            var seen: [String] = []
            var cursor: String?
            repeat {
                let page = try await Page(listener, "?limit=3" + (cursor.map { "&cursor=\($0)" } ?? ""))
                seen += page.notifications.map(\.id)
                cursor = page.nextCursor
            } while cursor != nil
            #expect(seen == all.notifications.map(\.id))
        }
    }

    @Test("notifications of one moment are paged by their id")
    func pagingWithinOneMoment() async throws {
        try await withListener { listener in
            try await listener.run(GroupFixture.sql(7) + "UPDATE monitoring_notifications SET created_at = '2026-03-10T11:00Z'")
            let first = try await Page(listener, "?limit=5")
            let second = try await Page(listener, "?limit=5&cursor=\(try #require(first.nextCursor))")
            #expect(Set((first.notifications + second.notifications).map(\.id)).count == 8)
        }
    }

    @Test("one notification is told with all that its message tells of, and the message's attempts")
    func show() async throws {
        try await withListener { listener in
            try await listener.run(GroupFixture.sql(3))
            let answer = try await listener.send("GET", "/api/monitor/notifications/\(GroupFixture.notification(2))")
            #expect(answer.status == 200)
            let member = """
                {"alert_id":"\(GroupFixture.alert(2))","attempts":1,"cause":"transition","created_at":"2026-03-10T11:00:00.002Z",\
                "delivered_at":null,"due_at":"2026-03-10T11:00:00Z","id":"\(GroupFixture.notification(2))","last_error":null,\
                "message_id":"\(GroupFixture.message)","receiver":"oncall","sequence":1,"severity":"medium","status":"delivered",\
                "superseded_by":null,"transition":"opened"}
                """
            #expect(answer.text.contains(#""notification":"# + member), "\(answer.text)")
            #expect(answer.text.matches(of: /"alert_id":/).count == 4)
            #expect(answer.text.contains(#""attempts":[{"answer":"said","attempt":1,"#))
            let story = try await listener.send("GET", "/api/monitor/alerts/\(GroupFixture.alert(3))")
            #expect(story.text.contains(#""notifications":[{"attempts":[{"attempt":1,"http_status":200,"#), "\(story.text)")
            let page = try await listener.send("GET", "/alerts/\(GroupFixture.alert(3))")
            #expect(page.text.contains(#"<span class="muted">1.</span> 11:00 UTC, delivered"#), "\(page.text)")
        }
    }

    @Test("retry and drop act on the whole message, once, and not on what is settled")
    func changes() async throws {
        try await withListener { listener in
            try await listener.run(GroupFixture.sql(3, status: "dead"))
            let path = "/api/monitor/notifications/\(GroupFixture.notification(2))"
            let retried = try await listener.post(path + "/retry")
            #expect(retried.status == 200)
            #expect(retried.text.hasPrefix(#"{"changed":true,"count":3,"notification":{"#) && retried.text.contains(#""status":"pending""#))
            let pending = "SELECT count(*) FROM monitoring_notifications WHERE status = 'pending' AND due_at > now() - interval '1 minute'"
            #expect(try await listener.value(pending) == "3")
            let dropped = try await listener.post(path + "/drop", "{}")
            #expect(dropped.text.hasPrefix(#"{"changed":true,"count":3,"#))
            #expect(try await listener.value("SELECT count(*) FROM monitoring_notifications WHERE status = 'dropped'") == "3")
            let again = try await listener.post(path + "/drop")
            #expect(again.status == 200 && again.text.hasPrefix(#"{"changed":false,"count":0,"#))
            for action in ["retry", "drop"] {
                let settled = try await listener.post("/api/monitor/notifications/\(Self.told)/\(action)")
                #expect(settled.status == 409)
                #expect(settled.text.contains("urn:torq-monitor:problem:notification-settled") && settled.text.contains("delivered"))
                #expect(try await listener.post("/api/monitor/notifications/\(Fixture.absent)/\(action)").status == 404)
            }
            try await listener.run("UPDATE monitoring_notifications SET status = 'sending' WHERE message_id IS NOT NULL")
            #expect(try await listener.post(path + "/drop").status == 409)
            #expect(try await listener.post(path + "/retry").status == 200)
        }
    }

    @Test("receivers are listed with what is known of them, and no address")
    func receivers() async throws {
        let kinds: [String: ReceiverKind] = ["oncall": .slack, "audit": .webhook, "hook": .webhook, "slow": .webhook, "new": .log]
        try await withListener(extras: ListenerExtras(receivers: kinds)) { listener in
            try await listener.run(
                """
                INSERT INTO monitoring_receivers
                    (receiver, endpoint, paused_until, disabled_at, disabled_reason, openings, delivered_at) VALUES
                ('oncall', 'digest', '2026-03-10T11:59Z', NULL, NULL, 0, '2026-03-10T11:30:02Z'),
                ('audit', 'digest', '2026-03-10T13:00Z', '2026-03-10T11:00Z', 'gone', 0, NULL),
                ('hook', 'digest', '2026-03-10T12:05Z', NULL, NULL, 2, NULL),
                ('slow', 'digest', '2026-03-10T12:01Z', NULL, NULL, 0, NULL);
                """ + GroupFixture.sql(3, status: "dead")
                    + """
                    INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, severity, status, due_at)
                    VALUES ('\(Fixture.alert)', 'old', 'transition', 1, 'low', 'pending', '2026-03-10T11:50Z');
                    """)
            let answer = try await listener.send("GET", "/api/monitor/receivers")
            #expect(
                answer.text == """
                    {"count":6,"receivers":[\
                    {"dead":0,"disabled_at":"2026-03-10T11:00:00Z","disabled_reason":"gone","kind":"webhook","last_delivered_at":null,"name":"audit",\
                    "oldest_due_at":null,"openings":0,"paused_until":"2026-03-10T13:00:00Z","state":"disabled","waiting":0},\
                    {"dead":0,"disabled_at":null,"disabled_reason":null,"kind":"webhook","last_delivered_at":null,"name":"hook",\
                    "oldest_due_at":null,"openings":2,"paused_until":"2026-03-10T12:05:00Z","state":"breaker_open","waiting":0},\
                    {"dead":0,"disabled_at":null,"disabled_reason":null,"kind":"log","last_delivered_at":null,"name":"new",\
                    "oldest_due_at":null,"openings":0,"paused_until":null,"state":"ok","waiting":0},\
                    {"dead":0,"disabled_at":null,"disabled_reason":null,"kind":null,"last_delivered_at":null,"name":"old",\
                    "oldest_due_at":"2026-03-10T11:50:00Z","openings":0,"paused_until":null,"state":"undefined","waiting":1},\
                    {"dead":3,"disabled_at":null,"disabled_reason":null,"kind":"slack","last_delivered_at":"2026-03-10T11:30:02Z","name":"oncall",\
                    "oldest_due_at":null,"openings":0,"paused_until":null,"state":"ok","waiting":0},\
                    {"dead":0,"disabled_at":null,"disabled_reason":null,"kind":"webhook","last_delivered_at":null,"name":"slow",\
                    "oldest_due_at":null,"openings":0,"paused_until":"2026-03-10T12:01:00Z","state":"paused","waiting":0}]}
                    """, "\(answer.text)")
        }
    }

    @Test("a receiver that works again is given all it missed, or the present state")
    func replay() async throws {
        try await withListener(extras: ListenerExtras(receivers: ["oncall": .slack])) { listener in
            try await listener.run(
                GroupFixture.sql(3, status: "dead") + "UPDATE monitoring_notifications SET created_at = now() - interval '2 days'")
            let path = "/api/monitor/receivers/oncall/replay"
            let narrow = try await listener.post(path, #"{"what": "all", "days": 1}"#)
            #expect(narrow.text == #"{"remaining":0,"replayed":0,"superseded":0}"#)
            let all = try await listener.post(path, #"{"what": "all"}"#)
            #expect(all.status == 200 && all.text == #"{"remaining":0,"replayed":3,"superseded":0}"#, "\(all.text)")
            try await listener.run("UPDATE monitoring_notifications SET status = 'dead' WHERE status = 'pending'")
            let present = try await listener.post(path, #"{"what": "present"}"#)
            #expect(present.text == #"{"remaining":0,"replayed":3,"superseded":0}"#)
            for (body, detail) in [
                ("{}", "The field what must be all or present."), (#"{"what": "some"}"#, "The field what must be all or present."),
                (#"{"what": "all", "days": 91}"#, "The field days must be a whole number from 1 to 90."),
                (#"{"what": "all", "limit": 1}"#, "There is no field limit here; what, days are allowed."),
            ] {
                let refused = try await listener.post(path, body)
                #expect(refused.status == 400 && refused.text.contains(detail), "\(refused.text)")
            }
            #expect(try await listener.post("/api/monitor/receivers/nobody/replay", #"{"what": "all"}"#).status == 404)
        }
    }

    @Test("a receiver is tested by whoever sends; unknown ones are 404, and a process that sends nothing says so")
    func test() async throws {
        let kinds: [String: ReceiverKind] = ["oncall": .slack]
        try await withListener(extras: ListenerExtras(receivers: kinds, testReceiver: { try .fixture($0) })) { listener in
            let answer = try await listener.post("/api/monitor/receivers/oncall/test")
            #expect(answer.status == 200 && answer.text.contains(#""delivered":true,"first_byte_ms":null,"http_status":200"#))
            #expect(try await listener.post("/api/monitor/receivers/nobody/test").status == 404)
            let field = try await listener.post("/api/monitor/receivers/oncall/test", #"{"text": "x"}"#)
            #expect(field.status == 400 && field.text.contains("There is no field text here; none are allowed."))
        }
        try await withListener(extras: ListenerExtras(receivers: kinds)) { listener in
            let answer = try await listener.post("/api/monitor/receivers/oncall/test")
            #expect(answer.status == 503 && answer.text.contains("This process sends no messages"))
            #expect(try await listener.post("/api/monitor/receivers/nobody/test").status == 404)
        }
    }

    @Test("faulty parameters are 400 with what is allowed")
    func refusals() async throws {
        try await withListener(fixture: false) { listener in
            for (query, detail) in [
                ("status=lost", "status is \\\"lost\\\"; allowed is pending, sending, delivered, superseded, dead or dropped."),
                ("limit=1001", "limit is \\\"1001\\\"; allowed is a whole number from 1 to 1000."),
                ("receiver=", "receiver is empty; allowed is a text of 1 to 48 characters."),
                ("cursor=7", "cursor is \\\"7\\\"; allowed is the next_cursor of an answer."),
                ("page=2", "There is no parameter page here; status, receiver, limit, cursor are allowed."),
            ] {
                let answer = try await listener.send("GET", "/api/monitor/notifications?\(query)")
                #expect(answer.status == 400 && answer.text.contains(detail), "\(answer.text)")
            }
            #expect(try await listener.send("GET", "/api/monitor/notifications/7").status == 400)
            #expect(try await listener.send("GET", "/api/monitor/notifications/\(Fixture.absent)").status == 404)
        }
    }

    @Test("a token that may only read changes nothing; one without reading sees nothing")
    func scopes() async throws {
        let tokens = [try ListenerTokenFixture.token("board", .read), try ListenerTokenFixture.token("feed", .ingest)]
        try await withListener(tokens: tokens, extras: ListenerExtras(receivers: ["oncall": .slack])) { listener in
            try await listener.run(GroupFixture.sql(2, status: "dead"))
            let board = [(name: "Authorization", value: "Bearer secret-of-board")]
            let feed = [(name: "Authorization", value: "Bearer secret-of-feed")]
            let id = GroupFixture.notification(1)
            for path in ["notifications", "notifications/\(id)", "receivers"] {
                #expect(try await listener.send("GET", "/api/monitor/\(path)").status == 401)
                #expect(try await listener.send("GET", "/api/monitor/\(path)", headers: feed).status == 403)
                #expect(try await listener.send("GET", "/api/monitor/\(path)", headers: board).status == 200)
            }
            for path in ["notifications/\(id)/retry", "notifications/\(id)/drop", "receivers/oncall/replay", "receivers/oncall/test"] {
                #expect(try await listener.post("/api/monitor/\(path)").status == 401)
                #expect(try await listener.post("/api/monitor/\(path)", #"{"what": "all"}"#, headers: board).status == 403)
            }
            #expect(try await listener.value("SELECT count(*) FROM monitoring_notifications WHERE status = 'dead'") == "2")
        }
    }
}

/// A page of notifications.
private struct Page: Decodable {
    struct Row: Decodable {
        var id: String
    }

    var notifications: [Row]
    var nextCursor: String?

    enum CodingKeys: String, CodingKey {
        case notifications
        case nextCursor = "next_cursor"
    }

    init(_ listener: Listener, _ query: String) async throws {
        let answer = try await listener.send("GET", "/api/monitor/notifications\(query)")
        try #require(answer.status == 200, "\(answer.text)")
        self = try JSONDecoder().decode(Page.self, from: Data(answer.text.utf8))
    }
}

extension ReceiverTestOutcome {
    /// That of a receiver which took the message.
    static func fixture(_ receiver: String) throws -> ReceiverTestOutcome {
        let text = """
            {"receiver": "\(receiver)", "type": "slack", "delivered": true, "started_at": "2026-03-10T12:00:00Z", "http_status": 200,
             "template_failed": false}
            """
        return try MonitoringJSON.decode(ReceiverTestOutcome.self, from: text.utf8)
    }
}
