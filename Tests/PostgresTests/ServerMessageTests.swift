import Testing

@testable import Postgres

struct ServerMessageTests {
    @Test(arguments: [
        ("22P02", "invalid input syntax for type integer: \"x\"", "invalid input syntax for type integer: …"),
        ("22P02", "invalid input value for enum mood: \"a\"b: c\"", "invalid input value for enum mood: …"),
        ("22003", "value \"99999999999\" is out of range for type integer", "value … is out of range for type integer"),
        ("22021", "invalid byte sequence for encoding \"UTF8\": 0xff", "invalid byte sequence for encoding …: …"),
        ("22012", "division by zero", "division by zero"),
        ("42601", "syntax error at or near \"x\"", "syntax error at or near …"),
        ("23505", "duplicate key value violates unique constraint \"a_pkey\"", "duplicate key value violates unique constraint \"a_pkey\""),
    ])
    func valuesAreTakenOut(sqlState: String, message: String, expected: String) {
        #expect(ServerMessage.withoutValues(message, sqlState: sqlState) == expected)
    }

    @Test(arguments: [
        (PostgresError(.server, sqlState: "40001", message: ""), true), (PostgresError(.server, sqlState: "23505", message: ""), false),
        (PostgresError(.server, sqlState: "57P01", message: ""), true), (PostgresError(.server, message: ""), false),
        (PostgresError(.connectionLost, message: ""), true), (PostgresError(.cancelled, message: ""), false),
    ])
    func whatCanBeTriedAgain(error: PostgresError, expected: Bool) {
        #expect(error.isRetryable == expected)
    }

    @Test(arguments: [
        ("connection to server at \"db\" failed: FATAL:  password authentication failed for user \"torq\"", true),
        ("connection to server at \"db\" failed: FATAL:  database \"nope\" does not exist", true),
        ("connection to server at \"db\" failed: FATAL:  the database system is starting up", false),
        ("connection to server at \"db\" failed: Connection refused", false),
        ("connection to server on socket \"does not exist\" failed: No such file or directory", false),
    ])
    func whatIsRefusedForGood(message: String, expected: Bool) {
        #expect(ConnectFailure.isPermanent(message) == expected)
    }
}
