-- What publications publish: operations, unions, schemas, partitions, column
-- lists; and that changes of the catalog act at their own place.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/messages.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned

CREATE SCHEMA plugin_publications;
SET search_path = plugin_publications;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_publications', 'cdc_emit');
CREATE FUNCTION pg_temp.events(publications text) RETURNS TABLE (topic text, key json, op text, before json, after json)
LANGUAGE sql AS $$
  SELECT * FROM pg_temp.rows('plugin_publications', 'publications', publications, 'topic_prefix', 's', 'topic', '{table}',
                             'tombstones', 'off', 'truncate', 'on')
$$;

-- Operations, and their union over publications
CREATE TABLE a (id int PRIMARY KEY, x text);
CREATE TABLE b (id int PRIMARY KEY);
CREATE PUBLICATION pp_insert FOR TABLE a WITH (publish = 'insert');
CREATE PUBLICATION pp_delete FOR TABLE a WITH (publish = 'delete, truncate');
CREATE PUBLICATION pp_all FOR TABLE a, b;
CREATE PROCEDURE pg_temp.work() LANGUAGE sql AS $$
  INSERT INTO plugin_publications.a VALUES (1, 'x');
  UPDATE plugin_publications.a SET x = 'y';
  DELETE FROM plugin_publications.a;
  TRUNCATE plugin_publications.a, plugin_publications.b;
$$;
CALL pg_temp.work();
SELECT * FROM pg_temp.events('pp_insert');
CALL pg_temp.work();
SELECT * FROM pg_temp.events('pp_delete');
CALL pg_temp.work();
SELECT * FROM pg_temp.events('pp_delete, pp_insert');
CALL pg_temp.work();
SELECT * FROM pg_temp.events('pp_all');

-- All tables, and all of a schema
CREATE PUBLICATION pp_schema FOR TABLES IN SCHEMA plugin_publications;
CALL pg_temp.work();
SELECT topic, op FROM pg_temp.events('pp_schema');
CREATE PUBLICATION pp_everything FOR ALL TABLES;
CREATE EXTENSION cdc_emit;
BEGIN;
INSERT INTO cdc_emit.dropped_slot VALUES ('none');
DELETE FROM cdc_emit.dropped_slot;
COMMIT;
CREATE UNLOGGED TABLE u (id int PRIMARY KEY);
INSERT INTO u VALUES (1);
CALL pg_temp.work();
SELECT topic, op FROM pg_temp.events('pp_everything');
DROP PUBLICATION pp_everything;
DROP EXTENSION cdc_emit;

-- All tables but some (19); before, the publication names the others
CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p DEFAULT;
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 190000 THEN
    EXECUTE 'CREATE PUBLICATION pp_except FOR ALL TABLES EXCEPT (TABLE plugin_publications.a, plugin_publications.p)';
  ELSE
    EXECUTE 'CREATE PUBLICATION pp_except FOR TABLE plugin_publications.b';
  END IF;
END
$$;
INSERT INTO p VALUES (1);
CALL pg_temp.work();
SELECT topic, op FROM pg_temp.events('pp_except');
INSERT INTO p VALUES (2);
CALL pg_temp.work();
SELECT topic, op FROM pg_temp.events('pp_except, pp_insert');
DROP PUBLICATION pp_except;

-- Changes of a publication act from their own transaction on
CREATE PUBLICATION pp_changing;
INSERT INTO b VALUES (1);
ALTER PUBLICATION pp_changing ADD TABLE b;
INSERT INTO b VALUES (2);
ALTER PUBLICATION pp_changing SET (publish = 'update');
INSERT INTO b VALUES (3);
ALTER PUBLICATION pp_changing SET (publish = 'insert');
BEGIN;
INSERT INTO b VALUES (4);
ALTER PUBLICATION pp_changing DROP TABLE b;
INSERT INTO b VALUES (5);
COMMIT;
ALTER PUBLICATION pp_changing ADD TABLES IN SCHEMA plugin_publications;
INSERT INTO b VALUES (6);
SELECT op, after FROM pg_temp.events('pp_changing');

-- A publication that did not exist at the time of a change publishes nothing
INSERT INTO b VALUES (7);
CREATE PUBLICATION pp_late FOR TABLE b;
INSERT INTO b VALUES (8);
SELECT op, after FROM pg_temp.events('pp_late');

