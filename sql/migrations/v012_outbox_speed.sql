-- What a burst of alerts costs: a row written, and looked at nowhere else.

-- A delivery marks its alert: with room for a second version of each on its page that touches no index.
ALTER TABLE monitoring_alerts SET (fillfactor = 50);

-- Each row of these looked up and locked the one that it belongs to, which whoever writes it has read, and often locked, before. That
-- nothing stays behind what is deleted is seen to by triggers: monitoring_forget_notifications and monitoring_forget_attempts.
ALTER TABLE monitoring_notifications DROP CONSTRAINT monitoring_notifications_alert_id_fkey;
ALTER TABLE monitoring_delivery_attempts DROP CONSTRAINT monitoring_delivery_attempts_notification_id_fkey;
