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
