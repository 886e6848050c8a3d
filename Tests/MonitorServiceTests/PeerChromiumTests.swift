import Foundation
import Monitoring
import TestSupport
import Testing

/// The story as whoever is on call has it: a message on the phone, a tap, a name, a button; and the page that the others see.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"),
    .enabled(if: PeerProgram.find("chromedriver") != nil, PeerProgram.hint("chromedriver")),
    .enabled(if: PeerProgram.find("chromium") != nil, PeerProgram.hint("chromium")), .timeLimit(.minutes(3)))
struct PeerChromiumTests {
    @Test func anAlertIsAcknowledgedOnAPhoneWithoutScriptAndSeenOnADesktop() async throws {
        let channel = try HTTPFixture { _ in .answer(status: 200, body: Array("ok".utf8)) }
        defer { channel.stop() }
        try await withPeerDirectory { directory in
            try await withTestDatabase { database in
                let code = try await Program.serve(
                    ["--database", database.url, "--config", try SpineTests.configuration(channel, in: directory)]
                ) { address in
                    try await SpineTests.writeEvents(database.client)
                    try await eventually("a message", timeout: .seconds(60)) { !channel.requests.isEmpty }
                    let message = String(decoding: channel.requests[0].body, as: UTF8.self).replacing("\\/", with: "/")
                    let link = try #require(
                        message.firstMatch(of: /http:\/\/127\.0\.0\.1:\d+\/a\/[A-Za-z0-9_-]+/).map { String($0.output) })

                    try await Self.acknowledge(link, address, "\(directory)/phone")
                    #expect(try await SpineTests.statuses(address, "acknowledged").contains { $0.hasSuffix(" by Robin Ōmura") })
                    try await Self.look(address, "\(directory)/desktop")
                }
                #expect(code == 0)
            }
        }
    }

    @Test func thePagesAreForEverybodyLightAndDarkOnAPhoneAndADesktopAndFollowWhatHappens() async throws {
        let channel = try HTTPFixture { _ in .answer(status: 200, body: Array("ok".utf8)) }
        defer { channel.stop() }
        try await withPeerDirectory { directory in
            try await withTestDatabase { database in
                let path = try SpineTests.configuration(channel, in: directory)
                let tokens = "\nlistener:\n  tokens: [{name: oncall, secret: a-long-enough-secret, scope: write}]\n"
                let file = try String(contentsOfFile: path, encoding: .utf8)
                #expect(!file.contains("listener:"))
                try (file + tokens).write(toFile: path, atomically: true, encoding: .utf8)
                let code = try await Program.serve(["--database", database.url, "--config", path]) { address in
                    try await SpineTests.writeEvents(database.client)
                    try await eventually("a message", timeout: .seconds(60)) { !channel.requests.isEmpty }
                    let message = String(decoding: channel.requests[0].body, as: UTF8.self).replacing("\\/", with: "/")
                    let link = try #require(
                        message.firstMatch(of: /http:\/\/127\.0\.0\.1:\d+\/a\/[A-Za-z0-9_-]+/).map { String($0.output) })
                    for screen in [
                        PeerBrowser.Screen(width: 390, height: 844, isPhone: true), PeerBrowser.Screen(width: 1280, height: 800),
                    ] {
                        try await Self.browse(screen, hasScript: true, address, "\(directory)/audit-\(screen.width)") { browser in
                            try await Self.audit(browser, ["\(address)/login?over=1", "\(address)/a/forged", "\(address)/nowhere", link])
                            try await Self.signIn(browser, address)
                            let story = try await Self.story(browser)
                            try await Self.audit(browser, ["\(address)/", "\(address)/?window=7d", story])
                        }
                    }
                    try await Self.follow(address, "\(directory)/live")
                }
                #expect(code == 0)
            }
        }
    }

    @Test func aPageThatNobodyLooksAtHoldsNoConnectionAndOneThatIsBehindSaysSo() async throws {
        try await withPeerDirectory { directory in
            try await withTestDatabase { database in
                let code = try await Program.serve(["--database", database.url]) { address in
                    try await ReloadTests.openAlert(database.client)
                    try await Self.browse(PeerBrowser.Screen(width: 1280, height: 800), hasScript: true, address, "\(directory)/tabs") {
                        // A browser has six connections for a host, and each page that is looked at holds one.
                        for _ in 0..<8 {
                            try await $0.open("\(address)/")
                            try await Self.becomes("Live", $0)
                            try await $0.openTab()
                        }
                        try await $0.open("\(address)/")
                        try await Self.becomes("Live", $0)
                        try await Self.fallBehind($0)
                        try await Self.stayInUse($0)
                    }
                }
                #expect(code == 0)
            }
        }
    }

    /// What the page loads fails, or never comes; then it comes again.
    private static func fallBehind(_ browser: PeerBrowser) async throws {
        _ = try await browser.evaluate("window.real = window.fetch")
        for failure in [
            "return Promise.resolve(new Response('', {status: 503}))",
            "return new Promise(function (_, fail) { options.signal.onabort = function () { fail(options.signal.reason); }; })",
        ] {
            _ = try await browser.evaluate("window.fetch = function (url, options) { \(failure) }; \(look)")
            try await eventually("the page says since when", timeout: .seconds(30)) {
                try await browser.text("#live") == "Not up to date since \(browser.text("[data-live=clock]"))"
            }
            _ = try await browser.evaluate("window.fetch = function (url, options) { return window.real(url, options) }")
            try await becomes("Live", browser)
        }
    }

    /// A time that was chosen and the place of the keyboard outlast what the page loads.
    private static func stayInUse(_ browser: PeerBrowser) async throws {
        func load() async throws {
            // As if all of it had changed.
            _ = try await browser.evaluate(
                "document.title = 'old'; document.querySelectorAll('[data-live]').forEach(function (one) { one.dataset.was = '' }); \(look)"
            )
            try await eventually("it has loaded", timeout: .seconds(20)) { try await browser.title() != "old" }
        }
        _ = try await browser.evaluate("document.querySelector('.more summary').focus()")
        try await load()
        #expect(try await browser.evaluate("return document.activeElement.tagName") == .string("SUMMARY"))
        _ = try await browser.evaluate("document.querySelector('select[name=for]').value = '8h'")
        try await load()
        #expect(try await browser.evaluate("return document.querySelector('select[name=for]').value") == .string("8h"))
    }

    /// As when somebody comes back to the page.
    private static let look = "document.dispatchEvent(new Event('visibilitychange'))"

    private static func becomes(_ word: String, _ browser: PeerBrowser) async throws {
        try await eventually("the page says \(word)", timeout: .seconds(30)) { try await browser.text("#live") == word }
    }

    /// Somebody presses a button on one screen, and another screen shows it without being touched.
    private static func follow(_ address: String, _ directory: String) async throws {
        try await browse(PeerBrowser.Screen(width: 1280, height: 800), hasScript: true, address, directory) { watcher in
            try await signIn(watcher, address)
            try await eventually("the page is live", timeout: .seconds(20)) { try await watcher.text("#live") == "Live" }
            // With the keyboard alone, and without script.
            try await browse(PeerBrowser.Screen(width: 390, height: 844, isPhone: true), hasScript: false, address, directory + "-phone") {
                try await signIn($0, address)
                try await $0.click(".more summary")
                try await $0.type("Robin Ōmura\n", into: ".act input[name=name]")
                try await eventually("it is done", timeout: .seconds(20)) {
                    try await watcher.text(".alerts").contains("Robin Ōmura has it")
                }
                #expect(try await $0.text("[role=status] h2") == "Acknowledged. It is yours, Robin Ōmura.")
            }
            let said = try await watcher.evaluate("return document.getElementById('said').textContent").string
            #expect(said?.hasPrefix("fallback spike acknowledged by Robin Ōmura: Fallback rate") == true, "\(said ?? "")")
        }
    }

    private static func signIn(_ browser: PeerBrowser, _ address: String) async throws {
        try await browser.open("\(address)/")
        #expect(try await browser.title() == "Sign in · torq-monitor")
        try await browser.type("a-long-enough-secret\n", into: "#token")
        try await eventually("the status page", timeout: .seconds(20)) { (try? await browser.text("#course")) != nil }
    }

    private static func story(_ browser: PeerBrowser) async throws -> String {
        try await browser.evaluate("return document.querySelector('.alerts h3 a').href").string ?? ""
    }

    private static func audit(_ browser: PeerBrowser, _ pages: [String]) async throws {
        for page in pages {
            for scheme in ["light", "dark"] {
                try await browser.prefer(scheme)
                try await browser.open(page)
                let faults = try await browser.evaluate(PageAudit.script).array?.compactMap(\.string)
                #expect(faults == [], "\(page.prefix(60)) \(scheme)")
            }
        }
    }

    private static func acknowledge(_ link: String, _ address: String, _ directory: String) async throws {
        try await browse(PeerBrowser.Screen(width: 390, height: 844, isPhone: true), hasScript: false, address, directory) { browser in
            // Script really is off: this page would name itself.
            try await browser.open("data:text/html,<title>off</title><script>document.title='on'</script>")
            #expect(try await browser.title() == "off")

            try await browser.open(link)
            try await Self.checkFits(browser, width: 390)
            #expect(try await SpineTests.statuses(address, "acknowledged") == [])
            #expect(try await browser.text("button[type=submit]") == "Acknowledge")
            try await browser.type("Robin Ōmura", into: "#name")
            try await browser.click("button[type=submit]")
            try await eventually("the page says so", timeout: .seconds(20)) {
                (try? await browser.text("[role=status] h2")) == "Acknowledged. It is yours, Robin Ōmura."
            }
            try await Self.checkFits(browser, width: 390)
        }
    }

    private static func look(_ address: String, _ directory: String) async throws {
        try await browse(PeerBrowser.Screen(width: 1280, height: 800), hasScript: true, address, directory) { browser in
            try await browser.open("\(address)/")
            try await Self.checkFits(browser, width: 1280)
            let alerts = try await browser.text(".alerts")
            #expect(alerts.contains("Fallback spike"))
            #expect(alerts.contains("Robin Ōmura has it since"))
            // And further, to the page of the alert.
            try await browser.click(".alerts h3 a")
            try await eventually("the alert's page", timeout: .seconds(20)) { try await browser.title().hasPrefix("Fallback spike") }
            try await Self.checkFits(browser, width: 1280)
        }
    }

    /// As wide as it should be, and nothing to be scrolled sideways.
    private static func checkFits(_ browser: PeerBrowser, width: Int64) async throws {
        #expect(try await browser.evaluate("return innerWidth") == .integer(width))
        #expect(try await browser.evaluate("return document.documentElement.scrollWidth <= innerWidth") == .bool(true))
    }

    /// What a page asks for, it asks the service for.
    private static func browse(
        _ screen: PeerBrowser.Screen, hasScript: Bool, _ address: String, _ directory: String,
        _ body: @escaping @Sendable (PeerBrowser) async throws -> Void
    ) async throws {
        let driver = try #require(PeerProgram.find("chromedriver"))
        let chromium = try #require(PeerProgram.find("chromium"))
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        try await PeerBrowser.run(driver, chromium, directory, screen, hasScript: hasScript) { browser in
            try await body(browser)
            let requests = try await browser.requests()
            #expect(!requests.isEmpty)
            #expect(requests.filter { !$0.hasPrefix("\(address)/") } == [])
        }
    }
}
