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
SELECT cdc_emit.drop_subscription('a', keep_slot => true);
RESET ROLE;

DROP TABLE regress_t, regress_rls, regress_part;
DROP PUBLICATION regress_p, regress_r, regress_partitions;
DROP EXTENSION cdc_emit CASCADE;
DROP SCHEMA cdc_emit;
DROP ROLE regress_cdc_nobody, regress_cdc_monitor, regress_cdc_a, regress_cdc_b;
