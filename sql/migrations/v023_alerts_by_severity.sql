-- The gravest alerts of a status are found without looking at the others.
DROP INDEX monitoring_alerts_by_severity;
CREATE INDEX monitoring_alerts_by_severity ON monitoring_alerts (status, severity, opened_at DESC, id);
