import DequeModule
import NIOCore

/// The latest transitions, for those who come back after a while. Pure and bounded.
struct StreamMemory: Sendable {
    /// Most that are kept.
    static let room = 1000

    private var events: Deque<StreamEvent> = []
    /// Before the first that is kept, others may have been.
    private var isCut = false

    /// What somebody who has seen all up to a position is still to see.
    struct Replay: Sendable {
        var events: [StreamEvent]
        /// Some are no longer kept here.
        var hasGap: Bool
    }

    /// Of the last event that is known; 0 where there never was one.
    var last: Int64 { events.last?.position ?? 0 }

    /// - Parameter isWhole: Whether these are all that there are.
    init(_ newest: [StreamEvent], isWhole: Bool) {
        events = Deque(newest.suffix(Self.room))
        isCut = !isWhole || newest.count > Self.room
    }

    mutating func append(_ new: [StreamEvent]) {
        events.append(contentsOf: new)
        let surplus = events.count - Self.room
        if surplus > 0 {
            events.removeFirst(surplus)
            isCut = true
        }
    }

    /// - Parameter position: The last that they have seen; one that never was (of another database) is a gap.
    func replay(after position: Int64) -> Replay {
        if position > last { return Replay(events: Array(events), hasGap: true) }
        let first = events.first?.position ?? 0
        return Replay(events: Array(events.drop { $0.position <= position }), hasGap: isCut && position < first)
    }
}
