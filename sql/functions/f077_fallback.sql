-- What a receiver could not be told, another one is.

CREATE OR REPLACE FUNCTION monitoring_has_undelivered(p_fallback text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT
        FROM monitoring_notifications
        WHERE status = 'dead' AND fallback_at IS NULL AND receiver <> p_fallback
    ) OR EXISTS (
        SELECT
        FROM monitoring_receivers AS failing
        JOIN monitoring_notifications AS n ON n.receiver = failing.receiver
        WHERE (failing.disabled_at IS NOT NULL OR failing.openings > 0 AND n.created_at < now() - interval '15 minutes')
            AND failing.receiver <> p_fallback
            AND n.status = 'pending' AND n.fallback_at IS NULL AND n.due_at <= now() + interval '1 day')
$$;
COMMENT ON FUNCTION monitoring_has_undelivered(text) IS
    'Whether anything is dead, or waits for a receiver that is disabled, or for a quarter of an hour for one that fails, that has not been '
    'looked at for the fallback receiver.';

CREATE OR REPLACE FUNCTION monitoring_tell_fallback(
    p_fallback text,
    p_lifetime interval DEFAULT '1 day',                      -- of what is written
    p_limit    integer DEFAULT 500
) RETURNS integer
LANGUAGE sql VOLATILE AS $$
    WITH undelivered AS MATERIALIZED (
        SELECT n.id
        FROM monitoring_notifications AS n
        LEFT JOIN monitoring_receivers AS r ON r.receiver = n.receiver
        WHERE n.fallback_at IS NULL
            AND n.receiver <> p_fallback
            AND (n.status = 'dead' OR n.status = 'pending' AND (
                r.disabled_at IS NOT NULL OR r.openings > 0 AND n.created_at < now() - interval '15 minutes'))
        ORDER BY n.created_at
        LIMIT p_limit
        FOR UPDATE OF n SKIP LOCKED
    ),
    looked_at AS (
        UPDATE monitoring_notifications AS n
        SET fallback_at = now()
        FROM undelivered
        WHERE n.id = undelivered.id
        RETURNING n.*
    ),
    -- Of one step once, whoever else should have been told. What ended long ago, before there was a fallback receiver, is no news.
    owed AS (
        SELECT DISTINCT ON (looked_at.alert_id, step.sequence)
            looked_at.alert_id, step.sequence, looked_at.transition, looked_at.severity, looked_at.receiver
        FROM looked_at
        JOIN monitoring_alerts AS alert ON alert.id = looked_at.alert_id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN looked_at.cause = 'repeat' THEN alert.sequence ELSE looked_at.sequence END AS sequence
        ) AS step
        WHERE looked_at.cause <> 'test' AND looked_at.updated_at > now() - interval '1 day'
        ORDER BY looked_at.alert_id, step.sequence, looked_at.created_at
    ),
    told AS (
        INSERT INTO monitoring_notifications
            (alert_id, receiver, cause, sequence, transition, severity, group_key, due_at, give_up_at, created_at)
        SELECT
            owed.alert_id, p_fallback, 'fallback', owed.sequence, owed.transition, owed.severity, NULL, now(), now() + p_lifetime,
            clock_timestamp()
        FROM owed
        WHERE NOT EXISTS (
            SELECT
            FROM monitoring_notifications AS own
            WHERE own.alert_id = owed.alert_id AND own.receiver = p_fallback
                -- The sequence of a repeat counts repeats.
                AND own.cause NOT IN ('test', 'repeat')
                AND own.sequence >= owed.sequence AND own.status IN ('pending', 'sending', 'delivered', 'superseded'))
        ORDER BY owed.alert_id, owed.sequence
        ON CONFLICT (alert_id, receiver, cause, sequence) DO NOTHING
        RETURNING receiver
    )
    SELECT count(*)::integer FROM told
$$;
COMMENT ON FUNCTION monitoring_tell_fallback(text, interval, integer) IS
    'Writes notifications to the fallback receiver for what is dead, waits for a disabled receiver, or has waited for a quarter of an hour '
    'for one that fails, and marks that as looked at. How many.';
