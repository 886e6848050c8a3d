import Postgres

/// The columns of learning_events, in the order of the table, and the SQL that follows from them.
struct EventColumns: Sendable, Hashable {
    let all: [EventColumn]
    let eventID: Int
    let occurredAt: Int
    private let places: [String: Int]
    /// What an event is known by: its id, in a table with partitions together with its time.
    private let key: String

    /// - Throws: `ImportError` with `.noTable` where they are not those of a table of learning events.
    init(_ columns: [EventColumn], isPartitioned: Bool = false) throws(ImportError) {
        all = columns
        key = isPartitioned ? "event_id, occurred_at" : "event_id"
        places = Dictionary(columns.enumerated().map { ($1.name, $0) }) { first, _ in first }
        guard let eventID = places["event_id"], let occurredAt = places["occurred_at"] else {
            throw ImportError(.noTable, "there is no table learning_events with event_id and occurred_at: run `torq-monitor migrate` first")
        }
        self.eventID = eventID
        self.occurredAt = occurredAt
    }

    /// Reads them from the database.
    ///
    /// - Throws: `ImportError` with `.noTable` as well where the events lie on other servers: an import there knows what is there already.
    init(_ connection: PostgresConnection) async throws {
        let kind = try await connection.query(Self.kind)[0]
        if try kind.decode("is_elsewhere") {
            throw ImportError(.noTable, "the events of learning_events lie on other servers: import into each of those")
        }
        try self.init(
            await connection.query(Self.catalog).map { row in
                EventColumn(
                    name: try row.decode("name"), kind: EventColumn.Kind(type: try row.decode("type")),
                    isRequired: try row.decode("is_required"), defaultSQL: try row.decode("default_sql"))
            }, isPartitioned: try kind.decode("is_partitioned"))
    }

    /// The place of the column; nil where there is none of that name.
    func place(of name: String) -> Int? { places[name] }

    /// All names, for a message.
    var names: String { all.map(\.name).joined(separator: ", ") }

    /// A table for the rows of a batch, of the same types, for the time of the transaction.
    var staging: String {
        "CREATE TEMPORARY TABLE torq_import ON COMMIT DROP AS SELECT \(list) FROM learning_events WITH NO DATA"
    }

    /// Fills it.
    var copy: String { "COPY pg_temp.torq_import (\(list)) FROM STDIN" }

    /// Moves its rows into learning_events; what is there already stays as it is.
    var insertNew: String { "\(insert) ON CONFLICT (\(key)) DO NOTHING" }

    /// The same, but what is there already counts as retried; gives how many were new and how many were not, as this statement found them.
    var insertOrCount: String {
        """
        WITH known AS (
            SELECT count(*) AS events FROM pg_temp.torq_import staged JOIN learning_events USING (\(key))
        ), stored AS (
            \(insert)
            ON CONFLICT (\(key)) DO UPDATE
            SET duplicate_count = learning_events.duplicate_count + 1,
                last_seen_at = greatest(learning_events.last_seen_at, excluded.last_seen_at, excluded.occurred_at),
                updated_at = now()
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM stored) - known.events AS imported, known.events AS counted FROM known
        """
    }

    private var insert: String {
        let values = all.map { column in
            // Changes are found by updated_at: whatever the file says, it is the time of the import.
            if column.name == "updated_at" { return "now()" }
            let value = "staged.\(Self.quoted(column.name))"
            return column.defaultSQL.map { "coalesce(\(value), \($0))" } ?? value
        }
        return "INSERT INTO learning_events (\(list)) SELECT \(values.joined(separator: ", ")) FROM pg_temp.torq_import staged"
    }

    private var list: String { all.map { Self.quoted($0.name) }.joined(separator: ", ") }

    private static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    private static let kind = """
        SELECT
            EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('learning_events') AND relkind = 'p') AS is_partitioned,
            EXISTS (
                SELECT
                FROM pg_inherits AS part
                JOIN pg_class AS relation ON relation.oid = part.inhrelid
                WHERE part.inhparent = to_regclass('learning_events') AND relation.relkind = 'f') AS is_elsewhere
        """

    /// Columns that can be written to.
    private static let catalog = """
        SELECT a.attname::text AS name,
               format_type(a.atttypid, a.atttypmod) AS type,
               a.attnotnull AS is_required,
               pg_get_expr(d.adbin, d.adrelid) AS default_sql
        FROM pg_attribute a
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = to_regclass('learning_events')
          AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
        ORDER BY a.attnum
        """
}
