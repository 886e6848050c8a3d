import Testing

@testable import WebTransport

@Suite struct PreparedRequestTests {
    @Test(arguments: [
        ("", WebTransportError.Code.invalidURL), ("example.com", .invalidURL), ("//example.com/", .invalidURL), ("http://", .invalidURL),
        ("http://exa mple.com/", .invalidURL), ("http://example.com/\r\nX: y", .invalidURL),
        ("http://example.com/\u{0}", .invalidURL), ("http://example.com:99999/", .invalidURL), ("http://bücher.example/", .invalidURL),
        ("http://us%0d%0aer:x@example.com/", .invalidURL), ("http://user:p%00w@example.com/", .invalidURL), ("http://[::1/", .invalidURL),
        ("ftp://example.com/", .unsupportedScheme), ("file:///etc/passwd", .unsupportedScheme),
        ("gopher://example.com/", .unsupportedScheme),
        ("http://example.com/" + String(repeating: "a", count: 16 * 1024), .invalidURL),
    ]) func refusedURL(_ url: String, _ code: WebTransportError.Code) {
        #expect(throws: WebTransportError(code)) { try PreparedRequest(WebRequest(url: url)) }
    }

    @Test(arguments: [
        "http://example.com", "HTTPS://example.com/a?b=c#d", "https://user:p%40ss@example.com:8443/", "http://[2001:db8::1]:80/",
    ])
    func acceptedURL(_ url: String) throws {
        #expect(try PreparedRequest(WebRequest(url: url)).url == url)
    }

    @Test(arguments: [
        ("X-A", "a\r\nX-B: b"), ("X-A", "a\nb"), ("X-A", "a\u{0}b"), ("X-A", "\u{7f}"), ("X A", "a"), ("X-A:", "a"), ("", "a"),
        ("X\r\nB", "a"),
        ("Ä", "a"), ("Content-Length", "3"), ("transfer-encoding", "chunked"),
    ]) func refusedHeader(_ name: String, _ value: String) {
        #expect(throws: WebTransportError(.invalidHeader)) {
            try PreparedRequest(WebRequest(url: "http://example.com", headers: [(name, value)]))
        }
    }

    @Test(arguments: ["", "GET /", "GE\r\nT"]) func refusedMethod(_ method: String) {
        #expect(throws: WebTransportError(.invalidHeader)) { try PreparedRequest(WebRequest(method: method, url: "http://example.com")) }
    }

    @Test(arguments: [
        ("Content-Type", "content-type", true), ("EXPECT", "expect", true), ("expect", "expect", true), ("Expect ", "expect", false),
        ("Expec", "expect", false), ("a\r", "a-", false), ("A[", "a{", false), ("Ä", "ä", false),
    ]) func namesAreComparedWithoutTheirCase(_ name: String, _ small: String, _ expected: Bool) {
        #expect(HeaderSyntax.isSame(name, small) == expected)
    }

    @Test func headerLines() throws {
        let headers = [(name: "X-One", value: "1"), (name: "X-None", value: " "), (name: "content-type", value: "text/plain")]
        #expect(
            try PreparedRequest(WebRequest(url: "http://example.com", headers: headers)).headerLines
                == ["X-One: 1", "X-None;", "content-type: text/plain", "Expect:"])
    }

    @Test(arguments: [
        (Duration.zero, 1), (.seconds(-1), 1), (.microseconds(10), 1), (.milliseconds(1500), 1500), (.seconds(86400), 3_600_000),
    ]) func milliseconds(_ duration: Duration, _ expected: Int) {
        #expect(PreparedRequest.milliseconds(duration) == expected)
    }
}
