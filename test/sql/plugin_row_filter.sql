-- Row filters of publications: per action, united by OR, and updates that
-- move a row into or out of the filter.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/messages.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned

CREATE SCHEMA plugin_row_filter;
SET search_path = plugin_row_filter;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_row_filter', 'cdc_emit');
CREATE FUNCTION pg_temp.events(publications text) RETURNS TABLE (topic text, key json, op text, before json, after json)
LANGUAGE sql AS $$
  SELECT * FROM pg_temp.rows('plugin_row_filter', 'publications', publications, 'topic_prefix', 's', 'topic', '{table}',
                             'truncate', 'on')
$$;

-- Inserts: true lets pass, false and null do not
CREATE TABLE a (id int PRIMARY KEY, x int);
CREATE PUBLICATION prf_insert FOR TABLE a WHERE (x > 10) WITH (publish = 'insert, truncate');
INSERT INTO a VALUES (1, 9), (2, 11), (3, NULL);
TRUNCATE a;
SELECT * FROM pg_temp.events('prf_insert');

-- Updates in, out, within and outside of the filter; deletes
CREATE TABLE f (id int PRIMARY KEY, x int, y text);
ALTER TABLE f REPLICA IDENTITY FULL;
CREATE PUBLICATION prf_all FOR TABLE f WHERE (x > 10);
INSERT INTO f VALUES (1, 1, 'a'), (2, 20, 'b');
UPDATE f SET x = 2 WHERE id = 1;
UPDATE f SET x = 11 WHERE id = 1;
UPDATE f SET x = 12 WHERE id = 1;
UPDATE f SET x = 3 WHERE id = 1;
UPDATE f SET x = NULL WHERE id = 2;
UPDATE f SET x = 21 WHERE id = 2;
DELETE FROM f;
SELECT * FROM pg_temp.events('prf_all');

-- The key decides: an update out of the filter is the delete of the old key,
-- one into it an insert of the new one, one within it a change of the key
CREATE TABLE k (id int PRIMARY KEY, y text);
CREATE PUBLICATION prf_key FOR TABLE k WHERE (id > 10);
INSERT INTO k VALUES (1, 'a'), (11, 'b');
UPDATE k SET id = 12 WHERE id = 1;
UPDATE k SET id = 13 WHERE id = 12;
UPDATE k SET y = 'c';
UPDATE k SET id = 2 WHERE id = 13;
DELETE FROM k;
SELECT m -> 'key' AS key, m -> 'value' ->> 'op' AS op, m -> 'value' -> 'before' AS before, m -> 'value' -> 'after' AS after,
       m -> 'headers' AS headers
  FROM pg_logical_slot_get_changes('plugin_row_filter', NULL, NULL, 'publications', 'prf_key'),
       LATERAL (SELECT data::json) AS j (m);

-- Each action has its own filter, OR of all publications that publish it;
-- one that publishes it without filter, or all of the schema, means none
CREATE PUBLICATION prf_f_insert FOR TABLE f WHERE (x = 1) WITH (publish = 'insert');
CREATE PUBLICATION prf_f_insert_2 FOR TABLE f WHERE (y = 'two') WITH (publish = 'insert');
CREATE PUBLICATION prf_f_delete FOR TABLE f WITH (publish = 'delete');
CREATE PUBLICATION prf_schema FOR TABLES IN SCHEMA plugin_row_filter, TABLE f WHERE (x = 1);
CREATE PROCEDURE pg_temp.work_f() LANGUAGE sql AS $$
  INSERT INTO plugin_row_filter.f VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'three'), (4, 14, 'four');
  UPDATE plugin_row_filter.f SET y = 'changed' WHERE id IN (3, 4);
  DELETE FROM plugin_row_filter.f;
$$;
CALL pg_temp.work_f();
SELECT key, op FROM pg_temp.events('prf_f_insert, prf_f_insert_2');
CALL pg_temp.work_f();
SELECT key, op FROM pg_temp.events('prf_f_insert, prf_f_delete');
CALL pg_temp.work_f();
SELECT key, op FROM pg_temp.events('prf_f_insert, prf_all');
CALL pg_temp.work_f();
SELECT key, op FROM pg_temp.events('prf_f_insert, prf_schema');

