import Foundation
import MonitorAPI
import TestSupport
import Testing

/// What comes over a connection that is no request, or none that ends.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct ConnectionTests {
    @Test(
        "what HTTP does not allow is 400, with a request's id, and the connection ends",
        arguments: [
            ("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n", "400 Bad Request", "one Host header"),
            ("GET /health HTTP/1.1\r\nHost: localhost\r\nX: 1\r\nhost: evil.example\r\n\r\n", "400 Bad Request", "one Host header"),
            ("GET /health HTTP/1.1\r\n\r\n", "400 Bad Request", "one Host header"),
            (
                "GET /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400 Bad Request",
                "chunked in"
            ),
            ("nonsense\r\n\r\n", "400 Bad Request", "no HTTP request"),
            ("GET /health HTTP/1.1\r\nHost: localhost\r\nX Y: 1\r\n\r\n", "400 Bad Request", "no HTTP request"),
            ("GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", "400 Bad Request", "no HTTP request"),
            (
                "GET /health HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "x", count: 40_000))\r\n\r\n",
                "431 Request Header Fields Too Large", "32 KB"
            ),
            (
                "POST /api/monitor/compute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "5\r\n{\"a\":\r\nnonsense\r\n\r\n", "400 Bad Request", "The body is not framed"
            ),
            (
                "POST /api/monitor/compute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "FFFFFFFFFFFFFFFFFF\r\n", "400 Bad Request", "The body is not framed"
            ),
        ])
    func malformed(request: String, status: String, words: String) async throws {
        try await withListener(fixture: false) { listener in
            let connection = try RawConnection(port: listener.port)
            connection.send(request)
            let answer = try await connection.read(within: 10)
            #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"), "\(answer)")
            #expect(answer.lowercased().contains("\r\nx-request-id: ") && answer.contains(words), "\(answer)")
            #expect(answer.components(separatedBy: "HTTP/1.1 ").count == 2, "\(answer)")
        }
    }

    @Test(
        "requests that came before a faulty one are answered before it",
        arguments: [
            "GET /health HTTP/1.1\r\n\r\n", "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", "nonsense\r\n\r\n",
        ])
    func pipelined(faulty: String) async throws {
        try await withListener(fixture: false) { listener in
            let connection = try RawConnection(port: listener.port)
            let good = "GET /api/monitor/alerts HTTP/1.1\r\nHost: localhost\r\n\r\n"
            connection.send(good + good + faulty + good)
            let answer = try await connection.read(within: 10)
            let statuses = answer.matches(of: /HTTP\/1\.1 (\d+)/).map { String($0.1) }
            #expect(statuses == ["200", "200", "400"], "\(answer)")
        }
    }

    @Test("a client of HTTP/1.0 is answered in its way, and not kept waiting for an end")
    func oldClients() async throws {
        try await withListener(fixture: false) { listener in
            let plain = try RawConnection(port: listener.port)
            plain.send("GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            let answer = try await plain.read(within: 10)
            #expect(answer.hasPrefix("HTTP/1.0 200 OK\r\n") && answer.hasSuffix("}"), "\(answer)")
            let chunks = try RawConnection(port: listener.port)
            chunks.send("POST /health HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            let refusal = try await chunks.read(within: 10)
            #expect(refusal.hasPrefix("HTTP/1.0 400 Bad Request\r\n") && refusal.contains("chunked in"), "\(refusal)")
            let kept = try RawConnection(port: listener.port)
            for _ in 0..<2 {
                kept.send("GET /health HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n")
                _ = try await kept.read(within: 10) { $0.hasSuffix("}") }
            }
            let stream = try RawConnection(port: listener.port)
            stream.send("GET /api/monitor/stream HTTP/1.0\r\nHost: localhost\r\n\r\n")
            let events = try await stream.read(within: 10) { $0.contains("retry: ") }
            #expect(!events.lowercased().contains("transfer-encoding"), "\(events)")
        }
    }

    @Test("a client that asks whether to go on with its body is told to")
    func expectation() async throws {
        try await withListener(fixture: false) { listener in
            let connection = try RawConnection(port: listener.port)
            connection.send(
                "POST /api/monitor/silences HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
                    + "Content-Length: 2\r\n\r\n")
            let interim = try await connection.read(within: 10) { $0.contains("\r\n\r\n") }
            #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
            connection.send("{}")
            let answer = try await connection.read(within: 10) { $0.hasSuffix("}") }
            #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n") && answer.contains("matchers"), "\(answer)")
        }
    }

    @Test("a header that drips in is cut off after ten seconds, whatever comes meanwhile")
    func drippingHeader() async throws {
        try await withListener(fixture: false) { listener in
            let connection = try RawConnection(port: listener.port)
            let began = ContinuousClock.now
            var isOpen = connection.send("GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
            while isOpen, began.duration(to: .now) < .seconds(20) {
                try await Task.sleep(for: .milliseconds(300))
                isOpen = connection.send("x")
            }
            #expect(!isOpen && began.duration(to: .now) < .seconds(14))
            #expect(try await listener.send("GET", "/health").status == 200)
        }
    }

    @Test(
        "a body that nobody wants is not waited for",
        arguments: [
            ("POST /health", "405"), ("POST /nothing", "404"), ("POST /api/monitor/compute", "401"),
        ])
    func unwantedBody(request: String, status: String) async throws {
        let token = try ListenerTokenFixture.token("oncall", .write)
        try await withListener(tokens: [token], fixture: false) { listener in
            let connection = try RawConnection(port: listener.port)
            let began = ContinuousClock.now
            connection.send("\(request) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{")
            let answer = try await connection.read(within: 5) { $0.contains("\r\n\r\n") }
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            var isOpen = true
            while isOpen, began.duration(to: .now) < .seconds(20) {
                try await Task.sleep(for: .milliseconds(200))
                isOpen = connection.send("x")
            }
            #expect(!isOpen && began.duration(to: .now) < .seconds(10))
        }
    }

    @Test("where there are as many connections as there may be, one more is told so; one that ends makes room")
    func tooMany() async throws {
        var extras = ListenerExtras()
        extras.maximumConnections = 3
        try await withListener(fixture: false, extras: extras) { listener in
            let health = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
            var held: [RawConnection] = []
            for _ in 0..<3 {
                let connection = try RawConnection(port: listener.port)
                connection.send(health)
                #expect(try await connection.read(within: 5) { $0.contains("ok") }.hasPrefix("HTTP/1.1 200"))
                held.append(connection)
            }
            let late = try await RawConnection(port: listener.port).read(within: 5)
            #expect(late.hasPrefix("HTTP/1.1 503 ") && late.lowercased().contains("\r\nretry-after: 5\r\n"), "\(late)")
            held.removeFirst()
            try await eventually("there is room again") {
                let connection = try RawConnection(port: listener.port)
                connection.send(health)
                return try await connection.read(within: 5) { $0.contains("}") }.hasPrefix("HTTP/1.1 200")
            }
        }
    }
}
