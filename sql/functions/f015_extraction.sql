-- What an event says, read without ever throwing. Nothing validates event_data, so every field may hold anything. The functions
-- are single expressions or a single SELECT, so that the planner writes them into the query that calls them; there is no call
-- for each row. Each expression tries what a well-formed event holds first, and looks closer only where that fails. Those that a view
-- calls (f016_shards.sql) have their names resolved when they are made: another server reads that view, under a search_path of its own.

-- Bytes are known at once, characters must be counted.
CREATE OR REPLACE FUNCTION monitoring_cut(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN octet_length(p_text) > 200 AND length(p_text) > 200 THEN left(p_text, 200) || '…' ELSE p_text END;
END;
COMMENT ON FUNCTION monitoring_cut(text) IS 'The text to 200 characters, then cut with an ellipsis.';

-- A string is a number where it is plain decimal: no exponent, no spaces. Its length is bounded, so that the cast, which
-- can hold 131,072 digits, never overflows.
CREATE OR REPLACE FUNCTION monitoring_number(p_value jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE jsonb_typeof(p_value)
        WHEN 'number' THEN p_value::numeric
        WHEN 'string' THEN
            CASE WHEN length(p_value #>> '{}') <= 1000 AND p_value #>> '{}' ~ '^[-+]?[0-9]+([.][0-9]+)?$'
                THEN (p_value #>> '{}')::numeric
            END
    END;
END;
COMMENT ON FUNCTION monitoring_number(jsonb) IS 'A JSON number, or a string that is a plain decimal number; null for anything else.';

-- Not null, and with the first character of a text that may be no string: a digit, a sign, a bracket, a brace, true or false.
-- Called only then, because to look at the value costs more than to look at its text.
CREATE OR REPLACE FUNCTION monitoring_string(p_text text, p_value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_text IS NULL THEN '' WHEN jsonb_typeof(p_value) = 'string' THEN p_text END;
END;
COMMENT ON FUNCTION monitoring_string(text, jsonb) IS
    'The text of a value where that is a string, '''' where it is missing or null, null where it is anything else.';

CREATE OR REPLACE FUNCTION monitoring_version(p_telemetry jsonb, p_hop jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN jsonb_typeof(p_hop) = 'object' THEN
            CASE WHEN jsonb_typeof(p_hop -> 'version') = 'string' AND p_hop ->> 'version' <> ''
                THEN CASE WHEN jsonb_typeof(p_hop -> 'service') = 'string' AND p_hop ->> 'service' <> ''
                    THEN (p_hop ->> 'service') || ':' || (p_hop ->> 'version')
                    ELSE p_hop ->> 'version'
                END
                ELSE ''
            END
        ELSE CASE coalesce(jsonb_typeof(p_telemetry), 'null')
            WHEN 'null' THEN ''
            WHEN 'object' THEN CASE coalesce(jsonb_typeof(p_telemetry -> 'request_chain'), 'null')
                WHEN 'null' THEN ''
                WHEN 'array' THEN CASE WHEN p_hop IS NULL THEN '' END
            END
        END
    END;
END;
COMMENT ON FUNCTION monitoring_version(jsonb, jsonb) IS
    'service:version of the first hop, the version alone where the service is none, '''' where there is no version; '
    'null where telemetry is no object, its request_chain no array, or the first element of that no object.';

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
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT
        jsonb_typeof(memory) = 'object',
        reward,
        CASE WHEN duration BETWEEN 0 AND 2147483647 THEN duration::integer END,
        coalesce(monitoring_cut(model), ''),
        coalesce(monitoring_cut(backend), ''),
        coalesce(monitoring_cut(version), ''),
        reason IS NOT NULL,
        monitoring_cut(reason),
        reward IS NULL AND coalesce(jsonb_typeof(memory -> 'reward') <> 'null', false),
        duration NOT BETWEEN 0 AND 2147483647 OR duration IS NULL AND coalesce(jsonb_typeof(memory -> 'duration_ms') <> 'null', false),
        model IS NULL,
        backend IS NULL,
        version IS NULL
    FROM (
        SELECT
            memory,
            monitoring_number(memory -> 'reward') AS reward,
            monitoring_number(memory -> 'duration_ms') AS duration,
            monitoring_string(memory ->> 'model', memory -> 'model') AS model,
            monitoring_string(memory ->> 'backend', memory -> 'backend') AS backend,
            monitoring_version(memory -> 'telemetry', memory -> 'telemetry' -> 'request_chain' -> 0) AS version,
            memory -> 'telemetry' -> 'request_chain' -> 0 ->> 'fallback_reason' AS reason
        FROM (SELECT p_event_data || '{}' AS memory OFFSET 0) AS decompressed
        OFFSET 0
    ) AS said;
END;
COMMENT ON FUNCTION monitoring_extract(jsonb) IS
    'What one event_data says, whatever it holds: one row, no error, with a flag for every field that is malformed.';

-- The texts of JSON numbers, booleans, arrays and objects: a string may read the same, and only its value tells.
CREATE OR REPLACE FUNCTION monitoring_is_doubtful(p_text text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN ascii(p_text) > 57 AND ascii(p_text) NOT IN (91, 102, 116, 123) THEN false
        ELSE p_text ~ '^(-?[0-9]+([.][0-9]+)?|true|false|[[{].*)$'
    END
$$;
COMMENT ON FUNCTION monitoring_is_doubtful(text) IS 'Whether the text of a JSON value may be that of something else than a string.';

CREATE OR REPLACE FUNCTION monitoring_is_doubtful_version(p_version text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p_version = '' THEN false
        WHEN ascii(p_version) > 58 AND ascii(p_version) NOT IN (91, 102, 116, 123) AND p_version NOT LIKE '%:%:%'
            AND ascii(split_part(p_version, ':', 2)) BETWEEN 48 AND 57 AND split_part(p_version, ':', 2) LIKE '%.%.%' THEN false
        ELSE p_version ~ '(^|:)(-?[0-9]+([.][0-9]+)?|true|false)?(:|$)|(^|:)[[{]'
    END
$$;
COMMENT ON FUNCTION monitoring_is_doubtful_version(text) IS
    'Whether service:version, put together from the texts of two JSON values, may hold that of an empty one or of something else than a string.';

-- The same for all events of a time, for the roll-up, which counts every nanosecond. It has two ways:
--
-- plain: takes every event for well-formed. A reward or duration that is no number raises invalid_parameter_value, a duration that is
-- no integer numeric_value_out_of_range; texts come unseen, and the caller must ask of each whether it is doubtful, once for
-- many events. If nothing is raised and no text is doubtful, the result is that of the other way, which is to be taken otherwise.
--
-- guarded: throws never. An expression tries what a well-formed event holds first, and looks closer only where that fails.
--
-- "|| '{}'" decompresses a document that is stored out of line once, and makes an array of anything but an object, in which
-- no field is found. Every OFFSET 0 keeps the planner from copying an expression to each of its readers; what each level
-- reads has been computed once, and each level costs, so there are few. Texts come as they are: whoever counts them cuts
-- them, once for many events. A malformed text is null, so that all events of one combination of texts are malformed alike.
CREATE OR REPLACE FUNCTION monitoring_read_events(
    p_from timestamptz, p_until timestamptz, p_hours timestamptz[], p_lossy timestamptz[], p_added uuid[], p_retried uuid[],
    p_all boolean, p_plain boolean, p_start double precision)
RETURNS TABLE (
    slot            integer,   -- as monitoring_compute_run has them: five minutes, numbered from p_start on
    created_at      timestamptz,
    duplicate_count integer,   -- -1 for one of p_retried
    agent           text,
    event_type      text,      -- null where event_data is no object
    model           text,      -- '' where there is none, null where it is malformed
    backend         text,
    version         text,      -- service:version of the first hop; null where telemetry is malformed
    reason          text,      -- not null: the event is a fallback
    reward_bits     integer,   -- as monitoring_compute_run has them
    duration_bits   bigint
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        no + no / 12 * 4,
        created_at,
        duplicate_count,
        source_agent,
        CASE WHEN model IS NOT NULL THEN event_type WHEN jsonb_typeof(memory) = 'object' THEN event_type END,
        CASE WHEN p_plain THEN coalesce(model, '')
            WHEN ascii(model) > 57 AND ascii(model) NOT IN (91, 102, 116, 123) THEN model
            ELSE monitoring_string(model, memory -> 'model') END,
        CASE WHEN p_plain THEN coalesce(memory ->> 'backend', '')
            WHEN ascii(memory ->> 'backend') > 57 AND ascii(memory ->> 'backend') NOT IN (91, 102, 116, 123) THEN memory ->> 'backend'
            ELSE monitoring_string(memory ->> 'backend', memory -> 'backend') END,
        CASE WHEN p_plain THEN coalesce((hop ->> 'service') || ':' || (hop ->> 'version'), monitoring_version(memory -> 'telemetry', hop))
            ELSE monitoring_version(memory -> 'telemetry', hop) END,
        hop ->> 'fallback_reason',
        CASE
            WHEN reward > 0.5 THEN 5 << 9
            WHEN reward <= 0.3 THEN 6 << 9
            WHEN reward IS NOT NULL THEN 4 << 9
            WHEN jsonb_typeof(memory -> 'reward') <> 'null' THEN 64 << 9
            ELSE 0
        END,
        CASE
            WHEN plain_duration > 0 AND plain_duration < 2147483647 THEN plain_duration * 4294967296 + 2097152
            -- At the ends of its range a duration that is too small or too large is rounded into it.
            WHEN plain_duration IS NOT NULL THEN CASE WHEN (memory -> 'duration_ms')::numeric BETWEEN 0 AND 2147483647
                THEN plain_duration * 4294967296 + 2097152 ELSE 128 << 9 END
            WHEN duration >= 0 AND duration <= 2147483647 THEN duration::integer * 4294967296 + 2097152   -- rounds half away from zero
            WHEN jsonb_typeof(memory -> 'duration_ms') <> 'null' THEN 128 << 9
            ELSE 0
        END
    FROM (
        SELECT
            decompressed.*,
            (date_part('epoch', date_bin('5 minutes', occurred_at, '2000-01-01 00:00:00+00')) - p_start)::integer / 300 AS no,
            memory ->> 'model' AS model,
            memory -> 'telemetry' -> 'request_chain' -> 0 AS hop,
            CASE WHEN p_plain THEN (memory -> 'reward')::numeric ELSE monitoring_number(memory -> 'reward') END AS reward,
            CASE WHEN p_plain THEN (memory -> 'duration_ms')::integer END AS plain_duration,
            CASE WHEN NOT p_plain THEN monitoring_number(memory -> 'duration_ms') END AS duration
        FROM (
            SELECT
                event.occurred_at,
                CASE WHEN NOT p_all AND event.id = ANY (p_retried) THEN -1 ELSE greatest(event.duplicate_count, 0) END AS duplicate_count,
                event.created_at,
                event.source_agent,
                event.event_type,
                event.event_data || '{}' AS memory
            FROM learning_events AS event
            WHERE event.occurred_at >= p_from AND event.occurred_at < p_until AND CASE
                WHEN p_all THEN true
                WHEN date_bin('1 hour', event.occurred_at, '2000-01-01 00:00:00+00') <> ALL (p_hours) THEN false
                WHEN date_bin('1 hour', event.occurred_at, '2000-01-01 00:00:00+00') <> ALL (p_lossy) THEN true
                ELSE event.id = ANY (p_added) OR event.id = ANY (p_retried)
            END
            OFFSET 0
        ) AS decompressed
        OFFSET 0
    ) AS first_hop
$$;
COMMENT ON FUNCTION monitoring_read_events(
    timestamptz, timestamptz, timestamptz[], timestamptz[], uuid[], uuid[], boolean, boolean, double precision) IS
    'What the events from p_from to p_until say: a row each. With p_all all of them; else those of p_hours alone, and of the hours '
    'among them that are p_lossy only p_added and p_retried. With p_plain quickly, as long as they are well-formed; else whatever they hold.';
