-- Keys, old rows and unchanged TOAST under each replica identity.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/messages.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned

CREATE SCHEMA plugin_identity;
SET search_path = plugin_identity;
CREATE PUBLICATION plugin_identity FOR TABLES IN SCHEMA plugin_identity;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_identity', 'cdc_emit');
CREATE FUNCTION pg_temp.events() RETURNS TABLE (topic text, key json, op text, before json, after json)
LANGUAGE sql AS $$
  SELECT * FROM pg_temp.rows('plugin_identity', 'publications', 'plugin_identity', 'topic_prefix', 's')
$$;

-- DEFAULT: the old row is known if the key changes, and then only the key.
-- Key columns have the order of the table.
CREATE TABLE d (x text, b int, a int, PRIMARY KEY (a, b));
INSERT INTO d VALUES ('x', 2, 1);
UPDATE d SET x = 'y';
UPDATE d SET a = 10;
DELETE FROM d;
SELECT * FROM pg_temp.events();

-- The change of a key: headers tell the other key
INSERT INTO d VALUES ('h', 1, 1);
UPDATE d SET b = 2;
SELECT m -> 'key' AS key, m -> 'value' ->> 'op' AS op, m -> 'value' -> 'source' -> 'commit_index' AS index, m -> 'headers' AS headers
  FROM pg_logical_slot_get_changes('plugin_identity', NULL, NULL, 'publications', 'plugin_identity'),
       LATERAL (SELECT data::json) AS j (m);
UPDATE d SET b = 3;
SELECT m -> 'key' AS key, m -> 'value' ->> 'op' AS op
  FROM pg_logical_slot_get_changes('plugin_identity', NULL, NULL, 'publications', 'plugin_identity', 'tombstones', 'off'),
       LATERAL (SELECT data::json) AS j (m);

-- FULL: old and new row, key from the primary key
CREATE TABLE f (id int PRIMARY KEY, x text);
ALTER TABLE f REPLICA IDENTITY FULL;
INSERT INTO f VALUES (1, 'x');
UPDATE f SET x = 'y';
UPDATE f SET id = 2, x = 'z';
DELETE FROM f;
SELECT * FROM pg_temp.events();

-- FULL without a key
CREATE TABLE k (x text, y int);
ALTER TABLE k REPLICA IDENTITY FULL;
INSERT INTO k VALUES ('x', NULL);
UPDATE k SET y = 1;
DELETE FROM k;
SELECT * FROM pg_temp.events();

-- USING INDEX: that index is the key, because deletes have no other
CREATE TABLE i (id int PRIMARY KEY, a int NOT NULL, x text);
CREATE UNIQUE INDEX i_a ON i (a) INCLUDE (x);
ALTER TABLE i REPLICA IDENTITY USING INDEX i_a;
INSERT INTO i VALUES (1, 11, 'x');
UPDATE i SET x = 'y';
UPDATE i SET id = 2;
UPDATE i SET a = 12;
DELETE FROM i;
SELECT * FROM pg_temp.events();

-- NOTHING: inserts only; a delete would have no old row
CREATE TABLE n (id int PRIMARY KEY);
ALTER TABLE n REPLICA IDENTITY NOTHING;
INSERT INTO n VALUES (1);
\set VERBOSITY sqlstate
DELETE FROM n;
\set VERBOSITY default
SELECT * FROM pg_temp.events();
DROP TABLE n;
SELECT count(*) FROM pg_temp.events();

-- A primary key with NOTHING stays the key: no old row lacks it
CREATE TABLE n2 (x int, id int PRIMARY KEY);
ALTER TABLE n2 REPLICA IDENTITY NOTHING;
INSERT INTO n2 VALUES (1, 2);
SELECT * FROM pg_temp.events();

-- A deferrable primary key is a key but no identity
CREATE TABLE pd (id int PRIMARY KEY DEFERRABLE, x text);
INSERT INTO pd VALUES (1, 'x');
\set VERBOSITY sqlstate
UPDATE pd SET x = 'y';
\set VERBOSITY default
ALTER TABLE pd REPLICA IDENTITY FULL;
INSERT INTO pd VALUES (2, 'x');
UPDATE pd SET id = 3 - id;
DELETE FROM pd;
SELECT * FROM pg_temp.events();

-- Without primary key: the first index by name that is unique over the table
CREATE TABLE u (a int, b int NOT NULL, c int NOT NULL, d int NOT NULL, nv int);
INSERT INTO u VALUES (1, 1, 1, 1, 1), (2, 1, 2, 1, 2);
\set VERBOSITY sqlstate
CREATE UNIQUE INDEX CONCURRENTLY u_1_invalid ON u (b);
\set VERBOSITY default
CREATE UNIQUE INDEX u_2_partial ON u (c) WHERE c > 0;
CREATE UNIQUE INDEX u_3_expression ON u ((c + 1));
CREATE UNIQUE INDEX u_4_nullable ON u (a);
ALTER TABLE u ADD CONSTRAINT u_5_deferrable UNIQUE (c) DEFERRABLE;
CREATE INDEX u_6_not_unique ON u (c);
-- 18 knows of constraints that old rows may violate
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 180000 THEN
    EXECUTE 'ALTER TABLE u ADD CONSTRAINT nv_not_null NOT NULL nv NOT VALID';
  END IF;
