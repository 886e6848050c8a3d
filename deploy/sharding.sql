-- learning_events over several PostgreSQL servers (postgres_fdw). Each server keeps its own events, and collects them by the hour into
-- eight bytes an event; the server that torq-monitor works on, which is the coordinator, reads that alone. Nothing is copied.
--
-- On each server with events ("a shard"):
--   1. `torq-monitor migrate --database …` makes learning_events and the monitor's functions.
--   2. As the owner of learning_events (again whenever that table was made anew), and an index by which some hours are found without
--      reading all, which blocks nobody:
--        SELECT monitoring_share_events();
--        CREATE INDEX CONCURRENTLY monitoring_learning_events_hour
--            ON learning_events (date_bin('1 hour', occurred_at, '2000-01-01 00:00:00+00'))
--            WHERE occurred_at >= '0001-01-01 00:00:00+00' AND occurred_at < '10000-01-01 00:00:00+00';
--   3. A role for the coordinator, which reads and no more:
--        CREATE ROLE monitor_reader LOGIN PASSWORD '…';
--        GRANT pg_read_all_stats TO monitor_reader;
--        GRANT SELECT ON learning_events, monitoring_event_slices, monitoring_event_horizon, monitoring_event_hours,
--            monitoring_shard_horizons TO monitor_reader;
--        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO monitor_reader;
--        CREATE POLICY monitor_reader ON learning_events FOR SELECT TO monitor_reader USING (true);
--
-- On the coordinator, a database without events:
--   4. `torq-monitor migrate --database …` here too; then this file, which makes two functions; then, with one line for each shard:
--        SELECT monitoring_add_shard('shard_1', 'host=10.0.0.1 dbname=console', 'monitor_reader', '…');
--        SELECT monitoring_distribute_events();
--   5. `torq-monitor serve --database …` of the coordinator. The learning_events that `migrate` made is made anew, as long as it is empty.
--
-- Where an event goes is said by the hash of its event_id: whoever writes through the coordinator need not care where, and event_id stays
-- unique over all shards. A writer has a role of its own on each shard, with INSERT on learning_events and a policy as the table has for
-- producers, and on the coordinator a mapping to it for each shard (CREATE USER MAPPING FOR producer SERVER shard_1 OPTIONS (user …,
-- password …)). `torq-monitor import` goes to each shard by itself. Whoever writes to a shard directly writes there what the coordinator has
-- it for, counted from 0 by their names: SELECT satisfies_hash_partition('learning_events'::regclass, 2, 0, event_id), of 2 shards.
-- ON CONFLICT with an update works on the shard alone: PostgreSQL does not send it to another server.
--
-- How many shards there are is chosen once: by that hash each event belongs to one of so many, and one more would be the place of events
-- that others have. A new password: ALTER USER MAPPING FOR CURRENT_USER SERVER shard_1 OPTIONS (SET password '…'). Another address:
-- ALTER SERVER shard_1 OPTIONS (SET host '10.0.0.7').
--
-- All servers run the same version of torq-monitor; the shards' clocks should agree with the coordinator's to seconds. A shard
-- that does not answer stops the roll-up, and says so: figures without its events would be wrong.

CREATE EXTENSION IF NOT EXISTS postgres_fdw;

CREATE OR REPLACE FUNCTION monitoring_add_shard(p_name name, p_conninfo text, p_user text, p_password text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_options text;
BEGIN
    SELECT string_agg(format('%s %L', split_part(pair, '=', 1), substr(pair, strpos(pair, '=') + 1)), ', ') INTO v_options
    FROM regexp_split_to_table(trim(p_conninfo), '\s+') AS pair;
    -- Shards are asked at once rather than one after the other, for many rows at a time, and about a broken line within half a minute.
    EXECUTE format(
        'CREATE SERVER %I FOREIGN DATA WRAPPER postgres_fdw OPTIONS (%s, fetch_size ''1000'', async_capable ''true'', '
        'connect_timeout ''5'', tcp_user_timeout ''30000'', keepalives_idle ''10'')', p_name, v_options);
    EXECUTE format(
        'CREATE USER MAPPING FOR CURRENT_USER SERVER %I OPTIONS (user %L%s)', p_name, p_user,
        CASE WHEN p_password IS NULL THEN '' ELSE format(', password %L', p_password) END);
    EXECUTE format(
        'CREATE FOREIGN TABLE %I () INHERITS (monitoring_shard_slices) SERVER %I OPTIONS (table_name ''monitoring_event_slices'')',
        'monitoring_shard_slices_' || p_name, p_name);
    EXECUTE format(
        'CREATE FOREIGN TABLE %I () INHERITS (monitoring_shard_horizons) SERVER %I OPTIONS (table_name ''monitoring_event_horizon'')',
        'monitoring_shard_horizons_' || p_name, p_name);
    EXECUTE format(
        'CREATE FOREIGN TABLE %I () INHERITS (monitoring_shard_hours) SERVER %I OPTIONS (table_name ''monitoring_event_hours'')',
        'monitoring_shard_hours_' || p_name, p_name);
    EXECUTE format(
        'REVOKE ALL ON %I, %I, %I FROM PUBLIC', 'monitoring_shard_slices_' || p_name, 'monitoring_shard_horizons_' || p_name,
        'monitoring_shard_hours_' || p_name);
END
$$;
COMMENT ON FUNCTION monitoring_add_shard(name, text, text, text) IS
    'Another server whose events are rolled up here: a name, libpq''s keywords and values for the place, user, password.';

CREATE OR REPLACE FUNCTION monitoring_distribute_events() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
    v_shard record;
BEGIN
    IF EXISTS (SELECT FROM learning_events LIMIT 1) THEN
        RAISE EXCEPTION 'learning_events holds events: the coordinator has none of its own';
    END IF;
    SELECT count(*) INTO v_count FROM pg_inherits WHERE inhparent = to_regclass('monitoring_shard_slices');
    ALTER TABLE learning_events RENAME TO learning_events_empty;
    CREATE TABLE learning_events (LIKE learning_events_empty INCLUDING DEFAULTS INCLUDING COMMENTS) PARTITION BY HASH (event_id);
    DROP TABLE learning_events_empty;
    ALTER TABLE learning_events ENABLE ROW LEVEL SECURITY;
    FOR v_shard IN
        SELECT server.srvname AS name, row_number() OVER (ORDER BY server.srvname) - 1 AS remainder
        FROM pg_inherits
        JOIN pg_foreign_table AS slices ON slices.ftrelid = inhrelid
        JOIN pg_foreign_server AS server ON server.oid = slices.ftserver
        WHERE inhparent = to_regclass('monitoring_shard_slices')
    LOOP
        EXECUTE format(
            'CREATE FOREIGN TABLE %I PARTITION OF learning_events FOR VALUES WITH (MODULUS %s, REMAINDER %s) SERVER %I '
            'OPTIONS (table_name ''learning_events'')', 'learning_events_' || v_shard.name, v_count, v_shard.remainder, v_shard.name);
    END LOOP;
END
$$;
COMMENT ON FUNCTION monitoring_distribute_events() IS
    'Makes learning_events, which must be empty, the sum of all shards: an event is where the hash of its event_id says.';

REVOKE ALL ON FUNCTION monitoring_add_shard(name, text, text, text), monitoring_distribute_events() FROM PUBLIC;
