-- Kafka Connect's schemas of types, and defaults of columns in them.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/cases.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned

SET client_min_messages = warning;
CREATE SCHEMA plugin_type_schemas;
SET search_path = plugin_type_schemas, public;
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad', 'ok "x"', 'a,b');
CREATE TYPE pair AS (a int, "B" text, m mood);
CREATE TYPE nested AS (p pair, ps pair[], n numeric(5,2), grid int[][]);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN price AS numeric(9,2);
CREATE DOMAIN matrix AS int[][];
CREATE DOMAIN not_null AS text DEFAULT 'x' NOT NULL;
CREATE TYPE floatrange AS RANGE (subtype = float8);
CREATE PUBLICATION plugin_type_schemas;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_type_schemas', 'cdc_emit');
CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, type text, value text);

INSERT INTO cases (type) VALUES
  ('bool'), ('smallint'), ('int'), ('bigint'), ('oid'), ('real'), ('float8'),
  ('text'), ('varchar(10)'), ('char(3)'), ('"char"'), ('name'), ('citext'), ('uuid'), ('json'), ('jsonb'), ('xml'), ('ltree'), ('tsvector'), ('mood'),
  ('bit'), ('bit(3)'), ('varbit'), ('varbit(1)'), ('varbit(10)'), ('timetz(3)'), ('timestamptz'), ('timestamptz(0)'),
  ('inet'), ('int4range'), ('int4multirange'), ('floatrange'), ('xid'), ('pg_lsn'), ('tsquery'), ('regclass'), ('box'), ('point'),
  ('positive'), ('price'), ('pair'), ('nested'), ('matrix'),
  ('int[]'), ('int[][]'), ('int[][][]'), ('text[]'), ('mood[]'), ('mood[][]'), ('numeric[]'), ('numeric(5,2)[]'), ('bit(3)[]'), ('timestamp(3)[]'),
  ('timestamptz[]'), ('hstore[]'), ('pair[]'), ('positive[]'), ('matrix[]');
INSERT INTO cases (type, value) VALUES ('not_null', 'x');
SELECT pg_temp.make_cases('plugin_type_schemas');
SELECT c.type, s.schema
  FROM cases c JOIN pg_temp.cases_schema('plugin_type_schemas', 'publications', 'plugin_type_schemas') s USING (n) ORDER BY n;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_type_schemas', NULL, NULL, 'publications', 'plugin_type_schemas');

-- Modes
TRUNCATE cases;
INSERT INTO cases (type) VALUES ('numeric'), ('numeric(5,2)'), ('numeric(3,-2)'), ('numeric(5,7)'), ('money'), ('money[]');
SELECT pg_temp.make_cases('plugin_type_schemas');
SELECT c.type, a.schema AS precise, b.schema AS string, d.schema AS double
  FROM cases c
  JOIN pg_temp.cases_schema('plugin_type_schemas', 'publications', 'plugin_type_schemas') a USING (n)
  JOIN pg_temp.cases_schema('plugin_type_schemas', 'publications', 'plugin_type_schemas', 'decimal_handling', 'string') b USING (n)
  JOIN pg_temp.cases_schema('plugin_type_schemas', 'publications', 'plugin_type_schemas', 'decimal_handling', 'double') d USING (n) ORDER BY n;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_type_schemas', NULL, NULL, 'publications', 'plugin_type_schemas');

TRUNCATE cases;
INSERT INTO cases (type) VALUES ('date'), ('time'), ('time(3)'), ('timestamp'), ('timestamp(3)'), ('time(3)[]');
SELECT pg_temp.make_cases('plugin_type_schemas');
SELECT c.type, mode, s.schema
  FROM unnest('{adaptive,adaptive_time_microseconds,connect,isostring,microseconds,nanoseconds}'::text[]) WITH ORDINALITY AS m (mode, i),
       LATERAL pg_temp.cases_schema('plugin_type_schemas', 'publications', 'plugin_type_schemas', 'time_precision', mode) s
  JOIN cases c USING (n) ORDER BY n, i;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_type_schemas', NULL, NULL, 'publications', 'plugin_type_schemas');

