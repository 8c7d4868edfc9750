# A value that makes an event longer than memory can hold in one piece is an
# error that names the column, not a crash; max_value_bytes leaves it out.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Under valgrind that would take too long.
my $length = $ENV{CDC_VALGRIND} ? 2_000_000 : 180_000_000;
my $node = new_node('primary');

# Characters that take six bytes each in JSON
$node->safe_psql('postgres', <<"EOQ");
CREATE TABLE big (id int PRIMARY KEY, t text);
CREATE PUBLICATION big FOR TABLE big;
SELECT pg_create_logical_replication_slot('big', 'cdc_emit');
INSERT INTO big VALUES (1, repeat(chr(1), $length));
EOQ

sub changes
{
	my (%options) = @_;
	my $arguments = join '', map { ", '$_', '$options{$_}'" } keys %options;
	return $node->psql('postgres',
		"SELECT data::json #> '{value,after}'
		   FROM pg_logical_slot_peek_changes('big', NULL, NULL,
				'publications', 'big'$arguments)");
}

my ($status, $stdout, $stderr);
unless ($ENV{CDC_VALGRIND})
{
	($status, $stdout, $stderr) = changes();
	isnt($status, 0, 'too long an event is an error');
	like($stderr, qr/ERROR:  event is longer than 1 GB/, 'it says what it is');
	like($stderr, qr/HINT:  Set the option max_value_bytes/, 'and what helps');
	like($stderr, qr/column "t" of table "public\.big"/, 'and where');
}

($status, $stdout, $stderr) = changes(max_value_bytes => '1MB');
is($stdout, '{"id":1,"t":"__debezium_unavailable_value"}',
	'max_value_bytes leaves the value out');
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is alive');

$node->stop;
done_testing();
