-- What delivery asks the database for more than once.

-- What belongs to an alert goes with it, and what belongs to a notification. Not by foreign keys, which would look up and lock an alert
-- for each step and each notification that is written, and a notification for each attempt. Each DELETE has a snapshot of its own, and
-- that of an alert has waited for whoever held it, or one of its steps, to write more: it sees that too. Like those of keys, they ask
-- for no search_path.

CREATE OR REPLACE FUNCTION monitoring_forget_notifications() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format(
            'TRUNCATE %1$I.monitoring_alert_transitions, %1$I.monitoring_notifications, %1$I.monitoring_delivery_attempts, '
            '%1$I.monitoring_relayed_alerts', TG_TABLE_SCHEMA);
    ELSE
        EXECUTE format('DELETE FROM %I.monitoring_alert_transitions AS t USING gone WHERE t.alert_id = gone.id', TG_TABLE_SCHEMA);
        EXECUTE format('DELETE FROM %I.monitoring_notifications AS n USING gone WHERE n.alert_id = gone.id', TG_TABLE_SCHEMA);
        -- Its source says it again: it is a new one then.
        EXECUTE format('DELETE FROM %I.monitoring_relayed_alerts AS r USING gone WHERE r.alert_id = gone.id', TG_TABLE_SCHEMA);
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION monitoring_forget_notifications() IS
    'Deletes the steps and the notifications of alerts that were deleted, and that they stand elsewhere.';

CREATE OR REPLACE TRIGGER monitoring_alerts_deleted
    AFTER DELETE ON monitoring_alerts
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION monitoring_forget_notifications();

CREATE OR REPLACE TRIGGER monitoring_alerts_truncated
    AFTER TRUNCATE ON monitoring_alerts
    FOR EACH STATEMENT EXECUTE FUNCTION monitoring_forget_notifications();

CREATE OR REPLACE FUNCTION monitoring_forget_attempts() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    EXECUTE format('DELETE FROM %I.monitoring_delivery_attempts AS a USING gone WHERE a.notification_id = gone.id', TG_TABLE_SCHEMA);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION monitoring_forget_attempts() IS 'Deletes the attempts of notifications that were deleted.';

CREATE OR REPLACE TRIGGER monitoring_notifications_deleted
    AFTER DELETE ON monitoring_notifications
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION monitoring_forget_attempts();

CREATE OR REPLACE FUNCTION monitoring_notification_due(
    p_receiver  text,
    p_group_key text,
    p_wait      interval,                                     -- of a group that has been quiet
    p_interval  interval,                                     -- between two messages of a group
    p_at        timestamptz
) RETURNS timestamptz
LANGUAGE sql STABLE
AS $function$
    SELECT coalesce(
        -- Others of its group wait already: with them.
        (SELECT min(waiting.due_at)
         FROM monitoring_notifications AS waiting
         WHERE waiting.receiver = p_receiver
             AND waiting.group_key = p_group_key
             AND waiting.frozen_at IS NULL
             AND waiting.status = 'pending'),
        greatest(
            p_at + p_wait,
            -- Not of a time that has not come: the clock was set back.
            (SELECT CASE WHEN max(sent.frozen_at) > p_at THEN p_at ELSE max(sent.frozen_at) END
             FROM monitoring_notifications AS sent
             WHERE sent.receiver = p_receiver
                 AND sent.group_key = p_group_key) + p_interval))
$function$;
COMMENT ON FUNCTION monitoring_notification_due(text, text, interval, interval, timestamptz) IS
    'When a notification of a group that is written at a moment is to be sent.';

-- The functions below are called thousands of times in a burst, on tables that have just grown: their plans are kept for the
-- session, and must be right whatever the statistics said when they were made. So they go by indexes alone, in the order in which
-- the joins are written, and a condition that is no reason to use an index is written so that it is none: (status || ''), and coalesce
-- where it asks for null. OFFSET 0 keeps what is asked of each row from becoming a join.

