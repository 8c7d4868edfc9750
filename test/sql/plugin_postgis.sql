-- Types of PostGIS.  Runs where it is installed.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/cases.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned

SET client_min_messages = warning;
CREATE SCHEMA plugin_postgis;
SET search_path = plugin_postgis, public;
CREATE EXTENSION postgis SCHEMA plugin_postgis;
CREATE PUBLICATION plugin_postgis;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_postgis', 'cdc_emit');
CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, type text, value text);
INSERT INTO cases (type, value) VALUES
  ('geometry', 'POINT(1 2.5)'), ('geometry(Point,4326)', 'SRID=4326;POINT(1 2.5)'), ('geometry', 'GEOMETRYCOLLECTION EMPTY'),
  ('geography', 'POINT(1 2.5)'), ('geometry[]', '{010100000000000000000000000000000000000000:NULL}'), ('box2d', 'BOX(1 2,3 4)');
SELECT pg_temp.make_cases('plugin_postgis');
-- The bytes are those of the type's text, which is hexadecimal
CREATE FUNCTION expected(type text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('SELECT %L::%s::text', value, type) INTO result;
  RETURN result;
END
$$;
SELECT c.type, c.value, j.json,
       upper(encode(decode(j.json ->> 'wkb', 'base64'), 'hex')) = expected(c.type, c.value) AS equal
  FROM cases c JOIN pg_temp.cases_json('plugin_postgis', 'publications', 'plugin_postgis') j USING (n) WHERE c.type ~ '^geo[a-z]*[^]]*$' ORDER BY n;
SELECT c.type, c.value, j.json
  FROM cases c JOIN pg_temp.cases_json('plugin_postgis', 'publications', 'plugin_postgis') j USING (n) WHERE c.type !~ '^geo[a-z]*[^]]*$' ORDER BY n;

SELECT pg_drop_replication_slot('plugin_postgis');
DROP PUBLICATION plugin_postgis;
DROP SCHEMA plugin_postgis CASCADE;
