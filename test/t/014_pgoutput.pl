# The plugin publishes what pgoutput publishes: the same WAL is read by both
# for many sets of publications, and gives the same operations on the same
# rows and columns, in the same order.
#
# A group is a table or some, publications, and transactions.  All sets of one
# to three of its publications are compared, each transaction being a case.
# Where one of the two refuses a set, the other has to.  Differences by design
# are normalised, each where it is met:
# - an update of the key is a delete and a create of ours;
# - an update that leaves the key alone has no row before it, unless the
#   identity is FULL (pgoutput sends the key if it is TOASTed);
# - one TRUNCATE of several tables is an event of each table;
# - an unchanged TOAST value is taken from the old row if that has it;
# - before 18, pgoutput never sends generated columns;
# - 15 does not see that a column list names all columns if some are dropped
#   or generated, and refuses to unite it with publications that have none.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('primary');
my $version =
  int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000);
my $placeholder = '__debezium_unavailable_value';
my ($cases, $changes, $refused) = (0, 0, 0);

# Our events.  The columns of a row are a text of name=value; values have no
# blanks.  Long ones are told by their beginning and length, as in shortened().
$node->safe_psql('postgres', <<'EOQ');
CREATE FUNCTION columns(json) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(key || '=' || CASE WHEN value IS NULL THEN 'NULL'
             WHEN value IN ('true', 'false') THEN left(value, 1)
             WHEN length(value) > 60 THEN left(value, 8) || '...' || length(value)
             ELSE value END, ' ' ORDER BY n)
    FROM json_each_text(CASE json_typeof($1) WHEN 'object' THEN $1 END)
         WITH ORDINALITY AS e (key, value, n)
$$;
CREATE FUNCTION events(publications text, origin text)
RETURNS TABLE (xid text, op text, name text, before text, after text)
LANGUAGE sql AS $$
  SELECT s ->> 'txId', upper(v ->> 'op'), s ->> 'table',
         columns(v -> 'before'), columns(v -> 'after')
    FROM pg_logical_slot_peek_changes('ours', NULL, NULL, 'publications', publications,
                                      'tombstones', 'off', 'origin', origin),
         LATERAL (SELECT data::json -> 'value' AS v OFFSET 0) j,
         LATERAL (SELECT v -> 'source' AS s) k
$$;
EOQ

# ----------------------------------------------------------------
# Both sides as lists of changes: { xid, op, name, before, after }, rows as
# references to lists of [name, value]
# ----------------------------------------------------------------

sub shortened
{
	my ($value) = @_;
	return length($value) > 60
	  ? substr($value, 0, 8) . '...' . length($value)
	  : $value;
}

# A result or an error for each query
sub results_of
{
	my (@queries) = @_;
	my ($stdout, $stderr);

	$node->psql(
		'postgres',
		join('', map { "\\echo <>\n\\warn <>\n$_;\n" } @queries),
		stdout => \$stdout,
		stderr => \$stderr,
		on_error_stop => 0);
	my @output = split /^<>(?:\n|\z)/m, $stdout, -1;
	my @errors = split /^<>(?:\n|\z)/m, $stderr, -1;
	die "could not run the queries: $stderr"
	  if @output != @queries + 1 || @errors != @queries + 1;
	return map { { lines => [ split /\n/, $output[$_] ], error => $errors[$_] } }
	  1 .. @queries;
}

sub ours_of
{
	my ($group, $result) = @_;
	my @changes;

	foreach my $line (@{ $result->{lines} })
	{
		my ($xid, $op, $name, @rows) =
		  map { $_ eq '\N' ? undef : $_ } split /\t/, $line, -1;
		my ($before, $after) =
		  map { $_ && [ map { [ split /=/, $_, 2 ] } split / /, $_ ] } @rows;
		push @changes,
		  {
			xid => $xid,
			op => $op,
			name => $name,
			before => $before,
			after => $after
		  };
	}
	return \@changes;
}

# Take values from the beginning of a message of pgoutput.
sub take
{
	my ($message, $template) = @_;
	my @values = unpack("$template a*", $$message);
	$$message = pop @values;
	return wantarray ? @values : $values[0];
}