TRUNCATE cases;
INSERT INTO cases (type) VALUES ('interval'), ('bytea'), ('hstore'), ('bytea[]');
SELECT pg_temp.make_cases('plugin_type_schemas');
SELECT c.type, a.schema AS usual, b.schema AS other
  FROM cases c
  JOIN pg_temp.cases_schema('plugin_type_schemas', 'publications', 'plugin_type_schemas') a USING (n)
  JOIN pg_temp.cases_schema('plugin_type_schemas', 'publications', 'plugin_type_schemas', 'interval_handling', 'string', 'binary_handling', 'hex',
                            'hstore_handling', 'map') b USING (n) ORDER BY n;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_type_schemas', NULL, NULL, 'publications', 'plugin_type_schemas');

-- An array of other dimensions than its schema says becomes null, but not
-- without a schema
CREATE TABLE arrays (a int[], b int[][]);
ALTER PUBLICATION plugin_type_schemas ADD TABLE arrays;
INSERT INTO arrays VALUES ('{1}', '{{1},{2}}'), ('{{1}}', '{1}'), ('{}', '{}'), ('{{{1}}}', NULL);
SELECT data::json #> '{value,payload,after}' AS with_schema
  FROM pg_logical_slot_peek_changes('plugin_type_schemas', NULL, NULL, 'publications', 'plugin_type_schemas', 'schemas', 'true');
SELECT data::json #> '{value,after}' AS without
  FROM pg_logical_slot_get_changes('plugin_type_schemas', NULL, NULL, 'publications', 'plugin_type_schemas');

-- The declaration can be changed, without a rewrite of the table
SELECT relfilenode FROM pg_class WHERE oid = 'arrays'::regclass \gset
ALTER TABLE arrays ALTER a TYPE int[][];
SELECT relfilenode = :relfilenode AS same_file FROM pg_class WHERE oid = 'arrays'::regclass;
INSERT INTO arrays VALUES ('{{1}}', NULL);
SELECT data::json #> '{value,payload,after}' AS with_schema
  FROM pg_logical_slot_get_changes('plugin_type_schemas', NULL, NULL, 'publications', 'plugin_type_schemas', 'schemas', 'true');

