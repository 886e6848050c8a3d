-- The order in which transitions are read by those who follow them: by id, which is given under a lock that is held until COMMIT.

CREATE OR REPLACE FUNCTION monitoring_order_transitions() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('monitoring_alert_transitions ' || TG_RELID, 0));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION monitoring_order_transitions() IS
    'Ids of transitions are given in the order in which their transactions commit: whoever has read up to an id never misses a '
    'smaller one that commits later.';

-- For the statement, which is before its rows take their ids.
CREATE OR REPLACE TRIGGER monitoring_alert_transitions_in_order
    BEFORE INSERT ON monitoring_alert_transitions
    FOR EACH STATEMENT EXECUTE FUNCTION monitoring_order_transitions();
