-- What delivery asks the database for more than once.

CREATE OR REPLACE FUNCTION monitoring_notification_due(
    p_receiver  text,
    p_group_key text,                                         -- null: it is told by itself
    p_wait      interval,                                     -- of a group that has been quiet
    p_interval  interval,                                     -- between two messages of a group
    p_at        timestamptz
) RETURNS timestamptz
LANGUAGE sql STABLE
AS $function$
    SELECT CASE WHEN p_group_key IS NULL THEN p_at ELSE coalesce(
        -- Others of its group wait already: with them.
        (SELECT min(waiting.due_at)
         FROM monitoring_notifications AS waiting
         WHERE waiting.receiver = p_receiver
             AND waiting.group_key = p_group_key
             AND waiting.frozen_at IS NULL
             AND waiting.status = 'pending'),
        greatest(
            p_at + p_wait,
            (SELECT max(sent.frozen_at)
             FROM monitoring_notifications AS sent
             WHERE sent.receiver = p_receiver
                 AND sent.group_key = p_group_key) + p_interval))
    END
$function$;
COMMENT ON FUNCTION monitoring_notification_due(text, text, interval, interval, timestamptz) IS
    'When a notification that is written at a moment is to be sent: at once, or together with its group.';
