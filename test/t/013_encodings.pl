# Whatever the encoding of a database is, messages are valid UTF-8 and JSON,
# and say what the values are: names of schemas, tables, columns, fields and
# labels, keys, values and headers with all characters of the encoding,
# through the SQL interface and through Kafka.  What has no equivalent in
# Unicode is U+FFFD.
#
# The expectation is PostgreSQL's own conversion, character by character, and
# for SQL_ASCII, which has none, that of Perl.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use Encode qw(encode);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my %encodings = (
	latin1 => 'LATIN1',
	utf8 => 'UTF8',
	ascii => 'SQL_ASCII',
	eucjp => 'EUC_JP');
my @databases = sort keys %encodings;

require_kafka();
my $kafka = new_kafka();
my $node = new_node('primary');
my $dir = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres',
	"CREATE DATABASE judge ENCODING 'UTF8' TEMPLATE template0
	 LC_COLLATE 'C' LC_CTYPE 'C'");

# ----------------------------------------------------------------
# Words, as bytes of the encoding: at most 60 bytes each, so that they can be
# names.  Together they have all characters of the encoding, or many.
# ----------------------------------------------------------------

sub in_words
{
	my ($length, @chars) = @_;
	my @words = ('');
	foreach my $char (@chars)
	{
		push @words, '' if length($words[-1]) + length($char) > $length;
		$words[-1] .= $char;
	}
	return @words;
}

my @ascii = map { chr } 1 .. 127;
my @high = map { chr } 128 .. 255;
my @utf8 =
  map { encode('UTF-8', chr) } 1 .. 0x7FF, 0x800, 0x2028, 0x3042, 0xD7FF,
  0xE000, 0xFEFF, 0xFFFD, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF;
my @eucjp = (
	@ascii,
	(map { "\x8E" . chr } 0xA1 .. 0xDF),
	(map { my $c = chr; map { $c . chr } 0xA1 .. 0xFE } 0xA1 .. 0xA8, 0xB0, 0xCF, 0xF4),
	(map { my $c = chr; map { "\x8F$c" . chr } 0xA1 .. 0xFE } 0xA2, 0xA6, 0xB0));

# Bytes of SQL_ASCII are valid UTF-8 by chance: here are good, cut, overlong
# and lone ones, surrogates and what is beyond Unicode.
srand(1);
my @broken = (
	"\xC3\xA9", "\xC3", "\xA9", "\xE3\x81\x82", "\xE3\x81", "\xE3", "\x81\x82",
	"\xF0\x9F\x98\x80", "\xF0\x9F\x98", "\xF0\x9F", "\xF0", "\xC0\x80",
	"\xE0\x80\x80", "\xED\xA0\x80", "\xED\xA0\xBD\xED\xB8\x80",
	"\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFE", "\xFF", "a", "\"",
	"\\", "\n");
my %words = (
	latin1 => [ in_words(60, @ascii, @high) ],
	utf8 => [ in_words(60, @utf8) ],
	eucjp => [ in_words(60, @eucjp) ],
	ascii => [
		in_words(60, @ascii, @high),
		in_words(40, (map { $broken[ rand @broken ] } 1 .. 300)),
		in_words(60, map { chr(1 + int(rand 255)) } 1 .. 2000)
	]);

# A character of UTF-8, strictly
my $char = qr/[\x01-\x7F]|[\xC2-\xDF][\x80-\xBF]
	|\xE0[\xA0-\xBF][\x80-\xBF]|[\xE1-\xEC\xEE\xEF][\x80-\xBF]{2}
	|\xED[\x80-\x9F][\x80-\xBF]|\xF0[\x90-\xBF][\x80-\xBF]{2}
	|[\xF1-\xF3][\x80-\xBF]{3}|\xF4[\x80-\x8F][\x80-\xBF]{2}/x;

# SQL_ASCII: each byte that is not part of a valid character is U+FFFD.
sub repaired
{
	my ($bytes) = @_;
	my $text = '';
	while ($bytes =~ /\G(?:((?:$char)+)|.)/gs)
	{
		$text .= $1 // "\xEF\xBF\xBD";
	}
	return $text;
}

