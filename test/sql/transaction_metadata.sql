-- Option transaction_metadata: the block in events, and the topic that says
-- when a transaction begins and ends.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/events.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned
SET client_min_messages = warning;

CREATE SCHEMA transaction_metadata;
SET search_path = transaction_metadata;
CREATE TABLE a (id int PRIMARY KEY, v text);
CREATE TABLE "b.c" (id int PRIMARY KEY);
CREATE PUBLICATION transaction_metadata FOR TABLE a, "b.c";
SELECT slot_name FROM pg_create_logical_replication_slot('transaction_metadata', 'cdc_emit');

-- All messages of a transaction; a change of the key counts as two events, a
-- tombstone as none, logical messages as a collection of their own
BEGIN;
INSERT INTO a VALUES (1, 'x'), (2, 'y');
INSERT INTO "b.c" VALUES (1);
SELECT count(pg_logical_emit_message(true, 'p', 'content'));
UPDATE a SET id = 3 WHERE id = 2;
DELETE FROM a WHERE id = 1;
SELECT count(pg_logical_emit_message(true, 'q', 'content'));
TRUNCATE a, "b.c";
COMMIT;
SELECT pg_temp.events('transaction_metadata', 'publications', 'transaction_metadata', 'message_include', '*',
                      'topic_prefix', 'srv', 'transaction_metadata', 'on') AS event;

-- The id is that of xid and commit, the same in all of them
BEGIN;
INSERT INTO a VALUES (1, 'x');
SAVEPOINT s;
INSERT INTO a VALUES (2, 'y');
RELEASE s;
SELECT pg_current_xact_id()::xid AS xid \gset
COMMIT;
SELECT topic, value ->> 'status' AS status, coalesce(value #>> '{transaction,id}', value ->> 'id') =
       :'xid' || ':' || max(value #>> '{source,commit_lsn}') OVER () AS id,
       key ->> 'id' = value ->> 'id' AS key
  FROM pg_temp.parts('transaction_metadata', 'publications', 'transaction_metadata', 'message_include', '*',
                     'topic_prefix', 'srv', 'transaction_metadata', 'on');

-- Nothing of transactions without events; orders begin anew with each
CREATE TABLE other (id int);
INSERT INTO other VALUES (1);
BEGIN;
INSERT INTO a VALUES (5, 'never');
ROLLBACK;
INSERT INTO a VALUES (4, 'x');
INSERT INTO a VALUES (5, 'y');
SELECT topic, value ->> 'status' AS status, value ->> 'event_count' AS events,
       value #>> '{transaction,total_order}' AS total, value #>> '{transaction,data_collection_order}' AS collection
  FROM pg_temp.parts('transaction_metadata', 'publications', 'transaction_metadata', 'message_include', '*',
                     'topic_prefix', 'srv', 'transaction_metadata', 'on');

-- A table that changes its shape in the middle is one collection; a message
-- outside of the transaction is none of its events
BEGIN;
INSERT INTO a VALUES (6, 'x');
ALTER TABLE a ADD COLUMN w int;
SELECT count(pg_logical_emit_message(false, 'p', 'outside'));
INSERT INTO a VALUES (7, 'y', 1);
COMMIT;
SELECT topic, value ->> 'status' AS status, value -> 'data_collections' AS collections,
       value -> 'transaction' ->> 'total_order' AS total, value #>> '{transaction,data_collection_order}' AS collection
  FROM pg_temp.parts('transaction_metadata', 'publications', 'transaction_metadata', 'message_include', '*',
                     'topic_prefix', 'srv', 'transaction_metadata', 'on');

-- Partitions that are published as their root are one collection
CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
CREATE PUBLICATION transaction_metadata_root FOR TABLE p WITH (publish_via_partition_root);
INSERT INTO p VALUES (1), (11), (2);
SELECT value -> 'data_collections' AS collections
  FROM pg_temp.parts('transaction_metadata', 'publications', 'transaction_metadata_root', 'message_include', '*',
                     'transaction_metadata', 'on')
 WHERE value ->> 'status' = 'END';

-- With schemas
INSERT INTO a VALUES (8, 'x');
SELECT * FROM pg_temp.events('transaction_metadata', 'publications', 'transaction_metadata', 'message_include', '*',
                             'topic_prefix', 'srv', 'transaction_metadata', 'on', 'schemas', 'on') AS event
 WHERE event LIKE '{"topic":"srv.transaction"%';

SELECT pg_drop_replication_slot('transaction_metadata');
DROP PUBLICATION transaction_metadata, transaction_metadata_root;
DROP SCHEMA transaction_metadata CASCADE;
