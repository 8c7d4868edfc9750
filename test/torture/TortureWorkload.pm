# Concurrent writers of the torture test: pgbench, started again whenever the
# server ends it.  What they committed is in the table "history".

package TortureWorkload;

use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(usleep);

my $dir = dirname(__FILE__);

# Each with scripts and their weights, clients, and transactions per second.
my @writers = (
	{
		clients => 4,
		rate => 40,
		scripts => [
			[ 8, "SELECT change_rows(1 + (random() * 6)::int);" ],
			[
				4, "BEGIN;",
				"SELECT change_rows(2);",
				"SAVEPOINT a;",
				"SELECT change_rows(3);",
				"SAVEPOINT b;",
				"SELECT change_rows(1);",
				"ROLLBACK TO a;",
				"SELECT change_rows(1);",
				"RELEASE a;",
				"COMMIT;"
			],
			[ 1, "BEGIN;", "SELECT change_rows(5);", "ROLLBACK;" ],
			# empty for the publication, and for the server as well
			[ 2, "INSERT INTO other (note) VALUES ('nothing');" ],
			[ 1, "SELECT pg_current_xact_id();" ],
			[
				1, "BEGIN;", "SELECT change_rows(2);",
				"SELECT pg_sleep(random());", "COMMIT;"
			]
		]
	},
	{
		clients => 1,
		rate => 0.05,
		scripts => [
			[
				1, "\\set base random(1, 5) * 1000000",
				"SELECT change_many(:base, 12000);"
			]
		]
	},
	{
		clients => 1,
		rate => 0.4,
		scripts => [
			[
				2, "\\set n random(1, 3)",
				"ALTER TABLE item ADD COLUMN IF NOT EXISTS extra:n int DEFAULT 7;"
			],
			[
				2, "\\set n random(1, 3)",
				"ALTER TABLE item DROP COLUMN IF EXISTS extra:n;"
			],
			[
				1,
				"ALTER TABLE item_full ADD COLUMN IF NOT EXISTS extra text DEFAULT 'x';"
			],
			[ 1, "ALTER TABLE item_full DROP COLUMN IF EXISTS extra;" ],
			[
				1, "CREATE INDEX IF NOT EXISTS item_version ON item (version);"
			],
			[ 1, "DROP INDEX IF EXISTS item_version;" ],
			[ 1, "VACUUM FULL item_pair;" ],
			[ 1, "VACUUM FULL item;" ]
		]
	});

# Tables, functions and the publication "torture"
sub new
{
	my ($class, $node) = @_;
	my $self = bless { node => $node, pids => [], runs => 0 }, $class;
	$node->safe_psql('postgres', slurp_file("$dir/workload.sql"));
	return $self;
}

sub write_scripts
{
	my ($self) = @_;
	my $scripts = PostgreSQL::Test::Utils::tempdir('scripts');
	my $number = 0;

	foreach my $writer (@writers)
	{
		$writer->{arguments} = [];
		foreach my $script (@{ $writer->{scripts} })
		{
			my ($weight, @lines) = @$script;
			my $file = $scripts . '/' . ++$number . '.sql';
			append_to_file($file, join("\n", @lines) . "\n");
			push @{ $writer->{arguments} }, '-f', "$file\@$weight";
		}
	}
	return;
}

sub start
{
	my ($self) = @_;
	$self->write_scripts;
	push @{ $self->{pids} }, $self->start_writer($_) foreach @writers;
	return;
}

# A process that runs pgbench over and over.
sub start_writer
{
	my ($self, $writer) = @_;
	my $node = $self->{node};
	my $log = $PostgreSQL::Test::Utils::log_path . '/pgbench.log';
	my @command = (
		'pgbench', '-n',
		'-h', $node->host,
		'-p', $node->port,
		'-c', $writer->{clients},
		'-R', $writer->{rate},
		'-T', 60,
		'--max-tries', 20,
		@{ $writer->{arguments} }, 'postgres');
	my $pid = fork // die "fork: $!";
	return $pid if $pid;

	setpgrp;
	open STDOUT, '>>', $log;
	open STDERR, '>&', \*STDOUT;
	while (1)
	{
		system @command;
		usleep(200_000);
	}
}

# All sessions have ended, too.
sub stop
{
	my ($self) = @_;
	foreach my $pid (splice @{ $self->{pids} })
	{
		kill 'TERM', -$pid;
		waitpid $pid, 0;
	}
	$self->{node}->poll_query_until('postgres',
		"SELECT count(*) = 0 FROM pg_stat_activity
		 WHERE application_name = 'pgbench'")
	  or die 'sessions of pgbench do not end';
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local $?;
	kill 'KILL', -$_ foreach @{ $self->{pids} };
	return;
}

1;
