import NIOCore
import Testing

@testable import MonitorAPI

/// Who a client is, how often it may fail, and how long it may dawdle.
struct ClientTests {
    @Test(
        "the client is the last hop that is no proxy of ours",
        arguments: [
            ("192.0.2.1", ["198.51.100.7"], [], "192.0.2.1"), ("10.0.0.2", ["6.6.6.6, 198.51.100.7"], ["10.0.0.0/8"], "198.51.100.7"),
            ("10.0.0.2", ["198.51.100.7, 10.0.0.9"], ["10.0.0.0/8"], "198.51.100.7"),
            ("10.0.0.2", ["198.51.100.7", "10.0.0.9"], ["10.0.0.0/8"], "198.51.100.7"),
            ("10.0.0.2", ["nonsense"], ["10.0.0.0/8"], "10.0.0.2"),
            ("10.0.0.2", [], ["10.0.0.0/8"], "10.0.0.2"), ("10.0.0.2", ["10.1.1.1"], ["10.0.0.0/8"], "10.1.1.1"),
            ("::1", ["[2001:db8::7]:4711"], ["::1"], "2001:db8::7"), ("::ffff:10.0.0.2", ["192.0.2.7:80"], ["10.0.0.0/9"], "192.0.2.7"),
            ("10.128.0.2", ["192.0.2.7"], ["10.0.0.0/9"], "10.128.0.2"),
        ] as [(String, [String], [String], String)])
    func hops(peer: String, fields: [String], trusted: [String], client: String) throws {
        let trust = ProxyTrust(ranges: try trusted.map { try #require(ProxyTrust.Range($0)) })
        #expect(trust.client(peer: try #require(ClientAddress(peer)), forwardedFor: fields).description == client)
    }

    @Test("what is no network is refused", arguments: ["10.0.0.0/33", "proxy", "::/129", "10.0.0.0/8/8", "", "10.0.0.0/-1"])
    func ranges(text: String) {
        #expect(ProxyTrust.Range(text) == nil)
    }

    @Test("an IPv6 client is its network")
    func networks() throws {
        #expect(try #require(ClientAddress("2001:db8:1:2::1")).network == ClientAddress("2001:db8:1:2:ffff::9")?.network)
        #expect(try #require(ClientAddress("2001:db8:1:2::1")).network != ClientAddress("2001:db8:1:3::1")?.network)
        #expect(try #require(ClientAddress("192.0.2.1")).network != ClientAddress("192.0.2.2")?.network)
    }

    @Test("a bucket empties by failures and fills with time; trying on while it is empty costs nothing")
    func buckets() throws {
        var buckets = FailureBuckets()
        let client = try #require(ClientAddress("192.0.2.1")).network
        for _ in 0..<20 {
            #expect(buckets.wait(client, at: 100) == nil)
            buckets.failed(client, at: 100)
        }
        #expect(buckets.wait(client, at: 100) == 1)
        for _ in 0..<100 { buckets.failed(client, at: 100.5) }
        #expect(buckets.wait(client, at: 101.6) == nil)
        #expect(buckets.wait(try #require(ClientAddress("192.0.2.2")).network, at: 100) == nil)
    }

    @Test("the table of failures is bounded: who failed longest ago is forgotten")
    func bounded() throws {
        var buckets = FailureBuckets(room: 100)
        for number in 0..<250 {
            let client = try #require(ClientAddress("192.0.2.\(number)")).network
            for _ in 0..<20 { buckets.failed(client, at: 1) }
        }
        #expect(buckets.count == 100)
        #expect(buckets.wait(try #require(ClientAddress("192.0.2.1")).network, at: 1) == nil)
        #expect(buckets.wait(try #require(ClientAddress("192.0.2.249")).network, at: 1) == 1)
    }

    @Test("connections count in all and for each client, and again when one ends")
    func connections() throws {
        var count = ConnectionCount(ConnectionLimits(total: 3, perClient: 2))
        let one = try #require(ClientAddress("192.0.2.1")).network
        let other = try #require(ClientAddress("192.0.2.2")).network
        let first = [count.open(one), count.open(one), count.open(one)]
        #expect(first == [true, true, false])
        let second = [count.open(other), count.open(other), count.open(nil)]
        #expect(second == [true, false, false])
        count.close(one)
        let third = [count.open(nil), count.open(one)]
        #expect(third == [true, false] && count.total == 3)
    }

    @Test("a header that drips in has ten seconds, however often a byte comes")
    func drippingHeader() {
        let start = NIODeadline.uptimeNanoseconds(0)
        var clock = ConnectionClock(at: start)
        #expect(clock.deadline == start + .seconds(10))
        for second in 1..<9 { clock.readCompleted(at: start + .seconds(Int64(second))) }
        #expect(clock.deadline == start + .seconds(11))
    }

    @Test("a body has thirty seconds, and five once the answer is written")
    func drippingBody() {
        let start = NIODeadline.uptimeNanoseconds(0)
        var clock = ConnectionClock(at: start)
        clock.headReceived(at: start + .seconds(1))
        clock.readCompleted(at: start + .seconds(1))
        #expect(clock.deadline == start + .seconds(31))
        clock.bodyReceived()
        clock.readCompleted(at: start + .seconds(9))
        clock.answered(at: start + .seconds(10))
        clock.bodyReceived()
        clock.readCompleted(at: start + .seconds(12))
        #expect(clock.deadline == start + .seconds(15))
        clock.endReceived(at: start + .seconds(13))
        #expect(clock.deadline == start + .seconds(73))
    }

    @Test("an answer takes as long as it takes, unless the client stops reading")
    func slowReader() {
        let start = NIODeadline.uptimeNanoseconds(0)
        var clock = ConnectionClock(at: start)
        clock.headReceived(at: start)
        clock.endReceived(at: start)
        clock.readCompleted(at: start)
        #expect(clock.deadline == nil)
        clock.writabilityChanged(false, waiting: 9_000_000, at: start + .seconds(100))
        clock.writabilityChanged(false, waiting: 9_000_000, at: start + .seconds(110))
        #expect(clock.deadline == start + .seconds(130))
        clock.writabilityChanged(true, waiting: 0, at: start + .seconds(120))
        #expect(clock.deadline == nil)
        clock.answered(at: start + .seconds(200))
        #expect(clock.deadline == start + .seconds(260))
        clock.readCompleted(at: start + .seconds(230))
        #expect(clock.deadline == start + .seconds(240))
    }

    @Test("a client that goes on taking a large answer has its time anew; one that takes next to nothing of it has not")
    func steadyReader() {
        let start = NIODeadline.uptimeNanoseconds(0)
        var clock = ConnectionClock(at: start)
        clock.headReceived(at: start)
        clock.endReceived(at: start)
        clock.writabilityChanged(false, waiting: 9_000_000, at: start)
        // The end of it is written at once, and waits like the rest.
        clock.answered(at: start)
        clock.looked(waiting: 8_000_000, at: start + .seconds(10))
        #expect(clock.deadline == start + .seconds(30))
        clock.looked(waiting: 6_000_000, at: start + .seconds(30))
        #expect(clock.deadline == start + .seconds(60))
        clock.looked(waiting: 6_000_000 - (64 << 10), at: start + .seconds(60))
        #expect(clock.deadline == start + .seconds(90))
        clock.looked(waiting: 6_000_000 - (64 << 10) - 30, at: start + .seconds(90))
        #expect(clock.deadline == start + .seconds(90))
        clock.writabilityChanged(true, waiting: 0, at: start + .seconds(89))
        #expect(clock.deadline == start + .seconds(149))
    }
}
