-- Clocks are set back. What was evaluated by one that was ahead would stop every evaluation until that time has come.

-- A few minutes are waited for, as between two machines whose clocks differ a little: the first evaluation after them goes on from
-- where the last one was.
CREATE OR REPLACE FUNCTION monitoring_take_back_future(p_now timestamptz DEFAULT now()) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM FROM monitoring_evaluation_state WHERE applied_at > p_now + interval '5 minutes' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- An hour back, so that what is looked at with whole hours only is looked at again.
    UPDATE monitoring_evaluation_state SET applied_at = p_now - interval '1 hour';
    -- What began in the future begins now, so that calm is waited for from now on. When it opened stays as it was told.
    UPDATE monitoring_alerts SET
        live_since = least(live_since, p_now),
        last_evidence_at = least(last_evidence_at, p_now),
        high_since = least(high_since, p_now),
        lower_since = least(lower_since, p_now),
        cleared_at = least(cleared_at, p_now)
    WHERE (status <> 'resolved' OR held_severity IS NOT NULL OR resolved_at > p_now)
        AND greatest(live_since, last_evidence_at, high_since, lower_since, cleared_at) > p_now;
    RETURN true;
END
$$;
COMMENT ON FUNCTION monitoring_take_back_future(timestamptz) IS
    'Where a moment more than five minutes ahead of p_now has been evaluated, by a clock that was ahead: lets evaluations go on at p_now. '
    'Whether there was one.';
