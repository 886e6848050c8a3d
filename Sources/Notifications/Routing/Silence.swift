import Foundation

/// A silence that holds now.
struct Silence: Sendable, Hashable {
    /// All of them must match; a silence without any covers nothing.
    var matchers: [Matcher]

    func covers(_ labels: AlertLabels) -> Bool {
        !matchers.isEmpty && matchers.allSatisfy { $0.matches(labels) }
    }
}
