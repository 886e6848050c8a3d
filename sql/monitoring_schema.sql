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

-- v002_rollup =========================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v002_rollup') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- Functions that the roll-up no longer has, or has with other arguments or results; the files of functions make those that it
-- has. Only in this schema: a scratch schema is built with the live one behind it.

DO $block$
DECLARE
    function_name text;
BEGIN
    FOREACH function_name IN ARRAY ARRAY[
        'monitoring_milliseconds(numeric)', 'monitoring_is_string(text, jsonb)',
        'monitoring_pruned_hours(timestamptz[])', 'monitoring_roll_up_hours(timestamptz[])',
        'monitoring_write_metrics(timestamptz[], timestamptz)'
    ] LOOP
        EXECUTE format('DROP FUNCTION IF EXISTS %I.%s', current_schema(), function_name);
    END LOOP;
END
$block$;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v002_rollup', '7f4bb3602b838ace')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v003_audit ==========================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v003_audit') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- What people did to the monitor's own state.

CREATE TABLE monitoring_audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action      text NOT NULL,                                -- accept_baseline
    subject     text NOT NULL,                                -- what it was done to: a baseline's name
    actor       text NOT NULL CHECK (actor <> ''),            -- the person's claimed name
    credential  text,                                         -- what the claim rests on: a token's name, 'local', 'cli'
    reason      text NOT NULL CHECK (reason <> ''),
    details     jsonb NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL
);
COMMENT ON TABLE monitoring_audit IS
    'What people did beyond single alerts, whose transitions say it themselves; written in the transaction of the change, never updated.';
CREATE INDEX monitoring_audit_by_time ON monitoring_audit (occurred_at DESC, id);
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v003_audit', 'd6595c34680301a4')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v004_detection ======================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v004_detection') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- What detection needs beside the first tables: alerts on a single slice, and what the baseline knows of each slice.

ALTER TABLE monitoring_alerts
    ADD COLUMN slice_dimension text CHECK (slice_dimension IN ('model', 'backend', 'agent', 'version')),
    ADD COLUMN slice_value     text,                          -- null: the alert is on all events
    ADD CHECK ((slice_dimension IS NULL) = (slice_value IS NULL));
COMMENT ON COLUMN monitoring_alerts.slice_dimension IS
    'Of an alert on one slice, its dimension; part of the fingerprint, as affected_model and the like, which say what causes it, are not.';
CREATE INDEX monitoring_alerts_by_clearing ON monitoring_alerts (metric_name, cleared_at);

-- When in its hour the events of a slice were, and what they were, without a row for every five minutes.
ALTER TABLE monitoring_rollup_slices
    ADD COLUMN mark_values smallint[] NOT NULL DEFAULT '{}',  -- five minutes of the hour (0 to 11) times 16, plus 8 not successful,
                                                              -- 4 failed, 2 fallback, 1 duplicate; ascending
    ADD COLUMN mark_counts integer[] NOT NULL DEFAULT '{}',   -- events of each, in the same order
    ADD CHECK (cardinality(mark_values) = cardinality(mark_counts));

ALTER TABLE monitoring_baseline_profile
    ADD COLUMN hourly_dispersion double precision NOT NULL DEFAULT 1,   -- of single hours; dispersion is that of the longest windows
    ADD COLUMN variability       double precision;            -- of total_events: how much its hours vary beyond chance, as a share squared

CREATE TABLE monitoring_baseline_slices (
    baseline_name  text NOT NULL,
    window_days    integer NOT NULL,
    as_of          date NOT NULL,                             -- the UTC day whose evaluations go by it
    metric_name    text NOT NULL,                             -- the rates, latency_p95, unsuccessful_rate, and model_mix
    dimension      text NOT NULL CHECK (dimension IN ('model', 'backend', 'agent', 'version')),
    value          text NOT NULL,                             -- '' where the event names none
    total_events   double precision NOT NULL,
    bad_events     double precision NOT NULL,                 -- of them; for latency above the profile's p95 of their hour of day
    expected       double precision NOT NULL,                 -- bad events if the profile's rates held for this slice
    dispersion     double precision NOT NULL,                 -- of its hours, as in monitoring_baseline_profile, >= 1
    baseline_until timestamptz NOT NULL,
    computed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (baseline_name, window_days, as_of, metric_name, dimension, value)
);
COMMENT ON TABLE monitoring_baseline_slices IS
    'What the baseline of a UTC day holds for each value of each dimension: a cache that can be emptied at any time.';
CREATE INDEX monitoring_baseline_slices_by_end ON monitoring_baseline_slices (baseline_until);

CREATE TYPE monitoring_judgement AS (
    metric_name      text,
    alert_type       text,
    slice_dimension  text,                                    -- null: all events
    slice_value      text,
    window_seconds   integer,
    lag_days         integer,                                 -- 0; 7: against the baseline of a week before, for slow drift
    starts_at        timestamptz,
    ends_at          timestamptz,
    part             text,                                    -- what was counted: a rate, or 'total_events', 'model_mix'
    rule             text,
    current_value    double precision,
    baseline_value   double precision,
    ratio            double precision,
    total            double precision,                        -- events in the window
    bad              double precision,                        -- the bad ones among them
    expected         double precision,
    lower_bound      double precision,                        -- of the ratio
    p_value          double precision,
    significance     double precision,                        -- the level the p-value is held against
    dispersion       double precision,
    weight           double precision,                        -- events that the expectation rests on
    recent_ratio     double precision,                        -- of the latest sixth of the window
    calm             double precision[],                      -- how strongly the stretch since the opening speaks for normal, for three multiples
    evidence_verdict text,
    ratio_verdict    text,
    floored          boolean,
    blamed_dimension text,                                    -- where the judgement itself says who it was
    blamed_value     text,
    likelihood       double precision,                        -- log-likelihood over the expectation
    detail           jsonb,                                   -- what else the evidence holds
    baseline_from    timestamptz,
    baseline_until   timestamptz,
    threshold_low      double precision,
    threshold_medium   double precision,
    threshold_high     double precision,
    threshold_critical double precision
);
COMMENT ON TYPE monitoring_judgement IS 'What one metric looks like in one window, and what both rules say of it.';

-- The cache of profiles holds traffic and slices from here on.
DELETE FROM monitoring_baseline_profile;

-- Functions whose results have other columns from here on: the files of functions make them anew. Those of this schema alone,
-- since a backtest builds a schema of its own beside the live one.
DO $block$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT function.oid
        FROM pg_proc AS function
        WHERE function.pronamespace = quote_ident(current_schema())::regnamespace
            AND function.proname IN (
                'monitoring_known_metrics', 'monitoring_evaluated_windows', 'monitoring_window_counts', 'monitoring_judge_rates',
                'monitoring_evaluate_windows', 'monitoring_evaluate', 'monitoring_attribution')
    LOOP
        EXECUTE format('DROP FUNCTION %s', v_function);
    END LOOP;
END
$block$;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v004_detection', 'd3655aa59d796baa')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v005_delivery =======================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v005_delivery') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- Delivery: messages that tell of several alerts, reminders, and what is known of an endpoint over all processes.

-- A notification is one step to be told to one receiver; a message is the body of a request, which tells of one notification or
-- of a group of them. The id of a message is that of one of its notifications, in whose row its body stands.
ALTER TABLE monitoring_notifications
    ADD COLUMN group_key  text,                               -- null: it is told by itself
    ADD COLUMN message_id uuid,                               -- the notification that carries its message; null before the first attempt
    ADD COLUMN frozen_at  timestamptz;                        -- when its message was made: from then on, every attempt sends the same
COMMENT ON COLUMN monitoring_notifications.group_key IS
    'What is told together: notifications of one receiver with the same key that wait at the same time share a message.';
UPDATE monitoring_notifications SET message_id = id, frozen_at = updated_at WHERE body IS NOT NULL;

ALTER TABLE monitoring_notifications
    DROP CONSTRAINT monitoring_notifications_cause_check,
    ADD CONSTRAINT monitoring_notifications_cause_check CHECK (
        cause IN ('transition', 'repeat', 'escalation_step', 'silence_ended', 'snooze_ended', 'mute_ended', 'test'));

ALTER TABLE monitoring_alert_transitions
    DROP CONSTRAINT monitoring_alert_transitions_withheld_check,
    ADD CONSTRAINT monitoring_alert_transitions_withheld_check CHECK (withheld IN ('snoozed', 'silenced', 'muted'));

-- Every change of a status writes to each index that holds the row: only those that a question needs, and only for the rows it
-- asks about. What is delivered, nearly all of it, is in three.
DROP INDEX monitoring_notifications_due;
CREATE INDEX monitoring_notifications_due ON monitoring_notifications (receiver, due_at, created_at)
    WHERE status = 'pending' AND (message_id IS NULL OR message_id = id);
DROP INDEX monitoring_notifications_by_status;
CREATE INDEX monitoring_notifications_unfinished ON monitoring_notifications (status, created_at DESC)
    WHERE status IN ('pending', 'sending', 'dead', 'dropped');
CREATE INDEX monitoring_notifications_by_group ON monitoring_notifications (receiver, group_key, frozen_at)
    WHERE group_key IS NOT NULL;
-- A message of one has its own id, and needs no other way to it.
CREATE INDEX monitoring_notifications_by_message ON monitoring_notifications (message_id)
    WHERE message_id <> id;
CREATE INDEX monitoring_notifications_dead ON monitoring_notifications (receiver, created_at, id)
    WHERE status = 'dead';

-- A delivery marks its alert: with room on the page that touches no index.
ALTER TABLE monitoring_alerts SET (fillfactor = 80);

CREATE TABLE monitoring_reminders (
    alert_id uuid NOT NULL REFERENCES monitoring_alerts ON DELETE CASCADE,
    receiver text NOT NULL,
    cause    text NOT NULL CHECK (cause IN ('repeat', 'escalation_step')),
    due_at   timestamptz NOT NULL,
    PRIMARY KEY (alert_id, receiver, cause)
);
COMMENT ON TABLE monitoring_reminders IS
    'What is to be told later unless somebody takes the alert in hand: the next repetition, or the step to further receivers.';
CREATE INDEX monitoring_reminders_by_time ON monitoring_reminders (due_at);

ALTER TABLE monitoring_receivers
    ADD COLUMN openings  integer NOT NULL DEFAULT 0 CHECK (openings >= 0),  -- of the circuit breaker, without a success in between; 0: closed
    ADD COLUMN tokens    double precision,                    -- of the rate limit, when last looked at; null: full
    ADD COLUMN tokens_at timestamptz;
COMMENT ON COLUMN monitoring_receivers.openings IS
    'How often in a row the circuit breaker has opened: while it is not 0, one message at a time is tried, when paused_until is over.';
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v005_delivery', '182468c548aa6ac7')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v006_rollup_storage =================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v006_rollup_storage') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- The roll-up in less space, and written in less time. What is stored already is as valid as before.

-- Up to 256 durations are a list now: latency_values holds each as often as it was measured, and latency_counts is empty.
-- Whoever reads takes a count that is not there for 1.
DO $block$
DECLARE
    v_constraint record;
BEGIN
    FOR v_constraint IN
        SELECT conrelid::regclass AS relation, conname AS name
        FROM pg_constraint
        WHERE conrelid IN (
                (quote_ident(current_schema()) || '.monitoring_rollup')::regclass,
                (quote_ident(current_schema()) || '.monitoring_rollup_slices')::regclass)
            AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%latency_counts%'
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', v_constraint.relation, v_constraint.name);
    END LOOP;
END
$block$;
ALTER TABLE monitoring_rollup
    ADD CHECK (cardinality(latency_counts) IN (0, cardinality(latency_values)));
COMMENT ON COLUMN monitoring_rollup.latency_values IS
    'Durations in ascending order: distinct ones with latency_counts, or, where that is empty, each as often as it was measured.';
COMMENT ON COLUMN monitoring_rollup.latency_counts IS 'How often each was measured, in the same order; empty: once.';

-- Whoever writes holds monitoring_rollup_lock, and each combination of values comes up once in an hour's work. A digest of four texts
-- for each row, and an index of them, cost more than the rows themselves.
ALTER TABLE monitoring_rollup_slices
    DROP COLUMN slice_key,
    ADD CHECK (cardinality(latency_counts) IN (0, cardinality(latency_values)));
CREATE INDEX monitoring_rollup_slices_by_hour ON monitoring_rollup_slices (hour_start);
COMMENT ON COLUMN monitoring_rollup_slices.latency_values IS
    'Durations in ascending order: distinct ones with latency_counts, or, where that is empty, each as often as it was measured.';
COMMENT ON COLUMN monitoring_rollup_slices.latency_counts IS 'How often each was measured, in the same order; empty: once.';
COMMENT ON COLUMN monitoring_rollup_slices.mark_values IS
    'Five minutes of the hour (0 to 11) times 16, plus 8 not successful, 4 failed, 2 fallback, 1 duplicate; in any order, and one may '
    'come more than once.';
COMMENT ON COLUMN monitoring_rollup_slices.mark_counts IS 'Events of each of mark_values, in the same order.';

-- A function whose results have other columns from here on: the files of functions make it anew.
DO $block$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT function.oid
        FROM pg_proc AS function
        WHERE function.pronamespace = quote_ident(current_schema())::regnamespace AND function.proname = 'monitoring_read_events'
    LOOP
        EXECUTE format('DROP FUNCTION %s', v_function);
    END LOOP;
END
$block$;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v006_rollup_storage', '85119eba79c16681')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v007_outbox_cost ====================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v007_outbox_cost') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- What a notification costs.

-- What is being sent is found by its status: there is never much of it.
DROP INDEX monitoring_notifications_claimed;

-- A body of 2 KB is compressed when it is kept: lz4 takes a tenth of the time where the server has it.
DO $block$
BEGIN
    ALTER TABLE monitoring_notifications ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION
    WHEN feature_not_supported OR invalid_parameter_value OR undefined_object THEN
        NULL;
END
$block$;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v007_outbox_cost', '25678b0539b9928d')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v008_operation ======================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v008_operation') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- What is told to the fallback receiver: what another one could not be.

ALTER TABLE monitoring_notifications
    ADD COLUMN fallback_at timestamptz;
COMMENT ON COLUMN monitoring_notifications.fallback_at IS
    'When it was looked at for the fallback receiver, since its own could not be told; null: not yet.';
ALTER TABLE monitoring_notifications
    DROP CONSTRAINT monitoring_notifications_cause_check,
    ADD CONSTRAINT monitoring_notifications_cause_check CHECK (
        cause IN ('transition', 'repeat', 'escalation_step', 'silence_ended', 'snooze_ended', 'mute_ended', 'fallback', 'test'));
CREATE INDEX monitoring_notifications_undelivered ON monitoring_notifications (receiver, created_at)
    WHERE status = 'dead' AND fallback_at IS NULL;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v008_operation', '12c4b60b7e6e4546')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v009_idempotency ====================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v009_idempotency') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- Requests that are sent twice, and lists of alerts that are long.

CREATE TABLE monitoring_idempotency_keys (
    credential    text NOT NULL,                              -- whose key it is: a token's name, or 'local'
    key           text NOT NULL,                              -- as the client sent it
    request       bytea NOT NULL,                             -- digest of method, path and body
    claim         uuid NOT NULL,                              -- of whoever serves it
    claimed_until timestamptz NOT NULL,                       -- after that it can be taken up by another: its process died
    status        integer,                                    -- null while it is being served
    content_type  text,
    answer        bytea,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (credential, key)
);
COMMENT ON TABLE monitoring_idempotency_keys IS
    'Answers to requests that carried an Idempotency-Key, for a day: the same request again is not done again.';
CREATE INDEX monitoring_idempotency_keys_by_age ON monitoring_idempotency_keys (created_at);

-- How many alerts match is counted from the index alone.
CREATE INDEX monitoring_alerts_by_severity ON monitoring_alerts (status, severity);
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v009_idempotency', 'bb43ce0992d86cbc')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v010_sessions =======================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v010_sessions') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- Sessions of people who signed in to the pages.

CREATE TABLE monitoring_sessions (
    id_digest  bytea PRIMARY KEY,                             -- SHA-256 of what the cookie holds, which is kept nowhere
    token_name text NOT NULL,                                 -- the listener's token that opened it
    token_mark bytea NOT NULL,                                -- HMAC of that token's digest under the cookie's secret: says nothing without it
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE monitoring_sessions IS
    'Who signed in to the pages, for all processes alike. A row ends with its time, by signing out, or with the token that opened it.';
CREATE INDEX monitoring_sessions_by_expiry ON monitoring_sessions (expires_at);
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v010_sessions', '17649d60f9fb4404')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v011_waiting_notifications ==========================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v011_waiting_notifications') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- What waits in the outbox: a group keeps its interval, a silence reaches it, and answers that were kept hold no link.

ALTER TABLE monitoring_notifications
    ADD COLUMN group_interval_ms bigint;                      -- between two messages of its group; null: it is in none
COMMENT ON COLUMN monitoring_notifications.group_interval_ms IS
    'Between two messages of its group, as its route said when it was written; null: it is in none.';

ALTER TABLE monitoring_silences
    ADD COLUMN applied_at timestamptz;                        -- null: what waits has not been looked at for it
COMMENT ON COLUMN monitoring_silences.applied_at IS
    'When notifications that waited already were held back for it last; null: not yet.';

-- Whoever has a link may act. Receivers quote what they are sent: 76 characters of base64url are the token of one.
UPDATE monitoring_delivery_attempts
SET answer = regexp_replace(answer, '[A-Za-z0-9_-]{76,}', '[scrubbed]', 'g')
WHERE answer ~ '[A-Za-z0-9_-]{76,}';
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v011_waiting_notifications', '18f22766de803556')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v012_outbox_speed ===================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v012_outbox_speed') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- What a burst of alerts costs: a row written, and looked at nowhere else.

-- A delivery marks its alert: with room for a second version of each on its page that touches no index.
ALTER TABLE monitoring_alerts SET (fillfactor = 50);

-- Each row of these looked up and locked the one that it belongs to, which whoever writes it has read, and often locked, before. That
-- nothing stays behind what is deleted is seen to by triggers: monitoring_forget_notifications and monitoring_forget_attempts.
ALTER TABLE monitoring_notifications DROP CONSTRAINT monitoring_notifications_alert_id_fkey;
ALTER TABLE monitoring_delivery_attempts DROP CONSTRAINT monitoring_delivery_attempts_notification_id_fkey;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v012_outbox_speed', 'ea595ffa0c3ba87c')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v013_moments ========================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v013_moments') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- Evaluations of many moments in one statement: functions that take moments from here on, which the files of functions make anew.
-- Those of this schema alone, since a backtest builds a schema of its own beside the live one.
DO $block$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT function.oid
        FROM pg_proc AS function
        WHERE function.pronamespace = quote_ident(current_schema())::regnamespace
            AND function.proname IN (
                'monitoring_evaluated_windows', 'monitoring_window_counts', 'monitoring_judge_rates', 'monitoring_judge_traffic',
                'monitoring_judge_mix', 'monitoring_slice_windows', 'monitoring_slice_counts', 'monitoring_judge_slices',
                'monitoring_judgements', 'monitoring_evaluate_windows')
    LOOP
        EXECUTE format('DROP FUNCTION %s', v_function);
    END LOOP;
END
$block$;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v013_moments', '8047161c318423f8')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v014_relay ==========================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v014_relay') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- Alerts from elsewhere live among the monitor's own: the same table, the same steps.

ALTER TABLE monitoring_alerts
    ADD COLUMN origin        text,                            -- who brought it: 'alertmanager', or the name of a relay; null: found here
    ADD COLUMN labels        jsonb,                           -- {"alertname": "HighLatency", …}: what it is, and all that its fingerprint is of
    ADD COLUMN annotations   jsonb,                           -- what its source says about it
    ADD COLUMN generator_url text,                            -- where its source shows it
    ADD CHECK ((origin IS NULL) = (labels IS NULL));
COMMENT ON COLUMN monitoring_alerts.origin IS
    'Of an alert from elsewhere, who brought it: alertmanager for the API of that name, or the name of a relay. Evaluations leave it alone.';

-- Written with the row, not gathered first: whoever asks is answered at once, however many have just come.
CREATE INDEX monitoring_alerts_by_labels ON monitoring_alerts USING gin (labels jsonb_path_ops) WITH (fastupdate = off)
    WHERE labels IS NOT NULL AND status <> 'resolved';
-- What was found here, beside however many from elsewhere.
CREATE INDEX monitoring_alerts_of_ours ON monitoring_alerts (opened_at) WHERE labels IS NULL AND status <> 'resolved';

-- Narrow, with room on each page: that an alert is seen again writes to no index.
CREATE TABLE monitoring_relayed_alerts (
    fingerprint  text COLLATE "C" PRIMARY KEY,
    alert_id     uuid NOT NULL,                               -- it may be resolved by a person while its source goes on
    content      text COLLATE "C" NOT NULL,                        -- digest of annotations and generator_url
    started_at   timestamptz NOT NULL,                        -- as its source says
    last_seen_at timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL                         -- it is over then, unless it is seen again; infinity: when its source says so
) WITH (fillfactor = 60);
COMMENT ON TABLE monitoring_relayed_alerts IS
    'What sources elsewhere say is the matter now. A row goes when its source says that it is over, or says nothing any more.';

ALTER TABLE monitoring_alert_transitions
    DROP CONSTRAINT monitoring_alert_transitions_withheld_check,
    ADD CONSTRAINT monitoring_alert_transitions_withheld_check CHECK (withheld IN ('snoozed', 'silenced', 'muted', 'inhibited'));

ALTER TABLE monitoring_notifications
    DROP CONSTRAINT monitoring_notifications_cause_check,
    ADD CONSTRAINT monitoring_notifications_cause_check CHECK (
        cause IN ('transition', 'repeat', 'escalation_step', 'silence_ended', 'snooze_ended', 'mute_ended', 'inhibition_ended', 'fallback',
                  'test'));
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v014_relay', '0139f5f129c8d388')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v015_shards =========================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v015_shards') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- Events may lie on several servers. Each of them collects its own, by the hour and by what they say, and these tables
-- are what is read of them here: they have no rows themselves, and deploy/sharding.sql makes foreign tables that belong to them.

CREATE TABLE monitoring_shard_slices (
    hour_start timestamptz,                                   -- of the events: a UTC hour
    model      text,                                          -- the rest as monitoring_read_events() has it
    backend    text,
    agent      text,
    version    text,
    event_type text,
    reason     text,
    newest     timestamptz,                                   -- the latest created_at
    keys       bigint[]                                       -- as monitoring_compute_run() has them, one an event
);
COMMENT ON TABLE monitoring_shard_slices IS
    'The events of other servers, each server''s collected by itself: monitoring_event_slices there. Empty but for the foreign tables below it.';

CREATE TABLE monitoring_shard_horizons (
    horizon timestamptz
);
COMMENT ON TABLE monitoring_shard_horizons IS
    'The time before which no event can appear any more on another server: monitoring_event_horizon there. Empty but for the foreign tables below it.';

CREATE TABLE monitoring_shard_hours (
    hour_start timestamptz
);
COMMENT ON TABLE monitoring_shard_hours IS
    'The UTC hours in which events occurred on other servers: monitoring_event_hours there. Empty but for the foreign tables below it.';

ALTER TABLE monitoring_rollup_state ADD COLUMN shard_horizon timestamptz;
COMMENT ON COLUMN monitoring_rollup_state.shard_horizon IS 'The earliest horizon of all other servers with events, as the last roll-up found it.';
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v015_shards', '17e621641a35f7b2')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v016_delivery_functions =============================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v016_delivery_functions') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- Functions of delivery whose results are others than they once were; the files of functions make them anew. Those of this schema alone:
-- a name that is dropped without its schema would be looked for in the others of the search_path too, and a backtest, which builds a schema
-- of its own beside the live one, would take the live one's.
DO $block$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT function.oid
        FROM pg_proc AS function
        WHERE function.pronamespace = quote_ident(current_schema())::regnamespace
            AND function.proname IN ('monitoring_claimable', 'monitoring_record_attempts')
    LOOP
        EXECUTE format('DROP FUNCTION %s', v_function);
    END LOOP;
END
$block$;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v016_delivery_functions', '75a64fa463840e19')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v017_long_history ===================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v017_long_history') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- What a page asks of a history of years: which alerts of ours ended within its window, and when a receiver was told last that is
-- seldom told. An alert that has not been cleared is not looked for by when it was.

CREATE INDEX monitoring_alerts_by_end ON monitoring_alerts (resolved_at) WHERE labels IS NULL AND resolved_at IS NOT NULL;

CREATE INDEX monitoring_notifications_delivered ON monitoring_notifications (receiver, delivered_at) WHERE status = 'delivered';

DROP INDEX monitoring_alerts_by_clearing;
CREATE INDEX monitoring_alerts_by_clearing ON monitoring_alerts (metric_name, cleared_at) WHERE cleared_at IS NOT NULL;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v017_long_history', '8b8c4574cdb0a18a')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v018_last_delivery ==================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v018_last_delivery') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- When a receiver last took a message stands in its row: an index of all deliveries cost every one of them, for a figure of a page.

ALTER TABLE monitoring_receivers
    ADD COLUMN delivered_at timestamptz;                      -- null: never, or not known
COMMENT ON COLUMN monitoring_receivers.delivered_at IS
    'When it last took a message, written when nothing more is on its way to it, and every few seconds while there is.';
UPDATE monitoring_receivers AS r
SET delivered_at = (
    SELECT max(n.delivered_at) FROM monitoring_notifications AS n WHERE n.receiver = r.receiver AND n.status = 'delivered');

DROP INDEX monitoring_notifications_delivered;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v018_last_delivery', '91de9c3535a2a000')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v019_steps_without_key ==============================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v019_steps_without_key') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- A step is written with its alert, or with a change of it, in one transaction, which holds the alert's row: looking it up and locking it
-- once more for the foreign key was a fifth of what accepting an alert from elsewhere costs. Steps go with their alert by a trigger
-- (f075_delivery.sql), as notifications do.

ALTER TABLE monitoring_alert_transitions DROP CONSTRAINT monitoring_alert_transitions_alert_id_fkey;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v019_steps_without_key', 'a8c4329f96006fc0')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v020_burst_cost =====================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v020_burst_cost') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- What a burst costs once more.

-- Gathered before it is written: a sixth of what accepting an alert from elsewhere costs. Whoever asks reads what has been gathered too,
-- 2,200 alerts at most, in a third of a millisecond.
ALTER INDEX monitoring_alerts_by_labels SET (fastupdate = on, gin_pending_list_limit = 256);

-- Functions whose results are others than they once were; the files of functions make them anew, v016 says why by their oids.
DO $block$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT function.oid
        FROM pg_proc AS function
        WHERE function.pronamespace = quote_ident(current_schema())::regnamespace
            AND function.proname IN (
                'monitoring_claimable', 'monitoring_tellable_at_once', 'monitoring_alert_document', 'monitoring_transition_document')
    LOOP
        EXECUTE format('DROP FUNCTION %s', v_function);
    END LOOP;
END
$block$;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v020_burst_cost', 'bc8ac918a57e6a1c')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v021_silence_changes ================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v021_silence_changes') THEN RETURN; END IF;
    EXECUTE $torq_file$
ALTER TABLE monitoring_silences
    ADD COLUMN updated_at timestamptz;                        -- null: it is as it was made
COMMENT ON COLUMN monitoring_silences.updated_at IS 'When it was last changed or ended: what Alertmanager''s viewers go by.';
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v021_silence_changes', 'd4f9ef21f5f3341e')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v022_alerts_of_ours =================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v022_alerts_of_ours') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- Detection asks for alerts of ours alone: those that came from elsewhere may be many times as many.
CREATE INDEX monitoring_alerts_by_metric ON monitoring_alerts (metric_name, opened_at) WHERE labels IS NULL;
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v022_alerts_of_ours', '84788a7fc49b6dbf')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v023_alerts_by_severity =============================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v023_alerts_by_severity') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- The gravest alerts of a status are found without looking at the others.
DROP INDEX monitoring_alerts_by_severity;
CREATE INDEX monitoring_alerts_by_severity ON monitoring_alerts (status, severity, opened_at DESC, id);
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v023_alerts_by_severity', 'ff3f0566d19dd1ee')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v024_mix_clustering =================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v024_mix_clustering') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- Events of one session are of one model mostly: of so many fewer independent ones a mix is made.
ALTER TABLE monitoring_baseline_slices ADD COLUMN clustering double precision NOT NULL DEFAULT 1;
COMMENT ON COLUMN monitoring_baseline_slices.clustering IS
    'Of model_mix: how much the mixes of hours scatter about those of their days, chance alone giving 1; else 1.';
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v024_mix_clustering', '0132a02cbffea3c7')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v025_own_baselines ==================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v025_own_baselines') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- A fast model may become much slower and stay under what is slow for all.
ALTER TABLE monitoring_baseline_slices ADD COLUMN latency_factor double precision CHECK (latency_factor > 0);
COMMENT ON COLUMN monitoring_baseline_slices.latency_factor IS
    'Of latency_p95 and a model: its own p95 as a multiple of the profile''s at the same hours; null where it has too few events to tell.';
COMMENT ON COLUMN monitoring_baseline_slices.bad_events IS
    'Of total_events; for latency those above the profile''s p95 of their hour of day times the latency_factor of their model.';
-- By night other models may answer than by day.
ALTER TABLE monitoring_baseline_slices ADD COLUMN events_by_hour double precision[];
COMMENT ON COLUMN monitoring_baseline_slices.events_by_hour IS 'Of model_mix: total_events by hour of day, 24 numbers from hour 0; else null.';
COMMENT ON COLUMN monitoring_baseline_slices.clustering IS
    'Of model_mix: how much the mixes of hours scatter about those of their days, or of the same hours of other days, chance alone giving 1; else 1.';
DELETE FROM monitoring_baseline_profile;
DELETE FROM monitoring_baseline_slices;
DROP FUNCTION IF EXISTS monitoring_slice_hours(timestamptz, timestamptz, double precision[]);
DROP FUNCTION IF EXISTS monitoring_slice_stretch(timestamptz, timestamptz, double precision[], boolean);
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v025_own_baselines', 'c7033dab7e913194')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v026_named_ends =====================================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v026_named_ends') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- An end that a source names counts for more than one that follows from its silence.
ALTER TABLE monitoring_relayed_alerts ADD COLUMN ends_named boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN monitoring_relayed_alerts.ends_named IS 'Whether its source named the end: else it is over when it has not been seen for a time.';
DROP FUNCTION IF EXISTS monitoring_is_renewal(timestamptz, timestamptz, timestamptz);
DROP FUNCTION IF EXISTS monitoring_relay_alerts(
    text[], text[], text[], text[], text[], text[], text[], text[], timestamptz[], timestamptz[], text, text, timestamptz, interval, integer);
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v026_named_ends', '79cd7fc6f3e76d57')
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();
END
$torq_apply$;

-- v027_unrouted_documents =============================================================================
DO $torq_apply$
BEGIN
    IF EXISTS (SELECT FROM monitoring_migrations WHERE name = 'v027_unrouted_documents') THEN RETURN; END IF;
    EXECUTE $torq_file$
-- Whoever takes steps to route them gets what a message needs with them.
DROP FUNCTION IF EXISTS monitoring_take_unrouted(integer);
DROP FUNCTION IF EXISTS monitoring_tellable_at_once(uuid[], text[]);
$torq_file$;
    INSERT INTO monitoring_migrations (name, checksum) VALUES ('v027_unrouted_documents', '83c7ba505eb9b3cb')
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
    "significance": 1e-5,
    "least_bad_events": 5,
    "least_events": 20,
    "critical_after_seconds": 1800,
    "resolve_after_seconds": 3600,
    "reopen_within_seconds": 86400,
    "health": {"warning": 70, "critical": 50},
    "slices": {"enabled": true, "least_events": 50},
    "metrics": {"latency_p95": {"thresholds": {"low": 1.3}}}
}'::jsonb
$$;
COMMENT ON FUNCTION monitoring_default_settings() IS
    'The settings without any configuration. significance is the level of one test of the evidence rule where 50 bad events are '
    'usual in a day (monitoring_level), which needs least_bad_events; least_events is the smallest sample of the ratio rule. step_seconds under 300 looks into the five minutes '
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

