import Postgres
import TestSupport
import Testing

@testable import MonitorService

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct DemoDatabaseTests {
    @Test func aDemoEmptiesItsOwnDatabaseAndNoOther() async throws {
        try await withTestDatabase { database in
            try await database.client.query("CREATE TABLE kept AS SELECT 7 AS value")
            await #expect(throws: DemoError.notOurs) {
                try await database.client.withConnection { try await DemoDatabase.makeAnew(on: $0) }
            }
            #expect(try await database.client.query("SELECT FROM kept").count == 1)
            try await database.client.query("DROP TABLE kept")
            for _ in 1...2 {
                try await database.client.withConnection { try await DemoDatabase.makeAnew(on: $0) }
                #expect(try await database.client.query("SELECT FROM pg_tables WHERE schemaname = 'public'").isEmpty)
                try await database.client.query("CREATE TABLE events AS SELECT 7 AS value")
            }
        }
    }
}
