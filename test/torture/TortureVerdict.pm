# The verdict of the torture test: what is in Kafka, beside what the table
# "history" says has been committed.

package TortureVerdict;

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

my @tables = qw(item item_full item_pair);

# What is kept of a message.  Content leaves out when and how often it was sent.
my $schema = <<'EOQ';
SET client_min_messages = warning;
DROP TABLE IF EXISTS message, event, first_event;
CREATE UNLOGGED TABLE message (partition int, "offset" bigint, key text,
	value_length int, value text);
CREATE UNLOGGED TABLE event (tab name, partition int, "offset" bigint,
	key jsonb, tombstone boolean, op "char", version bigint, xid bigint,
	commit_lsn bigint, commit_index bigint, content uuid, body_is_right boolean);
EOQ

my $digest = <<'EOQ';
INSERT INTO event
SELECT '%s', partition, "offset", key::jsonb, value_length < 0, v->>'op',
	coalesce(v->'after'->>'version', v->'before'->>'version')::bigint,
	(v->'source'->>'txId')::bigint, (v->'source'->>'commit_lsn')::bigint,
	(v->'source'->>'commit_index')::bigint,
	md5((v - '{ts_ms,ts_us,ts_ns}'::text[] #- '{source,sequence}')::text)::uuid,
	v->>'op' = 'd' OR
		v->'after'->>'body' = body((v->'after'->>'body_version')::bigint) OR
		(v->'after'->>'body' = '__debezium_unavailable_value' AND
			v->'after'->>'body_version' <> v->'after'->>'version')
FROM message, LATERAL (SELECT value::jsonb AS v OFFSET 0) j;
TRUNCATE message;
EOQ

# The first time that each event is there
my $first = <<'EOQ';
CREATE INDEX ON event (commit_lsn, commit_index);
CREATE UNLOGGED TABLE first_event AS
	SELECT DISTINCT ON (commit_lsn, commit_index) * FROM event
	WHERE NOT tombstone ORDER BY commit_lsn, commit_index, "offset";
ANALYZE event;
ANALYZE first_event;
EOQ

# Each counts what must not be.
my @faults = (
	[
		'missing events' => <<'EOQ'
SELECT tab, op, key, version, xid FROM history
EXCEPT ALL SELECT tab, op, key, version, xid FROM first_event
EOQ
	],
	[
		'events of nothing that was committed' => <<'EOQ'
SELECT tab, op, key, version, xid FROM first_event
EXCEPT ALL SELECT tab, op, key, version, xid FROM history
EOQ
	],
	[
		'keys with events in another order than they were committed' => <<'EOQ'
SELECT tab, key, h.events AS committed, e.events AS emitted
FROM (SELECT tab, key, array_agg(op::text || ' ' || coalesce(version, 0) ORDER BY hid)
		AS events FROM history GROUP BY tab, key) h
	FULL JOIN (SELECT tab, key, array_agg(op::text || ' ' || coalesce(version, 0)
		ORDER BY "offset") AS events FROM first_event GROUP BY tab, key) e
	USING (tab, key)
WHERE h.events IS DISTINCT FROM e.events
EOQ
	],
	[
		'keys in more than one partition' => <<'EOQ'
SELECT tab, key FROM event GROUP BY tab, key
HAVING count(DISTINCT partition) > 1
EOQ
	],
	[
		'repeated events that are not equal' => <<'EOQ'
SELECT commit_lsn, commit_index FROM event WHERE NOT tombstone
GROUP BY commit_lsn, commit_index
HAVING count(DISTINCT (tab, partition, key, content)) > 1
EOQ
	],
	[
		'transactions with more than one commit position' => <<'EOQ'
SELECT xid FROM first_event GROUP BY xid HAVING count(DISTINCT commit_lsn) > 1
EOQ
	],
	[ 'wrong values' => 'SELECT * FROM event WHERE NOT body_is_right' ],
	[
		'rows in which the tables and what was rebuilt from topics differ' =>
		  <<'EOQ'
WITH rebuilt AS (
	SELECT tab, key, version FROM (SELECT DISTINCT ON (tab, key) *
		FROM event ORDER BY tab, key, "offset" DESC) e WHERE NOT tombstone),
row AS (
	SELECT 'item'::name, jsonb_build_object('id', id), version FROM item
	UNION ALL
	SELECT 'item_full', jsonb_build_object('id', id), version FROM item_full
	UNION ALL
	SELECT 'item_pair', jsonb_build_object('id', id, 'part', part), version
	FROM item_pair)
(TABLE rebuilt EXCEPT ALL TABLE row) UNION ALL
(TABLE row EXCEPT ALL TABLE rebuilt)
EOQ
	]);

# Only where nothing may come twice
my @repeats = (
	[
		'repeats' => <<'EOQ'
SELECT commit_lsn, commit_index FROM event WHERE NOT tombstone
GROUP BY commit_lsn, commit_index HAVING count(*) > 1
EOQ
	],
	[
		'keys with a tombstone too many or too few' => <<'EOQ'
SELECT tab, key FROM event GROUP BY tab, key
HAVING count(*) FILTER (WHERE tombstone) <> count(*) FILTER (WHERE op = 'd')
EOQ
	]);

# Messages of the topics, as a consumer of committed messages gets them.
sub load
{
	my ($node, $address, $prefix) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();

	$node->safe_psql('postgres', $schema);
	foreach my $table (@tables)
	{
		my $file = "$dir/$table";
		system( "kcat -C -q -e -o beginning -X check.crcs=true -b $address "
			  . "-X isolation.level=read_committed -t $prefix.public.$table "
			  . "-f '%p\\x02%o\\x02%k\\x02%S\\x02%s\\n' > $file") == 0
		  or die "kcat could not read topics of $prefix";
		$node->safe_psql('postgres',
			"COPY message FROM '$file' "
			  . "(FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')");
		unlink $file;
		$node->safe_psql('postgres', sprintf $digest, $table);
	}
	$node->safe_psql('postgres', $first);
	return;
}

sub figure
{
	my ($node, $query) = @_;
	return $node->safe_psql('postgres', "SELECT count(*) FROM ($query) x");
}

# Nothing of that kind; what there is is shown.
sub none_of
{
	my ($node, $prefix, $name, $query) = @_;
	my $count = figure($node, $query);

	is($count, 0, "$prefix: no $name")
	  or diag($node->safe_psql('postgres', "$query LIMIT 10"));
	return;
}

# All of it for one subscription, whose name is the prefix of its topics.
sub judge
{
	my ($node, $address, $prefix, %args) = @_;

	load($node, $address, $prefix);
	my $expected = figure($node, 'TABLE history');
	my $events = figure($node, 'TABLE first_event');
	my $repeats =
	  figure($node, 'SELECT FROM event WHERE NOT tombstone') - $events;
	my $transactions = figure($node, 'SELECT DISTINCT xid FROM history');

	is($events, $expected,
		"$prefix: $events events of $transactions transactions, "
		  . "$repeats repeated");
	none_of($node, $prefix, @$_) foreach @faults;
	if ($args{exactly_once})
	{
		none_of($node, $prefix, @$_) foreach @repeats;
	}
	return;
}

1;
