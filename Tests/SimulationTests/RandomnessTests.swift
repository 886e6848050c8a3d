import Testing

@testable import Simulation

@Suite("Simulation: randomness")
struct RandomnessTests {
    @Test("a seed and a stream give the same numbers always, others others")
    func deterministic() {
        func numbers(_ seed: UInt64, _ stream: UInt64 = 0) -> [UInt64] {
            var random = Randomness(seed: seed, stream: stream)
            return (0..<5).map { _ in random.next() }
        }
        #expect(numbers(1) == numbers(1))
        let all = (0..<10 as Range<UInt64>).flatMap { seed in (0..<10 as Range<UInt64>).flatMap { numbers(seed, $0) } }
        #expect(Set(all).count == 500)
    }

    @Test("Poisson counts have their mean as mean and as variance", arguments: [0.0, 0.3, 5, 40, 250])
    func poisson(mean: Double) {
        var random = Randomness(seed: 11)
        let counts = (0..<10_000).map { _ in Double(random.poisson(mean)) }
        let average = counts.reduce(0, +) / 10_000
        let variance = counts.reduce(0) { $0 + ($1 - average) * ($1 - average) } / 10_000
        #expect(abs(average - mean) <= 5 * (mean / 10_000).squareRoot())
        #expect(abs(variance - mean) <= 0.08 * mean)
    }

    @Test("normal deviates have mean 0, variance 1 and the tails they should")
    func normal() {
        var random = Randomness(seed: 12)
        let values = (0..<20_000).map { _ in random.normal() }
        #expect(abs(values.reduce(0, +) / 20_000) < 0.035)
        #expect(abs(values.reduce(0) { $0 + $1 * $1 } / 20_000 - 1) < 0.05)
        #expect(abs(Double(values.filter { $0 > NormalDistribution.p95 }.count) / 20_000 - 0.05) < 0.008)
    }

    @Test("an index comes as often as its weight, never without one")
    func index() {
        var random = Randomness(seed: 13)
        var counts = [0, 0, 0, 0]
        for _ in 0..<20_000 { counts[random.index(of: [3, 0, 1, 4])] += 1 }
        #expect(counts[1] == 0)
        #expect(abs(counts[0] - 7500) < 350)
        #expect(abs(counts[2] - 2500) < 250)
    }

    @Test("the share above a deviation", arguments: [(0.0, 0.5), (1.6448536, 0.05), (2.3263479, 0.01), (-1.6448536, 0.95)])
    func above(deviation: Double, share: Double) {
        #expect(abs(NormalDistribution.above(deviation) - share) < 1e-8)
    }
}
