-- Debezium's envelope: schemas, names, headers of events.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/events.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned
SET client_min_messages = warning;

CREATE SCHEMA format_debezium;
SET search_path = format_debezium;
CREATE TABLE orders (id int PRIMARY KEY, item text NOT NULL, qty int DEFAULT 1);
CREATE TABLE notes (body text);
CREATE PUBLICATION format_debezium FOR TABLE orders, notes;
SELECT slot_name FROM pg_create_logical_replication_slot('format_debezium', 'cdc_emit');

-- With schemas: columns of old rows that the replica identity lacks are
-- optional in "before"
INSERT INTO orders VALUES (1, 'pen');
DELETE FROM orders WHERE id = 1;
SELECT pg_temp.events('format_debezium', 'publications', 'format_debezium',
                      'topic_prefix', 'srv', 'schemas', 'on') AS event;

-- Schemas of keys and rows alone
CREATE FUNCTION pg_temp.fields(slot name, VARIADIC options text[])
RETURNS TABLE (op text, part text, fields text) LANGUAGE sql AS $$
  SELECT p.value #>> '{payload,op}', f ->> 'field',
         (SELECT string_agg(c ->> 'field' || CASE c ->> 'optional' WHEN 'true' THEN '?' ELSE '' END, ' ')
            FROM json_array_elements(f -> 'fields') AS c)
    FROM pg_temp.parts(slot, VARIADIC options) AS p,
         LATERAL json_array_elements(p.value #> '{schema,fields}') AS f
   WHERE f ->> 'field' IN ('before', 'after')
$$;

-- REPLICA IDENTITY FULL: old rows are complete
ALTER TABLE orders REPLICA IDENTITY FULL;
INSERT INTO orders VALUES (2, 'ink', 5);
SELECT * FROM pg_temp.fields('format_debezium', 'publications', 'format_debezium', 'schemas', 'on');

-- REPLICA IDENTITY USING INDEX: they have the columns of the index
CREATE UNIQUE INDEX orders_item ON orders (item);
ALTER TABLE orders REPLICA IDENTITY USING INDEX orders_item;
UPDATE orders SET qty = 6;
SELECT * FROM pg_temp.fields('format_debezium', 'publications', 'format_debezium', 'schemas', 'on');
ALTER TABLE orders REPLICA IDENTITY DEFAULT;

-- The schema follows the table, without a new session
ALTER TABLE orders ADD COLUMN note text;
UPDATE orders SET note = 'x';
SELECT * FROM pg_temp.fields('format_debezium', 'publications', 'format_debezium', 'schemas', 'on');

-- A key that changes: delete, tombstone and create, each with the other key in
-- a header, without schema
UPDATE orders SET id = 3 WHERE id = 2;
SELECT topic, key, value ->> 'op' AS op, value -> 'before' AS before, value -> 'after' AS after, headers
  FROM pg_temp.parts('format_debezium', 'publications', 'format_debezium', 'topic_prefix', 'srv');
UPDATE orders SET id = 2 WHERE id = 3;
SELECT key -> 'payload' AS key, value #>> '{payload,op}' AS op, headers
  FROM pg_temp.parts('format_debezium', 'publications', 'format_debezium', 'schemas', 'on');

-- Without a key, and TRUNCATE
INSERT INTO notes VALUES ('a');
TRUNCATE notes;
SELECT pg_temp.events('format_debezium', 'publications', 'format_debezium', 'topic_prefix', 'srv') AS event;

-- The name of the source can differ from the prefix of topics
INSERT INTO notes VALUES ('b');
SELECT topic, value #>> '{source,name}' AS name
  FROM pg_temp.parts('format_debezium', 'publications', 'format_debezium', 'topic_prefix', 'srv',
                     'source_name', 'Other "name"');

-- Columns without a value, because unchanged TOAST is not in WAL, are named in
-- a header; events that have all values have none
CREATE TABLE documents (id int PRIMARY KEY, body text, raw bytea, title text);
ALTER TABLE documents ALTER body SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL;
ALTER PUBLICATION format_debezium ADD TABLE documents;
INSERT INTO documents VALUES (1, repeat('x', 9000), convert_to(repeat('y', 9000), 'UTF8'), 'one');
UPDATE documents SET title = 'two';
UPDATE documents SET body = 'short';
UPDATE documents SET raw = NULL;
UPDATE documents SET id = 2;
ALTER TABLE documents REPLICA IDENTITY FULL;
UPDATE documents SET body = repeat('x', 9000);
UPDATE documents SET title = 'three';
SELECT value ->> 'op' AS op, left(value #>> '{after,body}', 30) AS body,
       left(value #>> '{after,raw}', 8) AS raw, headers
  FROM pg_temp.parts('format_debezium', 'publications', 'format_debezium');

SELECT pg_drop_replication_slot('format_debezium');
DROP PUBLICATION format_debezium;
DROP SCHEMA format_debezium CASCADE;
