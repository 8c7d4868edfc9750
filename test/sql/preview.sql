-- preview(): what changes would produce
SET client_min_messages = warning;
CREATE EXTENSION cdc_emit;
\pset format unaligned
\pset null NULL

CREATE SCHEMA regress_preview;
SET search_path = regress_preview;
CREATE TABLE item (id int PRIMARY KEY, name text, price numeric(6, 2));
CREATE TABLE empty (id int PRIMARY KEY);
CREATE TABLE parted (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
CREATE TABLE other (id int PRIMARY KEY);
INSERT INTO item VALUES (1, 'one', 1.10), (2, NULL, NULL);
INSERT INTO parted VALUES (1, 2);
CREATE PUBLICATION regress_preview_p FOR TABLE item, empty, parted;

-- Clocks and positions differ from run to run.
CREATE FUNCTION pg_temp.blank("json" text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(json,
		'"(ts_ms|ts_us|ts_ns|lsn|commit_lsn)":\d+', '"\1":0', 'g'),
		'"sequence":"[^]]*\]"', '"sequence":""')
$$;
CREATE FUNCTION pg_temp.show(options jsonb, relid regclass, "row" jsonb, operation text, max_rows int)
RETURNS TABLE (topic text, key text, headers json, value text)
LANGUAGE sql AS $$
	SELECT p.topic, p.key, p.headers, pg_temp.blank(p.value)
	FROM cdc_emit.preview('{regress_preview_p}', options, relid, "row", operation, max_rows) p
$$;

-- A row of each table that has some
SELECT topic, key, headers, pg_temp.blank(value) AS value
FROM cdc_emit.preview('{regress_preview_p}');

-- Operations
SELECT * FROM pg_temp.show('{"format": "row"}', 'item', NULL, 'insert', 10);
SELECT * FROM pg_temp.show('{"topic_prefix": "p"}', 'item', NULL, 'update', 1);
SELECT * FROM pg_temp.show('{"topic_prefix": "p"}', 'item', NULL, 'delete', 1);
SELECT * FROM pg_temp.show('{"topic_prefix": "p"}', 'item', NULL, 'truncate', 1);
ALTER TABLE item REPLICA IDENTITY FULL;
SELECT * FROM pg_temp.show('{"topic_prefix": "p"}', 'item', NULL, 'update', 1);
ALTER TABLE item REPLICA IDENTITY NOTHING;
SELECT * FROM pg_temp.show('{"topic_prefix": "p"}', 'item', NULL, 'delete', 1);
ALTER TABLE item REPLICA IDENTITY DEFAULT;

-- Rows that no table has
SELECT * FROM pg_temp.show('{"format": "row", "decimal_handling": "string",
	"headers": {"which": "{table}/{column:id}"}, "tables": {"regress_preview.item": {"topic": "items"}}}',
	'item', '{"id": 7, "name": "seven", "price": 7.77}', 'insert', 1);
SELECT * FROM pg_temp.show('{"format": "row"}', 'empty', '{"id": 8}', 'insert', 1);
SELECT count(*) FROM item;

-- It is what decoding yields.
SELECT slot_name FROM pg_create_logical_replication_slot('regress_preview', 'cdc_emit');
UPDATE item SET name = 'uno' WHERE id = 1;
SELECT (SELECT json_build_array(p.topic, p.key, p.headers, pg_temp.blank(p.value))::text
		FROM cdc_emit.preview('{regress_preview_p}', '{"schemas": true, "topic_prefix": "p"}', 'item',
			'{"id": 1, "name": "uno", "price": 1.10}', 'update') p) =
	(SELECT json_build_array(d ->> 'topic', d ->> 'key', d -> 'headers',
		regexp_replace(pg_temp.blank(d ->> 'value'), '"txId":\d+', '"txId":null'))::text
	 FROM pg_logical_slot_get_changes('regress_preview', NULL, NULL, 'publications', 'regress_preview_p',
		'schemas', 'on', 'topic_prefix', 'p') c, LATERAL (SELECT c.data::json AS d) x) AS equal;
SELECT pg_drop_replication_slot('regress_preview');

-- A table that is not published, and one that a publication filters
SELECT * FROM pg_temp.show('{}', 'other', '{"id": 1}', 'insert', 1);
ALTER PUBLICATION regress_preview_p SET TABLE item (id, name) WHERE (id > 1);
SELECT * FROM pg_temp.show('{"format": "row"}', 'item', NULL, 'insert', 10);

-- Wrong arguments
SELECT * FROM cdc_emit.preview(NULL);
SELECT * FROM cdc_emit.preview('{}');
SELECT * FROM cdc_emit.preview('{no_such_publication}');
SET client_min_messages = notice;
SELECT * FROM cdc_emit.preview('{regress_preview_p}', "table" => 'empty');
SET client_min_messages = warning;
SELECT * FROM cdc_emit.preview('{regress_preview_p}', operation => 'upsert');
SELECT * FROM cdc_emit.preview('{regress_preview_p}', max_rows => 0);
SELECT * FROM cdc_emit.preview('{regress_preview_p}', "row" => '{}');
SELECT * FROM cdc_emit.preview('{regress_preview_p}', "table" => 'parted', "row" => '{"id": 1, "k": 1}');
SELECT * FROM cdc_emit.preview('{regress_preview_p}', "table" => 0);

-- The caller must be able to read the table.
CREATE ROLE regress_preview_user;
GRANT cdc_emit_admin TO regress_preview_user;
GRANT USAGE ON SCHEMA regress_preview TO regress_preview_user;
SET ROLE regress_preview_user;
SELECT * FROM cdc_emit.preview('{regress_preview_p}', '{}', 'item');
SELECT * FROM cdc_emit.preview('{regress_preview_p}', '{}', 'item', '{"id": 1}');
RESET ROLE;

DROP OWNED BY regress_preview_user;
DROP ROLE regress_preview_user;
DROP PUBLICATION regress_preview_p;
DROP SCHEMA regress_preview CASCADE;
DROP EXTENSION cdc_emit;
DROP SCHEMA cdc_emit;
