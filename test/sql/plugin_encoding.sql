-- What is not valid in, or unknown to, an encoding does not stop a stream.
\set regression :DBNAME
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DROP DATABASE IF EXISTS plugin_encoding;
CREATE DATABASE plugin_encoding ENCODING 'WIN1252' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
\set ON_ERROR_STOP off
\c plugin_encoding
\pset format unaligned
SET client_encoding = 'UTF8';
CREATE TABLE t (id text PRIMARY KEY, v text);
CREATE PUBLICATION p FOR TABLE t;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_encoding', 'cdc_emit');

-- Byte 81 is no character of WIN1252; E9 is one.  U+FFFD is none of WIN1252
-- either, so the text row has it escaped.
INSERT INTO t VALUES ('1', convert_from('\x61e98162', 'WIN1252'));
INSERT INTO t VALUES ('2', convert_from('\x8181', 'WIN1252'));
INSERT INTO t VALUES ('3', convert_from('\xe9', 'WIN1252') || repeat('x', 5000) || convert_from('\x81e9', 'WIN1252'));
INSERT INTO t VALUES (convert_from('\x34e981', 'WIN1252'), 'moved');
UPDATE t SET id = '4' WHERE v = 'moved';
CREATE TEMP TABLE result AS
  SELECT data FROM pg_logical_slot_get_changes('plugin_encoding', NULL, NULL, 'publications', 'p');
SELECT substring(data, '"after":(.*),"source"') AS after FROM result WHERE length(data) < 5000;
SELECT length(v), left(v, 2) AS l, right(v, 8) AS r
  FROM (SELECT substring(data, '"id":"3","v":"([^"]*)"') FROM result) AS s (v) WHERE v IS NOT NULL;
SELECT substring(data, '"key":(.*),"value"') AS key, substring(data, '"headers":(.*).$') AS headers
  FROM result WHERE data LIKE '%debezium%';

-- Headers, topics and logical messages, inside and outside of transactions
CREATE TABLE "tablé" (id text PRIMARY KEY);
ALTER PUBLICATION p ADD TABLE "tablé";
INSERT INTO "tablé" VALUES (convert_from('\xe981', 'WIN1252'));
SELECT count(pg_logical_emit_message(true, 'inside é', 'x'));
SELECT count(pg_logical_emit_message(false, 'outside é', 'x'));
INSERT INTO t VALUES ('5', 'flush');
SELECT regexp_replace(data, '"value":.*"headers"', '"headers"') AS message
  FROM pg_logical_slot_get_changes('plugin_encoding', NULL, NULL, 'publications', 'p', 'message_include', '*', 'topic_prefix', 'srv',
                                   'format', 'cloudevents', 'source_name', 'é', 'headers',
                                   '{"constant é": "é", "table": "{table}", "id": "{column:id}"}');

-- Names of databases and origins may be in the encoding of another database
SELECT pg_replication_origin_create('plugin_encoding ' || convert_from('\xe922', 'WIN1252')) IS NOT NULL AS created;
SELECT pg_drop_replication_slot('plugin_encoding');
SET client_encoding = 'WIN1252';
SELECT 'plugin_encoding_' || convert_from('\xe9', 'WIN1252') AS other \gset
CREATE DATABASE :"other" ENCODING 'UTF8' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
\c :"other"
CREATE TABLE plugin_encoding (id int PRIMARY KEY);
CREATE PUBLICATION plugin_encoding FOR TABLE plugin_encoding;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_encoding', 'cdc_emit');
SELECT pg_replication_origin_session_setup(roname) FROM pg_replication_origin WHERE roname LIKE 'plugin\_encoding %';
INSERT INTO plugin_encoding VALUES (1);
SELECT pg_replication_origin_session_reset();
SELECT m -> 'topic' AS topic, s ->> 'origin' = U&'plugin_encoding \FFFD"' AS origin,
       s ->> 'db' = U&'plugin_encoding_\FFFD' AS db, s ->> 'name' = U&'plugin_encoding_\FFFD' AS name
  FROM pg_logical_slot_get_changes('plugin_encoding', NULL, NULL, 'publications', 'plugin_encoding', 'topic', '{database}.{table}'),
       LATERAL (SELECT data::json, data::json -> 'value' -> 'source') AS j (m, s);
SELECT pg_drop_replication_slot('plugin_encoding');
SELECT count(pg_replication_origin_drop(roname)) AS dropped FROM pg_replication_origin WHERE roname LIKE 'plugin\_encoding %';
\c plugin_encoding
SET client_encoding = 'WIN1252';
DROP DATABASE :"other";
\c :regression
DROP DATABASE plugin_encoding;
