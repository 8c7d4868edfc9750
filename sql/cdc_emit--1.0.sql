/* sql/cdc_emit--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION cdc_emit" to load this file. \quit

--
-- Nothing works unless the library was preloaded: say so here, not later.
--
CREATE FUNCTION cdc_emit.require_preload()
RETURNS void
AS 'MODULE_PATHNAME', 'cdc_emit_require_preload'
LANGUAGE C;

SELECT cdc_emit.require_preload();

DROP FUNCTION cdc_emit.require_preload();

--
-- Somebody else's schema could be full of traps for those who call us.
--
DO $$
DECLARE
	owner pg_catalog.regrole;
BEGIN
	SELECT n.nspowner INTO owner
	FROM pg_catalog.pg_namespace n
	JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
	WHERE n.nspname OPERATOR(pg_catalog.=) 'cdc_emit' AND NOT r.rolsuper;
	IF FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'insufficient_privilege',
			MESSAGE = pg_catalog.format('schema "cdc_emit" is owned by %s, who is not a superuser', owner),
			HINT = 'Use DROP SCHEMA cdc_emit, or ALTER SCHEMA cdc_emit OWNER TO CURRENT_USER after you have looked at what is in it.';
	END IF;
END
$$;

--
-- The role for administration.  Roles belong to the cluster: other databases
-- may have made it already, and it stays when the extension is dropped.  One
-- that somebody else made, who could log in as it or admit members to it, is
-- not taken.
--
DO $$
DECLARE
	member pg_catalog.name;
BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_roles
			   WHERE rolname OPERATOR(pg_catalog.=) 'cdc_emit_admin' AND rolcanlogin) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'role "cdc_emit_admin" exists and can log in',
			HINT = 'Use ALTER ROLE cdc_emit_admin NOLOGIN if you trust its members, or ALTER ROLE cdc_emit_admin RENAME TO ...';
	END IF;

	SELECT m.rolname INTO member
	FROM pg_catalog.pg_auth_members a
	JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) a.roleid
	JOIN pg_catalog.pg_roles m ON m.oid OPERATOR(pg_catalog.=) a.member
	WHERE r.rolname OPERATOR(pg_catalog.=) 'cdc_emit_admin'
		AND a.admin_option AND NOT m.rolsuper
	ORDER BY 1
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = pg_catalog.format('role "cdc_emit_admin" exists, and role %I, who is not a superuser, can admit members to it', member),
			HINT = pg_catalog.format('Use REVOKE ADMIN OPTION FOR cdc_emit_admin FROM %I; it can be granted again afterwards.', member);
	END IF;

	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles
				   WHERE rolname OPERATOR(pg_catalog.=) 'cdc_emit_admin') THEN
		CREATE ROLE cdc_emit_admin NOLOGIN;
		COMMENT ON ROLE cdc_emit_admin IS
			'may administer cdc_emit subscriptions';
	END IF;
EXCEPTION
	WHEN duplicate_object OR unique_violation THEN
		NULL;
END
$$;

--
-- Kafka clusters: CREATE SERVER ... FOREIGN DATA WRAPPER cdc_emit
--
CREATE FUNCTION cdc_emit.cdc_emit_validator(options text[], catalog oid)
RETURNS void
AS 'MODULE_PATHNAME', 'cdc_emit_validator'
LANGUAGE C STRICT;

REVOKE ALL ON FUNCTION cdc_emit.cdc_emit_validator(text[], oid) FROM PUBLIC;

COMMENT ON FUNCTION cdc_emit.cdc_emit_validator(text[], oid) IS
'checks the options of servers and user mappings of foreign-data wrapper cdc_emit';

CREATE FOREIGN DATA WRAPPER cdc_emit
	VALIDATOR cdc_emit.cdc_emit_validator;

COMMENT ON FOREIGN DATA WRAPPER cdc_emit IS
'Kafka clusters: server options are librdkafka properties with underscores for dots, secrets go into user mappings';

--
-- Catalog
--
CREATE TABLE cdc_emit.subscription (
	subid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	subname name NOT NULL UNIQUE,
	subowner regrole NOT NULL,
	subserver name NOT NULL,
	subpublications name[] NOT NULL,
	suboptions jsonb NOT NULL DEFAULT '{}',
	subenabled boolean NOT NULL,
	subslotname name NOT NULL,
	subslotcreated boolean NOT NULL DEFAULT false,
	subsystem bigint NOT NULL
);

CREATE TABLE cdc_emit.dropped_slot (
	slotname name PRIMARY KEY
);

-- Means nothing in another cluster, so it is not dumped.
CREATE TABLE cdc_emit.skipped_transaction (
	subid bigint,
	commit_lsn pg_lsn,
	xid xid NOT NULL,
	subscription name NOT NULL,
	skipped_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	skipped_by regrole NOT NULL,
	error_sqlstate text NOT NULL,
	error text NOT NULL,
	error_table text,
	error_key text,
	PRIMARY KEY (subid, commit_lsn)
);

CREATE TABLE cdc_emit.slot_drop (
	slot_name name,
	dropped_at timestamptz DEFAULT pg_catalog.clock_timestamp(),
	subid bigint NOT NULL,
	subscription name NOT NULL,
	restart_lsn pg_lsn NOT NULL,
	confirmed_lsn pg_lsn NOT NULL,
	retained_wal_bytes bigint NOT NULL,
	max_retained_wal bigint NOT NULL,
	PRIMARY KEY (slot_name, dropped_at)
);

REVOKE ALL ON TABLE cdc_emit.subscription, cdc_emit.dropped_slot,
	cdc_emit.skipped_transaction, cdc_emit.slot_drop FROM PUBLIC;
REVOKE ALL ON SEQUENCE cdc_emit.subscription_subid_seq FROM PUBLIC;

COMMENT ON TABLE cdc_emit.subscription IS
'catalog of subscriptions; change it through the functions of schema cdc_emit only';
COMMENT ON COLUMN cdc_emit.subscription.subid IS
'identifier, not used again while the extension exists';
COMMENT ON COLUMN cdc_emit.subscription.subname IS
'name of the subscription';
COMMENT ON COLUMN cdc_emit.subscription.subowner IS
'role whose privileges decide what may be published; DROP ROLE does not know of it, and the subscription fails when its owner is gone';
COMMENT ON COLUMN cdc_emit.subscription.subserver IS
'server of foreign-data wrapper cdc_emit that names the Kafka cluster';
COMMENT ON COLUMN cdc_emit.subscription.subpublications IS
'publications that say what to capture';
COMMENT ON COLUMN cdc_emit.subscription.suboptions IS
'options given by the user; those not given have their defaults';
COMMENT ON COLUMN cdc_emit.subscription.subenabled IS
'should a worker run?';
COMMENT ON COLUMN cdc_emit.subscription.subslotname IS
'name of the replication slot';
COMMENT ON COLUMN cdc_emit.subscription.subslotcreated IS
'did the slot exist at some time? then it is not created again when it is missing';
COMMENT ON COLUMN cdc_emit.subscription.subsystem IS
'system identifier of the database cluster that publishes it: in another one, such as a restored dump, no worker starts';
COMMENT ON TABLE cdc_emit.dropped_slot IS
'replication slots of dropped subscriptions that are still to be dropped';
COMMENT ON COLUMN cdc_emit.dropped_slot.slotname IS
'name of the replication slot';

COMMENT ON TABLE cdc_emit.skipped_transaction IS
'transactions that skip_transaction() has kept from being published';
COMMENT ON COLUMN cdc_emit.skipped_transaction.subid IS
'identifier of the subscription, which may be gone';
COMMENT ON COLUMN cdc_emit.skipped_transaction.commit_lsn IS
'start of the commit record of the transaction; of a logical message outside of transactions, its position';
COMMENT ON COLUMN cdc_emit.skipped_transaction.xid IS
'transaction ID; 0 for a logical message outside of transactions';
COMMENT ON COLUMN cdc_emit.skipped_transaction.subscription IS
'name of the subscription at that time';
COMMENT ON COLUMN cdc_emit.skipped_transaction.skipped_at IS
'time of the request';
COMMENT ON COLUMN cdc_emit.skipped_transaction.skipped_by IS
'role that called skip_transaction()';
COMMENT ON COLUMN cdc_emit.skipped_transaction.error_sqlstate IS
'SQLSTATE of the error that kept the transaction from being published';
COMMENT ON COLUMN cdc_emit.skipped_transaction.error IS
'its message';
COMMENT ON COLUMN cdc_emit.skipped_transaction.error_table IS
'table of the event it happened to, if known';
COMMENT ON COLUMN cdc_emit.skipped_transaction.error_key IS
'message key of that event, if known';
COMMENT ON TABLE cdc_emit.slot_drop IS
'replication slots that were dropped because they retained more WAL than option max_retained_wal';
COMMENT ON COLUMN cdc_emit.slot_drop.slot_name IS
'name of the replication slot';
COMMENT ON COLUMN cdc_emit.slot_drop.dropped_at IS
'time at which it was dropped';
COMMENT ON COLUMN cdc_emit.slot_drop.subid IS
'identifier of the subscription, which may be gone';
COMMENT ON COLUMN cdc_emit.slot_drop.subscription IS
'name of the subscription at that time';
COMMENT ON COLUMN cdc_emit.slot_drop.restart_lsn IS
'oldest WAL the slot needed';
COMMENT ON COLUMN cdc_emit.slot_drop.confirmed_lsn IS
'position confirmed to the slot: what committed after it is not known to be in Kafka';
COMMENT ON COLUMN cdc_emit.slot_drop.retained_wal_bytes IS
'bytes of WAL the slot retained';
COMMENT ON COLUMN cdc_emit.slot_drop.max_retained_wal IS
'bytes it was allowed to retain';

SELECT pg_catalog.pg_extension_config_dump('cdc_emit.subscription', '');
SELECT pg_catalog.pg_extension_config_dump('cdc_emit.subscription_subid_seq', '');
SELECT pg_catalog.pg_extension_config_dump('cdc_emit.dropped_slot', '');

-- Whoever changes the catalog, pg_restore included: workers follow at commit.
CREATE FUNCTION cdc_emit.subscription_changed()
RETURNS trigger
AS 'MODULE_PATHNAME', 'cdc_emit_subscription_changed'
LANGUAGE C;

REVOKE ALL ON FUNCTION cdc_emit.subscription_changed() FROM PUBLIC;

COMMENT ON FUNCTION cdc_emit.subscription_changed() IS
'trigger of the catalog: has workers started, stopped and changed at commit';

CREATE TRIGGER subscription_changed
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cdc_emit.subscription
	FOR EACH STATEMENT EXECUTE FUNCTION cdc_emit.subscription_changed();

ALTER TABLE cdc_emit.subscription ENABLE ALWAYS TRIGGER subscription_changed;

--
-- Administration
--
CREATE FUNCTION cdc_emit.create_subscription(
	subscription name,
	server name,
	publications name[],
	options jsonb DEFAULT '{}',
	enabled boolean DEFAULT true)
RETURNS void
AS 'MODULE_PATHNAME', 'cdc_emit_create_subscription'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cdc_emit.create_subscription(name, name, name[], jsonb, boolean) IS
'creates a subscription, owned by the caller: from the commit on, changes of the tables of the publications go to the Kafka cluster of the server. '
'options: a JSON object; enabled: start now? '
'The replication slot is created by a worker after commit; see wait_ready(). '
'Errors: name in use, unknown server or publication, missing privilege (USAGE on the server, SELECT on the tables), publications that publish different columns of a table, unknown option or bad value, wal_level, too many subscriptions.';

CREATE FUNCTION cdc_emit.alter_subscription(
	subscription name,
	options jsonb DEFAULT NULL,
	publications name[] DEFAULT NULL,
	server name DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'cdc_emit_alter_subscription'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cdc_emit.alter_subscription(name, jsonb, name[], name) IS
'changes a subscription; effective after commit, without losing or repeating events. '
'options: a JSON object, merged with the options in force, null resets a key to its default; publications, server: replaced if not null. '
'Errors: as create_subscription(); unknown subscription; not its owner; nothing to change.';

CREATE FUNCTION cdc_emit.enable_subscription(subscription name)
RETURNS void
AS 'MODULE_PATHNAME', 'cdc_emit_enable_subscription'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cdc_emit.enable_subscription(name) IS
'starts the worker of a subscription after commit; also the way to start again one that has failed, to let one go on that is paused, and to take over one that came from another database cluster. '
'Errors: unknown subscription; not its owner.';

CREATE FUNCTION cdc_emit.disable_subscription(subscription name)
RETURNS void
AS 'MODULE_PATHNAME', 'cdc_emit_disable_subscription'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cdc_emit.disable_subscription(name) IS
'stops the worker of a subscription after commit. The replication slot stays and holds WAL, so that nothing is lost. '
'Errors: unknown subscription; not its owner.';

CREATE FUNCTION cdc_emit.skip_transaction(
	subscription name,
	lsn pg_lsn)
RETURNS void
AS 'MODULE_PATHNAME', 'cdc_emit_skip_transaction'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cdc_emit.skip_transaction(name, pg_lsn) IS
'leaves out the transaction at which a subscription has failed: after commit its worker starts again and does not publish it, whatever it changed. Events of it that were sent before the error stay in Kafka with delivery at_least_once. '
'lsn: last_error_lsn of pg_stat_cdc_emit; no other transaction can be skipped. Recorded in table skipped_transaction. '
'Errors: unknown subscription; not its owner; it has not failed within a transaction, or at another one; the transaction was published or is skipped already.';

CREATE FUNCTION cdc_emit.drop_subscription(
	subscription name,
	keep_slot boolean DEFAULT false)
RETURNS void
AS 'MODULE_PATHNAME', 'cdc_emit_drop_subscription'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cdc_emit.drop_subscription(name, boolean) IS
'drops a subscription; after commit its worker stops and its replication slot is dropped. '
'keep_slot: leave the slot, which holds WAL until you use or drop it. '
'Errors: unknown subscription; not its owner.';

CREATE FUNCTION cdc_emit.wait_ready(
	subscription name,
	timeout interval DEFAULT '1 minute')
RETURNS boolean
AS 'MODULE_PATHNAME', 'cdc_emit_wait_ready'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cdc_emit.wait_ready(name, interval) IS
'waits until the worker of a subscription streams with the configuration of the catalog: every change committed from now on is captured. '
'timeout: null waits without limit. Returns false when the time is over. '
'Errors: unknown or disabled subscription; called in a transaction that has written; a worker that failed for good or whose slot is gone.';

CREATE FUNCTION cdc_emit.wait_for(
	subscription name,
	lsn pg_lsn DEFAULT pg_catalog.pg_current_wal_insert_lsn(),
	timeout interval DEFAULT '1 minute')
RETURNS boolean
AS 'MODULE_PATHNAME', 'cdc_emit_wait_for'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cdc_emit.wait_for(name, pg_lsn, interval) IS
'waits until Kafka has acknowledged everything committed before lsn, by default before now. '
'timeout: null waits without limit. Returns false when the time is over. '
'Errors: unknown or disabled subscription; a worker that failed for good or whose slot is gone.';

CREATE FUNCTION cdc_emit."check"(
	OUT item text,
	OUT ok boolean,
	OUT detail text,
	OUT remedy text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cdc_emit_check'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION cdc_emit."check"() IS
'tells whether the server is set up for cdc_emit: one row per prerequisite, with what was found and, where ok is false, the statement that mends it';

CREATE FUNCTION cdc_emit.check_table(
	"table" regclass,
	OUT item text,
	OUT ok boolean,
	OUT detail text,
	OUT remedy text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cdc_emit_check_table'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION cdc_emit.check_table(regclass) IS
'tells what capture of a table lacks, as far as the table decides it: one row per property, with what was found and the statement that changes it; ok is false where changes are not captured, or cannot be told apart. '
'Errors: no such relation.';

CREATE FUNCTION cdc_emit.preview(
	publications name[],
	options jsonb DEFAULT '{}',
	"table" regclass DEFAULT NULL,
	"row" jsonb DEFAULT NULL,
	operation text DEFAULT 'insert',
	max_rows integer DEFAULT 1,
	OUT topic text,
	OUT key text,
	OUT headers json,
	OUT value text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cdc_emit_preview'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cdc_emit.preview(name[], jsonb, regclass, jsonb, text, integer) IS
'the messages that changes would produce, without Kafka and without changing anything. '
'publications, options: as for create_subscription(); "table": this one only, else all that the publications name; '
'"row": a row of the table as JSON, else rows that the table has; operation: insert, update (of no key column), delete or truncate; max_rows: of each table, 1 to 1000. '
'key and value are as Kafka would have them, null for none. LSNs, transaction id and times are those of now. '
'Errors: unknown publication; unknown option or bad value; missing privilege; a row without a table, or of a partitioned table.';

CREATE VIEW cdc_emit.subscriptions AS
	SELECT s.subid,
		s.subname AS subscription,
		s.subowner AS owner,
		s.subserver AS server,
		s.subpublications AS publications,
		s.suboptions AS options,
		s.subenabled AS enabled,
		s.subslotname AS slot_name
	FROM cdc_emit.subscription s;

COMMENT ON VIEW cdc_emit.subscriptions IS
'subscriptions of this database';
COMMENT ON COLUMN cdc_emit.subscriptions.subid IS
'identifier, not used again while the extension exists';
COMMENT ON COLUMN cdc_emit.subscriptions.subscription IS
'name of the subscription';
COMMENT ON COLUMN cdc_emit.subscriptions.owner IS
'role whose privileges decide what may be published; DROP ROLE does not know of it, and the subscription fails when its owner is gone';
COMMENT ON COLUMN cdc_emit.subscriptions.server IS
'server of foreign-data wrapper cdc_emit that names the Kafka cluster';
COMMENT ON COLUMN cdc_emit.subscriptions.publications IS
'publications that say what to capture';
COMMENT ON COLUMN cdc_emit.subscriptions.options IS
'options given by the user; those not given have their defaults';
COMMENT ON COLUMN cdc_emit.subscriptions.enabled IS
'should a worker run?';
COMMENT ON COLUMN cdc_emit.subscriptions.slot_name IS
'name of the replication slot';

--
-- Statistics
--
CREATE FUNCTION cdc_emit.pg_stat_get_cdc_emit(
	OUT subid bigint,
	OUT state text,
	OUT pid integer,
	OUT worker_start timestamptz,
	OUT bootstrap_servers text,
	OUT max_retained_wal bigint,
	OUT max_retained_wal_exceeded boolean,
	OUT read_lsn pg_lsn,
	OUT sent_lsn pg_lsn,
	OUT acked_lsn pg_lsn,
	OUT confirmed_lsn pg_lsn,
	OUT oldest_commit_time timestamptz,
	OUT last_commit_time timestamptz,
	OUT last_ack_time timestamptz,
	OUT queue_messages bigint,
	OUT queue_bytes bigint,
	OUT queue_limit_bytes bigint,
	OUT queue_full_count bigint,
	OUT queue_full_time double precision,
	OUT transactions bigint,
	OUT inserts bigint,
	OUT updates bigint,
	OUT deletes bigint,
	OUT truncates bigint,
	OUT filtered bigint,
	OUT nulled_values bigint,
	OUT dead_letters bigint,
	OUT skipped bigint,
	OUT messages bigint,
	OUT message_bytes bigint,
	OUT error_count bigint,
	OUT restart_count bigint,
	OUT last_error_time timestamptz,
	OUT last_error_sqlstate text,
	OUT last_error text,
	OUT last_error_detail text,
	OUT last_error_hint text,
	OUT last_error_lsn pg_lsn,
	OUT last_error_table text,
	OUT last_error_key text,
	OUT next_retry_time timestamptz,
	OUT kafka_error_time timestamptz,
	OUT kafka_error text,
	OUT stats_reset timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_stat_get_cdc_emit'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION cdc_emit.pg_stat_get_cdc_emit() IS
'what shared memory knows about the subscriptions of this database; see view pg_stat_cdc_emit';

CREATE VIEW cdc_emit.pg_stat_cdc_emit AS
	SELECT s.subid,
		s.subname AS subscription,
		s.subslotname AS slot_name,
		s.subenabled AS enabled,
		COALESCE(w.state,
				 CASE WHEN s.subenabled THEN 'starting' ELSE 'disabled' END) AS state,
		w.pid,
		w.worker_start,
		w.bootstrap_servers,
		w.read_lsn,
		w.sent_lsn,
		w.acked_lsn,
		COALESCE(w.confirmed_lsn, r.confirmed_flush_lsn) AS confirmed_lsn,
		r.restart_lsn,
		r.wal_status,
		GREATEST(c.lsn - COALESCE(w.acked_lsn, r.confirmed_flush_lsn), 0)::bigint AS pending_bytes,
		CASE WHEN w.oldest_commit_time IS NOT NULL
			THEN GREATEST(pg_catalog.clock_timestamp() - w.oldest_commit_time, '0'::interval)
			WHEN w.pid IS NOT NULL THEN '0'::interval
		END AS ack_lag,
		w.last_commit_time,
		w.last_ack_time,
		GREATEST(c.lsn - r.restart_lsn, 0)::bigint AS retained_wal_bytes,
		w.max_retained_wal,
		w.max_retained_wal_exceeded,
		w.queue_messages,
		w.queue_bytes,
		w.queue_limit_bytes,
		w.queue_full_count,
		w.queue_full_time,
		w.transactions,
		w.inserts,
		w.updates,
		w.deletes,
		w.truncates,
		w.filtered,
		w.nulled_values,
		w.dead_letters,
		w.skipped,
		w.messages,
		w.message_bytes,
		w.error_count,
		w.restart_count,
		w.last_error_time,
		w.last_error_sqlstate,
		w.last_error,
		w.last_error_detail,
		w.last_error_hint,
		w.last_error_lsn,
		w.last_error_table,
		w.last_error_key,
		w.next_retry_time,
		w.kafka_error_time,
		w.kafka_error,
		w.stats_reset
	FROM cdc_emit.subscription s
	LEFT JOIN cdc_emit.pg_stat_get_cdc_emit() w ON w.subid = s.subid
	LEFT JOIN pg_catalog.pg_replication_slots r
		ON r.slot_name = s.subslotname AND r.database = pg_catalog.current_database()
	CROSS JOIN (SELECT CASE WHEN pg_catalog.pg_is_in_recovery()
					THEN pg_catalog.pg_last_wal_replay_lsn()
					ELSE pg_catalog.pg_current_wal_lsn() END AS lsn) c;

COMMENT ON VIEW cdc_emit.pg_stat_cdc_emit IS
'one row per subscription of this database, also when no worker runs. Counters start at 0 when the server starts, after a crash of the server, and at pg_stat_cdc_emit_reset()';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.subid IS
'identifier of the subscription';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.subscription IS
'name of the subscription';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.slot_name IS
'name of the replication slot';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.enabled IS
'should a worker run?';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.state IS
'disabled, starting, creating_slot (waits for running transactions), streaming, waiting_for_kafka, stopping, backoff (restarts after an error), paused (slot retains more WAL than max_retained_wal), slot_missing, slot_lost, slot_busy or failed (see last_error)';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.pid IS
'process ID of the worker; null if none runs';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.worker_start IS
'time the worker was started';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.bootstrap_servers IS
'addresses of the Kafka cluster, also of the embedded broker';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.read_lsn IS
'WAL before it was decoded';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.sent_lsn IS
'end of the newest transaction whose messages were all handed to the Kafka client';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.acked_lsn IS
'Kafka has acknowledged everything committed before it; with delivery exactly_once, committed it';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.confirmed_lsn IS
'position confirmed to the replication slot: a restart resumes there';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.restart_lsn IS
'oldest WAL the replication slot needs';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.wal_status IS
'as in pg_replication_slots; lost: the slot is of no use any more';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.pending_bytes IS
'bytes of WAL from acked_lsn to the end of WAL';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.ack_lag IS
'age of the oldest transaction that was read and not acknowledged; 0 if there is none; null if no worker runs';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.last_commit_time IS
'commit time of the newest transaction handed to the Kafka client';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.last_ack_time IS
'time of the latest acknowledgement, or commit of a Kafka transaction';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.retained_wal_bytes IS
'bytes of WAL the replication slot holds';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.max_retained_wal IS
'limit of retained_wal_bytes: option max_retained_wal; null: none';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.max_retained_wal_exceeded IS
'is or was it more lately? until it is a tenth less than the limit; null without limit';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.queue_messages IS
'messages not acknowledged yet';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.queue_bytes IS
'memory these messages take, in bytes';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.queue_limit_bytes IS
'limit of queue_bytes: option max_queue_bytes';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.queue_full_count IS
'number of times reading had to stop because the queue was full';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.queue_full_time IS
'time spent so, in milliseconds';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.transactions IS
'transactions with at least one event';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.inserts IS
'insert events';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.updates IS
'update events';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.deletes IS
'delete events';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.truncates IS
'truncate events';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.filtered IS
'changes that were decoded and are not published';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.nulled_values IS
'values written as null because their form in the event has no room for them, such as NaN of a numeric column';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.dead_letters IS
'events that could not be published and went to the topic for dead letters';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.skipped IS
'transactions left out because of skip_transaction()';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.messages IS
'messages acknowledged by Kafka; with delivery exactly_once, committed';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.message_bytes IS
'bytes of keys and values of these messages';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.error_count IS
'errors that ended the worker or kept it from starting';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.restart_count IS
'restarts of the worker after it had ended by itself';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.last_error_time IS
'time of the latest error';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.last_error_sqlstate IS
'its SQLSTATE';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.last_error IS
'its message';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.last_error_detail IS
'its detail';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.last_error_hint IS
'what mends it';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.last_error_lsn IS
'the transaction it happened to, as the start of its commit record (what skip_transaction() takes); outside of transactions, the position reading had reached';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.last_error_table IS
'table of the event it happened to, if it is known';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.last_error_key IS
'message key of that event, if it is known';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.next_retry_time IS
'time of the next restart, if one is due';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.kafka_error_time IS
'time of the latest error the Kafka client reported; it goes on by itself';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.kafka_error IS
'its message';
COMMENT ON COLUMN cdc_emit.pg_stat_cdc_emit.stats_reset IS
'time at which the counters were last 0';

CREATE FUNCTION cdc_emit.pg_stat_cdc_emit_reset(subscription name DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'pg_stat_cdc_emit_reset'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cdc_emit.pg_stat_cdc_emit_reset(name) IS
'sets the counters of pg_stat_cdc_emit to 0; null: of all subscriptions of this database. Positions, state and last error stay. '
'Errors: unknown subscription.';

--
-- Privileges
--
REVOKE ALL ON TABLE cdc_emit.subscriptions, cdc_emit.pg_stat_cdc_emit FROM PUBLIC;
REVOKE ALL ON FUNCTION
	cdc_emit.create_subscription(name, name, name[], jsonb, boolean),
	cdc_emit.alter_subscription(name, jsonb, name[], name),
	cdc_emit.enable_subscription(name),
	cdc_emit.disable_subscription(name),
	cdc_emit.skip_transaction(name, pg_lsn),
	cdc_emit.drop_subscription(name, boolean),
	cdc_emit.wait_ready(name, interval),
	cdc_emit.wait_for(name, pg_lsn, interval),
	cdc_emit."check"(),
	cdc_emit.check_table(regclass),
	cdc_emit.preview(name[], jsonb, regclass, jsonb, text, integer),
	cdc_emit.pg_stat_get_cdc_emit(),
	cdc_emit.pg_stat_cdc_emit_reset(name)
	FROM PUBLIC;

GRANT USAGE ON SCHEMA cdc_emit TO cdc_emit_admin, pg_monitor;
GRANT SELECT ON TABLE cdc_emit.subscriptions, cdc_emit.skipped_transaction,
	cdc_emit.slot_drop TO cdc_emit_admin;
GRANT SELECT ON TABLE cdc_emit.pg_stat_cdc_emit TO cdc_emit_admin, pg_monitor;
GRANT EXECUTE ON FUNCTION
	cdc_emit.create_subscription(name, name, name[], jsonb, boolean),
	cdc_emit.alter_subscription(name, jsonb, name[], name),
	cdc_emit.enable_subscription(name),
	cdc_emit.disable_subscription(name),
	cdc_emit.skip_transaction(name, pg_lsn),
	cdc_emit.drop_subscription(name, boolean),
	cdc_emit.wait_ready(name, interval),
	cdc_emit.wait_for(name, pg_lsn, interval),
	cdc_emit."check"(),
	cdc_emit.check_table(regclass),
	cdc_emit.preview(name[], jsonb, regclass, jsonb, text, integer),
	cdc_emit.pg_stat_get_cdc_emit(),
	cdc_emit.pg_stat_cdc_emit_reset(name)
	TO cdc_emit_admin;
GRANT EXECUTE ON FUNCTION cdc_emit.pg_stat_get_cdc_emit() TO pg_monitor;
