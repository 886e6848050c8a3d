import Testing

@testable import Notifications

@Suite struct HearingTests {
    @Test func aNoticeThatComesBackProvesItUntilOneDoesNot() {
        let hearing = Hearing(process: "a")
        #expect(!hearing.isProven)
        let notice = hearing.ask()
        #expect(!hearing.isProven)
        #expect(!hearing.received(notice))
        #expect(hearing.isProven)
        _ = hearing.ask()
        #expect(hearing.isProven)
        _ = hearing.ask()
        #expect(!hearing.isProven)
    }

    @Test func aLostConnectionProvesNothing() {
        let hearing = Hearing(process: "a")
        _ = hearing.received(hearing.ask())
        hearing.lost()
        #expect(!hearing.isProven)
    }

    @Test func othersNoticesAreOfAChangeOrOfNoInterest() {
        let hearing = Hearing(process: "a")
        #expect(hearing.received("6a1f326e-0000-0000-0000-000000000000") && hearing.received(""))
        #expect(!hearing.received(Hearing(process: "b").ask()))
        #expect(!hearing.isProven)
    }
}
