-- What the benchmarks ask the database for. Times are CPU times of the session's process, in milliseconds: Linux and a superuser.

CREATE FUNCTION benchmark_cpu() RETURNS double precision LANGUAGE sql VOLATILE AS $$
    SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::double precision / 1e6
$$;
COMMENT ON FUNCTION benchmark_cpu() IS 'CPU time that this session has used.';

CREATE FUNCTION benchmark_took(p_statement text) RETURNS double precision LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_before double precision := benchmark_cpu();
BEGIN
    EXECUTE p_statement;
    RETURN benchmark_cpu() - v_before;
END
$$;
COMMENT ON FUNCTION benchmark_took(text) IS 'CPU time of a statement.';

-- Log-normal latencies, four models, two backends, three agents or more, three versions, 3 % fallbacks, 2 % duplicates.
CREATE FUNCTION benchmark_insert(
    p_events integer, p_per_hour double precision, p_from timestamptz, p_prefix text, p_text integer DEFAULT 0,
    p_ingested timestamptz DEFAULT now(), p_more_agents integer DEFAULT 0)
RETURNS void LANGUAGE sql VOLATILE AS $$
    INSERT INTO learning_events (event_id, event_type, category, source_agent, event_data, duplicate_count, occurred_at, created_at, updated_at)
    SELECT
        p_prefix || n,
        CASE WHEN n % 50 = 0 THEN 'failure' ELSE 'chat_interaction' END,
        'learning',
        (ARRAY['prince_flowers', 'prince_flowers', 'prince_flowers', 'scout', 'archivist']
            || ARRAY(SELECT 'agent-' || more FROM generate_series(1, p_more_agents) AS more))[1 + n % (5 + p_more_agents)],
        format(
            '{"session_id": "s-%1$s", "reward": %2$s, "duration_ms": %3$s, "model": "%4$s", "backend": "%5$s", %6$s"telemetry": '
            '{"request_chain": [{"service": "%5$s", "version": "%7$s", "latency_ms": %3$s, "fallback_reason": %8$s}]}}',
            n % 5000,
            round((CASE WHEN dice[1] < 0.03 THEN 0.2 ELSE 0.55 + dice[1] * 0.4 END)::numeric, 2),
            floor(exp(7.6 + 0.55 * sqrt(-2 * ln(1 - dice[2])) * cos(2 * pi() * dice[3])))::integer,
            (ARRAY['claude-sonnet-4-6', 'claude-sonnet-4-6', 'claude-opus-4-6', 'claude-haiku-4-5', 'gpt-5-mini'])[1 + floor(dice[4] * 5)::integer],
            CASE WHEN dice[5] < 0.7 THEN 'railway' ELSE 'vercel' END,
            CASE WHEN p_text > 0 THEN format('"user_query": "%s", ', (
                SELECT string_agg((ARRAY['the', 'question', 'of', 'a', 'user', 'about', 'their', 'order', 'was', 'answered', 'with', 'some', 'figures',
                    'and', 'references', 'to', 'documents', 'that', 'explain', 'it'])[1 + floor(random() * 20)::integer] || word % 7, ' ')
                FROM generate_series(1, p_text / 7 + 0 * n) AS word)) END,
            '1.0.' || 6 + n * 2 / greatest(p_events, 1) + CASE WHEN dice[6] < 0.2 THEN 0 ELSE 1 END,
            CASE WHEN dice[7] < 0.02 THEN '"timeout"' WHEN dice[7] < 0.03 THEN '"rate_limit"' ELSE 'null' END)::jsonb,
        CASE WHEN dice[8] < 0.02 THEN 2 ELSE 1 END,
        p_from + n * (3600 / p_per_hour) * interval '1 second',
        p_ingested, p_ingested
    FROM (
        SELECT n, ARRAY[random(), random(), random(), random(), random(), random(), random(), random()] AS dice
        FROM generate_series(0, p_events - 1) AS n
        OFFSET 0
    ) AS rolled
$$;
COMMENT ON FUNCTION benchmark_insert(integer, double precision, timestamptz, text, integer, timestamptz, integer) IS
    'Inserts events from p_from on, so many an hour, with so many bytes of text in each, as if ingested then.';

CREATE PROCEDURE benchmark_backfill() LANGUAGE plpgsql AS $$
DECLARE
    v_pending integer := 1;
BEGIN
    WHILE v_pending > 0 LOOP
        SELECT hours_pending INTO v_pending FROM monitoring_roll_up();
        COMMIT;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE benchmark_backfill() IS 'Rolls up until nothing is pending, a transaction a step, as the worker does.';

CREATE PROCEDURE benchmark_forget() LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE monitoring_rollup, monitoring_rollup_slices, monitoring_rollup_pending, monitoring_rollup_values, monitoring_metrics;
    UPDATE monitoring_rollup_state SET watermark = '-infinity', seen = '{}';
END
$$;
COMMENT ON PROCEDURE benchmark_forget() IS 'Throws away what was computed.';
