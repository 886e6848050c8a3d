import Glibc
import TestSupport
import Testing
import WebTransport

@Suite(.timeLimit(.minutes(1))) struct WebTransportTests {
    private func code(_ transport: WebTransport, _ request: WebRequest) async -> WebTransportError.Code? {
        await failure(transport, request)?.code
    }

    private func failure(_ transport: WebTransport, _ request: WebRequest) async -> WebTransportError? {
        do throws(WebTransportError) {
            _ = try await transport.send(request)
            return nil
        } catch {
            return error
        }
    }

    @Test func echo() async throws {
        let server = try HTTPFixture { .answer(status: 200, headers: [("X-Method", $0.method), ("X-Target", $0.target)], body: $0.body) }
        let transport = WebTransport()
        let body = (0..<2048).map { UInt8(truncatingIfNeeded: $0) }
        let response = try await transport.send(
            WebRequest(
                method: "POST", url: server.url("/a/b?c=d"), headers: [("X-One", "1"), ("X-Empty", ""), ("X-Umlaut", "ä")], body: body,
                addresses: .any))
        #expect(response.status == 200)
        #expect(response.body == body)
        #expect(!response.bodyTruncated)
        #expect(response.header("x-method") == "POST")
        #expect(response.header("X-TARGET") == "/a/b?c=d")
        #expect(response.header("X-None") == nil)
        #expect(response.remoteAddress == "127.0.0.1")
        #expect(response.newConnections == 1)
        #expect(response.timings.total >= response.timings.firstByte)
        #expect(response.timings.firstByte >= response.timings.connect)
        #expect(response.timings.connect > .zero)
        #expect(response.timings.tls == .zero)
        let request = try #require(server.requests.first)
        #expect(
            request.headers.map { "\($0.name): \($0.value)" } == [
                "Host: 127.0.0.1:\(server.port)", "User-Agent: torq-monitor", "Accept: */*", "X-One: 1", "X-Empty: ", "X-Umlaut: ä",
                "Content-Length: 2048",
            ])
        await transport.close()
    }

    @Test(arguments: [200, 204, 301, 302, 307, 400, 404, 410, 429, 500, 503])
    func aStatusIsAnAnswerAndARedirectIsNotFollowed(_ status: Int) async throws {
        let server = try HTTPFixture { _ in .answer(status: status, headers: [("Location", "/elsewhere"), ("Retry-After", "3")]) }
        let transport = WebTransport()
        let response = try await transport.send(WebRequest(url: server.url(), addresses: .any))
        #expect(response.status == status)
        #expect(response.header("retry-after") == "3")
        #expect(server.requests.count == 1)
        await transport.close()
    }

    @Test(arguments: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) func methods(_ method: String) async throws {
        let server = try HTTPFixture { _ in .answer(status: 200, body: Array("hello".utf8)) }
        let transport = WebTransport()
        let response = try await transport.send(WebRequest(method: method, url: server.url(), addresses: .any))
        #expect(response.body == (method == "HEAD" ? [] : Array("hello".utf8)))
        #expect(server.requests.map(\.method) == [method])
        await transport.close()
    }

    @Test func credentialsOfTheURLAreSentAsBasic() async throws {
        let server = try HTTPFixture()
        let transport = WebTransport()
        _ = try await transport.send(WebRequest(url: "http://us%40er:pass@127.0.0.1:\(server.port)/", addresses: .any))
        #expect(server.requests.first?.header("Authorization") == "Basic dXNAZXI6cGFzcw==")
        await transport.close()
    }

    @Test func anOwnUserAgentReplacesTheDefault() async throws {
        let server = try HTTPFixture()
        let transport = WebTransport()
        _ = try await transport.send(WebRequest(url: server.url(), headers: [("User-Agent", "mine")], addresses: .any))
        #expect(server.requests.first?.headers.filter { $0.name.lowercased() == "user-agent" }.map(\.value) == ["mine"])
        await transport.close()
    }

    @Test func largeBodiesAreKeptInPart() async throws {
        let server = try HTTPFixture { .answer(status: 200, body: $0.body) }
        let transport = WebTransport()
        let body = [UInt8](repeating: 0x61, count: 1_000_000)
        let response = try await transport.send(
            WebRequest(method: "POST", url: server.url(), body: body, keepBytes: 4096, maximumBytes: 1_000_000, addresses: .any))
        #expect(response.body == Array(body.prefix(4096)))
        #expect(response.bodyTruncated)
        #expect(server.requests.first?.body == body)
        await transport.close()
    }

    @Test func aBodyPastItsBoundEndsTheTransfer() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200, body: [UInt8](repeating: 0x61, count: 10_000_000)) }
        let transport = WebTransport()
        let error = await failure(transport, WebRequest(url: server.url(), keepBytes: 10, maximumBytes: 999_999, addresses: .any))
        #expect(error?.code == .bodyTooLarge)
        #expect(error?.status == 200)
        await transport.close()
    }

    @Test func headersPastTheirBoundEndTheTransfer() async throws {
        let lines = (0..<100).map { "X-\($0): \(String(repeating: "y", count: 1000))\r\n" }.joined()
        let server = try HTTPFixture { _ in .raw("HTTP/1.1 200 OK\r\n\(lines)Content-Length: 0\r\n\r\n") }
        let transport = WebTransport()
        #expect(await code(transport, WebRequest(url: server.url(), addresses: .any)) == .invalidResponse)
        await transport.close()
    }

    @Test(arguments: ["SSH-2.0-x\r\n", "HTTP/7.1 200 OK\r\n\r\n"]) func whatIsNotHTTP(_ answer: String) async throws {
        let server = try HTTPFixture { _ in .rawThenClose(answer) }
        let transport = WebTransport()
        #expect(await code(transport, WebRequest(url: server.url(), addresses: .any)) == .invalidResponse)
        await transport.close()
    }

    @Test func aDrippingServerHitsTheTimeout() async throws {
        let server = try HTTPFixture { _ in .drip }
        let transport = WebTransport()
        let error = await failure(transport, WebRequest(url: server.url(), timeout: .milliseconds(200), addresses: .any))
        #expect(error?.code == .timeout)
        #expect(error?.status == 200)
        #expect(error?.remoteAddress == "127.0.0.1")
        #expect((error?.timings.total ?? .zero) >= .milliseconds(190))
        await transport.close()
    }

    @Test func aHangingServerDelaysNoOther() async throws {
        let hanging = try HTTPFixture { _ in .hang }
        let server = try HTTPFixture()
        let transport = WebTransport()
        async let slow = code(transport, WebRequest(url: hanging.url(), timeout: .milliseconds(500), addresses: .any))
        #expect(await hanging.received(1))
        for _ in 0..<20 {
            #expect(try await transport.send(WebRequest(url: server.url(), addresses: .any)).timings.total < .milliseconds(400))
        }
        #expect(await slow == .timeout)
        await transport.close()
    }

    @Test func refused() async throws {
        let transport = WebTransport()
        let error = await failure(transport, WebRequest(url: "http://127.0.0.1:\(try HTTPFixture.unusedPort())/", addresses: .any))
        #expect(error?.code == .refused)
        #expect(error?.remoteAddress == "127.0.0.1")
        #expect(error?.isRetryable == true)
        await transport.close()
    }

    @Test(arguments: [0, 4_000_000]) func reset(_ size: Int) async throws {
        let server = try HTTPFixture { _ in .reset }
        let transport = WebTransport()
        let body = [UInt8](repeating: 0, count: size)
        #expect(await code(transport, WebRequest(method: "POST", url: server.url(), body: body, addresses: .any)) == .reset)
        await transport.close()
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"]) func closedTooEarly(_ answer: String) async throws {
        let server = try HTTPFixture { _ in .rawThenClose(answer) }
        let transport = WebTransport()
        #expect(await code(transport, WebRequest(url: server.url(), addresses: .any)) == .reset)
        await transport.close()
    }

    @Test func plainHTTPWhereTLSIsExpected() async throws {
        let server = try HTTPFixture { _ in .rawThenClose("HTTP/1.1 400 No\r\n\r\n") }
        let transport = WebTransport()
        let url = "https://127.0.0.1:\(server.port)/"
        #expect(await code(transport, WebRequest(url: url, timeout: .milliseconds(500), addresses: .any)) != nil)
        await transport.close()
    }

    @Test func connectionsAreUsedAgain() async throws {
        let server = try HTTPFixture()
        let transport = WebTransport()
        var opened: [Int] = []
        for _ in 0..<5 {
            opened.append(
                try await transport.send(WebRequest(method: "POST", url: server.url(), body: [1], addresses: .any)).newConnections)
        }
        #expect(opened == [1, 0, 0, 0, 0])
        #expect(server.connections == 1)
        await transport.close()
    }

    @Test func noMoreAtOnceThanAllowed() async throws {
        let server = try HTTPFixture()
        let transport = WebTransport(WebTransportConfiguration(maxConnections: 3))
        await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<200 {
                group.addTask { try? await transport.send(WebRequest(url: server.url(), addresses: .any)).status }
            }
            for await status in group { #expect(status == 200) }
        }
        #expect(server.requests.count == 200)
        #expect(server.connections <= 3)
        await transport.close()
    }

    @Test func theEnvironmentsProxyIsIgnored() async throws {
        setenv("http_proxy", "http://127.0.0.1:\(try HTTPFixture.unusedPort())", 1)
        defer { unsetenv("http_proxy") }
        let server = try HTTPFixture()
        let transport = WebTransport()
        #expect(try await transport.send(WebRequest(url: server.url(), addresses: .any)).status == 200)
        await transport.close()
    }

    @Test func aConfiguredProxyIsUsed() async throws {
        let proxy = try HTTPFixture()
        let transport = WebTransport(WebTransportConfiguration(proxy: "http://127.0.0.1:\(proxy.port)"))
        #expect(try await transport.send(WebRequest(url: "http://receiver.invalid/x")).status == 200)
        #expect(proxy.requests.map(\.target) == ["http://receiver.invalid/x"])
        await transport.close()
    }

    @Test func anUnknownNameIsADNSError() async throws {
        let transport = WebTransport()
        #expect(await code(transport, WebRequest(url: "http://receiver.invalid/", timeout: .seconds(5))) == .dns)
        await transport.close()
    }
}
