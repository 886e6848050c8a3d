-- torq-monitor: the whole schema, for pasting into a SQL editor. It can be run again at any time.
-- Generated from sql/migrations and sql/functions by `torq-monitor schema`: edit those, not this file.
BEGIN;
SET LOCAL client_min_messages = warning;

CREATE TABLE IF NOT EXISTS monitoring_migrations (
    name       text PRIMARY KEY,                -- of the file in sql/
    checksum   text NOT NULL,                   -- of its text
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE monitoring_migrations IS 'The files of the schema that were applied, with their checksums.';

-- v000_learning_events ================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v000_learning_events') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- learning_events belongs to the producer. Where it exists, anywhere on the search_path, it is left exactly as it is; where
-- it does not (an empty database, a test, a demonstration) it is made here as the producer would have made it.

DO $block$
DECLARE
    role_name text;
BEGIN
    IF to_regclass('learning_events') IS NOT NULL THEN
        RAISE NOTICE 'learning_events exists and stays as it is; the index that finds changes is built outside of a transaction: %',
            format('CREATE INDEX CONCURRENTLY IF NOT EXISTS monitoring_learning_events_updated_at ON %s (updated_at);',
                   to_regclass('learning_events'));
        RETURN;
    END IF;

    CREATE TABLE learning_events (
        id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        event_id         text NOT NULL UNIQUE,                -- the producer's idempotency key
        event_type       text NOT NULL,
        category         text,
        source_agent     text,
        source_tool      text,
        source_trace_id  text,
        session_id       text,
        trace_id         text,
        event_data       jsonb NOT NULL DEFAULT '{}',
        before_state     jsonb,
        after_state      jsonb,
        impact_score     numeric(3,2),
        confidence       numeric(3,2),
        status           text DEFAULT 'pending',              -- of the event's review, not its outcome
        reviewed_by      text,
        reviewed_at      timestamptz,
        related_event_id uuid,
        duplicate_count  integer DEFAULT 1,                   -- over 1: the event was retried
        last_seen_at     timestamptz,
        occurred_at      timestamptz NOT NULL DEFAULT now(),  -- the time that counts for every window
        created_at       timestamptz NOT NULL DEFAULT now(),
        updated_at       timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE learning_events IS 'One row for every interaction of an agent, written by the console''s backend.';

    CREATE INDEX learning_events_event_type ON learning_events (event_type);
    CREATE INDEX learning_events_status ON learning_events (status);
    CREATE INDEX learning_events_occurred_at ON learning_events (occurred_at DESC);
    CREATE INDEX learning_events_trace_id ON learning_events (trace_id);
    CREATE INDEX learning_events_session_id ON learning_events (session_id);
    CREATE INDEX monitoring_learning_events_updated_at ON learning_events (updated_at);

    CREATE FUNCTION learning_events_touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $function$
    BEGIN
        NEW.updated_at := now();
        RETURN NEW;
    END
    $function$;
    COMMENT ON FUNCTION learning_events_touch_updated_at() IS 'Sets updated_at of a changed event.';
    CREATE TRIGGER learning_events_updated_at BEFORE UPDATE ON learning_events
        FOR EACH ROW EXECUTE FUNCTION learning_events_touch_updated_at();

    ALTER TABLE learning_events ENABLE ROW LEVEL SECURITY;
    FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
        EXECUTE format('GRANT SELECT ON learning_events TO %I', role_name);
        EXECUTE format('CREATE POLICY %I ON learning_events FOR SELECT TO %I USING (true)',
                       'learning_events_' || role_name || '_reads', role_name);
    END LOOP;
    FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname = 'service_role' LOOP
        EXECUTE format('GRANT ALL ON learning_events TO %I', role_name);
        EXECUTE format('CREATE POLICY %I ON learning_events FOR ALL TO %I USING (true) WITH CHECK (true)',
                       'learning_events_' || role_name || '_does_all', role_name);
    END LOOP;
END
$block$;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v000_learning_events', '78ef0b825279bd05')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v001_tables =========================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v001_tables') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- The tables of torq-monitor. learning_events belongs to the producer and is only read; everything here is ours.
-- Names of the seed's three tables and their columns are a contract. All times are timestamptz, all days and hours UTC.
-- No object is qualified with a schema: the same text builds the live schema and a backtest's scratch schema.

-- Roll-up ------------------------------------------------------------------------------------------------------------

CREATE TABLE monitoring_rollup (
    bucket_start      timestamptz PRIMARY KEY,                -- start of five UTC minutes
    total_events      integer NOT NULL,
    successful_events integer NOT NULL,
    failed_events     integer NOT NULL,
    fallback_events   integer NOT NULL,
    duplicate_events  integer NOT NULL,
    scored_events     integer NOT NULL,                       -- events with a readable reward
    malformed_events  integer NOT NULL,                       -- events with at least one malformed field
    malformed_fields  jsonb   NOT NULL DEFAULT '{}',          -- {"reward": 2, "duration_ms": 1}
    latency_events    integer NOT NULL,                       -- events with a readable duration_ms
    latency_sum       bigint  NOT NULL,                       -- whole milliseconds
    latency_values    integer[] NOT NULL DEFAULT '{}',        -- distinct durations, ascending
    latency_counts    integer[] NOT NULL DEFAULT '{}',        -- how often each, in the same order
    rolled_up_at      timestamptz NOT NULL,
    CHECK (cardinality(latency_values) = cardinality(latency_counts))
);
COMMENT ON TABLE monitoring_rollup IS
    'Five-minute totals of learning_events with the exact latency histogram; buckets without events have no row.';

CREATE TABLE monitoring_rollup_slices (
    hour_start        timestamptz NOT NULL,                   -- start of a UTC hour
    model             text NOT NULL,                          -- '' where the event names none, 'other' beyond 200 values a day
    backend           text NOT NULL,
    agent             text NOT NULL,
    version           text NOT NULL,                          -- service:version of the first hop
    -- The four values, each of up to 201 characters, may be too long for an index entry; their digest never is.
    slice_key         uuid NOT NULL GENERATED ALWAYS AS (md5(
                          length(model)::text || ':' || model || length(backend)::text || ':' || backend ||
                          length(agent)::text || ':' || agent || length(version)::text || ':' || version)::uuid) STORED,
    total_events      integer NOT NULL,
    successful_events integer NOT NULL,
    failed_events     integer NOT NULL,
    fallback_events   integer NOT NULL,
    duplicate_events  integer NOT NULL,
    scored_events     integer NOT NULL,
    latency_events    integer NOT NULL,
    latency_sum       bigint  NOT NULL,
    latency_values    integer[] NOT NULL DEFAULT '{}',
    latency_counts    integer[] NOT NULL DEFAULT '{}',
    fallback_reasons  jsonb NOT NULL DEFAULT '{}',            -- {"timeout": 4}
    event_types       jsonb NOT NULL DEFAULT '{}',            -- {"chat_interaction": 60}
    PRIMARY KEY (hour_start, slice_key),
    CHECK (cardinality(latency_values) = cardinality(latency_counts))
);
COMMENT ON TABLE monitoring_rollup_slices IS
    'Hourly counts of learning_events for each model, backend, agent and version, with the exact latency histogram.';

CREATE TABLE monitoring_rollup_pending (
    hour_start timestamptz PRIMARY KEY,                       -- start of a UTC hour with new or changed events
    found_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE monitoring_rollup_pending IS
    'Hours that have new or changed events and wait to be rolled up; a backfill goes on from here wherever it was stopped.';

CREATE TABLE monitoring_rollup_values (
    day       date NOT NULL,                                  -- UTC
    dimension text NOT NULL CHECK (dimension IN ('model', 'backend', 'agent', 'version', 'event_type', 'reason')),
    value     text NOT NULL,
    PRIMARY KEY (day, dimension, value)
);
COMMENT ON TABLE monitoring_rollup_values IS
    'The values of a dimension that a day keeps apart, at most 200; events with any other value of it are counted under ''other''.';

CREATE TABLE monitoring_rollup_state (
    only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    watermark         timestamptz NOT NULL DEFAULT '-infinity', -- every change ingested before it has been found
    seen              jsonb NOT NULL DEFAULT '{}',            -- by hour, a digest of the changes since the watermark that have been found
    last_run_at       timestamptz,
    last_duration_ms  numeric,
    hours_pending     integer NOT NULL DEFAULT 0,             -- of the backfill that is under way
    data_version      bigint NOT NULL DEFAULT 0               -- grows with every change an API answer could show
);
COMMENT ON TABLE monitoring_rollup_state IS 'How far the roll-up has come; one row.';
INSERT INTO monitoring_rollup_state DEFAULT VALUES;

CREATE TABLE monitoring_rollup_lock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
COMMENT ON TABLE monitoring_rollup_lock IS
    'Its one row is locked by whoever rolls up. Apart from monitoring_rollup_state, so that a long step keeps nobody from raising data_version.';
INSERT INTO monitoring_rollup_lock DEFAULT VALUES;

-- The seed's tables --------------------------------------------------------------------------------------------------

CREATE TABLE monitoring_metrics (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    metric_date       date NOT NULL,
    metric_hour       smallint CHECK (metric_hour BETWEEN 0 AND 23),   -- null: the whole day
    window_start      timestamptz NOT NULL,
    window_end        timestamptz NOT NULL,
    total_events      integer NOT NULL,
    successful_events integer NOT NULL,
    failed_events     integer NOT NULL,
    fallback_events   integer NOT NULL,
    duplicate_events  integer NOT NULL,
    scored_events     integer NOT NULL,
    malformed_events  integer NOT NULL,
    malformed_fields  jsonb NOT NULL DEFAULT '{}',
    fallback_rate     numeric(6,4),                           -- null where there are no events
    error_rate        numeric(6,4),
    duplicate_rate    numeric(6,4),
    latency_p50       numeric(12,2),                          -- milliseconds; null where no event has a duration
    latency_p75       numeric(12,2),
    latency_p90       numeric(12,2),
    latency_p95       numeric(12,2),
    latency_p99       numeric(12,2),
    latency_avg       numeric(12,2),
    latency_max       numeric(12,2),
    latency_min       numeric(12,2),
    model_distribution      jsonb NOT NULL DEFAULT '{}',
    service_versions        jsonb NOT NULL DEFAULT '{}',
    fallback_reasons        jsonb NOT NULL DEFAULT '[]',      -- [{"reason": …, "count": …}], most frequent first
    backend_distribution    jsonb NOT NULL DEFAULT '{}',
    agent_distribution      jsonb NOT NULL DEFAULT '{}',
    event_type_distribution jsonb NOT NULL DEFAULT '{}',
    health_score      numeric(5,2),
    computed_at       timestamptz NOT NULL DEFAULT now(),
    data_source       text NOT NULL DEFAULT 'learning_events',
    UNIQUE NULLS NOT DISTINCT (metric_date, metric_hour)
);
COMMENT ON TABLE monitoring_metrics IS 'What an hour (metric_hour 0 to 23) or a day (metric_hour null) of learning_events came to.';

CREATE MATERIALIZED VIEW mv_daily_metrics AS
SELECT
    metric_date, window_start, window_end,
    total_events, successful_events, failed_events, fallback_events, duplicate_events,
    scored_events, malformed_events, malformed_fields,
    fallback_rate, error_rate, duplicate_rate,
    latency_p50, latency_p75, latency_p90, latency_p95, latency_p99, latency_avg, latency_max, latency_min,
    model_distribution, service_versions, fallback_reasons,
    backend_distribution, agent_distribution, event_type_distribution,
    health_score, computed_at, data_source
FROM monitoring_metrics
WHERE metric_hour IS NULL;
COMMENT ON MATERIALIZED VIEW mv_daily_metrics IS
    'The days of monitoring_metrics, as of the last refresh_daily_metrics_mv(); never reads learning_events.';
CREATE UNIQUE INDEX mv_daily_metrics_by_date ON mv_daily_metrics (metric_date);

CREATE TABLE monitoring_baseline (
    id                      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    baseline_name           text NOT NULL UNIQUE,
    baseline_window_days    integer NOT NULL CHECK (baseline_window_days BETWEEN 1 AND 90),
    baseline_fallback_rate  numeric(6,4),
    baseline_error_rate     numeric(6,4),
    baseline_duplicate_rate numeric(6,4),
    baseline_latency_p50    numeric(12,2),
    baseline_latency_p95    numeric(12,2),
    baseline_latency_p99    numeric(12,2),
    baseline_health_score   numeric(5,2),
    total_events            bigint NOT NULL DEFAULT 0,
    model_baselines         jsonb NOT NULL DEFAULT '{}',      -- {"model": {"total_events", "fallback_rate", "error_rate", "duplicate_rate", "latency_p50", "latency_p95"}}
    backend_baselines       jsonb NOT NULL DEFAULT '{}',
    hourly_baselines        jsonb NOT NULL DEFAULT '{}',      -- by hour of day, "0" to "23", the same figures
    baseline_start_date     date NOT NULL,
    baseline_end_date       date NOT NULL,                    -- last day in it
    accepted_from           timestamptz,                      -- a new normal: nothing before it counts
    accepted_by             text,
    accepted_reason         text,
    computed_at             timestamptz NOT NULL DEFAULT now(),
    valid_until             timestamptz NOT NULL
);
COMMENT ON TABLE monitoring_baseline IS 'What the metrics were in the window that evaluations compare with; one row a name.';

CREATE TABLE monitoring_alerts (
    id                     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    fingerprint            text NOT NULL,                     -- hash of alert_type, metric_name and, on a slice, dimension and value
    alert_type             text NOT NULL CHECK (alert_type ~ '^[a-z][a-z0-9_]{0,63}$'),
    severity               text NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    peak_severity          text NOT NULL CHECK (peak_severity IN ('low', 'medium', 'high', 'critical')),
    metric_name            text NOT NULL,
    current_value          numeric,
    baseline_value         numeric,
    deviation_ratio        numeric,
    threshold_low          numeric,
    threshold_medium       numeric,
    threshold_high         numeric,
    metric_date            date NOT NULL,
    metric_hour            smallint,
    comparison_window_days integer,
    affected_model         text,
    affected_backend       text,
    affected_agent         text,
    affected_version       text,
    status                 text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'acknowledged', 'resolved', 'ignored')),
    opened_at              timestamptz NOT NULL,              -- of the first opening: a reopening keeps it
    live_since             timestamptz NOT NULL,              -- of the latest opening or reopening
    last_evidence_at       timestamptz NOT NULL,              -- last evaluation in which a window showed evidence
    high_since             timestamptz,                       -- since when without a break at the threshold that becomes critical
    lower_since            timestamptz,                       -- since when without a break below the present severity
    lower_severity         text,                              -- the highest seen since then
    snoozed_until          timestamptz,
    acknowledged_at        timestamptz,
    acknowledged_by        text,
    resolved_at            timestamptz,
    resolved_by            text,                              -- null: it resolved by itself
    resolution_note        text,
    held_severity          text,                              -- resolved by hand while the condition held: its severity then
    cleared_at             timestamptz,                       -- when the condition was last found to be over: no window reaches back over it
    notified               boolean NOT NULL DEFAULT false,    -- at least one delivery succeeded
    notified_at            timestamptz,
    notification_channels  text[] NOT NULL DEFAULT '{}',      -- names of the receivers that were reached
    summary                text NOT NULL DEFAULT '',          -- one sentence with the evidence
    context_data           jsonb NOT NULL DEFAULT '{}',
    related_events         text[] NOT NULL DEFAULT '{}',      -- event_ids of examples, at most 10
    sequence               integer NOT NULL DEFAULT 0,        -- of the last transition
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE monitoring_alerts IS 'One condition on one metric (and slice, where it names one), from open to resolved.';
CREATE UNIQUE INDEX monitoring_alerts_one_live ON monitoring_alerts (fingerprint) WHERE status <> 'resolved';
CREATE INDEX monitoring_alerts_by_status ON monitoring_alerts (status, opened_at DESC, id);
CREATE INDEX monitoring_alerts_by_fingerprint ON monitoring_alerts (fingerprint, opened_at DESC);
CREATE INDEX monitoring_alerts_by_opening ON monitoring_alerts (opened_at DESC, id);

CREATE TABLE monitoring_alert_transitions (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id      uuid NOT NULL REFERENCES monitoring_alerts ON DELETE CASCADE,
    sequence      integer NOT NULL,                           -- 1, 2, 3, … within the alert
    transition    text NOT NULL CHECK (transition IN ('opened', 'escalated', 'deescalated', 'acknowledged', 'unacknowledged',
                                                      'snoozed', 'resolved', 'reopened', 'ignored')),
    from_status   text,                                       -- null for opened
    to_status     text NOT NULL,
    from_severity text,
    to_severity   text NOT NULL,
    actor         text NOT NULL,                              -- 'monitor', or the person's claimed name
    credential    text,                                       -- what the claim rests on: a token's name, 'link', 'slack', 'cli'
    note          text,
    evidence      jsonb NOT NULL DEFAULT '{}',                -- what was seen
    occurred_at   timestamptz NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    routed_at     timestamptz,                                -- when its notifications were written
    withheld      text CHECK (withheld IN ('snoozed', 'silenced')),   -- why it is told at the end of that alone; null once looked at
    UNIQUE (alert_id, sequence)
);
COMMENT ON TABLE monitoring_alert_transitions IS 'Every step of every alert, written in the transaction of the change, never updated but for routed_at and withheld.';
CREATE INDEX monitoring_alert_transitions_unrouted ON monitoring_alert_transitions (id) WHERE routed_at IS NULL;
CREATE INDEX monitoring_alert_transitions_withheld ON monitoring_alert_transitions (id) WHERE withheld IS NOT NULL;

-- Telling ------------------------------------------------------------------------------------------------------------

CREATE TABLE monitoring_notifications (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),   -- the stable id a receiver sees
    alert_id        uuid NOT NULL REFERENCES monitoring_alerts ON DELETE CASCADE,
    receiver        text NOT NULL,
    cause           text NOT NULL CHECK (cause IN ('transition', 'repeat', 'escalation_step', 'silence_ended', 'snooze_ended', 'test')),
    sequence        integer NOT NULL,                         -- of the transition, or of the repetition
    transition      text,
    severity        text NOT NULL,
    status          text NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'sending', 'delivered', 'superseded', 'dead', 'dropped')),
    due_at          timestamptz NOT NULL,
    give_up_at      timestamptz NOT NULL DEFAULT now() + interval '1 day',   -- it is dead when it fails after that
    attempts        integer NOT NULL DEFAULT 0,               -- begun, whether or not they were recorded
    failures        integer NOT NULL DEFAULT 0,               -- in a row: the next wait follows from it
    claim_id        uuid,
    claimed_by      text,
    claimed_until   timestamptz,
    body            text,                                     -- frozen at the first attempt
    content_type    text,
    is_plain        boolean NOT NULL DEFAULT false,           -- text alone: its form was refused
    last_error      text,                                     -- from the closed list of reasons
    superseded_by   uuid,
    delivered_at    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (alert_id, receiver, cause, sequence)
);
COMMENT ON TABLE monitoring_notifications IS 'The outbox: one transition (or repetition) to be told to one receiver.';
CREATE INDEX monitoring_notifications_due ON monitoring_notifications (receiver, due_at, created_at) WHERE status = 'pending';
CREATE INDEX monitoring_notifications_claimed ON monitoring_notifications (claimed_by) WHERE status = 'sending';
CREATE INDEX monitoring_notifications_by_status ON monitoring_notifications (status, created_at DESC);
CREATE INDEX monitoring_notifications_by_age ON monitoring_notifications (created_at DESC, id);

CREATE TABLE monitoring_delivery_attempts (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notification_id uuid NOT NULL REFERENCES monitoring_notifications ON DELETE CASCADE,
    attempt         integer NOT NULL,
    process         text NOT NULL,
    started_at      timestamptz NOT NULL,
    outcome         text NOT NULL,                            -- delivered, retry, permanent
    http_status     integer,
    reason          text,                                     -- from a closed list, null where delivered
    name_lookup_ms  numeric, connect_ms numeric, tls_ms numeric, first_byte_ms numeric, total_ms numeric,
    remote_address  text,
    answer          text,                                     -- first 4 KB, scrubbed of secrets
    UNIQUE (notification_id, attempt)
);
COMMENT ON TABLE monitoring_delivery_attempts IS 'One HTTP request made for a notification, with what it met.';

