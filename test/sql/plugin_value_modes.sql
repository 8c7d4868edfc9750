-- Options that choose among ways to write values of some types.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/cases.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned
\pset null '(none)'

SET client_min_messages = warning;
CREATE SCHEMA plugin_value_modes;
SET search_path = plugin_value_modes, public;
CREATE EXTENSION hstore;
CREATE DOMAIN price AS numeric(9,2);
CREATE TYPE parts AS (n numeric(5,2), m money, d date, t time, ts timestamp(3), i interval, b bytea, h hstore);
CREATE PUBLICATION plugin_value_modes;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_value_modes', 'cdc_emit');

-- decimal_handling
CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, type text, value text);
INSERT INTO cases (type, value) VALUES
  ('numeric(5,2)', '123.4'), ('numeric(5,2)', '-0.01'), ('numeric(5,2)', '0'), ('numeric(5,2)', 'NaN'),
  ('numeric(3,-2)', '12345'), ('numeric(5,7)', '-0.0001234'), ('numeric(38,10)', '1234567890123456789012345678.0123456789'),
  ('numeric', '12345678901234567890.123450'), ('numeric', '100'), ('numeric', '0.000'), ('numeric', '-0.00001234'),
  ('numeric', '1e40'), ('numeric', '1e-310'), ('numeric', '1e400'), ('numeric', 'NaN'), ('numeric', 'Infinity'), ('numeric', '-Infinity'),
  ('numeric', '9007199254740993'), ('numeric', '10000'), ('numeric', '0.1'), ('numeric', '123456789.000000001'),
  ('money', '1234.11'), ('money', '-0.05'), ('money', '0'), ('money', '-92233720368547758.08'), ('money', '92233720368547758.07'),
  ('price', '1.5'), ('numeric(5,2)[]', '{1.5,NULL,NaN}'), ('money[]', '{1.5}'), ('int', '5'), ('float8', '1.5');
SELECT pg_temp.make_cases('plugin_value_modes');
SELECT c.type, c.value, p.json AS precise, s.json AS string, d.json AS double
  FROM cases c
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes') p USING (n)
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'decimal_handling', 'string') s USING (n)
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'decimal_handling', 'double') d USING (n)
 ORDER BY n;

-- The text is what the server itself writes, the double what it casts to
CREATE TABLE random_numerics (id int, v numeric);
ALTER PUBLICATION plugin_value_modes ADD TABLE random_numerics;
SELECT setseed(0.5);
INSERT INTO random_numerics
  SELECT g, round((random() - 0.5)::numeric * (10::numeric ^ (g % 60 - 20)), g % 37) FROM generate_series(1, 3000) g;
SELECT count(*), count(*) FILTER (WHERE m #>> '{value,after,v}' = r.v::text) AS equal
  FROM pg_logical_slot_peek_changes('plugin_value_modes', NULL, NULL, 'publications', 'plugin_value_modes', 'decimal_handling', 'string'),
       LATERAL (SELECT data::json) AS j(m)
  JOIN random_numerics r ON r.id = (m #>> '{value,after,id}')::int
 WHERE m #>> '{value,source,table}' = 'random_numerics';
SELECT count(*), count(*) FILTER (WHERE (m #>> '{value,after,v}')::float8 = r.v::float8) AS equal
  FROM pg_logical_slot_peek_changes('plugin_value_modes', NULL, NULL, 'publications', 'plugin_value_modes', 'decimal_handling', 'double'),
       LATERAL (SELECT data::json) AS j(m)
  JOIN random_numerics r ON r.id = (m #>> '{value,after,id}')::int
 WHERE m #>> '{value,source,table}' = 'random_numerics';
DROP TABLE random_numerics;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_value_modes', NULL, NULL, 'publications', 'plugin_value_modes');

-- time_precision
TRUNCATE cases;
INSERT INTO cases (type, value) VALUES
  ('date', '2016-11-04'), ('date', '1969-12-31'), ('date', '0044-03-15 BC'), ('date', '0001-12-31 BC'), ('date', '12345-01-02'),
  ('date', 'infinity'), ('date', '-infinity'), ('date', '2000-02-29'), ('date', '1900-03-01'),
  ('time', '13:51:30.123456'), ('time(3)', '13:51:30.12'), ('time(0)', '13:51:30'), ('time', '24:00'), ('time(6)', '00:00'),
  ('timetz', '13:51:30.123789+02'),
  ('timestamp', '2016-11-04 13:51:30.123456'), ('timestamp(3)', '2016-11-04 13:51:30.12'), ('timestamp(0)', '1969-12-31 23:59:59'),
  ('timestamp', '1969-12-31 23:59:59.999999'), ('timestamp', '9999-12-31 23:59:59'), ('timestamp', '1600-01-01'), ('timestamp', '0044-03-15 12:00 BC'),
  ('timestamp', '2262-04-11 23:47:16.854775'), ('timestamp', '2262-04-11 23:47:16.854776'), ('timestamp', '1677-09-21 00:12:43.145225'),
  ('timestamp', 'infinity'), ('timestamp', '-infinity'), ('timestamp(3)', 'infinity'), ('timestamp', '294247-01-10 04:00:54.775808'),
  ('timestamptz(3)', '2016-11-04 13:51:30.12+02'),
  ('date[]', '{2016-11-04}'), ('time(3)[]', '{13:51:30.123}'), ('timestamp[]', '{2016-11-04 13:51:30.12,NULL}');
SELECT pg_temp.make_cases('plugin_value_modes');
SELECT c.type, c.value, a.json AS adaptive, b.json AS adaptive_time_microseconds, e.json AS microseconds, f.json AS nanoseconds
  FROM cases c
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes') a USING (n)
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'time_precision', 'adaptive_time_microseconds') b USING (n)
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'time_precision', 'microseconds') e USING (n)
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'time_precision', 'nanoseconds') f USING (n)
 ORDER BY n;
SELECT c.type, c.value, a.json AS connect, b.json AS isostring
  FROM cases c
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'time_precision', 'connect') a USING (n)
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'time_precision', 'isostring') b USING (n)
 ORDER BY n;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_value_modes', NULL, NULL, 'publications', 'plugin_value_modes');

