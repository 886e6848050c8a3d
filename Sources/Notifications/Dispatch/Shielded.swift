/// Runs a step to its end although the task that waits for it may be cancelled meanwhile.
///
/// For steps that end by themselves in a bounded time and whose middle is a bad place to stop: a request that has been sent and
/// not been recorded would be sent again.
func shielded<Result: Sendable>(_ step: @escaping @Sendable () async throws -> Result) async throws -> Result {
    try await Task { try await step() }.value
}
