# The first batch to a partition is refused while a second one is on its way,
# which is stored: brokers let the gap pass, as they know nothing of the
# producer yet, and the Kafka client reports the first one as delivered.
# Nothing may be lost.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use BadBroker;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

require_kafka();

my ($back, $front) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 2;
$ENV{KAFKA_PROXY} = "$back $front";
my $kafka = new_kafka();
my $mark = PostgreSQL::Test::Utils::tempdir() . '/refused';
BadBroker::refusing($front, "127.0.0.1:$back", qr/\.item$/, $mark);
my $node = new_node('primary');

$node->safe_psql('postgres', <<"EOQ");
CREATE TABLE item (id int PRIMARY KEY);
CREATE PUBLICATION shop FOR TABLE item;
CREATE SERVER kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers '127.0.0.1:$front');
EOQ

foreach my $delivery ('at_least_once', 'exactly_once')
{
	unlink $mark;
	$node->safe_psql('postgres', <<"EOQ");
TRUNCATE item;
SELECT cdc_emit.create_subscription('$delivery', 'kafka', '{shop}',
	'{"delivery": "$delivery", "commit_interval": 5000}');
EOQ
	is($node->safe_psql('postgres', "SELECT cdc_emit.wait_ready('$delivery')"),
		't', "$delivery: streams");

	$node->safe_psql('postgres', 'INSERT INTO item VALUES (1)');
	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if -e $mark;
		usleep(100_000);
	}
	ok(-e $mark, 'the first message is on its way');
	$node->safe_psql('postgres', 'INSERT INTO item VALUES (2)');
	acknowledged($node, $delivery);
	is( $node->safe_psql(
			'postgres',
			"SELECT last_error FROM cdc_emit.pg_stat_cdc_emit
			 WHERE subscription = '$delivery'"),
		"could not deliver a message to Kafka topic \"$delivery.public.item\": later messages were stored, of this one it is not known",
		'that it is not known to be there is an error');

	load_topics($node, $kafka->address, "$delivery.public.item");
	is_stored_once($node, 2, repeats => $delivery eq 'at_least_once');
	is_rebuilt($node, "$delivery.public.item", 'item');
	$node->safe_psql('postgres',
		"SELECT cdc_emit.drop_subscription('$delivery')");
}

$node->stop;
done_testing();
