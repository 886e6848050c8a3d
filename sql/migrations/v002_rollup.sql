-- Functions that the roll-up no longer has, or has with other arguments or results; the files of functions make those that it
-- has. Only in this schema: a scratch schema is built with the live one behind it.

DO $block$
DECLARE
    function_name text;
BEGIN
    FOREACH function_name IN ARRAY ARRAY[
        'monitoring_milliseconds(numeric)', 'monitoring_is_string(text, jsonb)',
        'monitoring_pruned_hours(timestamptz[])', 'monitoring_roll_up_hours(timestamptz[])',
        'monitoring_write_metrics(timestamptz[], timestamptz)'
    ] LOOP
        EXECUTE format('DROP FUNCTION IF EXISTS %I.%s', current_schema(), function_name);
    END LOOP;
END
$block$;
