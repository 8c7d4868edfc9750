# Faults of the torture test: what can happen to workers, the server, Kafka and
# the network between them, in a random order that a seed repeats.

package TortureFaults;

use strict;
use warnings;

use CdcEmit;
use File::Basename;
use IO::Handle;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $dir = dirname(__FILE__);

# The longest time without progress after a fault, in seconds.
my $patience = 120;

# What happens, how often relative to others, and whether it is over at once.
# The others hold something back for a while, during which something else can
# happen.
my %faults = (
	'worker killed' => [ 3, 'once', \&kill_worker ],
	'postmaster killed' => [ 2, 'once', \&kill_server ],
	'immediate stop' => [ 2, 'once', sub { stop_server($_[0], 'immediate') } ],
	'fast restart' => [ 2, 'once', sub { stop_server($_[0], 'fast') } ],
	'worker terminated' => [ 3, 'once', \&terminate_worker ],
	'subscription altered' => [ 2, 'once', \&alter ],
	'slot taken' => [ 2, 'once', \&take_slot ],
	'connections cut' => [ 2, 'once', sub { signal_proxy($_[0], 'WINCH') } ],
	'broker killed' => [ 2, 'hold', \&kill_broker ],
	'broker stopped' => [ 1, 'hold', \&stop_broker ],
	'broker frozen' => [ 2, 'hold', \&freeze_broker ],
	'network hung' => [ 2, 'hold', sub { network($_[0], $_[1], 'USR1') } ],
	'network refused' => [ 2, 'hold', sub { network($_[0], $_[1], 'USR2') } ],
	'subscription disabled' => [ 2, 'hold', \&disable ]);

# node, kafka, subscriptions, seed; proxy: ports for workers and of the broker
sub new
{
	my ($class, %args) = @_;
	my $self = bless { %args, count => {}, longest => 0 }, $class;

	$self->{random} = $args{seed} % 2147483647 || 1;
	$self->start_proxy;
	return $self;
}

# ----------------------------------------------------------------
# Chance
# ----------------------------------------------------------------

# Not perl's, which others use as well: a number below limit.
sub random
{
	my ($self, $limit) = @_;
	$self->{random} = $self->{random} * 48271 % 2147483647;
	return $limit * ($self->{random} / 2147483647);
}

sub chance { my ($self, $p) = @_; return $self->random(1) < $p; }

sub pick
{
	my ($self, @list) = @_;
	return $list[ int $self->random(scalar @list) ];
}

sub nap { my ($self, $max) = @_; usleep($self->random($max) * 1e6); return; }

sub pick_fault
{
	my ($self, @kinds) = @_;
	my @names;

	foreach my $name (sort keys %faults)
	{
		my ($weight, $kind) = @{ $faults{$name} };
		push @names, ($name) x $weight if grep { $_ eq $kind } @kinds;
	}
	return $self->pick(@names);
}

# ----------------------------------------------------------------
# One after the other
# ----------------------------------------------------------------

# Until the time is over.  False when a subscription does not go on.
sub run
{
	my ($self, $seconds) = @_;
	my $end = time + $seconds;

	while (time < $end)
	{
		$self->inject($self->pick_fault('once', 'hold'));
		$self->nap(2);
		return 0 if $self->chance(0.6) && !$self->has_recovered;
		$self->nap(2);
	}
	return $self->has_recovered;
}

sub inject
{
	my ($self, $name) = @_;
	my ($weight, $kind, $code) = @{ $faults{$name} };
	my $meanwhile = sub {
		$self->nap(5);
		return if !$self->chance(0.4);
		$self->inject($self->pick_fault('once'));
		$self->nap(2);
	};

	note($name);
	$self->{count}{$name}++;
	$code->($self, $meanwhile);
	return;
}

