-- Alerts from elsewhere: what a request says becomes alerts, steps and what is known of their sources, in one statement.
--
-- Whoever opens, reopens or ends alerts from elsewhere holds one lock (thousands of fingerprints in a request are more than there are
-- locks). A person takes it in place of the fingerprint's. What only says again what is known takes none.
-- The data version is not raised here: an evaluation raises it before it writes steps, which would each wait for the other. Whoever
-- calls does it in a statement of its own.

CREATE OR REPLACE FUNCTION monitoring_lock_relay() RETURNS void
LANGUAGE sql
AS $$
SELECT pg_advisory_xact_lock(hashtextextended('monitoring_relayed_alerts', 0))
$$;
COMMENT ON FUNCTION monitoring_lock_relay() IS
    'Held to the end of the transaction: who opens, reopens or resolves alerts from elsewhere does so alone.';

CREATE OR REPLACE FUNCTION monitoring_resolve_relayed(p_ids uuid[], p_actor text, p_credential text, p_note text, p_at timestamptz)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $function$
DECLARE
    v_count integer;
BEGIN
    WITH standing AS MATERIALIZED (
        SELECT a.id, a.status, a.severity, a.sequence
        FROM monitoring_alerts AS a
        WHERE a.id = ANY (p_ids)
        ORDER BY a.id
        FOR NO KEY UPDATE
    ), step AS MATERIALIZED (
        SELECT s.id, s.status, s.severity, s.sequence + 1 AS sequence, t.to_status, t.transition
        FROM standing AS s
        JOIN monitoring_allowed_transitions() AS t ON t.action = 'resolve' AND t.actor = 'evaluation' AND t.from_status = s.status
    ), ended AS (
        UPDATE monitoring_alerts AS a
        SET status = step.to_status, sequence = step.sequence, resolved_at = p_at, resolved_by = NULL, resolution_note = p_note,
            cleared_at = p_at, snoozed_until = NULL, updated_at = now()
        FROM step
        WHERE a.id = step.id
    ), written AS (
        INSERT INTO monitoring_alert_transitions
            (alert_id, sequence, transition, from_status, to_status, from_severity, to_severity, actor, credential, note, occurred_at)
        SELECT step.id, step.sequence, step.transition, step.status, step.to_status, step.severity, step.severity, p_actor, p_credential,
            p_note, p_at
        FROM step
        ORDER BY step.id
        RETURNING 1
    )
    SELECT count(*) INTO v_count FROM written;
    IF v_count > 0 THEN
        PERFORM pg_notify('monitoring_transitions', 'relay');
    END IF;
    RETURN v_count;
END
$function$;
COMMENT ON FUNCTION monitoring_resolve_relayed(uuid[], text, text, text, timestamptz) IS
    'Ends alerts from elsewhere that are not resolved yet; how many those were. Its caller holds monitoring_lock_relay().';

