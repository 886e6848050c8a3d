-- Whoever takes steps to route them gets what a message needs with them.
DROP FUNCTION IF EXISTS monitoring_take_unrouted(integer);
DROP FUNCTION IF EXISTS monitoring_tellable_at_once(uuid[], text[]);
