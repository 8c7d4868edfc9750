# How long others wait for us: each command that needs our processes to leave
# or to answer, beside a broker that is well, down, hanging, slow, or whose
# name cannot be resolved.  The table is told at the end.

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
BadBroker::slow($front, "127.0.0.1:$back", 1024);

my @columns = ('up', 'down', 'hanging', 'slow', 'no name');
my %broker = (
	'up' => $kafka->address,
	'down' => '127.0.0.1:' . PostgreSQL::Test::Cluster::get_free_port(),
	'hanging' => BadBroker::hanging(),
	'slow' => "127.0.0.1:$front",
	'no name' => 'kafka.invalid:9092');

# Seconds that each may take.
my @rows = (
	[ 'pg_terminate_backend', 1 ],
	[ 'reload, enabled = off', 1 ],
	[ 'DROP DATABASE, another', 1 ],
	[ 'DROP DATABASE', 1 ],
	[ 'DROP DATABASE FORCE', 1 ],
	[ 'SET TABLESPACE, another', 1 ],
	[ 'SET TABLESPACE', 1 ],
	[ 'DROP TABLESPACE', 1 ],
	[ 'RENAME DATABASE', 1 ],
	[ 'CREATE DATABASE TEMPLATE', 2 ],
	[ 'disable_subscription', 1 ],
	[ 'fast shutdown', 3 ],
	[ 'promotion of a standby', 3 ]);
my %limit = map { @$_ } @rows;
my %measured;

my $node = new_node('primary', 'max_wal_senders = 10');
my $tablespace = PostgreSQL::Test::Utils::tempdir();

sub cell
{
	my ($column, $row, $code) = @_;
	my $seconds = elapsed($code);
	$measured{$row}{$column} = $seconds;
	is_below($seconds, $limit{$row},
		sprintf('broker %s: %s took %.2f s', $column, $row, $seconds));
	return;
}

sub sql
{
	my ($command) = @_;
	return sub { $node->safe_psql('postgres', $command); };
}

# Until a query is true; finer than poll_query_until().
sub until_true
{
	my ($query) = @_;
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
	while ($node->safe_psql('postgres', "SELECT $query") ne 't')
	{
		die "$query does not become true" if time > $deadline;
		usleep(10_000);
	}
	return;
}

sub workers
{
	my ($database) = @_;
	return "(SELECT count(*) FROM pg_stat_activity
		WHERE backend_type = 'cdc_emit worker' AND datname ~ '^$database')";
}

# A database with a subscription that has messages to send.
sub captured
{
	my ($database, $column) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, <<"EOQ");
CREATE EXTENSION cdc_emit;
CREATE TABLE item (id serial PRIMARY KEY, body text);
CREATE PUBLICATION shop FOR TABLE item;
CREATE SERVER kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers '$broker{$column}');
SELECT cdc_emit.create_subscription('shop', 'kafka', '{shop}',
	'{"topic_prefix": "$database"}');
EOQ
	is($node->safe_psql($database, "SELECT cdc_emit.wait_ready('shop')"),
		't', "broker $column: subscription in $database");
	$node->safe_psql($database,
		"INSERT INTO item (body) SELECT repeat('x', 100) FROM generate_series(1, 1000)");
	if ($column eq 'up')
	{
		acknowledged($node, 'shop', $database);
	}
	else
	{
		wait_for_state($node, 'shop', 'waiting_for_kafka', $database);
	}
	return;
}

foreach my $column (@columns)
{
	my $pid;

	captured($_, $column) foreach qw(one two three four);

	($pid) = split /\n/,
	  $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE datname = 'one'");
	cell($column, 'pg_terminate_backend',
		sub {
			$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
			until_true("NOT EXISTS (SELECT FROM pg_stat_activity
				WHERE pid = $pid)");
		});
	until_true(workers('one') . ' = 1');

	$node->safe_psql('postgres', "CREATE TABLESPACE away LOCATION '$tablespace'");
	$node->safe_psql('postgres', 'CREATE DATABASE other');
	cell($column, 'SET TABLESPACE, another',
		sql('ALTER DATABASE other SET TABLESPACE away'));
	cell($column, 'DROP DATABASE, another', sql('DROP DATABASE other'));

	cell($column, 'SET TABLESPACE',
		sql('ALTER DATABASE one SET TABLESPACE away'));
	$node->safe_psql('postgres', 'ALTER DATABASE one SET TABLESPACE pg_default');
	cell($column, 'DROP TABLESPACE', sql('DROP TABLESPACE away'));
	cell($column, 'RENAME DATABASE', sql('ALTER DATABASE one RENAME TO uno'));
	cell($column, 'CREATE DATABASE TEMPLATE',
		sql('CREATE DATABASE copy TEMPLATE uno'));
	until_true(workers('uno') . ' = 1');
	$node->safe_psql('postgres', 'DROP DATABASE copy');

	cell($column, 'DROP DATABASE', sql('DROP DATABASE two'));
	cell($column, 'DROP DATABASE FORCE',
		sql('DROP DATABASE three WITH (FORCE)'));

	cell($column, 'disable_subscription',
		sub {
			$node->safe_psql('uno', "SELECT cdc_emit.disable_subscription('shop')");
			until_true(workers('uno') . ' = 0');
		});
	$node->safe_psql('uno', "SELECT cdc_emit.enable_subscription('shop')");
	until_true(workers('') . ' = 2');

	$node->safe_psql('postgres', 'ALTER SYSTEM SET cdc_emit.enabled = off');
	cell($column, 'reload, enabled = off',
		sub {
			$node->reload;
			until_true(workers('') . ' = 0');
		});
	$node->safe_psql('postgres', 'ALTER SYSTEM RESET cdc_emit.enabled');
	$node->reload;
	until_true(workers('') . ' = 2');

	# the standby has the subscriptions, and starts their workers when promoted
	(my $name = "standby_$column") =~ tr/ /_/;
	$node->backup($name);
	my $standby = PostgreSQL::Test::Cluster->new($name);
	$standby->init_from_backup($node, $name, has_streaming => 1);
	$standby->start;
	$node->wait_for_catchup($standby);
	cell($column, 'promotion of a standby', sub { $standby->promote; });
	wait_for_state($standby, 'shop', 'slot_missing', 'uno');
	$standby->stop('fast');

	cell($column, 'fast shutdown', sub { $node->stop('fast'); });
	$node->start;
	until_true(workers('') . ' = 2');
	$node->safe_psql('postgres', "DROP DATABASE $_") foreach qw(uno four);
}

note(sprintf('%-26s' . '%9s' x @columns, 'seconds, broker is', @columns));
foreach my $row (map { $_->[0] } @rows)
{
	note(sprintf('%-26s' . '%9.2f' x @columns,
		$row, map { $measured{$row}{$_} } @columns));
}

$node->stop;
done_testing();
