extension Outbox {
    static let nextDue = """
        \(waiting)
        ORDER BY n.due_at
        LIMIT 1
        """

    static let nextDueLater = """
        \(waiting)
          AND n.due_at > now()
        ORDER BY n.due_at
        LIMIT 1
        """

    private static let waiting = """
        SELECT extract(epoch FROM greatest(n.due_at, r.paused_until) - clock_timestamp()) AS seconds
        FROM monitoring_notifications n
        LEFT JOIN monitoring_receivers r ON r.receiver = n.receiver
        WHERE n.receiver = $1::text
          AND n.status = 'pending'
          AND (n.message_id IS NULL OR n.message_id = n.id)
        """

    /// A receiver's row, locked: one claimer a receiver at a time.
    static let lock = """
        SELECT
            extract(epoch FROM paused_until - clock_timestamp())::double precision AS rest_left,
            disabled_at IS NOT NULL AS is_disabled,
            openings,
            -- Of a time that has not come: the database's clock was set back.
            CASE WHEN tokens_at <= clock_timestamp() THEN tokens END AS tokens,
            coalesce(extract(epoch FROM clock_timestamp() - tokens_at), 0)::double precision AS tokens_age
        FROM monitoring_receivers
        WHERE receiver = $1::text
        FOR NO KEY UPDATE
        """

    static let claimable = "SELECT * FROM monitoring_claimable($1::text, $2::boolean, $3::integer, $4::boolean)"

    static let keepClaim = """
        SELECT monitoring_keep_claim(
            $1::text, $2::boolean, $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid, $8::text,
            make_interval(secs => $9::double precision))
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

    /// Matched on the claim: a statement that comes late must not end a newer one.
    static let release = """
        UPDATE monitoring_notifications n
        SET status = 'pending', claim_id = NULL, claimed_by = NULL, claimed_until = NULL, attempts = n.attempts - 1, updated_at = now()
        FROM unnest($1::uuid[], $2::uuid[]) AS held (id, claim_id)
        WHERE n.id = held.id
          AND n.claim_id = held.claim_id
          AND n.claimed_by = $3::text
          AND n.status = 'sending'
        """

    static let giveAllBack = """
        UPDATE monitoring_notifications
        SET status = 'pending', claim_id = NULL, claimed_by = NULL, claimed_until = NULL, updated_at = now()
        WHERE claimed_by = $1::text
          AND status = 'sending'
        """

    static let recordAttempts = """
        SELECT monitoring_record_attempts(
            $1::text, $2::text, $3::boolean,
            $4::uuid[], $5::integer[], $6::timestamptz[], $7::text[], $8::integer[], $9::text[],
            $10::integer[], $11::integer[], $12::integer[], $13::integer[], $14::integer[], $15::text[], $16::text[],
            $17::uuid[], $18::uuid[], $19::text[], $20::integer[], $21::boolean[], $22::boolean[], $23::text[]) AS delivered
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

    /// A success ends what failures began, with whatever rest there is; one that was asked for alone is kept.
    static let recover = """
        UPDATE monitoring_receivers
        SET paused_until = NULL, disabled_at = NULL, disabled_reason = NULL, openings = 0, updated_at = now()
        WHERE receiver = $1::text
          AND (openings > 0 OR disabled_at IS NOT NULL)
        """

    static let noteDelivery = """
        UPDATE monitoring_receivers
        SET delivered_at = greatest(delivered_at, now())
        WHERE receiver = $1::text
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

    static let beat = """
        INSERT INTO monitoring_processes (process, started_at, seen_at)
        VALUES ($1::text, clock_timestamp(), clock_timestamp())
        ON CONFLICT (process) DO UPDATE SET seen_at = excluded.seen_at
        """

    /// The claims of this process come back only with their time: its own heartbeat may be late while its requests are under way.
    /// Each was perhaps sent: that it is not known is recorded.
    static let takeLost = """
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

    static let dropIgnored = """
        UPDATE monitoring_notifications
        SET status = 'dropped', last_error = 'ignored', updated_at = now()
        WHERE id = ANY ($1::uuid[])
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

    /// What was to be told in one message with another notification that is over: nobody claims it by itself, and it would hold up all that
    /// follows of its alert.
    static let buryLeftBehind = """
        UPDATE monitoring_notifications n
        SET status = 'dead', last_error = coalesce(n.last_error, left_behind.reason, 'circuit_open'), updated_at = now()
        FROM (
            SELECT member.id, lead.last_error AS reason
            FROM monitoring_notifications member
            LEFT JOIN monitoring_notifications lead ON lead.id = member.message_id
            WHERE member.status = 'pending'
              AND member.message_id <> member.id
              AND coalesce(lead.status NOT IN ('pending', 'sending'), true)
            LIMIT 1000
            FOR UPDATE OF member SKIP LOCKED
        ) left_behind
        WHERE n.id = left_behind.id
        """

    static let buryUndefined = """
        UPDATE monitoring_notifications
        SET status = 'dead', last_error = 'undefined_receiver', updated_at = now()
        WHERE status = 'pending'
          AND give_up_at < now()
          AND receiver <> ALL ($1::text[])
        """
}