CREATE OR REPLACE FUNCTION monitoring_is_renewal(
    p_known timestamptz, p_said timestamptz, p_at timestamptz,
    p_is_first boolean                                        -- the first end that a source names, where what is known is a time of silence
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT p_said <> p_known
        AND (p_is_first OR p_known = 'infinity' OR p_said = 'infinity'
            OR p_said - p_known > least(interval '30 seconds', (p_said - p_at) / 10))
$function$;
COMMENT ON FUNCTION monitoring_is_renewal(timestamptz, timestamptz, timestamptz, boolean) IS
    'Whether the end that is said of an alert that stands is to be written over the one that is known: not where it moves by little, nor '
    'back, since of two sources that say the same alert the one with the shorter patience would end what the other still says; but an '
    'end that is named at last is.';

CREATE OR REPLACE FUNCTION monitoring_relay_alerts(
    -- Of each alert, no fingerprint twice:
    p_fingerprints text[],
    p_labels       text[],                                    -- a JSON object of texts
    p_annotations  text[],                                    -- a JSON object of texts
    p_generators   text[],                                    -- '' where it has none
    p_contents     text[],                                    -- digest of annotations and generator
    p_severities   text[],
    p_headlines    text[],
    p_summaries    text[],
    p_starts       timestamptz[],
    p_ends         timestamptz[],                             -- over where that is not after p_at; infinity: until its source says so
    -- Of all:
    p_origin       text,
    p_credential   text,
    p_at           timestamptz,
    p_reopen       interval,                                  -- one that comes back within it is reopened, not new
    p_most         integer,                                   -- so many may stand at a time
    -- Of each again: whether its source named the end, or it follows from its patience.
    p_named        boolean[]
) RETURNS TABLE (opened integer, reopened integer, resolved integer, changed integer, renewed integer, refused integer)
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
DECLARE
    v_count  integer;
    v_again  integer;
    v_new    integer;
    v_other  integer;                                         -- known, and now something else is said of them
    v_over   integer;
    v_ended  uuid[];
    v_held   integer := 0;
    v_open   record;                                          -- of monitoring_allowed_transitions()
    v_reopen record;
BEGIN
    opened := 0; reopened := 0; resolved := 0; changed := 0; renewed := 0; refused := 0;

    -- Whether any is seen again with another end, and whether there is anything else.
    SELECT
        count(*) FILTER (WHERE g.ends_at > p_at AND r.content = g.content
            AND monitoring_is_renewal(r.ends_at, g.ends_at, p_at, g.named AND NOT r.ends_named)),
        count(*) FILTER (WHERE CASE WHEN g.ends_at > p_at THEN r.content IS DISTINCT FROM g.content ELSE r.fingerprint IS NOT NULL END)
    INTO v_again, v_count
    FROM unnest(p_fingerprints, p_contents, p_ends, p_named) AS g (fingerprint, content, ends_at, named)
    LEFT JOIN monitoring_relayed_alerts AS r ON r.fingerprint = g.fingerprint;

    -- Before any row is: whoever has the lock may wait for one that is held here.
    IF v_count > 0 THEN
        PERFORM monitoring_lock_relay();
    END IF;

    -- A row that somebody else holds is being seen again just now.
    IF v_again > 0 THEN
        WITH moved AS MATERIALIZED (
            SELECT r.fingerprint, g.ends_at, g.named
            FROM unnest(p_fingerprints, p_contents, p_ends, p_named) AS g (fingerprint, content, ends_at, named)
            JOIN monitoring_relayed_alerts AS r ON r.fingerprint = g.fingerprint
            WHERE r.content = g.content AND g.ends_at > p_at
                AND monitoring_is_renewal(r.ends_at, g.ends_at, p_at, g.named AND NOT r.ends_named)
            FOR NO KEY UPDATE OF r SKIP LOCKED
        )
        UPDATE monitoring_relayed_alerts AS r
        SET ends_at = moved.ends_at, ends_named = moved.named, last_seen_at = greatest(r.last_seen_at, p_at)
        FROM moved
        WHERE r.fingerprint = moved.fingerprint;
        GET DIAGNOSTICS renewed = ROW_COUNT;
    END IF;
    IF v_count = 0 THEN
        RETURN NEXT;
        RETURN;
    END IF;

    -- What else: a request brings mostly one of the three.
    SELECT
        count(*) FILTER (WHERE g.ends_at > p_at AND r.fingerprint IS NULL),
        count(*) FILTER (WHERE g.ends_at > p_at AND r.content <> g.content),
        count(*) FILTER (WHERE g.ends_at <= p_at AND r.fingerprint IS NOT NULL)
    INTO v_new, v_other, v_over
    FROM unnest(p_fingerprints, p_contents, p_ends) AS g (fingerprint, content, ends_at)
    LEFT JOIN monitoring_relayed_alerts AS r ON r.fingerprint = g.fingerprint;

    IF v_over > 0 THEN
        -- What its source says at the end of it; one that only says that it is over changes no words.
        WITH said AS MATERIALIZED (
            SELECT g.*, r.alert_id
            FROM unnest(p_fingerprints, p_annotations, p_generators, p_contents, p_headlines, p_summaries, p_ends)
                AS g (fingerprint, annotations, generator_url, content, headline, summary, ends_at)
            JOIN monitoring_relayed_alerts AS r ON r.fingerprint = g.fingerprint
            WHERE g.ends_at <= p_at
                AND r.content <> g.content
                AND g.annotations <> '{}'
            ORDER BY r.alert_id
        )
        UPDATE monitoring_alerts AS a
        SET annotations = said.annotations::jsonb, generator_url = coalesce(nullif(said.generator_url, ''), a.generator_url),
            summary = said.summary, context_data = jsonb_build_object('headline', said.headline), updated_at = now()
        FROM said
        WHERE a.id = said.alert_id
            AND a.status <> 'resolved';
        WITH gone AS (
            DELETE FROM monitoring_relayed_alerts AS r
            USING unnest(p_fingerprints, p_ends) AS g (fingerprint, ends_at)
            WHERE r.fingerprint = g.fingerprint
                AND g.ends_at <= p_at
            RETURNING r.alert_id
        )
        SELECT array_agg(gone.alert_id) INTO v_ended FROM gone;
        resolved := monitoring_resolve_relayed(v_ended, p_origin, p_credential, NULL, p_at);
    END IF;

    -- Whether there is room for what is new: for all of it or for nothing.
    IF v_new > 0 THEN
        -- A page has room for 58 at most: they are counted when that many could be too many.
        IF pg_relation_size('monitoring_relayed_alerts') / 8192 * 58 + v_new > p_most THEN
            SELECT count(*) INTO v_held FROM monitoring_relayed_alerts;
        END IF;
        IF v_held + v_new > p_most THEN
            RAISE EXCEPTION 'there is room for % alerts', p_most USING ERRCODE = 'TMFUL';
        END IF;
        SELECT * INTO STRICT v_open FROM monitoring_allowed_transitions() AS t WHERE t.action = 'open' AND t.actor = 'evaluation';
        SELECT * INTO STRICT v_reopen FROM monitoring_allowed_transitions() AS t WHERE t.action = 'reopen' AND t.actor = 'evaluation';
        WITH fresh AS MATERIALIZED (
            SELECT
                g.*, former.id AS former_id, former.status AS former_status, former.severity AS former_severity,
                former.sequence AS former_sequence,
                coalesce(former.status <> 'resolved', false) AS stands,
                coalesce(former.status = v_reopen.from_status AND former.resolved_at >= p_at - p_reopen, false) AS comes_back,
                gen_random_uuid() AS new_id
            FROM unnest(
                p_fingerprints, p_labels, p_annotations, p_generators, p_contents, p_severities, p_headlines, p_summaries, p_starts, p_ends,
                p_named
            ) AS g (fingerprint, labels, annotations, generator_url, content, severity, headline, summary, starts_at, ends_at, named)
            LEFT JOIN LATERAL (
                SELECT a.id, a.status, a.severity, a.sequence, a.resolved_at
                FROM monitoring_alerts AS a
                WHERE a.fingerprint = g.fingerprint
                ORDER BY a.status = 'resolved', a.opened_at DESC, a.created_at DESC
                LIMIT 1
            ) AS former ON true
            WHERE g.ends_at > p_at
                -- Where each is new, that was asked already, under the lock.
                AND (v_new = cardinality(p_fingerprints)
                    OR NOT EXISTS (SELECT FROM monitoring_relayed_alerts AS r WHERE r.fingerprint = g.fingerprint))
        ), step AS MATERIALIZED (
            SELECT
                fresh.*,
                CASE WHEN fresh.stands OR fresh.comes_back THEN fresh.former_id ELSE fresh.new_id END AS id,
                CASE WHEN fresh.comes_back THEN fresh.former_sequence + 1 ELSE 1 END AS sequence,
                CASE WHEN fresh.stands THEN NULL WHEN fresh.comes_back THEN v_reopen.to_status ELSE v_open.to_status END AS to_status,
                CASE WHEN fresh.stands THEN NULL WHEN fresh.comes_back THEN v_reopen.transition ELSE v_open.transition END AS transition
            FROM fresh
        ), made AS (
            INSERT INTO monitoring_alerts
                (id, fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, status, opened_at, live_since,
                 last_evidence_at, summary, context_data, sequence, origin, labels, annotations, generator_url)
            SELECT
                step.id, step.fingerprint, 'relayed', step.severity, step.severity, 'relayed', (p_at AT TIME ZONE 'UTC')::date,
                step.to_status, least(step.starts_at, p_at), p_at, p_at, step.summary,
                jsonb_build_object('headline', step.headline), step.sequence, p_origin, step.labels::jsonb, step.annotations::jsonb,
                nullif(step.generator_url, '')
            FROM step
            WHERE step.transition = 'opened'
            RETURNING 1
        ), again AS (
            UPDATE monitoring_alerts AS a
            SET status = step.to_status, severity = step.severity,
                peak_severity = CASE WHEN monitoring_severity_rank(step.severity) > monitoring_severity_rank(a.peak_severity)
                    THEN step.severity ELSE a.peak_severity END,
                sequence = step.sequence, acknowledged_at = NULL, acknowledged_by = NULL, resolved_at = NULL, resolved_by = NULL,
                resolution_note = NULL, held_severity = NULL, live_since = p_at, snoozed_until = NULL,
                last_evidence_at = greatest(a.last_evidence_at, p_at), summary = step.summary,
                context_data = jsonb_build_object('headline', step.headline), annotations = step.annotations::jsonb,
                generator_url = nullif(step.generator_url, ''), updated_at = now()
            FROM step
            WHERE step.transition = 'reopened'
                AND a.id = step.id
            RETURNING 1
        ), known AS (
            INSERT INTO monitoring_relayed_alerts (fingerprint, alert_id, content, started_at, last_seen_at, ends_at, ends_named)
            -- Of one that a person reopened the words are taken over when they are said again.
            SELECT
                step.fingerprint, step.id, CASE WHEN step.stands THEN '' ELSE step.content END, least(step.starts_at, p_at), p_at, step.ends_at,
                step.named
            FROM step
        ), written AS (
            INSERT INTO monitoring_alert_transitions
                (alert_id, sequence, transition, from_status, to_status, from_severity, to_severity, actor, credential, occurred_at)
            SELECT
                step.id, step.sequence, step.transition, CASE WHEN step.comes_back THEN step.former_status END, step.to_status,
                CASE WHEN step.comes_back THEN step.former_severity END, step.severity, p_origin, p_credential, p_at
            FROM step
            WHERE step.transition IS NOT NULL
        )
        SELECT (SELECT count(*) FROM made), (SELECT count(*) FROM again) INTO opened, reopened;
        IF opened + reopened > 0 THEN
            PERFORM pg_notify('monitoring_transitions', 'relay');
        END IF;
    END IF;

    IF v_other = 0 THEN
        RETURN NEXT;
        RETURN;
    END IF;

    -- One that is known already has become worse or better.
    WITH standing AS MATERIALIZED (
        SELECT a.id, a.status, a.severity AS former, a.sequence + 1 AS sequence, g.severity
        FROM unnest(p_fingerprints, p_contents, p_severities, p_ends) AS g (fingerprint, content, severity, ends_at)
        JOIN monitoring_relayed_alerts AS r ON r.fingerprint = g.fingerprint
        JOIN monitoring_alerts AS a ON a.id = r.alert_id
        WHERE g.ends_at > p_at
            AND r.content <> g.content
            AND a.severity <> g.severity
        ORDER BY a.id
        FOR NO KEY UPDATE OF a
    ), step AS MATERIALIZED (
        SELECT s.*, t.to_status, t.transition
        FROM standing AS s
        JOIN monitoring_allowed_transitions() AS t
            ON t.actor = 'evaluation'
            AND t.from_status = s.status
            AND t.action = CASE WHEN monitoring_severity_rank(s.severity) > monitoring_severity_rank(s.former)
                THEN 'escalate' ELSE 'deescalate' END
    ), moved AS (
        UPDATE monitoring_alerts AS a
        SET severity = step.severity, sequence = step.sequence, updated_at = now(),
            peak_severity = CASE WHEN monitoring_severity_rank(step.severity) > monitoring_severity_rank(a.peak_severity)
                THEN step.severity ELSE a.peak_severity END
        FROM step
        WHERE a.id = step.id
    ), written AS (
        INSERT INTO monitoring_alert_transitions
            (alert_id, sequence, transition, from_status, to_status, from_severity, to_severity, actor, credential, occurred_at)
        SELECT step.id, step.sequence, step.transition, step.status, step.to_status, step.former, step.severity, p_origin, p_credential, p_at
        FROM step
        RETURNING 1
    )
    SELECT count(*) INTO v_count FROM written;
    IF v_count > 0 THEN
        PERFORM pg_notify('monitoring_transitions', 'relay');
    END IF;

    -- What is said of one that is known already, in other words.
    WITH reworded AS MATERIALIZED (
        SELECT
            g.*, r.alert_id,
            g.named AND NOT r.ends_named OR 'infinity' IN (r.ends_at, g.ends_at) OR g.ends_at > r.ends_at AS is_renewal
        FROM unnest(p_fingerprints, p_annotations, p_generators, p_contents, p_headlines, p_summaries, p_ends, p_named)
            AS g (fingerprint, annotations, generator_url, content, headline, summary, ends_at, named)
        JOIN monitoring_relayed_alerts AS r ON r.fingerprint = g.fingerprint
        WHERE g.ends_at > p_at
            AND r.content <> g.content
        ORDER BY r.alert_id
    ), shown AS (
        UPDATE monitoring_alerts AS a
        SET annotations = reworded.annotations::jsonb, generator_url = nullif(reworded.generator_url, ''), summary = reworded.summary,
            context_data = jsonb_build_object('headline', reworded.headline), updated_at = now()
        FROM reworded
        WHERE a.id = reworded.alert_id
            AND a.status <> 'resolved'
    ), noted AS (
        UPDATE monitoring_relayed_alerts AS r
        SET content = reworded.content,
            ends_at = CASE WHEN reworded.is_renewal THEN reworded.ends_at ELSE r.ends_at END,
            ends_named = CASE WHEN reworded.is_renewal THEN reworded.named ELSE r.ends_named END,
            last_seen_at = greatest(r.last_seen_at, p_at)
        FROM reworded
        WHERE r.fingerprint = reworded.fingerprint
        RETURNING 1
    )
    SELECT count(*) INTO changed FROM noted;
    RETURN NEXT;
END
$function$;
COMMENT ON FUNCTION monitoring_relay_alerts(
    text[], text[], text[], text[], text[], text[], text[], text[], timestamptz[], timestamptz[], text, text, timestamptz, interval, integer,
    boolean[]) IS
    'Takes in what a source elsewhere says: all of it or, by an error, nothing. What stands and is said again changes nothing but its end. '
    'More than p_most at a time: SQLSTATE TMFUL.';

CREATE OR REPLACE FUNCTION monitoring_end_relayed(p_at timestamptz, p_limit integer DEFAULT 5000) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    v_ended uuid[];
BEGIN
    IF NOT EXISTS (SELECT FROM monitoring_relayed_alerts WHERE ends_at <= p_at) THEN
        RETURN 0;
    END IF;
    PERFORM monitoring_lock_relay();
    WITH silent AS (
        DELETE FROM monitoring_relayed_alerts AS r
        WHERE r.fingerprint IN (
                SELECT over.fingerprint FROM monitoring_relayed_alerts AS over WHERE over.ends_at <= p_at ORDER BY over.ends_at LIMIT p_limit)
            -- Whoever held it may just have said it again.
            AND r.ends_at <= p_at
        RETURNING r.alert_id
    )
    SELECT array_agg(silent.alert_id) INTO v_ended FROM silent;
    IF v_ended IS NULL THEN
        RETURN 0;
    END IF;
    RETURN monitoring_resolve_relayed(v_ended, 'monitor', NULL, 'Its source has not said any more that it stands.', p_at);
END
$function$;
COMMENT ON FUNCTION monitoring_end_relayed(timestamptz, integer) IS
    'Ends alerts from elsewhere whose time was over at a moment and that were not seen again; how many, of so many at most.';

CREATE OR REPLACE FUNCTION monitoring_standing_alerts(p_labels jsonb, p_at timestamptz)
RETURNS TABLE (
    id            uuid,
    severity      text,
    alert_type    text,
    metric_name   text,
    status        text,
    model         text,
    backend       text,
    agent         text,
    version       text,
    labels        jsonb,                                      -- null: found here
    annotations   jsonb,
    generator_url text,
    summary       text,
    starts_at     timestamptz,
    ends_at       timestamptz,                                -- null or infinity: nothing is known of an end
    updated_at    timestamptz,
    is_quiet      boolean                                     -- ignored or snoozed
)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
SET max_parallel_workers_per_gather = 0
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        a.id, a.severity, a.alert_type, a.metric_name, a.status, a.affected_model, a.affected_backend, a.affected_agent, a.affected_version,
        a.labels, a.annotations, a.generator_url, a.summary, coalesce(r.started_at, a.opened_at), r.ends_at,
        greatest(r.last_seen_at, a.updated_at), a.status = 'ignored' OR coalesce(a.snoozed_until > p_at, false)
    FROM (
        -- Each part by an index of its own.
        SELECT labelled.*
        FROM monitoring_alerts AS labelled
        WHERE p_labels <> '{}' AND labelled.labels IS NOT NULL AND labelled.status <> 'resolved' AND labelled.labels @> p_labels
        UNION ALL
        SELECT foreigner.*
        FROM monitoring_alerts AS foreigner
        WHERE p_labels = '{}' AND foreigner.labels IS NOT NULL AND foreigner.status <> 'resolved'
        UNION ALL
        SELECT ours.*
        FROM monitoring_alerts AS ours
        WHERE ours.labels IS NULL AND ours.status <> 'resolved'
    ) AS a
    LEFT JOIN monitoring_relayed_alerts AS r ON r.fingerprint = a.fingerprint
    -- Over by what its source said, though nobody has written it down yet.
    WHERE coalesce(r.ends_at > p_at, true)
    ORDER BY a.opened_at, a.id;
END
$function$;
COMMENT ON FUNCTION monitoring_standing_alerts(jsonb, timestamptz) IS
    'What stands at a moment: of the alerts from elsewhere those that have all of p_labels (an object of texts; {}: all), and all that were '
    'found here.';