-- Changes of tables, types and schemas act likewise
CREATE TYPE pp_enum AS ENUM ('one');
CREATE TABLE c (id int PRIMARY KEY, x int);
INSERT INTO c VALUES (1, 1);
ALTER TABLE c ADD d text DEFAULT 'missing';
UPDATE c SET x = 2;
ALTER TABLE c DROP x;
INSERT INTO c VALUES (2, 'two');
ALTER TABLE c RENAME d TO e;
INSERT INTO c VALUES (3, 'three');
ALTER TABLE c ALTER e DROP DEFAULT, ALTER e TYPE pp_enum USING 'one';
INSERT INTO c VALUES (4, 'one');
ALTER TYPE pp_enum ADD VALUE 'two';
INSERT INTO c VALUES (5, 'two');
ALTER TYPE pp_enum RENAME VALUE 'two' TO 'zwei';
INSERT INTO c VALUES (6, 'zwei');
ALTER TABLE c RENAME TO c2;
INSERT INTO c2 VALUES (7, 'one');
ALTER TABLE c2 DROP CONSTRAINT c_pkey;
INSERT INTO c2 VALUES (8, 'one');
BEGIN;
ALTER TABLE c2 ADD PRIMARY KEY (id);
INSERT INTO c2 VALUES (9, 'one');
ALTER TABLE c2 ALTER id TYPE text;
INSERT INTO c2 VALUES ('10', 'one');
COMMIT;
SELECT topic, key, op, after FROM pg_temp.events('pp_schema');
CREATE SCHEMA plugin_publications_2;
CREATE TABLE plugin_publications_2.moved (id int PRIMARY KEY);
CREATE PUBLICATION pp_moved FOR TABLE plugin_publications_2.moved;
INSERT INTO plugin_publications_2.moved VALUES (1);
ALTER SCHEMA plugin_publications_2 RENAME TO plugin_publications_3;
INSERT INTO plugin_publications_3.moved VALUES (2);
ALTER TABLE plugin_publications_3.moved SET SCHEMA plugin_publications;
INSERT INTO moved VALUES (3);
SELECT topic, after FROM pg_temp.rows('plugin_publications', 'publications', 'pp_moved', 'topic_prefix', 's');

-- Rewrites of tables and materialized views are no changes
CREATE TABLE g (id int PRIMARY KEY, x int);
INSERT INTO g VALUES (1, 1);
CREATE MATERIALIZED VIEW m AS SELECT x FROM g;
CLUSTER g USING g_pkey;
VACUUM FULL g;
ALTER TABLE g ALTER id TYPE bigint;
REFRESH MATERIALIZED VIEW m;
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 190000 THEN
    EXECUTE 'REPACK plugin_publications.g USING INDEX g_pkey';
  END IF;
END
$$;
UPDATE g SET x = 2;
SELECT topic, op, after FROM pg_temp.events('pp_schema');

-- Partitions: under their own name, or that and the columns of the root
CREATE TABLE r (id int, x text, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE r1 PARTITION OF r FOR VALUES IN (1);
CREATE TABLE r2 (k int NOT NULL, gone int, extra text, id int NOT NULL, x text);
ALTER TABLE r2 DROP gone, DROP extra;
ALTER TABLE r ATTACH PARTITION r2 FOR VALUES IN (2);
CREATE TABLE r3 PARTITION OF r FOR VALUES IN (3) PARTITION BY RANGE (id);
CREATE TABLE r31 PARTITION OF r3 DEFAULT;
CREATE PUBLICATION pp_leaf FOR TABLE r;
CREATE PUBLICATION pp_root FOR TABLE r WITH (publish_via_partition_root);
CREATE PUBLICATION pp_middle FOR TABLE r3 WITH (publish_via_partition_root);
CREATE PROCEDURE pg_temp.work_r() LANGUAGE sql AS $$
  INSERT INTO plugin_publications.r VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3);
  UPDATE plugin_publications.r SET k = 2 WHERE id = 1;
  UPDATE plugin_publications.r SET id = 20 WHERE id = 2;
  DELETE FROM plugin_publications.r;
  TRUNCATE plugin_publications.r;
  TRUNCATE plugin_publications.r1;
$$;
CALL pg_temp.work_r();
SELECT * FROM pg_temp.events('pp_leaf');
CALL pg_temp.work_r();
SELECT * FROM pg_temp.events('pp_root');
CALL pg_temp.work_r();
SELECT topic, key, op FROM pg_temp.events('pp_middle');
CALL pg_temp.work_r();
SELECT topic, key, op FROM pg_temp.events('pp_middle, pp_root, pp_leaf');
INSERT INTO r VALUES (5, 'attached', 2);
ALTER TABLE r DETACH PARTITION r2;
INSERT INTO r2 VALUES (2, 6, 'detached');
ALTER TABLE r RENAME TO root;
INSERT INTO root VALUES (7, 'renamed', 1);
SELECT topic, after FROM pg_temp.events('pp_root');

