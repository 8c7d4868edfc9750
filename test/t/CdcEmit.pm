# Helpers of the TAP tests: servers with cdc_emit, a real Kafka, and the
# comparison of tables with the topics that were written for them.

package CdcEmit;

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

our @EXPORT = qw(
  require_kafka new_node new_kafka new_kafka_cluster kill_postmaster
  kill_worker fault_installation
  create_subscription wait_for_state
  acknowledged worker_pid worker_memory load_topics is_rebuilt count_of
  start_pgbench finish_pgbench pgbench_tables is_stored_once is_ordered
  elapsed is_below
);

my $kafka_script = "$FindBin::Bin/../kafka/kafka";

# Leave the test where a component is missing; CI must have all of them.
sub missing
{
	my ($what) = @_;
	die "$what is missing" if ($ENV{CI} // '') eq 'true';
	plan skip_all => "$what is missing";
}

# Tests against a real Kafka start with this.
sub require_kafka
{
	foreach my $program (qw(kcat java))
	{
		missing($program) if system("command -v $program >/dev/null") != 0;
	}
	missing('Apache Kafka') if system($kafka_script, 'install') != 0;
	return;
}

# A server that has cdc_emit, started, with the extension in "postgres".
sub new_node
{
	my ($name, $settings, %args) = @_;
	missing('kcat') if system("command -v kcat >/dev/null") != 0;

	my $node = PostgreSQL::Test::Cluster->new($name, %args);
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', <<"EOC");
shared_preload_libraries = 'cdc_emit'
max_worker_processes = 32
max_replication_slots = 20
log_statement = none
EOC
	$node->append_conf('postgresql.conf',
		"output_plugin_libraries = 'pgoutput, test_decoding, cdc_emit'")
	  if has_setting($node, 'output_plugin_libraries');
	$node->append_conf('postgresql.conf', $settings) if $settings;
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION cdc_emit');
	return $node;
}

# An installation whose cdc_emit has fault points; scripts/test makes it.
sub fault_installation
{
	my $path = $ENV{CDC_FAULT_INSTALLATION};
	missing('a build with fault points') if !$path || !-d $path;
	return $path;
}

# The postmaster dies as in a crash.  What it leaves has to end before the
# server can start again.
sub kill_postmaster
{
	my ($node) = @_;
	my ($postmaster) =
	  slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	my ($children) = run_command([ 'ps', '-o', 'pid=', '--ppid', $postmaster ]);

	$node->kill9;
	foreach my $pid ($postmaster, split ' ', $children)
	{
		foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
		{
			last if !kill 0, $pid;
			usleep(100_000);
		}
	}
	return;
}

sub has_setting
{
	my ($node, $setting) = @_;
	my ($settings) = run_command([ 'postgres', '--describe-config' ]);
	return $settings =~ /^$setting\t/m;
}

# ----------------------------------------------------------------
# Kafka
# ----------------------------------------------------------------

# A real Kafka, started.
sub new_kafka
{
	my $self = kafka_broker(PostgreSQL::Test::Utils::tempdir('kafka'));
	$self->start;
	return $self;
}

# A Kafka of so many brokers, started; returns the brokers.
sub new_kafka_cluster
{
	my ($size) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir('kafka');
	my @brokers = map { kafka_broker("$dir/$_") } 1 .. $size;

	$_->is_running foreach @brokers;
	$brokers[0]->run('cluster', $dir, map { $_->{port} } @brokers);
	return @brokers;
}

sub kafka_broker
{
	my ($dir) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();

	return bless {
		dir => $dir,
		port => $port,
		address => "127.0.0.1:$port"
	}, 'CdcEmit::Kafka';
}

{
	package CdcEmit::Kafka;

	# Brokers end with the test, whatever happens to it.
	my %running;

	sub run
	{
		my ($self, @command) = @_;
		system("'$kafka_script' @command >&2") == 0
		  or die "kafka @command has failed";
		return;
	}

	sub address { return $_[0]->{address}; }

	# Is, or is about to be: it has to end with the test.
	sub is_running { $running{ $_[0] } = $_[0]; return; }

	sub start
	{
		my ($self) = @_;
		$self->is_running;
		$self->run('start', $self->{dir}, $self->{port});
		return;
	}

	sub stop
	{
		my ($self, $mode) = @_;
		$self->run($mode // 'stop', $self->{dir});
		delete $running{$self};
		return;
	}

	sub pause { $_[0]->run('pause', $_[0]->{dir}); return; }
	sub resume { $_[0]->run('resume', $_[0]->{dir}); return; }

	# Settings of a topic, as Kafka tells them.
	sub topic
	{
		my ($self, $topic) = @_;
		return scalar `'$kafka_script' topic '$self->{dir}' '$topic'`;
	}

	END
	{
		# Ending programs must not change the exit status of the test.
		local $?;
		$_->stop('kill') foreach values %running;
	}
}

# ----------------------------------------------------------------
# Subscriptions
# ----------------------------------------------------------------

# A server and a subscription for the publications; returns when it streams.
sub create_subscription
{
	my ($node, $kafka, $name, %args) = @_;
	my $database = $args{database} // 'postgres';
	my $publications = $args{publications} // "{$name}";
	my $options = $args{options} // '{}';
	my $server =
	  $kafka
	  ? "bootstrap_servers '" . $kafka->address . "'"
	  : "test_mock_num_brokers '1'";

	$node->safe_psql($database, <<"EOQ");
CREATE SERVER ${name}_kafka FOREIGN DATA WRAPPER cdc_emit OPTIONS ($server);
SELECT cdc_emit.create_subscription('$name', server => '${name}_kafka',
	publications => '$publications', options => '$options');
EOQ
	is($node->safe_psql($database, "SELECT cdc_emit.wait_ready('$name')"),
		't', "subscription $name streams");
	return;
}

sub stat_of
{
	my ($node, $name, $column, $database) = @_;
	return $node->safe_psql(
		$database // 'postgres',
		"SELECT $column FROM cdc_emit.pg_stat_cdc_emit
		 WHERE subscription = '$name'");
}

sub wait_for_state
{
	my ($node, $name, $state, $database) = @_;
	my $reached = $node->poll_query_until(
		$database // 'postgres',
		"SELECT state = '$state' FROM cdc_emit.pg_stat_cdc_emit
		 WHERE subscription = '$name'");
	note('state is ' . stat_of($node, $name, 'state', $database))
	  if !$reached;
	ok($reached, "state of $name becomes $state");
	return;
}

# Everything committed so far is in Kafka.
sub acknowledged
{
	my ($node, $name, $database) = @_;
	is( $node->safe_psql(
			$database // 'postgres',
			"SELECT cdc_emit.wait_for('$name', timeout => '10 minutes')"),
		't',
		"all changes of $name are acknowledged");
	return;
}

sub worker_pid
{
	my ($node, $name) = @_;
	return stat_of($node, $name, 'pid');
}

# The worker dies as in a crash; that of a server that may restart it.
sub kill_worker
{
	my ($node, $name) = @_;
	my $pid;
	while (!($pid = worker_pid($node, $name)))
	{
		usleep(100_000);
	}
	kill 'KILL', $pid;
	return;
}

# Memory of a process that is not shared memory, in MB.
sub worker_memory
{
	my ($pid) = @_;
	my ($kilobytes) = slurp_file("/proc/$pid/status") =~ /RssAnon:\s+(\d+)/;
	if (!defined $kilobytes)
	{
		my @pages = split / /, slurp_file("/proc/$pid/statm");
		$kilobytes = ($pages[1] - $pages[2]) * 4;
	}
	return $kilobytes / 1024;
}

# Seconds that a piece of code takes.
sub elapsed
{
	my ($code) = @_;
	my $start = time;
	$code->();
	return time - $start;
}

# A measured figure; a checked server's are only told, as they mean nothing.
sub is_below
{
	my ($value, $limit, $name) = @_;
	return note("$name (limit: $limit)") if $ENV{CDC_CHECKER};
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	cmp_ok($value, '<', $limit, $name);
	return;
}

# ----------------------------------------------------------------
# pgbench
# ----------------------------------------------------------------

# Empty tables of pgbench and a publication "bench" for them.
sub pgbench_tables
{
	my ($node) = @_;
	$node->command_ok([ 'pgbench', '-i', '-q', '-I', 'dtp', 'postgres' ],
		'tables for pgbench');
	$node->safe_psql('postgres', <<'EOQ');
CREATE PUBLICATION bench FOR TABLE pgbench_accounts, pgbench_branches,
	pgbench_tellers, pgbench_history WITH (publish = 'insert, update, delete');
EOQ
	return;
}

sub start_pgbench
{
	my ($node, @options) = @_;
	my $run = { output => '' };
	$run->{harness} = IPC::Run::start(
		[
			'pgbench', '-n', '-h', $node->host, '-p', $node->port,
			'-c', '8', '-j', '2', @options, 'postgres'
		],
		'>&',
		\$run->{output});
	return $run;
}

# Wait for it; returns transactions, failed ones, and transactions per second.
sub finish_pgbench
{
	my ($run) = @_;
	$run->{harness}->finish;
	my ($done) =
	  $run->{output} =~ /transactions actually processed: (\d+)/;
	my ($failed) = $run->{output} =~ /failed transactions: (\d+)/;
	my ($tps) = $run->{output} =~ /^tps = ([\d.]+) \(without/m;
	note($run->{output});
	return ($done // 0, $failed // -1, $tps // 0);
}

# ----------------------------------------------------------------
# Topics beside tables
# ----------------------------------------------------------------

# Load topics into the unlogged table "event" (which leaves no trace in WAL
# that could be captured).  Messages that are not JSON raise an error.
#
# Consumers see what was committed; with isolation => 'read_uncommitted', also
# what was aborted.
sub load_topics
{
	my ($node, $address, @topics) = @_;
	my %args = ref $topics[0] ? %{ shift @topics } : ();
	my $isolation = $args{isolation} // 'read_committed';
	my $dir = PostgreSQL::Test::Utils::tempdir();

	$node->safe_psql('postgres', <<'EOQ');
DROP TABLE IF EXISTS event, message;
CREATE UNLOGGED TABLE message (topic text, partition int, "offset" bigint,
	key_length int, key text, value_length int, value text);
CREATE UNLOGGED TABLE event (topic text, partition int, "offset" bigint,
	key text, tombstone boolean, op text, before jsonb, after jsonb,
	source jsonb, commit_lsn bigint, commit_index bigint);
EOQ
	foreach my $topic (@topics)
	{
		my $file = "$dir/$topic.csv";
		system( "kcat -C -q -e -o beginning -X check.crcs=true -b $address "
			  . "-X isolation.level=$isolation -t $topic "
			  . "-f '%t\\x02%p\\x02%o\\x02%K\\x02%k\\x02%S\\x02%s\\n' "
			  . "> $file") == 0
		  or die "kcat could not read $topic";
		$node->safe_psql('postgres',
			"COPY message FROM '$file' "
			  . "(FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')");
		unlink $file;
	}
	$node->safe_psql('postgres', <<'EOQ');
INSERT INTO event
SELECT topic, partition, "offset",
	CASE WHEN key_length >= 0 THEN coalesce(key, '') END,
	value_length < 0, v->>'op', v->'before', v->'after', v->'source',
	(v->'source'->>'commit_lsn')::bigint,
	(v->'source'->>'commit_index')::bigint
FROM message, LATERAL (SELECT value::jsonb AS v OFFSET 0) j;
DROP TABLE message;
CREATE INDEX ON event (topic, key);
ANALYZE event;
EOQ
	return;
}

sub count_of
{
	my ($node, $query) = @_;
	return $node->safe_psql('postgres', "SELECT count(*) FROM $query");
}

# The table rebuilt from its topic equals the table: the last value of a key
# wins, tombstones and deletes remove.  Without key: the same rows, as often.
sub is_rebuilt
{
	my ($node, $topic, $table, %args) = @_;
	my $row = $args{row} // 'to_jsonb(t)';
	my $rebuilt =
	  $args{keyless}
	  ? "SELECT after FROM (SELECT DISTINCT ON (commit_lsn, commit_index) *
			FROM event WHERE topic = '$topic') e WHERE op <> 't'"
	  : "SELECT after FROM (SELECT DISTINCT ON (key) * FROM event
			WHERE topic = '$topic' AND op IS DISTINCT FROM 't'
			ORDER BY key, partition, \"offset\" DESC) e
		 WHERE NOT tombstone AND op <> 'd'";
	my $rows = "SELECT $row FROM $table t";
	my $count = $node->safe_psql('postgres', "SELECT count(*) FROM $table");

	cmp_ok($count, '>', 0, "$table has rows") if !$args{empty};
	is($node->safe_psql('postgres', "SELECT count(*) FROM ($rebuilt) x"),
		$count, "$topic yields as many rows as $table has: $count");
	is( $node->safe_psql(
			'postgres',
			"SELECT (SELECT count(*) FROM
				(($rows) EXCEPT ALL ($rebuilt)) x),
				(SELECT count(*) FROM (($rebuilt) EXCEPT ALL ($rows)) x)"),
		'0|0',
		"$table rebuilt from $topic equals the table");
	return;
}

# Each event was stored once.  With repeats allowed: those are the same event
# again.
sub is_stored_once
{
	my ($node, $expected, %args) = @_;
	my $stored = count_of($node, 'event WHERE NOT tombstone');
	my $distinct = count_of($node,
		'(SELECT DISTINCT commit_lsn, commit_index FROM event
			WHERE NOT tombstone) x');

	is($distinct, $expected, "all $expected events are there");
	if ($args{repeats})
	{
		note(($stored - $distinct) . ' repeats');
		is( count_of(
				$node,
				'(SELECT FROM event WHERE NOT tombstone
				  GROUP BY commit_lsn, commit_index
				  HAVING count(DISTINCT (topic, partition, key, op, before,
					after, source - \'sequence\')) > 1) x'),
			0,
			'repeated events are equal');
	}
	else
	{
		is($stored, $distinct, 'each event is there once');
	}
	return;
}

# For each key: one partition, and events in order of commit, repeats apart.
sub is_ordered
{
	my ($node) = @_;
	is( count_of(
			$node,
			'(SELECT FROM event WHERE key IS NOT NULL GROUP BY topic, key
			  HAVING count(DISTINCT partition) > 1) x'),
		0,
		'a key has one partition');
	is( count_of(
			$node,
			'(SELECT commit_lsn, commit_index,
				lag(commit_lsn) OVER w AS previous_lsn,
				lag(commit_index) OVER w AS previous_index
			  FROM (SELECT DISTINCT ON (commit_lsn, commit_index) *
				FROM event WHERE NOT tombstone
				ORDER BY commit_lsn, commit_index, "offset") e
			  WINDOW w AS (PARTITION BY topic, partition, key
				ORDER BY "offset")) x
			  WHERE (commit_lsn, commit_index) <
				(previous_lsn, previous_index)'),
		0,
		'events of a key are in order of commit');
	return;
}

1;
