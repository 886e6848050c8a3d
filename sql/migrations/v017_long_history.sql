-- What a page asks of a history of years: which alerts of ours ended within its window, and when a receiver was told last that is
-- seldom told. An alert that has not been cleared is not looked for by when it was.

CREATE INDEX monitoring_alerts_by_end ON monitoring_alerts (resolved_at) WHERE labels IS NULL AND resolved_at IS NOT NULL;

CREATE INDEX monitoring_notifications_delivered ON monitoring_notifications (receiver, delivered_at) WHERE status = 'delivered';

DROP INDEX monitoring_alerts_by_clearing;
CREATE INDEX monitoring_alerts_by_clearing ON monitoring_alerts (metric_name, cleared_at) WHERE cleared_at IS NOT NULL;