CREATE OR REPLACE FUNCTION monitoring_unrouted(p_limit integer) RETURNS SETOF monitoring_alert_transitions
LANGUAGE plpgsql VOLATILE ROWS 500
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_sort = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
    RETURN QUERY
    SELECT t.*
    FROM monitoring_alert_transitions AS t
    WHERE t.routed_at IS NULL
        AND NOT EXISTS (
            SELECT
            FROM monitoring_alert_transitions AS earlier
            WHERE earlier.alert_id = t.alert_id
                AND earlier.sequence < t.sequence
                AND coalesce(earlier.routed_at, '-infinity') = '-infinity'
            OFFSET 0)
        -- No key says so: steps without an alert must not stand in the way of others.
        AND EXISTS (SELECT FROM monitoring_alerts AS a WHERE a.id = t.alert_id OFFSET 0)
    ORDER BY t.id
    LIMIT p_limit
    FOR UPDATE SKIP LOCKED;
END
$function$;
COMMENT ON FUNCTION monitoring_unrouted(integer) IS
    'The first steps whose notifications have not been written, locked: of each alert the earliest alone, and none that somebody else has.';

CREATE OR REPLACE FUNCTION monitoring_willing_receivers(p_receivers text[]) RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
    RETURN QUERY
    SELECT r.receiver
    FROM monitoring_receivers AS r
    WHERE r.receiver = ANY (p_receivers)
        AND (r.paused_until IS NULL OR r.paused_until <= now())
        AND r.disabled_at IS NULL
        AND r.openings = 0
        AND NOT EXISTS (
            SELECT
            FROM monitoring_notifications AS waiting
            WHERE waiting.receiver = r.receiver
                AND waiting.status = 'pending'
                AND (waiting.message_id IS NULL OR waiting.message_id = waiting.id)
                AND waiting.due_at <= now() - interval '2 seconds'
            OFFSET 0);
END
$function$;
COMMENT ON FUNCTION monitoring_willing_receivers(text[]) IS
    'Of these receivers those that take anything now, and for whom nothing has waited for two seconds.';

-- Its settings are the transaction's, for what its caller does next: they go on row by row along the indexes, and whoever routes need not
-- wait for the disk. Were the commit lost in a crash, it would be done again, and whatever follows from it is committed after it.
CREATE OR REPLACE FUNCTION monitoring_take_unrouted(
    p_limit     integer,
    p_receivers text[] DEFAULT '{}'                           -- for whom notifications may be written as claimed
) RETURNS TABLE (
    has_silences    boolean,                                  -- any is active
    willing         text[],                                   -- those of p_receivers that take anything now
    id              bigint,
    alert_id        uuid,
    sequence        integer,
    transition      text,
    to_severity     text,
    alert_type      text,
    metric_name     text,
    status          text,                                     -- of the alert, now
    model           text,
    backend         text,
    agent           text,
    version         text,
    labels          jsonb,
    is_ignored      boolean,                                  -- told to nobody
    is_snoozed      boolean,
    moment          timestamptz,
    -- What a message needs, of an alert's only step where any is willing; else null:
    alert           text,                                     -- a JSON object
    step            text,                                     -- a JSON object
    occurred_at     text
)
LANGUAGE plpgsql VOLATILE ROWS 250
AS $function$
#variable_conflict use_column
DECLARE
    v_willing text[] := ARRAY(SELECT monitoring_willing_receivers(p_receivers));
BEGIN
    PERFORM
        set_config('synchronous_commit', 'off', true), set_config('enable_hashjoin', 'off', true),
        set_config('enable_mergejoin', 'off', true);
    RETURN QUERY
    SELECT
        EXISTS (SELECT FROM monitoring_silences WHERE starts_at <= now() AND ends_at > now()), v_willing,
        t.id, t.alert_id, t.sequence, t.transition, t.to_severity,
        a.alert_type, a.metric_name, a.status,
        a.affected_model, a.affected_backend, a.affected_agent, a.affected_version, a.labels,
        t.transition <> 'ignored' AND (
            a.status = 'ignored' OR t.to_status = 'ignored'
            OR (coalesce(t.from_status, '') = 'ignored' AND t.transition <> 'reopened')),
        coalesce(a.snoozed_until > now(), false),
        now(),
        a.document,
        CASE WHEN a.document IS NOT NULL THEN monitoring_transition_document(t) END,
        CASE WHEN a.document IS NOT NULL THEN monitoring_json_time(t.occurred_at) END
    FROM monitoring_unrouted(p_limit) AS t
    CROSS JOIN LATERAL (
        SELECT
            alerts.*,
            CASE WHEN t.transition = 'opened' AND alerts.sequence = 1 AND v_willing <> '{}'
                THEN monitoring_alert_document(alerts) END AS document
        FROM monitoring_alerts AS alerts
        WHERE alerts.id = t.alert_id
        OFFSET 0
    ) AS a
    ORDER BY t.id;
