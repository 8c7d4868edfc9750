-- Topics, keys and headers that options ask for.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/events.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned
SET client_min_messages = warning;

CREATE SCHEMA routing;
SET search_path = routing;
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL, item text, note text);
CREATE TABLE notes (body text);
CREATE TABLE parts (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE parts_north PARTITION OF parts FOR VALUES IN ('north') PARTITION BY LIST (id);
CREATE TABLE parts_north_1 PARTITION OF parts_north FOR VALUES IN (1);
CREATE TABLE parts_south PARTITION OF parts FOR VALUES IN ('south');
CREATE PUBLICATION routing FOR TABLE orders, notes, parts;
CREATE PUBLICATION routing_root FOR TABLE parts WITH (publish_via_partition_root);
SELECT slot_name FROM pg_create_logical_replication_slot('routing', 'cdc_emit');

-- {root} is the topmost partitioned table, or the table; {table} the one that
-- is published
INSERT INTO notes VALUES ('a');
INSERT INTO parts VALUES (1, 'north'), (1, 'south');
SELECT topic FROM pg_temp.parts('routing', 'publications', 'routing', 'topic_prefix', 'srv',
                                'topic', '{prefix}.{root}.{table}');
INSERT INTO parts VALUES (1, 'north') ON CONFLICT DO NOTHING;
DELETE FROM parts WHERE region = 'north';
SELECT topic FROM pg_temp.parts('routing', 'publications', 'routing_root', 'topic_prefix', 'srv',
                                'topic', '{prefix}.{root}.{table}', 'tombstones', 'off');

-- Topics of tables; those of a partitioned table are its partitions' too,
-- unless they have their own
INSERT INTO orders VALUES (1, 10, 'pen', 'x');
INSERT INTO notes VALUES ('a');
INSERT INTO parts VALUES (1, 'north');
DELETE FROM parts;
SELECT topic, key FROM pg_temp.parts('routing', 'publications', 'routing', 'topic_prefix', 'srv', 'tombstones', 'off', 'tables',
  '{"routing.orders": {"topic": "{prefix}.all_orders"}, "routing.parts": {"topic": "parts"},
    "routing.parts_south": {"topic": "south"}}');

-- Tables may share a topic if options say so
INSERT INTO orders VALUES (2, 10, 'pen', 'x');
INSERT INTO notes VALUES ('b');
SELECT topic FROM pg_temp.parts('routing', 'publications', 'routing', 'topic', 'everything');

-- They may not because of a character that Kafka does not have
CREATE TABLE "a b" (id int);
CREATE TABLE "a_b" (id int);
ALTER PUBLICATION routing ADD TABLE "a b", "a_b";
INSERT INTO "a b" VALUES (1);
INSERT INTO "a_b" VALUES (1);
SELECT topic FROM pg_temp.parts('routing', 'publications', 'routing', 'topic_prefix', 'srv');
SELECT topic FROM pg_temp.parts('routing', 'publications', 'routing', 'topic_prefix', 'srv',
                                'tables', '{"routing.\"a b\"": {"topic": "a_space_b"}}');

-- A table that is not there any more takes nothing away
INSERT INTO "a b" VALUES (2);
DROP TABLE "a_b";
ALTER TABLE "a b" RENAME TO "a_b";
INSERT INTO "a_b" VALUES (3);
SELECT topic FROM pg_temp.parts('routing', 'publications', 'routing', 'topic_prefix', 'srv');

-- Names that are no names of topics
CREATE TABLE "." (id int);
ALTER PUBLICATION routing ADD TABLE ".";
INSERT INTO "." VALUES (1);
SELECT topic FROM pg_temp.parts('routing', 'publications', 'routing', 'topic', '{table}');
DROP TABLE ".";

-- Key columns of a table, in the order of the table; old rows must have them
INSERT INTO notes VALUES ('keyed');
SELECT key FROM pg_temp.parts('routing', 'publications', 'routing',
                              'tables', '{"routing.notes": {"key": ["body"]}}')
 WHERE topic LIKE '%notes';
ALTER TABLE orders REPLICA IDENTITY FULL;
INSERT INTO orders VALUES (3, 10, 'pen', 'x');
UPDATE orders SET note = 'y' WHERE id = 3;
UPDATE orders SET customer = 11 WHERE id = 3;
DELETE FROM orders WHERE id = 3;
SELECT key, value ->> 'op' AS op, headers FROM pg_temp.parts('routing', 'publications', 'routing',
    'tables', '{"routing.orders": {"key": ["item", "customer"]}}');
INSERT INTO orders VALUES (3, 10, 'pen', 'x');
DELETE FROM orders WHERE id = 3;
SELECT key FROM pg_temp.parts('routing', 'publications', 'routing',
    'message_key_columns', 'routing.orders:customer;routing.notes:body', 'schemas', 'on');
ALTER TABLE orders REPLICA IDENTITY DEFAULT;
SET client_min_messages = notice;
INSERT INTO orders VALUES (3, 10, 'pen', 'x');
SELECT key, value ->> 'op' AS op FROM pg_temp.parts('routing', 'publications', 'routing',
    'tables', '{"routing.orders": {"key": ["customer"], "partition_by": ["customer"]}}');
SET client_min_messages = warning;

-- Columns that are not there, or not published
INSERT INTO orders VALUES (4, 10, 'pen', 'x');
SELECT key FROM pg_temp.parts('routing', 'publications', 'routing',
    'tables', '{"routing.orders": {"key": ["id", "colour"]}}');
SELECT key FROM pg_temp.parts('routing', 'publications', 'routing',
    'tables', '{"routing.orders": {"partition_by": ["colour"]}}');
ALTER PUBLICATION routing DROP TABLE orders, notes, "a_b";
ALTER PUBLICATION routing ADD TABLE orders (id, item);
INSERT INTO orders VALUES (5, 10, 'pen', 'x');
SELECT count(*) FROM pg_temp.parts('routing', 'publications', 'routing');
INSERT INTO orders VALUES (6, 10, 'pen', 'x');
SELECT key FROM pg_temp.parts('routing', 'publications', 'routing',
    'tables', '{"routing.orders": {"key": ["customer"]}}');
SELECT count(*) FROM pg_temp.parts('routing', 'publications', 'routing');
ALTER PUBLICATION routing DROP TABLE orders;
ALTER PUBLICATION routing ADD TABLE orders, notes;

-- Headers: constants, names, what identifies the event, columns
INSERT INTO orders VALUES (7, 10, E'tab\there "é"', NULL);
INSERT INTO notes VALUES ('x');
UPDATE orders SET item = 'pen' WHERE id = 7;
DELETE FROM orders WHERE id = 7;
TRUNCATE notes;
SELECT count(pg_logical_emit_message(true, 'p', 'x'));
SELECT regexp_replace(topic, '.*\.', '') AS topic, value ->> 'op' AS op, headers
  FROM pg_temp.parts('routing', 'publications', 'routing', 'topic_prefix', 'srv', 'message_include', 'p', 'headers',
  '{"origin": "shop é", "from": "{prefix}/{schema}/{table}", "what": "{op}-{commit_index}",
    "item": "{column:item}", "note": "<{column:note}>", "customer": "{column:customer}", "both": "{column:id}:{table}"}');

-- and what is different from run to run
INSERT INTO orders VALUES (8, 10, 'pen', 'x');
SELECT (headers ->> 'tx') = (value #>> '{source,txId}') || '@' || (value #>> '{source,commit_lsn}') AS tx,
       (extract(epoch FROM (headers ->> 'time')::timestamptz) * 1000000)::int8 = (value #>> '{source,ts_us}')::int8 AS time,
       headers ->> 'db' = current_database() AS database
  FROM pg_temp.parts('routing', 'publications', 'routing', 'headers',
                     '{"tx": "{xid}@{commit_lsn}", "time": "{commit_time}", "db": "{database}"}');

-- Headers of formats come first; a tombstone of a key that changes has all
UPDATE orders SET id = 9 WHERE id = 8;
SELECT key, value ->> 'op' AS op, headers
  FROM pg_temp.parts('routing', 'publications', 'routing', 'headers', '{"id": "{column:id}", "op": "{op}"}');

-- Values in headers are those of the event, without quotes
CREATE TABLE types (id int PRIMARY KEY, n int, t timestamptz, d date, j jsonb, a int[], b bool, x text);
ALTER TABLE types ALTER x SET STORAGE EXTERNAL;
ALTER PUBLICATION routing ADD TABLE types;
INSERT INTO types VALUES (1, 1, '2026-01-02 03:04:05+00', '2026-01-02', '{"a": "b"}', '{1,2}', true, repeat('x', 9000));
UPDATE types SET n = 2;
SELECT value ->> 'op' AS op, headers ->> 'all' AS "all", left(headers ->> 'x', 30) AS x
  FROM pg_temp.parts('routing', 'publications', 'routing', 'headers',
  '{"all": "{column:n} {column:t} {column:d} {column:j} {column:a} {column:b}", "x": "{column:x}"}');

SELECT pg_drop_replication_slot('routing');
DROP PUBLICATION routing, routing_root;
DROP SCHEMA routing CASCADE;
