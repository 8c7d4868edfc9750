-- Options of a subscription: names and values are checked
SET client_min_messages = warning;
CREATE EXTENSION cdc_emit;
CREATE SERVER regress_kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers 'localhost:1');
CREATE TABLE regress_t (id int PRIMARY KEY);
CREATE PUBLICATION regress_p FOR TABLE regress_t;

CREATE FUNCTION pg_temp.try(options jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	PERFORM cdc_emit.create_subscription('regress_options', 'regress_kafka',
		'{regress_p}', options, enabled => false);
	SELECT s.options::text INTO message
	FROM cdc_emit.subscriptions s WHERE subscription = 'regress_options';
	PERFORM cdc_emit.drop_subscription('regress_options', keep_slot => true);
	RETURN 'ok: ' || message;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', 'ERROR: ' || SQLSTATE || ' ' || message,
		'DETAIL: ' || NULLIF(detail, ''), 'HINT: ' || NULLIF(hint, ''));
END
$$;
\pset format unaligned
\pset tuples_only on

-- Everything that is accepted
SELECT pg_temp.try('{}');
SELECT pg_temp.try('{"format": "debezium", "topic_prefix": "shop.1_a-B",
	"topic": "{prefix}.{database}.{schema}-{table}_x", "tombstones": false,
	"truncate": "off", "unavailable_value": "?", "create_topics": "no",
	"topic_partitions": 12, "topic_replication_factor": "3",
	"topic_config": {"retention.ms": 86400000, "cleanup.policy": "compact"},
	"max_queue_bytes": "128MB", "decoding_work_mem": "64kB"}');

SELECT pg_temp.try('{"format": "row", "schemas": true, "add_fields": ["op", "lsn"],
	"add_headers": ["table"], "delete_handling": "rewrite",
	"decimal_handling": "string", "time_precision": "isostring",
	"interval_handling": "string", "hstore_handling": "map",
	"binary_handling": "base64-url-safe", "max_value_bytes": "1MB",
	"origin": "none", "timestamp": "now", "message_include": ["a", "b*"],
	"message_exclude": [], "headers": {"id": "{commit_lsn}/{commit_index}",
	"tenant": "{column:tenant}", "app": "shop"}}');
SELECT pg_temp.try('{"tables": {"public.orders": {"topic": "{prefix}.orders",
	"key": ["id"], "partition_by": ["customer"]}, "\"S 1\".\"T\"": {}},
	"message_key_columns": "public.a:x,y; public.b:z;"}');

SELECT pg_temp.try('{"on_error": "dead_letter", "dead_letter_topic": "lost-and-found",
	"max_retained_wal": "50GB", "max_retained_wal_action": "drop_slot"}');
SELECT pg_temp.try('{"on_error": "stop", "max_retained_wal": 0}');

-- null is the default
SELECT pg_temp.try('{"topic": null, "tombstones": null, "topic_config": null}');

-- Not options
SELECT pg_temp.try('[]');
SELECT pg_temp.try('"format"');
SELECT pg_temp.try('{"no_such_option": 1}');
SELECT pg_temp.try('{"no_such_option": null}');
SELECT pg_temp.try('{"publications": "regress_p"}');

-- Enumerations and booleans
SELECT pg_temp.try('{"format": "avro"}');
SELECT pg_temp.try('{"format": 1}');
SELECT pg_temp.try('{"tombstones": "maybe"}');
SELECT pg_temp.try('{"tombstones": []}');
SELECT pg_temp.try('{"create_topics": {"a": 1}}');

SELECT pg_temp.try('{"time_precision": "seconds"}');
SELECT pg_temp.try('{"on_error": "ignore"}');
SELECT pg_temp.try('{"dead_letter_topic": "{prefix}.dead"}');
SELECT pg_temp.try('{"max_retained_wal": "-1"}');
SELECT pg_temp.try('{"max_retained_wal_action": "forget"}');

