-- What another server reads here is read under that server's search_path; and where events are shared already, they are shared as
-- this version has it.

CREATE OR REPLACE FUNCTION monitoring_horizon_here() RETURNS timestamptz
LANGUAGE sql VOLATILE AS 'SELECT monitoring_ingest_horizon()';
COMMENT ON FUNCTION monitoring_horizon_here() IS 'monitoring_ingest_horizon(), whatever the search_path.';

CREATE OR REPLACE FUNCTION monitoring_hours_here() RETURNS SETOF timestamptz
LANGUAGE sql STABLE AS 'SELECT monitoring_hours_with_events()';
COMMENT ON FUNCTION monitoring_hours_here() IS 'monitoring_hours_with_events(), whatever the search_path.';

DO $block$
BEGIN
    EXECUTE format('ALTER FUNCTION monitoring_horizon_here() SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION monitoring_hours_here() SET search_path = %I, pg_temp', current_schema());
    IF to_regclass(quote_ident(current_schema()) || '.monitoring_event_slices') IS NOT NULL THEN
        PERFORM monitoring_share_events();
    END IF;
END
$block$;
