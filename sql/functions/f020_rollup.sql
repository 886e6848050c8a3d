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
        -- When one that is prepared began is not known: until it is over the horizon stays where it was.
        (
            SELECT CASE WHEN state.watermark = '-infinity' THEN min(held.prepared) - interval '1 hour' ELSE state.watermark END
            FROM monitoring_rollup_state AS state
            CROSS JOIN pg_prepared_xacts AS held
            WHERE held.database = current_database()
            GROUP BY state.watermark
        ),
        monitoring_shard_horizon())
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
    v_horizon timestamptz := monitoring_ingest_horizon();
BEGIN
    -- The horizon never goes back but with the clock: events carry earlier times then, since the step, which was within the hour.
    IF v_horizon < v_from THEN
        v_from := v_horizon - interval '1 hour';
    END IF;
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
        WHERE v_from = '-infinity' AND NOT monitoring_shards_hold_all()
        UNION
        SELECT shard.hour_start FROM monitoring_shard_hours AS shard WHERE v_from = '-infinity'
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

-- Raw events may be pruned at any time. An hour that holds fewer raw events than were rolled up has lost some; what it has is kept,
-- and only what is new in it is added: events created after the roll-up of their five minutes, and, where those five minutes
-- have more raw events than were rolled up, as many of the latest as are too many, which are those of transactions that committed
-- late. A first retry since the roll-up makes its event a duplicate: by last_seen_at, where the producer writes it.
-- What remains: an event that commits late into five minutes that have lost others cannot be told from those that were counted,
-- and is not; nor is a further retry (duplicate_count over 2) of an event whose first retry fell into the same gap. Nor is an event
-- known again whose occurred_at was changed: it counts where it was and where it is.
CREATE OR REPLACE FUNCTION monitoring_lossy_hours(p_from timestamptz, p_until timestamptz) RETURNS timestamptz[]
LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    SELECT coalesce(array_agg(known.hour_start), '{}')
    FROM (
        SELECT
            date_bin('1 hour', bucket_start, '2000-01-01 00:00:00+00') AS hour_start,
            array_agg(bucket_start) AS buckets,
            array_agg(total_events) AS totals,
            array_agg(rolled_up_at) AS times
        FROM monitoring_rollup
        WHERE bucket_start >= p_from AND bucket_start < p_until
        GROUP BY 1
        OFFSET 0
    ) AS known
    WHERE EXISTS (
        SELECT
        FROM unnest(known.buckets, known.totals, known.times) AS bucket (bucket_start, total_events, rolled_up_at)
        WHERE bucket.total_events > (
            SELECT count(*)
            FROM learning_events AS event
            WHERE event.occurred_at >= bucket.bucket_start AND event.occurred_at < bucket.bucket_start + interval '5 minutes'
                AND event.created_at <= bucket.rolled_up_at))
$$;
COMMENT ON FUNCTION monitoring_lossy_hours(timestamptz, timestamptz) IS
    'The hours in which five minutes have fewer raw events than were rolled up, those created since left out.';

CREATE OR REPLACE FUNCTION monitoring_new_in_lossy_hours(p_hours timestamptz[])
RETURNS TABLE (added uuid[], retried uuid[])
LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    WITH event AS (
        SELECT
            raw.id,
            coalesce(raw.created_at > bucket.rolled_up_at, true) AS is_later,
            -- An event is updated when it is reviewed, too. Not every table has the column.
            CASE WHEN raw.updated_at > bucket.rolled_up_at AND raw.duplicate_count = 2
                THEN coalesce((to_jsonb(raw) ->> 'last_seen_at')::timestamptz > bucket.rolled_up_at, true)
                ELSE false
            END AS is_retried,
            row_number() OVER (
                PARTITION BY slot.bucket_start
                ORDER BY coalesce(raw.created_at > bucket.rolled_up_at, true) DESC, raw.created_at DESC, raw.id) AS place,
            count(*) OVER (PARTITION BY slot.bucket_start) - coalesce(bucket.total_events, 0) AS surplus
        FROM unnest(p_hours) AS hour (hour_start)
        CROSS JOIN LATERAL generate_series(hour.hour_start, hour.hour_start + interval '55 minutes', '5 minutes') AS slot (bucket_start)
        JOIN learning_events AS raw
            ON raw.occurred_at >= slot.bucket_start AND raw.occurred_at < slot.bucket_start + interval '5 minutes'
        LEFT JOIN monitoring_rollup AS bucket ON bucket.bucket_start = slot.bucket_start
    )
    SELECT
        coalesce(array_agg(id) FILTER (WHERE is_later OR place <= surplus), '{}'),
        coalesce(array_agg(id) FILTER (WHERE is_retried AND NOT (is_later OR place <= surplus)), '{}')
    FROM event
$$;
COMMENT ON FUNCTION monitoring_new_in_lossy_hours(timestamptz[]) IS
    'Of the hours that have lost events, the events that were not rolled up yet, and those that were and have become duplicates since.';

