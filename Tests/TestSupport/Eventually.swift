/// A condition did not become true in time.
public struct NeverHappened: Error, CustomStringConvertible {
    /// What was waited for, and how long.
    public let description: String
}

/// Looks at a condition every few milliseconds until it holds.
///
/// - Parameters:
///   - what: for the error's message.
///   - timeout: how long at most; the condition is looked at once more at the end.
/// - Throws: `NeverHappened`, and what `condition` throws.
public func eventually(
    _ what: String = "the condition", timeout: Duration = .seconds(10), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + timeout
    while true {
        let isOver = ContinuousClock.now >= deadline
        if try await condition() { return }
        if isOver { throw NeverHappened(description: "\(what) did not hold within \(timeout)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}
