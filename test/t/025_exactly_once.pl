# With delivery = exactly_once, a consumer that reads committed messages sees
# each event once, whatever ends workers, servers and brokers under load.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = $ENV{CDC_QUICK} ? 1 : 3;
my @topics =
  map { "bench.public.pgbench_$_" } qw(accounts branches tellers history);

require_kafka();
my $kafka = new_kafka();
my $node = new_node('primary', 'restart_after_crash = on');
my $nfaults = 0;
my $load;

pgbench_tables($node);
create_subscription($node, $kafka, 'bench',
	options => '{"delivery": "exactly_once", "topic_partitions": 4}');
$node->command_ok([ 'pgbench', '-i', '-q', '-I', 'g', 'postgres' ],
	'initial rows');

sub start_load
{
	$load = start_pgbench($node, '-T', '600', '-R', '500');
	return;
}

# Wait until a statistic has grown, so that faults hit work in progress.
sub wait_for_growth
{
	my ($value, $growth) = @_;
	my $goal = $node->safe_psql('postgres', "SELECT ($value) + $growth");
	$node->poll_query_until('postgres', "SELECT ($value) >= $goal")
	  or die "$value does not grow";
	return;
}

# Transactions go on.
sub transactions
{
	wait_for_growth('SELECT count(*) FROM pgbench_history', 300);
	return;
}

# Events arrive: counters start again at 0 with the server.
sub events
{
	wait_for_growth(
		"SELECT coalesce(max(messages), 0) FROM cdc_emit.pg_stat_cdc_emit",
		2000);
	return;
}

# The next start comes without the delay that failures add up to.
sub forget_failures
{
	$node->safe_psql('postgres',
		"SELECT cdc_emit.disable_subscription('bench')");
	wait_for_state($node, 'bench', 'disabled');
	$node->safe_psql('postgres',
		"SELECT cdc_emit.enable_subscription('bench')");
	return;
}

# Sessions end with the server, and so does pgbench.
sub restart_server
{
	my ($stop) = @_;
	$stop->();
	finish_pgbench($load);
	$node->start;
	start_load();
	return;
}

my @faults = (
	[
		'worker terminated' => sub {
			$node->safe_psql('postgres',
				'SELECT pg_terminate_backend(pid) FROM cdc_emit.pg_stat_cdc_emit'
			);
		}
	],
	[
		'broker killed' => sub {
			$kafka->stop('kill');
			transactions();
			$kafka->start;
		}
	],
	[
		'worker killed' => sub {
			kill_worker($node, 'bench');
			finish_pgbench($load);
			$node->poll_query_until('postgres', 'SELECT true');
			start_load();
		}
	],
	[
		'broker stopped, worker terminated meanwhile' => sub {
			$kafka->stop;
			transactions();
			$node->safe_psql('postgres',
				'SELECT pg_terminate_backend(pid) FROM cdc_emit.pg_stat_cdc_emit'
			);
			transactions();
			$kafka->start;
		}
	],
	[ 'stop -m fast' => sub { restart_server(sub { $node->stop('fast') }) } ],
	[
		'broker hung' => sub {
			$kafka->pause;
			transactions();
			$kafka->resume;
		}
	],
	[
		'stop -m immediate' =>
		  sub { restart_server(sub { $node->stop('immediate') }) }
	],
	[
		'broker killed, and the server' => sub {
			$kafka->stop('kill');
			restart_server(sub { kill_postmaster($node) });
			$kafka->start;
		}
	],
	[
		'postmaster killed' =>
		  sub { restart_server(sub { kill_postmaster($node) }) }
	]);

start_load();
foreach my $round (1 .. $rounds)
{
	foreach my $fault (@faults)
	{
		my ($name, $inject) = @$fault;
		events();
		note("round $round: $name");
		$inject->();
		$nfaults++;
		events();
		forget_failures();
	}
}
events();
$load->{harness}->signal('TERM');
finish_pgbench($load);
acknowledged($node, 'bench');

my $expected = 100_011 + 4 * count_of($node, 'pgbench_history');
load_topics($node, $kafka->address, { isolation => 'read_uncommitted' },
	@topics);
my $stored = count_of($node, 'event WHERE NOT tombstone');
cmp_ok($stored, '>', $expected,
	"in $nfaults faults " . ($stored - $expected) . ' events were aborted');

load_topics($node, $kafka->address, @topics);
is_stored_once($node, $expected);
is_ordered($node);
is_rebuilt($node, "bench.public.pgbench_$_", "pgbench_$_")
  foreach qw(accounts branches tellers);

# The view counts what was committed, from here on.
$node->safe_psql('postgres', 'SELECT cdc_emit.pg_stat_cdc_emit_reset()');
finish_pgbench(start_pgbench($node, '-t', '100'));
acknowledged($node, 'bench');
is( $node->safe_psql(
		'postgres',
		'SELECT messages, acked_lsn >= sent_lsn FROM cdc_emit.pg_stat_cdc_emit'
	),
	'3200|t',
	'the view counts committed messages');

$node->stop;
done_testing();