CREATE OR REPLACE FUNCTION monitoring_defaults_for(p_settings jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT jsonb_set(
    defaults, '{metrics,latency_p95,thresholds,low}',
    CASE WHEN jsonb_typeof(p_settings #> '{thresholds,medium}') = 'number'
        THEN least(defaults #> '{metrics,latency_p95,thresholds,low}', p_settings #> '{thresholds,medium}')
        ELSE defaults #> '{metrics,latency_p95,thresholds,low}'
    END)
FROM monitoring_default_settings() AS defaults
$$;
COMMENT ON FUNCTION monitoring_defaults_for(jsonb) IS
    'The defaults under some settings: where low is left out for latency, it is no higher than their medium.';

CREATE OR REPLACE FUNCTION monitoring_without_metric_thresholds(p_settings jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT p_settings || jsonb_build_object('metrics', coalesce(jsonb_object_agg(key, value - 'thresholds'), '{}'))
FROM jsonb_each(p_settings -> 'metrics')
$$;
COMMENT ON FUNCTION monitoring_without_metric_thresholds(jsonb) IS
    'Settings in which no metric has thresholds of its own but those that it is known with.';

CREATE OR REPLACE FUNCTION monitoring_effective_settings(p_override jsonb DEFAULT NULL) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT monitoring_overlay(
    CASE WHEN p_override -> 'thresholds' <> '{}' THEN monitoring_without_metric_thresholds(written.settings) ELSE written.settings END,
    p_override)
FROM (
    SELECT monitoring_overlay(monitoring_defaults_for(newest.settings), newest.settings) AS settings
    FROM (SELECT (SELECT settings FROM monitoring_settings ORDER BY version DESC LIMIT 1) AS settings) AS newest
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
RETURNS TABLE (metric_name text, alert_type text, floor double precision, thresholds jsonb)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
VALUES
    ('fallback_rate',  'fallback_spike',  0.01::double precision, NULL::jsonb),
    ('error_rate',     'error_spike',     0.005,                  NULL),
    ('duplicate_rate', 'duplicate_spike', 0.01,                   NULL),
    ('latency_p95',    'latency_spike',   0.01,                   NULL),
    ('health_score',   'health_decline',  0,                      NULL),
    ('model_mix',      'model_drift',     0.2,                    '{"low": 1, "medium": 2, "high": 4, "critical": 1000000}'),
    ('total_events',   'traffic_drop',    0,                      '{"low": 2, "medium": 3, "high": 5, "critical": 5}')
$$;
COMMENT ON FUNCTION monitoring_known_metrics() IS
    'The metrics that are evaluated and the type of their alerts. floor: the rate below which a baseline counts as that rate '
    '(for latency: of events above the baseline''s p95; for the mix: the least population stability index that matters; the '
    'others have none). thresholds: of its own where the ratio is none of rates, so that the general thresholds say nothing of it.';

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
        IF jsonb_typeof(v_window) <> 'number' OR v_window::text !~ '^[0-9]+$' OR v_window::numeric NOT BETWEEN 300 AND 604800
            OR v_window::numeric % 300 <> 0 THEN
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
        IF v_metric ? 'rule' AND coalesce(v_metric ->> 'rule', '') NOT IN ('evidence', 'ratio') THEN
            RETURN NEXT format('%s.rule must be evidence or ratio, not %s', v_path, v_metric -> 'rule');
        END IF;
        RETURN QUERY
            SELECT fault
            FROM monitoring_settings_number_fault(v_metric, ARRAY['floor'], CASE v_name WHEN 'model_mix' THEN 0.01 ELSE 0 END, 1, v_path || '.') fault
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
    IF p_settings ? 'rule' AND coalesce(p_settings ->> 'rule', '') NOT IN ('evidence', 'ratio') THEN
        RETURN NEXT format('rule must be evidence or ratio, not %s', p_settings -> 'rule');
    END IF;
    RETURN QUERY SELECT * FROM monitoring_settings_window_faults(p_settings -> 'windows_seconds');
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(p_settings -> 'baseline', 'baseline', ARRAY['name', 'window_days']);
    IF p_settings -> 'baseline' ? 'name' AND coalesce(p_settings -> 'baseline' ->> 'name', '') = '' THEN
        RETURN NEXT 'baseline.name must not be empty';
    END IF;
    RETURN QUERY SELECT * FROM monitoring_settings_threshold_faults(p_settings -> 'thresholds', 'thresholds');
    IF p_settings -> 'thresholds' ?& ARRAY['low', 'medium', 'high', 'critical'] AND jsonb_typeof(p_settings -> 'metrics') = 'object' THEN
        RETURN QUERY                                    -- a metric's own beside those it is known with, or the general ones
            SELECT format('metrics.%s.thresholds must not fall from low to critical; with those that it leaves out they are %s, %s, %s, %s',
                m.metric_name, m.threshold_low, m.threshold_medium, m.threshold_high, m.threshold_critical)
            FROM monitoring_metric_settings(p_settings) m
            WHERE p_settings -> 'metrics' -> m.metric_name ? 'thresholds'
              AND (m.threshold_low > m.threshold_medium OR m.threshold_medium > m.threshold_high OR m.threshold_high > m.threshold_critical);
    END IF;
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(p_settings -> 'health', 'health', ARRAY['warning', 'critical']);
    RETURN QUERY SELECT * FROM monitoring_settings_key_faults(p_settings -> 'slices', 'slices', ARRAY['enabled', 'least_events']);
    IF p_settings -> 'slices' ? 'enabled' AND jsonb_typeof(p_settings -> 'slices' -> 'enabled') <> 'boolean' THEN
        RETURN NEXT format('slices.enabled must be true or false, not %s', p_settings -> 'slices' -> 'enabled');
    END IF;
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
            (ARRAY['health', 'critical'],           0,    100),
            (ARRAY['slices', 'least_events'],       1,    1000000)) ranges (path, least, most),
            LATERAL monitoring_settings_number_fault(p_settings, path, least, most) fault
        WHERE fault IS NOT NULL;
    RETURN QUERY
        SELECT format('%s must be a whole number, without a point, not %s', array_to_string(path, '.'), p_settings #> path)
        FROM (VALUES (ARRAY['baseline', 'window_days']), (ARRAY['step_seconds'])) AS whole (path)
        WHERE jsonb_typeof(p_settings #> path) = 'number' AND p_settings #>> path !~ '^[0-9]+$';
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
        FROM monitoring_settings_faults(monitoring_overlay(monitoring_defaults_for(p_settings), p_settings)) fault LIMIT 1;
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
    PERFORM monitoring_bump_data_version();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION monitoring_refuse_faulty_settings() IS 'Trigger: nothing faulty gets into monitoring_settings, and what does is seen by the API.';

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
        coalesce(known.thresholds, p_settings -> 'thresholds')
            || coalesce(p_settings -> 'metrics' -> known.metric_name -> 'thresholds', '{}') AS thresholds
) own
$$;
COMMENT ON FUNCTION monitoring_metric_settings(jsonb) IS
    'For each metric what effective settings say: its own where it has them, else the general ones, or those that it is known with.';

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

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f010_settings', '958c7f47536dc674')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f015_extraction =====================================================================================
-- What an event says, read without ever throwing. Nothing validates event_data, so every field may hold anything. The functions
-- are single expressions or a single SELECT, so that the planner writes them into the query that calls them; there is no call
-- for each row. Each expression tries what a well-formed event holds first, and looks closer only where that fails. Those that a view
-- calls (f016_shards.sql) have their names resolved when they are made: another server reads that view, under a search_path of its own.

-- Bytes are known at once, characters must be counted.
CREATE OR REPLACE FUNCTION monitoring_cut(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN octet_length(p_text) > 200 AND length(p_text) > 200 THEN left(p_text, 200) || '…' ELSE p_text END;
END;
COMMENT ON FUNCTION monitoring_cut(text) IS 'The text to 200 characters, then cut with an ellipsis.';

-- A string is a number where it is plain decimal: no exponent, no spaces. Its length is bounded, so that the cast, which
-- can hold 131,072 digits, never overflows.
CREATE OR REPLACE FUNCTION monitoring_number(p_value jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE jsonb_typeof(p_value)
        WHEN 'number' THEN p_value::numeric
        WHEN 'string' THEN
            CASE WHEN length(p_value #>> '{}') <= 1000 AND p_value #>> '{}' ~ '^[-+]?[0-9]+([.][0-9]+)?$'
                THEN (p_value #>> '{}')::numeric
            END
    END;
END;
COMMENT ON FUNCTION monitoring_number(jsonb) IS 'A JSON number, or a string that is a plain decimal number; null for anything else.';

-- Not null, and with the first character of a text that may be no string: a digit, a sign, a bracket, a brace, true or false.
-- Called only then, because to look at the value costs more than to look at its text.
CREATE OR REPLACE FUNCTION monitoring_string(p_text text, p_value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_text IS NULL THEN '' WHEN jsonb_typeof(p_value) = 'string' THEN p_text END;
END;
COMMENT ON FUNCTION monitoring_string(text, jsonb) IS
    'The text of a value where that is a string, '''' where it is missing or null, null where it is anything else.';

CREATE OR REPLACE FUNCTION monitoring_version(p_telemetry jsonb, p_hop jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN jsonb_typeof(p_hop) = 'object' THEN
            CASE WHEN jsonb_typeof(p_hop -> 'version') = 'string' AND p_hop ->> 'version' <> ''
                THEN CASE WHEN jsonb_typeof(p_hop -> 'service') = 'string' AND p_hop ->> 'service' <> ''
                    THEN (p_hop ->> 'service') || ':' || (p_hop ->> 'version')
                    ELSE p_hop ->> 'version'
                END
                ELSE ''
            END
        ELSE CASE coalesce(jsonb_typeof(p_telemetry), 'null')
            WHEN 'null' THEN ''
            WHEN 'object' THEN CASE coalesce(jsonb_typeof(p_telemetry -> 'request_chain'), 'null')
                WHEN 'null' THEN ''
                WHEN 'array' THEN CASE WHEN p_hop IS NULL THEN '' END
            END
        END
    END;
END;
COMMENT ON FUNCTION monitoring_version(jsonb, jsonb) IS
    'service:version of the first hop, the version alone where the service is none, '''' where there is no version; '
    'null where telemetry is no object, its request_chain no array, or the first element of that no object.';

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
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT
        jsonb_typeof(memory) = 'object',
        reward,
        CASE WHEN duration BETWEEN 0 AND 2147483647 THEN duration::integer END,
        coalesce(monitoring_cut(model), ''),
        coalesce(monitoring_cut(backend), ''),
        coalesce(monitoring_cut(version), ''),
        reason IS NOT NULL,
        monitoring_cut(reason),
        reward IS NULL AND coalesce(jsonb_typeof(memory -> 'reward') <> 'null', false),
        duration NOT BETWEEN 0 AND 2147483647 OR duration IS NULL AND coalesce(jsonb_typeof(memory -> 'duration_ms') <> 'null', false),
        model IS NULL,
        backend IS NULL,
        version IS NULL
    FROM (
        SELECT
            memory,
            monitoring_number(memory -> 'reward') AS reward,
            monitoring_number(memory -> 'duration_ms') AS duration,
            monitoring_string(memory ->> 'model', memory -> 'model') AS model,
            monitoring_string(memory ->> 'backend', memory -> 'backend') AS backend,
            monitoring_version(memory -> 'telemetry', memory -> 'telemetry' -> 'request_chain' -> 0) AS version,
            memory -> 'telemetry' -> 'request_chain' -> 0 ->> 'fallback_reason' AS reason
        FROM (SELECT p_event_data || '{}' AS memory OFFSET 0) AS decompressed
        OFFSET 0
    ) AS said;
END;
COMMENT ON FUNCTION monitoring_extract(jsonb) IS
    'What one event_data says, whatever it holds: one row, no error, with a flag for every field that is malformed.';

-- The texts of JSON numbers, booleans, arrays and objects: a string may read the same, and only its value tells.
CREATE OR REPLACE FUNCTION monitoring_is_doubtful(p_text text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN ascii(p_text) > 57 AND ascii(p_text) NOT IN (91, 102, 116, 123) THEN false
        ELSE p_text ~ '^(-?[0-9]+([.][0-9]+)?|true|false|[[{].*)$'
    END
$$;
COMMENT ON FUNCTION monitoring_is_doubtful(text) IS 'Whether the text of a JSON value may be that of something else than a string.';

CREATE OR REPLACE FUNCTION monitoring_is_doubtful_version(p_version text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p_version = '' THEN false
        WHEN ascii(p_version) > 58 AND ascii(p_version) NOT IN (91, 102, 116, 123) AND p_version NOT LIKE '%:%:%'
            AND ascii(split_part(p_version, ':', 2)) BETWEEN 48 AND 57 AND split_part(p_version, ':', 2) LIKE '%.%.%' THEN false
        ELSE p_version ~ '(^|:)(-?[0-9]+([.][0-9]+)?|true|false)?(:|$)|(^|:)[[{]'
    END
$$;
COMMENT ON FUNCTION monitoring_is_doubtful_version(text) IS
    'Whether service:version, put together from the texts of two JSON values, may hold that of an empty one or of something else than a string.';

-- The same for all events of a time, for the roll-up, which counts every nanosecond. It has two ways:
--
-- plain: takes every event for well-formed. A reward or duration that is no number raises invalid_parameter_value, a duration that is
-- no integer numeric_value_out_of_range; texts come unseen, and the caller must ask of each whether it is doubtful, once for
-- many events. If nothing is raised and no text is doubtful, the result is that of the other way, which is to be taken otherwise.
--
-- guarded: throws never. An expression tries what a well-formed event holds first, and looks closer only where that fails.
--
-- "|| '{}'" decompresses a document that is stored out of line once, and makes an array of anything but an object, in which
-- no field is found. Every OFFSET 0 keeps the planner from copying an expression to each of its readers; what each level
-- reads has been computed once, and each level costs, so there are few. Texts come as they are: whoever counts them cuts
-- them, once for many events. A malformed text is null, so that all events of one combination of texts are malformed alike.
CREATE OR REPLACE FUNCTION monitoring_read_events(
    p_from timestamptz, p_until timestamptz, p_hours timestamptz[], p_lossy timestamptz[], p_added uuid[], p_retried uuid[],
    p_all boolean, p_plain boolean, p_start double precision)
RETURNS TABLE (
    slot            integer,   -- as monitoring_compute_run has them: five minutes, numbered from p_start on
    created_at      timestamptz,
    duplicate_count integer,   -- -1 for one of p_retried
    agent           text,
    event_type      text,      -- null where event_data is no object
    model           text,      -- '' where there is none, null where it is malformed
    backend         text,
    version         text,      -- service:version of the first hop; null where telemetry is malformed
    reason          text,      -- not null: the event is a fallback
    reward_bits     integer,   -- as monitoring_compute_run has them
    duration_bits   bigint
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        no + no / 12 * 4,
        created_at,
        duplicate_count,
        source_agent,
        CASE WHEN model IS NOT NULL THEN event_type WHEN jsonb_typeof(memory) = 'object' THEN event_type END,
        CASE WHEN p_plain THEN coalesce(model, '')
            WHEN ascii(model) > 57 AND ascii(model) NOT IN (91, 102, 116, 123) THEN model
            ELSE monitoring_string(model, memory -> 'model') END,
        CASE WHEN p_plain THEN coalesce(memory ->> 'backend', '')
            WHEN ascii(memory ->> 'backend') > 57 AND ascii(memory ->> 'backend') NOT IN (91, 102, 116, 123) THEN memory ->> 'backend'
            ELSE monitoring_string(memory ->> 'backend', memory -> 'backend') END,
        CASE WHEN p_plain THEN coalesce((hop ->> 'service') || ':' || (hop ->> 'version'), monitoring_version(memory -> 'telemetry', hop))
            ELSE monitoring_version(memory -> 'telemetry', hop) END,
        hop ->> 'fallback_reason',
        CASE
            WHEN reward > 0.5 THEN 5 << 9
            WHEN reward <= 0.3 THEN 6 << 9
            WHEN reward IS NOT NULL THEN 4 << 9
            WHEN jsonb_typeof(memory -> 'reward') <> 'null' THEN 64 << 9
            ELSE 0
        END,
        CASE
            WHEN plain_duration > 0 AND plain_duration < 2147483647 THEN plain_duration * 4294967296 + 2097152
            -- At the ends of its range a duration that is too small or too large is rounded into it.
            WHEN plain_duration IS NOT NULL THEN CASE WHEN (memory -> 'duration_ms')::numeric BETWEEN 0 AND 2147483647
                THEN plain_duration * 4294967296 + 2097152 ELSE 128 << 9 END
            WHEN duration >= 0 AND duration <= 2147483647 THEN duration::integer * 4294967296 + 2097152   -- rounds half away from zero
            WHEN jsonb_typeof(memory -> 'duration_ms') <> 'null' THEN 128 << 9
            ELSE 0
        END
    FROM (
        SELECT
            decompressed.*,
            (date_part('epoch', date_bin('5 minutes', occurred_at, '2000-01-01 00:00:00+00')) - p_start)::integer / 300 AS no,
            memory ->> 'model' AS model,
            memory -> 'telemetry' -> 'request_chain' -> 0 AS hop,
            CASE WHEN p_plain THEN (memory -> 'reward')::numeric ELSE monitoring_number(memory -> 'reward') END AS reward,
            CASE WHEN p_plain THEN (memory -> 'duration_ms')::integer END AS plain_duration,
            CASE WHEN NOT p_plain THEN monitoring_number(memory -> 'duration_ms') END AS duration
        FROM (
            SELECT
                event.occurred_at,
                CASE WHEN NOT p_all AND event.id = ANY (p_retried) THEN -1 ELSE greatest(event.duplicate_count, 0) END AS duplicate_count,
                event.created_at,
                event.source_agent,
                event.event_type,
                event.event_data || '{}' AS memory
            FROM learning_events AS event
            WHERE event.occurred_at >= p_from AND event.occurred_at < p_until AND CASE
                WHEN p_all THEN true
                WHEN date_bin('1 hour', event.occurred_at, '2000-01-01 00:00:00+00') <> ALL (p_hours) THEN false
                WHEN date_bin('1 hour', event.occurred_at, '2000-01-01 00:00:00+00') <> ALL (p_lossy) THEN true
                ELSE event.id = ANY (p_added) OR event.id = ANY (p_retried)
            END
            OFFSET 0
        ) AS decompressed
        OFFSET 0
    ) AS first_hop
$$;
COMMENT ON FUNCTION monitoring_read_events(
    timestamptz, timestamptz, timestamptz[], timestamptz[], uuid[], uuid[], boolean, boolean, double precision) IS
    'What the events from p_from to p_until say: a row each. With p_all all of them; else those of p_hours alone, and of the hours '
    'among them that are p_lossy only p_added and p_retried. With p_plain quickly, as long as they are well-formed; else whatever they hold.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f015_extraction', '05c34028dd23e2c8')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f016_shards =========================================================================================
-- Events on several servers. There, each server collects its own into what the roll-up needs of them: eight bytes an event instead of
-- its document. Here, the roll-up reads that, so that documents are read, decompressed and taken apart where they lie.

-- There ------------------------------------------------------------------------------------------------------------------

-- A view can be read for some hours alone: the condition reaches the index on the same date_bin(). What an event becomes is what
-- monitoring_read_events() and monitoring_compute_run() make of it. Made only where it is asked for: while it is there,
-- learning_events cannot be dropped, nor its columns become others.
CREATE OR REPLACE FUNCTION monitoring_share_events() RETURNS void
LANGUAGE plpgsql VOLATILE AS $function$
DECLARE
    v_outsiders text := 'PUBLIC';
    v_role      text;
BEGIN
    CREATE OR REPLACE VIEW monitoring_event_slices AS
    SELECT
        date_bin('1 hour', event.occurred_at, '2000-01-01 00:00:00+00') AS hour_start,
        CASE WHEN NOT said.bad_model THEN said.model END AS model,
        CASE WHEN NOT said.bad_backend THEN said.backend END AS backend,
        event.source_agent AS agent,
        CASE WHEN NOT said.bad_telemetry THEN said.version END AS version,
        CASE WHEN said.readable THEN event.event_type END AS event_type,
        said.reason,
        max(event.created_at) AS newest,
        array_agg(
            CASE WHEN said.duration_ms IS NOT NULL THEN said.duration_ms * 4294967296 + 2097152 WHEN said.bad_duration THEN 128 << 9 ELSE 0 END
            | CASE
                WHEN said.reward > 0.5 THEN 5 << 9
                WHEN said.reward <= 0.3 THEN 6 << 9
                WHEN said.reward IS NOT NULL THEN 4 << 9
                WHEN said.bad_reward THEN 64 << 9
                ELSE 0
            END
            | CASE WHEN event.duplicate_count > 1 THEN 4096 ELSE 0 END
            | (extract(hour FROM event.occurred_at AT TIME ZONE 'UTC')::integer << 4)
            | (extract(minute FROM event.occurred_at AT TIME ZONE 'UTC')::integer / 5)) AS keys
    FROM learning_events AS event
    CROSS JOIN LATERAL monitoring_extract(event.event_data) AS said
    WHERE event.occurred_at >= '0001-01-01 00:00:00+00' AND event.occurred_at < '10000-01-01 00:00:00+00'
    GROUP BY 1, 2, 3, 4, 5, 6, 7;
    COMMENT ON VIEW monitoring_event_slices IS
        'The events here by the hour and by what they say, an array of numbers for those that say the same: for a roll-up over several servers.';

    CREATE OR REPLACE VIEW monitoring_event_horizon AS SELECT monitoring_horizon_here() AS horizon;
    COMMENT ON VIEW monitoring_event_horizon IS
        'The time before which no event can appear here any more: for a roll-up over several servers.';

    CREATE OR REPLACE VIEW monitoring_event_hours AS SELECT hour_start FROM monitoring_hours_here() AS hour (hour_start);
    COMMENT ON VIEW monitoring_event_hours IS 'The UTC hours in which events occurred here: for a roll-up over several servers.';

    FOR v_role IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
        v_outsiders := v_outsiders || ', ' || quote_ident(v_role);
    END LOOP;
    EXECUTE 'REVOKE ALL ON monitoring_event_slices, monitoring_event_horizon, monitoring_event_hours FROM ' || v_outsiders;
END
$function$;
COMMENT ON FUNCTION monitoring_share_events() IS
    'Makes the views by which another server rolls up the events of this one: see deploy/sharding.sql. Run again, it makes them of the present learning_events.';

-- Here -------------------------------------------------------------------------------------------------------------------

-- Else the events are read one by one, wherever they are: slower, and as right.
CREATE OR REPLACE FUNCTION monitoring_shards_hold_all() RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce(bool_and(leaf.ftserver IN (
        SELECT slices.ftserver
        FROM pg_inherits
        JOIN pg_foreign_table AS slices ON slices.ftrelid = inhrelid
        WHERE inhparent = to_regclass('monitoring_shard_slices'))), false)
        AND count(*) = count(leaf.ftserver)
    FROM pg_partition_tree(to_regclass('learning_events')) AS part
    LEFT JOIN pg_foreign_table AS leaf ON leaf.ftrelid = part.relid
    WHERE part.isleaf
$$;
COMMENT ON FUNCTION monitoring_shards_hold_all() IS
    'Whether every partition of learning_events lies on another server that collects its events for this one.';

-- What monitoring_lossy_hours() says, in one pass over the events' times instead of a look at each five minutes, which would each be
-- a question to each server.
CREATE OR REPLACE FUNCTION monitoring_lossy_hours_of_shards(p_from timestamptz, p_until timestamptz) RETURNS timestamptz[]
LANGUAGE sql STABLE AS $$
    WITH known AS MATERIALIZED (
        SELECT bucket_start, total_events, rolled_up_at FROM monitoring_rollup WHERE bucket_start >= p_from AND bucket_start < p_until
    ),
    lossy AS (
        SELECT known.bucket_start
        FROM known
        LEFT JOIN (
            SELECT date_bin('5 minutes', event.occurred_at, '2000-01-01 00:00:00+00') AS bucket_start, event.created_at
            FROM learning_events AS event
            WHERE event.occurred_at >= p_from AND event.occurred_at < p_until AND EXISTS (SELECT FROM known)
        ) AS raw USING (bucket_start)
        GROUP BY known.bucket_start, known.total_events
        HAVING known.total_events > count(*) FILTER (WHERE raw.created_at <= known.rolled_up_at)
    )
    SELECT coalesce(array_agg(DISTINCT date_bin('1 hour', bucket_start, '2000-01-01 00:00:00+00')), '{}') FROM lossy
$$;
COMMENT ON FUNCTION monitoring_lossy_hours_of_shards(timestamptz, timestamptz) IS
    'The hours in which five minutes have fewer raw events on other servers than were rolled up, those created since left out.';

-- A server is read from in one snapshot for the whole transaction, and that is taken before the server says its horizon. A transaction
-- that commits between the two would be seen in neither, so the horizon that holds is the one of the roll-up before.
CREATE OR REPLACE FUNCTION monitoring_shard_horizon() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_last timestamptz;
    v_now  timestamptz;
BEGIN
    SELECT min(horizon) INTO v_now FROM monitoring_shard_horizons;
    IF v_now IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT shard_horizon INTO v_last FROM monitoring_rollup_state;
    UPDATE monitoring_rollup_state SET shard_horizon = v_now;
    RETURN least(v_now, coalesce(v_last, v_now - interval '1 hour'));
END
$$;
COMMENT ON FUNCTION monitoring_shard_horizon() IS
    'The time before which no event can appear any more on any other server; null where there are none.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f016_shards', 'b3316815d5b0b3ac')
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

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f020_rollup', '148f2756ef2fb841')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f022_sharing ========================================================================================
-- What another server reads here is read under that server's search_path; and where events are shared already, they are shared as
-- this version has it.

CREATE OR REPLACE FUNCTION monitoring_horizon_here() RETURNS timestamptz
LANGUAGE sql VOLATILE AS 'SELECT monitoring_ingest_horizon()';
COMMENT ON FUNCTION monitoring_horizon_here() IS 'monitoring_ingest_horizon(), whatever the search_path.';

CREATE OR REPLACE FUNCTION monitoring_hours_here() RETURNS SETOF timestamptz
LANGUAGE sql STABLE AS 'SELECT monitoring_hours_with_events()';
COMMENT ON FUNCTION monitoring_hours_here() IS 'monitoring_hours_with_events(), whatever the search_path.';

DO $block$
BEGIN
    EXECUTE format('ALTER FUNCTION monitoring_horizon_here() SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION monitoring_hours_here() SET search_path = %I, pg_temp', current_schema());
    IF to_regclass(quote_ident(current_schema()) || '.monitoring_event_slices') IS NOT NULL THEN
        PERFORM monitoring_share_events();
    END IF;
END
$block$;

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f022_sharing', '98f800ad62ba145b')
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
        SELECT hour_start, value, sum(coalesce(events, 1)) AS events
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
        SELECT metric_date, value, sum(coalesce(events, 1)) AS events
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
CREATE OR REPLACE FUNCTION monitoring_write_metrics(
    p_hours timestamptz[], p_written_hours timestamptz[], p_written_days date[], p_now timestamptz)
RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_hours   timestamptz[] := ARRAY(SELECT unnest(p_hours) EXCEPT SELECT unnest(p_written_hours));
    v_days    date[] := ARRAY(
        SELECT (hour_start AT TIME ZONE 'UTC')::date FROM unnest(p_hours) AS hour (hour_start) EXCEPT SELECT unnest(p_written_days));
    v_written integer := 0;
BEGIN
    IF cardinality(v_hours) > 0 THEN
        v_written := monitoring_write_totals(v_hours, '{}', p_now);
    END IF;
    IF cardinality(v_days) > 0 THEN
        v_written := v_written + monitoring_write_totals('{}', v_days, p_now);
    END IF;
    RETURN v_written;
END
$$;
COMMENT ON FUNCTION monitoring_write_metrics(timestamptz[], timestamptz[], date[], timestamptz) IS
    'Writes the rows of the hours and of the days they belong to, but for those that are written already; returns how many were new or changed.';

CREATE OR REPLACE FUNCTION monitoring_compute_hours(p_hours timestamptz[], p_now timestamptz)
RETURNS TABLE (rows_computed integer, metrics_inserted integer, computation_time_ms numeric)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_started timestamptz := clock_timestamp();
    v_step    record;
    v_written integer;
    v_days    integer := (SELECT count(DISTINCT (hour_start AT TIME ZONE 'UTC')::date) FROM unnest(p_hours) AS hour (hour_start));
    v_hours   timestamptz[];
BEGIN
    PERFORM FROM monitoring_rollup_lock FOR UPDATE;
    v_hours := monitoring_hours_with_detail(p_hours);
    SELECT * INTO v_step FROM monitoring_roll_up_hours(v_hours, p_now);
    v_written := v_step.metrics_written + monitoring_write_metrics(v_hours, v_step.written_hours, v_step.written_days, p_now);
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
    v_day     date := coalesce(p_target_date, (p_now AT TIME ZONE 'UTC')::date);
    v_missing timestamptz[];
BEGIN
    IF p_target_hour NOT BETWEEN 0 AND 23 THEN
        RAISE EXCEPTION 'p_target_hour is %, not from 0 to 23', p_target_hour USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF v_day NOT BETWEEN '0001-01-01' AND '9999-12-30' THEN
        RAISE EXCEPTION 'p_target_date is %, not in the years 1 to 9999', v_day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_target_hour IS NOT NULL THEN
        -- The day's row is of the whole day: hours that nobody has rolled up yet are missing in it.
        v_missing := ARRAY(
            SELECT hour
            FROM generate_series(
                v_day::timestamp AT TIME ZONE 'UTC', v_day::timestamp AT TIME ZONE 'UTC' + interval '23 hours', interval '1 hour') AS hour
            WHERE extract(hour FROM hour AT TIME ZONE 'UTC') <> p_target_hour
                AND NOT EXISTS (
                    SELECT FROM monitoring_rollup WHERE bucket_start >= hour AND bucket_start < hour + interval '1 hour')
                AND EXISTS (SELECT FROM learning_events WHERE occurred_at >= hour AND occurred_at < hour + interval '1 hour'));
        IF cardinality(v_missing) > 0 THEN
            PERFORM monitoring_compute_hours(v_missing, p_now);
        END IF;
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

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f030_metrics', '1ab2fd151ca81521')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f040_baseline =======================================================================================
-- The baseline that is published: pooled rates (events over events) and percentiles of merged histograms, over whole UTC
-- days before the moment, without the hours in which an alert of the same metric was open. And the new normal, which a person
-- accepts.

-- Which hours count for which metric: those that the profile of evaluations would rest on as well (monitoring_unfit_hours).
-- Where alerts leave a metric less than half of the window's hours, it reaches back day by day, up to 28 days; where that is too
-- little as well, none of its hours count and the last figure stays.
CREATE OR REPLACE FUNCTION monitoring_baseline_hours(p_start date, p_end date, p_accepted_from timestamptz, p_now timestamptz)
RETURNS TABLE (hour_start timestamptz, in_window boolean, for_fallback boolean, for_error boolean, for_duplicate boolean, for_latency boolean)
LANGUAGE plpgsql STABLE SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_reach CONSTANT date := least(p_start, p_end - 27);
    v_until CONSTANT timestamptz := least((p_end + 1)::timestamp AT TIME ZONE 'UTC', p_now);
    -- An event of long ago that came late is no beginning.
    v_first CONSTANT timestamptz := (
        SELECT greatest(min(bucket_start), p_accepted_from) FROM monitoring_rollup WHERE bucket_start >= v_reach::timestamp AT TIME ZONE 'UTC');
BEGIN
    RETURN QUERY
        WITH metric AS MATERIALIZED (
            SELECT name, monitoring_unfit_hours(ARRAY[name], coalesce(p_accepted_from, '-infinity'), v_until) AS unfit
            FROM unnest(ARRAY['fallback_rate', 'error_rate', 'duplicate_rate', 'latency_p95']) AS name
        ),
        day AS (                                        -- fit hours of each day, with events or without
            SELECT metric.name, date.day, count(*) FILTER (WHERE hour.start >= v_first AND NOT hour.start <@ metric.unfit) AS fit
            FROM metric
            CROSS JOIN generate_series(v_reach::timestamp, p_end, interval '1 day') AS date (day)
            CROSS JOIN LATERAL generate_series(
                date.day AT TIME ZONE 'UTC', date.day AT TIME ZONE 'UTC' + interval '23 hours', interval '1 hour') AS hour (start)
            GROUP BY metric.name, date.day
        ),
        reach AS (
            SELECT name, day::date AS day, sum(fit) OVER (PARTITION BY name ORDER BY day DESC) AS fit FROM day
        ),
        chosen AS (                                     -- the window, or as much more as gives half of its hours
            SELECT name, coalesce(max(day) FILTER (WHERE day <= p_start AND fit >= (p_end - p_start + 1) * 12), v_reach) AS first_day
            FROM reach
            GROUP BY name
        ),
        candidate AS MATERIALIZED (
            SELECT
                metrics.window_start AS hour_start,
                metrics.metric_date >= p_start AS in_window,
                name,
                metrics.metric_date >= chosen.first_day AND NOT metrics.window_start <@ metric.unfit AS is_fit
            FROM monitoring_metrics AS metrics
            CROSS JOIN metric
            JOIN chosen USING (name)
            WHERE metrics.metric_hour IS NOT NULL AND metrics.total_events > 0
                AND metrics.metric_date BETWEEN v_reach AND p_end
                AND metrics.window_start < p_now
                AND metrics.window_start >= coalesce(p_accepted_from, '-infinity')
        ),
        enough AS (
            SELECT name, count(*) FILTER (WHERE is_fit) * 2 >= count(*) FILTER (WHERE in_window) AS is_enough
            FROM candidate
            GROUP BY name
        )
        SELECT
            candidate.hour_start,
            bool_or(candidate.in_window),
            bool_or(is_fit AND is_enough) FILTER (WHERE name = 'fallback_rate'),
            bool_or(is_fit AND is_enough) FILTER (WHERE name = 'error_rate'),
            bool_or(is_fit AND is_enough) FILTER (WHERE name = 'duplicate_rate'),
            bool_or(is_fit AND is_enough) FILTER (WHERE name = 'latency_p95')
        FROM candidate
        JOIN enough USING (name)
        GROUP BY candidate.hour_start;
END
$$;
COMMENT ON FUNCTION monitoring_baseline_hours(date, date, timestamptz, timestamptz) IS
    'The hours with events that a baseline may rest on, with a flag for each metric that says whether the hour counts for it: '
    'not in a time that monitoring_unfit_hours leaves out, and in a window that has enough that are left.';

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
        SELECT hour_of_day, model, backend, duration, sum(coalesce(events, 1)) AS events
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
            date_bin('1 day', p_now + interval '12 hours', '2000-01-01 02:00:00+00') + interval '24 hours'
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

CREATE OR REPLACE FUNCTION monitoring_accept_baseline(
    p_baseline_name text, p_actor text, p_credential text, p_reason text,
    p_from timestamptz DEFAULT NULL, p_at timestamptz DEFAULT now())
RETURNS SETOF monitoring_baseline
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    v_settings CONSTANT jsonb := monitoring_effective_settings() -> 'baseline';
    v_name     CONSTANT text := coalesce(nullif(p_baseline_name, '7day_rolling'), v_settings ->> 'name');
    v_from     CONSTANT timestamptz := coalesce(p_from, date_trunc('hour', p_at, 'UTC'));
    v_today    CONSTANT date := (p_at AT TIME ZONE 'UTC')::date;
    v_days     integer := CASE WHEN v_name = v_settings ->> 'name' THEN (v_settings ->> 'window_days')::integer ELSE 7 END;
    v_before   monitoring_baseline;
    v_alert    record;
    v_ended    uuid[] := '{}';
BEGIN
    IF coalesce(btrim(p_actor), '') = '' THEN
        RAISE EXCEPTION 'p_actor: somebody must accept it' USING ERRCODE = 'TMARG';
    ELSIF coalesce(btrim(p_reason), '') = '' THEN
        RAISE EXCEPTION 'p_reason: there must be a reason' USING ERRCODE = 'TMARG';
    ELSIF v_name = '' THEN
        RAISE EXCEPTION 'p_baseline_name: a baseline has a name' USING ERRCODE = 'TMARG';
    ELSIF v_from > p_at OR v_from < p_at - interval '28 days' OR v_from <> date_trunc('hour', v_from, 'UTC') THEN
        RAISE EXCEPTION 'p_from: a new normal begins with a whole UTC hour of the last 28 days' USING ERRCODE = 'TMARG';
    END IF;
    -- A roll-up raises the data version before it empties profiles, here it is the other way round: they wait for each other.
    PERFORM FROM monitoring_rollup_lock FOR UPDATE;
    PERFORM FROM monitoring_evaluation_state FOR UPDATE;    -- no evaluation stands between the old normal and the new one
    DELETE FROM monitoring_baseline_profile WHERE baseline_name = v_name;
    DELETE FROM monitoring_baseline_slices WHERE baseline_name = v_name;

    SELECT * INTO v_before FROM monitoring_baseline WHERE baseline_name = v_name FOR UPDATE;
    v_days := coalesce(v_before.baseline_window_days, v_days);
    INSERT INTO monitoring_baseline AS old (
        baseline_name, baseline_window_days, baseline_start_date, baseline_end_date, computed_at, valid_until,
        accepted_from, accepted_by, accepted_reason)
    VALUES (v_name, v_days, (v_from AT TIME ZONE 'UTC')::date, v_today, p_at, p_at, v_from, btrim(p_actor), btrim(p_reason))
    ON CONFLICT (baseline_name) DO UPDATE SET
        accepted_from = excluded.accepted_from,
        accepted_by = excluded.accepted_by,
        accepted_reason = excluded.accepted_reason;

    -- What evaluations found by the old one is the normal now. Its alerts end, and leave no hour of the new normal out.
    IF v_name = v_settings ->> 'name' THEN
        -- All of them are locked before the first step raises the data version, which who acts on an alert does last.
        PERFORM monitoring_lock_fingerprint(fingerprint)
        FROM (
            SELECT DISTINCT alert.fingerprint
            FROM monitoring_alerts AS alert
            JOIN monitoring_known_metrics() AS known USING (metric_name, alert_type)
            WHERE alert.labels IS NULL
            ORDER BY alert.fingerprint
        ) AS known_alert;
        FOR v_alert IN
            SELECT alert.id, alert.current_value, alert.baseline_value, alert.deviation_ratio
            FROM monitoring_alerts AS alert
            JOIN monitoring_known_metrics() AS known USING (metric_name, alert_type)
            WHERE alert.labels IS NULL
                AND (alert.status <> 'resolved' OR alert.held_severity IS NOT NULL OR alert.opened_at >= v_from)
            ORDER BY alert.fingerprint, alert.id
            FOR UPDATE OF alert
        LOOP
            IF (SELECT outcome = 'changed' FROM monitoring_transition(
                v_alert.id, 'resolve', 'person', btrim(p_actor), p_credential,
                format('Accepted as the new normal from %s by %s: %s',
                    to_char(v_from AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), btrim(p_actor), btrim(p_reason)),
                NULL, jsonb_strip_nulls(jsonb_build_object(
                    'current_value', v_alert.current_value, 'baseline_value', v_alert.baseline_value,
                    'deviation_ratio', v_alert.deviation_ratio)), p_at))
            THEN
                v_ended := v_ended || v_alert.id;
            END IF;
            UPDATE monitoring_alerts SET held_severity = NULL, cleared_at = v_from WHERE id = v_alert.id;
        END LOOP;
    END IF;

    INSERT INTO monitoring_audit (action, subject, actor, credential, reason, details, occurred_at)
    VALUES ('accept_baseline', v_name, btrim(p_actor), p_credential, btrim(p_reason), jsonb_build_object(
        'accepted_from', to_char(v_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'ended_alerts', to_jsonb(v_ended),
        'before', jsonb_strip_nulls(jsonb_build_object(
            'fallback_rate', v_before.baseline_fallback_rate, 'error_rate', v_before.baseline_error_rate,
            'duplicate_rate', v_before.baseline_duplicate_rate, 'latency_p95', v_before.baseline_latency_p95,
            'accepted_from', v_before.accepted_from, 'accepted_by', v_before.accepted_by))), p_at);
    PERFORM monitoring_bump_data_version();
    PERFORM update_baseline(v_name, v_days, p_at);
    RETURN QUERY SELECT * FROM monitoring_baseline WHERE baseline_name = v_name;
END
$$;
COMMENT ON FUNCTION monitoring_accept_baseline(text, text, text, text, timestamptz, timestamptz) IS
    'A person says that what has been measured since p_from (a whole UTC hour of the last 28 days; null: the present one) is the '
    'normal now; returns the baseline. A name that is null or the default is the one in the settings. Nothing before p_from counts '
    'any more. Evaluations have nothing to compare with (not_armed) until a UTC midnight that has at least 20 of the new hours '
    'before it. Live alerts of what is compared with this baseline end, with the person as their actor. An argument that cannot be: SQLSTATE TMARG.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f040_baseline', '5146ec8fb21fa40f')
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
    ('unsuccessful_rate', ARRAY['health_score', 'error_rate']),
    ('model_mix',         ARRAY['model_mix'])
$$;
COMMENT ON FUNCTION monitoring_profile_metrics() IS
    'What a profile is made of: shares of bad events, and the mix of models, each with the metrics whose alerts make an hour unfit '
    'for it. The profile of traffic is derived apart.';

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
WHERE a.labels IS NULL
  AND a.metric_name = ANY (p_metrics)
  AND a.opened_at < p_until
  AND a.opened_at >= p_since
  AND ends.at > a.opened_at
$$;
COMMENT ON FUNCTION monitoring_unfit_hours(text[], timestamptz, timestamptz) IS
    'The times in which alerts of these metrics were live, with the window (a day at most) that showed each: an incident is no '
    'normal, and its hours before it was noticed would pass for dispersion. Those opened before p_since, an accepted new normal, do not count.';

CREATE OR REPLACE FUNCTION monitoring_accepted_from(p_baseline_name text, p_as_of date) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT accepted_from
FROM monitoring_baseline
WHERE baseline_name = p_baseline_name AND accepted_from < (p_as_of + 1)::timestamp AT TIME ZONE 'UTC'
$$;
COMMENT ON FUNCTION monitoring_accepted_from(text, date) IS
    'From when on the baseline''s present normal was accepted, for evaluations of a UTC day; null where none was. From its first hour on '
    'nothing goes by what was before it.';

CREATE OR REPLACE FUNCTION monitoring_baseline_need(p_window_days integer, p_accepted timestamptz, p_at timestamptz)
RETURNS TABLE (fit_hours integer, distance interval)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT
    CASE WHEN fresh.is THEN 20 ELSE least(96, p_window_days * 18) END,
    CASE WHEN fresh.is THEN interval '0' ELSE interval '24 hours' END
FROM (SELECT coalesce(p_accepted > p_at - interval '144 hours', false) AS is) fresh
$$;
COMMENT ON FUNCTION monitoring_baseline_need(integer, timestamptz, timestamptz) IS
    'How many fit hours make a baseline at a moment, and how long before its day they end: four days of five and a day; of a new normal '
    'that was accepted a short time ago twenty hours, up to the day.';

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
    v_until    timestamptz;
    v_least    integer;
BEGIN
    v_accepted := monitoring_accepted_from(p_baseline_name, p_as_of);
    SELECT need.fit_hours, v_day - need.distance INTO v_least, v_until FROM monitoring_baseline_need(p_window_days, v_accepted, v_day) need;
    -- Of the days that could count: an event of long ago that came late is no beginning.
    SELECT greatest(min(bucket_start), v_accepted) INTO v_first
    FROM monitoring_rollup
    WHERE bucket_start >= v_until - greatest(28, p_window_days) * interval '24 hours';
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

CREATE OR REPLACE FUNCTION monitoring_sum(p_counts integer[]) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT sum(count) FROM unnest(p_counts) count
$$;
COMMENT ON FUNCTION monitoring_sum(integer[]) IS 'The sum of an array.';

-- A single expression, which the planner writes into the query that calls it. Beyond a high limit most durations were seen once.
CREATE OR REPLACE FUNCTION monitoring_count_above(p_values integer[], p_counts integer[], p_limit double precision) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN p_limit IS NULL THEN 0
    WHEN cardinality(p_counts) = 0 THEN cardinality(p_values) - width_bucket(least(floor(p_limit), 2147483647)::integer, p_values)
    WHEN p_values[cardinality(p_values)] <= p_limit THEN 0
    WHEN 1 = ALL (p_counts[width_bucket(least(floor(p_limit), 2147483647)::integer, p_values) + 1 :])
        THEN cardinality(p_values) - width_bucket(least(floor(p_limit), 2147483647)::integer, p_values)
    ELSE monitoring_sum(p_counts[width_bucket(least(floor(p_limit), 2147483647)::integer, p_values) + 1 :])
END
$$;
COMMENT ON FUNCTION monitoring_count_above(integer[], integer[], double precision) IS
    'How many of a latency histogram''s events lie above a limit in milliseconds; a binary search, then the tail alone.';

CREATE OR REPLACE FUNCTION monitoring_profile_latency(p_from timestamptz, p_until timestamptz, p_unfit tstzmultirange)
RETURNS TABLE (hour_of_day integer, latency_p95 double precision)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
WITH durations AS (
    SELECT extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer AS hour_of_day, duration, sum(coalesce(events, 1)) AS events
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
        (SELECT sum(near.weight * hours.p95::double precision) / sum(near.weight)
         FROM (VALUES (23, 1), (0, 2), (1, 1)) near (step, weight)
         JOIN hours ON hours.hour_of_day = (day.hour_of_day + near.step) % 24),
        (SELECT avg(hours.p95) FROM hours))::double precision
FROM generate_series(0, 23) day (hour_of_day)
$$;
COMMENT ON FUNCTION monitoring_profile_latency(timestamptz, timestamptz, tstzmultirange) IS
    'The p95 of latency at each hour of day in milliseconds, smoothed over its neighbours by a quarter, a half, a quarter.';

CREATE OR REPLACE FUNCTION monitoring_steady_share(p_counts double precision[]) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN mean > 0 AND sum((count - mean) ^ 2) >= 66 * mean AND var_samp(count) - mean >= 0.1 * mean ^ 2 THEN min(count) / mean
    ELSE 1
END
FROM unnest(p_counts) count
CROSS JOIN (SELECT avg(count) AS mean FROM unnest(p_counts) count) known
GROUP BY mean
$$;
COMMENT ON FUNCTION monitoring_steady_share(double precision[]) IS
    'How much of an hour''s events, given by its twelve five minutes, is there all the time: all, or where they differ by more than chance '
    '(chi-square of 11 degrees >= 66) and by much (a variance beyond chance of a tenth of the squared mean), as where a job runs for '
    'some minutes, twelve times the least.';

-- Traffic has its own shape of the week, so that its expectation is the less of two: of what the same hour of the day brought
-- lately, and of what the same hour of the week brought. A quiet weekend is none that fell far below its kind.
CREATE OR REPLACE FUNCTION monitoring_derive_traffic(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_profile
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
DECLARE
    v_day      CONSTANT timestamptz := p_as_of::timestamp AT TIME ZONE 'UTC';
    v_until    CONSTANT timestamptz := v_day - interval '24 hours';
    v_accepted timestamptz;
    v_first    timestamptz;
    v_unfit    tstzmultirange;
BEGIN
    v_accepted := monitoring_accepted_from(p_baseline_name, p_as_of);
    -- The first hour may have begun before anybody watched.
    SELECT greatest(
        date_trunc('hour', min(bucket_start), 'UTC')
            + CASE WHEN min(bucket_start) > v_until - interval '672 hours' THEN interval '1 hour' ELSE interval '0' END,
        CASE WHEN min(bucket_start) IS NOT NULL THEN v_accepted END)
    INTO v_first
    FROM monitoring_rollup
    WHERE bucket_start >= v_until - interval '672 hours';
    IF v_first IS NULL THEN
        RETURN;
    END IF;
    v_unfit := monitoring_unfit_hours(ARRAY['total_events'], coalesce(v_accepted, '-infinity'), v_until);
    RETURN QUERY
        WITH seen AS (
            SELECT date_trunc('hour', bucket_start, 'UTC') AS hour, sum(total_events)::double precision AS events
            FROM monitoring_rollup
            WHERE bucket_start >= v_first AND bucket_start < v_until
            GROUP BY 1
        ),
        hours AS MATERIALIZED (                         -- an hour without events is one with none
            SELECT
                hour,
                extract(hour FROM hour AT TIME ZONE 'UTC')::integer AS hour_of_day,
                extract(isodow FROM hour AT TIME ZONE 'UTC') = extract(isodow FROM p_as_of) AS is_same_weekday,
                hour >= v_until - p_window_days * interval '24 hours' AS is_recent,
                coalesce(seen.events, 0) AS events
            FROM generate_series(v_first, v_until - interval '1 hour', interval '1 hour') hour
            LEFT JOIN seen USING (hour)
            WHERE NOT hour <@ v_unfit
        ),
        means AS (
            SELECT
                hour_of_day,
                avg(events) AS mean,
                avg(events) FILTER (WHERE is_recent) AS of_day,
                count(*) FILTER (WHERE is_recent) AS days,
                avg(events) FILTER (WHERE is_same_weekday) AS of_week,
                count(*) FILTER (WHERE is_same_weekday) AS weeks
            FROM hours
            GROUP BY hour_of_day
        ),
        days AS (                                       -- how busy a day was beside the others, so that its level is no scatter
            SELECT (hour AT TIME ZONE 'UTC')::date AS day, sum(events) / nullif(sum(means.mean), 0) AS level
            FROM hours JOIN means USING (hour_of_day)
            GROUP BY 1
        ),
        spread AS (                                     -- how much hours vary beyond chance, as a share squared of what is expected
            SELECT
                greatest(0, (sum((events - means.mean * days.level) ^ 2) * count(*) / greatest(count(*) - 24 - count(DISTINCT days.day) + 1, 1)
                    - sum(means.mean * days.level)) / nullif(sum((means.mean * days.level) ^ 2), 0)) AS variability,
                avg(events) AS overall
            FROM hours
            JOIN means USING (hour_of_day)
            JOIN days ON days.day = (hours.hour AT TIME ZONE 'UTC')::date
        ),
        slots AS (                                      -- the five minutes of each hour of day
            SELECT
                hours.hour_of_day, place,
                coalesce(sum(r.total_events) FILTER (WHERE hours.is_recent), 0)::double precision AS of_day,
                coalesce(sum(r.total_events) FILTER (WHERE hours.is_same_weekday), 0)::double precision AS of_week
            FROM hours
            CROSS JOIN generate_series(0, 11) place
            LEFT JOIN (
                SELECT bucket_start, total_events FROM monitoring_rollup WHERE bucket_start >= v_first AND bucket_start < v_until OFFSET 0
            ) r ON r.bucket_start = hours.hour + place * interval '5 minutes'
            GROUP BY hours.hour_of_day, place
        ),
        bases AS (
            SELECT
                hour_of_day,
                monitoring_steady_share(array_agg(of_day)) AS of_day,
                monitoring_steady_share(array_agg(of_week)) AS of_week
            FROM slots
            GROUP BY hour_of_day
        )
        SELECT
            p_baseline_name, p_window_days, p_as_of, 'total_events', means.hour_of_day::smallint,
            (expected.events * expected.samples)::numeric, 0::numeric,
            expected.events, expected.events * expected.samples, NULL::double precision, spread.overall,
            1::double precision, v_first, v_until, v_accepted, now(), 1::double precision, coalesce(spread.variability, 0)
        FROM means
        JOIN bases USING (hour_of_day)
        CROSS JOIN spread
        CROSS JOIN LATERAL (
            SELECT *
            FROM (VALUES (means.of_day * bases.of_day, means.days), (means.of_week * bases.of_week, means.weeks)) each (events, samples)
            ORDER BY each.events
            LIMIT 1
        ) expected
        WHERE means.days > 0 AND means.weeks > 0;
END
$$;
COMMENT ON FUNCTION monitoring_derive_traffic(text, integer, date) IS
    'The profile of total_events: rate is the number of events to be expected in that hour of that very day, the less of the mean of '
    'the hour of day over the window and of the mean of the hour of the week over up to four weeks, of either what is steady '
    '(monitoring_steady_share); weight the events it rests on; '
    'variability how much hours vary beyond chance, (sum((n - e)^2) - sum(e)) / sum(e^2). '
    'No row for an hour whose like in the week has not been seen: so it is armed after a week.';

CREATE OR REPLACE FUNCTION monitoring_dispersion_of_blocks(p_dispersions double precision[], p_blocks integer[]) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_result double precision := greatest(1, p_dispersions[1]);
    v_blocks double precision;
BEGIN
    IF v_result < 1.25 THEN                             -- chance alone: long blocks are few, and scatter by themselves
        RETURN v_result;
    END IF;
    FOR place IN 2 .. cardinality(p_dispersions) LOOP
        v_blocks := p_blocks[place];
        CONTINUE WHEN v_blocks < 2 OR p_dispersions[place] IS NULL;
        v_result := greatest(
            v_result, (v_blocks * p_dispersions[place] * v_blocks / (v_blocks - 1) + 3 * v_result) / (v_blocks + 3));
    END LOOP;
    RETURN v_result;
END
$$;
COMMENT ON FUNCTION monitoring_dispersion_of_blocks(double precision[], integer[]) IS
    'The dispersion that fits windows of any length, from that of hours and of ever longer blocks of them (with how many blocks there '
    'were): where hours scatter by a quarter more than chance, each longer block''s is drawn by the weight of three blocks to the '
    'one before, and the largest holds. Dispersions 1.5, 2, 3 of 168, 56, 7 blocks: 3.05.';

CREATE OR REPLACE FUNCTION monitoring_hourly_counts(
    p_from timestamptz, p_until timestamptz,
    p_limits double precision[])                              -- by hour of day, the milliseconds above which an event is slow
RETURNS TABLE (metric_name text, hour timestamptz, hour_of_day integer, total double precision, bad double precision)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    WITH hours AS MATERIALIZED (
        SELECT
            date_trunc('hour', bucket_start, 'UTC') AS hour,
            extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer AS hour_of_day,
            sum(total_events) AS total_events,
            sum(fallback_events) AS fallback_events,
            sum(failed_events) AS failed_events,
            sum(duplicate_events) AS duplicate_events,
            sum(total_events - successful_events) AS unsuccessful_events,
            sum(latency_events) AS latency_events,
            sum(monitoring_count_above(
                latency_values, latency_counts, p_limits[extract(hour FROM bucket_start AT TIME ZONE 'UTC')::integer + 1])) AS slow_events
        FROM monitoring_rollup
        WHERE bucket_start >= p_from AND bucket_start < p_until
        GROUP BY 1, 2
    )
    SELECT each.metric_name, hours.hour, hours.hour_of_day, each.total::double precision, each.bad::double precision
    FROM hours
    CROSS JOIN LATERAL (VALUES
        ('fallback_rate',     hours.total_events,   hours.fallback_events),
        ('error_rate',        hours.total_events,   hours.failed_events),
        ('duplicate_rate',    hours.total_events,   hours.duplicate_events),
        ('unsuccessful_rate', hours.total_events,   hours.unsuccessful_events),
        ('latency_p95',       hours.latency_events, hours.slow_events)) each (metric_name, total, bad)
$$;
COMMENT ON FUNCTION monitoring_hourly_counts(timestamptz, timestamptz, double precision[]) IS
    'The events of each hour and the bad ones among them, a row for each rate that a profile is made of.';

-- What nobody watched, before the monitor was there or while it was not armed, may hold incidents that no alert tells of. Left in, an
-- afternoon of them makes scatter of what comes like it, for as long as it is in the window.
CREATE OR REPLACE FUNCTION monitoring_profile_spans(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS TABLE (metric_name text, baseline_from timestamptz, baseline_until timestamptz, accepted_from timestamptz, unfit tstzmultirange)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    -- Of each metric and hour that alerts leave in the baseline:
    v_metrics   text[];
    v_hours     timestamptz[];
    v_bad       double precision[];
    v_expected  double precision[];                           -- by what is usual
    v_length    integer;
    -- Of each incident:
    v_concerned text[] := '{}';
    v_found     tstzrange[] := '{}';
    v_more      record;
BEGIN
    WITH spans AS MATERIALIZED (
        SELECT * FROM monitoring_baseline_spans(p_baseline_name, p_window_days, p_as_of) WHERE armed
    ),
    slow AS (                                           -- above what one in twenty is on most days, each duration counted once
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY day.p95) AS limit_ms
        FROM (
            SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY duration) AS p95
            FROM spans
            JOIN monitoring_rollup ON bucket_start >= spans.baseline_from AND bucket_start < spans.baseline_until
            CROSS JOIN unnest(latency_values) AS duration
            WHERE spans.metric_name = 'latency_p95' AND NOT date_trunc('hour', bucket_start, 'UTC') <@ spans.unfit
            GROUP BY date_trunc('day', bucket_start, 'UTC')
        ) AS day
    ),
    counts AS MATERIALIZED (
        SELECT c.*
        FROM slow
        CROSS JOIN LATERAL monitoring_hourly_counts(
            (SELECT min(spans.baseline_from) FROM spans), (SELECT max(spans.baseline_until) FROM spans),
            array_fill(slow.limit_ms, ARRAY[24])) AS c
        JOIN spans ON spans.metric_name = c.metric_name
        WHERE c.hour >= greatest(spans.baseline_from, spans.accepted_from)
          AND c.hour < spans.baseline_until
          AND NOT c.hour <@ spans.unfit
          AND c.total > 0
    ),
    usual AS (                                          -- on half of the days, whatever happened on the others
        SELECT day.metric_name, percentile_cont(0.5) WITHIN GROUP (ORDER BY day.rate) AS rate
        FROM (
            SELECT c.metric_name, (sum(c.bad) + 0.5) / (sum(c.total) + 1) AS rate
            FROM counts AS c
            GROUP BY c.metric_name, date_trunc('day', c.hour, 'UTC')
        ) AS day
        GROUP BY day.metric_name
    ),
    overall AS (
        SELECT c.metric_name, (sum(c.bad) + 0.5) / (sum(c.total) + 1) AS rate FROM counts AS c GROUP BY c.metric_name
    ),
    shapes AS (                                         -- how much worse an hour of day is than all of them
        SELECT c.metric_name, c.hour_of_day, (sum(c.bad) + 10) / (sum(c.total) + 10 / overall.rate) / overall.rate AS factor
        FROM counts AS c
        JOIN overall ON overall.metric_name = c.metric_name
        GROUP BY c.metric_name, c.hour_of_day, overall.rate
    )
    SELECT array_agg(c.metric_name), array_agg(c.hour), array_agg(c.bad), array_agg(c.total * usual.rate * shapes.factor)
    INTO v_metrics, v_hours, v_bad, v_expected
    FROM counts AS c
    JOIN usual ON usual.metric_name = c.metric_name
    JOIN shapes ON shapes.metric_name = c.metric_name AND shapes.hour_of_day = c.hour_of_day;

    -- In hours, and in what is left in ever longer blocks: what lasts may be little in each of its hours.
    FOREACH v_length IN ARRAY '{1,3,6,12,24}'::integer[] LOOP
        WITH blocks AS MATERIALIZED (
            SELECT
                c.metric_name, date_bin(v_length * interval '1 hour', c.hour, '2000-01-01 00:00:00+00') AS start,
                sum(c.bad) AS bad, sum(c.expected) AS expected
            FROM unnest(v_metrics, v_hours, v_bad, v_expected) AS c (metric_name, hour, bad, expected)
            WHERE NOT EXISTS (
                SELECT FROM unnest(v_concerned, v_found) AS known (metric_name, span)
                WHERE known.metric_name = c.metric_name AND c.hour <@ known.span)
            GROUP BY 1, 2
        ),
        scatters AS (                                   -- 0.455 is the median of chi-square with one degree
            SELECT
                b.metric_name,
                greatest(1, percentile_cont(0.5) WITHIN GROUP (ORDER BY (b.bad - b.expected) ^ 2 / b.expected) / 0.455) AS dispersion
            FROM blocks AS b
            GROUP BY b.metric_name
        )
        SELECT array_agg(b.metric_name) AS metrics, array_agg(tstzrange(b.start, b.start + v_length * interval '1 hour')) AS spans
        INTO v_more
        FROM blocks AS b
        JOIN scatters ON scatters.metric_name = b.metric_name
        WHERE b.bad >= 10
          AND b.bad >= 3 * b.expected
          AND monitoring_poisson_likelihood(b.bad, b.expected) / scatters.dispersion >= 14;
        v_concerned := v_concerned || v_more.metrics;
        v_found := v_found || v_more.spans;
    END LOOP;

    RETURN QUERY
        WITH incidents AS (
            SELECT each.metric_name, range_agg(each.span) AS hours
            FROM unnest(v_concerned, v_found) AS each (metric_name, span)
            GROUP BY each.metric_name
        ),
        found AS (                                      -- what holds for a third of the time is no incident
            SELECT incidents.metric_name, incidents.hours
            FROM incidents
            JOIN unnest(v_metrics, v_hours) AS c (metric_name, hour) ON c.metric_name = incidents.metric_name
            GROUP BY incidents.metric_name, incidents.hours
            HAVING count(*) FILTER (WHERE c.hour <@ incidents.hours) * 3 <= count(*)
        )
        SELECT
            spans.metric_name, spans.baseline_from, spans.baseline_until, spans.accepted_from,
            spans.unfit + coalesce(
                (SELECT range_agg(span)
                 FROM found
                 JOIN monitoring_profile_metrics() AS known ON known.metric_name = spans.metric_name
                 CROSS JOIN unnest(found.hours) AS span
                 WHERE found.metric_name = spans.metric_name OR found.metric_name = ANY (known.alert_metrics)),
                '{}'::tstzmultirange)
        FROM monitoring_baseline_spans(p_baseline_name, p_window_days, p_as_of) AS spans
        WHERE spans.armed;
END
$$;
COMMENT ON FUNCTION monitoring_profile_spans(text, integer, date) IS
    'The spans of armed metrics, with what is unfit for their profiles: the hours of alerts, and those of incidents that no alert tells '
    'of. Such a one is an hour, or a block of up to a day, with at least ten bad events and three times what is usual at its hours '
    '(the median of the days), and beyond chance: (x ln(x / E) - (x - E)) / dispersion >= 14, the dispersion by the median of its '
    'like. Where that were more than a third of all hours, none is.';

CREATE OR REPLACE FUNCTION monitoring_derive_profile(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_profile
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
BEGIN
    RETURN QUERY
        WITH spans AS MATERIALIZED (
            SELECT * FROM monitoring_profile_spans(p_baseline_name, p_window_days, p_as_of)
        ),
        limits AS MATERIALIZED (
            SELECT latency.hour_of_day, latency.latency_p95
            FROM spans, LATERAL monitoring_profile_latency(spans.baseline_from, spans.baseline_until, spans.unfit) latency
            WHERE spans.metric_name = 'latency_p95'
        ),
        counts AS MATERIALIZED (
            SELECT c.*
            FROM monitoring_hourly_counts(
                (SELECT min(spans.baseline_from) FROM spans), (SELECT max(spans.baseline_until) FROM spans),
                (SELECT array_agg(limits.latency_p95 ORDER BY limits.hour_of_day) FROM limits)) AS c
            JOIN spans ON spans.metric_name = c.metric_name
            WHERE c.hour >= greatest(spans.baseline_from, spans.accepted_from)
              AND c.hour < spans.baseline_until
              AND NOT c.hour <@ spans.unfit
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
        residuals AS MATERIALIZED (
            SELECT c.metric_name, c.hour, c.bad - c.total * r.rate AS residual, c.total * r.rate * (1 - r.rate) AS variance
            FROM counts c
            JOIN rates r ON r.metric_name = c.metric_name AND r.hour_of_day = c.hour_of_day
        ),
        blocks AS (                                     -- by hours, and by blocks of them, which scatter more where noise lasts
            SELECT
                b.metric_name, b.length, count(*) AS blocks, sum(b.residual ^ 2) / nullif(sum(b.variance), 0) AS dispersion
            FROM (
                SELECT r.metric_name, lengths.length, sum(r.residual) AS residual, sum(r.variance) AS variance
                FROM residuals r
                CROSS JOIN unnest('{1,3,6,12,24}'::integer[]) lengths (length)
                GROUP BY r.metric_name, lengths.length,
                    date_bin(lengths.length * interval '1 hour', r.hour, '2000-01-01 00:00:00+00')
            ) b
            GROUP BY b.metric_name, b.length
        ),
        dispersions AS (
            SELECT
                metric_name,
                greatest(1, max(dispersion) FILTER (WHERE length = 1)) AS hourly,
                monitoring_dispersion_of_blocks(array_agg(dispersion ORDER BY length), array_agg(blocks::integer ORDER BY length)) AS dispersion
            FROM blocks
            GROUP BY metric_name
        )
        SELECT
            p_baseline_name, p_window_days, p_as_of, r.metric_name, r.hour_of_day::smallint, r.total::numeric, r.bad::numeric,
            r.rate, r.weight, CASE r.metric_name WHEN 'latency_p95' THEN limits.latency_p95 END, r.overall_rate,
            coalesce(d.dispersion, 1), spans.baseline_from, spans.baseline_until, spans.accepted_from, now(), coalesce(d.hourly, 1),
            NULL::double precision
        FROM rates r
        JOIN spans ON spans.metric_name = r.metric_name
        LEFT JOIN dispersions d ON d.metric_name = r.metric_name
        LEFT JOIN limits ON limits.hour_of_day = r.hour_of_day;
    RETURN QUERY SELECT * FROM monitoring_derive_traffic(p_baseline_name, p_window_days, p_as_of);
    -- What has too little left keeps the last profile there was.
    RETURN QUERY
        SELECT
            p_baseline_name, p_window_days, p_as_of, last.metric_name, last.hour_of_day, last.total_events, last.bad_events,
            last.rate, last.weight, last.latency_p95, last.overall_rate, last.dispersion, last.baseline_from, last.baseline_until,
            last.accepted_from, now(), last.hourly_dispersion, last.variability
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
    v_accepted := monitoring_accepted_from(p_baseline_name, p_as_of);
    SELECT count(DISTINCT metric_name) INTO v_metrics
    FROM monitoring_baseline_profile
    WHERE baseline_name = p_baseline_name AND window_days = p_window_days AND as_of = p_as_of
      AND accepted_from IS NOT DISTINCT FROM v_accepted;
    IF v_metrics > 0 THEN
        RETURN false;
    END IF;
    DELETE FROM monitoring_baseline_profile
    WHERE baseline_name = p_baseline_name AND window_days = p_window_days AND as_of = p_as_of;
    DELETE FROM monitoring_baseline_slices
    WHERE baseline_name = p_baseline_name AND window_days = p_window_days AND as_of = p_as_of;
    INSERT INTO monitoring_baseline_profile
    SELECT * FROM monitoring_derive_profile(p_baseline_name, p_window_days, p_as_of)
    ON CONFLICT DO NOTHING;
    INSERT INTO monitoring_baseline_slices
    SELECT * FROM monitoring_derive_slices(p_baseline_name, p_window_days, p_as_of)
    ON CONFLICT DO NOTHING;
    -- Of the old ones, those that no roll-up is emptying, and none while a roll-up, which might, holds its state.
    IF EXISTS (SELECT FROM monitoring_rollup_state FOR UPDATE SKIP LOCKED) THEN
        DELETE FROM monitoring_baseline_profile
        WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM monitoring_baseline_profile
            WHERE as_of < p_as_of - 30 AND baseline_name = p_baseline_name FOR UPDATE SKIP LOCKED));
        DELETE FROM monitoring_baseline_slices
        WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM monitoring_baseline_slices
            WHERE as_of < p_as_of - 30 AND baseline_name = p_baseline_name FOR UPDATE SKIP LOCKED));
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION monitoring_fill_profile(text, integer, date) IS
    'Caches the profile of a UTC day, and what it holds of each slice, unless they are there; true where they were derived. '
    'Nothing is cached while no metric is armed.';

CREATE OR REPLACE FUNCTION monitoring_profile(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_profile
LANGUAGE plpgsql STABLE
ROWS 120
AS $$
DECLARE
    v_accepted timestamptz;
BEGIN
    v_accepted := monitoring_accepted_from(p_baseline_name, p_as_of);
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
DECLARE
    v_first timestamptz := (SELECT min(bucket_start) FROM changed);
BEGIN
    DELETE FROM monitoring_baseline_profile WHERE baseline_until > v_first;
    DELETE FROM monitoring_baseline_slices WHERE baseline_until > v_first;
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

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f050_profile', '1b682b8bf111b40f')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f052_baseline_slices ================================================================================
-- What the baseline holds of each slice: its own share of bad events beside the profile's, and how much its hours scatter.

CREATE OR REPLACE FUNCTION monitoring_model_latencies(
    p_from timestamptz, p_until timestamptz, p_unfit tstzmultirange,
    p_limits double precision[])                              -- by hour of day, in milliseconds
RETURNS TABLE (model text, latency_factor double precision)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        WITH durations AS (                             -- in thousandths of the limit
            SELECT model, ceil(duration * 1000.0::double precision / limit_ms)::bigint AS part, sum(coalesce(events, 1)) AS events
            FROM (
                SELECT
                    s.model, p_limits[date_part('hour', s.hour_start AT TIME ZONE 'UTC')::integer + 1] AS limit_ms,
                    unnest(s.latency_values) AS duration, unnest(s.latency_counts) AS events
                FROM monitoring_rollup_slices s
                WHERE s.hour_start >= p_from AND s.hour_start < p_until AND NOT s.hour_start <@ p_unfit
            ) measured
            WHERE limit_ms > 0
            GROUP BY 1, 2
        ),
        running AS (
            SELECT
                model, part, sum(events) OVER (PARTITION BY model ORDER BY part) AS until_here, sum(events) OVER (PARTITION BY model) AS events
            FROM durations
        )
        SELECT model, min(part) FILTER (WHERE until_here >= 0.95 * events) / 1000.0::double precision
        FROM running
        WHERE events >= 400
        GROUP BY model
        HAVING min(part) FILTER (WHERE until_here >= 0.95 * events) > 0;
END
$$;
COMMENT ON FUNCTION monitoring_model_latencies(timestamptz, timestamptz, tstzmultirange, double precision[]) IS
    'How slow each model is: the p95 of its latency over the limits of the same hours. None for models with under 400 latencies, of '
    'which one in twenty is too few to tell.';

-- In plpgsql, which keeps the plan: a function in SQL is planned anew by every evaluation.
CREATE OR REPLACE FUNCTION monitoring_slice_hours(
    p_from timestamptz, p_until timestamptz, p_limits double precision[], p_models text[], p_factors double precision[])
RETURNS TABLE (hour_start timestamptz, dimension text, value text, total_events bigint, unsuccessful_events bigint, failed_events bigint,
               fallback_events bigint, duplicate_events bigint, latency_events bigint, slow_events bigint)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT
            hour_start,
            CASE WHEN grouping(model) = 0 THEN 'model' WHEN grouping(backend) = 0 THEN 'backend'
                 WHEN grouping(agent) = 0 THEN 'agent' ELSE 'version' END,
            CASE WHEN grouping(model) = 0 THEN model WHEN grouping(backend) = 0 THEN backend
                 WHEN grouping(agent) = 0 THEN agent ELSE version END,
            sum(total_events), sum(unsuccessful_events), sum(failed_events), sum(fallback_events), sum(duplicate_events),
            sum(latency_events), coalesce(sum(slow_events), 0)
        FROM (
            SELECT
                s.hour_start, s.model, s.backend, s.agent, s.version,
                s.total_events, s.total_events - s.successful_events AS unsuccessful_events, s.failed_events, s.fallback_events,
                s.duplicate_events, s.latency_events,
                CASE WHEN s.latency_events > 0 THEN
                    monitoring_count_above(
                        s.latency_values, s.latency_counts,
                        p_limits[date_part('hour', s.hour_start AT TIME ZONE 'UTC')::integer + 1] * coalesce(own.factor, 1))::integer
                END AS slow_events
            FROM monitoring_rollup_slices s
            LEFT JOIN unnest(p_models, p_factors) AS own (model, factor) ON own.model = s.model
            WHERE s.hour_start >= p_from AND s.hour_start < p_until
            OFFSET 0
        ) slice
        GROUP BY GROUPING SETS ((hour_start, model), (hour_start, backend), (hour_start, agent), (hour_start, version));
END
$$;
COMMENT ON FUNCTION monitoring_slice_hours(timestamptz, timestamptz, double precision[], text[], double precision[]) IS
    'For each UTC hour and each value of each dimension the events and the bad ones of every kind; slow are those above the limit of '
    'their hour of day (24 limits in milliseconds, from hour 0; null: none is) times the factor of their model, where it has one.';

CREATE OR REPLACE FUNCTION monitoring_slice_buckets(p_from timestamptz, p_until timestamptz)
RETURNS TABLE (bucket_start timestamptz, dimension text, value text, total_events bigint, unsuccessful_events bigint,
               failed_events bigint, fallback_events bigint, duplicate_events bigint)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT
            bucket_start,
            CASE WHEN grouping(model) = 0 THEN 'model' WHEN grouping(backend) = 0 THEN 'backend'
                 WHEN grouping(agent) = 0 THEN 'agent' ELSE 'version' END,
            CASE WHEN grouping(model) = 0 THEN model WHEN grouping(backend) = 0 THEN backend
                 WHEN grouping(agent) = 0 THEN agent ELSE version END,
            sum(events),
            coalesce(sum(events) FILTER (WHERE mark & 8 <> 0), 0),
            coalesce(sum(events) FILTER (WHERE mark & 4 <> 0), 0),
            coalesce(sum(events) FILTER (WHERE mark & 2 <> 0), 0),
            coalesce(sum(events) FILTER (WHERE mark & 1 <> 0), 0)
        FROM (
            SELECT hour_start + (mark >> 4) * interval '5 minutes' AS bucket_start, model, backend, agent, version, mark, events
            FROM (
                SELECT s.hour_start, s.model, s.backend, s.agent, s.version, unnest(s.mark_values) AS mark, unnest(s.mark_counts) AS events
                FROM monitoring_rollup_slices s
                WHERE s.hour_start > p_from - interval '1 hour' AND s.hour_start < p_until
            ) marked
            OFFSET 0
        ) bucket
        WHERE bucket_start >= p_from AND bucket_start < p_until
        GROUP BY GROUPING SETS ((bucket_start, model), (bucket_start, backend), (bucket_start, agent), (bucket_start, version));
END
$$;
COMMENT ON FUNCTION monitoring_slice_buckets(timestamptz, timestamptz) IS
    'For every five minutes of a stretch and each value of each dimension the events and the bad ones of every kind but slow ones.';

CREATE OR REPLACE FUNCTION monitoring_derive_slices(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_slices
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
DECLARE
    v_limits double precision[];
BEGIN
    SELECT array_agg(p.latency_p95 ORDER BY p.hour_of_day) FILTER (WHERE p.metric_name = 'latency_p95')
    INTO v_limits
    FROM monitoring_profile(p_baseline_name, p_window_days, p_as_of) p;
    RETURN QUERY
        WITH spans AS MATERIALIZED (
            SELECT * FROM monitoring_profile_spans(p_baseline_name, p_window_days, p_as_of)
        ),
        models AS MATERIALIZED (                        -- what is slow for each
            SELECT known.*
            FROM spans
            CROSS JOIN LATERAL monitoring_model_latencies(
                greatest(spans.baseline_from, spans.accepted_from), spans.baseline_until, spans.unfit, v_limits) known
            WHERE spans.metric_name = 'latency_p95'
        ),
        profile AS MATERIALIZED (
            SELECT p.metric_name, p.hour_of_day, p.rate, p.dispersion FROM monitoring_profile(p_baseline_name, p_window_days, p_as_of) p
        ),
        hours AS MATERIALIZED (
            SELECT h.*, extract(hour FROM h.hour_start AT TIME ZONE 'UTC')::integer AS hour_of_day
            FROM (SELECT array_agg(m.model) AS names, array_agg(m.latency_factor) AS factors FROM models m) latencies
            CROSS JOIN LATERAL monitoring_slice_hours(
                (SELECT min(spans.baseline_from) FROM spans), (SELECT max(spans.baseline_until) FROM spans),
                v_limits, latencies.names, latencies.factors) h
        ),
        counts AS MATERIALIZED (                        -- one row a metric, value and hour
            SELECT
                each.metric_name, hours.dimension, hours.value, hours.hour_start, spans.baseline_until,
                each.total::double precision AS total, each.bad::double precision AS bad, profile.rate
            FROM hours
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',     hours.total_events,   hours.fallback_events),
                ('error_rate',        hours.total_events,   hours.failed_events),
                ('duplicate_rate',    hours.total_events,   hours.duplicate_events),
                ('unsuccessful_rate', hours.total_events,   hours.unsuccessful_events),
                ('latency_p95',       hours.latency_events, hours.slow_events),
                ('model_mix',         hours.total_events,   0)) each (metric_name, total, bad)
            JOIN spans ON spans.metric_name = each.metric_name
            LEFT JOIN profile ON profile.metric_name = each.metric_name AND profile.hour_of_day = hours.hour_of_day
            WHERE (each.metric_name <> 'model_mix' OR hours.dimension = 'model')
              AND hours.hour_start >= greatest(spans.baseline_from, spans.accepted_from)
              AND hours.hour_start < spans.baseline_until
              AND NOT hours.hour_start <@ spans.unfit
        ),
        sums AS (
            SELECT
                c.metric_name, c.dimension, c.value, min(c.baseline_until) AS baseline_until,
                sum(c.total) AS total, sum(c.bad) AS bad, sum(c.total * c.rate) AS expected
            FROM counts c
            GROUP BY c.metric_name, c.dimension, c.value
        ),
        scatter AS (                                    -- over what the profile says of its hours, brought to the slice's own level
            SELECT
                c.metric_name, c.dimension, c.value, least(1, count(*) / 72.0)::double precision AS known,
                sum((c.bad - c.total * own.rate) ^ 2) / nullif(sum(c.total * own.rate * (1 - own.rate)), 0) AS dispersion
            FROM counts c
            JOIN sums ON sums.metric_name = c.metric_name AND sums.dimension = c.dimension AND sums.value = c.value
            CROSS JOIN LATERAL (
                SELECT least(0.99, c.rate * (sums.bad + 0.5) / nullif(sums.expected + 0.5, 0)) AS rate
            ) own
            WHERE c.rate > 0
            GROUP BY c.metric_name, c.dimension, c.value
        ),
        overall AS (
            SELECT p.metric_name, min(p.dispersion) AS dispersion FROM profile p GROUP BY p.metric_name
        ),
        by_hours AS (
            SELECT each.value, array_agg(each.events ORDER BY each.hour_of_day) AS events
            FROM (
                SELECT s.value, hour.hour_of_day, coalesce(sum(c.total), 0) AS events
                FROM sums s
                CROSS JOIN generate_series(0, 23) hour (hour_of_day)
                LEFT JOIN counts c
                    ON c.metric_name = 'model_mix' AND c.value = s.value
                    AND extract(hour FROM c.hour_start AT TIME ZONE 'UTC')::integer = hour.hour_of_day
                WHERE s.metric_name = 'model_mix'
                GROUP BY s.value, hour.hour_of_day
            ) each
            GROUP BY each.value
        ),
        mix AS (                                        -- how much the days' mixes of models scatter, chance alone giving 1
            SELECT greatest(1, sum(cells.distance) / nullif(count(*) - count(DISTINCT cells.day) - count(DISTINCT cells.value) + 1, 0)) AS dispersion
            FROM (
                SELECT
                    day.day, share.value, (coalesce(c.total, 0) - day.events * share.part) ^ 2 / (day.events * share.part) AS distance
                FROM (
                    SELECT (hour_start AT TIME ZONE 'UTC')::date AS day, sum(total) AS events
                    FROM counts WHERE metric_name = 'model_mix' GROUP BY 1
                ) day
                CROSS JOIN (
                    SELECT value, total / sum(total) OVER () AS part FROM sums WHERE metric_name = 'model_mix'
                ) share
                LEFT JOIN (
                    SELECT (hour_start AT TIME ZONE 'UTC')::date AS day, value, sum(total) AS total
                    FROM counts WHERE metric_name = 'model_mix' GROUP BY 1, 2
                ) c USING (day, value)
                WHERE share.part >= 0.01
            ) cells
        ),
        mixes AS (                                      -- of every hour, beside that of its day, and of its like on all days
            SELECT
                hour.hour_start, hour.day, hour.hour_of_day, known.value, hour.events, coalesce(c.total, 0) AS total,
                sum(c.total) OVER (PARTITION BY hour.day, known.value) / sum(c.total) OVER (PARTITION BY hour.day) AS of_day,
                sum(c.total) OVER (PARTITION BY hour.hour_of_day, known.value) / sum(c.total) OVER (PARTITION BY hour.hour_of_day) AS of_hour
            FROM (
                SELECT
                    hour_start, (hour_start AT TIME ZONE 'UTC')::date AS day,
                    extract(hour FROM hour_start AT TIME ZONE 'UTC')::integer AS hour_of_day, sum(total) AS events
                FROM counts
                WHERE metric_name = 'model_mix'
                GROUP BY 1
            ) hour
            CROSS JOIN (SELECT value FROM sums WHERE metric_name = 'model_mix') known
            LEFT JOIN counts c ON c.metric_name = 'model_mix' AND c.hour_start = hour.hour_start AND c.value = known.value
            WHERE hour.events > 0
        ),
        clusters AS (                                   -- how much they scatter about either, whichever is nearer: what comes in sessions
            SELECT greatest(1, least(
                sum((total - events * of_day) ^ 2 / (events * of_day)) FILTER (WHERE of_day >= 0.01) / nullif(
                    count(*) FILTER (WHERE of_day >= 0.01) - count(DISTINCT hour_start)
                    - count(DISTINCT (day, value)) FILTER (WHERE of_day >= 0.01) + count(DISTINCT day), 0),
                sum((total - events * of_hour) ^ 2 / (events * of_hour)) FILTER (WHERE of_hour >= 0.01) / nullif(
                    count(*) FILTER (WHERE of_hour >= 0.01) - count(DISTINCT hour_start)
                    - count(DISTINCT (hour_of_day, value)) FILTER (WHERE of_hour >= 0.01) + count(DISTINCT hour_of_day), 0))) AS clustering
            FROM mixes
        )
        SELECT
            p_baseline_name, p_window_days, p_as_of, sums.metric_name, sums.dimension, sums.value, sums.total, sums.bad,
            coalesce(sums.expected, 0),
            greatest(1, CASE
                WHEN sums.metric_name = 'model_mix' THEN mix.dispersion
                -- Of few hours nobody knows how they scatter: in part as all events do.
                ELSE scatter.dispersion + (1 - scatter.known) * greatest(0, overall.dispersion - scatter.dispersion)
            END),
            sums.baseline_until, now(), CASE WHEN sums.metric_name = 'model_mix' THEN clusters.clustering ELSE 1 END, models.latency_factor,
            by_hours.events
        FROM sums
        CROSS JOIN mix
        CROSS JOIN clusters
        LEFT JOIN scatter USING (metric_name, dimension, value)
        LEFT JOIN overall USING (metric_name)
        LEFT JOIN by_hours ON sums.metric_name = 'model_mix' AND by_hours.value = sums.value
        LEFT JOIN models ON sums.metric_name = 'latency_p95' AND sums.dimension = 'model' AND models.model = sums.value;
END
$$;
COMMENT ON FUNCTION monitoring_derive_slices(text, integer, date) IS
    'What the baseline of a UTC day holds for each value of each dimension, over the hours that are fit for the metric; for '
    'model_mix the events of each model, with the scatter of the days'' mixes, sum((n - N s)^2 / (N s)) over its degrees of freedom, '
    'as clustering that of the hours about their days or about their like on all days, whichever is less, and its events by hour of '
    'day. Slow is what is slow for its own model. The scatter of fewer than 72 hours is brought towards that of all events by as many '
    'as are missing.';

CREATE OR REPLACE FUNCTION monitoring_slices_of_baseline(p_baseline_name text, p_window_days integer, p_as_of date)
RETURNS SETOF monitoring_baseline_slices
LANGUAGE plpgsql STABLE
ROWS 100
AS $$
BEGIN
    -- The cache holds the slices of the profile that it holds.
    IF EXISTS (
        SELECT FROM monitoring_baseline_profile cached
        WHERE cached.baseline_name = p_baseline_name AND cached.window_days = p_window_days AND cached.as_of = p_as_of
          AND cached.accepted_from IS NOT DISTINCT FROM monitoring_accepted_from(p_baseline_name, p_as_of)) THEN
        RETURN QUERY
            SELECT * FROM monitoring_baseline_slices cached
            WHERE cached.baseline_name = p_baseline_name AND cached.window_days = p_window_days AND cached.as_of = p_as_of;
    ELSE
        RETURN QUERY SELECT * FROM monitoring_derive_slices(p_baseline_name, p_window_days, p_as_of);
    END IF;
END
$$;
COMMENT ON FUNCTION monitoring_slices_of_baseline(text, integer, date) IS
    'What the baseline of a UTC day holds of each slice, from the cache or derived on the spot; changes nothing.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f052_baseline_slices', 'a837fe057c546f7c')
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
    v_logit := greatest(v_low, v_high - 5 - 0.9 * sqrt(-2 * ln(p_level) * (1 / p_seen + 1 / v_b)));
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

CREATE OR REPLACE FUNCTION monitoring_poisson_shortfall_p(p_seen double precision, p_expected double precision, p_weight double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    IF p_expected <= 0 OR p_weight <= 0 THEN
        RETURN 1;
    END IF;
    RETURN monitoring_incomplete_beta(p_weight / (p_expected + p_weight), p_weight, p_seen + 1);
END
$$;
COMMENT ON FUNCTION monitoring_poisson_shortfall_p(double precision, double precision, double precision) IS
    'How likely chance alone gives no more than p_seen events where p_expected are expected and that expectation rests on p_weight '
    'events: the other side of monitoring_poisson_ratio_p, P(Bin(x + B, B / (E + B)) >= B) = I_{B/(E+B)}(B, x + 1). '
    'Seen 3, expected 12, weight 100: 0.0034.';

CREATE OR REPLACE FUNCTION monitoring_poisson_shortfall_bound(
    p_seen double precision, p_expected double precision, p_weight double precision, p_level double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_share double precision;
BEGIN
    IF p_expected <= 0 OR p_weight < 0.001 THEN
        RETURN 0;
    ELSIF p_seen <= 0 AND ln(p_level) < -700 * p_weight THEN
        RETURN 0;
    ELSIF p_seen <= 0 THEN                              -- I_s(B, 1) = s^B
        v_share := p_level ^ (1 / p_weight);
        RETURN v_share / (1 - v_share) * p_expected / p_weight;
    END IF;
    RETURN monitoring_poisson_ratio_bound(p_weight, p_seen * p_weight / p_expected, p_seen, p_level);
END
$$;
COMMENT ON FUNCTION monitoring_poisson_shortfall_bound(double precision, double precision, double precision, double precision) IS
    'The ratio expected / seen that p_seen events prove at p_level: monitoring_poisson_shortfall_p inverted, so that it is above 1 '
    'exactly where that test passes.';

CREATE OR REPLACE FUNCTION monitoring_chi_square_quantile(p_level double precision, p_degrees double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_t double precision := sqrt(-2 * ln(p_level));
    v_z double precision;
    v_c double precision := 2 / (9 * p_degrees);
    v_x double precision;
    v_p double precision;
    v_step double precision;
BEGIN
    v_z := v_t - (2.515517 + 0.802853 * v_t + 0.010328 * v_t ^ 2) / (1 + 1.432788 * v_t + 0.189269 * v_t ^ 2 + 0.001308 * v_t ^ 3);
    v_x := p_degrees * (1 - v_c + v_z * sqrt(v_c)) ^ 3;
    FOR i IN 1 .. 20 LOOP                               -- Newton's steps on ln Q
        v_p := monitoring_chi_square_p(v_x, p_degrees);
        EXIT WHEN v_p < 1e-290;
        v_step := ln(v_p / p_level) * v_p
            / (exp((p_degrees / 2 - 1) * ln(v_x / 2) - v_x / 2 - monitoring_log_gamma(p_degrees / 2)) / 2);
        v_x := greatest(v_x / 2, v_x + v_step);
        EXIT WHEN abs(v_step) < 1e-8 * v_x;
    END LOOP;
    RETURN v_x;
END
$$;
COMMENT ON FUNCTION monitoring_chi_square_quantile(double precision, double precision) IS
    'The value that a chi-square variable of so many degrees of freedom exceeds with probability p_level (up to 0.5): Wilson and '
    'Hilferty''s cube over Abramowitz and Stegun 26.2.23, then Newton''s steps. Level 1e-4, 3 degrees: 21.11.';

CREATE OR REPLACE FUNCTION monitoring_chi_square_p(p_value double precision, p_degrees double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    v_a     double precision := p_degrees / 2;
    v_x     double precision := p_value / 2;
    v_front double precision;
    v_term  double precision;
    v_sum   double precision;
    v_b     double precision;
    v_c     double precision;
    v_d     double precision;
    v_h     double precision;
BEGIN
    IF v_x <= 0 THEN
        RETURN 1;
    END IF;
    v_front := v_a * ln(v_x) - v_x - monitoring_log_gamma(v_a);
    IF v_front < -700 THEN                              -- below what a double can hold, on the one side or on the other
        RETURN CASE WHEN v_x > v_a THEN 0 ELSE 1 END;
    END IF;
    v_front := exp(v_front);
    IF v_x < v_a + 1 THEN                               -- the series of P, DLMF 8.11.4
        v_term := 1 / v_a;
        v_sum := v_term;
        FOR n IN 1 .. 1000 LOOP
            v_term := v_term * v_x / (v_a + n);
            v_sum := v_sum + v_term;
            EXIT WHEN v_term < v_sum * 1e-15;
        END LOOP;
        RETURN greatest(0, 1 - v_front * v_sum);
    END IF;
    v_b := v_x + 1 - v_a;                               -- the fraction of Q, DLMF 8.9.2, by Lentz
    v_c := 1e300;
    v_d := 1 / v_b;
    v_h := v_d;
    FOR n IN 1 .. 1000 LOOP
        v_b := v_b + 2;
        v_d := 1 / (v_b - n * (n - v_a) * v_d);
        v_c := v_b - n * (n - v_a) / v_c;
        v_h := v_h * v_c * v_d;
        EXIT WHEN abs(v_c * v_d - 1) < 1e-13;
    END LOOP;
    RETURN least(1, v_front * v_h);
END
$$;
COMMENT ON FUNCTION monitoring_chi_square_p(double precision, double precision) IS
    'How likely a chi-square variable of so many degrees of freedom is at least p_value: the regularized incomplete gamma function '
    'Q(k / 2, x / 2). Value 21.1, 3 degrees: 1.0e-4. 0 below 1e-304.';

CREATE OR REPLACE FUNCTION monitoring_poisson_likelihood(p_seen double precision, p_expected double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE WHEN p_seen > 0 THEN p_seen * ln(p_seen / p_expected) ELSE 0 END - (p_seen - p_expected)
$$;
COMMENT ON FUNCTION monitoring_poisson_likelihood(double precision, double precision) IS
    'By how much the log-likelihood of a Poisson count at its own value exceeds that at the expectation, x ln(x / E) - (x - E): 0 where '
    'they agree. Seen 12, expected 4: 5.18.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f055_statistics', '96d49a8987e4c028')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f056_windows ========================================================================================
-- Windows: which stretches of time an evaluation looks at, and what was counted in them. Reads only; any moment can be asked for.

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

CREATE OR REPLACE FUNCTION monitoring_arming(p_at timestamptz, p_settings jsonb DEFAULT monitoring_effective_settings())
RETURNS TABLE (metric_name text, armed boolean, armed_from timestamptz)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    v_name     CONSTANT text := p_settings -> 'baseline' ->> 'name';
    v_days     CONSTANT integer := (p_settings -> 'baseline' ->> 'window_days')::integer;
    v_day      CONSTANT date := (p_at AT TIME ZONE 'UTC')::date;
    v_accepted CONSTANT timestamptz := monitoring_accepted_from(v_name, v_day);
    v_from     timestamptz;
BEGIN
    SELECT date_bin(
        '24 hours',
        greatest(min(bucket_start), v_accepted) + need.fit_hours * interval '1 hour' + need.distance + interval '23 hours 59 minutes 59 seconds',
        '2000-01-01 00:00:00+00')
    INTO v_from
    FROM monitoring_baseline_need(v_days, v_accepted, p_at) need
    LEFT JOIN monitoring_rollup ON bucket_start >= p_at - greatest(28, v_days) * interval '24 hours' AND bucket_start <= p_at
    GROUP BY need.fit_hours, need.distance;
    RETURN QUERY
        WITH known AS MATERIALIZED (
            SELECT p.metric_name FROM monitoring_profile(v_name, v_days, v_day) p
            UNION
            SELECT s.metric_name FROM monitoring_slices_of_baseline(v_name, v_days, v_day) s
        )
        SELECT m.metric_name, judged.is_armed, CASE WHEN NOT judged.is_armed AND v_from > p_at THEN v_from END
        FROM monitoring_metric_settings(p_settings) m
        CROSS JOIN LATERAL (
            SELECT NOT EXISTS (
                SELECT coalesce(parts.part, m.metric_name)
                FROM (SELECT m.metric_name) own
                LEFT JOIN monitoring_evaluated_parts() parts USING (metric_name)
                EXCEPT
                SELECT known.metric_name FROM known) AS is_armed
        ) judged
        WHERE m.enabled;
END
$$;
COMMENT ON FUNCTION monitoring_arming(timestamptz, jsonb) IS
    'Whether each metric that is switched on can be judged at a moment, or lacks anything to compare with; and then from which midnight on '
    'it can be (traffic sooner), should events go on coming; null where that cannot be told.';

CREATE OR REPLACE FUNCTION monitoring_metric_of_part(p_part text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE p_part WHEN 'unsuccessful_rate' THEN 'error_rate' ELSE p_part END
$$;
COMMENT ON FUNCTION monitoring_metric_of_part(text) IS
    'The metric whose alerts account for a share of bad events: those of the error rate for what did not succeed.';

CREATE OR REPLACE FUNCTION monitoring_scanned_windows(p_settings jsonb)
RETURNS TABLE (window_seconds integer, is_named boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
WITH named AS (
    SELECT DISTINCT seconds::integer AS seconds FROM jsonb_array_elements_text(p_settings -> 'windows_seconds') seconds
)
SELECT seconds, true FROM named
UNION ALL
SELECT minutes * 60, false
FROM unnest('{5,10,15,20,30,45,60,90,120,180,240,360,480,720,1080,1440,2160,2880,4320}'::integer[]) minutes
WHERE minutes * 60 < (SELECT max(seconds) FROM named) AND minutes * 60 NOT IN (SELECT seconds FROM named)
$$;
COMMENT ON FUNCTION monitoring_scanned_windows(jsonb) IS
    'The windows of the settings, and up to the longest of them those between, so that an incident of any length soon fills one. Many '
    'windows at a strict level find more, and sooner, than few at a looser one that raise as many false alerts.';

CREATE OR REPLACE FUNCTION monitoring_level(p_settings jsonb, p_bad_events_a_day double precision, p_dispersion double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT
    (p_settings ->> 'significance')::double precision
    * least(12, greatest(sqrt(50 / greatest(p_bad_events_a_day, 0.01)), power(50 / greatest(p_bad_events_a_day, 0.01), 2) / 5))
    / sqrt(p_dispersion)
$$;
COMMENT ON FUNCTION monitoring_level(jsonb, double precision, double precision) IS
    'The level of one test where so many bad events are usual in a day: significance at 50 of them, and falling with their square '
    'root, since the more there is to count the more distinct stretches are looked at. Under 17 a day it rises with their square: few '
    'stretches hold the five bad events that a test needs, so that few are tested at all (simulated at 20 events an hour: no false alert '
    'in eight times 28 days). At most twelve times the significance. It falls with the square root of the dispersion too, whose own '
    'estimate is uncertain.';

CREATE OR REPLACE FUNCTION monitoring_last_clearing(p_metric_name text, p_at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN (
        SELECT max(cleared_at)
        FROM monitoring_alerts
        WHERE labels IS NULL
          AND cleared_at <= p_at
          AND metric_name = ANY (p_metric_name || ARRAY(
                SELECT monitoring_metric_of_part(parts.part)
                FROM monitoring_evaluated_parts() parts
                WHERE parts.metric_name = p_metric_name)));
END
$$;
COMMENT ON FUNCTION monitoring_last_clearing(text, timestamptz) IS
    'When the condition of an alert of this metric, on all events or on a slice, was last found to be over. No window of the metric '
    'reaches back over it: what is over raises nothing again. Nor does what a rate had accounted for raise an alert on health as soon as '
    'the rate''s own is over.';

CREATE OR REPLACE FUNCTION monitoring_place(p_first timestamptz, p_at timestamptz, p_seconds integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT ceil(date_part('epoch', p_at - p_first) / p_seconds)::integer + 1
$$;
COMMENT ON FUNCTION monitoring_place(timestamptz, timestamptz, integer) IS
    'Where a moment stands in a curve of running sums over stretches of p_seconds from p_first on: at place n are the sums of the n - 1 '
    'stretches that began before it. What was counted between two moments is the difference of the sums at their places.';

CREATE OR REPLACE FUNCTION monitoring_evaluated_metrics(p_at timestamptz, p_lag_days integer)
RETURNS TABLE (metric_name text, cleared_at timestamptz, live_since timestamptz)
LANGUAGE sql STABLE
AS $$
SELECT
    known.metric_name,
    monitoring_bucket(monitoring_last_clearing(known.metric_name, p_at)),
    latest.live_since
FROM (SELECT DISTINCT parts.metric_name FROM monitoring_evaluated_parts() parts) evaluated
JOIN monitoring_known_metrics() known USING (metric_name)
LEFT JOIN LATERAL (
    SELECT
        CASE WHEN a.live_since <= p_at AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL)
            THEN monitoring_bucket(a.live_since) END AS live_since
    FROM monitoring_alerts a
    WHERE a.fingerprint = monitoring_fingerprint(known.alert_type, known.metric_name) AND a.opened_at <= p_at
    ORDER BY a.status = 'resolved', a.opened_at DESC
    LIMIT 1
) latest ON true
WHERE p_lag_days = 0 OR known.metric_name <> 'health_score'
$$;
COMMENT ON FUNCTION monitoring_evaluated_metrics(timestamptz, integer) IS
    'Rates, latency and health (with a lag not health): where the windows of each begin at the earliest, since none reaches back over '
    'the metric''s last close, and since when its alert is live, if it has one.';

CREATE OR REPLACE FUNCTION monitoring_window_counts(
    p_moments timestamptz[], p_settings jsonb, p_complete boolean DEFAULT true, p_lag_days integer DEFAULT 0)
RETURNS TABLE (at timestamptz, metric_name text, part text, window_seconds integer, is_named boolean, starts_at timestamptz,
               armed boolean, total double precision, bad double precision, expected double precision, weight double precision,
               dispersion double precision, level double precision, is_tested boolean, recent_bad double precision,
               recent_expected double precision, calm double precision[], expected_p95 double precision, floored boolean,
               baseline_from timestamptz, baseline_until timestamptz)
LANGUAGE plpgsql STABLE
SET jit = off
SET work_mem = '16MB'
AS $$
#variable_conflict use_column
DECLARE
    v_name      CONSTANT text := p_settings -> 'baseline' ->> 'name';
    v_days      CONSTANT integer := (p_settings -> 'baseline' ->> 'window_days')::integer;
    v_from      CONSTANT timestamptz := (SELECT min(moment) FROM unnest(p_moments) moment);
    v_until     CONSTANT timestamptz := (SELECT max(moment) FROM unnest(p_moments) moment);
    v_day       CONSTANT date := (v_from AT TIME ZONE 'UTC')::date;
    v_least_bad CONSTANT double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_by_ratio  CONSTANT boolean := EXISTS (SELECT FROM monitoring_metric_settings(p_settings) s WHERE s.enabled AND s.rule = 'ratio');
    v_first     timestamptz;                            -- the full hour at which the curves begin
BEGIN
    SELECT date_trunc('hour', least(
            v_from - max(scanned.window_seconds) * interval '1 second',
            (SELECT greatest(min(m.live_since), v_from - interval '28 days')
             FROM monitoring_evaluated_metrics(v_from, p_lag_days) m
             HAVING min(m.live_since) IS NOT NULL)), 'UTC')
    INTO v_first
    FROM monitoring_scanned_windows(p_settings) scanned;
    RETURN QUERY
        WITH profile AS MATERIALIZED (                  -- a rate under the floor counts as the floor
            SELECT
                p.metric_name AS part, p.hour_of_day, greatest(p.rate, floors.floor) AS rate, p.weight, p.dispersion, p.hourly_dispersion,
                p.latency_p95, p.rate < floors.floor AS floored, p.total_events, p.baseline_from, p.baseline_until
            FROM monitoring_profile(v_name, v_days, v_day - p_lag_days) p
            LEFT JOIN monitoring_metric_settings(p_settings) floors USING (metric_name)
            -- What was normal before another normal was accepted is nothing to drift from.
            WHERE p.accepted_from IS NOT DISTINCT FROM (SELECT monitoring_accepted_from(v_name, v_day))
        ),
        known AS MATERIALIZED (
            SELECT
                p.part, min(p.dispersion) AS dispersion, sum(p.total_events * p.rate) AS all_bad, min(p.baseline_from) AS baseline_from,
                min(p.baseline_until) AS baseline_until, bool_or(p.floored) AS floored,
                monitoring_level(
                    p_settings,
                    sum(p.total_events * p.rate) / (extract(epoch FROM min(p.baseline_until) - min(p.baseline_from))::double precision / 86400),
                    min(p.hourly_dispersion)) AS level,
                array_agg(p.rate / nullif(p.weight, 0) ORDER BY p.hour_of_day) AS variances
            FROM profile p
            GROUP BY p.part
        ),
        hours AS MATERIALIZED (
            SELECT
                p.hour_of_day,
                max(p.rate) FILTER (WHERE p.part = 'fallback_rate') AS fallback_rate,
                max(p.rate) FILTER (WHERE p.part = 'error_rate') AS error_rate,
                max(p.rate) FILTER (WHERE p.part = 'duplicate_rate') AS duplicate_rate,
                max(p.rate) FILTER (WHERE p.part = 'unsuccessful_rate') AS unsuccessful_rate,
                max(p.rate) FILTER (WHERE p.part = 'latency_p95') AS slow_rate,
                max(p.latency_p95) AS latency_p95
            FROM profile p
            GROUP BY p.hour_of_day
        ),
        cells AS (                                      -- before the first five minutes nothing, then each, those without events too
            SELECT
                grid.place, r.total_events::double precision, r.failed_events::double precision, r.fallback_events::double precision,
                r.duplicate_events::double precision, (r.total_events - r.successful_events)::double precision AS unsuccessful_events,
                r.latency_events::double precision,
                monitoring_count_above(r.latency_values, r.latency_counts, hours.latency_p95)::double precision AS slow_events,
                hours.*
            FROM generate_series(v_first - interval '5 minutes', v_until - interval '1 second', interval '5 minutes')
                WITH ORDINALITY grid (bucket_start, place)
            LEFT JOIN (
                SELECT * FROM monitoring_rollup held WHERE held.bucket_start >= v_first AND held.bucket_start < v_until OFFSET 0
            ) r USING (bucket_start)
            LEFT JOIN hours ON hours.hour_of_day = date_part('hour', r.bucket_start AT TIME ZONE 'UTC')::integer
        ),
        running AS (
            SELECT
                sum(c.total_events) OVER back AS total, sum(c.latency_events) OVER back AS measured,
                sum(c.fallback_events) OVER back AS fallback, sum(c.total_events * c.fallback_rate) OVER back AS fallback_expected,
                sum(c.failed_events) OVER back AS failed, sum(c.total_events * c.error_rate) OVER back AS failed_expected,
                sum(c.duplicate_events) OVER back AS duplicate, sum(c.total_events * c.duplicate_rate) OVER back AS duplicate_expected,
                sum(c.unsuccessful_events) OVER back AS unsuccessful,
                sum(c.total_events * c.unsuccessful_rate) OVER back AS unsuccessful_expected,
                sum(c.slow_events) OVER back AS slow, sum(c.latency_events * c.slow_rate) OVER back AS slow_expected,
                sum(c.latency_events * c.latency_p95) OVER back AS latency
            FROM cells c
            WINDOW back AS (ORDER BY c.place ROWS UNBOUNDED PRECEDING)
            ORDER BY c.place
        ),
        sums AS (
            SELECT
                array_agg(coalesce(r.total, 0)) AS total, array_agg(coalesce(r.measured, 0)) AS measured,
                array_agg(coalesce(r.fallback, 0)) AS fallback, array_agg(coalesce(r.fallback_expected, 0)) AS fallback_expected,
                array_agg(coalesce(r.failed, 0)) AS failed, array_agg(coalesce(r.failed_expected, 0)) AS failed_expected,
                array_agg(coalesce(r.duplicate, 0)) AS duplicate, array_agg(coalesce(r.duplicate_expected, 0)) AS duplicate_expected,
                array_agg(coalesce(r.unsuccessful, 0)) AS unsuccessful,
                array_agg(coalesce(r.unsuccessful_expected, 0)) AS unsuccessful_expected,
                array_agg(coalesce(r.slow, 0)) AS slow, array_agg(coalesce(r.slow_expected, 0)) AS slow_expected,
                array_agg(coalesce(r.latency, 0)) AS latency
            FROM running r
        ),
        curves AS MATERIALIZED (                        -- of each part the running sums, at each place those of all that is before
            SELECT each.*
            FROM sums
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',     sums.total,    sums.fallback,     sums.fallback_expected,     NULL::double precision[]),
                ('error_rate',        sums.total,    sums.failed,       sums.failed_expected,       NULL),
                ('duplicate_rate',    sums.total,    sums.duplicate,    sums.duplicate_expected,    NULL),
                ('unsuccessful_rate', sums.total,    sums.unsuccessful, sums.unsuccessful_expected, NULL),
                ('latency_p95',       sums.measured, sums.slow,         sums.slow_expected,         sums.latency)
            ) each (part, total, bad, expected, latency)
        ),
        evaluated AS MATERIALIZED (
            SELECT
                m.metric_name, parts.part, m.live_since, coalesce(monitoring_place(v_first, m.cleared_at, 300), 1) AS earliest,
                m.cleared_at, known.dispersion IS NOT NULL AS armed, coalesce(known.dispersion, 1) AS dispersion, known.level,
                known.all_bad, known.variances, coalesce(known.floored, false) AS floored, known.baseline_from, known.baseline_until
            FROM monitoring_evaluated_metrics(v_from, p_lag_days) m
            JOIN monitoring_evaluated_parts() parts USING (metric_name)
            LEFT JOIN known ON known.part = parts.part
        ),
        moments AS MATERIALIZED (
            SELECT moment AS at, monitoring_place(v_first, moment, 300) AS place, extract(epoch FROM moment - v_first)::integer AS seconds
            FROM unnest(p_moments) moment
        ),
        counts AS MATERIALIZED (
            SELECT
                moments.at, moments.place, e.metric_name, e.part, scanned.window_seconds, scanned.is_named, e.armed, e.dispersion, e.level,
                e.live_since, begin.place AS begin_place,
                CASE WHEN scanned.window_seconds >= 21600
                    THEN greatest((moments.seconds - scanned.window_seconds / 6) / 300 + 1, e.earliest) END AS recent_place,
                c.total[moments.place] - c.total[begin.place] AS total,
                c.bad[moments.place] - c.bad[begin.place] AS bad,
                CASE WHEN e.armed THEN c.expected[moments.place] - c.expected[begin.place] END AS expected
            FROM moments
            CROSS JOIN monitoring_scanned_windows(p_settings) scanned
            CROSS JOIN evaluated e
            JOIN curves c ON c.part = e.part
            CROSS JOIN LATERAL (
                SELECT least(greatest(moments.place - scanned.window_seconds / 300, e.earliest), moments.place) AS place
            ) begin
            WHERE p_lag_days = 0 OR scanned.window_seconds >= 86400
        ),
        tested AS MATERIALIZED (                        -- where anything hangs on the exact test
            SELECT
                counts.*,
                coalesce(counts.armed AND counts.total > 0 AND (
                    p_complete AND counts.is_named
                    OR counts.bad >= v_least_bad AND counts.bad >= 1.2 * counts.expected AND counts.expected > 0
                        AND monitoring_poisson_likelihood(counts.bad, counts.expected) / counts.dispersion >= -ln(counts.level) - 4), false)
                    AS is_tested
            FROM counts
        ),
        loud AS MATERIALIZED (
            SELECT DISTINCT t.at FROM tested t WHERE t.is_tested
        ),
        shown AS (                                      -- without the rest only what a verdict, or the end of an alert, hangs on
            SELECT t.*
            FROM tested t
            WHERE p_complete OR v_by_ratio OR t.at IN (SELECT loud.at FROM loud)
               OR t.live_since IS NOT NULL AND (
                    t.metric_name = 'health_score' OR t.window_seconds = (
                        SELECT min(s.window_seconds)
                        FROM monitoring_scanned_windows(p_settings) s
                        WHERE p_lag_days = 0 OR s.window_seconds >= 86400))
        ),
        runs AS (                                       -- what speaks for the normal rate against a multiple, since the alert opened
            SELECT
                e.metric_name, e.part, multiples.step, each.place,
                ((multiples.multiple - 1) * c.expected[each.place] - c.bad[each.place] * ln(multiples.multiple)) / e.dispersion
                    AS for_normal
            FROM evaluated e
            JOIN curves c ON c.part = e.part
            CROSS JOIN LATERAL generate_series(
                greatest(monitoring_place(v_first, e.live_since, 300), 1), monitoring_place(v_first, v_until, 300)) each (place)
            CROSS JOIN LATERAL (                        -- a drift is never far off: it is over when little of it is left
                VALUES (1, CASE WHEN p_lag_days = 0 THEN 1.6 ELSE 1.25 END::double precision),
                    (2, CASE WHEN p_lag_days = 0 THEN 2 ELSE 1.25 END), (3, CASE WHEN p_lag_days = 0 THEN 3 ELSE 1.25 END)
            ) multiples (step, multiple)
            WHERE e.live_since IS NOT NULL AND e.armed
        ),
        calmness AS (
            SELECT best.metric_name, best.part, best.place, array_agg(best.calm ORDER BY best.step) AS calm
            FROM (
                SELECT
                    r.metric_name, r.part, r.place, r.step,
                    greatest(0, r.for_normal - min(r.for_normal) OVER (
                        PARTITION BY r.metric_name, r.part, r.step ORDER BY r.place
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS calm
                FROM runs r
            ) best
            WHERE best.place IN (SELECT moments.place FROM moments)
            GROUP BY best.metric_name, best.part, best.place
        )
        SELECT
            s.at, s.metric_name, s.part, s.window_seconds, s.is_named,
            greatest(s.at - s.window_seconds * interval '1 second', e.cleared_at),
            s.armed, s.total, s.bad, CASE WHEN s.total > 0 THEN s.expected END,
            CASE WHEN s.is_tested THEN least(s.expected ^ 2 / nullif(uncertain.variance, 0), e.all_bad + 1) END,
            s.dispersion, s.level, s.is_tested,
            coalesce(c.bad[s.place] - c.bad[least(s.recent_place, s.place)], 0),
            CASE WHEN s.armed THEN coalesce(c.expected[s.place] - c.expected[least(s.recent_place, s.place)], 0) ELSE 0 END,
            calmness.calm,
            CASE WHEN s.armed THEN (c.latency[s.place] - c.latency[s.begin_place]) / nullif(s.total, 0) END,
            e.floored, e.baseline_from, e.baseline_until
        FROM shown s
        JOIN evaluated e ON e.metric_name = s.metric_name AND e.part = s.part
        JOIN curves c ON c.part = s.part
        LEFT JOIN calmness ON calmness.metric_name = s.metric_name AND calmness.part = s.part AND calmness.place = s.place
        CROSS JOIN LATERAL (                            -- the same hour of several days rests on the same piece of baseline
            SELECT sum(hourly.total ^ 2 * e.variances[hourly.hour_of_day + 1]) AS variance
            FROM (
                SELECT
                    (extract(hour FROM v_first AT TIME ZONE 'UTC')::integer + hour) % 24 AS hour_of_day,
                    sum(c.total[least(hour * 12 + 13, s.place)] - c.total[greatest(hour * 12 + 1, s.begin_place)]) AS total
                FROM generate_series((s.begin_place - 1) / 12, (s.place - 2) / 12) hour
                WHERE s.is_tested
                GROUP BY 1
            ) hourly
        ) uncertain;
END
$$;
COMMENT ON FUNCTION monitoring_window_counts(timestamptz[], jsonb, boolean, integer) IS
    'The counts that evaluations of moments of one UTC day judge, in one pass over the buckets, against the profile of the day or of '
    'so many days before: events and bad ones in each window, how many bad ones the profile expects (E = sum(n p)), whether anything '
    'hangs on the test, then the weight of that expectation (B = E^2 / sum(n^2 p / weight), never above the bad events that the whole '
    'baseline held), its level, the same counts of the latest sixth, and, while an alert is live, calm: the reverse CUSUM max(sum((r - '
    '1) E - x ln r) / dispersion) over all stretches since it opened that end at the moment, for r = 1.6, 2 and 3 (with a lag 1.25), '
    '28 days at most. Alerts count as they stand at the first moment. Not complete: without what no verdict and no end hangs on.';

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
    v_guess  double precision := p_guess;
BEGIN
    SELECT sum(latency_events) INTO v_events FROM monitoring_rollup WHERE bucket_start >= p_from AND bucket_start < p_until;
    IF coalesce(v_events, 0) = 0 THEN
        RETURN NULL;
    END IF;
    v_floor := floor(p_share * (v_events - 1));         -- percentile_cont's position, counted from 0
    v_part := p_share * (v_events - 1) - v_floor;
    -- Counted down from the greatest. Only durations above the guess are read: where these are too few, some more, and then all.
    LOOP
        WITH tails AS (
            SELECT width_bucket(floor(v_guess)::integer, latency_values) AS below, latency_values, latency_counts
            FROM monitoring_rollup
            WHERE bucket_start >= p_from AND bucket_start < p_until AND latency_events > 0
        ),
        durations AS (
            -- In the list of what is selected, since a function among the tables keeps a store of its own for each row.
            SELECT unnest(latency_values[below + 1 :]) AS duration, unnest(latency_counts[below + 1 :]) AS events FROM tails
        ),
        running AS (
            SELECT duration, sum(coalesce(events, 1)) OVER (ORDER BY duration DESC ROWS UNBOUNDED PRECEDING) AS from_here FROM durations
        )
        SELECT
            max(duration) FILTER (WHERE from_here >= v_events - v_floor),
            max(duration) FILTER (WHERE from_here >= v_events - least(v_floor + 1, v_events - 1)),
            max(from_here)
        INTO v_low, v_high, v_kept
        FROM running;
        EXIT WHEN v_kept >= v_events - v_floor OR v_guess < 0;
        v_guess := CASE WHEN v_guess = p_guess AND p_guess > 0 THEN p_guess * 0.8 ELSE -1 END;
    END LOOP;
    RETURN v_low + v_part * (v_high - v_low);
END
$$;
COMMENT ON FUNCTION monitoring_window_latency(timestamptz, timestamptz, double precision, double precision) IS
    'The percentile of latency in a window, in milliseconds, exactly as percentile_cont gives it; null without latencies. '
    'The guess (some lower duration) only saves work.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f056_windows', 'c0ac33e3d8a14dbc')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f060_evaluation =====================================================================================
-- Evaluation: what every metric looks like in every window that ends at a moment. Reads only; any moment can be asked for.

CREATE OR REPLACE FUNCTION monitoring_places(p_metric_name text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE WHEN p_metric_name IN ('latency_p95', 'health_score', 'total_events') THEN 2 ELSE 6 END
$$;
COMMENT ON FUNCTION monitoring_places(text) IS 'To how many decimals a metric''s values are given: shares to six, milliseconds, points and events to two.';

CREATE OR REPLACE FUNCTION monitoring_time_text(p_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
COMMENT ON FUNCTION monitoring_time_text(timestamptz) IS 'A moment as RFC 3339 in UTC, to the second.';

CREATE OR REPLACE FUNCTION monitoring_judgements(p_moments timestamptz[], p_settings jsonb, p_complete boolean, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, judgement monitoring_judgement)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT * FROM monitoring_judge_rates(p_moments, p_settings, p_complete, 0);
    RETURN QUERY SELECT * FROM monitoring_judge_traffic(p_moments, p_settings, p_complete);
    RETURN QUERY SELECT * FROM monitoring_judge_mix(p_moments, p_settings, p_complete, p_hourly);
    RETURN QUERY SELECT * FROM monitoring_judge_slices(p_moments, p_settings, p_complete, p_hourly);
    IF cardinality(p_hourly) > 0 THEN
        RETURN QUERY
            SELECT moment, drift.judgement
            FROM monitoring_judge_rates(
                ARRAY(SELECT DISTINCT date_trunc('hour', moment, 'UTC') FROM unnest(p_hourly) moment), p_settings, p_complete, 7) drift
            JOIN unnest(p_hourly) moment ON date_trunc('hour', moment, 'UTC') = drift.at;
    END IF;
END
$$;
COMMENT ON FUNCTION monitoring_judgements(timestamptz[], jsonb, boolean, timestamptz[]) IS
    'Everything that is judged at moments of one UTC day, on the alerts as they stand at the first. At those in p_hourly also what '
    'changes with whole hours only, as of the last full hour: slow drift (against the baseline of a week before), and the longer '
    'windows of slices and of the mix of models.';

CREATE OR REPLACE FUNCTION monitoring_evaluate_windows(
    p_moments timestamptz[], p_settings jsonb, p_complete boolean, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, metric_name text, alert_type text, slice_dimension text, slice_value text, window_seconds integer,
               lag_days integer, starts_at timestamptz, ends_at timestamptz, part text, current_value numeric, baseline_value numeric,
               ratio numeric, total_events bigint, bad_events numeric, expected_events numeric, lower_bound numeric, p_value double precision,
               dispersion numeric, verdict text, would_be text, severity text, calm double precision[], leads boolean,
               threshold_low numeric, threshold_medium numeric, threshold_high numeric, threshold_critical numeric,
               expected double precision, weight double precision, significance double precision, likelihood double precision,
               blamed_dimension text, blamed_value text, evidence jsonb)
LANGUAGE sql STABLE
AS $$
WITH ruled AS (
    SELECT
        moment.at,
        (moment.judgement).*,
        CASE (moment.judgement).rule
            WHEN 'ratio' THEN (moment.judgement).ratio_verdict ELSE (moment.judgement).evidence_verdict END AS verdict,
        CASE (moment.judgement).rule
            WHEN 'ratio' THEN (moment.judgement).evidence_verdict ELSE (moment.judgement).ratio_verdict END AS would_be
    FROM monitoring_judgements(p_moments, p_settings, p_complete, p_hourly) moment
),
severe AS (
    SELECT
        r.*,
        CASE WHEN r.verdict IN ('low', 'medium', 'high', 'critical') THEN r.verdict END AS severity,
        p_complete OR r.verdict IN ('low', 'medium', 'high', 'critical') AS is_shown
    FROM ruled r
)
SELECT
    s.at, s.metric_name, s.alert_type, s.slice_dimension, s.slice_value, s.window_seconds, s.lag_days, s.starts_at, s.ends_at, s.part,
    round(s.current_value::numeric, monitoring_places(s.metric_name)), round(s.baseline_value::numeric, monitoring_places(s.metric_name)),
    round(s.ratio::numeric, 4), s.total::bigint, s.bad::numeric, round(s.expected::numeric, 3), round(s.lower_bound::numeric, 4),
    s.p_value, round(s.dispersion::numeric, 3), s.verdict,
    CASE WHEN s.is_shown THEN s.would_be END,
    s.severity, s.calm,
    s.severity IS NOT NULL AND row_number() OVER (
        PARTITION BY s.at, s.metric_name, s.slice_dimension, s.slice_value
        ORDER BY monitoring_severity_rank(s.severity) DESC, s.lag_days, s.window_seconds) = 1,
    s.threshold_low::numeric, s.threshold_medium::numeric, s.threshold_high::numeric, s.threshold_critical::numeric,
    s.expected, s.weight, s.significance, s.likelihood, s.blamed_dimension, s.blamed_value,
    CASE WHEN s.is_shown THEN jsonb_strip_nulls(jsonb_build_object(
        'rule', s.rule,
        'dimension', s.slice_dimension,
        'value', s.slice_value,
        'window_seconds', s.window_seconds,
        'window_start', monitoring_time_text(s.starts_at),
        'window_end', monitoring_time_text(s.ends_at),
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
        'significance', s.significance,
        'would_be', s.would_be,
        'lag_days', nullif(s.lag_days, 0),
        'baseline_name', p_settings -> 'baseline' ->> 'name',
        'baseline_start', monitoring_time_text(s.baseline_from),
        'baseline_end', monitoring_time_text(s.baseline_until)) || coalesce(s.detail, '{}')) END
FROM severe s
$$;
COMMENT ON FUNCTION monitoring_evaluate_windows(timestamptz[], jsonb, boolean, timestamptz[]) IS
    'Everything that is judged at moments of one UTC day (ends of steps, see monitoring_evaluated_moment) by the rule that its '
    'settings choose; leads: the window that an alert would show, the shortest of the most severe. Settings are effective ones. Not '
    'complete: figures that no verdict hangs on are left null.';

CREATE OR REPLACE FUNCTION monitoring_evaluate(p_at timestamptz DEFAULT now(), p_settings jsonb DEFAULT NULL)
RETURNS TABLE (metric_name text, alert_type text, window_seconds integer, current_value numeric, baseline_value numeric,
               ratio numeric, total_events bigint, bad_events numeric, expected_events numeric, lower_bound numeric,
               p_value double precision, dispersion numeric, verdict text, would_be text, severity text, affected_model text,
               affected_backend text, affected_agent text, affected_version text, evidence jsonb, slice_dimension text,
               slice_value text)
LANGUAGE plpgsql STABLE
SET jit = off
SET plan_cache_mode = force_generic_plan           -- planning the judging anew would cost as much as the judging
AS $$
#variable_conflict use_column
DECLARE
    v_settings CONSTANT jsonb := monitoring_effective_settings(p_settings);
    v_moments  timestamptz[];
BEGIN
    IF NOT coalesce(isfinite(p_at), false) THEN
        RAISE EXCEPTION 'p_at: a moment to evaluate is a time' USING ERRCODE = 'TMARG';
    END IF;
    PERFORM monitoring_check_settings(v_settings);
    v_moments := ARRAY[monitoring_evaluated_moment(p_at, v_settings)];
    RETURN QUERY
        WITH judged AS MATERIALIZED (
            SELECT * FROM monitoring_evaluate_windows(v_moments, v_settings, true, v_moments)
        ),
        blamed AS MATERIALIZED (                        -- for a metric that fires, by its leading window
            SELECT j.metric_name, j.slice_dimension, j.slice_value, a.dimension, a.value
            FROM judged j
            CROSS JOIN LATERAL (
                SELECT j.blamed_dimension AS dimension, j.blamed_value AS value
                WHERE j.blamed_dimension IS NOT NULL
                UNION ALL
                SELECT a.dimension, a.value
                FROM monitoring_attribution(
                    CASE WHEN j.blamed_dimension IS NULL THEN j.part END, j.starts_at, j.ends_at, v_settings -> 'baseline' ->> 'name',
                    (v_settings -> 'baseline' ->> 'window_days')::integer) a
                WHERE a.blamed
            ) a
            WHERE j.leads
        )
        SELECT
            j.metric_name, j.alert_type, j.window_seconds, j.current_value, j.baseline_value, j.ratio, j.total_events, j.bad_events,
            j.expected_events, j.lower_bound, j.p_value, j.dispersion, j.verdict, j.would_be, j.severity,
            CASE WHEN b.dimension = 'model' THEN b.value END,
            CASE WHEN b.dimension = 'backend' THEN b.value END,
            CASE WHEN b.dimension = 'agent' THEN b.value END,
            CASE WHEN b.dimension = 'version' THEN b.value END,
            j.evidence, j.slice_dimension, j.slice_value
        FROM judged j
        LEFT JOIN blamed b
            ON b.metric_name = j.metric_name AND b.slice_dimension IS NOT DISTINCT FROM j.slice_dimension
            AND b.slice_value IS NOT DISTINCT FROM j.slice_value AND j.severity IS NOT NULL
        ORDER BY j.slice_dimension NULLS FIRST, j.slice_value, j.alert_type, j.lag_days, j.window_seconds;
END
$$;
COMMENT ON FUNCTION monitoring_evaluate(timestamptz, jsonb) IS
    'What every metric looks like in every window that ends at a moment (at its last full five minutes), and those slices that stand out. '
    'p_settings are laid over those in force. verdict: no_data, not_armed, too_few, within_noise, below_threshold, or the severity '
    'at which it fires; would_be: what the other rule says. lower_bound is of the ratio. Changes nothing.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f060_evaluation', 'd12690fc67892790')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f061_rates ==========================================================================================
-- The rates, latency and health: is there more that is bad than was to be expected?

CREATE OR REPLACE FUNCTION monitoring_health(
    p_total double precision, p_successful double precision, p_fallback double precision, p_duplicate double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT monitoring_health_score(p_successful / nullif(p_total, 0), p_fallback / nullif(p_total, 0), p_duplicate / nullif(p_total, 0))
$$;
COMMENT ON FUNCTION monitoring_health(double precision, double precision, double precision, double precision) IS
    'The health score, 0 to 100, of counts (whole or expected); null where there are no events.';

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

CREATE OR REPLACE FUNCTION monitoring_judge_rates(p_moments timestamptz[], p_settings jsonb, p_complete boolean, p_lag_days integer)
RETURNS TABLE (at timestamptz, judgement monitoring_judgement)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
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
            FROM monitoring_window_counts(p_moments, p_settings, p_complete, p_lag_days) c
        ),
        tested AS MATERIALIZED (
            SELECT
                counts.*,
                CASE WHEN counts.is_tested
                    THEN monitoring_poisson_ratio_p(
                        counts.bad / counts.dispersion, counts.expected / counts.dispersion, counts.weight / counts.dispersion)
                END AS p_value
            FROM counts
        ),
        told AS MATERIALIZED (                          -- metrics with an alert of their own, or about to have one
            SELECT t.at, t.metric_name
            FROM tested t
            JOIN settings USING (metric_name)
            WHERE t.p_value <= t.level AND t.excess >= settings.threshold_low AND t.bad >= v_least_bad
              AND t.metric_name <> 'health_score'
            UNION
            SELECT moment, a.metric_name
            FROM monitoring_alerts a
            CROSS JOIN unnest(p_moments) moment
            WHERE a.labels IS NULL AND a.status <> 'resolved' AND a.live_since <= moment
        ),
        part_healths AS (
            SELECT
                t.at, t.window_seconds,
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
                monitoring_health(
                    max(t.total),
                    max(t.total - CASE WHEN told.metric_name IS NULL THEN t.bad ELSE t.expected END)
                        FILTER (WHERE t.part = 'unsuccessful_rate'),
                    max(CASE WHEN told.metric_name IS NULL THEN t.bad ELSE t.expected END) FILTER (WHERE t.part = 'fallback_rate'),
                    max(CASE WHEN told.metric_name IS NULL THEN t.bad ELSE t.expected END) FILTER (WHERE t.part = 'duplicate_rate'))
                    AS untold_health,
                to_jsonb(array_agg(told.metric_name ORDER BY told.metric_name) FILTER (WHERE told.metric_name IS NOT NULL)) AS told,
                ARRAY[min(t.calm[1]), min(t.calm[2]), min(t.calm[3])] AS calm
            FROM tested t
            LEFT JOIN told
                ON told.at = t.at AND told.metric_name = monitoring_metric_of_part(t.part)
            WHERE t.metric_name = 'health_score'
            GROUP BY t.at, t.window_seconds
        ),
        healths AS MATERIALIZED (                       -- calm too when it has come back by half of what it had lost, and not for an hour only
            SELECT
                p.at, p.window_seconds, p.current_health, p.expected_health,
                CASE WHEN p.untold_health >= v_warning AND p.current_health >= v_critical THEN p.told END AS explained,
                CASE WHEN coalesce(bool_and(p.total >= v_least AND p.current_health >= (v_warning + p.expected_health) / 2)
                        FILTER (WHERE p.window_seconds <= 21600) OVER (PARTITION BY p.at), false)
                    THEN ARRAY[2.5, 2.5, 2.5]::double precision[]
                    ELSE p.calm
                END AS calm
            FROM part_healths p
        ),
        strongest AS (                                  -- of health's parts the one that speaks loudest
            SELECT DISTINCT ON (t.at, t.metric_name, t.window_seconds) t.*
            FROM tested t
            ORDER BY t.at, t.metric_name, t.window_seconds, t.p_value NULLS LAST, t.excess DESC NULLS LAST, t.part
        ),
        valued AS MATERIALIZED (
            SELECT
                s.at, s.metric_name, settings.alert_type, settings.rule, s.window_seconds, s.starts_at, s.part, s.total, s.bad, s.expected,
                s.p_value, s.level, s.is_named, s.dispersion, s.weight, s.excess, s.recent_ratio, s.floored, s.armed, s.baseline_from, s.baseline_until,
                settings.threshold_low, settings.threshold_medium, settings.threshold_high, settings.threshold_critical,
                h.current_health, h.expected_health,
                CASE WHEN s.metric_name = 'health_score' THEN h.explained END AS explained,
                CASE WHEN s.metric_name = 'health_score' THEN h.calm ELSE s.calm END AS calm,
                CASE s.metric_name
                    WHEN 'health_score' THEN h.current_health
                    WHEN 'latency_p95' THEN
                        CASE WHEN s.total > 0 AND (p_complete AND s.is_named OR settings.rule = 'ratio' AND s.is_named OR s.p_value <= s.level)
                            THEN monitoring_window_latency(s.starts_at, s.at, 0.95, coalesce(s.expected_p95, 0) * 0.95)
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
            LEFT JOIN healths h ON h.at = s.at AND h.window_seconds = s.window_seconds
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
                            WHEN c.current_health < v_warning AND c.expected_health >= v_warning AND c.explained IS NULL THEN 'high'
                        END
                    ELSE monitoring_ratio_severity(
                        c.ratio, c.threshold_low, c.threshold_medium, c.threshold_high, c.threshold_critical,
                        c.current_health < v_critical)
                END AS grade
            FROM compared c
        )
        SELECT g.at, ROW (
            g.metric_name, g.alert_type, NULL::text, NULL::text, g.window_seconds, p_lag_days, g.starts_at, g.at, g.part, g.rule,
            g.current_value, g.baseline_value, g.ratio, g.total, g.bad, g.expected,
            CASE WHEN g.p_value IS NOT NULL AND (p_complete OR g.p_value <= g.level)
                THEN monitoring_poisson_ratio_bound(
                    g.bad / g.dispersion, g.expected / g.dispersion, g.weight / g.dispersion, g.level)
            END,
            g.p_value, g.level, g.dispersion, g.weight, g.recent_ratio, g.calm,
            CASE
                WHEN g.total = 0 THEN 'no_data'
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.bad < v_least_bad AND (g.grade IS NOT NULL OR g.expected < v_least_bad) THEN 'too_few'
                WHEN g.metric_name <> 'latency_p95' AND g.grade IS NULL THEN 'below_threshold'
                WHEN g.p_value IS NULL OR g.p_value > g.level THEN
                    CASE WHEN g.grade IS NULL THEN 'below_threshold' ELSE 'within_noise' END
                WHEN g.grade IS NULL THEN 'below_threshold'
                WHEN g.window_seconds >= 21600 AND coalesce(g.recent_ratio, 0) < 1.2 THEN 'below_threshold'
                ELSE g.grade
            END,
            CASE                                        -- the plain rule knows the windows of the settings alone
                WHEN g.total = 0 THEN 'no_data'
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.total < v_least THEN 'too_few'
                WHEN g.grade IS NULL OR NOT g.is_named THEN 'below_threshold'
                ELSE g.grade
            END,
            g.floored, NULL::text, NULL::text, NULL::double precision,
            CASE WHEN g.explained IS NOT NULL THEN jsonb_build_object('explained_by', g.explained) END,
            g.baseline_from, g.baseline_until,
            g.threshold_low, g.threshold_medium, g.threshold_high, g.threshold_critical)::monitoring_judgement
        FROM graded g
        -- And what says whether an alert is over, whichever window that is.
        WHERE g.is_named OR g.p_value <= g.level OR NOT p_complete AND g.calm IS NOT NULL;
END
$$;
COMMENT ON FUNCTION monitoring_judge_rates(timestamptz[], jsonb, boolean, integer) IS
    'Rates, latency and health at moments of one UTC day, in the windows of the settings and in those between that show something, '
    'with what both rules say. The evidence rule: at least least_bad_events, a ratio at a threshold, the exact test at the level, and '
    'in windows of six hours and more a latest sixth still at 1.2 times the expectation. The ratio rule: the ratio and at least '
    'least_events. Health that metrics with alerts of their own account for raises none unless it is critical (explained_by). Not '
    'complete: figures that no verdict hangs on are left null. With a lag, against the baseline of so many days before.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f061_rates', 'd9404f9fbf33d167')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f062_traffic ========================================================================================
-- Traffic: have events stopped, or fallen far below the same hours before?

CREATE OR REPLACE FUNCTION monitoring_expected_traffic(p_from timestamptz, p_until timestamptz, p_settings jsonb)
RETURNS TABLE (hour_start timestamptz, share double precision, expected double precision, weight double precision,
               variability double precision, baseline_from timestamptz, baseline_until timestamptz)
LANGUAGE sql STABLE
AS $$
WITH days AS (
    SELECT day::date AS day
    FROM generate_series(date_trunc('day', p_from, 'UTC') AT TIME ZONE 'UTC', (p_until AT TIME ZONE 'UTC'), interval '1 day') day
)
SELECT
    hour.hour_start,
    hour.share,
    profile.rate * hour.share,
    profile.weight * hour.share,
    profile.variability,
    profile.baseline_from,
    profile.baseline_until
FROM days
CROSS JOIN LATERAL monitoring_profile(
    p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer, days.day) profile
CROSS JOIN LATERAL (
    SELECT
        start AS hour_start,
        extract(epoch FROM least(p_until, start + interval '1 hour') - greatest(p_from, start))::double precision / 3600 AS share
    FROM (SELECT (days.day + profile.hour_of_day * interval '1 hour') AT TIME ZONE 'UTC' AS start) begins
) hour
WHERE profile.metric_name = 'total_events' AND hour.share > 0
$$;
COMMENT ON FUNCTION monitoring_expected_traffic(timestamptz, timestamptz, jsonb) IS
    'For each UTC hour that a stretch touches, the share of it that lies in the stretch, and the events to be expected there.';

CREATE OR REPLACE FUNCTION monitoring_judge_traffic(p_moments timestamptz[], p_settings jsonb, p_complete boolean)
RETURNS TABLE (at timestamptz, judgement monitoring_judgement)
LANGUAGE plpgsql STABLE
SET jit = off
SET work_mem = '16MB'
AS $$
#variable_conflict use_column
DECLARE
    -- Where there were few weeks to learn from, the expectation is no better than they are: a stricter level makes up for it, and a
    -- stop needs few minutes more to meet it.
    v_level     CONSTANT double precision := (p_settings ->> 'significance')::double precision / 10;
    v_least     CONSTANT double precision := (p_settings ->> 'least_events')::double precision;
    v_least_bad CONSTANT double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_from      CONSTANT timestamptz := (SELECT min(moment) FROM unnest(p_moments) moment);
    v_until     CONSTANT timestamptz := (SELECT max(moment) FROM unnest(p_moments) moment);
    -- Longer windows say nothing of what stopped.
    v_first     CONSTANT timestamptz := monitoring_bucket(v_from - interval '4 hours');
    v_cleared   CONSTANT timestamptz := monitoring_bucket(monitoring_last_clearing('total_events', v_from));
    v_setting   record;
    v_is_live   boolean;
BEGIN
    SELECT * INTO v_setting FROM monitoring_metric_settings(p_settings) s WHERE s.metric_name = 'total_events' AND s.enabled;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_is_live := EXISTS (
        SELECT FROM monitoring_alerts a
        WHERE a.labels IS NULL AND a.metric_name = 'total_events' AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL) AND a.live_since <= v_from);
    RETURN QUERY
        WITH expected AS MATERIALIZED (
            SELECT * FROM monitoring_expected_traffic(v_first, v_until + interval '5 minutes', p_settings)
        ),
        curves AS MATERIALIZED (                        -- running sums over every five minutes, those without events too
            SELECT
                array_agg(summed.seen ORDER BY summed.place) AS seen, array_agg(summed.expected ORDER BY summed.place) AS expected,
                array_agg(summed.learned ORDER BY summed.place) AS learned, array_agg(summed.known ORDER BY summed.place) AS known,
                array_agg(summed.variability ORDER BY summed.place) AS variability,
                array_agg(summed.baseline_from ORDER BY summed.place) AS baseline_from,
                array_agg(summed.baseline_until ORDER BY summed.place) AS baseline_until
            FROM (
                SELECT
                    grid.place, e.variability, e.baseline_from, e.baseline_until,
                    coalesce(sum(held.total_events::double precision) OVER earlier, 0) AS seen,
                    coalesce(sum(e.expected / (e.share * 12)) OVER earlier, 0) AS expected,
                    coalesce(sum(e.weight / (e.share * 12)) OVER earlier, 0) AS learned,
                    count(e.expected) OVER earlier AS known
                FROM generate_series(v_first, v_until + interval '5 minutes', interval '5 minutes')
                    WITH ORDINALITY grid (bucket_start, place)
                LEFT JOIN (
                    SELECT r.bucket_start, r.total_events
                    FROM monitoring_rollup r
                    WHERE r.bucket_start >= v_first AND r.bucket_start < v_until
                    OFFSET 0
                ) held USING (bucket_start)
                LEFT JOIN expected e ON e.hour_start = date_trunc('hour', grid.bucket_start, 'UTC')
                WINDOW earlier AS (ORDER BY grid.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            ) summed
        ),
        windows AS MATERIALIZED (
            SELECT
                moment AS at, placed.until, scanned.window_seconds, scanned.is_named,
                greatest(moment - scanned.window_seconds * interval '1 second', v_cleared) AS starts_at,
                least(
                    greatest(placed.until - scanned.window_seconds / 300, coalesce(monitoring_place(v_first, v_cleared, 300), 1)),
                    placed.until) AS begin,
                least(
                    greatest(
                        monitoring_place(v_first, monitoring_bucket(moment) - scanned.window_seconds / 6 * interval '1 second', 300),
                        coalesce(monitoring_place(v_first, v_cleared, 300), 1)),
                    placed.until) AS recent
            FROM unnest(p_moments) moment
            CROSS JOIN LATERAL (                        -- what is under way has not had its time yet
                SELECT monitoring_place(v_first, monitoring_bucket(moment), 300) AS until
            ) placed
            CROSS JOIN monitoring_scanned_windows(p_settings) scanned
            WHERE scanned.window_seconds <= 14400
        ),
        counts AS (
            SELECT
                w.*,
                c.seen[w.until] - c.seen[w.begin] AS seen,
                c.expected[w.until] - c.expected[w.begin] AS expected,
                c.learned[w.until] - c.learned[w.begin] AS learned,
                c.known[w.until] - c.known[w.begin] = w.until - w.begin AS armed,
                coalesce(greatest(c.variability[w.begin], c.variability[greatest(w.until - 1, w.begin)]), 0) AS variability,
                least(c.baseline_from[w.begin], c.baseline_from[greatest(w.until - 1, w.begin)]) AS baseline_from,
                greatest(c.baseline_until[w.begin], c.baseline_until[greatest(w.until - 1, w.begin)]) AS baseline_until,
                c.seen[w.until] - c.seen[w.recent] AS recent_seen,
                c.expected[w.until] - c.expected[w.recent] AS recent_expected,
                -- The last hour brought half of what it should, or more.
                CASE WHEN c.known[w.until] > c.known[w.until - 12]
                        AND c.seen[w.until] - c.seen[w.until - 12] >= (c.expected[w.until] - c.expected[w.until - 12]) / 2
                    THEN 2.5 ELSE 0 END::double precision AS calm
            FROM windows w
            CROSS JOIN curves c
        ),
        tested AS (
            SELECT
                c.*, weighed.weight,
                round((c.expected / greatest(c.seen, 1))::numeric, 4)::double precision AS ratio,
                CASE WHEN c.window_seconds >= 7200 THEN c.recent_expected / greatest(c.recent_seen, 1) END AS recent_ratio,
                CASE WHEN c.armed AND (
                        p_complete AND c.is_named
                        OR c.seen * v_setting.threshold_low <= c.expected AND (p_complete OR c.expected >= v_least_bad))
                    THEN monitoring_poisson_shortfall_p(c.seen, c.expected, weighed.weight)
                END AS p_value
            FROM counts c
            CROSS JOIN LATERAL (                        -- the events it was learned from, and what the hours vary beyond chance
                SELECT 1 / (1 / nullif(c.learned, 0) + c.variability) AS weight
            ) weighed
            WHERE p_complete OR v_setting.rule = 'ratio' OR c.seen * v_setting.threshold_low <= c.expected
               OR v_is_live AND c.window_seconds = (SELECT min(s.window_seconds) FROM windows s)
        ),
        graded AS (
            SELECT
                t.*,
                monitoring_ratio_severity(
                    t.ratio, v_setting.threshold_low, v_setting.threshold_medium, v_setting.threshold_high, v_setting.threshold_critical,
                    false) AS grade
            FROM tested t
        )
        SELECT g.at, ROW (
            v_setting.metric_name, v_setting.alert_type, NULL::text, NULL::text, g.window_seconds, 0, g.starts_at, g.at, 'total_events',
            v_setting.rule, g.seen, CASE WHEN g.armed THEN g.expected END, CASE WHEN g.armed THEN g.ratio END, g.seen, g.seen, g.expected,
            CASE WHEN g.p_value <= v_level OR p_complete AND g.p_value IS NOT NULL
                THEN monitoring_poisson_shortfall_bound(g.seen, g.expected, g.weight, v_level)
            END,
            g.p_value, v_level, 1 + g.variability * g.expected, g.weight, g.recent_ratio, ARRAY[g.calm, g.calm, g.calm],
            CASE
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.grade IS NULL THEN 'below_threshold'
                WHEN g.expected < v_least_bad THEN 'too_few'
                WHEN g.p_value IS NULL OR g.p_value > v_level THEN 'within_noise'
                WHEN g.recent_ratio < 1.2 THEN 'below_threshold'
                ELSE g.grade
            END,
            CASE
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.grade IS NULL OR NOT g.is_named THEN 'below_threshold'
                WHEN g.expected < v_least THEN 'too_few'
                ELSE g.grade
            END,
            false, NULL::text, NULL::text, NULL::double precision, NULL::jsonb, g.baseline_from, g.baseline_until,
            v_setting.threshold_low, v_setting.threshold_medium, v_setting.threshold_high,
            v_setting.threshold_critical)::monitoring_judgement
        FROM graded g
        WHERE g.is_named OR g.p_value <= v_level OR v_is_live AND NOT p_complete;
END
$$;
COMMENT ON FUNCTION monitoring_judge_traffic(timestamptz[], jsonb, boolean) IS
    'The number of events at moments in every window of up to four hours against what the same hours brought before; ratio is expected '
    'over seen (none counts as one). The evidence rule: the ratio at a threshold, at least least_bad_events to be expected, the test '
    'of a count whose expectation varies by its weight k (1/k = 1/B + variability, B the events it was learned from, the gamma-Poisson '
    'tail I_{k/(k+E)}(k, x + 1)) at a tenth of the level, and in windows of two hours and more a latest sixth that still lacks its '
    'share. calm is full when the last hour brought half of what it should.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f062_traffic', '30cb8a012574e1f0')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f063_mix ============================================================================================
-- The mix of models: has it moved?

CREATE OR REPLACE FUNCTION monitoring_judge_mix(p_moments timestamptz[], p_settings jsonb, p_complete boolean, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, judgement monitoring_judgement)
LANGUAGE plpgsql STABLE
SET jit = off
SET work_mem = '16MB'
AS $$
#variable_conflict use_column
DECLARE
    v_least   CONSTANT double precision := (p_settings -> 'slices' ->> 'least_events')::double precision;
    v_days    CONSTANT integer := (p_settings -> 'baseline' ->> 'window_days')::integer;
    v_from    CONSTANT timestamptz := (SELECT min(moment) FROM unnest(p_moments) moment);
    v_until   CONSTANT timestamptz := (SELECT max(moment) FROM unnest(p_moments) moment);
    v_hour    CONSTANT timestamptz := date_trunc('hour', v_from, 'UTC');
    -- A day before the first moment and a bit, so that every window begins at a place.
    v_first   CONSTANT timestamptz := v_hour - CASE WHEN cardinality(p_hourly) > 0 THEN interval '24 hours' ELSE interval '4 hours' END;
    v_near    timestamptz;
    v_is_live boolean;
    v_setting record;
    v_cleared timestamptz;
BEGIN
    SELECT * INTO v_setting FROM monitoring_metric_settings(p_settings) s WHERE s.metric_name = 'model_mix' AND s.enabled;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_is_live := EXISTS (
        SELECT FROM monitoring_alerts a
        WHERE a.labels IS NULL AND a.metric_name = 'model_mix' AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL) AND a.live_since <= v_from);
    v_near := v_hour - CASE WHEN v_is_live THEN interval '3 hours' ELSE interval '1 hour' END;
    v_cleared := monitoring_bucket(monitoring_last_clearing('model_mix', v_from) + interval '4 minutes 59 seconds');
    RETURN QUERY
        WITH windows AS MATERIALIZED (                  -- the last one, of three hours, says whether it is over
            SELECT
                w.*, monitoring_place(v_first, w.ends_at, 300) AS until,
                least(greatest(monitoring_place(v_first, w.starts_at, 300), 1), monitoring_place(v_first, w.ends_at, 300)) AS begin
            FROM (
                SELECT
                    moment AS at, scanned.window_seconds, true AS is_judged, ends.at AS ends_at,
                    greatest(ends.at - scanned.window_seconds * interval '1 second', v_cleared) AS starts_at
                FROM unnest(p_moments) moment
                CROSS JOIN monitoring_scanned_windows(p_settings) scanned
                CROSS JOIN LATERAL (
                    SELECT CASE WHEN scanned.window_seconds <= 3600 THEN moment ELSE date_trunc('hour', moment, 'UTC') END AS at
                ) ends
                WHERE scanned.window_seconds IN (600, 1800, 3600)
                   OR moment = ANY (p_hourly) AND scanned.is_named AND scanned.window_seconds BETWEEN 7200 AND 86400
                        AND scanned.window_seconds % 3600 = 0
                UNION ALL
                SELECT moment, 0, false, moment, moment - interval '3 hours'
                FROM unnest(p_moments) moment
                WHERE v_is_live
            ) w
        ),
        stretches AS (                                  -- the latest hours by five minutes, what is before them by whole ones
            SELECT marked.model, marked.hour_start + (marked.mark >> 4) * interval '5 minutes' AS starts_at, marked.events::double precision AS events
            FROM (
                SELECT s.model, s.hour_start, unnest(s.mark_values) AS mark, unnest(s.mark_counts) AS events
                FROM monitoring_rollup_slices s
                WHERE s.hour_start >= v_near AND s.hour_start < v_until
            ) marked
            UNION ALL
            SELECT s.model, s.hour_start, s.total_events
            FROM monitoring_rollup_slices s
            WHERE cardinality(p_hourly) > 0 AND s.hour_start >= v_first AND s.hour_start < v_near
        ),
        seen AS MATERIALIZED (
            SELECT s.model, monitoring_place(v_first, s.starts_at, 300) AS place, sum(s.events) AS events
            FROM stretches s
            GROUP BY s.model, s.starts_at
        ),
        baseline AS MATERIALIZED (
            SELECT b.value AS model, b.total_events AS events, b.events_by_hour, b.dispersion, b.clustering, b.baseline_until
            FROM monitoring_slices_of_baseline(
                p_settings -> 'baseline' ->> 'name', v_days,
                (v_from AT TIME ZONE 'UTC')::date) b
            WHERE b.metric_name = 'model_mix'
        ),
        models AS MATERIALIZED (
            SELECT row_number() OVER () AS id, known.model, coalesce(b.events, 0) AS before
            FROM (SELECT model FROM baseline UNION SELECT model FROM seen) known
            LEFT JOIN baseline b USING (model)
        ),
        curves AS MATERIALIZED (                        -- of each model the running sums
            SELECT m.model, m.before, summed.seen
            FROM (
                SELECT back.id, array_agg(back.seen) AS seen
                FROM (
                    SELECT
                        m.id, coalesce(sum(n.events) OVER (
                            PARTITION BY m.id ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS seen
                    FROM models m
                    CROSS JOIN generate_series(1, monitoring_place(v_first, v_until, 300)) place
                    LEFT JOIN (SELECT models.id, seen.place, seen.events FROM seen JOIN models USING (model)) n USING (id, place)
                    ORDER BY m.id, place
                ) back
                GROUP BY back.id
            ) summed
            JOIN models m USING (id)
        ),
        cells AS (
            SELECT
                w.at, w.window_seconds, w.starts_at, w.ends_at, w.is_judged, c.model, c.before, c.seen[w.until] - c.seen[w.begin] AS seen
            FROM windows w
            CROSS JOIN curves c
        ),
        shares AS MATERIALIZED (                        -- half an event more than was seen, so that no share is nought
            SELECT
                c.*,
                (c.seen + 0.5) / (sum(c.seen) OVER w + 0.5 * count(*) OVER w) AS share,
                (c.before + 0.5) / (sum(c.before) OVER w + 0.5 * count(*) OVER w) AS share_before
            FROM cells c
            WHERE c.seen > 0 OR c.before > 0
            WINDOW w AS (PARTITION BY c.at, c.window_seconds)
        ),
        pooled AS MATERIALIZED (
            SELECT
                s.at, s.window_seconds, s.starts_at, s.ends_at, s.is_judged, sum(s.seen) AS total, sum(s.before) AS weight,
                count(*) AS models, sum((s.share - s.share_before) * ln(s.share / s.share_before)) AS psi
            FROM shares s
            GROUP BY s.at, s.window_seconds, s.starts_at, s.ends_at, s.is_judged
        ),
        usual AS MATERIALIZED (                         -- of each model its share at each hour of day, shrunk by fifty events towards that of all hours
            SELECT
                m.model, hour.hour_of_day,
                (coalesce(b.events_by_hour[hour.hour_of_day + 1], 0) + 50 * m.before / sum(m.before) OVER hours)
                    / (sum(coalesce(b.events_by_hour[hour.hour_of_day + 1], 0)) OVER hours + 50) AS share
            FROM models m
            LEFT JOIN baseline b USING (model)
            CROSS JOIN generate_series(0, 23) hour (hour_of_day)
            WHERE EXISTS (SELECT FROM baseline WHERE baseline.events > 0)
            WINDOW hours AS (PARTITION BY hour.hour_of_day)
        ),
        by_hours AS (                                   -- how the events of a window were spread over the hours of the day
            SELECT
                w.at, w.window_seconds, extract(hour FROM (v_first + (seen.place - 1) * interval '5 minutes') AT TIME ZONE 'UTC') AS hour_of_day,
                sum(seen.events) AS events
            FROM windows w
            JOIN pooled p ON p.at = w.at AND p.window_seconds = w.window_seconds AND p.psi >= least(0.1, v_setting.floor)
            JOIN seen ON seen.place >= w.begin AND seen.place < w.until
            GROUP BY w.at, w.window_seconds, 3
        ),
        nearer AS (                                     -- the index against what is usual at those hours
            SELECT s.at, s.window_seconds, sum((s.share - expected.share) * ln(s.share / expected.share)) AS psi
            FROM shares s
            JOIN pooled p ON p.at = s.at AND p.window_seconds = s.window_seconds
            CROSS JOIN LATERAL (
                SELECT (p.weight * sum(h.events * u.share) / sum(h.events) + 0.5) / (p.weight + 0.5 * p.models) AS share
                FROM by_hours h
                JOIN usual u ON u.hour_of_day = h.hour_of_day
                WHERE h.at = s.at AND h.window_seconds = s.window_seconds AND u.model = s.model
            ) expected
            WHERE p.psi >= least(0.1, v_setting.floor)
            GROUP BY s.at, s.window_seconds
        ),
        indices AS MATERIALIZED (
            SELECT
                p.at, p.window_seconds, p.starts_at, p.ends_at, p.is_judged, p.total, p.weight, p.models, least(p.psi, nearer.psi) AS psi
            FROM pooled p
            LEFT JOIN nearer ON nearer.at = p.at AND nearer.window_seconds = p.window_seconds
        ),
        spread AS MATERIALIZED (
            SELECT
                known.*, known.events > 0 AS armed,
                monitoring_level(p_settings, known.events / v_days, known.dispersion) AS level
            FROM (
                SELECT
                    coalesce(max(b.dispersion), 1) AS dispersion, coalesce(max(b.clustering), 1) AS clustering,
                    coalesce(sum(b.events), 0)::double precision AS events, max(b.baseline_until) AS baseline_until
                FROM baseline b
            ) known
        ),
        quantiles AS MATERIALIZED (
            SELECT counted.models, monitoring_chi_square_quantile(spread.level, greatest(counted.models - 1, 1)) AS quantile
            FROM (SELECT DISTINCT indices.models FROM indices) counted
            CROSS JOIN spread
        ),
        tested AS MATERIALIZED (
            SELECT
                i.*, spread.dispersion, spread.clustering, spread.armed, spread.baseline_until, spread.level, noise.unit,
                CASE WHEN p_complete OR i.psi >= v_setting.floor AND i.total >= v_least
                    THEN greatest(v_setting.floor, noise.unit * quantiles.quantile)
                    ELSE v_setting.floor END AS threshold,
                CASE WHEN i.total > 0 AND spread.armed AND (p_complete OR i.psi >= v_setting.floor AND i.total >= v_least)
                    THEN monitoring_chi_square_p(i.psi / noise.unit, greatest(i.models - 1, 1)) END AS p_value
            FROM indices i
            JOIN quantiles USING (models)
            CROSS JOIN spread
            CROSS JOIN LATERAL (
                -- What comes in sessions is fewer than it seems; what is left of the scatter of days is their own.
                SELECT
                    spread.clustering / nullif(i.total, 0)
                    + (spread.clustering + greatest(0, spread.dispersion - spread.clustering) * v_days * 8 / 7) / nullif(i.weight, 0) AS unit
            ) noise
        ),
        graded AS (
            SELECT
                t.*, round((t.psi / t.threshold)::numeric, 4)::double precision AS ratio,
                monitoring_ratio_severity(
                    round((t.psi / t.threshold)::numeric, 4)::double precision, v_setting.threshold_low, v_setting.threshold_medium,
                    v_setting.threshold_high, v_setting.threshold_critical, false) AS grade
            FROM tested t
        ),
        over AS (                                       -- as near as chance brings it to the baseline, for three hours
            SELECT
                g.at,
                CASE WHEN g.total >= v_least AND g.psi < 0.1 + g.clustering * (g.models - 1) / g.total THEN 2.5 ELSE 0 END::double precision
                    AS calm
            FROM graded g
            WHERE NOT g.is_judged
        ),
        shown AS MATERIALIZED (
            SELECT g.*
            FROM graded g
            WHERE g.is_judged AND (
                g.ratio >= 1 AND (p_complete OR g.total >= v_least)
                OR g.window_seconds >= 3600 AND (p_complete OR v_is_live OR v_setting.rule = 'ratio')
                -- And what says whether an alert is over, however short the windows are.
                OR v_is_live AND g.window_seconds = (SELECT max(w.window_seconds) FROM windows w WHERE w.at = g.at AND w.is_judged))
        ),
        ranked AS (
            SELECT
                s.*,
                row_number() OVER (PARTITION BY s.at, s.window_seconds ORDER BY abs(s.share - s.share_before) DESC, s.model) AS place
            FROM shares s
            JOIN shown USING (at, window_seconds)
        ),
        moved AS (
            SELECT
                s.at, s.window_seconds,
                (array_agg(s.model ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen,
                (array_agg(s.seen ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen_seen,
                (array_agg(s.share ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen_share,
                (array_agg(s.share_before ORDER BY s.share - s.share_before DESC, s.model))[1] AS risen_before,
                jsonb_agg(jsonb_build_object(
                    'model', s.model, 'share', round(s.share::numeric, 4), 'baseline_share', round(s.share_before::numeric, 4))
                    ORDER BY s.place) FILTER (WHERE s.place <= 10) AS detail
            FROM ranked s
            GROUP BY s.at, s.window_seconds
        )
        SELECT g.at, ROW (
            v_setting.metric_name, v_setting.alert_type, NULL::text, NULL::text, g.window_seconds, 0, g.starts_at, g.ends_at, 'model_mix',
            v_setting.rule, CASE WHEN g.total > 0 THEN g.psi END, CASE WHEN g.total > 0 THEN g.threshold END,
            CASE WHEN g.total > 0 THEN g.ratio END, g.total, moved.risen_seen, g.total * moved.risen_before, NULL::double precision,
            g.p_value, g.level, g.dispersion, g.weight, NULL::double precision, ARRAY[over.calm, over.calm, over.calm],
            CASE
                WHEN g.total = 0 THEN 'no_data'
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.total < v_least THEN 'too_few'
                WHEN g.grade IS NULL THEN CASE WHEN g.psi >= v_setting.floor THEN 'within_noise' ELSE 'below_threshold' END
                ELSE g.grade
            END,
            CASE
                WHEN g.total = 0 THEN 'no_data'
                WHEN NOT g.armed THEN 'not_armed'
                WHEN g.total < v_least THEN 'too_few'
                WHEN g.psi < v_setting.floor THEN 'below_threshold'
                ELSE coalesce(monitoring_ratio_severity(
                    g.psi / v_setting.floor, v_setting.threshold_low, v_setting.threshold_medium, v_setting.threshold_high,
                    v_setting.threshold_critical, false), 'below_threshold')
            END,
            false, 'model', nullif(moved.risen, ''), NULL::double precision,
            jsonb_build_object('models', moved.detail, 'risen', jsonb_build_object(
                'model', moved.risen, 'share', round(moved.risen_share::numeric, 4),
                'baseline_share', round(moved.risen_before::numeric, 4))),
            NULL::timestamptz, g.baseline_until,
            v_setting.threshold_low, v_setting.threshold_medium, v_setting.threshold_high,
            v_setting.threshold_critical)::monitoring_judgement
        FROM shown g
        LEFT JOIN moved USING (at, window_seconds)
        LEFT JOIN over USING (at);
END
$$;
COMMENT ON FUNCTION monitoring_judge_mix(timestamptz[], jsonb, boolean, timestamptz[]) IS
    'The mix of models at moments of one UTC day, in windows that end there (of over an hour: at the last full hour, and of moments in '
    'p_hourly alone): the population stability index PSI = sum((a - e) ln(a / e)) over the models, half an event added to each count, '
    'against the baseline''s mix or that of the same hours of the day, whichever is nearer. Its threshold is the floor (0.2) or, where '
    'that is more, what chance exceeds at the level (that of as many events as are usual in a day): chi-square of one degree less than '
    'there are models, times c/n + (c + max(0, d - c) 8/7 days)/N, c the clustering of the hours'' mixes about their days'', d the '
    'dispersion of the days''. ratio is PSI over threshold; bad and expected are those of the model whose share rose most. The ratio '
    'rule knows the floor alone.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f063_mix', '5ba744db63976547')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f064_slices =========================================================================================
-- Narrow alerts: one model, backend, agent or version that got worse, where all events together do not show it.

CREATE OR REPLACE FUNCTION monitoring_slice_latency(
    p_dimension text, p_value text, p_from timestamptz, p_until timestamptz, p_unfit tstzmultirange DEFAULT '{}')
RETURNS double precision
LANGUAGE sql STABLE
SET jit = off
AS $$
WITH duration AS (
    SELECT value, sum(coalesce(events, 1)) AS events
    FROM (
        SELECT unnest(s.latency_values) AS value, unnest(s.latency_counts) AS events
        FROM monitoring_rollup_slices s
        WHERE s.hour_start >= p_from AND s.hour_start < p_until AND NOT s.hour_start <@ p_unfit
          AND CASE p_dimension WHEN 'model' THEN s.model WHEN 'backend' THEN s.backend WHEN 'agent' THEN s.agent ELSE s.version END = p_value
    ) measured
    GROUP BY value
),
ranked AS (
    SELECT value, sum(events) OVER (ORDER BY value)::bigint AS rank FROM duration ORDER BY value
)
SELECT monitoring_percentile(array_agg(value), array_agg(rank), 0.95) FROM ranked
$$;
COMMENT ON FUNCTION monitoring_slice_latency(text, text, timestamptz, timestamptz, tstzmultirange) IS
    'The p95 of a slice''s latency in whole UTC hours, in milliseconds, as percentile_cont gives it; null without latencies.';

CREATE OR REPLACE FUNCTION monitoring_slice_windows(p_moments timestamptz[], p_settings jsonb, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, metric_name text, alert_type text, floor double precision, window_seconds integer, by_hours boolean,
               starts_at timestamptz, recent_at timestamptz, ends_at timestamptz)
LANGUAGE sql STABLE
AS $$
WITH sliced AS MATERIALIZED (
    SELECT
        s.metric_name, s.alert_type, s.floor,
        monitoring_last_clearing(s.metric_name, (SELECT min(moment) FROM unnest(p_moments) moment)) AS cleared_at
    FROM monitoring_metric_settings(p_settings) s
    WHERE s.metric_name IN ('fallback_rate', 'error_rate', 'duplicate_rate', 'latency_p95') AND s.enabled AND s.rule = 'evidence'
),
scanned AS MATERIALIZED (
    SELECT w.window_seconds, grain.by_hours
    FROM monitoring_scanned_windows(p_settings) w
    CROSS JOIN (VALUES (false), (true)) grain (by_hours)
    WHERE w.window_seconds >= 600 AND w.window_seconds <= CASE WHEN grain.by_hours THEN 86400 ELSE 7200 END
      AND (NOT grain.by_hours OR w.window_seconds % 3600 = 0)
)
SELECT
    moment, sliced.metric_name, sliced.alert_type, sliced.floor, scanned.window_seconds, scanned.by_hours,
    greatest(ends.at - scanned.window_seconds * interval '1 second', cleared.at),
    CASE WHEN scanned.window_seconds >= 21600
        THEN greatest(ends.at - (scanned.window_seconds + 21599) / 21600 * interval '1 hour', cleared.at) END,
    ends.at
FROM sliced
JOIN scanned ON CASE WHEN sliced.metric_name = 'latency_p95' THEN scanned.by_hours
                     ELSE NOT scanned.by_hours OR scanned.window_seconds > 7200 END
JOIN unnest(p_moments) moment ON NOT scanned.by_hours OR moment = ANY (p_hourly)
CROSS JOIN LATERAL (
    SELECT CASE WHEN scanned.by_hours THEN date_trunc('hour', moment, 'UTC') ELSE moment END AS at
) ends
CROSS JOIN LATERAL (
    SELECT CASE WHEN scanned.by_hours THEN date_trunc('hour', sliced.cleared_at + interval '59 minutes 59 seconds', 'UTC')
                ELSE monitoring_bucket(sliced.cleared_at + interval '4 minutes 59 seconds') END AS at
) cleared
$$;
COMMENT ON FUNCTION monitoring_slice_windows(timestamptz[], jsonb, timestamptz[]) IS
    'The windows of slices that end at moments: to two hours by five minutes, beyond them up to a day by whole hours, those of the moments '
    'in p_hourly alone. Latency is known of slices by hours only. None reaches back over the metric''s last close.';

CREATE OR REPLACE FUNCTION monitoring_slice_counts(p_moments timestamptz[], p_settings jsonb, p_complete boolean, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, metric_name text, alert_type text, dimension text, value text, window_seconds integer,
               starts_at timestamptz, ends_at timestamptz, live_since timestamptz, total double precision, bad double precision,
               expected double precision, weight double precision, dispersion double precision, daily double precision,
               recent_bad double precision, recent_expected double precision, calm double precision[], baseline_total double precision,
               baseline_bad double precision, baseline_until timestamptz, floored boolean, watched bigint)
LANGUAGE plpgsql STABLE
SET jit = off
SET work_mem = '16MB'
AS $$
#variable_conflict use_column
DECLARE
    v_name   CONSTANT text := p_settings -> 'baseline' ->> 'name';
    v_days   CONSTANT integer := (p_settings -> 'baseline' ->> 'window_days')::integer;
    v_from   CONSTANT timestamptz := (SELECT min(moment) FROM unnest(p_moments) moment);
    v_until  CONSTANT timestamptz := (SELECT max(moment) FROM unnest(p_moments) moment);
    v_day    CONSTANT date := (v_from AT TIME ZONE 'UTC')::date;
    v_hour   CONSTANT timestamptz := date_trunc('hour', v_from, 'UTC');
    v_least  CONSTANT double precision := (p_settings -> 'slices' ->> 'least_events')::double precision;
    v_bad    CONSTANT double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_near   CONSTANT timestamptz := monitoring_bucket(v_from - interval '2 hours');
    v_limits double precision[];
    v_far    timestamptz;                               -- where the curves by hours begin
BEGIN
    SELECT array_agg(p.latency_p95 ORDER BY p.hour_of_day) FILTER (WHERE p.metric_name = 'latency_p95')
    INTO v_limits
    FROM monitoring_profile(v_name, v_days, v_day) p;
    SELECT least(
        v_hour - interval '24 hours',
        CASE WHEN count(*) > 0 THEN greatest(min(date_trunc('hour', a.live_since, 'UTC')), v_hour - interval '72 hours') END)
    INTO v_far
    FROM monitoring_alerts a
    WHERE a.labels IS NULL AND a.slice_dimension IS NOT NULL AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL)
      AND a.live_since <= v_from;
    RETURN QUERY
        WITH windows AS MATERIALIZED (
            SELECT
                w.*, curve.until, least(greatest(monitoring_place(curve.first, w.starts_at, curve.seconds), 1), curve.until) AS begin,
                least(monitoring_place(curve.first, w.recent_at, curve.seconds), curve.until) AS recent
            FROM monitoring_slice_windows(p_moments, p_settings, p_hourly) w
            CROSS JOIN LATERAL (
                SELECT
                    grain.first, grain.seconds, monitoring_place(grain.first, w.ends_at, grain.seconds) AS until
                FROM (VALUES (false, v_near, 300), (true, v_far, 3600)) grain (by_hours, first, seconds)
                WHERE grain.by_hours = w.by_hours
            ) curve
        ),
        live AS MATERIALIZED (
            SELECT a.metric_name, a.slice_dimension AS dimension, a.slice_value AS value, min(a.live_since) AS since
            FROM monitoring_alerts a
            WHERE a.labels IS NULL AND a.slice_dimension IS NOT NULL AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL)
              AND a.live_since <= v_from
            GROUP BY a.metric_name, a.slice_dimension, a.slice_value
        ),
        profile AS MATERIALIZED (
            SELECT p.metric_name, p.hour_of_day, p.rate, p.overall_rate, p.dispersion, p.baseline_until
            FROM monitoring_profile(v_name, v_days, v_day) p
        ),
        known AS MATERIALIZED (
            SELECT p.metric_name, min(p.overall_rate) AS rate, min(p.dispersion) AS dispersion, min(p.baseline_until) AS baseline_until
            FROM profile p
            GROUP BY p.metric_name
        ),
        rates AS MATERIALIZED (                         -- what is usual at an hour of the day, null for what is not armed
            SELECT
                p.hour_of_day,
                max(p.rate) FILTER (WHERE p.metric_name = 'fallback_rate') AS fallback_rate,
                max(p.rate) FILTER (WHERE p.metric_name = 'error_rate') AS error_rate,
                max(p.rate) FILTER (WHERE p.metric_name = 'duplicate_rate') AS duplicate_rate,
                max(p.rate) FILTER (WHERE p.metric_name = 'latency_p95') AS slow_rate
            FROM profile p
            GROUP BY p.hour_of_day
        ),
        baseline AS MATERIALIZED (
            SELECT * FROM monitoring_slices_of_baseline(v_name, v_days, v_day)
        ),
        latencies AS (
            SELECT array_agg(b.value) AS models, array_agg(b.latency_factor) AS factors FROM baseline b WHERE b.latency_factor IS NOT NULL
        ),
        stretches AS MATERIALIZED (                     -- every value by five minutes, and by hours
            SELECT
                s.by_hours, s.dimension, s.value, s.place, s.total_events::double precision, s.latency_events::double precision,
                s.fallback_events::double precision, s.failed_events::double precision, s.duplicate_events::double precision,
                s.slow_events::double precision, rates.*
            FROM (
                SELECT
                    false AS by_hours, b.dimension, b.value, b.bucket_start AS starts_at,
                    monitoring_place(v_near, b.bucket_start, 300) AS place, b.total_events, b.failed_events, b.fallback_events,
                    b.duplicate_events, 0 AS latency_events, 0 AS slow_events
                FROM monitoring_slice_buckets(v_near, v_until) b
                UNION ALL
                SELECT true, h.dimension, h.value, h.hour_start, monitoring_place(v_far, h.hour_start, 3600), h.total_events, h.failed_events,
                    h.fallback_events, h.duplicate_events, h.latency_events, h.slow_events
                FROM latencies
                CROSS JOIN LATERAL monitoring_slice_hours(
                    CASE WHEN cardinality(p_hourly) > 0 THEN v_far ELSE v_hour END,
                    CASE WHEN cardinality(p_hourly) > 0 THEN date_trunc('hour', v_until, 'UTC') ELSE v_hour END,
                    v_limits, latencies.models, latencies.factors) h
            ) s
            JOIN rates ON rates.hour_of_day = extract(hour FROM s.starts_at AT TIME ZONE 'UTC')::integer
            WHERE s.value <> ''
        ),
        present AS MATERIALIZED (
            SELECT
                row_number() OVER () AS id, s.by_hours, s.dimension, s.value,
                CASE WHEN s.by_hours THEN monitoring_place(v_far, date_trunc('hour', v_until, 'UTC'), 3600)
                     ELSE monitoring_place(v_near, v_until, 300) END AS places,
                sum(s.total_events) AS total, sum(s.latency_events) AS measured, sum(s.fallback_events) AS fallback,
                sum(s.failed_events) AS failed, sum(s.duplicate_events) AS duplicate, sum(s.slow_events) AS slow
            FROM stretches s
            GROUP BY s.by_hours, s.dimension, s.value
        ),
        shown AS MATERIALIZED (                         -- what there is of each metric
            SELECT p.id, p.by_hours, p.dimension, p.value, p.places, each.metric_name, each.total, each.bad
            FROM present p
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',  p.total,    p.fallback),
                ('error_rate',     p.total,    p.failed),
                ('duplicate_rate', p.total,    p.duplicate),
                ('latency_p95',    p.measured, p.slow)) each (metric_name, total, bad)
            WHERE each.total > 0
        ),
        own AS MATERIALIZED (                           -- its own share before, shrunk by ten bad events towards that of all
            SELECT
                p.metric_name, p.dimension, p.value,
                greatest((coalesce(b.bad_events, 0) + 10) / (coalesce(b.expected, 0) + 10), kinds.floor / known.rate) AS factor,
                (coalesce(b.bad_events, 0) + 10) / (coalesce(b.expected, 0) + 10) < kinds.floor / known.rate AS floored,
                coalesce(b.bad_events, 0) + 10 AS weight,
                coalesce(b.dispersion, known.dispersion, 1) AS dispersion,
                coalesce(b.total_events, 0) AS baseline_total, coalesce(b.bad_events, 0) AS baseline_bad, known.baseline_until,
                kinds.alert_type, live.since
            FROM (SELECT DISTINCT shown.metric_name, shown.dimension, shown.value FROM shown) p
            JOIN known USING (metric_name)
            JOIN (SELECT DISTINCT w.metric_name, w.alert_type, w.floor FROM windows w) kinds USING (metric_name)
            LEFT JOIN baseline b USING (metric_name, dimension, value)
            LEFT JOIN live USING (metric_name, dimension, value)
            -- What is told of all events is told of no slice.
            WHERE p_complete OR live.since IS NOT NULL OR NOT EXISTS (
                SELECT FROM monitoring_alerts a
                WHERE a.labels IS NULL AND a.metric_name = p.metric_name AND a.slice_dimension IS NULL AND a.status <> 'resolved')
        ),
        told AS MATERIALIZED (                          -- those that could show something, and where there is an alert
            SELECT shown.*
            FROM shown
            JOIN own USING (metric_name, dimension, value)
            WHERE shown.bad >= v_bad OR own.since IS NOT NULL
        ),
        numbered AS MATERIALIZED (
            SELECT p.id, s.* FROM stretches s JOIN present p USING (by_hours, dimension, value)
        ),
        running AS (                                    -- at each place the sums of all that is before
            SELECT
                p.id,
                coalesce(sum(s.total_events) OVER earlier, 0) AS total, coalesce(sum(s.latency_events) OVER earlier, 0) AS measured,
                coalesce(sum(s.fallback_events) OVER earlier, 0) AS fallback,
                coalesce(sum(s.total_events * s.fallback_rate) OVER earlier, 0) AS fallback_expected,
                coalesce(sum(s.failed_events) OVER earlier, 0) AS failed,
                coalesce(sum(s.total_events * s.error_rate) OVER earlier, 0) AS failed_expected,
                coalesce(sum(s.duplicate_events) OVER earlier, 0) AS duplicate,
                coalesce(sum(s.total_events * s.duplicate_rate) OVER earlier, 0) AS duplicate_expected,
                coalesce(sum(s.slow_events) OVER earlier, 0) AS slow,
                coalesce(sum(s.latency_events * s.slow_rate) OVER earlier, 0) AS slow_expected
            FROM present p
            CROSS JOIN LATERAL generate_series(1, p.places) place
            LEFT JOIN numbered s USING (id, place)
            WHERE p.total >= v_least OR p.id IN (SELECT told.id FROM told)
            WINDOW earlier AS (PARTITION BY p.id ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            ORDER BY p.id, place
        ),
        back AS MATERIALIZED (
            SELECT
                r.id, array_agg(r.total) AS total, array_agg(r.measured) AS measured,
                array_agg(r.fallback) AS fallback, array_agg(r.fallback_expected) AS fallback_expected,
                array_agg(r.failed) AS failed, array_agg(r.failed_expected) AS failed_expected,
                array_agg(r.duplicate) AS duplicate, array_agg(r.duplicate_expected) AS duplicate_expected,
                array_agg(r.slow) AS slow, array_agg(r.slow_expected) AS slow_expected
            FROM running r
            GROUP BY r.id
        ),
        curves AS MATERIALIZED (
            SELECT told.metric_name, told.by_hours, told.dimension, told.value, each.total, each.bad, each.expected
            FROM back
            CROSS JOIN LATERAL (VALUES
                ('fallback_rate',  back.total,    back.fallback,  back.fallback_expected),
                ('error_rate',     back.total,    back.failed,    back.failed_expected),
                ('duplicate_rate', back.total,    back.duplicate, back.duplicate_expected),
                ('latency_p95',    back.measured, back.slow,      back.slow_expected)) each (metric_name, total, bad, expected)
            JOIN told USING (id, metric_name)
        ),
        sums AS MATERIALIZED (
            SELECT s.*
            FROM (
                SELECT
                    w.at, w.metric_name, c.dimension, c.value, w.window_seconds, w.starts_at, w.ends_at, own.since,
                    c.total[w.until] - c.total[w.begin] AS total,
                    c.bad[w.until] - c.bad[w.begin] AS bad,
                    (c.expected[w.until] - c.expected[w.begin]) * own.factor AS expected,
                    coalesce(c.bad[w.until] - c.bad[w.recent], 0) AS recent_bad,
                    coalesce(c.expected[w.until] - c.expected[w.recent], 0) * own.factor AS recent_expected,
                    own.dispersion
                FROM curves c
                JOIN own USING (metric_name, dimension, value)
                JOIN windows w ON w.metric_name = c.metric_name AND w.by_hours = c.by_hours
                OFFSET 0
            ) s
            WHERE s.total > 0 AND (
                s.since IS NOT NULL
                OR (s.total >= v_least OR s.bad >= 2 * v_bad) AND s.bad >= v_bad AND s.bad >= 1.2 * s.expected
                    AND monitoring_poisson_likelihood(s.bad, s.expected) / s.dispersion >= 4)
        ),
        volumes AS MATERIALIZED (                       -- so many values are looked at: of latency by hours, of the rates by both
            SELECT each.is_latency, p.by_hours, p.dimension, p.value, each.total
            FROM present p
            JOIN back USING (id)
            CROSS JOIN LATERAL (VALUES (false, back.total), (true, back.measured)) each (is_latency, total)
            WHERE (p.by_hours OR NOT each.is_latency) AND EXISTS (SELECT FROM sums)
        ),
        crowd AS MATERIALIZED (
            SELECT asked.at, asked.is_latency, count(DISTINCT (v.dimension, v.value)) AS watched
            FROM (SELECT DISTINCT sums.at, sums.metric_name = 'latency_p95' AS is_latency FROM sums) asked
            JOIN volumes v ON v.is_latency = asked.is_latency
            CROSS JOIN LATERAL (
                SELECT CASE WHEN v.by_hours THEN monitoring_place(v_far, date_trunc('hour', asked.at, 'UTC'), 3600)
                            ELSE monitoring_place(v_near, asked.at, 300) END AS place
            ) until
            WHERE (NOT v.by_hours OR asked.at = ANY (p_hourly)) AND v.total[until.place] - v.total[greatest(until.place - 24, 1)] >= v_least
            GROUP BY asked.at, asked.is_latency
        ),
        calmness AS (                                   -- with hours since it opened, else of the last two
            SELECT
                moment AS at, own.metric_name, own.dimension, own.value,
                array_agg(greatest(0, steps.calm) ORDER BY multiples.place) AS calm
            FROM own
            CROSS JOIN unnest(p_moments) moment
            CROSS JOIN LATERAL (SELECT moment = ANY (p_hourly) AS by_hours) grain
            JOIN curves c
                ON c.metric_name = own.metric_name AND c.dimension = own.dimension AND c.value = own.value AND c.by_hours = grain.by_hours
            CROSS JOIN LATERAL (
                SELECT
                    CASE WHEN c.by_hours THEN monitoring_place(v_far, date_trunc('hour', moment, 'UTC'), 3600)
                         ELSE monitoring_place(v_near, moment, 300) END AS until,
                    CASE WHEN c.by_hours THEN monitoring_place(v_far, date_trunc('hour', own.since, 'UTC'), 3600)
                         ELSE monitoring_place(v_near, date_trunc('hour', own.since, 'UTC'), 300) END AS begin
            ) span
            CROSS JOIN (VALUES (1, 1.6::double precision), (2, 2), (3, 3)) multiples (place, multiple)
            CROSS JOIN LATERAL (
                SELECT max(
                    ((multiples.multiple - 1) * (c.expected[span.until] - c.expected[place]) * own.factor
                        - (c.bad[span.until] - c.bad[place]) * ln(multiples.multiple)) / own.dispersion) AS calm
                FROM generate_series(greatest(span.begin, span.until - CASE WHEN c.by_hours THEN 72 ELSE 24 END, 1), span.until - 1) place
            ) steps
            WHERE own.since IS NOT NULL
            GROUP BY moment, own.metric_name, own.dimension, own.value
        )
        SELECT
            s.at, s.metric_name, own.alert_type, s.dimension, s.value, s.window_seconds, s.starts_at, s.ends_at, s.since,
            s.total, s.bad, s.expected, own.weight, own.dispersion,
            s.expected * 86400 / s.window_seconds, s.recent_bad, s.recent_expected,
            calmness.calm, own.baseline_total, own.baseline_bad, own.baseline_until, own.floored, coalesce(crowd.watched, 1)
        FROM sums s
        JOIN own USING (metric_name, dimension, value)
        LEFT JOIN crowd ON crowd.at = s.at AND crowd.is_latency = (s.metric_name = 'latency_p95')
        LEFT JOIN calmness
            ON calmness.at = s.at AND calmness.metric_name = s.metric_name AND calmness.dimension = s.dimension
            AND calmness.value = s.value;
END
$$;
COMMENT ON FUNCTION monitoring_slice_counts(timestamptz[], jsonb, boolean, timestamptz[]) IS
    'For moments of one UTC day, each rate, each value of a dimension that has an alert or could show something, and each window: '
    'events, bad ones, how many the value''s own past lets expect (its factor (X + 10) / (E + 10) over the profile''s rates, never '
    'under the floor), the bad events which that rests on, the scatter of its hours, and, while it has an alert, calm as in '
    'monitoring_window_counts (with hours of three days, else of the last two hours). watched: how many values were looked at, those '
    'with at least slices.least_events in the last two hours or, with hours, the last 24. Not complete: without the metrics that have '
    'an alert on all events, but for slices with one of their own.';

CREATE OR REPLACE FUNCTION monitoring_judge_slices(p_moments timestamptz[], p_settings jsonb, p_complete boolean, p_hourly timestamptz[])
RETURNS TABLE (at timestamptz, judgement monitoring_judgement)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_least_bad double precision := (p_settings ->> 'least_bad_events')::double precision;
    v_least     double precision := (p_settings -> 'slices' ->> 'least_events')::double precision;
BEGIN
    IF NOT (p_settings -> 'slices' ->> 'enabled')::boolean THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH counts AS MATERIALIZED (
            SELECT c.*
            FROM monitoring_slice_counts(p_moments, p_settings, p_complete, p_hourly) c
            WHERE c.total >= v_least OR c.bad >= 2 * v_least_bad OR c.live_since IS NOT NULL
        ),
        tested AS MATERIALIZED (
            SELECT
                c.*,
                -- All values of all four metrics together raise as many false alerts as one more metric of all events.
                monitoring_level(p_settings, c.daily, c.dispersion) / (4 * c.watched) AS level,
                c.recent_bad / nullif(c.recent_expected, 0) AS recent_ratio,
                s.threshold_low, s.threshold_medium, s.threshold_high, s.threshold_critical,
                CASE WHEN c.bad >= v_least_bad AND c.bad >= 1.2 * c.expected
                    THEN monitoring_poisson_ratio_p(c.bad / c.dispersion, c.expected / c.dispersion, c.weight / c.dispersion)
                END AS p_value
            FROM counts c
            JOIN monitoring_metric_settings(p_settings) s USING (metric_name)
        ),
        shown AS MATERIALIZED (
            SELECT t.*, t.p_value <= t.level AND (t.window_seconds < 21600 OR t.recent_ratio >= 1.2) AS proven
            FROM tested t
            WHERE t.live_since IS NOT NULL OR t.p_value <= t.level
        ),
        latencies AS MATERIALIZED (                     -- the usual p95 of each value that is asked for, once
            SELECT
                asked.dimension, asked.value,
                monitoring_slice_latency(asked.dimension, asked.value, spans.baseline_from, spans.baseline_until, spans.unfit) AS usual
            FROM (SELECT DISTINCT s.dimension, s.value FROM shown s WHERE s.metric_name = 'latency_p95' AND s.proven) asked
            JOIN monitoring_baseline_spans(
                p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer,
                (p_moments[1] AT TIME ZONE 'UTC')::date) spans
                ON spans.metric_name = 'latency_p95'
        ),
        valued AS (
            SELECT
                s.*,
                CASE WHEN s.metric_name <> 'latency_p95' THEN s.bad / nullif(s.total, 0)
                     WHEN s.proven THEN monitoring_slice_latency(s.dimension, s.value, s.starts_at, s.ends_at) END AS current_value,
                CASE WHEN s.metric_name <> 'latency_p95' THEN s.expected / nullif(s.total, 0)
                     WHEN s.proven THEN latencies.usual END AS baseline_value
            FROM shown s
            LEFT JOIN latencies USING (dimension, value)
        ),
        compared AS (
            SELECT v.*, round((v.current_value / nullif(v.baseline_value, 0))::numeric, 4)::double precision AS ratio FROM valued v
        ),
        graded AS (
            SELECT
                c.*,
                monitoring_ratio_severity(
                    c.ratio, c.threshold_low, c.threshold_medium, c.threshold_high, c.threshold_critical, false) AS grade
            FROM compared c
        )
        SELECT g.at, ROW (
            g.metric_name, g.alert_type, g.dimension, g.value, g.window_seconds, 0, g.starts_at, g.ends_at, g.metric_name, 'evidence',
            g.current_value, g.baseline_value, g.ratio, g.total, g.bad, g.expected,
            CASE WHEN g.proven THEN monitoring_poisson_ratio_bound(
                g.bad / g.dispersion, g.expected / g.dispersion, g.weight / g.dispersion, g.level) END,
            g.p_value, g.level, g.dispersion, g.weight, g.recent_ratio, g.calm,
            CASE
                WHEN g.bad < v_least_bad THEN 'too_few'
                WHEN NOT coalesce(g.proven, false) THEN CASE WHEN g.grade IS NULL THEN 'below_threshold' ELSE 'within_noise' END
                WHEN g.grade IS NULL THEN 'below_threshold'
                ELSE g.grade
            END,
            NULL::text, g.floored, g.dimension, g.value,
            CASE WHEN g.bad > g.expected THEN monitoring_poisson_likelihood(g.bad, g.expected) ELSE 0 END / g.dispersion,
            jsonb_build_object('baseline_events', g.baseline_total, 'baseline_bad_events', g.baseline_bad),
            NULL::timestamptz, g.baseline_until,
            g.threshold_low, g.threshold_medium, g.threshold_high, g.threshold_critical)::monitoring_judgement
        FROM graded g;
END
$$;
COMMENT ON FUNCTION monitoring_judge_slices(timestamptz[], jsonb, boolean, timestamptz[]) IS
    'The single values of the dimensions that got worse at moments of one UTC day, and those that have an alert, in windows that end '
    'there, the longer ones at the moments in p_hourly alone. The evidence rule as for all events, at a level shared by the four metrics '
    'and by all the values with at least slices.least_events in a window. With twice least_bad_events fewer events are enough.';

CREATE OR REPLACE FUNCTION monitoring_is_told(p_status text, p_resolved_by text, p_held_severity text, p_severity text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT p_status <> 'resolved'
    OR p_resolved_by IS NOT NULL AND coalesce(monitoring_severity_rank(p_severity) <= monitoring_severity_rank(p_held_severity), false)
$$;
COMMENT ON FUNCTION monitoring_is_told(text, text, text, text) IS
    'Whether an alert (its status, who resolved it, the severity that it is held at) says already what would be told at a severity: it is '
    'live, or a person has resolved it and its condition goes on no worse. One that was ended as part of another is held by nobody.';

CREATE OR REPLACE FUNCTION monitoring_slice_stands_alone(p_row jsonb, p_settings jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
DECLARE
    v_part      text := p_row ->> 'metric_name';
    v_dimension text := p_row ->> 'slice_dimension';
    v_value     text := p_row ->> 'slice_value';
    v_day       date := ((p_row ->> 'ends_at')::timestamptz AT TIME ZONE 'UTC')::date;
    v_from      timestamptz := (p_row ->> 'starts_at')::timestamptz;
    v_until     timestamptz := (p_row ->> 'ends_at')::timestamptz;
    v_bit       integer := CASE v_part WHEN 'fallback_rate' THEN 2 WHEN 'error_rate' THEN 4 ELSE 1 END;
    v_factor    double precision := (p_row ->> 'expected')::double precision;
    v_bad       double precision;
    v_expected  double precision;
    v_whole     double precision;
BEGIN
    IF NOT EXISTS (
        SELECT FROM monitoring_alerts a
        WHERE a.labels IS NULL AND a.metric_name = v_part AND a.slice_dimension IS NOT NULL
          AND monitoring_is_told(a.status, a.resolved_by, a.held_severity, p_row ->> 'severity')
          AND (a.slice_dimension, a.slice_value) IS DISTINCT FROM (v_dimension, v_value)) THEN
        RETURN true;
    END IF;
    WITH profile AS (
        SELECT p.hour_of_day, p.rate, p.latency_p95
        FROM monitoring_profile(p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer, v_day) p
        WHERE p.metric_name = v_part
    ),
    own AS (                                            -- a slice is judged by what is slow for its models, all events together are not
        SELECT b.value AS model, b.latency_factor
        FROM monitoring_slices_of_baseline(
            p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer, v_day) b
        WHERE v_part = 'latency_p95' AND v_dimension IS NOT NULL AND b.latency_factor IS NOT NULL
    ),
    slice AS (
        SELECT
            each.total * profile.rate AS expected, each.bad,
            EXISTS (
                SELECT FROM monitoring_alerts a
                WHERE a.labels IS NULL AND a.metric_name = v_part
                  AND monitoring_is_told(a.status, a.resolved_by, a.held_severity, p_row ->> 'severity')
                  AND (a.slice_dimension, a.slice_value) IS DISTINCT FROM (v_dimension, v_value)
                  AND a.slice_value = CASE a.slice_dimension
                        WHEN 'model' THEN s.model WHEN 'backend' THEN s.backend WHEN 'agent' THEN s.agent ELSE s.version END) AS told
        FROM monitoring_rollup_slices s
        JOIN profile ON profile.hour_of_day = extract(hour FROM s.hour_start AT TIME ZONE 'UTC')::integer
        LEFT JOIN own ON own.model = s.model
        CROSS JOIN LATERAL (                            -- of latency whole hours, of all else the five minutes that lie in the window
            SELECT
                s.latency_events AS total,
                monitoring_count_above(s.latency_values, s.latency_counts, profile.latency_p95 * coalesce(own.latency_factor, 1)) AS bad
            WHERE v_part = 'latency_p95'
            UNION ALL
            SELECT coalesce(sum(m.events), 0), coalesce(sum(m.events) FILTER (WHERE m.mark & v_bit <> 0), 0)
            FROM unnest(s.mark_values, s.mark_counts) AS m (mark, events)
            WHERE v_part <> 'latency_p95' AND s.hour_start + (m.mark >> 4) * interval '5 minutes' >= v_from
              AND s.hour_start + (m.mark >> 4) * interval '5 minutes' < v_until
        ) each
        WHERE s.hour_start > v_from - interval '1 hour' AND s.hour_start < v_until
          AND (v_dimension IS NULL OR v_value =
            CASE v_dimension WHEN 'model' THEN s.model WHEN 'backend' THEN s.backend WHEN 'agent' THEN s.agent ELSE s.version END)
    )
    SELECT sum(bad) FILTER (WHERE NOT told), sum(expected) FILTER (WHERE NOT told), sum(expected) INTO v_bad, v_expected, v_whole FROM slice;
    v_factor := v_factor / nullif(v_whole, 0);          -- the slice's own level over the profile's
    RETURN coalesce(v_bad >= (p_settings ->> 'least_bad_events')::double precision AND monitoring_poisson_ratio_p(
        v_bad / (p_row ->> 'dispersion')::double precision, v_expected * v_factor / (p_row ->> 'dispersion')::double precision,
        (p_row ->> 'weight')::double precision / (p_row ->> 'dispersion')::double precision)
        <= (p_row ->> 'significance')::double precision, false);
END
$$;
COMMENT ON FUNCTION monitoring_slice_stands_alone(jsonb, jsonb) IS
    'Whether what a slice, or all events together, show (a judgement as JSON) is still proven without the events of those slices of the '
    'metric that are told already: a model''s failures make its backend and its agent look bad too, and all events.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f064_slices', '743ce5e928cfd8a3')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f065_attribution ====================================================================================
-- Who causes it.

CREATE OR REPLACE FUNCTION monitoring_slice_stretch(
    p_from timestamptz, p_until timestamptz, p_limits double precision[], p_models text[], p_factors double precision[], p_by_hours boolean)
RETURNS TABLE (starts_at timestamptz, dimension text, value text, total_events bigint, unsuccessful_events bigint, failed_events bigint,
               fallback_events bigint, duplicate_events bigint, latency_events bigint, slow_events bigint)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_first CONSTANT timestamptz := date_trunc('hour', p_from + interval '59 minutes 59 seconds', 'UTC');
    v_last  CONSTANT timestamptz := date_trunc('hour', p_until, 'UTC');
BEGIN
    IF p_by_hours THEN
        RETURN QUERY SELECT * FROM monitoring_slice_hours(date_trunc('hour', p_from, 'UTC'), p_until, p_limits, p_models, p_factors);
        RETURN;
    END IF;
    IF v_first < v_last THEN
        RETURN QUERY SELECT * FROM monitoring_slice_hours(v_first, v_last, NULL, NULL, NULL);
    END IF;
    RETURN QUERY
        SELECT b.*, 0::bigint, 0::bigint
        FROM (VALUES (p_from, least(v_first, p_until)), (greatest(v_last, v_first), p_until)) edges (at, until)
        CROSS JOIN LATERAL monitoring_slice_buckets(edges.at, edges.until) b
        WHERE edges.at < edges.until;
END
$$;
COMMENT ON FUNCTION monitoring_slice_stretch(timestamptz, timestamptz, double precision[], text[], double precision[], boolean) IS
    'What monitoring_slice_hours gives of the whole hours in a stretch, and monitoring_slice_buckets of its edges; by hours, which slow events '
    'need, of every hour that the stretch touches.';

CREATE OR REPLACE FUNCTION monitoring_attribution(
    p_part text, p_from timestamptz, p_at timestamptz, p_baseline_name text, p_window_days integer)
RETURNS TABLE (dimension text, value text, total_events bigint, bad_events bigint, expected_events double precision,
               excess_share double precision, likelihood double precision, margin double precision, blamed boolean)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_is_traffic CONSTANT boolean := p_part = 'total_events';
    v_rates double precision[];                         -- by hour of day, from 0; of traffic the events themselves
    v_slow  double precision[];
BEGIN
    SELECT array_agg(p.rate ORDER BY day.hour), array_agg(p.latency_p95 ORDER BY day.hour)
    INTO v_rates, v_slow
    FROM generate_series(0, 23) day (hour)
    LEFT JOIN monitoring_profile(p_baseline_name, p_window_days, (p_at AT TIME ZONE 'UTC')::date) p
        ON p.hour_of_day = day.hour AND p.metric_name = p_part;
    IF array_remove(v_rates, NULL) = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH before AS MATERIALIZED (                   -- the baseline's share of each value
            SELECT b.dimension, b.value, b.total_events AS total, b.bad_events AS bad, b.expected, b.latency_factor
            FROM monitoring_slices_of_baseline(p_baseline_name, p_window_days, (p_at AT TIME ZONE 'UTC')::date) b
            WHERE b.metric_name = CASE WHEN v_is_traffic THEN 'unsuccessful_rate' ELSE p_part END
        ),
        latencies AS (
            SELECT array_agg(b.value) AS models, array_agg(b.latency_factor) AS factors FROM before b WHERE b.latency_factor IS NOT NULL
        ),
        present AS MATERIALIZED (
            SELECT
                h.dimension, h.value,
                sum(each.total)::double precision AS total, sum(each.bad)::double precision AS bad,
                sum(each.total * v_rates[each.place]) AS expected
            FROM latencies
            CROSS JOIN LATERAL monitoring_slice_stretch(
                p_from, p_at, v_slow, latencies.models, latencies.factors, p_part = 'latency_p95') h
            CROSS JOIN LATERAL (
                SELECT
                    extract(hour FROM h.starts_at AT TIME ZONE 'UTC')::integer + 1 AS place,
                    CASE p_part WHEN 'latency_p95' THEN h.latency_events ELSE h.total_events END AS total,
                    CASE p_part
                        WHEN 'fallback_rate' THEN h.fallback_events
                        WHEN 'error_rate' THEN h.failed_events
                        WHEN 'duplicate_rate' THEN h.duplicate_events
                        WHEN 'unsuccessful_rate' THEN h.unsuccessful_events
                        WHEN 'latency_p95' THEN h.slow_events
                        WHEN 'total_events' THEN h.total_events
                    END AS bad
            ) each
            GROUP BY h.dimension, h.value
        ),
        usual AS (                                      -- what was to be expected of all; of traffic by the hours that lie in the stretch
            SELECT CASE
                WHEN v_is_traffic THEN (
                    SELECT sum(v_rates[extract(hour FROM bucket AT TIME ZONE 'UTC')::integer + 1] / 12)
                    FROM generate_series(p_from, p_at - interval '5 minutes', interval '5 minutes') bucket)
                ELSE (SELECT sum(present.expected) FROM present WHERE present.dimension = 'backend')
            END AS expected
        ),
        everything AS (
            SELECT usual.expected, coalesce(sum(present.bad), 0) AS bad
            FROM usual LEFT JOIN present ON present.dimension = 'backend'
            GROUP BY usual.expected
        ),
        raw AS (                                        -- its own level before, shrunk towards that of all: that of one not seen before
            SELECT
                dimension, value, coalesce(p.total, 0) AS total, coalesce(p.bad, 0) AS bad,
                CASE
                    WHEN v_is_traffic THEN coalesce(b.total, 0)
                    ELSE p.expected * (coalesce(b.bad, 0) + 10) / (coalesce(b.expected, 0) + 10)
                END AS expected
            FROM present p
            FULL JOIN before b USING (dimension, value)
            WHERE p.total > 0 OR v_is_traffic
        ),
        expected AS (                                   -- brought to the sum that the profile expects of these hours
            SELECT
                r.dimension, r.value, r.total, r.bad,
                r.expected * everything.expected / nullif(sum(r.expected) OVER (PARTITION BY r.dimension), 0) AS expected,
                everything.bad AS all_bad, everything.expected AS all_expected
            FROM raw r
            CROSS JOIN everything
        ),
        scored AS (                                     -- Poisson log-likelihood over the expectation, of the value alone and of all alike
            SELECT
                e.dimension, e.value, e.total, e.bad, e.expected,
                (e.bad - e.expected) / nullif(e.all_bad - e.all_expected, 0) AS excess_share,
                CASE WHEN (e.bad > e.expected) <> v_is_traffic AND e.bad <> e.expected
                    THEN monitoring_poisson_likelihood(e.bad, e.expected) ELSE 0 END AS likelihood,
                CASE WHEN (e.all_bad > e.all_expected) <> v_is_traffic AND e.all_bad <> e.all_expected
                    THEN monitoring_poisson_likelihood(e.all_bad, e.all_expected) END AS likelihood_of_all
            FROM expected e
            WHERE e.expected > 0
        )
        SELECT
            s.dimension, s.value, s.total::bigint, s.bad::bigint, s.expected, s.excess_share, s.likelihood,
            s.likelihood - s.likelihood_of_all,
            s.value <> '' AND s.likelihood >= s.likelihood_of_all + 1
                AND row_number() OVER (ORDER BY s.value = '', s.likelihood DESC, s.dimension, s.value) = 1
        FROM scored s
        WHERE s.likelihood > 0
        ORDER BY s.likelihood DESC, s.dimension, s.value
        LIMIT 20;
END
$$;
COMMENT ON FUNCTION monitoring_attribution(text, timestamptz, timestamptz, text, integer) IS
    'Which slices hold the excess of bad events over the expectation (of traffic: what is missing), latency by whole hours, the likeliest '
    'first. margin: by how much log-likelihood it explains the counts better than if all had grown alike. blamed: at most one value, the '
    'likeliest where its margin is 1 or more.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f065_attribution', 'd81b27ee92c89002')
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
    v_is_relayed  boolean;
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
    -- Evaluations, acceptances and people wait for each other here: of fingerprints and the data version, each would hold what
    -- another waits for.
    PERFORM FROM monitoring_evaluation_state FOR UPDATE;
    SELECT fingerprint, origin IS NOT NULL INTO v_fingerprint, v_is_relayed FROM monitoring_alerts WHERE id = p_alert_id;
    IF v_is_relayed THEN
        PERFORM monitoring_lock_relay();
    ELSIF FOUND THEN
        PERFORM monitoring_lock_fingerprint(v_fingerprint);
    END IF;
    -- The condition holds as long as the latest evaluation saw it, or it is not known to be over. Of one from elsewhere that is known
    -- apart from it.
    SELECT a.origin IS NULL AND a.last_evidence_at >= coalesce(nullif(state.applied_at, '-infinity'), a.last_evidence_at),
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

CREATE OR REPLACE FUNCTION monitoring_count_text(p_count numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE WHEN p_count < 10 THEN trim(to_char(p_count, 'FM999990.0')) ELSE round(p_count)::text END
$$;
COMMENT ON FUNCTION monitoring_count_text(numeric) IS 'An expected number of events as text: small ones with one decimal.';

CREATE OR REPLACE FUNCTION monitoring_metric_title(p_metric_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE p_metric_name
    WHEN 'fallback_rate' THEN 'Fallback rate'
    WHEN 'error_rate' THEN 'Error rate'
    WHEN 'duplicate_rate' THEN 'Duplicate rate'
    WHEN 'latency_p95' THEN 'Latency p95'
    WHEN 'health_score' THEN 'Health score'
    WHEN 'model_mix' THEN 'Model mix'
    WHEN 'total_events' THEN 'Traffic'
    ELSE p_metric_name
END
$$;
COMMENT ON FUNCTION monitoring_metric_title(text) IS 'A metric''s name as it stands at the beginning of a sentence.';

CREATE OR REPLACE FUNCTION monitoring_alert_headline(p_metric_name text, p_current numeric, p_baseline numeric, p_ratio numeric, p_evidence jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE p_metric_name
        WHEN 'latency_p95' THEN format(
            '%s %s ms over the last %s, %sx the expected %s ms', subject, round(p_current), window_text, ratio, round(p_baseline))
        WHEN 'health_score' THEN format(
            '%s %s over the last %s, down from the expected %s', subject, round(p_current, 1), window_text, round(p_baseline, 1))
        WHEN 'model_mix' THEN format(
            '%s moved over the last %s: %s from %s to %s', subject, window_text,
            coalesce('model ' || nullif(p_evidence -> 'risen' ->> 'model', ''), 'events without a model'),
            monitoring_percent((p_evidence -> 'risen' ->> 'baseline_share')::numeric),
            monitoring_percent((p_evidence -> 'risen' ->> 'share')::numeric))
        WHEN 'total_events' THEN format(
            '%s fell to %s events over the last %s; expected %s', subject, round(p_current), window_text,
            monitoring_count_text((p_evidence ->> 'expected_events')::numeric))
        ELSE format(
            '%s %s over the last %s, %sx the expected %s', subject, monitoring_percent(p_current), window_text, ratio,
            monitoring_percent(p_baseline))
    END
    || CASE WHEN p_evidence ? 'lag_days' THEN ', a slow drift from the baseline of a week before' ELSE '' END
FROM (
    SELECT
        monitoring_metric_title(p_metric_name)
            || CASE WHEN p_evidence ? 'dimension' THEN format(' of %s %s', p_evidence ->> 'dimension', p_evidence ->> 'value') ELSE '' END
            AS subject,
        monitoring_span_text((p_evidence ->> 'window_seconds')::integer) AS window_text,
        trim(to_char(p_ratio, 'FM999990.0')) AS ratio
) texts
$$;
COMMENT ON FUNCTION monitoring_alert_headline(text, numeric, numeric, numeric, jsonb) IS
    'What happened and how bad it is, without an end and without the small print.';

CREATE OR REPLACE FUNCTION monitoring_alert_summary(
    p_metric_name text, p_current numeric, p_baseline numeric, p_ratio numeric, p_evidence jsonb, p_affected text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT monitoring_alert_headline(p_metric_name, p_current, p_baseline, p_ratio, p_evidence)
    || CASE p_metric_name
        WHEN 'latency_p95' THEN format(' (%s of %s events above the usual p95; expected %s)', bad, total, expected)
        WHEN 'health_score' THEN format(
            ' (%s of %s events %s; expected %s)', bad, total,
            CASE p_evidence ->> 'counted' WHEN 'unsuccessful_rate' THEN 'not successful' WHEN 'fallback_rate' THEN 'fell back' ELSE 'were retried' END,
            expected)
        WHEN 'model_mix' THEN format(
            ' (of %s events; PSI %s, %sx its threshold %s)', total, round(p_current, 2), trim(to_char(p_ratio, 'FM999990.0')), round(p_baseline, 2))
        WHEN 'total_events' THEN ''
        ELSE format(' (%s of %s events; expected %s)', bad, total, expected)
    END
    || CASE WHEN p_evidence ? 'dimension' OR p_metric_name = 'model_mix' THEN '' ELSE coalesce(', mostly ' || p_affected, '') END || '.'
FROM (
    SELECT
        p_evidence ->> 'bad_events' AS bad,
        p_evidence ->> 'total_events' AS total,
        monitoring_count_text((p_evidence ->> 'expected_events')::numeric) AS expected
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
    -- Who causes it shows best in all of it: from the beginning of the window that first showed it, three days back at most.
    IF v_alert.status <> 'resolved' AND v_alert.live_since < p_at THEN
        v_from := greatest(least(v_from, (v_alert.context_data ->> 'since')::timestamptz), p_at - interval '72 hours');
    END IF;
    v_context := (p_row -> 'evidence') || jsonb_strip_nulls(jsonb_build_object('since', monitoring_time_text(v_from), 'peak_lower_bound', greatest(
        (p_row ->> 'lower_bound')::numeric,
        CASE WHEN v_alert.status <> 'resolved' AND v_alert.live_since < p_at THEN (v_alert.context_data ->> 'peak_lower_bound')::numeric END)));
    -- Who causes it is looked up when something happened, and once an hour; some judgements say it themselves.
    IF p_row ->> 'blamed_dimension' IS NOT NULL THEN
        v_context := v_context || jsonb_build_object('slices', jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
            'dimension', p_row -> 'blamed_dimension', 'value', p_row -> 'blamed_value', 'bad_events', p_row -> 'bad_events',
            'total_events', p_row -> 'total_events', 'expected_events', p_row -> 'expected_events',
            'blamed', p_row ->> 'blamed_value' IS NOT NULL))));
    ELSIF p_afresh OR v_alert.context_data ->> 'attributed_at' IS NULL
       OR (v_alert.context_data ->> 'attributed_at')::timestamptz <= p_at - interval '1 hour' THEN
        SELECT coalesce(jsonb_agg(jsonb_build_object(
                'dimension', dimension, 'value', value, 'bad_events', bad_events, 'total_events', total_events,
                'expected_events', round(expected_events::numeric, 3), 'excess_share', round(excess_share::numeric, 3),
                'blamed', blamed) ORDER BY likelihood DESC, dimension, value) FILTER (WHERE place <= 5 OR blamed), '[]')
        INTO v_causes
        FROM (
            SELECT *, row_number() OVER (ORDER BY likelihood DESC, dimension, value) AS place
            FROM monitoring_attribution(
                p_row ->> 'part', v_from, (p_row ->> 'ends_at')::timestamptz, p_settings -> 'baseline' ->> 'name',
                (p_settings -> 'baseline' ->> 'window_days')::integer)
        ) a;
        v_context := v_context || jsonb_build_object('attributed_at', monitoring_time_text(p_at), 'slices', v_causes);
    ELSE
        v_context := v_context || jsonb_build_object(
            'attributed_at', v_alert.context_data -> 'attributed_at', 'slices', v_alert.context_data -> 'slices');
    END IF;
    SELECT cause ->> 'dimension' AS dimension, cause ->> 'value' AS value INTO v_blamed
    FROM jsonb_array_elements(v_context -> 'slices') cause
    WHERE (cause ->> 'blamed')::boolean;

    v_context := v_context || jsonb_build_object('headline', monitoring_alert_headline(
        v_alert.metric_name, (p_row ->> 'current_value')::numeric, (p_row ->> 'baseline_value')::numeric, (p_row ->> 'ratio')::numeric, v_context));

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
    -- The one that is live, even where a person has reopened one that is not the latest.
    SELECT * INTO v_alert FROM monitoring_alerts
    WHERE fingerprint = p_fingerprint ORDER BY status = 'resolved', opened_at DESC, created_at DESC LIMIT 1 FOR UPDATE;
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
                (fingerprint, alert_type, severity, peak_severity, metric_name, slice_dimension, slice_value, metric_date, metric_hour,
                 opened_at, live_since, last_evidence_at)
            VALUES (
                p_fingerprint, p_row ->> 'alert_type', v_seen, v_seen, p_row ->> 'metric_name', p_row ->> 'slice_dimension',
                p_row ->> 'slice_value', (p_at AT TIME ZONE 'UTC')::date,
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

CREATE OR REPLACE FUNCTION monitoring_end_alerts(p_metric_name text, p_slices_only boolean, p_note text, p_clear boolean, p_at timestamptz)
RETURNS TABLE (alert_id uuid, transition text, severity text)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    v_alert record;
BEGIN
    -- What a person resolved is held until it is calm, which nobody looks for any more.
    IF p_clear THEN
        UPDATE monitoring_alerts AS a
        SET held_severity = NULL, cleared_at = p_at
        WHERE a.labels IS NULL AND a.metric_name = p_metric_name AND a.status = 'resolved' AND a.held_severity IS NOT NULL
            AND (a.slice_dimension IS NOT NULL OR NOT p_slices_only);
    END IF;
    FOR v_alert IN
        SELECT a.id, a.fingerprint
        FROM monitoring_alerts a
        WHERE a.labels IS NULL AND a.metric_name = p_metric_name AND a.status <> 'resolved' AND (a.slice_dimension IS NOT NULL OR NOT p_slices_only)
        ORDER BY a.fingerprint
    LOOP
        PERFORM monitoring_lock_fingerprint(v_alert.fingerprint);
        RETURN QUERY
            SELECT v_alert.id, t.transition, a.severity
            FROM monitoring_transition(v_alert.id, 'resolve', 'evaluation', 'monitor', NULL, p_note, NULL, NULL, p_at, NULL, p_clear) t
            JOIN monitoring_alerts a ON a.id = v_alert.id
            WHERE t.outcome = 'changed';
    END LOOP;
END
$$;
COMMENT ON FUNCTION monitoring_end_alerts(text, boolean, text, boolean, timestamptz) IS
    'Ends the live alerts of a metric, or those on its slices alone, with a note. p_clear false: their condition may still hold.';

CREATE OR REPLACE FUNCTION monitoring_is_told_by_slice(p_row jsonb, p_settings jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN EXISTS (
            SELECT FROM monitoring_alerts a
            WHERE a.labels IS NULL AND a.metric_name = p_row ->> 'metric_name' AND a.slice_dimension IS NOT NULL
              AND monitoring_is_told(a.status, a.resolved_by, a.held_severity, p_row ->> 'severity'))
        AND (
            EXISTS (
                SELECT
                FROM monitoring_attribution(
                    p_row ->> 'part', (p_row ->> 'starts_at')::timestamptz, (p_row ->> 'ends_at')::timestamptz,
                    p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer) cause
                JOIN monitoring_alerts a
                    ON a.labels IS NULL AND a.metric_name = p_row ->> 'metric_name' AND a.slice_dimension = cause.dimension
                    AND a.slice_value = cause.value
                    AND monitoring_is_told(a.status, a.resolved_by, a.held_severity, p_row ->> 'severity')
                WHERE cause.margin >= 1)
            -- Of latency slices hold whole hours alone: what is left of a shorter window is not known.
            OR p_row ->> 'metric_name' <> 'latency_p95' AND NOT monitoring_slice_stands_alone(p_row, p_settings));
END
$$;
COMMENT ON FUNCTION monitoring_is_told_by_slice(jsonb, jsonb) IS
    'Whether what all events together show (a row of monitoring_evaluate_windows as JSON) is the doing of slices that are told already: '
    'one of them explains it, or without their events nothing is proven.';

CREATE OR REPLACE FUNCTION monitoring_slice_stands_out(p_row jsonb, p_settings jsonb) RETURNS boolean
LANGUAGE sql STABLE
AS $$
SELECT EXISTS (
    SELECT
    FROM monitoring_attribution(
        p_row ->> 'part', (p_row ->> 'starts_at')::timestamptz, (p_row ->> 'ends_at')::timestamptz,
        p_settings -> 'baseline' ->> 'name', (p_settings -> 'baseline' ->> 'window_days')::integer) cause
    WHERE cause.dimension = p_row ->> 'slice_dimension' AND cause.value = p_row ->> 'slice_value' AND cause.margin >= 3)
$$;
COMMENT ON FUNCTION monitoring_slice_stands_out(jsonb, jsonb) IS
    'Whether a slice (a row of monitoring_evaluate_windows as JSON) explains what is seen better by far (a log-likelihood of 3, since '
    'the best of many values looks good by chance) than if all events had got worse alike: where they have, the alert is on all of '
    'them, and only needs a little longer.';

CREATE OR REPLACE FUNCTION monitoring_apply_evaluations(p_moments timestamptz[], p_settings jsonb DEFAULT NULL)
RETURNS TABLE (alert_id uuid, transition text, severity text)
LANGUAGE plpgsql
SET jit = off
SET plan_cache_mode = force_generic_plan           -- planning the judging anew would cost as much as the judging
AS $$
#variable_conflict use_column
DECLARE
    v_started   CONSTANT timestamptz := clock_timestamp();
    v_settings  CONSTANT jsonb := monitoring_effective_settings(p_settings);
    v_applied   timestamptz;
    v_moments   timestamptz[];
    v_hourly    timestamptz[];
    v_changed   timestamptz;                            -- a moment that changed what later ones are judged by
    v_condition record;
    v_live      record;
    v_step      record;
    v_is_broad  boolean;
BEGIN
    IF EXISTS (SELECT FROM unnest(p_moments) moment WHERE NOT coalesce(isfinite(moment), false)) THEN
        RAISE EXCEPTION 'p_at: a moment to evaluate is a time' USING ERRCODE = 'TMARG';
    END IF;
    PERFORM monitoring_check_settings(v_settings);
    SELECT applied_at INTO v_applied FROM monitoring_evaluation_state FOR UPDATE;
    WITH moments AS (
        SELECT DISTINCT monitoring_evaluated_moment(moment, v_settings) AS at FROM unnest(p_moments) moment
    ),
    due AS (                                            -- the past is over: it opens and closes nothing
        SELECT moments.at, lag(moments.at, 1, v_applied) OVER (ORDER BY moments.at) AS previous
        FROM moments
        WHERE moments.at >= v_applied
    )
    SELECT
        array_agg(due.at ORDER BY due.at),
        coalesce(array_agg(due.at ORDER BY due.at) FILTER (WHERE due.previous < date_trunc('hour', due.at, 'UTC')), '{}')
    INTO v_moments, v_hourly
    FROM due
    WHERE (due.at AT TIME ZONE 'UTC')::date = (SELECT min((first.at AT TIME ZONE 'UTC')::date) FROM due first);
    IF v_moments IS NULL THEN
        RETURN;
    END IF;
    PERFORM monitoring_fill_profile(
        v_settings -> 'baseline' ->> 'name', (v_settings -> 'baseline' ->> 'window_days')::integer,
        (v_moments[1] AT TIME ZONE 'UTC')::date - days_before)
    FROM unnest(CASE WHEN cardinality(v_hourly) > 0 THEN '{7,1,0}'::integer[] ELSE '{0}' END) days_before;
    -- What is switched off is watched by nobody: its alert ends.
    RETURN QUERY
        SELECT ended.*
        FROM monitoring_metric_settings(v_settings) s
        CROSS JOIN LATERAL monitoring_end_alerts(s.metric_name, s.enabled, 'No longer evaluated.', true, v_moments[1]) ended
        WHERE NOT s.enabled OR s.rule <> 'evidence' OR NOT (v_settings -> 'slices' ->> 'enabled')::boolean;
    -- All events before the slices: what is told of all is not told of each.
    FOR v_condition IN
        WITH judged AS MATERIALIZED (
            SELECT * FROM monitoring_evaluate_windows(v_moments, v_settings, false, v_hourly)
        ),
        condition AS (
            SELECT
                judged.at, judged.alert_type, judged.metric_name, judged.slice_dimension, judged.slice_value,
                jsonb_agg(to_jsonb(judged)) FILTER (WHERE judged.leads) -> 0 AS lead,
                max(judged.calm) FILTER (WHERE judged.lag_days = 0) AS calm,
                max(judged.calm) FILTER (WHERE judged.lag_days > 0) AS calm_of_drift,
                max(judged.likelihood) FILTER (WHERE judged.severity IS NOT NULL) AS likelihood
            FROM judged
            GROUP BY judged.at, judged.alert_type, judged.metric_name, judged.slice_dimension, judged.slice_value
            UNION ALL
            -- What has an alert, or a hold, and is judged no more: a slice without events, or what no window that is left looks at.
            SELECT moment, a.alert_type, a.metric_name, a.slice_dimension, a.slice_value, NULL, NULL, NULL, NULL
            FROM monitoring_alerts a
            CROSS JOIN unnest(v_hourly) moment
            WHERE a.labels IS NULL AND (a.status <> 'resolved' OR a.held_severity IS NOT NULL) AND NOT EXISTS (
                SELECT FROM judged
                WHERE judged.at = moment AND judged.metric_name = a.metric_name
                  AND judged.slice_dimension IS NOT DISTINCT FROM a.slice_dimension
                  AND judged.slice_value IS NOT DISTINCT FROM a.slice_value)
        )
        SELECT
            condition.*,
            monitoring_fingerprint(condition.alert_type, condition.metric_name, condition.slice_dimension, condition.slice_value) AS fingerprint
        FROM condition
        ORDER BY condition.at, condition.slice_dimension IS NOT NULL, condition.likelihood DESC NULLS LAST, fingerprint
    LOOP
        EXIT WHEN v_condition.at > v_changed;
        v_is_broad := v_condition.slice_dimension IS NULL;
        SELECT
            a.id, a.status, a.held_severity, (a.context_data ->> 'lag_days')::integer AS lag_days,
            a.context_data ? 'lag_days'
                OR (a.slice_dimension IS NOT NULL OR a.metric_name = 'model_mix')
                    AND (a.metric_name = 'latency_p95' OR (a.context_data ->> 'window_seconds')::integer > 7200) AS by_hours
        INTO v_live
        FROM monitoring_alerts a
        WHERE a.fingerprint = v_condition.fingerprint
        ORDER BY a.status = 'resolved', a.opened_at DESC, a.created_at DESC
        LIMIT 1;
        IF v_live.status IS NULL OR v_live.status = 'resolved' AND v_live.held_severity IS NULL THEN
            -- Nothing to go on with, and nothing new; or it is told already.
            CONTINUE WHEN v_condition.lead IS NULL;
            CONTINUE WHEN v_is_broad AND monitoring_is_told_by_slice(v_condition.lead, v_settings);
            CONTINUE WHEN NOT v_is_broad AND (
                EXISTS (
                    SELECT FROM monitoring_alerts a
                    WHERE a.labels IS NULL AND a.metric_name = v_condition.metric_name AND a.slice_dimension IS NULL
                      AND monitoring_is_told(a.status, a.resolved_by, a.held_severity, v_condition.lead ->> 'severity'))
                -- What was found to be over a moment ago is in the window still.
                OR monitoring_last_clearing(v_condition.metric_name, v_condition.at) > (v_condition.lead ->> 'starts_at')::timestamptz
                OR NOT monitoring_slice_stands_out(v_condition.lead, v_settings)
                OR NOT monitoring_slice_stands_alone(v_condition.lead, v_settings));
        ELSIF v_condition.lead IS NULL THEN
            -- What only whole hours showed is looked at with them.
            CONTINUE WHEN v_condition.at <> ALL (v_hourly) AND v_live.by_hours;
        END IF;
        IF coalesce((v_condition.lead ->> 'lag_days')::integer, v_live.lag_days) > 0 THEN
            v_condition.calm := v_condition.calm_of_drift;      -- and not against the one that has drifted along
        END IF;
        FOR v_step IN
            SELECT *
            FROM monitoring_step_alert(v_condition.fingerprint, v_condition.lead, v_condition.calm, v_settings, v_condition.at)
        LOOP
            v_changed := v_condition.at;
            RETURN QUERY SELECT v_step.alert_id, v_step.transition, v_step.severity;
            IF v_is_broad AND v_step.transition IN ('opened', 'reopened') THEN
                RETURN QUERY SELECT * FROM monitoring_end_alerts(
                    v_condition.metric_name, true, 'Part of the alert on all events.', false, v_condition.at);
            END IF;
        END LOOP;
        IF v_live.held_severity IS NOT NULL AND EXISTS (
            SELECT FROM monitoring_alerts a WHERE a.id = v_live.id AND a.held_severity IS DISTINCT FROM v_live.held_severity)
        THEN
            v_changed := v_condition.at;
        END IF;
    END LOOP;
    UPDATE monitoring_evaluation_state
    SET applied_at = coalesce(v_changed, v_moments[cardinality(v_moments)]), last_run_at = v_started,
        last_duration_ms = extract(epoch FROM clock_timestamp() - v_started) * 1000;
END
$$;
COMMENT ON FUNCTION monitoring_apply_evaluations(timestamptz[], jsonb) IS
    'Evaluates moments in their order and takes every alert one step on at each, in one transaction; the transitions that came of it. '
    'Those of the first UTC day alone, and none after one that changed an alert, since the rest is to be judged on that: how far it '
    'came stands in monitoring_evaluation_state.applied_at. Appliers wait for each other. The same moment again changes nothing; a '
    'moment before the latest one does nothing at all. What changes with whole hours only is looked at by the first evaluation after a '
    'full hour. An alert on all events ends those on slices of the same metric, and where a slice that has one explains what all '
    'events show, none is opened on all events.';

CREATE OR REPLACE FUNCTION monitoring_apply_evaluation(p_at timestamptz DEFAULT now(), p_settings jsonb DEFAULT NULL)
RETURNS TABLE (alert_id uuid, transition text, severity text)
LANGUAGE sql
AS $$
SELECT * FROM monitoring_apply_evaluations(ARRAY[p_at], p_settings)
$$;
COMMENT ON FUNCTION monitoring_apply_evaluation(timestamptz, jsonb) IS
    'Evaluates one moment: monitoring_apply_evaluations.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f070_lifecycle', '607873882ade72f4')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f071_clock ==========================================================================================
-- Clocks are set back. What was evaluated by one that was ahead would stop every evaluation until that time has come.

-- A few minutes are waited for, as between two machines whose clocks differ a little: the first evaluation after them goes on from
-- where the last one was.
CREATE OR REPLACE FUNCTION monitoring_take_back_future(p_now timestamptz DEFAULT now()) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM FROM monitoring_evaluation_state WHERE applied_at > p_now + interval '5 minutes' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- An hour back, so that what is looked at with whole hours only is looked at again.
    UPDATE monitoring_evaluation_state SET applied_at = p_now - interval '1 hour';
    -- What began in the future begins now, so that calm is waited for from now on. When it opened stays as it was told.
    UPDATE monitoring_alerts SET
        live_since = least(live_since, p_now),
        last_evidence_at = least(last_evidence_at, p_now),
        high_since = least(high_since, p_now),
        lower_since = least(lower_since, p_now),
        cleared_at = least(cleared_at, p_now)
    WHERE (status <> 'resolved' OR held_severity IS NOT NULL OR resolved_at > p_now)
        AND greatest(live_since, last_evidence_at, high_since, lower_since, cleared_at) > p_now;
    RETURN true;
END
$$;
COMMENT ON FUNCTION monitoring_take_back_future(timestamptz) IS
    'Where a moment more than five minutes ahead of p_now has been evaluated, by a clock that was ahead: lets evaluations go on at p_now. '
    'Whether there was one.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f071_clock', '40ebdb3e9c6401c1')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f072_documents ======================================================================================
-- Alerts as JSON for programs: the fields of the monitor API, keys in alphabetical order, null where there is no value, times as
-- RFC 3339 in UTC to the millisecond. Whoever passes an alert on takes this text as it is.

CREATE OR REPLACE FUNCTION monitoring_json_time(p_at timestamptz)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT replace(to_char((p_at + interval '500 microseconds') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z')
$function$;
COMMENT ON FUNCTION monitoring_json_time(timestamptz) IS
    'A moment as JSON documents write it: 2026-02-21T10:00:02.431Z, to the nearest millisecond, without a fraction where it has none.';

CREATE OR REPLACE FUNCTION monitoring_json_number(p_value numeric)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT CASE WHEN abs(p_value) < 'Infinity' THEN trim_scale(p_value) END
$function$;
COMMENT ON FUNCTION monitoring_json_number(numeric) IS
    'A number as JSON documents write it, without trailing zeros; null for what JSON has not: NaN and the infinities.';

CREATE OR REPLACE FUNCTION monitoring_json_text(p_value text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT coalesce(to_json(p_value)::text, 'null')
$function$;
COMMENT ON FUNCTION monitoring_json_text(text) IS 'A text as a JSON document writes it, quoted and escaped.';

CREATE OR REPLACE FUNCTION monitoring_json_word(p_value text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT coalesce('"' || p_value || '"', 'null')
$function$;
COMMENT ON FUNCTION monitoring_json_word(text) IS
    'A text in which nothing can be to escape, as a JSON document writes it: a moment, or a word that a check of its column allows.';

-- One expression over columns, without a FROM of its own: the planner writes it into the statement that calls it. Put together from texts,
-- which takes half the time of json_build_object; it has room for a hundred arguments, hence the two.
CREATE OR REPLACE FUNCTION monitoring_alert_document(p_alert monitoring_alerts)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT concat(
        '{"acknowledged_at":', monitoring_json_word(monitoring_json_time(p_alert.acknowledged_at)),
        ',"acknowledged_by":', monitoring_json_text(p_alert.acknowledged_by),
        ',"affected_agent":', monitoring_json_text(p_alert.affected_agent),
        ',"affected_backend":', monitoring_json_text(p_alert.affected_backend),
        ',"affected_model":', monitoring_json_text(p_alert.affected_model),
        ',"affected_version":', monitoring_json_text(p_alert.affected_version),
        ',"alert_type":', monitoring_json_word(p_alert.alert_type),
        ',"annotations":', coalesce(p_alert.annotations::text, 'null'),
        ',"baseline_value":', coalesce(monitoring_json_number(p_alert.baseline_value)::text, 'null'),
        ',"comparison_window_days":', coalesce(p_alert.comparison_window_days::text, 'null'),
        ',"context_data":', coalesce(p_alert.context_data::text, 'null'),
        ',"created_at":', monitoring_json_word(monitoring_json_time(p_alert.created_at)),
        ',"current_value":', coalesce(monitoring_json_number(p_alert.current_value)::text, 'null'),
        ',"deviation_ratio":', coalesce(monitoring_json_number(p_alert.deviation_ratio)::text, 'null'),
        ',"fingerprint":', monitoring_json_text(p_alert.fingerprint),
        ',"generator_url":', monitoring_json_text(p_alert.generator_url),
        ',"id":', monitoring_json_word(p_alert.id::text),
        ',"labels":', coalesce(p_alert.labels::text, 'null'),
        ',"metric_date":', to_json(p_alert.metric_date),
        ',"metric_hour":', coalesce(p_alert.metric_hour::text, 'null')) || concat(
        ',"metric_name":', monitoring_json_text(p_alert.metric_name),
        ',"notification_channels":', to_json(p_alert.notification_channels),
        ',"notified":', p_alert.notified::text,
        ',"notified_at":', monitoring_json_word(monitoring_json_time(p_alert.notified_at)),
        ',"opened_at":', monitoring_json_word(monitoring_json_time(p_alert.opened_at)),
        ',"origin":', monitoring_json_text(p_alert.origin),
        ',"peak_severity":', monitoring_json_word(p_alert.peak_severity),
        ',"related_events":', to_json(p_alert.related_events),
        ',"resolution_note":', monitoring_json_text(p_alert.resolution_note),
        ',"resolved_at":', monitoring_json_word(monitoring_json_time(p_alert.resolved_at)),
        ',"resolved_by":', monitoring_json_text(p_alert.resolved_by),
        ',"severity":', monitoring_json_word(p_alert.severity),
        ',"slice_dimension":', monitoring_json_word(p_alert.slice_dimension),
        ',"slice_value":', monitoring_json_text(p_alert.slice_value),
        ',"snoozed_until":', monitoring_json_word(monitoring_json_time(p_alert.snoozed_until)),
        ',"status":', monitoring_json_word(p_alert.status),
        ',"summary":', monitoring_json_text(p_alert.summary),
        ',"threshold_high":', coalesce(monitoring_json_number(p_alert.threshold_high)::text, 'null'),
        ',"threshold_low":', coalesce(monitoring_json_number(p_alert.threshold_low)::text, 'null'),
        ',"threshold_medium":', coalesce(monitoring_json_number(p_alert.threshold_medium)::text, 'null'),
        ',"updated_at":', monitoring_json_word(monitoring_json_time(p_alert.updated_at)),
        '}')
$function$;
COMMENT ON FUNCTION monitoring_alert_document(monitoring_alerts) IS
    'An alert as the monitor API shows it, a JSON object.';

CREATE OR REPLACE FUNCTION monitoring_transition_document(p_transition monitoring_alert_transitions)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT concat(
        '{"actor":', monitoring_json_text(p_transition.actor),
        ',"credential":', monitoring_json_text(p_transition.credential),
        ',"evidence":', coalesce(p_transition.evidence::text, 'null'),
        ',"from_severity":', monitoring_json_text(p_transition.from_severity),
        ',"from_status":', monitoring_json_text(p_transition.from_status),
        ',"note":', monitoring_json_text(p_transition.note),
        ',"occurred_at":', monitoring_json_word(monitoring_json_time(p_transition.occurred_at)),
        ',"sequence":', p_transition.sequence,
        ',"to_severity":', monitoring_json_text(p_transition.to_severity),
        ',"to_status":', monitoring_json_text(p_transition.to_status),
        ',"transition":', monitoring_json_word(p_transition.transition),
        '}')
$function$;
COMMENT ON FUNCTION monitoring_transition_document(monitoring_alert_transitions) IS
    'A step in an alert''s life as the monitor API shows it, a JSON object.';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f072_documents', '285c54b6d4989184')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f073_stream =========================================================================================
-- The order in which transitions are read by those who follow them: by id, which is given under a lock that is held until COMMIT.

CREATE OR REPLACE FUNCTION monitoring_order_transitions() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('monitoring_alert_transitions ' || TG_RELID, 0));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION monitoring_order_transitions() IS
    'Ids of transitions are given in the order in which their transactions commit: whoever has read up to an id never misses a '
    'smaller one that commits later.';

-- For the statement, which is before its rows take their ids.
CREATE OR REPLACE TRIGGER monitoring_alert_transitions_in_order
    BEFORE INSERT ON monitoring_alert_transitions
    FOR EACH STATEMENT EXECUTE FUNCTION monitoring_order_transitions();

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f073_stream', '75cf3683e9c84e6f')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f074_relay ==========================================================================================
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

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f074_relay', '249a7e87f4a171e9')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f075_delivery =======================================================================================
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

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f075_delivery', '4ce9e7bf3eb53142')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f077_fallback =======================================================================================
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

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f077_fallback', 'e6e1fd3fecd3ca6a')
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
    'the default, a threshold that is null, and everything else, is as the settings say; a threshold that is given holds for every metric but model_mix and total_events, whose ratios are of another kind. A moment ten minutes ago opens nothing; one more than ten minutes ahead is '
    'an error (SQLSTATE TMARG).';

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f080_check', '7d93e00cdc578012')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- f085_retention ======================================================================================
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

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f085_retention', '25c68689737e4819')
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
            AND relation.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
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

INSERT INTO monitoring_migrations (name, checksum) VALUES ('f095_security', '747c41c16867e9b2')
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

COMMIT;
