-- Sessions of people who signed in to the pages.

CREATE TABLE monitoring_sessions (
    id_digest  bytea PRIMARY KEY,                             -- SHA-256 of what the cookie holds, which is kept nowhere
    token_name text NOT NULL,                                 -- the listener's token that opened it
    token_mark bytea NOT NULL,                                -- HMAC of that token's digest under the cookie's secret: says nothing without it
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE monitoring_sessions IS
    'Who signed in to the pages, for all processes alike. A row ends with its time, by signing out, or with the token that opened it.';
CREATE INDEX monitoring_sessions_by_expiry ON monitoring_sessions (expires_at);
