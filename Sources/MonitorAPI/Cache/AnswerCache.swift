import Foundation
import Hummingbird
import NIOCore
import Synchronization

/// Answers of this process that still hold, so that a thousand clients who ask the same cost the database one question.
///
/// An answer is given again to whoever asks for the same path and query with the same scope, after they were let in. It holds as
/// its endpoint's `Freshness` says.
final class AnswerCache: Sendable {
    struct Key: Sendable, Hashable {
        /// As they were sent: two ways to ask the same are two keys.
        var path: String
        var query: String
        var scope: AccessScope
    }

    /// What an answer rests on: where any of it has changed, it holds no longer.
    private struct Ground: Sendable, Hashable {
        var data: DataVersion.Stamp
        /// Which stretch of time it was made in; 0 where time alone changes nothing.
        var step: Int
    }

    private struct Flight: Sendable, Hashable {
        var key: Key
        var ground: Ground
    }

    private struct Entry {
        var answer: KeptAnswer
        var ground: Ground
        var madeAt: ContinuousClock.Instant
        /// When it was given last, as a count of all.
        var use: Int
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var size = 0
        var uses = 0
    }

    /// Entries and bytes that are kept at most; what was asked for least recently goes first.
    static let mostEntries = 512
    static let mostBytes = 64 << 20
    /// How long an answer holds that nothing tells of a change of.
    static let briefly = Duration.seconds(1)

    private let version: DataVersion
    private let state = Mutex(State())
    private let flights = Coalescer<Flight, KeptAnswer>()

    init(version: DataVersion) {
        self.version = version
    }

    /// A request that may have changed something was served: nothing that was made before holds any longer.
    func wrote() { version.wrote() }

    /// The answer that is kept, or what `make` gives, a 200: whatever else there is to say, endpoints throw.
    ///
    /// - Parameter make: Reads what it answers with after it was called, at the moment it is given.
    func answer(
        _ key: Key, _ freshness: Freshness, now: Date, make: () async throws -> Response
    ) async throws -> KeptAnswer {
        var ground = Ground(data: DataVersion.Stamp(version: 0, writes: 0), step: 0)
        switch freshness {
        case .fixed: break
        case .brief: ground.data = try await version.current()
        case .data(let seconds):
            ground.data = try await version.current()
            ground.step = Int((now.timeIntervalSince1970 / Double(seconds)).rounded(.down))
        }
        if let known = kept(key, ground, isBrief: freshness == .brief) { return known }
        return try await flights.value(for: Flight(key: key, ground: ground)) {
            let began = ContinuousClock.now
            let response = try await make()
            let answer = KeptAnswer(
                try await response.wholeBody(), type: response.headers[.contentType] ?? "application/octet-stream", madeAt: now)
            keep(answer, key, ground, began)
            return answer
        }
    }

    private func kept(_ key: Key, _ ground: Ground, isBrief: Bool) -> KeptAnswer? {
        state.withLock { state in
            guard let entry = state.entries[key], entry.ground == ground,
                !isBrief || entry.madeAt.duration(to: .now) < Self.briefly
            else { return nil }
            state.uses += 1
            state.entries[key]?.use = state.uses
            return entry.answer
        }
    }

    private func keep(_ answer: KeptAnswer, _ key: Key, _ ground: Ground, _ began: ContinuousClock.Instant) {
        guard answer.size <= Self.mostBytes / 8 else { return }
        state.withLock { state in
            state.uses += 1
            let entry = Entry(answer: answer, ground: ground, madeAt: began, use: state.uses)
            state.size += answer.size - (state.entries.updateValue(entry, forKey: key)?.answer.size ?? 0)
            while state.entries.count > Self.mostEntries || state.size > Self.mostBytes,
                let oldest = state.entries.min(by: { $0.value.use < $1.value.use })
            {
                state.entries[oldest.key] = nil
                state.size -= oldest.value.answer.size
            }
        }
    }
}
