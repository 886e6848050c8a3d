import Foundation

/// Random numbers that follow from a seed alone: SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014).
public struct Randomness: RandomNumberGenerator, Sendable, Hashable {
    private var state: UInt64

    /// - Parameters:
    ///   - seed: Any number.
    ///   - stream: Which part of a larger whole it is for; the numbers of two streams have nothing to do with each other.
    public init(seed: UInt64, stream: UInt64 = 0) {
        state = Self.mixed(seed &+ 0x9E37_79B9_7F4A_7C15) ^ Self.mixed(stream &* 0xD134_2543_DE82_EF95 &+ 1)
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    /// The number's bits so mixed that neighbours have nothing in common.
    static func mixed(_ number: UInt64) -> UInt64 {
        var z = number
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Even in [0, 1).
    public mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Even in the range.
    public mutating func even(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }

    /// Even in 0 ..< bound. A bound under 2^32 is biased by less than 1e-9.
    public mutating func below(_ bound: Int) -> Int {
        Int(UInt64(bound).multipliedFullWidth(by: next()).high)
    }

    /// One of them, all alike.
    public mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }

    /// An index into `weights`, each as likely as its weight.
    public mutating func index(of weights: [Double]) -> Int {
        var sum = 0.0
        for weight in weights { sum += weight }
        var rest = unit() * sum
        for index in weights.indices {
            rest -= weights[index]
            if rest < 0 { return index }
        }
        return weights.lastIndex { $0 > 0 } ?? 0
    }

    /// Mean 0, variance 1 (Box and Muller 1958).
    public mutating func normal() -> Double {
        let radius = (-2 * log(1 - unit())).squareRoot()
        return radius * cos(2 * .pi * unit())
    }

    /// How many events come where `mean` are expected. Counts exponential gaps (Knuth), in pieces of 32 at most, whose sums are
    /// Poisson as well.
    public mutating func poisson(_ mean: Double) -> Int {
        var count = 0
        var rest = mean
        while rest > 0 {
            let limit = exp(-min(rest, 32))
            rest -= 32
            var product = unit()
            while product > limit {
                count += 1
                product *= unit()
            }
        }
        return count
    }
}
