import Foundation
import Notifications
import Postgres
import TestSupport
import Testing

@testable import MonitorAPI

/// Signing in to the pages, and what a session may.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct SessionTests {
    static func tokens() throws -> [ListenerToken] {
        [
            try ListenerTokenFixture.token("oncall", .write), try ListenerTokenFixture.token("dashboard", .read),
            try ListenerTokenFixture.token("intake", .ingest),
        ]
    }

    @Test("whoever has not signed in is led to the login page, and from there to where they wanted to go")
    func signIn() async throws {
        try await withListener(tokens: try Self.tokens()) { listener in
            let home = try await listener.send("GET", "/")
            #expect(home.status == 303 && home.header("Location") == "login")
            let story = try await listener.send("GET", "/alerts/\(Fixture.alert)")
            #expect(story.status == 303 && story.header("Location") == "../login?next=/alerts/\(Fixture.alert)")
            let login = try await listener.send("GET", "/login?next=/alerts/\(Fixture.alert)")
            #expect(login.status == 200 && login.text.contains(#"<input type="hidden" name="next" value="/alerts/\#(Fixture.alert)">"#))
            #expect(login.text.contains(#"name="token" type="password""#) && !login.text.contains("Authorization"))

            let done = try await listener.submit("/login", "token=+secret-of-oncall&name=Ana&next=/alerts/\(Fixture.alert)")
            #expect(done.status == 303 && done.header("Location") == "alerts/\(Fixture.alert)")
            let cookie = try #require(done.header("Set-Cookie"))
            #expect(cookie.wholeMatch(of: /torq_session=[0-9a-f]{64}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax/) != nil, "\(cookie)")
            let page = try await listener.send("GET", "/", headers: [(name: "Cookie", value: Self.pair(cookie))])
            #expect(page.status == 200)
            let secret = try #require(cookie.firstMatch(of: /[0-9a-f]{64}/)).output
            #expect(
                try await listener.value(
                    "SELECT count(*) FROM monitoring_sessions WHERE monitoring_sessions::text LIKE '%\(secret)%'") == "0")
            #expect(try await listener.value("SELECT count(*) FROM monitoring_sessions WHERE token_name = 'oncall'") == "1")
        }
    }

    @Test("behind a proxy with a password of its own a session holds, and that password is no guess")
    func basicAuthentication() async throws {
        try await withListener(tokens: try Self.tokens()) { listener in
            let basic = (name: "Authorization", value: "Basic b3BzOnNlY3JldA==")
            let session = try await listener.signIn("oncall") + [basic]
            for _ in 0..<40 {
                #expect(try await listener.send("GET", "/", headers: [basic]).status == 303)
                #expect(try await listener.send("GET", "/api/monitor/alerts", headers: [basic]).status == 401)
            }
            #expect(try await listener.send("GET", "/", headers: session).status == 200)
            #expect(try await listener.submit("/login", "token=secret-of-oncall", headers: [basic]).status == 303)
        }
    }

    @Test("by TLS the cookie is this host's alone, and never sent without TLS")
    func secure() async throws {
        try await withListener(tokens: try Self.tokens(), publicURL: "https://monitor.example.com") { listener in
            let cookie = try #require(try await listener.submit("/login", "token=secret-of-oncall").header("Set-Cookie"))
            #expect(cookie.hasPrefix("__Host-torq_session=") && cookie.hasSuffix("; Path=/; HttpOnly; SameSite=Lax; Secure"))
        }
    }

    @Test("what is no token here opens nothing, and neither does one that only brings alerts in")
    func wrong() async throws {
        try await withListener(tokens: try Self.tokens()) { listener in
            for (form, status, words) in [
                ("token=secret-of-oncalL", 401, "This token is not known here."), ("token=", 401, "Type a token."),
                ("token=secret-of-intake", 401, "The token intake brings alerts in, and opens no pages."),
                ("token=secret-of-oncall&next=//evil.example", 400, "next is &quot;//evil.example&quot;"),
                ("token=secret-of-oncall&next=https://evil.example/", 400, "allowed is the path of a page"),
                ("token=a&token=b", 400, "The form could not be read."),
            ] {
                let answer = try await listener.submit("/login", form)
                #expect(answer.status == status && answer.text.contains(words), "\(form): \(answer.text)")
                #expect(answer.header("Set-Cookie") == nil, "\(form)")
            }
            let foreign = try await listener.submit(
                "/login", "token=secret-of-oncall", headers: [(name: "Sec-Fetch-Site", value: "cross-site")])
            #expect(foreign.status == 403 && foreign.header("Set-Cookie") == nil)
            #expect(try await listener.value("SELECT count(*) FROM monitoring_sessions") == "0")
        }
    }

    @Test("signing out ends the session everywhere, and takes a form of that session")
    func signOut() async throws {
        try await withListener(tokens: try Self.tokens()) { listener in
            let first = try await listener.signIn("oncall")
            let second = try await listener.signIn("oncall")
            let mark = try await listener.formMark("/", first)
            #expect(try await listener.submit("/logout", "", headers: first).status == 403)
            #expect(try await listener.submit("/logout", "form=\(mark)", headers: second).status == 403)
            #expect(try await listener.send("GET", "/", headers: first).status == 200)
            let out = try await listener.submit("/logout", "form=\(mark)", headers: first)
            #expect(out.status == 303 && out.header("Location") == "login?out=1")
            #expect(out.header("Set-Cookie") == "torq_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax")
            let after = try await listener.send("GET", "/", headers: first)
            #expect(after.status == 303 && after.header("Location") == "login?over=1")
            #expect(after.header("Set-Cookie")?.hasPrefix("torq_session=; Max-Age=0") == true)
            #expect(try await listener.send("GET", "/", headers: second).status == 200)
        }
    }

    @Test("a session is known to every process, and ends with its time or with its token")
    func elsewhere() async throws {
        try await withListener(tokens: try Self.tokens()) { listener in
            let cookie = try await listener.signIn("oncall")
            let database = listener.database
            try await withListener(over: database, client: database.client, tokens: try Self.tokens()) { other in
                let page = try await other.send("GET", "/", headers: cookie)
                #expect(page.status == 200)
            }
            // The name stays, the secret is another: whoever had the old one has nothing.
            let rotated = [try ListenerToken(name: "oncall", secret: "another-secret", scope: .write)]
            try await withListener(over: database, client: database.client, tokens: rotated) { other in
                let page = try await other.send("GET", "/", headers: cookie)
                #expect(page.status == 303)
            }
            let narrowed = [try ListenerToken(name: "oncall", secret: "secret-of-oncall", scope: .ingest)]
            try await withListener(over: database, client: database.client, tokens: narrowed) { other in
                let page = try await other.send("GET", "/", headers: cookie)
                #expect(page.status == 403)
            }
            try await database.client.query("UPDATE monitoring_sessions SET expires_at = $1", [.timestamp(Listener.now)])
            #expect(try await listener.send("GET", "/", headers: cookie).status == 303)
        }
    }

    @Test("a session opens pages and the stream, but not the API, whose POSTs carry no form's mark")
    func reach() async throws {
        try await withListener(tokens: try Self.tokens()) { listener in
            let cookie = try await listener.signIn("oncall")
            #expect(try await listener.send("GET", "/api/monitor/alerts", headers: cookie).status == 401)
            #expect(try await listener.post("/api/monitor/alerts/\(Fixture.alert)/acknowledge", headers: cookie).status == 401)
            #expect(try await listener.send("HEAD", "/api/monitor/stream", headers: cookie).status == 200)
            #expect(try await listener.send("HEAD", "/api/monitor/stream").status == 401)
            #expect(try await listener.value("SELECT status FROM monitoring_alerts WHERE id = '\(Fixture.alert)'") == "open")
        }
    }

    @Test("who guesses is slowed down; links, sessions and other clients are not")
    func guessing() async throws {
        try await withListener(tokens: try Self.tokens()) { listener in
            let cookie = try await listener.signIn("oncall")
            func bearer(_ secret: String) -> [(name: String, value: String)] { [(name: "Authorization", value: "Bearer \(secret)")] }
            var refused: Answer?
            for number in 0..<60 where refused == nil {
                let answer =
                    try await number % 2 == 0
                    ? listener.send("GET", "/api/monitor/alerts", headers: bearer("guess-\(number)"))
                    : listener.submit("/login", "token=guess-\(number)")
                if answer.status == 429 { refused = answer } else { #expect(answer.status == 401) }
            }
            let answer = try #require(refused)
            #expect(answer.header("Retry-After") == "1")
            #expect(answer.text.contains("Try again in 1 second."))
            for _ in 0..<3 { _ = try await listener.send("GET", "/a/forged") }
            #expect(try await listener.send("GET", "/", headers: cookie).status == 200)
            #expect(try await listener.send("GET", try listener.link(.open, Fixture.alert)).status == 200)
            #expect(try await listener.send("GET", "/health").status == 200)
            // Whoever knows the token waits no longer than a second or two.
            try await eventually("the right token is taken", timeout: .seconds(5)) {
                try await listener.send("GET", "/api/monitor/alerts", headers: bearer("secret-of-dashboard")).status == 200
            }
        }
    }

    @Test("whoever has a token that nobody can guess is let in while others guess from the same address")
    func besideGuesses() async throws {
        let strong = "9f86d081884c7d659a2feaa0c55ad015"
        let tokens = try Self.tokens() + [try ListenerToken(name: "grafana", secret: strong, scope: .read)]
        try await withListener(tokens: tokens) { listener in
            func status(_ secret: String) async throws -> Int {
                try await listener.send("GET", "/api/monitor/alerts", headers: [(name: "Authorization", value: "Bearer \(secret)")]).status
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Somebody guesses on and on, faster than the address may.
                group.addTask {
                    while !Task.isCancelled { _ = try await status("guess") }
                }
                try await eventually("the address is slowed down", timeout: .seconds(20)) { try await status("another-guess") == 429 }
                for _ in 0..<20 {
                    #expect(try await status(strong) == 200)
                    let login = try await listener.submit("/login", "token=\(strong)")
                    #expect(login.status == 303 && login.header("Set-Cookie") != nil)
                }
                // What might be guessed says nothing, right or wrong.
                try await eventually("a short one waits with the guesses", timeout: .seconds(20)) {
                    try await status("secret-of-dashboard") == 429
                }
                // Its scope is checked all the same, and a fault of it is no guess.
                let act = try await listener.post(
                    "/api/monitor/alerts/\(Fixture.alert)/acknowledge", headers: [(name: "Authorization", value: "Bearer \(strong)")])
                #expect(act.status == 403)
                group.cancelAll()
            }
        }
    }

    @Test(
        "how a secret is told apart that nobody finds by trying",
        arguments: [
            ("9f86d081884c7d659a2feaa0c55ad015", true), ("9f86d081884c7d659a2feaa0c55ad01", false),
            ("3q2+7wABCDEFghijklmnopqr", true), ("MDEyMzQ1Njc4OWFiY2RlZg", true), ("correct-horse-battery", false),
            ("secret-of-dashboard", false), ("12345678", false), (String(repeating: "a", count: 64), false),
            (String(repeating: "abc", count: 30), false), (String(repeating: "0123456789", count: 3), false),
            (String(repeating: "0123456789", count: 4), true),
        ])
    func beyondGuessing(secret: String, expected: Bool) throws {
        #expect(ListenerToken.isBeyondGuessing(secret) == expected)
        #expect(try ListenerToken(name: "t", secret: secret, scope: .read).isBeyondGuessing == expected)
    }

    @Test("a client is who a trusted proxy says it is, and nobody else's word counts")
    func proxies() async throws {
        var extras = ListenerExtras()
        extras.trustedProxies = ["127.0.0.0/8", "10.0.0.0/8"]
        try await withListener(tokens: try Self.tokens(), extras: extras) { listener in
            func guess(_ chain: String) async throws -> Int {
                try await listener.send(
                    "GET", "/api/monitor/alerts",
                    headers: [(name: "Authorization", value: "Bearer guess"), (name: "X-Forwarded-For", value: chain)]
                ).status
            }
            try await eventually("one client is slowed down", timeout: .seconds(20)) { try await guess("192.0.2.7, 10.0.0.9") == 429 }
            #expect(try await guess("6.6.6.6, 192.0.2.8") == 401)
        }
        try await withListener(tokens: try Self.tokens()) { listener in
            func guess(_ number: Int) async throws -> Int {
                try await listener.send(
                    "GET", "/api/monitor/alerts",
                    headers: [(name: "Authorization", value: "Bearer guess"), (name: "X-Forwarded-For", value: "192.0.2.\(number)")]
                ).status
            }
            var number = 0
            try await eventually("its own word does not help", timeout: .seconds(20)) {
                number = (number + 1) % 250
                return try await guess(number) == 429
            }
        }
    }

    private static func pair(_ cookie: String) -> String { String(cookie.prefix { $0 != ";" }) }
}

extension Listener {
    /// Headers of somebody who signed in with the token of that name.
    func signIn(_ token: String) async throws -> [(name: String, value: String)] {
        let cookie = try #require(try await submit("/login", "token=secret-of-\(token)").header("Set-Cookie"))
        return [(name: "Cookie", value: String(cookie.prefix { $0 != ";" }))]
    }

    /// What the forms of a page carry.
    func formMark(_ path: String, _ headers: [(name: String, value: String)] = []) async throws -> String {
        let page = try await send("GET", path, headers: headers)
        return String(try #require(page.text.firstMatch(of: /name="form" value="([A-Za-z0-9_-]+)"/), "\(page.text)").output.1)
    }
}