# ----------------------------------------------------------------
# Databases
# ----------------------------------------------------------------

sub sql
{
	my ($database, $query) = @_;
	return $node->safe_psql($database, $query);
}

# A string constant of any bytes, which need not be valid for psql
sub bytes
{
	my ($database, $bytes) = @_;
	return "convert_from('\\x"
	  . unpack('H*', $bytes)
	  . "', '$encodings{$database}')";
}

foreach my $database (@databases)
{
	sql('postgres',
		"CREATE DATABASE $database ENCODING '$encodings{$database}'
		 TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
	sql($database, <<"EOQ");
CREATE EXTENSION cdc_emit;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;

-- The words, and what they are in UTF-8
CREATE TABLE word (n int PRIMARY KEY, word text, utf8 bytea);

CREATE FUNCTION utf8_of(value text) RETURNS bytea LANGUAGE plpgsql AS \$\$
DECLARE
  half int := length(value) / 2;
BEGIN
  RETURN convert_to(value, 'UTF8');
EXCEPTION WHEN untranslatable_character OR character_not_in_repertoire THEN
  RETURN CASE half WHEN 0 THEN '\\xEFBFBD'::bytea
                   ELSE utf8_of(left(value, half)) || utf8_of(substr(value, half + 1)) END;
END \$\$;

-- Everything is named after the word, and has it as its value.  The number
-- makes topics differ.
CREATE FUNCTION create_table(n int, w text) RETURNS void LANGUAGE plpgsql AS \$\$
BEGIN
  EXECUTE format('CREATE SCHEMA %I', 's' || w);
  EXECUTE format('CREATE TYPE %I.%I AS ENUM (%L, %L)', 's' || w, 'e' || w, w, 'x' || w);
  EXECUTE format('CREATE TYPE %I.%I AS (%I text)', 's' || w, 'p' || w, 'f' || w);
  EXECUTE format('CREATE DOMAIN %I.%I AS text', 's' || w, 'd' || w);
  EXECUTE format('CREATE TABLE %I.%I (id int, %I text PRIMARY KEY, %I %I.%I, %I %I.%I, %I %I.%I, %I hstore, %I json, %I jsonb, %I text[], %I name, %I citext, %I varchar(100), %I bpchar, %I text)',
    's' || w, 't' || n || w, 'k' || w,
    'e' || w, 's' || w, 'e' || w, 'p' || w, 's' || w, 'p' || w, 'd' || w, 's' || w, 'd' || w,
    'h' || w, 'j' || w, 'b' || w, 'a' || w, 'n' || w, 'c' || w, 'v' || w, 'r' || w, 'g' || w);
  EXECUTE format('ALTER TABLE %I.%I ALTER %I SET STORAGE EXTERNAL', 's' || w, 't' || n || w, 'g' || w);
END \$\$;

CREATE FUNCTION change_table(n int, w text) RETURNS void LANGUAGE plpgsql AS \$\$
BEGIN
  EXECUTE format('INSERT INTO %I.%I VALUES (\$1, \$2, %L, ROW(\$2), \$2, hstore(\$2, \$2), \$3::json, \$3::jsonb, ARRAY[\$2, NULL], \$2::name, \$2, \$2, \$2, repeat(\$2 || ''1'', 200))',
                 's' || w, 't' || n || w, w)
    USING n, w, '{' || to_json(w) || ':' || to_json(w) || '}';
  EXECUTE format('UPDATE %I.%I SET id = -id', 's' || w, 't' || n || w);
  EXECUTE format('UPDATE %I.%I SET %I = \$1', 's' || w, 't' || n || w, 'k' || w) USING w || '2';
  EXECUTE format('DELETE FROM %I.%I', 's' || w, 't' || n || w);
END \$\$;

CREATE TABLE edge (id int PRIMARY KEY, v text);
CREATE PUBLICATION p FOR ALL TABLES;
EOQ
	my @values;
	foreach my $word (@{ $words{$database} })
	{
		push @values,
		  '('
		  . @values . ', '
		  . bytes($database, $word) . ', '
		  . ( $database eq 'ascii'
			? "'\\x" . unpack('H*', repaired($word)) . "'"
			: 'NULL')
		  . ')';
	}
	sql($database,
		'INSERT INTO word VALUES ' . join(",\n", @values) . ";\n"
		  . ($database eq 'ascii'
			? ''
			: "UPDATE word SET utf8 = utf8_of(word);\n")
		  . 'SELECT create_table(n, word) FROM word');
	sql($database,
		"SELECT pg_create_logical_replication_slot('$database', 'cdc_emit')");
	create_subscription(
		$node, $kafka, $database,
		database => $database,
		publications => '{p}',
		options => "{\"topic\": \"$database\"}");
}

# ----------------------------------------------------------------
# Changes
# ----------------------------------------------------------------

# Long values, in which characters and what cannot be converted meet the
# places where buffers may end.
my %chars = (
	latin1 => ["\xE9"],
	utf8 => [ map { encode('UTF-8', chr) } 0xE9, 0x3042, 0x1F600 ],
	ascii => [ "\xC3\xA9", "\xE9", "\xE3\x81\x82" ],
	eucjp => [ "\xA4\xA2", "\x8E\xB1", "\x8F\xB0\xA1", "\xF4\xFE" ]);
my %edges;
foreach my $database (@databases)
{
	my @edges;
	my $char = 0;
	foreach my $length (1360 .. 1370, 2040 .. 2052, 4085 .. 4100, 8185 .. 8195)
	{
		my @c = @{ $chars{$database} };
		my $c = $c[ $char++ % @c ];
		push @edges, 'x' x $length . $c . $c[ $char % @c ] . "\x01end",
		  substr($c x $length, 0, length($c) * int($length / length($c)))
		  . ($length % 2 ? $c[-1] : 'end');
	}
	$edges{$database} = \@edges;
	my @values =
	  map { "($_, " . bytes($database, $edges[$_]) . ')' } 0 .. $#edges;
	sql($database, 'SELECT change_table(n, word) FROM word WHERE n > 0');
	sql($database, 'INSERT INTO edge VALUES ' . join(",\n", @values));
}

# every character of Unicode
sql('utf8', <<'EOQ');
CREATE TABLE unicode (id int PRIMARY KEY, v text);
INSERT INTO unicode
SELECT c / 1000, string_agg(chr(c), '' ORDER BY c)
  FROM generate_series(1, 1114111) c WHERE c NOT BETWEEN 55296 AND 57343
 GROUP BY 1;
EOQ

# every character of EUC_JP
sql('eucjp', <<'EOQ');
CREATE TABLE unicode (id int PRIMARY KEY, v text);
INSERT INTO unicode
SELECT a, string_agg(convert_from(set_byte(set_byte('\x0000', 0, a), 1, b), 'EUC_JP'), '' ORDER BY b)
  FROM generate_series(161, 254) a, generate_series(161, 254) b GROUP BY a;
INSERT INTO unicode
SELECT 1000 + a, string_agg(convert_from('\x8F'::bytea || set_byte(set_byte('\x0000', 0, a), 1, b), 'EUC_JP'), '' ORDER BY b)
  FROM generate_series(161, 254) a, generate_series(161, 254) b GROUP BY a;
EOQ

acknowledged($node, $_, $_) foreach @databases;

# ----------------------------------------------------------------
# Messages, by both ways, as UTF-8 in a database of that encoding
# ----------------------------------------------------------------

sql('judge', <<'EOQ');
CREATE TABLE line (source text, line text);
CREATE TABLE word (db text, n int, w text);
CREATE TABLE long (db text, tab text, id int, v text);
EOQ

# The lines of a file are strictly valid UTF-8; psql's client encoding and
# COPY would say so too, but they are PostgreSQL.
sub check_file
{
	my ($file, $what) = @_;
	my $invalid = 0;
	my $lines = 0;
	open my $handle, '<:raw', $file or die "could not open $file: $!";
	while (my $line = <$handle>)
	{
		$lines++;
		$invalid++ if $line !~ /^(?:$char)*+$/;
	}
	close $handle;
	is($invalid, 0, "$what: $lines lines are valid UTF-8");
	return;
}

sub load
{
	my ($columns, $file) = @_;
	$node->safe_psql('judge',
		"COPY $columns FROM '$file' (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')"
	);
	unlink $file;
	return;
}

# Messages through the SQL interface, converted by psql's client encoding.
# csv needs no escapes, as JSON has no control character.
sub read_slot
{
	my ($database, $call, $way, $options) = @_;
	my $file = "$dir/$database.$way";
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	sql($database, <<"EOQ");
\\copy (SELECT '$database $way', data FROM pg_logical_slot_${call}_changes('$database', NULL, NULL, 'publications', 'p', $options)) TO '$file' (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')
EOQ
	check_file($file, "$database through SQL ($way)");
	load('line', $file);
	return;
}

# What kcat printed, as the text rows of the SQL interface
sub messages
{
	my ($file) = @_;
	my @messages;
	foreach my $line (split /\n/, slurp_file($file))
	{
		my ($key_length, $key, $length, $value, $headers) =
		  split /\x02/, $line, -1;
		my @headers =
		  map { quoted($_->[0]) . ':' . quoted($_->[1]) }
		  map { [ split /=/, $_, 2 ] }
		  split /,(?=__(?:debezium|cdc_emit)\.)/, $headers;
		$key = 'null' if $key_length < 0;
		$value = 'null' if $length < 0;
		push @messages,
		  "{\"key\":$key,\"value\":$value,\"headers\":{"
		  . join(',', @headers) . '}}';
	}
	return @messages;
}

sub quoted
{
	my ($text) = @_;
	return '"' . $text =~ s/(["\\])/\\$1/gr . '"';
}

foreach my $database (@databases)
{
	my $file = "$dir/$database";

	# the SQL interface
	read_slot($database, 'peek', 'schemas', "'schemas', 'on'");
	read_slot($database, 'peek', 'row',
		"'format', 'row', 'add_fields', 'op,table,source.schema', 'add_headers', 'table'");
	read_slot($database, 'peek', 'structured', "'format', 'cloudevents'");
	read_slot($database, 'peek', 'binary',
		"'format', 'cloudevents', 'cloudevents_mode', 'binary'");
	read_slot($database, 'get', 'sql', "'schemas', 'off'");

	# Kafka
	system( 'kcat -C -q -e -o beginning -b '
		  . $kafka->address
		  . " -t $database -f '%K\\x02%k\\x02%S\\x02%s\\x02%h\\n' > $file"
	  ) == 0
	  or die "kcat could not read $database";
	check_file($file, "$database through Kafka");
	append_to_file("$file.json", join '', map { "$database kafka\x02$_\n" } messages($file));
	load('line', "$file.json");

	# what is expected
	my $expected = sql($database,
		"SELECT '$database', n, encode(utf8, 'hex') FROM word WHERE n > 0");
	my $edges = sql($database,
		"SELECT '$database', 'edge', id, encode("
		  . ($database eq 'ascii' ? "convert_to(v, 'SQL_ASCII')" : 'utf8_of(v)')
		  . ", 'hex') FROM edge");
	$edges .= "\n"
	  . sql($database,
		"SELECT '$database', 'unicode', id, encode(utf8_of(v), 'hex') FROM unicode")
	  if $database =~ /utf8|eucjp/;
	if ($database eq 'ascii')
	{
		$edges =~ s/\|([0-9a-f]+)$/'|' . unpack('H*', repaired(pack('H*', $1)))/gem;
	}
	append_to_file("$file.words", "$expected\n");
	append_to_file("$file.long", "$edges\n");
	sql('judge', <<"EOQ");
CREATE TEMP TABLE t (db text, tab text, id int, hex text);
COPY t (db, id, hex) FROM '$file.words' (DELIMITER '|');
INSERT INTO word SELECT db, id, convert_from(decode(hex, 'hex'), 'UTF8') FROM t;
TRUNCATE t;
COPY t FROM '$file.long' (DELIMITER '|');
INSERT INTO long SELECT db, tab, id, convert_from(decode(hex, 'hex'), 'UTF8') FROM t;
EOQ
}

# ----------------------------------------------------------------
# Comparison
# ----------------------------------------------------------------

sql('judge', <<'EOQ');
-- With schemas, all is in the payload.
CREATE TABLE event AS
SELECT split_part(source, ' ', 1) AS db, split_part(source, ' ', 2) AS way,
       coalesce(m -> 'key' -> 'payload', m -> 'key') AS key, m -> 'headers' AS headers,
       v ->> 'op' AS op, v -> 'before' AS before, v -> 'after' AS after,
       v -> 'source' ->> 'schema' AS schema, v -> 'source' ->> 'table' AS tab,
       (v -> 'after' ->> 'id')::int AS id
  FROM line, LATERAL (SELECT line::jsonb AS m OFFSET 0) j,
       LATERAL (SELECT coalesce(m -> 'value' -> 'payload', m -> 'value') AS v) l;
CREATE INDEX ON event (db, way, schema);
ANALYZE;

-- The row of a word
CREATE FUNCTION row_of(n int, w text, big text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('id', n, 'k' || w, w, 'e' || w, w, 'p' || w, jsonb_build_object('f' || w, w), 'd' || w, w,
           'h' || w, jsonb_build_object(w, w)::text, 'j' || w, '{' || to_json(w) || ':' || to_json(w) || '}',
           'b' || w, jsonb_build_object(w, w)::text, 'a' || w, jsonb_build_array(w, NULL), 'n' || w, w,
           'c' || w, w, 'v' || w, w, 'r' || w, w, 'g' || w, big)
$$;
CREATE FUNCTION compact(object jsonb, w text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT object || jsonb_build_object('h' || w, (object ->> ('h' || w))::jsonb::text)
$$;
EOQ

foreach my $database (@databases)
{
	my $words =
	  sql('judge', "SELECT count(*) FROM word WHERE db = '$database'");
	foreach my $way (qw(sql schemas kafka))
	{
		# Two words can be the same after the replacement of characters, so
		# words are counted that have their event.
		my $found = sql('judge', <<"EOQ");
SELECT count(DISTINCT n) FILTER (WHERE op = 'c' AND compact(after, w) = row_of(n, w, repeat(w || '1', 200)) AND key = jsonb_build_object('k' || w, w)),
       count(DISTINCT n) FILTER (WHERE op = 'u' AND compact(after, w) = row_of(-n, w, '__debezium_unavailable_value')
                          AND (headers ->> '__cdc_emit.unavailable')::jsonb = jsonb_build_array('g' || w)),
       count(DISTINCT n) FILTER (WHERE op = 'd' AND before ->> ('k' || w) = w
                          AND (headers ->> '__debezium.newkey')::jsonb = jsonb_build_object('k' || w, w || '2')),
       count(DISTINCT n) FILTER (WHERE op = 'c' AND after ->> ('k' || w) = w || '2'
                          AND (headers ->> '__debezium.oldkey')::jsonb = jsonb_build_object('k' || w, w)),
       count(DISTINCT n) FILTER (WHERE op = 'd' AND before ->> ('k' || w) = w || '2')
  FROM word JOIN event USING (db)
 WHERE db = '$database' AND way = '$way' AND schema = 's' || w AND tab = 't' || n || w;
EOQ
		is($found, join('|', ($words) x 5),
			"$database through $way: names, values, keys and headers of $words words"
		);

		foreach my $table (qw(edge unicode))
		{
			my $expected = sql('judge',
				"SELECT count(*) FROM long WHERE db = '$database' AND tab = '$table'"
			);
			next if $expected == 0;
			is( sql('judge', <<"EOQ"),
SELECT count(*) FILTER (WHERE e.after ->> 'v' = l.v)
  FROM long l JOIN event e ON e.db = l.db AND e.tab = l.tab AND e.id = l.id
 WHERE l.db = '$database' AND l.tab = '$table' AND e.way = '$way' AND e.schema = 'public'
EOQ
				$expected,
				"$database through $way: $expected long values of table $table");
		}
	}
}
is( sql('judge',
		"SELECT count(*) FROM (SELECT db, key, headers, op, before, after FROM event WHERE way = 'sql'
		 EXCEPT ALL SELECT db, key, headers, op, before, after FROM event WHERE way = 'kafka') x"),
	0,
	'both ways say the same in '
	  . sql('judge', "SELECT count(*) FROM event WHERE way = 'kafka'")
	  . ' messages');

$node->stop;
done_testing();
