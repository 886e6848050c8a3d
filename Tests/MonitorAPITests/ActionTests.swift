import Foundation
import MonitorAPI
import TestSupport
import Testing

/// What people do through the API.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct ActionTests {
    @Test("acknowledging twice is 200, with the first one's name")
    func acknowledge() async throws {
        try await withListener { listener in
            let path = "/api/monitor/alerts/\(Fixture.alert)/acknowledge"
            let first = try await listener.post(
                path, #"{"acknowledged_by": " Ana ", "note": "Looking\ninto it", "alert_id": "\#(Fixture.alert)"}"#)
            #expect(first.status == 200)
            #expect(first.text.contains(#""acknowledged_at":"2026-03-10T12:00:00Z","acknowledged_by":"Ana""#))
            #expect(first.text.contains(#""status":"acknowledged""#))
            let second = try await listener.post(path, #"{"acknowledged_by": "Ben"}"#)
            #expect(second.status == 200)
            #expect(second.text == first.text)
            let listed = try await listener.send("GET", "/api/monitor/alerts?status=acknowledged")
            #expect(
                listed.text
                    == #"{"alerts":[\#(first.text)],"filtered_by":{"status":"acknowledged","threshold":"medium"},"next_cursor":null,"total_count":1}"#
            )
            #expect(
                try await listener.value(
                    "SELECT string_agg(actor || '/' || credential || '/' || note, ',') FROM monitoring_alert_transitions WHERE transition = 'acknowledged'"
                )
                    == "Ana/local/Looking\ninto it")
        }
    }

    @Test("without a name the actor is api; what has no name of its own acts as its token")
    func actors() async throws {
        try await withListener { listener in
            let answer = try await listener.post("/api/monitor/alerts/\(Fixture.alert)/acknowledge")
            #expect(answer.text.contains(#""acknowledged_by":"api""#))
        }
        let token = try ListenerTokenFixture.token("oncall", .write)
        try await withListener(tokens: [token]) { listener in
            let answer = try await listener.post(
                "/api/monitor/alerts/\(Fixture.alert)/acknowledge", headers: [(name: "Authorization", value: "Bearer secret-of-oncall")])
            #expect(answer.text.contains(#""acknowledged_by":"oncall""#))
            #expect(
                try await listener.value("SELECT credential FROM monitoring_alert_transitions WHERE transition = 'acknowledged'")
                    == "oncall")
        }
    }

    @Test("the whole life by hand, and a transition that is forbidden names both states")
    func life() async throws {
        try await withListener { listener in
            let path = "/api/monitor/alerts/\(Fixture.alert)"
            let steps = [
                ("snooze", #"{"minutes": 30, "actor": "Ana"}"#, #""snoozed_until":"2026-03-10T12:30:00Z","status":"open""#),
                ("acknowledge", "", #""status":"acknowledged""#), ("unacknowledge", "", #""status":"open""#),
                ("ignore", #"{"actor": "Ana", "note": "known"}"#, #""status":"ignored""#), ("reopen", "", #""status":"open""#),
                (
                    "resolve", #"{"resolved_by": "Ana", "note": "fixed"}"#,
                    #""resolution_note":"fixed","resolved_at":"2026-03-10T12:00:00Z","resolved_by":"Ana""#
                ),
                ("resolve", #"{"acknowledged_by": "Ben"}"#, #""resolved_by":"Ana""#),
            ]
            for (action, body, expected) in steps {
                let answer = try await listener.post("\(path)/\(action)", body)
                #expect(answer.status == 200, "\(action): \(answer.text)")
                #expect(answer.text.contains(expected), "\(action): \(answer.text)")
            }
            let refused = try await listener.post("\(path)/acknowledge")
            #expect(refused.status == 409)
            #expect(
                refused.text == """
                    {"action":"acknowledge","detail":"Cannot acknowledge an alert that is resolved: from resolved to acknowledged is no allowed \
                    transition.","from":"resolved","status":409,"title":"The alert cannot do that from where it stands","to":"acknowledged",\
                    "type":"urn:torq-monitor:problem:transition-forbidden"}
                    """)
        }
    }

    @Test("silences are added, listed and ended")
    func silences() async throws {
        try await withListener { listener in
            let added = try await listener.post(
                "/api/monitor/silences", #"{"matchers": ["severity>=high"], "minutes": 60, "created_by": "Ana", "comment": "deploy"}"#)
            #expect(added.status == 201)
            let id = try #require(try await listener.value("SELECT id FROM monitoring_silences"))
            let silence = """
                {"comment":"deploy","created_at":"2026-03-10T12:00:00Z","created_by":"Ana","ends_at":"2026-03-10T13:00:00Z","id":"\(id)",\
                "matchers":["severity>=high"],"starts_at":"2026-03-10T12:00:00Z","state":"active"}
                """
            #expect(added.text == silence)
            #expect(
                try await listener.send("GET", "/api/monitor/silences").text == #"{"count":1,"next_cursor":null,"silences":[\#(silence)]}"#)
            let ended = try await listener.send("DELETE", "/api/monitor/silences/\(id)")
            #expect(ended.status == 200)
            #expect(ended.text.contains(#""ends_at":"2026-03-10T12:00:00Z""#) && ended.text.contains(#""state":"expired""#))
            #expect(try await listener.send("GET", "/api/monitor/silences").text == #"{"count":0,"next_cursor":null,"silences":[]}"#)
            #expect(try await listener.send("DELETE", "/api/monitor/silences/\(Fixture.absent)").status == 404)
        }
    }

    @Test("a new normal is accepted, and ends the alerts that it explains")
    func acceptBaseline() async throws {
        let token = try ListenerTokenFixture.token("oncall", .write)
        let bearer = [(name: "Authorization", value: "Bearer secret-of-oncall")]
        try await withListener(tokens: [token]) { listener in
            let accepted = try await listener.post(
                "/api/monitor/baseline", #"{"reason": "the new model", "accepted_by": "Ana", "from": "2026-03-10T11:00:00Z"}"#,
                headers: bearer)
            #expect(accepted.status == 200)
            #expect(
                accepted.text.hasPrefix(
                    #"{"accepted_by":"Ana","accepted_from":"2026-03-10T11:00:00Z","accepted_reason":"the new model","baseline_end_date":"#),
                "\(accepted.text)")
            #expect(try await listener.send("GET", "/api/monitor/baseline", headers: bearer).text == accepted.text)
            let ended = try await listener.send("GET", "/api/monitor/alerts/\(Fixture.alert)", headers: bearer)
            #expect(ended.text.contains(#""resolved_by":"Ana""#))
            #expect(
                ended.text.contains(#""note":"Accepted as the new normal from 2026-03-10 11:00 UTC by Ana: the new model""#),
                "\(ended.text)")
            #expect(
                try await listener.value("SELECT concat_ws('/', action, subject, actor, credential, reason) FROM monitoring_audit")
                    == "accept_baseline/7day_rolling/Ana/oncall/the new model")
            let other = try await listener.post(
                "/api/monitor/baseline", #"{"reason": "trial", "accepted_by": "Ana", "baseline_name": "trial"}"#, headers: bearer)
            #expect(other.text.contains(#""accepted_from":"2026-03-10T12:00:00Z""#) && other.text.contains(#""baseline_name":"trial""#))
        }
    }

    @Test(
        "a new normal needs a reason, a name, and an hour that can be",
        arguments: [
            ("", "reason"), (#"{"accepted_by": "Ana"}"#, "reason"), (#"{"reason": "r"}"#, "accepted_by"),
            (#"{"reason": " ", "accepted_by": "Ana"}"#, "reason"), (#"{"reason": "r", "accepted_by": "Ana", "since": "x"}"#, "since"),
            (#"{"reason": "r", "accepted_by": "Ana", "from": "yesterday"}"#, "from"),
            (#"{"reason": "r", "accepted_by": "Ana", "from": "2026-03-10T13:00:00Z"}"#, "whole UTC hour"),
            (#"{"reason": "r", "accepted_by": "Ana", "from": "2026-03-10T10:30:00Z"}"#, "whole UTC hour"),
        ])
    func baselineRefused(body: String, words: String) async throws {
        try await withListener { listener in
            let answer = try await listener.post("/api/monitor/baseline", body)
            #expect(answer.status == (words == "whole UTC hour" ? 409 : 400) && answer.text.contains(words), "\(answer.text)")
            #expect(try await listener.value("SELECT count(*) FROM monitoring_audit") == "0")
        }
    }

    @Test("a token that may only read accepts nothing")
    func baselineNeedsWrite() async throws {
        try await withListener(tokens: [try ListenerTokenFixture.token("board", .read)]) { listener in
            let answer = try await listener.post(
                "/api/monitor/baseline", #"{"reason": "r", "accepted_by": "Ana"}"#,
                headers: [(name: "Authorization", value: "Bearer secret-of-board")])
            #expect(answer.status == 403)
        }
    }
}
