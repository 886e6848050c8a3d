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