-- A short list of durations says more in less space than distinct ones with their counts, and is read sooner.
CREATE OR REPLACE FUNCTION monitoring_histogram(p_durations integer[], p_values integer[], p_counts integer[])
RETURNS TABLE (latency_values integer[], latency_counts integer[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    WITH duration AS (
        SELECT value, sum(events)::integer AS events
        FROM (
            SELECT value, 1 AS events FROM unnest(p_durations) AS value
            UNION ALL
            SELECT value, coalesce(events, 1) FROM unnest(p_values, p_counts) AS bar (value, events)
        ) AS measured
        GROUP BY value
    )
    SELECT
        CASE WHEN sum(events) <= 256
            THEN (SELECT array_agg(value ORDER BY value) FROM duration, generate_series(1, events))
            ELSE array_agg(value ORDER BY value) END,
        CASE WHEN sum(events) <= 256 THEN '{}' ELSE array_agg(events ORDER BY value) END
    FROM duration
$$;
COMMENT ON FUNCTION monitoring_histogram(integer[], integer[], integer[]) IS
    'Durations and a histogram together as the tables of the roll-up hold them: up to 256 are listed in ascending order, each as often '
    'as it was measured; more are distinct values with their counts.';

-- The one pass over the raw events of some hours that lie together. Five-minute totals, slices, and the rows of hours and whole
-- days in monitoring_metrics come from the same numbers: an event becomes one whole number (a key), collected by what it says. A
-- number sorts and groups many times faster than columns. From its lowest bits on:
--
--     9 bits   five minutes of its hour (4), hour of its day (5); a slot counts five minutes likewise, 16 an hour, from the first day on
--    12 bits   what is true of it: 1 successful, 2 failed, 4 scored, 8 duplicate, 16 fallback, 32 … 1024 malformed by field,
--              2048 counted before
--     1 bit    it has a duration
--    31 bits   from the 32nd on: its duration
--
-- Writes only what differs, so that computing an hour again changes nothing. The planner cannot know how few events the hours
-- hold: left alone it would read the whole table, sort texts instead of hashing them, and plan anew for every step.
CREATE OR REPLACE FUNCTION monitoring_compute_run(p_hours timestamptz[], p_now timestamptz, p_plain boolean)
RETURNS TABLE (changed_hours timestamptz[], written_hours timestamptz[], written_days date[], metrics_written integer, events_read bigint)
LANGUAGE plpgsql VOLATILE
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_mergejoin = off
SET work_mem = '64MB' SET plan_cache_mode = force_generic_plan SET max_parallel_workers_per_gather = 0 AS $$
#variable_conflict use_column
DECLARE
    v_from     timestamptz := (SELECT min(hour_start) FROM unnest(p_hours) AS hour (hour_start));
    v_until    timestamptz := (SELECT max(hour_start) + interval '1 hour' FROM unnest(p_hours) AS hour (hour_start));
    v_first_day date := (v_from AT TIME ZONE 'UTC')::date;
    v_start    double precision := date_part('epoch', v_first_day::timestamp AT TIME ZONE 'UTC');
    v_hours    integer[] := ARRAY(
        SELECT (date_part('epoch', hour_start) - v_start)::integer / 3600 FROM unnest(p_hours) AS hour (hour_start) ORDER BY 1);
    v_remote   boolean := monitoring_shards_hold_all();  -- the events are on other servers, which collect them
    v_lossy    timestamptz[] := CASE WHEN v_remote THEN monitoring_lossy_hours_of_shards(v_from, v_until)
        ELSE monitoring_lossy_hours(v_from, v_until) END;
    v_kept     integer[];
    v_added    uuid[] := '{}';
    v_retried  uuid[] := '{}';
    v_all      boolean;
    v_started  timestamptz;
    v_whole    date[];
BEGIN
    v_lossy := ARRAY(SELECT hour_start FROM unnest(v_lossy) AS hour (hour_start) WHERE hour_start = ANY (p_hours));
    v_kept := ARRAY(SELECT (date_part('epoch', hour_start) - v_start)::integer / 3600 FROM unnest(v_lossy) AS hour (hour_start));
    IF cardinality(v_lossy) > 0 THEN
        SELECT added, retried INTO v_added, v_retried FROM monitoring_new_in_lossy_hours(v_lossy);
    END IF;
    v_remote := v_remote AND cardinality(v_lossy) = 0;     -- else document by document
    v_all := cardinality(v_lossy) = 0 AND v_until - v_from = cardinality(p_hours) * interval '1 hour';
    -- Days nothing of which was rolled up in any other hour: their rows come from here as well.
    v_whole := ARRAY(
        SELECT day.metric_date
        FROM (SELECT DISTINCT (hour_start AT TIME ZONE 'UTC')::date AS metric_date FROM unnest(p_hours) AS hour (hour_start)) AS day
        WHERE NOT EXISTS (
            SELECT FROM unnest(v_lossy) AS hour (hour_start) WHERE (hour_start AT TIME ZONE 'UTC')::date = day.metric_date
        ) AND NOT EXISTS (
            SELECT
            FROM monitoring_rollup AS bucket
            WHERE bucket.bucket_start >= day.metric_date::timestamp AT TIME ZONE 'UTC'
                AND bucket.bucket_start < day.metric_date::timestamp AT TIME ZONE 'UTC' + interval '24 hours'
                AND date_bin('1 hour', bucket.bucket_start, '2000-01-01 00:00:00+00') <> ALL (p_hours)));

    v_started := clock_timestamp();
    RETURN QUERY
    WITH combination AS MATERIALIZED (
        SELECT
            day_no,
            v_first_day + day_no AS day,
            coalesce(monitoring_cut(model), '') AS model,
            coalesce(monitoring_cut(backend), '') AS backend,
            CASE WHEN event_type IS NULL THEN '' ELSE coalesce(monitoring_cut(agent), '') END AS agent,
            coalesce(monitoring_cut(version), '') AS version,
            monitoring_cut(event_type) AS event_type,
            monitoring_cut(reason) AS reason,
            -- What is true of all of them.
            CASE WHEN reason IS NULL THEN 0 ELSE 16 END + CASE WHEN event_type IS NULL THEN 32 ELSE 0 END
                + CASE WHEN model IS NULL THEN 256 ELSE 0 END + CASE WHEN backend IS NULL THEN 512 ELSE 0 END
                + CASE WHEN version IS NULL THEN 1024 ELSE 0 END AS common_bits,
            total_events, newest, keys
        FROM (
            SELECT
                day_no, model, backend, agent, version, event_type, reason,
                count(*) FILTER (WHERE key & 1048576 = 0) AS total_events,
                max(created_at) AS newest,
                array_agg(key) AS keys
            FROM (
                SELECT
                    slot / 384 AS day_no, model, backend, agent, version, event_type, reason, created_at,
                    slot % 384 | CASE
                        WHEN duplicate_count < 0 THEN 1052672      -- counted before, duplicate
                        WHEN duplicate_count > 1 THEN duration_bits | (reward_bits + 4096)
                        ELSE duration_bits | reward_bits
                    END AS key
                FROM monitoring_read_events(v_from, v_until, p_hours, v_lossy, v_added, v_retried, v_all, p_plain, v_start)
                WHERE NOT v_remote
                UNION ALL
                SELECT
                    (date_part('epoch', hour_start) - v_start)::integer / 86400, model, backend, agent, version, event_type, reason, newest, key
                FROM monitoring_shard_slices
                CROSS JOIN LATERAL unnest(keys) AS key
                WHERE v_remote AND hour_start = ANY (p_hours)
                OFFSET 0
            ) AS event
            GROUP BY day_no, model, backend, agent, version, event_type, reason
            OFFSET 0
        ) AS alike
        WHERE CASE
            WHEN p_plain AND NOT v_remote AND (monitoring_is_doubtful(model) OR monitoring_is_doubtful(backend) OR monitoring_is_doubtful_version(version))
                THEN to_jsonb(model)::integer IS NULL      -- raises invalid_parameter_value
            ELSE true
        END
    ),

    -- Too many values of a dimension are folded into 'other' -------------------------------------------------------------
    day_value AS (
        SELECT
            day,
            CASE kind WHEN 31 THEN 'model' WHEN 47 THEN 'backend' WHEN 55 THEN 'agent' WHEN 59 THEN 'version'
                WHEN 61 THEN 'event_type' ELSE 'reason' END AS dimension,
            CASE kind WHEN 31 THEN model WHEN 47 THEN backend WHEN 55 THEN agent WHEN 59 THEN version
                WHEN 61 THEN event_type ELSE reason END AS value,
            events
        FROM (
            SELECT
                day, model, backend, agent, version, event_type, reason,
                grouping(model, backend, agent, version, event_type, reason) AS kind,
                sum(total_events) AS events
            FROM combination
            GROUP BY GROUPING SETS ((day, model), (day, backend), (day, agent), (day, version), (day, event_type), (day, reason))
            OFFSET 0
        ) AS counted
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
            day_no, day,
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
            concat_ws(',', model, backend, agent, version, event_type, reason) AS said,
            common_bits, total_events, keys
        FROM combination
        CROSS JOIN (SELECT EXISTS (SELECT FROM folded) AS needed OFFSET 0) AS fold
    ),

    -- Counts --------------------------------------------------------------------------------------------------------------
    -- From here on a number stands for a day's combination (no), for its four values (line), and for a slice: the line, and the
    -- hour of the day in the last five bits.
    numbered AS MATERIALIZED (
        SELECT
            row_number() OVER combinations AS no,
            dense_rank() OVER slices AS line,
            rank() OVER slices = row_number() OVER combinations AS is_first,
            contribution.*
        FROM contribution
        WINDOW
            slices AS (ORDER BY day_no, model COLLATE "C", backend COLLATE "C", agent COLLATE "C", version COLLATE "C"),
            -- In the same order whenever they are computed, so that a slice's marks are.
            combinations AS (
                ORDER BY day_no, model COLLATE "C", backend COLLATE "C", agent COLLATE "C", version COLLATE "C", said COLLATE "C", common_bits)
    ),
    -- How many events of a combination and five minutes have the same bits: all that is counted is counted from these.
    label AS MATERIALIZED (
        SELECT
            (label >> 32)::integer AS no,
            lines.of[(label >> 32)::integer] * 32 + (label >> 4 & 31)::integer AS slice,
            (label >> 21 & 2047)::integer * 384 + (label & 511)::integer AS slot,
            (label >> 9 & 4095)::integer AS bits,
            events
        FROM (
            SELECT label, count(*)::integer AS events
            FROM (
                SELECT constant_bits | (key & 2097151) AS label
                FROM (
                    SELECT (no << 32) | (day_no << 21) | (common_bits << 9) AS constant_bits, unnest(keys) AS key FROM numbered OFFSET 0
                ) AS single
                ORDER BY label
                OFFSET 0
            ) AS sorted
            GROUP BY label
            OFFSET 0
        ) AS counted
        CROSS JOIN (SELECT array_agg(line::integer ORDER BY no) AS of FROM numbered) AS lines
    ),
    -- A combination's events of an hour.
    hourly AS MATERIALIZED (
        SELECT slice, day_no * 24 + (slice & 31) AS hour_no, events, model, backend, agent, version, event_type, reason
        FROM (SELECT no, slice, sum(events) AS events FROM label WHERE bits < 2048 GROUP BY no, slice OFFSET 0) AS counted
        JOIN numbered USING (no)
    ),
    -- Durations: sorted once by all 64 bits, those of each slice, five minutes, hour and day come in order ------------------------
    measured AS MATERIALIZED (
        SELECT slice, slot, slot / 16 AS hour_no, slot / 384 AS day_no, array_agg(duration) AS durations, sum(duration) AS latency_sum
        FROM (
            SELECT
                (key >> 32)::integer AS duration,
                (key >> 4 & 268435455)::integer AS slice,
                days.of[(key >> 9 & 8388607)::integer] + (key & 511)::integer AS slot
            FROM (
                SELECT line_bits | (key & -4294966785) AS key        -- the duration and the lowest nine bits
                FROM (SELECT line << 9 AS line_bits, unnest(keys) AS key FROM numbered OFFSET 0) AS single
                WHERE key & 2097152 <> 0
                ORDER BY 1
                OFFSET 0
            ) AS sorted
            CROSS JOIN (SELECT array_agg(day_no * 384 ORDER BY line) AS of FROM numbered WHERE is_first) AS days
            OFFSET 0
        ) AS single
        GROUP BY GROUPING SETS ((slice), (slot), (slot / 16), (slot / 384))
    ),

    -- Slices of an hour -------------------------------------------------------------------------------------------------
    slice_old AS MATERIALIZED (
        SELECT old.ctid AS place, old.*
        FROM monitoring_rollup_slices AS old
        WHERE old.hour_start >= v_from AND old.hour_start < v_until AND old.hour_start = ANY (p_hours)
    ),
    slice_type AS (
        SELECT slice, jsonb_object_agg(event_type, events) AS event_types
        FROM (SELECT slice, event_type, sum(events) AS events FROM hourly WHERE event_type IS NOT NULL GROUP BY slice, event_type) AS counted
        GROUP BY slice
    ),
    slice_reason AS (
        SELECT slice, jsonb_object_agg(reason, events) AS fallback_reasons
        FROM (SELECT slice, reason, sum(events) AS events FROM hourly WHERE reason IS NOT NULL GROUP BY slice, reason) AS counted
        GROUP BY slice
    ),
    slice_new AS (
        SELECT
            slice,
            to_timestamp(v_start + (day_no * 24 + (slice & 31)) * 3600::double precision) AS hour_start,
            model, backend, agent, version,
            total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            latency_sum, durations, fallback_reasons, event_types, mark_values, mark_counts
        FROM (
            -- Bits & 15 of a mark are 8 not successful, 4 failed, 2 fallback, 1 duplicate. An event that was counted before and has
            -- become a duplicate since keeps the mark it had.
            SELECT
                slice,
                slice >> 5 AS line,
                coalesce(sum(events) FILTER (WHERE bits < 2048), 0)::integer AS total_events,
                coalesce(sum(events) FILTER (WHERE bits & 2049 = 1), 0)::integer AS successful_events,
                coalesce(sum(events) FILTER (WHERE bits & 2050 = 2), 0)::integer AS failed_events,
                coalesce(sum(events) FILTER (WHERE bits & 2064 = 16), 0)::integer AS fallback_events,
                coalesce(sum(events) FILTER (WHERE bits & 40 = 8), 0)::integer AS duplicate_events,
                coalesce(sum(events) FILTER (WHERE bits & 2052 = 4), 0)::integer AS scored_events,
                array_agg((((slot & 15) << 4) + CASE bits & 1 WHEN 0 THEN 8 ELSE 0 END + ((bits & 2) << 1) + ((bits & 16) >> 3)
                    + CASE bits & 40 WHEN 8 THEN 1 ELSE 0 END)::smallint) FILTER (WHERE bits < 2048) AS mark_values,
                array_agg(events) FILTER (WHERE bits < 2048) AS mark_counts
            FROM label
            GROUP BY slice
            OFFSET 0
        ) AS counted
        JOIN (SELECT line, day_no, model, backend, agent, version FROM numbered WHERE is_first) AS named USING (line)
        LEFT JOIN (SELECT slice, durations, latency_sum FROM measured WHERE slice IS NOT NULL) AS measured USING (slice)
        LEFT JOIN slice_type USING (slice)
        LEFT JOIN slice_reason USING (slice)
    ),
    slice_row AS MATERIALIZED (
        SELECT
            slice, hour_start, new.model, new.backend, new.agent, new.version,
            new.total_events + coalesce(kept.total_events, 0) AS total_events,
            new.successful_events + coalesce(kept.successful_events, 0) AS successful_events,
            new.failed_events + coalesce(kept.failed_events, 0) AS failed_events,
            new.fallback_events + coalesce(kept.fallback_events, 0) AS fallback_events,
            least(
                new.duplicate_events + coalesce(kept.duplicate_events, 0), new.total_events + coalesce(kept.total_events, 0))
                AS duplicate_events,
            new.scored_events + coalesce(kept.scored_events, 0) AS scored_events,
            coalesce(cardinality(new.durations), 0) + coalesce(kept.latency_events, 0) AS latency_events,
            coalesce(new.latency_sum, 0) + coalesce(kept.latency_sum, 0) AS latency_sum,
            coalesce(bars.latency_values, new.durations, '{}') AS latency_values,
            coalesce(bars.latency_counts, '{}') AS latency_counts,
            CASE WHEN kept.hour_start IS NULL THEN coalesce(new.fallback_reasons, '{}')
                ELSE monitoring_add_counts(new.fallback_reasons, kept.fallback_reasons) END AS fallback_reasons,
            CASE WHEN kept.hour_start IS NULL THEN coalesce(new.event_types, '{}')
                ELSE monitoring_add_counts(new.event_types, kept.event_types) END AS event_types,
            coalesce(kept.mark_values || new.mark_values, new.mark_values, kept.mark_values, '{}') AS mark_values,
            coalesce(kept.mark_counts || new.mark_counts, new.mark_counts, kept.mark_counts, '{}') AS mark_counts
        FROM slice_new AS new
        LEFT JOIN (SELECT * FROM slice_old WHERE hour_start = ANY (v_lossy)) AS kept USING (hour_start, model, backend, agent, version)
        LEFT JOIN LATERAL (
            SELECT histogram.*
            FROM (SELECT new.durations WHERE kept.hour_start IS NOT NULL OR cardinality(new.durations) > 256 OFFSET 0) AS many
            CROSS JOIN LATERAL monitoring_histogram(many.durations, kept.latency_values, kept.latency_counts) AS histogram
        ) AS bars ON true
    ),
    slice_match AS MATERIALIZED (
        SELECT
            old.place, old.hour_start, new.slice,
            (
                old.total_events, old.successful_events, old.failed_events, old.fallback_events, old.duplicate_events, old.scored_events,
                old.latency_events, old.latency_sum, old.latency_values, old.latency_counts, old.fallback_reasons, old.event_types,
                old.mark_values, old.mark_counts)
            IS NOT DISTINCT FROM (
                new.total_events, new.successful_events, new.failed_events, new.fallback_events, new.duplicate_events, new.scored_events,
                new.latency_events, new.latency_sum, new.latency_values, new.latency_counts, new.fallback_reasons, new.event_types,
                new.mark_values, new.mark_counts) AS is_same
        FROM slice_old AS old
        LEFT JOIN slice_row AS new USING (hour_start, model, backend, agent, version)
    ),
    slice_written AS (
        INSERT INTO monitoring_rollup_slices (
            hour_start, model, backend, agent, version,
            total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            latency_events, latency_sum, latency_values, latency_counts, fallback_reasons, event_types, mark_values, mark_counts)
        SELECT
            hour_start, model, backend, agent, version,
            total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            latency_events, latency_sum, latency_values, latency_counts, fallback_reasons, event_types, mark_values, mark_counts
        FROM slice_row
        WHERE slice NOT IN (SELECT slice FROM slice_match WHERE is_same)
        RETURNING hour_start
    ),
    -- What a slice had before where it has changed, and slices that are no more.
    slice_gone AS (
        DELETE FROM monitoring_rollup_slices AS old
        USING slice_match AS match
        WHERE old.ctid = match.place AND CASE WHEN match.slice IS NULL THEN match.hour_start <> ALL (v_lossy) ELSE NOT match.is_same END
        RETURNING old.hour_start
    ),

    -- Five minutes ----------------------------------------------------------------------------------------------------
    bucket_event AS MATERIALIZED (
        SELECT
            slot,
            coalesce(sum(events) FILTER (WHERE bits < 2048), 0)::integer AS total_events,
            coalesce(sum(events) FILTER (WHERE bits & 2049 = 1), 0)::integer AS successful_events,
            coalesce(sum(events) FILTER (WHERE bits & 2050 = 2), 0)::integer AS failed_events,
            coalesce(sum(events) FILTER (WHERE bits & 2052 = 4), 0)::integer AS scored_events,
            coalesce(sum(events) FILTER (WHERE bits & 40 = 8), 0)::integer AS duplicate_events,
            coalesce(sum(events) FILTER (WHERE bits & 2064 = 16), 0)::integer AS fallback_events,
            coalesce(sum(events) FILTER (WHERE bits < 2048 AND bits & 2016 <> 0), 0)::integer AS malformed_events,
            CASE WHEN bool_or(bits < 2048 AND bits & 2016 <> 0)
                THEN jsonb_strip_nulls(jsonb_build_object(
                    'event_data', sum(events) FILTER (WHERE bits & 2080 = 32),
                    'reward', sum(events) FILTER (WHERE bits & 2112 = 64),
                    'duration_ms', sum(events) FILTER (WHERE bits & 2176 = 128),
                    'model', sum(events) FILTER (WHERE bits & 2304 = 256),
                    'backend', sum(events) FILTER (WHERE bits & 2560 = 512),
                    'telemetry', sum(events) FILTER (WHERE bits & 3072 = 1024)))
                ELSE '{}'
            END AS malformed_fields
        FROM (SELECT slot, bits, sum(events) AS events FROM label GROUP BY slot, bits OFFSET 0) AS alike
        GROUP BY slot
    ),
    bucket_kept AS MATERIALIZED (
        SELECT no + no / 12 * 4 AS slot, bucket.*
        FROM (
            SELECT (date_part('epoch', bucket_start) - v_start)::integer / 300 AS no, old.*
            FROM monitoring_rollup AS old
            WHERE cardinality(v_lossy) > 0 AND old.bucket_start >= v_from AND old.bucket_start < v_until
                AND date_bin('1 hour', old.bucket_start, '2000-01-01 00:00:00+00') = ANY (v_lossy)
            OFFSET 0
        ) AS bucket
    ),
    bucket_written AS (
        INSERT INTO monitoring_rollup AS old (
            bucket_start, total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            malformed_events, malformed_fields, latency_events, latency_sum, latency_values, latency_counts, rolled_up_at)
        SELECT
            to_timestamp(v_start + (slot >> 4) * 3600::double precision + (slot & 15) * 300),
            new.total_events + coalesce(kept.total_events, 0),
            new.successful_events + coalesce(kept.successful_events, 0),
            new.failed_events + coalesce(kept.failed_events, 0),
            new.fallback_events + coalesce(kept.fallback_events, 0),
            least(new.duplicate_events + coalesce(kept.duplicate_events, 0), new.total_events + coalesce(kept.total_events, 0)),
            new.scored_events + coalesce(kept.scored_events, 0),
            new.malformed_events + coalesce(kept.malformed_events, 0),
            CASE WHEN kept.slot IS NULL THEN new.malformed_fields
                ELSE monitoring_add_counts(new.malformed_fields, kept.malformed_fields) END,
            coalesce(cardinality(measured.durations), 0) + coalesce(kept.latency_events, 0),
            coalesce(measured.latency_sum, 0) + coalesce(kept.latency_sum, 0),
            coalesce(bars.latency_values, measured.durations, '{}'),
            coalesce(bars.latency_counts, '{}'),
            greatest(v_started, seen.newest, kept.rolled_up_at)
        FROM bucket_event AS new
        LEFT JOIN (
            -- Only where an event claims to have been created since.
            SELECT (date_part('epoch', occurred_at) - v_start)::integer / 3600 AS hour_no, max(created_at) AS newest
            FROM learning_events
            WHERE (SELECT max(newest) FROM combination) > v_started
                AND occurred_at >= v_from AND occurred_at < v_until AND created_at > v_started
            GROUP BY 1
        ) AS seen ON seen.hour_no = new.slot >> 4
        LEFT JOIN (SELECT slot, durations, latency_sum FROM measured WHERE slot IS NOT NULL) AS measured USING (slot)
        LEFT JOIN bucket_kept AS kept USING (slot)
        LEFT JOIN LATERAL (
            SELECT histogram.*
            FROM (SELECT measured.durations WHERE kept.slot IS NOT NULL OR cardinality(measured.durations) > 256 OFFSET 0) AS many
            CROSS JOIN LATERAL monitoring_histogram(many.durations, kept.latency_values, kept.latency_counts) AS histogram
        ) AS bars ON true
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
        WHERE old.bucket_start >= v_from AND old.bucket_start < v_until
            AND date_bin('1 hour', old.bucket_start, '2000-01-01 00:00:00+00') = ANY (p_hours)
            AND date_bin('1 hour', old.bucket_start, '2000-01-01 00:00:00+00') <> ALL (v_lossy)
            AND (date_part('epoch', old.bucket_start) - v_start)::integer / 300 NOT IN (SELECT (slot >> 4) * 12 + (slot & 15) FROM bucket_event)
        RETURNING old.bucket_start
    ),

    -- Hours, and days of which no other hour has events ----------------------------------------------------------------
    window_slot AS MATERIALIZED (
        SELECT
            hour_no,
            (at AT TIME ZONE 'UTC')::date AS day,
            (at AT TIME ZONE 'UTC')::date = ANY (v_whole) AS is_whole
        FROM unnest(v_hours) AS hour (hour_no)
        CROSS JOIN LATERAL to_timestamp(v_start + hour_no * 3600::double precision) AS at
        WHERE hour_no <> ALL (v_kept)
    ),
    hour_count AS (
        SELECT
            hour_no,
            sum(total_events) AS total_events,
            sum(successful_events) AS successful_events,
            sum(failed_events) AS failed_events,
            sum(fallback_events) AS fallback_events,
            sum(duplicate_events) AS duplicate_events,
            sum(scored_events) AS scored_events,
            sum(malformed_events) AS malformed_events
        FROM (SELECT slot >> 4 AS hour_no, bucket_event.* FROM bucket_event) AS bucket
        GROUP BY hour_no
    ),
    hour_entry AS (
        SELECT hour_no, dimension, value, events
        FROM (
            SELECT
                hour_no,
                CASE kind WHEN 31 THEN 'model' WHEN 47 THEN 'backend' WHEN 55 THEN 'agent' WHEN 59 THEN 'version'
                    WHEN 61 THEN 'event_type' ELSE 'reason' END AS dimension,
                CASE kind WHEN 31 THEN model WHEN 47 THEN backend WHEN 55 THEN agent WHEN 59 THEN version
                    WHEN 61 THEN event_type ELSE reason END AS value,
                events
            FROM (
                SELECT
                    hour_no, model, backend, agent, version, event_type, reason,
                    grouping(model, backend, agent, version, event_type, reason) AS kind,
                    sum(events) AS events
                FROM hourly
                GROUP BY GROUPING SETS (
                    (hour_no, model), (hour_no, backend), (hour_no, agent), (hour_no, version), (hour_no, event_type), (hour_no, reason))
                OFFSET 0
            ) AS counted
        ) AS named
        WHERE value <> '' OR dimension IN ('event_type', 'reason') AND value IS NOT NULL
        UNION ALL
        SELECT slot >> 4, 'malformed', key, sum(value::bigint)
        FROM bucket_event CROSS JOIN LATERAL jsonb_each_text(malformed_fields)
        WHERE malformed_events > 0
        GROUP BY slot >> 4, key
    ),
    window_figure AS (
        SELECT window_slot.day, hour_no, total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            malformed_events
        FROM window_slot
        JOIN hour_count USING (hour_no)
    ),
    window_count AS (
        SELECT day, hour_no, total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            malformed_events
        FROM window_figure
        UNION ALL
        SELECT day, -1, sum(total_events), sum(successful_events), sum(failed_events), sum(fallback_events),
            sum(duplicate_events), sum(scored_events), sum(malformed_events)
        FROM window_figure
        WHERE day = ANY (v_whole)
        GROUP BY day
    ),
    window_entry AS (
        SELECT day, hour_no, is_whole, dimension, value, events
        FROM window_slot
        JOIN hour_entry USING (hour_no)
        WHERE events > 0
    ),
    window_distribution AS (
        SELECT
            day, hour_no,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'malformed') AS malformed_fields,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'model') AS models,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'backend') AS backends,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'agent') AS agents,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'version') AS versions,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'event_type') AS event_types,
            jsonb_agg(jsonb_build_object('reason', value, 'count', events) ORDER BY events DESC, value COLLATE "C")
                FILTER (WHERE dimension = 'reason') AS reasons
        FROM (
            SELECT day, hour_no, dimension, value, events FROM window_entry
            UNION ALL
            SELECT day, -1, dimension, value, sum(events) FROM window_entry WHERE is_whole GROUP BY day, dimension, value
        ) AS entry
        GROUP BY day, hour_no
    ),
    -- The percentiles are percentile_cont's.
    window_latency AS MATERIALIZED (
        SELECT
            v_first_day + coalesce(day_no, hour_no / 24) AS day,
            coalesce(hour_no, -1) AS hour_no,
            latency_sum,
            cardinality(durations) AS latency_events,
            durations[1] AS latency_min,
            durations[cardinality(durations)] AS latency_max,
            (SELECT array_agg(CASE
                WHEN place = floor(place) THEN durations[place::integer + 1]::double precision
                ELSE durations[floor(place)::integer + 1] + (place - floor(place))
                    * (durations[ceil(place)::integer + 1] - durations[floor(place)::integer + 1]) END ORDER BY place)
                FROM (
                    SELECT fraction * (cardinality(durations) - 1) AS place
                    FROM unnest('{0.5, 0.75, 0.9, 0.95, 0.99}'::double precision[]) AS asked (fraction)
                ) AS placed) AS latency
        FROM measured
        WHERE slice IS NULL AND slot IS NULL
    ),
    window_written AS (
        INSERT INTO monitoring_metrics AS old (
            metric_date, metric_hour, window_start, window_end,
            total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            malformed_events, malformed_fields,
            fallback_rate, error_rate, duplicate_rate,
            latency_p50, latency_p75, latency_p90, latency_p95, latency_p99, latency_avg, latency_max, latency_min,
            model_distribution, service_versions, fallback_reasons,
            backend_distribution, agent_distribution, event_type_distribution,
            health_score, computed_at)
        SELECT
            day,
            CASE WHEN hour_no >= 0 THEN extract(hour FROM from_at AT TIME ZONE 'UTC')::integer END,
            from_at,
            from_at + CASE WHEN hour_no >= 0 THEN interval '1 hour' ELSE interval '24 hours' END,
            total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            malformed_events, coalesce(malformed_fields, '{}'),
            monitoring_rate(fallback_events::bigint, total_events::bigint),
            monitoring_rate(failed_events::bigint, total_events::bigint),
            monitoring_rate(duplicate_events::bigint, total_events::bigint),
            latency[1]::numeric, latency[2]::numeric, latency[3]::numeric, latency[4]::numeric, latency[5]::numeric,
            latency_sum::numeric / nullif(latency_events, 0), latency_max, latency_min,
            coalesce(models, '{}'), coalesce(versions, '{}'), coalesce(reasons, '[]'),
            coalesce(backends, '{}'), coalesce(agents, '{}'), coalesce(event_types, '{}'),
            monitoring_health(total_events::bigint, successful_events::bigint, fallback_events::bigint, duplicate_events::bigint),
            p_now
        FROM window_count
        LEFT JOIN window_distribution USING (day, hour_no)
        LEFT JOIN window_latency USING (day, hour_no)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN hour_no >= 0 THEN to_timestamp(v_start + hour_no * 3600::double precision)
                ELSE day::timestamp AT TIME ZONE 'UTC' END AS from_at
        ) AS place
        ON CONFLICT (metric_date, metric_hour) DO UPDATE SET (
            total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
            malformed_events, malformed_fields,
            fallback_rate, error_rate, duplicate_rate,
            latency_p50, latency_p75, latency_p90, latency_p95, latency_p99, latency_avg, latency_max, latency_min,
            model_distribution, service_versions, fallback_reasons,
            backend_distribution, agent_distribution, event_type_distribution,
            health_score, computed_at
        ) = (
            excluded.total_events, excluded.successful_events, excluded.failed_events,
            excluded.fallback_events, excluded.duplicate_events, excluded.scored_events,
            excluded.malformed_events, excluded.malformed_fields,
            excluded.fallback_rate, excluded.error_rate, excluded.duplicate_rate,
            excluded.latency_p50, excluded.latency_p75, excluded.latency_p90, excluded.latency_p95, excluded.latency_p99,
            excluded.latency_avg, excluded.latency_max, excluded.latency_min,
            excluded.model_distribution, excluded.service_versions, excluded.fallback_reasons,
            excluded.backend_distribution, excluded.agent_distribution, excluded.event_type_distribution,
            excluded.health_score, excluded.computed_at)
        WHERE monitoring_figures(old) IS DISTINCT FROM monitoring_figures(excluded)
        RETURNING 1
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
        ARRAY(SELECT to_timestamp(v_start + hour_no * 3600::double precision) FROM window_figure),
        ARRAY(SELECT DISTINCT day FROM window_figure WHERE day = ANY (v_whole)),
        (SELECT count(*)::integer FROM window_written),
        (SELECT coalesce(sum(total_events), 0)::bigint FROM bucket_event);
