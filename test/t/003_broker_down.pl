# Without Kafka the primary goes on as if nothing had happened; when Kafka is
# back, everything arrives.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $outage = $ENV{CDC_QUICK} ? 15 : 60;
my $queue_megabytes = 16;
my $decoding_megabytes = 16;

require_kafka();
my $kafka = new_kafka();
my $node = new_node('primary');

pgbench_tables($node);
$node->safe_psql('postgres', 'CREATE DATABASE other');
create_subscription($node, $kafka, 'bench',
	options => "{\"max_queue_bytes\": \"${queue_megabytes}MB\","
	  . " \"decoding_work_mem\": \"${decoding_megabytes}MB\"}");
$node->command_ok([ 'pgbench', '-i', '-q', '-I', 'g', 'postgres' ],
	'initial rows');
my ($done_before, $failed_before, $tps_before) =
  finish_pgbench(start_pgbench($node, '-T', '10'));
acknowledged($node, 'bench');
my $pid = worker_pid($node, 'bench');
my $memory_before = worker_memory($pid);

# load during the whole outage
$kafka->stop;
my ($done, $failed, $tps) =
  finish_pgbench(start_pgbench($node, '-T', $outage));
is($failed, 0, "no transaction failed in $outage s without broker");
is_below($tps_before * 0.7, $tps,
	"writers are not slowed: $tps tps without broker, $tps_before with it");

wait_for_state($node, 'bench', 'waiting_for_kafka');
is(worker_pid($node, 'bench'), $pid, 'the worker still runs');
my $memory = worker_memory($pid);
is_below($memory, $memory_before + $queue_megabytes + $decoding_megabytes,
	sprintf('worker memory is within its budget: %.0f MB, %.0f MB before',
		$memory, $memory_before));
is( $node->safe_psql(
		'postgres',
		"SELECT queue_bytes BETWEEN queue_limit_bytes / 2 AND queue_limit_bytes,
			queue_full_count > 0, ack_lag > '5 s', pending_bytes > 0,
			kafka_error IS NOT NULL
		 FROM cdc_emit.pg_stat_cdc_emit"),
	't|t|t|t|t',
	'the view tells the full queue, the lag and what is wrong');
is( $node->safe_psql(
		'postgres',
		"SELECT cdc_emit.wait_for('bench', timeout => '100 ms')"),
	'f',
	'wait_for() gives up in time');

# administration goes on
my $seconds =
  elapsed(sub { $node->safe_psql('postgres', 'DROP DATABASE other') });
is_below($seconds, 1,
	sprintf('DROP DATABASE of another database took %.2f s', $seconds));

$seconds = elapsed(
	sub {
		$node->safe_psql('postgres',
			"SELECT cdc_emit.disable_subscription('bench')");
		$node->poll_query_until('postgres',
			"SELECT pid IS NULL FROM cdc_emit.pg_stat_cdc_emit");
	});
is_below($seconds, 1,
	sprintf('disable_subscription took %.2f s', $seconds));
wait_for_state($node, 'bench', 'disabled');
$node->safe_psql('postgres', "SELECT cdc_emit.enable_subscription('bench')");
wait_for_state($node, 'bench', 'waiting_for_kafka');

$seconds = elapsed(sub { $node->stop('fast') });
is_below($seconds, 3,
	sprintf('pg_ctl stop -m fast took %.2f s', $seconds));
$node->start;
wait_for_state($node, 'bench', 'waiting_for_kafka');

# back again
$kafka->start;
acknowledged($node, 'bench');
wait_for_state($node, 'bench', 'streaming');
load_topics($node, $kafka->address,
	map { "bench.public.pgbench_$_" } qw(accounts branches tellers history));
is_stored_once($node, 100_011 + 4 * ($done_before + $done), repeats => 1);
is_ordered($node);
is_rebuilt($node, "bench.public.pgbench_$_", "pgbench_$_")
  foreach qw(accounts branches tellers);

# A broker that is there and does not answer is no different.
$kafka->pause;
my $run = start_pgbench($node, '-T', '10');
($done, $failed) = finish_pgbench($run);
is($failed, 0, 'no transaction failed while the broker hung');
$seconds = elapsed(
	sub {
		$node->safe_psql('postgres', 'CREATE DATABASE other2');
		$node->safe_psql('postgres', 'DROP DATABASE other2');
	});
is_below($seconds, 2,
	sprintf('CREATE and DROP DATABASE took %.2f s', $seconds));
$kafka->resume;
acknowledged($node, 'bench');

$node->stop;
done_testing();
