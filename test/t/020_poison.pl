# An event that cannot be published stops the subscription, which says what it
# is; or goes to a topic for dead letters.  Nothing is left out silently.

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

$node->safe_psql('postgres', <<"EOQ");
CREATE TABLE item (id int PRIMARY KEY, body text);
CREATE TABLE log (body text);
ALTER TABLE item REPLICA IDENTITY FULL;
CREATE PUBLICATION shop FOR TABLE item, log;
CREATE SERVER kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers '$address', message_max_bytes '3000');
CREATE ROLE other IN ROLE cdc_emit_admin;
SELECT cdc_emit.create_subscription('shop', 'kafka', '{shop}',
	'{"message_include": ["big"]}');
EOQ
is($node->safe_psql('postgres', "SELECT cdc_emit.wait_ready('shop')"),
	't', 'streams');

sub told
{
	my ($columns) = @_;
	return $node->safe_psql('postgres',
		"SELECT $columns FROM cdc_emit.pg_stat_cdc_emit");
}

# A transaction in the middle of which there is a message that is too large.
sub poison
{
	my ($id, $size) = @_;
	$node->safe_psql('postgres', <<"EOQ");
BEGIN;
INSERT INTO item VALUES ($id, 'before');
INSERT INTO item VALUES ($id + 1, repeat('x', $size));
INSERT INTO item VALUES ($id + 2, 'after');
COMMIT;
EOQ
	return;
}

