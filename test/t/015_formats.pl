# What only Kafka shows of formats and routing: headers, timestamps, the
# partition, topics; and that messages outside of transactions are confirmed.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

require_kafka();
my $kafka = new_kafka();
my $address = $kafka->address;
my $node = new_node('primary');

# All messages of a topic, as kcat tells them, in order of partition and offset;
# headers as list of lists.
sub messages_of
{
	my ($topic) = @_;
	my @lines = `kcat -C -J -q -e -o beginning -b $address -t $topic`;
	my @messages = map { decode_json($_) } @lines;
	foreach my $message (@messages)
	{
		my @flat = @{ $message->{headers} // [] };
		my @headers;
		push @headers, [ splice(@flat, 0, 2) ] while @flat;
		$message->{headers} = \@headers;
	}
	return @messages;
}

sub header
{
	my ($message, $name) = @_;
	my ($header) = grep { $_->[0] eq $name } @{ $message->{headers} };
	return $header ? $header->[1] : undef;
}

$node->safe_psql('postgres', <<'EOQ');
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE TABLE orders (id int, customer int, v text, PRIMARY KEY (id, customer));
CREATE TABLE note (body text);
CREATE PUBLICATION items FOR TABLE item;
CREATE PUBLICATION orders FOR TABLE orders, note;
EOQ

# ----------------------------------------------------------------
# CloudEvents
# ----------------------------------------------------------------
create_subscription($node, $kafka, 'ce_structured',
	publications => '{items}', options => '{"format": "cloudevents"}');
create_subscription($node, $kafka, 'ce_binary',
	publications => '{items}',
	options => '{"format": "cloudevents", "cloudevents_mode": "binary"}');
$node->safe_psql('postgres', <<'EOQ');
INSERT INTO item VALUES (1, 'one');
DELETE FROM item;
EOQ
acknowledged($node, 'ce_structured');
acknowledged($node, 'ce_binary');

my @structured = messages_of('ce_structured.public.item');
my @binary = messages_of('ce_binary.public.item');
is(scalar(@structured), 3, 'insert, delete and tombstone, structured');
is(scalar(@binary), 3, 'insert, delete and tombstone, binary');
my $event = decode_json($structured[0]{payload});
is_deeply(
	$structured[0]{headers},
	[ [ 'content-type', 'application/cloudevents+json; charset=UTF-8' ] ],
	'a structured event has one header');
is(header($binary[0], 'content-type'),
	'application/json', 'a binary event says what its data is');
is(header($binary[0], 'ce_id'),
	$event->{id}, 'both modes identify the event in the same way');
is_deeply(
	decode_json($binary[0]{payload}),
	{ before => undef, after => { id => 1, name => 'one' } },
	'the value of a binary event is its data');
is_deeply($structured[2]{headers}, [],
	'a tombstone of a structured event has no headers');
is_deeply($binary[2]{headers}, [],
	'a tombstone of a binary event has no headers');

# ----------------------------------------------------------------
# Headers and timestamps
# ----------------------------------------------------------------
create_subscription($node, $kafka, 'row',
	publications => '{items}',
	options => '{"format": "row", "add_headers": ["op", "origin"],
		"headers": {"name": "{column:name}", "app": "shop é"}}');
create_subscription($node, $kafka, 'late',
	publications => '{items}', options => '{"timestamp": "now"}');
$node->safe_psql('postgres', <<'EOQ');
SELECT cdc_emit.disable_subscription('row');
SELECT cdc_emit.disable_subscription('late');
EOQ
$node->poll_query_until(
	'postgres',
	"SELECT count(*) = 0 FROM pg_stat_activity
	 WHERE backend_type = 'cdc_emit worker'
	   AND pid IN (SELECT pid FROM cdc_emit.pg_stat_cdc_emit
		WHERE subscription IN ('row', 'late'))");
$node->safe_psql('postgres', "INSERT INTO item VALUES (1, NULL)");
my $between = $node->safe_psql('postgres',
	"SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8 + 1");
$node->safe_psql('postgres', "SELECT pg_sleep(0.01)");
$node->safe_psql('postgres', <<'EOQ');
SELECT cdc_emit.enable_subscription('row');
SELECT cdc_emit.enable_subscription('late');
EOQ
acknowledged($node, 'row');
acknowledged($node, 'late');
my ($row) = messages_of('row.public.item');
is_deeply(
	$row->{headers},
	[
		[ '__op', 'c' ], [ '__origin', undef ], [ 'app', "shop \x{e9}" ],
		[ 'name', undef ]
	],
	'headers in Kafka: those of the format first, null for null');
is($row->{payload}, '{"id":1,"name":null}', 'and the row');
cmp_ok($row->{ts}, '<', $between, 'timestamp of the commit');
my ($late) = messages_of('late.public.item');
cmp_ok($late->{ts}, '>=', $between, 'timestamp of now');
cmp_ok(decode_json($late->{payload})->{source}{ts_ms},
	'<', $between, 'while the event has that of the commit');

# ----------------------------------------------------------------
# Partitions
# ----------------------------------------------------------------
create_subscription($node, $kafka, 'orders',
	options => '{"topic_partitions": 7, "tables": {
		"public.orders": {"partition_by": ["customer"]}}}');
$node->safe_psql('postgres', <<'EOQ');
INSERT INTO orders SELECT g, g % 40, 'x' FROM generate_series(1, 400) g;
UPDATE orders SET v = 'y' WHERE id <= 100;
UPDATE orders SET customer = customer + 1000 WHERE id <= 40;
DELETE FROM orders WHERE id > 200;
TRUNCATE orders;
INSERT INTO note SELECT 'note ' || g FROM generate_series(1, 50) g;
EOQ
acknowledged($node, 'orders');

# Where Java's producer puts keys: librdkafka's murmur2_random is made for that.
my %java;
my @keys = map { "{\"customer\":$_}" } (0 .. 39, 1000 .. 1039);
$node->safe_psql('postgres', <<'EOQ');
CREATE TABLE probe (id int PRIMARY KEY);
CREATE PUBLICATION probe FOR TABLE probe;
EOQ
create_subscription($node, $kafka, 'probe',
	options => '{"topic_partitions": 7}');
$node->safe_psql('postgres', 'INSERT INTO probe VALUES (1)');
acknowledged($node, 'probe');
IPC::Run::run(
	[
		'kcat', '-P', '-b', $address, '-t', 'probe.public.probe', '-K', '|',
		'-X', 'topic.partitioner=murmur2_random'
	],
	'<',
	\join('', map { "$_|x\n" } @keys)) or die 'kcat has failed';
foreach my $message (messages_of('probe.public.probe'))
{
	$java{ $message->{key} } = $message->{partition};
}

my @orders = grep { defined $_->{key} } messages_of('orders.public.orders');
my @misplaced = grep {
	my $customer = decode_json($_->{key})->{customer};
	$_->{partition} != $java{"{\"customer\":$customer}"}
} @orders;
cmp_ok(scalar(@orders), '>', 700, 'events of orders');
is(scalar(@misplaced), 0,
	'partition_by puts events where Java puts that key');
my %partitions = map { $_->{partition} => 1 } @orders;
is(scalar(keys %partitions), 7, 'on all partitions');
my %notes = map { $_->{partition} => 1 } messages_of('orders.public.note');
is(scalar(keys %notes), 1, 'a table without a key is on one partition');

# ----------------------------------------------------------------
# Logical messages, transactions
# ----------------------------------------------------------------
create_subscription($node, $kafka, 'messages',
	publications => '{items}',
	options => '{"transaction_metadata": true,
		"message_include": ["*"], "message_exclude": ["no*"]}');
my $confirmed = "SELECT confirmed_lsn FROM cdc_emit.pg_stat_cdc_emit
	WHERE subscription = 'messages'";

# Nothing but a message, and something that flushes it
my $lsn = $node->safe_psql(
	'postgres', <<'EOQ');
CREATE UNLOGGED TABLE flushed (id int);
SELECT pg_logical_emit_message(false, 'yes', 'outside');
CREATE TABLE flush (id int);
EOQ
is( $node->safe_psql(
		'postgres', "SELECT cdc_emit.wait_for('messages', '$lsn')"),
	't',
	'a message outside of transactions is acknowledged');
my @messages = messages_of('messages.message');
is(scalar(@messages), 1, 'it is there once');
is($messages[0]{key}, '{"prefix":"yes"}', 'with its prefix as key');
ok(!defined decode_json($messages[0]{payload})->{transaction},
	'it has no transaction');

$node->safe_psql('postgres', <<'EOQ');
BEGIN;
SELECT pg_logical_emit_message(true, 'no', 'excluded');
SELECT pg_logical_emit_message(true, 'yes', 'inside');
INSERT INTO item VALUES (2, 'two');
COMMIT;
EOQ
acknowledged($node, 'messages');
is(scalar(messages_of('messages.message')), 2, 'one is excluded');
my @boundaries = messages_of('messages.transaction');
is(scalar(@boundaries), 2, 'a transaction begins and ends');
is($boundaries[0]{key}, $boundaries[1]{key}, 'with the same key');
is_deeply(
	decode_json($boundaries[1]{payload})->{data_collections},
	[
		{ data_collection => 'message', event_count => 1 },
		{ data_collection => 'public.item', event_count => 1 }
	],
	'and tells what it had');

# A worker that begins again does not send the message again
is( $node->safe_psql('postgres', "SELECT pg_terminate_backend(pid)
	FROM cdc_emit.pg_stat_cdc_emit WHERE subscription = 'messages'"),
	't', 'the worker is ended');
$node->safe_psql('postgres', "INSERT INTO item VALUES (3, 'three')");
acknowledged($node, 'messages');
is(scalar(messages_of('messages.message')),
	2, 'messages are not sent again after an orderly end');

# The first that a worker sees may need a conversion, which is in the catalog
$node->safe_psql('postgres',
	"CREATE DATABASE latin ENCODING 'WIN1252' TEMPLATE template0
	 LC_COLLATE 'C' LC_CTYPE 'C'");
$node->safe_psql('latin', <<'EOQ');
CREATE EXTENSION cdc_emit;
CREATE TABLE item (id int PRIMARY KEY);
CREATE PUBLICATION latin FOR TABLE item;
EOQ
create_subscription($node, $kafka, 'latin', database => 'latin',
	options => '{"message_include": ["*"]}');
$lsn = $node->safe_psql('latin', <<'EOQ');
SELECT pg_logical_emit_message(false, chr(233), 'x');
INSERT INTO item VALUES (1);
EOQ
is( $node->safe_psql('latin', "SELECT cdc_emit.wait_for('latin', '$lsn')"),
	't',
	'a message in another encoding');
my ($latin) = messages_of('latin.message');
is($latin->{key}, "{\"prefix\":\"\x{e9}\"}", 'is UTF-8 in Kafka');
$node->safe_psql('latin', "SELECT cdc_emit.drop_subscription('latin')");

# A message that is too large fails at once; excluding its prefix mends it
$node->safe_psql('postgres',
	"SELECT cdc_emit.drop_subscription(subscription)
	 FROM cdc_emit.pg_stat_cdc_emit WHERE subscription <> 'messages'");
$node->safe_psql('postgres',
	"SELECT pg_logical_emit_message(true, 'huge', repeat('x', 1000000))");
wait_for_state($node, 'messages', 'failed');
like(
	$node->safe_psql(
		'postgres',
		"SELECT last_error FROM cdc_emit.pg_stat_cdc_emit
		 WHERE subscription = 'messages'"),
	qr/message for Kafka topic "messages\.message" is too large/,
	'the error says what is too large');
$node->safe_psql('postgres',
	q(SELECT cdc_emit.alter_subscription('messages',
		options => '{"message_exclude": ["huge"]}')));
$node->safe_psql('postgres', "INSERT INTO item VALUES (4, 'four')");
acknowledged($node, 'messages');

# or it becomes a dead letter
$node->safe_psql('postgres',
	q(SELECT cdc_emit.alter_subscription('messages',
		options => '{"message_exclude": null, "on_error": "dead_letter"}')));
$node->safe_psql('postgres', <<'EOQ');
SELECT pg_logical_emit_message(true, 'huge', repeat('x', 1000000));
SELECT pg_logical_emit_message(false, 'huge', repeat('x', 1000000));
INSERT INTO item VALUES (5, 'five');
EOQ
acknowledged($node, 'messages');
my @letters = messages_of('messages.dead_letter');
is(scalar(@letters), 2, 'messages that are too large are dead letters');
is(header($letters[0], '__cdc_emit.op'), 'm', 'with the operation');
is($letters[1]{key}, '{"prefix":"huge"}', 'and the key');

wait_for_state($node, 'messages', 'streaming');
$node->stop;
done_testing();