-- Defaults: constants, also if they are cast; zero for those that are
-- computed; none for types that Debezium has none of.  Nothing of a user is
-- run, and no error matters.
CREATE FUNCTION must_not_run(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'was run'; END $$;
CREATE FUNCTION must_not_run(numeric) RETURNS pair LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'was run'; END $$;
CREATE FUNCTION must_not_run(pair) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'was run'; END $$;
CREATE CAST (pair AS int) WITH FUNCTION must_not_run(pair);
CREATE OPERATOR !!! (RIGHTARG = int, FUNCTION = must_not_run);
CREATE DOMAIN picky AS int CHECK (VALUE IS NULL OR must_not_run(VALUE) > 0);
CREATE TABLE defaults (
  id serial PRIMARY KEY, ident int GENERATED ALWAYS AS IDENTITY,
  b bool DEFAULT true, s smallint DEFAULT 7, i int NOT NULL DEFAULT -7, l bigint DEFAULT 9223372036854775807, r real DEFAULT 1.5, d float8 DEFAULT 1e21,
  n numeric(5,2) DEFAULT 1.5, nv numeric DEFAULT 1.5, t text DEFAULT 'a"b', vc varchar(10) DEFAULT 'vc', ch char(5) DEFAULT 'c', ci citext DEFAULT 'c',
  u uuid DEFAULT '76019d1a-ad2e-4b22-96e9-1a6d6543c818', j json DEFAULT '{"a":1}', jb jsonb DEFAULT '{"a":1}', x xml DEFAULT '<a/>', m mood DEFAULT 'a,b',
  by bytea DEFAULT '\x01', bit1 bit DEFAULT '1', bit3 bit(3) DEFAULT '101', vb varbit DEFAULT '1', dt date DEFAULT '2020-01-01', tm time DEFAULT '01:00',
  tm3 time(3) DEFAULT '01:00', ttz timetz DEFAULT '01:00+01', ts timestamp DEFAULT '2020-01-01', tstz timestamptz(3) DEFAULT '2020-01-01 01:00+01',
  iv interval DEFAULT '1 day', mo money DEFAULT 1.5, ar int[] DEFAULT '{1}', p pair DEFAULT (1, 'x', NULL)::pair, h hstore DEFAULT 'a=>1', o oid DEFAULT 5,
  po positive DEFAULT 5, pr price DEFAULT 1.5, nu int DEFAULT NULL, pk picky);
CREATE TABLE computed (
  b bool DEFAULT random() > 0.5, s smallint DEFAULT must_not_run(1), i int DEFAULT 60 * 60, i0 int DEFAULT 1 / 0, l bigint DEFAULT !!! 5,
  c int DEFAULT (1, 'x', NULL)::pair::int, n numeric(3,2) DEFAULT 1000, n2 numeric(5,2) DEFAULT random(), nv numeric DEFAULT random(), r real DEFAULT random(), d float8 DEFAULT pi(),
  t text DEFAULT current_user, cat text DEFAULT 'a' || 'b', u uuid DEFAULT gen_random_uuid(), j jsonb DEFAULT to_jsonb(1), x xml DEFAULT xmlparse(CONTENT 'a'),
  m mood DEFAULT 'sad'::text::mood, b1 bit DEFAULT int4(1)::bit, b3 bit(3) DEFAULT 5::int::bit(3), dt date DEFAULT current_date, tm time DEFAULT localtime,
  ts timestamp DEFAULT localtimestamp, ts3 timestamp(3) DEFAULT now(), tstz timestamptz DEFAULT now(), tstz0 timestamptz(0) DEFAULT now(), iv interval DEFAULT age(now()),
  by bytea DEFAULT sha256(''), ar int[] DEFAULT ARRAY[1], ca int DEFAULT CASE WHEN true THEN 1 END, sv int DEFAULT CAST('12' AS text)::int, po positive DEFAULT 2 + 3, re bool DEFAULT 'a' ~ '^(a*)*$');
ALTER PUBLICATION plugin_type_schemas ADD TABLE defaults, computed;
ALTER TABLE defaults ALTER pk SET DEFAULT 5;
INSERT INTO defaults (pk) VALUES (NULL);
INSERT INTO computed VALUES (true, 1, 1, 1, 1, 1, 1);
CREATE FUNCTION pg_temp.defaults(VARIADIC options text[]) RETURNS TABLE ("table" text, field text, optional text, "default" json) LANGUAGE sql AS $$
  SELECT m #>> '{value,payload,source,table}', f ->> 'field', f ->> 'optional', f -> 'default'
    FROM pg_logical_slot_peek_changes('plugin_type_schemas', NULL, NULL, VARIADIC options || '{publications,plugin_type_schemas,schemas,true}'::text[]),
         LATERAL (SELECT data::json) AS j(m),
         LATERAL json_array_elements(m #> '{value,schema,fields}') AS block,
         LATERAL json_array_elements(block -> 'fields') AS f
   WHERE block ->> 'field' = 'after'
$$;
SELECT * FROM pg_temp.defaults('decimal_handling', 'precise');
SELECT * FROM pg_temp.defaults('decimal_handling', 'string', 'time_precision', 'isostring', 'interval_handling', 'string')
 WHERE field IN ('n', 'nv', 'n2', 'dt', 'tm', 'ts', 'iv', 'tstz');
SELECT * FROM pg_temp.defaults('decimal_handling', 'double', 'time_precision', 'nanoseconds')
 WHERE field IN ('n', 'nv', 'n2', 'dt', 'tm', 'ts', 'iv', 'tstz');

SELECT pg_drop_replication_slot('plugin_type_schemas');
DROP PUBLICATION plugin_type_schemas;
DROP SCHEMA plugin_type_schemas CASCADE;
