extension Outbox {
    static let nextDue = """
        SELECT extract(epoch FROM greatest(n.due_at, r.paused_until) - clock_timestamp()) AS seconds
        FROM monitoring_notifications n
        LEFT JOIN monitoring_receivers r ON r.receiver = n.receiver
        WHERE n.receiver = $1::text
          AND n.status = 'pending'
          AND (n.message_id IS NULL OR n.message_id = n.id)
        ORDER BY n.due_at
        LIMIT 1
        """

    /// A receiver's row, locked: one claimer a receiver at a time.
    static let lock = """
        SELECT
            extract(epoch FROM paused_until - clock_timestamp())::double precision AS rest_left,
            disabled_at IS NOT NULL AS is_disabled,
            openings, tokens,
            coalesce(extract(epoch FROM clock_timestamp() - tokens_at), 0)::double precision AS tokens_age
        FROM monitoring_receivers
        WHERE receiver = $1::text
        FOR NO KEY UPDATE
        """

    /// Whether a notification `n` may be sent, as far as the other ones of its alert and receiver go.
    private static let isInTurn = """
        NOT EXISTS (
            SELECT FROM monitoring_notifications other
            WHERE other.alert_id = n.alert_id
              AND other.receiver = n.receiver
              AND (other.status = 'sending'
                   OR other.status = 'pending'
                      AND CASE WHEN $2::boolean AND (other.group_key IS NULL OR other.message_id IS NULL)
                          THEN (other.created_at, other.sequence, other.id) > (n.created_at, n.sequence, n.id)
                          -- Without superseding, and behind a message that tells of others too: in their order.
                          ELSE (other.created_at, other.sequence, other.id) < (n.created_at, n.sequence, n.id) END))
        """

    /// What is due, a row a notification with the unit that it is sent in. $4: one only, and only while none is being sent.
    static let select = """
        WITH units AS MATERIALIZED (
            SELECT n.id, n.message_id, n.group_key, row_number() OVER (ORDER BY n.due_at, n.created_at) AS position
            FROM monitoring_notifications n
            WHERE n.receiver = $1::text
              AND n.status = 'pending'
              AND (n.message_id IS NULL OR n.message_id = n.id)
              AND n.due_at <= now()
              AND NOT ($4::boolean AND EXISTS (
                  SELECT FROM monitoring_notifications tried WHERE tried.receiver = $1::text AND tried.status = 'sending'))
              AND CASE
                  -- A message that tells of several: as it is.
                  WHEN n.group_key IS NOT NULL AND n.message_id IS NOT NULL THEN true
                  -- A group that waits: by its first.
                  WHEN n.group_key IS NOT NULL THEN NOT EXISTS (
                      SELECT FROM monitoring_notifications before
                      WHERE before.receiver = n.receiver
                        AND before.group_key = n.group_key
                        AND before.frozen_at IS NULL
                        AND before.status = 'pending'
                        AND (before.created_at, before.id) < (n.created_at, n.id))
                  ELSE \(isInTurn) END
            ORDER BY n.due_at, n.created_at
            LIMIT $3::integer
        ), members AS (
            SELECT u.id AS unit, u.position, u.id
            FROM units u
            WHERE u.group_key IS NULL OR u.message_id IS NOT NULL
            UNION ALL
            SELECT u.id, u.position, m.id
            FROM units u
            JOIN monitoring_notifications m ON m.message_id = u.message_id AND m.group_key IS NOT NULL AND m.id <> u.id
            WHERE u.group_key IS NOT NULL AND u.message_id IS NOT NULL AND m.status = 'pending'
            UNION ALL
            SELECT u.id, u.position, m.id
            FROM units u
            CROSS JOIN LATERAL (
                SELECT n.id
                FROM monitoring_notifications n
                WHERE n.receiver = $1::text
                  AND n.group_key = u.group_key
                  AND n.frozen_at IS NULL
                  AND n.status = 'pending'
                  AND \(isInTurn)
                ORDER BY n.created_at, n.id
                LIMIT \(maximumMembers)
            ) m
            WHERE u.group_key IS NOT NULL AND u.message_id IS NULL
        )
        SELECT
            m.unit, n.id, n.message_id, n.attempts + 1 AS attempt, n.failures, n.is_plain, n.body, n.content_type,
            extract(epoch FROM n.give_up_at - now())::double precision AS seconds_left,
            n.cause, n.created_at, to_jsonb(a) AS alert, to_jsonb(t) AS transition
        FROM members m
        JOIN monitoring_notifications n ON n.id = m.id
        JOIN monitoring_alerts a ON a.id = n.alert_id
        LEFT JOIN monitoring_alert_transitions t
            ON n.cause NOT IN ('repeat', 'test') AND t.alert_id = n.alert_id AND t.sequence = n.sequence
        WHERE n.status = 'pending'
        ORDER BY m.position, n.created_at, n.id
        FOR UPDATE OF n SKIP LOCKED
        """

    /// Alerts in one message; what a group holds beyond is told in the next.
    static let maximumMembers = 500

