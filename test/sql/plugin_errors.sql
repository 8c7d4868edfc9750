-- Errors of the output plugin name the cause and what mends it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/messages.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned

CREATE SCHEMA plugin_errors;
SET search_path = plugin_errors;
CREATE TABLE t (id int PRIMARY KEY, x text, y text);
CREATE PUBLICATION plugin_errors FOR TABLE t;
CREATE PUBLICATION plugin_errors_list FOR TABLE t (id, x);
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_errors', 'cdc_emit');
INSERT INTO t VALUES (1, 'x', 'y');

-- Publications are required and must exist
SELECT count(*) FROM pg_logical_slot_peek_changes('plugin_errors', NULL, NULL);
SELECT count(*) FROM pg_logical_slot_peek_changes('plugin_errors', NULL, NULL, 'publications', 'plugin_errors, "No such"');

-- Publications must agree on the columns of a table
SELECT count(*) FROM pg_logical_slot_peek_changes('plugin_errors', NULL, NULL, 'publications', 'plugin_errors_list,plugin_errors');

-- The plugin writes text: both interfaces can be used
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('plugin_errors', NULL, NULL, 'publications', 'plugin_errors');

-- Topic names that Kafka does not accept
SELECT count(*) FROM pg_logical_slot_peek_changes('plugin_errors', NULL, NULL, 'publications', 'plugin_errors',
                                                  'topic', '{table}{table}{table}{table}' || repeat('{schema}', 20));

-- An output function that fails ends the decoding, not the session; settings
-- are back and the slot can be read again
SET client_min_messages = warning;
CREATE TYPE broken;
CREATE FUNCTION broken_in(cstring) RETURNS broken LANGUAGE internal STRICT IMMUTABLE AS 'textin';
CREATE FUNCTION broken_out(broken) RETURNS cstring LANGUAGE internal STRICT IMMUTABLE AS 'shell_out';
CREATE TYPE broken (INPUT = broken_in, OUTPUT = broken_out, LIKE = text);
CREATE TABLE b (id int PRIMARY KEY, v tsrange, w broken);
CREATE PUBLICATION plugin_errors_broken FOR TABLE b;
INSERT INTO b VALUES (1, '[2020-01-02,2020-01-03]', NULL);
SET DateStyle = 'SQL, DMY';
SELECT data::json -> 'value' -> 'after' AS after
  FROM pg_logical_slot_peek_changes('plugin_errors', NULL, NULL, 'publications', 'plugin_errors_broken');
INSERT INTO b VALUES (2, '[2020-01-02,2020-01-03]', 'any');
SELECT count(*) FROM pg_logical_slot_peek_changes('plugin_errors', NULL, NULL, 'publications', 'plugin_errors_broken');
SHOW DateStyle;
SELECT data::json -> 'value' -> 'after' AS after
  FROM pg_logical_slot_peek_changes('plugin_errors', NULL, NULL, 'publications', 'plugin_errors');
ALTER TABLE b ALTER w TYPE text USING 'mended';
UPDATE b SET id = 3 WHERE id = 1;
RESET DateStyle;

-- After all these errors everything is still there
SELECT data::json -> 'value' -> 'after' AS after
  FROM pg_logical_slot_get_changes('plugin_errors', NULL, NULL, 'publications', 'plugin_errors');

SELECT pg_drop_replication_slot('plugin_errors');
DROP PUBLICATION plugin_errors, plugin_errors_list, plugin_errors_broken;
SET client_min_messages = warning;
DROP SCHEMA plugin_errors CASCADE;
