# delivery = exactly_once: a transaction that takes longer than a Kafka
# transaction may be open spans several, and is resumed in the middle.  Without
# a broker the server is administered as ever.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = 500_000;
my $attempts = 5;

require_kafka();
my $kafka = new_kafka();
my $node = new_node('primary', 'restart_after_crash = on');

$node->safe_psql('postgres', <<'EOQ');
CREATE TABLE item (id bigint PRIMARY KEY, note text);
CREATE TABLE unpublished (id bigint);
CREATE PUBLICATION shop FOR TABLE item;
EOQ
create_subscription($node, $kafka, 'shop',
	options => '{"delivery": "exactly_once"}');

# A third of it is how long a Kafka transaction is open at most.
$node->safe_psql('postgres',
	"ALTER SERVER shop_kafka OPTIONS (ADD transaction_timeout_ms '2000')");
is($node->safe_psql('postgres', "SELECT cdc_emit.wait_ready('shop')"),
	't', 'streams with a short timeout of Kafka transactions');

# Inserts, updates, deletes and rows that are not published, in one transaction
my $inserted = 0;
my $events = 0;

sub large_transaction
{
	my ($first, $last) = ($inserted + 1, $inserted + $rows);
	$node->safe_psql('postgres', <<"EOQ");
BEGIN;
INSERT INTO item SELECT i, 'row' FROM generate_series($first, $last) i;
INSERT INTO unpublished SELECT i FROM generate_series(1, 1000) i;
UPDATE item SET note = 'changed' WHERE id BETWEEN $first AND $first + 999;
DELETE FROM item WHERE id BETWEEN $first AND $first + 999;
COMMIT;
EOQ
	$inserted += $rows;
	$events += $rows + 2000;
	return;
}

# Wait until a part of the transaction that ends at lsn is committed in Kafka;
# false if all of it was.
sub wait_for_part
{
	my ($lsn) = @_;
	my $status;
	do
	{
		$status = $node->safe_psql('postgres',
			"SELECT acked_lsn >= '$lsn', messages > 0
			 FROM cdc_emit.pg_stat_cdc_emit");
	} while ($status eq 'f|f');
	return $status eq 'f|t';
}

sub resumed_within
{
	my ($offset) = @_;
	return slurp_file($node->logfile, $offset) =~
	  /(\d+) changes of the transaction committed there/ ? $1 : 0;
}

# Break off a large transaction, again if it was too quick.
sub break_off
{
	my ($name, $fault) = @_;
	my $changes = 0;

	foreach my $attempt (1 .. $attempts)
	{
		acknowledged($node, 'shop');
		my $offset = -s $node->logfile;
		$node->safe_psql('postgres',
			'SELECT cdc_emit.pg_stat_cdc_emit_reset()');
		large_transaction();
		my $lsn = $node->safe_psql('postgres',
			'SELECT pg_current_wal_insert_lsn()');
		if (wait_for_part($lsn))
		{
			$fault->();
			acknowledged($node, 'shop');
			$changes = resumed_within($offset);
			last if $changes;
		}
		note("attempt $attempt was too late");
	}
	cmp_ok($changes, '>', 0, "$name: resumed after $changes changes");
	return;
}

break_off(
	'stop -m immediate',
	sub {
		$node->stop('immediate');
		$node->start;
	});
break_off(
	'worker killed',
	sub {
		kill_worker($node, 'shop');
		$node->poll_query_until('postgres', 'SELECT true');
	});

# Options that change the messages do not change where it resumes.
break_off(
	'broker killed and subscription altered',
	sub {
		$kafka->stop('kill');
		$node->safe_psql('postgres', <<'EOQ');
SELECT cdc_emit.alter_subscription('shop', options => '{"tombstones": false}');
EOQ
		$kafka->start;
	});

load_topics($node, $kafka->address, 'shop.public.item');
is_stored_once($node, $events);
is_ordered($node);
is_rebuilt($node, 'shop.public.item', 'item');

# ----------------------------------------------------------------
# Without a broker
# ----------------------------------------------------------------
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('postgres', 'CREATE DATABASE other2');
$kafka->stop;
$node->safe_psql('postgres', "INSERT INTO item VALUES (-1, 'no broker')");
wait_for_state($node, 'shop', 'waiting_for_kafka');

sub takes_less_than
{
	my ($limit, $name, $code) = @_;
	my $seconds = elapsed($code);
	if ($ENV{CDC_VALGRIND})
	{
		note(sprintf('%s took %.2f s', $name, $seconds));
		return;
	}
	cmp_ok($seconds, '<', $limit, sprintf('%s took %.2f s', $name, $seconds));
	return;
}

takes_less_than(1, 'DROP DATABASE with a transaction open in Kafka',
	sub { $node->safe_psql('postgres', 'DROP DATABASE other') });
takes_less_than(3, 'stop -m fast', sub { $node->stop('fast') });
$node->start;
wait_for_state($node, 'shop', 'waiting_for_kafka');
takes_less_than(1, 'DROP DATABASE while starting',
	sub { $node->safe_psql('postgres', 'DROP DATABASE other2') });
takes_less_than(3, 'stop -m fast while starting',
	sub { $node->stop('fast') });
$node->start;
wait_for_state($node, 'shop', 'waiting_for_kafka');

# A broker that accepts connections and does not answer
$kafka->start;
acknowledged($node, 'shop');
$kafka->pause;
$node->safe_psql('postgres', "INSERT INTO item VALUES (-2, 'no answer')");
wait_for_state($node, 'shop', 'waiting_for_kafka');
takes_less_than(
	2,
	'CREATE and DROP DATABASE while the broker hangs',
	sub {
		$node->safe_psql('postgres', 'CREATE DATABASE other');
		$node->safe_psql('postgres', 'DROP DATABASE other');
	});
takes_less_than(3, 'stop -m fast while the broker hangs',
	sub { $node->stop('fast') });
$node->start;
wait_for_state($node, 'shop', 'waiting_for_kafka');
$kafka->resume;
acknowledged($node, 'shop');
load_topics($node, $kafka->address, 'shop.public.item');
is_stored_once($node, $events + 2);

$node->stop;
done_testing();
