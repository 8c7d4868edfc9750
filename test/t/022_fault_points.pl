# A process that dies or fails at the worst moment: nothing is lost, no slot is
# left behind, and no gap is hidden.  The points are in src (FAULT_POINT).

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $installation = fault_installation();
require_kafka();
my $kafka = new_kafka();
my $address = $kafka->address;
my $node = new_node('primary', 'restart_after_crash = on',
	install_path => $installation);
my $file = $node->data_dir . '/cdc_emit.fault';
my $patience = 10 * $PostgreSQL::Test::Utils::timeout_default;

$node->safe_psql('postgres', <<"EOQ");
CREATE TABLE item (id serial PRIMARY KEY, body text);
CREATE TABLE counter (id int PRIMARY KEY, n int);
CREATE PUBLICATION shop FOR TABLE item, counter;
INSERT INTO counter VALUES (1, 0);
CREATE SERVER kafka FOREIGN DATA WRAPPER cdc_emit OPTIONS (bootstrap_servers '$address');
EOQ

sub arm
{
	my ($point, $action, $skip) = @_;
	append_to_file("$file.new", "$point $action $skip\n");
	rename "$file.new", $file or die "could not rename: $!";
	return;
}

sub armed { return -e $file; }

# After a crash the server needs a moment.
sub query
{
	my ($query) = @_;
	my ($status, $stdout) = $node->psql('postgres', $query);
	return $status == 0 ? $stdout : '';
}

sub wait_until
{
	my ($name, $code) = @_;
	foreach (1 .. $patience)
	{
		return pass($name) if $code->();
		usleep(100_000);
	}
	return fail($name);
}

sub told
{
	my ($columns) = @_;
	return query("SELECT $columns FROM cdc_emit.pg_stat_cdc_emit");
}

# ----------------------------------------------------------------
# the slot is created
# ----------------------------------------------------------------
foreach my $point ('slot_creation', 'before_slot_persist',
	'after_slot_persist', 'before_slot_recorded')
{
	foreach my $action ('crash', 'error')
	{
		arm($point, $action, 0);
		$node->safe_psql('postgres',
			"SELECT cdc_emit.create_subscription('shop', 'kafka', '{shop}')");
		wait_until("$action at $point", sub { !armed() });
		wait_until('streams afterwards', sub { told('state') eq 'streaming' });
		is(query('SELECT count(*) FROM pg_replication_slots'), 1, 'one slot');
		$node->safe_psql('postgres', "INSERT INTO item (body) VALUES ('$point')");
		acknowledged($node, 'shop');
		$node->safe_psql('postgres', "SELECT cdc_emit.drop_subscription('shop')");
		wait_until('no slot is left', sub {
			query('SELECT count(*) FROM pg_replication_slots') eq '0' });
	}
}

# ----------------------------------------------------------------
# the stream: messages, delivery reports, confirmation
# ----------------------------------------------------------------
$node->safe_psql('postgres', 'TRUNCATE item');
create_subscription($node, $kafka, 'stream', publications => '{shop}');

foreach my $fault (
	[ 'before_produce', 300 ], [ 'after_produce', 300 ],
	[ 'after_delivery', 5 ], [ 'before_confirm', 1 ],
	[ 'after_confirm', 1 ], [ 'before_save', 0 ], [ 'after_save', 0 ])
{
	my ($point, $skip) = @$fault;
	foreach my $action ('crash', 'error')
	{
		my $rounds = 0;
		arm($point, $action, $skip);
		while (armed() && $rounds++ < $patience)
		{
			query(<<"EOQ");
INSERT INTO item (body) SELECT '$point' FROM generate_series(1, 50);
UPDATE counter SET n = n + 1;
EOQ
		}
		ok(!armed(), "$action at $point, after $rounds rounds");
		wait_until('streams afterwards',
			sub { told('state') eq 'streaming' });
	}
}
acknowledged($node, 'stream');
load_topics($node, $address, 'stream.public.item', 'stream.public.counter');
my $items = count_of($node, 'item');
my $count = query('SELECT n FROM counter');
is_stored_once($node, $items + $count, repeats => 1);
is_ordered($node);
is_rebuilt($node, 'stream.public.item', 'item');
is_rebuilt($node, 'stream.public.counter', 'counter');
is(query("SELECT count(DISTINCT after->>'n') FROM event
	WHERE topic = 'stream.public.counter' AND NOT tombstone"),
	$count, 'each update is there');
$node->safe_psql('postgres', "SELECT cdc_emit.drop_subscription('stream')");

# ----------------------------------------------------------------
# the slot is dropped because it retains too much
# ----------------------------------------------------------------
foreach my $fault ([ 'before_slot_drop', 2 ], [ 'after_slot_drop', 1 ])
{
	my ($point, $records) = @$fault;
	foreach my $action ('crash', 'error')
	{
		$node->safe_psql('postgres', <<"EOQ");
SELECT cdc_emit.create_subscription('shop', 'kafka', '{shop}',
	'{"max_retained_wal": "10MB", "max_retained_wal_action": "drop_slot"}');
SELECT cdc_emit.wait_ready('shop');
SELECT cdc_emit.disable_subscription('shop');
EOQ
		arm($point, $action, 0);
		query("INSERT INTO item (body) SELECT repeat('x', 1000)
			FROM generate_series(1, 20000)");
		wait_until("$action at $point", sub { !armed() });
		wait_until('the slot is dropped', sub {
			query('SELECT count(*) FROM pg_replication_slots') eq '0' });
		is(query("SELECT count(*) FROM cdc_emit.slot_drop d
			JOIN cdc_emit.subscriptions s USING (slot_name)"),
			$records, "records: $records");
		query("SELECT cdc_emit.enable_subscription('shop')");
		wait_until('which is a visible state',
			sub { told('state') eq 'slot_lost' });
		is(query('SELECT count(*) FROM pg_replication_slots'),
			0, 'and no slot hides the gap');
		query("SELECT cdc_emit.drop_subscription('shop')");
		wait_until('dropped', sub {
			query('SELECT count(*) FROM cdc_emit.pg_stat_get_cdc_emit()') eq '0' });
	}
}

$node->stop;
done_testing();
