# delivery = exactly_once and more than one server: a standby that is promoted
# resumes where Kafka is; one that lacks what Kafka has, an old primary and a
# copy stop with a state and do no harm to the server that publishes.

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
my $primary = new_node('primary', "autovacuum = off\nwal_keep_size = 1GB");
my $next_id = 1;

$primary->safe_psql('postgres', <<'EOQ');
CREATE TABLE item (id bigint PRIMARY KEY, note text);
CREATE PUBLICATION shop FOR TABLE item;
EOQ
create_subscription($primary, $kafka, 'shop',
	options => '{"delivery": "exactly_once"}');

sub insert
{
	my ($node, $rows) = @_;
	my $last = $next_id + $rows - 1;
	$node->safe_psql('postgres',
		"INSERT INTO item SELECT i, 'row' FROM generate_series($next_id, $last) i"
	);
	$next_id += $rows;
	return;
}

# Each row is in the topic once.
sub is_exact
{
	my ($node, $name) = @_;
	acknowledged($node, 'shop');
	load_topics($node, $kafka->address, 'shop.public.item');
	is( $node->safe_psql(
			'postgres', "SELECT count(*), count(DISTINCT after->>'id') FROM event"
		),
		($next_id - 1) . '|' . ($next_id - 1),
		"each row is in Kafka once: $name");
	return;
}

sub last_error
{
	my ($node) = @_;
	return $node->safe_psql('postgres',
		'SELECT last_error_sqlstate, last_error FROM cdc_emit.pg_stat_cdc_emit');
}

# A copy of the data directory, with the slot, taken while the server is down
sub copy_of
{
	my ($node, $name, %args) = @_;
	$node->stop('fast');
	$node->backup_fs_cold($name);
	$node->start;
	is($node->safe_psql('postgres', "SELECT cdc_emit.wait_ready('shop')"),
		't', 'the primary streams');
	my $copy = PostgreSQL::Test::Cluster->new($name);
	$copy->init_from_backup($node, $name, %args);
	return $copy;
}

# ----------------------------------------------------------------
# Promotion without loss
# ----------------------------------------------------------------
insert($primary, 100);
my $standby = copy_of($primary, 'standby', has_streaming => 1);
$standby->start;
insert($primary, 100);
acknowledged($primary, 'shop');
$primary->wait_for_catchup($standby);
$primary->stop('immediate');

$standby->promote;
is($standby->safe_psql('postgres', "SELECT cdc_emit.wait_ready('shop')"),
	't', 'the promoted standby streams');
insert($standby, 100);
is_exact($standby, 'after promotion');

# The old primary comes back.
$primary->start;
wait_for_state($primary, 'shop', 'failed');
like(last_error($primary),
	qr/^55000\|Kafka is ahead of this server: it has events up to .* of timeline 2$/,
	'the old primary refuses to publish');
insert($standby, 100);
acknowledged($standby, 'shop');
is( $standby->safe_psql(
		'postgres',
		'SELECT state, error_count FROM cdc_emit.pg_stat_cdc_emit'),
	'streaming|0',
	'the new primary was not disturbed');
is_exact($standby, 'with the old primary running');
$primary->stop;

# ----------------------------------------------------------------
# Promotion with loss
# ----------------------------------------------------------------
$primary = $standby;
$standby = copy_of($primary, 'standby2', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);
$standby->append_conf('postgresql.conf', "primary_conninfo = ''");
$standby->reload;
$primary->poll_query_until('postgres',
	'SELECT count(*) = 0 FROM pg_stat_replication')
  or die 'the standby is still connected';
my $kept = $next_id - 1;
insert($primary, 100);
is_exact($primary, 'before promotion with loss');
my $ahead = $primary->safe_psql('postgres',
	'SELECT acked_lsn FROM cdc_emit.pg_stat_cdc_emit');
$primary->stop('immediate');

