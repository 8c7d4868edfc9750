# What somebody without privileges can do to a server that has cdc_emit:
# nothing that they could not do without it.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

require_kafka();
my $kafka = new_kafka();
my $address = $kafka->address;
my $node = new_node('primary');

$node->safe_psql('postgres', <<'EOQ');
CREATE ROLE plain LOGIN;
CREATE ROLE replicator LOGIN REPLICATION;
CREATE ROLE mallory LOGIN;
CREATE ROLE dbowner LOGIN;
CREATE ROLE admin LOGIN IN ROLE cdc_emit_admin;
CREATE TABLE secret (id int PRIMARY KEY, body text);
INSERT INTO secret VALUES (1, 'secret');
CREATE TABLE item (id serial PRIMARY KEY, body text);
CREATE PUBLICATION shop FOR TABLE item;
EOQ
create_subscription($node, $kafka, 'shop');
my $start = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
my $worker = worker_pid($node, 'shop');

sub as
{
	my ($role, $query, %args) = @_;
	return $node->psql($args{database} // 'postgres', $query,
		extra_params => [ '-U', $role ],
		replication => $args{replication});
}

sub is_denied
{
	my ($role, $query, $expected, $name, %args) = @_;
	my ($status, $stdout, $stderr) = as($role, $query, %args);
	isnt($status, 0, "$role: $name is refused");
	like($stderr, $expected, "$role: $name, with the reason");
	return;
}

sub is_unharmed
{
	my ($name) = @_;
	is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'),
		$start, "$name: the server did not crash");
	$node->safe_psql('postgres', "INSERT INTO item (body) VALUES ('$name')");
	acknowledged($node, 'shop');
	is(worker_pid($node, 'shop'), $worker, "$name: the worker goes on");
	return;
}