END
$function$;
COMMENT ON FUNCTION monitoring_take_unrouted(integer, text[]) IS
    'What routing has to know of the steps that monitoring_unrouted locks, in the order in which they were taken.';

CREATE OR REPLACE FUNCTION monitoring_mark_routed(
    p_ids      bigint[],                                      -- of steps
    p_withheld text[]                                         -- why each is told at the end of that alone; '' where it is not
) RETURNS void
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET join_collapse_limit = 1
SET from_collapse_limit = 1
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
    UPDATE monitoring_alert_transitions AS t
    SET routed_at = now(), withheld = nullif(m.withheld, '')
    FROM unnest(p_ids, p_withheld) AS m (id, withheld)
    WHERE t.id = m.id;
END
$function$;
COMMENT ON FUNCTION monitoring_mark_routed(bigint[], text[]) IS 'Marks steps whose notifications have been written.';

CREATE OR REPLACE FUNCTION monitoring_claimable(
    p_receiver   text,
    p_supersedes boolean,                                     -- a newer notification of an alert takes the place of those that wait
    p_limit      integer,                                     -- of messages
    p_is_trial   boolean                                      -- nothing while another one is being sent
) RETURNS TABLE (
    unit            uuid,                                     -- notifications of the same unit share a message
    id              uuid,
    message_id      uuid,
    attempt         integer,                                  -- this one's number, from 1
    failures        integer,
    is_plain        boolean,
    body            text,
    content_type    text,
    seconds_left    double precision,                         -- until it is given up
    cause           text,
    created_at      timestamptz,
    alert_id        uuid,
    alert_type      text,
    metric_name     text,
    severity        text,                                     -- of the alert, now
    status          text,                                     -- of the alert, now
    alert           text,                                     -- a JSON object
    sequence        integer,                                  -- of the step; this and what follows is null where it tells of none
    transition_kind text,
    occurred_at     text,
    transition      text                                      -- a JSON object
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET join_collapse_limit = 1
SET from_collapse_limit = 1
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
    IF p_is_trial AND EXISTS (
        SELECT FROM monitoring_notifications AS tried WHERE tried.receiver = p_receiver AND tried.status = 'sending'
    ) THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH units AS MATERIALIZED (
        SELECT n.id, n.message_id, n.group_key, n.due_at, n.created_at
        FROM monitoring_notifications AS n
        WHERE n.receiver = p_receiver
            AND n.status = 'pending'
            AND (n.message_id IS NULL OR n.message_id = n.id)
            AND n.due_at <= now()
            AND CASE
                -- A message that tells of several: as it is.
                WHEN n.group_key IS NOT NULL AND n.message_id IS NOT NULL THEN true
                -- A group that waits: by its first.
                WHEN n.group_key IS NOT NULL THEN NOT EXISTS (
                    SELECT FROM monitoring_notifications AS before
                    WHERE before.receiver = n.receiver
                        AND before.group_key = n.group_key
                        AND before.frozen_at IS NULL
                        AND (before.status || '') = 'pending'
                        AND (before.created_at, before.id) < (n.created_at, n.id))
                ELSE NOT EXISTS (
                    SELECT FROM monitoring_notifications AS other
                    WHERE other.alert_id = n.alert_id
                        AND other.receiver = n.receiver
                        AND ((other.status || '') = 'sending'
                            OR (other.status || '') = 'pending'
                                AND CASE WHEN p_supersedes AND (other.group_key IS NULL OR other.message_id IS NULL)
                                    THEN (other.created_at, other.sequence, other.id) > (n.created_at, n.sequence, n.id)
                                    -- Without superseding, and behind a message that tells of others too: in their order.
                                    ELSE (other.created_at, other.sequence, other.id) < (n.created_at, n.sequence, n.id)
                                END))
            END
        ORDER BY n.due_at, n.created_at
        LIMIT p_limit
    ), members AS (
        SELECT u.id AS unit, u.due_at, u.created_at, u.id
        FROM units AS u
        WHERE u.group_key IS NULL OR u.message_id IS NOT NULL
        UNION ALL
        SELECT u.id, u.due_at, u.created_at, m.id
        FROM units AS u
        JOIN monitoring_notifications AS m ON m.message_id = u.message_id AND m.message_id <> m.id
        WHERE u.group_key IS NOT NULL AND u.message_id IS NOT NULL AND (m.status || '') = 'pending'
        UNION ALL
        -- What a group holds beyond 500 is told in the next message.
        SELECT u.id, u.due_at, u.created_at, m.id
        FROM units AS u
        CROSS JOIN LATERAL (
            SELECT n.id
            FROM monitoring_notifications AS n
            WHERE n.receiver = p_receiver
                AND n.group_key = u.group_key
                AND n.frozen_at IS NULL
                AND (n.status || '') = 'pending'
                AND NOT EXISTS (
                    SELECT FROM monitoring_notifications AS other
                    WHERE other.alert_id = n.alert_id
                        AND other.receiver = n.receiver
                        AND ((other.status || '') = 'sending'
                            OR (other.status || '') = 'pending'
                                AND CASE WHEN p_supersedes AND (other.group_key IS NULL OR other.message_id IS NULL)
                                    THEN (other.created_at, other.sequence, other.id) > (n.created_at, n.sequence, n.id)
                                    -- Without superseding, and behind a message that tells of others too: in their order, those that wait
                                    -- here too in this message.
                                    ELSE (other.created_at, other.sequence, other.id) < (n.created_at, n.sequence, n.id)
                                        AND (p_supersedes OR other.frozen_at IS NOT NULL OR other.group_key IS DISTINCT FROM n.group_key)
                                END))
            ORDER BY n.created_at, n.id
            LIMIT 500
        ) AS m
        WHERE u.group_key IS NOT NULL AND u.message_id IS NULL
    )
    SELECT
        m.unit, n.id, n.message_id, n.attempts + 1, n.failures, n.is_plain, n.body, n.content_type,
        extract(epoch FROM n.give_up_at - now())::double precision,
        n.cause, n.created_at,
        a.id, a.alert_type, a.metric_name, a.severity, a.status, monitoring_alert_document(a),
        t.sequence, t.transition, monitoring_json_time(t.occurred_at),
        CASE WHEN t.id IS NOT NULL THEN monitoring_transition_document(t) END
    FROM members AS m
    JOIN monitoring_notifications AS n ON n.id = m.id
    JOIN monitoring_alerts AS a ON a.id = n.alert_id
    LEFT JOIN monitoring_alert_transitions AS t
        ON n.cause NOT IN ('repeat', 'test') AND t.alert_id = n.alert_id AND t.sequence = n.sequence
    WHERE (n.status || '') = 'pending'
    ORDER BY m.due_at, m.created_at, m.unit, n.created_at, n.id
    FOR UPDATE OF n SKIP LOCKED;
END
$function$;
COMMENT ON FUNCTION monitoring_claimable(text, boolean, integer, boolean) IS
    'What is due for a receiver, locked: of each alert one step at a time, and together what is told together: of a group that waits '
    'all steps. Its caller holds the receiver''s row.';

CREATE OR REPLACE FUNCTION monitoring_keep_claim(
    p_receiver      text,
    p_supersedes    boolean,
    p_ids           uuid[],                                   -- notifications
    p_message_ids   uuid[],                                   -- of each
    p_bodies        text[],                                   -- '' where the row does not carry the message
    p_content_types text[],
    p_claim_id      uuid,
    p_process       text,
    p_lease         interval
) RETURNS void
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET join_collapse_limit = 1
SET from_collapse_limit = 1
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
DECLARE
    v_groups text[];                                          -- that are told of now
BEGIN
    WITH kept AS (
        UPDATE monitoring_notifications AS n
        SET status = 'sending',
            claim_id = p_claim_id,
            claimed_by = p_process,
            claimed_until = now() + p_lease,
            attempts = n.attempts + 1,
            message_id = c.message_id,
            frozen_at = coalesce(n.frozen_at, now()),
            body = coalesce(n.body, nullif(c.body, '')),
            content_type = coalesce(n.content_type, nullif(c.content_type, '')),
            updated_at = now()
        FROM unnest(p_ids, p_message_ids, p_bodies, p_content_types) AS c (id, message_id, body, content_type)
        WHERE n.id = c.id
        RETURNING n.group_key, n.frozen_at
    )
    SELECT array_agg(DISTINCT kept.group_key) INTO v_groups
    FROM kept
    WHERE kept.group_key IS NOT NULL
        AND kept.frozen_at = now();

    -- What stays behind of their groups (another step of one of their alerts, or what is too many for a message) is the next message.
    IF v_groups IS NOT NULL THEN
        UPDATE monitoring_notifications AS rest
        SET due_at = now() + coalesce(rest.group_interval_ms, 0) * interval '1 millisecond'
        WHERE rest.receiver = p_receiver
            AND rest.group_key = ANY (v_groups)
            AND rest.frozen_at IS NULL
            AND (rest.status || '') = 'pending';
    END IF;

    -- What a newer one overtakes, but for what is told in one message with others.
    IF p_supersedes THEN
        UPDATE monitoring_notifications AS older
        SET status = 'superseded', superseded_by = newer.message_id, updated_at = now()
        FROM unnest(p_ids) AS c (id)
        JOIN monitoring_notifications AS newer ON newer.id = c.id
        WHERE older.alert_id = newer.alert_id
            AND older.receiver = p_receiver
            AND (older.status || '') = 'pending'
            AND (older.group_key IS NULL OR older.message_id IS NULL)
            AND older.created_at <= newer.created_at;
    END IF;
END
$function$;
COMMENT ON FUNCTION monitoring_keep_claim(text, boolean, uuid[], uuid[], text[], text[], uuid, text, interval) IS
    'Claims notifications and keeps the bodies that every attempt sends; marks what they supersede.';

-- The notification of an alert's only step can be written as claimed: nothing of the alert waits or is being sent, and nothing newer is
-- to be told instead. That saves a burst the way into the outbox and out of it again. What has waited for two seconds goes first.

CREATE OR REPLACE FUNCTION monitoring_write_claimed(
    -- Of each, of what monitoring_take_unrouted gave in the same transaction:
    p_ids           uuid[],                                   -- new ones
    p_alerts        uuid[],
    p_receivers     text[],
    p_severities    text[],                                   -- of the step
    p_bodies        text[],
    p_content_types text[],
    -- Of all:
    p_claim_id      uuid,
    p_process       text,
    p_lease         interval,
    p_give_up       interval
) RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE
AS $function$
BEGIN
    -- Whoever routes need not wait for the disk; what may be sent must be there after a crash under the same id.
    SET LOCAL synchronous_commit TO DEFAULT;
    RETURN QUERY
    INSERT INTO monitoring_notifications
        (id, alert_id, receiver, cause, sequence, transition, severity, status, due_at, give_up_at, attempts,
         claim_id, claimed_by, claimed_until, message_id, frozen_at, body, content_type, created_at)
    SELECT
        w.id, w.alert_id, w.receiver, 'transition', 1, 'opened', w.severity, 'sending', now(), now() + p_give_up, 1,
        p_claim_id, p_process, now() + p_lease, w.id, now(), w.body, w.content_type, clock_timestamp()
    FROM unnest(p_ids, p_alerts, p_receivers, p_severities, p_bodies, p_content_types)
        AS w (id, alert_id, receiver, severity, body, content_type)
    ON CONFLICT (alert_id, receiver, cause, sequence) DO NOTHING
    RETURNING monitoring_notifications.id;
END
$function$;
COMMENT ON FUNCTION monitoring_write_claimed(uuid[], uuid[], text[], text[], text[], text[], uuid, text, interval, interval) IS
    'Writes notifications of first steps as claimed, with the bodies that every attempt sends. The ids of those that had not been written before.';

CREATE OR REPLACE FUNCTION monitoring_record_attempts(
    p_receiver         text,
    p_process          text,
    p_is_patient       boolean,                               -- of one request: an alert that somebody holds goes unmarked; else gives up
    -- Of each request that was made:
    p_messages         uuid[],
    p_attempts         integer[],
    p_started_at       timestamptz[],
    p_outcomes         text[],
    p_http_statuses    integer[],                             -- null: there was no answer
    p_reasons          text[],                                -- null: delivered
    p_name_lookups     integer[],                             -- microseconds since the start, as are the next; null: not measured
    p_connects         integer[],
    p_tls              integer[],
    p_first_bytes      integer[],
    p_totals           integer[],
    p_remote_addresses text[],
    p_answers          text[],
    -- Of each notification that a message told of:
    p_ids              uuid[],
    p_claim_ids        uuid[],
    p_statuses         text[],                                -- what becomes of it
    p_waits            integer[],                             -- milliseconds until it is due again; null: due_at stays
    p_as_text          boolean[],                             -- its form was refused: the next body is text alone
    p_given_back       boolean[],                             -- it was not sent: as if it had not been claimed
    p_last_errors      text[]
) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET join_collapse_limit = 1
SET from_collapse_limit = 1
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
DECLARE
    v_delivered uuid[];
BEGIN
    -- Of several, shorter than deadlock_timeout: in a deadlock this side gives way. One alone can be in none.
    PERFORM set_config('lock_timeout', CASE WHEN p_is_patient THEN '5s' ELSE '500ms' END, true);

    -- Every request that was made, whether its claim still holds or not.
    INSERT INTO monitoring_delivery_attempts
        (notification_id, attempt, process, started_at, outcome, http_status, reason,
         name_lookup_ms, connect_ms, tls_ms, first_byte_ms, total_ms, remote_address, answer)
    SELECT
        r.id, r.attempt, p_process, r.started_at, r.outcome, r.http_status, r.reason,
        r.name_lookup * 0.001, r.connect * 0.001, r.tls * 0.001, r.first_byte * 0.001, r.total * 0.001,
        r.remote_address, r.answer
    FROM unnest(
        p_messages, p_attempts, p_started_at, p_outcomes, p_http_statuses, p_reasons,
        p_name_lookups, p_connects, p_tls, p_first_bytes, p_totals, p_remote_addresses, p_answers
    ) AS r (
        id, attempt, started_at, outcome, http_status, reason,
        name_lookup, connect, tls, first_byte, total, remote_address, answer)
    ON CONFLICT (notification_id, attempt) DO NOTHING;

    -- Matched on the claim: one that was lost meanwhile is somebody else's by now. What was delivered need not be sent again where nobody
    -- has taken it since.
    WITH settled AS (
        UPDATE monitoring_notifications AS n
        SET status = r.status,
            due_at = coalesce(now() + r.wait * interval '1 millisecond', n.due_at),
            failures = CASE WHEN r.status = 'delivered' OR r.given_back OR r.as_text THEN n.failures ELSE n.failures + 1 END,
            attempts = n.attempts - r.given_back::integer,
            last_error = CASE WHEN r.status = 'delivered' THEN NULL ELSE coalesce(r.last_error, n.last_error) END,
            delivered_at = CASE WHEN r.status = 'delivered' THEN now() END,
            body = CASE WHEN r.as_text THEN NULL ELSE n.body END,
            content_type = CASE WHEN r.as_text THEN NULL ELSE n.content_type END,
            is_plain = n.is_plain OR r.as_text,
            claim_id = NULL,
            claimed_by = NULL,
            claimed_until = NULL,
            updated_at = now()
        FROM unnest(p_ids, p_claim_ids, p_statuses, p_waits, p_as_text, p_given_back, p_last_errors)
            AS r (id, claim_id, status, wait, as_text, given_back, last_error)
        WHERE n.id = r.id
            AND (n.claim_id = r.claim_id OR r.status = 'delivered' AND (n.status || '') = 'pending' AND n.claim_id IS NULL)
        RETURNING n.alert_id, n.status
    )
    SELECT array_agg(DISTINCT settled.alert_id ORDER BY settled.alert_id) INTO v_delivered
    FROM settled
    WHERE settled.status = 'delivered';

    -- In the order of the array, whatever the plan's statistics, since the joins are nested as they are written: two dispatchers
    -- never wait for each other.
    BEGIN
        UPDATE monitoring_alerts AS a
        SET notified = true,
            notified_at = coalesce(a.notified_at, now()),
            notification_channels = CASE WHEN p_receiver = ANY (a.notification_channels)
                THEN a.notification_channels ELSE a.notification_channels || p_receiver END,
            updated_at = now()
        FROM unnest(v_delivered) AS delivered (id)
        WHERE a.id = delivered.id
            AND (NOT a.notified OR p_receiver <> ALL (a.notification_channels));
    EXCEPTION WHEN lock_not_available THEN
        -- Better unmarked than sent again: what is not written down in time is.
        IF NOT p_is_patient THEN
            RAISE;
        END IF;
    END;
    RETURN coalesce(cardinality(v_delivered), 0);
END
$function$;
COMMENT ON FUNCTION monitoring_record_attempts(
    text, text, boolean, uuid[], integer[], timestamptz[], text[], integer[], text[], integer[], integer[], integer[], integer[],
    integer[], text[], text[], uuid[], uuid[], text[], integer[], boolean[], boolean[], text[]) IS
    'Writes down attempts and what becomes of their notifications, and marks the alerts that reached somebody. How many alerts those are.';