-- An update is published as insert or delete even if these are not published
CREATE PUBLICATION prf_update FOR TABLE f WHERE (x > 10) WITH (publish = 'update');
INSERT INTO f VALUES (1, 1, 'a');
UPDATE f SET x = 11;
UPDATE f SET x = 2;
DELETE FROM f;
SELECT key, op FROM pg_temp.events('prf_update');

-- Filter and column list: the filter of inserts may look at other columns
CREATE PUBLICATION prf_list FOR TABLE k (id) WHERE (y LIKE 'a%') WITH (publish = 'insert');
INSERT INTO k VALUES (1, 'ab'), (2, 'ba');
SELECT * FROM pg_temp.events('prf_list');
TRUNCATE k;

-- An unchanged TOAST value comes from the old row
CREATE TABLE t (id text PRIMARY KEY, x int, big text);
ALTER TABLE t ALTER id SET STORAGE EXTERNAL, ALTER big SET STORAGE EXTERNAL;
CREATE PUBLICATION prf_toast FOR TABLE t WHERE (length(id) > 10);
INSERT INTO t VALUES (repeat('k', 2100), 0, repeat('b', 3000)), ('short', 0, repeat('c', 3000));
UPDATE t SET x = 1;
UPDATE t SET id = repeat('m', 2100) WHERE id = 'short';
SELECT left(key ->> 'id', 5) AS key, length(key ->> 'id') AS len, op, length(after ->> 'id') AS id, after ->> 'x' AS x,
       left(after ->> 'big', 30) AS big
  FROM pg_temp.events('prf_toast');
CREATE TABLE tf (id int PRIMARY KEY, x int, big text);
ALTER TABLE tf ALTER big SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
CREATE PUBLICATION prf_toast_full FOR TABLE tf WHERE (x > 0 AND length(big) = 3000);
INSERT INTO tf VALUES (1, 0, repeat('b', 3000));
UPDATE tf SET x = 1;
UPDATE tf SET x = 2;
SELECT op, length(before ->> 'big') AS before, length(after ->> 'big') AS after, after ->> 'x' AS x
  FROM pg_temp.events('prf_toast_full');

-- Missing attributes have their default
CREATE TABLE d (id int PRIMARY KEY);
ALTER TABLE d REPLICA IDENTITY FULL;
INSERT INTO d VALUES (1);
ALTER TABLE d ADD x int DEFAULT 11;
CREATE PUBLICATION prf_missing FOR TABLE d WHERE (x > 10);
UPDATE d SET id = 2;
DELETE FROM d;
SELECT * FROM pg_temp.events('prf_missing');

