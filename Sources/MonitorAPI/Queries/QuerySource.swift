import Postgres

/// Where queries run: the pool, or a connection that is leased for several of them.
protocol QuerySource: Sendable {
    @discardableResult
    func query(_ sql: String, _ parameters: [PostgresValue], timeout: Duration?) async throws -> PostgresRows
}

extension PostgresClient: QuerySource {}
extension PostgresConnection: QuerySource {}
