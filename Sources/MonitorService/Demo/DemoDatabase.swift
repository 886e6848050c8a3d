import Postgres

/// The demo's database, which every start makes anew: one that is marked as a demo's, or that has nothing in it.
enum DemoDatabase {
    /// Empties the database.
    ///
    /// - Throws: `DemoError` where it holds tables and is no demo's; it is left as it is.
    static func makeAnew(on connection: PostgresConnection) async throws {
        guard try await connection.query(isOurs)[0].decode("is_ours") else { throw DemoError.notOurs }
        // The script is one transaction: nothing is dropped in a database without the mark.
        try await connection.executeScript(script)
    }

    private static let isOurs = """
        SELECT
            coalesce(shobj_description(oid, 'pg_database') = 'A demo of torq-monitor', false)
            OR NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('public') AND relkind IN ('r', 'p', 'v', 'm'))
            AS is_ours
        FROM pg_database
        WHERE datname = current_database()
        """

    private static let script = """
        DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS ''A demo of torq-monitor''', current_database()); END $$;
        DROP SCHEMA public CASCADE;
        CREATE SCHEMA public;
        """
}

/// Why there is no demo.
enum DemoError: Error, CustomStringConvertible {
    /// The data directory belongs to something else.
    case notOurs

    var description: String {
        "the data directory holds a database that is no demo's, and a demo begins by emptying its database: name another --data-dir"
    }
}
