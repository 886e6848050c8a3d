import ServiceLifecycle

/// Runs a group until it ends by itself or the task is cancelled, which the group takes for a graceful shutdown.
///
/// It runs in a task of its own, for a cancellation that reached its services would cut off what they do at their end.
func runUntilCancelled(_ group: ServiceGroup) async throws {
    let running = Task { try await group.run() }
    try await withTaskCancellationHandler {
        try await running.value
    } onCancel: {
        Task { await group.triggerGracefulShutdown() }
    }
}