-- Partitions: the root's filter with the root's columns, or the leaf's own
CREATE TABLE r (id int, k int, x int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE r1 PARTITION OF r FOR VALUES IN (1);
CREATE TABLE r2 (x int, gone int, k int NOT NULL, id int NOT NULL);
ALTER TABLE r2 DROP gone;
ALTER TABLE r ATTACH PARTITION r2 FOR VALUES IN (2);
CREATE PUBLICATION prf_root FOR TABLE r WHERE (id > 10), r1 WHERE (id > 100) WITH (publish_via_partition_root);
CREATE PUBLICATION prf_leaf FOR TABLE r, r1 WHERE (id > 100);
CREATE PROCEDURE pg_temp.work_r() LANGUAGE sql AS $$
  INSERT INTO plugin_row_filter.r VALUES (1, 1, 1), (2, 2, 2), (11, 1, 1), (12, 2, 2), (101, 1, 1), (102, 2, 2);
  UPDATE plugin_row_filter.r SET id = 13 WHERE id = 2;
  UPDATE plugin_row_filter.r SET x = 3 WHERE id = 13;
  UPDATE plugin_row_filter.r SET k = 2 WHERE id = 11;
  UPDATE plugin_row_filter.r SET id = 3 WHERE id = 13;
  DELETE FROM plugin_row_filter.r;
  TRUNCATE plugin_row_filter.r;
$$;
CALL pg_temp.work_r();
SELECT * FROM pg_temp.events('prf_root');
CALL pg_temp.work_r();
SELECT topic, key, op FROM pg_temp.events('prf_leaf');

-- A change of the filter acts from its own place in the stream on
CREATE TABLE c (id int PRIMARY KEY);
CREATE PUBLICATION prf_changing FOR TABLE c WHERE (id > 10);
INSERT INTO c VALUES (1), (11);
ALTER PUBLICATION prf_changing SET TABLE c WHERE (id < 10);
INSERT INTO c VALUES (2), (12);
BEGIN;
INSERT INTO c VALUES (3), (13);
ALTER PUBLICATION prf_changing SET TABLE c;
INSERT INTO c VALUES (4), (14);
SAVEPOINT s;
ALTER PUBLICATION prf_changing SET TABLE c WHERE (id = 0);
INSERT INTO c VALUES (5), (15);
ROLLBACK TO s;
INSERT INTO c VALUES (6), (16);
ALTER PUBLICATION prf_changing SET TABLE c WHERE (id > 10);
COMMIT;
INSERT INTO c VALUES (7), (17);
SELECT key FROM pg_temp.events('prf_changing') WHERE op = 'c';

-- An expression that fails ends the decoding, not the session
CREATE TABLE e (id int PRIMARY KEY);
CREATE PUBLICATION prf_error FOR TABLE e WHERE (10 / id > 1);
INSERT INTO e VALUES (1), (0);
SELECT key FROM pg_temp.events('prf_error');
SELECT key FROM pg_temp.events('prf_f_insert');

-- Many kinds of expressions
CREATE TABLE x (id int PRIMARY KEY, b bool, t text, v varchar(5), n numeric, ts timestamptz, j jsonb);
ALTER TABLE x REPLICA IDENTITY FULL;
CREATE PUBLICATION prf_x1 FOR TABLE x WHERE (b);
CREATE PUBLICATION prf_x2 FOR TABLE x WHERE (b IS NOT TRUE AND t IS NULL);
CREATE PUBLICATION prf_x3 FOR TABLE x WHERE (coalesce(t, v, 'none') IN ('none', 'v') OR NOT n BETWEEN 1 AND 2);
CREATE PUBLICATION prf_x4 FOR TABLE x WHERE (j ->> 'k' = 'v' AND id = ANY (ARRAY[1, 2, 4]) AND ts > '2020-01-01 00:00+00'::timestamptz);
CREATE PUBLICATION prf_x5 FOR TABLE x WHERE (CASE WHEN t IS NULL THEN (id, n) > (2, 1) ELSE lower(v) = 'v' END);
CREATE PROCEDURE pg_temp.work_x() LANGUAGE sql AS $$
  INSERT INTO plugin_row_filter.x VALUES
    (1, true, 't', 'v', 1, '2020-01-02', '{"k": "v"}'),
    (2, false, NULL, 'v', 2, '2020-01-02', '{"k": "w"}'),
    (3, NULL, NULL, NULL, 3, '2019-01-02', '{"k": "v"}'),
    (4, NULL, 'x', NULL, NULL, '2021-01-02', '{"k": "v"}');
  TRUNCATE plugin_row_filter.x;
$$;
CALL pg_temp.work_x();
SELECT key FROM pg_temp.events('prf_x1') WHERE op = 'c';
CALL pg_temp.work_x();
SELECT key FROM pg_temp.events('prf_x2') WHERE op = 'c';
CALL pg_temp.work_x();
SELECT key FROM pg_temp.events('prf_x3') WHERE op = 'c';
CALL pg_temp.work_x();
SELECT key FROM pg_temp.events('prf_x4') WHERE op = 'c';
CALL pg_temp.work_x();
SELECT key FROM pg_temp.events('prf_x5') WHERE op = 'c';

SELECT pg_drop_replication_slot('plugin_row_filter');
SET client_min_messages = warning;
DROP SCHEMA plugin_row_filter CASCADE;
DROP PUBLICATION prf_insert, prf_all, prf_key, prf_f_insert, prf_f_insert_2, prf_f_delete, prf_schema, prf_update, prf_list,
  prf_toast, prf_toast_full, prf_missing, prf_root, prf_leaf, prf_changing, prf_error, prf_x1, prf_x2, prf_x3, prf_x4, prf_x5;
