import Foundation

/// A random number generator whose numbers follow from its seed alone (SplitMix64, Steele, Lea and Flood 2014), so that
/// a demo, a test and a second start of either see the same events.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// A generator for `seed`; any number will do.
    public init(seed: UInt64) {
        state = seed
    }

    /// A generator for part `stream` of a larger whole: neighbouring streams are unrelated.
    public init(seed: UInt64, stream: UInt64) {
        var mixer = SeededGenerator(seed: seed ^ (stream &* 0xD134_2543_DE82_EF95))
        state = mixer.next() ^ stream
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Evenly distributed in [0, 1).
    mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    mutating func chance(_ probability: Double) -> Bool {
        unit() < probability
    }

    /// Evenly distributed in `0 ..< bound`; `bound` is small, so that the bias of the multiplication does not matter.
    mutating func below(_ bound: Int) -> Int {
        Int((UInt64(bound).multipliedFullWidth(by: next())).high)
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }

    /// One of `elements`, each as likely as its weight.
    mutating func pick<Element>(_ elements: [(element: Element, weight: Double)]) -> Element {
        var rest = unit() * elements.reduce(0) { $0 + $1.weight }
        for (element, weight) in elements {
            rest -= weight
            if rest < 0 { return element }
        }
        return elements[elements.count - 1].element
    }

    /// Standard normal (Box and Muller 1958).
    mutating func normal() -> Double {
        let radius = (-2 * log(1 - unit())).squareRoot()
        return radius * cos(2 * .pi * unit())
    }

    /// Poisson with mean `mean`, by counting exponential gaps (Knuth); for means up to a few hundred.
    mutating func poisson(_ mean: Double) -> Int {
        var count = 0
        var product = unit()
        let limit = exp(-mean)
        while product > limit {
            count += 1
            product *= unit()
        }
        return count
    }
}
