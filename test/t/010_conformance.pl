# Conformance with Debezium: what we emit for the recorded workload is, as
# text, what Debezium emitted for it.  See test/golden/README.
#
# Where it is not, the difference is declared here with its reason, and is one
# where we are right; docs/formats.md tells users of them.  A difference that
# is not declared fails, and so does a declared one that does not occur.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use ConnectSchema;
use JsonText;
use Encode qw(encode_utf8);
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $golden_dir = "$FindBin::Bin/../golden";
my $document = "$FindBin::Bin/../../docs/formats.md";

# Longer texts of a difference are not shown whole.
my $longest_shown = 100;

# ----------------------------------------------------------------
# Differences by design
# ----------------------------------------------------------------

# Under the name that docs/formats.md has for a difference, where it is: topic
# without prefix, numbers of the recorded records, path, recorded text, our
# text.  "all" are all records of the topic, "{a,b}" in a path are several
# rows, "-" is the text of what is not there, "*" is any text.  Words in angle
# brackets are parts of Connect's schemas, <field> the last part of the path.
my $by_design = <<'EOT';
= columns of other types
public.t_num  5            value.after.x    -  "123"
public.t_num  5            value.after.l    -  "0/16B3748"
public.t_num  8,11,14,17   value.after.{x,l}  -  null
public.t_num  all          value schema.{before,after}.{x,l}  -  {<text>,<field>}
public.t_str  20           value.after.tsq  -  "'fat' & 'rat'"
public.t_str  20           value.after.jp   -  "$.\"a\"[*]"
public.t_str  20           value.after.co   -  {"a":1,"b":"x"}
public.t_str  20           value.after.cu   -  "(1, 2, 3)"
public.t_str  20           value.after.txs  -  "10:20:10,14,15"
public.t_str  20           value.after.rc   -  "public.t_str"
public.t_str  133          value.after.{tsq,jp,co,cu,txs,rc}  -  null
public.t_str  all          value schema.{before,after}.{tsq,jp,cu,txs,rc}  -  {<text>,<field>}
public.t_str  all          value schema.{before,after}.co  -  {<comp>,<field>}
public.t_net  26           value.after.i4mr  -  "{[1,3),[5,7)}"
public.t_net  26           value.after.fr   -  "[1.5,2.5]"
public.t_net  26           value.after.ln   -  "{1,2,3}"
public.t_net  26           value.after.ls   -  "[(0,0),(1,1)]"
public.t_net  26           value.after.bx   -  "(1,1),(0,0)"
public.t_net  26           value.after.pa   -  "[(0,0),(1,1)]"
public.t_net  26           value.after.po   -  "((0,0),(1,0),(0,1))"
public.t_net  26           value.after.ci   -  "<(10,20),10>"
public.t_net  26           value schema.{before,after}.{i4mr,fr,ln,ls,bx,pa,po,ci}  -  {<text>,<field>}
public.t_arr  29           value.after.ivla  -  [86400000000]
public.t_arr  29           value.after.mona  -  ["AJY="]
public.t_arr  29           value.after.vbita  -  ["AQ=="]
public.t_arr  29           value.after.pta  -  [{"x":1.0,"y":2.0,"wkb":"AQEAAAAAAAAAAADwPwAAAAAAAABA","srid":null}]
public.t_arr  29           value.after.xa   -  ["<a/>"]
public.t_arr  29           value.after.nma  -  ["n"]
public.t_arr  29           value.after.doma  -  [5]
public.t_arr  29           value schema.{before,after}.ivla  -  {"type":"array","items":{<interval>},"optional":true,<field>}
public.t_arr  29           value schema.{before,after}.mona  -  {"type":"array","items":{<money>},"optional":true,<field>}
public.t_arr  29           value schema.{before,after}.vbita  -  {"type":"array","items":{<bits>,"parameters":{"length":"2147483647"}},"optional":true,<field>}
public.t_arr  29           value schema.{before,after}.pta  -  {"type":"array","items":{<point>},"optional":true,<field>}
public.t_arr  29           value schema.{before,after}.xa  -  {"type":"array","items":{<xml>},"optional":true,<field>}
public.t_arr  29           value schema.{before,after}.nma  -  {"type":"array","items":{<text>},"optional":true,<field>}
public.t_arr  29           value schema.{before,after}.doma  -  {"type":"array","items":{<int32>},"optional":true,<field>}

= stored generated columns
public.t_gen  108          value.after.g    -  10
public.t_gen  108          value schema.{before,after}.g  -  {<int32>,<field>}

