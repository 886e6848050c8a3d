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
