-- Generated columns.  Before PostgreSQL 18 stored ones are like any other,
-- except that column lists cannot name them; since then publications say
-- whether they are published.  Virtual ones have no value in WAL.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/messages.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned
SELECT current_setting('server_version_num')::int >= 180000 AS chosen \gset

CREATE SCHEMA plugin_generated;
SET search_path = plugin_generated;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_generated', 'cdc_emit');
CREATE FUNCTION pg_temp.events(publications text) RETURNS TABLE (topic text, key json, op text, before json, after json)
LANGUAGE sql AS $$
  SELECT * FROM pg_temp.rows('plugin_generated', 'publications', publications, 'topic_prefix', 's', 'topic', '{table}',
                             'tombstones', 'off')
$$;
CREATE TABLE g (id int PRIMARY KEY, x int, twice int GENERATED ALWAYS AS (x * 2) STORED);
CREATE PUBLICATION pgen_plain FOR TABLE g;
CREATE PUBLICATION pgen_schema FOR TABLES IN SCHEMA plugin_generated;
CREATE PUBLICATION pgen_list FOR TABLE g (id, x);
CREATE PUBLICATION pgen_list_id FOR TABLE g (id);
CREATE PROCEDURE pg_temp.work() LANGUAGE sql AS $$
  INSERT INTO plugin_generated.g (id, x) VALUES (1, 1);
  UPDATE plugin_generated.g SET x = 2;
  DELETE FROM plugin_generated.g;
$$;

-- No list, a list without the column, and both
CALL pg_temp.work();
SELECT op, before, after FROM pg_temp.events('pgen_plain');
CALL pg_temp.work();
SELECT op, before, after FROM pg_temp.events('pgen_list');
CALL pg_temp.work();
SELECT op, before, after FROM pg_temp.events('pgen_list, pgen_schema');
CALL pg_temp.work();
SELECT op, before, after FROM pg_temp.events('pgen_plain, pgen_list_id');
SELECT op, before, after FROM pg_temp.events('pgen_list_id');

-- A generated column as key
CREATE TABLE k (x int, id int GENERATED ALWAYS AS (x * 10) STORED PRIMARY KEY);
CREATE PUBLICATION pgen_key FOR TABLE k WITH (publish = 'insert');
INSERT INTO k VALUES (1);
SELECT key, after FROM pg_temp.events('pgen_key');

-- What publications can say since 18
\if :chosen
CREATE PUBLICATION pgen_stored FOR TABLE g WITH (publish_generated_columns = stored);
CREATE PUBLICATION pgen_none FOR TABLE g WITH (publish_generated_columns = none);
CREATE PUBLICATION pgen_list_all FOR TABLE g (id, x, twice);
CALL pg_temp.work();
SELECT op, before, after FROM pg_temp.events('pgen_stored');
CALL pg_temp.work();
SELECT op, before, after FROM pg_temp.events('pgen_list_all');
CALL pg_temp.work();
SELECT op, before, after FROM pg_temp.events('pgen_stored, pgen_list_all');
CALL pg_temp.work();
SELECT op, before, after FROM pg_temp.events('pgen_stored, pgen_list');
SELECT op, before, after FROM pg_temp.events('pgen_stored, pgen_none');
SELECT op, before, after FROM pg_temp.events('pgen_list_all, pgen_plain');
SELECT op, before, after FROM pg_temp.events('pgen_none, pgen_list');
DROP PUBLICATION pgen_stored, pgen_none, pgen_list_all;

-- Virtual columns are left out, but filters may look at them
CREATE TABLE v (id int PRIMARY KEY, x int, twice int GENERATED ALWAYS AS (x * 2) VIRTUAL);
CREATE PUBLICATION pgen_virtual FOR TABLE v WHERE (twice > 10)
  WITH (publish = 'insert', publish_generated_columns = stored);
INSERT INTO v VALUES (1, 5), (2, 6);
SELECT key, after FROM pg_temp.events('pgen_virtual');
DROP PUBLICATION pgen_virtual;
\endif

-- Before 18 a filter may look at one that is not published: unchanged TOAST of
-- it comes from the old row, also if the table no longer has it
\if :chosen
\else
CREATE TABLE t (id int, x text, y text GENERATED ALWAYS AS (x || 'y') STORED);
ALTER TABLE t ALTER x SET STORAGE EXTERNAL, ALTER y SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
CREATE PUBLICATION pgen_filter FOR TABLE t WHERE (y LIKE '%y');
INSERT INTO t VALUES (1, repeat('x', 5000));
UPDATE t SET id = 2;
TRUNCATE t;
SELECT op, after ->> 'id' AS id FROM pg_temp.events('pgen_filter');
DROP PUBLICATION pgen_filter;
\endif

SELECT pg_drop_replication_slot('plugin_generated');
DROP PUBLICATION pgen_plain, pgen_schema, pgen_list, pgen_list_id, pgen_key;
SET client_min_messages = warning;
DROP SCHEMA plugin_generated CASCADE;
