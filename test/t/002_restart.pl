# Restarts of the server lose nothing; only a crash repeats events, and what it
# repeats has the same identity.

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
my @topics =
  map { "bench.public.pgbench_$_" } qw(accounts branches tellers history);

pgbench_tables($node);
create_subscription($node, $kafka, 'bench',
	options => '{"topic_partitions": 4}');
$node->command_ok([ 'pgbench', '-i', '-q', '-I', 'g', 'postgres' ],
	'initial rows');

# Load; stop the server in the middle of it, as soon as there are so many
# transactions more.
sub stop_under_load
{
	my ($mode, $transactions) = @_;
	my $goal = count_of($node, 'pgbench_history') + $transactions;
	my $run = start_pgbench($node, '-T', '600');
	$node->poll_query_until('postgres',
		"SELECT count(*) >= $goal FROM pgbench_history")
	  or die 'pgbench makes no progress';
	$node->stop($mode);
	finish_pgbench($run);
	$node->start;
	is($node->safe_psql('postgres', "SELECT cdc_emit.wait_ready('bench')"),
		't', "streams again after stop -m $mode");
	return;
}

# Events there must be: rows at the start, four per transaction
sub expected
{
	return 100_011 + 4 * count_of($node, 'pgbench_history');
}

stop_under_load('fast', 5000);
stop_under_load('fast', 5000);
acknowledged($node, 'bench');
load_topics($node, $kafka->address, @topics);
is_stored_once($node, expected());
is_ordered($node);

stop_under_load('immediate', 5000);
finish_pgbench(start_pgbench($node, '-T', '5'));
acknowledged($node, 'bench');
load_topics($node, $kafka->address, @topics);
is_stored_once($node, expected(), repeats => 1);
is_ordered($node);
is_rebuilt($node, "bench.public.pgbench_$_", "pgbench_$_")
  foreach qw(accounts branches tellers);
is_rebuilt(
	$node, 'bench.public.pgbench_history', 'pgbench_history',
	keyless => 1,
	row => "to_jsonb(t) || jsonb_build_object('mtime',
		(extract(epoch FROM mtime) * 1000000)::bigint)");

$node->stop;
done_testing();
