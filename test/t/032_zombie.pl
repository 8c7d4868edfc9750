# A copy of the data directory is started beside the original, and both are
# written to.  With delivery = exactly_once, one of the two publishes and the
# other says why it does not; with at_least_once, it can be told to wait.

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
my $original = new_node('original', 'autovacuum = off');

# Who wrote a row is in the row.
$original->safe_psql('postgres', <<'EOQ');
CREATE TABLE item (id bigserial PRIMARY KEY, writer text);
CREATE PUBLICATION shop FOR TABLE item;
CREATE PUBLICATION once FOR TABLE item;
EOQ
create_subscription($original, $kafka, 'shop');
create_subscription($original, $kafka, 'once',
	options => '{"delivery": "exactly_once"}');

sub insert
{
	my ($node, $rows) = @_;
	my $name = $node->name;
	$node->safe_psql('postgres',
		"INSERT INTO item (writer) SELECT '$name' FROM generate_series(1, $rows)"
	);
	return;
}

sub state_of
{
	my ($node, $name) = @_;
	return $node->safe_psql('postgres',
		"SELECT state FROM cdc_emit.pg_stat_cdc_emit WHERE subscription = '$name'"
	);
}

sub error_of
{
	my ($node, $name) = @_;
	return $node->safe_psql('postgres',
		"SELECT last_error FROM cdc_emit.pg_stat_cdc_emit
		 WHERE subscription = '$name'");
}

# Rows of each writer in the topic, and how often they are there
sub published
{
	my ($node, $topic) = @_;
	load_topics($node, $kafka->address, $topic);
	return $node->safe_psql(
		'postgres', "SELECT after->>'writer', count(*),
			count(DISTINCT after->>'id') FROM event GROUP BY 1 ORDER BY 1");
}

# A copy of the files, slots included, made while the original is down
sub copy_of
{
	my ($name) = @_;
	my $copy = PostgreSQL::Test::Cluster->new($name);
	$original->stop;
	$original->backup_fs_cold($name);
	$original->start;
	$copy->init_from_backup($original, $name);
	return $copy;
}

insert($original, 100);
acknowledged($original, $_) foreach qw(shop once);

# ----------------------------------------------------------------
# The original has published meanwhile
# ----------------------------------------------------------------
my $copy = copy_of('late_copy');
$copy->append_conf('postgresql.conf', 'cdc_emit.enabled = off');
$copy->start;
is(state_of($copy, 'shop'), 'disabled',
	'with cdc_emit.enabled = off a copy publishes nothing');

# at_least_once knows of nobody else, so it must not run in this copy
$copy->safe_psql('postgres', "SELECT cdc_emit.disable_subscription('shop')");
insert($original, 50);
acknowledged($original, 'once');
$copy->append_conf('postgresql.conf', 'cdc_emit.enabled = on');
$copy->reload;
wait_for_state($copy, 'once', 'failed');
like(
	error_of($copy, 'once'),
	qr/^Kafka (is ahead of this server|has events .* of another server)/,
	'exactly_once: the copy says that Kafka has what it does not have');

# Its WAL goes further than the original's.
insert($copy, 10_000);
insert($original, 50);
$copy->restart;
wait_for_state($copy, 'once', 'failed');
like(error_of($copy, 'once'), qr/^Kafka has events .* of another server/,
	'exactly_once: that it has more WAL makes no difference');
acknowledged($original, 'once');
is(published($original, 'once.public.item'),
	'original|200|200', 'exactly_once: only the original has published');
acknowledged($original, 'shop');
is(published($original, 'shop.public.item'),
	'original|200|200', 'at_least_once: so it has');
$copy->stop;

# ----------------------------------------------------------------
# It has not: the copy may be the one that goes on
# ----------------------------------------------------------------
$copy = copy_of('early_copy');
$copy->append_conf('postgresql.conf', 'cdc_emit.enabled = off');
$copy->start;
$copy->safe_psql('postgres', "SELECT cdc_emit.disable_subscription('shop')");
insert($copy, 70);
$copy->append_conf('postgresql.conf', 'cdc_emit.enabled = on');
$copy->reload;
is($copy->safe_psql('postgres', "SELECT cdc_emit.wait_ready('once')"),
	't', 'exactly_once: a copy that is not behind Kafka takes over');
acknowledged($copy, 'once');
insert($original, 50);
wait_for_state($original, 'once', 'failed');
like(error_of($original, 'once'), qr/^another server has taken over/,
	'exactly_once: the original says that it has been taken over');
insert($copy, 30);
acknowledged($copy, 'once');
is( published($copy, 'once.public.item'),
	"early_copy|100|100\noriginal|200|200",
	'exactly_once: from then on only the copy has published');
insert($original, 10_000);
$original->restart;
wait_for_state($original, 'once', 'failed');
like(error_of($original, 'once'), qr/^Kafka has events .* of another server/,
	'exactly_once: the original does not come back when it is restarted');
insert($copy, 30);
acknowledged($copy, 'once');
is( published($copy, 'once.public.item'),
	"early_copy|130|130\noriginal|200|200",
	'exactly_once: and has published nothing');
$copy->stop;

$original->stop;
done_testing();
