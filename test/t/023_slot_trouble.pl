# A slot that is lost, missing, in use or retains too much WAL: a state that
# says so, a reason, a remedy; and nothing is hidden by a new slot.

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

$node->safe_psql('postgres', <<"EOQ");
CREATE TABLE item (id serial PRIMARY KEY, body text);
CREATE TABLE noise (body text);
CREATE PUBLICATION shop FOR TABLE item;
CREATE SERVER up FOREIGN DATA WRAPPER cdc_emit OPTIONS (bootstrap_servers '$address');
CREATE SERVER down FOREIGN DATA WRAPPER cdc_emit OPTIONS (bootstrap_servers '127.0.0.1:1');
EOQ

sub told
{
	my ($columns) = @_;
	return $node->safe_psql('postgres',
		"SELECT $columns FROM cdc_emit.pg_stat_cdc_emit");
}

sub becomes
{
	my ($condition, $name) = @_;
	ok( $node->poll_query_until(
			'postgres', "SELECT $condition FROM cdc_emit.pg_stat_cdc_emit"),
		$name) or diag(told('*'));
	return;
}

sub call
{
	my ($call) = @_;
	$node->safe_psql('postgres', "SELECT cdc_emit.$call");
	return;
}

sub create
{
	my ($server, $options) = @_;
	call("create_subscription('shop', '$server', '{shop}', '$options')");
	call("wait_ready('shop')");
	return;
}

sub drop
{
	call("drop_subscription('shop')");
	ok( $node->poll_query_until(
			'postgres', 'SELECT count(*) = 0 FROM pg_replication_slots'),
		'dropped');
	return;
}

# About so many megabytes of WAL, of which one row is published.
sub write_wal
{
	my ($megabytes) = @_;
	$node->safe_psql('postgres', <<"EOQ");
INSERT INTO item (body) VALUES ('x');
INSERT INTO noise SELECT repeat('x', 1000) FROM generate_series(1, $megabytes * 1000);
TRUNCATE noise;
EOQ
	return;
}

sub log_count
{
	my ($pattern) = @_;
	return scalar(() = slurp_file($node->logfile) =~ /$pattern/g);
}

# ----------------------------------------------------------------
# max_retained_wal: warn, also when no worker runs
# ----------------------------------------------------------------
create('up', '{"max_retained_wal": "20MB"}');
is(told('max_retained_wal, max_retained_wal_exceeded'),
	'20971520|f', 'the view tells the limit');
call("disable_subscription('shop')");
write_wal(30);
becomes('max_retained_wal_exceeded AND pid IS NULL',
	'a disabled subscription passes the limit');
is(told('state'), 'disabled', 'and stays disabled');
my $warning = qr/WARNING:\s+replication slot of subscription "shop" retains \d+ bytes/;
write_wal(10);
call("enable_subscription('shop')");
acknowledged($node, 'shop');
is(log_count($warning), 1, 'it is logged once');
$node->safe_psql('postgres', 'CHECKPOINT');
becomes("state = 'streaming' AND NOT max_retained_wal_exceeded",
	'caught up, it is within the limit');
drop();

# ----------------------------------------------------------------
# pause
# ----------------------------------------------------------------
create('down', '{"max_retained_wal": "20MB", "max_retained_wal_action": "pause"}');
write_wal(30);
wait_for_state($node, 'shop', 'paused');
is( told("pid IS NULL, last_error ~ 'more WAL than max_retained_wal', last_error_hint ~ 'enable_subscription', wal_status"),
	't|t|t|reserved', 'no worker, a reason, a remedy, and the slot is kept');
my ($status, $stdout, $stderr) =
  $node->psql('postgres', "SELECT cdc_emit.wait_for('shop')");
like($stderr, qr/subscription "shop" is paused/, 'wait_for() does not wait');
$node->restart;
wait_for_state($node, 'shop', 'paused');
is(told('error_count'), 1, 'still so after a restart');

call("enable_subscription('shop')");
becomes("pid IS NOT NULL AND state = 'waiting_for_kafka'",
	'enable_subscription() lets it go on');
write_wal(10);
call("alter_subscription('shop', server => 'up')");
acknowledged($node, 'shop');
load_topics($node, $address, 'shop.public.item');
is( $node->safe_psql(
		'postgres', 'SELECT count(DISTINCT key) FROM event'),
	count_of($node, 'item'),
	'nothing is lost');
