import Testing

@testable import Postgres

struct PoolMachineTests {
    @Test func permitsAreGivenUpToTheSize() {
        var pool = PoolMachine(size: 2)
        #expect(pool.acquire(1) == .granted(.connect(1)))
        #expect(pool.acquire(2) == .granted(.connect(2)))
        #expect(pool.acquire(3) == .wait)
        #expect(pool.heldCount == 2)
        #expect(pool.waiting == 1)
    }

    @Test func theLastUsedConnectionIsUsedNext() {
        var pool = PoolMachine(size: 2)
        _ = pool.acquire(1)
        _ = pool.acquire(2)
        #expect(pool.release(1, isUsable: true) == .park)
        #expect(pool.release(2, isUsable: true) == .park)
        #expect(pool.acquire(3) == .granted(.use(2)))
        #expect(pool.acquire(4) == .granted(.use(1)))
    }

    @Test func waitersAreServedInTheirOrder() {
        var pool = PoolMachine(size: 1)
        _ = pool.acquire(1)
        #expect(pool.acquire(2) == .wait)
        #expect(pool.acquire(3) == .wait)
        #expect(pool.release(1, isUsable: true) == .wake(2))
        // A newcomer does not overtake.
        #expect(pool.acquire(4) == .wait)
        #expect(pool.collect(2) == .use(1))
        #expect(pool.release(1, isUsable: true) == .wake(3))
        #expect(pool.collect(3) == .use(1))
    }

    @Test func aBrokenConnectionIsReplacedByTheOneWhoWaits() {
        var pool = PoolMachine(size: 1)
        _ = pool.acquire(1)
        _ = pool.acquire(2)
        #expect(pool.release(1, isUsable: false) == .closeAndWake(2))
        #expect(pool.collect(2) == .connect(2))
        #expect(pool.release(2, isUsable: false) == .close)
        #expect(pool.acquire(3) == .granted(.connect(3)))
    }

    @Test func aDeadIdleConnectionKeepsItsPermit() {
        var pool = PoolMachine(size: 1)
        _ = pool.acquire(1)
        _ = pool.release(1, isUsable: true)
        #expect(pool.acquire(2) == .granted(.use(1)))
        #expect(pool.replace(1) == 2)
        #expect(pool.heldCount == 1)
        #expect(pool.release(2, isUsable: true) == .park)
    }

    @Test func oneWhoGivesUpIsNotWoken() {
        var pool = PoolMachine(size: 1)
        _ = pool.acquire(1)
        _ = pool.acquire(2)
        _ = pool.acquire(3)
        #expect(pool.abandon(2) == nil)
        #expect(pool.release(1, isUsable: true) == .wake(3))
    }

    @Test func oneWhoGivesUpAsTheGrantComesHoldsIt() {
        var pool = PoolMachine(size: 1)
        _ = pool.acquire(1)
        _ = pool.acquire(2)
        _ = pool.release(1, isUsable: true)
        #expect(pool.abandon(2) == .use(1))
        #expect(pool.heldCount == 1)
        #expect(pool.release(1, isUsable: true) == .park)
        #expect(pool.heldCount == 0)
    }

    @Test func closingClosesTheIdleAndWakesTheWaiters() {
        var pool = PoolMachine(size: 2)
        _ = pool.acquire(1)
        _ = pool.acquire(2)
        _ = pool.acquire(3)
        _ = pool.release(1, isUsable: false)
        _ = pool.collect(3)
        _ = pool.release(3, isUsable: true)
        #expect(pool.close() == .close(idle: [3], wake: []))
        #expect(!pool.isDrained)
        #expect(pool.acquire(4) == .refuse)
        #expect(pool.release(2, isUsable: true) == .close)
        #expect(pool.isDrained)
        #expect(pool.close() == .none)
    }

    @Test func aWaiterOfAClosedPoolGetsNothing() {
        var pool = PoolMachine(size: 1)
        _ = pool.acquire(1)
        _ = pool.acquire(2)
        #expect(pool.close() == .close(idle: [], wake: [2]))
        #expect(pool.collect(2) == nil)
        #expect(pool.release(1, isUsable: true) == .close)
    }

    @Test func aSecondReleaseDoesNothing() {
        var pool = PoolMachine(size: 1)
        _ = pool.acquire(1)
        #expect(pool.release(1, isUsable: true) == .park)
        #expect(pool.release(1, isUsable: true) == .close)
        #expect(pool.idleCount == 1)
    }
}
