-- The roll-up: learning_events → monitoring_rollup (five minutes) and monitoring_rollup_slices (hours).
--
-- Changes are found by the time of their ingest (updated_at), never by occurred_at: so late events, retries that only raise
-- duplicate_count and transactions that commit late are all found, and a tick costs the same whatever the history. What is
-- found is an hour to be computed again, kept in monitoring_rollup_pending until it has been.

CREATE OR REPLACE FUNCTION monitoring_bump_data_version() RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    UPDATE monitoring_rollup_state SET data_version = data_version + 1 RETURNING data_version
$$;
COMMENT ON FUNCTION monitoring_bump_data_version() IS
    'Says that an answer of the API may have changed; returns the new version. Holds the state''s row until the transaction ends.';

-- An event's updated_at is the beginning of the transaction that wrote it, so whatever is not yet committed carries a time no
-- earlier than the beginning of the oldest transaction that is running. Must be called before the statement that reads the
-- events takes its snapshot. A role that may not see other users' sessions gets null for their times and waits longer.
CREATE OR REPLACE FUNCTION monitoring_ingest_horizon() RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$
    SELECT least(
        clock_timestamp() - CASE
            WHEN pg_has_role('pg_read_all_stats', 'USAGE') THEN interval '10 seconds'
            ELSE interval '2 minutes'
        END,
        (
            SELECT min(xact_start)
            FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND backend_type NOT IN ('autovacuum worker', 'walsender')      -- they write no events, and may run for hours
        ),
        (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database()))
$$;
COMMENT ON FUNCTION monitoring_ingest_horizon() IS
    'The time before which no event can appear any more: the beginning of the oldest running transaction, and some seconds back.';

