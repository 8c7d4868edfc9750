# The embedded broker: enough to try things out with an ordinary client.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('primary');
$node->safe_psql('postgres', <<'EOQ');
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE TABLE reading (id int PRIMARY KEY, value numeric(5, 2));
CREATE PUBLICATION shop FOR TABLE item, reading;
EOQ
create_subscription($node, undef, 'shop');

sub address
{
	return $node->safe_psql('postgres',
		'SELECT bootstrap_servers FROM cdc_emit.pg_stat_cdc_emit');
}

my $address = address();
like($address, qr/^127\.0\.0\.1:\d+$/, 'the view tells where the broker is');

$node->safe_psql('postgres', <<'EOQ');
INSERT INTO item VALUES (1, 'one'), (2, E'zwei "2" \\ \t \u20ac');
UPDATE item SET name = 'eins' WHERE id = 1;
DELETE FROM item WHERE id = 2;
EOQ
acknowledged($node, 'shop');
load_topics($node, $address, 'shop.public.item');
is_stored_once($node, 4);
is_ordered($node);
is_rebuilt($node, 'shop.public.item', 'item');
is( $node->safe_psql(
		'postgres',
		"SELECT string_agg(op, '' ORDER BY commit_lsn, commit_index)
		 FROM event"),
	'ccud',
	'operations in order');
is( $node->safe_psql(
		'postgres', "SELECT after->>'name' FROM event WHERE op = 'c'
			AND key::jsonb = '{\"id\": 2}'"),
	qq(zwei "2" \\ \t \x{e2}\x{82}\x{ac}),
	'text arrives unharmed');

# What the format has no room for is counted.
$node->safe_psql('postgres',
	"INSERT INTO reading VALUES (1, 1.5), (2, 'NaN'), (3, NULL)");
acknowledged($node, 'shop');
is( $node->safe_psql(
		'postgres', 'SELECT nulled_values FROM cdc_emit.pg_stat_cdc_emit'),
	1,
	'a number that became null is counted, a null is not');

# A restart begins with a new broker.
$node->restart;
is($node->safe_psql('postgres', "SELECT cdc_emit.wait_ready('shop')"),
	't', 'streams after a restart');
$node->safe_psql('postgres', "INSERT INTO item VALUES (3, 'three')");
acknowledged($node, 'shop');
load_topics($node, address(), 'shop.public.item');
is_stored_once($node, 1);

# The broker is a listener of the worker: it goes with it.
$address = address();
$node->safe_psql('postgres', "SELECT cdc_emit.disable_subscription('shop')");
ok( $node->poll_query_until(
		'postgres', 'SELECT pid IS NULL FROM cdc_emit.pg_stat_cdc_emit'),
	'disabled');
isnt(system("kcat -L -m 1 -b $address >/dev/null 2>&1"),
	0, 'the broker is gone with the worker');

$node->stop;
done_testing();
