-- The shape of messages: every field, in order.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/messages.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned

CREATE SCHEMA plugin_basic;
SET search_path = plugin_basic;
CREATE TABLE orders (id int PRIMARY KEY, item text, qty int);
CREATE TABLE notes (body text);
CREATE PUBLICATION plugin_basic FOR TABLE orders, notes;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_basic', 'cdc_emit');

-- Insert, update and delete with the primary key as replica identity
INSERT INTO orders VALUES (1, 'pen', 2);
UPDATE orders SET qty = 3 WHERE id = 1;
DELETE FROM orders WHERE id = 1;
SELECT pg_temp.messages('plugin_basic', 'publications', 'plugin_basic', 'topic_prefix', 'srv')
  AS message;

-- Without a key the key is null, also that of the tombstone
INSERT INTO notes VALUES ('a'), (NULL);
ALTER TABLE notes REPLICA IDENTITY FULL;
DELETE FROM notes WHERE body = 'a';
SELECT * FROM pg_temp.rows('plugin_basic', 'publications', 'plugin_basic', 'topic_prefix', 'srv');

-- The index counts the events of a transaction, not the tombstones; all rows
-- have the same commit LSN
BEGIN;
INSERT INTO orders SELECT g, 'item ' || g, g FROM generate_series(1, 3) g;
DELETE FROM orders WHERE id = 2;
SAVEPOINT s;
INSERT INTO orders VALUES (4, 'undone', 0);
ROLLBACK TO s;
SAVEPOINT s;
INSERT INTO orders VALUES (5, 'kept', 0);
COMMIT;
SELECT key, value ->> 'op' AS op, source -> 'commit_index' AS commit_index,
       count(*) FILTER (WHERE source IS NOT NULL) OVER () AS events,
       dense_rank() OVER (ORDER BY source -> 'commit_lsn') AS commit,
       dense_rank() OVER (ORDER BY source -> 'txId') AS xid
  FROM pg_logical_slot_get_changes('plugin_basic', NULL, NULL,
                                   'publications', 'plugin_basic') WITH ORDINALITY AS r (lsn, xid, data, n),
       LATERAL (SELECT data::jsonb -> 'key', data::jsonb -> 'value',
                       data::jsonb -> 'value' -> 'source') AS m (key, value, source)
 ORDER BY n;

-- Times: source has the commit, the top level the moment of encoding; units
-- fit each other; the default topic prefix is the database
INSERT INTO orders VALUES (6, 'time', 0);
SELECT (source ->> 'ts_us')::int8 / 1000 = (source ->> 'ts_ms')::int8 AS source_ms,
       (source ->> 'ts_us')::int8 * 1000 = (source ->> 'ts_ns')::int8 AS source_ns,
       (value ->> 'ts_us')::int8 / 1000 = (value ->> 'ts_ms')::int8 AS ms,
       (value ->> 'ts_us')::int8 * 1000 = (value ->> 'ts_ns')::int8 AS ns,
       (value ->> 'ts_us')::int8 >= (source ->> 'ts_us')::int8 AS later,
       abs(extract(epoch FROM now()) - (source ->> 'ts_ms')::int8 / 1000) < 60 AS recent,
       source ->> 'db' = current_database() AS db,
       source ->> 'name' = current_database() AS name,
       m ->> 'topic' = current_database() || '.plugin_basic.orders' AS topic,
       (source ->> 'commit_lsn')::int8 > (source ->> 'lsn')::int8 AS lsn
  FROM pg_logical_slot_get_changes('plugin_basic', NULL, NULL, 'publications', 'plugin_basic'),
       LATERAL (SELECT data::jsonb, data::jsonb -> 'value',
                       data::jsonb -> 'value' -> 'source') AS j (m, value, source);

-- Tombstones can be turned off
DELETE FROM orders WHERE id = 6;
SELECT * FROM pg_temp.rows('plugin_basic', 'publications', 'plugin_basic', 'tombstones', 'off', 'topic_prefix', 'srv');

-- TRUNCATE is an event of each table, unless it is not wanted
TRUNCATE notes, orders;
INSERT INTO notes VALUES ('after');
SELECT * FROM pg_temp.rows('plugin_basic', 'publications', 'plugin_basic', 'truncate', 'off', 'topic_prefix', 'srv');
TRUNCATE notes, orders;
SELECT pg_temp.messages('plugin_basic', 'publications', 'plugin_basic', 'truncate', 'on', 'topic_prefix', 'srv')
  AS message;

-- The topic follows the template; what Kafka does not accept becomes '_'
CREATE TABLE "odd name $" ("the ""id""" int PRIMARY KEY, "a\b" text);
ALTER PUBLICATION plugin_basic ADD TABLE "odd name $";
INSERT INTO "odd name $" VALUES (1, 'x');
SELECT topic, key, after
  FROM pg_temp.rows('plugin_basic', 'publications', 'plugin_basic', 'topic_prefix', 'srv');
INSERT INTO "odd name $" VALUES (2, 'x');
SELECT topic FROM pg_temp.rows('plugin_basic', 'publications', 'plugin_basic',
                               'topic_prefix', 'p', 'topic', 'cdc.{prefix}-{schema}.{table}.v1');
INSERT INTO "odd name $" VALUES (3, 'x');
SELECT topic = 'fixed.' || current_database() AS template
  FROM pg_temp.rows('plugin_basic', 'publications', 'plugin_basic', 'topic', 'fixed.{database}');

-- Nothing is sent of rolled back transactions and of other tables
CREATE TABLE other (id int);
INSERT INTO other VALUES (1);
BEGIN;
INSERT INTO orders VALUES (7, 'never', 0);
ROLLBACK;
SELECT count(*) FROM pg_temp.messages('plugin_basic', 'publications', 'plugin_basic');

-- Origin of changes that were replicated in
SELECT pg_replication_origin_create('plugin_basic') IS NOT NULL AS created;
SELECT pg_replication_origin_session_setup('plugin_basic');
BEGIN;
SELECT pg_replication_origin_xact_setup('0/1234', '2026-01-02 03:04:05.123456+00');
INSERT INTO orders VALUES (8, 'foreign', 0);
COMMIT;
SELECT pg_replication_origin_session_reset();
SELECT data::json -> 'value' -> 'source' -> 'origin' AS origin,
       data::json -> 'value' -> 'source' -> 'origin_lsn' AS origin_lsn,
       data::json -> 'value' -> 'source' -> 'ts_us' AS ts_us
  FROM pg_logical_slot_get_changes('plugin_basic', NULL, NULL, 'publications', 'plugin_basic');
SELECT pg_replication_origin_drop('plugin_basic');

SELECT pg_drop_replication_slot('plugin_basic');
DROP PUBLICATION plugin_basic;
SET client_min_messages = warning;
DROP SCHEMA plugin_basic CASCADE;
