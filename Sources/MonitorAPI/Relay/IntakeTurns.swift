import DequeModule
import Synchronization

/// Who may bring alerts in at the same time, over all requests of a process: what is beyond is refused before it is read, and the
/// sender is told when to come again.
final class IntakeTurns: Sendable {
    private struct State {
        var free: Int
        var held = Share()
        var unproven = Share()
        /// Of those, how many each network has.
        var unprovenOf: [ClientNetwork?: Int] = [:]
        var waiting: Deque<(number: UInt64, turn: CheckedContinuation<Bool, Never>)> = []
        var last: UInt64 = 0
        var isVersionWanted = false
    }

    /// Requests and bytes.
    private struct Share {
        var requests = 0
        var bytes = 0

        func hasRoom(for bytes: Int, _ mostRequests: Int, _ mostBytes: Int) -> Bool {
            requests < mostRequests && self.bytes + bytes <= mostBytes
        }

        mutating func add(_ requests: Int, bytes: Int) {
            self.requests += requests
            self.bytes += bytes
        }
    }

    /// Statements at a time: they wait for each other in the database, and others want its connections as well.
    static let atOnce = 2
    /// Requests that are read or wait.
    static let mostRequests = 128
    /// Of the bodies of those.
    static let mostBytes = 64 << 20
    /// Among them, those whose bodies have still to show who sends them: they keep nobody out who has shown it.
    static let mostUnprovenRequests = 32
    /// Of the bodies of those.
    static let mostUnprovenBytes = 16 << 20
    /// Of one network.
    static let mostUnprovenOfOne = 4

    private let state = Mutex(State(free: atOnce))

    /// A request that is let in; it ends with `leave`.
    ///
    /// - Returns: Whether there is room for it.
    func enter(_ room: BodyRoom) -> Bool {
        state.withLock { state in
            guard state.held.hasRoom(for: room.most, Self.mostRequests, Self.mostBytes),
                room.isProven
                    || state.unproven.hasRoom(for: room.most, Self.mostUnprovenRequests, Self.mostUnprovenBytes)
                        && state.unprovenOf[room.network, default: 0] < Self.mostUnprovenOfOne
            else { return false }
            state.held.add(1, bytes: room.most)
            guard !room.isProven else { return true }
            state.unproven.add(1, bytes: room.most)
            state.unprovenOf[room.network, default: 0] += 1
            return true
        }
    }

    func leave(_ room: BodyRoom) {
        state.withLock { state in
            state.held.add(-1, bytes: -room.most)
            guard !room.isProven else { return }
            state.unproven.add(-1, bytes: -room.most)
            let left = state.unprovenOf[room.network, default: 1] - 1
            state.unprovenOf[room.network] = left > 0 ? left : nil
        }
    }

    /// Runs `body` in its turn.
    ///
    /// - Throws: `CancellationError` where the task is cancelled before that, and what `body` throws.
    func take<Value>(_ body: () async throws -> Value) async throws -> Value {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        let isTurn = await withTaskCancellationHandler {
            await withCheckedContinuation { turn in
                let answer: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    state.waiting.append((number, turn))
                    return nil
                }
                if let answer { turn.resume(returning: answer) }
            }
        } onCancel: {
            let turn = state.withLock { state in
                state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0).turn }
            }
            turn?.resume(returning: false)
        }
        guard isTurn else { throw CancellationError() }
        defer { pass() }
        return try await body()
    }

    private func pass() {
        let next = state.withLock { state in
            let next = state.waiting.popFirst()?.turn
            if next == nil { state.free += 1 }
            return next
        }
        next?.resume(returning: true)
    }

    /// - Returns: Whether nobody has seen to raising the data version yet.
    func wantsVersion() -> Bool {
        state.withLock { state in
            defer { state.isVersionWanted = true }
            return !state.isVersionWanted
        }
    }

    /// What changes from now on needs another one.
    func versionBegins() {
        state.withLock { $0.isVersionWanted = false }
    }
}
