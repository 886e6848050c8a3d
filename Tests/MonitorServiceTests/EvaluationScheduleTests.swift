import Foundation
import Testing

@testable import MonitorService

@Suite struct EvaluationScheduleTests {
    @Test func isDueOnceInEachInterval() {
        var schedule = EvaluationSchedule(interval: .seconds(60))
        let minute = Date(timeIntervalSince1970: 1_771_668_000)
        #expect(schedule.isDue(at: minute.addingTimeInterval(17)))
        schedule.evaluated(at: minute.addingTimeInterval(17))
        #expect(!schedule.isDue(at: minute.addingTimeInterval(59.9)))
        #expect(schedule.isDue(at: minute.addingTimeInterval(60)))
    }

    @Test func whatWasMissedIsDueOnce() {
        var schedule = EvaluationSchedule(interval: .seconds(60))
        let minute = Date(timeIntervalSince1970: 1_771_668_000)
        schedule.evaluated(at: minute)
        let late = minute.addingTimeInterval(600)
        #expect(schedule.isDue(at: late))
        schedule.evaluated(at: late)
        #expect(!schedule.isDue(at: late.addingTimeInterval(1)))
    }

    @Test(arguments: [(0.0, 60.0), (59.5, 0.5), (30, 30)])
    func knowsWhenTheNextBegins(offset: Double, wait: Double) {
        let schedule = EvaluationSchedule(interval: .seconds(60))
        let moment = Date(timeIntervalSince1970: 1_771_668_000 + offset)
        #expect(schedule.untilNextSlot(after: moment) == .seconds(wait))
    }
}

@Suite struct DemoClockTests {
    @Test(arguments: [0.0, 1, 149, 150, 151, 299])
    func aBucketEndsWhenItShould(offset: Double) {
        let start = Date(timeIntervalSince1970: 1_771_668_000 + offset)
        let clock = DemoClock()
        #expect(clock.moment(at: start) == start)
        clock.set(start: start, untilBucketEnds: 175)
        let end = clock.moment(at: start.addingTimeInterval(175)).timeIntervalSince1970
        #expect(end.truncatingRemainder(dividingBy: 300) == 0)
        #expect(abs(clock.shift) <= DemoClock.furthest)
    }

    @Test func whatIsPlayedCatchesUpAndStays() {
        let since = Date(timeIntervalSince1970: 1_771_668_000)
        let clock = DemoClock()
        clock.play(from: since.addingTimeInterval(-86_400), since: since, speed: 100)
        #expect(clock.moment(at: since) == since.addingTimeInterval(-86_400))
        #expect(clock.moment(at: since.addingTimeInterval(60)) == since.addingTimeInterval(-80_400))
        let later = since.addingTimeInterval(1000)
        #expect(clock.moment(at: later) == later)
    }
}
