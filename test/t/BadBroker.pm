# What stands in for a broker that does not behave: one that accepts
# connections and never answers, a way to a real one that is slow, and one that
# refuses the first messages to a topic.  Each is a process that ends with the
# test.

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

# Topic and partition of a request that is Produce, and its correlation id; as
# of version 3, and for one partition, as librdkafka sends it.
sub produce_request
{
	my ($request) = @_;
	my ($key, $version, $id, $client, $transaction) =
	  unpack 'n n N n/a* n', $request;
	return if $key != 0;
	my $offset = 10 + length($client) + 2;
	$offset += $transaction if $transaction != 0xffff;
	my ($topic, $partition) =
	  unpack "x$offset x2 x4 x4 n/a* x4 N", $request;
	return ($id, $topic, $partition);
}

# "not leader" as the answer, version 7
sub refusal
{
	my ($id, $topic, $partition) = @_;
	my $response = pack 'N N n/a* N N n q> q> q> N',
	  $id, 1, $topic, 1, $partition, 6, -1, -1, -1, 0;
	return pack('N', length $response) . $response;
}

# Forward connections to $target, but for the first Produce request for topics
# that match: that one is refused when a second one comes, which is forwarded.
# "$file" exists from the first one on.
sub refusing
{
	my ($port, $target, $topics, $file) = @_;
	my $listener = listen_on($port);

	spawn(
		sub {
			my $readers = IO::Select->new($listener);
			my (%far, %near, %buffer, %held, %refused);
			for (;;)
			{
				foreach my $socket ($readers->can_read)
				{
					if ($socket == $listener)
					{
						my $client = $listener->accept or next;
						my $server = IO::Socket::INET->new(PeerAddr => $target)
						  or next;
						$_->autoflush foreach $client, $server;
						$readers->add($client, $server);
						$far{$client} = $server;
						$near{$server} = $client;
						$buffer{$client} = '';
						next;
					}
					my $got = sysread($socket, my $data, 65536);
					if (!$got)
					{
						my $other = $far{$socket} // $near{$socket};
						$readers->remove($socket, $other);
						close $_ foreach $socket, $other;
						next;
					}
					if ($near{$socket})
					{
						print { $near{$socket} } $data;
						next;
					}
					$buffer{$socket} .= $data;
					while (length $buffer{$socket} >= 4)
					{
						my $length = 4 + unpack 'N', $buffer{$socket};
						last if length $buffer{$socket} < $length;
						my $request = substr $buffer{$socket}, 0, $length, '';
						my ($id, $topic, $partition) =
						  produce_request(substr $request, 4);
						if (defined $topic && $topic =~ $topics)
						{
							my $name = "$topic $partition";
							if (!$refused{$name}++)
							{
								$held{$name} = refusal($id, $topic, $partition);
								open(my $mark, '>', $file);
								close $mark;
								next;
							}
							print $socket delete $held{$name} if $held{$name};
						}
						print { $far{$socket} } $request;
					}
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
