-- learning_events belongs to the producer. Where it exists, anywhere on the search_path, it is left exactly as it is; where
-- it does not (an empty database, a test, a demonstration) it is made here as the producer would have made it.

DO $block$
DECLARE
    role_name text;
BEGIN
    IF to_regclass('learning_events') IS NOT NULL THEN
        RAISE NOTICE 'learning_events exists and stays as it is; the index that finds changes is built outside of a transaction: %',
            format('CREATE INDEX CONCURRENTLY IF NOT EXISTS monitoring_learning_events_updated_at ON %s (updated_at);',
                   to_regclass('learning_events'));
        RETURN;
    END IF;

    CREATE TABLE learning_events (
        id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        event_id         text NOT NULL UNIQUE,                -- the producer's idempotency key
        event_type       text NOT NULL,
        category         text,
        source_agent     text,
        source_tool      text,
        source_trace_id  text,
        session_id       text,
        trace_id         text,
        event_data       jsonb NOT NULL DEFAULT '{}',
        before_state     jsonb,
        after_state      jsonb,
        impact_score     numeric(3,2),
        confidence       numeric(3,2),
        status           text DEFAULT 'pending',              -- of the event's review, not its outcome
        reviewed_by      text,
        reviewed_at      timestamptz,
        related_event_id uuid,
        duplicate_count  integer DEFAULT 1,                   -- over 1: the event was retried
        last_seen_at     timestamptz,
        occurred_at      timestamptz NOT NULL DEFAULT now(),  -- the time that counts for every window
        created_at       timestamptz NOT NULL DEFAULT now(),
        updated_at       timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE learning_events IS 'One row for every interaction of an agent, written by the console''s backend.';

    CREATE INDEX learning_events_event_type ON learning_events (event_type);
    CREATE INDEX learning_events_status ON learning_events (status);
    CREATE INDEX learning_events_occurred_at ON learning_events (occurred_at DESC);
    CREATE INDEX learning_events_trace_id ON learning_events (trace_id);
    CREATE INDEX learning_events_session_id ON learning_events (session_id);
    CREATE INDEX monitoring_learning_events_updated_at ON learning_events (updated_at);

    CREATE FUNCTION learning_events_touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $function$
    BEGIN
        NEW.updated_at := now();
        RETURN NEW;
    END
    $function$;
    COMMENT ON FUNCTION learning_events_touch_updated_at() IS 'Sets updated_at of a changed event.';
    CREATE TRIGGER learning_events_updated_at BEFORE UPDATE ON learning_events
        FOR EACH ROW EXECUTE FUNCTION learning_events_touch_updated_at();

    ALTER TABLE learning_events ENABLE ROW LEVEL SECURITY;
    FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
        EXECUTE format('GRANT SELECT ON learning_events TO %I', role_name);
        EXECUTE format('CREATE POLICY %I ON learning_events FOR SELECT TO %I USING (true)',
                       'learning_events_' || role_name || '_reads', role_name);
    END LOOP;
    FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname = 'service_role' LOOP
        EXECUTE format('GRANT ALL ON learning_events TO %I', role_name);
        EXECUTE format('CREATE POLICY %I ON learning_events FOR ALL TO %I USING (true) WITH CHECK (true)',
                       'learning_events_' || role_name || '_does_all', role_name);
    END LOOP;
END
$block$;