    static let take = """
        UPDATE monitoring_notifications n
        SET status = 'sending',
            claim_id = $5::uuid,
            claimed_by = $6::text,
            claimed_until = now() + make_interval(secs => $7::double precision),
            attempts = n.attempts + 1,
            message_id = c.message_id,
            frozen_at = coalesce(n.frozen_at, now()),
            body = coalesce(n.body, nullif(c.body, '')),
            content_type = coalesce(n.content_type, nullif(c.content_type, '')),
            updated_at = now()
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS c (id, message_id, body, content_type)
        WHERE n.id = c.id
        """

    /// What a newer one overtakes. Not what is told in one message with others.
    static let supersede = """
        UPDATE monitoring_notifications older
        SET status = 'superseded', superseded_by = c.message_id, updated_at = now()
        FROM unnest($2::uuid[], $3::uuid[]) AS c (alert_id, message_id)
        WHERE older.alert_id = c.alert_id
          AND older.receiver = $1::text
          AND older.status = 'pending'
          AND (older.group_key IS NULL OR older.message_id IS NULL)
          AND older.created_at <= (
              SELECT max(claimed.created_at)
              FROM monitoring_notifications claimed
              WHERE claimed.alert_id = c.alert_id AND claimed.receiver = $1::text AND claimed.claim_id = $4::uuid)
        """

    static let keepTokens = """
        UPDATE monitoring_receivers
        SET tokens = $2::double precision, tokens_at = clock_timestamp()
        WHERE receiver = $1::text
        """

    static let giveBack = """
        UPDATE monitoring_notifications
        SET status = 'pending', claim_id = NULL, claimed_by = NULL, claimed_until = NULL, updated_at = now()
        WHERE claimed_by = $2::text
          AND status = 'sending'
          AND claim_id = ANY ($1::uuid[])
        """

    static let release = """
        UPDATE monitoring_notifications
        SET status = 'pending', claim_id = NULL, claimed_by = NULL, claimed_until = NULL, attempts = attempts - 1, updated_at = now()
        WHERE id = ANY ($1::uuid[])
          AND claimed_by = $2::text
          AND status = 'sending'
        """

    static let giveAllBack = """
        UPDATE monitoring_notifications
        SET status = 'pending', claim_id = NULL, claimed_by = NULL, claimed_until = NULL, updated_at = now()
        WHERE claimed_by = $1::text
          AND status = 'sending'
        """

    /// Every request that was made is recorded, whether its claim still holds or not.
    static let recordAttempts = """
        INSERT INTO monitoring_delivery_attempts
            (notification_id, attempt, process, started_at, outcome, http_status, reason,
             name_lookup_ms, connect_ms, tls_ms, first_byte_ms, total_ms, remote_address, answer)
        SELECT
            r.id, r.attempt, $2::text, r.started_at, r.outcome, r.http_status, r.reason,
            round(r.name_lookup_ms, 3), round(r.connect_ms, 3), round(r.tls_ms, 3), round(r.first_byte_ms, 3), round(r.total_ms, 3),
            r.remote_address, r.answer
        FROM jsonb_to_recordset($1::jsonb) AS r (
            id uuid, given_back boolean, attempt integer, started_at timestamptz, outcome text, http_status integer, reason text,
            name_lookup_ms numeric, connect_ms numeric, tls_ms numeric, first_byte_ms numeric, total_ms numeric,
            remote_address text, answer text)
        WHERE NOT r.given_back
        ON CONFLICT (notification_id, attempt) DO NOTHING
        """

    /// Matched on the claim: one that was lost meanwhile is somebody else's by now.
    static let recordResults = """
        WITH results AS (
            SELECT member.id, r.*
            FROM jsonb_to_recordset($1::jsonb) AS r (
                members uuid[], claim_id uuid, status text, wait_seconds double precision, as_text boolean, given_back boolean,
                reason text)
            CROSS JOIN LATERAL unnest(r.members) AS member (id)
        )
        UPDATE monitoring_notifications n
        SET status = r.status,
            due_at = coalesce(now() + make_interval(secs => r.wait_seconds), n.due_at),
            failures = CASE WHEN r.status = 'delivered' OR r.given_back OR r.as_text THEN n.failures ELSE n.failures + 1 END,
            attempts = n.attempts - r.given_back::integer,
            last_error = CASE WHEN r.status = 'delivered' THEN NULL ELSE coalesce(r.reason, n.last_error) END,
            delivered_at = CASE WHEN r.status = 'delivered' THEN now() END,
            body = CASE WHEN r.as_text THEN NULL ELSE n.body END,
            content_type = CASE WHEN r.as_text THEN NULL ELSE n.content_type END,
            is_plain = n.is_plain OR r.as_text,
            claim_id = NULL,
            claimed_by = NULL,
            claimed_until = NULL,
            updated_at = now()
        FROM results r
        WHERE n.id = r.id
          AND n.claim_id = r.claim_id
        RETURNING n.alert_id, n.status
        """

