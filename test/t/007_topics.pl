# Topics: created as the subscription asks for, or an error that names the
# missing one.

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

$node->safe_psql('postgres', <<'EOQ');
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE TABLE other (id int PRIMARY KEY);
CREATE PUBLICATION made FOR TABLE item;
CREATE PUBLICATION found FOR TABLE other;
EOQ

# created
create_subscription($node, $kafka, 'made',
	options => '{"topic": "{prefix}-{database}-{table}",
		"topic_partitions": 3, "topic_replication_factor": 1,
		"topic_config": {"cleanup.policy": "compact", "retention.ms": 12345}}'
);
$node->safe_psql('postgres', "INSERT INTO item VALUES (1, 'one')");
acknowledged($node, 'made');
my $metadata = `kcat -L -J -b $address -t made-postgres-item`;
is(() = $metadata =~ /"partition":/g, 3, 'the topic has 3 partitions');
my $settings = $kafka->topic('made-postgres-item');
like($settings, qr/cleanup\.policy=compact\b/, 'it is compacted');
like($settings, qr/retention\.ms=12345\b/, 'and has its retention');

# not allowed to create
create_subscription($node, $kafka, 'found',
	options => '{"create_topics": false}');
$node->safe_psql('postgres', 'INSERT INTO other VALUES (1)');
wait_for_state($node, 'found', 'backoff');
like(
	$node->safe_psql(
		'postgres',
		"SELECT last_error FROM cdc_emit.pg_stat_cdc_emit
		 WHERE subscription = 'found'"),
	qr/topic "found\.public\.other" does not exist/,
	'the error names the missing topic');
is( $node->safe_psql(
		'postgres',
		"SELECT error_count > 0, last_error_time IS NOT NULL,
			last_error_lsn IS NOT NULL, next_retry_time IS NOT NULL
		 FROM cdc_emit.pg_stat_cdc_emit WHERE subscription = 'found'"),
	't|t|t|t',
	'the view tells of the error and of the next try');
$node->safe_psql('postgres', "INSERT INTO item VALUES (2, 'two')");
acknowledged($node, 'made');

# allowed after all
$node->safe_psql('postgres',
	"SELECT cdc_emit.alter_subscription('found',
		options => '{\"create_topics\": null}')");
acknowledged($node, 'found');
load_topics($node, $address, 'found.public.other', 'made-postgres-item');
is_stored_once($node, 3);
is_rebuilt($node, 'found.public.other', 'other');
is_rebuilt($node, 'made-postgres-item', 'item');

# what Kafka refuses is told as Kafka says it
$node->safe_psql('postgres', <<'EOQ');
CREATE TABLE third (id int PRIMARY KEY);
CREATE PUBLICATION refused FOR TABLE third;
EOQ
create_subscription($node, $kafka, 'refused',
	options => '{"topic_replication_factor": 3}');
$node->safe_psql('postgres', 'INSERT INTO third VALUES (1)');
wait_for_state($node, 'refused', 'backoff');
like(
	$node->safe_psql(
		'postgres',
		"SELECT last_error FROM cdc_emit.pg_stat_cdc_emit
		 WHERE subscription = 'refused'"),
	qr/topic "refused\.public\.third"/,
	'the error names the topic that could not be created');

$node->stop;
done_testing();
