# What stands in for a broker that does not behave: one that accepts
# connections and never answers, and a way to a real one that is slow.  Each
# is a process that ends with the test.

package BadBroker;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(sleep);

my @processes;

sub listen_on
{
	my ($port) = @_;
	return IO::Socket::INET->new(
		LocalAddr => '127.0.0.1',
		LocalPort => $port // 0,
		Listen => 100,
		ReuseAddr => 1) || die "could not listen: $!";
}

# Run code in a process of its own.
sub spawn
{
	my ($code) = @_;
	my $pid = fork // die "could not fork: $!";
	if ($pid == 0)
	{
		$SIG{TERM} = 'DEFAULT';
		eval { $code->(); };
		require POSIX;
		POSIX::_exit(0);
	}
	push @processes, $pid;
	return;
}

# Returns an address that accepts connections and never answers.
sub hanging
{
	my $listener = listen_on();
	my $port = $listener->sockport;

	spawn(
		sub {
			my @connections;
			push @connections, $_ while $_ = $listener->accept;
		});
	close $listener;
	return "127.0.0.1:$port";
}

# Forward connections to $target, so many bytes per second in each direction.
sub slow
{
	my ($port, $target, $rate) = @_;
	my $listener = listen_on($port);
	my $tick = 0.05;

	spawn(
		sub {
			my $readers = IO::Select->new($listener);
			my %peer;
			my %buffer;
			for (;;)
			{
				foreach my $socket ($readers->can_read($tick))
				{
					if ($socket == $listener)
					{
						my $near = $listener->accept or next;
						my $far = IO::Socket::INET->new(PeerAddr => $target);
						next if !$far;
						$readers->add($near, $far);
						@peer{ $near, $far } = ($far, $near);
						@buffer{ $near, $far } = ('', '');
						next;
					}

					# what is not sent yet bounds what is read
					next if length($buffer{$socket}) >= $rate;
					my $got = sysread($socket, $buffer{$socket}, $rate,
						length $buffer{$socket});
					next if $got;
					my $other = delete $peer{$socket};
					delete $peer{$other} if $other;
					$readers->remove($socket, $other // ());
					close $_ foreach grep { defined } $socket, $other;
				}
				sleep($tick);
				foreach my $socket ($readers->handles)
				{
					next if $socket == $listener || !$peer{$socket};
					my $chunk =
					  substr($buffer{$socket}, 0, $rate * $tick * 2, '');
					syswrite($peer{$socket}, $chunk) if length $chunk;
				}
			}
		});
	close $listener;
	return;
}

END
{
	local $?;
	kill 'KILL', @processes;
	waitpid $_, 0 foreach @processes;
}

1;
