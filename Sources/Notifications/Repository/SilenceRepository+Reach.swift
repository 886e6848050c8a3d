import Monitoring

extension SilenceRepository {
    /// What these matchers cover of the alerts that stand: of the newest 1,000 that are open and as many that are acknowledged.
    public func reach(of matchers: [Matcher]) async throws -> SilenceReach {
        let repository = AlertRepository(client: client)
        let open = try await repository.alerts(status: .open, limit: 1000)
        let acknowledged = try await repository.alerts(status: .acknowledged, limit: 1000)
        return SilenceReach(matchers, over: open.alerts + acknowledged.alerts, isPartial: open.hasMore || acknowledged.hasMore)
    }
}
