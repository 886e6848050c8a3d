-- What waits in the outbox: a group keeps its interval, a silence reaches it, and answers that were kept hold no link.

ALTER TABLE monitoring_notifications
    ADD COLUMN group_interval_ms bigint;                      -- between two messages of its group; null: it is in none
COMMENT ON COLUMN monitoring_notifications.group_interval_ms IS
    'Between two messages of its group, as its route said when it was written; null: it is in none.';

ALTER TABLE monitoring_silences
    ADD COLUMN applied_at timestamptz;                        -- null: what waits has not been looked at for it
COMMENT ON COLUMN monitoring_silences.applied_at IS
    'When notifications that waited already were held back for it last; null: not yet.';

-- Whoever has a link may act. Receivers quote what they are sent: 76 characters of base64url are the token of one.
UPDATE monitoring_delivery_attempts
SET answer = regexp_replace(answer, '[A-Za-z0-9_-]{76,}', '[scrubbed]', 'g')
WHERE answer ~ '[A-Za-z0-9_-]{76,}';