= `numeric(p,-s)`
public.t_num  5            value.after.n5m  *  "MAw="
public.t_num  all          value schema.{before,after}.n5m.parameters.scale  "2046"  "0"
public.t_num  all          value schema.{before,after}.n5m.parameters.connect.decimal.precision  "3"  "5"

= `name`
public.t_str  20           value.after.nm   null  "namev"

= `bit(n)[]`
public.t_arr  29           value.after.bita  null  ["BQ=="]
public.t_arr  29           value schema.{before,after}.bita.type  "bytes"  "array"
public.t_arr  29           value schema.{before,after}.bita.items  -  {<bits>,"parameters":{"length":"3"}}
public.t_arr  29           value schema.{before,after}.bita.{name,version,parameters}  *  -

= arrays of arrays
public.t_arr  29           value.after.ia2.0  null  [1,2]
public.t_arr  29           value.after.ia2.1  null  [3,4]
public.t_arr  29           value schema.{before,after}.ia2.items.type  "int32"  "array"
public.t_arr  29           value schema.{before,after}.ia2.items.items  -  {<int32>}

= new labels of an enum
public.t_str  133          value schema.{before,after}.md.parameters.allowed  "sad,ok,happy"  "sad,meh,ok,happy"

= old values that are not logged
public.t_def  41,46        value.before.{a,l}  0  null
public.t_def  41,46        value.before.{b,f,g,k,m}  ""  null
public.t_def  41,46        value.before.c   "AA=="  null
public.t_def  41,46        value.before.d   "1970-01-01T00:00:00Z"  null
public.t_def  41,46        value.before.e   false  null
public.t_def  41,46        value.before.n   []  null
public.t_def  41,46        value.before.o   0.0  null
public.t_def  all          value schema.before.{a,b,c,d,e,f,g,k,l,m,n,o}.optional  false  true
public.t_toast  104        value.before.txt_nn  "x"  null
public.t_toast  all        value schema.before.txt_nn.optional  false  true
public.t_pkidx  86,94      value.before.id  0  null
public.t_pkidx  all        value schema.before.id.optional  false  true

= key with `REPLICA IDENTITY USING INDEX`
public.t_pkidx  80,83,88   key.id  1  -
public.t_pkidx  86,87,94,95  key.id  0  -
public.t_pkidx  91         key.id  2  -
public.t_pkidx  80,83,86,87  key.a  -  11
public.t_pkidx  88,91,94,95  key.a  -  12
public.t_pkidx  86,87      headers.__debezium.newkey.id  1  -
public.t_pkidx  86,87      headers.__debezium.newkey.a  -  12
public.t_pkidx  88         headers.__debezium.oldkey.id  0  -
public.t_pkidx  88         headers.__debezium.oldkey.a  -  11
public.t_pkidx  all        key schema.id  {"type":"int32","optional":false,<field>}  -
public.t_pkidx  all        key schema.a  -  {"type":"int32","optional":false,<field>}

= header `__cdc_emit.unavailable`
public.t_toast  101        headers.__cdc_emit.unavailable  -  ["txt","js","by","ta","ia","bia","ua","hs","nu","fa","bits"]

= logical messages in `data_collections`
transaction  122           value.data_collections.0.data_collection  <message>@111b2ef5"  "message"
transaction  128           value.data_collections.0.data_collection  <message>@29374210"  "public.t_full"
transaction  128           value.data_collections.1.data_collection  "public.t_full"  "message"
EOT

my %words = (
	text => '"type":"string","optional":true',
	int32 => '"type":"int32","optional":true',
	xml => '"type":"string","optional":true,'
	  . '"name":"io.debezium.data.Xml","version":1',
	interval => '"type":"int64","optional":true,'
	  . '"name":"io.debezium.time.MicroDuration","version":1',
	money => '"type":"bytes","optional":true,'
	  . '"name":"org.apache.kafka.connect.data.Decimal","version":1,'
	  . '"parameters":{"scale":"2"}',
	bits => '"type":"bytes","optional":true,'
	  . '"name":"io.debezium.data.Bits","version":1',
	point => '"type":"struct","fields":['
	  . '{"type":"double","optional":false,"field":"x"},'
	  . '{"type":"double","optional":false,"field":"y"},'
	  . '{"type":"bytes","optional":true,"field":"wkb"},'
	  . '{"type":"int32","optional":true,"field":"srid"}],"optional":true,'
	  . '"name":"io.debezium.data.geometry.Point","version":1,'
	  . '"doc":"Geometry (POINT)"',
	comp => '"type":"struct","fields":['
	  . '{"type":"int32","optional":true,"field":"a"},'
	  . '{"type":"string","optional":true,"field":"b"}],"optional":true,'
	  . '"name":"public.comp"',
	message => '"io.debezium.connector.postgresql.'
	  . 'LogicalDecodingMessageMonitor$LogicalDecodingMessageId');

