-- Values that are not in WAL, and values that are longer than max_value_bytes.
\set SHOW_CONTEXT never
\pset format unaligned
SET client_min_messages = warning;
CREATE SCHEMA plugin_unavailable;
SET search_path = plugin_unavailable, public;
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE TYPE pair AS (a int, b text);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN words AS text[];
CREATE PUBLICATION plugin_unavailable;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_unavailable', 'cdc_emit');

-- What stands for a value that an UPDATE did not change, by type
CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, type text, value text);
INSERT INTO cases (type, value) VALUES
  ('text', repeat('x', 3000)), ('varchar', repeat('x', 3000)), ('char(3000)', 'x'), ('json', to_json(repeat('x', 3000))::text),
  ('jsonb', to_json(repeat('x', 3000))::text), ('xml', '<a>' || repeat('x', 3000) || '</a>'),
  ('bytea', '\x' || repeat('01', 3000)), ('numeric', repeat('1234', 2000)), ('varbit', repeat('1', 30000)),
  ('tsvector', (SELECT string_agg('w' || g, ' ') FROM generate_series(1, 1000) g)),
  ('hstore', (SELECT string_agg('k' || g || '=>1', ', ') FROM generate_series(1, 1000) g)),
  ('ltree', 'a' || repeat('.a', 2000)), ('pair', '(1,' || repeat('x', 3000) || ')'),
  ('int4multirange', '{' || (SELECT string_agg(format('[%s,%s]', 2 * g, 2 * g), ',') FROM generate_series(1, 1000) g) || '}'),
  ('path', '(' || (SELECT string_agg(format('(%s,0)', g), ',') FROM generate_series(1, 1000) g) || ')');
INSERT INTO cases (type, value)
  SELECT type || '[]', array_fill(element, '{3000}')::text
    FROM (VALUES ('text', 'x'), ('varchar(3)', 'x'), ('json', '{}'), ('jsonb', '{}'), ('bytea', '\x01'), ('int', '1'), ('bigint', '1'), ('date', '2020-01-01'),
                 ('uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ('hstore', 'a=>1'), ('mood', 'ok'), ('inet', '10.0.0.1'),
                 ('smallint', '1'), ('float8', '1'), ('numeric', '1'), ('bool', 't'), ('timestamp', '2020-01-01'), ('timestamptz', '2020-01-01'),
                 ('pair', '(1,x)'), ('interval', '1 day'), ('bit(3)', '101'), ('words', '{a,b}')) AS v (type, element);
DO $$
DECLARE
  c record;
BEGIN
  FOR c IN SELECT * FROM cases ORDER BY n LOOP
    EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, v %s)', c.n, c.type);
    EXECUTE format('ALTER TABLE t%s ALTER v SET STORAGE EXTERNAL', c.n);
    EXECUTE format('ALTER PUBLICATION plugin_unavailable ADD TABLE t%s', c.n);
    EXECUTE format('INSERT INTO t%s VALUES (1, %L)', c.n, c.value);
  END LOOP;
END
$$;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_unavailable', NULL, NULL, 'publications', 'plugin_unavailable');
DO $$
DECLARE
  c record;
BEGIN
  FOR c IN SELECT * FROM cases ORDER BY n LOOP
    EXECUTE format('UPDATE t%s SET id = 1', c.n);
  END LOOP;
END
$$;
SELECT c.type, m #> '{value,after,v}' AS unavailable
  FROM pg_logical_slot_peek_changes('plugin_unavailable', NULL, NULL, 'publications', 'plugin_unavailable'), LATERAL (SELECT data::json) AS j(m)
  JOIN cases c ON 't' || c.n = m #>> '{value,source,table}' ORDER BY n;
SELECT c.type, m #> '{value,after,v}' AS unavailable
  FROM pg_logical_slot_peek_changes('plugin_unavailable', NULL, NULL, 'publications', 'plugin_unavailable', 'unavailable_value', 'ab"',
                                    'decimal_handling', 'string', 'binary_handling', 'hex', 'hstore_handling', 'map', 'time_precision', 'isostring'),
       LATERAL (SELECT data::json) AS j(m)
  JOIN cases c ON 't' || c.n = m #>> '{value,source,table}' ORDER BY n;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_unavailable', NULL, NULL, 'publications', 'plugin_unavailable');

-- The length that counts is that of the value itself, compressed or not
CREATE TABLE long_values (k text PRIMARY KEY, t text, u text, b bytea, a int[], p pair, n int);
ALTER TABLE long_values ALTER u SET STORAGE EXTERNAL;
ALTER PUBLICATION plugin_unavailable ADD TABLE long_values;
INSERT INTO long_values VALUES ('short', repeat('x', 2000), repeat('x', 2001), decode(repeat('00', 2000), 'hex'), '{1}', ROW (1, 'x'), 1);
INSERT INTO long_values SELECT repeat('k', 3000), repeat('x', 2001), repeat('y', 2000), decode(repeat('00', 100000), 'hex'), array_agg(g), ROW (1, repeat('x', 3000))::pair, 2
  FROM generate_series(1, 1000) g;
UPDATE long_values SET t = NULL, u = repeat('z', 100000);
DELETE FROM long_values;
SELECT left(m #>> '{key,k}', 6) AS key, m #>> '{value,op}' AS op, left(m #>> '{value,after,t}', 28) AS t, left(m #>> '{value,after,u}', 28) AS u,
       left(m #>> '{value,after,b}', 40) AS b, left(m #>> '{value,after,a}', 20) AS a, m #>> '{value,after,p}' AS p, m #>> '{value,after,n}' AS n
  FROM pg_logical_slot_peek_changes('plugin_unavailable', NULL, NULL, 'publications', 'plugin_unavailable', 'max_value_bytes', '2000'),
       LATERAL (SELECT data::json) AS j(m);
SELECT length(m #>> '{value,after,u}') AS u
  FROM pg_logical_slot_get_changes('plugin_unavailable', NULL, NULL, 'publications', 'plugin_unavailable'),
       LATERAL (SELECT data::json) AS j(m) WHERE m #>> '{value,op}' IN ('c', 'u');

SELECT pg_drop_replication_slot('plugin_unavailable');
DROP PUBLICATION plugin_unavailable;
DROP SCHEMA plugin_unavailable CASCADE;
