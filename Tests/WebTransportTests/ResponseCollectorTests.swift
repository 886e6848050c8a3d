import Testing

@testable import WebTransport

@Suite struct ResponseCollectorTests {
    private func take(_ line: String, _ collector: inout ResponseCollector) -> Bool {
        let bytes = Array(line.utf8)
        return bytes.withUnsafeBytes { collector.received(header: $0) } == bytes.count
    }

    @Test func interimAnswersAndTrailersAreLeftOut() {
        var collector = ResponseCollector(keepBytes: 10, maximumBytes: 10)
        for line in [
            "HTTP/1.1 103 Early Hints\r\n", "Link: x\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "A:1\r\n", "a: \t two: 2 \r\n", "Empty:\r\n",
            "odd\r\n",
            "\r\n", "Trailer: 3\r\n",
        ] {
            #expect(take(line, &collector))
        }
        #expect(collector.headers.map { "\($0.name)=\($0.value)" } == ["A=1", "a=two: 2", "Empty="])
        #expect(collector.overflow == nil)
    }

    @Test func headersHaveABound() {
        var collector = ResponseCollector(keepBytes: 10, maximumBytes: 10)
        let line = "X: " + String(repeating: "y", count: 1019) + "\r\n"
        for _ in 0..<64 { #expect(take(line, &collector)) }
        #expect(!take("Z: 1\r\n", &collector))
        #expect(collector.overflow == .headers)
    }

    @Test(
        arguments: [
            (keep: 4, maximum: 6, sizes: [3, 3], kept: 4, taken: [3, 3], truncated: true, overflow: nil),
            (keep: 6, maximum: 6, sizes: [3, 3], kept: 6, taken: [3, 3], truncated: false, overflow: nil),
            (keep: 0, maximum: 6, sizes: [1], kept: 0, taken: [1], truncated: true, overflow: nil),
            (keep: 4, maximum: 6, sizes: [3, 4], kept: 3, taken: [3, 0], truncated: true, overflow: .body),
            (keep: 4, maximum: 0, sizes: [], kept: 0, taken: [], truncated: false, overflow: nil),
        ] as [(keep: Int, maximum: Int, sizes: [Int], kept: Int, taken: [Int], truncated: Bool, overflow: ResponseCollector.Overflow?)])
    func body(keep: Int, maximum: Int, sizes: [Int], kept: Int, taken: [Int], truncated: Bool, overflow: ResponseCollector.Overflow?) {
        var collector = ResponseCollector(keepBytes: keep, maximumBytes: maximum)
        let answers = sizes.map { size in [UInt8](repeating: 1, count: size).withUnsafeBytes { collector.received(body: $0) } }
        #expect(answers == taken)
        #expect(collector.body.count == kept)
        #expect(collector.bodyTruncated == truncated)
        #expect(collector.overflow == overflow)
    }
}
