-- What is told to the fallback receiver: what another one could not be.

ALTER TABLE monitoring_notifications
    ADD COLUMN fallback_at timestamptz;
COMMENT ON COLUMN monitoring_notifications.fallback_at IS
    'When it was looked at for the fallback receiver, since its own could not be told; null: not yet.';
ALTER TABLE monitoring_notifications
    DROP CONSTRAINT monitoring_notifications_cause_check,
    ADD CONSTRAINT monitoring_notifications_cause_check CHECK (
        cause IN ('transition', 'repeat', 'escalation_step', 'silence_ended', 'snooze_ended', 'mute_ended', 'fallback', 'test'));
CREATE INDEX monitoring_notifications_undelivered ON monitoring_notifications (receiver, created_at)
    WHERE status = 'dead' AND fallback_at IS NULL;
