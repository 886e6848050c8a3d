import Foundation
import Logging
import Monitoring
import NIOCore
import Postgres
import TestSupport
import Testing

@testable import MonitorAPI

/// The stream of transitions.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct StreamTests {
    @Test("every transition comes at once, and whoever comes back gets what they missed")
    func following() async throws {
        try await withListener { listener in
            let first = try listener.follow()
            let opening = try await first.read(within: 10) { $0.contains(": from here on") }
            #expect(opening.lowercased().contains("content-type: text/event-stream\r\n") && opening.contains("retry: "))
            let here = try #require(opening.firstMatch(of: /id: (\d+)\n/)).output.1
            try await listener.act("acknowledge", #"{"actor": "Ana", "note": "a\nb"}"#)
            let told = try await first.read(within: 5) { $0.contains("\n\n") }
            let id = try #require(told.firstMatch(of: /id: (\d+)\nevent: transition\ndata: (\{.*\})\n\n/))
            let data = try JSONDecoder().decode(Event.self, from: Data(id.output.2.utf8))
            #expect(data.transition == "acknowledged" && data.actor == "Ana" && data.note == "a\nb" && data.alertID == Fixture.alert)
            #expect(String(data.position) == id.output.1 && data.alertType == "fallback_spike" && data.affected["model"] == "gpt-4o")

            try await listener.act("unacknowledge", "")
            try await listener.act("resolve", "")
            let missed = try await listener.follow(after: String(id.output.1)).read(within: 10) { $0.contains("resolved") }
            #expect(missed.matches(of: /event: transition/).count == 2 && missed.contains("unacknowledged"))
            let all = try await listener.follow(after: String(here)).read(within: 10) { $0.contains(#""transition":"resolved""#) }
            #expect(all.matches(of: /event: transition/).count == 3 && !all.contains("event: gap"))
        }
    }

    @Test("an id that never was is a gap; what is none is refused")
    func strangers() async throws {
        try await withListener { listener in
            let text = try await listener.follow(after: "999999").read(within: 10) { $0.contains("event: gap") }
            #expect(text.contains(#"data: {"after":999999}"#))
            for id in ["x", "-1", "1e3", "99999999999999999999"] {
                let answer = try await listener.send("GET", "/api/monitor/stream", headers: [(name: "Last-Event-ID", value: id)])
                #expect(answer.status == 400, "\(id)")
            }
            #expect(try await listener.send("GET", "/api/monitor/stream?last_event_id=x").status == 400)
        }
    }

    @Test("an event, its example and what goes wrong are as described")
    func description() async throws {
        let tokens = [try ListenerTokenFixture.token("oncall", .write), try ListenerTokenFixture.token("feed", .ingest)]
        let bearer = (name: "Authorization", value: "Bearer secret-of-oncall")
        try await withListener(tokens: tokens) { listener in
            let api = try await DescribedAPI(listener)
            let operation = try #require(api.stream)
            let schema = try #require(operation.schema(200, "text/event-stream")?["x-event-data"])
            let example = try #require(operation.json["responses"]?["200"]?["content"]?["text/event-stream"]?["example"]?.string)
            let stream = try listener.follow(headers: [bearer])
            _ = try await stream.read(within: 10) { $0.contains(": from here on") }
            let act = try await listener.send(
                "POST", "/api/monitor/alerts/\(Fixture.alert)/acknowledge",
                headers: [bearer, (name: "Content-Type", value: "application/json")], body: "{}")
            #expect(act.status == 200)
            let told = try await stream.read(within: 5) { $0.contains("\n\n") }
            for text in [example, told] {
                let data = try #require(text.firstMatch(of: /id: \d+\nevent: transition\ndata: (\{.*\})\n\n/)).output.1
                let faults = api.checker.faults(try JSONValue(parsing: String(data)), schema)
                #expect(faults.isEmpty, "\(faults)")
            }
            let wrong: [(String, [(name: String, value: String)])] = [
                ("?last_event_id=x", [bearer]), ("?colour=red", [bearer]), ("", [bearer, (name: "Last-Event-ID", value: "x")]),
                ("", []), ("", [(name: "Authorization", value: "Bearer secret-of-feed")]),
            ]
            for (query, headers) in wrong {
                let answer = try await listener.send("GET", "/api/monitor/stream\(query)", headers: headers)
                let problem = try #require(operation.schema(answer.status, "application/problem+json"), "\(answer.status)")
                let faults = api.checker.faults(try JSONValue(parsing: answer.text), problem)
                #expect(faults.isEmpty, "\(faults)")
            }
        }
    }

    @Test("a transition whose transaction commits late is not passed by")
    func lateCommit() async throws {
        try await withListener { listener in
            let stream = try listener.follow()
            _ = try await stream.read(within: 10) { $0.contains(": from here on") }
            let client = listener.database.client
            let other = try await client.transaction { connection in
                try await connection.query(Self.insert, [.int(7)])
                let other = Task { _ = try await client.query(Self.insert, [.int(8)]) }
                try await eventually("the other waits for this one") { try await listener.value(Self.waiting) == "1" }
                return other
            }
            try await other.value
            // Nobody is notified of these: they are found by looking.
            let both = try await stream.read(within: 5) { $0.contains(#""sequence":8"#) }
            let sequences = both.matches(of: /"sequence":(\d)/).map { String($0.output.1) }
            #expect(sequences == ["7", "8"])
        }
    }

    @Test("a follower that does not keep up is sent away, and the others hear nothing of it")
    func slow() async throws {
        try await withTestDatabase(schema: true) { database in
            try await database.client.withConnection { try await $0.executeScript(Fixture.sql) }
            let hub = StreamHub(client: database.client, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await hub.run() }
                let slow = try #require(hub.follow(after: nil, lifetime: nil))
                let quick = try #require(hub.follow(after: nil, lifetime: nil))
                let (counts, count) = AsyncStream.makeStream(of: Int.self)
                group.addTask {
                    var seen = 0
                    for await bytes in quick.stream {
                        seen += String(buffer: bytes).matches(of: /event: transition/).count
                        count.yield(seen)
                    }
                }
                var seen = counts.makeAsyncIterator()
                _ = await seen.next()
                for number in 1...(StreamHub.patience + 2) {
                    try await database.client.query(Self.insert, [.int(100 + number)])
                    while let now = await seen.next(), now < number {}
                }
                var taken = 0
                for await _ in slow.stream { taken += 1 }
                #expect(taken == StreamHub.patience)
                hub.finish()
                group.cancelAll()
            }
        }
    }

    @Test("followers hear from us though nothing happens, and some are asked to come again")
    func heartbeats() async throws {
        try await withTestDatabase(schema: true) { database in
            let hub = StreamHub(
                client: database.client, heartbeatSeconds: 1, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await hub.run() }
                let short = hub.follow(after: nil, lifetime: 2)
                let long = hub.follow(after: nil, lifetime: nil)
                var text = ""
                if let short { for await bytes in short.stream { text += String(buffer: bytes) } }
                #expect(text.contains("id: 0\n") && text.contains(": still here\n\n"))
                if let long { for await bytes in long.stream where String(buffer: bytes).hasPrefix(": still here") { break } }
                hub.finish()
                group.cancelAll()
            }
        }
    }

    @Test("a stream has its time, to the second, and those who have theirs still stay")
    func lifetime() async throws {
        try await withTestDatabase { database in
            let hub = StreamHub(client: database.client, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            let first = try #require(hub.follow(after: nil, lifetime: 900))
            for _ in 0..<10 { hub.tick() }
            let second = try #require(hub.follow(after: nil, lifetime: 900))
            for _ in 10..<899 { hub.tick() }
            #expect(hub.followerCount == 2)
            hub.tick()
            #expect(hub.followerCount == 1)
            var heard = 0
            for await _ in first.stream { heard += 1 }
            // It ended, and before that it heard from us every 15 seconds.
            #expect(heard >= 59)
            for _ in 900..<910 { hub.tick() }
            #expect(hub.followerCount == 0)
            for await _ in second.stream {}
        }
    }

    @Test("whoever's time is over is sent away in good order, and misses nothing by coming again")
    func comingAgain() async throws {
        var extras = ListenerExtras()
        extras.streamLifetime = 1
        try await withListener(extras: extras) { listener in
            let stream = try listener.follow()
            let text = try await stream.read(within: 20) { $0.hasSuffix("0\r\n\r\n") }
            let here = try #require(text.firstMatch(of: /id: (\d+)\n: from here on/), "\(text)").output.1
            try await listener.act("acknowledge", #"{"actor": "Ana"}"#)
            let again = try await listener.follow(after: String(here)).read(within: 20) { $0.hasSuffix("0\r\n\r\n") }
            #expect(again.contains(#""transition":"acknowledged""#) && !again.contains("event: gap"))
        }
    }

    @Test("what is remembered is bounded, and says where it begins")
    func memory() {
        func event(_ position: Int64) -> StreamEvent { StreamEvent(position: position, bytes: ByteBuffer(string: "\(position)")) }
        var memory = StreamMemory([event(3), event(5)], isWhole: true)
        #expect(memory.replay(after: 0).events.map(\.position) == [3, 5] && !memory.replay(after: 0).hasGap)
        #expect(memory.replay(after: 3).events.map(\.position) == [5])
        #expect(memory.replay(after: 5).events.isEmpty && !memory.replay(after: 5).hasGap)
        #expect(memory.replay(after: 6).hasGap)
        memory.append((6..<1006).map { event($0) })
        #expect(memory.last == 1005)
        let replay = memory.replay(after: 3)
        #expect(replay.events.count == StreamMemory.room && replay.events[0].position == 6 && replay.hasGap)
        #expect(!memory.replay(after: 6).hasGap && memory.replay(after: 6).events.count == StreamMemory.room - 1)
        #expect(!StreamMemory([], isWhole: true).replay(after: 0).hasGap)
    }

    private static let waiting = """
        SELECT count(*)
        FROM pg_locks
        WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """

    /// A transition of an alert without the function that makes them, and without a notice.
    private static let insert = """
        INSERT INTO monitoring_alert_transitions (alert_id, sequence, transition, to_status, to_severity, actor, occurred_at)
        VALUES ('\(Fixture.alert)', $1::integer, 'escalated', 'open', 'critical', 'monitor', now())
        """

    private struct Event: Decodable {
        var position: Int
        var alertID: String
        var alertType: String
        var transition: String
        var actor: String
        var note: String?
        var affected: [String: String?]

        enum CodingKeys: String, CodingKey {
            case position, transition, actor, note, affected
            case alertID = "alert_id"
            case alertType = "alert_type"
        }
    }
}

extension Listener {
    /// A connection on which the stream was asked for.
    fileprivate func follow(after id: String? = nil, headers: [(name: String, value: String)] = []) throws -> RawConnection {
        let connection = try RawConnection(port: port)
        let fields = headers + (id.map { [(name: "Last-Event-ID", value: $0)] } ?? [])
        let lines = fields.map { "\($0.name): \($0.value)\r\n" }.joined()
        connection.send("GET /api/monitor/stream HTTP/1.1\r\nHost: localhost\r\n\(lines)\r\n")
        return connection
    }

    fileprivate func act(_ action: String, _ body: String) async throws {
        #expect(try await post("/api/monitor/alerts/\(Fixture.alert)/\(action)", body).status == 200)
    }
}
