import Foundation
import NIOCore
import TestSupport
import Testing
import WebTransport

@testable import MonitorAPI

/// What is kept of answers, for how long, and for whom.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct CacheTests {
    private static let path = "/api/monitor/alerts"

    @Test("an answer has a tag; whoever has it gets 304, until something changes")
    func tags() async throws {
        try await withListener { listener in
            let first = try await listener.send("GET", Self.path)
            let tag = try #require(first.header("ETag"))
            #expect(first.header("Cache-Control") == "private, no-cache" && first.header("Vary") == "Accept-Encoding")
            for held in [tag, "*", "\"x\", \(tag)", String(tag.dropFirst(2))] {
                let again = try await listener.send("GET", Self.path, headers: [(name: "If-None-Match", value: held)])
                #expect(again.status == 304 && again.text.isEmpty && again.header("ETag") == tag, "\(held)")
                #expect(again.header("Content-Type") == nil && again.header("X-Request-Id") != nil)
            }
            #expect(try await listener.send("GET", Self.path, headers: [(name: "If-None-Match", value: "\"x\"")]).status == 200)
            // Its own writes a client reads at once.
            #expect(try await listener.post("\(Self.path)/\(Fixture.alert)/acknowledge").status == 200)
            let changed = try await listener.send("GET", Self.path, headers: [(name: "If-None-Match", value: tag)])
            #expect(changed.status == 200 && changed.text.contains(#""alerts":[]"#))
            // What says the same has the same tag again.
            #expect(try await listener.post("\(Self.path)/\(Fixture.alert)/unacknowledge").status == 200)
            #expect(try await listener.send("GET", "\(Self.path)?threshold=critical").header("ETag") != tag)
        }
    }

    @Test("what others write is seen within a second, and what they do not tell of as well", arguments: ["", "/\(Fixture.alert)"])
    func staleness(suffix: String) async throws {
        try await withListener { listener in
            let path = Self.path + suffix
            #expect(try await listener.send("GET", path).text.contains("Fallback rate 13 %."))
            try await listener.run("UPDATE monitoring_alerts SET summary = 'Changed.'")
            if suffix.isEmpty { try await listener.run("SELECT monitoring_bump_data_version()") }
            try await eventually("the change", timeout: .milliseconds(1500)) {
                try await listener.send("GET", path).text.contains("Changed.")
            }
        }
    }

    @Test("the tag of an answer does not depend on the moment it was made, nor on what it is compressed to")
    func summary() async throws {
        try await withListener { listener in
            let plain = try await listener.send("GET", "/api/monitor/summary")
            let tag = try #require(plain.header("ETag"))
            let smaller = try await listener.send(
                "GET", "/api/monitor/summary", headers: [(name: "Accept-Encoding", value: "br, gzip;q=0.5")])
            #expect(smaller.header("Content-Encoding") == "gzip" && smaller.header("ETag") == tag)
            #expect(smaller.bytes.starts(with: [0x1F, 0x8B]) && smaller.bytes.count < plain.bytes.count / 2)
            #expect(try Gunzip.text(of: smaller.bytes) == plain.text)
            for refused in ["gzip;q=0", "br", "identity", "*;q=0"] {
                let answer = try await listener.send("GET", "/api/monitor/summary", headers: [(name: "Accept-Encoding", value: refused)])
                #expect(answer.header("Content-Encoding") == nil && answer.text == plain.text, "\(refused)")
            }
            let later = KeptAnswer(.init(string: #"{"a":1,"generated_at":"2026-03-10T12:00:00Z"}"#), type: "", madeAt: Listener.now)
            let same = KeptAnswer(
                .init(string: #"{"a":1,"generated_at":"2026-03-10T12:00:01Z"}"#), type: "", madeAt: Listener.now.addingTimeInterval(1))
            let other = KeptAnswer(.init(string: #"{"a":2,"generated_at":"2026-03-10T12:00:00Z"}"#), type: "", madeAt: Listener.now)
            #expect(later.tag == same.tag && later.tag != other.tag)
        }
    }

    @Test("who may not read gets nothing that is kept, and errors are never kept")
    func scopes() async throws {
        let tokens = [
            try ListenerTokenFixture.token("board", .read), try ListenerTokenFixture.token("oncall", .write),
            try ListenerTokenFixture.token("feed", .ingest),
        ]
        try await withListener(tokens: tokens) { listener in
            for (token, status) in [("board", 200), ("feed", 403), ("oncall", 200), ("nobody", 401), ("board", 200)] {
                let answer = try await listener.send(
                    "GET", Self.path,
                    headers: [(name: "Authorization", value: "Bearer secret-of-\(token)"), (name: "If-None-Match", value: "x")])
                #expect(answer.status == status, "\(token)")
                if status != 200 { #expect(answer.header("ETag") == nil && answer.header("Cache-Control") == "no-store") }
            }
            let board = [(name: "Authorization", value: "Bearer secret-of-board")]
            #expect(try await listener.send("GET", "\(Self.path)/\(Fixture.absent)", headers: board).status == 404)
            #expect(try await listener.send("GET", "\(Self.path)/\(Fixture.absent)", headers: board).header("ETag") == nil)
            #expect(try await listener.send("GET", "\(Self.path)?limit=0", headers: board).status == 400)
        }
    }

    @Test("a hundred clients at once cost the database a question, not a hundred")
    func coalescing() async throws {
        let coalescer = Coalescer<Int, Int>()
        let asked = Counter()
        let (gates, open) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                try await coalescer.value(for: 1) {
                    asked.increment()
                    for await _ in gates { break }
                    return 7
                }
            }
            for _ in 0..<99 {
                group.addTask {
                    try await coalescer.value(for: 1) {
                        asked.increment()
                        return 8
                    }
                }
            }
            try await eventually { asked.value > 0 }
            open.yield()
            for try await value in group { #expect(value == 7 || value == 8) }
        }
        #expect(asked.value < 100)
    }

    @Test("whoever waits for one that is cancelled asks anew; a failure is everybody's")
    func cancellation() async throws {
        struct Fault: Error {}
        let coalescer = Coalescer<Int, Int>()
        let first = Task {
            try await coalescer.value(for: 1) {
                try await Task.sleep(for: .seconds(60))
                return 1
            }
        }
        let second = Task { try await coalescer.value(for: 1) { 2 } }
        first.cancel()
        #expect(try await second.value == 2)
        await #expect(throws: CancellationError.self) { try await first.value }
        await #expect(throws: Fault.self) { try await coalescer.value(for: 1) { throw Fault() } }
    }
}

/// A count behind a lock.
private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0

    var value: Int { lock.withLock { count } }

    func increment() { lock.withLock { count += 1 } }
}

/// gzip by the system's own program.
enum Gunzip {
    static func text(of bytes: [UInt8]) throws -> String {
        let process = Process()
        let input = Pipe()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/gzip")
        process.arguments = ["-dc"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(bytes))
        try input.fileHandleForWriting.close()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: text, as: UTF8.self)
    }
}
