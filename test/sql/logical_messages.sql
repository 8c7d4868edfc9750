-- Messages of pg_logical_emit_message().
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/events.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned
SET client_min_messages = warning;

CREATE SCHEMA logical_messages;
SET search_path = logical_messages;
CREATE TABLE a (id int PRIMARY KEY);
CREATE PUBLICATION logical_messages FOR TABLE a;
SELECT slot_name FROM pg_create_logical_replication_slot('logical_messages', 'cdc_emit');

-- Nobody waits for the flush of a message outside of transactions.
CREATE TABLE flushes (id int);
CREATE PROCEDURE flush() LANGUAGE sql AS 'INSERT INTO flushes VALUES (1)';

-- In a transaction a message is one of its events; outside it stands for
-- itself and has no transaction
BEGIN;
INSERT INTO a VALUES (1);
SELECT count(pg_logical_emit_message(true, 'in "quotes"', 'hello'));
INSERT INTO a VALUES (2);
COMMIT;
SELECT count(pg_logical_emit_message(false, 'outside', '\x0001ff'::bytea));
CALL flush();
SELECT pg_temp.events('logical_messages', 'publications', 'logical_messages', 'message_include', '*', 'topic_prefix', 'srv') AS event;

-- One outside comes at once, before the transaction it was emitted in, and
-- stays although that is rolled back
BEGIN;
INSERT INTO a VALUES (3);
SELECT count(pg_logical_emit_message(true, 'inside', 'never'));
SELECT count(pg_logical_emit_message(false, 'outside', 'stays'));
ROLLBACK;
BEGIN;
INSERT INTO a VALUES (3);
SELECT count(pg_logical_emit_message(true, 'inside', 'x'));
SELECT count(pg_logical_emit_message(false, 'outside', 'first'));
COMMIT;
SELECT value ->> 'op' AS op, value #>> '{message,prefix}' AS prefix,
       convert_from(decode(value #>> '{message,content}', 'base64'), 'UTF8') AS content,
       value #>> '{source,txId}' IS NULL AS no_xid,
       (value #>> '{source,lsn}')::int8 > (value #>> '{source,commit_lsn}')::int8 AS own_commit,
       value #>> '{source,commit_index}' AS index,
       (value #>> '{source,ts_ms}')::int8 BETWEEN extract(epoch FROM now()) * 1000 - 60000
         AND extract(epoch FROM clock_timestamp()) * 1000 AS recent
  FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages', 'message_include', '*');

-- None is sent unless it is named
SELECT count(pg_logical_emit_message(true, 'order', 'x'));
SELECT count(*) FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages', 'message_exclude', 'other');

-- Prefixes: exact, or the beginning of one
CREATE PROCEDURE emit() LANGUAGE sql AS $$
  SELECT pg_logical_emit_message(true, p, p) FROM unnest('{order,orders,order.new,other,*}'::text[]) AS p;
$$;
CALL emit();
SELECT string_agg(key ->> 'prefix', ' ') FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages', 'message_include', '*');
CALL emit();
SELECT string_agg(key ->> 'prefix', ' ') FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages',
                                                            'message_include', 'order');
CALL emit();
SELECT string_agg(key ->> 'prefix', ' ') FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages',
                                                            'message_include', 'other,order.*');
CALL emit();
SELECT string_agg(key ->> 'prefix', ' ') FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages',
                                                            'message_include', 'order*', 'message_exclude', 'orders');
CALL emit();
SELECT string_agg(key ->> 'prefix', ' ') FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages', 'message_include', '*',
                                                            'message_exclude', '*');

-- Contents as options say of binary values
SELECT count(pg_logical_emit_message(true, 'p', '\xfbff00'::bytea));
SELECT value -> 'message' FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages', 'message_include', '*',
                                             'binary_handling', 'hex');
SELECT count(pg_logical_emit_message(true, 'p', '\xfbff00'::bytea));
SELECT value -> 'message' FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages', 'message_include', '*',
                                             'binary_handling', 'base64-url-safe');

-- Prefix and content may be empty
SELECT count(pg_logical_emit_message(false, '', ''));
CALL flush();
SELECT key, value -> 'message' FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages', 'message_include', '*');

-- With schemas
SELECT count(pg_logical_emit_message(false, 'p', 'content'));
CALL flush();
SELECT pg_temp.events('logical_messages', 'publications', 'logical_messages', 'message_include', '*', 'topic_prefix', 'srv',
                      'schemas', 'on') AS event;

SELECT count(pg_logical_emit_message(false, 'p', 'content'));
CALL flush();
SELECT f FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages', 'message_include', '*', 'binary_handling', 'hex',
                            'schemas', 'on'),
              json_array_elements(value #> '{schema,fields}') AS f WHERE f ->> 'field' = 'message';

-- In format row; cloudevents has them in its own test
SELECT count(pg_logical_emit_message(false, 'p', 'content'));
CALL flush();
SELECT pg_temp.events('logical_messages', 'publications', 'logical_messages', 'message_include', '*', 'topic_prefix', 'srv',
                      'format', 'row', 'add_fields', 'op,lsn,table,transaction.id', 'add_headers', 'op,txId') AS event;
SELECT count(pg_logical_emit_message(true, 'p', 'content'));
SELECT pg_temp.events('logical_messages', 'publications', 'logical_messages', 'message_include', '*', 'topic_prefix', 'srv',
                      'format', 'row', 'schemas', 'on', 'add_fields', 'op') AS event;

-- A content that is longer than values may be is left out, and said so
SELECT count(pg_logical_emit_message(true, 'long', repeat('x', 1025)));
SELECT count(pg_logical_emit_message(true, 'fits', repeat('x', 1024)));
SELECT key, left(convert_from(decode(value #>> '{message,content}', 'base64'), 'UTF8'), 30) AS content, headers
  FROM pg_temp.parts('logical_messages', 'publications', 'logical_messages', 'message_include', '*', 'max_value_bytes', '1kB');

SELECT pg_drop_replication_slot('logical_messages');
DROP PUBLICATION logical_messages;
DROP SCHEMA logical_messages CASCADE;
