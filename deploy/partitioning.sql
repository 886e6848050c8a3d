-- learning_events in weekly partitions, and the old ones dropped: so that pruning a year of events takes milliseconds, and no vacuum.
-- What was rolled up stays, whatever is dropped. After `torq-monitor migrate`, as the table's owner; it can be run again at any time:
--   psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f deploy/partitioning.sql
--
-- Before you do:
--   * In a partitioned table an event_id is unique together with its occurred_at alone. A producer that upserts names both:
--     ON CONFLICT (event_id, occurred_at), PostgREST's on_conflict=event_id,occurred_at. A retry must carry the first occurred_at.
--   * The rows there are become the first partition as they are; nothing is copied. That takes one look at each of them, and two indexes,
--     under a lock. On a large table build the indexes first, which blocks nobody:
--       CREATE UNIQUE INDEX CONCURRENTLY ON learning_events (id, occurred_at);
--       CREATE UNIQUE INDEX CONCURRENTLY ON learning_events (event_id, occurred_at);
--       CREATE INDEX CONCURRENTLY IF NOT EXISTS monitoring_learning_events_updated_at ON learning_events (updated_at);
--
-- Afterwards, every day (pg_cron: see the end of this file):
--   SELECT learning_events_make_partitions();
--   SELECT learning_events_drop_partitions('180 days');
-- The first partition holds all that was there before: it goes whole, when the newest of it is as old as that.

-- The functions --------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION learning_events_partitions()
RETURNS TABLE (partition regclass, from_at timestamptz, until_at timestamptz)
LANGUAGE sql STABLE SET timezone = 'UTC' AS $$
    SELECT
        part.relid,
        CASE WHEN said.bounds[1] = 'MINVALUE' THEN '-infinity' ELSE said.bounds[1]::timestamptz END,
        said.bounds[2]::timestamptz
    FROM pg_partition_tree('learning_events') AS part
    JOIN pg_class AS relation ON relation.oid = part.relid
    CROSS JOIN LATERAL regexp_match(
        pg_get_expr(relation.relpartbound, relation.oid), '^FOR VALUES FROM \(''?([^'')]+)''?\) TO \(''([^'')]+)''\)$') AS said (bounds)
    WHERE part.isleaf AND said.bounds IS NOT NULL
    ORDER BY 3
$$;
COMMENT ON FUNCTION learning_events_partitions() IS 'The partitions of learning_events but for the default one, with their times: until_at is not in it.';

-- Events of a week that has no partition yet lie in the default one, and move into theirs when it is made.
CREATE OR REPLACE FUNCTION learning_events_make_partitions(p_weeks_ahead integer DEFAULT 4, p_now timestamptz DEFAULT now())
RETURNS integer
LANGUAGE plpgsql SET lock_timeout = '5s' SET timezone = 'UTC' AS $$
DECLARE
    v_schema CONSTANT name := (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = 'learning_events'::regclass);
    v_week   timestamptz;
    v_name   name;
    v_count  integer := 0;
BEGIN
    FOR v_week IN
        SELECT week
        FROM generate_series(
            date_bin('7 days', p_now, '2000-01-03 00:00:00+00'), p_now + p_weeks_ahead * interval '7 days', '7 days') AS week
        WHERE NOT EXISTS (SELECT FROM learning_events_partitions() WHERE from_at <= week AND week < until_at)
    LOOP
        v_name := 'learning_events_' || to_char(v_week, 'YYYYMMDD');
        EXECUTE format('CREATE TABLE %I.%I (LIKE learning_events INCLUDING ALL)', v_schema, v_name);
        EXECUTE format('COMMENT ON TABLE %I.%I IS ''The events of a week.''', v_schema, v_name);
        -- Whoever may read it reads it through learning_events.
        EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', v_schema, v_name);
        EXECUTE format(
            'WITH moved AS (DELETE FROM learning_events_default WHERE occurred_at >= $1 AND occurred_at < $2 RETURNING *) '
            'INSERT INTO %I.%I SELECT * FROM moved', v_schema, v_name)
            USING v_week, v_week + interval '7 days';
        EXECUTE format(
            'ALTER TABLE learning_events ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
            v_schema, v_name, v_week, v_week + interval '7 days');
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION learning_events_make_partitions(integer, timestamptz) IS
    'Makes the partitions of this week and some to come, where they are missing; how many. An event''s own trigger of updates is not asked.';

CREATE OR REPLACE FUNCTION learning_events_drop_partitions(p_keep interval, p_now timestamptz DEFAULT now()) RETURNS integer
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
    v_part  record;
    v_count integer := 0;
BEGIN
    -- Events that were not rolled up would be lost.
    IF coalesce((SELECT watermark < now() - interval '1 hour' FROM monitoring_rollup_state), false) THEN
        RAISE WARNING 'nothing is dropped: the roll-up stands still (see last_run_at of monitoring_rollup_state)';
        RETURN 0;
    END IF;
    FOR v_part IN
        SELECT partition, from_at, until_at
        FROM learning_events_partitions()
        WHERE until_at <= p_now - p_keep
            AND NOT EXISTS (SELECT FROM monitoring_rollup_pending WHERE hour_start >= from_at AND hour_start < until_at)
    LOOP
        EXECUTE format('DROP TABLE %s', v_part.partition);
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION learning_events_drop_partitions(interval, timestamptz) IS
    'Drops the partitions whose events are all older than p_keep and rolled up; how many.';

