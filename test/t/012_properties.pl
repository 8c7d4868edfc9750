# Tables can be rebuilt from their topics: random tables, rows and changes of
# all types, in all modes, under all replica identities.  A consumer in SQL
# that knows the format but not our code applies the events, and what it has
# is compared with the table, value by value.
#
# PROPERTY_ROUNDS says how many rounds there are, each with several tables;
# PROPERTY_SEED is the seed of a run that is to be repeated.

use strict;
use warnings;
use utf8;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use DebeziumConsumer;
use Encode qw(encode);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TypeSamples;

my $rounds = $ENV{PROPERTY_ROUNDS} // ($ENV{CDC_VALGRIND} ? 4 : 30);
my $tables_per_round = 4;
my $node = new_node('primary');
@infinite_intervals = qw(infinity -infinity) if $node->pg_version >= 17;

$ENV{PGCLIENTENCODING} = 'UTF8';
$node->safe_psql('postgres',
	"CREATE DATABASE property ENCODING 'UTF8' TEMPLATE template0
	 LC_COLLATE 'C' LC_CTYPE 'C'");
install_consumer($node, 'property');
$node->safe_psql('property', <<'EOQ');
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE EXTENSION citext;
CREATE SCHEMA property;
CREATE TABLE property.base (id int);
CREATE TYPE property.mood AS ENUM ('sad', 'ok', 'happy "x"', U&'caf\00e9', 'a,b', '');
CREATE TYPE property.floatrange AS RANGE (subtype = float8);
CREATE PUBLICATION property FOR TABLES IN SCHEMA property;
SELECT pg_create_logical_replication_slot('property', 'cdc_emit');

-- Run a statement that may find its key in use
CREATE FUNCTION property.try(statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
EXCEPTION WHEN unique_violation THEN
  NULL;
END $$;

-- The text of the output function
CREATE FUNCTION property.out(anyelement) RETURNS text
LANGUAGE sql STABLE STRICT AS 'SELECT concat($1)';

-- The nearest double, also where the cast says that it is out of range
CREATE FUNCTION property.float_of(value numeric) RETURNS float8
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  RETURN value::float8;
EXCEPTION WHEN numeric_value_out_of_range THEN
  RETURN (CASE WHEN value < 0 THEN '-' ELSE '' END || CASE WHEN abs(value) > 1 THEN 'Infinity' ELSE '0' END)::float8;
END $$;

CREATE FUNCTION property.milliseconds(timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT date_trunc('milliseconds', $1) $$;
CREATE FUNCTION property.milliseconds(time) RETURNS time
LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE $1 WHEN '24:00:00' THEN $1 ELSE date_trunc('milliseconds', $1::interval)::time END
$$;

-- An interval as a number: a month is a twelfth of 365.25 days, infinity the
-- end of the range.
CREATE FUNCTION property.microseconds(interval) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT least(greatest(
    CASE WHEN isfinite($1) THEN
      trunc((extract(year FROM $1) * 12 + extract(month FROM $1)) * 2629800000000
            + extract(day FROM $1) * 86400000000
            + extract(hour FROM $1) * 3600000000 + extract(minute FROM $1) * 60000000
            + extract(microseconds FROM $1))
    ELSE
      extract(epoch FROM $1)
    END, -9223372036854775808), 9223372036854775807)
$$;

-- The array with lower bounds of 1
CREATE FUNCTION property.from_one(anyarray) RETURNS anyarray
LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE WHEN array_ndims($1) = 1 AND array_lower($1, 1) <> 1 THEN $1[:] ELSE $1 END
$$;

-- What the consumer says of a value, through a type if there is one
CREATE FUNCTION property.read(value json, type json, as_type text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  result := consumer.value_of(value, type);
  IF as_type <> '' THEN
    EXECUTE format('SELECT property.out($1::%s)', as_type) INTO result USING result;
  END IF;
  RETURN result;
EXCEPTION WHEN others THEN
  RETURN 'ERROR: ' || sqlerrm;
END $$;

CREATE UNLOGGED TABLE public.result (tab text, rid int, name text, json text, got text, expected text);
EOQ

# ----------------------------------------------------------------
# Tables
# ----------------------------------------------------------------

my @names = (
	'plain', 'Mixed Case', 'quote " in it', 'back\\slash', 'ünïcödé', '漢字',
	'a,b', '{x}', "apos'trophe", '$1', 'select', 'emoji 😀', "tab\tin it");

my $counter = 0;

# Types come from a pack of cards, so that all of them come.
my @pack;

sub next_type
{
	my ($m) = @_;
	@pack = shuffled(type_names(), qw(array array array domain composite))
	  if !@pack;
	return make_type($m, pop @pack);
}

# Describe a random table; column rid tells rows apart for the test alone.
sub new_table
{
	my ($m) = @_;
	my $table = { name => 't' . ++$counter, m => $m, rows => [], next => 1 };
	my $identity = pick(qw(default default default full full index keyless));
	my @columns;

	foreach my $name ((shuffled(@names))[ 0 .. number(4, 9) ])
	{
		push @columns, { name => $name, type => next_type($m) };
	}
	my @keys;
	if ($identity ne 'keyless')
	{
		foreach my $n (1 .. pick(1, 1, 1, 2, 3))
		{
			my $type;
			do { $type = make_type($m) } until $type->{key};
			push @keys, { name => "key $n", type => $type, key => 1 };
		}
	}
	my $rid = { name => 'rid', type => make_type($m, 'integer') };
	if (@keys && chance(0.3))
	{
		$keys[0] = $rid;
		$rid->{key} = 1;
	}
	@columns = shuffled(@columns, @keys, grep { !$_->{key} } $rid);
	$table->{columns} = \@columns;
	$table->{full} = $identity =~ /full|keyless/ ? 1 : 0;
	@{ $table->{keys} } = map { $_->{name} } grep { $_->{key} } @columns;

	my $name = "property.$table->{name}";
	my $keys = join ', ', map { identifier($_) } shuffled(@{ $table->{keys} });
	my $definition = join ",\n\t", map {
		identifier($_->{name}) . " $_->{type}->{sql}"
		  . ($_->{key} ? ' NOT NULL' : '')
	} @columns;
	my @ddl = (
		@{ $m->{ddl} },
		"CREATE TABLE $name (dropped text, $definition)",
		"ALTER TABLE $name DROP COLUMN dropped");
	$m->{ddl} = [];
	if ($identity eq 'index')
	{
		push @ddl, "CREATE UNIQUE INDEX $table->{name}_key ON $name ($keys)",
		  "ALTER TABLE $name REPLICA IDENTITY USING INDEX $table->{name}_key";
	}
	elsif ($identity ne 'keyless')
	{
		# a unique index is a key too, if old rows have all columns
		push @ddl,
		  $identity eq 'full' && chance(0.3)
		  ? "CREATE UNIQUE INDEX ON $name ($keys)"
		  : "ALTER TABLE $name ADD PRIMARY KEY ($keys)";
	}
	push @ddl, "ALTER TABLE $name REPLICA IDENTITY FULL" if $table->{full};
	foreach my $column (@columns)
	{
		next if !$column->{type}->{large};
		$column->{large} = chance(0.6);
		push @ddl,
		  "ALTER TABLE $name ALTER "
		  . identifier($column->{name})
		  . ' SET STORAGE EXTERNAL'
		  if $column->{large};
	}
	$table->{ddl} = join ";\n", @ddl, '';
	return $table;
}

sub json_of
{
	my ($value) = @_;
	return '{'
	  . join(',',
		map { json_of($_) . ':' . json_of($value->{$_}) } sort keys %$value)
	  . '}'
	  if ref $value eq 'HASH';
	return '[' . join(',', map { json_of($_) } @$value) . ']'
	  if ref $value eq 'ARRAY';
	return $value if $value =~ /^\d+$/;
	my $text = $value =~ s/(["\\])/\\$1/gr;
	$text =~ s/([\x00-\x1F])/sprintf '\\u%04x', ord $1/ge;
	return "\"$text\"";
}

# What the consumer knows of the table
sub layout
{
	my ($table) = @_;
	my $columns = join ',', map {
		json_of($_->{name}) . ':{"mark":'
		  . json_of($_->{type}->{mark})
		  . ',"type":'
		  . json_of($_->{type}->{type}) . '}'
	} @{ $table->{columns} };
	return "INSERT INTO consumer.layout VALUES ('$table->{name}', "
	  . ($table->{full} ? 'true' : 'false')
	  . ', ARRAY['
	  . join(',', map { literal($_) } @{ $table->{keys} })
	  . ']::text[], '
	  . literal("{$columns}") . ', '
	  . ($table->{m}->{schemas} eq 'on' ? 'true' : 'false') . ");\n";
}

# ----------------------------------------------------------------
# Changes
# ----------------------------------------------------------------

sub value
{
	my ($column) = @_;
	return $column->{type}->{sample}->(1) if $column->{key};
	return 'NULL' if chance(0.12);
	return $column->{type}->{large}->()
	  if $column->{large} && chance(0.4);
	return $column->{type}->{sample}->();
}

sub insert
{
	my ($table) = @_;
	my @columns = shuffled(@{ $table->{columns} });
	my @rows;
	foreach (1 .. pick(1, 1, 1, 3))
	{
		push @{ $table->{rows} }, $table->{next};
		push @rows,
		  '('
		  . join(', ',
			map { $_->{name} eq 'rid' ? $table->{next} : value($_) } @columns)
		  . ')';
		$table->{next}++;
	}
	return "INSERT INTO property.$table->{name} ("
	  . join(', ', map { identifier($_->{name}) } @columns)
	  . ') VALUES '
	  . join(', ', @rows)
	  . ' ON CONFLICT DO NOTHING';
}

sub update
{
	my ($table, $with_key) = @_;
	my $rid = pick(@{ $table->{rows} });
	my @candidates =
	  grep { $_->{name} ne 'rid' && ($with_key || !$_->{key}) }
	  @{ $table->{columns} };
	my @columns = (shuffled(@candidates))[ 0 .. number(0, pick(0, 2, $#candidates)) ];
	my $statement =
		"UPDATE property.$table->{name} SET "
	  . join(', ', map { identifier($_->{name}) . ' = ' . value($_) } @columns)
	  . " WHERE rid = $rid";
	return $with_key
	  ? 'SELECT property.try(' . literal($statement) . ')'
	  : $statement;
}

sub delete
{
	my ($table) = @_;
	my $rid = pick(@{ $table->{rows} });
	return "DELETE FROM property.$table->{name} WHERE rid = $rid";
}

sub change
{
	my ($table) = @_;
	my $dice = rand();
	return insert($table) if !@{ $table->{rows} } || $dice < 0.4;
	return update($table) if $dice < 0.75;
	return update($table, 1) if $dice < 0.87;
	return main::delete($table) if $dice < 0.995;
	return "TRUNCATE property.$table->{name}";
}

# Transactions with savepoints, over the tables of a round
sub transactions
{
	my @tables = @_;
	my $script = '';
	foreach (1 .. 12)
	{
		my $open = 0;
		$script .= "BEGIN;\n";
		foreach (1 .. number(1, pick(2, 20)))
		{
			my $dice = rand();
			if ($dice < 0.1)
			{
				$open++;
				$script .= "SAVEPOINT s;\n";
			}
			elsif ($open && $dice < 0.25)
			{
				$open--;
				$script .=
				  $dice < 0.18 ? "RELEASE s;\n" : "ROLLBACK TO s; RELEASE s;\n";
			}
			else { $script .= change(pick(@tables)) . ";\n"; }
		}
		$script .= chance(0.07) ? "ROLLBACK;\n" : "COMMIT;\n";
	}
	return $script;
}

# ----------------------------------------------------------------
# Comparison
# ----------------------------------------------------------------

# Compare the table with what the consumer has of it; a row on one side only
# is a difference of column "(row)".
sub comparison
{
	my ($table) = @_;
	my $values = join ",\n", map {
		my $type = $_->{type};
		my $column = 't.' . identifier($_->{name});
		my $expect = ($type->{expect} // 'property.out(%s)') =~ s/%s/$column/gr;
		my $json = 's.image -> ' . literal($_->{name});
		'('
		  . literal($_->{name})
		  . ", $json, property.read($json, "
		  . literal(json_of($type->{type})) . ', '
		  . literal($type->{as} // '')
		  . "), $expect)"
	} @{ $table->{columns} };
	return <<"EOQ";
INSERT INTO public.result
SELECT '$table->{name}', t.rid, v.name, v.json::text, v.got, v.expected
  FROM property.$table->{name} t
       JOIN consumer.state s ON s.tab = '$table->{name}' AND (s.image ->> 'rid')::int = t.rid,
       LATERAL (VALUES $values) v (name, json, got, expected);
INSERT INTO public.result
SELECT '$table->{name}', coalesce(t.rid, (s.image ->> 'rid')::int), '(row)', s.image::text,
       s.image IS NOT NULL, t.rid IS NOT NULL
  FROM property.$table->{name} t
       FULL JOIN (SELECT image FROM consumer.state WHERE tab = '$table->{name}') s
       ON (s.image ->> 'rid')::int = t.rid
 WHERE t.rid IS NULL OR s.image IS NULL;
EOQ
}

# Settings of the session that decodes, which have no influence
my %settings = (
	datestyle => [ 'ISO', "'SQL, DMY'", "'Postgres, MDY'", 'German' ],
	intervalstyle => [qw(postgres sql_standard iso_8601)],
	timezone => [ 'UTC', "'Asia/Kolkata'", "'America/New_York'" ],
	bytea_output => [qw(hex escape)],
	extra_float_digits => [ 1, -15 ],
	quote_all_identifiers => [qw(off on)],
	search_path => [ 'pg_catalog', 'property, public' ]);

my %count = (events => 0, rows => 0, values => 0, different => 0, large => 0);

# psql speaks bytes.
sub run_script
{
	my ($script) = @_;
	return $node->safe_psql('property', encode('UTF-8', $script));
}

# One round; false if there is a difference
sub run_round
{
	my ($round) = @_;
	my %m = (
		(map { $_ => pick(@{ $modes{$_} }) } sort keys %modes),
		counter => 1000 * $round,
		ddl => []);
	$placeholder = pick('__debezium_unavailable_value', 'not "here"');
	my @tables = map { new_table(\%m) } 1 .. $tables_per_round;
	my $options = join ', ',
	  (map { "'$_', '$m{$_}'" } sort keys %modes),
	  "'unavailable_value', '$placeholder'";
	my @settings = map { [ $_ => pick(@{ $settings{$_} }) ] } sort keys %settings;

	run_script(join '', "TRUNCATE public.result, consumer.state;\n",
		map { $_->{ddl} . layout($_) } @tables);
	foreach my $stage (1, 2)
	{
		run_script(transactions(@tables));
		my $output = run_script(
			  join('', map { "SET $_->[0] = $_->[1];\n" } @settings)
			  . "INSERT INTO consumer. event (data) SELECT data FROM pg_logical_slot_get_changes("
			  . "'property', NULL, NULL, 'publications', 'property', $options);\n"
			  . join('', map { "RESET $_->[0];\n" } @settings)
			  . "SET TimeZone = 'UTC';\n"
			  . "SET search_path = consumer;\n"
			  . "SELECT apply();\n"
			  . join('', map { comparison($_) } @tables)
			  . "SELECT count(DISTINCT (tab, rid)), count(*),
			       count(*) FILTER (WHERE got IS DISTINCT FROM expected),
			       count(*) FILTER (WHERE length(got) > 2000) FROM public.result;\n");
		my ($events, $counts) = split /\n/, $output;
		my ($rows, $values, $different, $large) = split /\|/, $counts;
		$count{events} += $events;
		$count{rows} += $rows;
		$count{values} += $values;
		$count{large} += $large;
		$count{different} += $different;
		if ($different > 0)
		{
			diag("$options\n" . run_script(<<'EOQ'));
\x
SELECT tab, rid, name, left(json, 300) AS json, left(got, 300) AS got, left(expected, 300) AS expected
  FROM public.result WHERE got IS DISTINCT FROM expected ORDER BY tab, name, rid LIMIT 4;
EOQ
			my %wrong = map { $_ => 1 } split /\n/,
			  run_script('SELECT DISTINCT tab FROM public.result WHERE got IS DISTINCT FROM expected');
			diag($_->{ddl}) foreach grep { $wrong{ $_->{name} } } @tables;
			return 0;
		}
		run_script('TRUNCATE public.result');
	}
	run_script(join '', map { "DROP TABLE property.$_->{name};\n" } @tables);
	return 1;
}

# ----------------------------------------------------------------
# Seeds: a fixed one and one of the clock, or the one that is asked for
# ----------------------------------------------------------------

my @seeds = $ENV{PROPERTY_SEED} // (1, time % 1_000_000);
foreach my $seed (@seeds)
{
	my $equal = 1;
	my $round = 0;

	note("seed $seed");
	srand($seed);
	while ($equal && $round++ < $rounds / @seeds)
	{
		$equal = eval { run_round($round + 1000 * $seed) };
		diag(substr($@ =~ s/\nwhile running .*//sr, 0, 5000))
		  if !defined $equal;
	}
	ok($equal, "tables rebuilt from their topics are equal, seed $seed")
	  || diag("repeat with PROPERTY_SEED=$seed PROPERTY_ROUNDS=$round");
}
cmp_ok($count{values}, '>', 100 * $rounds,
	"$count{values} values in $count{rows} rows compared, "
	  . "$count{large} of them large, after $count{events} events");
is($count{different}, 0, 'no difference');

$node->stop;
done_testing();