# ----------------------------------------------------------------
# on_error = stop
# ----------------------------------------------------------------
$node->safe_psql('postgres', "INSERT INTO item VALUES (1, 'one')");
acknowledged($node, 'shop');
poison(10, 5000);
wait_for_state($node, 'shop', 'failed');
is( told("last_error_sqlstate, last_error_table, last_error_key, error_count,
	pid IS NULL, wal_status"),
	'54000|public.item|{"id":11}|1|t|reserved',
	'the view tells what it is; there was one attempt; the slot is there');
like(told('last_error'), qr/message .* topic "shop\.public\.item" is too large/,
	'the message names the topic');
like(told('last_error_detail'), qr/value [5-6]\d\d\d/, 'the detail the size');
like(told('last_error_hint'), qr/message_max_bytes/, 'and the hint the limit');
my ($status, $stdout, $stderr) =
  $node->psql('postgres', "SELECT cdc_emit.wait_for('shop')");
like($stderr, qr/has failed: message/, 'wait_for() says so');

$node->restart;
wait_for_state($node, 'shop', 'failed');
is(told('last_error_key'), '{"id":11}', 'it fails again after a restart');

# mended
$node->safe_psql('postgres',
	"ALTER SERVER kafka OPTIONS (SET message_max_bytes '10000')");
acknowledged($node, 'shop');
wait_for_state($node, 'shop', 'streaming');
load_topics($node, $address, 'shop.public.item');
is_stored_once($node, 4, repeats => 1);
is_rebuilt($node, 'shop.public.item', 'item');

# ----------------------------------------------------------------
# skip_transaction
# ----------------------------------------------------------------
sub skip_fails
{
	my ($lsn, $expected, $name, $role) = @_;
	my $set = $role ? "SET ROLE $role;" : '';
	($status, $stdout, $stderr) =
	  $node->psql('postgres', "$set SELECT cdc_emit.skip_transaction('shop', '$lsn')");
	like($stderr, $expected, $name);
	return;
}

skip_fails('0/1', qr/has not failed within a transaction|has not failed at/,
	'nothing can be skipped while all is well');
poison(20, 20000);
$node->safe_psql('postgres', "INSERT INTO item VALUES (30, 'later')");
wait_for_state($node, 'shop', 'failed');
my $lsn = told('last_error_lsn');
my $next = $node->safe_psql('postgres', "SELECT '$lsn'::pg_lsn + 8");
skip_fails($next, qr/has not failed at/, 'not another transaction');
skip_fails($lsn, qr/must be owner/, 'not by another role', 'other');
$node->safe_psql('postgres',
	"BEGIN; SELECT cdc_emit.skip_transaction('shop', '$lsn'); ROLLBACK");
is(told('state'), 'failed', 'not if the transaction is rolled back');
$node->safe_psql('postgres', "SELECT cdc_emit.skip_transaction('shop', '$lsn')");
is($node->safe_psql('postgres', "SELECT cdc_emit.wait_ready('shop')"),
	't', 'the subscription starts again');
acknowledged($node, 'shop');
is(told('state, skipped'), 'streaming|1', 'it goes on after that transaction');
skip_fails($lsn, qr/has been published/, 'nothing is skipped later on');
load_topics($node, $address, 'shop.public.item');
is( $node->safe_psql(
		'postgres',
		"SELECT string_agg(DISTINCT key, ' ' ORDER BY key) FROM event
		 WHERE (key::jsonb->>'id')::int > 20"),
	'{"id":30}',
	'nothing after the error is there; what was before it may be');
is( $node->safe_psql(
		'postgres',
		"SELECT subscription, commit_lsn = '$lsn', skipped_by = current_user::regrole,
			skipped_at > now() - '1 hour'::interval, error_sqlstate,
			error_table, error_key
		 FROM cdc_emit.skipped_transaction"),
	'shop|t|t|t|54000|public.item|{"id":21}',
	'it is on record');
$node->restart;
$node->safe_psql('postgres', "DELETE FROM item WHERE id BETWEEN 20 AND 22");

# ----------------------------------------------------------------
# a logical message outside of transactions
# ----------------------------------------------------------------
wait_for_state($node, 'shop', 'failed');
is(told('last_error_key'), '{"id":21}',
	'a delete whose old row is too large fails as well');
$node->safe_psql('postgres',
	"ALTER SERVER kafka OPTIONS (SET message_max_bytes '100000')");
acknowledged($node, 'shop');
$node->safe_psql('postgres',
	"SELECT pg_logical_emit_message(false, 'big', repeat('x', 200000))");
wait_for_state($node, 'shop', 'failed');
$node->safe_psql('postgres', "SELECT cdc_emit.skip_transaction('shop', last_error_lsn)
	FROM cdc_emit.pg_stat_cdc_emit");
acknowledged($node, 'shop');
is(told('state, skipped'), 'streaming|1', 'it can be skipped');
$node->restart;
acknowledged($node, 'shop');
is(told('state, skipped'), 'streaming|0', 'and does not come again');

# ----------------------------------------------------------------
# on_error = dead_letter
# ----------------------------------------------------------------
$node->safe_psql('postgres',
	"ALTER SERVER kafka OPTIONS (SET message_max_bytes '10000')");
$node->safe_psql('postgres',
	"SELECT cdc_emit.alter_subscription('shop', '{\"on_error\": \"dead_letter\"}')");
is($node->safe_psql('postgres', "SELECT cdc_emit.wait_ready('shop')"),
	't', 'altered');
$node->safe_psql('postgres', "INSERT INTO item VALUES (21, repeat('x', 20000));
	DELETE FROM item WHERE id = 21");
poison(40, 20000);
$node->safe_psql('postgres',
	"INSERT INTO log VALUES (repeat('\xc3\xa4', 10000)); INSERT INTO log VALUES ('ok')");
acknowledged($node, 'shop');
is(told('state, dead_letters, skipped'),
	'streaming|4|0', 'four dead letters and it goes on');

my @letters = split /\n/,
  `kcat -C -q -e -o beginning -b $address -t shop.dead_letter -f '%K %k %S %h\\n'`;
is(scalar @letters, 4, 'they are in the topic');
my ($length) = $letters[2] =~ /^9 \{"id":41\} (\d+) /;
ok($length > 9000 && $length < 10000, "the value is what fits: $length bytes");
like($letters[2], qr/__cdc_emit\.$_/, "a header says $_")
  foreach ('sqlstate=54000', 'error=message for Kafka topic', 'topic=shop\.public\.item',
	'schema=public', 'table=item', 'op=c', 'xid=\d+', 'lsn=\d+',
	'commit_lsn=\d+', 'commit_index=1', 'value_length=2\d\d\d\d');
like($letters[1], qr/^9 \{"id":21\} .*op=d/, 'the delete is there');
like($letters[3], qr/^-1  \d+ .*table=log/, 'and an event without key');
my $cut = `kcat -C -q -o -1 -c 1 -b $address -t shop.dead_letter -f '%s'`;
ok(utf8::decode($cut), 'a value is cut off between characters');

load_topics($node, $address, 'shop.public.item', 'shop.public.log');
is( $node->safe_psql(
		'postgres',
		"SELECT string_agg(DISTINCT key, ' ' ORDER BY key) FROM event
		 WHERE (key::jsonb->>'id')::int >= 40"),
	'{"id":40} {"id":42}',
	'all other events are where they belong');
is_ordered($node);

# What Kafka refuses later is not known to be this event's fault: it stops.
$node->safe_psql('postgres', <<'EOQ');
CREATE TABLE tiny (id int PRIMARY KEY, body text);
CREATE PUBLICATION tiny FOR TABLE tiny;
SELECT cdc_emit.create_subscription('tiny', 'kafka', '{tiny}',
	'{"on_error": "dead_letter", "topic_config": {"max.message.bytes": 1000}}');
SELECT cdc_emit.wait_ready('tiny');
EOQ
$node->safe_psql('postgres', "INSERT INTO tiny SELECT 1, string_agg(md5(i::text), '') FROM generate_series(1, 100) i");
wait_for_state($node, 'tiny', 'backoff');
is( $node->safe_psql(
		'postgres',
		"SELECT dead_letters FROM cdc_emit.pg_stat_cdc_emit
		 WHERE subscription = 'tiny' AND last_error ~ 'could not deliver'"),
	'0',
	'a failed delivery is an error, not a dead letter');

$node->stop;
done_testing();
