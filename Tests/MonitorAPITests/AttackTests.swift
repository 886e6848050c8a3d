import Foundation
import MonitorAPI
import Monitoring
import Notifications
import Postgres
import TestSupport
import Testing

/// What somebody tries who means no good: refused, or shown as text, and nothing is changed by it.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct AttackTests {
    @Test("a link does for its own alert what it was signed for, and nothing for a token that was touched in any place")
    func touchedLinks() async throws {
        try await withListener { listener in
            let good = String(try listener.link(.acknowledge, Fixture.alert).dropFirst(3))
            let other = String(try listener.link(.open, Fixture.hostile).dropFirst(3))
            let before = try await listener.state()
            var tokens: [String] = ["", "a", good + "A", String(good.dropLast()), String(good.dropFirst()), good.uppercased(), good + "="]
            // A byte in every part: version, key, action, alert, expiry, receiver, signature.
            for index in stride(from: 0, to: good.count, by: 3) {
                let place = good.index(good.startIndex, offsetBy: index)
                tokens.append(good.replacingCharacters(in: place...place, with: good[place] == "A" ? "B" : "A"))
            }
            // The head of one with the signature of another.
            tokens.append(String(good.prefix(good.count - 43)) + String(other.suffix(43)))
            tokens.append(String(other.prefix(other.count - 43)) + String(good.suffix(43)))
            for token in tokens {
                let answer = try await listener.submit("/a/\(token)", "name=Eve")
                #expect([404, 405, 429].contains(answer.status), "\(token): \(answer.status)")
            }
            #expect(try await listener.state() == before)
            let link = try await listener.send("GET", "/a/\(good)")
            #expect(link.status == 200)
        }
    }

    @Test("a link that was signed with a key that is gone is refused, one with a key that is kept works")
    func droppedKeys() async throws {
        try await withListener { listener in
            let claim = try listener.claim(.acknowledge, Fixture.alert)
            let gone = LinkSigner(keys: [LinkKey(id: "gone", secret: [UInt8](repeating: 1, count: 32))])
            #expect(try await listener.submit("/a/\(gone.token(for: claim))", "name=Eve").status == 404)
            #expect(try await listener.value("SELECT status FROM monitoring_alerts WHERE id = '\(Fixture.alert)'") == "open")
            #expect(try await listener.submit("/a/\(listener.signer.token(for: claim))", "name=Ana").status == 200)
        }
    }

    @Test("ten megabytes are refused wherever they are sent, and the next request is answered")
    func largeBodies() async throws {
        try await withListener { listener in
            let large = String(repeating: "x", count: 10 << 20)
            let link = try listener.link(.acknowledge, Fixture.alert)
            let paths = [
                "/api/monitor/alerts/\(Fixture.alert)/acknowledge", "/api/monitor/compute", "/api/monitor/silences", link,
                "/alerts/\(Fixture.alert)", "/login", "/logout",
            ]
            for path in paths {
                let type = path.hasPrefix("/api") ? "application/json" : "application/x-www-form-urlencoded"
                // A client that sees the refusal before all is sent may find the connection closed.
                let answer = try? await listener.send("POST", path, headers: [(name: "Content-Type", value: type)], body: large)
                if let answer { #expect(answer.status == 413, "\(path): \(answer.status)") }
                #expect(try await listener.send("GET", "/health").status == 200)
            }
            #expect(try await listener.value("SELECT status FROM monitoring_alerts WHERE id = '\(Fixture.alert)'") == "open")
        }
    }

    @Test("a form that holds more than a name and a note is refused before it is read")
    func largeForms() async throws {
        try await withListener { listener in
            let link = try listener.link(.acknowledge, Fixture.alert)
            for path in ["/login", link, "/alerts/\(Fixture.alert)"] {
                let answer = try await listener.submit(path, "name=" + String(repeating: "x", count: 65_536))
                #expect(answer.status == 413 && answer.text.contains("64 KB"), "\(path): \(answer.status)")
            }
        }
    }

    @Test("without tokens a page of another site cannot have a browser ask, by a picture for example")
    func pictures() async throws {
        try await withListener { listener in
            func status(_ path: String, _ mode: String?) async throws -> Int {
                let mode = mode.map { [(name: "Sec-Fetch-Mode", value: $0)] } ?? []
                return try await listener.send("GET", path, headers: [(name: "Sec-Fetch-Site", value: "cross-site")] + mode).status
            }
            #expect(try await status("/api/monitor/summary", "no-cors") == 403)
            #expect(try await status("/api/v2/alerts", nil) == 403)
            // Somebody follows a link.
            #expect(try await status("/api/monitor/summary", "navigate") == 200)
            #expect(try await status("/", "navigate") == 200)
            let link = try listener.link(.acknowledge, Fixture.alert)
            #expect(try await status(link, "navigate") == 200)
        }
    }

    @Test("a NUL in a silence is refused")
    func nulInASilence() async throws {
        try await withListener { listener in
            for matcher in [#"a=\"\u0000\""#, #"a=b\u0000"#] {
                let answer = try await listener.post("/api/monitor/silences", #"{"matchers": ["\#(matcher)"], "minutes": 5}"#)
                #expect(answer.status == 400, "\(answer.text)")
            }
        }
    }

    @Test("no line break that somebody sends ends a header of ours")
    func headerInjection() async throws {
        let token = try ListenerTokenFixture.token("oncall", .write)
        try await withListener(tokens: [token]) { listener in
            let evil = "%0D%0ASet-Cookie:%20evil=1%0D%0A%0D%0A%3Cscript%3E"
            let link = try listener.link(.acknowledge, Fixture.alert)
            let answers = [
                try await listener.submit(link, "name=Eve\(evil)"),
                try await listener.submit("/login", "token=secret-of-oncall&name=Eve\(evil)"),
                try await listener.submit("/login", "token=secret-of-oncall&next=/alerts/\(Fixture.alert)\(evil)"),
                try await listener.send("GET", "/login?next=/\(evil)"), try await listener.send("GET", "/alerts/\(evil)"),
                try await listener.send("GET", "/a/\(evil)"), try await listener.send("GET", "/\(evil)"),
                try await listener.send("GET", "/", headers: [(name: "Cookie", value: "torq_name=Eve\(evil)")]),
            ]
            for answer in answers {
                #expect(answer.header("Set-Cookie")?.contains("evil") != true, "\(answer.status)")
                #expect(answer.header("Location")?.contains("evil") != true, "\(answer.status)")
                #expect(!answer.text.contains("<script>"), "\(answer.text)")
            }
            #expect(try await listener.value("SELECT status FROM monitoring_alerts WHERE id = '\(Fixture.alert)'") == "open")
        }
    }

    @Test("whoever looks changes nothing: GET, HEAD and OPTIONS, a browser that fetches ahead, a bot that unfurls links")
    func looking() async throws {
        try await withListener { listener in
            let paths =
                try ["open", "acknowledge", "resolve", "snooze"].map {
                    try listener.link(try #require(LinkClaim.Action(rawValue: $0)), Fixture.alert)
                } + [
                    "/", "/alerts/\(Fixture.alert)", "/alerts/\(Fixture.alert)?did=acknowledge", "/?did=resolve&alert=\(Fixture.alert)",
                    "/login", "/logout", "/style.css", "/live.js",
                ]
            let before = try await listener.state()
            for path in paths {
                for method in ["GET", "HEAD", "OPTIONS"] {
                    for header in [
                        (name: "Purpose", value: "prefetch"), (name: "Sec-Purpose", value: "prefetch;prerender"),
                        (name: "User-Agent", value: "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"),
                        (name: "X-HTTP-Method-Override", value: "POST"),
                    ] {
                        let answer = try await listener.send(method, path, headers: [header])
                        #expect(answer.status < 500, "\(method) \(path)")
                    }
                }
            }
            #expect(try await listener.state() == before)
        }
    }

    @Test("markup in every text that a producer or a person can write is shown as text, on every page")
    func markup() async throws {
        try await withListener { listener in
            try await listener.database.client.withConnection { try await $0.executeScript(Self.hostile) }
            let claims = try [LinkClaim.Action.open, .acknowledge, .resolve, .snooze].map { try listener.link($0, Fixture.hostile) }
            let evil = "%3Cscript%3Ealert(9)%3C/script%3E%22%27"
            for path in [
                "/", "/?window=30d", "/alerts/\(Fixture.hostile)", "/login?next=\(evil)", "/\(evil)", "/alerts/\(evil)", "/a/\(evil)",
            ] + claims {
                let page = try await listener.send("GET", path, headers: [(name: "Cookie", value: "torq_name=\(evil)")])
                #expect(!page.markup.contains("<script"), "\(path): \(page.text)")
                #expect(!page.text.contains("<img") && !page.text.contains("onerror=\""), "\(path)")
                guard page.header("Content-Type") != "application/problem+json" else { continue }
                #expect(page.header("Content-Security-Policy")?.contains("default-src 'none'") == true, "\(path)")
                #expect(page.header("Content-Security-Policy")?.contains("unsafe") == false, "\(path)")
            }
            let mark = try await listener.formMark("/")
            let acted = try await listener.submit(
                "/alerts/\(Fixture.hostile)", "form=\(mark)&do=acknowledge&name=\(evil)&note=\(evil)", headers: [])
            #expect(acted.status == 303)
            let page = try await listener.send("GET", "/alerts/\(Fixture.hostile)?did=acknowledge")
            #expect(page.text.contains("&lt;script&gt;alert(9)&lt;/script&gt;&quot;&#39;") && !page.text.contains("<script>alert"))
        }
    }

    @Test("marks that turn text round or hide it are on no page, and a name of which nothing is left is said to be none")
    func hiddenMarks() async throws {
        try await withListener { listener in
            try await listener.run(
                """
                UPDATE monitoring_alerts SET origin = 'prometheus', status = 'acknowledged', acknowledged_by = 'Eve' || U&'\\202E' || 'nimda',
                    labels = jsonb_build_object('alertname', 'Disk' || U&'\\202E' || 'lluf', 'instance', U&'n\\200B1')
                WHERE id = '\(Fixture.hostile)';
                UPDATE monitoring_alerts SET origin = 'prometheus', labels = '{"alertname": "   "}' WHERE id = '\(Fixture.alert)';
                INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by, comment)
                VALUES ('{a=b}', '2026-03-10T11:00Z', '2026-03-10T13:00Z', U&'\\200B', 'deploy');
                """)
            let status = try await listener.send("GET", "/").text
            #expect(status.contains(">Disklluf</a>"))
            #expect(status.contains("Evenimda has it") && status.contains("instance=n1<"))
            #expect(status.contains(">(unnamed)</a>") && status.contains("by (unnamed): deploy"))
            for page in [status, try await listener.send("GET", "/alerts/\(Fixture.hostile)").text] {
                #expect(!page.unicodeScalars.contains { ["\u{202E}", "\u{200B}"].contains($0) })
            }
        }
    }

    /// Markup where the fixture has none yet: receivers, their errors, silences, slices, reasons, who did what.
    private static let hostile = #"""
        UPDATE monitoring_alerts SET affected_backend = '<img src=x onerror="alert(1)">', affected_agent = '</style><script>alert(2)</script>',
            affected_version = '<script>alert(3)</script>', slice_dimension = 'model', slice_value = '<script>alert(4)</script>',
            context_data = '{"slices": [{"dimension": "<script>", "value": "<script>alert(5)</script>", "excess_share": 0.5}],
                "headline": "<script>alert(6)</script>"}'
        WHERE id = '00000000-0000-4000-8000-000000000003';
        UPDATE monitoring_rollup_slices SET model = '<script>alert(7)</script>', fallback_reasons = '{"<script>alert(8)</script>": 3}';
        INSERT INTO monitoring_silences (matchers, starts_at, ends_at, created_by, comment)
        VALUES ('{"alert_type=\"<script>alert(9)</script>\""}', '2026-03-10T11:00Z', '2026-03-10T13:00Z', '<script>Eve</script>',
            '<img src=x onerror="alert(10)">');
        INSERT INTO monitoring_notifications (alert_id, receiver, cause, sequence, transition, severity, status, due_at, last_error)
        VALUES ('00000000-0000-4000-8000-000000000003', '<script>alert(11)</script>', 'transition', 1, 'opened', 'low', 'dead',
            '2026-03-10T11:40Z', '<script>alert(12)</script>');
        """#
}
