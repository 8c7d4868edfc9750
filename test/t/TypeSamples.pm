# Random columns: types, values of them as SQL expressions, and what a
# consumer of Debezium's format can tell of these values.
#
# A type is a hash with
#   sql     the type in SQL
#   type    what the consumer knows of it (DebeziumConsumer)
#   sample  a value, as an SQL expression; with a true argument one that the
#           JSON of this type holds without loss
#   large   a value that is stored out of line, or not there
#   mark    JSON that stands for an unavailable value; "null" if the type has
#           no room for a mark
#   expect  what the consumer's text is compared with, %s is the column;
#           not there: the text of the value.  Where the JSON cannot hold a
#           value this says what remains of it.
#   as      the consumer's text is converted to this type before it is
#           compared; not there: it is the same text
#   key     can it be in a key: does the JSON tell apart what equality does?
#
# The modes (options of the subscription that choose representations) are
# data: a hash from the name of the option to its value.

package TypeSamples;

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use Exporter 'import';
use List::Util qw(max min);
use MIME::Base64 qw(encode_base64);

our @EXPORT =
  qw(%modes $placeholder @infinite_intervals type_names make_type literal identifier number pick chance shuffled);

our %modes = (
	decimal_handling => [qw(precise string double)],
	time_precision => [
		qw(adaptive adaptive_time_microseconds connect isostring microseconds
		  nanoseconds)
	],
	interval_handling => [qw(numeric string)],
	hstore_handling => [qw(json map)],
	binary_handling => [qw(bytes base64 base64-url-safe hex)],
	schemas => [qw(off off on)]);

# What stands for values that are unavailable
our $placeholder = '__debezium_unavailable_value';

# Since 17 there are infinite intervals.
our @infinite_intervals;

# ----------------------------------------------------------------
# Chance
# ----------------------------------------------------------------

# An integer from $low to $high
sub number
{
	my ($low, $high) = @_;
	return $low + int(rand($high - $low + 1));
}

sub pick { return $_[ int(rand(@_)) ]; }
sub chance { return rand() < $_[0]; }

