import Foundation
import MonitorAPI
import Postgres
import TestSupport
import Testing

/// The buttons of the pages.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct PageActionTests {
    @Test("every state has the buttons that it allows, and each does what it says")
    func buttons() async throws {
        try await withListener { listener in
            let path = "/alerts/\(Fixture.alert)"
            let mark = try await listener.formMark(path)
            for (shown, button, headline, status) in [
                (["acknowledge", "resolve", "snooze", "ignore"], "acknowledge", "Acknowledged. It is yours, Ana.", "acknowledged"),
                (["resolve", "snooze", "unacknowledge", "ignore"], "unacknowledge", "Given back.", "open"),
                (["acknowledge", "resolve", "snooze", "ignore"], "snooze", "Snoozed until 20:00\u{A0}", "open"),
                (["acknowledge", "resolve", "snooze", "ignore"], "ignore", "Ignored.", "ignored"),
                (["reopen", "resolve"], "reopen", "Reopened.", "open"),
                (["acknowledge", "resolve", "snooze", "ignore"], "resolve", "Resolved. Thank you, Ana.", "resolved"),
                (["reopen"], "reopen", "Reopened.", "open"),
            ] {
                let page = try await listener.send("GET", path)
                let values = page.text.matches(of: /name="do" value="([a-z]+)"/).map { String($0.output.1) }
                #expect(values == shown, "\(button)")
                let done = try await listener.submit(path, "form=\(mark)&from=alert&do=\(button)&name=Ana&note=n&for=8h")
                #expect(done.status == 303 && done.header("Location") == "\(Fixture.alert)?did=\(button)", "\(button): \(done.text)")
                #expect(done.header("Set-Cookie")?.hasPrefix("torq_name=Ana; Path=/;") == true)
                #expect(try await listener.value("SELECT status FROM monitoring_alerts WHERE id = '\(Fixture.alert)'") == status)
                // The alert's own time is the database's, which the tests' clock is not.
                try await listener.database.client.query("UPDATE monitoring_alerts SET updated_at = $1", [.timestamp(Listener.now)])
                let after = try await listener.send("GET", "\(path)?did=\(button)")
                #expect(after.text.contains(headline.replacing("\u{A0}", with: "")), "\(button): \(after.text)")
            }
            let who = try await listener.value(
                "SELECT string_agg(DISTINCT actor || '/' || credential || '/' || note, ',') FROM monitoring_alert_transitions WHERE actor <> 'monitor' AND actor NOT LIKE '<%'"
            )
            #expect(who == "Ana/local/n")
        }
    }

    @Test("from the status page it leads back there, and says what was done")
    func fromStatus() async throws {
        try await withListener { listener in
            let mark = try await listener.formMark("/")
            let done = try await listener.submit("/alerts/\(Fixture.alert)", "form=\(mark)&from=status&do=resolve")
            #expect(done.header("Location") == "../?did=resolve&alert=\(Fixture.alert)" && done.header("Set-Cookie") == nil)
            try await listener.database.client.query("UPDATE monitoring_alerts SET updated_at = $1", [.timestamp(Listener.now)])
            let page = try await listener.send("GET", "/?did=resolve&alert=\(Fixture.alert)")
            #expect(page.text.contains("Resolved. Thank you, Somebody at this machine."))
            #expect(try await listener.send("GET", "/?did=acknowledge&alert=\(Fixture.alert)").text.contains("Acknowledged.") == false)
            #expect(try await listener.send("GET", "/?did=nothing").status == 400)
        }
    }

    @Test("whoever comes second is told who was first, and changes nothing")
    func second() async throws {
        try await withListener { listener in
            let path = "/alerts/\(Fixture.alert)"
            let mark = try await listener.formMark(path)
            _ = try await listener.submit(path, "form=\(mark)&do=acknowledge&name=Ana")
            let again = try await listener.submit(path, "form=\(mark)&do=acknowledge&name=Ben")
            #expect(again.status == 200 && again.text.contains("<h2>Already acknowledged by Ana.</h2>"), "\(again.text)")
            _ = try await listener.submit(path, "form=\(mark)&do=resolve&name=Ana")
            let late = try await listener.submit(path, "form=\(mark)&do=acknowledge&name=Ben")
            #expect(late.status == 409 && late.text.contains("<h2>Already resolved by Ana.</h2>"), "\(late.text)")
            let snoozed = try await listener.submit(path, "form=\(mark)&do=snooze&for=1h")
            #expect(snoozed.status == 409 && snoozed.text.contains("Nothing was changed."))
        }
    }

    @Test(
        "a form that is not of this page does nothing",
        arguments: [
            ("do=acknowledge", 403), ("form=x&do=acknowledge", 403), ("form=MARK&do=delete", 400), ("form=MARK", 400),
            ("form=MARK&do=snooze&for=9h", 400), ("form=MARK&do=acknowledge&do=resolve", 400),
        ])
    func faulty(form: String, status: Int) async throws {
        try await withListener { listener in
            let path = "/alerts/\(Fixture.alert)"
            let mark = try await listener.formMark(path)
            let before = try await listener.state()
            let answer = try await listener.submit(path, form.replacing("MARK", with: mark))
            #expect(answer.status == status && answer.header("Content-Type") == "text/html; charset=utf-8", "\(answer.text)")
            let foreign = try await listener.submit(
                path, "form=\(mark)&do=acknowledge", headers: [(name: "Sec-Fetch-Site", value: "cross-site")])
            #expect(foreign.status == 403)
            #expect(try await listener.state() == before)
        }
    }

    @Test("who may only read sees no button, and cannot press one")
    func readOnly() async throws {
        try await withListener(tokens: try SessionTests.tokens()) { listener in
            let reader = try await listener.signIn("dashboard")
            let writer = try await listener.signIn("oncall")
            for path in ["/", "/alerts/\(Fixture.alert)"] {
                let page = try await listener.send("GET", path, headers: reader)
                #expect(page.status == 200 && !page.text.contains(#"name="do""#) && page.text.contains("dashboard (read only)"))
                #expect(try await listener.send("GET", path, headers: writer).text.contains(#"name="do""#))
            }
            let mark = try await listener.formMark("/", reader)
            let refused = try await listener.submit("/alerts/\(Fixture.alert)", "form=\(mark)&do=acknowledge", headers: reader)
            #expect(refused.status == 403)
            let other = try await listener.formMark("/", writer)
            #expect(try await listener.submit("/alerts/\(Fixture.alert)", "form=\(other)&do=resolve", headers: reader).status == 403)
            let second = try await listener.signIn("oncall")
            #expect(try await listener.submit("/alerts/\(Fixture.alert)", "form=\(other)&do=resolve", headers: second).status == 403)
            let done = try await listener.submit("/alerts/\(Fixture.alert)", "form=\(other)&do=acknowledge", headers: writer)
            #expect(done.status == 303)
            #expect(
                try await listener.value(
                    "SELECT actor || '/' || credential FROM monitoring_alert_transitions WHERE transition = 'acknowledged'")
                    == "Somebody with the token oncall/oncall")
        }
    }

    @Test("a page that is live has one script of ours and follows the stream; all else of it works without")
    func live() async throws {
        try await withListener { listener in
            for (path, root) in [("/", ""), ("/alerts/\(Fixture.alert)", "../")] {
                let page = try await listener.send("GET", path)
                #expect(page.text.contains(#"<script src="\#(root)live.js" defer></script>"#))
                #expect(
                    page.header("Content-Security-Policy")
                        == "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
                )
                #expect(page.header("Referrer-Policy") == "same-origin")
            }
            let script = try await listener.send("GET", "/live.js")
            #expect(script.header("Content-Type") == "text/javascript; charset=utf-8" && script.text.contains("api/monitor/stream"))
        }
    }

    @Test("what fails to get through and what is silenced is on the status page")
    func trouble() async throws {
        try await withListener { listener in
            let calm = try await listener.send("GET", "/")
            #expect(!calm.text.contains("do not get through") && !calm.text.contains(">Silences<"))
            try await listener.database.client.withConnection {
                try await $0.executeScript(
                    """
                    INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, transition, severity, status, due_at)
                    VALUES ('\(Fixture.alert)', 'pager', 'transition', 1, 'opened', 'high', 'dead', '2026-03-10T11:31Z'),
                        ('\(Fixture.hostile)', 'pager', 'transition', 1, 'opened', 'low', 'pending', '2026-03-10T11:41Z');
                    INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by, comment)
                    VALUES ('{severity<=low}', '2026-03-10T11:00Z', '2026-03-10T13:00Z', 'Ana', 'deploy');
                    """)
            }
            let page = try await listener.send("GET", "/")
            #expect(page.text.contains("messages were given up") && page.text.contains("1 waiting, 1 given up, never reached"))
            #expect(page.text.contains("<code>severity&lt;=low</code>") && page.text.contains("by Ana: deploy"))
        }
    }

    @Test("a silence is ended from the status page, which says so; ending it twice says the same")
    func endingSilences() async throws {
        try await withListener { listener in
            try await listener.database.client.withConnection { try await $0.executeScript(Self.trouble) }
            let page = try await listener.send("GET", "/")
            #expect(page.text.contains(#"action="silences/\#(Self.silence)""#) && page.text.contains(">End now</button>"))
            #expect(page.text.contains(#"aria-label="End now: the silence of severity&lt;=low""#))
            let mark = try await listener.formMark("/")
            for _ in 0..<2 {
                let done = try await listener.submit("/silences/\(Self.silence)", "form=\(mark)&from=status&do=end")
                #expect(done.status == 303 && done.header("Location") == "../?ended=\(Self.silence)", "\(done.text)")
                let after = try await listener.send("GET", "/?ended=\(Self.silence)")
                #expect(after.text.contains("<h2>The silence has ended.</h2>") && !after.text.contains(">Silences<"))
            }
            let end = "SELECT ends_at = timestamptz '2026-03-10T12:00Z' FROM monitoring_silences WHERE id = '\(Self.silence)'"
            #expect(try await listener.value(end) == "true")
            // It is said of one that is over alone.
            try await listener.database.client.query("UPDATE monitoring_silences SET ends_at = '2026-03-10T13:00Z'")
            #expect(try await !listener.send("GET", "/?ended=\(Self.silence)").text.contains("The silence has ended."))
            #expect(try await listener.submit("/silences/\(Fixture.absent)", "form=\(mark)&do=end").status == 404)
            #expect(try await listener.send("GET", "/?ended=x").status == 400)
        }
    }

    @Test("a message that was given up is sent again or dropped from both pages, and what came of it is said")
    func givenUp() async throws {
        try await withListener { listener in
            try await listener.database.client.withConnection { try await $0.executeScript(Self.trouble) }
            let story = "alerts/\(Fixture.alert)"
            let page = try await listener.send("GET", "/")
            #expect(
                page.text.contains("Fallback spike") && page.text.contains("to pager, of 11:31 UTC, tried 8 times. Nothing listens there"))
            #expect(page.text.contains(#"action="notifications/\#(Self.dead)""#))
            #expect(try await listener.send("GET", "/\(story)").text.contains(#"action="../notifications/\#(Self.dead)""#))
            let mark = try await listener.formMark("/")
            for (from, deed, location, status, words) in [
                ("status", "drop", "../?drop=\(Self.dead)", "dropped", "<h2>Dropped.</h2>"),
                ("alert", "retry", "../\(story)?retry=\(Self.dead)", "pending", "<h2>It is being sent again.</h2>"),
                ("alert", "drop", "../\(story)?drop=\(Self.dead)", "dropped", "<h2>Dropped.</h2>"),
                ("status", "retry", "../?retry=\(Self.dead)", "pending", "<h2>It is being sent again.</h2>"),
            ] {
                let done = try await listener.submit("/notifications/\(Self.dead)", "form=\(mark)&from=\(from)&do=\(deed)")
                #expect(done.status == 303 && done.header("Location") == location, "\(done.text)")
                #expect(try await listener.value("SELECT status FROM monitoring_notifications WHERE id = '\(Self.dead)'") == status)
                let after = try await listener.send("GET", String(location.dropFirst(2)))
                #expect(after.text.contains(words), "\(location): \(after.text)")
            }
            // What comes of it later is said as it is then, and what cannot be done any more changes nothing.
            for (status, deed, words) in [
                ("delivered", "retry", "<h2>It has arrived.</h2>"), ("dead", "retry", "<h2>It could not be delivered again.</h2>"),
                ("delivered", "drop", "<h2>It was delivered already.</h2>"), ("superseded", "drop", "<h2>There is a newer message.</h2>"),
                ("sending", "drop", "<h2>It is being sent at this moment.</h2>"),
            ] {
                try await listener.database.client.query(
                    """
                    UPDATE monitoring_notifications
                    SET status = $1::text, claimed_until = CASE WHEN $1 = 'sending' THEN now() + interval '1 minute' END,
                        delivered_at = CASE WHEN $1 = 'delivered' THEN timestamptz '2026-03-10T11:59Z' END
                    WHERE id = '\(Self.dead)'
                    """, [.text(status)])
                if status != "dead" {
                    let done = try await listener.submit("/notifications/\(Self.dead)", "form=\(mark)&do=\(deed)")
                    #expect(done.status == 303, "\(status) \(deed): \(done.text)")
                    #expect(try await listener.value("SELECT status FROM monitoring_notifications WHERE id = '\(Self.dead)'") == status)
                }
                let after = try await listener.send("GET", "/\(story)?\(deed)=\(Self.dead)")
                #expect(after.text.contains(words), "\(status) \(deed): \(after.text)")
            }
            // Another alert's page says nothing of it.
            #expect(try await !listener.send("GET", "/alerts/\(Fixture.hostile)?drop=\(Self.dead)").text.contains("newer message"))
            #expect(try await listener.submit("/notifications/\(Fixture.absent)", "form=\(mark)&do=drop").status == 404)
        }
    }

    @Test(
        "what is wrong with a form for a silence or a message changes nothing",
        arguments: ["silences", "notifications"],
        [
            ("do=DO", 403), ("form=x&do=DO", 403), ("form=MARK&do=delete", 400), ("form=MARK", 400), ("form=MARK&do=DO&do=DO", 400),
        ])
    func faultyTrouble(kind: String, form: (text: String, status: Int)) async throws {
        try await withListener(tokens: try SessionTests.tokens()) { listener in
            try await listener.database.client.withConnection { try await $0.executeScript(Self.trouble) }
            let (id, deed) = kind == "silences" ? (Self.silence, "end") : (Self.dead, "drop")
            let state = """
                SELECT (SELECT string_agg(n::text, ',' ORDER BY id) FROM monitoring_notifications n)
                    || (SELECT string_agg(s::text, ',') FROM monitoring_silences s)
                """
            let before = try await listener.value(state)
            let writer = try await listener.signIn("oncall")
            let reader = try await listener.signIn("dashboard")
            let path = "/\(kind)/\(id)"
            let mark = try await listener.formMark("/", writer)
            let text = form.text.replacing("DO", with: deed).replacing("MARK", with: mark)
            let answer = try await listener.submit(path, text, headers: writer)
            #expect(answer.status == form.status && answer.header("Content-Type") == "text/html; charset=utf-8", "\(answer.text)")
            let good = "form=\(mark)&do=\(deed)"
            // Another site's page, nobody, another session, somebody who may only read, and a token's own mark.
            let foreign = try await listener.submit(path, good, headers: writer + [(name: "Sec-Fetch-Site", value: "cross-site")])
            #expect(foreign.status == 403)
            #expect(try await listener.submit(path, good).status == 303)
            #expect(try await listener.submit(path, good, headers: reader).status == 403)
            let own = try await listener.formMark("/", reader)
            #expect(try await listener.submit(path, "form=\(own)&do=\(deed)", headers: reader).status == 403)
            #expect(try await listener.submit(path, good, headers: try await listener.signIn("oncall")).status == 403)
            #expect(try await !listener.send("GET", "/", headers: reader).text.contains(#"class="deed""#))
            #expect(try await !listener.send("GET", "/alerts/\(Fixture.alert)", headers: reader).text.contains(#"class="deed""#))
            #expect(try await listener.value(state) == before)
            #expect(try await listener.submit(path, good, headers: writer).status == 303)
            #expect(try await listener.value(state) != before)
        }
    }

    private static let silence = "20000000-0000-4000-8000-000000000001"
    private static let dead = "10000000-0000-4000-8000-000000000002"

    private static let trouble = """
        INSERT INTO monitoring_notifications
            (id, alert_id, receiver, cause, sequence, transition, severity, status, due_at, attempts, last_error, created_at)
        VALUES ('\(dead)', '\(Fixture.alert)', 'pager', 'transition', 1, 'opened', 'high', 'dead', '2026-03-10T11:31Z', 8,
                'refused', '2026-03-10T11:31Z');
        INSERT INTO monitoring_silences (id, matchers, starts_at, ends_at, created_by, comment)
        VALUES ('\(silence)', '{severity<=low}', '2026-03-10T11:00Z', '2026-03-10T13:00Z', 'Ana', 'deploy');
        """

    @Test(
        "the status page looks back as far as it is asked",
        arguments: [("24h", "The last 24 hours"), ("7d", "The last 7 days"), ("30d", "The last 30 days")])
    func windows(window: String, title: String) async throws {
        try await withListener { listener in
            let page = try await listener.send("GET", "/?window=\(window)")
            #expect(page.status == 200 && page.text.contains("<h2 id=\"course\">\(title)</h2>"))
            #expect(try await listener.send("GET", "/?window=8d").status == 400)
        }
    }
}