$standby->promote;
wait_for_state($standby, 'shop', 'failed');
my $error = last_error($standby);
like($error,
	qr/^55000\|Kafka is ahead of this server: it has events up to .* of timeline 2$/,
	'a server that lacks what Kafka has refuses to publish');
my ($position) = $error =~ m{up to (\S+) of};
is( $standby->safe_psql(
		'postgres', "SELECT '$position'::pg_lsn <= '$ahead'::pg_lsn"),
	't',
	'the error tells the position in Kafka');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM item'),
	$kept, 'rows were lost');
insert($standby, 100);
$standby->restart;
wait_for_state($standby, 'shop', 'failed');
load_topics($standby, $kafka->address, 'shop.public.item');
is(count_of($standby, 'event'), $kept + 100, 'nothing was published');

# The administrator decides to go on.
$standby->safe_psql('postgres', <<'EOQ');
SELECT cdc_emit.alter_subscription('shop',
	options => '{"position_topic": "cdc_emit.positions2"}');
EOQ
is($standby->safe_psql('postgres', "SELECT cdc_emit.wait_ready('shop')"),
	't', 'with another position_topic it streams');
acknowledged($standby, 'shop');
load_topics($standby, $kafka->address, 'shop.public.item');
is( $standby->safe_psql(
		'postgres',
		"SELECT count(*) FROM item WHERE NOT EXISTS
			(SELECT FROM event WHERE (after->>'id')::bigint = id)"),
	'0',
	'all rows there are, are in Kafka');

# ----------------------------------------------------------------
# A copy on the same timeline
# ----------------------------------------------------------------
$primary = $standby;
my $copy = copy_of($primary, 'copy');
insert($primary, 100);
acknowledged($primary, 'shop');
my $id = $primary->safe_psql('postgres',
	"SELECT 'cdc_emit-' || system_identifier || '-' || slot_name
	 FROM pg_control_system(), cdc_emit.pg_stat_cdc_emit");

$copy->start;
wait_for_state($copy, 'shop', 'failed');
like(last_error($copy), qr/^55000\|Kafka is ahead of this server/,
	'an older copy refuses to publish');
is( $primary->safe_psql(
		'postgres',
		'SELECT state, error_count FROM cdc_emit.pg_stat_cdc_emit'),
	'streaming|0',
	'the primary was not disturbed');

# More WAL of its own does not help it.
$copy->safe_psql('postgres', <<'EOQ');
SELECT pg_switch_wal(), txid_current();
SELECT pg_switch_wal(), txid_current();
SELECT cdc_emit.enable_subscription('shop');
EOQ
$copy->poll_query_until('postgres',
	"SELECT state = 'failed' AND last_error ~ 'of another server'
	 FROM cdc_emit.pg_stat_cdc_emit")
  or die 'the copy publishes';
pass('a copy that has gone another way refuses to publish');
$copy->stop;

# One that has what Kafka has is as good as the primary.
$copy = copy_of($primary, 'copy2');
$copy->start;
is($copy->safe_psql('postgres', "SELECT cdc_emit.wait_ready('shop')"),
	't', 'the copy has taken over');
insert($primary, 1);
wait_for_state($primary, 'shop', 'failed');
is( last_error($primary),
	"55006|another server has taken over transactional id \"$id\"",
	'the primary that was fenced stops');
my $restarts = $primary->safe_psql('postgres',
	'SELECT restart_count FROM cdc_emit.pg_stat_cdc_emit');
like(slurp_file($primary->logfile),
	qr/Kafka has fenced the producer with transactional id "$id"/,
	'its log tells that it was fenced');
$copy->safe_psql('postgres', "INSERT INTO item VALUES (0, 'of the copy')");
acknowledged($copy, 'shop');
is( $primary->safe_psql(
		'postgres',
		'SELECT state, restart_count FROM cdc_emit.pg_stat_cdc_emit'),
	"failed|$restarts",
	'it does not start again');

$copy->stop;
$primary->stop;
done_testing();