sub shuffled
{
	my @list = @_;
	foreach my $i (reverse 1 .. $#list)
	{
		my $j = number(0, $i);
		@list[ $i, $j ] = @list[ $j, $i ];
	}
	return @list;
}

sub digits
{
	my ($count) = @_;
	return join '', map { number(0, 9) } 1 .. $count;
}

# ----------------------------------------------------------------
# SQL
# ----------------------------------------------------------------

# A string constant, in ASCII
sub literal
{
	my ($string) = @_;
	my $text = '';
	foreach my $char (split //, $string)
	{
		my $code = ord $char;
		$text .=
			$char =~ /['\\]/ ? "\\$char"
		  : $code >= 0x10000 ? sprintf('\\U%08X', $code)
		  : $code < 0x20 || $code > 0x7E ? sprintf('\\u%04X', $code)
		  :                                $char;
	}
	return "E'$text'";
}

# An identifier, in ASCII
sub identifier
{
	my ($name) = @_;
	my $text = '';
	foreach my $char (split //, $name)
	{
		my $code = ord $char;
		$text .=
			$char =~ /["\\]/ ? "$char$char"
		  : $code < 0x20 || $code > 0x7E ? sprintf('\\+%06X', $code)
		  :                                $char;
	}
	return "U&\"$text\"";
}

# ----------------------------------------------------------------
# Texts
# ----------------------------------------------------------------

my @plain = ('a' .. 'z', 'A' .. 'Z', 0 .. 9, ' ', '_');
my @special = (
	(map { chr } 1 .. 0x1F, 0x7F .. 0xA0),
	'"', "'", '\\', '/', '{', '}', ',', '%', '$', '&', '<',
	(
		map { chr } 0xE9, 0xDF, 0x416, 0x6F22, 0x2028, 0x2029, 0xFEFF, 0xFFFD,
		0xFFFF, 0x1F600, 0x1F3F3, 0x10FFFF
	));

sub text
{
	my ($max, @alphabet) = @_;
	my $special = pick(0, 0.1, 0.6);
	return join '',
	  map { pick(chance($special) && !@alphabet ? @special : (@alphabet, @plain)) }
	  1 .. number(0, $max);
}

sub json_string
{
	my ($text) = @_;
	$text =~ s/(["\\])/\\$1/g;
	$text =~ s/([\x00-\x1F])/sprintf '\\u%04x', ord $1/ge;
	return "\"$text\"";
}

sub json_text
{
	my ($depth) = @_;
	my $kind = number(0, $depth > 0 ? 7 : 5);
	my $space = chance(0.3) ? pick(' ', "\n", "\t", '  ') : '';

	return pick(qw(true false null)) if $kind == 0;
	return pick(0, -1, '1.50', '1e3', '-0', digits(1) . '.' . digits(30),
		number(1, 9) . digits(number(0, 60)))
	  =~ s/^0(?=\d)//r
	  if $kind == 1;
	return '"\\ud83d\\ude00\\u00e9\\n\\\\"' if $kind == 2;
	return json_string(text(15)) if $kind < 6;
	return '['
	  . $space
	  . join(",$space", map { json_text($depth - 1) } 1 .. number(0, 3)) . ']'
	  if $kind == 6;
	return '{'
	  . join(
		",$space",
		map { json_string(text(8)) . "$space:" . json_text($depth - 1) }
		  1 .. number(0, 3)) . '}';
}

sub xml_text
{
	my $text = text(20, chr(0xE9), chr(0x1F600), "\n", "\t", '"', "'");
	return pick(
		"<a>$text</a>",
		"<a b=\"1\">&lt;&amp;<c/>" . $text . '</a>',
		"text &gt; <b/> $text",
		"<?xml version=\"1.0\"?><a>$text</a>", "<![CDATA[<$text>]]>");
}

# Text that is a string, escaped, in JSON
sub quoted_mark
{
	my ($text) = @_;
	return '"' . ($text // $placeholder) =~ s/(["\\])/\\$1/gr . '"';
}

# ----------------------------------------------------------------
# Numbers
# ----------------------------------------------------------------

# A decimal with at most these digits before and after the point
sub decimal
{
	my ($before, $after, $no_zeros) = @_;
	my $text = digits(number(0, $before)) =~ s/^0+(?=\d)//r;
	my $fraction = digits(number(0, $after));

	$fraction =~ s/0+$// if $no_zeros;
	$text = '0' if $text eq '';
	$text .= ".$fraction" if $fraction ne '';
	return (chance(0.5) && $text =~ /[1-9]/ ? '-' : '') . $text;
}

sub float
{
	my ($bytes) = @_;
	my $random = sub {
		my $text = join '', map { chr(number(0, 255)) } 1 .. $bytes;
		return $bytes == 8
		  ? sprintf('%.17g', unpack('d', $text))
		  : sprintf('%.9g', unpack('f', $text));
	};
	my $value = pick(
		0, '-0', 1, -1, 100, 0.1, 1e7, 9999999, 1e-3, 0.0009, 123456.789,
		16777216, 'NaN', 'Infinity', '-Infinity',
		$bytes == 8
		? ('5e-324', '1.7976931348623157e308', 9007199254740993)
		: ('1e-45', '3.4028235e38'),
		map { $random->() } 1 .. 15);
	return $value =~ /nan/i ? 'NaN'
	  : $value =~ /^-inf/i ? '-Infinity'
	  : $value =~ /inf/i ? 'Infinity'
	  :                    $value;
}

# ----------------------------------------------------------------
# Times
# ----------------------------------------------------------------

sub fraction
{
	my ($max) = @_;
	my $digits = digits(number(0, $max));
	return $digits eq '' ? '' : ".$digits";
}

sub clock
{
	my ($digits) = @_;
	return sprintf('%02d:%02d:%02d', number(0, 23), number(0, 59),
		number(0, 59))
	  . fraction($digits);
}

# A day of the years from and to, negative ones before Christ
sub day
{
	my ($from, $to) = @_;
	my $year = number($from, $to);
	return (
		sprintf('%04d-%02d-%02d',
			$year > 0 ? $year : 1 - $year,
			number(1, 12), number(1, 28)),
		$year > 0 ? '' : ' BC');
}

sub any_day
{
	my ($last) = @_;
	return pick(
		sub { return day(1970, 2040) },
		sub { return day(1970, 2040) },
		sub { return day(1900, 1971) },
		sub { return day(-4711, 9999) },
		sub { return day(10000, $last) })->();
}

# Time zone and restrictions are the caller's: only finite ones, and of a
# range of years.
sub timestamp
{
	my ($digits, $zone, $restricted, $from, $to) = @_;
	if (!$restricted && chance(0.25))
	{
		return pick(
			'infinity', '-infinity', '1970-01-01 00:00:00',
			'1969-12-31 23:59:59.999999', '4713-11-24 00:00:00 BC',
			'4714-11-24 00:00:00+00 BC', '294276-12-31 23:59:59+00',
			'294247-01-10 04:00:54.775807+00',
			'294247-01-10 04:00:54.775808+00',
			'2262-04-11 23:47:16.854775+00', '2262-04-11 23:47:16.854776+00',
			'1677-09-21 00:12:43.145224+00', '1677-09-21 00:12:43.145225+00',
			'0001-12-31 23:59:59.9 BC', '0001-01-01 00:00:00',
			'10000-01-01 00:00:00', '9999-12-31 23:59:59.999999');
	}
	my ($day, $era) =
	  $from ? day($from, $to)
	  : $restricted ? day(1680, 2260)
	  : any_day(294275);
	return $day . ' '
	  . clock($digits)
	  . ($zone ? pick('', 'Z', '+05:30', '-08') : '')
	  . $era;
}

sub interval
{
	return pick(
		'0',
		'1 year 2 mons 3 days 04:05:06.78',
		'-1 day 00:00:01.5',
		'178000000 years', '-178000000 years', '-00:00:00.000001',
		'1 mon -1 day', '2147483647 days', '2562047788:00:00', @infinite_intervals,
		map {
			sprintf('%s%d years %s%d mons %s%d days %s%d:%02d:%02d%s',
				pick('', '-'), number(0, pick(1, 200)),
				pick('', '-'), number(0, 30),
				pick('', '-'), number(0, 400),
				pick('', '-'), number(0, pick(23, 1000)),
				number(0, 59), number(0, 59), fraction(6))
		} 1 .. 12);
}

# ----------------------------------------------------------------
# Types
# ----------------------------------------------------------------

# A type whose JSON is the text of its value
sub textual
{
	my ($sql, $sample, %more) = @_;
	return {
		sql => $sql,
		type => { kind => 'string' },
		mark => quoted_mark(),
		sample => $sample,
		%more
	};
}

# A type that is one string constant of Perl
sub plain
{
	my ($sql, $sample, %more) = @_;
	return textual($sql, sub { return literal($sample->(@_)) . "::$sql" },
		%more);
}

sub numeric_type
{
	my ($m) = @_;
	my $mode = $m->{decimal_handling};
	my $precision = pick(1 .. 20, 38, 39, number(40, 120), number(200, 1000));
	my $scale = number(0, min($precision, pick(0, 2, 10, 400)));
	my $whole = $precision - $scale;
	my $sql = "numeric($precision,$scale)";

	# fewer digits than the scale, or rounded to tens
	if (chance(0.2))
	{
		$precision = number(1, 10);
		$scale = pick(number(-8, -1), number($precision + 1, 20));
		$whole = $scale < 0 ? $precision - $scale : 0;
		$sql = "numeric($precision,$scale)";
	}
	my $sample = sub {
		my ($exact) = @_;
		return "'NaN'::$sql" if !$exact && chance(0.05);
		return '('
		  . ($scale > $precision
			? "0." . '0' x ($scale - $precision) . digits($precision)
			: $scale < 0 && $mode eq 'double' ? number(0, 8) . '0' x ($whole - 1)
			: $scale < 0 ? number(-8, 8) . digits($whole - 1)
			: $mode eq 'double' && $exact
			? decimal(min($whole, 8), min($scale, 5))
			: decimal($whole, $scale)) . ")::$sql";
	};
	return decimal_type(
		$m, $sql,
		{ kind => 'decimal', scale => max($scale, 0) },
		"CASE WHEN %s <> 'NaN' THEN %s::text END", $sample);
}

sub unconstrained_numeric_type
{
	my ($m) = @_;
	my $mode = $m->{decimal_handling};
	my $sample = sub {
		my ($exact) = @_;
		return literal(pick(qw(NaN Infinity -Infinity))) . '::numeric'
		  if !$exact && chance(0.1);
		return literal(decimal(8, 5, 1)) . '::numeric'
		  if $exact && $mode eq 'double';
		return literal(
			$exact || chance(0.8)
			? decimal(pick(5, 40, 400), pick(0, 5, 40, 400), $exact)
			: pick(
				'1e40', '-1e-40', '100', '100.00', '0.00', '1e400',
				'-1e-400', '1.7976931348623157e308', '1.7976931348623159e308',
				'4.9e-324', '2.4e-324', '0.1', '9007199254740993'))
		  . '::numeric';
	};
	return decimal_type($m, 'numeric', { kind => 'variable decimal' },
		"CASE WHEN %s NOT IN ('NaN', 'Infinity', '-Infinity') THEN trim_scale(%s)::text END",
		$sample);
}

# Decimals by mode: a precise one has no NaN and no infinity, and that without
# a declared scale no trailing zeros; a double has about 16 digits.
sub decimal_type
{
	my ($m, $sql, $type, $expect, $sample) = @_;
	my $mode = $m->{decimal_handling};
	my $large =
	  $sql eq 'numeric' && sub { return "repeat('123', 2000)::numeric" };
	my $result = {
		sql => $sql,
		sample => $sample,
		mark => 'null',
		key => $mode eq 'precise'
	};
	$result->{large} = $large if $large;
	if ($mode eq 'precise')
	{
		@$result{qw(type expect)} = ($type, $expect);
	}
	elsif ($mode eq 'string')
	{
		$result->{type} = { kind => 'decimal string' };
		$result->{mark} = quoted_mark() if $sql ne 'money';
	}
	else
	{
		$result->{type} = { kind => 'decimal double' };
		$result->{as} = 'float8';
		$result->{expect} = 'property.float_of(%s)::text';
	}
	return $result;
}

sub money_type
{
	my ($m) = @_;
	my $exact_digits = $m->{decimal_handling} eq 'double' ? 8 : 16;
	my $type = decimal_type(
		$m, 'money',
		{ kind => 'decimal', scale => 2 },
		undef,
		sub {
			my ($exact) = @_;
			return literal(
				$exact || chance(0.8) ? decimal($exact_digits, 2)
				: pick(
					'92233720368547758.07', '-92233720368547758.08',
					'0', '-0.01', '1.28', '-1.28'))
			  . '::money';
		});
	$type->{expect} =
	  $m->{decimal_handling} eq 'double'
	  ? 'property.float_of(%s::numeric)::text'
	  : '%s::numeric::text';
	delete $type->{key};
	return $type;
}

sub bytea_type
{
	my ($m) = @_;
	my $mode = $m->{binary_handling};
	return {
		sql => 'bytea',
		type => { kind => 'bytes', encoding => $mode },
		mark => quoted_mark(
			$mode eq 'bytes' ? encode_base64($placeholder, '') : $placeholder),
		sample => sub {
			return "'\\x"
			  . join('', map { sprintf '%02x', number(0, 255) }
				  1 .. number(0, pick(3, 64))) . "'::bytea";
		},
		large => sub {
			return "decode(repeat('" . digits(20) . "', 300), 'hex')";
		},
		key => 1
	};
}

sub bit_type
{
	my $length = pick(1, 1, 3, 8, 9, 64, 65, number(2, 200));
	my $sql = "bit($length)";
	return {
		sql => $sql,
		type => $length == 1
		? { kind => 'bit' }
		: { kind => 'bits', length => $length },
		mark => 'null',
		sample => sub {
			my $bits = join '', map { number(0, 1) } 1 .. $length;
			$bits = pick('0', '1') x $length if chance(0.2);
			return "B'$bits'::$sql";
		},
		key => 1
	};
}

# Leading zeros are lost, with the length; and of one bit whether it is there.
sub varbit_type
{
	my $length = pick(undef, undef, 1, 9, number(2, 200));
	my $sql = $length ? "varbit($length)" : 'varbit';
	my $one = ($length // 0) == 1;
	return {
		sql => $sql,
		type => { kind => $one ? 'bit' : 'bits' },
		mark => 'null',
		expect => $one
		? "CASE %s::text WHEN '1' THEN '1' ELSE '0' END || left(%s::text, 0)"
		: "ltrim(%s::text, '0')",
		sample => sub {
			my ($exact) = @_;
			my $bits = join '', map { number(0, 1) }
			  1 .. number($exact && $one ? 1 : 0, $length // pick(9, 100));
			$bits =~ s/^0/1/ if $exact;
			return "B'$bits'::$sql";
		},
		$length ? () : (large => sub { return "repeat('10', 20000)::varbit" })
	};
}

sub precision_of_time
{
	my $precision = pick(undef, undef, 0 .. 6);
	return ($precision // 6, defined $precision ? "($precision)" : '');
}

sub date_type
{
	my ($m) = @_;
	my $mode = $m->{time_precision};
	return {
		sql => 'date',
		type => { kind => $mode eq 'isostring' ? 'iso date' : 'days' },
		mark => 'null',
		sample => sub {
			return literal(
				chance(0.3)
				? pick(
					'infinity', '-infinity', '1970-01-01', '1969-12-31',
					'4714-11-24 BC', '5874897-12-31', '0001-12-31 BC',
					'2000-02-29')
				: join('', any_day(5874897)))
			  . '::date';
		},
		key => 1
	};
}

sub time_type
{
	my ($m) = @_;
	my $mode = $m->{time_precision};
	my ($precision, $suffix) = precision_of_time();
	my %unit = (
		adaptive => $precision <= 3 ? 'ms' : 'us',
		connect => 'ms',
		nanoseconds => 'ns');
	my $lossy = $mode eq 'connect' && $precision > 3;
	return {
		sql => "time$suffix",
		type => $mode eq 'isostring'
		? { kind => 'iso time' }
		: { kind => 'time', unit => $unit{$mode} // 'us' },
		mark => 'null',
		as => 'time',
		$lossy ? (expect => "property.out(property.milliseconds(%s))") : (),
		sample => sub {
			my ($exact) = @_;
			return literal(
				pick('24:00:00', '00:00:00', '23:59:59.999999',
					map { clock(6) } 1 .. 12)
				  =~ s/(\.\d{3})\d+/$exact && $lossy ? $1 : $&/er)
			  . "::time$suffix";
		},
		key => !$lossy
	};
}

# In UTC; 24:00 becomes 00:00.
sub timetz_type
{
	my ($precision, $suffix) = precision_of_time();
	my $sql = "time$suffix with time zone";
	return {
		sql => $sql,
		type => { kind => 'zoned time' },
		mark => 'null',
		as => 'timetz',
		expect => "property.out(timezone('UTC', %s))",
		sample => sub {
			my ($exact) = @_;
			return literal(clock(min($precision, 6)) . '+00') . "::$sql"
			  if $exact;
			return
			  literal(pick('24:00:00+00', '24:00:00-15:59:59', '00:00:00+14',
				map { clock(6) . pick('+00', '+05:30', '-08', '-15:59:59') }
				  1 .. 10))
			  . "::$sql";
		}
	};
}

# Units have a range: what is beyond is its end, which in nanoseconds is also
# infinity.  Kafka Connect's own type has milliseconds only.
sub timestamp_type
{
	my ($m) = @_;
	my $mode = $m->{time_precision};
	my ($precision, $suffix) = precision_of_time();
	my $sql = "timestamp$suffix";
	my $unit =
		$mode eq 'nanoseconds' ? 'ns'
	  : $mode eq 'connect' || ($mode =~ /adaptive/ && $precision <= 3) ? 'ms'
	  : 'us';
	my $lossy = $mode eq 'connect' && $precision > 3;
	my %expect = (
		us => "property.out(CASE WHEN %s < 'infinity' AND %s > '294247-01-10 04:00:54.775807' "
		  . "THEN '294247-01-10 04:00:54.775807' ELSE %s END)",
		ns => "property.out(CASE WHEN %s < '1677-09-21 00:12:43.145225' THEN '-infinity' "
		  . "WHEN %s > '2262-04-11 23:47:16.854775' THEN 'infinity' ELSE %s END)");
	my $type =
	  $mode eq 'isostring'
	  ? { kind => 'iso timestamp' }
	  : { kind => 'timestamp', unit => $unit };
	my $expect =
		$mode eq 'isostring' ? undef
	  : $lossy ? 'property.out(property.milliseconds(%s))'
	  :          $expect{$unit};
	return {
		sql => $sql,
		type => $type,
		mark => 'null',
		as => 'timestamp',
		$expect ? (expect => $expect) : (),
		sample => sub {
			my ($exact) = @_;
			return literal(
				timestamp($exact && $lossy ? 3 : 6, 0, $exact)) . "::$sql";
		},
		key => !$lossy
	};
}

sub timestamptz_type
{
	my ($precision, $suffix) = precision_of_time();
	my $sql = "timestamp$suffix with time zone";
	return {
		sql => $sql,
		type => { kind => 'zoned timestamp', digits => $precision },
		mark => 'null',
		as => 'timestamptz',
		sample => sub { return literal(timestamp(6, 1)) . "::$sql" },
		key => 1
	};
}

# In numeric mode a month is a twelfth of 365.25 days, and what is beyond the
# range its end.
sub interval_type
{
	my ($m) = @_;
	my $precision = pick('', '', '(0)', '(3)', ' day to second', ' year to month');
	my $sql = "interval$precision";
	my $sample = sub { return literal(interval()) . "::$sql" };
	return {
		sql => $sql,
		type => { kind => 'iso duration' },
		mark => 'null',
		as => 'interval',
		sample => $sample,
		key => $precision eq ' year to month'
	  }
	  if $m->{interval_handling} eq 'string';
	return {
		sql => $sql,
		type => { kind => 'micro duration' },
		mark => 'null',
		expect => 'property.microseconds(%s)::text',
		sample => $sample,
		lossy => 1
	};
}

sub hstore_type
{
	my ($m) = @_;
	my $map = $m->{hstore_handling} eq 'map';
	my $object = '{' . quoted_mark() . ':' . quoted_mark() . '}';
	return {
		sql => 'public.hstore',
		type => { kind => $map ? 'hstore map' : 'hstore json' },
		mark => $map ? $object : quoted_mark($object),
		as => 'public.hstore',
		sample => sub {
			my $count = number(0, 5);
			return "''::public.hstore" if $count == 0;
			return 'public.hstore(ARRAY['
			  . join(',', map { literal(text(10)) } 1 .. $count)
			  . ']::text[],ARRAY['
			  . join(',',
				map { chance(0.2) ? 'NULL' : literal(text(10)) } 1 .. $count)
			  . ']::text[])';
		},
		large => sub { return "public.hstore('k', repeat('h', 4000))" }
	};
}

my @points = (0, 1, -1.5, 0.1, 1e300, 'NaN', 'Infinity', 123456.789);

sub point_text { return '(' . pick(@points) . ',' . pick(@points) . ')'; }

sub range_text
{
	my @bounds = @_;
	return 'empty' if chance(0.1);
	return pick('[', '(')
	  . (chance(0.15) ? '' : $bounds[0]) . ','
	  . (chance(0.15) ? '' : $bounds[1])
	  . pick(']', ')');
}

sub two_numbers
{
	my $low = number(-1000, 1000);
	return ($low, $low + number(0, 50));
}

my %ranges = (
	int4 => \&two_numbers,
	int8 => sub { return map { $_ * 10000000000 } two_numbers() },
	num => sub {
		my ($low, $high) = two_numbers();
		return ($low . '.' . digits(3), $high + 2 . '.' . digits(3));
	},
	date => sub { return ('2000-01-' . number(10, 15), pick('2016-02-29', 'infinity')) },
	ts => sub {
		return map { "\"$_\"" } (timestamp(6, 0, 1, 1900, 1999), timestamp(6, 0, 1, 2000, 2099));
	},
	tstz => sub {
		return map { "\"$_\"" } (timestamp(6, 1, 1, 1900, 1999), timestamp(6, 1, 1, 2001, 2099));
	});

sub range_type
{
	my $name = pick(keys_of(\%ranges), 'float');
	my $sql = $name eq 'float' ? 'property.floatrange' : "${name}range";
	my $bounds = $ranges{$name} // sub { return map { $_ + 0.5 } two_numbers() };
	return plain($sql, sub { return range_text($bounds->()) }, key => 1);
}

sub multirange_type
{
	my $name = pick(keys_of(\%ranges));
	return plain(
		"${name}multirange",
		sub {
			return '{'
			  . join(',', map { range_text($ranges{$name}->()) }
				  1 .. number(0, 3)) . '}';
		});
}

sub keys_of
{
	my ($hash) = @_;
	my @keys = sort keys %$hash;
	return @keys;
}

sub enum_type
{
	return plain(
		'property.mood',
		sub {
			return pick('sad', 'ok', 'happy "x"', "caf\x{e9}", 'a,b', '');
		},
		key => 1);
}

sub char_type
{
	return {
		sql => '"char"',
		type => { kind => 'string' },
		mark => 'null',
		# beyond ASCII as 16 and newer print it
		expect =>
		  "CASE WHEN %s::int >= 0 THEN property.out(%s) WHEN %s::int < 0 THEN concat(chr(92), (%s::int + 256) / 64, (%s::int + 256) / 8 % 8, (%s::int + 256) % 8) END",
		sample => sub {
			return "'" . pick('', 'a' .. 'z') . "'::\"char\"" if $_[0];
			return '(' . number(-128, 127) . ')::"char"';
		},
		key => 1
	};
}

sub composite_type
{
	my ($m, $depth) = @_;
	my @fields =
	  map { [ "$_ \"\x{e9}\"", inner_type($m, $depth - 1) ] } 'a' .. pick('a' .. 'd');
	my $name = 'property.c' . ++$m->{counter};

	push @{ $m->{ddl} },
	  "CREATE TYPE $name AS ("
	  . join(', ',
		map { identifier($_->[0]) . " $_->[1]->{sql}" } @fields) . ')';
	return {
		sql => $name,
		type => {
			kind => 'composite',
			fields =>
			  [ map { { name => $_->[0], type => $_->[1]->{type} } } @fields ]
		},
		mark => 'null',
		as => $name,
		sample => sub {
			return 'ROW('
			  . join(',',
				map { chance(0.15) ? 'NULL' : $_->[1]->{sample}->(1) } @fields)
			  . ")::$name";
		}
	};
}

sub domain_type
{
	my ($m, $depth) = @_;
	my %type = %{ make_type($m, undef, $depth - 1) };
	my $name = 'property.d' . ++$m->{counter};
	push @{ $m->{ddl} }, "CREATE DOMAIN $name AS $type{sql}";
	if ($type{sql} =~ /^property\.[cd]\d+$/ || $type{array})
	{
		my $inner = $type{sample};
		$type{sample} = sub { return $inner->(@_) . "::$name" };
	}
	$type{base} //= $type{sql};
	$type{sql} = $name;
	return \%type;
}

# A name-based UUID, of version 3, without a namespace
sub name_uuid
{
	my ($name) = @_;
	my @part = md5_hex($name) =~ /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;
	$part[2] =~ s/^./3/;
	$part[3] = sprintf '%04x', hex($part[3]) & 0x3FFF | 0x8000;
	return join '-', @part;
}

# Arrays of integers and dates have the numbers of the mark's bytes, those of
# uuid the name-based UUID of the mark.
sub array_mark
{
	my ($m, $element, $ndims) = @_;
	my $sql = $element->{base} // $element->{sql};
	my $mark = $element->{mark};

	$mark = join ',', unpack 'C*', $placeholder
	  if $sql =~ /^(?:integer|bigint|date)$/;
	$mark = 'null'
	  if $sql eq 'date' && $m->{time_precision} eq 'isostring';
	$mark = quoted_mark(name_uuid($placeholder)) if $sql eq 'uuid';
	# the declared dimensions matter where there is a schema
	$ndims = 1 if $m->{schemas} eq 'off';
	return $mark eq 'null' ? $mark : '[' x $ndims . $mark . ']' x $ndims;
}

# Lower bounds are lost.
sub array_type
{
	my ($m, $depth) = @_;
	my $ndims = pick(1, 1, 1, 2, 3);
	my $element;
	do { $element = inner_type($m, $depth - 1) } while $element->{array};

	my $sql = $element->{sql} . '[]' x $ndims;
	my $array_mark = array_mark($m, $element, $ndims);
	my $values;
	$values = sub {
		my (@dims) = @_;
		my $count = shift @dims;
		return 'ARRAY['
		  . join(
			',',
			map {
				@dims ? $values->(@dims)
				  : chance(0.15) ? 'NULL'
				  :                $element->{sample}->(1)
			} 1 .. $count) . ']';
	};
	my $type = {
		sql => $sql,
		array => 1,
		type => {
			kind => 'array',
			element => $element->{type},
			delimiter => ($element->{base} // $element->{sql}) eq 'box' ? ';' : ','
		},
		mark => $array_mark,
		as => $sql,
		sample => sub {
			# with a schema, the dimensions are the declared ones
			my $n =
			  $m->{schemas} eq 'off' && chance(0.2) ? number(1, 3) : $ndims;
			return "'{}'::$sql" if chance(0.1);
			return $values->(map { number(1, pick(2, 5)) } 1 .. $n)
			  . "::$sql";
		}
	};
	my %large = (
		integer => 'array_agg(g)',
		bigint => 'array_agg(g::bigint)',
		text => "array_agg('text ' || g)",
		'double precision' => 'array_agg(g / 8.0::float8)',
		uuid => "array_agg(lpad(g::text, 32, '0')::uuid)",
		boolean => 'array_agg(g % 3 = 0)');
	my $large = $large{ $element->{sql} };
	$type->{large} = sub {
		my $count = number(3000, 3100);
		return "(SELECT $large FROM generate_series(1, $count) g)::$sql";
	  }
	  if $large && $ndims == 1;
	if ($element->{sql} eq 'integer' && $ndims == 1)
	{
		my $inner = $type->{sample};
		$type->{sample} = sub {
			my ($exact) = @_;
			return $exact || chance(0.9) ? $inner->() : "'[0:2]={1,NULL,3}'::$sql";
		};
		$type->{expect} = 'property.out(property.from_one(%s))';
	}
	return $type;
}

# A type that a value can be made of without loss
sub inner_type
{
	my ($m, $depth) = @_;
	my $type;
	do { $type = make_type($m, undef, $depth) } while $type->{lossy};
	return $type;
}

# ----------------------------------------------------------------
# All of them
# ----------------------------------------------------------------

my %large_text = (large => sub { return "repeat(" . literal(text(10) . 'x') . ", 4000)" });

my %types = (
	smallint => sub {
		return {
			sql => 'smallint', type => { kind => 'number' }, mark => 'null',
			sample => sub { return "'" . pick(-32768, 32767, 0, number(-100, 100)) . "'::smallint" },
			key => 1
		};
	},
	integer => sub {
		return {
			sql => 'integer', type => { kind => 'number' }, mark => 'null',
			sample => sub { return "'" . pick(-2147483648, 2147483647, 0, number(-100000, 100000)) . "'::integer" },
			key => 1
		};
	},
	bigint => sub {
		return {
			sql => 'bigint', type => { kind => 'number' }, mark => 'null',
			sample => sub {
				return "'" . pick('-9223372036854775808', '9223372036854775807', 0, pick('', '-') . number(1, 9) . digits(number(0, 17))) . "'::bigint";
			},
			key => 1
		};
	},
	oid => sub {
		return {
			sql => 'oid', type => { kind => 'number' }, mark => 'null',
			sample => sub { return pick(0, 1, 4000000000, 4294967295) . '::oid' },
			key => 1
		};
	},
	boolean => sub {
		return {
			sql => 'boolean', type => { kind => 'boolean' }, mark => 'null',
			as => 'boolean', sample => sub { return pick('true', 'false') }
		};
	},
	real => sub {
		return {
			sql => 'real', type => { kind => 'float' }, mark => 'null',
			as => 'real', sample => sub { return "'" . float(4) . "'::real" }
		};
	},
	double => sub {
		return {
			sql => 'double precision', type => { kind => 'float' }, mark => 'null',
			as => 'float8', sample => sub { return "'" . float(8) . "'::float8" }
		};
	},
	numeric => \&numeric_type,
	unconstrained => \&unconstrained_numeric_type,
	money => \&money_type,
	text => sub { return plain('text', sub { return text(40) }, key => 1, %large_text) },
	varchar => sub {
		my $n = number(1, 20);
		return plain("varchar($n)", sub { return text($n) }, key => 1);
	},
	char => sub {
		my $n = number(1, 20);
		return plain("char($n)", sub { return text($n) });
	},
	bpchar => sub { return plain('bpchar', sub { return text(10) . pick('', '  ') }) },
	name => sub { return plain('name', sub { return text(10) }, key => 1) },
	'"char"' => \&char_type,
	citext => sub { return plain('public.citext', sub { return text(20) }, %large_text) },
	uuid => sub {
		return plain('uuid', sub { return join '', map { sprintf '%04x', number(0, 65535) } 1 .. 8 },
			key => 1);
	},
	json => sub {
		return plain('json', sub { return json_text(3) },
			large => sub { return "('[' || repeat('1, ', 2000) || '1]')::json" });
	},
	jsonb => sub {
		return plain('jsonb', sub { return json_text(3) },
			large => sub { return "jsonb_build_object('k', repeat('j', 4000))" });
	},
	xml => sub {
		return plain('xml', \&xml_text,
			large => sub { return "('<a>' || repeat('x', 4000) || '</a>')::xml" });
	},
	bytea => \&bytea_type,
	bit => \&bit_type,
	varbit => \&varbit_type,
	date => \&date_type,
	time => \&time_type,
	timetz => \&timetz_type,
	timestamp => \&timestamp_type,
	timestamptz => \&timestamptz_type,
	interval => \&interval_type,
	inet => sub {
		return plain('inet', sub {
			return pick('0.0.0.0/0', '::1', '::ffff:1.2.3.4/120', '2001:db8::/32',
				join('.', map { number(0, 255) } 1 .. 4) . pick('', '/24', '/32'));
		}, key => 1);
	},
	cidr => sub {
		return plain('cidr', sub { return pick('10.0.0.0/8', '192.168.1.0/24', '::/0', '1.2.3.4/32') }, key => 1);
	},
	macaddr => sub {
		return plain('macaddr', sub { return join ':', map { sprintf '%02x', number(0, 255) } 1 .. 6 }, key => 1);
	},
	macaddr8 => sub {
		return plain('macaddr8', sub { return join ':', map { sprintf '%02x', number(0, 255) } 1 .. 8 }, key => 1);
	},
	range => \&range_type,
	multirange => \&multirange_type,
	enum => \&enum_type,
	domain => \&domain_type,
	array => \&array_type,
	composite => \&composite_type,
	hstore => \&hstore_type,
	ltree => sub {
		return plain('public.ltree', sub {
			return join '.', map { join '', map { pick('a' .. 'z', 0 .. 9, '_') } 1 .. number(1, 6) } 1 .. number(0, 4);
		});
	},
	point => sub {
		return {
			sql => 'point', type => { kind => 'point' }, mark => 'null', as => 'point',
			sample => sub { return "'" . point_text() . "'::point" }
		};
	},
	geometric => sub {
		my ($sql, $sample) = @{ pick(
				[ 'line', sub { return '{' . number(1, 5) . ',' . number(-5, 5) . ',0.5}' } ],
				[ 'lseg', sub { return '[' . point_text() . ',' . point_text() . ']' } ],
				[ 'box', sub { return '(1.5,' . number(2, 9) . '),(0,0)' } ],
				[ 'path', sub { return pick('[(0,0),(1,1.5),(2,0)]', '((0,0),(1,1),(2,0))') } ],
				[ 'polygon', sub { return '((0,0),(1,' . number(1, 9) . '),(2.5,0))' } ],
				[ 'circle', sub { return '<' . '(1,' . number(0, 9) . '),' . number(0, 9) . '>' } ]) };
		return plain($sql, $sample);
	},
	tsvector => sub {
		return textual('tsvector', sub { return "to_tsvector('simple', " . literal(text(30)) . ')' });
	},
	system => sub {
		my ($sql, $sample) = @{ pick(
				[ 'xid', sub { return number(3, 1000000) } ],
				[ 'xid8', sub { return number(1, 9) . digits(17) } ],
				[ 'cid', sub { return number(0, 1000) } ],
				[ 'tid', sub { return '(' . number(0, 99) . ',' . number(1, 99) . ')' } ],
				[ 'pg_lsn', sub { return sprintf '%X/%X', number(0, 1000), number(0, 1000000) } ],
				[ 'pg_snapshot', sub { return '10:20:10,14,15' } ],
				[ 'tsquery', sub { return "'a' & ( 'b' | !'c' )" } ],
				[ 'jsonpath', sub { return '$."a"[*]?(@ > 1)' } ],
				[ 'regtype', sub { return pick('integer', 'property.mood', 'text[]') } ],
				[ 'regclass', sub { return pick('pg_class', 'property.base') } ]) };
		return plain($sql, $sample);
	});

sub type_names { return sort keys %types; }

# A type by name, or a random one
sub make_type
{
	my ($m, $name, $depth) = @_;

	$depth //= 2;
	my @names = type_names();
	@names = grep { !/^(?:domain|array|composite)$/ } @names if $depth <= 0;
	$name //= pick(@names);
	return $types{$name}->($m, $depth);
}

1;
