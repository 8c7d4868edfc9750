-- An event that cannot be encoded is an error, or goes to a topic for such.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/messages.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned

-- letters(slot): topic, key, value and headers of each message, without
-- what differs from run to run
CREATE FUNCTION pg_temp.letters(slot name, VARIADIC options text[])
RETURNS TABLE (topic text, key text, value text, headers text)
LANGUAGE sql AS $$
  SELECT m ->> 'topic', m ->> 'key',
         CASE WHEN m ->> 'topic' ~ 'dead_letters?$' THEN m ->> 'value'
              ELSE m -> 'value' ->> 'op' END,
         regexp_replace((m -> 'headers')::text, '"__cdc_emit.(xid|lsn|commit_lsn)": ?"\d+"', '"__cdc_emit.\1":"N"', 'g')
    FROM pg_logical_slot_get_changes(slot, NULL, NULL, VARIADIC options),
         LATERAL (SELECT data::json) AS j(m)
$$;

SET client_min_messages = warning;
CREATE SCHEMA dead_letter;
SET search_path = dead_letter;
CREATE TYPE broken;
CREATE FUNCTION broken_in(cstring) RETURNS broken LANGUAGE internal STRICT IMMUTABLE AS 'int4in';
CREATE FUNCTION broken_out(broken) RETURNS cstring LANGUAGE internal STRICT IMMUTABLE AS 'shell_out';
CREATE TYPE broken (INPUT = broken_in, OUTPUT = broken_out, LIKE = int4);
CREATE TABLE b (id int PRIMARY KEY, v tsrange, w broken, x text);
CREATE PUBLICATION dead_letter FOR TABLE b;
SELECT slot_name FROM pg_create_logical_replication_slot('dead_letter', 'cdc_emit');

-- By default it is an error
BEGIN;
INSERT INTO b VALUES (1, '[2020-01-02,2020-01-03]', NULL, 'good');
INSERT INTO b VALUES (2, '[2020-01-02,2020-01-03]', '7', 'bad');
INSERT INTO b VALUES (3, NULL, NULL, 'good');
COMMIT;
SELECT count(*) FROM pg_logical_slot_peek_changes('dead_letter', NULL, NULL, 'publications', 'dead_letter');

-- With dead_letter only that event is concerned; settings are as they should
-- be for the next one
SET DateStyle = 'SQL, DMY';
SELECT * FROM pg_temp.letters('dead_letter', 'publications', 'dead_letter', 'topic_prefix', 'p', 'on_error', 'dead_letter');
SHOW DateStyle;

-- An update is one event; changes of keys are two, of which one may be good
UPDATE b SET x = 'still bad' WHERE id = 2;
UPDATE b SET w = NULL WHERE id = 2;
UPDATE b SET id = 4, w = '7' WHERE id = 3;
DELETE FROM b WHERE id = 4;

-- also if it is the second: here only the old row is bad
BEGIN;
ALTER TABLE b REPLICA IDENTITY FULL;
INSERT INTO b VALUES (6, NULL, '7', 'bad');
UPDATE b SET id = 7, w = NULL, x = 'good' WHERE id = 6;
INSERT INTO b VALUES (8, NULL, NULL, 'good');
ALTER TABLE b REPLICA IDENTITY DEFAULT;
COMMIT;
SELECT * FROM pg_temp.letters('dead_letter', 'publications', 'dead_letter', 'topic_prefix', 'p', 'on_error', 'dead_letter',
                              'dead_letter_topic', 'my_dead_letters');

-- A key that cannot be encoded
CREATE FUNCTION broken_cmp(broken, broken) RETURNS int LANGUAGE internal STRICT IMMUTABLE AS 'btint4cmp';
CREATE FUNCTION broken_eq(broken, broken) RETURNS bool LANGUAGE internal STRICT IMMUTABLE AS 'int4eq';
CREATE FUNCTION broken_lt(broken, broken) RETURNS bool LANGUAGE internal STRICT IMMUTABLE AS 'int4lt';
CREATE OPERATOR = (LEFTARG = broken, RIGHTARG = broken, FUNCTION = broken_eq);
CREATE OPERATOR < (LEFTARG = broken, RIGHTARG = broken, FUNCTION = broken_lt);
CREATE OPERATOR CLASS broken_ops DEFAULT FOR TYPE broken USING btree AS
	OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 broken_cmp(broken, broken);
CREATE TABLE k (w broken PRIMARY KEY);
ALTER PUBLICATION dead_letter ADD TABLE k;
INSERT INTO k VALUES ('7');
SELECT * FROM pg_temp.letters('dead_letter', 'publications', 'dead_letter', 'topic_prefix', 'p', 'on_error', 'dead_letter');

-- What is not the data's fault stays an error
INSERT INTO b VALUES (5, NULL, '7', NULL);
SELECT * FROM pg_temp.letters('dead_letter', 'publications', 'dead_letter', 'topic_prefix', 'p', 'on_error', 'dead_letter',
                              'topic', '{table}{table}{table}{table}' || repeat('{schema}', 20) || repeat('x', 60));
SELECT * FROM pg_temp.letters('dead_letter', 'publications', 'dead_letter, "No such"', 'on_error', 'dead_letter');

SELECT pg_drop_replication_slot('dead_letter');
DROP PUBLICATION dead_letter;
DROP SCHEMA dead_letter CASCADE;
