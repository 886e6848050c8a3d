import Foundation
import MonitorAPI
import Monitoring
import Notifications
import TestSupport
import Testing

/// Links: GET shows, POST does.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct LinkTests {
    @Test("GET, HEAD and OPTIONS change nothing, whoever sends them")
    func looking() async throws {
        try await withListener { listener in
            let path = try listener.link(.acknowledge, Fixture.alert)
            let before = try await listener.state()
            for agent in ["Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Mozilla/5.0"] {
                for method in ["GET", "HEAD", "OPTIONS"] {
                    let answer = try await listener.send(method, path, headers: [(name: "User-Agent", value: agent)])
                    #expect(answer.status == (method == "OPTIONS" ? 204 : 200))
                }
            }
            #expect(try await listener.state() == before)
            let page = try await listener.send("GET", path)
            #expect(page.header("Cache-Control") == "no-store")
            #expect(page.header("Referrer-Policy") == "no-referrer")
            #expect(page.header("X-Robots-Tag") == "noindex, nofollow")
            #expect(page.header("X-Content-Type-Options") == "nosniff")
            #expect(
                page.header("Content-Security-Policy")
                    == "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
            #expect(page.text.matches(of: /<button/).count == 1)
            #expect(!page.text.contains("<script") && !page.text.contains("style="))
            #expect(page.text.contains(#"<form method="post">"#))
        }
    }

    @Test("what others hang on to the address of a link or a page is passed over; the API knows its parameters")
    func foreignParameters() async throws {
        try await withListener { listener in
            let foreign = "fbclid=x&utm_source=a&utm_source=b&q=%ff"
            let link = try listener.link(.acknowledge, Fixture.alert)
            for path in ["/?", "/?window=7d&", "/alerts/\(Fixture.alert)?", "\(link)?"] {
                #expect(try await listener.send("GET", path + foreign).status == 200, "\(path)")
            }
            #expect(try await listener.send("GET", "/?window=9d&\(foreign)").status == 400)
            #expect(try await listener.submit("\(link)?\(foreign)", "name=Ana").text.contains("It is yours, Ana."))
            #expect(try await listener.send("GET", "/api/monitor/alerts?fbclid=x").status == 400)
        }
    }

    @Test("a note that a browser takes is taken here: it sends a line break as two characters, and counts one")
    func longNote() async throws {
        try await withListener { listener in
            let link = try listener.link(.acknowledge, Fixture.alert)
            let note = String(repeating: "x%0D%0A", count: 1999)
            #expect(try await listener.submit(link, "note=\(note)xyz").text.contains("Your note must be at most 4000 characters long."))
            #expect(try await listener.submit(link, "note=\(note)xy").status == 200)
            #expect(
                try await listener.value("SELECT length(note) FROM monitoring_alert_transitions WHERE transition = 'acknowledged'")
                    == "4000")
        }
    }

    @Test("a slash too many leads to the page without it, since a page's own links are relative")
    func slashes() async throws {
        try await withListener { listener in
            let link = try listener.link(.acknowledge, Fixture.alert)
            for (path, location) in [
                ("/alerts/\(Fixture.alert)/", "../../alerts/\(Fixture.alert)"),
                ("/alerts/\(Fixture.alert)//?did=acknowledge", "../../../alerts/\(Fixture.alert)?did=acknowledge"),
                ("\(link)/", "../..\(link)"), ("/login/", "../login"), ("//", "../"),
            ] {
                for method in ["GET", "HEAD"] {
                    let answer = try await listener.send(method, path)
                    #expect(answer.status == 308 && answer.header("Location") == location, "\(path) \(answer.status)")
                }
            }
            for path in ["/", "/alerts/\(Fixture.alert)", link] { #expect(try await listener.send("GET", path).status == 200, "\(path)") }
        }
    }

    @Test("POST does it once, remembers the name, and names who was first")
    func acting() async throws {
        try await withListener { listener in
            let path = try listener.link(.acknowledge, Fixture.alert)
            let first = try await listener.submit(path, "name=Ana+M%C3%BCller&note=on+it")
            #expect(first.status == 200)
            #expect(first.text.contains("<h2>Acknowledged. It is yours, Ana Müller.</h2>"))
            #expect(!first.text.contains("<button"))
            let cookie = try #require(first.header("Set-Cookie"))
            #expect(cookie == "torq_name=Ana%20M%C3%BCller; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax")
            #expect(
                try await listener.value(
                    "SELECT actor || '/' || credential || '/' || note FROM monitoring_alert_transitions WHERE transition = 'acknowledged'")
                    == "Ana Müller/link:oncall/on it")
            let state = try await listener.state()
            let second = try await listener.submit(path, "name=Ben&note=")
            #expect(second.status == 200)
            #expect(second.text.contains("<h2>Already acknowledged by Ana Müller.</h2>"))
            #expect(second.text.contains("Nothing was changed."))
            #expect(try await listener.state() == state)
            let resolve = try await listener.send(
                "GET", try listener.link(.resolve, Fixture.alert), headers: [(name: "Cookie", value: "a=b; torq_name=Ana%20M%C3%BCller")])
            #expect(resolve.text.contains(#"value="Ana Müller""#))
            let done = try await listener.submit(try listener.link(.resolve, Fixture.alert), "")
            #expect(done.text.contains("<h2>Resolved. Thank you.</h2>"))
            #expect(
                try await listener.value("SELECT resolved_by FROM monitoring_alerts WHERE id = '\(Fixture.alert)'")
                    == "Somebody from oncall")
        }
    }

    @Test("an open link shows the whole story without a token, and nothing else: no button, no POST, no other page")
    func opening() async throws {
        let tokens = [try ListenerTokenFixture.token("dashboard", .read)]
        try await withListener(tokens: tokens) { listener in
            let path = try listener.link(.open, Fixture.alert)
            let before = try await listener.state()
            let page = try await listener.send("GET", path)
            #expect(page.status == 200)
            #expect(page.text.contains(#"<h2 id="story">What happened</h2>"#) && page.text.contains("oncall: Opened"))
            #expect(!page.text.contains("<button") && !page.text.contains("<form") && !page.text.contains(#"<a href="../">"#))
            let posted = try await listener.submit(path, "name=Ana")
            #expect(posted.status == 405 && posted.header("Allow") == "GET, HEAD, OPTIONS")
            #expect(posted.text.contains("This link shows an alert. Nothing was changed."))
            #expect(try await listener.state() == before)
            let token = [(name: "Authorization", value: "Bearer secret-of-dashboard")]
            let own = try await listener.send("GET", "/alerts/\(Fixture.alert)", headers: token)
            #expect(own.text.contains(#"<a href="../">"#))
            #expect(try await listener.send("GET", "/alerts/\(Fixture.alert)").status == 303)
            #expect(try await listener.send("GET", try listener.link(.open, Fixture.alert, validFor: -1)).status == 410)
        }
    }

    @Test("a resolved alert cannot be acknowledged: 409 says so, GET offers no button")
    func late() async throws {
        try await withListener { listener in
            let path = try listener.link(.acknowledge, Fixture.resolved)
            let page = try await listener.send("GET", path)
            #expect(page.status == 200)
            #expect(page.text.contains("<h2>Already resolved, by itself.</h2>") && !page.text.contains("<button"))
            let answer = try await listener.submit(path, "name=Ana")
            #expect(answer.status == 409)
            #expect(answer.text.contains("Nothing was changed."))
        }
    }

    @Test("forged, truncated and expired links, and those of no alert, are friendly pages that change nothing")
    func invalid() async throws {
        try await withListener { listener in
            let good = try listener.link(.acknowledge, Fixture.alert)
            let foreign = LinkSigner(keys: [LinkKey(id: "test", secret: [UInt8](repeating: 2, count: 32))])
                .token(for: try listener.claim(.acknowledge, Fixture.alert))
            let before = try await listener.state()
            for (path, status) in [
                ("/a/x", 404), ("/a/%3Cscript%3E", 404), (String(good.dropLast(3)), 404), ("/a/" + foreign, 404),
                (try listener.link(.acknowledge, Fixture.alert, validFor: -1), 410), (try listener.link(.resolve, Fixture.absent), 404),
            ] {
                for answer in [try await listener.send("GET", path), try await listener.submit(path, "name=Ana")] {
                    #expect(answer.status == status, "\(path)")
                    #expect(answer.header("Content-Type") == "text/html; charset=utf-8")
                    #expect(!answer.text.contains("<script"))
                }
            }
            #expect(try await listener.state() == before)
        }
    }

    @Test("a form of another site is refused; one without a word of where it comes from is not")
    func forgery() async throws {
        try await withListener { listener in
            let path = try listener.link(.acknowledge, Fixture.alert)
            for headers in [
                [(name: "Sec-Fetch-Site", value: "cross-site")], [(name: "Sec-Fetch-Site", value: "same-site")],
                [(name: "Origin", value: "https://evil.example")],
            ] {
                #expect(try await listener.submit(path, "name=Eve", headers: headers).status == 403, "\(headers)")
            }
            let text = try await listener.send("POST", path, headers: [(name: "Content-Type", value: "text/plain")], body: "name=Eve")
            #expect(text.status == 415)
            #expect(try await listener.value("SELECT status FROM monitoring_alerts WHERE id = '\(Fixture.alert)'") == "open")
            let own = try await listener.submit(
                path, "name=Ana", headers: [(name: "Sec-Fetch-Site", value: "same-origin"), (name: "Origin", value: "null")])
            #expect(own.status == 200)
        }
    }

    @Test("whatever a producer or a person writes is shown as text")
    func escaping() async throws {
        try await withListener { listener in
            let paths = [
                "/", "/alerts/\(Fixture.hostile)", try listener.link(.acknowledge, Fixture.hostile),
                try listener.link(.open, Fixture.hostile),
            ]
            for path in paths {
                let page = try await listener.send("GET", path)
                #expect(page.status == 200, "\(path)")
                #expect(!page.markup.contains("<script") && !page.text.contains("<i>monitor") && !page.text.contains("<b>e"), "\(path)")
                #expect(page.text.contains("&lt;script&gt;alert(2)&lt;/script&gt; &amp; &lt;!channel&gt;"), "\(path)")
            }
            let cookie = try await listener.send("GET", paths[2], headers: [(name: "Cookie", value: "torq_name=%22%CC%81%3E%3Cscript%3E")])
            #expect(cookie.text.contains("value=\"&quot;\u{301}&gt;&lt;script&gt;\""))
            let posted = try await listener.submit(paths[2], "name=%3Cscript%3Ealert(5)%3C%2Fscript%3E&note=%3Cb%3E")
            #expect(posted.status == 200)
            #expect(!posted.text.contains("<script"))
            let story = try await listener.send("GET", paths[1])
            #expect(!story.markup.contains("<script") && story.text.contains("&lt;script&gt;alert(5)&lt;/script&gt;"))
        }
    }
}

extension Listener {
    func claim(_ action: LinkClaim.Action, _ alert: String, validFor seconds: TimeInterval = 3600) throws -> LinkClaim {
        LinkClaim(
            action: action, subject: .alert(try #require(UUID(uuidString: alert))), receiver: "oncall",
            expiresAt: Self.now.addingTimeInterval(seconds))
    }

    func link(_ action: LinkClaim.Action, _ alert: String, validFor seconds: TimeInterval = 3600) throws -> String {
        "/a/" + signer.token(for: try claim(action, alert, validFor: seconds))
    }

    /// All that a link could change.
    func state() async throws -> String? {
        try await value(
            """
            SELECT md5(string_agg(a::text, ',' ORDER BY a.id)) || (SELECT count(*) FROM monitoring_alert_transitions)
                || (SELECT data_version FROM monitoring_rollup_state) FROM monitoring_alerts a
            """)
    }
}
