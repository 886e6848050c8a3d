import Foundation
import MonitorAPI
import Notifications
import TestSupport
import Testing

/// Links to all alerts that a message told of.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct GroupLinkTests {
    @Test("the page lists the alerts as they stand, the worst first, each with a link of its own, and one button")
    func looking() async throws {
        try await withListener { listener in
            try await listener.run(GroupFixture.sql(40))
            let path = try listener.groupLink(.acknowledge)
            let before = try await listener.state()
            for method in ["GET", "HEAD", "OPTIONS"] {
                #expect(try await listener.send(method, path).status == (method == "OPTIONS" ? 204 : 200))
            }
            let page = try await listener.send("GET", path)
            #expect(try await listener.state() == before)
            #expect(page.text.contains("<h1>Error spike of model model-1 and 39 more</h1>"))
            #expect(page.text.contains("<span>40 open</span>"))
            #expect(page.text.matches(of: /<button/).count == 1)
            #expect(page.text.contains(">Acknowledge all 40</button>"))
            #expect(!page.text.contains("<script") && !page.text.contains("style="))
            let links = page.text.matches(of: /<a href="([A-Za-z0-9_-]+)">/).map { String($0.1) }
            try #require(links.count == 40)
            let first = try listener.signer.verify(links[0], at: Listener.now)
            let worst = try #require(UUID(uuidString: GroupFixture.alert(1)))
            #expect(first.action == .open && first.subject == .alert(worst))
            #expect(try await listener.send("GET", "/a/\(links[7])").text.contains("model-8"))
        }
    }

    @Test("alerts of one name from elsewhere are told apart by their labels, and have no figure")
    func relayed() async throws {
        try await withListener { listener in
            try await listener.run(
                GroupFixture.sql(3)
                    + """
                    UPDATE monitoring_alerts SET alert_type = 'relayed', metric_name = 'relayed', current_value = NULL, origin = 'prometheus',
                        labels = jsonb_build_object('alertname', 'HighLatency', 'instance', slice_value, 'job', 'checkout')
                    WHERE fingerprint ~ '^g'
                    """)
            let page = try await listener.send("GET", try listener.groupLink(.open)).text
            for number in 1...3 { #expect(page.contains(">instance=model-\(number) job=checkout</p>"), "\(page)") }
            #expect(!page.contains("–"))
        }
    }

    @Test("POST does it to each for which it is allowed, says what happened to how many, and does nothing twice")
    func acting() async throws {
        try await withListener { listener in
            try await listener.run(GroupFixture.sql(40))
            #expect(
                try await listener.post("/api/monitor/alerts/\(GroupFixture.alert(2))/acknowledge", #"{"acknowledged_by": "Ben"}"#).status
                    == 200)
            for number in [3, 4] {
                #expect(try await listener.post("/api/monitor/alerts/\(GroupFixture.alert(number))/resolve").status == 200)
            }
            let path = try listener.groupLink(.acknowledge)
            #expect(try await listener.send("GET", path).text.contains(">Acknowledge 37 of 40</button>"))
            let first = try await listener.submit(path, "name=Ana&note=mine")
            #expect(first.status == 200)
            #expect(first.text.contains("<h2>Acknowledged 37. They are yours, Ana.</h2>"), "\(first.text)")
            #expect(first.text.contains("<p>1 was already acknowledged by Ben.</p><p>2 were already resolved.</p>"))
            #expect(!first.text.contains("<button") && first.text.contains("38 acknowledged, 2 resolved"))
            #expect(
                try await listener.value(
                    """
                    SELECT count(*) FROM monitoring_alert_transitions
                    WHERE transition = 'acknowledged' AND actor = 'Ana' AND credential = 'link:oncall' AND note = 'mine'
                    """) == "37")
            let state = try await listener.state()
            let second = try await listener.submit(path, "name=Eve")
            #expect(second.status == 200)
            #expect(second.text.contains("<h2>Nothing was changed.</h2>"))
            #expect(second.text.contains("<p>37 were already acknowledged by Ana.</p><p>1 was already acknowledged by Ben.</p>"))
            #expect(try await listener.state() == state)
            let done = try await listener.submit(try listener.groupLink(.resolve), "")
            #expect(done.text.contains("<h2>Resolved 38. Thank you.</h2>") && done.text.contains("<p>2 were already resolved.</p>"))
            let late = try await listener.send("GET", path)
            #expect(late.text.contains("<h2>There is nothing left to do here.</h2><p>40 were already resolved.</p>"))
            #expect(try await listener.submit(path, "name=Ana").status == 409)
        }
    }

    @Test("what fails with one alert undoes no other, and the button can be pressed again")
    func oneFails() async throws {
        try await withListener { listener in
            try await listener.run(GroupFixture.sql(5))
            try await listener.run(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
                CREATE TRIGGER refuse BEFORE UPDATE ON monitoring_alerts FOR EACH ROW WHEN (OLD.fingerprint = 'g4') EXECUTE FUNCTION refuse();
                """)
            let path = try listener.groupLink(.acknowledge)
            let answer = try await listener.submit(path, "name=Ana")
            #expect(answer.status == 200)
            #expect(answer.text.contains("<h2>Acknowledged 4. They are yours, Ana.</h2>"), "\(answer.text)")
            #expect(answer.text.contains("1 could not be changed. Press the button again."))
            #expect(answer.text.contains(">Acknowledge 1 of 5</button>"))
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alerts WHERE status = 'acknowledged'") == "4")
            try await listener.run("DROP TRIGGER refuse ON monitoring_alerts")
            let again = try await listener.submit(path, "name=Ana")
            #expect(again.text.contains("<h2>Acknowledged 1. It is yours, Ana.</h2>"))
            #expect(again.text.contains("<p>4 were already acknowledged by Ana.</p>"))
        }
    }

    @Test("500 at a time, those that need somebody first")
    func bounds() async throws {
        try await withListener { listener in
            try await listener.run(GroupFixture.sql(510))
            let path = try listener.groupLink(.acknowledge)
            let page = try await listener.send("GET", path)
            #expect(page.text.matches(of: /<li class=/).count == 500)
            #expect(page.text.contains(">Acknowledge 500 of 510</button>"))
            #expect(page.text.contains("500 of 510 are shown: those that need somebody, and the worst."))
            #expect(try await listener.submit(path, "name=Ana").text.contains("<h2>Acknowledged all 500. They are yours, Ana.</h2>"))
            #expect(try await listener.submit(path, "name=Ana").text.contains("<h2>Acknowledged 10. They are yours, Ana.</h2>"))
            #expect(
                try await listener.value("SELECT count(*) FROM monitoring_alerts WHERE fingerprint ~ '^g' AND status <> 'acknowledged'")
                    == "0")
        }
    }

    @Test("a message that told of one alert shows that alert; one that is gone is said to be; an open link has no button")
    func edges() async throws {
        try await withListener { listener in
            #expect(try await listener.send("GET", try listener.groupLink(.open)).status == 404)
            #expect(try await listener.submit(try listener.groupLink(.acknowledge), "").status == 404)
            try await listener.run(GroupFixture.sql(1))
            let page = try await listener.send("GET", try listener.groupLink(.acknowledge))
            #expect(page.text.contains("<h2 id=\"do\">Acknowledge this alert</h2>"))
            try await listener.run("DELETE FROM monitoring_alerts WHERE fingerprint ~ '^g'; " + GroupFixture.sql(3))
            let open = try await listener.send("GET", try listener.groupLink(.open))
            #expect(open.status == 200 && !open.text.contains("<button") && open.text.matches(of: /<li class=/).count == 3)
            let posted = try await listener.submit(try listener.groupLink(.open), "")
            #expect(posted.status == 405 && posted.text.contains("This link shows alerts. Nothing was changed."))
            #expect(try await listener.send("GET", try listener.groupLink(.acknowledge, validFor: -1)).status == 410)
            #expect(
                try await listener.submit(
                    try listener.groupLink(.acknowledge), "", headers: [(name: "Sec-Fetch-Site", value: "cross-site")]
                ).status == 403)
            #expect(try await listener.value("SELECT count(*) FROM monitoring_alerts WHERE status = 'acknowledged'") == "0")
        }
    }
}

/// Links that snooze.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct SnoozeLinkTests {
    @Test("the form offers four ends, and POST snoozes until the one that was chosen")
    func snoozing() async throws {
        try await withListener { listener in
            let path = try listener.link(.snooze, Fixture.alert)
            let before = try await listener.state()
            let page = try await listener.send("GET", path)
            #expect(try await listener.state() == before)
            #expect(page.text.matches(of: /<input type="radio" name="for"/).count == 4)
            #expect(page.text.matches(of: /<label for="for-/).count == 4 && page.text.matches(of: /\schecked>/).count == 1)
            #expect(page.text.contains("until 11\u{A0}Mar,\u{A0}08:00 UTC"))
            for (choice, end) in [("1h", "13:00"), ("8h", "20:00")] {
                let done = try await listener.submit(path, "name=Ana&for=\(choice)")
                #expect(done.status == 200)
                #expect(done.text.contains("<h2>Snoozed until \(end) UTC. Thank you, Ana.</h2>"), "\(done.text)")
            }
            #expect(try await listener.submit(path, "for=tomorrow").status == 200)
            #expect(
                try await listener.value("SELECT snoozed_until AT TIME ZONE 'UTC' FROM monitoring_alerts WHERE id = '\(Fixture.alert)'")
                    == "2026-03-11 08:00:00")
            let state = try await listener.state()
            let again = try await listener.submit(path, "for=tomorrow")
            #expect(again.status == 200 && again.text.contains("<h2>Already snoozed until"))
            #expect(try await listener.submit(path, "for=9h").status == 400)
            #expect(try await listener.state() == state)
        }
    }

    @Test("an alert that is over cannot be snoozed; one that is in hand can")
    func late() async throws {
        try await withListener { listener in
            let over = try listener.link(.snooze, Fixture.resolved)
            let offered = try await listener.send("GET", over)
            #expect(!offered.text.contains("<button"))
            #expect(try await listener.submit(over, "for=1h").status == 409)
            #expect(try await listener.post("/api/monitor/alerts/\(Fixture.alert)/acknowledge", #"{"actor": "Ben"}"#).status == 200)
            let held = try await listener.submit(try listener.link(.snooze, Fixture.alert), "for=4h")
            #expect(held.status == 200 && held.text.contains("<h2>Snoozed until 16:00 UTC. Thank you.</h2>"))
        }
    }

    @Test("a whole message is snoozed, once")
    func group() async throws {
        try await withListener { listener in
            try await listener.run(GroupFixture.sql(3))
            let path = try listener.groupLink(.snooze)
            let first = try await listener.submit(path, "name=Ana&for=4h")
            #expect(first.text.contains("<h2>Snoozed all 3 until 16:00 UTC. Thank you, Ana.</h2>"), "\(first.text)")
            let state = try await listener.state()
            let second = try await listener.submit(path, "name=Ana&for=4h")
            #expect(second.status == 200 && second.text.contains("3 were already snoozed until then."))
            #expect(try await listener.state() == state)
        }
    }
}
