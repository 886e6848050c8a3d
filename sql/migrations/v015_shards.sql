-- Events may lie on several servers. Each of them collects its own, by the hour and by what they say, and these tables
-- are what is read of them here: they have no rows themselves, and deploy/sharding.sql makes foreign tables that belong to them.

CREATE TABLE monitoring_shard_slices (
    hour_start timestamptz,                                   -- of the events: a UTC hour
    model      text,                                          -- the rest as monitoring_read_events() has it
    backend    text,
    agent      text,
    version    text,
    event_type text,
    reason     text,
    newest     timestamptz,                                   -- the latest created_at
    keys       bigint[]                                       -- as monitoring_compute_run() has them, one an event
);
COMMENT ON TABLE monitoring_shard_slices IS
    'The events of other servers, each server''s collected by itself: monitoring_event_slices there. Empty but for the foreign tables below it.';

CREATE TABLE monitoring_shard_horizons (
    horizon timestamptz
);
COMMENT ON TABLE monitoring_shard_horizons IS
    'The time before which no event can appear any more on another server: monitoring_event_horizon there. Empty but for the foreign tables below it.';

CREATE TABLE monitoring_shard_hours (
    hour_start timestamptz
);
COMMENT ON TABLE monitoring_shard_hours IS
    'The UTC hours in which events occurred on other servers: monitoring_event_hours there. Empty but for the foreign tables below it.';

ALTER TABLE monitoring_rollup_state ADD COLUMN shard_horizon timestamptz;
COMMENT ON COLUMN monitoring_rollup_state.shard_horizon IS 'The earliest horizon of all other servers with events, as the last roll-up found it.';
