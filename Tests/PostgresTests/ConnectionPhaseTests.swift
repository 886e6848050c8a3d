import Testing

@testable import Postgres

struct ConnectionPhaseTests {
    @Test func aCommandRunsAndTheConnectionIsReadyAgain() {
        var phase = ConnectionPhase()
        #expect(phase.commandStarted() == .send)
        #expect(!phase.isReady)
        #expect(phase.commandFinished(confirmsCancel: false) == .complete)
        #expect(phase.isReady)
    }

    @Test func aSecondCommandIsRefused() {
        var phase = ConnectionPhase()
        _ = phase.commandStarted()
        #expect(phase.commandStarted() == .refuseBusy)
        #expect(phase.commandFinished(confirmsCancel: false) == .complete)
    }

    @Test(arguments: [ConnectionPhase.Reason.timedOut, .cancelled])
    func aConfirmedCancelKeepsTheConnection(reason: ConnectionPhase.Reason) {
        var phase = ConnectionPhase()
        _ = phase.commandStarted()
        #expect(phase.interrupted(reason) == .requestCancel)
        #expect(phase.interruption == reason)
        #expect(phase.commandStarted() == .refuseBusy)
        #expect(phase.commandFinished(confirmsCancel: true) == .interrupted(reason))
        #expect(phase.isReady)
    }

    @Test("An answer that overtook the cancel request costs the connection: the request could hit the next command")
    func overtakenCancel() {
        var phase = ConnectionPhase()
        _ = phase.commandStarted()
        _ = phase.interrupted(.timedOut)
        #expect(phase.commandFinished(confirmsCancel: false) == .closeInterrupted(.timedOut))
        #expect(phase.isClosed)
        #expect(phase.commandStarted() == .refuseClosed)
    }

    @Test func theEndOfTheGraceCloses() {
        var phase = ConnectionPhase()
        _ = phase.commandStarted()
        _ = phase.interrupted(.cancelled)
        #expect(phase.interrupted(.timedOut) == .close(.cancelled))
        #expect(phase.isClosed)
        #expect(phase.commandFinished(confirmsCancel: true) == .closed)
    }

    @Test func aLateInterruptionDoesNothing() {
        var phase = ConnectionPhase()
        #expect(phase.interrupted(.timedOut) == .none)
        _ = phase.commandStarted()
        _ = phase.commandFinished(confirmsCancel: false)
        #expect(phase.interrupted(.cancelled) == .none)
        #expect(phase.isReady)
    }

    @Test func aLostConnectionTellsTheInterruption() {
        var phase = ConnectionPhase()
        _ = phase.commandStarted()
        #expect(phase.closed() == nil)
        var other = ConnectionPhase()
        _ = other.commandStarted()
        _ = other.interrupted(.timedOut)
        #expect(other.closed() == .timedOut)
        #expect(other.interrupted(.cancelled) == .none)
    }
}
