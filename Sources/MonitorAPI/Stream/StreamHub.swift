import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Postgres

/// Tells all who follow the stream of every transition: one listener and one poll of the database, however many they are.
///
/// It looks while anybody follows, and a minute longer.
final class StreamHub: Sendable {
    /// How often it looks without being told: through a pooler that keeps LISTEN from working, this is how it hears.
    static let pollInterval = Duration.milliseconds(500)
    /// Most who follow.
    static let mostFollowers = 20_000
    /// A follower that has so many batches waiting is too slow, and dropped.
    static let patience = 64

    private struct Follower {
        let continuation: AsyncStream<ByteBuffer>.Continuation
        /// The last that it has seen; nil for one that begins now.
        var position: Int64?
        /// It is served from memory.
        var isServed = false
        /// Second of the hub's at which it is asked to come again.
        let endsAt: Int?
    }

    private struct State {
        var memory: StreamMemory?
        var followers: [Int: Follower] = [:]
        var lastID = 0
        /// Seconds since the hub began.
        var second = 0
        var idleSince = 0
        var isOver = false
    }

    private let state = NIOLockedValueBox(State())
    private let queries: StreamQueries
    private let client: PostgresClient
    private let logger: Logger
    private let heartbeatSeconds: Int
    private let wakes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameter heartbeatSeconds: Every follower hears from us this often.
    init(client: PostgresClient, heartbeatSeconds: Int = 15, logger: Logger) {
        self.heartbeatSeconds = heartbeatSeconds
        self.client = client
        queries = StreamQueries(client: client)
        self.logger = logger
    }

    /// Somebody who follows.
    struct Subscription: Sendable {
        let id: Int
        let stream: AsyncStream<ByteBuffer>
    }

