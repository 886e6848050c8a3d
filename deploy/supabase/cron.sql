-- The monitor's jobs for pg_cron: for computing and evaluating without a worker, or beside one. It can be run again at any time.
CREATE EXTENSION IF NOT EXISTS pg_cron;

-- Rolls up what is new: the hours and days of monitoring_metrics that it touches are computed with it. Step by step, the newest
-- first, each step committed, for up to 40 seconds: what is left then, the next minute goes on with.
SELECT cron.schedule('monitoring-roll-up', '* * * * *', $job$
    DO $$
    DECLARE
        v_until timestamptz := clock_timestamp() + interval '40 seconds';
        v_step  record;
    BEGIN
        LOOP
            SELECT * INTO v_step FROM monitoring_roll_up();
            COMMIT;
            EXIT WHEN v_step.hours_pending = 0 OR clock_timestamp() > v_until;
            -- Somebody else rolls up.
            IF v_step.hours_changed = 0 AND v_step.events_read = 0 THEN
                PERFORM pg_sleep(0.25);
            END IF;
        END LOOP;
    END
    $$
$job$);

-- Evaluates on closed five-minute buckets; opens, escalates and resolves alerts.
SELECT cron.schedule('monitoring-check', '* * * * *', $$SELECT monitoring_take_back_future(); SELECT * FROM check_drift_and_alert()$$);

-- The hour before, with its own date, also at midnight.
SELECT cron.schedule('compute-hourly-metrics', '2 * * * *', $$
    SELECT *
    FROM (SELECT timezone('UTC', now() - interval '1 hour') AS hour) AS before
    CROSS JOIN LATERAL compute_hourly_metrics(before.hour::date, extract(hour FROM before.hour)::integer)
$$);

-- The baseline that the settings name, over their days. 02:00 UTC: pg_cron goes by UTC unless its cron.timezone, which came with
-- 1.5, says otherwise.
SELECT cron.schedule('update-daily-baseline', '0 2 * * *', $$SELECT update_baseline(); SELECT refresh_daily_metrics_mv();$$);

-- The first baseline, as soon as its days are rolled up, and one that was missed at night; else nothing.
SELECT cron.schedule('monitoring-first-baseline', '* * * * *', $$
    SELECT baseline.baseline_name
    FROM (
        SELECT
        WHERE NOT EXISTS (
                SELECT FROM monitoring_baseline
                WHERE baseline_name = monitoring_baseline_name() AND valid_until > now() - interval '5 minutes')
            AND NOT EXISTS (SELECT FROM monitoring_rollup_pending WHERE hour_start > now() - interval '9 days')
    ) AS due
    CROSS JOIN LATERAL update_baseline() AS baseline
$$);

-- What is past goes, batch after batch for at most 40 seconds: attempts and finished messages after 30 days, rolled-up detail after 120,
-- resolved alerts after 365. Other times are arguments of monitoring_remove_past().
SELECT cron.schedule('monitoring-retention', '17 * * * *', $job$
    DO $$
    DECLARE
        v_until    timestamptz := clock_timestamp() + interval '40 seconds';
        v_finished boolean;
    BEGIN
        LOOP
            SELECT is_finished INTO v_finished FROM monitoring_remove_past();
            COMMIT;
            EXIT WHEN v_finished OR clock_timestamp() > v_until;
        END LOOP;
    END
    $$
$job$);
