-- Detection asks for alerts of ours alone: those that came from elsewhere may be many times as many.
CREATE INDEX monitoring_alerts_by_metric ON monitoring_alerts (metric_name, opened_at) WHERE labels IS NULL;