    /// - Parameters:
    ///   - position: The last that they have seen; nil to begin now.
    ///   - lifetime: After so many seconds they are to come again; nil for never.
    /// - Returns: nil where there are too many.
    func follow(after position: Int64?, lifetime: Int?) -> Subscription? {
        let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self, bufferingPolicy: .bufferingOldest(Self.patience))
        let id = state.withLockedValue { state -> Int? in
            guard !state.isOver, state.followers.count < Self.mostFollowers else { return nil }
            state.lastID += 1
            var follower = Follower(
                continuation: continuation, position: position, endsAt: lifetime.map { state.second + $0 })
            if let memory = state.memory { Self.serve(&follower, memory) }
            state.followers[state.lastID] = follower
            return state.lastID
        }
        guard let id else { return nil }
        wakes.continuation.yield()
        return Subscription(id: id, stream: stream)
    }

    /// Those who follow now.
    var followerCount: Int { state.withLockedValue(\.followers.count) }

    /// They have gone.
    func leave(_ id: Int) {
        state.withLockedValue { state in
            state.followers[id] = nil
            if state.followers.isEmpty { state.idleSince = state.second }
        }
    }

    /// Sends everybody away, for good.
    func finish() {
        let followers = state.withLockedValue { state in
            state.isOver = true
            let followers = state.followers
            state.followers = [:]
            return followers
        }
        for follower in followers.values { follower.continuation.finish() }
        wakes.continuation.finish()
    }

    /// Works until its task is cancelled, or it was finished.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.beat() }
            for await _ in wakes.stream where state.withLockedValue({ !$0.followers.isEmpty }) {
                await look()
            }
            group.cancelAll()
        }
        finish()
    }

    // MARK: -

    /// Looks for as long as anybody follows.
    private func look() async {
        await withTaskGroup(of: Void.self) { group in
            let (notices, notice) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            group.addTask { [client, logger] in
                let heard = client.notifications(on: "monitoring_transitions") { error, failures in
                    logger.log(
                        level: failures == 1 ? .notice : .debug, "The stream hears no notices, and polls",
                        metadata: ["error": "\(error)", "failures": "\(failures)"])
                }
                for await _ in heard { notice.yield() }
            }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: Self.pollInterval)
                    notice.yield()
                }
            }
            var failures = 0
            notice.yield()
            for await _ in notices {
                guard isWanted else { break }
                do {
                    try await catchUp()
                    failures = 0
                } catch {
                    if Task.isCancelled { break }
                    failures += 1
                    logger.log(
                        level: failures == 1 ? .warning : .debug, "The stream could not read transitions",
                        metadata: ["error": "\(error)", "failures": "\(failures)"])
                    try? await Task.sleep(for: .milliseconds(min(5000, 250 * failures)))
                }
            }
            group.cancelAll()
        }
        state.withLockedValue { $0.memory = nil }
    }

    /// Somebody follows, or did a moment ago.
    private var isWanted: Bool {
        state.withLockedValue { !$0.isOver && (!$0.followers.isEmpty || $0.second - $0.idleSince < 60) }
    }

    private func catchUp() async throws {
        guard let last = state.withLockedValue({ $0.memory?.last }) else {
            let newest = try await queries.newest(StreamMemory.room)
            let memory = StreamMemory(newest, isWhole: newest.count < StreamMemory.room)
            state.withLockedValue { state in
                state.memory = memory
                for id in state.followers.keys { Self.serve(&state.followers[id]!, memory) }
            }
            return
        }
        var position = last
        while !Task.isCancelled {
            let new = try await queries.after(position)
            guard let newest = new.last else { return }
            position = newest.position
            tell(new)
            if new.count < StreamQueries.page { return }
        }
    }

    private func tell(_ new: [StreamEvent]) {
        let bytes = Self.joined(new.map(\.bytes))
        let slow = state.withLockedValue { state -> [AsyncStream<ByteBuffer>.Continuation] in
            state.memory?.append(new)
            return Self.send(bytes, to: Array(state.followers.keys), &state)
        }
        for continuation in slow { continuation.finish() }
    }

    private func beat() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            tick()
        }
    }

    /// A second has passed: heartbeats, to a part of the followers each second; and those whose time is over go.
    func tick() {
        let over = state.withLockedValue { state -> [AsyncStream<ByteBuffer>.Continuation] in
            state.second += 1
            let second = state.second
            let ended = state.followers.filter { $0.value.endsAt.map { $0 <= second } ?? false }
            for id in ended.keys { state.followers[id] = nil }
            let turn = state.followers.keys.filter { $0 % heartbeatSeconds == second % heartbeatSeconds }
            return ended.values.map(\.continuation) + Self.send(Self.heartbeat, to: turn, &state)
        }
        for continuation in over { continuation.finish() }
    }

    private static let heartbeat = ByteBuffer(string: ": still here\n\n")

    /// - Returns: Those who do not keep up: they are followers no more, and come back for what they missed.
    private static func send(
        _ bytes: ByteBuffer, to ids: [Int], _ state: inout State
    ) -> [AsyncStream<ByteBuffer>.Continuation] {
        var slow: [AsyncStream<ByteBuffer>.Continuation] = []
        for id in ids {
            guard let follower = state.followers[id] else { continue }
            if case .enqueued = follower.continuation.yield(bytes) { continue }
            state.followers[id] = nil
            slow.append(follower.continuation)
        }
        return slow
    }

    /// What somebody who comes has missed.
    private static func serve(_ follower: inout Follower, _ memory: StreamMemory) {
        guard !follower.isServed else { return }
        follower.isServed = true
        guard let position = follower.position else {
            // A place to come back to, without an event.
            follower.continuation.yield(ByteBuffer(string: "id: \(memory.last)\n: from here on\n\n"))
            return
        }
        let replay = memory.replay(after: position)
        var bytes = replay.events.map(\.bytes)
        if replay.hasGap { bytes.insert(ByteBuffer(string: "event: gap\ndata: {\"after\":\(position)}\n\n"), at: 0) }
        if !bytes.isEmpty { follower.continuation.yield(joined(bytes)) }
    }

    private static func joined(_ buffers: [ByteBuffer]) -> ByteBuffer {
        guard var whole = buffers.first else { return ByteBuffer() }
        whole.reserveCapacity(buffers.reduce(0) { $0 + $1.readableBytes })
        for buffer in buffers.dropFirst() { whole.writeImmutableBuffer(buffer) }
        return whole
    }
}
