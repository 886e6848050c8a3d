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