-- interval_handling, binary_handling, hstore_handling
TRUNCATE cases;
INSERT INTO cases (type, value) VALUES
  ('interval', 'P1Y2M3DT4H5M6.78S'), ('interval', '-1 day 00:00:01.5'), ('interval', '1 month -1 day'), ('interval', '-00:00:00.000001'),
  ('interval', '-1 year -2 months 3 days -04:05:06'), ('interval', '0'), ('interval', '100:00:00'), ('interval', '178000000 years'),
  ('interval[]', '{1 day,NULL}');
SELECT pg_temp.make_cases('plugin_value_modes');
SELECT c.type, c.value, a.json AS numeric, b.json AS string
  FROM cases c
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes') a USING (n)
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'interval_handling', 'string') b USING (n)
 ORDER BY n;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_value_modes', NULL, NULL, 'publications', 'plugin_value_modes');

TRUNCATE cases;
INSERT INTO cases (type, value) VALUES
  ('bytea', '\x0001ff'), ('bytea', '\x'), ('bytea', '\xfbefbe'), ('bytea', '\xff'), ('bytea', '\xfffe'), ('bytea[]', '{"\\x0001",NULL}'), ('bit(3)', '101');
SELECT pg_temp.make_cases('plugin_value_modes');
SELECT c.type, c.value, a.json AS bytes, b.json AS base64, e.json AS base64_url_safe, f.json AS hex
  FROM cases c
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes') a USING (n)
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'binary_handling', 'base64') b USING (n)
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'binary_handling', 'base64-url-safe') e USING (n)
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'binary_handling', 'hex') f USING (n)
 ORDER BY n;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_value_modes', NULL, NULL, 'publications', 'plugin_value_modes');

TRUNCATE cases;
INSERT INTO cases (type, value) VALUES
  ('hstore', ''), ('hstore', 'k2=>NULL, "k 1"=>v1'), ('hstore', '"a\"b\\c"=>"=>, \"NULL\""'), ('hstore', 'n=>"NULL", ""=>""'),
  ('hstore', E'"\n\u00e9"=>"\t\u0001"'), ('hstore[]', '{"a=>1",NULL,""}');
SELECT pg_temp.make_cases('plugin_value_modes');
SELECT c.type, c.value, a.json AS json, b.json AS map
  FROM cases c
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes') a USING (n)
  JOIN pg_temp.cases_json('plugin_value_modes', 'publications', 'plugin_value_modes', 'hstore_handling', 'map') b USING (n)
 ORDER BY n;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_value_modes', NULL, NULL, 'publications', 'plugin_value_modes');

-- All of them inside composite values, their arrays and keys
CREATE TABLE inside (n numeric(5,2), b bytea, t time, p parts, ps parts[], PRIMARY KEY (n, b, t));
ALTER PUBLICATION plugin_value_modes ADD TABLE inside;
INSERT INTO inside VALUES (1.5, '\x01', '00:00:01', ROW (1.5, '1.5', '2020-01-01', '01:00', '2020-01-01', '1 day', '\x0001', 'a=>1'),
                           ARRAY[ROW (1.5, '1.5', '2020-01-01', '01:00', '2020-01-01', '1 day', '\x0001', 'a=>1')::parts]);
SELECT data::json -> 'key' AS key, data::json #> '{value,after}' AS after
  FROM pg_logical_slot_peek_changes('plugin_value_modes', NULL, NULL, 'publications', 'plugin_value_modes');
SELECT data::json -> 'key' AS key, data::json #> '{value,after}' AS after
  FROM pg_logical_slot_get_changes('plugin_value_modes', NULL, NULL, 'publications', 'plugin_value_modes', 'decimal_handling', 'string',
                                   'time_precision', 'isostring', 'interval_handling', 'string', 'binary_handling', 'hex', 'hstore_handling', 'map');

SELECT pg_drop_replication_slot('plugin_value_modes');
DROP PUBLICATION plugin_value_modes;
DROP SCHEMA plugin_value_modes CASCADE;
