-- What the monitor's own tables need no longer keep. learning_events is never touched.

-- Its detail was removed, and its rows in monitoring_metrics stand: what is left of its raw events, if anything, may be less than what
-- they tell.
CREATE OR REPLACE FUNCTION monitoring_hours_with_detail(p_hours timestamptz[]) RETURNS timestamptz[]
LANGUAGE sql STABLE AS $$
    WITH hours AS (
        SELECT hour_start, (hour_start AT TIME ZONE 'UTC')::date AS day FROM unnest(p_hours) AS hour (hour_start)
    ),
    settled AS (
        SELECT days.day
        FROM (SELECT DISTINCT day FROM hours) AS days
        JOIN monitoring_metrics AS metric ON metric.metric_date = days.day AND metric.metric_hour IS NULL AND metric.total_events > 0
        WHERE NOT EXISTS (
            SELECT
            FROM monitoring_rollup AS bucket
            WHERE bucket.bucket_start >= days.day::timestamp AT TIME ZONE 'UTC'
                AND bucket.bucket_start < days.day::timestamp AT TIME ZONE 'UTC' + interval '24 hours')
    )
    SELECT coalesce(array_agg(hour_start ORDER BY hour_start), '{}') FROM hours WHERE day NOT IN (SELECT day FROM settled)
$$;
COMMENT ON FUNCTION monitoring_hours_with_detail(timestamptz[]) IS
    'Those of the hours that can be computed: not those of days whose detail was removed after they had been.';

CREATE OR REPLACE FUNCTION monitoring_remove_rollup(p_before date, p_days integer) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_first timestamptz := least(
        (SELECT bucket_start FROM monitoring_rollup ORDER BY bucket_start LIMIT 1),
        (SELECT hour_start FROM monitoring_rollup_slices ORDER BY hour_start LIMIT 1));
    v_until timestamptz := least(
        p_before::timestamp AT TIME ZONE 'UTC',
        ((v_first AT TIME ZONE 'UTC')::date + p_days)::timestamp AT TIME ZONE 'UTC');
    v_count integer;
    v_all   integer := 0;
BEGIN
    -- Not in the middle of a roll-up, which the next batch need not wait for either.
    PERFORM FROM monitoring_rollup_lock FOR UPDATE SKIP LOCKED;
    IF NOT FOUND OR v_first IS NULL OR v_first >= v_until THEN
        RETURN 0;
    END IF;
    DELETE FROM monitoring_rollup WHERE bucket_start < v_until;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_all := v_all + v_count;
    DELETE FROM monitoring_rollup_slices WHERE hour_start < v_until;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_all := v_all + v_count;
    DELETE FROM monitoring_rollup_values WHERE day < (v_until AT TIME ZONE 'UTC')::date;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_all + v_count;
END
$$;
COMMENT ON FUNCTION monitoring_remove_rollup(date, integer) IS
    'Removes the oldest days of rolled-up detail, so many at most, that lie before a date. Their rows in monitoring_metrics stay.';

-- Notifications go with the whole message: as long as one of those that it tells of is needed, they all stay.
CREATE OR REPLACE FUNCTION monitoring_remove_notifications(p_before timestamptz, p_limit integer) RETURNS integer
LANGUAGE sql VOLATILE AS $$
    WITH old AS MATERIALIZED (
        SELECT n.id
        FROM monitoring_notifications AS n
        WHERE n.created_at < p_before
            AND n.status IN ('delivered', 'superseded', 'dropped', 'dead')
            AND EXISTS (SELECT FROM monitoring_alerts AS a WHERE a.id = n.alert_id AND a.status = 'resolved' AND a.resolved_at < p_before)
            -- Asked before they are counted: those that must stay would fill the batch for good.
            AND NOT EXISTS (
                SELECT
                FROM monitoring_notifications AS other
                JOIN monitoring_alerts AS a ON a.id = other.alert_id
                WHERE (other.message_id = n.message_id AND other.message_id <> other.id OR other.id = n.message_id)
                    AND other.id <> n.id
                    AND (other.status IN ('pending', 'sending') OR a.status <> 'resolved' OR a.resolved_at >= p_before)
                OFFSET 0)
        ORDER BY n.created_at
        LIMIT p_limit
    ),
    gone AS (
        DELETE FROM monitoring_notifications AS n
        USING old
        WHERE n.id = old.id AND n.status IN ('delivered', 'superseded', 'dropped', 'dead')
        RETURNING n.id
    )
    SELECT count(*)::integer FROM gone
$$;
COMMENT ON FUNCTION monitoring_remove_notifications(timestamptz, integer) IS
    'Removes finished notifications, with their bodies and attempts, of alerts that were over before a moment: the oldest, so many at most.';

