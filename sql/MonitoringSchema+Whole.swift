extension MonitoringSchema.File {
    /// FNV-1a over the text, 16 hex digits: tells whether a file is the one that was applied; guards against mistakes, not malice.
    public var checksum: String {
        let hash = sql.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension MonitoringSchema {
    /// The table that remembers what was applied.
    public static let ledger = """
        CREATE TABLE IF NOT EXISTS monitoring_migrations (
            name       text PRIMARY KEY,                -- of the file in sql/
            checksum   text NOT NULL,                   -- of its text
            applied_at timestamptz NOT NULL DEFAULT now()
        );
        COMMENT ON TABLE monitoring_migrations IS 'The files of the schema that were applied, with their checksums.';
        """

    /// The statement that notes `file` as applied.
    public static func note(_ file: File) -> String {
        """
        INSERT INTO monitoring_migrations (name, checksum) VALUES ('\(file.name)', '\(file.checksum)')
        ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
        """
    }

    /// Everything as one script for a SQL editor; it can be run any number of times, and `migrate` recognises what it made.
    public static var whole: String {
        var parts = [
            """
            -- torq-monitor: the whole schema, for pasting into a SQL editor. It can be run again at any time.
            -- Generated from sql/migrations and sql/functions by `torq-monitor schema`: edit those, not this file.
            BEGIN;
            SET LOCAL client_min_messages = warning;
            """,
            ledger,
        ]
        parts += migrations.map { file in
            """
            -- \(file.name) \(String(repeating: "=", count: max(4, 100 - file.name.count)))
            DO $torq_apply$
            BEGIN
                IF EXISTS (SELECT FROM monitoring_migrations WHERE name = '\(file.name)') THEN RETURN; END IF;
                EXECUTE $torq_file$
            \(file.sql)$torq_file$;
                \(note(file).replacing("\n", with: "\n    "))
            END
            $torq_apply$;
            """
        }
        parts += functions.map { file in
            """
            -- \(file.name) \(String(repeating: "=", count: max(4, 100 - file.name.count)))
            \(file.sql)
            \(note(file))
            """
        }
        parts.append("COMMIT;\n")
        return parts.joined(separator: "\n\n")
    }
}

extension String {
    /// The standard library's own `replacing` needs the string processing module, which this target does without.
    fileprivate func replacing(_ character: Character, with replacement: String) -> String {
        reduce(into: "") { $0 += $1 == character ? replacement : String($1) }
    }
}