-- A partition whose old rows lack columns of the root's key has no key, nor
-- half of one; keys of other partitions stay
CREATE TABLE q (id int, k int, x text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE q1 PARTITION OF q FOR VALUES IN (1);
CREATE TABLE q2 PARTITION OF q (x NOT NULL, UNIQUE (x)) FOR VALUES IN (2);
ALTER TABLE q2 REPLICA IDENTITY USING INDEX q2_x_key;
CREATE TABLE q3 PARTITION OF q FOR VALUES IN (3);
ALTER TABLE q3 REPLICA IDENTITY FULL;
CREATE TABLE q4 (x text, k int NOT NULL, id int NOT NULL);
CREATE UNIQUE INDEX q4_id ON q4 (x, k, id);
ALTER TABLE q4 ALTER x SET NOT NULL, REPLICA IDENTITY USING INDEX q4_id;
ALTER TABLE q ATTACH PARTITION q4 FOR VALUES IN (4);
CREATE PUBLICATION pp_key FOR TABLE q WITH (publish_via_partition_root);
CREATE PUBLICATION pp_key_insert FOR TABLE q WITH (publish = 'insert', publish_via_partition_root);
CREATE PROCEDURE pg_temp.work_q() LANGUAGE sql AS $$
  INSERT INTO plugin_publications.q SELECT k, k, 'x' FROM generate_series(1, 4) k;
  UPDATE plugin_publications.q SET x = 'y';
  UPDATE plugin_publications.q SET id = id * 10;
  DELETE FROM plugin_publications.q;
$$;
CALL pg_temp.work_q();
SELECT key, op, before, after
  FROM pg_temp.events('pp_key') WITH ORDINALITY
 ORDER BY coalesce(after ->> 'k', before ->> 'k'), ordinality;
CALL pg_temp.work_q();
SELECT key, after FROM pg_temp.events('pp_key_insert');
ALTER TABLE q2 REPLICA IDENTITY FULL;
INSERT INTO q VALUES (2, 2, 'x');
DELETE FROM q;
SELECT * FROM pg_temp.events('pp_key');

-- Column lists
CREATE TABLE l (id int PRIMARY KEY, secret text, open text);
CREATE PUBLICATION pp_list FOR TABLE l (id, open);
CREATE PUBLICATION pp_list_2 FOR TABLE l (open, id);
CREATE PUBLICATION pp_list_keyless FOR TABLE l (open) WITH (publish = 'insert');
INSERT INTO l VALUES (1, 's', 'o');
UPDATE l SET id = 2;
DELETE FROM l;
SELECT * FROM pg_temp.events('pp_list, pp_list_2');
INSERT INTO l VALUES (1, 's', 'o');
SELECT * FROM pg_temp.events('pp_list_keyless');

-- A list of all columns is like none
CREATE TABLE la (id int PRIMARY KEY, x int);
CREATE PUBLICATION pp_list_all FOR TABLE la (id, x);
INSERT INTO la VALUES (1, 1);
SELECT after FROM pg_temp.events('pp_list_all, pp_schema');

-- Changes that came from another server can be left out; the origin of the
-- commit counts for the transaction, that of the change for the change
CREATE FUNCTION pg_temp.origins(filter text) RETURNS TABLE (id text, origin text) LANGUAGE sql AS $$
  SELECT m -> 'value' -> 'after' ->> 'id', m -> 'value' -> 'source' ->> 'origin'
    FROM pg_logical_slot_peek_changes('plugin_publications', NULL, NULL, 'publications', 'pp_all', 'origin', filter),
         LATERAL (SELECT data::json) AS j (m)
$$;
SELECT pg_replication_origin_create('plugin_publications') > 0 AS created;
INSERT INTO b VALUES (101);
SELECT pg_replication_origin_session_setup('plugin_publications');
INSERT INTO b VALUES (102);
BEGIN;
INSERT INTO b VALUES (103);
SELECT pg_replication_origin_session_reset();
INSERT INTO b VALUES (104);
COMMIT;
BEGIN;
INSERT INTO b VALUES (105);
SELECT pg_replication_origin_session_setup('plugin_publications');
COMMIT;
SELECT pg_replication_origin_session_reset();
INSERT INTO b VALUES (106);
SELECT * FROM pg_temp.origins('any');
SELECT * FROM pg_temp.origins('none');
SELECT pg_replication_origin_drop('plugin_publications');

SELECT pg_drop_replication_slot('plugin_publications');
DROP PUBLICATION pp_insert, pp_delete, pp_all, pp_schema, pp_changing, pp_late, pp_moved, pp_leaf, pp_root, pp_middle,
  pp_list, pp_list_2, pp_list_keyless, pp_key, pp_key_insert, pp_list_all;
SET client_min_messages = warning;
DROP SCHEMA plugin_publications, plugin_publications_3 CASCADE;
