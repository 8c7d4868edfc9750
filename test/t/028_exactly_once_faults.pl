# delivery = exactly_once and a process that dies or fails at the worst moment:
# each event is there once.  The points are in src (FAULT_POINT).

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $installation = fault_installation();
require_kafka();
my $kafka = new_kafka();
my $node = new_node('primary', 'restart_after_crash = on',
	install_path => $installation);
my $file = $node->data_dir . '/cdc_emit.fault';
my $patience = 10 * $PostgreSQL::Test::Utils::timeout_default;

$node->safe_psql('postgres', <<'EOQ');
CREATE TABLE item (id serial PRIMARY KEY, body text);
CREATE TABLE counter (id int PRIMARY KEY, n int);
CREATE PUBLICATION stream FOR TABLE item, counter;
INSERT INTO counter VALUES (1, 0);
EOQ
create_subscription($node, $kafka, 'stream',
	options => '{"delivery": "exactly_once", "commit_interval": 20,
		"message_include": ["note"]}');

sub arm
{
	my ($point, $action, $skip) = @_;
	append_to_file("$file.new", "$point $action $skip\n");
	rename "$file.new", $file or die "could not rename: $!";
	return;
}

# After a crash the server needs a moment.
sub query
{
	my ($query) = @_;
	my ($status, $stdout) = $node->psql('postgres', $query);
	return $status == 0 ? $stdout : '';
}

sub wait_until
{
	my ($name, $code) = @_;
	foreach (1 .. $patience)
	{
		return pass($name) if $code->();
		usleep(100_000);
	}
	return fail($name);
}

# The next start comes without the delay that failures add up to.
sub restart_worker
{
	query("SELECT cdc_emit.disable_subscription('stream')");
	wait_until('disabled',
		sub { query('SELECT state FROM cdc_emit.pg_stat_cdc_emit') eq 'disabled' });
	query("SELECT cdc_emit.enable_subscription('stream')");
	return;
}

my $messages = 0;
foreach my $fault (
	[ 'after_fencing', 0 ], [ 'before_produce', 300 ],
	[ 'after_produce', 300 ], [ 'after_delivery', 5 ],
	[ 'before_kafka_commit', 2 ], [ 'after_kafka_commit', 2 ],
	[ 'before_confirm', 1 ], [ 'after_confirm', 1 ],
	[ 'before_save', 0 ], [ 'after_save', 0 ])
{
	my ($point, $skip) = @$fault;
	foreach my $action ('crash', 'error')
	{
		my $rounds = 0;
		restart_worker() if $point ne 'after_fencing';
		arm($point, $action, $skip);
		restart_worker() if $point eq 'after_fencing';
		while (-e $file && $rounds++ < $patience)
		{
			query(<<"EOQ");
INSERT INTO item (body) SELECT '$point' FROM generate_series(1, 50);
UPDATE counter SET n = n + 1;
EOQ

			# outside of transactions; what commits flushes it
			$messages++ if query(<<'EOQ');
INSERT INTO item (body) SELECT pg_logical_emit_message(false, 'note', 'x')
RETURNING id
EOQ
		}
		ok(!-e $file, "$action at $point, after $rounds rounds");
		wait_until('streams afterwards',
			sub { query('SELECT state FROM cdc_emit.pg_stat_cdc_emit') eq 'streaming' });
	}
}

acknowledged($node, 'stream');
my @topics = ('stream.public.item', 'stream.public.counter');
load_topics($node, $kafka->address, { isolation => 'read_uncommitted' },
	@topics);
my $all = count_of($node, 'event WHERE NOT tombstone');
load_topics($node, $kafka->address, @topics);
my $items = count_of($node, 'item');
my $count = query('SELECT n FROM counter');
cmp_ok($all, '>', $items + $count, 'events were aborted');
is_stored_once($node, $items + $count);
is_ordered($node);
is_rebuilt($node, 'stream.public.item', 'item');
is_rebuilt($node, 'stream.public.counter', 'counter');
is(query("SELECT count(DISTINCT after->>'n') FROM event
	WHERE topic = 'stream.public.counter' AND NOT tombstone"),
	$count, 'each update is there');

# messages outside of transactions; those of which nobody knows may be there
load_topics($node, $kafka->address, 'stream.message');
cmp_ok(count_of($node, 'event'), '>=', $messages,
	"$messages messages outside of transactions are there");
is(count_of($node, '(SELECT FROM event GROUP BY commit_lsn, commit_index
		HAVING count(*) > 1) x'), 0, 'each of them once');

$node->stop;
done_testing();
