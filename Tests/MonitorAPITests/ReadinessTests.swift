import Postgres
import Testing

@testable import MonitorAPI

@Suite struct ReadinessTests {
    @Test(arguments: [
        (
            PostgresError(.connectionFailed, message: "failed: FATAL:  password authentication failed for user \"x\""), "password_refused"
        ),
        (PostgresError(.connectionFailed, message: "FATAL:  sorry, too many clients already"), "too_many_connections"),
        (PostgresError(.connectionFailed, message: "FATAL:  database \"x\" does not exist"), "no_such_database"),
        (PostgresError(.connectionFailed, message: "Connection refused"), "database_gone"),
        (PostgresError(.connectionLost, message: "server closed the connection unexpectedly"), "database_gone"),
        (PostgresError(.server, sqlState: "53300", message: ""), "too_many_connections"),
        (PostgresError(.server, sqlState: "53100", message: ""), "disk_full"),
        (PostgresError(.server, sqlState: "25006", message: ""), "read_only"),
        (PostgresError(.server, sqlState: "57P03", message: "the database system is starting up"), "database_gone"),
        (PostgresError(.timedOut, message: ""), "database_slow"),
        (PostgresError(.poolExhausted, message: ""), "database_slow"),
    ])
    func whyIsSaidInAWordAndNeverInTheServers(error: PostgresError, expected: String) {
        let (reason, words) = Readiness.reason(error)
        #expect(reason == expected)
        #expect(error.message.isEmpty || !words.contains(error.message))
    }
}
