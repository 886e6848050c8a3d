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