    /// Locked in one order first, so that two dispatchers never wait for each other.
    static let markNotified = """
        WITH locked AS (
            SELECT id FROM monitoring_alerts WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
        )
        UPDATE monitoring_alerts a
        SET notified = true,
            notified_at = coalesce(a.notified_at, now()),
            notification_channels = CASE WHEN $2::text = ANY (a.notification_channels)
                THEN a.notification_channels ELSE a.notification_channels || $2::text END,
            updated_at = now()
        FROM locked
        WHERE a.id = locked.id
          AND (NOT a.notified OR $2::text <> ALL (a.notification_channels))
        """

    /// Nothing is sent to it for a time: it asked for that, or its answers say that it is gone.
    static let pause = """
        UPDATE monitoring_receivers
        SET paused_until = greatest(paused_until, now() + make_interval(secs => $2::double precision)),
            disabled_at = CASE WHEN $3::text IS NULL THEN disabled_at ELSE coalesce(disabled_at, now()) END,
            disabled_reason = coalesce($3::text, disabled_reason),
            updated_at = now()
        WHERE receiver = $1::text
        """

    /// A success ends what failures began; a rest that was asked for is kept.
    static let recover = """
        UPDATE monitoring_receivers
        SET paused_until = NULL, disabled_at = NULL, disabled_reason = NULL, openings = 0, updated_at = now()
        WHERE receiver = $1::text
          AND (openings > 0 OR disabled_at IS NOT NULL)
        """

    static let hasten = """
        UPDATE monitoring_notifications
        SET due_at = now(), updated_at = now()
        WHERE receiver = $1::text
          AND status = 'pending'
          AND failures > 0
          AND due_at > now()
        """

    /// Once, however many processes find it out.
    static let open = """
        UPDATE monitoring_receivers
        SET openings = $3::integer,
            paused_until = greatest(paused_until, now() + make_interval(secs => $2::double precision)),
            updated_at = now()
        WHERE receiver = $1::text
          AND openings = $3::integer - 1
        """

    static let register = """
        INSERT INTO monitoring_receivers (receiver, endpoint)
        VALUES ($1::text, $2::text)
        ON CONFLICT (receiver) DO UPDATE
        SET endpoint = excluded.endpoint, paused_until = NULL, disabled_at = NULL, disabled_reason = NULL, openings = 0, updated_at = now()
        WHERE monitoring_receivers.endpoint <> excluded.endpoint
        """

    static let heartbeat = """
        INSERT INTO monitoring_processes (process, started_at, seen_at)
        VALUES ($1::text, clock_timestamp(), clock_timestamp())
        ON CONFLICT (process) DO UPDATE SET seen_at = excluded.seen_at
        """

    /// The claims of this process come back only with their time: its own heartbeat may be late while its requests are under way.
    /// Each was perhaps sent: that it is not known is recorded.
    static let reclaim = """
        WITH lost AS (
            SELECT n.id, n.claimed_by
            FROM monitoring_notifications n
            WHERE n.status = 'sending'
              AND (n.claimed_until < now()
                   OR n.claimed_by <> $1::text AND NOT EXISTS (
                       SELECT FROM monitoring_processes p
                       WHERE p.process = n.claimed_by
                         AND p.seen_at > now() - make_interval(secs => $2::double precision)))
            FOR UPDATE SKIP LOCKED
        ), returned AS (
            UPDATE monitoring_notifications n
            SET status = 'pending', claim_id = NULL, claimed_by = NULL, claimed_until = NULL, updated_at = now()
            FROM lost
            WHERE n.id = lost.id
            RETURNING n.id, n.message_id, n.attempts, n.frozen_at, lost.claimed_by
        ), recorded AS (
            INSERT INTO monitoring_delivery_attempts (notification_id, attempt, process, started_at, outcome, reason)
            SELECT id, attempts, claimed_by, coalesce(frozen_at, now()), 'unknown', 'unknown_outcome'
            FROM returned
            WHERE message_id = id
            ON CONFLICT (notification_id, attempt) DO NOTHING
        )
        SELECT id FROM returned
        """

    /// Those that were killed; their claims came back long ago.
    static let forgetDead = "DELETE FROM monitoring_processes WHERE seen_at < now() - interval '1 day'"

    static let buryOverdue = """
        UPDATE monitoring_notifications n
        SET status = 'dead', last_error = coalesce(n.last_error, 'circuit_open'), updated_at = now()
        FROM (
            SELECT overdue.id
            FROM monitoring_notifications overdue
            JOIN monitoring_receivers r ON r.receiver = overdue.receiver
            WHERE overdue.status = 'pending'
              AND overdue.give_up_at < now()
              AND r.paused_until > now()
            LIMIT 1000
            FOR UPDATE OF overdue SKIP LOCKED
        ) overdue
        WHERE n.id = overdue.id
        """

    static let buryUndefined = """
        UPDATE monitoring_notifications
        SET status = 'dead', last_error = 'undefined_receiver', updated_at = now()
        WHERE status = 'pending'
          AND give_up_at < now()
          AND receiver <> ALL ($1::text[])
        """
}
