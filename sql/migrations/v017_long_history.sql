-- What a page asks of a history of years: which alerts of ours ended within its window, and when a receiver was told last that is
-- seldom told.

CREATE INDEX monitoring_alerts_by_end ON monitoring_alerts (resolved_at) WHERE labels IS NULL AND resolved_at IS NOT NULL;

CREATE INDEX monitoring_notifications_delivered ON monitoring_notifications (receiver, delivered_at) WHERE status = 'delivered';
