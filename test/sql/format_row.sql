-- Format row: the new row alone, with fields added on demand.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/events.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned
SET client_min_messages = warning;

CREATE SCHEMA format_row;
SET search_path = format_row;
CREATE TABLE orders (id int PRIMARY KEY, item text NOT NULL, qty int);
CREATE TABLE empty ();
CREATE PUBLICATION format_row FOR TABLE orders, empty;
SELECT slot_name FROM pg_create_logical_replication_slot('format_row', 'cdc_emit');

-- The same changes in each way of writing deletes; a key that changes ends and
-- begins; TRUNCATE has no row
CREATE PROCEDURE change() LANGUAGE sql AS $$
  INSERT INTO orders VALUES (1, 'pen', 2);
  UPDATE orders SET qty = 3;
  UPDATE orders SET id = 2;
  DELETE FROM orders;
  TRUNCATE orders;
$$;
CALL change();
SELECT pg_temp.events('format_row', 'publications', 'format_row', 'format', 'row', 'topic_prefix', 'srv') AS event;
CALL change();
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row',
                            'delete_handling', 'drop');
CALL change();
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row',
                            'delete_handling', 'rewrite');
CALL change();
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row',
                            'delete_handling', 'rewrite_with_tombstone');

-- Fields of the envelope, by the names of Debezium's ExtractNewRecordState
CALL change();
SELECT pg_temp.events('format_row', 'publications', 'format_row', 'format', 'row',
                            'topic_prefix', 'srv', 'delete_handling', 'rewrite',
                            'add_fields', 'op,table,lsn,source.ts_ms,transaction.id,id:tx,total_order,data_collection_order',
                            'add_headers', 'op,source.schema,commit_index,origin');
INSERT INTO orders VALUES (1, 'pen', 2);
SELECT pg_temp.events('format_row', 'publications', 'format_row', 'format', 'row',
                            'topic_prefix', 'srv',
                            'add_fields', 'ts_ms,ts_us,ts_ns,version,connector,name,source.ts_us,source.ts_ns,snapshot,db,sequence,source.schema:schema,txId,xmin,origin,origin_lsn,commit_lsn,commit_index');

-- A tombstone that stands for the delete has its headers
DELETE FROM orders;
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row',
                            'add_headers', 'op,table');

-- A row without columns
INSERT INTO empty DEFAULT VALUES;
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row');
INSERT INTO empty DEFAULT VALUES;
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row',
                            'delete_handling', 'rewrite', 'add_fields', 'op');
INSERT INTO empty DEFAULT VALUES;
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row', 'add_fields', 'op');

-- With schemas; where deletes are rows, columns they may lack are optional
INSERT INTO orders VALUES (1, 'pen', 2);
SELECT pg_temp.events('format_row', 'publications', 'format_row', 'format', 'row',
                      'topic_prefix', 'srv', 'schemas', 'on') AS event;
DELETE FROM orders;
SELECT pg_temp.events('format_row', 'publications', 'format_row', 'format', 'row',
                      'topic_prefix', 'srv', 'schemas', 'on', 'delete_handling', 'rewrite',
                      'add_fields', 'op,snapshot,lsn') AS event;
INSERT INTO empty DEFAULT VALUES;
SELECT pg_temp.events('format_row', 'publications', 'format_row', 'format', 'row',
                      'topic_prefix', 'srv', 'schemas', 'on', 'add_fields', 'op') AS event;

-- Values that unchanged TOAST lacks
ALTER TABLE orders ALTER item SET STORAGE EXTERNAL;
INSERT INTO orders VALUES (1, repeat('x', 9000), 2);
UPDATE orders SET qty = 3;
SELECT left(value ->> 'item', 30) AS item, value ->> 'qty' AS qty, headers
  FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row');

-- Errors
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row',
                            'add_fields', 'op,colour');
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row',
                            'add_fields', 'transaction.op');
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row',
                            'add_headers', 'op,lsn:op');
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'add_fields', 'op');
SELECT key, value, headers FROM pg_temp.parts('format_row', 'publications', 'format_row', 'format', 'row',
                            'tombstones', 'off');

SELECT pg_drop_replication_slot('format_row');
DROP PUBLICATION format_row;
DROP SCHEMA format_row CASCADE;