CREATE OR REPLACE FUNCTION monitoring_remove_past(
    p_attempts        interval DEFAULT '30 days',             -- null: for ever, here and below
    p_rollup          interval DEFAULT '120 days',
    p_resolved_alerts interval DEFAULT '365 days',
    p_audit           interval DEFAULT '730 days',
    p_limit           integer DEFAULT 5000,                   -- rows of a kind in one call
    p_now             timestamptz DEFAULT now()
) RETURNS TABLE (
    attempts      integer,
    notifications integer,
    rollup        integer,
    alerts        integer,                                    -- with all that belongs to them
    audit         integer,
    others        integer,                                    -- silences that are over, settings that held
    is_finished   boolean                                     -- nothing is left that could go
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    -- Links in messages work for a week, and an alert may come back within seven days.
    v_messages timestamptz := CASE WHEN p_attempts IS NOT NULL THEN p_now - greatest(p_attempts, interval '9 days') END;
    -- What is expected of a moment reaches back 28 days and more, and leaves out what alerts stood for.
    v_resolved timestamptz := CASE WHEN p_resolved_alerts IS NOT NULL THEN p_now - greatest(p_resolved_alerts, interval '45 days') END;
    v_rollup   timestamptz := CASE WHEN p_rollup IS NOT NULL THEN p_now - greatest(p_rollup, interval '45 days') END;
    v_limit    integer := greatest(p_limit, 1);
    v_alerts   integer := greatest(v_limit / 20, 1);          -- each has steps and notifications of its own
    v_count    integer;
BEGIN
    attempts := 0; notifications := 0; rollup := 0; alerts := 0; audit := 0; others := 0;

    -- By number, which is by time but for a few: what is not old among the first ends the search.
    DELETE FROM monitoring_delivery_attempts AS attempt
    USING (SELECT id, started_at FROM monitoring_delivery_attempts ORDER BY id LIMIT v_limit) AS first
    WHERE attempt.id = first.id AND first.started_at < p_now - p_attempts;
    GET DIAGNOSTICS attempts = ROW_COUNT;

    IF v_messages IS NOT NULL THEN
        notifications := monitoring_remove_notifications(v_messages, v_limit);
    END IF;

    IF v_rollup IS NOT NULL THEN
        -- The stretch since an alert opened says whether it is over.
        v_rollup := least(v_rollup, (
            SELECT min(live_since) FROM monitoring_alerts WHERE origin IS NULL AND (status <> 'resolved' OR held_severity IS NOT NULL)));
        rollup := monitoring_remove_rollup((v_rollup AT TIME ZONE 'UTC')::date, 2);
    END IF;

    IF v_resolved IS NOT NULL THEN
        DELETE FROM monitoring_alerts AS alert
        USING (
            SELECT id
            FROM monitoring_alerts
            WHERE status = 'resolved' AND opened_at < v_resolved AND resolved_at < v_resolved AND held_severity IS NULL
                -- Resolved by hand, and its source says it still: as long as it does, it is not to be told anew.
                AND NOT EXISTS (SELECT FROM monitoring_relayed_alerts AS relayed WHERE relayed.alert_id = monitoring_alerts.id)
            ORDER BY opened_at
            LIMIT v_alerts
            FOR UPDATE SKIP LOCKED
        ) AS old
        WHERE alert.id = old.id;
        GET DIAGNOSTICS alerts = ROW_COUNT;

        DELETE FROM monitoring_silences
        WHERE id IN (SELECT id FROM monitoring_silences WHERE ends_at < v_resolved ORDER BY ends_at LIMIT v_limit);
        GET DIAGNOSTICS others = ROW_COUNT;
    END IF;

    DELETE FROM monitoring_audit
    WHERE id IN (SELECT id FROM monitoring_audit WHERE occurred_at < p_now - p_audit ORDER BY occurred_at LIMIT v_limit);
    GET DIAGNOSTICS audit = ROW_COUNT;
    DELETE FROM monitoring_settings
    WHERE version IN (
        SELECT version
        FROM monitoring_settings
        WHERE written_at < p_now - p_audit AND version < (SELECT max(version) FROM monitoring_settings)
        ORDER BY version
        LIMIT v_limit);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    others := others + v_count;

    is_finished := attempts < v_limit AND notifications < v_limit AND rollup = 0 AND alerts < v_alerts AND audit < v_limit AND others < v_limit;
    IF alerts + notifications + rollup > 0 THEN
        PERFORM monitoring_bump_data_version();
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION monitoring_remove_past(interval, interval, interval, interval, integer, timestamptz) IS
    'One batch of what the monitor''s own tables need no longer keep. Whatever an alert that is not over, a link, what is to be expected, '
    'or a backtest of the kept time needs, stays. Call it again until is_finished.';
