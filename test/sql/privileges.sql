-- Who may do what
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION cdc_emit;
CREATE SERVER regress_kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers 'localhost:1');
CREATE TABLE regress_t (id int PRIMARY KEY, v text);
CREATE TABLE regress_rls (id int PRIMARY KEY);
ALTER TABLE regress_rls ENABLE ROW LEVEL SECURITY;
CREATE TABLE regress_part (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE regress_part_1 PARTITION OF regress_part FOR VALUES FROM (1) TO (9);
CREATE PUBLICATION regress_p FOR TABLE regress_t;
CREATE PUBLICATION regress_r FOR TABLE regress_rls;
CREATE PUBLICATION regress_partitions FOR TABLE regress_part;
CREATE ROLE regress_cdc_nobody;
CREATE ROLE regress_cdc_monitor IN ROLE pg_monitor;
CREATE ROLE regress_cdc_a IN ROLE cdc_emit_admin;
CREATE ROLE regress_cdc_b IN ROLE cdc_emit_admin;

-- Nobody
SET ROLE regress_cdc_nobody;
SELECT cdc_emit.create_subscription('a', 'regress_kafka', '{regress_p}', enabled => false);
SELECT * FROM cdc_emit.pg_stat_cdc_emit;
SELECT * FROM cdc_emit.subscription;

-- An administrator needs USAGE on the server and SELECT on the tables
SET ROLE regress_cdc_a;
SELECT cdc_emit.create_subscription('a', 'regress_kafka', '{regress_p}', enabled => false);
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER regress_kafka TO cdc_emit_admin;
SET ROLE regress_cdc_a;
\set VERBOSITY default
SELECT cdc_emit.create_subscription('a', 'regress_kafka', '{regress_p}', enabled => false);
RESET ROLE;
GRANT SELECT ON regress_t, regress_rls, regress_part TO cdc_emit_admin;
SET ROLE regress_cdc_a;
SELECT cdc_emit.create_subscription('a', 'regress_kafka', '{regress_p,regress_r}', enabled => false);
\set VERBOSITY terse
SELECT cdc_emit.create_subscription('a', 'regress_kafka', '{regress_p,regress_partitions}', enabled => false);
SELECT subscription, owner, enabled FROM cdc_emit.subscriptions;

-- The catalog itself is not for him
SELECT * FROM cdc_emit.subscription;
INSERT INTO cdc_emit.dropped_slot VALUES ('x');
SELECT cdc_emit.cdc_emit_validator('{}', 0);

-- Another one may look, but not touch
SET ROLE regress_cdc_b;
SELECT subscription, owner FROM cdc_emit.subscriptions;
SELECT cdc_emit.alter_subscription('a', '{"tombstones": false}');
SELECT cdc_emit.enable_subscription('a');
SELECT cdc_emit.disable_subscription('a');
SELECT cdc_emit.drop_subscription('a');

-- unless he is a member of the owner
RESET ROLE;
GRANT regress_cdc_a TO regress_cdc_b;
SET ROLE regress_cdc_b;
SELECT cdc_emit.alter_subscription('a', '{"tombstones": false}');
SELECT subscription, owner, options FROM cdc_emit.subscriptions;

-- The owner's privileges count, whoever makes the change
RESET ROLE;
SELECT cdc_emit.alter_subscription('a', publications => '{regress_r}');

-- A name that is hidden in a search path does no harm
CREATE SCHEMA regress_trap;
CREATE FUNCTION regress_trap.eq(name, name) RETURNS boolean LANGUAGE plpgsql AS
	$$ BEGIN RAISE EXCEPTION 'trap: %', current_user; END $$;
CREATE OPERATOR regress_trap.= (FUNCTION = regress_trap.eq, LEFTARG = name, RIGHTARG = name);
CREATE TABLE regress_trap.subscription (subname name);
GRANT USAGE ON SCHEMA regress_trap TO PUBLIC;
SET search_path = regress_trap, pg_catalog, public;
SELECT cdc_emit.alter_subscription('a', '{"tombstones": null}');
SELECT cdc_emit.create_subscription('b', 'regress_kafka', '{regress_p}', enabled => false);
SELECT count(*) FROM cdc_emit.check();
SELECT subscription FROM cdc_emit.subscriptions ORDER BY subid;
SELECT subscription FROM cdc_emit.pg_stat_cdc_emit ORDER BY subid;
SELECT cdc_emit.drop_subscription('b', keep_slot => true);
RESET search_path;
DROP SCHEMA regress_trap CASCADE;

-- Nothing a caller has made runs as the owner of the catalog: here the types
-- it is made of, with casts; check() finds a slot to be cast
SELECT slot_name IS NOT NULL AS slot FROM pg_create_logical_replication_slot(
	(SELECT format('cdc_emit_%s_999999', oid) FROM pg_database
	 WHERE datname = current_database()), 'cdc_emit');
CREATE SCHEMA regress_trap AUTHORIZATION regress_cdc_a;
SET ROLE regress_cdc_a;
CREATE FUNCTION regress_trap.trap() RETURNS int LANGUAGE plpgsql AS
	$$ BEGIN RAISE EXCEPTION 'trap: %', current_user; END $$;
CREATE FUNCTION regress_trap.string_agg(text, text) RETURNS text LANGUAGE sql AS
	'SELECT regress_trap.trap()::text';
CREATE FUNCTION regress_trap.starts_with(text, text) RETURNS boolean LANGUAGE sql AS
	'SELECT regress_trap.trap() > 0';
CREATE FUNCTION regress_trap.format(text, oid) RETURNS text LANGUAGE sql AS
	'SELECT regress_trap.trap()::text';
CREATE FUNCTION regress_trap.nextval(regclass) RETURNS bigint LANGUAGE sql AS
	'SELECT regress_trap.trap()::bigint';
CREATE TYPE pg_temp.text AS (t pg_catalog.int4);
CREATE TYPE pg_temp.name AS (t pg_catalog.int4);
CREATE TYPE pg_temp.jsonb AS (t pg_catalog.int4);
CREATE FUNCTION pg_temp.trap(pg_catalog.name) RETURNS pg_temp.text LANGUAGE sql AS
	'SELECT ROW(regress_trap.trap())::pg_temp.text';
CREATE FUNCTION pg_temp.trap(pg_catalog.text) RETURNS pg_temp.name LANGUAGE sql AS
	'SELECT ROW(regress_trap.trap())::pg_temp.name';
CREATE FUNCTION pg_temp.trap(pg_temp.text) RETURNS pg_catalog.text LANGUAGE sql AS
	'SELECT regress_trap.trap()::pg_catalog.text';
CREATE CAST (pg_temp.text AS pg_catalog.text) WITH FUNCTION pg_temp.trap(pg_temp.text) AS IMPLICIT;
CREATE CAST (pg_catalog.name AS pg_temp.text) WITH FUNCTION pg_temp.trap(pg_catalog.name) AS IMPLICIT;
CREATE CAST (pg_catalog.text AS pg_temp.name) WITH FUNCTION pg_temp.trap(pg_catalog.text) AS IMPLICIT;
SET search_path = regress_trap, pg_catalog, public;
SELECT item, ok FROM cdc_emit.check() WHERE item = 'orphaned slots';
SELECT cdc_emit.create_subscription('c', 'regress_kafka', '{regress_p}', enabled => false);
SELECT cdc_emit.alter_subscription('c', '{"tombstones": false}', publications => '{regress_p}', server => 'regress_kafka');
SELECT cdc_emit.disable_subscription('c');
SELECT cdc_emit.pg_stat_cdc_emit_reset('c');
SELECT cdc_emit.wait_ready('c');
SELECT subscription FROM cdc_emit.subscriptions ORDER BY subid;
SELECT count(*) FROM cdc_emit.pg_stat_cdc_emit;
SELECT cdc_emit.drop_subscription('c', keep_slot => true);
RESET search_path;
SHOW search_path;
DROP TYPE pg_temp.text, pg_temp.name, pg_temp.jsonb CASCADE;
RESET ROLE;
DROP SCHEMA regress_trap CASCADE;
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
WHERE slot_name LIKE 'cdc\_emit\_%\_999999';

-- Everything in the database does not include what is ours
ALTER TABLE regress_rls DISABLE ROW LEVEL SECURITY;
CREATE PUBLICATION regress_all FOR ALL TABLES;
SET ROLE regress_cdc_a;
SELECT cdc_emit.create_subscription('all', 'regress_kafka', '{regress_all}', enabled => false);
SELECT cdc_emit.drop_subscription('all', keep_slot => true);
RESET ROLE;
DROP PUBLICATION regress_all;

-- A privilege that is taken away: the subscription fails at the next look, and
-- can be enabled again
CREATE PROCEDURE pg_temp.wait_for_state(who name, wanted text) LANGUAGE plpgsql AS $$
DECLARE
	seen int := 0;
BEGIN
	FOR i IN 1..1000 LOOP
		PERFORM FROM cdc_emit.subscriptions
			JOIN cdc_emit.pg_stat_get_cdc_emit() USING (subid)
			WHERE subscription = who AND state = wanted AND pid IS NULL;
		seen := CASE WHEN FOUND THEN seen + 1 ELSE 0 END;
		EXIT WHEN seen = 5;
		COMMIT;
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
\set VERBOSITY default
REVOKE USAGE ON FOREIGN SERVER regress_kafka FROM cdc_emit_admin;
SELECT cdc_emit.alter_subscription('a', '{"tombstones": true}');
SELECT cdc_emit.enable_subscription('a');
CALL pg_temp.wait_for_state('a', 'failed');
SELECT subscription, state, pid, last_error_sqlstate, last_error FROM cdc_emit.pg_stat_cdc_emit;
SELECT cdc_emit.wait_ready('a');
SELECT cdc_emit.wait_for('a');
GRANT USAGE ON FOREIGN SERVER regress_kafka TO cdc_emit_admin;
SELECT cdc_emit.enable_subscription('a');
SELECT cdc_emit.wait_ready('a');
REVOKE USAGE ON FOREIGN SERVER regress_kafka FROM cdc_emit_admin;
ALTER SERVER regress_kafka OPTIONS (ADD linger_ms '2');
CALL pg_temp.wait_for_state('a', 'failed');
SELECT subscription, state, last_error FROM cdc_emit.pg_stat_cdc_emit;
GRANT USAGE ON FOREIGN SERVER regress_kafka TO cdc_emit_admin;
SELECT cdc_emit.disable_subscription('a');
CALL pg_temp.wait_for_state('a', 'disabled');

-- An owner that is gone
CREATE ROLE regress_cdc_c IN ROLE cdc_emit_admin;
SET ROLE regress_cdc_c;
SELECT cdc_emit.create_subscription('c', 'regress_kafka', '{regress_p}', enabled => false);
RESET ROLE;
CALL pg_temp.wait_for_state('c', 'disabled');
DROP ROLE regress_cdc_c;
SELECT cdc_emit.alter_subscription('c', '{"tombstones": false}');
SELECT cdc_emit.enable_subscription('c');
CALL pg_temp.wait_for_state('c', 'failed');
SELECT subscription, state, pid, last_error_sqlstate, last_error FROM cdc_emit.pg_stat_cdc_emit
WHERE subscription = 'c';
SELECT cdc_emit.wait_ready('c');
SET ROLE regress_cdc_a;
SELECT cdc_emit.drop_subscription('c');
RESET ROLE;
SELECT cdc_emit.drop_subscription('c');
\set VERBOSITY terse

-- Monitors read statistics and nothing else
SET ROLE regress_cdc_monitor;
SELECT subscription, enabled, state FROM cdc_emit.pg_stat_cdc_emit;
SELECT subscription FROM cdc_emit.subscriptions ORDER BY subid;
SELECT cdc_emit.pg_stat_cdc_emit_reset();
SELECT cdc_emit.drop_subscription('a');

-- The owner drops it
SET ROLE regress_cdc_a;
SELECT cdc_emit.pg_stat_cdc_emit_reset('No such');
SELECT cdc_emit.pg_stat_cdc_emit_reset('a');
SELECT cdc_emit.drop_subscription('a');
RESET ROLE;

-- The slot it had goes, too
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

DROP TABLE regress_t, regress_rls, regress_part;
DROP PUBLICATION regress_p, regress_r, regress_partitions;
DROP EXTENSION cdc_emit CASCADE;
DROP SCHEMA cdc_emit;
DROP ROLE regress_cdc_nobody, regress_cdc_monitor, regress_cdc_a, regress_cdc_b;
