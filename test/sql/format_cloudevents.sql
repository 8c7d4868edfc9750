-- Format cloudevents, in both modes of the Kafka protocol binding.
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir '/sql/include/events.psql'
\set ECHO none
\i :include
\set ECHO all
\set SHOW_CONTEXT never
\pset format unaligned
SET client_min_messages = warning;

CREATE SCHEMA format_cloudevents;
SET search_path = format_cloudevents;
CREATE TABLE orders (id int PRIMARY KEY, item text, qty int);
CREATE PUBLICATION format_cloudevents FOR TABLE orders;
SELECT slot_name FROM pg_create_logical_replication_slot('format_cloudevents', 'cdc_emit');

CREATE PROCEDURE change() LANGUAGE sql AS $$
  INSERT INTO orders VALUES (1, 'pen "x"', 2);
  UPDATE orders SET qty = 3;
  DELETE FROM orders;
  TRUNCATE orders;
  SELECT pg_logical_emit_message(true, 'greeting', 'hello');
$$;

-- Structured: attributes and data in the value
CALL change();
SELECT pg_temp.events('format_cloudevents', 'publications', 'format_cloudevents', 'message_include', '*', 'format', 'cloudevents',
                      'topic_prefix', 'srv') AS event;

-- Binary: the data is the value, attributes are headers; a tombstone is no
-- event and has none
CALL change();
SELECT pg_temp.events('format_cloudevents', 'publications', 'format_cloudevents', 'message_include', '*', 'format', 'cloudevents',
                      'topic_prefix', 'srv', 'cloudevents_mode', 'binary') AS event;

-- Both modes have the same attributes, and what the standard requires of them
CREATE TEMP TABLE structured (n int GENERATED ALWAYS AS IDENTITY, event json);
CREATE TEMP TABLE binary_mode (n int GENERATED ALWAYS AS IDENTITY, event json);
CALL change();
INSERT INTO structured (event) SELECT data::json FROM pg_logical_slot_peek_changes('format_cloudevents', NULL, NULL,
    'publications', 'format_cloudevents', 'message_include', '*', 'format', 'cloudevents');
INSERT INTO binary_mode (event) SELECT data::json FROM pg_logical_slot_get_changes('format_cloudevents', NULL, NULL,
    'publications', 'format_cloudevents', 'message_include', '*', 'format', 'cloudevents', 'cloudevents_mode', 'binary');
SELECT s.event #>> '{value,iodebeziumop}' AS op,
       (s.event -> 'value')::jsonb - 'data' - 'datacontenttype' =
       (SELECT jsonb_object_agg(substr(key, 4), value) FROM json_each(b.event -> 'headers') WHERE key LIKE 'ce\_%') AS same_attributes,
       (s.event #> '{value,data}')::jsonb = (b.event -> 'value')::jsonb AS same_data,
       s.event #>> '{headers,content-type}' AS structured, b.event #>> '{headers,content-type}' AS "binary"
  FROM structured s JOIN binary_mode b USING (n)
 WHERE json_typeof(s.event -> 'value') = 'object';
SELECT count(*) FILTER (WHERE event #>> '{value,id}' IS NOT NULL) AS events,
       count(DISTINCT event #>> '{value,id}') AS ids,
       bool_and((event #>> '{value,time}')::timestamptz BETWEEN now() - interval '1 minute' AND clock_timestamp()) AS time,
       bool_and(event #>> '{value,id}' LIKE (SELECT system_identifier FROM pg_control_system()) || '-%') AS system,
       bool_and(event #>> '{value,specversion}' = '1.0') AS specversion
  FROM structured;
SELECT DISTINCT name
  FROM structured, json_object_keys(event -> 'value') AS name
 WHERE json_typeof(event -> 'value') = 'object' AND name !~ '^[a-z0-9]+$';

-- The source is a URI whatever the name is
INSERT INTO orders VALUES (1, 'pen', 2);
SELECT value ->> 'source' AS source, value ->> 'iodebeziumname' AS name
  FROM pg_temp.parts('format_cloudevents', 'publications', 'format_cloudevents', 'message_include', '*', 'format', 'cloudevents',
                     'source_name', 'my shop/é');

-- Options that do not fit
SELECT * FROM pg_temp.events('format_cloudevents', 'publications', 'format_cloudevents', 'message_include', '*', 'format', 'cloudevents',
                             'schemas', 'on');
SELECT * FROM pg_temp.events('format_cloudevents', 'publications', 'format_cloudevents', 'message_include', '*', 'cloudevents_mode', 'binary');

SELECT pg_drop_replication_slot('format_cloudevents');
DROP PUBLICATION format_cloudevents;
DROP SCHEMA format_cloudevents CASCADE;
