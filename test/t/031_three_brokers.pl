# Three brokers, each event on at least two of them before it counts: while one
# broker after the other is killed under load nothing stops for long, is lost,
# comes out of order, or comes twice with delivery = exactly_once.
#
# ROUNDS (1): how often each broker is killed

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../torture";
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use TortureVerdict;
use TortureWorkload;

my $rounds = $ENV{ROUNDS} || 1;

require_kafka();
$ENV{KAFKA_HEAP} //= '256m';
my @brokers = new_kafka_cluster(3);
my $addresses = join ',', map { $_->address } @brokers;
my $node = new_node('primary', 'deadlock_timeout = 200ms');
my $workload = TortureWorkload->new($node);
my $topic = '"topic_partitions": 3, "topic_replication_factor": 3,
	"topic_config": {"min.insync.replicas": "2"}';

$node->safe_psql('postgres', <<"EOQ");
CREATE SERVER kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers '$addresses');
SELECT cdc_emit.create_subscription('alo', 'kafka', '{torture}', '{$topic}');
SELECT cdc_emit.create_subscription('eos', 'kafka', '{torture}',
	'{$topic, "delivery": "exactly_once"}');
EOQ
is( $node->safe_psql(
		'postgres',
		"SELECT cdc_emit.wait_ready('alo'), cdc_emit.wait_ready('eos')"),
	't|t',
	'both subscriptions stream');

# All that is committed now arrives.
sub goes_on
{
	my ($name) = @_;
	my $seconds = elapsed(
		sub {
			is( $node->safe_psql(
					'postgres', "SELECT cdc_emit.wait_for('alo', timeout => '2 min'),
						cdc_emit.wait_for('eos', timeout => '2 min')"),
				't|t', "events arrive $name");
		});
	note(sprintf 'after %.1f s', $seconds);
	return;
}

# All partitions have all replicas.
sub wait_for_replicas
{
	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my ($topics) = run_command([ 'kcat', '-L', '-b', $addresses ]);
		my @partitions = $topics =~ /^\s+partition .* isrs: (\S*)/mg;
		return if @partitions && !grep { tr/,// < 2 } @partitions;
		usleep(100_000);
	}
	die 'replicas do not come back';
}

$workload->start;
goes_on('from three brokers');
wait_for_replicas();
foreach my $round (1 .. $rounds)
{
	foreach my $number (1 .. 3)
	{
		my $broker = $brokers[ $number - 1 ];
		$broker->stop('kill');
		usleep(2_000_000);
		goes_on("without broker $number");
		$broker->start;
		wait_for_replicas();
		goes_on("with broker $number again");
	}
}
$workload->stop;
acknowledged($node, 'alo');
acknowledged($node, 'eos');
is( $node->safe_psql(
		'postgres',
		"SELECT bool_and(state = 'streaming') FROM cdc_emit.pg_stat_cdc_emit"),
	't',
	'both subscriptions still stream');

TortureVerdict::judge($node, $addresses, 'alo');
TortureVerdict::judge($node, $addresses, 'eos', exactly_once => 1);

$node->stop;
done_testing();
