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