sub take_tuple
{
	my ($message, $relation) = @_;
	my @row;

	foreach my $i (1 .. take($message, 'n'))
	{
		my $kind = take($message, 'a');
		my $value =
		    $kind eq 'n' ? 'NULL'
		  : $kind eq 'u' ? $placeholder
		  : $kind eq 't' ? shortened(take($message, 'N/a'))
		  :                die "kind \"$kind\" of a column";
		push @row, [ $relation->{columns}[ $i - 1 ], $value ];
	}
	die 'number of columns' if @row != @{ $relation->{columns} };
	return \@row;
}

sub take_relation
{
	my ($message) = @_;
	my ($oid, $schema, $name, $identity, $natts) = take($message, 'N Z* Z* a n');
	my @columns = map { (take($message, 'C Z* N N'))[1] } 1 .. $natts;
	return ($oid, { name => $name, columns => \@columns });
}

# An update as one or two changes of ours
sub normalise_update
{
	my ($group, $change) = @_;
	my %old = map { @$_ } @{ $change->{before} // [] };
	my @keys = @{ $group->{keys}{ $change->{name} } // [] };
	my %new;

	foreach my $column (@{ $change->{after} })
	{
		my $old = $old{ $column->[0] } // 'NULL';
		$column->[1] = $old
		  if $column->[1] eq $placeholder && $old ne 'NULL';
		$new{ $column->[0] } = $column->[1];
	}
	return ({ %$change, op => 'D', after => undef },
		{ %$change, op => 'C', before => undef })
	  if $change->{before} && grep { $old{$_} ne $new{$_} } @keys;
	$change->{before} = undef if !$change->{full};
	return $change;
}

sub theirs_of
{
	my ($group, $result) = @_;
	my ($xid, %relations, @changes);

	foreach my $line (@{ $result->{lines} })
	{
		my $message = pack 'H*', $line;
		my $type = take(\$message, 'a');

		if ($type eq 'B')
		{
			$xid = unpack 'x16 N', $message;
		}
		elsif ($type eq 'R')
		{
			my ($oid, $relation) = take_relation(\$message);
			$relations{$oid} = $relation;
		}
		elsif ($type eq 'T')
		{
			my ($count, $options, @oids) = unpack 'N C N*', $message;
			die 'number of relations' if $count != @oids;
			push @changes,
			  { xid => $xid, op => 'T', name => $relations{$_}{name} }
			  foreach @oids;
		}
		elsif ($type =~ /[IUD]/)
		{
			my $relation = $relations{ take(\$message, 'N') };
			my $change = {
				xid => $xid,
				op => $type eq 'I' ? 'C' : $type,
				name => $relation->{name}
			};
			while (length $message)
			{
				my $kind = take(\$message, 'a');
				my $row = $kind eq 'N' ? 'after' : 'before';
				$change->{$row} = take_tuple(\$message, $relation);
				$change->{full} = 1 if $kind eq 'O';
			}
			push @changes, $type eq 'U' ? normalise_update($group, $change)
			  : $change;
		}
		elsif ($type !~ /[COY]/)
		{
			die "message \"$type\"";
		}
	}
	return \@changes;
}

# Rows before a change are compared without nulls, because they stand for
# columns outside of the identity, unless it is FULL.
sub change_text
{
	my ($group, $change) = @_;
	my $full = $group->{full}{ $change->{name} };
	my @texts;

	foreach my $which (qw(before after))
	{
		my @row = @{ $change->{$which} // [] };
		@row = grep { $_->[1] ne 'NULL' } @row if $which eq 'before' && !$full;
		@row = grep { $_->[0] ne 'generated' } @row if $version < 18;
		push @texts,
		  $change->{$which}
		  ? join(' ', map { "$_->[0]=$_->[1]" } @row)
		  : '-';
	}
	return join ' ', @$change{qw(xid op name)}, $texts[0], '=>', $texts[1];
}

# Why a set of publications is refused
sub reason
{
	my ($error) = @_;
	return 'columns'
	  if $error =~
	  /ERROR:  cannot use different (?:column lists|values of publish_gen)/;
	return $error =~ /ERROR:  (.*)/ ? $1 : undef;
}

# ----------------------------------------------------------------
# Groups
# ----------------------------------------------------------------

# All sets of one to three elements
sub sets
{
	my (@elements) = @_;
	my @sets = map { [$_] } 0 .. $#elements;

	for (my $i = 0; $i < @sets; $i++)
	{
		my @set = @{ $sets[$i] };
		push @sets, map { [ @set, $_ ] } $set[-1] + 1 .. $#elements
		  if @set < 3;
	}
	return map { [ @elements[@$_] ] } @sets;
}

sub compare_set
{
	my ($what, $group, $ours, $theirs) = @_;
	my @reasons = map { reason($_->{error}) } $ours, $theirs;

	if (grep { defined $_ } @reasons)
	{
		$refused++;
		return 1
		  if $version < 16
		  && $group->{all_columns_unclear}
		  && !defined $reasons[0]
		  && $reasons[1] eq 'columns';
		return 1 if ($reasons[0] // '') eq ($reasons[1] // '');
		diag("$what is refused:\n  ours   "
			  . ($reasons[0] // 'no')
			  . "\n  theirs "
			  . ($reasons[1] // 'no'));
		return 0;
	}

	my @ours = map { change_text($group, $_) } @{ ours_of($group, $ours) };
	my @theirs = map { change_text($group, $_) } @{ theirs_of($group, $theirs) };
	$changes += @theirs;
	for (my $i = 0; $i < @ours || $i < @theirs; $i++)
	{
		next if ($ours[$i] // '') eq ($theirs[$i] // '');
		diag("$what, change $i:\n  ours   "
			  . ($ours[$i] // '(none)')
			  . "\n  theirs "
			  . ($theirs[$i] // '(none)'));
		return 0;
	}
	return 1;
}

# name, setup: SQL that makes the tables; publications: name => definition;
# work: statements, each a transaction; keys: table => columns of its key;
# full: table => 1 if old rows are complete; origin: any or none;
# all_columns_unclear: there are columns that are dropped or generated
sub check_group
{
	my (%group) = @_;
	my %publications = @{ $group{publications} };
	my @sets = sets(sort keys %publications);
	my $origin = $group{origin} // 'any';
	my $options = $origin eq 'any' ? '' : ", 'origin', '$origin'";
	my $different = 0;
	my $before = $changes;

	$node->safe_psql('postgres', join(";\n", $group{setup},
		map { "CREATE PUBLICATION $_ $publications{$_}" }
		sort keys %publications));
	$node->safe_psql('postgres', <<'EOQ');
SELECT pg_create_logical_replication_slot('ours', 'cdc_emit');
SELECT pg_create_logical_replication_slot('theirs', 'pgoutput');
EOQ
	$node->safe_psql('postgres', join(";\n", @{ $group{work} }));

	my @ours = results_of(
		map {
			    "COPY (SELECT * FROM events('"
			  . join(',', @$_)
			  . "', '$origin')) TO STDOUT"
		} @sets);
	my @theirs = results_of(
		map {
			"COPY (SELECT encode(data, 'hex') FROM
			 pg_logical_slot_peek_binary_changes('theirs', NULL, NULL,
			 'proto_version', '1', 'publication_names', '"
			  . join(',', @$_) . "'$options)) TO STDOUT"
		} @sets);
	foreach my $i (0 .. $#sets)
	{
		$different++
		  if !compare_set("$group{name}: @{ $sets[$i] }",
			\%group, $ours[$i], $theirs[$i]);
	}
	$cases += @sets * @{ $group{work} };
	is($different, 0,
		"$group{name}: "
		  . @sets
		  . ' sets of publications, '
		  . @{ $group{work} }
		  . ' transactions, '
		  . ($changes - $before)
		  . ' changes');
	cmp_ok($changes, '>', $before, "$group{name}: there are changes");

	$node->safe_psql('postgres', <<"EOQ");
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots;
DROP PUBLICATION @{[ join ', ', keys %publications ]};
EOQ
	return;
}

check_group(
	name => 'REPLICA IDENTITY DEFAULT',
	setup => <<'EOQ',
CREATE SCHEMA one;
CREATE TABLE one.d (id int PRIMARY KEY, x int, t text, b bool, big text);
ALTER TABLE one.d ALTER big SET STORAGE EXTERNAL;
EOQ
	keys => { d => ['id'] },
	publications => [
		plain => 'FOR TABLE one.d',
		everything => 'FOR ALL TABLES',
		in_schema => 'FOR TABLES IN SCHEMA one',
		in_schema_too => 'FOR TABLES IN SCHEMA one, TABLE one.d WHERE (id > 10)',
		large => 'FOR TABLE one.d WHERE (id > 10)',
		even => 'FOR TABLE one.d WHERE (id % 2 = 0)',
		never => 'FOR TABLE one.d WHERE (NULL)',
		inserts => "FOR TABLE one.d WHERE (x > 10) WITH (publish = 'insert')",
		inserts_too => "FOR TABLE one.d WHERE (t IS NULL OR b) WITH (publish = 'insert')",
		updates => "FOR TABLE one.d WHERE (id > 10) WITH (publish = 'update')",
		deletes => "FOR TABLE one.d WHERE (id < 15) WITH (publish = 'delete, truncate')",
		list => 'FOR TABLE one.d (id, t)',
		list_large => 'FOR TABLE one.d (t, id) WHERE (id > 10)',
		list_all => 'FOR TABLE one.d (id, x, t, b, big) WHERE (id < 100)',
		list_keyless => "FOR TABLE one.d (x) WHERE (t = 'a') WITH (publish = 'insert')",
	],
	work => [
		"INSERT INTO one.d VALUES (1, 1, 'a', true, repeat('1', 3000)), (11, 20, NULL, false, NULL),
		 (12, 9, 'b', NULL, repeat('2', 3000)), (16, 11, 'a', true, '')",
		'UPDATE one.d SET x = x + 1',
		'UPDATE one.d SET x = NULL WHERE id = 12',
		'UPDATE one.d SET id = 13 WHERE id = 1',
		'UPDATE one.d SET id = 14 WHERE id = 13',
		'UPDATE one.d SET id = 2, b = NOT b WHERE id = 12',
		'UPDATE one.d SET id = 3 WHERE id = 2',
		"UPDATE one.d SET big = repeat('3', 4000), t = NULL",
		'UPDATE one.d SET id = id',
		"BEGIN; INSERT INTO one.d VALUES (4, 4, 'd'), (40, 40, 'd'); UPDATE one.d SET id = 50 - id
		 WHERE t = 'd'; DELETE FROM one.d WHERE t = 'd'; COMMIT",
		"BEGIN; INSERT INTO one.d VALUES (5, 5, 'e'); SAVEPOINT s; DELETE FROM one.d; ROLLBACK TO s;
		 UPDATE one.d SET id = 15 WHERE id = 5; COMMIT",
		"INSERT INTO one.d VALUES (15, 1, 'f'), (17, 17, 'f') ON CONFLICT (id) DO UPDATE SET x = 30, id = 6",
		'DELETE FROM one.d WHERE id >= 15',
		'DELETE FROM one.d',
		'INSERT INTO one.d VALUES (20, 20)',
		'TRUNCATE one.d',
	]);

check_group(
	name => 'REPLICA IDENTITY FULL',
	setup => <<'EOQ',
CREATE SCHEMA two;
CREATE TABLE two.f (id int PRIMARY KEY, x int, t text, b bool, big text);
ALTER TABLE two.f ALTER big SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
CREATE TABLE two.k (x int, t text);
ALTER TABLE two.k REPLICA IDENTITY FULL;
EOQ
	keys => { f => ['id'] },
	full => { f => 1, k => 1 },
	publications => [
		plain => 'FOR TABLE two.f, two.k',
		everything => 'FOR ALL TABLES',
		in_schema => 'FOR TABLES IN SCHEMA two',
		x => 'FOR TABLE two.f WHERE (x > 10), two.k WHERE (x > 10)',
		t => "FOR TABLE two.f WHERE (t IN ('a', 'b')), two.k WHERE (t <> 'b')",
		b => 'FOR TABLE two.f WHERE (b IS NOT TRUE)',
		pair => "FOR TABLE two.f WHERE ((id, x) > (10, 5) AND NOT coalesce(b, false))",
		big => 'FOR TABLE two.f WHERE (length(big) = 3000)',
		choice => "FOR TABLE two.f WHERE (CASE WHEN t LIKE 'a%' THEN x < 10 ELSE b END)",
		updates => "FOR TABLE two.f WHERE (x > 10) WITH (publish = 'update')",
		others => "FOR TABLE two.f WHERE (x < 5) WITH (publish = 'insert, delete')",
		list_all => "FOR TABLE two.k (x, t) WITH (publish = 'insert')",
	],
	work => [
		"INSERT INTO two.f VALUES (1, 1, 'a', true, repeat('1', 3000)), (11, 20, NULL, false, NULL),
		 (12, 9, 'b', NULL, repeat('2', 3000)), (16, 11, 'abc', true, '')",
		"INSERT INTO two.k VALUES (1, 'a'), (11, 'b'), (NULL, NULL), (20, 'c'), (20, 'c')",
		'UPDATE two.f SET x = x + 1',
		'UPDATE two.f SET x = 30 - x',
		'UPDATE two.f SET x = NULL WHERE id = 12',
		'UPDATE two.f SET x = 12 WHERE id = 12',
		'UPDATE two.f SET b = NOT b',
		"UPDATE two.f SET t = 'a' || t, b = true",
		'UPDATE two.f SET id = id + 100',
		"UPDATE two.f SET big = repeat('3', 4000) WHERE id = 101",
		'UPDATE two.f SET id = 115 - id, x = 30 - x',
		'UPDATE two.k SET x = 21 - x',
		"UPDATE two.k SET t = 'b'",
		'DELETE FROM two.k WHERE x = 1',
		'DELETE FROM two.k',
		'DELETE FROM two.f WHERE x > 10',
		'DELETE FROM two.f',
		'TRUNCATE two.k, two.f',
	]);

check_group(
	name => 'REPLICA IDENTITY USING INDEX',
	setup => <<'EOQ',
CREATE SCHEMA three;
CREATE TABLE three.i (id int PRIMARY KEY, a int NOT NULL, x int, t text NOT NULL, big text);
CREATE UNIQUE INDEX i_key ON three.i (t, a);
ALTER TABLE three.i ALTER t SET STORAGE EXTERNAL, ALTER big SET STORAGE EXTERNAL,
	REPLICA IDENTITY USING INDEX i_key;
EOQ
	keys => { i => [qw(a t)] },
	publications => [
		plain => 'FOR TABLE three.i',
		a => 'FOR TABLE three.i WHERE (a > 10)',
		t => 'FOR TABLE three.i WHERE (length(t) > 1000)',
		a_and_t => "FOR TABLE three.i WHERE (a > 10 AND t LIKE 't%')",
		list => 'FOR TABLE three.i (a, t, x) WHERE (a > 10)',
		inserts => "FOR TABLE three.i WHERE (id > 1) WITH (publish = 'insert')",
		in_schema => 'FOR TABLES IN SCHEMA three',
	],
	work => [
		"INSERT INTO three.i VALUES (1, 1, 1, 's', repeat('1', 3000)), (2, 12, 2, 's', NULL),
		 (3, 3, 3, repeat('t', 2100), repeat('3', 3000)), (4, 14, 4, repeat('t', 2100), 'b')",
		'UPDATE three.i SET x = x + 1',
		'UPDATE three.i SET id = id + 10',
		'UPDATE three.i SET a = a + 10 WHERE a < 10',
		"UPDATE three.i SET t = 's' || a WHERE a = 13",
		"UPDATE three.i SET t = repeat('t', 2200) WHERE a = 11",
		'UPDATE three.i SET a = a - 10',
		'DELETE FROM three.i WHERE a < 3',
		'DELETE FROM three.i',
		'TRUNCATE three.i',
	]);

check_group(
	name => 'no replica identity',
	setup => <<'EOQ',
CREATE SCHEMA four;
CREATE TABLE four.n (id int PRIMARY KEY, x int);
ALTER TABLE four.n REPLICA IDENTITY NOTHING;
CREATE TABLE four.k (id int, x int);
EOQ
	publications => [
		plain => "FOR TABLE four.n, four.k WITH (publish = 'insert, truncate')",
		x => "FOR TABLE four.n WHERE (x > 10), four.k WHERE (x > 10) WITH (publish = 'insert')",
		list => "FOR TABLE four.n (x), four.k (id) WHERE (x IS NULL) WITH (publish = 'insert')",
		truncates => "FOR TABLES IN SCHEMA four WITH (publish = 'truncate')",
	],
	work => [
		'INSERT INTO four.n VALUES (1, 1), (2, 20), (3, NULL)',
		'INSERT INTO four.k SELECT * FROM four.n',
		'UPDATE four.n SET x = 11',
		'DELETE FROM four.n WHERE id = 1',
		'UPDATE four.k SET x = 12',
		'DELETE FROM four.k',
		'TRUNCATE four.k, four.n',
	]);

check_group(
	name => 'partitions',
	setup => <<'EOQ',
CREATE SCHEMA five;
CREATE SCHEMA six;
CREATE TABLE five.r (id int, k int, x int, big text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE five.r1 PARTITION OF five.r FOR VALUES IN (1);
CREATE TABLE five.r2 (gone int, big text, x int, k int NOT NULL, id int NOT NULL);
ALTER TABLE five.r2 DROP gone;
ALTER TABLE five.r ATTACH PARTITION five.r2 FOR VALUES IN (2);
CREATE TABLE five.r3 PARTITION OF five.r FOR VALUES IN (3, 4) PARTITION BY LIST (k);
CREATE TABLE six.r33 PARTITION OF five.r3 FOR VALUES IN (3);
CREATE TABLE six.r34 (id int NOT NULL, k int NOT NULL, big text, x int);
ALTER TABLE six.r34 ALTER big SET STORAGE EXTERNAL;
ALTER TABLE five.r1 ALTER big SET STORAGE EXTERNAL;
ALTER TABLE five.r3 ATTACH PARTITION six.r34 FOR VALUES IN (4);
EOQ
	keys => { map { $_ => [qw(id k)] } qw(r r1 r2 r3 r33 r34) },
	publications => [
		leaf => 'FOR TABLE five.r',
		root => 'FOR TABLE five.r WITH (publish_via_partition_root)',
		root_large => 'FOR TABLE five.r WHERE (id > 10) WITH (publish_via_partition_root)',
		root_inserts => "FOR TABLE five.r WHERE (x > 10) WITH (publish = 'insert', publish_via_partition_root)",
		root_list => 'FOR TABLE five.r (k, id) WHERE (k <> 2) WITH (publish_via_partition_root)',
		middle => 'FOR TABLE five.r3 WHERE (id > 20) WITH (publish_via_partition_root)',
		middle_leaf => 'FOR TABLE five.r3, five.r2 WHERE (id > 10)',
		root_and_leaf => 'FOR TABLE five.r WHERE (id > 10), five.r1 WHERE (id > 20) WITH (publish_via_partition_root)',
		leaves => 'FOR TABLE five.r1 WHERE (id > 10), six.r34 WHERE (id < 20)',
		leaves_list => "FOR TABLE five.r1 (id, k), six.r34 (k, x) WITH (publish = 'insert')",
		in_schema => 'FOR TABLES IN SCHEMA six',
		in_schema_root => 'FOR TABLES IN SCHEMA five WITH (publish_via_partition_root)',
		everything => "FOR ALL TABLES WITH (publish = 'insert, truncate')",
		everything_root => 'FOR ALL TABLES WITH (publish_via_partition_root)',
	],
	work => [
		"INSERT INTO five.r SELECT 10 * i + k, k, i * k, repeat('b', 3000 * (k % 2))
		 FROM generate_series(0, 2) i, generate_series(1, 4) k",
		'UPDATE five.r SET x = x + 10',
		'UPDATE five.r SET id = 30 - id WHERE id % 2 = 0',
		'UPDATE five.r SET k = k % 4 + 1, id = id + 1000',
		'UPDATE five.r SET id = id - 1000',
		'UPDATE five.r SET k = 4 WHERE k = 3',
		"BEGIN; INSERT INTO five.r2 (id, k, x) VALUES (100, 2, 0); UPDATE five.r SET k = 1 WHERE id = 100;
		 DELETE FROM five.r1 WHERE id = 100; COMMIT",
		'DELETE FROM five.r WHERE id < 20',
		'TRUNCATE five.r1',
		'TRUNCATE five.r3',
		'TRUNCATE five.r, two.k',
		'INSERT INTO six.r34 VALUES (5, 4), (50, 4)',
		'DELETE FROM six.r34',
	]);

check_group(
	name => 'dropped and added columns',
	all_columns_unclear => 1,
	setup => <<'EOQ',
CREATE SCHEMA seven;
CREATE TABLE seven.a (gone int, id int PRIMARY KEY, gone_too text, t text);
INSERT INTO seven.a VALUES (1, 1, 'g', 't'), (1, 11, 'g', NULL);
ALTER TABLE seven.a DROP gone, DROP gone_too, ADD x int DEFAULT 11, ADD y int NOT NULL DEFAULT 1,
	REPLICA IDENTITY FULL;
EOQ
	keys => { a => ['id'] },
	full => { a => 1 },
	publications => [
		plain => 'FOR TABLE seven.a',
		x => 'FOR TABLE seven.a WHERE (x > 10)',
		y => 'FOR TABLE seven.a WHERE (y = 1)',
		list => "FOR TABLE seven.a (id, y) WHERE (x > 10) WITH (publish = 'insert')",
		list_all => "FOR TABLE seven.a (y, x, t, id) WITH (publish = 'insert')",
	],
	work => [
		"UPDATE seven.a SET t = 'u'",
		'UPDATE seven.a SET y = 2',
		'UPDATE seven.a SET x = 5, y = y - 1 WHERE id = 1',
		'INSERT INTO seven.a (id) VALUES (2)',
		'INSERT INTO seven.a (id, x) VALUES (3, NULL)',
		'DELETE FROM seven.a',
	]);

my @stored = $version >= 18
  ? (
	stored => 'FOR TABLE eight.g WITH (publish_generated_columns = stored)',
	none => 'FOR TABLE eight.g WITH (publish_generated_columns = none)',
	list_generated => 'FOR TABLE eight.g (id, x, generated)',
	list_generated_only =>
	  "FOR TABLE eight.g (generated) WITH (publish = 'insert')",
	in_schema_stored =>
	  'FOR TABLES IN SCHEMA eight WITH (publish_generated_columns = stored)')
  : ();
check_group(
	name => 'generated columns',
	all_columns_unclear => 1,
	setup => <<'EOQ',
CREATE SCHEMA eight;
CREATE TABLE eight.g (id int PRIMARY KEY, x int, generated int GENERATED ALWAYS AS (x * 2) STORED);
EOQ
	keys => { g => ['id'] },
	publications => [
		plain => 'FOR TABLE eight.g',
		list => 'FOR TABLE eight.g (id, x) WHERE (id > 1)',
		list_id => 'FOR TABLE eight.g (id)',
		in_schema => 'FOR TABLES IN SCHEMA eight',
		inserts => "FOR TABLE eight.g WHERE (generated > 10) WITH (publish = 'insert')",
		@stored,
	],
	work => [
		'INSERT INTO eight.g (id, x) VALUES (1, 1), (2, 10), (3, NULL)',
		'UPDATE eight.g SET x = 20',
		'UPDATE eight.g SET id = id + 10 WHERE id < 3',
		'DELETE FROM eight.g',
	]);

check_group(
	name => 'publications that change',
	setup => 'CREATE SCHEMA nine;
CREATE TABLE nine.c (id int PRIMARY KEY, x int, t text);
CREATE TABLE nine.c2 (id int PRIMARY KEY, x int)',
	keys => { c => ['id'], c2 => ['id'] },
	publications => [
		changing => '',
		fixed => 'FOR TABLE nine.c WHERE (id % 2 = 0)',
		inserts => "FOR TABLE nine.c2 WITH (publish = 'insert')",
	],
	work => [
		"INSERT INTO nine.c VALUES (1, 1, 'a'), (12, 12, 'b')",
		'ALTER PUBLICATION changing ADD TABLE nine.c WHERE (id > 10)',
		"INSERT INTO nine.c VALUES (4, 4, 'a'), (15, 15, 'b')",
		"BEGIN; UPDATE nine.c SET id = id + 10; ALTER PUBLICATION changing SET TABLE nine.c WHERE (id > 20), nine.c2;
		 UPDATE nine.c SET id = id + 1; ALTER PUBLICATION fixed SET (publish = 'delete');
		 INSERT INTO nine.c2 VALUES (1, 1); UPDATE nine.c SET x = 0; COMMIT",
		"BEGIN; DELETE FROM nine.c WHERE id < 20; SAVEPOINT s; ALTER PUBLICATION changing SET (publish = 'insert');
		 UPDATE nine.c SET x = 1; ROLLBACK TO s; UPDATE nine.c SET x = 2; COMMIT",
		'ALTER PUBLICATION changing DROP TABLE nine.c',
		'UPDATE nine.c SET x = 3',
		'ALTER PUBLICATION changing ADD TABLES IN SCHEMA nine',
		'UPDATE nine.c SET x = 4, id = id + 5',
		"BEGIN; ALTER PUBLICATION changing DROP TABLES IN SCHEMA nine; ALTER PUBLICATION changing SET TABLE nine.c (id, t);
		 ALTER PUBLICATION fixed SET TABLE nine.c (t, id); UPDATE nine.c SET t = 'z'; COMMIT",
		"ALTER PUBLICATION fixed SET (publish = 'insert, update, delete')",
		'BEGIN; ALTER TABLE nine.c RENAME t TO u; DELETE FROM nine.c WHERE id % 2 = 0; COMMIT',
		'ALTER TABLE nine.c REPLICA IDENTITY NOTHING',
		"INSERT INTO nine.c VALUES (100, 100, 'n')",
		'DROP TABLE nine.c',
		'INSERT INTO nine.c2 VALUES (2, 2)',
	]);

if ($version >= 19)
{
	check_group(
		name => 'all tables but some',
		setup => '',
		keys => { d => ['id'], f => ['id'], g => ['id'], r => [qw(id k)] },
		full => { f => 1, k => 1, a => 1 },
		publications => [
			but_d => 'FOR ALL TABLES EXCEPT (TABLE one.d, five.r)',
			but_f => 'FOR ALL TABLES EXCEPT (TABLE two.f) WITH (publish_via_partition_root)',
			d => 'FOR TABLE one.d WHERE (id > 10)',
			f => 'FOR TABLE two.f WHERE (id > 10)',
		],
		work => [
			"INSERT INTO one.d VALUES (1), (11); INSERT INTO two.f VALUES (1), (11)",
			'INSERT INTO five.r VALUES (1, 1), (2, 2)',
			'UPDATE one.d SET id = id + 1',
			'DELETE FROM two.f',
			'DELETE FROM five.r',
			'TRUNCATE one.d, two.f, five.r',
		]);
}

# The option came to pgoutput with 16.
foreach my $origin ('any', $version >= 16 ? 'none' : ())
{
	check_group(
		name => "origin = $origin",
		setup => "CREATE TABLE o_$origin (id int PRIMARY KEY)",
		origin => $origin,
		keys => { "o_$origin" => ['id'] },
		publications => [ o => "FOR TABLE o_$origin" ],
		work => [
			"SELECT pg_replication_origin_create('o_$origin')",
			"INSERT INTO o_$origin VALUES (1)",
			"SELECT pg_replication_origin_session_setup('o_$origin')",
			"INSERT INTO o_$origin VALUES (2)",
			"BEGIN; INSERT INTO o_$origin VALUES (3); SELECT pg_replication_origin_session_reset();
			 INSERT INTO o_$origin VALUES (4); COMMIT",
			"INSERT INTO o_$origin VALUES (5)",
		]);
}

note("$cases cases: $changes changes are the same, "
	  . "$refused sets of publications are refused");

# A filter that fails says which one it is.
$node->safe_psql('postgres', <<'EOQ');
CREATE PUBLICATION fails FOR TABLE one.d WHERE (10 / id > 1);
SELECT pg_create_logical_replication_slot('ours', 'cdc_emit');
INSERT INTO one.d VALUES (0);
EOQ
my ($result) = results_of("SELECT * FROM events('fails', 'any')");
like(
	$result->{error},
	qr/ERROR:  division by zero\nCONTEXT:  row filter of table one\.d\n/,
	'the error of a filter names the table');

$node->safe_psql('postgres', "SELECT pg_drop_replication_slot('ours')");

# A worker applies filters as the owner of the subscription, and follows
# changes of a publication without a restart.
$node->safe_psql('postgres', <<'EOQ');
CREATE TABLE item (id int PRIMARY KEY, x int);
ALTER TABLE item REPLICA IDENTITY FULL;
CREATE PUBLICATION items FOR TABLE item WHERE (x > 10);
CREATE ROLE items_owner IN ROLE cdc_emit_admin;
GRANT SELECT ON item TO items_owner;
CREATE SERVER items_kafka FOREIGN DATA WRAPPER cdc_emit OPTIONS (test_mock_num_brokers '1');
GRANT USAGE ON FOREIGN SERVER items_kafka TO items_owner;
SET ROLE items_owner;
SELECT cdc_emit.create_subscription('items', 'items_kafka', '{items}');
EOQ
is($node->safe_psql('postgres', "SELECT cdc_emit.wait_ready('items')"),
	't', 'subscription with a filter streams');
my $pid = worker_pid($node, 'items');
$node->safe_psql('postgres', <<'EOQ');
INSERT INTO item VALUES (1, 1), (2, 20), (3, 30);
UPDATE item SET x = x - 15;
UPDATE item SET x = x + 10;
ALTER PUBLICATION items SET TABLE item;
DELETE FROM item;
EOQ
acknowledged($node, 'items');
# 1 is always outside, 2 goes out and in, 3 stays within; all are deleted
is( $node->safe_psql(
		'postgres',
		'SELECT inserts, updates, deletes FROM cdc_emit.pg_stat_cdc_emit'
	),
	'3|2|4',
	'the worker publishes what the filter lets pass');
is(worker_pid($node, 'items'), $pid, 'the worker is still the same');

done_testing();
