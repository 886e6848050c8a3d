-- Requests that are sent twice, and lists of alerts that are long.

CREATE TABLE monitoring_idempotency_keys (
    credential    text NOT NULL,                              -- whose key it is: a token's name, or 'local'
    key           text NOT NULL,                              -- as the client sent it
    request       bytea NOT NULL,                             -- digest of method, path and body
    claim         uuid NOT NULL,                              -- of whoever serves it
    claimed_until timestamptz NOT NULL,                       -- after that it can be taken up by another: its process died
    status        integer,                                    -- null while it is being served
    content_type  text,
    answer        bytea,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (credential, key)
);
COMMENT ON TABLE monitoring_idempotency_keys IS
    'Answers to requests that carried an Idempotency-Key, for a day: the same request again is not done again.';
CREATE INDEX monitoring_idempotency_keys_by_age ON monitoring_idempotency_keys (created_at);

-- How many alerts match is counted from the index alone.
CREATE INDEX monitoring_alerts_by_severity ON monitoring_alerts (status, severity);
