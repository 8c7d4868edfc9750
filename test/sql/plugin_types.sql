-- Values of all types.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/messages.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned

CREATE SCHEMA plugin_types;
SET search_path = plugin_types;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy "x"');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN price AS numeric(9,2);
CREATE DOMAIN list AS int[];
CREATE TYPE bill AS (m money);
CREATE TYPE nested AS (p pair, ps pair[], m mood, n numeric(5,2), d positive, t timestamp(3));
CREATE DOMAIN pair_domain AS pair CHECK ((VALUE).a > 0);
CREATE DOMAIN matrix AS int[][];
CREATE DOMAIN flag AS positive;
CREATE TABLE row_type (x int, y date);
CREATE TYPE nothing AS ();
CREATE TYPE floatrange AS RANGE (subtype = float8);
CREATE TYPE moneyrange AS RANGE (subtype = money);

-- Each row of this table becomes a table with a column of that type, with a
-- row of that value and one of null
CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, type text, value text);
INSERT INTO cases (type, value) VALUES
  ('smallint', '-32768'), ('integer', '2147483647'), ('bigint', '-9223372036854775808'),
  ('oid', '4000000000'), ('bool', 't'), ('bool', 'f'),
  ('real', '3.3'), ('real', '1e10'), ('real', '-0'), ('real', 'NaN'), ('real', '16777216'),
  ('float8', '4'), ('float8', '4.44'), ('float8', '1e21'), ('float8', '0.001'), ('float8', '0.0001234'),
  ('float8', '9999999'), ('float8', '10000000'), ('float8', '123456789.125'), ('float8', '-1e-300'),
  ('float8', 'Infinity'), ('float8', '-Infinity'), ('float8', '100'), ('float8', '5e-324'),
  ('numeric(5,2)', '123.40'), ('numeric(5,2)', '-0.01'), ('numeric(5,2)', '0'), ('numeric(5,2)', 'NaN'),
  ('numeric(5)', '12345'), ('numeric(5)', '-128'), ('numeric(5)', '127'), ('numeric(5)', '128'),
  ('numeric(3,-2)', '12345'), ('numeric(5,7)', '0.0001234'), ('numeric(40,3)', '-1234567890123456789012345678901234567.891'),
  ('numeric(38,0)', '-99999999999999999999999999999999999999'), ('numeric(38,30)', '0.000000000000000000000000000001'),
  ('numeric(50,10)', '1234567890123456789012345678901234567890.0123456789'),
  ('numeric', '12345678901234567890.123450'), ('numeric', '100'), ('numeric', '-0.5'), ('numeric', '1e40'),
  ('numeric', '0'), ('numeric', '0.00'), ('numeric', 'NaN'), ('numeric', 'Infinity'), ('numeric', '0.00001234'),
  ('money', '-5.00'), ('money', '1234.11'), ('price', '1234567.89'), ('positive', '5'),
  ('text', E'tab\t"quote" back\\slash \u0001\u001f\u007f/ \b\f\n\r'), ('text', ''), ('varchar(3)', 'abc'),
  ('text', E'1234567\n12345678\n'), ('text', 'a long text without anything to escape in it, for whole words'),
  ('char(5)', 'ab'), ('"char"', 'A'), ('"char"', ''), ('name', 'a name'),
  ('uuid', 'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'),
  ('json', '{"b" : 1,  "a":[1,2]}'), ('jsonb', '{"b" : 1,  "a":"\\n"}'), ('mood', 'happy "x"'),
  ('bytea', '\x'), ('bytea', '\x00'), ('bytea', '\x0001'), ('bytea', '\x0001ff'), ('bytea', '\xfffefdfc'),
  ('bit', '1'), ('bit(3)', '101'), ('bit(9)', '100000001'), ('varbit', '1000000001'), ('varbit(1)', '0'), ('bit(3)', '000'),
  ('date', '2016-11-04'), ('date', '1969-12-31'), ('date', 'infinity'), ('date', '-infinity'), ('date', '0044-03-15 BC'),
  ('time', '13:51:30.123456'), ('time(3)', '13:51:30.123'), ('time(0)', '13:51:30'), ('time(6)', '24:00:00'),
  ('timetz', '13:51:30.123789+02'), ('timetz', '13:51:30+05:30'), ('timetz', '00:00:00.1+14'), ('timetz', '23:00:00-02'),
  ('timestamp', '2016-11-04 13:51:30.123456'), ('timestamp(3)', '2016-11-04 13:51:30.123'), ('timestamp(0)', '1969-12-31 23:59:59'),
  ('timestamp(3)', 'infinity'), ('timestamp', 'infinity'), ('timestamp', '-infinity'), ('timestamp(4)', '1969-12-31 23:59:59.9999'),
  ('timestamptz', '2016-11-04 13:51:30.123456+02'), ('timestamptz(3)', '2016-11-04 13:51:30.12+02'),
  ('timestamptz(0)', '2016-11-04 13:51:30+02'), ('timestamptz', 'infinity'), ('timestamptz', '-infinity'),
  ('timestamptz', '21016-11-04 13:51:30+07'), ('timestamptz', '0044-03-15 12:00:00+00 BC'), ('timestamptz', '0001-12-31 23:59:59.999999+00 BC'),
  ('interval', 'P1Y2M3DT4H5M6.78S'), ('interval', '-1 day 00:00:01.5'), ('interval', '1 month -1 day'), ('interval', '178000000 years'),
  ('inet', '192.168.2.0/24'), ('inet', '::1'), ('cidr', '10.0.0.0/8'), ('macaddr', '08:00:2b:01:02:03'),
  ('int4range', '[1,5]'), ('tsrange', '[2019-03-31 15:30:00,infinity)'), ('tstzrange', '[2017-06-05 11:29:12.549426+02,)'),
  ('floatrange', '[1.5,2.5]'), ('int4multirange', '{[1,3),[5,7)}'),
  ('moneyrange', '[-1.5,1234.5)'), ('nummultirange', '{}'), ('int8range', 'empty'), ('daterange', '(,2020-01-01]'),
  ('point', '(1,2.5)'), ('point', '(NaN,-Infinity)'), ('circle', '<(10,20),10>'), ('line', '{1,2,3}'), ('lseg', '[(0,0),(1,1)]'),
  ('box', '(0,0),(1,2)'), ('path', '[(0,0),(1,1)]'), ('polygon', '((0,0),(1,1),(1,0))'),
  ('tsvector', 'a b'), ('tsquery', 'a & !b'), ('jsonpath', '$.a[*]'), ('xid', '123'), ('xid8', '12345678901'), ('cid', '7'), ('tid', '(1,2)'),
  ('pg_lsn', '1/80000000'), ('pg_snapshot', '10:20:10,14'), ('macaddr8', '08:00:2b:01:02:03:04:05'), ('xml', '<a>&amp;</a>'),
  ('oidvector', '1 2'), ('regproc', 'now'), ('regrole', 'pg_monitor'), ('regconfig', 'simple'),
  ('regclass', 'plugin_types.cases'), ('regtype', 'plugin_types.mood'), ('pair', '(1,"x y")'), ('txid_snapshot', '10:20:10,14'),
  ('bill', '(1234.5)'), ('pair', '(,)'), ('pair_domain', '(1,"{\"")'), ('row_type', '(1,2020-01-01)'), ('nothing', '()'),
  ('nested', '("(1,a)","{""(2,b)"",NULL}",ok,1.5,5,"2020-01-01 00:00:00.123")'), ('nested', '(,,,,,)'),
  ('int[]', '{1,NULL,3}'), ('int[]', '{}'), ('int[]', '{{1,2},{3,4}}'), ('int[]', '[0:1]={5,6}'), ('text[]', '{"o ne",NULL,"t\"q",""}'),
  ('numeric(5,2)[]', '{1.1,NULL}'), ('numeric[]', '{1.1}'), ('float8[]', '{1.5,NaN}'), ('bool[]', '{t,f,NULL}'),
  ('timestamp(3)[]', '{2020-04-01 00:01:02.123}'), ('timestamptz[]', '{2020-04-01 00:01:02+02}'), ('mood[]', '{ok,sad}'),
  ('bytea[]', '{"\\x0001"}'), ('uuid[]', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'), ('pair[]', '{"(1,a)","(2,b)"}'),
  ('positive[]', '{5}'), ('list', '{1,2}'), ('interval[]', '{1 day}'), ('char(3)[]', '{a}'), ('int2vector', '1 2'), ('jsonb[]', '{"[1, 2]"}'),
  ('bigint[]', '{1550166368505037572,NULL}'), ('smallint[]', '{1,2}'), ('real[]', '{1.5,NULL}'), ('date[]', '{2016-11-04}'),
  ('time[]', '{00:01:02}'), ('timetz[]', '{00:01:02+02}'), ('json[]', '{"{\"a\": 1}"}'), ('xml[]', '{<a/>}'), ('name[]', '{n}'),
  ('money[]', '{1.5}'), ('bit(3)[]', '{101,000}'), ('varbit[]', '{101,NULL}'), ('inet[]', '{10.0.0.1}'), ('point[]', '{"(1,2)"}'),
  ('int4range[]', '{"[1,3)",empty}'), ('nested[]', '{"(,,,,,)"}'), ('list[]', '{"{1,2}","{3}"}'), ('matrix', '{{1},{2}}'), ('flag', '3'),
  ('text[]', '{{{a},{b}},{{NULL},{d}}}'), ('price[]', '{1.5}'), ('box[]', '{(0,0),(1,2)}'), ('oid[]', '{4000000000}');

CREATE PUBLICATION plugin_types;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_types', 'cdc_emit');

DO $$
DECLARE
  c record;
BEGIN
  FOR c IN SELECT * FROM cases ORDER BY n LOOP
    EXECUTE format('CREATE TABLE t%s (id int, v %s)', c.n, c.type);
    EXECUTE format('ALTER PUBLICATION plugin_types ADD TABLE t%s', c.n);
  END LOOP;
END
$$;
DO $$
DECLARE
  c record;
BEGIN
  FOR c IN SELECT * FROM cases ORDER BY n LOOP
    EXECUTE format('INSERT INTO t%s VALUES (1, %L), (2, NULL)', c.n, c.value);
  END LOOP;
END
$$;

-- Settings of the session have no influence
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'sql_standard';
SET TimeZone = 'Asia/Kolkata';
SET bytea_output = 'escape';
SET extra_float_digits = -10;
SET quote_all_identifiers = on;
SET search_path = pg_temp, plugin_types;
-- One of these exists on most systems
DO $$
DECLARE
  locale text;
BEGIN
  FOREACH locale IN ARRAY '{de_DE.utf8,ja_JP.utf8,en_GB.utf8,en_US.utf8}'::text[] LOOP
    BEGIN
      PERFORM set_config('lc_monetary', locale, false);
      EXIT;
    EXCEPTION WHEN invalid_parameter_value THEN
      NULL;
    END;
  END LOOP;
END
$$;
CREATE TEMP TABLE result AS
  SELECT data FROM pg_logical_slot_get_changes('plugin_types', NULL, NULL, 'publications', 'plugin_types');
SHOW DateStyle;
SHOW TimeZone;
SHOW quote_all_identifiers;
SHOW search_path;
RESET DateStyle;
RESET IntervalStyle;
RESET TimeZone;
RESET bytea_output;
RESET extra_float_digits;
RESET quote_all_identifiers;
RESET lc_monetary;
SET search_path = plugin_types;
SELECT c.type, c.value, r.data::json -> 'value' -> 'after' -> 'v' AS json
  FROM cases c JOIN result r ON r.data::jsonb -> 'value' -> 'source' ->> 'table' = 't' || c.n
 WHERE r.data::jsonb -> 'value' -> 'after' ->> 'id' = '1'
 ORDER BY c.n;
SELECT count(*) = (SELECT count(*) FROM cases) AS all_null
  FROM result WHERE data LIKE '%"after":{"id":2,"v":null}%';

-- So too with settings that suit but for one
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
SET TimeZone = 'UTC';
SET search_path = pg_catalog;
SET lc_monetary = 'C';
CREATE TABLE plugin_types.one (id int, v regclass);
ALTER PUBLICATION plugin_types ADD TABLE plugin_types.one;
INSERT INTO plugin_types.one VALUES (1, 'plugin_types.cases');
SET quote_all_identifiers = on;
SELECT data::json -> 'value' -> 'after' AS after
  FROM pg_logical_slot_peek_changes('plugin_types', NULL, NULL, 'publications', 'plugin_types');
RESET quote_all_identifiers;
SET search_path = plugin_types;
SELECT data::json -> 'value' -> 'after' AS after
  FROM pg_logical_slot_get_changes('plugin_types', NULL, NULL, 'publications', 'plugin_types');
RESET DateStyle;
RESET IntervalStyle;
RESET TimeZone;
RESET lc_monetary;

-- Text beyond ASCII is not escaped up to U+FFFF
CREATE TABLE beyond (v text, "n\00e9" text);
ALTER PUBLICATION plugin_types ADD TABLE beyond;
INSERT INTO beyond VALUES (U&'\00e9\+01f600 \2028 "\00e9"');
SELECT data::json -> 'value' -> 'after' ->> 'v' = U&'\00e9\+01f600 \2028 "\00e9"' AS equal,
       strpos(data, U&'{"v":"\00e9\\uD83D\\uDE00 \2028 \\"\00e9\\""') > 0 AS raw
  FROM pg_logical_slot_get_changes('plugin_types', NULL, NULL, 'publications', 'plugin_types');

-- Large values: compressed, out of line, and both
CREATE TABLE large (id int, v text, b bytea, n numeric, a int[]);
ALTER TABLE large ALTER v SET STORAGE EXTERNAL;
ALTER PUBLICATION plugin_types ADD TABLE large;
INSERT INTO large
  SELECT 1, repeat('0123456789"', 100000), decode(repeat('00ff', 500000), 'hex'),
         ('1' || repeat('0', 2000))::numeric, array_agg(g) FROM generate_series(1, 10000) g;
SELECT length(after ->> 'v'), after ->> 'v' = repeat('0123456789"', 100000) AS text,
       decode(after ->> 'b', 'base64') = decode(repeat('00ff', 500000), 'hex') AS bytea,
       md5(after ->> 'n') AS numeric, jsonb_array_length(after -> 'a') AS elements
  FROM pg_logical_slot_get_changes('plugin_types', NULL, NULL, 'publications', 'plugin_types'),
       LATERAL (SELECT data::jsonb -> 'value' -> 'after') AS m (after);

SELECT pg_drop_replication_slot('plugin_types');
DROP PUBLICATION plugin_types;
SET client_min_messages = warning;
DROP SCHEMA plugin_types CASCADE;
