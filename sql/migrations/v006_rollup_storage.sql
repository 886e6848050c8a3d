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
