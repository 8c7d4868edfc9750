# Nothing that was committed is missing from Kafka, out of order or wrong,
# whatever happens to workers, the server, Kafka and the network; and with
# delivery = exactly_once nothing is there twice.
#
# TORTURE_SECONDS (150) is how long things happen.  TORTURE_SEED repeats their
# order.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../torture";
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TortureFaults;
use TortureVerdict;
use TortureWorkload;

my $seconds = $ENV{TORTURE_SECONDS} || ($ENV{CDC_QUICK} ? 60 : 150);
my $seed = $ENV{TORTURE_SEED} || time;
note("TORTURE_SEED=$seed, TORTURE_SECONDS=$seconds");

require_kafka();
my ($back, $front) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 2;
$ENV{KAFKA_PROXY} = "$back $front";
my $kafka = new_kafka();
my $node = new_node('primary', <<'EOC');
restart_after_crash = on
deadlock_timeout = 200ms
max_wal_size = 256MB
EOC
my $workload = TortureWorkload->new($node);
my $faults = TortureFaults->new(
	node => $node,
	kafka => $kafka,
	proxy => [ $front, $back ],
	subscriptions => [ 'alo', 'eos' ],
	seed => $seed);

$node->safe_psql('postgres', <<"EOQ");
CREATE SERVER kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers '127.0.0.1:$front');
SELECT cdc_emit.create_subscription('alo', 'kafka', '{torture}',
	'{"topic_partitions": 3}');
SELECT cdc_emit.create_subscription('eos', 'kafka', '{torture}',
	'{"topic_partitions": 3, "delivery": "exactly_once"}');
EOQ
is( $node->safe_psql(
		'postgres',
		"SELECT cdc_emit.wait_ready('alo'), cdc_emit.wait_ready('eos')"),
	't|t',
	'both subscriptions stream');

$workload->start;
ok($faults->run($seconds), 'the subscriptions go on after all that happened');
$workload->stop;
acknowledged($node, 'alo');
acknowledged($node, 'eos');

my $total = 0;
foreach my $name (sort keys %{ $faults->{count} })
{
	note(sprintf '%4d %s', $faults->{count}{$name}, $name);
	$total += $faults->{count}{$name};
}
note(sprintf '%4d in all; everything had arrived after %.1f s at most',
	$total, $faults->{longest});

TortureVerdict::judge($node, $kafka->address, 'alo');
TortureVerdict::judge($node, $kafka->address, 'eos', exactly_once => 1);

$node->stop;
done_testing();