-- An event outside of these years has no hour that could be computed with: adding to a time at the end of PostgreSQL's range
-- throws, and one such row would stop everything. It is passed over, as one at infinity is.
CREATE OR REPLACE FUNCTION monitoring_is_countable(p_time timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT p_time >= '0001-01-01 00:00:00+00' AND p_time < '10000-01-01 00:00:00+00'
$$;
COMMENT ON FUNCTION monitoring_is_countable(timestamptz) IS 'Whether a time lies in the years 1 to 9999, which events are counted in.';

-- The hours that hold events, without reading the events: one probe of the index on occurred_at for each hour that exists.
CREATE OR REPLACE FUNCTION monitoring_hours_with_events() RETURNS SETOF timestamptz
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE hour AS (
        (
            SELECT date_bin('1 hour', event.occurred_at, '2000-01-01 00:00:00+00') AS hour_start
            FROM learning_events AS event
            WHERE monitoring_is_countable(event.occurred_at)
            ORDER BY event.occurred_at
            LIMIT 1
        )
        UNION ALL
        SELECT next.hour_start
        FROM hour
        CROSS JOIN LATERAL (
            SELECT date_bin('1 hour', event.occurred_at, '2000-01-01 00:00:00+00') AS hour_start
            FROM learning_events AS event
            WHERE event.occurred_at >= hour.hour_start + interval '1 hour' AND monitoring_is_countable(event.occurred_at)
            ORDER BY event.occurred_at
            LIMIT 1
        ) AS next
    )
    SELECT hour_start FROM hour
$$;
COMMENT ON FUNCTION monitoring_hours_with_events() IS 'Every UTC hour in which an event occurred, found by hopping through the index.';

-- What was ingested since the watermark is read again by every step until the watermark has passed it. So that only what is
-- new among it counts as a change, each hour's events are summed up in a digest, which no event leaves as it was.
CREATE OR REPLACE FUNCTION monitoring_ingested(p_from timestamptz, p_horizon timestamptz)
RETURNS TABLE (hour_start timestamptz, digest text, digest_from_horizon text)
LANGUAGE sql STABLE AS $$
    SELECT
        recent.hour_start,
        count(*) || ':' || sum(recent.hash),
        count(*) FILTER (WHERE recent.updated_at >= p_horizon) || ':' || sum(recent.hash) FILTER (WHERE recent.updated_at >= p_horizon)
    FROM (
        SELECT
            date_bin('1 hour', event.occurred_at, '2000-01-01 00:00:00+00') AS hour_start,
            event.updated_at,
            hashtextextended(event.event_id, (extract(epoch FROM event.updated_at) * 1000000)::bigint) AS hash
        FROM learning_events AS event
        WHERE event.updated_at >= p_from AND monitoring_is_countable(event.updated_at) AND monitoring_is_countable(event.occurred_at)
    ) AS recent
    GROUP BY recent.hour_start
$$;
COMMENT ON FUNCTION monitoring_ingested(timestamptz, timestamptz) IS
    'The hours of the events ingested since p_from, each with a digest of them and of those ingested since p_horizon.';

-- Puts the hours with changes down as pending and moves the watermark in one statement, so in one snapshot.
CREATE OR REPLACE FUNCTION monitoring_find_changes() RETURNS void
LANGUAGE plpgsql VOLATILE SET jit = off SET enable_seqscan = off AS $$
DECLARE
    v_from    timestamptz := (SELECT state.watermark FROM monitoring_rollup_state AS state);
    v_horizon timestamptz := greatest(monitoring_ingest_horizon(), v_from);
BEGIN
    WITH ingested AS MATERIALIZED (
        SELECT * FROM monitoring_ingested(CASE WHEN v_from = '-infinity' THEN v_horizon ELSE v_from END, v_horizon)
    ),
    pending AS (
        INSERT INTO monitoring_rollup_pending (hour_start)
        SELECT ingested.hour_start
        FROM ingested
        CROSS JOIN monitoring_rollup_state AS state
        WHERE ingested.digest IS DISTINCT FROM state.seen ->> extract(epoch FROM ingested.hour_start)::text
        UNION
        SELECT found.hour_start
        FROM monitoring_hours_with_events() AS found (hour_start)
        WHERE v_from = '-infinity'
        ON CONFLICT DO NOTHING
    )
    UPDATE monitoring_rollup_state SET
        watermark = v_horizon,
        seen = (
            SELECT coalesce(jsonb_object_agg(extract(epoch FROM hour_start)::text, digest_from_horizon), '{}')
            FROM ingested
            WHERE digest_from_horizon IS NOT NULL);
END
$$;
COMMENT ON FUNCTION monitoring_find_changes() IS
    'Puts down the hours of all events ingested since the watermark as pending, and moves the watermark.';

-- Raw events may be pruned at any time. An hour of which fewer raw events are left than were rolled up keeps what it has;
-- from then on only events that arrived after its last roll-up are added.
CREATE OR REPLACE FUNCTION monitoring_pruned_hours(p_hours timestamptz[])
RETURNS TABLE (hour_start timestamptz, rolled_up_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT known.hour_start, known.rolled_up_at
    FROM (
        SELECT hour.hour_start, sum(bucket.total_events) AS total_events, max(bucket.rolled_up_at) AS rolled_up_at
        FROM unnest(p_hours) AS hour (hour_start)
        JOIN monitoring_rollup AS bucket
            ON bucket.bucket_start >= hour.hour_start AND bucket.bucket_start < hour.hour_start + interval '1 hour'
        GROUP BY hour.hour_start
        OFFSET 0
    ) AS known
    WHERE known.total_events > (
        SELECT count(*)
        FROM learning_events AS event
        WHERE event.occurred_at >= known.hour_start AND event.occurred_at < known.hour_start + interval '1 hour'
            AND event.created_at <= known.rolled_up_at)
$$;
COMMENT ON FUNCTION monitoring_pruned_hours(timestamptz[]) IS
    'Those of the hours that have lost raw events since they were rolled up, with the time of that roll-up.';

-- The one pass over the raw events. Writes only what differs, so that computing an hour again changes nothing. The planner
-- cannot know how few events the hours hold: left alone it would read the whole table, and sort texts instead of hashing them.
CREATE OR REPLACE FUNCTION monitoring_roll_up_hours(p_hours timestamptz[])
RETURNS TABLE (changed_hours timestamptz[], events_read bigint)
LANGUAGE plpgsql VOLATILE SET jit = off SET enable_seqscan = off SET enable_sort = off SET work_mem = '64MB' AS $$
#variable_conflict use_column
DECLARE
    v_started      timestamptz := clock_timestamp();
    v_pruned       timestamptz[];
    v_pruned_after timestamptz[];
BEGIN
    SELECT coalesce(array_agg(pruned.hour_start), '{}'), coalesce(array_agg(pruned.rolled_up_at), '{}')
    INTO v_pruned, v_pruned_after
    FROM monitoring_pruned_hours(p_hours) AS pruned;

    RETURN QUERY
    WITH hour AS MATERIALIZED (
        SELECT asked.hour_start, pruned.read_after IS NOT NULL AS is_pruned, coalesce(pruned.read_after, '-infinity') AS read_after
        FROM (SELECT DISTINCT unnest(p_hours) AS hour_start) AS asked
        LEFT JOIN unnest(v_pruned, v_pruned_after) AS pruned (hour_start, read_after) USING (hour_start)
    ),
    event AS MATERIALIZED (
        SELECT
            hour.hour_start,
            date_bin('5 minutes', raw.occurred_at, '2000-01-01 00:00:00+00') AS bucket_start,
            raw.created_at,
            said.readable AND raw.duplicate_count > 1 AS is_duplicate,
            CASE WHEN said.readable THEN coalesce(monitoring_cut(raw.source_agent), '') ELSE '' END AS agent,
            CASE WHEN said.readable THEN monitoring_cut(raw.event_type) END AS event_type,
            said.*
        FROM hour
        JOIN learning_events AS raw
            ON raw.occurred_at >= hour.hour_start AND raw.occurred_at < hour.hour_start + interval '1 hour'
            AND raw.created_at > hour.read_after
        CROSS JOIN LATERAL monitoring_extract(raw.event_data) AS said
    ),

    -- Five minutes. For the histograms a bucket's number and the duration make one whole number, because one number sorts
    -- many times faster than two columns; array_agg takes the rows in the order in which they come.
    bucket_event AS (
        SELECT
            bucket_start,
            count(*)::integer AS total_events,
            (count(*) FILTER (WHERE reward > 0.5))::integer AS successful_events,
            (count(*) FILTER (WHERE reward <= 0.3))::integer AS failed_events,
            (count(*) FILTER (WHERE is_fallback))::integer AS fallback_events,
            (count(*) FILTER (WHERE is_duplicate))::integer AS duplicate_events,
            count(reward)::integer AS scored_events,
            (count(*) FILTER (
                WHERE NOT readable OR bad_reward OR bad_duration OR bad_model OR bad_backend OR bad_telemetry))::integer
                AS malformed_events,
            jsonb_strip_nulls(jsonb_build_object(
                'event_data', nullif(count(*) FILTER (WHERE NOT readable), 0),
                'reward', nullif(count(*) FILTER (WHERE bad_reward), 0),
                'duration_ms', nullif(count(*) FILTER (WHERE bad_duration), 0),
                'model', nullif(count(*) FILTER (WHERE bad_model), 0),
                'backend', nullif(count(*) FILTER (WHERE bad_backend), 0),
                'telemetry', nullif(count(*) FILTER (WHERE bad_telemetry), 0))) AS malformed_fields,
            count(duration_ms)::integer AS latency_events,
            coalesce(sum(duration_ms), 0) AS latency_sum,
            max(created_at) AS newest
        FROM event
        GROUP BY bucket_start
    ),
    bucket_kept AS (
        SELECT bucket.*
        FROM hour
        JOIN monitoring_rollup AS bucket
            ON bucket.bucket_start >= hour.hour_start AND bucket.bucket_start < hour.hour_start + interval '1 hour'
        WHERE hour.is_pruned AND bucket.bucket_start IN (SELECT bucket_start FROM bucket_event)
    ),
    bucket_duration AS (
        SELECT key, sum(events)::integer AS events
        FROM (
            SELECT key, events
            FROM (
                SELECT (date_part('epoch', bucket_start)::bigint / 300) << 32 | duration_ms AS key, 1 AS events
                FROM event
                WHERE duration_ms IS NOT NULL
                UNION ALL
                SELECT (date_part('epoch', bucket_start)::bigint / 300) << 32 | unnest(latency_values), unnest(latency_counts)
                FROM bucket_kept
            ) AS duration
            ORDER BY key
            OFFSET 0
        ) AS sorted
        GROUP BY key
        ORDER BY key
    ),
    bucket_histogram AS (
        SELECT
            to_timestamp((key >> 32) * 300) AS bucket_start,
            array_agg((key & 2147483647)::integer) AS latency_values,
            array_agg(events) AS latency_counts
        FROM bucket_duration
        GROUP BY key >> 32
    ),
    bucket_written AS (
        INSERT INTO monitoring_rollup AS old (
            bucket_start, total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            malformed_events, malformed_fields, latency_events, latency_sum, latency_values, latency_counts, rolled_up_at)
        SELECT
            bucket_start,
            new.total_events + coalesce(kept.total_events, 0),
            new.successful_events + coalesce(kept.successful_events, 0),
            new.failed_events + coalesce(kept.failed_events, 0),
            new.fallback_events + coalesce(kept.fallback_events, 0),
            new.duplicate_events + coalesce(kept.duplicate_events, 0),
            new.scored_events + coalesce(kept.scored_events, 0),
            new.malformed_events + coalesce(kept.malformed_events, 0),
            CASE WHEN kept.bucket_start IS NULL THEN new.malformed_fields
                ELSE monitoring_add_counts(new.malformed_fields, kept.malformed_fields) END,
            new.latency_events + coalesce(kept.latency_events, 0),
            new.latency_sum + coalesce(kept.latency_sum, 0),
            coalesce(histogram.latency_values, '{}'),
            coalesce(histogram.latency_counts, '{}'),
            greatest(v_started, new.newest)
        FROM bucket_event AS new
        LEFT JOIN bucket_histogram AS histogram USING (bucket_start)
        LEFT JOIN bucket_kept AS kept USING (bucket_start)
        ON CONFLICT (bucket_start) DO UPDATE SET (
            total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            malformed_events, malformed_fields, latency_events, latency_sum, latency_values, latency_counts, rolled_up_at) = (
            excluded.total_events, excluded.successful_events, excluded.failed_events, excluded.fallback_events,
            excluded.duplicate_events, excluded.scored_events, excluded.malformed_events, excluded.malformed_fields,
            excluded.latency_events, excluded.latency_sum, excluded.latency_values, excluded.latency_counts, excluded.rolled_up_at)
        WHERE (
            old.total_events, old.successful_events, old.failed_events, old.fallback_events, old.duplicate_events, old.scored_events,
            old.malformed_events, old.malformed_fields, old.latency_events, old.latency_sum, old.latency_values, old.latency_counts)
        IS DISTINCT FROM (
            excluded.total_events, excluded.successful_events, excluded.failed_events, excluded.fallback_events,
            excluded.duplicate_events, excluded.scored_events, excluded.malformed_events, excluded.malformed_fields,
            excluded.latency_events, excluded.latency_sum, excluded.latency_values, excluded.latency_counts)
        RETURNING old.bucket_start
    ),
    bucket_gone AS (
        DELETE FROM monitoring_rollup AS old
        USING hour
        WHERE old.bucket_start >= hour.hour_start AND old.bucket_start < hour.hour_start + interval '1 hour'
            AND NOT hour.is_pruned AND old.bucket_start NOT IN (SELECT bucket_start FROM bucket_event)
        RETURNING old.bucket_start
    ),

    -- What was said together, with too many values of a dimension folded into 'other' ---------------------------------
    combination AS MATERIALIZED (
        SELECT
            hour_start,
            (hour_start AT TIME ZONE 'UTC')::date AS day,
            model, backend, agent, version, event_type, reason,
            count(*)::integer AS total_events,
            (count(*) FILTER (WHERE reward > 0.5))::integer AS successful_events,
            (count(*) FILTER (WHERE reward <= 0.3))::integer AS failed_events,
            (count(*) FILTER (WHERE is_fallback))::integer AS fallback_events,
            (count(*) FILTER (WHERE is_duplicate))::integer AS duplicate_events,
            count(reward)::integer AS scored_events,
            array_agg(duration_ms) FILTER (WHERE duration_ms IS NOT NULL) AS durations
        FROM event
        GROUP BY hour_start, model, backend, agent, version, event_type, reason
    ),
    day_value AS (
        SELECT day, 'model' AS dimension, model AS value, sum(total_events) AS events FROM combination GROUP BY day, model
        UNION ALL
        SELECT day, 'backend', backend, sum(total_events) FROM combination GROUP BY day, backend
        UNION ALL
        SELECT day, 'agent', agent, sum(total_events) FROM combination GROUP BY day, agent
        UNION ALL
        SELECT day, 'version', version, sum(total_events) FROM combination GROUP BY day, version
        UNION ALL
        SELECT day, 'event_type', event_type, sum(total_events) FROM combination GROUP BY day, event_type
        UNION ALL
        SELECT day, 'reason', reason, sum(total_events) FROM combination WHERE reason IS NOT NULL GROUP BY day, reason
    ),
    -- A value that a day has kept once is kept for good, so that computing an hour again yields the same.
    newcomer AS MATERIALIZED (
        SELECT
            seen.day, seen.dimension, seen.value,
            row_number() OVER (PARTITION BY seen.day, seen.dimension ORDER BY seen.events DESC, seen.value COLLATE "C") AS place
        FROM day_value AS seen
        WHERE seen.value IS NOT NULL AND NOT (seen.value = '' AND seen.dimension <> 'reason') AND NOT EXISTS (
            SELECT FROM monitoring_rollup_values AS kept
            WHERE kept.day = seen.day AND kept.dimension = seen.dimension AND kept.value = seen.value)
    ),
    crowd AS MATERIALIZED (
        SELECT day, dimension, count(*) AS places_taken
        FROM monitoring_rollup_values
        WHERE day IN (SELECT newcomer.day FROM newcomer)
        GROUP BY day, dimension
    ),
    admitted AS (
        INSERT INTO monitoring_rollup_values (day, dimension, value)
        SELECT newcomer.day, newcomer.dimension, newcomer.value
        FROM newcomer
        LEFT JOIN crowd USING (day, dimension)
        WHERE newcomer.place + coalesce(crowd.places_taken, 0) <= 200
    ),
    folded AS MATERIALIZED (
        SELECT newcomer.day, newcomer.dimension, newcomer.value
        FROM newcomer
        LEFT JOIN crowd USING (day, dimension)
        WHERE newcomer.place + coalesce(crowd.places_taken, 0) > 200
    ),
    contribution AS (
        SELECT
            hour_start,
            CASE WHEN fold.needed AND (day, 'model', model) IN (SELECT day, dimension, value FROM folded)
                THEN 'other' ELSE model END AS model,
            CASE WHEN fold.needed AND (day, 'backend', backend) IN (SELECT day, dimension, value FROM folded)
                THEN 'other' ELSE backend END AS backend,
            CASE WHEN fold.needed AND (day, 'agent', agent) IN (SELECT day, dimension, value FROM folded)
                THEN 'other' ELSE agent END AS agent,
            CASE WHEN fold.needed AND (day, 'version', version) IN (SELECT day, dimension, value FROM folded)
                THEN 'other' ELSE version END AS version,
            CASE WHEN fold.needed AND (day, 'event_type', event_type) IN (SELECT day, dimension, value FROM folded)
                THEN 'other' ELSE event_type END AS event_type,
            CASE WHEN fold.needed AND (day, 'reason', reason) IN (SELECT day, dimension, value FROM folded)
                THEN 'other' ELSE reason END AS reason,
            total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events, durations
        FROM combination
        CROSS JOIN (SELECT EXISTS (SELECT FROM folded) AS needed OFFSET 0) AS fold
    ),

    -- Slices of an hour; a number stands for the four values from here on ---------------------------------------------
    numbered AS MATERIALIZED (
        SELECT
            dense_rank() OVER (
                ORDER BY hour_start, model COLLATE "C", backend COLLATE "C", agent COLLATE "C", version COLLATE "C") AS slice,
            contribution.*
        FROM contribution
    ),
    slice AS MATERIALIZED (
        SELECT
            slice,
            min(hour_start) AS hour_start,
            min(model) AS model,
            min(backend) AS backend,
            min(agent) AS agent,
            min(version) AS version,
            sum(total_events)::integer AS total_events,
            sum(successful_events)::integer AS successful_events,
            sum(failed_events)::integer AS failed_events,
            sum(fallback_events)::integer AS fallback_events,
            sum(duplicate_events)::integer AS duplicate_events,
            sum(scored_events)::integer AS scored_events
        FROM numbered
        GROUP BY slice
    ),
    slice_kept AS MATERIALIZED (
        SELECT slice.slice, old.*
        FROM hour
        JOIN slice USING (hour_start)
        JOIN monitoring_rollup_slices AS old USING (hour_start, model, backend, agent, version)
        WHERE hour.is_pruned
    ),
    slice_duration AS (
        SELECT key, sum(events)::integer AS events
        FROM (
            SELECT key, events
            FROM (
                SELECT slice << 32 | unnest(durations) AS key, 1 AS events FROM numbered
                UNION ALL
                SELECT slice << 32 | unnest(latency_values), unnest(latency_counts) FROM slice_kept
            ) AS duration
            ORDER BY key
            OFFSET 0
        ) AS sorted
        GROUP BY key
        ORDER BY key
    ),
    slice_histogram AS (
        SELECT
            key >> 32 AS slice,
            array_agg((key & 2147483647)::integer) AS latency_values,
            array_agg(events) AS latency_counts,
            sum(events)::integer AS latency_events,
            sum((key & 2147483647) * events)::bigint AS latency_sum
        FROM slice_duration
        GROUP BY key >> 32
    ),
    slice_reason AS (
        SELECT slice, jsonb_object_agg(reason, events) AS fallback_reasons
        FROM (
            SELECT slice, reason, sum(total_events) AS events FROM numbered WHERE reason IS NOT NULL GROUP BY slice, reason
        ) AS counted
        GROUP BY slice
    ),
    slice_type AS (
        SELECT slice, jsonb_object_agg(event_type, events) AS event_types
        FROM (
            SELECT slice, event_type, sum(total_events) AS events FROM numbered WHERE event_type IS NOT NULL GROUP BY slice, event_type
        ) AS counted
        GROUP BY slice
    ),
    slice_new AS (
        SELECT
            slice.hour_start, slice.model, slice.backend, slice.agent, slice.version,
            slice.total_events + coalesce(kept.total_events, 0) AS total_events,
            slice.successful_events + coalesce(kept.successful_events, 0) AS successful_events,
            slice.failed_events + coalesce(kept.failed_events, 0) AS failed_events,
            slice.fallback_events + coalesce(kept.fallback_events, 0) AS fallback_events,
            slice.duplicate_events + coalesce(kept.duplicate_events, 0) AS duplicate_events,
            slice.scored_events + coalesce(kept.scored_events, 0) AS scored_events,
            coalesce(histogram.latency_events, 0) AS latency_events,
            coalesce(histogram.latency_sum, 0) AS latency_sum,
            coalesce(histogram.latency_values, '{}') AS latency_values,
            coalesce(histogram.latency_counts, '{}') AS latency_counts,
            CASE WHEN kept.slice IS NULL THEN coalesce(reason.fallback_reasons, '{}')
                ELSE monitoring_add_counts(reason.fallback_reasons, kept.fallback_reasons) END AS fallback_reasons,
            CASE WHEN kept.slice IS NULL THEN coalesce(type.event_types, '{}')
                ELSE monitoring_add_counts(type.event_types, kept.event_types) END AS event_types
        FROM slice
        LEFT JOIN slice_histogram AS histogram USING (slice)
        LEFT JOIN slice_reason AS reason USING (slice)
        LEFT JOIN slice_type AS type USING (slice)
        LEFT JOIN slice_kept AS kept USING (slice)
    ),
    slice_written AS (
        INSERT INTO monitoring_rollup_slices AS old (
            hour_start, model, backend, agent, version,
            total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            latency_events, latency_sum, latency_values, latency_counts, fallback_reasons, event_types)
        SELECT * FROM slice_new
        ON CONFLICT (hour_start, slice_key) DO UPDATE SET (
            total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            latency_events, latency_sum, latency_values, latency_counts, fallback_reasons, event_types) = (
            excluded.total_events, excluded.successful_events, excluded.failed_events, excluded.fallback_events,
            excluded.duplicate_events, excluded.scored_events, excluded.latency_events, excluded.latency_sum,
            excluded.latency_values, excluded.latency_counts, excluded.fallback_reasons, excluded.event_types)
        WHERE (
            old.total_events, old.successful_events, old.failed_events, old.fallback_events, old.duplicate_events, old.scored_events,
            old.latency_events, old.latency_sum, old.latency_values, old.latency_counts, old.fallback_reasons, old.event_types)
        IS DISTINCT FROM (
            excluded.total_events, excluded.successful_events, excluded.failed_events, excluded.fallback_events,
            excluded.duplicate_events, excluded.scored_events, excluded.latency_events, excluded.latency_sum,
            excluded.latency_values, excluded.latency_counts, excluded.fallback_reasons, excluded.event_types)
        RETURNING old.hour_start
    ),
    slice_gone AS (
        DELETE FROM monitoring_rollup_slices AS old
        USING hour
        WHERE old.hour_start = hour.hour_start AND NOT hour.is_pruned AND NOT EXISTS (
            SELECT FROM slice
            WHERE slice.hour_start = old.hour_start AND slice.model = old.model AND slice.backend = old.backend
                AND slice.agent = old.agent AND slice.version = old.version)
        RETURNING old.hour_start
    ),

    changed AS (
        SELECT date_bin('1 hour', bucket_start, '2000-01-01 00:00:00+00') AS hour_start FROM bucket_written
        UNION
        SELECT date_bin('1 hour', bucket_start, '2000-01-01 00:00:00+00') FROM bucket_gone
        UNION
        SELECT hour_start FROM slice_written
        UNION
        SELECT hour_start FROM slice_gone
    )
    SELECT
        (SELECT coalesce(array_agg(hour_start ORDER BY hour_start), '{}') FROM changed),
        (SELECT coalesce(sum(total_events), 0)::bigint FROM bucket_event);
END
$$;
COMMENT ON FUNCTION monitoring_roll_up_hours(timestamptz[]) IS
    'Computes the five-minute totals and the slices of the hours from raw events; returns the hours in which something changed.';

-- The newest hours come first, so that the present is right at once while a long backfill runs. A day is taken whole where
-- it fits, so that its row is computed once and its 200 values are its commonest.
CREATE OR REPLACE FUNCTION monitoring_next_hours(p_max_hours integer) RETURNS timestamptz[]
LANGUAGE sql STABLE AS $$
    WITH next AS (
        SELECT
            hour_start,
            (hour_start AT TIME ZONE 'UTC')::date AS day,
            row_number() OVER (ORDER BY hour_start DESC) AS place
        FROM (SELECT hour_start FROM monitoring_rollup_pending ORDER BY hour_start DESC LIMIT greatest(p_max_hours, 1) + 1) AS newest
    ),
    surplus AS (
        SELECT day FROM next WHERE place > greatest(p_max_hours, 1) AND day < (SELECT max(day) FROM next)
    )
    SELECT coalesce(array_agg(hour_start ORDER BY hour_start), '{}')
    FROM next
    WHERE place <= greatest(p_max_hours, 1) AND day NOT IN (SELECT day FROM surplus)
$$;
COMMENT ON FUNCTION monitoring_next_hours(integer) IS 'The pending hours of the next step: the newest, in whole days where they fit.';

CREATE OR REPLACE FUNCTION monitoring_roll_up(p_max_hours integer DEFAULT 48, p_now timestamptz DEFAULT now())
RETURNS TABLE (hours_changed integer, hours_pending integer, events_read bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_started timestamptz := clock_timestamp();
    v_hours   timestamptz[];
    v_changed timestamptz[] := '{}';
    v_read    bigint := 0;
    v_pending integer;
BEGIN
    PERFORM FROM monitoring_rollup_lock FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 0, (SELECT count(*)::integer FROM monitoring_rollup_pending), 0::bigint;
        RETURN;
    END IF;

    PERFORM monitoring_find_changes();
    v_hours := monitoring_next_hours(p_max_hours);
    IF cardinality(v_hours) > 0 THEN
        SELECT step.changed_hours, step.events_read INTO v_changed, v_read FROM monitoring_roll_up_hours(v_hours) AS step;
        PERFORM monitoring_write_metrics(v_changed, p_now);
        DELETE FROM monitoring_rollup_pending WHERE hour_start = ANY (v_hours);
    END IF;

    SELECT count(*) INTO v_pending FROM monitoring_rollup_pending;
    UPDATE monitoring_rollup_state AS state SET
        last_run_at = p_now,
        last_duration_ms = round(extract(epoch FROM clock_timestamp() - v_started) * 1000, 1),
        hours_pending = v_pending,
        data_version = state.data_version + CASE WHEN cardinality(v_changed) > 0 THEN 1 ELSE 0 END;
    RETURN QUERY SELECT cardinality(v_changed), v_pending, v_read;
END
$$;
COMMENT ON FUNCTION monitoring_roll_up(integer, timestamptz) IS
    'One step of the roll-up: finds changed hours, computes at most p_max_hours of them with the hour and day rows of monitoring_metrics. '
    'Call it again while hours_pending is over 0. Does nothing while another session rolls up.';
