import Synchronization

/// What lanes may hold of messages that were claimed as they were routed, over all of them, so that a burst never fills the memory.
final class HoldLimit: Sendable {
    /// So many messages, whose bodies together have so many bytes.
    struct Share: Sendable, Hashable {
        var messages: Int
        var bytes: Int

        static func -= (share: inout Share, other: Share) {
            share.messages -= other.messages
            share.bytes -= other.bytes
        }
    }

    private let free: Mutex<Share>

    init(_ share: Share) {
        free = Mutex(share)
    }

    /// Takes what is left, but no more than `most`.
    func acquire(atMost most: Share) -> Share {
        free.withLock { free in
            let share = Share(messages: min(free.messages, most.messages), bytes: min(free.bytes, most.bytes))
            free -= share
            return share
        }
    }

    func release(_ share: Share) {
        free.withLock { free in
            free.messages += share.messages
            free.bytes += share.bytes
        }
    }
}
