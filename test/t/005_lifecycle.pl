# Subscriptions come and go without leaving anything behind, and without losing
# or repeating an event.

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
my $node = new_node('primary');
my $address = $kafka->address;

# What makes a database ready for create_subscription()
my $shop = <<"EOQ";
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE PUBLICATION shop FOR TABLE item;
CREATE SERVER kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers '$address');
EOQ
my $create = "SELECT cdc_emit.create_subscription('shop', server => 'kafka',
	publications => '{shop}')";

sub slots
{
	return $node->safe_psql('postgres',
		"SELECT string_agg(slot_name, ',') FROM pg_replication_slots");
}

sub workers
{
	return $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_stat_activity
		 WHERE backend_type = 'cdc_emit worker'");
}

sub wait_for_none
{
	my ($what) = @_;
	ok( $node->poll_query_until(
			'postgres',
			"SELECT (SELECT count(*) FROM pg_replication_slots) = 0 AND
				(SELECT count(*) FROM pg_stat_activity
				 WHERE backend_type = 'cdc_emit worker') = 0"),
		"$what leaves neither slot nor worker");
	return;
}

sub ready
{
	my ($database) = @_;
	return $node->safe_psql($database, "SELECT cdc_emit.wait_ready('shop')");
}

$node->safe_psql('postgres', $shop);

# ----------------------------------------------------------------
# create_subscription: at commit or not at all
# ----------------------------------------------------------------
$node->safe_psql('postgres', "BEGIN; $create; ROLLBACK");
is(slots(), '', 'ROLLBACK of create_subscription leaves no slot');
is(workers(), 0, 'and no worker');

my $session = $node->background_psql('postgres');
$session->query_safe('BEGIN; SELECT pg_current_xact_id()');
$node->safe_psql('postgres', $create);
wait_for_state($node, 'shop', 'creating_slot');
is($node->safe_psql('postgres',
		"SELECT cdc_emit.wait_ready('shop', '100 ms')"),
	'f', 'not ready while a transaction is open');
my $seconds = elapsed(
	sub {
		$node->safe_psql('postgres', 'CREATE DATABASE quick');
		$node->safe_psql('postgres', 'DROP DATABASE quick');
	});
cmp_ok($seconds, '<', 3,
	sprintf('meanwhile CREATE and DROP DATABASE took %.2f s', $seconds));
$session->query_safe('COMMIT');
$session->quit;
is(ready('postgres'), 't', 'ready when the transaction has ended');
like(slots(), qr/^cdc_emit_\d+_\d+_\d+$/, 'one slot');
is(workers(), 1, 'one worker');

# ----------------------------------------------------------------
# disable, enable and alter under load
# ----------------------------------------------------------------
my $script = $node->basedir . '/insert.sql';
append_to_file($script, "INSERT INTO item VALUES (nextval('item_id'), 'x');\n");
$node->safe_psql('postgres', <<'EOQ');
CREATE SEQUENCE item_id;
CREATE TABLE other (id int PRIMARY KEY);
CREATE PUBLICATION more FOR TABLE other;
EOQ
my $run = start_pgbench($node, '-T', ($ENV{CDC_CHECKER} // '') eq 'valgrind' ? 120 : 20,
	'-R', '300', '-f', $script);

sub wait_for_rows
{
	my ($more) = @_;
	my $rows = count_of($node, 'item') + $more;
	$node->poll_query_until('postgres', "SELECT count(*) >= $rows FROM item")
	  or die 'no rows come';
	return;
}

my $administer = sub {
	$node->safe_psql('postgres', "SELECT cdc_emit.$_[0]");
	wait_for_rows(200);
};
$administer->("disable_subscription('shop')");
wait_for_state($node, 'shop', 'disabled');
is(workers(), 0, 'a disabled subscription has no worker');
$administer->("enable_subscription('shop')");
is(ready('postgres'), 't', 'enabled again');
$administer->(
	"alter_subscription('shop', options => '{\"tombstones\": false}')");
is(ready('postgres'), 't', 'options altered');
$administer->("alter_subscription('shop', publications => '{shop,more}')");
is(ready('postgres'), 't', 'publications altered');
$administer->("disable_subscription('shop'); SELECT cdc_emit.enable_subscription('shop')");
my $pid = worker_pid($node, 'shop');
$node->safe_psql('postgres',
	"SELECT pg_terminate_backend(pid) FROM cdc_emit.pg_stat_cdc_emit
	 WHERE pid IS NOT NULL");
ok( $node->poll_query_until(
		'postgres',
		"SELECT pid <> 0$pid AND state = 'streaming'
		 FROM cdc_emit.pg_stat_cdc_emit"),
	'a terminated worker is replaced');
my ($done, $failed) = finish_pgbench($run);
is($failed, 0, "$done transactions, none failed");
$node->safe_psql('postgres', 'INSERT INTO other VALUES (1)');
acknowledged($node, 'shop');
load_topics($node, $address, 'shop.public.item', 'shop.public.other');
is_stored_once($node, $done + 1);
is_ordered($node);
is_rebuilt($node, 'shop.public.item', 'item');
is_rebuilt($node, 'shop.public.other', 'other');

# ----------------------------------------------------------------
# a slot that somebody dropped
# ----------------------------------------------------------------
$node->safe_psql('postgres', "SELECT cdc_emit.disable_subscription('shop')");
ok( $node->poll_query_until(
		'postgres', 'SELECT NOT active FROM pg_replication_slots'),
	'the slot of a disabled subscription is not in use');
$node->safe_psql('postgres',
	'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
$node->safe_psql('postgres', "SELECT cdc_emit.enable_subscription('shop')");
wait_for_state($node, 'shop', 'slot_missing');
like(
	$node->safe_psql(
		'postgres', 'SELECT last_error FROM cdc_emit.pg_stat_cdc_emit'),
	qr/replication slot "cdc_emit_\d+_\d+_\d+" .*does not exist/,
	'the view tells why');
my ($status, $stdout, $stderr) =
  $node->psql('postgres', "SELECT cdc_emit.wait_ready('shop')");
isnt($status, 0, 'wait_ready() does not wait for it');
$node->restart;
wait_for_state($node, 'shop', 'slot_missing');
is(slots(), '', 'it is not created again, not even by a restart');

$node->safe_psql('postgres', "SELECT cdc_emit.drop_subscription('shop')");
wait_for_none('drop_subscription without slot');

# ----------------------------------------------------------------
# drop_subscription, DROP EXTENSION
# ----------------------------------------------------------------
$node->safe_psql('postgres', $create);
ready('postgres');
$node->safe_psql('postgres',
	"BEGIN; SELECT cdc_emit.drop_subscription('shop'); ROLLBACK");
is(ready('postgres'), 't', 'ROLLBACK of drop_subscription changes nothing');
$node->safe_psql('postgres', "SELECT cdc_emit.drop_subscription('shop')");
wait_for_none('drop_subscription');

$node->safe_psql('postgres', $create);
ready('postgres');
$node->safe_psql('postgres',
	"SELECT cdc_emit.drop_subscription('shop', keep_slot => true)");
ok( $node->poll_query_until(
		'postgres',
		'SELECT count(*) = 1 AND NOT bool_or(active)
		 FROM pg_replication_slots'),
	'keep_slot keeps the slot');
$node->safe_psql('postgres',
	'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');

$node->safe_psql('postgres', $create);
ready('postgres');
$node->safe_psql('postgres', 'DROP EXTENSION cdc_emit CASCADE');
wait_for_none('DROP EXTENSION');

# ----------------------------------------------------------------
# DROP DATABASE
# ----------------------------------------------------------------
sub create_database
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, "CREATE EXTENSION cdc_emit; $shop");
	$node->safe_psql($name, $create);
	is(ready($name), 't', "subscription in database $name streams");
	return;
}

create_database('enabled');
$seconds =
  elapsed(sub { $node->safe_psql('postgres', 'DROP DATABASE enabled') });
cmp_ok($seconds, '<', 3,
	sprintf('DROP DATABASE with a worker took %.2f s', $seconds));
wait_for_none('DROP DATABASE with an enabled subscription');

create_database('disabled');
$node->safe_psql('disabled', "SELECT cdc_emit.disable_subscription('shop')");
ok( $node->poll_query_until(
		'postgres', 'SELECT NOT active FROM pg_replication_slots'),
	'disabled');
$node->safe_psql('postgres', 'DROP DATABASE disabled');
wait_for_none('DROP DATABASE with a disabled subscription');

create_database('busy');
$session = $node->background_psql('busy');
$session->query_safe('SELECT 1');
($status, $stdout, $stderr) = $node->psql('postgres', 'DROP DATABASE busy');
isnt($status, 0, 'DROP DATABASE fails while a session is connected');
like(
	$stderr,
	qr/is being accessed by other users/,
	'for the reason a DBA expects');
ok( $node->poll_query_until(
		'postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity
		 WHERE backend_type = 'cdc_emit worker' AND datname = 'busy'"),
	'and the worker comes back');
is(ready('busy'), 't', 'and streams');
$session->quit;
$node->safe_psql('postgres', 'DROP DATABASE busy WITH (FORCE)');
wait_for_none('DROP DATABASE WITH (FORCE)');

# CREATE DATABASE needs its template to itself
create_database('template');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template');
is(ready('template'), 't', 'a worker gives way to CREATE DATABASE TEMPLATE');
$node->safe_psql('postgres', 'DROP DATABASE copy');
$node->safe_psql('postgres', 'DROP DATABASE template');
wait_for_none('DROP DATABASE of a template');

$node->stop;
done_testing();
