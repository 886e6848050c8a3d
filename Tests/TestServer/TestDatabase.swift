import Foundation
import MonitoringSchema
public import Postgres

/// A database of the test's own on the server that `TORQ_TEST_DATABASE_URL` names (as a superuser).
public struct TestDatabase: Sendable {
    /// Its name: unique, beginning with `torq_test_`.
    public let name: String
    /// The conninfo of the database, in the form of the variable (URI or keywords).
    public let url: String
    /// A client of it; closed at the end.
    public let client: PostgresClient

    /// What `TORQ_TEST_DATABASE_URL` says; nil where it is missing or empty.
    public static var serverURL: String? {
        let value = ProcessInfo.processInfo.environment["TORQ_TEST_DATABASE_URL"]
        return value?.isEmpty == false ? value : nil
    }

    /// The conninfo of another database of the same server.
    ///
    /// - Parameter server: a URI, or keywords and values (of which the last wins).
    public static func url(of name: String, on server: String) -> String {
        guard let scheme = server.range(of: "://") else { return server + " dbname=" + name }
        let query = server[scheme.upperBound...].firstIndex(of: "?") ?? server.endIndex
        let path = server[scheme.upperBound..<query].firstIndex(of: "/") ?? query
        return server[..<path] + "/" + name + server[query...]
    }
}

/// Makes a database, runs `body`, and drops it, whatever happens.
///
/// - Parameters:
///   - schema: whether the monitor's tables, functions and views are loaded.
///   - poolSize: of the client.
///   - queryTimeout: of the client's statements.
@discardableResult
public func withTestDatabase<R: Sendable>(
    schema: Bool = false, poolSize: Int = 4, queryTimeout: Duration = .seconds(30),
    _ body: @Sendable (TestDatabase) async throws -> R
) async throws -> R {
    guard let server = TestDatabase.serverURL else {
        throw PostgresError(.invalidConfiguration, message: "TORQ_TEST_DATABASE_URL is not set")
    }
    let name = "torq_test_" + UUID().uuidString.lowercased().filter { $0 != "-" }
    let admin = PostgresClient(try PostgresConfiguration(server, applicationName: "torq-test"), poolSize: 1, acquireTimeout: .seconds(30))
    // template0 has nothing that somebody's template1 may have, and no session that holds up another test's CREATE DATABASE.
    try await admin.query("CREATE DATABASE \(name) TEMPLATE template0", timeout: .seconds(60))
    await admin.close()
    let url = TestDatabase.url(of: name, on: server)
    let result: Result<R, any Error>
    do {
        let configuration = try PostgresConfiguration(url, applicationName: "torq-test", queryTimeout: queryTimeout)
        let database = TestDatabase(name: name, url: url, client: PostgresClient(configuration, poolSize: poolSize))
        do {
            if schema {
                try await database.client.withConnection { connection in
                    for file in MonitoringSchema.migrations + MonitoringSchema.functions { try await connection.executeScript(file.sql) }
                }
            }
            result = .success(try await body(database))
        } catch {
            result = .failure(error)
        }
        await database.client.close()
    } catch {
        result = .failure(error)
    }
    await dropDatabase(name, on: server)
    return try result.get()
}

/// In a task of its own, so that a cancelled test leaves no database behind; bounded by the client's timeouts.
private func dropDatabase(_ name: String, on server: String) async {
    await Task.detached {
        guard let configuration = try? PostgresConfiguration(server, applicationName: "torq-test") else { return }
        let admin = PostgresClient(configuration, poolSize: 1)
        // FORCE ends connections that a failed test has left open.
        _ = try? await admin.query("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
        await admin.close()
    }.value
}