# ----------------------------------------------------------------
# Recorded records
# ----------------------------------------------------------------

# A record is { number, topic, K, V, H => [[name, value], ...] }.
sub read_golden
{
	my ($name) = @_;
	my @records;
	foreach my $line (split /\n/, slurp_file("$golden_dir/$name"))
	{
		if ($line =~ /^# (\d+) (\S+)$/)
		{
			push @records, { number => $1, topic => $2, H => [] };
		}
		elsif ($line =~ /^([KV]) (.*)/)
		{
			$records[-1]{$1} = $2;
		}
		elsif ($line =~ /^H (\S+) (.*)/)
		{
			push @{ $records[-1]{H} }, [ $1, $2 ];
		}
		else
		{
			die "unexpected line in $name: $line";
		}
	}
	return @records;
}

# Recorded records with the schemas of key and value, which their file has
# where they change; without the records of a snapshot.
sub golden_records
{
	my @records = read_golden('default.txt');
	my @schemas = read_golden('default.schema.txt');
	my %current;
	foreach my $i (0 .. $#records)
	{
		my $of_topic = $current{ $records[$i]{topic} } //= {};
		foreach my $part (qw(K V))
		{
			$of_topic->{$part} = $schemas[$i]{$part} // $of_topic->{$part};
			$records[$i]{"${part}_schema"} = $of_topic->{$part};
		}
	}
	my @streamed = grep { $_->{V} !~ /,"op":"r",/ } @records;
	note(@records - @streamed . ' recorded records are of a snapshot');
	return @streamed;
}

# ----------------------------------------------------------------
# What differs from run to run
# ----------------------------------------------------------------

# Put a word for what matches in a scalar, if there is one at the path.
sub blank
{
	my ($tree, $pattern, $word, @path) = @_;
	my $node = json_member($tree, @path);
	$node->[1] =~ s/$pattern/<$word>/g if $node && $node->[0] eq 'scalar';
	return;
}

# Clocks, positions, transactions, the version, random values
sub blank_run
{
	my ($tree) = @_;
	foreach my $unit (qw(ts_ms ts_us ts_ns))
	{
		blank($tree, qr/^\d+$/, 'clock', 'value', $unit);
		blank($tree, qr/^\d+$/, 'clock', 'value', 'source', $unit);
	}
	blank($tree, qr/^\d+$/, 'lsn', qw(value source lsn));
	blank($tree, qr/\d+/, 'lsn', qw(value source sequence));
	blank($tree, qr/^\d+$/, 'xid', qw(value source txId));
	blank($tree, qr/^".+"$/, 'version', qw(value source version));
	blank($tree, qr/^"\d+:\d+"$/, 'transaction', @$_)
	  foreach [qw(key id)], [qw(value id)], [qw(value transaction id)];
	foreach my $row (qw(before after))
	{
		# now(), the default of t_def.j
		blank($tree, qr/^"20[-\d]+T[:\d]+\.\d{6}Z"$/,
			'clock', 'value', $row, 'j');
		# gen_random_uuid() in t_toast.ua
		my $uuids = json_member($tree, 'value', $row, 'ua');
		next if !$uuids || $uuids->[0] ne 'array';
		$_->[1] =~ s/^"[-\da-f]{13}-4[-\da-f]{21}"$/<random>/
		  foreach @$uuids[ 1 .. $#$uuids ];
	}
	return;
}

# Remove from the end of a list what is our identity of an event; returns the
# number of removed elements.
sub cut_identity
{
	my ($list, $is_identity) = @_;
	my $cut = 0;
	while ($list && @$list > 1 && $is_identity->($list->[-1]))
	{
		pop @$list;
		$cut++;
	}
	return $cut;
}

sub cut_from_value
{
	my ($tree) = @_;
	return cut_identity(
		json_member($tree, qw(value source)),
		sub { $_[0][0] =~ /^commit_(lsn|index)$/ && $_[0][1][1] =~ /^\d+$/ });
}

sub cut_from_schema
{
	my ($tree) = @_;
	my ($type, @fields) = @{ json_member($tree, 'value schema', 'fields') };
	my ($source) =
	  grep { json_text($_) =~ /,"field":"source"\}$/ } @fields;
	return cut_identity($source && json_member($source, 'fields'),
		sub { json_text($_[0]) =~ /"field":"commit_(lsn|index)"\}$/ });
}

# ----------------------------------------------------------------
# Comparison
# ----------------------------------------------------------------

# Key and value as {"schema":S,"payload":P} become payload and schema.
sub unwrap
{
	my ($record) = @_;
	foreach my $part (grep { $record->{$_} ne 'null' } qw(K V))
	{
		my ($type, @members) = @{ json_tree($record->{$part}) };
		die "not a schema and a payload: $record->{$part}"
		  if $type ne 'object'
		  || join(' ', map { $_->[0] } @members) ne 'schema payload';
		($record->{"${part}_schema"}, $record->{$part}) =
		  map { json_text($_->[1]) } @members;
	}
	return $record;
}

# All parts of a record as one tree
sub record_tree
{
	my ($record, $with_schemas) = @_;
	my @parts;

	foreach my $part ([ 'key', 'K' ], [ 'value', 'V' ])
	{
		my ($name, $id) = @$part;
		push @parts, [ $name, json_tree($record->{$id}) ];
		push @parts, [ "$name schema", json_tree($record->{"${id}_schema"}) ]
		  if $with_schemas && $record->{$id} ne 'null';
	}
	my @headers = map { [ $_->[0], json_tree($_->[1]) ] } @{ $record->{H} };
	return [ 'object', @parts, [ 'headers', [ 'object', @headers ] ] ];
}

sub shown
{
	my ($text) = @_;
	return $text if length $text <= $longest_shown;
	return substr($text, 0, $longest_shown) . '... ' . length($text);
}

# Differences of two records, each as [PATH, RECORDED, OURS]
sub record_differences
{
	my ($golden, $ours, $with_schemas) = @_;
	my ($recorded, $emitted) =
	  map { record_tree($_, $with_schemas) } ($golden, $ours);
	my @differences;

	blank_run($_) foreach ($recorded, $emitted);
	if (json_member($recorded, qw(value source)))
	{
		push @differences, [ 'identity', 'any', '-' ]
		  if cut_from_value($emitted) != 2
		  || $with_schemas && cut_from_schema($emitted) != 2;
	}
	foreach (json_differences($recorded, $emitted))
	{
		my ($path, @texts) = @$_;
		$path =~ s/\.fields(?=\.)//g;
		push @differences, [ $path, map { $_ // '-' } @texts ];
	}
	return @differences;
}

# "a.{b,c}" stands for "a.b" and "a.c".
sub expanded
{
	my ($path) = @_;
	my ($start, $words, $end) = $path =~ /^(.*?)\{(.*?)\}(.*)$/
	  or return $path;
	return map { expanded("$start$_$end") } split /,/, $words;
}

# Which records a row is about
sub numbers_of
{
	my ($golden, $topic, $numbers, $path) = @_;
	return split /,/, $numbers if $numbers ne 'all';
	my $part = $path =~ /^key/ ? 'K' : 'V';
	return map { $_->{number} }
	  grep { $_->{topic} eq "srv.$topic" && $_->{$part} ne 'null' } @$golden;
}

# Declared differences: by record and path, the two texts
sub declarations
{
	my ($golden, $with_schemas) = @_;
	my %declared;

	foreach my $line (grep { /^[^=]/ } split /\n/, $by_design)
	{
		my ($topic, $numbers, $paths, @texts) = split / {2,}/, $line;
		next if $paths =~ /^\w+ schema/ && !$with_schemas;
		foreach my $path (expanded($paths))
		{
			my ($field) = $path =~ /(\w+)$/;
			my %known = (%words, field => "\"field\":\"$field\"");
			my @expected = map { s{<(\w+)>}{$known{$1} // $&}ger } @texts;
			$declared{$_}{$path} = \@expected
			  foreach numbers_of($golden, $topic, $numbers, $path);
		}
	}
	return \%declared;
}

sub by_topic
{
	my %records;
	push @{ $records{ $_->{topic} } }, $_ foreach @_;
	return \%records;
}

sub counts
{
	my ($topics) = @_;
	return join "\n", map { "$_ " . @{ $topics->{$_} } } sort keys %$topics;
}

# Compare one record; appends to @$problems what is not as declared.
sub compare_record
{
	my ($golden, $ours, $declared, $with_schemas, $problems) = @_;
	my @differences = record_differences($golden, $ours, $with_schemas);
	my $label = "$golden->{number} $golden->{topic}";
	my %expected = %{ $declared->{ $golden->{number} } // {} };

	foreach my $difference (@differences)
	{
		my ($path, $theirs, $ours) = @$difference;
		my ($expected_theirs, $expected_ours) =
		  @{ delete $expected{$path} // [ '', '' ] };
		$expected_theirs = $theirs if $expected_theirs eq '*';
		push @$problems,
		  "$label: $path: " . shown($theirs) . ' => ' . shown($ours)
		  if $theirs ne $expected_theirs || $ours ne $expected_ours;
	}
	push @$problems, map { "$label: $_ does not differ" } sort keys %expected;
	return @differences == 0;
}

# Compare all records, topic by topic.
sub is_conforming
{
	my ($name, $golden, @ours) = @_;
	my $with_schemas = $name =~ /schemas/;
	my ($recorded, $emitted) = (by_topic(@$golden), by_topic(@ours));
	my $declared = declarations($golden, $with_schemas);
	my ($compared, $equal, @problems) = (0, 0);

	is(counts($emitted), counts($recorded),
		"$name: as many records in each topic");
	foreach my $topic (sort keys %$recorded)
	{
		my @theirs = @{ $recorded->{$topic} };
		my @ours = @{ $emitted->{$topic} // [] };
		while (@theirs && @ours)
		{
			$compared++;
			$equal++
			  if compare_record(
				shift @theirs, shift @ours, $declared,
				$with_schemas, \@problems);
		}
	}
	is(join("\n", @problems), '', "$name: differs as declared");
	pass(
		sprintf(
			"%s: %d records compared, %d equal, %d different by design",
			$name, $compared, $equal, $compared - $equal));
	return;
}

# ----------------------------------------------------------------
# Our records
# ----------------------------------------------------------------

sub string_of
{
	my ($json) = @_;
	return encode_utf8(JSON::PP->new->utf8->allow_nonref->decode($json));
}

# What the plugin writes as text
sub text_records
{
	my ($node, $slot, %options) = @_;
	my $options = join '',
	  map { ", '$_', '$options{$_}'" } sort keys %options;
	my @records;

	foreach my $line (split /\n/, $node->safe_psql('gold', <<"EOQ"))
SELECT data FROM pg_logical_slot_get_changes('$slot', NULL, NULL,
	'publications', 'everything', 'topic_prefix', 'srv',
	'message_include', '*' $options)
EOQ
	{
		my ($topic, $key, $value, $headers) =
		  map { json_member(json_tree($line), $_) }
		  qw(topic key value headers);
		push @records,
		  {
			topic => string_of(json_text($topic)),
			K => json_text($key),
			V => json_text($value),
			H => [
				map { [ $_->[0], string_of(json_text($_->[1])) ] }
				  @$headers[ 1 .. $#$headers ]
			]
		  };
	}
	return @records;
}

# What a topic has
sub topic_records
{
	my ($kafka, $topic) = @_;
	my @records;

	foreach my $message (
		kcat('-C', '-q', '-e', '-b', $kafka->address, '-t', $topic))
	{
		my @headers = @{ $message->{headers} // [] };
		my $record = { topic => $topic, H => [] };
		($record->{K}, $record->{V}) =
		  map { defined $_ ? encode_utf8($_) : 'null' }
		  @$message{qw(key payload)};
		push @{ $record->{H} },
		  [ map { encode_utf8($_) } splice(@headers, 0, 2) ]
		  while @headers;
		push @records, $record;
	}
	return @records;
}

# All topics but Kafka's own, with their records
sub topics
{
	my ($kafka) = @_;
	my ($metadata) = kcat('-L', '-b', $kafka->address);
	return map { $_ => [ topic_records($kafka, $_) ] }
	  grep { !/^__/ } map { $_->{topic} } @{ $metadata->{topics} };
}

# What kcat prints as JSON
sub kcat
{
	my ($out, $err) = run_command([ 'kcat', '-J', @_ ]);
	die "kcat @_: $err" if $err;
	return map { JSON::PP->new->utf8->decode($_) } split /\n/, $out;
}

# ----------------------------------------------------------------
# What is not in the recording
# ----------------------------------------------------------------

# Where a key or value is not what its own schema says
sub violations
{
	my ($record) = @_;
	return map {
		schema_violations(
			json_tree($record->{"${_}_schema"}),
			json_tree($record->{$_}),
			"$record->{topic}.$_")
	} grep { $record->{$_} ne 'null' } qw(K V);
}

# All messages of a transaction name the same transaction: those between
# BEGIN and END.
sub transactions_have_one_id
{
	my (@records) = @_;
	my ($id, $n) = ('null', 0);
	my @wrong;

	foreach my $record (grep { $_->{V} ne 'null' } @records)
	{
		my $value = json_tree($record->{V});
		my $boundary = $record->{topic} eq 'srv.transaction';
		my $found =
		  json_member($value, $boundary ? 'id' : qw(transaction id));
		my $text = $found ? json_text($found) : 'null';
		my $status = $boundary && json_text(json_member($value, 'status'));

		$id = $text if $boundary && $status eq '"BEGIN"';
		push @wrong, "$record->{topic}: $text within $id" if $text ne $id;
		$id = 'null' if $boundary && $status eq '"END"';
		$n++ if $boundary;
	}
	is(join("\n", @wrong),
		'', 'a transaction has one id, ' . $n / 2 . ' times');
	return;
}

# ----------------------------------------------------------------
# Run
# ----------------------------------------------------------------

require_kafka();
my $kafka = new_kafka();
my $node = new_node('primary');
$node->safe_psql('postgres',
	"CREATE DATABASE gold TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
$node->safe_psql('gold', 'CREATE EXTENSION cdc_emit');

sub run_file
{
	my ($file) = @_;
	$node->command_ok(
		[
			'psql', '-X', '-q', '-v',
			'ON_ERROR_STOP=1', '-o', '/dev/null', '-f',
			"$golden_dir/$file", '-d', $node->connstr('gold')
		],
		"$file");
	return;
}

run_file('schema.sql');
$node->safe_psql(
	'gold',
	'CREATE PUBLICATION everything FOR ALL TABLES '
	  . (
		$node->pg_version >= 18
		? 'WITH (publish_generated_columns = stored)'
		: ''));

# Two subscriptions write to the same topics, one after the other: names of
# topics are part of schemas.
create_subscription(
	$node, $kafka, 'plain',
	database => 'gold',
	publications => '{everything}',
	options => '{"topic_prefix": "srv", "transaction_metadata": true,
		"message_include": ["*"]}');
create_subscription(
	$node, $kafka, 'wrapped',
	database => 'gold',
	publications => '{everything}',
	options => '{"topic_prefix": "srv", "transaction_metadata": true,
		"message_include": ["*"], "schemas": true}');
$node->safe_psql('gold', "SELECT cdc_emit.disable_subscription('wrapped')");
wait_for_state($node, 'wrapped', 'disabled', 'gold');
$node->safe_psql('gold',
	"SELECT pg_create_logical_replication_slot('text_$_', 'cdc_emit')")
  foreach qw(plain wrapped);
run_file('work.sql');

my @golden = golden_records();
my @text = text_records($node, 'text_plain', transaction_metadata => 'on');
is_conforming('text', \@golden, @text);
is( join("\n", map { $_->{topic} } @text),
	join("\n", map { $_->{topic} } @golden),
	'text: the same order of all records');
transactions_have_one_id(@text);

acknowledged($node, 'plain', 'gold');
my %plain = topics($kafka);
is_conforming('Kafka', \@golden, map { @$_ } values %plain);

is_conforming(
	'text with schemas',
	\@golden,
	map { unwrap($_) } text_records(
		$node, 'text_wrapped',
		transaction_metadata => 'on',
		schemas => 'on'));

$node->safe_psql('gold', "SELECT cdc_emit.disable_subscription('plain')");
wait_for_state($node, 'plain', 'disabled', 'gold');
$node->safe_psql('gold', "SELECT cdc_emit.enable_subscription('wrapped')");
acknowledged($node, 'wrapped', 'gold');
my %both = topics($kafka);
splice(@{ $both{$_} }, 0, @{ $plain{$_} }) foreach keys %plain;
my @wrapped = map { unwrap($_) } map { @$_ } values %both;
is_conforming('Kafka with schemas', \@golden, @wrapped);
is(join("\n", map { violations($_) } @wrapped),
	'', 'keys and values are what their schemas say');

# What is declared is also told.
my ($told) = slurp_file($document) =~ /^## Differences from Debezium$(.*)/ms;
ok(index($told, "\n| $_ |") >= 0, "documented: $_")
  foreach $by_design =~ /^= (.*)/mg;

$node->stop;
done_testing();
