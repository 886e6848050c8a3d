-- What people did to the monitor's own state.

CREATE TABLE monitoring_audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action      text NOT NULL,                                -- accept_baseline
    subject     text NOT NULL,                                -- what it was done to: a baseline's name
    actor       text NOT NULL CHECK (actor <> ''),            -- the person's claimed name
    credential  text,                                         -- what the claim rests on: a token's name, 'local', 'cli'
    reason      text NOT NULL CHECK (reason <> ''),
    details     jsonb NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL
);
COMMENT ON TABLE monitoring_audit IS
    'What people did beyond single alerts, whose transitions say it themselves; written in the transaction of the change, never updated.';
CREATE INDEX monitoring_audit_by_time ON monitoring_audit (occurred_at DESC, id);
