-- What capture of a table lacks
SET client_min_messages = warning;
CREATE EXTENSION cdc_emit;
\pset format unaligned
\pset tuples_only on

CREATE SCHEMA regress_check;
SET search_path = regress_check;

-- Nothing is missing but publications and subscriptions
CREATE TABLE complete (a int, b int, v int, PRIMARY KEY (b, a));
SELECT * FROM cdc_emit.check_table('complete');

CREATE PUBLICATION regress_check_p FOR TABLE complete;
CREATE SERVER regress_kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers 'localhost:1');
SELECT cdc_emit.create_subscription('regress_check', 'regress_kafka',
	'{regress_check_p}', enabled => false);
SELECT * FROM cdc_emit.check_table('complete') WHERE item LIKE '%ations' OR item LIKE '%iptions';
SELECT cdc_emit.drop_subscription('regress_check', keep_slot => true);

-- Keys and old rows
CREATE FUNCTION pg_temp.identity(relid regclass)
RETURNS TABLE (item text, ok boolean, detail text, remedy text)
LANGUAGE sql AS $$
	SELECT * FROM cdc_emit.check_table(relid) c
	WHERE c.item NOT IN ('kind', 'publications', 'subscriptions')
$$;
CREATE TABLE keyless (a int, "B c" text, n numeric(5, 2));
SELECT * FROM pg_temp.identity('keyless');
ALTER TABLE keyless REPLICA IDENTITY FULL;
SELECT * FROM pg_temp.identity('keyless');
CREATE TABLE by_index (id int PRIMARY KEY, a int NOT NULL);
CREATE UNIQUE INDEX by_index_a ON by_index (a);
ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_a;
SELECT * FROM pg_temp.identity('by_index');
CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE);
SELECT * FROM pg_temp.identity('deferred');

-- Partitions
CREATE TABLE parted (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2) PARTITION BY LIST (id);
CREATE TABLE parted_2_1 PARTITION OF parted_2 FOR VALUES IN (1);
ALTER TABLE parted_1 REPLICA IDENTITY NOTHING;
CREATE UNIQUE INDEX parted_2_1_id ON parted_2_1 (id);
ALTER TABLE parted_2_1 REPLICA IDENTITY USING INDEX parted_2_1_id;
SELECT * FROM pg_temp.identity('parted');

-- Without changes in WAL
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
SELECT * FROM cdc_emit.check_table('unlogged');
CREATE VIEW a_view AS SELECT 1 AS one;
SELECT * FROM cdc_emit.check_table('a_view');
SELECT * FROM cdc_emit.check_table('pg_class');
SELECT * FROM cdc_emit.check_table(0);
SELECT * FROM cdc_emit.check_table(NULL);

-- Privileges
CREATE ROLE regress_check_user;
GRANT cdc_emit_admin TO regress_check_user;
GRANT USAGE ON SCHEMA regress_check TO regress_check_user;
SET ROLE regress_check_user;
SELECT * FROM cdc_emit.check_table('complete') WHERE item = 'privileges';
RESET ROLE;
GRANT SELECT ON complete TO regress_check_user;
ALTER TABLE complete ENABLE ROW LEVEL SECURITY;
SET ROLE regress_check_user;
SELECT * FROM cdc_emit.check_table('complete') WHERE item IN ('privileges', 'row security');
RESET ROLE;
SELECT * FROM cdc_emit.check_table('complete') WHERE item = 'row security';

DROP OWNED BY regress_check_user;
DROP ROLE regress_check_user;
DROP PUBLICATION regress_check_p;
DROP SCHEMA regress_check CASCADE;
DROP EXTENSION cdc_emit CASCADE;
DROP SCHEMA cdc_emit;