END
$$;
CREATE UNIQUE INDEX u_7_not_valid ON u (nv);
INSERT INTO u VALUES (3, 3, 3, 3, 3);
CREATE UNIQUE INDEX u_9 ON u (c);
INSERT INTO u VALUES (4, 4, 4, 4, 4);
CREATE UNIQUE INDEX u_8 ON u (d DESC, c) INCLUDE (a);
INSERT INTO u VALUES (5, 5, 5, 5, 5);
ALTER TABLE u REPLICA IDENTITY FULL;
UPDATE u SET a = 50, c = 50 WHERE a = 5;
DELETE FROM u WHERE a = 50;
ALTER TABLE u REPLICA IDENTITY USING INDEX u_9;
DELETE FROM u WHERE a = 4;
ALTER TABLE u DROP COLUMN c;
INSERT INTO u (b, d, nv) VALUES (6, 6, 6);
SELECT * FROM pg_temp.events();

-- Unchanged TOAST: a placeholder in the type's own form, null where there is
-- none; changed values and those of FULL are complete
CREATE TABLE t (id int PRIMARY KEY, v int, s text, j jsonb, b bytea, ta text[], ia int[], ua uuid[], nu numeric, fa float8[], vb varbit, c tsvector);
ALTER TABLE t ALTER s SET STORAGE EXTERNAL, ALTER j SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL,
  ALTER ta SET STORAGE EXTERNAL, ALTER ia SET STORAGE EXTERNAL, ALTER ua SET STORAGE EXTERNAL,
  ALTER nu SET STORAGE EXTERNAL, ALTER fa SET STORAGE EXTERNAL, ALTER vb SET STORAGE EXTERNAL, ALTER c SET STORAGE EXTERNAL;
INSERT INTO t
  SELECT 1, 0, repeat('s', 3000), jsonb_build_object('k', repeat('j', 3000)), decode(repeat('ab', 3000), 'hex'),
         array_agg('text ' || g), array_agg(g), array_agg(('a0eebc99-9c0b-4ef8-bb6d-' || lpad(g::text, 12, '0'))::uuid),
         repeat('123', 3000)::numeric, array_agg(g / 8.0::float8), repeat('10', 20000)::varbit,
         to_tsvector('simple', string_agg('w' || g, ' '))
    FROM generate_series(1, 1000) g;
UPDATE t SET v = 1;
UPDATE t SET s = repeat('z', 3000);
SELECT after ->> 'v' AS v, left(after ->> 's', 40) AS s, length(after ->> 's') AS len, left(after ->> 'j', 40) AS j,
       left(after ->> 'b', 40) AS b, left(after ->> 'ta', 40) AS ta, left(after ->> 'ia', 40) AS ia,
       left(after ->> 'ua', 48) AS ua, left(after ->> 'nu', 10) AS nu, left(after ->> 'fa', 10) AS fa,
       left(after ->> 'vb', 10) AS vb, left(after ->> 'c', 30) AS c
  FROM pg_temp.events();
UPDATE t SET v = 2;
SELECT data::json -> 'value' -> 'after' -> 's' AS s, data::json -> 'value' -> 'after' -> 'b' AS b,
       data::json -> 'value' -> 'after' -> 'ia' AS ia
  FROM pg_logical_slot_get_changes('plugin_identity', NULL, NULL, 'publications', 'plugin_identity', 'unavailable_value', 'n/a');
ALTER TABLE t REPLICA IDENTITY FULL;
UPDATE t SET v = 3;
SELECT op, (before::jsonb - 'v') = (after::jsonb - 'v') AS same, length(after ->> 's') AS s, json_array_length(after -> 'ia') AS ia
  FROM pg_temp.events();

-- A key that is TOASTed comes from the old row
CREATE TABLE tk (id text PRIMARY KEY, v int, big text);
ALTER TABLE tk ALTER id SET STORAGE EXTERNAL, ALTER big SET STORAGE EXTERNAL;
INSERT INTO tk VALUES (repeat('k', 2100), 0, repeat('b', 3000));
UPDATE tk SET v = 1;
UPDATE tk SET id = 'short';
SELECT left(key ->> 'id', 10) AS key, length(key ->> 'id') AS len, op, before IS NULL OR before::text = 'null' AS no_before,
       left(after ->> 'id', 10) AS id, after ->> 'v' AS v, left(after ->> 'big', 30) AS big
  FROM pg_temp.events();

-- Speculative insertion, updates that change nothing, many rows in one record
CREATE TABLE o (id int PRIMARY KEY, x int);
INSERT INTO o VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET x = 100;
INSERT INTO o VALUES (1, 1), (2, 2) ON CONFLICT (id) DO UPDATE SET x = 100;
INSERT INTO o VALUES (1, 1) ON CONFLICT DO NOTHING;
UPDATE o SET x = x WHERE id = 2;
COPY o FROM stdin;
3	3
4	4
\.
SELECT * FROM pg_temp.events();

SELECT pg_drop_replication_slot('plugin_identity');
DROP PUBLICATION plugin_identity;
SET client_min_messages = warning;
DROP SCHEMA plugin_identity CASCADE;
