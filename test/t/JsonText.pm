# JSON as text: a tree that keeps how scalars are written and in which order
# members come, and the places where two trees differ.
#
# A node is [ 'scalar', TEXT ], [ 'object', [ NAME, NODE ], ... ] or
# [ 'array', NODE, ... ].  Names of members are the text between the quotes.

package JsonText;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(json_tree json_text json_member json_differences);

# White space is not allowed: converters of Kafka write none.
sub json_tree
{
	my ($text) = @_;
	pos($text) = 0;
	my $node = read_node(\$text);
	unexpected(\$text) if pos($text) != length($text);
	return $node;
}

sub unexpected
{
	my ($text) = @_;
	die "unexpected text in JSON: \"" . substr($$text, pos($$text), 40) . '"';
}

sub read_node
{
	my ($text) = @_;
	return read_list($text, 'object', '}') if $$text =~ /\G\{/gc;
	return read_list($text, 'array', ']') if $$text  =~ /\G\[/gc;
	return [ 'scalar', $1 ]
	  if $$text =~ /\G("(?:[^"\\]++|\\.)*+"|[-+.\w]+)/gc;
	unexpected($text);
}

sub read_list
{
	my ($text, $type, $end) = @_;
	my @list;
	while ($$text !~ /\G\Q$end\E/gc)
	{
		$$text =~ /\G,/gc or unexpected($text) if @list;
		if ($type eq 'array')
		{
			push @list, read_node($text);
			next;
		}
		$$text =~ /\G"((?:[^"\\]++|\\.)*+)":/gc or unexpected($text);
		my $name = $1;
		push @list, [ $name, read_node($text) ];
	}
	return [ $type, @list ];
}

sub json_text
{
	my ($node) = @_;
	my ($type, @list) = @$node;
	return $list[0] if $type eq 'scalar';
	return '[' . join(',', map { json_text($_) } @list) . ']'
	  if $type eq 'array';
	return
	  '{'
	  . join(',', map { "\"$_->[0]\":" . json_text($_->[1]) } @list) . '}';
}

# The node at the end of a path of names, or undef.
sub json_member
{
	my ($node, @path) = @_;
	foreach my $name (@path)
	{
		return undef if $node->[0] ne 'object';
		my ($found) = grep { $_->[0] eq $name } @$node[ 1 .. $#$node ];
		return undef if !$found;
		$node = $found->[1];
	}
	return $node;
}

# The members of an object; also the elements of an array if each has a
# "field", which is how Connect lists the fields of a struct.
sub named_parts
{
	my ($node) = @_;
	my ($type, @list) = @$node;
	return \@list if $type eq 'object';
	return undef if $type ne 'array' || !@list;
	my @named;
	foreach my $element (@list)
	{
		my $field = json_member($element, 'field') or return undef;
		push @named, [ $field->[1] =~ s/^"|"$//gr, $element ];
	}
	return \@named;
}

# The smallest parts that differ, each as [ PATH, TEXT, TEXT ] with undef for
# the text of what is not there.  A path has the names joined by dots.
sub json_differences
{
	my ($left, $right, $path) = @_;
	return () if json_text($left) eq json_text($right);

	my ($l, $r) = (named_parts($left), named_parts($right));
	my @differences;
	if ($l && $r && $left->[0] eq $right->[0])
	{
		@differences = named_differences($l, $r, $path);
	}
	elsif ($left->[0] eq 'array'
		&& $right->[0] eq 'array'
		&& @$left == @$right)
	{
		@differences = map {
			json_differences($left->[$_], $right->[$_], below($path, $_ - 1))
		} 1 .. $#$left;
	}
	return @differences
	  ? @differences
	  : [ $path // '', json_text($left), json_text($right) ];
}

sub below
{
	my ($path, $name) = @_;
	return defined $path && $path ne '' ? "$path.$name" : $name;
}

sub named_differences
{
	my ($left, $right, $path) = @_;
	my %left = map { @$_ } @$left;
	my %right = map { @$_ } @$right;
	my @differences;

	foreach my $part (@$left)
	{
		my ($name, $node) = @$part;
		push @differences,
		  $right{$name}
		  ? json_differences($node, $right{$name}, below($path, $name))
		  : [ below($path, $name), json_text($node), undef ];
	}
	push @differences,
	  map { [ below($path, $_->[0]), undef, json_text($_->[1]) ] }
	  grep { !$left{ $_->[0] } } @$right;

	# what both have must come in the same order
	my $left_order = join ',', grep { $right{$_} } map { $_->[0] } @$left;
	my $right_order = join ',', grep { $left{$_} } map { $_->[0] } @$right;
	push @differences, [ below($path, 'ORDER'), $left_order, $right_order ]
	  if $left_order ne $right_order;
	return @differences;
}

1;
