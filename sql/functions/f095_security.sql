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
