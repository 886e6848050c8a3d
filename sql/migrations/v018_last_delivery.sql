-- When a receiver last took a message stands in its row: an index of all deliveries cost every one of them, for a figure of a page.

ALTER TABLE monitoring_receivers
    ADD COLUMN delivered_at timestamptz;                      -- null: never, or not known
COMMENT ON COLUMN monitoring_receivers.delivered_at IS
    'When it last took a message, written when nothing more is on its way to it, and every few seconds while there is.';
UPDATE monitoring_receivers AS r
SET delivered_at = (
    SELECT max(n.delivered_at) FROM monitoring_notifications AS n WHERE n.receiver = r.receiver AND n.status = 'delivered');

DROP INDEX monitoring_notifications_delivered;
