extension Outbox {
    static let nextDue = """
        SELECT extract(epoch FROM greatest(n.due_at, r.paused_until) - clock_timestamp()) AS seconds
        FROM monitoring_notifications n
        LEFT JOIN monitoring_receivers r ON r.receiver = n.receiver
        WHERE n.receiver = $1::text
          AND n.status = 'pending'
        ORDER BY n.due_at
        LIMIT 1
        """

    static let lock = "SELECT pg_advisory_xact_lock(hashtextextended('monitoring_notifications ' || $1::text, 0))"

    static let claim = """
        WITH candidates AS (
            SELECT n.id
            FROM monitoring_notifications n
            WHERE n.receiver = $1::text
              AND n.status = 'pending'
              AND n.due_at <= now()
              AND NOT EXISTS (
                  SELECT FROM monitoring_receivers r
                  WHERE r.receiver = $1::text AND r.paused_until > now())
              AND NOT EXISTS (
                  SELECT FROM monitoring_notifications other
                  WHERE other.alert_id = n.alert_id
                    AND other.receiver = n.receiver
                    AND (other.status = 'sending'
                         OR other.status = 'pending' AND CASE WHEN $2::boolean
                             THEN (other.created_at, other.sequence, other.id) > (n.created_at, n.sequence, n.id)
                             ELSE (other.created_at, other.sequence, other.id) < (n.created_at, n.sequence, n.id) END))
            ORDER BY n.due_at, n.created_at
            LIMIT $3::integer
            FOR UPDATE OF n SKIP LOCKED
        ), claimed AS (
            UPDATE monitoring_notifications n
            SET status = 'sending',
                claim_id = $4::uuid,
                claimed_by = $5::text,
                claimed_until = now() + make_interval(secs => $6::double precision),
                attempts = n.attempts + 1,
                updated_at = now()
            FROM candidates c
            WHERE n.id = c.id
            RETURNING n.*
        ), superseded AS (
            UPDATE monitoring_notifications older
            SET status = 'superseded', superseded_by = c.id, updated_at = now()
            FROM claimed c
            WHERE $2::boolean
              AND older.alert_id = c.alert_id
              AND older.receiver = c.receiver
              AND older.status = 'pending'
              AND older.id <> c.id
        )
        SELECT
            c.id, c.attempts, c.failures, c.is_plain, c.body, c.content_type,
            extract(epoch FROM c.give_up_at - now())::double precision AS seconds_left,
            c.cause, c.created_at, to_jsonb(a) AS alert, to_jsonb(t) AS transition
        FROM claimed c
        JOIN monitoring_alerts a ON a.id = c.alert_id
        LEFT JOIN monitoring_alert_transitions t
            ON c.cause IN ('transition', 'snooze_ended', 'silence_ended') AND t.alert_id = c.alert_id AND t.sequence = c.sequence
        ORDER BY c.created_at, c.id
        """

    static let freeze = """
        UPDATE monitoring_notifications n
        SET body = f.body, content_type = f.content_type, updated_at = now()
        FROM unnest($1::uuid[], $2::text[], $3::text[]) AS f (id, body, content_type)
        WHERE n.id = f.id
          AND n.claim_id = $4::uuid
          AND n.body IS NULL
        RETURNING n.id
        """

    static let giveBack = """
        UPDATE monitoring_notifications
        SET status = 'pending', claim_id = NULL, claimed_by = NULL, claimed_until = NULL, updated_at = now()
        WHERE claimed_by = $2::text
          AND status = 'sending'
          AND claim_id = ANY ($1::uuid[])
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

    static let recordResults = """
        UPDATE monitoring_notifications n
        SET status = r.status,
            due_at = coalesce(now() + make_interval(secs => r.wait_seconds), n.due_at),
            failures = CASE WHEN r.status = 'delivered' OR r.given_back OR r.as_text THEN n.failures ELSE n.failures + 1 END,
            attempts = n.attempts - r.given_back::integer,
            last_error = CASE WHEN r.status = 'delivered' THEN NULL ELSE coalesce(r.reason, n.last_error) END,
            delivered_at = CASE WHEN r.status = 'delivered' THEN now() END,
            body = CASE WHEN r.as_text THEN NULL ELSE n.body END,
            is_plain = n.is_plain OR r.as_text,
            claim_id = NULL,
            claimed_by = NULL,
            claimed_until = NULL,
            updated_at = now()
        FROM jsonb_to_recordset($1::jsonb)
            AS r (id uuid, status text, wait_seconds double precision, as_text boolean, given_back boolean, reason text)
        WHERE n.id = r.id
          AND n.claim_id = $2::uuid
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
        """

    /// A success ends a rest, unless another answer of the same batch asked for one.
    static let recordReceiver = """
        UPDATE monitoring_receivers
        SET paused_until = now() + make_interval(secs => $2::double precision),
            disabled_at = CASE WHEN $3::text IS NOT NULL THEN coalesce(disabled_at, now()) END,
            disabled_reason = $3::text,
            updated_at = now()
        WHERE receiver = $1::text
          AND ($2::double precision IS NOT NULL OR paused_until IS NOT NULL OR disabled_at IS NOT NULL)
        """

    static let register = """
        INSERT INTO monitoring_receivers (receiver, endpoint)
        VALUES ($1::text, $2::text)
        ON CONFLICT (receiver) DO UPDATE
        SET endpoint = excluded.endpoint, paused_until = NULL, disabled_at = NULL, disabled_reason = NULL, updated_at = now()
        WHERE monitoring_receivers.endpoint <> excluded.endpoint
        """

    static let heartbeat = """
        INSERT INTO monitoring_processes (process, started_at, seen_at)
        VALUES ($1::text, clock_timestamp(), clock_timestamp())
        ON CONFLICT (process) DO UPDATE SET seen_at = excluded.seen_at
        """

    /// The claims of this process come back only with their time: its own heartbeat may be late while its requests are under way.
    static let reclaim = """
        UPDATE monitoring_notifications n
        SET status = 'pending', claim_id = NULL, claimed_by = NULL, claimed_until = NULL, updated_at = now()
        WHERE n.status = 'sending'
          AND (n.claimed_until < now()
               OR n.claimed_by <> $1::text AND NOT EXISTS (
                   SELECT FROM monitoring_processes p
                   WHERE p.process = n.claimed_by
                     AND p.seen_at > now() - make_interval(secs => $2::double precision)))
        """

    /// Those that were killed; their claims came back long ago.
    static let forgetDead = "DELETE FROM monitoring_processes WHERE seen_at < now() - interval '1 day'"

    static let buryUndefined = """
        UPDATE monitoring_notifications
        SET status = 'dead', last_error = 'undefined_receiver', updated_at = now()
        WHERE status = 'pending'
          AND give_up_at < now()
          AND receiver <> ALL ($1::text[])
        """
}