-- They belong to whoever runs this, and to nobody who comes through PostgREST.
REVOKE ALL ON FUNCTION
    learning_events_partitions(), learning_events_make_partitions(integer, timestamptz), learning_events_drop_partitions(interval, timestamptz)
    FROM PUBLIC;

-- The table ------------------------------------------------------------------------------------------------------------

DO $block$
DECLARE
    c_bound    CONSTANT timestamptz := date_bin('7 days', now(), '2000-01-03 00:00:00+00') + interval '7 days';
    v_schema   CONSTANT name := (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = 'learning_events'::regclass);
    v_owner    CONSTANT name := (SELECT relowner::regrole FROM pg_class WHERE oid = 'learning_events'::regclass);
    v_triggers text[];
    v_policies text[];
    v_grants   text[];
    v_indexes  text[];
    v_line     text;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'learning_events'::regclass) = 'p' THEN
        RETURN;
    END IF;
    PERFORM set_config('timezone', 'UTC', true), set_config('search_path', quote_ident(v_schema) || ', pg_temp', true);
    LOCK TABLE learning_events IN ACCESS EXCLUSIVE MODE;
    ALTER TABLE learning_events RENAME TO learning_events_before;
    CREATE TABLE learning_events (LIKE learning_events_before INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMMENTS)
        PARTITION BY RANGE (occurred_at);
    EXECUTE format('ALTER TABLE learning_events OWNER TO %I', v_owner);
    EXECUTE format('COMMENT ON TABLE learning_events IS %L', obj_description('learning_events_before'::regclass));

    -- What belongs to the table goes over to the whole: triggers, policies, rights, and the indexes that are not unique.
    SELECT array_agg(pg_get_triggerdef(oid)) INTO v_triggers
    FROM pg_trigger WHERE tgrelid = 'learning_events_before'::regclass AND NOT tgisinternal;
    FOR v_line IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'learning_events_before'::regclass AND NOT tgisinternal LOOP
        EXECUTE format('DROP TRIGGER %I ON learning_events_before', v_line);
    END LOOP;
    SELECT array_agg(format(
            'CREATE POLICY %I ON learning_events AS %s FOR %s TO %s%s%s', policyname, permissive, cmd,
            (SELECT string_agg(CASE role WHEN 'public' THEN 'PUBLIC' ELSE quote_ident(role) END, ', ') FROM unnest(roles) AS role),
            ' USING (' || qual || ')', ' WITH CHECK (' || with_check || ')'))
        INTO v_policies
    FROM pg_policies WHERE schemaname = v_schema AND tablename = 'learning_events_before';
    SELECT array_agg(format('GRANT %s ON learning_events TO %s', privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END))
        INTO v_grants
    FROM pg_class CROSS JOIN LATERAL aclexplode(relacl) WHERE oid = 'learning_events_before'::regclass;
    SELECT array_agg(regexp_replace(
            replace(pg_get_indexdef(indexrelid), 'learning_events_before', 'learning_events'), '^CREATE INDEX \S+ ON (ONLY )?', 'CREATE INDEX ON '))
        INTO v_indexes
    FROM pg_index WHERE indrelid = 'learning_events_before'::regclass AND NOT indisunique AND indisvalid;
    FOREACH v_line IN ARRAY
        v_grants || v_policies || v_indexes
        || ARRAY(SELECT replace(line, 'learning_events_before', 'learning_events') FROM unnest(v_triggers) AS line)
    LOOP
        EXECUTE v_line;
    END LOOP;
    IF (SELECT relrowsecurity FROM pg_class WHERE oid = 'learning_events_before'::regclass) THEN
        ALTER TABLE learning_events ENABLE ROW LEVEL SECURITY;
    END IF;
    CREATE UNIQUE INDEX ON learning_events (id, occurred_at);
    CREATE UNIQUE INDEX ON learning_events (event_id, occurred_at);
    IF NOT EXISTS (SELECT FROM unnest(v_indexes) AS line WHERE line LIKE '%(updated_at)') THEN
        CREATE INDEX ON learning_events (updated_at);
    END IF;

    -- What claims to come later than this week waits in the default partition for its own.
    CREATE TABLE learning_events_default PARTITION OF learning_events DEFAULT;
    COMMENT ON TABLE learning_events_default IS 'Events of times that have no partition: what nobody expected.';
    ALTER TABLE learning_events_default ENABLE ROW LEVEL SECURITY;
    WITH moved AS (DELETE FROM learning_events_before WHERE occurred_at >= c_bound RETURNING *)
    INSERT INTO learning_events_default SELECT * FROM moved;
    EXECUTE format('ALTER TABLE learning_events ATTACH PARTITION learning_events_before FOR VALUES FROM (MINVALUE) TO (%L)', c_bound);
    COMMENT ON TABLE learning_events_before IS 'The events from before the table was partitioned.';
END
$block$;

SELECT learning_events_make_partitions();

-- Where another server rolls up these events, it reads them of the new table.
DO $block$
BEGIN
    IF to_regclass('monitoring_event_slices') IS NOT NULL THEN
        PERFORM monitoring_share_events();
    END IF;
END
$block$;

-- Every day, where there is pg_cron. Retention is yours to choose: this one only makes what is to come.
DO $block$
BEGIN
    IF to_regproc('cron.schedule') IS NOT NULL THEN
        PERFORM cron.schedule('learning-events-partitions', '7 3 * * *', 'SELECT learning_events_make_partitions()');
        RAISE NOTICE 'To drop what is older than 180 days: %',
            $$SELECT cron.schedule('learning-events-retention', '17 3 * * *', 'SELECT learning_events_drop_partitions(''180 days'')')$$;
    END IF;
END
$block$;
