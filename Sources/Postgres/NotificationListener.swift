/// Listens on one channel for as long as its task runs.
struct NotificationListener: Sendable {
    /// A silent connection is tried this often: one whose other end is gone without a word shows in no other way.
    static let checkInterval = Duration.seconds(30)

    /// What each new connection is made with.
    let present: Locked<PostgresConfiguration>
    let loop: PollLoop
    let channel: String
    var backoff = Backoff()
    var checkInterval = NotificationListener.checkInterval

    /// Returns when the task is cancelled.
    ///
    /// - Parameter onError: Hears of every connection that could not be made or was lost, with the number of failures in a row.
    func run(
        onError: @Sendable (any Error, Int) -> Void = { _, _ in }, _ yield: @Sendable (PostgresNotification) -> Void
    ) async {
        var failures = 0
        while !Task.isCancelled {
            let configuration = present.withLock { $0 }
            let session = PostgresSession(loop: loop, configuration: configuration)
            do {
                try await session.connect(until: .now + configuration.connectTimeout)
                _ = try await session.query("LISTEN " + Self.quoted(channel), [], timeout: nil)
                yield(.connected)
                while true {
                    let payloads = try await session.notifications(on: channel, until: .now + checkInterval)
                    for payload in payloads { yield(.received(payload: payload)) }
                    // Not before: a server that accepts and hangs up at once deserves the growing pauses too.
                    failures = 0
                    if payloads.isEmpty { _ = try await session.query("SELECT 1", [], timeout: configuration.connectTimeout) }
                }
            } catch {
                await session.close()
                failures += 1
                if !Task.isCancelled { onError(error, failures) }
                _ = await loop.wait(PollWait(deadline: .now + backoff.delay(failures: failures, jitter: .random(in: 0...1))))
            }
        }
    }

    /// As an identifier. A zero byte, which no identifier has, is refused when it is sent.
    static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
