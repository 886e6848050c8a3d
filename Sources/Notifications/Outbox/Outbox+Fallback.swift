import Postgres

extension Outbox {
    /// Tells the fallback receiver what others could not be told: what is dead, and what waits for one that is disabled or fails. Each
    /// once, and nothing that it was told of anyway.
    ///
    /// - Returns: How many notifications were written for it.
    func tellFallback(_ fallback: String) async throws -> Int {
        try await client.query(
            "SELECT monitoring_tell_fallback($1::text, make_interval(secs => $2::double precision)) AS told",
            [.text(fallback), .double(settings.backoff.giveUpAfter.seconds)], timeout: .seconds(10))[0].decode("told")
    }
}
