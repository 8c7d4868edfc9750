# Whether JSON is what its schema of Kafka Connect says: what a consumer's
# JsonConverter would refuse, and what it would silently drop.

package ConnectSchema;

use strict;
use warnings;

use Exporter 'import';
use JsonText;

our @EXPORT = qw(schema_violations);

my %integer_bytes = (int8 => 1, int16 => 2, int32 => 4, int64 => 8);
my $number = qr/-?\d+(\.\d+)?(E-?\d+)?/;
my %scalar = (
	boolean => qr/^(true|false)$/,
	string => qr/^"/,
	bytes =>
	  qr{^"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"$},
	float => qr/^($number|"NaN"|"-?Infinity")$/,
	double => qr/^($number|"NaN"|"-?Infinity")$/);

# Texts that tell what is wrong, each with the path
sub schema_violations
{
	my ($schema, $value, $path) = @_;
	my $type = unquoted(json_member($schema, 'type'));
	my $text = $value->[0] eq 'scalar' ? $value->[1] : $value->[0];

	if ($text eq 'null')
	{
		return () if json_text(json_member($schema, 'optional')) eq 'true';
		return "$path is null and not optional";
	}
	return struct_violations($schema, $value, $path) if $type eq 'struct';
	return
	  map { schema_violations(json_member($schema, 'items'), $_, $path) }
	  @$value[ 1 .. $#$value ]
	  if $type eq 'array' && $value->[0] eq 'array';
	return map {
		schema_violations(json_member($schema, 'values'), $_->[1], $path)
	} @$value[ 1 .. $#$value ]
	  if $type eq 'map' && $value->[0] eq 'object';
	return () if is_integer($type, $text);
	return () if $scalar{$type} && $text =~ $scalar{$type};
	return "$path is not $type: $text";
}

sub unquoted
{
	my ($node) = @_;
	return substr($node->[1], 1, -1);
}

sub is_integer
{
	my ($type, $text) = @_;
	my $bytes = $integer_bytes{$type};
	return 0 if !$bytes || $text !~ /^-?\d+$/;
	my $limit = 2**(8 * $bytes - 1);
	return $bytes == 8 || ($text >= -$limit && $text < $limit);
}

sub struct_violations
{
	my ($schema, $value, $path) = @_;
	return "$path is not struct: $value->[0]" if $value->[0] ne 'object';
	my ($type, @fields) = @{ json_member($schema, 'fields') };
	my @names = map { unquoted(json_member($_, 'field')) } @fields;
	my @members = @$value[ 1 .. $#$value ];
	my $names = join ' ', @names;
	my $given = join ' ', map { $_->[0] } @members;

	return "$path has ($given), not ($names)" if $given ne $names;
	return map {
		schema_violations($fields[$_], $members[$_][1], "$path.$names[$_]")
	} 0 .. $#fields;
}

1;
