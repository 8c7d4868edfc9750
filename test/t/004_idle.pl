# A worker without work costs nothing: no CPU, no WAL, no retained WAL.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $megabytes = $ENV{CDC_QUICK} ? 256 : 1024;

require_kafka();
my $kafka = new_kafka();
my $node = new_node('primary', <<'EOC');
autovacuum = off
max_wal_size = '4GB'
EOC
$node->safe_psql('postgres', <<'EOQ');
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE PUBLICATION shop FOR TABLE item;
CREATE DATABASE other;
EOQ
create_subscription($node, $kafka, 'shop');
$node->safe_psql('postgres', "INSERT INTO item VALUES (1, 'one')");
acknowledged($node, 'shop');

# CPU time of a process so far, in ticks of 10 ms
sub ticks
{
	my ($pid) = @_;
	my $stat = slurp_file("/proc/$pid/stat");
	$stat =~ s/.*\) //s;
	my @fields = split / /, $stat;
	return $fields[11] + $fields[12];
}

# The server itself writes WAL some seconds after the last change, so a second
# interval may be needed; a worker that writes would do so in all of them.
my $pid = worker_pid($node, 'shop');
my ($used, $written);
foreach my $try (1 .. 4)
{
	my $query = 'SELECT pg_current_wal_insert_lsn()';
	$node->safe_psql('postgres', 'CHECKPOINT');
	my $lsn = $node->safe_psql('postgres', $query);
	my $start = ticks($pid);
	sleep 10;
	$used = ticks($pid) - $start;
	$written = $node->safe_psql('postgres', "SELECT ($query) - '$lsn'");
	note("$used ticks, $written bytes");
	last if $written == 0;
}
is($written, 0, 'no WAL is written in 10 s');
is_below($used, 3, "CPU time in 10 s: $used ticks of 10 ms");
is(worker_pid($node, 'shop'), $pid, 'the worker still runs');

# WAL of another database is not held
my $before = $node->safe_psql('postgres', 'SELECT pg_current_wal_lsn()');
my $rows = $megabytes * 1000;
$node->safe_psql('other', <<"EOQ");
CREATE TABLE big AS
SELECT i, repeat('x', 1000) FROM generate_series(1, $rows) i;
EOQ
cmp_ok(
	$node->safe_psql('postgres', "SELECT pg_current_wal_lsn() - '$before'"),
	'>',
	$megabytes * 1000 * 1000,
	"another database wrote $megabytes MB of WAL");
# restart_lsn can move only to where the server notes running transactions
$node->safe_psql('postgres', 'CHECKPOINT');
ok( $node->poll_query_until(
		'postgres',
		"SELECT pg_current_wal_lsn() - restart_lsn < 1024 * 1024
		 FROM cdc_emit.pg_stat_cdc_emit"),
	'restart_lsn follows');
is( $node->safe_psql(
		'postgres',
		"SELECT state, pid, transactions FROM cdc_emit.pg_stat_cdc_emit"),
	"streaming|$pid|1",
	'and nothing was published for it');

$node->stop;
done_testing();