# All that was committed arrives, as long as nothing else happens.
sub has_recovered
{
	my ($self) = @_;
	my $start = time;

	$self->query('SELECT true') or return 0;
	foreach my $subscription (@{ $self->{subscriptions} })
	{
		$self->forget_failures($subscription);
		my ($result, $output, $errors) = $self->{node}->psql('postgres',
			"SELECT cdc_emit.wait_for('$subscription',
				timeout => '$patience s')");
		next if $result == 0 && $output eq 't';
		diag("$subscription does not go on: $errors");
		diag(
			$self->{node}->safe_psql(
				'postgres', 'SELECT subscription, state, last_error,
					last_error_detail, kafka_error, acked_lsn, sent_lsn
					FROM cdc_emit.pg_stat_cdc_emit'));
		return 0;
	}
	my $took = time - $start;
	$self->{longest} = $took if $took > $self->{longest};
	return 1;
}

# Faults in a row make the pause before the next start longer and longer.
sub forget_failures
{
	my ($self, $subscription) = @_;
	my $is = "SELECT count(*) > 0 FROM cdc_emit.pg_stat_cdc_emit
		WHERE subscription = '$subscription' AND";

	return
	  if ($self->query("$is next_retry_time > now() + interval '2 s'") // '') ne
	  't';
	$self->query("SELECT cdc_emit.disable_subscription('$subscription')");
	$self->{node}->poll_query_until('postgres', "$is state = 'disabled'");
	$self->query("SELECT cdc_emit.enable_subscription('$subscription')");
	return;
}

# Through a server that may be starting again.
sub query
{
	my ($self, $query) = @_;
	my ($result, $output, $errors);
	my $end = time + $patience;

	while (time < $end)
	{
		($result, $output, $errors) = $self->{node}->psql('postgres', $query,
			timeout => $patience, timed_out => \my $timed_out);
		return $output // '' if !$timed_out && $result == 0;
		die "$query: $errors" if !$timed_out && $result == 3;
		usleep(100_000);
	}
	diag("the server does not answer: $query");
	return;
}

# ----------------------------------------------------------------
# Workers
# ----------------------------------------------------------------

sub kill_worker
{
	my ($self) = @_;
	my $pid = $self->worker($self->pick(@{ $self->{subscriptions} }));
	kill 'KILL', $pid if $pid;
	return;
}

sub terminate_worker
{
	my ($self) = @_;
	my $pid = $self->worker($self->pick(@{ $self->{subscriptions} }));
	$self->query("SELECT pg_terminate_backend($pid)") if $pid;
	return;
}

# Its process ID, if it runs or will soon.
sub worker
{
	my ($self, $subscription) = @_;
	foreach (1 .. 50)
	{
		my $pid = $self->query("SELECT pid FROM cdc_emit.pg_stat_cdc_emit
			WHERE subscription = '$subscription'");
		return $pid if $pid;
		usleep(100_000);
	}
	return;
}

sub disable
{
	my ($self, $meanwhile) = @_;
	my $subscription = $self->pick(@{ $self->{subscriptions} });
	$self->query("SELECT cdc_emit.disable_subscription('$subscription')");
	$meanwhile->();
	$self->query("SELECT cdc_emit.enable_subscription('$subscription')");
	return;
}

# Options that leave events as they are
sub alter
{
	my ($self) = @_;
	my $subscription = $self->pick(@{ $self->{subscriptions} });
	my $option = $self->pick(
		'"max_queue_bytes": "1MB"', '"max_queue_bytes": null',
		'"decoding_work_mem": "64kB"', '"decoding_work_mem": null',
		'"on_error": "dead_letter"', '"on_error": null');
	$self->query("SELECT cdc_emit.alter_subscription('$subscription',
		options => '{$option}')");
	return;
}

# Another process uses the slot for a moment.  It confirms nothing: that would
# be a loss of its making.
sub take_slot
{
	my ($self) = @_;
	my $node = $self->{node};
	my $subscription = $self->pick(@{ $self->{subscriptions} });
	my ($slot, $pid) = split /\|/,
	  $self->query("SELECT slot_name, pid FROM cdc_emit.pg_stat_cdc_emit
		WHERE subscription = '$subscription'");
	return if !$slot;

	$self->query("SELECT pg_terminate_backend($pid)") if $pid;
	my $taker = IPC::Run::start(
		[
			'pg_recvlogical', '-S', $slot, '--start', '-f', '-',
			'-d', $node->connstr('postgres'),
			'-o', 'publications=torture',
			'--no-loop', '-s', 0, '-F', 0
		],
		'>', '/dev/null',
		'2>', '/dev/null');
	$self->nap(3);
	$taker->kill_kill(grace => 0);
	return;
}

# ----------------------------------------------------------------
# The server
# ----------------------------------------------------------------

sub stop_server
{
	my ($self, $mode) = @_;
	$self->{node}->stop($mode);
	$self->nap(1);
	$self->{node}->start;
	return;
}

sub kill_server
{
	my ($self) = @_;
	kill_postmaster($self->{node});
	$self->{node}->start;
	return;
}

# ----------------------------------------------------------------
# Kafka and the network
# ----------------------------------------------------------------

sub kill_broker
{
	my ($self, $meanwhile) = @_;
	$self->{kafka}->stop('kill');
	$meanwhile->();
	$self->{kafka}->start;
	return;
}

sub stop_broker
{
	my ($self, $meanwhile) = @_;
	$self->{kafka}->stop;
	$meanwhile->();
	$self->{kafka}->start;
	return;
}

sub freeze_broker
{
	my ($self, $meanwhile) = @_;
	$self->{kafka}->pause;
	$meanwhile->();
	$self->{kafka}->resume;
	return;
}

sub start_proxy
{
	my ($self) = @_;
	my $pid = open my $output, '-|', "$dir/proxy", @{ $self->{proxy} }
	  or die "proxy: $!";
	<$output> or die 'the proxy does not start';
	$self->{proxy_pid} = $pid;
	$self->{proxy_output} = $output;
	return;
}

sub signal_proxy
{
	my ($self, $signal) = @_;
	kill $signal, $self->{proxy_pid} or die 'the proxy is gone';
	return;
}

# What hung goes on, or has ended meanwhile.
sub network
{
	my ($self, $meanwhile, $signal) = @_;
	$self->signal_proxy($signal);
	$meanwhile->();
	$self->signal_proxy('WINCH') if $self->chance(0.5);
	$self->signal_proxy('HUP');
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!);
	kill 'KILL', $self->{proxy_pid};
	close $self->{proxy_output};
	return;
}

1;