drop();

# ----------------------------------------------------------------
# drop_slot
# ----------------------------------------------------------------
create('down', '{"max_retained_wal": "20MB", "max_retained_wal_action": "drop_slot"}');
my $slot = told('slot_name');
write_wal(30);
wait_for_state($node, 'shop', 'slot_lost');
is(count_of($node, 'pg_replication_slots'), 0, 'the slot is gone');
is( $node->safe_psql(
		'postgres',
		"SELECT slot_name, subscription, dropped_at > now() - '1 hour'::interval,
			retained_wal_bytes > max_retained_wal, max_retained_wal,
			restart_lsn <= confirmed_lsn
		 FROM cdc_emit.slot_drop"),
	"$slot|shop|t|t|20971520|t",
	'it is on record');
like(told('last_error_detail'), qr/more WAL than max_retained_wal/,
	'the view tells why');
is(log_count(qr/dropped replication slot "$slot" of subscription "shop"/),
	1, 'the log, too');
$node->restart;
wait_for_state($node, 'shop', 'slot_lost');
is(count_of($node, 'pg_replication_slots'),
	0, 'it is not created again, not even by a restart');
drop();

# with nobody to drop it for
create('up', '{"max_retained_wal": "20MB", "max_retained_wal_action": "drop_slot"}');
call("disable_subscription('shop')");
write_wal(30);
ok( $node->poll_query_until(
		'postgres', 'SELECT count(*) = 0 FROM pg_replication_slots'),
	'the slot of a disabled subscription is dropped');
becomes("state = 'disabled'", 'which stays disabled');
call("enable_subscription('shop')");
wait_for_state($node, 'shop', 'slot_lost');
drop();

# ----------------------------------------------------------------
# in use
# ----------------------------------------------------------------
create('up', '{}');
$slot = told('slot_name');
call("disable_subscription('shop')");
wait_for_state($node, 'shop', 'disabled');
my $thief = IPC::Run::start(
	[
		'pg_recvlogical', '-d', $node->connstr('postgres'),
		'-S', $slot, '--start', '-o', 'publications=shop', '-f', '-'
	],
	'>', '/dev/null');
$node->poll_query_until('postgres', 'SELECT active FROM pg_replication_slots');
call("enable_subscription('shop')");
wait_for_state($node, 'shop', 'slot_busy');
like(told('last_error_hint'), qr/active_pid/, 'the view tells where to look');
$node->safe_psql('postgres', 'SELECT pg_sleep(3)');
is(told('state, error_count'), 'slot_busy|1', 'it waits without further errors');
$thief->signal('INT');
$thief->finish;
wait_for_state($node, 'shop', 'streaming');

# ----------------------------------------------------------------
# max_slot_wal_keep_size
# ----------------------------------------------------------------
call("alter_subscription('shop', server => 'down')");
becomes("bootstrap_servers ~ ':1\$' AND pid IS NOT NULL", 'Kafka is away');
$node->safe_psql('postgres',
	"INSERT INTO item (body) VALUES ('never published');
	 ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'");
$node->reload;
write_wal(70);
$node->safe_psql('postgres', 'CHECKPOINT');
wait_for_state($node, 'shop', 'slot_lost');
like(told('last_error_detail'), qr/max_slot_wal_keep_size/, 'the view tells why');
like(told('last_error_hint'), qr/drop_subscription/, 'and what can be done');
is(told('wal_status'), 'lost', 'wal_status agrees');
my $errors = told('error_count');
$node->safe_psql('postgres', 'SELECT pg_sleep(3)');
is(told('error_count'), $errors, 'it waits without further errors');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET max_slot_wal_keep_size');
$node->reload;

# ----------------------------------------------------------------
# somebody else's slot under the name
# ----------------------------------------------------------------
$node->safe_psql('postgres', <<"EOQ");
SELECT pg_drop_replication_slot('$slot');
SELECT pg_create_logical_replication_slot('$slot', 'pgoutput');
SELECT cdc_emit.disable_subscription('shop');
EOQ
wait_for_state($node, 'shop', 'disabled');
call("enable_subscription('shop')");
wait_for_state($node, 'shop', 'slot_missing');
like(told('last_error'), qr/does not belong to subscription/, 'the view tells');
$node->safe_psql('postgres', "SELECT pg_drop_replication_slot('$slot')");
drop();

$node->stop;
done_testing();
