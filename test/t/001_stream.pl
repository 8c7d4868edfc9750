# Every committed change reaches a real Kafka once, in order, and the tables
# can be rebuilt from the topics.

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

pgbench_tables($node);
create_subscription($node, $kafka, 'bench',
	options => '{"topic_partitions": 4}');

$node->command_ok([ 'pgbench', '-i', '-q', '-I', 'g', '-s', '2', 'postgres' ],
	'initial rows');
my @load = $ENV{CDC_CHECKER} ? ('-t', '500') : ('-T', '30');
my ($done, $failed) = finish_pgbench(start_pgbench($node, @load));
cmp_ok($done, '>', 0, "pgbench ran $done transactions");
is($failed, 0, 'none failed');

# a row that comes and goes, in one transaction and over several
$node->safe_psql('postgres', <<'EOQ');
BEGIN;
INSERT INTO pgbench_branches (bid, bbalance) VALUES (100, 1), (101, 1);
UPDATE pgbench_branches SET bbalance = 2 WHERE bid = 100;
DELETE FROM pgbench_branches WHERE bid = 100;
COMMIT;
DELETE FROM pgbench_branches WHERE bid = 101;
INSERT INTO pgbench_branches (bid, bbalance) VALUES (101, 3);
UPDATE pgbench_branches SET bid = 102 WHERE bid = 101;
EOQ

acknowledged($node, 'bench');

my @tables = qw(accounts branches tellers history);
load_topics($node, $kafka->address,
	map { "bench.public.pgbench_$_" } @tables);

# 2 x (100,000 + 1 + 10) rows, 4 events per transaction of pgbench, and the 7
# changes above, one of them of a key: a delete and an insert
is_stored_once($node, 200_022 + 4 * $done + 8);
is_ordered($node);
is_rebuilt($node, "bench.public.pgbench_$_", "pgbench_$_")
  foreach qw(accounts branches tellers);
is_rebuilt(
	$node, 'bench.public.pgbench_history', 'pgbench_history',
	keyless => 1,
	row => "to_jsonb(t) || jsonb_build_object('mtime',
		(extract(epoch FROM mtime) * 1000000)::bigint)");
is(count_of($node, 'event WHERE tombstone'),
	3, 'tombstones follow deletes and the change of a key');

is( $node->safe_psql(
		'postgres',
		"SELECT state, error_count, restart_count, queue_messages, queue_bytes
		 FROM cdc_emit.pg_stat_cdc_emit"),
	'streaming|0|0|0|0',
	'nothing failed and nothing is left');

$node->stop;
done_testing();
