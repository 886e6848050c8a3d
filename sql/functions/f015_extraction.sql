-- What an event says, read without ever throwing. Nothing validates event_data, so every field may hold anything. The functions are single expressions or a single SELECT, so that the planner writes them into
-- the query that calls them; there is no call for each row.

-- Bytes are known at once, characters must be counted.
CREATE OR REPLACE FUNCTION monitoring_cut(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(p_text) > 200 AND length(p_text) > 200 THEN left(p_text, 200) || '…' ELSE p_text END
$$;
COMMENT ON FUNCTION monitoring_cut(text) IS 'The text to 200 characters, then cut with an ellipsis.';

-- A string is a number where it is plain decimal: no exponent, no spaces. Its length is bounded, so that the cast, which
-- can hold 131,072 digits, never overflows.
CREATE OR REPLACE FUNCTION monitoring_number(p_value jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(p_value)
        WHEN 'number' THEN p_value::numeric
        WHEN 'string' THEN
            CASE WHEN length(p_value #>> '{}') <= 1000 AND p_value #>> '{}' ~ '^[-+]?[0-9]+(\.[0-9]+)?$'
                THEN (p_value #>> '{}')::numeric
            END
    END
$$;
COMMENT ON FUNCTION monitoring_number(jsonb) IS 'A JSON number, or a string that is a plain decimal number; null for anything else.';

CREATE OR REPLACE FUNCTION monitoring_milliseconds(p_duration numeric) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_duration >= 0 AND p_duration <= 2147483647 THEN round(p_duration)::integer END
$$;
COMMENT ON FUNCTION monitoring_milliseconds(numeric) IS
    'A duration in whole milliseconds, rounded half away from zero; null below 0 and beyond 2147483647.';

-- The text of a value that is no string begins with a digit, a sign, a bracket or a brace, or is true or false. Only where it
-- does is the value itself looked at, which costs more than its text.
CREATE OR REPLACE FUNCTION monitoring_is_string(p_text text, p_value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN ascii(p_text) IN (45, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 91, 102, 116, 123) THEN jsonb_typeof(p_value) = 'string'
        ELSE p_text IS NOT NULL OR NULL
    END
$$;
COMMENT ON FUNCTION monitoring_is_string(text, jsonb) IS
    'Whether a value, given with its text, is a string; null where it is missing or null.';

-- "|| '{}'" decompresses a document that is stored out of line once, and makes an array of anything but an object, in which
-- no field is found. Every OFFSET 0 keeps the planner from copying an expression to each of its readers; what each level
-- reads has been computed once.
CREATE OR REPLACE FUNCTION monitoring_extract(p_event_data jsonb)
RETURNS TABLE (
    readable       boolean,   -- event_data is an object
    reward         numeric,
    duration_ms    integer,
    model          text,      -- '' where there is none
    backend        text,
    version        text,      -- service:version of the first hop
    is_fallback    boolean,
    reason         text,
    bad_reward     boolean,   -- malformed, by field
    bad_duration   boolean,
    bad_model      boolean,
    bad_backend    boolean,
    bad_telemetry  boolean
)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT
        parsed.readable,
        parsed.reward,
        monitoring_milliseconds(parsed.duration),
        CASE WHEN parsed.has_model THEN monitoring_cut(parsed.model) ELSE '' END,
        CASE WHEN parsed.has_backend THEN monitoring_cut(parsed.backend) ELSE '' END,
        coalesce(monitoring_cut(parsed.version), ''),
        parsed.reason IS NOT NULL,
        monitoring_cut(parsed.reason),
        parsed.reward IS NULL AND jsonb_typeof(parsed.raw_reward) <> 'null',
        monitoring_milliseconds(parsed.duration) IS NULL AND jsonb_typeof(parsed.raw_duration) <> 'null',
        NOT parsed.has_model,
        NOT parsed.has_backend,
        CASE WHEN jsonb_typeof(parsed.hop) = 'object' AND jsonb_typeof(parsed.telemetry -> 'request_chain') = 'array'
            THEN false
            ELSE CASE jsonb_typeof(parsed.telemetry)
                WHEN 'object' THEN
                    CASE jsonb_typeof(parsed.telemetry -> 'request_chain')
                        WHEN 'array' THEN parsed.hop IS NOT NULL
                        ELSE jsonb_typeof(parsed.telemetry -> 'request_chain') <> 'null'
                    END
                ELSE jsonb_typeof(parsed.telemetry) <> 'null'
            END
        END
    FROM (
        SELECT
            document.readable,
            document.raw_reward,
            monitoring_number(document.raw_reward) AS reward,
            document.raw_duration,
            monitoring_number(document.raw_duration) AS duration,
            document.model,
            monitoring_is_string(document.model, document.memory -> 'model') AS has_model,
            document.backend,
            monitoring_is_string(document.backend, document.memory -> 'backend') AS has_backend,
            document.telemetry,
            document.hop,
            document.hop ->> 'fallback_reason' AS reason,
            CASE WHEN document.version <> '' AND monitoring_is_string(document.version, document.hop -> 'version')
                THEN CASE WHEN document.service <> '' AND monitoring_is_string(document.service, document.hop -> 'service')
                    THEN document.service || ':' || document.version
                    ELSE document.version
                END
            END AS version
        FROM (
            SELECT first_hop.*, hop ->> 'service' AS service, hop ->> 'version' AS version
            FROM (
                SELECT
                    memory,
                    jsonb_typeof(memory) = 'object' AS readable,
                    memory -> 'reward' AS raw_reward,
                    memory -> 'duration_ms' AS raw_duration,
                    memory ->> 'model' AS model,
                    memory ->> 'backend' AS backend,
                    memory -> 'telemetry' AS telemetry,
                    memory -> 'telemetry' -> 'request_chain' -> 0 AS hop
                FROM (SELECT p_event_data || '{}' AS memory OFFSET 0) AS decompressed
                OFFSET 0
            ) AS first_hop
            OFFSET 0
        ) AS document
        OFFSET 0
    ) AS parsed
$$;
COMMENT ON FUNCTION monitoring_extract(jsonb) IS
    'What an event_data says, whatever it holds: one row, no error, with a flag for every field that is malformed.';
