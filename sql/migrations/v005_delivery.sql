-- Delivery: messages that tell of several alerts, reminders, and what is known of an endpoint over all processes.

-- A notification is one step to be told to one receiver; a message is the body of a request, which tells of one notification or
-- of a group of them. The id of a message is that of one of its notifications, in whose row its body stands.
ALTER TABLE monitoring_notifications
    ADD COLUMN group_key  text,                               -- null: it is told by itself
    ADD COLUMN message_id uuid,                               -- the notification that carries its message; null before the first attempt
    ADD COLUMN frozen_at  timestamptz;                        -- when its message was made: from then on, every attempt sends the same
COMMENT ON COLUMN monitoring_notifications.group_key IS
    'What is told together: notifications of one receiver with the same key that wait at the same time share a message.';
UPDATE monitoring_notifications SET message_id = id, frozen_at = updated_at WHERE body IS NOT NULL;

ALTER TABLE monitoring_notifications
    DROP CONSTRAINT monitoring_notifications_cause_check,
    ADD CONSTRAINT monitoring_notifications_cause_check CHECK (
        cause IN ('transition', 'repeat', 'escalation_step', 'silence_ended', 'snooze_ended', 'mute_ended', 'test'));

ALTER TABLE monitoring_alert_transitions
    DROP CONSTRAINT monitoring_alert_transitions_withheld_check,
    ADD CONSTRAINT monitoring_alert_transitions_withheld_check CHECK (withheld IN ('snoozed', 'silenced', 'muted'));

-- Every change of a status writes to each index that holds the row: only those that a question needs, and only for the rows it
-- asks about. What is delivered, nearly all of it, is in three.
DROP INDEX monitoring_notifications_due;
CREATE INDEX monitoring_notifications_due ON monitoring_notifications (receiver, due_at, created_at)
    WHERE status = 'pending' AND (message_id IS NULL OR message_id = id);
DROP INDEX monitoring_notifications_by_status;
CREATE INDEX monitoring_notifications_unfinished ON monitoring_notifications (status, created_at DESC)
    WHERE status IN ('pending', 'sending', 'dead', 'dropped');
CREATE INDEX monitoring_notifications_by_group ON monitoring_notifications (receiver, group_key, frozen_at)
    WHERE group_key IS NOT NULL;
-- A message of one has its own id, and needs no other way to it.
CREATE INDEX monitoring_notifications_by_message ON monitoring_notifications (message_id)
    WHERE message_id <> id;
CREATE INDEX monitoring_notifications_dead ON monitoring_notifications (receiver, created_at, id)
    WHERE status = 'dead';

-- A delivery marks its alert: with room on the page that touches no index.
ALTER TABLE monitoring_alerts SET (fillfactor = 80);

CREATE TABLE monitoring_reminders (
    alert_id uuid NOT NULL REFERENCES monitoring_alerts ON DELETE CASCADE,
    receiver text NOT NULL,
    cause    text NOT NULL CHECK (cause IN ('repeat', 'escalation_step')),
    due_at   timestamptz NOT NULL,
    PRIMARY KEY (alert_id, receiver, cause)
);
COMMENT ON TABLE monitoring_reminders IS
    'What is to be told later unless somebody takes the alert in hand: the next repetition, or the step to further receivers.';
CREATE INDEX monitoring_reminders_by_time ON monitoring_reminders (due_at);

ALTER TABLE monitoring_receivers
    ADD COLUMN openings  integer NOT NULL DEFAULT 0 CHECK (openings >= 0),  -- of the circuit breaker, without a success in between; 0: closed
    ADD COLUMN tokens    double precision,                    -- of the rate limit, when last looked at; null: full
    ADD COLUMN tokens_at timestamptz;
COMMENT ON COLUMN monitoring_receivers.openings IS
    'How often in a row the circuit breaker has opened: while it is not 0, one message at a time is tried, when paused_until is over.';
