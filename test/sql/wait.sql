-- Waiting for a worker
SET client_min_messages = warning;
CREATE EXTENSION cdc_emit;
CREATE SERVER regress_kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (test_mock_num_brokers '1');
CREATE TABLE regress_t (id int PRIMARY KEY, v text);
CREATE PUBLICATION regress_p FOR TABLE regress_t;

-- Mistakes
SELECT cdc_emit.wait_ready(NULL);
SELECT cdc_emit.wait_ready('No such');
SELECT cdc_emit.wait_for(NULL);
SELECT cdc_emit.wait_for('No such');
SELECT cdc_emit.wait_for('s', NULL);
SELECT cdc_emit.wait_ready('s', '0');
SELECT cdc_emit.wait_for('s', timeout => '-1 second');

-- Not in the transaction that makes it, nor in any other that has written
BEGIN;
SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{regress_p}');
SELECT cdc_emit.wait_ready('s');
ROLLBACK;

SELECT cdc_emit.create_subscription('s', 'regress_kafka', '{regress_p}');
SELECT cdc_emit.wait_ready('s');
SELECT cdc_emit.wait_ready('s', NULL);

-- Over when Kafka has it
INSERT INTO regress_t SELECT i, 'x' FROM generate_series(1, 1000) i;
SELECT cdc_emit.wait_for('s');
SELECT acked_lsn >= sent_lsn AS acked FROM cdc_emit.pg_stat_get_cdc_emit();

-- Commits that are not flushed are waited for, too
SET synchronous_commit = off;
INSERT INTO regress_t VALUES (1001, 'x');
SELECT cdc_emit.wait_for('s', timeout => '10 s');
RESET synchronous_commit;

-- and WAL that nobody else flushes: the background writer does so every 15 s
-- at most, the WAL writer only whole pages
DO $$
BEGIN
	FOR i IN 1..3 LOOP
		PERFORM pg_logical_emit_message(false, '', 'x');
		IF NOT cdc_emit.wait_for('s', timeout => '4 s') THEN
			RAISE EXCEPTION 'WAL was not flushed';
		END IF;
	END LOOP;
END
$$;

-- A transaction may wait for others, though not for itself
BEGIN;
INSERT INTO regress_t VALUES (1002, 'x');
SELECT cdc_emit.wait_for('s');
ROLLBACK;

-- Nothing is waited for: a position that was passed
SELECT cdc_emit.wait_for('s', '0/1', '1 us');
SELECT cdc_emit.wait_for('s', '0/0', '1 us');

-- A position that will not come
SELECT cdc_emit.wait_for('s', 'FFFFFFFF/0', '100 ms');

-- Records that end with a page of WAL: the insert position is then behind the
-- header of the next page
DO $$
DECLARE
	page int := current_setting('wal_block_size')::int;
	position bigint;
	hits int := 0;
BEGIN
	FOR i IN 0..47 LOOP
		position := (pg_current_wal_insert_lsn() - '0/0') % page;
		PERFORM pg_logical_emit_message(false, '',
			repeat('x', (2 * page - position - 40 - i % 24 * 4)::int));
		position := (pg_current_wal_insert_lsn() - '0/0') % page;
		IF position IN (24, 40) THEN
			hits := hits + 1;
		END IF;
		IF NOT cdc_emit.wait_for('s', timeout => '5 s') THEN
			RAISE EXCEPTION 'position % in the page was not reached', position;
		END IF;
	END LOOP;
	IF hits = 0 THEN
		RAISE EXCEPTION 'no record ended with its page';
	END IF;
END
$$;

SELECT cdc_emit.drop_subscription('s');
DO $$
BEGIN
	FOR i IN 1..1000 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM cdc_emit.pg_stat_get_cdc_emit());
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
SELECT count(*) FROM pg_replication_slots
WHERE database = current_database() AND slot_name LIKE 'cdc\_emit\_%';
DROP TABLE regress_t;
DROP PUBLICATION regress_p;
DROP EXTENSION cdc_emit CASCADE;
DROP SCHEMA cdc_emit;
