-- Types of pgvector.  Runs where it is installed.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/cases.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned

SET client_min_messages = warning;
CREATE SCHEMA plugin_pgvector;
SET search_path = plugin_pgvector, public;
CREATE EXTENSION vector SCHEMA plugin_pgvector;
CREATE PUBLICATION plugin_pgvector;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_pgvector', 'cdc_emit');
CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, type text, value text);
INSERT INTO cases (type, value) VALUES
  ('vector(3)', '[101,102,103]'), ('vector', '[1.1,-2.5e-10,3e20]'), ('vector[]', '{"[1]",NULL}'),
  ('halfvec(2)', '[101,102]'), ('halfvec', '[1.5,-0.0001,65504,0,-0,0.00000006]'),
  ('sparsevec(5)', '{1:1.5,3:-2}/5'), ('sparsevec', '{}/100000'), ('sparsevec(100000)', '{100000:1}/100000');
SELECT pg_temp.make_cases('plugin_pgvector');
SELECT c.type, c.value, j.json
  FROM cases c JOIN pg_temp.cases_json('plugin_pgvector', 'publications', 'plugin_pgvector') j USING (n) ORDER BY n;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_pgvector', NULL, NULL, 'publications', 'plugin_pgvector');

-- Every half is read as pgvector reads it
CREATE TABLE halves (id int, h halfvec(1));
ALTER PUBLICATION plugin_pgvector ADD TABLE halves;
INSERT INTO halves
  SELECT g, format('[%s]', (g % 1024 + 1024) * 2.0 ^ (g / 1024 - 25))::halfvec FROM generate_series(0, 30 * 1024 - 1, 7) g;
SELECT count(*), count(*) FILTER (WHERE (m #>> '{value,after,h}')::vector = h::vector) AS equal
  FROM pg_logical_slot_get_changes('plugin_pgvector', NULL, NULL, 'publications', 'plugin_pgvector'), LATERAL (SELECT data::json) AS j(m)
  JOIN halves ON id = (m #>> '{value,after,id}')::int;

SELECT pg_drop_replication_slot('plugin_pgvector');
DROP PUBLICATION plugin_pgvector;
DROP SCHEMA plugin_pgvector CASCADE;
