import Testing

@testable import WebTransport

@Suite struct CallPhaseTests {
    enum Event: Sendable {
        case submitted(CallPhase.Place), slotFreed, waitedTooLong, cancelled, closed, ended
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let events: [Event]
        let actions: [CallPhase.Action]

        init(_ name: String, _ steps: [(Event, CallPhase.Action)]) {
            testDescription = name
            events = steps.map { $0.0 }
            actions = steps.map { $0.1 }
        }
    }

    static let rows = [
        Row("done", [(.submitted(.slot), .start), (.ended, .deliver)]),
        Row("done after waiting", [(.submitted(.queue), .enqueue), (.slotFreed, .start), (.ended, .deliver)]),
        Row("queue full", [(.submitted(.none), .fail(.busy)), (.ended, .none), (.cancelled, .none)]),
        Row("sent after close", [(.submitted(.closed), .fail(.closed)), (.cancelled, .none)]),
        Row("cancelled before", [(.cancelled, .none), (.submitted(.slot), .fail(.cancelled)), (.cancelled, .none)]),
        Row("cancelled before, then closed", [(.cancelled, .none), (.closed, .none), (.submitted(.closed), .fail(.cancelled))]),
        Row("closed while announced", [(.closed, .none), (.submitted(.closed), .fail(.closed))]),
        Row("cancelled while waiting", [(.submitted(.queue), .enqueue), (.cancelled, .fail(.cancelled)), (.slotFreed, .none)]),
        Row("waited too long", [(.submitted(.queue), .enqueue), (.waitedTooLong, .fail(.busy)), (.slotFreed, .none), (.cancelled, .none)]),
        Row("closed while waiting", [(.submitted(.queue), .enqueue), (.closed, .fail(.closed)), (.cancelled, .none)]),
        Row(
            "cancelled while running",
            [
                (.submitted(.slot), .start), (.cancelled, .failAndAbort(.cancelled)), (.cancelled, .none), (.ended, .release),
                (.ended, .none),
            ]),
        Row(
            "closed while running",
            [(.submitted(.slot), .start), (.closed, .failAndAbort(.closed)), (.cancelled, .none), (.ended, .release)]),
        Row("a late cancel does nothing", [(.submitted(.slot), .start), (.ended, .deliver), (.cancelled, .none), (.closed, .none)]),
        Row("a late queue timer does nothing", [(.submitted(.queue), .enqueue), (.slotFreed, .start), (.waitedTooLong, .none)]),
    ]

    @Test(arguments: rows) func actions(_ row: Row) {
        var phase = CallPhase()
        let actions = row.events.map { event in
            switch event {
            case .submitted(let place): phase.submitted(place)
            case .slotFreed: phase.slotFreed()
            case .waitedTooLong: phase.waitedTooLong()
            case .cancelled: phase.cancelled()
            case .closed: phase.transportClosed()
            case .ended: phase.transferEnded()
            }
        }
        #expect(actions == row.actions)
    }

    @Test func onlyARunningCallIsWanted() {
        var phase = CallPhase()
        #expect(!phase.isWanted)
        _ = phase.submitted(.slot)
        #expect(phase.isWanted)
        _ = phase.cancelled()
        #expect(!phase.isWanted)
        #expect(!phase.isFinished)
        _ = phase.transferEnded()
        #expect(phase.isFinished)
    }
}
