-- An end that a source names counts for more than one that follows from its silence.
ALTER TABLE monitoring_relayed_alerts ADD COLUMN ends_named boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN monitoring_relayed_alerts.ends_named IS 'Whether its source named the end: else it is over when it has not been seen for a time.';
DROP FUNCTION IF EXISTS monitoring_is_renewal(timestamptz, timestamptz, timestamptz);
DROP FUNCTION IF EXISTS monitoring_relay_alerts(
    text[], text[], text[], text[], text[], text[], text[], text[], timestamptz[], timestamptz[], text, text, timestamptz, interval, integer);
