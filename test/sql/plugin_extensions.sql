-- Types of extensions, and of users that look like them.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/cases.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned

SET client_min_messages = warning;
CREATE SCHEMA plugin_extensions;
SET search_path = plugin_extensions, public;
CREATE EXTENSION hstore SCHEMA public;
CREATE EXTENSION ltree SCHEMA public;
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION isn SCHEMA public;
CREATE EXTENSION cube SCHEMA public;
CREATE EXTENSION seg SCHEMA public;
CREATE PUBLICATION plugin_extensions;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_extensions', 'cdc_emit');
CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, type text, value text);
INSERT INTO cases (type, value) VALUES
  ('hstore', '"k 1"=>v1, k2=>NULL'), ('hstore[]', '{"a=>1",NULL}'),
  ('ltree', 'Top.Sci.Ast'), ('ltree[]', '{Top.Sci,NULL}'), ('lquery', 'Top.*'), ('ltxtquery', 'a & b'),
  ('citext', 'CiText'), ('citext[]', '{X,NULL}'),
  ('isbn', '0-393-04002-X'), ('isbn13', '978-0-393-04002-9'), ('ean13', '978-0-393-04002-9'), ('issn', '1436-4522'), ('isbn[]', '{0-393-04002-X}'),
  ('cube', '(1,2),(3,4)'), ('cube[]', '{"(1)"}'), ('seg', '1.5 .. 2.50');
SELECT pg_temp.make_cases('plugin_extensions');
SELECT c.type, c.value, j.json
  FROM cases c JOIN pg_temp.cases_json('plugin_extensions', 'publications', 'plugin_extensions') j USING (n) ORDER BY n;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_extensions', NULL, NULL, 'publications', 'plugin_extensions');

-- The extension may be in any schema
CREATE SCHEMA elsewhere;
ALTER EXTENSION hstore SET SCHEMA elsewhere;
CREATE TABLE moved (h elsewhere.hstore);
ALTER PUBLICATION plugin_extensions ADD TABLE moved;
INSERT INTO moved VALUES ('a=>1');
SELECT data::json #> '{value,after}' AS after
  FROM pg_logical_slot_get_changes('plugin_extensions', NULL, NULL, 'publications', 'plugin_extensions', 'hstore_handling', 'map');

-- Types of a user that have only the name of one of an extension
CREATE TYPE plugin_extensions.hstore AS (a int);
CREATE DOMAIN plugin_extensions.vector AS text;
CREATE TYPE plugin_extensions.geometry AS ENUM ('a', 'b');
CREATE TYPE plugin_extensions.ltree;
CREATE FUNCTION ltree_in(cstring) RETURNS plugin_extensions.ltree LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION ltree_out(plugin_extensions.ltree) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE plugin_extensions.ltree (INPUT = ltree_in, OUTPUT = ltree_out);
CREATE TYPE plugin_extensions.halfvec;
CREATE FUNCTION halfvec_in(cstring) RETURNS halfvec LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION halfvec_out(halfvec) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE plugin_extensions.halfvec (INPUT = halfvec_in, OUTPUT = halfvec_out, LIKE = int4);
CREATE TABLE look_alikes (h plugin_extensions.hstore, v plugin_extensions.vector, g plugin_extensions.geometry, l plugin_extensions.ltree, f plugin_extensions.halfvec);
ALTER PUBLICATION plugin_extensions ADD TABLE look_alikes;
INSERT INTO look_alikes VALUES (ROW (1), '[1,2]', 'b', 'x', '5');
SELECT data::json #> '{value,after}' AS after
  FROM pg_logical_slot_get_changes('plugin_extensions', NULL, NULL, 'publications', 'plugin_extensions');

SELECT pg_drop_replication_slot('plugin_extensions');
DROP PUBLICATION plugin_extensions;
DROP SCHEMA plugin_extensions CASCADE;
DROP SCHEMA elsewhere CASCADE;
DROP EXTENSION ltree, citext, isn, cube, seg;
