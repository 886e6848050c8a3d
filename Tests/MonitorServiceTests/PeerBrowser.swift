import Foundation
import Monitoring
import TestSupport
import WebTransport

/// Chromium, driven through chromedriver by the W3C's WebDriver protocol: JSON over HTTP.
struct PeerBrowser: Sendable {
    /// What is looked at, in CSS pixels.
    struct Screen: Sendable {
        var width: Int
        var height: Int
        /// A phone lays a page out as its viewport says.
        var isPhone = false
    }

    /// WebDriver refused or did not answer.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let address: String
    private let transport: WebTransport
    private let session: String

    /// Runs `body` with a browser that is new and empty, and reaches nothing but 127.0.0.1.
    ///
    /// - Parameter directory: where the browser keeps what it writes.
    static func run(
        _ driver: PeerProgram, _ browser: PeerProgram, _ directory: String, _ screen: Screen, hasScript: Bool = true,
        _ body: @escaping @Sendable (PeerBrowser) async throws -> Void
    ) async throws {
        let port = try HTTPFixture.unusedPort()
        let address = "http://127.0.0.1:\(port)"
        let variables = ["HOME": directory, "TMPDIR": directory, "XDG_CONFIG_HOME": directory, "XDG_CACHE_HOME": directory]
        try await driver.serve(["--port=\(port)"], variables: variables, group: true, log: "\(directory)/chromedriver.log") {
            let transport = WebTransport()
            do {
                try await eventually("chromedriver answers", timeout: .seconds(20)) {
                    (try? await transport.send(WebRequest(url: "\(address)/status", addresses: .any)))?.status == 200
                }
                let options = Self.options(browser, screen, hasScript: hasScript)
                let opened = try await Self.send(transport, "POST", "\(address)/session", options, timeout: .seconds(60))
                guard let session = opened["sessionId"]?.string else { throw Failure(description: "no session: \(opened)") }
                let browser = PeerBrowser(address: address, transport: transport, session: session)
                do {
                    try await body(browser)
                    _ = try await browser.send("DELETE", "")
                } catch {
                    _ = try? await browser.send("DELETE", "")
                    throw error
                }
                await transport.close()
            } catch {
                await transport.close()
                throw error
            }
        }
    }

    /// Goes to a page and waits until it has loaded.
    func open(_ url: String) async throws {
        try await send("POST", "/url", .object(["url": .string(url)]))
    }

    /// Opens a tab and goes on in it; those that are there already stay as they are.
    func openTab() async throws {
        let tab = try await send("POST", "/window/new", .object(["type": .string("tab")]))
        try await send("POST", "/window", .object(["handle": tab["handle"] ?? .null]))
    }

    /// The title of the page.
    func title() async throws -> String {
        try await send("GET", "/title").string ?? ""
    }

    /// The text of the one element that `selector` names, as it can be read on the screen.
    func text(_ selector: String) async throws -> String {
        try await onElement(selector) { try await send("GET", "/element/\($0)/text").string ?? "" }
    }

    /// Clicks an element, which must be where it can be clicked.
    func click(_ selector: String) async throws {
        try await onElement(selector) { try await send("POST", "/element/\($0)/click", .object([:])) }
    }

    /// Types into a field.
    func type(_ text: String, into selector: String) async throws {
        try await onElement(selector) { try await send("POST", "/element/\($0)/value", .object(["text": .string(text)])) }
    }

    /// What a script says that is the test's own, and runs where the page's may not.
    func evaluate(_ script: String) async throws -> JSONValue {
        try await send("POST", "/execute/sync", .object(["script": .string(script), "args": .array([])]))
    }

    /// Shows pages as somebody has asked their device to: light or dark.
    func prefer(_ scheme: String) async throws {
        let feature: JSONValue = .object(["name": .string("prefers-color-scheme"), "value": .string(scheme)])
        try await send(
            "POST", "/goog/cdp/execute",
            .object(["cmd": .string("Emulation.setEmulatedMedia"), "params": .object(["features": .array([feature])])]))
    }

    /// The URLs of all that the pages asked for since it was last called; a `data:` URL is no request.
    func requests() async throws -> [String] {
        let entries = try await send("POST", "/se/log", .object(["type": .string("performance")])).array ?? []
        return try entries.compactMap { entry in
            let message = try JSONValue(parsing: entry["message"]?.string ?? "")["message"]
            guard message?["method"]?.string == "Network.requestWillBeSent" else { return nil }
            let url = message?["params"]?["request"]?["url"]?.string
            return url?.hasPrefix("data:") == true ? nil : url
        }
    }

    // MARK: -

    /// A page that is live may put another element in its place between finding it and using it: it is found again.
    @discardableResult
    private func onElement<Value>(_ selector: String, _ use: (String) async throws -> Value) async throws -> Value {
        for _ in 0..<20 {
            do {
                return try await use(element(selector))
            } catch let failure as Failure where failure.description.contains("stale element reference") {
                continue
            }
        }
        return try await use(element(selector))
    }

    private func element(_ selector: String) async throws -> String {
        let found = try await send(
            "POST", "/element", .object(["using": .string("css selector"), "value": .string(selector)]))
        // The key that the standard gives to references of elements.
        guard let id = found["element-6066-11e4-a52e-4f735466cecf"]?.string else { throw Failure(description: "no \(selector): \(found)") }
        return id
    }

    @discardableResult
    private func send(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        try await Self.send(transport, method, "\(address)/session/\(session)\(path)", body, timeout: .seconds(30))
    }

    private static func send(
        _ transport: WebTransport, _ method: String, _ url: String, _ body: JSONValue?, timeout: Duration
    ) async throws -> JSONValue {
        let request = WebRequest(
            method: method, url: url, headers: body == nil ? [] : [(name: "Content-Type", value: "application/json")],
            body: try body.map { try Array(JSONEncoder().encode($0)) } ?? [], timeout: timeout, keepBytes: 8 << 20, maximumBytes: 8 << 20,
            addresses: .any)
        let answer: WebResponse
        do {
            answer = try await transport.send(request)
        } catch {
            throw Failure(description: "\(method) \(url): \(error)")
        }
        guard answer.status == 200, let value = try JSONValue(parsing: answer.text)["value"] else {
            throw Failure(description: "\(method) \(url): \(answer.status) \(answer.text.prefix(1000))")
        }
        return value
    }

    private static func options(_ browser: PeerProgram, _ screen: Screen, hasScript: Bool) -> JSONValue {
        var options: [String: JSONValue] = [
            "binary": .string(browser.path),
            "args": .array(
                [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                    "--disable-background-networking", "--disable-component-update", "--window-size=\(screen.width),\(screen.height)",
                    // No name is looked up, so nothing but this machine can be reached.
                    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
                ].map { .string($0) }),
        ]
        if screen.isPhone {
            // Without touch: chromedriver 156 never comes back from a tap on a page whose script is off, only from a click.
            options["mobileEmulation"] = .object([
                "deviceMetrics": .object([
                    "width": .integer(Int64(screen.width)), "height": .integer(Int64(screen.height)), "pixelRatio": .integer(3),
                    "touch": .bool(false),
                ])
            ])
        }
        if !hasScript {
            options["prefs"] = .object(["profile.managed_default_content_settings.javascript": .integer(2)])
        }
        return .object([
            "capabilities": .object([
                "alwaysMatch": .object([
                    "browserName": .string("chrome"), "goog:chromeOptions": .object(options),
                    "goog:loggingPrefs": .object(["performance": .string("ALL")]),
                ])
            ])
        ])
    }
}