-- Lists and objects
SELECT pg_temp.try('{"message_include": "a"}');
SELECT pg_temp.try('{"message_include": [null]}');
SELECT pg_temp.try('{"headers": ["a"]}');
SELECT pg_temp.try('{"headers": {"a": "{no}"}}');
SELECT pg_temp.try('{"headers": {"a": "{column:}"}}');
SELECT pg_temp.try('{"headers": {"a": "{column:x"}}');
SELECT pg_temp.try('{"tables": {"orders": {}}}');
SELECT pg_temp.try('{"tables": {"public.orders": {"keys": ["a"]}}}');
SELECT pg_temp.try('{"tables": {"public.orders": {"topic": "a b"}}}');
SELECT pg_temp.try('{"message_key_columns": "public.a"}');
SELECT pg_temp.try('{"message_key_columns": "public.a:x", "tables": {"public.a": {"key": ["y"]}}}');

-- Options of one format only
SELECT pg_temp.try('{"add_fields": ["op"]}');
SELECT pg_temp.try('{"format": "cloudevents", "schemas": true}');
SELECT pg_temp.try('{"format": "row", "cloudevents_mode": "binary"}');
SELECT pg_temp.try('{"format": "row", "transaction_metadata": true}');

-- Integers
SELECT pg_temp.try('{"topic_partitions": 0}');
SELECT pg_temp.try('{"topic_partitions": 2.5}');
SELECT pg_temp.try('{"topic_partitions": "many"}');
SELECT pg_temp.try('{"topic_partitions": true}');
SELECT pg_temp.try('{"topic_partitions": 99999999999999999999999}');
SELECT pg_temp.try('{"topic_replication_factor": 40000}');

-- Memory
SELECT pg_temp.try('{"max_queue_bytes": 1048576}');
SELECT pg_temp.try('{"max_queue_bytes": 1048575}');
SELECT pg_temp.try('{"max_queue_bytes": "1.5 GB"}');
SELECT pg_temp.try('{"max_queue_bytes": "1024kB"}');
SELECT pg_temp.try('{"max_queue_bytes": "2000GB"}');
SELECT pg_temp.try('{"max_queue_bytes": "64mb"}');
SELECT pg_temp.try('{"max_queue_bytes": "MB"}');
SELECT pg_temp.try('{"max_queue_bytes": ""}');
SELECT pg_temp.try('{"max_queue_bytes": -1}');
SELECT pg_temp.try('{"max_queue_bytes": "nan"}');
SELECT pg_temp.try('{"decoding_work_mem": 64}');
SELECT pg_temp.try('{"decoding_work_mem": 63}');
SELECT pg_temp.try('{"decoding_work_mem": "4TB"}');

-- Names of topics
SELECT pg_temp.try('{"topic_prefix": ""}');
SELECT pg_temp.try('{"topic_prefix": "a b"}');
SELECT pg_temp.try('{"topic_prefix": "{table}"}');
SELECT pg_temp.try(jsonb_build_object('topic_prefix', repeat('x', 250)));
SELECT pg_temp.try('{"topic": ""}');
SELECT pg_temp.try('{"topic": ".."}');
SELECT pg_temp.try('{"topic": "all"}');
SELECT pg_temp.try('{"topic": "{prefix}/{table}"}');
SELECT pg_temp.try('{"topic": "{column}"}');
SELECT pg_temp.try('{"topic": "{table"}');

-- Configuration of topics
SELECT pg_temp.try('{"topic_config": "retention.ms=1"}');
SELECT pg_temp.try('{"topic_config": {"retention.ms": null}}');
SELECT pg_temp.try('{"topic_config": {"retention.ms": [1]}}');
SELECT pg_temp.try('{"topic_config": {"preallocate": true, "retention.ms": "1"}}');

DROP TABLE regress_t;
DROP PUBLICATION regress_p;
DROP EXTENSION cdc_emit CASCADE;
DROP SCHEMA cdc_emit;
