import Postgres

extension SchemaMigrator {
    /// Says so where row level security hides events from this user, which look as if they had never happened; nil where all are seen.
    ///
    /// One statement, which reads the catalog alone.
    public func hiddenEvents() async throws -> String? {
        let remedy: String? = try await client.query("SELECT \(Self.hidden) AS hidden")[0].decode("hidden")
        return remedy.map(Self.hiding)
    }

    static func hiding(_ remedy: String) -> String {
        "row level security hides events from this user, so that they are not counted; \(remedy)"
    }

    /// What has to be done so that this user sees every event, and by whom; NULL where nothing has to. A policy that holds for every
    /// event reads true; what another lets through cannot be told from here.
    static let hidden = """
        (
            SELECT CASE
                WHEN NOT row_security_active(to_regclass('learning_events')) THEN NULL
                WHEN bool_or(NOT is_permissive AND NOT is_open)
                    THEN format('a restrictive policy does it, which a superuser can lift: ALTER ROLE %I BYPASSRLS', current_user)
                WHEN NOT coalesce(bool_or(is_permissive AND is_open), false) THEN format(
                    'the owner of learning_events can run: CREATE POLICY monitor_reads ON learning_events FOR SELECT TO %I USING (true)',
                    current_user)
                END
            FROM (
                SELECT polpermissive AS is_permissive, pg_get_expr(polqual, polrelid) IS NOT DISTINCT FROM 'true' AS is_open
                FROM pg_policy
                WHERE polrelid = to_regclass('learning_events') AND polcmd IN ('r', '*')
                    AND EXISTS (SELECT FROM unnest(polroles) AS role WHERE role = 0 OR pg_has_role(role, 'USAGE'))
            ) AS policy
        )
        """
}
