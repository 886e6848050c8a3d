/// Who holds which connection of a pool, and who waits: a first-in first-out queue for `size` permits, and a stack of idle
/// connections. Whoever holds a permit without a connection makes one itself. No sockets, no clock.
struct PoolMachine: Sendable {
    /// A connection, or the permit to make it.
    typealias ConnectionID = Int
    /// A task that waits.
    typealias WaiterID = Int

    /// What the holder of a permit got.
    enum Grant: Sendable, Hashable {
        /// An idle connection; look whether it is still alive.
        case use(ConnectionID)
        /// Connect, under this name.
        case connect(ConnectionID)
    }

    enum AcquireAction: Sendable, Hashable {
        case granted(Grant)
        /// Wait for a wake-up, then `collect`; or `abandon`.
        case wait
        case refuse
    }

    enum ReleaseAction: Sendable, Hashable {
        /// The connection is idle now.
        case park
        /// Close the connection, if there is one.
        case close
        /// Wake this waiter, which gets the connection.
        case wake(WaiterID)
        /// Close the connection, and wake this waiter, which may make another.
        case closeAndWake(WaiterID)
    }

    enum CloseAction: Sendable, Hashable {
        /// Close the idle connections, wake the waiters (`collect` gives them nothing).
        case close(idle: [ConnectionID], wake: [WaiterID])
        /// It was closed before.
        case none
    }

    private enum State {
        /// Leads to `closed`.
        case open
        case closed
    }

    private let size: Int
    private var state = State.open
    private var lastID = 0
    private var held: Set<ConnectionID> = []
    /// The last one is used first, so that those too many fall idle.
    private var idle: [ConnectionID] = []
    private var queue: [WaiterID] = []
    private var grants: [WaiterID: Grant] = [:]

    /// - Parameter size: how many connections there may be, at least 1.
    init(size: Int) {
        self.size = max(size, 1)
    }

    /// Closed, and every permit is back.
    var isDrained: Bool { state == .closed && held.isEmpty }
    var isClosed: Bool { state == .closed }
    var waiting: Int { queue.count }
    var idleCount: Int { idle.count }
    var heldCount: Int { held.count }

    mutating func acquire(_ waiter: WaiterID) -> AcquireAction {
        guard state == .open else { return .refuse }
        guard queue.isEmpty, held.count < size else {
            queue.append(waiter)
            return .wait
        }
        if let connection = idle.popLast() {
            held.insert(connection)
            return .granted(.use(connection))
        }
        return .granted(.connect(newID()))
    }

    /// What a woken waiter got; nil when the pool was closed.
    mutating func collect(_ waiter: WaiterID) -> Grant? {
        grants.removeValue(forKey: waiter)
    }

    /// The waiter gives up. A grant that came at the same moment is returned: use or release it.
    mutating func abandon(_ waiter: WaiterID) -> Grant? {
        if let grant = grants.removeValue(forKey: waiter) { return grant }
        queue.removeAll { $0 == waiter }
        return nil
    }

    /// The idle connection that was granted is dead: the same permit, under a new name.
    mutating func replace(_ connection: ConnectionID) -> ConnectionID {
        held.remove(connection)
        return newID()
    }

    /// The permit returns; with `isUsable` the connection with it.
    mutating func release(_ connection: ConnectionID, isUsable: Bool) -> ReleaseAction {
        guard held.remove(connection) != nil else { return .close }
        guard state == .open else { return .close }
        guard !queue.isEmpty else {
            if isUsable { idle.append(connection) }
            return isUsable ? .park : .close
        }
        let waiter = queue.removeFirst()
        if isUsable {
            held.insert(connection)
            grants[waiter] = .use(connection)
            return .wake(waiter)
        }
        grants[waiter] = .connect(newID())
        return .closeAndWake(waiter)
    }

    mutating func close() -> CloseAction {
        guard state == .open else { return .none }
        state = .closed
        defer {
            idle = []
            queue = []
        }
        return .close(idle: idle, wake: queue)
    }

    private mutating func newID() -> ConnectionID {
        lastID += 1
        held.insert(lastID)
        return lastID
    }
}
