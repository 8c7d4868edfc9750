-- Life of a subscription
SET client_min_messages = warning;
CREATE EXTENSION cdc_emit;
CREATE SERVER regress_kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (test_mock_num_brokers '1');
CREATE SERVER regress_other FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers 'localhost:1');
CREATE FOREIGN DATA WRAPPER regress_fdw;
CREATE SERVER regress_wrong FOREIGN DATA WRAPPER regress_fdw;
CREATE TABLE regress_t (id int PRIMARY KEY, v text);
CREATE PUBLICATION regress_p FOR TABLE regress_t;
CREATE PUBLICATION regress_q FOR TABLE regress_t WITH (publish = 'insert');

-- Waits until slots of dropped subscriptions are gone
CREATE PROCEDURE pg_temp.wait_for_drop() LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..1000 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM cdc_emit.dropped_slot)
			AND NOT EXISTS (SELECT FROM cdc_emit.pg_stat_get_cdc_emit() g
				WHERE NOT EXISTS (SELECT FROM cdc_emit.subscription s WHERE s.subid = g.subid));
		COMMIT;
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;

CREATE VIEW pg_temp.slots AS
	SELECT slot_name LIKE 'cdc\_emit\_%' AS name_ok, plugin
	FROM pg_replication_slots
	WHERE database = current_database() AND slot_name LIKE 'cdc\_emit\_%';

-- Mistakes in creating one
SELECT cdc_emit.create_subscription(NULL, 'regress_kafka', '{regress_p}');
SELECT cdc_emit.create_subscription('s', NULL, '{regress_p}');
SELECT cdc_emit.create_subscription('s', 'regress_kafka', NULL);
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{regress_p}', NULL);
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{regress_p}', enabled => NULL);
SELECT cdc_emit.create_subscription('', 'regress_kafka', '{regress_p}');
SELECT cdc_emit.create_subscription('s', 'No such', '{regress_p}');
SELECT cdc_emit.create_subscription('s', 'regress_wrong', '{regress_p}');
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{}');
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{"No such"}');
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{regress_p,regress_p}');
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{regress_p,NULL}');
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{{regress_p},{regress_q}}');
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{regress_p}', '{"topics": "x"}');
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{regress_p}',
	jsonb_build_object('unavailable_value', repeat('x', 33000)));

-- Publications must agree on the columns of a table, not on its rows
CREATE PUBLICATION regress_filter FOR TABLE regress_t WHERE (id > 0);
CREATE PUBLICATION regress_columns FOR TABLE regress_t (id);
CREATE PUBLICATION regress_all_columns FOR TABLE regress_t (v, id);
CREATE PUBLICATION regress_everything FOR ALL TABLES;
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{regress_p,regress_columns}');
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{regress_columns}', enabled => false);
SELECT cdc_emit.alter_subscription('s', publications => '{regress_columns,regress_filter}');
SELECT cdc_emit.alter_subscription('s', publications => '{regress_columns,regress_all_columns}');
SELECT cdc_emit.alter_subscription('s', publications => '{regress_everything,regress_columns}');
SELECT cdc_emit.alter_subscription('s', publications => '{regress_p,regress_all_columns,regress_everything,regress_filter}');
SELECT publications FROM cdc_emit.subscriptions;
SELECT cdc_emit.drop_subscription('s');
DROP PUBLICATION regress_filter, regress_columns, regress_all_columns, regress_everything;

-- A subscription that is rolled back leaves nothing
BEGIN;
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{regress_p}');
SELECT subscription FROM cdc_emit.subscriptions;
ROLLBACK;
SELECT subscription FROM cdc_emit.subscriptions;

-- One that is created
SELECT cdc_emit.create_subscription('Shop 1', 'regress_kafka', '{regress_p}',
	'{"topic_prefix": "shop"}');
SELECT subscription, server, publications, options, enabled, slot_name LIKE 'cdc\_emit\_%' AS slot
FROM cdc_emit.subscriptions;
SELECT cdc_emit.wait_ready('Shop 1');
SELECT * FROM pg_temp.slots;
INSERT INTO regress_t VALUES (1, 'one');
SELECT cdc_emit.wait_for('Shop 1');
DO $$
BEGIN
	FOR i IN 1..1000 LOOP
		EXIT WHEN EXISTS (SELECT FROM cdc_emit.pg_stat_cdc_emit WHERE messages = 1);
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
SELECT subscription, enabled, state, pid IS NOT NULL AS pid, wal_status, inserts, messages
FROM cdc_emit.pg_stat_cdc_emit;

-- Its name is taken
SELECT cdc_emit.create_subscription('Shop 1', 'regress_kafka', '{regress_p}');

-- Changes
SELECT cdc_emit.alter_subscription('Shop 1');
SELECT cdc_emit.alter_subscription(NULL, options => '{}');
SELECT cdc_emit.alter_subscription('No such', options => '{}');
SELECT cdc_emit.alter_subscription('Shop 1', options => '{"tombstone": true}');
SELECT cdc_emit.alter_subscription('Shop 1', options => '{"topic": "x y"}');
SELECT cdc_emit.alter_subscription('Shop 1',
	jsonb_build_object('unavailable_value', repeat('x', 33000)));
