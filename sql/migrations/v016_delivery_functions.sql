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
