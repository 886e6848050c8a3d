@_exported public import TestServer
public import Testing

extension TestDatabase {
    /// Whether there is a server to test against; else tests are skipped: `.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)`.
    public static var isAvailable: Bool { serverURL != nil }

    /// The line for skipped tests.
    public static let hint: Comment = "TORQ_TEST_DATABASE_URL is not set: run deploy/test, which starts a PostgreSQL for the tests"
}
