import NIOCore

/// Runs tasks on the thread of an event loop, so that a request goes from its socket to its answer without waking another thread.
///
/// What runs here must be short: the other connections of the loop wait for it. `EndpointTable` hands everything else on.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    /// Behind what the loop is to do already. A loop that has been shut down, as the process ends, takes no more.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