SELECT cdc_emit.alter_subscription('Shop 1', publications => '{}');
SELECT cdc_emit.alter_subscription('Shop 1', server => 'regress_wrong');
SELECT cdc_emit.alter_subscription('Shop 1', options => '{"delivery": "exactly_once"}');
SELECT cdc_emit.alter_subscription('Shop 1', options => '{"topic_partitions": 2, "tombstones": false}');
SELECT cdc_emit.alter_subscription('Shop 1', options => '{"topic_prefix": null, "tombstones": true}',
	publications => '{regress_q,regress_p}');
SELECT publications, options, server FROM cdc_emit.subscriptions;
SELECT cdc_emit.wait_ready('Shop 1');
INSERT INTO regress_t VALUES (2, 'two');
SELECT cdc_emit.wait_for('Shop 1');

-- Off and on
SELECT cdc_emit.disable_subscription('No such');
SELECT cdc_emit.enable_subscription(NULL);
SELECT cdc_emit.disable_subscription('Shop 1');
SELECT cdc_emit.wait_ready('Shop 1');
SELECT cdc_emit.wait_for('Shop 1', 'FFFFFFFF/0');
INSERT INTO regress_t VALUES (3, 'three');
SELECT cdc_emit.enable_subscription('Shop 1');
SELECT cdc_emit.wait_ready('Shop 1');
SELECT cdc_emit.wait_for('Shop 1');

-- Counters go on; they count from a reset, which leaves positions alone
SELECT subscription, transactions, inserts, messages, message_bytes > 0 AS bytes
FROM cdc_emit.pg_stat_cdc_emit;
CREATE TEMP TABLE before_reset AS
	SELECT acked_lsn, stats_reset FROM cdc_emit.pg_stat_cdc_emit;
SELECT cdc_emit.pg_stat_cdc_emit_reset('No such');
SELECT cdc_emit.pg_stat_cdc_emit_reset('Shop 1');
SELECT transactions, inserts, updates, deletes, truncates, messages, message_bytes,
	error_count, restart_count, n.acked_lsn >= b.acked_lsn AS acked,
	n.stats_reset > b.stats_reset AS stats_reset
FROM cdc_emit.pg_stat_cdc_emit n, before_reset b;
INSERT INTO regress_t VALUES (4, 'four'), (5, 'five');
UPDATE regress_t SET v = 'vier' WHERE id = 4;
DELETE FROM regress_t WHERE id = 5;
SELECT cdc_emit.wait_for('Shop 1');
SELECT transactions, inserts, updates, deletes, messages FROM cdc_emit.pg_stat_cdc_emit;
SELECT cdc_emit.disable_subscription('Shop 1');
DO $$
BEGIN
	FOR i IN 1..1000 LOOP
		EXIT WHEN EXISTS (SELECT FROM cdc_emit.pg_stat_cdc_emit WHERE state = 'disabled' AND pid IS NULL);
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
SELECT cdc_emit.enable_subscription('Shop 1');
SELECT cdc_emit.wait_ready('Shop 1');
INSERT INTO regress_t VALUES (6, 'six');
SELECT cdc_emit.wait_for('Shop 1');
SELECT transactions, inserts, updates, deletes, messages FROM cdc_emit.pg_stat_cdc_emit;
SELECT cdc_emit.pg_stat_cdc_emit_reset();
SELECT transactions, inserts, updates, deletes, messages FROM cdc_emit.pg_stat_cdc_emit;
DROP TABLE before_reset;

-- Its end
SELECT cdc_emit.drop_subscription('No such');
SELECT cdc_emit.drop_subscription('Shop 1', NULL);
BEGIN;
SELECT cdc_emit.drop_subscription('Shop 1');
ROLLBACK;
SELECT cdc_emit.wait_for('Shop 1');
SELECT cdc_emit.drop_subscription('Shop 1');
SELECT cdc_emit.drop_subscription('Shop 1');
CALL pg_temp.wait_for_drop();
SELECT * FROM pg_temp.slots;

-- One that never runs has no slot
SELECT cdc_emit.create_subscription('never', 'regress_other', '{regress_p}', enabled => false);
SELECT subscription, enabled, state, pid FROM cdc_emit.pg_stat_cdc_emit;
SELECT cdc_emit.wait_ready('never');
SELECT cdc_emit.drop_subscription('never');
CALL pg_temp.wait_for_drop();

-- Slots can be kept; check() finds them
SELECT cdc_emit.create_subscription('keep', 'regress_kafka', '{regress_p}');
SELECT cdc_emit.wait_ready('keep');
SELECT cdc_emit.drop_subscription('keep', keep_slot => true);
CALL pg_temp.wait_for_drop();
SELECT * FROM pg_temp.slots;
SELECT item, ok, regexp_replace(detail, '\d+', 'N', 'g') AS detail,
	regexp_replace(remedy, '\d+', 'N', 'g') AS remedy
FROM cdc_emit.check() WHERE NOT ok;
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
WHERE database = current_database() AND slot_name LIKE 'cdc\_emit\_%';
SELECT item FROM cdc_emit.check() WHERE NOT ok;

DROP PROCEDURE pg_temp.wait_for_drop();
DROP VIEW pg_temp.slots;
DROP TABLE regress_t;
DROP PUBLICATION regress_p, regress_q;
DROP FOREIGN DATA WRAPPER regress_fdw CASCADE;
DROP EXTENSION cdc_emit CASCADE;
DROP SCHEMA cdc_emit;