CREATE TABLE monitoring_receivers (
    receiver        text PRIMARY KEY,                         -- its name in the configuration
    endpoint        text NOT NULL,                            -- digest of its address: another one starts afresh
    paused_until    timestamptz,                              -- it asked for rest, or is disabled: nothing is sent before
    disabled_at     timestamptz,                              -- its answers say that it is gone; one message an hour looks again
    disabled_reason text,                                     -- from the closed list of reasons
    updated_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE monitoring_receivers IS 'What is known of a receiver''s endpoint, over all processes.';

CREATE TABLE monitoring_silences (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    matchers    text[] NOT NULL,                              -- as in a route: severity>=high, alert_type=~"…"
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    created_by  text NOT NULL,
    comment     text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (ends_at > starts_at)
);
COMMENT ON TABLE monitoring_silences IS 'Matchers and a time range in which matching alerts are tracked but not told.';

-- Running ------------------------------------------------------------------------------------------------------------

CREATE TABLE monitoring_settings (
    version    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    settings   jsonb NOT NULL,                                -- the detection part of the configuration; see monitoring_effective_settings()
    written_by text NOT NULL DEFAULT 'serve',
    written_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE monitoring_settings IS 'The settings that evaluations go by; the highest version holds.';

CREATE TABLE monitoring_baseline_profile (
    baseline_name  text NOT NULL,
    window_days    integer NOT NULL,
    as_of          date NOT NULL,                             -- the UTC day whose evaluations go by it
    metric_name    text NOT NULL,                             -- the rates, latency_p95, and unsuccessful_rate for health
    hour_of_day    smallint NOT NULL CHECK (hour_of_day BETWEEN 0 AND 23),
    total_events   numeric NOT NULL,                          -- events of this hour of day, smoothed over its neighbours
    bad_events     numeric NOT NULL,                          -- the bad ones among them, smoothed alike
    rate           double precision NOT NULL,                 -- expected share of bad events, shrunk towards overall_rate
    weight         double precision NOT NULL,                 -- events that this rate rests on, those of the shrinkage included
    latency_p95    double precision,                          -- milliseconds: a latency above it counts as bad
    overall_rate   double precision NOT NULL,
    dispersion     double precision NOT NULL,                 -- variance of the baseline's hours over what chance alone gives, >= 1
    baseline_from  timestamptz NOT NULL,
    baseline_until timestamptz NOT NULL,
    accepted_from  timestamptz,                               -- of monitoring_baseline when it was derived
    computed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (baseline_name, window_days, as_of, metric_name, hour_of_day)
);
COMMENT ON TABLE monitoring_baseline_profile IS
    'What evaluations of a UTC day expect at each hour of day: a cache that can be emptied at any time.';
CREATE INDEX monitoring_baseline_profile_by_end ON monitoring_baseline_profile (baseline_until);

CREATE TABLE monitoring_evaluation_state (
    only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    applied_at        timestamptz NOT NULL DEFAULT '-infinity', -- the latest moment whose evaluation was applied
    last_run_at       timestamptz,
    last_duration_ms  numeric
);
COMMENT ON TABLE monitoring_evaluation_state IS 'How far evaluations have been applied; one row, locked while one is being applied.';
INSERT INTO monitoring_evaluation_state DEFAULT VALUES;

CREATE TABLE monitoring_lease (
    name       text PRIMARY KEY,
    holder     text NOT NULL,
    fence      bigint NOT NULL DEFAULT 1,                     -- grows with every change of holder
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE monitoring_lease IS 'Who may do what only one process may do (evaluate), until when.';

CREATE TABLE monitoring_processes (
    process    text PRIMARY KEY,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);
COMMENT ON TABLE monitoring_processes IS 'Heartbeats: the claims of a process that fell silent come back.';

CREATE TABLE monitoring_link_keys (
    key_id     text PRIMARY KEY,
    secret     bytea NOT NULL CHECK (octet_length(secret) >= 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);
COMMENT ON TABLE monitoring_link_keys IS 'Keys that sign acknowledge links, made once where the configuration has none.';
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v001_tables', 'd192d05a9b30b734')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- f010_settings =======================================================================================
-- Settings: what detection goes by. serve writes them, SQL reads them, a function's argument overrules both.

CREATE OR REPLACE FUNCTION monitoring_default_settings() RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT '{
    "rule": "evidence",
    "windows_seconds": [3600, 21600, 86400, 259200],
    "step_seconds": 300,
    "baseline": {"name": "7day_rolling", "window_days": 7},
    "thresholds": {"low": 1.5, "medium": 2.0, "high": 3.0, "critical": 3.0},
    "significance": 5e-5,
    "least_bad_events": 5,
    "least_events": 20,
    "critical_after_seconds": 1800,
    "resolve_after_seconds": 3600,
    "reopen_within_seconds": 86400,
    "health": {"warning": 70, "critical": 50},
    "metrics": {}
}'::jsonb
$$;
COMMENT ON FUNCTION monitoring_default_settings() IS
    'The settings without any configuration. significance is the level of one test of the evidence rule, which needs '
    'least_bad_events; least_events is the smallest sample of the ratio rule. step_seconds under 300 looks into the five minutes '
    'that are under way (a demonstration cannot wait for them); what was seen then cannot be evaluated again later.';

CREATE OR REPLACE FUNCTION monitoring_overlay(p_base jsonb, p_over jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_result jsonb := p_base;
    v_key    text;
    v_value  jsonb;
BEGIN
    IF jsonb_typeof(p_over) IS DISTINCT FROM 'object' OR jsonb_typeof(p_base) IS DISTINCT FROM 'object' THEN
        RETURN coalesce(p_over, p_base);
    END IF;
    FOR v_key, v_value IN SELECT key, value FROM jsonb_each(p_over) LOOP
        v_result := jsonb_set(v_result, ARRAY[v_key], monitoring_overlay(p_base -> v_key, v_value));
    END LOOP;
    RETURN v_result;
END
$$;
COMMENT ON FUNCTION monitoring_overlay(jsonb, jsonb) IS
    'p_base with the keys of p_over laid over it, objects key by key, everything else whole.';

CREATE OR REPLACE FUNCTION monitoring_without_metric_thresholds(p_settings jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT p_settings || jsonb_build_object('metrics', coalesce(jsonb_object_agg(key, value - 'thresholds'), '{}'))
FROM jsonb_each(p_settings -> 'metrics')
$$;
COMMENT ON FUNCTION monitoring_without_metric_thresholds(jsonb) IS
    'Settings in which the general thresholds hold for every metric.';

CREATE OR REPLACE FUNCTION monitoring_effective_settings(p_override jsonb DEFAULT NULL) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT monitoring_overlay(
    CASE WHEN p_override -> 'thresholds' <> '{}' THEN monitoring_without_metric_thresholds(written.settings) ELSE written.settings END,
    p_override)
FROM (
    SELECT monitoring_overlay(
        monitoring_default_settings(),
        (SELECT settings FROM monitoring_settings ORDER BY version DESC LIMIT 1)) AS settings
) AS written
$$;
COMMENT ON FUNCTION monitoring_effective_settings(jsonb) IS
    'The defaults, overlaid by the newest row of monitoring_settings, overlaid by the argument. Thresholds in the argument overrule '
    'those that single metrics have in the row.';

-- f095_security.sql lets it run with its owner's rights: who reads the status view may not read the settings.
CREATE OR REPLACE FUNCTION monitoring_baseline_name() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT monitoring_effective_settings() -> 'baseline' ->> 'name'
$$;
COMMENT ON FUNCTION monitoring_baseline_name() IS 'The name of the baseline that the settings in force compare with.';

CREATE OR REPLACE FUNCTION monitoring_known_metrics()
RETURNS TABLE (metric_name text, alert_type text, floor double precision)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
VALUES
    ('fallback_rate',  'fallback_spike',  0.01::double precision),
    ('error_rate',     'error_spike',     0.005),
    ('duplicate_rate', 'duplicate_spike', 0.01),
    ('latency_p95',    'latency_spike',   0.01),
    ('health_score',   'health_decline',  0)
$$;
COMMENT ON FUNCTION monitoring_known_metrics() IS
    'The metrics that are evaluated, the type of their alerts, and the rate below which a baseline counts as that rate '
    '(for latency: of events above the baseline''s p95; health has none).';

-- Checks: one message a fault, naming the key as the configuration does.

CREATE OR REPLACE FUNCTION monitoring_settings_number_fault(
    p_settings jsonb, p_path text[], p_least numeric, p_most numeric, p_prefix text DEFAULT '')
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_value jsonb := p_settings #> p_path;
BEGIN
    IF v_value IS NULL THEN
        RETURN NULL;
    ELSIF jsonb_typeof(v_value) <> 'number' THEN
        RETURN format('%s%s must be a number, not %s', p_prefix, array_to_string(p_path, '.'), v_value);
    ELSIF v_value::numeric < p_least OR v_value::numeric > p_most THEN
        RETURN format('%s%s must be from %s to %s, not %s', p_prefix, array_to_string(p_path, '.'), p_least, p_most, v_value);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION monitoring_settings_number_fault(jsonb, text[], numeric, numeric, text) IS
    'What is wrong with the number at that path, or null: it may be absent, else it must be a number within the two.';

CREATE OR REPLACE FUNCTION monitoring_settings_key_faults(p_object jsonb, p_path text, p_known text[]) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_object IS NULL THEN
        RETURN;
    ELSIF jsonb_typeof(p_object) <> 'object' THEN
        RETURN NEXT format('%s must be an object, not %s', p_path, p_object);
        RETURN;
    END IF;
    RETURN QUERY
        SELECT format('%s is no key of %s; known are %s', key, p_path, array_to_string(p_known, ', '))
        FROM jsonb_object_keys(p_object) key
        WHERE key <> ALL (p_known)
        ORDER BY key;
END
$$;
COMMENT ON FUNCTION monitoring_settings_key_faults(jsonb, text, text[]) IS 'The keys of an object that nobody knows.';

CREATE OR REPLACE FUNCTION monitoring_settings_threshold_faults(p_thresholds jsonb, p_path text) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_names CONSTANT text[] := ARRAY['low', 'medium', 'high', 'critical'];
    v_name  text;
    v_fault text;
    v_whole jsonb := monitoring_default_settings() -> 'thresholds';
BEGIN
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(p_thresholds, p_path, v_names);
    IF jsonb_typeof(p_thresholds) IS DISTINCT FROM 'object' THEN
        RETURN;
    END IF;
    FOREACH v_name IN ARRAY v_names LOOP
        v_fault := monitoring_settings_number_fault(p_thresholds, ARRAY[v_name], 1, 1000000, p_path || '.');
        IF v_fault IS NOT NULL THEN
            RETURN NEXT v_fault;
            RETURN;
        END IF;
    END LOOP;
    v_whole := v_whole || p_thresholds;
    IF NOT (p_thresholds ?& v_names) THEN
        RETURN;                                         -- the rest comes from elsewhere: checked on the effective settings
    END IF;
    IF (v_whole ->> 'low')::numeric > (v_whole ->> 'medium')::numeric
       OR (v_whole ->> 'medium')::numeric > (v_whole ->> 'high')::numeric
       OR (v_whole ->> 'high')::numeric > (v_whole ->> 'critical')::numeric THEN
        RETURN NEXT format('%s must not fall from low to critical: %s', p_path, p_thresholds);
    END IF;
END
$$;
COMMENT ON FUNCTION monitoring_settings_threshold_faults(jsonb, text) IS
    'What is wrong with four thresholds: ratios of at least 1 that do not fall from low to critical.';

CREATE OR REPLACE FUNCTION monitoring_settings_window_faults(p_windows jsonb) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_window jsonb;
BEGIN
    IF p_windows IS NULL THEN
        RETURN;
    ELSIF jsonb_typeof(p_windows) <> 'array' OR jsonb_array_length(p_windows) NOT BETWEEN 1 AND 8 THEN
        RETURN NEXT format('windows_seconds must be a list of one to eight windows, not %s', p_windows);
        RETURN;
    END IF;
    FOR v_window IN SELECT value FROM jsonb_array_elements(p_windows) LOOP
        IF jsonb_typeof(v_window) <> 'number' OR v_window::numeric NOT BETWEEN 300 AND 604800 OR v_window::numeric % 300 <> 0 THEN
            RETURN NEXT format('windows_seconds must hold whole multiples of 300 from 300 to 604800, not %s', v_window);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION monitoring_settings_window_faults(jsonb) IS 'What is wrong with the list of windows.';

CREATE OR REPLACE FUNCTION monitoring_settings_metric_faults(p_metrics jsonb) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_name   text;
    v_metric jsonb;
    v_path   text;
BEGIN
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(
        p_metrics, 'metrics', (SELECT array_agg(metric_name) FROM monitoring_known_metrics()));
    IF jsonb_typeof(p_metrics) IS DISTINCT FROM 'object' THEN
        RETURN;
    END IF;
    FOR v_name, v_metric IN SELECT key, value FROM jsonb_each(p_metrics) LOOP
        v_path := 'metrics.' || v_name;
        RETURN QUERY SELECT * FROM monitoring_settings_key_faults(v_metric, v_path, ARRAY['enabled', 'rule', 'thresholds', 'floor']);
        RETURN QUERY SELECT * FROM monitoring_settings_threshold_faults(v_metric -> 'thresholds', v_path || '.thresholds');
        IF v_metric ? 'enabled' AND jsonb_typeof(v_metric -> 'enabled') <> 'boolean' THEN
            RETURN NEXT format('%s.enabled must be true or false, not %s', v_path, v_metric -> 'enabled');
        END IF;
        IF v_metric ? 'rule' AND v_metric ->> 'rule' NOT IN ('evidence', 'ratio') THEN
            RETURN NEXT format('%s.rule must be evidence or ratio, not %s', v_path, v_metric -> 'rule');
        END IF;
        RETURN QUERY
            SELECT fault FROM monitoring_settings_number_fault(v_metric, ARRAY['floor'], 0, 1, v_path || '.') fault
            WHERE fault IS NOT NULL;
    END LOOP;
END
$$;
COMMENT ON FUNCTION monitoring_settings_metric_faults(jsonb) IS 'What is wrong with the settings of single metrics.';

CREATE OR REPLACE FUNCTION monitoring_settings_faults(p_settings jsonb) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_settings IS NULL OR jsonb_typeof(p_settings) <> 'object' THEN
        RETURN NEXT 'the settings must be an object';
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(
        p_settings, 'the settings', (SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(monitoring_default_settings()) key));
    IF p_settings ? 'rule' AND p_settings ->> 'rule' NOT IN ('evidence', 'ratio') THEN
        RETURN NEXT format('rule must be evidence or ratio, not %s', p_settings -> 'rule');
    END IF;
    RETURN QUERY SELECT * FROM monitoring_settings_window_faults(p_settings -> 'windows_seconds');
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(p_settings -> 'baseline', 'baseline', ARRAY['name', 'window_days']);
    IF p_settings -> 'baseline' ? 'name' AND coalesce(p_settings -> 'baseline' ->> 'name', '') = '' THEN
        RETURN NEXT 'baseline.name must not be empty';
    END IF;
    RETURN QUERY SELECT * FROM monitoring_settings_threshold_faults(p_settings -> 'thresholds', 'thresholds');
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(p_settings -> 'health', 'health', ARRAY['warning', 'critical']);
    RETURN QUERY SELECT * FROM monitoring_settings_metric_faults(p_settings -> 'metrics');
    RETURN QUERY
        SELECT fault
        FROM (VALUES
            (ARRAY['baseline', 'window_days'],      1,    90),
            (ARRAY['step_seconds'],                 10,   300),
            (ARRAY['significance'],                 1e-12, 0.05),
            (ARRAY['least_bad_events'],             1,    1000000),
            (ARRAY['least_events'],                 1,    1000000),
            (ARRAY['critical_after_seconds'],       0,    604800),
            (ARRAY['resolve_after_seconds'],        0,    604800),
            (ARRAY['reopen_within_seconds'],        0,    2592000),
            (ARRAY['health', 'warning'],            0,    100),
            (ARRAY['health', 'critical'],           0,    100)) ranges (path, least, most),
            LATERAL monitoring_settings_number_fault(p_settings, path, least, most) fault
        WHERE fault IS NOT NULL;
END
$$;
COMMENT ON FUNCTION monitoring_settings_faults(jsonb) IS
    'What is wrong with settings, a sentence a fault, each naming its key; no row where they are good. Keys may be absent.';

CREATE OR REPLACE FUNCTION monitoring_check_settings(p_settings jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_fault text;
BEGIN
    SELECT fault INTO v_fault FROM monitoring_settings_faults(p_settings) fault LIMIT 1;
    IF v_fault IS NULL THEN                             -- what was left out must fit what was given
        SELECT fault INTO v_fault
        FROM monitoring_settings_faults(monitoring_overlay(monitoring_default_settings(), p_settings)) fault LIMIT 1;
    END IF;
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION 'settings: %', v_fault USING ERRCODE = 'TMSET';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION monitoring_check_settings(jsonb) IS 'True, or an error (SQLSTATE TMSET) that names the first faulty key.';

CREATE OR REPLACE FUNCTION monitoring_refuse_faulty_settings() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM monitoring_check_settings(NEW.settings);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION monitoring_refuse_faulty_settings() IS 'Trigger: nothing faulty gets into monitoring_settings.';

CREATE OR REPLACE TRIGGER monitoring_settings_checked
    BEFORE INSERT OR UPDATE ON monitoring_settings
    FOR EACH ROW EXECUTE FUNCTION monitoring_refuse_faulty_settings();

CREATE OR REPLACE FUNCTION monitoring_metric_settings(p_settings jsonb)
RETURNS TABLE (metric_name text, alert_type text, enabled boolean, rule text, threshold_low double precision,
               threshold_medium double precision, threshold_high double precision, threshold_critical double precision,
               floor double precision)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT
    known.metric_name,
    known.alert_type,
    coalesce((own.settings ->> 'enabled')::boolean, true),
    coalesce(own.settings ->> 'rule', p_settings ->> 'rule'),
    (own.thresholds ->> 'low')::double precision,
    (own.thresholds ->> 'medium')::double precision,
    (own.thresholds ->> 'high')::double precision,
    (own.thresholds ->> 'critical')::double precision,
    coalesce((own.settings ->> 'floor')::double precision, known.floor)
FROM monitoring_known_metrics() known
CROSS JOIN LATERAL (
    SELECT
        p_settings -> 'metrics' -> known.metric_name AS settings,
        (p_settings -> 'thresholds') || coalesce(p_settings -> 'metrics' -> known.metric_name -> 'thresholds', '{}') AS thresholds
) own
$$;
COMMENT ON FUNCTION monitoring_metric_settings(jsonb) IS
    'For each metric what effective settings say: its own where it has them, else the general ones.';

CREATE OR REPLACE FUNCTION monitoring_severity_rank(p_severity text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE p_severity WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 WHEN 'critical' THEN 4 ELSE 0 END
$$;
COMMENT ON FUNCTION monitoring_severity_rank(text) IS 'low 1, medium 2, high 3, critical 4; anything else, null too, 0.';

CREATE OR REPLACE FUNCTION monitoring_bucket(p_at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT date_bin('5 minutes', p_at, '2000-01-01 00:00:00+00')
$$;
COMMENT ON FUNCTION monitoring_bucket(timestamptz) IS 'The start of the five UTC minutes that a moment lies in.';

CREATE OR REPLACE FUNCTION monitoring_evaluated_moment(p_at timestamptz, p_settings jsonb) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT date_bin((p_settings ->> 'step_seconds')::integer * interval '1 second', p_at, '2000-01-01 00:00:00+00')
$$;
COMMENT ON FUNCTION monitoring_evaluated_moment(timestamptz, jsonb) IS
    'The moment an evaluation stands at: the end of the last full five minutes, however often it is asked.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f010_settings', '28e58eeef13da39e')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f015_extraction =====================================================================================
-- What an event says, read without ever throwing. Nothing validates event_data, so every field may hold anything. The functions are single expressions or a single SELECT, so that the planner writes them into
-- the query that calls them; there is no call for each row.

-- Bytes are known at once, characters must be counted.
CREATE OR REPLACE FUNCTION monitoring_cut(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(p_text) > 200 AND length(p_text) > 200 THEN left(p_text, 200) || '…' ELSE p_text END
$$;
COMMENT ON FUNCTION monitoring_cut(text) IS 'The text to 200 characters, then cut with an ellipsis.';

-- A string is a number where it is plain decimal: no exponent, no spaces. Its length is bounded, so that the cast, which
-- can hold 131,072 digits, never overflows.
CREATE OR REPLACE FUNCTION monitoring_number(p_value jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(p_value)
        WHEN 'number' THEN p_value::numeric
        WHEN 'string' THEN
            CASE WHEN length(p_value #>> '{}') <= 1000 AND p_value #>> '{}' ~ '^[-+]?[0-9]+(\.[0-9]+)?$'
                THEN (p_value #>> '{}')::numeric
            END
    END
$$;
COMMENT ON FUNCTION monitoring_number(jsonb) IS 'A JSON number, or a string that is a plain decimal number; null for anything else.';

CREATE OR REPLACE FUNCTION monitoring_milliseconds(p_duration numeric) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_duration >= 0 AND p_duration <= 2147483647 THEN round(p_duration)::integer END
$$;
COMMENT ON FUNCTION monitoring_milliseconds(numeric) IS
    'A duration in whole milliseconds, rounded half away from zero; null below 0 and beyond 2147483647.';

-- The text of a value that is no string begins with a digit, a sign, a bracket or a brace, or is true or false. Only where it
-- does is the value itself looked at, which costs more than its text.
CREATE OR REPLACE FUNCTION monitoring_is_string(p_text text, p_value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN ascii(p_text) IN (45, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 91, 102, 116, 123) THEN jsonb_typeof(p_value) = 'string'
        ELSE p_text IS NOT NULL OR NULL
    END
$$;
COMMENT ON FUNCTION monitoring_is_string(text, jsonb) IS
    'Whether a value, given with its text, is a string; null where it is missing or null.';

-- "|| '{}'" decompresses a document that is stored out of line once, and makes an array of anything but an object, in which
-- no field is found. Every OFFSET 0 keeps the planner from copying an expression to each of its readers; what each level
-- reads has been computed once.
CREATE OR REPLACE FUNCTION monitoring_extract(p_event_data jsonb)
RETURNS TABLE (
    readable       boolean,   -- event_data is an object
    reward         numeric,
    duration_ms    integer,
    model          text,      -- '' where there is none
    backend        text,
    version        text,      -- service:version of the first hop
    is_fallback    boolean,
    reason         text,
    bad_reward     boolean,   -- malformed, by field
    bad_duration   boolean,
    bad_model      boolean,
    bad_backend    boolean,
    bad_telemetry  boolean
)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT
        parsed.readable,
        parsed.reward,
        monitoring_milliseconds(parsed.duration),
        CASE WHEN parsed.has_model THEN monitoring_cut(parsed.model) ELSE '' END,
        CASE WHEN parsed.has_backend THEN monitoring_cut(parsed.backend) ELSE '' END,
        coalesce(monitoring_cut(parsed.version), ''),
        parsed.reason IS NOT NULL,
        monitoring_cut(parsed.reason),
        parsed.reward IS NULL AND jsonb_typeof(parsed.raw_reward) <> 'null',
        monitoring_milliseconds(parsed.duration) IS NULL AND jsonb_typeof(parsed.raw_duration) <> 'null',
        NOT parsed.has_model,
        NOT parsed.has_backend,
        CASE WHEN jsonb_typeof(parsed.hop) = 'object' AND jsonb_typeof(parsed.telemetry -> 'request_chain') = 'array'
            THEN false
            ELSE CASE jsonb_typeof(parsed.telemetry)
                WHEN 'object' THEN
                    CASE jsonb_typeof(parsed.telemetry -> 'request_chain')
                        WHEN 'array' THEN parsed.hop IS NOT NULL
                        ELSE jsonb_typeof(parsed.telemetry -> 'request_chain') <> 'null'
                    END
                ELSE jsonb_typeof(parsed.telemetry) <> 'null'
            END
        END
    FROM (
        SELECT
            document.readable,
            document.raw_reward,
            monitoring_number(document.raw_reward) AS reward,
            document.raw_duration,
            monitoring_number(document.raw_duration) AS duration,
            document.model,
            monitoring_is_string(document.model, document.memory -> 'model') AS has_model,
            document.backend,
            monitoring_is_string(document.backend, document.memory -> 'backend') AS has_backend,
            document.telemetry,
            document.hop,
            document.hop ->> 'fallback_reason' AS reason,
            CASE WHEN document.version <> '' AND monitoring_is_string(document.version, document.hop -> 'version')
                THEN CASE WHEN document.service <> '' AND monitoring_is_string(document.service, document.hop -> 'service')
                    THEN document.service || ':' || document.version
                    ELSE document.version
                END
            END AS version
        FROM (
            SELECT first_hop.*, hop ->> 'service' AS service, hop ->> 'version' AS version
            FROM (
                SELECT
                    memory,
                    jsonb_typeof(memory) = 'object' AS readable,
                    memory -> 'reward' AS raw_reward,
                    memory -> 'duration_ms' AS raw_duration,
                    memory ->> 'model' AS model,
                    memory ->> 'backend' AS backend,
                    memory -> 'telemetry' AS telemetry,
                    memory -> 'telemetry' -> 'request_chain' -> 0 AS hop
                FROM (SELECT p_event_data || '{}' AS memory OFFSET 0) AS decompressed
                OFFSET 0
            ) AS first_hop
            OFFSET 0
        ) AS document
        OFFSET 0
    ) AS parsed
$$;
COMMENT ON FUNCTION monitoring_extract(jsonb) IS
    'What an event_data says, whatever it holds: one row, no error, with a flag for every field that is malformed.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f015_extraction', '749c3d15a7876935')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f020_rollup =========================================================================================
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

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f020_rollup', 'c7860b62f08f3ba0')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f030_metrics ========================================================================================
-- Hours and days of monitoring_metrics, from the roll-up. An hour comes from its five-minute totals and its slices, a day from
-- its hours; the percentiles of both from the merged latency histograms, which hold every whole millisecond that was
-- measured, so that they are those of percentile_cont to the last digit.

CREATE OR REPLACE FUNCTION monitoring_rate(p_events bigint, p_total bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round(p_events::numeric / nullif(p_total, 0), 4)
$$;
COMMENT ON FUNCTION monitoring_rate(bigint, bigint) IS 'Events over events with four decimals; null where there are none.';

-- Of any type of number: counts are divided exactly, expectations are double precision.
CREATE OR REPLACE FUNCTION monitoring_health_score(p_success_rate anyelement, p_fallback_rate anyelement, p_duplicate_rate anyelement)
RETURNS anyelement
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_fallback_rate IS NOT NULL AND p_duplicate_rate IS NOT NULL THEN
        p_success_rate * 50
        + (1 - least(1, p_fallback_rate * 5)) * 30
        + (1 - least(1, p_duplicate_rate * 3)) * 20
    END
$$;
COMMENT ON FUNCTION monitoring_health_score(anyelement, anyelement, anyelement) IS
    'success_rate·50 + (1 − min(1, fallback_rate·5))·30 + (1 − min(1, duplicate_rate·3))·20, 0 to 100; null where one of them is.';

CREATE OR REPLACE FUNCTION monitoring_health(p_total bigint, p_successful bigint, p_fallback bigint, p_duplicate bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round(monitoring_health_score(
        p_successful::numeric / nullif(p_total, 0), p_fallback::numeric / nullif(p_total, 0), p_duplicate::numeric / nullif(p_total, 0)), 2)
$$;
COMMENT ON FUNCTION monitoring_health(bigint, bigint, bigint, bigint) IS
    'The health score of counts, with two decimals; null where there are no events.';

CREATE OR REPLACE FUNCTION monitoring_add_counts(p_left jsonb, p_right jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p_right IS NULL OR p_right = '{}' THEN coalesce(p_left, '{}')
        WHEN p_left IS NULL OR p_left = '{}' THEN p_right
        ELSE (
            SELECT jsonb_object_agg(key, events)
            FROM (
                SELECT key, sum(value::bigint) AS events
                FROM (SELECT * FROM jsonb_each_text(p_left) UNION ALL SELECT * FROM jsonb_each_text(p_right)) AS entry
                GROUP BY key
            ) AS counted)
    END
$$;
COMMENT ON FUNCTION monitoring_add_counts(jsonb, jsonb) IS 'Two objects of counts, added key by key; null counts as an empty one, and the sum is never null.';

-- p_ranks holds, beside each distinct value in ascending order, how many measurements are not greater than it. The
-- arithmetic is that of percentile_cont, in the same type and order, so that the last digit agrees as well.
CREATE OR REPLACE FUNCTION monitoring_percentile(p_values integer[], p_ranks bigint[], p_fraction double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT lower.value + (place.at - floor(place.at)) * (upper.value - lower.value)
    FROM (SELECT p_fraction * (p_ranks[cardinality(p_ranks)] - 1) AS at) AS place
    CROSS JOIN LATERAL (SELECT p_values[width_bucket(floor(place.at)::bigint, p_ranks) + 1]::double precision AS value) AS lower
    CROSS JOIN LATERAL (SELECT p_values[width_bucket(ceil(place.at)::bigint, p_ranks) + 1]::double precision AS value) AS upper
$$;
COMMENT ON FUNCTION monitoring_percentile(integer[], bigint[], double precision) IS
    'A percentile of a histogram (distinct values ascending, cumulative counts), as percentile_cont gives it; null where it is empty.';

CREATE OR REPLACE FUNCTION monitoring_hour_totals(p_hours timestamptz[])
RETURNS TABLE (
    metric_date date, metric_hour integer, window_start timestamptz, window_end timestamptz,
    total_events bigint, successful_events bigint, failed_events bigint, fallback_events bigint, duplicate_events bigint,
    scored_events bigint, malformed_events bigint, malformed_fields jsonb,
    latency_events bigint, latency_sum numeric, latency_values integer[], latency_ranks bigint[],
    models jsonb, versions jsonb, reasons jsonb, backends jsonb, agents jsonb, event_types jsonb
)
LANGUAGE sql STABLE SET jit = off SET enable_seqscan = off AS $$
    WITH hour AS MATERIALIZED (
        SELECT DISTINCT unnest(p_hours) AS hour_start
    ),
    bucket AS MATERIALIZED (
        SELECT hour.hour_start, rollup.*
        FROM hour
        JOIN monitoring_rollup AS rollup
            ON rollup.bucket_start >= hour.hour_start AND rollup.bucket_start < hour.hour_start + interval '1 hour'
    ),
    slice AS MATERIALIZED (
        SELECT hour_start, model, backend, agent, version, total_events, fallback_reasons, event_types
        FROM hour
        JOIN monitoring_rollup_slices USING (hour_start)
    ),
    total AS (
        SELECT
            hour_start,
            sum(total_events) AS total_events,
            sum(successful_events) AS successful_events,
            sum(failed_events) AS failed_events,
            sum(fallback_events) AS fallback_events,
            sum(duplicate_events) AS duplicate_events,
            sum(scored_events) AS scored_events,
            sum(malformed_events) AS malformed_events,
            sum(latency_events) AS latency_events,
            sum(latency_sum) AS latency_sum
        FROM bucket
        GROUP BY hour_start
    ),
    malformed AS (
        SELECT hour_start, jsonb_object_agg(key, events) AS malformed_fields
        FROM (
            SELECT hour_start, key, sum(value::bigint) AS events
            FROM bucket
            CROSS JOIN LATERAL jsonb_each_text(malformed_fields)
            GROUP BY hour_start, key
        ) AS counted
        GROUP BY hour_start
    ),
    duration AS (
        SELECT hour_start, value, sum(events) AS events
        FROM (SELECT hour_start, unnest(latency_values) AS value, unnest(latency_counts) AS events FROM bucket) AS measured
        GROUP BY hour_start, value
    ),
    ranked AS (
        SELECT hour_start, value, sum(events) OVER (PARTITION BY hour_start ORDER BY value ROWS UNBOUNDED PRECEDING)::bigint AS rank
        FROM duration
        ORDER BY hour_start, value
    ),
    histogram AS (
        SELECT hour_start, array_agg(value) AS latency_values, array_agg(rank) AS latency_ranks
        FROM ranked
        GROUP BY hour_start
    ),
    counted AS (
        SELECT hour_start, 'model' AS dimension, model AS value, sum(total_events) AS events
        FROM slice WHERE model <> '' GROUP BY hour_start, model
        UNION ALL
        SELECT hour_start, 'backend', backend, sum(total_events) FROM slice WHERE backend <> '' GROUP BY hour_start, backend
        UNION ALL
        SELECT hour_start, 'agent', agent, sum(total_events) FROM slice WHERE agent <> '' GROUP BY hour_start, agent
        UNION ALL
        SELECT hour_start, 'version', version, sum(total_events) FROM slice WHERE version <> '' GROUP BY hour_start, version
        UNION ALL
        SELECT hour_start, 'event_type', key, sum(value::bigint)
        FROM slice CROSS JOIN LATERAL jsonb_each_text(event_types) GROUP BY hour_start, key
        UNION ALL
        SELECT hour_start, 'reason', key, sum(value::bigint)
        FROM slice CROSS JOIN LATERAL jsonb_each_text(fallback_reasons) GROUP BY hour_start, key
    ),
    distribution AS (
        SELECT
            hour_start,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'model') AS models,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'backend') AS backends,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'agent') AS agents,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'version') AS versions,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'event_type') AS event_types,
            jsonb_agg(jsonb_build_object('reason', value, 'count', events) ORDER BY events DESC, value COLLATE "C")
                FILTER (WHERE dimension = 'reason') AS reasons
        FROM counted
        GROUP BY hour_start
    )
    SELECT
        (hour_start AT TIME ZONE 'UTC')::date,
        extract(hour FROM hour_start AT TIME ZONE 'UTC')::integer,
        hour_start,
        hour_start + interval '1 hour',
        total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
        malformed_events, malformed_fields,
        latency_events, latency_sum, latency_values, latency_ranks,
        models, versions, reasons, backends, agents, event_types
    FROM hour
    LEFT JOIN total USING (hour_start)
    LEFT JOIN malformed USING (hour_start)
    LEFT JOIN histogram USING (hour_start)
    LEFT JOIN distribution USING (hour_start)
$$;
COMMENT ON FUNCTION monitoring_hour_totals(timestamptz[]) IS
    'What the roll-up holds for each of the hours, nulls where it holds nothing: counts, merged latency histogram, distributions.';

-- The distributions and counts of a day are sums over its 24 rows; its histogram is merged from the five minutes again.
CREATE OR REPLACE FUNCTION monitoring_day_totals(p_days date[])
RETURNS TABLE (
    metric_date date, metric_hour integer, window_start timestamptz, window_end timestamptz,
    total_events bigint, successful_events bigint, failed_events bigint, fallback_events bigint, duplicate_events bigint,
    scored_events bigint, malformed_events bigint, malformed_fields jsonb,
    latency_events bigint, latency_sum numeric, latency_values integer[], latency_ranks bigint[],
    models jsonb, versions jsonb, reasons jsonb, backends jsonb, agents jsonb, event_types jsonb
)
LANGUAGE sql STABLE SET jit = off SET enable_seqscan = off AS $$
    WITH day AS MATERIALIZED (
        SELECT asked.metric_date, asked.metric_date::timestamp AT TIME ZONE 'UTC' AS day_start
        FROM (SELECT DISTINCT unnest(p_days) AS metric_date) AS asked
    ),
    hour AS MATERIALIZED (
        SELECT metrics.*
        FROM day
        JOIN monitoring_metrics AS metrics USING (metric_date)
        WHERE metrics.metric_hour IS NOT NULL
    ),
    total AS (
        SELECT
            metric_date,
            sum(total_events) AS total_events,
            sum(successful_events) AS successful_events,
            sum(failed_events) AS failed_events,
            sum(fallback_events) AS fallback_events,
            sum(duplicate_events) AS duplicate_events,
            sum(scored_events) AS scored_events,
            sum(malformed_events) AS malformed_events
        FROM hour
        GROUP BY metric_date
    ),
    measured AS (
        SELECT day.metric_date, unnest(rollup.latency_values) AS value, unnest(rollup.latency_counts) AS events
        FROM day
        JOIN monitoring_rollup AS rollup
            ON rollup.bucket_start >= day.day_start AND rollup.bucket_start < day.day_start + interval '24 hours'
    ),
    duration AS (
        SELECT metric_date, value, sum(events) AS events
        FROM measured
        GROUP BY metric_date, value
    ),
    ranked AS (
        SELECT
            metric_date, value, events,
            sum(events) OVER (PARTITION BY metric_date ORDER BY value ROWS UNBOUNDED PRECEDING)::bigint AS rank
        FROM duration
        ORDER BY metric_date, value
    ),
    histogram AS (
        SELECT
            metric_date,
            array_agg(value) AS latency_values,
            array_agg(rank) AS latency_ranks,
            sum(events)::bigint AS latency_events,
            sum(value * events) AS latency_sum
        FROM ranked
        GROUP BY metric_date
    ),
    entry AS (
        SELECT hour.metric_date, field.dimension, pair.key AS value, pair.value::bigint AS events
        FROM hour
        CROSS JOIN LATERAL (VALUES
            ('malformed', malformed_fields), ('model', model_distribution), ('backend', backend_distribution),
            ('agent', agent_distribution), ('version', service_versions), ('event_type', event_type_distribution)
        ) AS field (dimension, counts)
        CROSS JOIN LATERAL jsonb_each_text(field.counts) AS pair
        UNION ALL
        SELECT hour.metric_date, 'reason', ranking.reason, ranking.count
        FROM hour
        CROSS JOIN LATERAL jsonb_to_recordset(fallback_reasons) AS ranking (reason text, count bigint)
    ),
    counted AS (
        SELECT metric_date, dimension, value, sum(events) AS events
        FROM entry
        GROUP BY metric_date, dimension, value
    ),
    distribution AS (
        SELECT
            metric_date,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'malformed') AS malformed_fields,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'model') AS models,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'backend') AS backends,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'agent') AS agents,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'version') AS versions,
            jsonb_object_agg(value, events) FILTER (WHERE dimension = 'event_type') AS event_types,
            jsonb_agg(jsonb_build_object('reason', value, 'count', events) ORDER BY events DESC, value COLLATE "C")
                FILTER (WHERE dimension = 'reason') AS reasons
        FROM counted
        GROUP BY metric_date
    )
    SELECT
        metric_date,
        NULL::integer,
        day_start,
        day_start + interval '24 hours',
        total_events, successful_events, failed_events, fallback_events, duplicate_events, scored_events,
        malformed_events, malformed_fields,
        latency_events, latency_sum, latency_values, latency_ranks,
        models, versions, reasons, backends, agents, event_types
    FROM day
    LEFT JOIN total USING (metric_date)
    LEFT JOIN histogram USING (metric_date)
    LEFT JOIN distribution USING (metric_date)
$$;
COMMENT ON FUNCTION monitoring_day_totals(date[]) IS
    'What the rows of their hours and the roll-up hold for each of the days, in the columns of monitoring_hour_totals.';

CREATE OR REPLACE FUNCTION monitoring_figures(p_row monitoring_metrics) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT to_jsonb(p_row) - '{id,computed_at}'::text[]
$$;
COMMENT ON FUNCTION monitoring_figures(monitoring_metrics) IS 'A row without what changes although nothing changed.';

CREATE OR REPLACE FUNCTION monitoring_write_totals(p_hours timestamptz[], p_days date[], p_now timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_written integer;
BEGIN
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
        metric_date, metric_hour, window_start, window_end,
        coalesce(total_events, 0), coalesce(successful_events, 0), coalesce(failed_events, 0),
        coalesce(fallback_events, 0), coalesce(duplicate_events, 0), coalesce(scored_events, 0),
        coalesce(malformed_events, 0), coalesce(malformed_fields, '{}'),
        monitoring_rate(fallback_events, total_events),
        monitoring_rate(failed_events, total_events),
        monitoring_rate(duplicate_events, total_events),
        monitoring_percentile(latency_values, latency_ranks, 0.50)::numeric,
        monitoring_percentile(latency_values, latency_ranks, 0.75)::numeric,
        monitoring_percentile(latency_values, latency_ranks, 0.90)::numeric,
        monitoring_percentile(latency_values, latency_ranks, 0.95)::numeric,
        monitoring_percentile(latency_values, latency_ranks, 0.99)::numeric,
        latency_sum / nullif(latency_events, 0),
        latency_values[cardinality(latency_values)],
        latency_values[1],
        coalesce(models, '{}'), coalesce(versions, '{}'), coalesce(reasons, '[]'),
        coalesce(backends, '{}'), coalesce(agents, '{}'), coalesce(event_types, '{}'),
        monitoring_health(total_events, successful_events, fallback_events, duplicate_events),
        p_now
    FROM (
        SELECT * FROM monitoring_hour_totals(p_hours)
        UNION ALL
        SELECT * FROM monitoring_day_totals(p_days)
    ) AS new
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
    WHERE monitoring_figures(old) IS DISTINCT FROM monitoring_figures(excluded);
    GET DIAGNOSTICS v_written = ROW_COUNT;
    RETURN v_written;
END
$$;
COMMENT ON FUNCTION monitoring_write_totals(timestamptz[], date[], timestamptz) IS
    'Writes the rows of the hours and of the days, where they differ from what is there; returns how many did.';

-- Hours first: the row of a day is made from theirs.
CREATE OR REPLACE FUNCTION monitoring_write_metrics(p_hours timestamptz[], p_now timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_days date[] := ARRAY(SELECT DISTINCT (hour_start AT TIME ZONE 'UTC')::date FROM unnest(p_hours) AS hour (hour_start));
    v_written integer;
BEGIN
    IF cardinality(p_hours) = 0 THEN
        RETURN 0;
    END IF;
    v_written := monitoring_write_totals(p_hours, '{}', p_now);
    RETURN v_written + monitoring_write_totals('{}', v_days, p_now);
END
$$;
COMMENT ON FUNCTION monitoring_write_metrics(timestamptz[], timestamptz) IS
    'Writes the rows of the hours and of the days they belong to; returns how many were new or changed.';

CREATE OR REPLACE FUNCTION monitoring_compute_hours(p_hours timestamptz[], p_now timestamptz)
RETURNS TABLE (rows_computed integer, metrics_inserted integer, computation_time_ms numeric)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_started timestamptz := clock_timestamp();
    v_written integer;
    v_days    integer := (SELECT count(DISTINCT (hour_start AT TIME ZONE 'UTC')::date) FROM unnest(p_hours) AS hour (hour_start));
BEGIN
    PERFORM FROM monitoring_rollup_lock FOR UPDATE;
    PERFORM monitoring_roll_up_hours(p_hours);
    v_written := monitoring_write_metrics(p_hours, p_now);
    IF v_written > 0 THEN
        PERFORM monitoring_bump_data_version();
    END IF;
    RETURN QUERY SELECT
        cardinality(p_hours) + v_days,
        v_written,
        round(extract(epoch FROM clock_timestamp() - v_started) * 1000, 1);
END
$$;
COMMENT ON FUNCTION monitoring_compute_hours(timestamptz[], timestamptz) IS
    'Computes the hours from raw events again, and writes their rows and those of their days. Waits for a roll-up that is under way.';

CREATE OR REPLACE FUNCTION compute_hourly_metrics(
    p_target_date date DEFAULT (now() AT TIME ZONE 'UTC')::date,
    p_target_hour integer DEFAULT NULL,
    p_now timestamptz DEFAULT now())
RETURNS TABLE (rows_computed integer, metrics_inserted integer, computation_time_ms numeric)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_day date := coalesce(p_target_date, (p_now AT TIME ZONE 'UTC')::date);
BEGIN
    IF p_target_hour NOT BETWEEN 0 AND 23 THEN
        RAISE EXCEPTION 'p_target_hour is %, not from 0 to 23', p_target_hour USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY SELECT *
    FROM monitoring_compute_hours(
        ARRAY(
            SELECT v_day::timestamp AT TIME ZONE 'UTC' + hour * interval '1 hour'
            FROM generate_series(coalesce(p_target_hour, 0), coalesce(p_target_hour, 23)) AS hour),
        p_now);
END
$$;
COMMENT ON FUNCTION compute_hourly_metrics(date, integer, timestamptz) IS
    'Computes one hour of a UTC date, or all 24 where p_target_hour is null, and the day''s row, from raw events. '
    'rows_computed counts the rows computed, metrics_inserted those that were new or changed: none when it is run again.';

CREATE OR REPLACE FUNCTION compute_daily_metrics(
    p_target_date date DEFAULT (now() AT TIME ZONE 'UTC')::date,
    p_now timestamptz DEFAULT now())
RETURNS TABLE (rows_computed integer, metrics_inserted integer, computation_time_ms numeric)
LANGUAGE sql VOLATILE AS $$
    SELECT * FROM compute_hourly_metrics(p_target_date, NULL, p_now)
$$;
COMMENT ON FUNCTION compute_daily_metrics(date, timestamptz) IS 'Computes the 24 hours and the day of a UTC date from raw events.';

-- Concurrently, so that nobody who reads waits; that takes a view that has been filled once.
CREATE OR REPLACE FUNCTION refresh_daily_metrics_mv() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF (SELECT relispopulated FROM pg_class WHERE oid = 'mv_daily_metrics'::regclass) THEN
        REFRESH MATERIALIZED VIEW CONCURRENTLY mv_daily_metrics;
    ELSE
        REFRESH MATERIALIZED VIEW mv_daily_metrics;
    END IF;
END
$$;
COMMENT ON FUNCTION refresh_daily_metrics_mv() IS 'Makes mv_daily_metrics show the present days of monitoring_metrics.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f030_metrics', '676c9f5867e5f3b3')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f040_baseline =======================================================================================
-- The baseline that is published: pooled rates (events over events) and percentiles of merged histograms, over whole UTC
-- days before the moment, without the hours in which an alert of the same metric was open.

-- Which hours count for which metric. Where open alerts leave a metric less than half of the window's hours, it reaches back
-- up to 28 days; where that is too little as well, none of its hours count and the last figure stays.
CREATE OR REPLACE FUNCTION monitoring_baseline_hours(p_start date, p_end date, p_accepted_from timestamptz, p_now timestamptz)
RETURNS TABLE (hour_start timestamptz, in_window boolean, for_fallback boolean, for_error boolean, for_duplicate boolean, for_latency boolean)
LANGUAGE sql STABLE SET jit = off AS $$
    WITH hour AS MATERIALIZED (
        SELECT
            metrics.window_start AS hour_start,
            metrics.metric_date >= p_start AS in_window
        FROM monitoring_metrics AS metrics
        WHERE metrics.metric_hour IS NOT NULL AND metrics.total_events > 0
            AND metrics.metric_date BETWEEN least(p_start, p_end - 27) AND p_end
            AND metrics.window_start < p_now
            AND metrics.window_start >= coalesce(p_accepted_from, '-infinity')
    ),
    disturbed AS MATERIALIZED (                         -- read once, not for every hour
        SELECT metric_name, opened_at AS from_time, least(coalesce(resolved_at, p_now), p_now) AS to_time
        FROM monitoring_alerts
        WHERE opened_at < p_now
            AND (resolved_at IS NULL OR resolved_at > least(p_start, p_end - 27)::timestamp AT TIME ZONE 'UTC')
    ),
    calm AS MATERIALIZED (
        SELECT
            hour.hour_start, hour.in_window, metric.name,
            NOT EXISTS (
                SELECT FROM disturbed
                WHERE disturbed.metric_name = metric.name
                    AND disturbed.from_time < hour.hour_start + interval '1 hour' AND disturbed.to_time > hour.hour_start) AS is_calm
        FROM hour
        CROSS JOIN (VALUES ('fallback_rate'), ('error_rate'), ('duplicate_rate'), ('latency_p95')) AS metric (name)
    ),
    enough AS (
        SELECT
            name,
            count(*) FILTER (WHERE in_window AND is_calm) * 2 >= count(*) FILTER (WHERE in_window) AS in_window,
            count(*) FILTER (WHERE is_calm) * 2 >= count(*) FILTER (WHERE in_window) AS in_reach
        FROM calm
        GROUP BY name
    )
    SELECT
        calm.hour_start,
        bool_or(calm.in_window),
        bool_or(used.counts) FILTER (WHERE calm.name = 'fallback_rate'),
        bool_or(used.counts) FILTER (WHERE calm.name = 'error_rate'),
        bool_or(used.counts) FILTER (WHERE calm.name = 'duplicate_rate'),
        bool_or(used.counts) FILTER (WHERE calm.name = 'latency_p95')
    FROM calm
    JOIN enough USING (name)
    CROSS JOIN LATERAL (
        SELECT calm.is_calm AND CASE WHEN enough.in_window THEN calm.in_window ELSE enough.in_reach END AS counts
    ) AS used
    GROUP BY calm.hour_start
$$;
COMMENT ON FUNCTION monitoring_baseline_hours(date, date, timestamptz, timestamptz) IS
    'The hours with events that a baseline may rest on, with a flag for each metric that says whether the hour counts for it.';

-- One figure set for each group: 'all' with key '', 'model', 'backend', and 'hour' with the hour of day.
CREATE OR REPLACE FUNCTION monitoring_baseline_figures(p_start date, p_end date, p_accepted_from timestamptz, p_now timestamptz)
RETURNS TABLE (
    dimension text, value text, total_events bigint, fallback_rate numeric, error_rate numeric, duplicate_rate numeric,
    health_score numeric, latency_p50 numeric, latency_p95 numeric, latency_p99 numeric)
LANGUAGE sql STABLE SET jit = off AS $$
    WITH hour AS MATERIALIZED (
        SELECT hour.*, extract(hour FROM hour.hour_start AT TIME ZONE 'UTC')::text AS hour_of_day
        FROM monitoring_baseline_hours(p_start, p_end, p_accepted_from, p_now) AS hour
    ),
    slice AS MATERIALIZED (
        SELECT hour.hour_of_day, hour.in_window, hour.for_fallback, hour.for_error, hour.for_duplicate, hour.for_latency, slice.*
        FROM hour
        JOIN monitoring_rollup_slices AS slice USING (hour_start)
        WHERE hour.in_window OR hour.for_fallback OR hour.for_error OR hour.for_duplicate OR hour.for_latency
    ),
    counted AS MATERIALIZED (
        SELECT
            hour_of_day, model, backend,
            sum(total_events) FILTER (WHERE in_window) AS total_events,
            sum(successful_events) FILTER (WHERE in_window) AS successful_events,
            sum(total_events) FILTER (WHERE for_fallback) AS fallback_total,
            sum(fallback_events) FILTER (WHERE for_fallback) AS fallback_events,
            sum(total_events) FILTER (WHERE for_error) AS error_total,
            sum(failed_events) FILTER (WHERE for_error) AS failed_events,
            sum(total_events) FILTER (WHERE for_duplicate) AS duplicate_total,
            sum(duplicate_events) FILTER (WHERE for_duplicate) AS duplicate_events
        FROM slice
        GROUP BY hour_of_day, model, backend
    ),
    rated AS (
        SELECT
            grouped.dimension, grouped.value,
            sum(total_events) AS total_events,
            sum(successful_events) AS successful_events,
            sum(fallback_events) / nullif(sum(fallback_total), 0) AS fallback_rate,
            sum(failed_events) / nullif(sum(error_total), 0) AS error_rate,
            sum(duplicate_events) / nullif(sum(duplicate_total), 0) AS duplicate_rate
        FROM counted
        CROSS JOIN LATERAL (VALUES ('all', ''), ('model', model), ('backend', backend), ('hour', hour_of_day)) AS grouped (dimension, value)
        GROUP BY grouped.dimension, grouped.value
    ),
    measured AS MATERIALIZED (
        SELECT hour_of_day, model, backend, duration, sum(events) AS events
        FROM (
            SELECT hour_of_day, model, backend, unnest(latency_values) AS duration, unnest(latency_counts) AS events
            FROM slice
            WHERE for_latency
        ) AS entry
        GROUP BY hour_of_day, model, backend, duration
    ),
    grouped AS (
        SELECT 'all' AS dimension, '' AS value, duration, sum(events) AS events FROM measured GROUP BY duration
        UNION ALL
        SELECT 'model', model, duration, sum(events) FROM measured WHERE model <> '' GROUP BY model, duration
        UNION ALL
        SELECT 'backend', backend, duration, sum(events) FROM measured WHERE backend <> '' GROUP BY backend, duration
        UNION ALL
        SELECT 'hour', hour_of_day, duration, sum(events) FROM measured GROUP BY hour_of_day, duration
    ),
    ranked AS (
        SELECT
            dimension, value, duration,
            sum(events) OVER (PARTITION BY dimension, value ORDER BY duration ROWS UNBOUNDED PRECEDING)::bigint AS rank
        FROM grouped
        ORDER BY dimension, value, duration
    ),
    histogram AS (
        SELECT dimension, value, array_agg(duration) AS durations, array_agg(rank) AS ranks
        FROM ranked
        GROUP BY dimension, value
    )
    SELECT
        dimension, value,
        rated.total_events,
        round(rated.fallback_rate, 4),
        round(rated.error_rate, 4),
        round(rated.duplicate_rate, 4),
        round(monitoring_health_score(
            rated.successful_events / nullif(rated.total_events, 0), rated.fallback_rate, rated.duplicate_rate), 2),
        round(monitoring_percentile(histogram.durations, histogram.ranks, 0.50)::numeric, 2),
        round(monitoring_percentile(histogram.durations, histogram.ranks, 0.95)::numeric, 2),
        round(monitoring_percentile(histogram.durations, histogram.ranks, 0.99)::numeric, 2)
    FROM rated
    LEFT JOIN histogram USING (dimension, value)
    WHERE rated.total_events > 0 AND (dimension = 'all' OR value <> '')
$$;
COMMENT ON FUNCTION monitoring_baseline_figures(date, date, timestamptz, timestamptz) IS
    'Pooled rates and merged percentiles of a baseline, as a whole and by model, by backend and by hour of day.';

CREATE OR REPLACE FUNCTION update_baseline(
    p_baseline_name text DEFAULT '7day_rolling', p_window_days integer DEFAULT 7, p_now timestamptz DEFAULT now())
RETURNS SETOF monitoring_baseline
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    -- What is left at its default is as the settings say.
    v_settings jsonb := monitoring_effective_settings() -> 'baseline';
    v_name     text := coalesce(nullif(p_baseline_name, '7day_rolling'), v_settings ->> 'name');
    v_days     integer := CASE
        WHEN v_name = v_settings ->> 'name' THEN coalesce(nullif(p_window_days, 7), (v_settings ->> 'window_days')::integer)
        ELSE coalesce(p_window_days, 7)
    END;
    v_today    date := (p_now AT TIME ZONE 'UTC')::date;
    v_end      date := v_today - 1;
    v_start    date := v_today - v_days;
    v_accepted timestamptz := (SELECT accepted_from FROM monitoring_baseline WHERE baseline_name = v_name);
BEGIN
    IF v_days NOT BETWEEN 1 AND 90 THEN
        RAISE EXCEPTION 'p_window_days is %, not from 1 to 90', p_window_days USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- On the first day of all, or of an accepted new normal, the day itself is all there is.
    IF NOT EXISTS (
        SELECT FROM monitoring_metrics
        WHERE metric_hour IS NOT NULL AND total_events > 0 AND metric_date BETWEEN v_start AND v_end
            AND window_start >= coalesce(v_accepted, '-infinity'))
    THEN
        v_end := v_today;
    END IF;

    RETURN QUERY
    WITH figures AS MATERIALIZED (
        SELECT * FROM monitoring_baseline_figures(v_start, v_end, v_accepted, p_now)
    ),
    parts AS (
        SELECT
            dimension,
            jsonb_object_agg(value, jsonb_build_object(
                'total_events', total_events, 'fallback_rate', fallback_rate, 'error_rate', error_rate,
                'duplicate_rate', duplicate_rate, 'latency_p50', latency_p50, 'latency_p95', latency_p95)) AS baselines
        FROM figures
        WHERE dimension <> 'all'
        GROUP BY dimension
    ),
    written AS (
        INSERT INTO monitoring_baseline AS old (
            baseline_name, baseline_window_days,
            baseline_fallback_rate, baseline_error_rate, baseline_duplicate_rate,
            baseline_latency_p50, baseline_latency_p95, baseline_latency_p99,
            baseline_health_score, total_events,
            model_baselines, backend_baselines, hourly_baselines,
            baseline_start_date, baseline_end_date, computed_at, valid_until)
        SELECT
            v_name, v_days,
            fallback_rate, error_rate, duplicate_rate, latency_p50, latency_p95, latency_p99, health_score, total_events,
            coalesce((SELECT baselines FROM parts WHERE dimension = 'model'), '{}'),
            coalesce((SELECT baselines FROM parts WHERE dimension = 'backend'), '{}'),
            coalesce((SELECT baselines FROM parts WHERE dimension = 'hour'), '{}'),
            v_start, v_end, p_now,
            -- 02:00 UTC is when it is derived anew; the next one, but never one that is only hours away.
            date_bin('1 day', p_now + interval '12 hours', '2000-01-01 02:00:00+00') + interval '1 day'
        FROM figures
        WHERE dimension = 'all'
        ON CONFLICT (baseline_name) DO UPDATE SET
            baseline_window_days = excluded.baseline_window_days,
            baseline_fallback_rate = coalesce(excluded.baseline_fallback_rate, old.baseline_fallback_rate),
            baseline_error_rate = coalesce(excluded.baseline_error_rate, old.baseline_error_rate),
            baseline_duplicate_rate = coalesce(excluded.baseline_duplicate_rate, old.baseline_duplicate_rate),
            baseline_latency_p50 = coalesce(excluded.baseline_latency_p50, old.baseline_latency_p50),
            baseline_latency_p95 = coalesce(excluded.baseline_latency_p95, old.baseline_latency_p95),
            baseline_latency_p99 = coalesce(excluded.baseline_latency_p99, old.baseline_latency_p99),
            baseline_health_score = coalesce(excluded.baseline_health_score, old.baseline_health_score),
            total_events = excluded.total_events,
            model_baselines = excluded.model_baselines,
            backend_baselines = excluded.backend_baselines,
            hourly_baselines = excluded.hourly_baselines,
            baseline_start_date = excluded.baseline_start_date,
            baseline_end_date = excluded.baseline_end_date,
            computed_at = excluded.computed_at,
            valid_until = excluded.valid_until
        RETURNING old.*
    )
    SELECT * FROM written;
    IF FOUND THEN
        PERFORM monitoring_bump_data_version();
    END IF;
END
$$;
COMMENT ON FUNCTION update_baseline(text, integer, timestamptz) IS
    'Derives the baseline of that name from the whole UTC days before p_now and publishes it; returns its row, or none where '
    'there are no events. A null, or exactly the default, is what the settings say: their name, and for it their window.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f040_baseline', 'dfb62bd127b93dfa')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f050_profile ========================================================================================
-- The profile: what a metric is expected to be at each hour of day, and how well that is known.
-- Evaluations of a UTC day share one profile, which ends a day before that day began: between 24 and 48 hours before the
-- moment that is evaluated.

CREATE OR REPLACE FUNCTION monitoring_profile_metrics() RETURNS TABLE (metric_name text, alert_metrics text[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
VALUES
    ('fallback_rate',     ARRAY['fallback_rate']),
    ('error_rate',        ARRAY['error_rate']),
    ('duplicate_rate',    ARRAY['duplicate_rate']),
    ('latency_p95',       ARRAY['latency_p95']),
    ('unsuccessful_rate', ARRAY['health_score', 'error_rate'])
$$;
COMMENT ON FUNCTION monitoring_profile_metrics() IS
    'What a profile is made of: shares of bad events, each with the metrics whose alerts make an hour unfit for it.';

CREATE OR REPLACE FUNCTION monitoring_unfit_hours(p_metrics text[], p_since timestamptz, p_until timestamptz)
RETURNS tstzmultirange
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT coalesce(
    range_agg(tstzrange(date_trunc('hour', a.opened_at - least(shown.seconds, 86400) * interval '1 second', 'UTC'), ends.at)),
    '{}'::tstzmultirange)
FROM monitoring_alerts a
LEFT JOIN monitoring_alert_transitions opening ON opening.alert_id = a.id AND opening.sequence = 1
CROSS JOIN LATERAL (SELECT coalesce((opening.evidence ->> 'window_seconds')::integer, 3600) AS seconds) shown
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.status = 'resolved' AND a.held_severity IS NULL THEN coalesce(a.cleared_at, a.resolved_at) ELSE 'infinity' END AS at
) ends
WHERE a.metric_name = ANY (p_metrics)
  AND a.opened_at < p_until
  AND a.opened_at >= p_since
  AND ends.at > a.opened_at
$$;
COMMENT ON FUNCTION monitoring_unfit_hours(text[], timestamptz, timestamptz) IS
    'The times in which alerts of these metrics were live, with the window (a day at most) that showed each: an incident is no '
    'normal, and its hours before it was noticed would pass for dispersion. Those opened before p_since, an accepted new normal, do not count.';

CREATE OR REPLACE FUNCTION monitoring_baseline_spans(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS TABLE (metric_name text, baseline_from timestamptz, baseline_until timestamptz, accepted_from timestamptz,
               unfit tstzmultirange, armed boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_day      timestamptz := p_as_of::timestamp AT TIME ZONE 'UTC';
    v_accepted timestamptz;
    v_first    timestamptz;
    v_until    timestamptz := v_day - interval '1 day';
    v_least    integer := least(96, p_window_days * 18);       -- fit hours that make a baseline: four days of the five
BEGIN
    SELECT b.accepted_from INTO v_accepted
    FROM monitoring_baseline b
    WHERE b.baseline_name = p_baseline_name AND b.accepted_from <= v_day;
    SELECT greatest(min(bucket_start), v_accepted) INTO v_first FROM monitoring_rollup;
    IF v_accepted > v_day - interval '6 days' THEN      -- a new normal is used as soon as a day of it is there
        v_until := v_day;
        v_least := 20;
    END IF;
    RETURN QUERY
        WITH metrics AS (
            SELECT m.metric_name, monitoring_unfit_hours(m.alert_metrics, coalesce(v_accepted, '-infinity'), v_until) AS unfit
            FROM monitoring_profile_metrics() m
        ),
        days AS (                                       -- fit hours of each day, counted back from the end
            SELECT metrics.metric_name, back, count(*) FILTER (WHERE NOT hour <@ metrics.unfit AND hour >= v_first) AS fit
            FROM metrics,
                generate_series(1, greatest(28, p_window_days)) back,
                generate_series(v_until - back * interval '24 hours', v_until - (back - 1) * interval '24 hours' - interval '1 hour',
                                interval '1 hour') hour
            GROUP BY metrics.metric_name, back
        ),
        reaches AS (
            SELECT days.metric_name, back, sum(fit) OVER (PARTITION BY days.metric_name ORDER BY back) AS fit FROM days
        ),
        chosen AS (                                     -- the window, or as much more as gives half of its hours
            SELECT
                reaches.metric_name,
                coalesce(min(back) FILTER (WHERE back >= p_window_days AND fit >= p_window_days * 12), greatest(28, p_window_days)) AS back
            FROM reaches
            GROUP BY reaches.metric_name
        )
        SELECT metric_name, v_until - back * interval '24 hours', v_until, v_accepted, metrics.unfit, coalesce(reaches.fit >= v_least, false)
        FROM metrics JOIN chosen USING (metric_name) JOIN reaches USING (metric_name, back);
END
$$;
COMMENT ON FUNCTION monitoring_baseline_spans(text, integer, date) IS
    'From when to when the baseline of a UTC day reaches for each metric, what is left out of it, and whether enough is left '
    '(four days, so that a metric is armed after five). Where alerts leave too little of the window it reaches back up to 28 days.';

CREATE OR REPLACE FUNCTION monitoring_count_above(p_values integer[], p_counts integer[], p_limit double precision) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN p_limit IS NULL OR cardinality(p_values) = 0 OR p_values[cardinality(p_values)] <= p_limit THEN 0
    ELSE (SELECT sum(c) FROM unnest(p_counts[width_bucket(floor(p_limit)::integer, p_values) + 1 :]) c)
END
$$;
COMMENT ON FUNCTION monitoring_count_above(integer[], integer[], double precision) IS
    'How many of a latency histogram''s events lie above a limit in milliseconds; a binary search, then the tail alone.';

CREATE OR REPLACE FUNCTION monitoring_profile_latency(p_from timestamptz, p_until timestamptz, p_unfit tstzmultirange)
RETURNS TABLE (hour_of_day integer, latency_p95 double precision)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
WITH durations AS (
    SELECT extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer AS hour_of_day, duration, sum(events) AS events
    FROM monitoring_rollup, unnest(latency_values, latency_counts) AS histogram (duration, events)
    WHERE bucket_start >= p_from AND bucket_start < p_until AND NOT date_trunc('hour', bucket_start, 'UTC') <@ p_unfit
    GROUP BY 1, 2
),
running AS (
    SELECT
        durations.hour_of_day, duration,
        sum(events) OVER (PARTITION BY durations.hour_of_day ORDER BY duration) AS until_here,
        sum(events) OVER (PARTITION BY durations.hour_of_day) AS events
    FROM durations
),
hours AS (
    SELECT running.hour_of_day, min(duration) FILTER (WHERE until_here >= 0.95 * events) AS p95 FROM running GROUP BY 1
)
SELECT
    day.hour_of_day,
    coalesce(
        (SELECT sum(near.weight * hours.p95) / sum(near.weight)
         FROM (VALUES (23, 1), (0, 2), (1, 1)) near (step, weight)
         JOIN hours ON hours.hour_of_day = (day.hour_of_day + near.step) % 24),
        (SELECT avg(hours.p95) FROM hours))::double precision
FROM generate_series(0, 23) day (hour_of_day)
$$;
COMMENT ON FUNCTION monitoring_profile_latency(timestamptz, timestamptz, tstzmultirange) IS
    'The p95 of latency at each hour of day in milliseconds, smoothed over its neighbours by a quarter, a half, a quarter.';

CREATE OR REPLACE FUNCTION monitoring_derive_profile(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_profile
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
BEGIN
    RETURN QUERY
        WITH spans AS MATERIALIZED (
            SELECT * FROM monitoring_baseline_spans(p_baseline_name, p_window_days, p_as_of) WHERE armed
        ),
        limits AS MATERIALIZED (
            SELECT latency.hour_of_day, latency.latency_p95
            FROM spans, LATERAL monitoring_profile_latency(spans.baseline_from, spans.baseline_until, spans.unfit) latency
            WHERE spans.metric_name = 'latency_p95'
        ),
        hours AS MATERIALIZED (
            SELECT
                date_trunc('hour', bucket_start, 'UTC') AS hour,
                extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer AS hour_of_day,
                sum(total_events) AS total_events,
                sum(fallback_events) AS fallback_events,
                sum(failed_events) AS failed_events,
                sum(duplicate_events) AS duplicate_events,
                sum(total_events - successful_events) AS unsuccessful_events,
                sum(latency_events) AS latency_events,
                sum(monitoring_count_above(latency_values, latency_counts, limits.latency_p95)) AS slow_events
            FROM monitoring_rollup
            LEFT JOIN limits ON limits.hour_of_day = extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer
            WHERE bucket_start >= (SELECT min(spans.baseline_from) FROM spans)
              AND bucket_start < (SELECT max(spans.baseline_until) FROM spans)
            GROUP BY 1, 2
        ),
        counts AS MATERIALIZED (                        -- one row a metric and hour
            SELECT each.metric_name, hours.hour_of_day, each.total::double precision AS total, each.bad::double precision AS bad
            FROM hours
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',     hours.total_events,   hours.fallback_events),
                ('error_rate',        hours.total_events,   hours.failed_events),
                ('duplicate_rate',    hours.total_events,   hours.duplicate_events),
                ('unsuccessful_rate', hours.total_events,   hours.unsuccessful_events),
                ('latency_p95',       hours.latency_events, hours.slow_events)) each (metric_name, total, bad)
            JOIN spans ON spans.metric_name = each.metric_name
            WHERE hours.hour >= greatest(spans.baseline_from, spans.accepted_from)
              AND hours.hour < spans.baseline_until
              AND NOT hours.hour <@ spans.unfit
        ),
        overall AS (                                    -- never nought: half an event more than was seen
            SELECT c.metric_name, (sum(c.bad) + 0.5) / (sum(c.total) + 1) AS rate FROM counts c GROUP BY c.metric_name
        ),
        sums AS (
            SELECT c.metric_name, c.hour_of_day, sum(c.total) AS total, sum(c.bad) AS bad FROM counts c GROUP BY c.metric_name, c.hour_of_day
        ),
        smoothed AS (
            SELECT
                overall.metric_name, day.hour_of_day, overall.rate AS overall_rate,
                coalesce(sum(near.weight * sums.total), 0) AS total,
                coalesce(sum(near.weight * sums.bad), 0) AS bad
            FROM overall
            CROSS JOIN generate_series(0, 23) day (hour_of_day)
            CROSS JOIN (VALUES (23, 0.25), (0, 0.5), (1, 0.25)) near (step, weight)
            LEFT JOIN sums ON sums.metric_name = overall.metric_name AND sums.hour_of_day = (day.hour_of_day + near.step) % 24
            GROUP BY overall.metric_name, day.hour_of_day, overall.rate
        ),
        rates AS (                                      -- shrunk by ten bad events at the overall rate
            SELECT s.*, (s.bad + 10) / (s.total + 10 / s.overall_rate) AS rate, s.total + 10 / s.overall_rate AS weight FROM smoothed s
        ),
        dispersions AS (
            SELECT
                c.metric_name,
                greatest(1, sum((c.bad - c.total * r.rate) ^ 2) / nullif(sum(c.total * r.rate * (1 - r.rate)), 0)) AS dispersion
            FROM counts c
            JOIN rates r ON r.metric_name = c.metric_name AND r.hour_of_day = c.hour_of_day
            GROUP BY c.metric_name
        )
        SELECT
            p_baseline_name, p_window_days, p_as_of, r.metric_name, r.hour_of_day::smallint, r.total::numeric, r.bad::numeric,
            r.rate, r.weight, CASE r.metric_name WHEN 'latency_p95' THEN limits.latency_p95 END, r.overall_rate,
            coalesce(d.dispersion, 1), spans.baseline_from, spans.baseline_until, spans.accepted_from, now()
        FROM rates r
        JOIN spans ON spans.metric_name = r.metric_name
        LEFT JOIN dispersions d ON d.metric_name = r.metric_name
        LEFT JOIN limits ON limits.hour_of_day = r.hour_of_day;
    -- What has too little left keeps the last profile there was.
    RETURN QUERY
        SELECT
            p_baseline_name, p_window_days, p_as_of, last.metric_name, last.hour_of_day, last.total_events, last.bad_events,
            last.rate, last.weight, last.latency_p95, last.overall_rate, last.dispersion, last.baseline_from, last.baseline_until,
            last.accepted_from, now()
        FROM monitoring_baseline_spans(p_baseline_name, p_window_days, p_as_of) spans
        CROSS JOIN LATERAL (
            SELECT * FROM monitoring_baseline_profile old
            WHERE old.baseline_name = p_baseline_name AND old.window_days = p_window_days AND old.metric_name = spans.metric_name
              AND old.as_of = (SELECT max(older.as_of) FROM monitoring_baseline_profile older
                               WHERE older.baseline_name = p_baseline_name AND older.window_days = p_window_days
                                 AND older.metric_name = spans.metric_name AND older.as_of < p_as_of)
              AND old.accepted_from IS NOT DISTINCT FROM spans.accepted_from) last
        WHERE NOT spans.armed;
END
$$;
COMMENT ON FUNCTION monitoring_derive_profile(text, integer, date) IS
    'The profile of a UTC day: for each metric and hour of day the expected rate (X + 10) / (N + 10 / overall), X and N smoothed '
    'over the neighbouring hours, its weight, and the dispersion of the baseline''s hours, sum((x - e)^2) / sum(e (1 - p)), at '
    'least 1. No rows for a metric that is not armed.';

CREATE OR REPLACE FUNCTION monitoring_fill_profile(p_baseline_name text, p_window_days integer, p_as_of date) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    v_accepted timestamptz;
    v_metrics  integer;
BEGIN
    SELECT accepted_from INTO v_accepted
    FROM monitoring_baseline
    WHERE baseline_name = p_baseline_name AND accepted_from <= p_as_of::timestamp AT TIME ZONE 'UTC';
    SELECT count(DISTINCT metric_name) INTO v_metrics
    FROM monitoring_baseline_profile
    WHERE baseline_name = p_baseline_name AND window_days = p_window_days AND as_of = p_as_of
      AND accepted_from IS NOT DISTINCT FROM v_accepted;
    IF v_metrics > 0 THEN
        RETURN false;
    END IF;
    DELETE FROM monitoring_baseline_profile
    WHERE baseline_name = p_baseline_name AND window_days = p_window_days AND as_of = p_as_of;
    INSERT INTO monitoring_baseline_profile
    SELECT * FROM monitoring_derive_profile(p_baseline_name, p_window_days, p_as_of)
    ON CONFLICT DO NOTHING;
    DELETE FROM monitoring_baseline_profile WHERE as_of < p_as_of - 30 AND baseline_name = p_baseline_name;
    RETURN true;
END
$$;
COMMENT ON FUNCTION monitoring_fill_profile(text, integer, date) IS
    'Caches the profile of a UTC day unless it is there; true where it was derived. Nothing is cached while no metric is armed.';

CREATE OR REPLACE FUNCTION monitoring_profile(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_profile
LANGUAGE plpgsql STABLE
ROWS 120
AS $$
DECLARE
    v_accepted timestamptz;
BEGIN
    SELECT accepted_from INTO v_accepted
    FROM monitoring_baseline
    WHERE baseline_name = p_baseline_name AND accepted_from <= p_as_of::timestamp AT TIME ZONE 'UTC';
    RETURN QUERY
        SELECT * FROM monitoring_baseline_profile cached
        WHERE cached.baseline_name = p_baseline_name AND cached.window_days = p_window_days AND cached.as_of = p_as_of
          AND cached.accepted_from IS NOT DISTINCT FROM v_accepted;
    IF NOT FOUND THEN
        RETURN QUERY SELECT * FROM monitoring_derive_profile(p_baseline_name, p_window_days, p_as_of);
    END IF;
END
$$;
COMMENT ON FUNCTION monitoring_profile(text, integer, date) IS
    'The profile of a UTC day, from the cache or derived on the spot; changes nothing.';

-- A cached profile goes when buckets that it rests on change: late events, an import, a recomputation.

CREATE OR REPLACE FUNCTION monitoring_forget_profiles() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM monitoring_baseline_profile
    WHERE baseline_until > (SELECT min(bucket_start) FROM changed);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION monitoring_forget_profiles() IS 'Trigger: empties the cache of profiles that the changed buckets could alter.';

CREATE OR REPLACE TRIGGER monitoring_rollup_inserted
    AFTER INSERT ON monitoring_rollup REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION monitoring_forget_profiles();

CREATE OR REPLACE TRIGGER monitoring_rollup_updated
    AFTER UPDATE ON monitoring_rollup REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION monitoring_forget_profiles();

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f050_profile', '00c4def50be6e49a')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f055_statistics =====================================================================================
-- Statistics: the exact comparison of two counts, and what it needs.

CREATE OR REPLACE FUNCTION monitoring_log_gamma(p_x double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_x       double precision := p_x;
    v_product double precision := 1;
    v_square  double precision;
BEGIN
    WHILE v_x < 10 LOOP                                 -- gamma(x + 1) = x gamma(x)
        v_product := v_product * v_x;
        v_x := v_x + 1;
    END LOOP;
    v_square := 1 / (v_x * v_x);
    RETURN (v_x - 0.5) * ln(v_x) - v_x + 0.9189385332046727418  -- ln(2 pi) / 2
        + (1.0 / 12 - v_square * (1.0 / 360 - v_square * (1.0 / 1260 - v_square / 1680))) / v_x
        - ln(v_product);
END
$$;
COMMENT ON FUNCTION monitoring_log_gamma(double precision) IS
    'ln(gamma(x)) for x > 0 by Stirling''s series (Abramowitz and Stegun 6.1.41), shifted to x >= 10: absolute error under 1e-12.';

CREATE OR REPLACE FUNCTION monitoring_incomplete_beta(p_x double precision, p_a double precision, p_b double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_tiny  CONSTANT double precision := 1e-300;
    v_front double precision;
    v_c     double precision := 1;
    v_d     double precision;
    v_h     double precision;
    v_step  double precision;
    v_term  double precision;
    v_log   double precision;
BEGIN
    IF p_x <= 0 THEN
        RETURN 0;
    ELSIF p_x >= 1 THEN
        RETURN 1;
    ELSIF p_x > (p_a + 1) / (p_a + p_b + 2) THEN        -- the fraction converges fast below the mean only
        RETURN 1 - monitoring_incomplete_beta(1 - p_x, p_b, p_a);
    END IF;
    v_log := monitoring_log_gamma(p_a + p_b) - monitoring_log_gamma(p_a) - monitoring_log_gamma(p_b)
        + p_a * ln(p_x) + p_b * ln(1 - p_x);
    IF v_log < -700 THEN                                -- below what a double can hold
        RETURN 0;
    END IF;
    v_front := exp(v_log) / p_a;
    v_d := 1 - (p_a + p_b) * p_x / (p_a + 1);
    v_d := 1 / CASE WHEN abs(v_d) < v_tiny THEN v_tiny ELSE v_d END;
    v_h := v_d;
    FOR m IN 1 .. 1000 LOOP
        v_term := m * (p_b - m) * p_x / ((p_a + 2 * m - 1) * (p_a + 2 * m));
        v_d := 1 + v_term * v_d;
        v_d := 1 / CASE WHEN abs(v_d) < v_tiny THEN v_tiny ELSE v_d END;
        v_c := 1 + v_term / v_c;
        v_c := CASE WHEN abs(v_c) < v_tiny THEN v_tiny ELSE v_c END;
        v_h := v_h * v_d * v_c;
        v_term := -(p_a + m) * (p_a + p_b + m) * p_x / ((p_a + 2 * m) * (p_a + 2 * m + 1));
        v_d := 1 + v_term * v_d;
        v_d := 1 / CASE WHEN abs(v_d) < v_tiny THEN v_tiny ELSE v_d END;
        v_c := 1 + v_term / v_c;
        v_c := CASE WHEN abs(v_c) < v_tiny THEN v_tiny ELSE v_c END;
        v_step := v_d * v_c;
        v_h := v_h * v_step;
        EXIT WHEN abs(v_step - 1) < 1e-13;
    END LOOP;
    RETURN least(1, v_front * v_h);
END
$$;
COMMENT ON FUNCTION monitoring_incomplete_beta(double precision, double precision, double precision) IS
    'The regularized incomplete beta function I_x(a, b), a and b > 0: Lentz''s continued fraction '
    '(DLMF 8.17.22; Numerical Recipes 6.4). Relative error under 1e-9; 0 below 1e-304.';

CREATE OR REPLACE FUNCTION monitoring_poisson_ratio_p(p_seen double precision, p_expected double precision, p_weight double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    IF p_seen <= 0 OR p_weight <= 0 THEN
        RETURN 1;
    ELSIF p_expected <= 0 THEN
        RETURN 0;
    END IF;
    RETURN monitoring_incomplete_beta(p_expected / (p_expected + p_weight), p_seen, p_weight + 1);
END
$$;
COMMENT ON FUNCTION monitoring_poisson_ratio_p(double precision, double precision, double precision) IS
    'How likely chance alone gives p_seen or more events where p_expected are expected and that expectation rests on '
    'p_weight events: the exact comparison of two Poisson counts, P(Bin(x + B, E / (E + B)) >= x) = I_{E/(E+B)}(x, B + 1) '
    '(Przyborowski and Wilenski 1940). Seen 12, expected 4, weight 100: 0.00131.';

CREATE OR REPLACE FUNCTION monitoring_poisson_ratio_bound(
    p_seen double precision, p_expected double precision, p_weight double precision, p_level double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_b     double precision := p_weight + 1;
    v_beta  double precision;                           -- ln B(a, b)
    v_logit double precision;
    v_share double precision;
    v_p     double precision;
    v_next  double precision;
    v_low   double precision;                           -- the root lies between these two
    v_high  double precision;
BEGIN
    IF p_seen <= 0 OR p_weight <= 0 OR p_expected <= 0 THEN
        RETURN 0;
    END IF;
    v_beta := monitoring_log_gamma(p_seen) + monitoring_log_gamma(v_b) - monitoring_log_gamma(p_seen + v_b);
    v_high := ln(p_seen / p_weight) + 5;
    v_low := v_high - 80;
    v_logit := v_high - 5 - 0.9 * sqrt(-2 * ln(p_level) * (1 / p_seen + 1 / v_b));
    FOR i IN 1 .. 100 LOOP                              -- Newton's steps on ln I, halving where one leaves the two
        v_share := 1 / (1 + exp(-v_logit));
        v_p := monitoring_incomplete_beta(v_share, p_seen, v_b);
        IF v_p > p_level THEN
            v_high := v_logit;
        ELSE
            v_low := v_logit;
        END IF;
        v_next := (v_low + v_high) / 2;
        IF v_p > 1e-290 THEN
            v_share := exp(p_seen * ln(v_share) + v_b * ln(1 - v_share) - v_beta) / v_p;    -- slope of ln I
            IF v_share > 1e-12 AND v_logit - (ln(v_p) - ln(p_level)) / v_share BETWEEN v_low AND v_high THEN
                v_next := v_logit - (ln(v_p) - ln(p_level)) / v_share;
            END IF;
        END IF;
        EXIT WHEN abs(v_next - v_logit) < 1e-8;
        v_logit := v_next;
    END LOOP;
    RETURN exp(v_logit) * p_weight / p_expected;
END
$$;
COMMENT ON FUNCTION monitoring_poisson_ratio_bound(double precision, double precision, double precision, double precision) IS
    'The ratio to the expectation that p_seen events prove at p_level: monitoring_poisson_ratio_p inverted (Clopper and Pearson), '
    'so that it is above 1 exactly where that test passes. Seen 40, expected 10, weight 500, level 0.001: 2.29.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f055_statistics', 'b1cd9907fca689c1')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f060_evaluation =====================================================================================
-- Evaluation: what every metric looks like in every window that ends at a moment. Reads only; any moment can be asked for.

CREATE OR REPLACE FUNCTION monitoring_fingerprint(
    p_alert_type text, p_metric_name text, p_dimension text DEFAULT NULL, p_value text DEFAULT NULL)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT left(encode(sha256(convert_to(
    concat_ws(E'\x1f', p_alert_type, p_metric_name, p_dimension, p_value), 'UTF8')), 'hex'), 32)
$$;
COMMENT ON FUNCTION monitoring_fingerprint(text, text, text, text) IS
    'What two sightings of one condition have in common: type, metric and, for an alert on one slice, dimension and value.';

CREATE OR REPLACE FUNCTION monitoring_health(
    p_total double precision, p_successful double precision, p_fallback double precision, p_duplicate double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT monitoring_health_score(p_successful / nullif(p_total, 0), p_fallback / nullif(p_total, 0), p_duplicate / nullif(p_total, 0))
$$;
COMMENT ON FUNCTION monitoring_health(double precision, double precision, double precision, double precision) IS
    'The health score, 0 to 100, of counts (whole or expected); null where there are no events.';

CREATE OR REPLACE FUNCTION monitoring_evaluated_parts() RETURNS TABLE (metric_name text, part text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
VALUES
    ('fallback_rate',  'fallback_rate'),
    ('error_rate',     'error_rate'),
    ('duplicate_rate', 'duplicate_rate'),
    ('latency_p95',    'latency_p95'),
    ('health_score',   'unsuccessful_rate'),
    ('health_score',   'fallback_rate'),
    ('health_score',   'duplicate_rate')
$$;
COMMENT ON FUNCTION monitoring_evaluated_parts() IS
    'The shares of bad events that are tested for a metric: itself, or the three that health is made of.';

CREATE OR REPLACE FUNCTION monitoring_evaluated_windows(p_at timestamptz, p_settings jsonb)
RETURNS TABLE (metric_name text, window_seconds integer, starts_at timestamptz, recent_at timestamptz, live_since timestamptz)
LANGUAGE sql STABLE
AS $$
WITH metrics AS (
    SELECT m.metric_name, latest.cleared_at, latest.live_since
    FROM monitoring_known_metrics() m
    LEFT JOIN LATERAL (
        SELECT
            CASE WHEN a.cleared_at <= p_at THEN monitoring_bucket(a.cleared_at) END AS cleared_at,
            CASE WHEN a.live_since <= p_at AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL)
                THEN monitoring_bucket(a.live_since) END AS live_since
        FROM monitoring_alerts a
        WHERE a.fingerprint = monitoring_fingerprint(m.alert_type, m.metric_name) AND a.opened_at <= p_at
        ORDER BY a.opened_at DESC
        LIMIT 1) latest ON true
)
SELECT
    metrics.metric_name,
    seconds::integer,
    greatest(p_at - seconds::integer * interval '1 second', metrics.cleared_at),
    greatest(monitoring_bucket(p_at - seconds::integer / 6 * interval '1 second'), metrics.cleared_at),
    metrics.live_since
FROM metrics, jsonb_array_elements_text(p_settings -> 'windows_seconds') seconds
$$;
COMMENT ON FUNCTION monitoring_evaluated_windows(timestamptz, jsonb) IS
    'The windows that end at a moment, and where the latest sixth of each begins; none reaches back over the metric''s last '
    'close. live_since: when its alert opened, if it has one.';

CREATE OR REPLACE FUNCTION monitoring_window_counts(p_at timestamptz, p_settings jsonb)
RETURNS TABLE (metric_name text, part text, window_seconds integer, starts_at timestamptz, armed boolean, total double precision,
               bad double precision, expected double precision, weight double precision, dispersion double precision,
               recent_bad double precision, recent_expected double precision, calm double precision[],
               expected_p95 double precision, floored boolean, baseline_from timestamptz, baseline_until timestamptz)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_bounds timestamptz[];
BEGIN
    SELECT array_agg(DISTINCT bound ORDER BY bound) INTO v_bounds
    FROM monitoring_evaluated_windows(p_at, p_settings) w, LATERAL (VALUES (w.starts_at), (w.recent_at), (w.live_since)) bounds (bound)
    WHERE bound IS NOT NULL;

    RETURN QUERY
        WITH windows AS MATERIALIZED (
            SELECT w.metric_name, parts.part, w.window_seconds, w.starts_at, w.recent_at, w.live_since
            FROM monitoring_evaluated_windows(p_at, p_settings) w JOIN monitoring_evaluated_parts() parts USING (metric_name)
        ),
        profile AS MATERIALIZED (                       -- a rate under the floor counts as the floor
            SELECT
                p.metric_name AS part, p.hour_of_day, greatest(p.rate, floors.floor) AS rate, p.weight, p.dispersion, p.latency_p95,
                p.rate < floors.floor AS floored, p.baseline_from, p.baseline_until,
                sum(p.total_events * greatest(p.rate, floors.floor)::numeric) OVER (PARTITION BY p.metric_name)::double precision AS all_bad
            FROM monitoring_profile(
                p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer,
                (p_at AT TIME ZONE 'UTC')::date) p
            LEFT JOIN monitoring_metric_settings(p_settings) floors USING (metric_name)
        ),
        cells AS MATERIALIZED (                         -- one row an hour, split where a window begins
            SELECT
                min(bucket_start) AS starts_at,
                extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer AS hour_of_day,
                sum(total_events) AS total_events,
                sum(total_events - successful_events) AS unsuccessful_events,
                sum(failed_events) AS failed_events,
                sum(fallback_events) AS fallback_events,
                sum(duplicate_events) AS duplicate_events,
                sum(latency_events) AS latency_events,
                sum(monitoring_count_above(latency_values, latency_counts, limits.latency_p95)) AS slow_events
            FROM monitoring_rollup
            LEFT JOIN profile limits
                ON limits.part = 'latency_p95' AND limits.hour_of_day = extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer
            WHERE bucket_start >= v_bounds[1] AND bucket_start < p_at
            GROUP BY date_trunc('hour', bucket_start, 'UTC'), 2, width_bucket(bucket_start, v_bounds)
        ),
        counts AS MATERIALIZED (                        -- one row a part and cell, with what the profile expects of it
            SELECT
                each.part, cells.starts_at, cells.hour_of_day, each.total::double precision AS total, each.bad::double precision AS bad,
                each.total * profile.rate AS expected, profile.rate, profile.weight, profile.dispersion, profile.latency_p95, profile.floored
            FROM cells
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',     cells.total_events,   cells.fallback_events),
                ('error_rate',        cells.total_events,   cells.failed_events),
                ('duplicate_rate',    cells.total_events,   cells.duplicate_events),
                ('unsuccessful_rate', cells.total_events,   cells.unsuccessful_events),
                ('latency_p95',       cells.latency_events, cells.slow_events)) each (part, total, bad)
            LEFT JOIN profile ON profile.part = each.part AND profile.hour_of_day = cells.hour_of_day
        ),
        by_hour_of_day AS (                             -- the same hour of several days rests on the same piece of baseline
            SELECT
                windows.metric_name, windows.part, windows.window_seconds, windows.starts_at,
                sum(c.total) AS total, sum(c.bad) AS bad, sum(c.expected) AS expected,
                sum(c.total) ^ 2 * min(c.rate) / nullif(min(c.weight), 0) AS variance,
                sum(c.bad) FILTER (WHERE c.starts_at >= windows.recent_at) AS recent_bad,
                sum(c.expected) FILTER (WHERE c.starts_at >= windows.recent_at) AS recent_expected,
                sum(c.total * c.latency_p95) AS latency_total,
                bool_or(c.floored) AS floored
            FROM windows
            LEFT JOIN counts c ON c.part = windows.part AND c.starts_at >= windows.starts_at
            GROUP BY windows.metric_name, windows.part, windows.window_seconds, windows.starts_at, c.hour_of_day
        ),
        runs AS (                                       -- what speaks for the normal rate against a multiple, summed back from the end
            SELECT
                alive.metric_name, alive.part, multiples.place,
                sum(((multiples.multiple - 1) * c.expected - c.bad * ln(multiples.multiple)) / c.dispersion) OVER (
                    PARTITION BY alive.metric_name, alive.part, multiples.place ORDER BY c.starts_at DESC) AS for_normal
            FROM (SELECT DISTINCT w.metric_name, w.part, w.live_since FROM windows w WHERE w.live_since IS NOT NULL) alive
            JOIN counts c ON c.part = alive.part AND c.starts_at >= alive.live_since
            CROSS JOIN (VALUES (1, 1.6::double precision), (2, 2), (3, 3)) multiples (place, multiple)
        ),
        best AS (
            SELECT r.metric_name, r.part, r.place, greatest(0, max(r.for_normal)) AS for_normal FROM runs r GROUP BY r.metric_name, r.part, r.place
        ),
        calmness AS (
            SELECT b.metric_name, b.part, array_agg(b.for_normal ORDER BY b.place) AS calm FROM best b GROUP BY b.metric_name, b.part
        ),
        known AS (
            SELECT
                p.part, min(p.dispersion) AS dispersion, min(p.all_bad) AS all_bad, min(p.baseline_from) AS baseline_from,
                min(p.baseline_until) AS baseline_until
            FROM profile p
            GROUP BY p.part
        )
        SELECT
            h.metric_name, h.part, h.window_seconds, h.starts_at,
            min(known.dispersion) IS NOT NULL,
            coalesce(sum(h.total), 0), coalesce(sum(h.bad), 0), sum(h.expected),
            least(sum(h.expected) ^ 2 / nullif(sum(h.variance), 0), min(known.all_bad) + 1),
            coalesce(min(known.dispersion), 1),
            coalesce(sum(h.recent_bad), 0), coalesce(sum(h.recent_expected), 0), min(calmness.calm),
            sum(h.latency_total) / nullif(sum(h.total), 0),
            coalesce(bool_or(h.floored), false), min(known.baseline_from), min(known.baseline_until)
        FROM by_hour_of_day h
        LEFT JOIN calmness USING (metric_name, part)
        LEFT JOIN known USING (part)
        GROUP BY h.metric_name, h.part, h.window_seconds, h.starts_at;
END
$$;
COMMENT ON FUNCTION monitoring_window_counts(timestamptz, jsonb) IS
    'The counts an evaluation judges, in one pass over the buckets: events and bad ones in each window, how many bad ones the '
    'profile expects (E = sum(n p)), the weight of that expectation (B = E^2 / sum(n^2 p / weight), never above the bad '
    'events that the whole baseline held), the same of the latest sixth, and, while an alert is live, calm: the reverse CUSUM '
    'max(sum((r - 1) E - x ln r) / dispersion) over all stretches since it opened that end at the moment, for r = 1.6, 2 and 3.';

CREATE OR REPLACE FUNCTION monitoring_window_latency(
    p_from timestamptz, p_until timestamptz, p_share double precision DEFAULT 0.95, p_guess double precision DEFAULT 0)
RETURNS double precision
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
DECLARE
    v_events bigint;
    v_floor  bigint;
    v_part   double precision;
    v_kept   bigint;
    v_low    integer;
    v_high   integer;
BEGIN
    SELECT sum(latency_events) INTO v_events FROM monitoring_rollup WHERE bucket_start >= p_from AND bucket_start < p_until;
    IF coalesce(v_events, 0) = 0 THEN
        RETURN NULL;
    END IF;
    v_floor := floor(p_share * (v_events - 1));         -- percentile_cont's position, counted from 0
    v_part := p_share * (v_events - 1) - v_floor;
    -- Counted down from the greatest. Only durations above the guess are read: where these are too few, all are.
    WITH tails AS (
        SELECT width_bucket(floor(p_guess)::integer, latency_values) AS below, latency_values, latency_counts
        FROM monitoring_rollup
        WHERE bucket_start >= p_from AND bucket_start < p_until AND latency_events > 0
    ),
    durations AS (
        SELECT duration, sum(events)::bigint AS events
        FROM tails, unnest(latency_values[below + 1 :], latency_counts[below + 1 :]) AS tail (duration, events)
        GROUP BY duration
    ),
    running AS (
        SELECT duration, sum(events) OVER (ORDER BY duration DESC) AS from_here FROM durations
    )
    SELECT
        max(duration) FILTER (WHERE from_here >= v_events - v_floor),
        max(duration) FILTER (WHERE from_here >= v_events - least(v_floor + 1, v_events - 1)),
        max(from_here)
    INTO v_low, v_high, v_kept
    FROM running;
    IF coalesce(v_kept, 0) < v_events - v_floor AND p_guess >= 0 THEN
        RETURN monitoring_window_latency(p_from, p_until, p_share, -1);
    END IF;
    RETURN v_low + v_part * (v_high - v_low);
END
$$;
COMMENT ON FUNCTION monitoring_window_latency(timestamptz, timestamptz, double precision, double precision) IS
    'The percentile of latency in a window, in milliseconds, exactly as percentile_cont gives it; null without latencies. '
    'The guess (some lower duration) only saves work.';

CREATE OR REPLACE FUNCTION monitoring_ratio_severity(
    p_ratio double precision, p_low double precision, p_medium double precision, p_high double precision, p_critical double precision,
    p_unhealthy boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN p_ratio >= p_critical AND p_unhealthy THEN 'critical'
    WHEN p_ratio >= p_high THEN 'high'
    WHEN p_ratio >= p_medium THEN 'medium'
    WHEN p_ratio >= p_low THEN 'low'
END
$$;
COMMENT ON FUNCTION monitoring_ratio_severity(double precision, double precision, double precision, double precision, double precision, boolean) IS
    'How bad a ratio is, null below the lowest threshold. Critical at once only where health is critical too; else it takes time.';

CREATE OR REPLACE FUNCTION monitoring_judge_rates(p_at timestamptz, p_settings jsonb, p_complete boolean)
RETURNS TABLE (metric_name text, alert_type text, window_seconds integer, starts_at timestamptz, part text, rule text,
               current_value double precision, baseline_value double precision, ratio double precision, total double precision,
               bad double precision, expected double precision, lower_bound double precision, p_value double precision,
               dispersion double precision, weight double precision, recent_ratio double precision, calm double precision[],
               evidence_verdict text, ratio_verdict text, floored boolean, baseline_from timestamptz, baseline_until timestamptz,
               threshold_low double precision, threshold_medium double precision, threshold_high double precision)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_level     double precision := (p_settings ->> 'significance')::double precision;
    v_least_bad double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_least     double precision := (p_settings ->> 'least_events')::double precision;
    v_warning   double precision := (p_settings -> 'health' ->> 'warning')::double precision;
    v_critical  double precision := (p_settings -> 'health' ->> 'critical')::double precision;
BEGIN
    RETURN QUERY
        WITH settings AS MATERIALIZED (
            SELECT * FROM monitoring_metric_settings(p_settings) s WHERE s.enabled
        ),
        counts AS MATERIALIZED (
            SELECT
                c.*,
                CASE WHEN c.total > 0 THEN c.bad / nullif(c.expected, 0) END AS excess,
                CASE WHEN c.recent_expected > 0 THEN c.recent_bad / c.recent_expected END AS recent_ratio
            FROM monitoring_window_counts(p_at, p_settings) c
        ),
        tested AS MATERIALIZED (                        -- the exact test, where anything hangs on it
            SELECT
                counts.*,
                CASE WHEN counts.armed AND counts.total > 0 AND (p_complete OR counts.excess >= 1.2 AND counts.bad >= v_least_bad)
                    THEN monitoring_poisson_ratio_p(
                        counts.bad / counts.dispersion, counts.expected / counts.dispersion, counts.weight / counts.dispersion)
                END AS p_value
            FROM counts
        ),
        part_healths AS (
            SELECT
                t.window_seconds,
                max(t.total) AS total,
                monitoring_health(
                    max(t.total),
                    max(t.total - t.bad) FILTER (WHERE t.part = 'unsuccessful_rate'),
                    max(t.bad) FILTER (WHERE t.part = 'fallback_rate'),
                    max(t.bad) FILTER (WHERE t.part = 'duplicate_rate')) AS current_health,
                monitoring_health(
                    max(t.total),
                    max(t.total - t.expected) FILTER (WHERE t.part = 'unsuccessful_rate'),
                    max(t.expected) FILTER (WHERE t.part = 'fallback_rate'),
                    max(t.expected) FILTER (WHERE t.part = 'duplicate_rate')) AS expected_health,
                ARRAY[min(t.calm[1]), min(t.calm[2]), min(t.calm[3])] AS calm
            FROM tested t
            WHERE t.metric_name = 'health_score'
            GROUP BY t.window_seconds
        ),
        healths AS MATERIALIZED (                       -- calm too when it has come back by half of what it had lost, and not for an hour only
            SELECT
                p.window_seconds, p.current_health, p.expected_health,
                CASE WHEN coalesce(bool_and(p.total >= v_least AND p.current_health >= (v_warning + p.expected_health) / 2)
                        FILTER (WHERE p.window_seconds <= 21600) OVER (), false)
                    THEN ARRAY[2.5, 2.5, 2.5]::double precision[]
                    ELSE p.calm
                END AS calm
            FROM part_healths p
        ),
        strongest AS (                                  -- of health's parts the one that speaks loudest
            SELECT DISTINCT ON (t.metric_name, t.window_seconds) t.*
            FROM tested t
            ORDER BY t.metric_name, t.window_seconds, t.p_value NULLS LAST, t.excess DESC NULLS LAST, t.part
        ),
        valued AS MATERIALIZED (
            SELECT
                s.metric_name, settings.alert_type, settings.rule, s.window_seconds, s.starts_at, s.part, s.total, s.bad, s.expected,
                s.p_value, s.dispersion, s.weight, s.excess, s.recent_ratio, s.floored, s.armed, s.baseline_from, s.baseline_until,
                settings.threshold_low, settings.threshold_medium, settings.threshold_high, settings.threshold_critical,
                h.current_health, h.expected_health,
                CASE WHEN s.metric_name = 'health_score' THEN h.calm ELSE s.calm END AS calm,
                CASE s.metric_name
                    WHEN 'health_score' THEN h.current_health
                    WHEN 'latency_p95' THEN
                        CASE WHEN s.total > 0 AND (p_complete OR settings.rule = 'ratio' OR s.p_value <= v_level)
                            THEN monitoring_window_latency(s.starts_at, p_at, 0.95, coalesce(s.expected_p95, 0) * 0.5)
                        END
                    ELSE s.bad / nullif(s.total, 0)
                END AS current_value,
                CASE s.metric_name
                    WHEN 'health_score' THEN h.expected_health
                    WHEN 'latency_p95' THEN s.expected_p95
                    ELSE s.expected / nullif(s.total, 0)
                END AS baseline_value
            FROM strongest s
            JOIN settings ON settings.metric_name = s.metric_name
            LEFT JOIN healths h ON h.window_seconds = s.window_seconds
        ),
        compared AS (                                   -- rounded as it is shown: what reads 3.0000 is not below 3
            SELECT
                v.*,
                round((CASE v.metric_name
                    WHEN 'health_score' THEN v.baseline_value / greatest(v.current_value, 1)
                    ELSE v.current_value / nullif(v.baseline_value, 0)
                END)::numeric, 4)::double precision AS ratio
            FROM valued v
        ),
        graded AS (                                     -- how bad it would be if it is there at all
            SELECT
                c.*,
                CASE c.metric_name
                    WHEN 'health_score' THEN
                        CASE
                            WHEN c.current_health < v_critical AND c.expected_health >= v_critical THEN 'critical'
                            WHEN c.current_health < v_warning AND c.expected_health >= v_warning THEN 'high'
                        END
                    ELSE monitoring_ratio_severity(
                        c.ratio, c.threshold_low, c.threshold_medium, c.threshold_high, c.threshold_critical,
                        c.current_health < v_critical)
                END AS grade
            FROM compared c
        )
        SELECT
            g.metric_name, g.alert_type, g.window_seconds, g.starts_at, g.part, g.rule, g.current_value, g.baseline_value, g.ratio,
            g.total, g.bad, g.expected,
            CASE WHEN g.p_value IS NOT NULL AND (p_complete OR g.p_value <= v_level)
                THEN monitoring_poisson_ratio_bound(
                    g.bad / g.dispersion, g.expected / g.dispersion, g.weight / g.dispersion, v_level)
            END,
            g.p_value, g.dispersion, g.weight, g.recent_ratio, g.calm,
            CASE
                WHEN g.total = 0 THEN 'no_data'
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.bad < v_least_bad AND (g.grade IS NOT NULL OR g.expected < v_least_bad) THEN 'too_few'
                WHEN g.metric_name <> 'latency_p95' AND g.grade IS NULL THEN 'below_threshold'
                WHEN g.p_value IS NULL OR g.p_value > v_level THEN
                    CASE WHEN g.grade IS NULL THEN 'below_threshold' ELSE 'within_noise' END
                WHEN g.grade IS NULL THEN 'below_threshold'
                WHEN g.window_seconds >= 21600 AND coalesce(g.recent_ratio, 0) < 1.2 THEN 'below_threshold'
                ELSE g.grade
            END,
            CASE
                WHEN g.total = 0 THEN 'no_data'
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.total < v_least THEN 'too_few'
                WHEN g.grade IS NULL THEN 'below_threshold'
                ELSE g.grade
            END,
            g.floored, g.baseline_from, g.baseline_until, g.threshold_low, g.threshold_medium, g.threshold_high
        FROM graded g;
END
$$;
COMMENT ON FUNCTION monitoring_judge_rates(timestamptz, jsonb, boolean) IS
    'Every metric and window with what both rules say. The evidence rule: at least least_bad_events, a ratio at a threshold, the '
    'exact test at the level, and in windows of six hours and more a latest sixth still at 1.2 times the expectation. The ratio '
    'rule: the ratio and at least least_events. Not complete: figures that no verdict hangs on are left null.';

CREATE OR REPLACE FUNCTION monitoring_attribution(
    p_part text, p_from timestamptz, p_at timestamptz, p_baseline_name text, p_window_days integer)
RETURNS TABLE (dimension text, value text, total_events bigint, bad_events bigint, expected_events double precision,
               excess_share double precision, likelihood double precision, blamed boolean)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_hour  CONSTANT timestamptz := date_trunc('hour', p_from, 'UTC');
    v_rates double precision[];                         -- by hour of day, from 0
    v_slow  double precision[];
    v_all   double precision;
    v_from  timestamptz;
    v_until timestamptz;
BEGIN
    SELECT
        array_agg(p.rate ORDER BY p.hour_of_day), array_agg(p.latency_p95 ORDER BY p.hour_of_day), min(p.overall_rate),
        min(p.baseline_from), min(p.baseline_until)
    INTO v_rates, v_slow, v_all, v_from, v_until
    FROM monitoring_profile(p_baseline_name, p_window_days, (p_at AT TIME ZONE 'UTC')::date) p
    WHERE p.metric_name = p_part;
    IF v_rates IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH slices AS (                                -- of the window's hours (present) and of the baseline's before them
            SELECT true AS present, s.* FROM monitoring_rollup_slices s WHERE s.hour_start >= v_hour AND s.hour_start < p_at
            UNION ALL
            SELECT false, s.* FROM monitoring_rollup_slices s WHERE s.hour_start >= v_from AND s.hour_start < least(v_until, v_hour)
        ),
        counts AS (
            SELECT
                present, model, backend, agent, version, v_rates[place] AS rate,
                CASE p_part WHEN 'latency_p95' THEN latency_events ELSE total_events END AS total,
                CASE p_part
                    WHEN 'fallback_rate' THEN fallback_events
                    WHEN 'error_rate' THEN failed_events
                    WHEN 'duplicate_rate' THEN duplicate_events
                    WHEN 'unsuccessful_rate' THEN total_events - successful_events
                    WHEN 'latency_p95' THEN monitoring_count_above(latency_values, latency_counts, v_slow[place])
                END AS bad
            FROM slices, LATERAL (SELECT extract(hour FROM hour_start AT TIME ZONE 'UTC')::integer + 1 AS place) day
        ),
        sums AS MATERIALIZED (
            SELECT
                model, backend, agent, version, present, sum(total) AS total, sum(bad) AS bad, sum(total * rate) AS expected
            FROM counts
            GROUP BY model, backend, agent, version, present
        ),
        everything AS (
            SELECT sum(sums.bad)::double precision AS bad, sum(sums.expected) AS expected FROM sums WHERE sums.present
        ),
        by_value AS (
            SELECT
                each.dimension, each.value,
                coalesce(sum(sums.total) FILTER (WHERE sums.present), 0)::double precision AS total,
                coalesce(sum(sums.bad) FILTER (WHERE sums.present), 0)::double precision AS bad,
                coalesce(sum(sums.total) FILTER (WHERE NOT sums.present), 0)::double precision AS total_before,
                coalesce(sum(sums.bad) FILTER (WHERE NOT sums.present), 0)::double precision AS bad_before
            FROM sums
            CROSS JOIN LATERAL (VALUES
                ('model', sums.model), ('backend', sums.backend), ('agent', sums.agent), ('version', sums.version)) each (dimension, value)
            GROUP BY each.dimension, each.value
        ),
        own AS (                                        -- its own rate before, shrunk towards the rate of all: that of one not seen before
            SELECT b.*, b.total * (b.bad_before + 10) / (b.total_before + 10 / v_all) AS raw FROM by_value b WHERE b.total > 0
        ),
        expected AS (                                   -- brought to the sum that the profile expects of these hours
            SELECT o.*, o.raw * everything.expected / sum(o.raw) OVER (PARTITION BY o.dimension) AS expected FROM own o, everything
        ),
        scored AS (                                     -- Poisson log-likelihood over the expectation, of the value alone and of all alike
            SELECT
                e.dimension, e.value, e.total, e.bad, e.expected,
                (e.bad - e.expected) / nullif(everything.bad - everything.expected, 0) AS excess_share,
                CASE WHEN e.bad > e.expected THEN e.bad * ln(e.bad / e.expected) - (e.bad - e.expected) ELSE 0 END AS likelihood,
                CASE WHEN everything.bad > everything.expected
                    THEN everything.bad * ln(everything.bad / everything.expected) - (everything.bad - everything.expected)
                END AS likelihood_of_all
            FROM expected e, everything
        )
        SELECT
            s.dimension, s.value, s.total::bigint, s.bad::bigint, s.expected, s.excess_share, s.likelihood,
            s.value <> '' AND s.excess_share >= 0.7 AND s.likelihood >= s.likelihood_of_all + 2
                AND row_number() OVER (ORDER BY s.value = '', s.likelihood DESC, s.dimension, s.value) = 1
        FROM scored s
        WHERE s.likelihood > 0
        ORDER BY s.likelihood DESC, s.dimension, s.value
        LIMIT 20;
END
$$;
COMMENT ON FUNCTION monitoring_attribution(text, timestamptz, timestamptz, text, integer) IS
    'Which slices hold the excess of bad events over the expectation, by hours, the likeliest first. blamed: at most one value, '
    'that holds 70 % of the excess and explains it better by a log-likelihood of 2 than if all had grown alike.';

CREATE OR REPLACE FUNCTION monitoring_evaluate_windows(p_at timestamptz, p_settings jsonb, p_complete boolean)
RETURNS TABLE (metric_name text, alert_type text, window_seconds integer, starts_at timestamptz, part text,
               current_value numeric, baseline_value numeric, ratio numeric, total_events bigint, bad_events numeric,
               expected_events numeric, lower_bound numeric, p_value double precision, dispersion numeric, verdict text, would_be text,
               severity text, calm double precision[], leads boolean, threshold_low numeric, threshold_medium numeric,
               threshold_high numeric, evidence jsonb)
LANGUAGE sql STABLE
AS $$
WITH ruled AS (
    SELECT
        j.*,
        CASE j.rule WHEN 'ratio' THEN j.ratio_verdict ELSE j.evidence_verdict END AS verdict,
        CASE j.rule WHEN 'ratio' THEN j.evidence_verdict ELSE j.ratio_verdict END AS would_be
    FROM monitoring_judge_rates(monitoring_evaluated_moment(p_at, p_settings), p_settings, p_complete) j
),
severe AS (
    SELECT r.*, CASE WHEN r.verdict IN ('low', 'medium', 'high', 'critical') THEN r.verdict END AS severity FROM ruled r
)
SELECT
    s.metric_name, s.alert_type, s.window_seconds, s.starts_at, s.part,
    round(s.current_value::numeric, CASE WHEN s.metric_name IN ('latency_p95', 'health_score') THEN 2 ELSE 6 END),
    round(s.baseline_value::numeric, CASE WHEN s.metric_name IN ('latency_p95', 'health_score') THEN 2 ELSE 6 END),
    round(s.ratio::numeric, 4), s.total::bigint, s.bad::numeric, round(s.expected::numeric, 3), round(s.lower_bound::numeric, 4),
    s.p_value, round(s.dispersion::numeric, 3), s.verdict,
    CASE WHEN p_complete OR s.severity IS NOT NULL THEN s.would_be END,
    s.severity, s.calm,
    s.severity IS NOT NULL AND row_number() OVER (
        PARTITION BY s.metric_name ORDER BY monitoring_severity_rank(s.severity) DESC, s.window_seconds) = 1,
    s.threshold_low::numeric, s.threshold_medium::numeric, s.threshold_high::numeric,
    jsonb_strip_nulls(jsonb_build_object(
        'rule', s.rule,
        'window_seconds', s.window_seconds,
        'window_start', to_char(s.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'window_end', to_char(monitoring_evaluated_moment(p_at, p_settings) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'counted', s.part,
        'total_events', s.total,
        'bad_events', s.bad,
        'expected_events', round(s.expected::numeric, 3),
        'excess', round((s.bad / nullif(s.expected, 0))::numeric, 4),
        'latest_sixth', round(s.recent_ratio::numeric, 4),
        'floor_applied', s.floored,
        'dispersion', round(s.dispersion::numeric, 3),
        'baseline_weight', round(s.weight::numeric, 1),
        'p_value', s.p_value,
        'lower_bound', round(s.lower_bound::numeric, 4),
        'significance', p_settings -> 'significance',
        'would_be', CASE WHEN p_complete OR s.severity IS NOT NULL THEN s.would_be END,
        'baseline_name', p_settings -> 'baseline' ->> 'name',
        'baseline_start', to_char(s.baseline_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'baseline_end', to_char(s.baseline_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
FROM severe s
$$;
COMMENT ON FUNCTION monitoring_evaluate_windows(timestamptz, jsonb, boolean) IS
    'Every metric and window judged by the rule that its settings choose; leads: the window that an alert would show, the '
    'shortest of the most severe. Settings are effective ones. Not complete: figures that no verdict hangs on are left null.';

CREATE OR REPLACE FUNCTION monitoring_evaluate(p_at timestamptz DEFAULT now(), p_settings jsonb DEFAULT NULL)
RETURNS TABLE (metric_name text, alert_type text, window_seconds integer, current_value numeric, baseline_value numeric,
               ratio numeric, total_events bigint, bad_events numeric, expected_events numeric, lower_bound numeric,
               p_value double precision, dispersion numeric, verdict text, would_be text, severity text, affected_model text,
               affected_backend text, affected_agent text, affected_version text, evidence jsonb)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_settings jsonb := monitoring_effective_settings(p_settings);
BEGIN
    PERFORM monitoring_check_settings(v_settings);
    RETURN QUERY
        WITH judged AS MATERIALIZED (
            SELECT * FROM monitoring_evaluate_windows(p_at, v_settings, true)
        ),
        blamed AS MATERIALIZED (                        -- for a metric that fires, by its leading window
            SELECT stretch.part, stretch.starts_at, a.dimension, a.value
            FROM (SELECT DISTINCT judged.part, judged.starts_at FROM judged WHERE judged.leads) stretch
            CROSS JOIN LATERAL monitoring_attribution(
                stretch.part, stretch.starts_at, monitoring_evaluated_moment(p_at, v_settings), v_settings -> 'baseline' ->> 'name',
                (v_settings -> 'baseline' ->> 'window_days')::integer) a
            WHERE a.blamed
        )
        SELECT
            j.metric_name, j.alert_type, j.window_seconds, j.current_value, j.baseline_value, j.ratio, j.total_events, j.bad_events,
            j.expected_events, j.lower_bound, j.p_value, j.dispersion, j.verdict, j.would_be, j.severity,
            CASE WHEN b.dimension = 'model' THEN b.value END,
            CASE WHEN b.dimension = 'backend' THEN b.value END,
            CASE WHEN b.dimension = 'agent' THEN b.value END,
            CASE WHEN b.dimension = 'version' THEN b.value END,
            j.evidence
        FROM judged j
        LEFT JOIN judged first ON first.metric_name = j.metric_name AND first.leads AND j.severity IS NOT NULL
        LEFT JOIN blamed b ON b.part = first.part AND b.starts_at = first.starts_at
        ORDER BY j.alert_type, j.window_seconds;
END
$$;
COMMENT ON FUNCTION monitoring_evaluate(timestamptz, jsonb) IS
    'What every metric looks like in every window that ends at a moment (at its last full five minutes). p_settings are laid '
    'over those in force. verdict: no_data, not_armed, too_few, within_noise, below_threshold, or the severity at which it '
    'fires; would_be: what the other rule says. lower_bound is of the ratio. Changes nothing.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f060_evaluation', '8ace13ce7f75efe2')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f070_lifecycle ======================================================================================
-- The life of an alert: one table of what may happen, one function that lets it happen.

CREATE OR REPLACE FUNCTION monitoring_allowed_transitions()
RETURNS TABLE (action text, actor text, from_status text, to_status text, transition text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
VALUES
    -- action         who           from            to              recorded as (null: it is so already, nothing is recorded)
    ('open',          'evaluation', NULL,           'open',         'opened'),
    ('escalate',      'evaluation', 'open',         'open',         'escalated'),
    ('escalate',      'evaluation', 'acknowledged', 'acknowledged', 'escalated'),
    ('escalate',      'evaluation', 'ignored',      'ignored',      'escalated'),
    ('deescalate',    'evaluation', 'open',         'open',         'deescalated'),
    ('deescalate',    'evaluation', 'acknowledged', 'acknowledged', 'deescalated'),
    ('deescalate',    'evaluation', 'ignored',      'ignored',      'deescalated'),
    ('resolve',       'evaluation', 'open',         'resolved',     'resolved'),
    ('resolve',       'evaluation', 'acknowledged', 'resolved',     'resolved'),
    ('resolve',       'evaluation', 'ignored',      'resolved',     'resolved'),
    ('reopen',        'evaluation', 'resolved',     'open',         'reopened'),
    ('acknowledge',   'person',     'open',         'acknowledged', 'acknowledged'),
    ('acknowledge',   'person',     'acknowledged', 'acknowledged', NULL),
    ('unacknowledge', 'person',     'acknowledged', 'open',         'unacknowledged'),
    ('unacknowledge', 'person',     'open',         'open',         NULL),
    ('resolve',       'person',     'open',         'resolved',     'resolved'),
    ('resolve',       'person',     'acknowledged', 'resolved',     'resolved'),
    ('resolve',       'person',     'ignored',      'resolved',     'resolved'),
    ('resolve',       'person',     'resolved',     'resolved',     NULL),
    ('ignore',        'person',     'open',         'ignored',      'ignored'),
    ('ignore',        'person',     'acknowledged', 'ignored',      'ignored'),
    ('ignore',        'person',     'ignored',      'ignored',      NULL),
    ('snooze',        'person',     'open',         'open',         'snoozed'),
    ('snooze',        'person',     'acknowledged', 'acknowledged', 'snoozed'),
    ('reopen',        'person',     'resolved',     'open',         'reopened'),
    ('reopen',        'person',     'ignored',      'open',         'reopened'),
    ('reopen',        'person',     'open',         'open',         NULL)
$$;
COMMENT ON FUNCTION monitoring_allowed_transitions() IS
    'Everything that may happen to an alert; what is not here is forbidden. Evaluation''s actor is called monitor.';

CREATE OR REPLACE FUNCTION monitoring_lock_fingerprint(p_fingerprint text) RETURNS void
LANGUAGE sql
AS $$
SELECT pg_advisory_xact_lock(hashtextextended('monitoring_alerts ' || p_fingerprint, 0))
$$;
COMMENT ON FUNCTION monitoring_lock_fingerprint(text) IS
    'Held to the end of the transaction: who opens, reopens or resolves an alert of a fingerprint does so alone.';

CREATE OR REPLACE FUNCTION monitoring_transition(
    p_alert_id uuid, p_action text, p_actor_kind text, p_actor text, p_credential text, p_note text, p_severity text,
    p_evidence jsonb, p_at timestamptz, p_until timestamptz DEFAULT NULL, p_clear boolean DEFAULT true)
RETURNS TABLE (outcome text, from_status text, to_status text, transition text)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    v_alert    monitoring_alerts;
    v_allowed  record;
    v_from     text;
    v_severity text;
    v_opens    boolean;
BEGIN
    SELECT * INTO v_alert FROM monitoring_alerts WHERE id = p_alert_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'not_found', NULL::text, NULL::text, NULL::text;
        RETURN;
    END IF;
    -- An alert that was written a moment ago has no transition yet: it comes from nowhere.
    v_from := CASE WHEN v_alert.sequence > 0 THEN v_alert.status END;
    SELECT * INTO v_allowed
    FROM monitoring_allowed_transitions() t
    WHERE t.action = p_action AND t.actor = p_actor_kind AND t.from_status IS NOT DISTINCT FROM v_from;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'forbidden', v_alert.status, v_alert.status, NULL::text;
        RETURN;
    END IF;
    IF v_allowed.transition IS NULL OR v_allowed.transition = 'snoozed' AND v_alert.snoozed_until = p_until THEN
        RETURN QUERY SELECT 'unchanged', v_alert.status, v_alert.status, NULL::text;
        RETURN;
    END IF;
    IF p_action = 'reopen' AND v_from = 'resolved' AND EXISTS (
        SELECT FROM monitoring_alerts other WHERE other.fingerprint = v_alert.fingerprint AND other.status <> 'resolved') THEN
        RETURN QUERY SELECT 'forbidden', v_alert.status, v_alert.status, NULL::text;      -- a newer one is live
        RETURN;
    END IF;

    v_severity := coalesce(p_severity, v_alert.severity);
    v_opens := v_allowed.transition IN ('opened', 'reopened');
    UPDATE monitoring_alerts a
    SET status = v_allowed.to_status,
        severity = v_severity,
        peak_severity = CASE
            WHEN monitoring_severity_rank(v_severity) > monitoring_severity_rank(a.peak_severity) THEN v_severity ELSE a.peak_severity
        END,
        sequence = a.sequence + 1,
        acknowledged_at = CASE WHEN v_allowed.transition = 'acknowledged' THEN p_at
                               WHEN v_opens OR v_allowed.transition = 'unacknowledged' THEN NULL ELSE a.acknowledged_at END,
        acknowledged_by = CASE WHEN v_allowed.transition = 'acknowledged' THEN p_actor
                               WHEN v_opens OR v_allowed.transition = 'unacknowledged' THEN NULL ELSE a.acknowledged_by END,
        resolved_at = CASE WHEN v_allowed.transition = 'resolved' THEN p_at WHEN v_opens THEN NULL ELSE a.resolved_at END,
        resolved_by = CASE WHEN v_allowed.transition = 'resolved' AND p_actor_kind = 'person' THEN p_actor
                           WHEN v_opens OR v_allowed.transition = 'resolved' THEN NULL ELSE a.resolved_by END,
        resolution_note = CASE WHEN v_allowed.transition = 'resolved' THEN p_note WHEN v_opens THEN NULL ELSE a.resolution_note END,
        held_severity = CASE WHEN v_allowed.transition = 'resolved' AND NOT p_clear THEN a.severity
                             WHEN v_opens OR v_allowed.transition = 'resolved' THEN NULL ELSE a.held_severity END,
        cleared_at = CASE WHEN v_allowed.transition = 'resolved' AND p_clear THEN p_at ELSE a.cleared_at END,
        live_since = CASE WHEN v_opens THEN p_at ELSE a.live_since END,
        snoozed_until = CASE WHEN v_allowed.transition = 'snoozed' THEN p_until
                             WHEN v_opens OR v_allowed.to_status IN ('resolved', 'ignored') THEN NULL ELSE a.snoozed_until END,
        high_since = CASE WHEN v_allowed.transition IN ('resolved', 'reopened') THEN NULL ELSE a.high_since END,
        lower_since = CASE WHEN v_allowed.transition IN ('resolved', 'reopened', 'deescalated', 'escalated') THEN NULL ELSE a.lower_since END,
        lower_severity = CASE WHEN v_allowed.transition IN ('resolved', 'reopened', 'deescalated', 'escalated') THEN NULL ELSE a.lower_severity END,
        last_evidence_at = CASE WHEN v_opens THEN greatest(a.last_evidence_at, p_at) ELSE a.last_evidence_at END,
        updated_at = now()
    WHERE a.id = p_alert_id;
    INSERT INTO monitoring_alert_transitions
        (alert_id, sequence, transition, from_status, to_status, from_severity, to_severity, actor, credential, note, evidence, occurred_at)
    VALUES (
        p_alert_id, v_alert.sequence + 1, v_allowed.transition, v_from, v_allowed.to_status,
        CASE WHEN v_from IS NOT NULL THEN v_alert.severity END, v_severity, p_actor, p_credential, p_note, coalesce(p_evidence, '{}'), p_at);
    PERFORM monitoring_bump_data_version();
    PERFORM pg_notify('monitoring_transitions', p_alert_id::text);
    RETURN QUERY SELECT 'changed', v_from, v_allowed.to_status, v_allowed.transition;
END
$$;
COMMENT ON FUNCTION monitoring_transition(uuid, text, text, text, text, text, text, jsonb, timestamptz, timestamptz, boolean) IS
    'One step of an alert: the alert''s new state, the row that records it, the data version and a notice, or nothing at all. '
    'p_severity null keeps it; p_until is of a snooze; p_clear false says that an alert resolved by hand still had its condition.';

CREATE OR REPLACE FUNCTION monitoring_act_on_alert(
    p_alert_id uuid, p_action text, p_actor text, p_credential text DEFAULT NULL, p_note text DEFAULT NULL,
    p_until timestamptz DEFAULT NULL, p_at timestamptz DEFAULT now())
RETURNS TABLE (outcome text, from_status text, to_status text)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    v_fingerprint text;
    v_holds       boolean;
    v_evidence    jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM monitoring_allowed_transitions() t WHERE t.action = p_action AND t.actor = 'person') THEN
        RAISE EXCEPTION 'p_action: % is nothing a person can do to an alert', coalesce(quote_literal(p_action), 'null')
            USING ERRCODE = 'TMARG';
    ELSIF p_action = 'snooze' AND (p_until IS NULL OR p_until <= p_at OR p_until = 'infinity') THEN
        RAISE EXCEPTION 'p_until: a snooze must end after it begins' USING ERRCODE = 'TMARG';
    ELSIF coalesce(p_actor, '') = '' THEN
        RAISE EXCEPTION 'p_actor: somebody must do it' USING ERRCODE = 'TMARG';
    END IF;
    SELECT fingerprint INTO v_fingerprint FROM monitoring_alerts WHERE id = p_alert_id;
    IF FOUND THEN
        PERFORM monitoring_lock_fingerprint(v_fingerprint);
    END IF;
    -- The condition holds as long as the latest evaluation saw it, or it is not known to be over.
    SELECT a.last_evidence_at >= coalesce(nullif(state.applied_at, '-infinity'), a.last_evidence_at),
        jsonb_strip_nulls(jsonb_build_object(
            'current_value', a.current_value, 'baseline_value', a.baseline_value, 'deviation_ratio', a.deviation_ratio))
    INTO v_holds, v_evidence
    FROM monitoring_alerts a, monitoring_evaluation_state state
    WHERE a.id = p_alert_id;
    RETURN QUERY
        SELECT t.outcome, coalesce(t.from_status, t.to_status), t.to_status
        FROM monitoring_transition(
            p_alert_id, p_action, 'person', p_actor, p_credential, p_note, NULL, v_evidence, p_at, p_until, NOT coalesce(v_holds, false)) t;
END
$$;
COMMENT ON FUNCTION monitoring_act_on_alert(uuid, text, text, text, text, timestamptz, timestamptz) IS
    'What a person does to an alert: acknowledge, unacknowledge, resolve, ignore, snooze (until p_until), reopen. outcome: '
    'changed, unchanged (it is so already), forbidden (in this status) or not_found. An argument that cannot be: SQLSTATE TMARG.';

-- Evaluation's side ----------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION monitoring_percent(p_value numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT trim(to_char(p_value * 100, CASE WHEN p_value < 0.001 THEN 'FM999990.000' WHEN p_value < 0.01 THEN 'FM999990.00' ELSE 'FM999990.0' END))
    || ' %'
$$;
COMMENT ON FUNCTION monitoring_percent(numeric) IS 'A share as text: 0.0312 as 3.1 %, small ones with more places.';

CREATE OR REPLACE FUNCTION monitoring_span_text(p_seconds integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN p_seconds = 3600 THEN 'hour'
    WHEN p_seconds % 3600 = 0 THEN p_seconds / 3600 || ' hours'
    ELSE p_seconds / 60 || ' minutes'
END
$$;
COMMENT ON FUNCTION monitoring_span_text(integer) IS 'The length of a window as it stands after "the last".';

CREATE OR REPLACE FUNCTION monitoring_alert_summary(
    p_metric_name text, p_current numeric, p_baseline numeric, p_ratio numeric, p_evidence jsonb, p_affected text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE p_metric_name
        WHEN 'latency_p95' THEN format(
            'Latency p95 %s ms over the last %s, %sx the expected %s ms (%s of %s events above the usual p95; expected %s)',
            round(p_current), window_text, ratio, round(p_baseline), bad, total, expected)
        WHEN 'health_score' THEN format(
            'Health score %s over the last %s, down from the expected %s (%s of %s events %s; expected %s)',
            round(p_current, 1), window_text, round(p_baseline, 1), bad, total,
            CASE p_evidence ->> 'counted' WHEN 'unsuccessful_rate' THEN 'not successful' WHEN 'fallback_rate' THEN 'fell back' ELSE 'were retried' END,
            expected)
        ELSE format(
            '%s %s over the last %s, %sx the expected %s (%s of %s events; expected %s)',
            CASE p_metric_name WHEN 'fallback_rate' THEN 'Fallback rate' WHEN 'error_rate' THEN 'Error rate'
                 WHEN 'duplicate_rate' THEN 'Duplicate rate' ELSE p_metric_name END,
            monitoring_percent(p_current), window_text, ratio, monitoring_percent(p_baseline), bad, total, expected)
    END
    || coalesce(', mostly ' || p_affected, '') || '.'
FROM (
    SELECT
        monitoring_span_text((p_evidence ->> 'window_seconds')::integer) AS window_text,
        trim(to_char(p_ratio, 'FM999990.0')) AS ratio,
        p_evidence ->> 'bad_events' AS bad,
        p_evidence ->> 'total_events' AS total,
        CASE WHEN (p_evidence ->> 'expected_events')::numeric < 10
            THEN trim(to_char((p_evidence ->> 'expected_events')::numeric, 'FM999990.0'))
            ELSE round((p_evidence ->> 'expected_events')::numeric)::text END AS expected
) texts
$$;
COMMENT ON FUNCTION monitoring_alert_summary(text, numeric, numeric, numeric, jsonb, text) IS
    'An alert in one sentence, with the figures it rests on.';

CREATE OR REPLACE FUNCTION monitoring_example_events(
    p_part text, p_from timestamptz, p_until timestamptz, p_dimension text, p_value text, p_slow double precision)
RETURNS text[]
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF to_regclass('learning_events') IS NULL THEN
        RETURN '{}';
    END IF;
    RETURN coalesce((
        WITH latest AS (                                -- a bounded piece of the window's end, by the index on occurred_at
            SELECT event_id, occurred_at, source_agent, duplicate_count, event_data
            FROM learning_events
            WHERE occurred_at >= p_from AND occurred_at < p_until
            ORDER BY occurred_at DESC
            LIMIT 500
        ),
        said AS (                                       -- as the roll-up reads them, so that the same events count
            SELECT
                latest.event_id, latest.occurred_at, said.reward, said.duration_ms, said.is_fallback,
                said.readable AND latest.duplicate_count > 1 AS is_duplicate,
                CASE p_dimension
                    WHEN 'model' THEN said.model
                    WHEN 'backend' THEN said.backend
                    WHEN 'agent' THEN CASE WHEN said.readable THEN coalesce(monitoring_cut(latest.source_agent), '') ELSE '' END
                    WHEN 'version' THEN said.version
                END AS value
            FROM latest
            CROSS JOIN LATERAL monitoring_extract(latest.event_data) AS said
        ),
        fitting AS (
            SELECT event_id, occurred_at
            FROM said
            WHERE CASE p_part
                    WHEN 'fallback_rate' THEN is_fallback
                    WHEN 'error_rate' THEN reward <= 0.3
                    WHEN 'duplicate_rate' THEN is_duplicate
                    WHEN 'latency_p95' THEN duration_ms > p_slow
                    ELSE NOT coalesce(reward > 0.5, false)
                END
              AND (p_dimension IS NULL OR value = p_value OR p_value = 'other' AND value <> '' AND NOT EXISTS (
                    SELECT FROM monitoring_rollup_values AS kept            -- folded: its day does not keep it apart
                    WHERE kept.day = (said.occurred_at AT TIME ZONE 'UTC')::date AND kept.dimension = p_dimension
                        AND kept.value = said.value))
            ORDER BY occurred_at DESC, event_id
            LIMIT 10
        )
        SELECT array_agg(event_id ORDER BY occurred_at DESC, event_id) FROM fitting), '{}');
END
$$;
COMMENT ON FUNCTION monitoring_example_events(text, timestamptz, timestamptz, text, text, double precision) IS
    'Up to ten event_ids of the kind that an alert counted, from the latest 500 events of its window.';

CREATE OR REPLACE FUNCTION monitoring_show_evidence(p_alert_id uuid, p_row jsonb, p_settings jsonb, p_at timestamptz, p_afresh boolean)
RETURNS void
LANGUAGE plpgsql
SET jit = off
AS $$
DECLARE
    v_alert   monitoring_alerts;
    v_blamed  record;
    v_context jsonb;
    v_causes  jsonb;
    v_from    timestamptz := (p_row ->> 'starts_at')::timestamptz;
BEGIN
    SELECT * INTO v_alert FROM monitoring_alerts WHERE id = p_alert_id;
    v_context := (p_row -> 'evidence') || jsonb_strip_nulls(jsonb_build_object('peak_lower_bound', greatest(
        (p_row ->> 'lower_bound')::numeric,
        CASE WHEN v_alert.status <> 'resolved' AND v_alert.live_since < p_at THEN (v_alert.context_data ->> 'peak_lower_bound')::numeric END)));
    -- Who causes it is looked up when something happened, and once an hour.
    IF p_afresh OR v_alert.context_data ->> 'attributed_at' IS NULL
       OR (v_alert.context_data ->> 'attributed_at')::timestamptz <= p_at - interval '1 hour' THEN
        SELECT coalesce(jsonb_agg(jsonb_build_object(
                'dimension', dimension, 'value', value, 'bad_events', bad_events, 'total_events', total_events,
                'expected_events', round(expected_events::numeric, 3), 'excess_share', round(excess_share::numeric, 3),
                'blamed', blamed) ORDER BY likelihood DESC, dimension, value) FILTER (WHERE place <= 5 OR blamed), '[]')
        INTO v_causes
        FROM (
            SELECT *, row_number() OVER (ORDER BY likelihood DESC, dimension, value) AS place
            FROM monitoring_attribution(
                p_row ->> 'part', v_from, p_at, p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer)
        ) a;
        v_context := v_context || jsonb_build_object(
            'attributed_at', to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'slices', v_causes);
    ELSE
        v_context := v_context || jsonb_build_object(
            'attributed_at', v_alert.context_data -> 'attributed_at', 'slices', v_alert.context_data -> 'slices');
    END IF;
    SELECT cause ->> 'dimension' AS dimension, cause ->> 'value' AS value INTO v_blamed
    FROM jsonb_array_elements(v_context -> 'slices') cause
    WHERE (cause ->> 'blamed')::boolean;

    UPDATE monitoring_alerts a
    SET current_value = (p_row ->> 'current_value')::numeric,
        baseline_value = (p_row ->> 'baseline_value')::numeric,
        deviation_ratio = (p_row ->> 'ratio')::numeric,
        threshold_low = (p_row ->> 'threshold_low')::numeric,
        threshold_medium = (p_row ->> 'threshold_medium')::numeric,
        threshold_high = (p_row ->> 'threshold_high')::numeric,
        comparison_window_days = (p_settings -> 'baseline' ->> 'window_days')::integer,
        affected_model = CASE WHEN v_blamed.dimension = 'model' THEN v_blamed.value END,
        affected_backend = CASE WHEN v_blamed.dimension = 'backend' THEN v_blamed.value END,
        affected_agent = CASE WHEN v_blamed.dimension = 'agent' THEN v_blamed.value END,
        affected_version = CASE WHEN v_blamed.dimension = 'version' THEN v_blamed.value END,
        context_data = v_context,
        summary = monitoring_alert_summary(
            a.metric_name, (p_row ->> 'current_value')::numeric, (p_row ->> 'baseline_value')::numeric, (p_row ->> 'ratio')::numeric,
            v_context, v_blamed.dimension || ' ' || v_blamed.value),
        related_events = CASE
            WHEN p_afresh THEN monitoring_example_events(
                p_row ->> 'part', v_from, p_at, v_blamed.dimension, v_blamed.value, (p_row ->> 'baseline_value')::double precision)
            ELSE a.related_events
        END,
        updated_at = now()
    WHERE a.id = p_alert_id AND (p_afresh OR a.context_data <> v_context);
    IF FOUND AND NOT p_afresh THEN
        PERFORM monitoring_bump_data_version();
    END IF;
END
$$;
COMMENT ON FUNCTION monitoring_show_evidence(uuid, jsonb, jsonb, timestamptz, boolean) IS
    'Writes into an alert what its leading window showed (a row of monitoring_evaluate_windows as JSON): figures, sentence, '
    'slices; afresh, after a transition, with examples.';

CREATE OR REPLACE FUNCTION monitoring_calm(p_calm double precision[], p_proven double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT coalesce(p_calm[CASE WHEN p_proven >= 2.5 THEN 3 WHEN p_proven >= 1.5 THEN 2 ELSE 1 END], 0)
$$;
COMMENT ON FUNCTION monitoring_calm(double precision[], double precision) IS
    'The reverse CUSUM against the multiple that fits the ratio an alert has proven: the worse it was, the sooner its end can be told.';

CREATE OR REPLACE FUNCTION monitoring_severity_threshold(p_severity text, p_row jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE WHEN p_row ->> 'metric_name' <> 'health_score' THEN (p_row ->> ('threshold_' || p_severity))::numeric END
$$;
COMMENT ON FUNCTION monitoring_severity_threshold(text, jsonb) IS
    'The ratio at which a severity begins, of a row of monitoring_evaluate_windows as JSON; null for health, which has no ratios.';

CREATE OR REPLACE FUNCTION monitoring_step_alert(
    p_fingerprint text, p_row jsonb, p_calm double precision[], p_settings jsonb, p_at timestamptz)
RETURNS TABLE (alert_id uuid, transition text, severity text)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    v_resolve_after CONSTANT interval := (p_settings ->> 'resolve_after_seconds')::numeric * interval '1 second';
    v_critical      CONSTANT interval := (p_settings ->> 'critical_after_seconds')::numeric * interval '1 second';
    v_longest       CONSTANT interval := (SELECT max(s::numeric) FROM jsonb_array_elements_text(p_settings -> 'windows_seconds') s) * interval '1 second';
    v_calm     double precision;                        -- how strongly the latest stretch speaks for the normal rate
    v_over     boolean := false;
    v_holds    boolean;
    v_seen     text;
    v_alert    monitoring_alerts;
    v_action   text;
    v_note     text;
    v_result   record;
BEGIN
    PERFORM monitoring_lock_fingerprint(p_fingerprint);
    SELECT * INTO v_alert FROM monitoring_alerts WHERE fingerprint = p_fingerprint ORDER BY opened_at DESC, created_at DESC LIMIT 1 FOR UPDATE;
    IF v_alert.status <> 'resolved' OR v_alert.held_severity IS NOT NULL THEN
        v_calm := monitoring_calm(p_calm, (v_alert.context_data ->> 'peak_lower_bound')::double precision);
        v_over := v_calm >= 2.5;                        -- twelve to one
    END IF;
    v_holds := p_row IS NOT NULL AND NOT v_over;
    v_seen := CASE WHEN v_holds THEN p_row ->> 'severity' END;

    IF v_alert.id IS NULL OR v_alert.status = 'resolved' THEN
        IF v_alert.held_severity IS NOT NULL THEN
            IF NOT v_holds AND (v_over OR p_at - v_alert.last_evidence_at >= v_longest) THEN
                UPDATE monitoring_alerts SET held_severity = NULL, cleared_at = p_at WHERE id = v_alert.id;
                RETURN;
            ELSIF monitoring_severity_rank(v_seen) <= monitoring_severity_rank(v_alert.held_severity) THEN
                IF v_holds THEN
                    UPDATE monitoring_alerts SET last_evidence_at = greatest(last_evidence_at, p_at) WHERE id = v_alert.id;
                END IF;
                RETURN;
            END IF;
        END IF;
        IF v_seen IS NULL THEN
            RETURN;
        END IF;
        IF v_alert.id IS NOT NULL AND v_alert.resolved_at >= p_at - (p_settings ->> 'reopen_within_seconds')::numeric * interval '1 second' THEN
            v_action := 'reopen';
        ELSE
            v_action := 'open';
            INSERT INTO monitoring_alerts
                (fingerprint, alert_type, severity, peak_severity, metric_name, metric_date, metric_hour, opened_at, live_since, last_evidence_at)
            VALUES (
                p_fingerprint, p_row ->> 'alert_type', v_seen, v_seen, p_row ->> 'metric_name', (p_at AT TIME ZONE 'UTC')::date,
                CASE WHEN (p_row ->> 'window_seconds')::integer < 86400 THEN extract(hour FROM p_at AT TIME ZONE 'UTC')::integer END,
                p_at, p_at, p_at)
            RETURNING * INTO v_alert;
        END IF;
    END IF;

    -- Since when at the ratio that becomes critical with time.
    IF v_holds AND (p_row ->> 'ratio')::numeric >= monitoring_severity_threshold('critical', p_row) THEN
        v_alert.high_since := CASE WHEN v_action IS NULL THEN coalesce(v_alert.high_since, p_at) ELSE p_at END;
        IF p_at - v_alert.high_since >= v_critical THEN
            v_seen := 'critical';
        END IF;
    ELSE
        v_alert.high_since := NULL;
    END IF;

    IF v_action IS NULL THEN
        IF v_holds THEN
            v_alert.last_evidence_at := greatest(v_alert.last_evidence_at, p_at);
        END IF;
        IF monitoring_severity_rank(v_seen) >= monitoring_severity_rank(v_alert.severity)
           OR v_holds AND (p_row ->> 'ratio')::numeric >= 0.8 * monitoring_severity_threshold(v_alert.severity, p_row) THEN
            v_alert.lower_since := NULL;
            v_alert.lower_severity := NULL;
        ELSIF v_alert.lower_since IS NULL THEN
            v_alert.lower_since := p_at;
            v_alert.lower_severity := v_seen;
        ELSIF monitoring_severity_rank(v_seen) > monitoring_severity_rank(v_alert.lower_severity) THEN
            v_alert.lower_severity := v_seen;
        END IF;
        IF monitoring_severity_rank(v_seen) > monitoring_severity_rank(v_alert.severity) THEN
            v_action := 'escalate';
        ELSIF NOT v_holds AND v_over AND p_at - v_alert.last_evidence_at >= v_resolve_after THEN
            v_action := 'resolve';
            v_note := 'Calm since ' || to_char(v_alert.last_evidence_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') || '.';
        ELSIF NOT v_holds AND p_row IS NULL AND p_at - v_alert.last_evidence_at >= greatest(v_longest, v_resolve_after) THEN
            v_action := 'resolve';
            v_note := 'No evidence since ' || to_char(v_alert.last_evidence_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
                || '; too few events to tell more.';
        ELSIF v_alert.lower_since IS NOT NULL AND v_seen IS NOT NULL AND p_at - v_alert.lower_since >= v_resolve_after THEN
            v_action := 'deescalate';
            v_seen := v_alert.lower_severity;
        END IF;
        UPDATE monitoring_alerts a
        SET high_since = v_alert.high_since, last_evidence_at = v_alert.last_evidence_at, lower_since = v_alert.lower_since,
            lower_severity = v_alert.lower_severity
        WHERE a.id = v_alert.id
          AND (a.high_since, a.last_evidence_at, a.lower_since, a.lower_severity)
              IS DISTINCT FROM (v_alert.high_since, v_alert.last_evidence_at, v_alert.lower_since, v_alert.lower_severity);
    END IF;

    IF v_holds THEN
        PERFORM monitoring_show_evidence(v_alert.id, p_row, p_settings, p_at, v_action IS NOT NULL);
    END IF;
    IF v_action IS NULL THEN
        RETURN;
    END IF;
    SELECT * INTO v_result
    FROM monitoring_transition(
        v_alert.id, v_action, 'evaluation', 'monitor', NULL, v_note, CASE WHEN v_action <> 'resolve' THEN v_seen END,
        CASE WHEN v_holds THEN (SELECT jsonb_build_object('summary', a.summary) || a.context_data FROM monitoring_alerts a WHERE a.id = v_alert.id)
             ELSE jsonb_strip_nulls(jsonb_build_object('calm', round(v_calm::numeric, 3))) END,
        p_at);
    IF v_result.outcome <> 'changed' THEN
        RAISE EXCEPTION 'evaluation may not % an alert that is %', v_action, v_result.from_status;
    END IF;
    IF v_action IN ('open', 'reopen') THEN
        UPDATE monitoring_alerts SET high_since = v_alert.high_since WHERE id = v_alert.id;
    END IF;
    RETURN QUERY SELECT a.id, v_result.transition, a.severity FROM monitoring_alerts a WHERE a.id = v_alert.id;
END
$$;
COMMENT ON FUNCTION monitoring_step_alert(text, jsonb, double precision[], jsonb, timestamptz) IS
    'One evaluation''s effect on one fingerprint, at most one transition: p_row is the leading window that fires (null: none), '
    'p_calm the evidence that the latest stretch is normal. Evidence of a window counts for nothing where that is 2.5 or more.';

CREATE OR REPLACE FUNCTION monitoring_apply_evaluation(p_at timestamptz DEFAULT now(), p_settings jsonb DEFAULT NULL)
RETURNS TABLE (alert_id uuid, transition text, severity text)
LANGUAGE plpgsql
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_started  CONSTANT timestamptz := clock_timestamp();
    v_settings CONSTANT jsonb := monitoring_effective_settings(p_settings);
    v_at       CONSTANT timestamptz := monitoring_evaluated_moment(p_at, v_settings);
    v_applied  timestamptz;
    v_metric   record;
BEGIN
    PERFORM monitoring_check_settings(v_settings);
    SELECT applied_at INTO v_applied FROM monitoring_evaluation_state FOR UPDATE;
    IF v_at < v_applied THEN
        RETURN;                                         -- the past is over: it opens and closes nothing
    END IF;
    PERFORM monitoring_fill_profile(
        v_settings -> 'baseline' ->> 'name', (v_settings -> 'baseline' ->> 'window_days')::integer, (v_at AT TIME ZONE 'UTC')::date);
    FOR v_metric IN
        WITH judged AS MATERIALIZED (
            SELECT * FROM monitoring_evaluate_windows(v_at, v_settings, false)
        ),
        lead AS (
            SELECT
                judged.metric_name,
                to_jsonb(judged) || jsonb_build_object('threshold_critical', s.threshold_critical) AS evidence_row
            FROM judged JOIN monitoring_metric_settings(v_settings) s USING (metric_name)
            WHERE judged.leads
        )
        SELECT monitoring_fingerprint(judged.alert_type, judged.metric_name) AS fingerprint, lead.evidence_row, max(judged.calm) AS calm
        FROM judged
        LEFT JOIN lead USING (metric_name)
        GROUP BY judged.alert_type, judged.metric_name, lead.evidence_row
        ORDER BY 1
    LOOP
        RETURN QUERY SELECT * FROM monitoring_step_alert(v_metric.fingerprint, v_metric.evidence_row, v_metric.calm, v_settings, v_at);
    END LOOP;
    -- What is switched off is watched by nobody: its alert ends.
    FOR v_metric IN
        SELECT a.id
        FROM monitoring_alerts a JOIN monitoring_metric_settings(v_settings) s ON NOT s.enabled
            AND a.fingerprint = monitoring_fingerprint(s.alert_type, s.metric_name)
        WHERE a.status <> 'resolved'
        ORDER BY a.fingerprint
    LOOP
        RETURN QUERY
            SELECT v_metric.id, t.transition, a.severity
            FROM monitoring_transition(v_metric.id, 'resolve', 'evaluation', 'monitor', NULL, 'No longer evaluated.', NULL, NULL, v_at) t
            JOIN monitoring_alerts a ON a.id = v_metric.id
            WHERE t.outcome = 'changed';
    END LOOP;
    UPDATE monitoring_evaluation_state
    SET applied_at = v_at, last_run_at = v_started, last_duration_ms = extract(epoch FROM clock_timestamp() - v_started) * 1000;
END
$$;
COMMENT ON FUNCTION monitoring_apply_evaluation(timestamptz, jsonb) IS
    'Evaluates a moment and takes every alert one step on, in one transaction; the transitions that came of it. Appliers wait '
    'for each other. The same moment again changes nothing; a moment before the latest one does nothing at all.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f070_lifecycle', 'a5a14a48434a827d')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f080_check ==========================================================================================
-- The check that pg_cron and the worker call.

CREATE OR REPLACE FUNCTION monitoring_is_present(p_at timestamptz, p_now timestamptz DEFAULT now()) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_at > p_now + interval '10 minutes' THEN        -- applied, it would stop every evaluation until it has come
        RAISE EXCEPTION 'p_at: a moment to check must not lie in the future' USING ERRCODE = 'TMARG';
    END IF;
    RETURN p_at > p_now - interval '10 minutes';
END
$$;
COMMENT ON FUNCTION monitoring_is_present(timestamptz, timestamptz) IS
    'Whether a moment is the present, in which alerts are opened and closed: less than ten minutes, two buckets of the roll-up, '
    'ago. What is longer ago is only reported on. More than ten minutes ahead is an error (SQLSTATE TMARG).';

CREATE OR REPLACE FUNCTION check_drift_and_alert(
    p_baseline_name text DEFAULT '7day_rolling', p_threshold_low numeric DEFAULT NULL, p_threshold_medium numeric DEFAULT NULL,
    p_threshold_high numeric DEFAULT NULL, p_at timestamptz DEFAULT now())
RETURNS TABLE (alerts_created integer, alert_ids uuid[])
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    v_settings CONSTANT jsonb := monitoring_effective_settings();
    v_given    jsonb := '{}';                           -- what overrules them
    v_days     integer;
BEGIN
    IF NOT monitoring_is_present(p_at) THEN             -- the past is computed and reported; it opens nothing and tells nobody
        RETURN QUERY SELECT 0, '{}'::uuid[];
        RETURN;
    END IF;
    IF p_baseline_name NOT IN ('7day_rolling', v_settings -> 'baseline' ->> 'name') THEN
        SELECT baseline_window_days INTO v_days FROM monitoring_baseline WHERE baseline_name = p_baseline_name;
        v_given := jsonb_build_object('baseline', jsonb_strip_nulls(
            jsonb_build_object('name', p_baseline_name, 'window_days', v_days)));
    END IF;
    v_given := v_given || jsonb_build_object('thresholds', jsonb_strip_nulls(jsonb_build_object(
        'low', p_threshold_low, 'medium', p_threshold_medium, 'high', p_threshold_high,
        'critical', greatest(p_threshold_high, CASE WHEN p_threshold_high IS NOT NULL
            THEN (v_settings -> 'thresholds' ->> 'critical')::numeric END))));
    RETURN QUERY
        SELECT count(*)::integer, coalesce(array_agg(applied.alert_id ORDER BY applied.alert_id), '{}')
        FROM monitoring_apply_evaluation(p_at, v_given) applied
        WHERE applied.transition IN ('opened', 'reopened');
END
$$;
COMMENT ON FUNCTION check_drift_and_alert(text, numeric, numeric, numeric, timestamptz) IS
    'Evaluates the moment and steps every alert; how many were opened or reopened, and which. A baseline''s name that is null or '
    'the default, a threshold that is null, and everything else, is as the settings say; a threshold that is given holds for every metric. A moment ten minutes ago opens nothing; one more than ten minutes ahead is '
    'an error (SQLSTATE TMARG).';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f080_check', 'c1593f3aadc970dc')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f090_views ==========================================================================================
-- What people and the console read. The views run with the rights of who asks: a role sees through them what it may see itself.

CREATE OR REPLACE VIEW v_monitoring_current_status WITH (security_invoker = true) AS
SELECT
    today.metric_date,
    today.total_events,
    today.fallback_rate,
    today.error_rate,
    today.duplicate_rate,
    today.latency_p50,
    today.latency_p95,
    today.latency_p99,
    today.health_score,
    baseline.baseline_fallback_rate,
    baseline.baseline_error_rate,
    baseline.baseline_latency_p95,
    round(today.fallback_rate / nullif(baseline.baseline_fallback_rate, 0), 2) AS fallback_vs_baseline,
    round(today.error_rate / nullif(baseline.baseline_error_rate, 0), 2) AS error_vs_baseline,
    round(today.latency_p95 / nullif(baseline.baseline_latency_p95, 0), 2) AS latency_vs_baseline,
    (SELECT count(*) FROM monitoring_alerts AS alert WHERE alert.status = 'open') AS open_alerts
FROM (
    SELECT *
    FROM monitoring_metrics
    WHERE metric_hour IS NULL AND total_events > 0 AND window_start <= now()
    ORDER BY metric_date DESC
    LIMIT 1
) AS today
LEFT JOIN monitoring_baseline AS baseline ON baseline.baseline_name = (SELECT monitoring_baseline_name());
COMMENT ON VIEW v_monitoring_current_status IS
    'The newest day with events beside the baseline that the settings name: one row, none while there are no metrics. '
    'A ratio to a baseline of zero is null.';

CREATE OR REPLACE VIEW v_monitoring_alert_summary WITH (security_invoker = true) AS
SELECT
    metric_date,
    alert_type,
    severity,
    count(*) AS alert_count,
    max(current_value) AS max_current_value,
    max(baseline_value) AS max_baseline_value,
    max(deviation_ratio) AS max_deviation,
    max(created_at) AS latest_alert_at,
    count(*) FILTER (WHERE status = 'open') AS open_count
FROM monitoring_alerts
WHERE metric_date >= (now() AT TIME ZONE 'UTC')::date - 30
GROUP BY metric_date, alert_type, severity
ORDER BY metric_date DESC, alert_type, severity;
COMMENT ON VIEW v_monitoring_alert_summary IS 'The alerts of the last 30 days by UTC date of opening, type and severity.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f090_views', '5074b0e213d989a0')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f095_security =======================================================================================
-- Who may what. Everything of ours is found in the catalog by its name, so that what other files add is covered as well:
-- relations and functions that begin with "monitoring_" or "v_monitoring_", and the seed's names. Roles of Supabase that do
-- not exist are passed over. Run again at any time, it says the same again.
--
-- service_role     everything
-- authenticated    reads metrics, baseline and alerts, which the views (security_invoker) need as well; executes nothing but
--                  monitoring_baseline_name, which a view asks
-- anon, PUBLIC     nothing

DO $block$
DECLARE
    c_readable  CONSTANT text[] := '{monitoring_metrics,monitoring_baseline,monitoring_alerts,v_monitoring_current_status,v_monitoring_alert_summary}';
    c_functions CONSTANT text[] := '{compute_hourly_metrics,compute_daily_metrics,update_baseline,check_drift_and_alert,refresh_daily_metrics_mv}';
    v_outsiders text := 'PUBLIC';
    v_reader    boolean := EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticated');
    v_service   boolean := EXISTS (SELECT FROM pg_roles WHERE rolname = 'service_role');
    v_role      text;
    v_policy    text;
    v_object    record;
BEGIN
    FOR v_role IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
        v_outsiders := v_outsiders || ', ' || v_role;
    END LOOP;

    FOR v_object IN
        SELECT relation.oid::regclass AS name, relation.relname, relation.relkind
        FROM pg_class AS relation
        WHERE relation.relnamespace = quote_ident(current_schema())::regnamespace
            AND relation.relkind IN ('r', 'p', 'v', 'm', 'S')
            AND (relation.relname ~ '^(monitoring|v_monitoring)_' OR relation.relname = 'mv_daily_metrics')
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', v_object.name, v_outsiders);
        IF v_service THEN
            EXECUTE format('GRANT ALL ON %s TO service_role', v_object.name);
        END IF;
        IF v_reader AND v_object.relname = ANY (c_readable) THEN
            EXECUTE format('GRANT SELECT ON %s TO authenticated', v_object.name);
        END IF;
        CONTINUE WHEN v_object.relkind NOT IN ('r', 'p');

        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', v_object.name);
        FOR v_policy IN SELECT polname FROM pg_policy WHERE polrelid = v_object.name::oid AND polname ~ '^monitoring_' LOOP
            EXECUTE format('DROP POLICY %I ON %s', v_policy, v_object.name);
        END LOOP;
        IF v_service THEN
            EXECUTE format('CREATE POLICY monitoring_service_role ON %s FOR ALL TO service_role USING (true) WITH CHECK (true)', v_object.name);
        END IF;
        IF v_reader AND v_object.relname = ANY (c_readable) THEN
            EXECUTE format('CREATE POLICY monitoring_authenticated_reads ON %s FOR SELECT TO authenticated USING (true)', v_object.name);
        END IF;
    END LOOP;

    FOR v_object IN
        SELECT function.oid::regprocedure AS name
        FROM pg_proc AS function
        WHERE function.pronamespace = quote_ident(current_schema())::regnamespace
            AND (function.proname ~ '^monitoring_' OR function.proname = ANY (c_functions))
    LOOP
        EXECUTE format('REVOKE ALL ON ROUTINE %s FROM %s', v_object.name, v_outsiders);
        IF v_service THEN
            EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO service_role', v_object.name);
        END IF;
    END LOOP;

    -- Only its owner may refresh a materialized view, so service_role does it with the owner's rights.
    EXECUTE format('ALTER FUNCTION refresh_daily_metrics_mv() SECURITY DEFINER SET search_path = %I, pg_temp', current_schema());

    -- The status view asks it for whoever reads the view, who may not read the settings.
    EXECUTE format('ALTER FUNCTION monitoring_baseline_name() SECURITY DEFINER SET search_path = %I, pg_temp', current_schema());
    IF v_reader THEN
        GRANT EXECUTE ON FUNCTION monitoring_baseline_name() TO authenticated;
    END IF;
END
$block$;

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f095_security', 'd120f77977741ade')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

COMMIT;
