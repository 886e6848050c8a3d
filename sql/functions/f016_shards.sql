-- Events on several servers. There, each server collects its own into what the roll-up needs of them: eight bytes an event instead of
-- its document. Here, the roll-up reads that, so that documents are read, decompressed and taken apart where they lie.

-- There ------------------------------------------------------------------------------------------------------------------

-- A view can be read for some hours alone: the condition reaches the index on the same date_bin(). What an event becomes is what
-- monitoring_read_events() and monitoring_compute_run() make of it. Made only where it is asked for: while it is there,
-- learning_events cannot be dropped, nor its columns become others.
CREATE OR REPLACE FUNCTION monitoring_share_events() RETURNS void
LANGUAGE plpgsql VOLATILE AS $function$
DECLARE
    v_outsiders text := 'PUBLIC';
    v_role      text;
BEGIN
    CREATE OR REPLACE VIEW monitoring_event_slices AS
    SELECT
        date_bin('1 hour', event.occurred_at, '2000-01-01 00:00:00+00') AS hour_start,
        CASE WHEN NOT said.bad_model THEN said.model END AS model,
        CASE WHEN NOT said.bad_backend THEN said.backend END AS backend,
        event.source_agent AS agent,
        CASE WHEN NOT said.bad_telemetry THEN said.version END AS version,
        CASE WHEN said.readable THEN event.event_type END AS event_type,
        said.reason,
        max(event.created_at) AS newest,
        array_agg(
            CASE WHEN said.duration_ms IS NOT NULL THEN said.duration_ms * 4294967296 + 2097152 WHEN said.bad_duration THEN 128 << 9 ELSE 0 END
            | CASE
                WHEN said.reward > 0.5 THEN 5 << 9
                WHEN said.reward <= 0.3 THEN 6 << 9
                WHEN said.reward IS NOT NULL THEN 4 << 9
                WHEN said.bad_reward THEN 64 << 9
                ELSE 0
            END
            | CASE WHEN event.duplicate_count > 1 THEN 4096 ELSE 0 END
            | (extract(hour FROM event.occurred_at AT TIME ZONE 'UTC')::integer << 4)
            | (extract(minute FROM event.occurred_at AT TIME ZONE 'UTC')::integer / 5)) AS keys
    FROM learning_events AS event
    CROSS JOIN LATERAL monitoring_extract(event.event_data) AS said
    WHERE event.occurred_at >= '0001-01-01 00:00:00+00' AND event.occurred_at < '10000-01-01 00:00:00+00'
    GROUP BY 1, 2, 3, 4, 5, 6, 7;
    COMMENT ON VIEW monitoring_event_slices IS
        'The events here by the hour and by what they say, an array of numbers for those that say the same: for a roll-up over several servers.';

    CREATE OR REPLACE VIEW monitoring_event_horizon AS SELECT monitoring_horizon_here() AS horizon;
    COMMENT ON VIEW monitoring_event_horizon IS
        'The time before which no event can appear here any more: for a roll-up over several servers.';

    CREATE OR REPLACE VIEW monitoring_event_hours AS SELECT hour_start FROM monitoring_hours_here() AS hour (hour_start);
    COMMENT ON VIEW monitoring_event_hours IS 'The UTC hours in which events occurred here: for a roll-up over several servers.';

    FOR v_role IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
        v_outsiders := v_outsiders || ', ' || quote_ident(v_role);
    END LOOP;
    EXECUTE 'REVOKE ALL ON monitoring_event_slices, monitoring_event_horizon, monitoring_event_hours FROM ' || v_outsiders;
END
$function$;
COMMENT ON FUNCTION monitoring_share_events() IS
    'Makes the views by which another server rolls up the events of this one: see deploy/sharding.sql. Run again, it makes them of the present learning_events.';

-- Here -------------------------------------------------------------------------------------------------------------------

-- Else the events are read one by one, wherever they are: slower, and as right.
CREATE OR REPLACE FUNCTION monitoring_shards_hold_all() RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce(bool_and(leaf.ftserver IN (
        SELECT slices.ftserver
        FROM pg_inherits
        JOIN pg_foreign_table AS slices ON slices.ftrelid = inhrelid
        WHERE inhparent = to_regclass('monitoring_shard_slices'))), false)
        AND count(*) = count(leaf.ftserver)
    FROM pg_partition_tree(to_regclass('learning_events')) AS part
    LEFT JOIN pg_foreign_table AS leaf ON leaf.ftrelid = part.relid
    WHERE part.isleaf
$$;
COMMENT ON FUNCTION monitoring_shards_hold_all() IS
    'Whether every partition of learning_events lies on another server that collects its events for this one.';

-- What monitoring_lossy_hours() says, in one pass over the events' times instead of a look at each five minutes, which would each be
-- a question to each server.
CREATE OR REPLACE FUNCTION monitoring_lossy_hours_of_shards(p_from timestamptz, p_until timestamptz) RETURNS timestamptz[]
LANGUAGE sql STABLE AS $$
    WITH known AS MATERIALIZED (
        SELECT bucket_start, total_events, rolled_up_at FROM monitoring_rollup WHERE bucket_start >= p_from AND bucket_start < p_until
    ),
    lossy AS (
        SELECT known.bucket_start
        FROM known
        LEFT JOIN (
            SELECT date_bin('5 minutes', event.occurred_at, '2000-01-01 00:00:00+00') AS bucket_start, event.created_at
            FROM learning_events AS event
            WHERE event.occurred_at >= p_from AND event.occurred_at < p_until AND EXISTS (SELECT FROM known)
        ) AS raw USING (bucket_start)
        GROUP BY known.bucket_start, known.total_events
        HAVING known.total_events > count(*) FILTER (WHERE raw.created_at <= known.rolled_up_at)
    )
    SELECT coalesce(array_agg(DISTINCT date_bin('1 hour', bucket_start, '2000-01-01 00:00:00+00')), '{}') FROM lossy
$$;
COMMENT ON FUNCTION monitoring_lossy_hours_of_shards(timestamptz, timestamptz) IS
    'The hours in which five minutes have fewer raw events on other servers than were rolled up, those created since left out.';

-- A server is read from in one snapshot for the whole transaction, and that is taken before the server says its horizon. A transaction
-- that commits between the two would be seen in neither, so the horizon that holds is the one of the roll-up before.
CREATE OR REPLACE FUNCTION monitoring_shard_horizon() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_last timestamptz;
    v_now  timestamptz;
BEGIN
    SELECT min(horizon) INTO v_now FROM monitoring_shard_horizons;
    IF v_now IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT shard_horizon INTO v_last FROM monitoring_rollup_state;
    UPDATE monitoring_rollup_state SET shard_horizon = v_now;
    RETURN least(v_now, coalesce(v_last, v_now - interval '1 hour'));
END
$$;
COMMENT ON FUNCTION monitoring_shard_horizon() IS
    'The time before which no event can appear any more on any other server; null where there are none.';