END
$$;
COMMENT ON FUNCTION monitoring_compute_run(timestamptz[], timestamptz, boolean) IS
    'Computes the five-minute totals, the slices and the rows of monitoring_metrics of hours that lie together, from raw events. '
    'Returns the hours in which something changed and the hours and days whose rows it has seen to. '
    'With p_plain it raises invalid_parameter_value or numeric_value_out_of_range where an event may be malformed.';

-- Hours of well-formed events cost a third less to read. Where one is malformed, what was done until it was met is undone.
CREATE OR REPLACE FUNCTION monitoring_roll_up_run(p_hours timestamptz[], p_now timestamptz)
RETURNS TABLE (changed_hours timestamptz[], written_hours timestamptz[], written_days date[], metrics_written integer, events_read bigint)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY SELECT * FROM monitoring_compute_run(p_hours, p_now, true);
EXCEPTION WHEN invalid_parameter_value OR numeric_value_out_of_range THEN
    RETURN QUERY SELECT * FROM monitoring_compute_run(p_hours, p_now, false);
END
$$;
COMMENT ON FUNCTION monitoring_roll_up_run(timestamptz[], timestamptz) IS
    'What monitoring_compute_run does, plainly where the events are well-formed.';

-- Hours that lie within six hours of each other are read in one go.
CREATE OR REPLACE FUNCTION monitoring_runs(p_hours timestamptz[]) RETURNS TABLE (hours timestamptz[])
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(hour_start ORDER BY hour_start)
    FROM (
        SELECT hour_start, count(*) FILTER (WHERE begins) OVER (ORDER BY hour_start) AS run
        FROM (
            SELECT
                hour_start,
                hour_start - lag(hour_start, 1, hour_start) OVER (ORDER BY hour_start) > interval '6 hours'
                    OR row_number() OVER (ORDER BY hour_start) % 5000 = 0 AS begins
            FROM (SELECT DISTINCT unnest(p_hours) AS hour_start) AS asked
        ) AS compared
    ) AS numbered
    GROUP BY run
    ORDER BY run
