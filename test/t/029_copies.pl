# Copies of a server do not publish by themselves: a restored dump, a data
# directory that was copied, a database made from another, pg_upgrade.

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

$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', <<'EOQ');
CREATE EXTENSION cdc_emit;
CREATE TABLE item (id serial PRIMARY KEY, body text);
CREATE PUBLICATION shop FOR TABLE item;
EOQ
create_subscription($node, $kafka, 'shop', database => 'shop');
$node->safe_psql('shop', "INSERT INTO item (body) VALUES ('original')");
acknowledged($node, 'shop', 'shop');

sub told
{
	my ($server, $database, $columns) = @_;
	return $server->safe_psql($database,
		"SELECT $columns FROM cdc_emit.pg_stat_cdc_emit");
}

# Nothing that is written in the copy reaches Kafka.
sub is_silent
{
	my ($server, $database, $state, $error, $name) = @_;
	$server->safe_psql($database, "INSERT INTO item (body) VALUES ('copy')");
	wait_for_state($server, 'shop', $state, $database);
	like(told($server, $database, 'last_error'), $error, "$name: the view tells why");
	like(told($server, $database, 'last_error_hint'), qr/drop/, "$name: and what to do");
	is(told($server, $database, 'pid IS NULL, messages'), 't|0', "$name: no worker");
	my $offsets = `kcat -Q -b $address -t shop.public.item:0:-1`;
	like($offsets, qr/offset 1$/m, "$name: nothing was published");
	return;
}

# ----------------------------------------------------------------
# a dump that is restored elsewhere
# ----------------------------------------------------------------
my $dump = $node->basedir . '/dump.sql';
my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init(allows_streaming => 'logical');
$restored->append_conf('postgresql.conf', "shared_preload_libraries = 'cdc_emit'");
$restored->start;
$node->command_ok([ 'pg_dump', '-f', $dump, 'shop' ], 'dump');
$restored->safe_psql('postgres', 'CREATE DATABASE shop');
$restored->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'shop' ],
	'restore');
is_silent($restored, 'shop', 'failed', qr/belongs to another database cluster/,
	'restored dump');
$restored->restart;
is_silent($restored, 'shop', 'failed', qr/belongs to another database cluster/,
	'restored dump after a restart');

# Taken over, there is no slot to go on from.
$restored->safe_psql('shop', "SELECT cdc_emit.enable_subscription('shop')");
is_silent($restored, 'shop', 'slot_missing', qr/does not exist/,
	'restored dump, enabled');
$restored->safe_psql('shop', "SELECT cdc_emit.drop_subscription('shop')");
$restored->stop;

# ----------------------------------------------------------------
# a base backup that is started as a server of its own
# ----------------------------------------------------------------
$node->backup('copy');
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($node, 'copy');
$copy->start;
is_silent($copy, 'shop', 'slot_missing', qr/does not exist/, 'base backup');
$copy->stop;

# ----------------------------------------------------------------
# a database made from another one
# ----------------------------------------------------------------
$node->safe_psql('postgres', 'CREATE DATABASE other TEMPLATE shop');
is_silent($node, 'other', 'slot_missing', qr/does not belong to subscription/,
	'CREATE DATABASE TEMPLATE');
$node->safe_psql('other', "SELECT cdc_emit.drop_subscription('shop')");
ok( $node->poll_query_until('other',
		'SELECT count(*) = 0 FROM cdc_emit.pg_stat_get_cdc_emit()'),
	'dropped in the copy');
is(count_of($node, 'pg_replication_slots'), 1, 'the slot of the original stays');
$node->safe_psql('postgres', 'DROP DATABASE other');

# ----------------------------------------------------------------
# pg_upgrade, here to the same version
# ----------------------------------------------------------------
$node->safe_psql('shop', "SELECT cdc_emit.wait_ready('shop')");
$node->stop;
my $upgraded = PostgreSQL::Test::Cluster->new('upgraded');
$upgraded->init(allows_streaming => 'logical');
$upgraded->append_conf('postgresql.conf', <<'EOC');
shared_preload_libraries = 'cdc_emit'
max_replication_slots = 20
output_plugin_libraries = 'pgoutput, cdc_emit'
EOC
my ($bindir) = run_command([ 'pg_config', '--bindir' ]);
my $log = $upgraded->basedir . '/upgrade.log';
chdir $upgraded->basedir;
is( system( 'pg_upgrade', '--no-sync', '-d', $node->data_dir,
		'-D', $upgraded->data_dir, '-b', $bindir, '-B', $bindir,
		'-s', $upgraded->host, '-p', $node->port, '-P', $upgraded->port), 0,
	'pg_upgrade');
$upgraded->start;
wait_for_state($upgraded, 'shop', 'failed', 'shop');
like(told($upgraded, 'shop', 'last_error_detail'), qr/pg_upgrade was used/,
	'upgraded: the view tells why');
is( $upgraded->safe_psql(
		'shop', "SELECT count(*) FROM pg_stat_activity
		 WHERE backend_type = 'cdc_emit worker'"),
	0, 'upgraded: no worker');
$upgraded->stop;

# The original goes on.
$node->start;
$node->safe_psql('shop', "INSERT INTO item (body) VALUES ('original')");
acknowledged($node, 'shop', 'shop');
my $events = `kcat -C -q -e -b $address -t shop.public.item -f '%s\\n'`;
is(() = $events =~ /"original"/g, 2, 'the original publishes');
unlike($events, qr/"copy"/, 'and nobody else');

$node->stop;
done_testing();