# ----------------------------------------------------------------
# a plain user
# ----------------------------------------------------------------
my $denied = qr/permission denied/;
foreach my $call (
	"create_subscription('x', 'shop_kafka', '{shop}')",
	"alter_subscription('shop', '{}')", "enable_subscription('shop')",
	"disable_subscription('shop')", "drop_subscription('shop')",
	"skip_transaction('shop', '0/1')", "wait_ready('shop')",
	"wait_for('shop')", 'pg_stat_cdc_emit_reset()', '"check"()',
	'pg_stat_get_cdc_emit()', "cdc_emit_validator('{}', 0)")
{
	is_denied('plain', "SELECT cdc_emit.$call", $denied, $call);
}
my $objects = $node->safe_psql('postgres',
	"SELECT string_agg(relname, ' ') FROM pg_class
	 WHERE relnamespace = 'cdc_emit'::regnamespace AND relkind IN ('r', 'v')");
foreach my $object (split / /, $objects)
{
	is_denied('plain', "SELECT * FROM cdc_emit.$object", $denied, $object);
}
is( $node->safe_psql(
		'postgres',
		"SELECT count(*) FROM pg_proc p
		 WHERE pronamespace = 'cdc_emit'::regnamespace
			AND has_function_privilege('plain', p.oid, 'EXECUTE')
			AND NOT p.prorettype = 'trigger'::regtype"),
	0,
	'no function can be executed by everybody');
is_denied('plain', 'CREATE SERVER s FOREIGN DATA WRAPPER cdc_emit', $denied,
	'CREATE SERVER');
is_denied('plain', "SELECT pg_terminate_backend($worker)",
	qr/permission denied|must be a superuser|must be a member/,
	'pg_terminate_backend of a worker');
is_denied('plain', "SET cdc_emit.enabled = off",
	qr/cannot be changed now|permission denied/, 'cdc_emit.enabled');

# Commands on databases have workers leave, but only for those who may.
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', <<"EOQ");
CREATE EXTENSION cdc_emit;
CREATE TABLE t (id int);
CREATE PUBLICATION shop FOR TABLE t;
CREATE SERVER kafka FOREIGN DATA WRAPPER cdc_emit OPTIONS (bootstrap_servers '$address');
SELECT cdc_emit.create_subscription('shop', 'kafka', '{shop}');
SELECT cdc_emit.wait_ready('shop');
EOQ
my $stat = "SELECT pid FROM cdc_emit.pg_stat_cdc_emit";
my $other = $node->safe_psql('shop', $stat);
foreach my $command (
	'DROP DATABASE shop', 'ALTER DATABASE shop RENAME TO x',
	'ALTER DATABASE shop SET TABLESPACE pg_default',
	'CREATE DATABASE x TEMPLATE shop')
{
	is_denied('plain', $command, qr/permission denied|must be owner/, $command);
	is($node->safe_psql('shop', $stat), $other, 'and the worker stays');
}
is_unharmed('plain user');

# ----------------------------------------------------------------
# a role with REPLICATION: the plugin with options of all kinds
# ----------------------------------------------------------------
my ($status) = as('replicator', "SELECT pg_create_logical_replication_slot('r', 'cdc_emit')");
is($status, 0, 'replicator: can create a slot, as with any plugin');
$node->safe_psql('postgres', "INSERT INTO item (body) VALUES ('x')");
my $deep = '[' x 100000;
my $long = 'x' x 1000000;
foreach my $options (
	[ 'bootstrap_servers', 'localhost:1' ], [ 'server', 'shop_kafka' ],
	[ 'plugin_library_paths', '/tmp/x.so' ], [ 'properties', '{}' ],
	[ 'ssl_key_location', '/etc/passwd' ], [ 'publications', $long ],
	[ 'publications', '"' ], [ 'publications', 'shop,"' ],
	[ 'publications', 'shop', 'format', $long ],
	[ 'publications', 'shop', 'topic', '{prefix}' x 10000 ],
	[ 'publications', 'shop', 'topic', "../../etc/passwd" ],
	[ 'publications', 'shop', 'topic_prefix', "a\nb" ],
	[ 'publications', 'shop', 'tables', $deep ],
	[ 'publications', 'shop', 'tables', '{"a":' x 100000 ],
	[ 'publications', 'shop', 'tables', '{"public.item":{"key":["ctid","xmin"]}}' ],
	[ 'publications', 'shop', 'headers', $deep ],
	[ 'publications', 'shop', 'max_value_bytes', '99999999999999999999' ],
	[ 'publications', 'shop', 'max_queue_bytes', '-1' ],
	[ 'publications', 'shop', 'decoding_work_mem', 'NaN' ],
	[ 'publications', 'shop', 'publications', 'shop' ],
	[ '', '' ], [ "publications\x01", 'shop' ])
{
	my $list = join ', ', map { "\$s\$$_\$s\$" } @$options;
	my $shown = substr join(' ', @$options), 0, 60;
	my ($status, $stdout, $stderr) = as('replicator',
		"SELECT count(*) FROM pg_logical_slot_peek_changes('r', NULL, NULL, $list)");
	isnt($status, 0, "replicator: options are refused: $shown");
	unlike($stderr, qr/server closed the connection|terminated/,
		'and the session goes on');
}
is_denied('replicator',
	"START_REPLICATION SLOT r LOGICAL 0/0 (bootstrap_servers 'localhost:1', publications 'shop')",
	qr/unrecognized option "bootstrap_servers"/,
	'a broker through the walsender', replication => 'database');
is_denied('replicator',
	"START_REPLICATION SLOT r LOGICAL 0/0 (publications 'shop', tables '$deep')",
	qr/ERROR/, 'nested options through the walsender', replication => 'database');
is( $node->safe_psql(
		'postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'"),
	0,
	'no walsender is left');

# The worker's slot is in its hands as long as it runs.
my $slot = $node->safe_psql('postgres', "SELECT slot_name FROM cdc_emit.subscriptions");
is_denied('replicator', "SELECT pg_replication_slot_advance('$slot', pg_current_wal_lsn())",
	qr/is active for PID/, 'moving the slot of a subscription');
is_denied('replicator', "SELECT pg_drop_replication_slot('$slot')",
	qr/is active for PID/, 'dropping it');
$node->safe_psql('postgres', "SELECT pg_drop_replication_slot('r')");
is_unharmed('REPLICATION');

# ----------------------------------------------------------------
# an owner of tables that are captured
# ----------------------------------------------------------------
$node->safe_psql('postgres', <<'EOQ');
CREATE SCHEMA mallory AUTHORIZATION mallory;
CREATE TABLE touched (what text, who name);
GRANT INSERT ON touched TO PUBLIC;
EOQ
my ($rc, $out, $err) = as('mallory', <<'EOQ');
SET search_path = mallory;
CREATE FUNCTION trap(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.touched VALUES (what, current_user);
	BEGIN
		PERFORM set_config('role', 'postgres', false);
		INSERT INTO public.touched VALUES ('as superuser', current_user);
	EXCEPTION WHEN insufficient_privilege THEN
		NULL;
	END;
	RETURN true;
END $$;
CREATE FUNCTION trap_int(what text) RETURNS int LANGUAGE sql AS
	'SELECT mallory.trap(what)::int';
CREATE FUNCTION trap_immutable(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN mallory.trap(what);
END $$;
CREATE DOMAIN checked AS text CHECK (length(VALUE) < 100);
CREATE TYPE pair AS (a int, b checked);
CREATE TYPE span AS RANGE (subtype = text);
CREATE FUNCTION eq(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS
	'SELECT mallory.trap_immutable(''operator'')';
CREATE OPERATOR mallory.= (FUNCTION = eq, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION cast_out(pair) RETURNS text LANGUAGE sql IMMUTABLE AS
	'SELECT mallory.trap_immutable(''cast'')::text';
CREATE CAST (pair AS text) WITH FUNCTION cast_out(pair) AS IMPLICIT;
CREATE TABLE evil (
	id int PRIMARY KEY,
	d checked DEFAULT 'x',
	p pair DEFAULT ROW(1, 'x')::pair,
	s span,
	n int DEFAULT mallory.trap_int('default'),
	g int GENERATED ALWAYS AS (1 + 1) STORED,
	b boolean DEFAULT (repeat('a', 10)::text ~ '^(a*)*$'));
CREATE INDEX ON evil ((mallory.trap_immutable('index: ' || id)));
ALTER TABLE evil REPLICA IDENTITY FULL;
GRANT USAGE ON SCHEMA mallory TO PUBLIC;
GRANT SELECT ON evil TO PUBLIC;
EOQ
is($rc, 0, 'mallory has a table with traps') or diag($err);

# A row filter takes no function or operator of users, whoever makes it.
foreach my $filter ("mallory.trap_immutable('filter')",
	'id OPERATOR(mallory.=) 1', "p::text = 'x'")
{
	my ($status, $stdout, $stderr) = $node->psql('postgres',
		"CREATE PUBLICATION filtered FOR TABLE mallory.evil WHERE ($filter)");
	like($stderr, qr/invalid publication WHERE expression/,
		"row filter: $filter");
}

$node->safe_psql('postgres', <<'EOQ');
CREATE PUBLICATION evil FOR TABLE mallory.evil WHERE (id > 0);
ALTER PUBLICATION shop ADD TABLE mallory.evil;
GRANT USAGE ON FOREIGN SERVER shop_kafka TO admin;
EOQ
($rc, $out, $err) = as('admin', <<'EOQ');
SELECT cdc_emit.create_subscription('evil', 'shop_kafka', '{evil}', '{"schemas": true}');
EOQ
is($rc, 0, 'a subscription captures it') or diag($err);
$node->safe_psql('postgres', "SELECT cdc_emit.wait_ready('evil')");
$node->safe_psql('postgres', 'TRUNCATE touched');
($rc, $out, $err) = as('mallory', <<'EOQ');
SET search_path = mallory, pg_catalog;
INSERT INTO evil (id, n, s, b) VALUES (1, 1, '[a,b)', true);
UPDATE evil SET n = 2;
DELETE FROM evil;
EOQ
is($rc, 0, 'changes of it') or diag($err);
acknowledged($node, 'shop');
acknowledged($node, 'evil');
is($node->safe_psql('postgres', "SELECT count(*) FROM touched WHERE what !~ '^index'"),
	0, 'nothing of it was executed by a worker');
is($node->safe_psql('postgres', "SELECT count(*) FROM touched WHERE who <> 'mallory'"),
	0, 'nor as somebody else');
load_topics($node, $address, 'shop.mallory.evil');
is($node->safe_psql('postgres', "SELECT string_agg(op, '' ORDER BY commit_lsn) FROM event
	WHERE NOT tombstone"), 'cud', 'its changes are published like any other');
is_unharmed('table owner');

# A table that the owner of the subscription may not read is not published, and
# not left out silently either.
$node->safe_psql('postgres', 'ALTER PUBLICATION evil ADD TABLE secret');
$node->safe_psql('postgres', "UPDATE secret SET body = 'more secret'");
wait_for_state($node, 'evil', 'backoff');
my $failure = "FROM cdc_emit.pg_stat_cdc_emit WHERE subscription = 'evil'";
is($node->safe_psql('postgres', "SELECT last_error $failure"),
	'permission denied for table public.secret',
	'a table its owner may not read: the view tells');
$node->safe_psql('postgres', <<"EOQ");
ALTER PUBLICATION evil DROP TABLE secret;
SELECT cdc_emit.skip_transaction('evil', last_error_lsn) $failure;
EOQ
acknowledged($node, 'evil');
unlike(`kcat -L -b $address`, qr/secret/, 'and it is not published');

# ----------------------------------------------------------------
# an owner of a database, and its settings
# ----------------------------------------------------------------
$node->safe_psql('postgres', 'ALTER DATABASE shop OWNER TO dbowner');
($rc, $out, $err) = as('dbowner', <<'EOQ', database => 'shop');
CREATE SCHEMA trap;
CREATE FUNCTION trap.format(text, oid) RETURNS text LANGUAGE plpgsql AS
	'BEGIN RAISE EXCEPTION ''trap: %'', current_user; END';
CREATE FUNCTION trap.eq(name, name) RETURNS boolean LANGUAGE plpgsql AS
	'BEGIN RAISE EXCEPTION ''trap: %'', current_user; END';
CREATE OPERATOR trap.= (FUNCTION = trap.eq, LEFTARG = name, RIGHTARG = name);
CREATE TABLE trap.subscription (subname name);
ALTER DATABASE shop SET search_path = trap, pg_catalog;
ALTER DATABASE shop SET DateStyle = 'SQL, DMY';
ALTER DATABASE shop SET TimeZone = 'Asia/Kolkata';
ALTER DATABASE shop SET default_transaction_read_only = on;
ALTER DATABASE shop SET default_transaction_isolation = 'serializable';
ALTER DATABASE shop SET statement_timeout = '1ms';
ALTER DATABASE shop SET lock_timeout = '1ms';
ALTER DATABASE shop SET bytea_output = 'escape';
ALTER DATABASE shop SET row_security = off;
ALTER DATABASE shop SET role = plain;
EOQ
is($rc, 0, 'dbowner has set traps') or diag($err);
$node->restart;
$start = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
my $env = { PGOPTIONS => '-c role=postgres -c search_path=public,pg_catalog -c statement_timeout=0 -c default_transaction_read_only=off' };
{
	local %ENV = (%ENV, %$env);
	$node->safe_psql('shop', 'ALTER TABLE t ADD ts timestamp');
	$node->safe_psql('shop', "INSERT INTO t VALUES (1, '2020-02-01 10:00')");
	acknowledged($node, 'shop', 'shop');
	is($node->safe_psql('shop', 'SELECT state FROM cdc_emit.pg_stat_cdc_emit'),
		'streaming', 'a worker in a database with traps');
	$node->safe_psql('shop', "SELECT cdc_emit.alter_subscription('shop', '{\"tombstones\": false}')");
	is($node->safe_psql('shop', "SELECT cdc_emit.wait_ready('shop')"),
		't', 'and the controller');
}
my $event = `kcat -C -q -e -o -1 -b $address -t shop.public.t -f '%s'`;
like($event, qr/"ts":1580551200000000/, 'values do not depend on such settings');
unlike(slurp_file($node->logfile), qr/trap: /, 'no trap was sprung');

$node->stop;
done_testing();