$$;
COMMENT ON FUNCTION monitoring_runs(timestamptz[]) IS
    'The hours in ascending order, apart where more than six hours lie between two of them.';

CREATE OR REPLACE FUNCTION monitoring_roll_up_hours(p_hours timestamptz[], p_now timestamptz)
RETURNS TABLE (changed_hours timestamptz[], written_hours timestamptz[], written_days date[], metrics_written integer, events_read bigint)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_run record;
BEGIN
    changed_hours := '{}';
    written_hours := '{}';
    written_days := '{}';
    metrics_written := 0;
    events_read := 0;
    FOR v_run IN SELECT run.hours, step.* FROM monitoring_runs(p_hours) AS run, monitoring_roll_up_run(run.hours, p_now) AS step LOOP
        changed_hours := changed_hours || v_run.changed_hours;
        written_hours := written_hours || v_run.written_hours;
        -- A day that an earlier run took for whole has more hours.
        written_days := v_run.written_days || ARRAY(
            SELECT unnest(written_days) EXCEPT SELECT (hour_start AT TIME ZONE 'UTC')::date FROM unnest(v_run.hours) AS hour (hour_start));
        metrics_written := metrics_written + v_run.metrics_written;
        events_read := events_read + v_run.events_read;
    END LOOP;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION monitoring_roll_up_hours(timestamptz[], timestamptz) IS
    'Computes the hours from raw events: what monitoring_roll_up_run does, for hours anywhere.';

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
    v_step    record;
BEGIN
    PERFORM FROM monitoring_rollup_lock FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 0, (SELECT count(*)::integer FROM monitoring_rollup_pending), 0::bigint;
        RETURN;
    END IF;

    PERFORM monitoring_find_changes();
    v_hours := monitoring_next_hours(p_max_hours);
    IF cardinality(v_hours) > 0 THEN
        SELECT * INTO v_step FROM monitoring_roll_up_hours(monitoring_hours_with_detail(v_hours), p_now);
        v_changed := v_step.changed_hours;
        v_read := v_step.events_read;
        PERFORM monitoring_write_metrics(v_changed, v_step.written_hours, v_step.written_days, p_now);
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
