# What the plugin says of a WAL is what core's test_decoding says of it: the
# same changes of the same rows in the same order, one by one.
#
# Types have tests of their own; here are integers, text and booleans, whose
# text is the same on both sides.  Differences by design are normalised, each
# where it is met:
# - an update of the key is a delete, a tombstone and a create of ours;
# - an update that leaves the key alone has no row before it, unless the
#   identity is FULL (test_decoding shows the key if it is TOASTed);
# - one TRUNCATE of several tables is an event of each table;
# - an unchanged TOAST value under FULL is taken from the old row;
# - TRUNCATE of a partitioned table is one of its partitions, or only of it if
#   the publication has partitions as their root;
# - materialized views are not published, as in core's logical replication.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('primary', <<'EOC');
logical_decoding_work_mem = 64kB
max_prepared_transactions = 10
deadlock_timeout = 10ms
EOC
my $placeholder = '__debezium_unavailable_value';
my %partitioned = map { $_ => 1 } qw(public.part public.part_p3);
my %total;

# since 18 they are published on demand
my $generated =
  $node->pg_version >= 18 ? ', publish_generated_columns = stored' : '';
$node->safe_psql('postgres', <<"EOQ");
CREATE PUBLICATION leaves FOR ALL TABLES
	WITH (publish_via_partition_root = off$generated);
CREATE PUBLICATION roots FOR ALL TABLES
	WITH (publish_via_partition_root = on$generated);
EOQ
$node->safe_psql('postgres', <<'EOQ');
CREATE EXTENSION dblink;
SELECT pg_create_logical_replication_slot('leaves', 'cdc_emit');
SELECT pg_create_logical_replication_slot('roots', 'cdc_emit');
SELECT pg_create_logical_replication_slot('theirs', 'test_decoding');

-- Our messages.  The columns of a row are a text of name='value', in order.
CREATE FUNCTION columns(json) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(quote_ident(key) || '=' ||
           coalesce('''' || replace(value, '''', '''''') || '''', 'null'),
           ' ' ORDER BY n)
    FROM json_each_text(CASE json_typeof($1) WHEN 'object' THEN $1 END)
         WITH ORDINALITY AS e (key, value, n)
$$;
CREATE FUNCTION ours(slot name)
RETURNS TABLE (xid text, op text, name text, before text, after text,
               commit_lsn text, commit_index text, key text, header text)
LANGUAGE sql AS $$
  SELECT coalesce(s ->> 'txId', 'null'), v ->> 'op',
         coalesce(v -> 'message' ->> 'prefix',
                  quote_ident(s ->> 'schema') || '.' || quote_ident(s ->> 'table')),
         columns(v -> 'before'),
         coalesce(columns(v -> 'after'),
                  'content=''' || convert_from(decode(v -> 'message' ->> 'content', 'base64'), 'UTF8') || ''''),
         s ->> 'commit_lsn', s ->> 'commit_index', m ->> 'key',
         (SELECT string_agg(k, ' ') FROM json_object_keys(m -> 'headers') k
           WHERE k IN ('__debezium.newkey', '__debezium.oldkey'))
    FROM pg_logical_slot_get_changes(slot, NULL, NULL, 'publications', slot,
		'message_include', '*'),
         LATERAL (SELECT data::json AS m OFFSET 0) j,
         LATERAL (SELECT nullif(m ->> 'value', '')::json AS v) k,
         LATERAL (SELECT v -> 'source' AS s) l
$$;
EOQ

# ----------------------------------------------------------------
# Both sides as lists of changes: xid, op, name, before, after; rows are
# references to lists of [name, value].
# ----------------------------------------------------------------

sub parse_row
{
	my ($text) = @_;
	my $row = defined $text ? [] : undef;

	$text //= '';
	while ($text =~ /\G\ ?("(?:[^"]|"")+"|[^\s\[="]+)
			(?:\[(?:[^\[\]]|\[\])*\]:|=)
			(null|unchanged-toast-datum|'(?:[^']|'')*'|[^\s']+)/gcx)
	{
		my ($name, $value) = ($1, $2);
		$value = "'$placeholder'" if $value eq 'unchanged-toast-datum';
		$value = "'$value'" if $value ne 'null' && $value !~ /^'/;
		push @$row, [ $name, $value ];
	}
	die "could not parse \"$text\""
	  if length($text) > (pos($text) // 0);
	return $row;
}

sub row_text
{
	my ($row) = @_;
	return $row ? join(' ', map { "$_->[0]=$_->[1]" } @$row) : '-';
}

# Rows before a change are compared without nulls, which test_decoding leaves
# out, and which stand for columns outside of the identity.
sub without_nulls
{
	my ($row) = @_;
	return $row && [ grep { $_->[1] ne 'null' } @$row ];
}

sub change_text
{
	my ($change) = @_;
	return join ' ', @$change{qw(xid op name)}, row_text($change->{before}),
	  '=>', row_text($change->{after});
}

# COPY's text leaves \N as the only thing to understand: escaped values are
# compared escaped.
sub rows_of
{
	my ($query) = @_;
	my $output = $node->safe_psql('postgres', "COPY ($query) TO STDOUT");
	return
	  map { [ map { $_ eq '\N' ? undef : $_ } split /\t/, $_, -1 ] }
	  split /\n/, $output;
}

# One record of ours may be the second or third part of a change.
sub read_ours
{
	my ($slot) = @_;
	my (@changes, $deleted, $last, $index);
	my $moved = 0;
	my $lsn = 0;
	my $broken = 0;
	my $tombstones = 0;

	foreach my $row (rows_of("SELECT * FROM ours('$slot')"))
	{
		my ($xid, $op, $name, $before, $after, $commit_lsn, $commit_index,
			$key, $header)
		  = @$row;
		if (!defined $op)
		{
			# a tombstone has key and headers of the delete before it
			$tombstones++;
			$broken++
			  if !$deleted
			  || $deleted->{op} ne 'd'
			  || ($deleted->{key} // '') ne ($key // '')
			  || ($deleted->{header} // '') ne ($header // '');
			undef $deleted;
			next;
		}
		$broken++ if $deleted;
		undef $deleted;

		# commits ascend, and the events of each are numbered
		$index = $commit_lsn == $lsn ? $index + 1 : 0;
		$broken++ if $commit_lsn < $lsn || $commit_index != $index;
		$lsn = $commit_lsn;

		my $change = {
			xid => $xid,
			op => $op,
			name => $name,
			before => without_nulls(parse_row($before)),
			after => parse_row($after),
			key => $key,
			header => $header
		};
		$deleted = $change if $op eq 'd';
		$broken++ if ($last && !$header) || ($op eq 'u' && $header);
		if ($op eq 'd' && $header)
		{
			$last = $change;
			$moved++;
			next;
		}
		if ($last)
		{
			$broken++ if $op ne 'c' || $last->{name} ne $name;
			@$change{qw(op before)} = ('u', $last->{before});
			undef $last;
		}
		push @changes, $change;
	}
	$broken++ if $last || $deleted;
	is($broken, 0,
		"$slot: events are numbered, $tombstones tombstones follow deletes, $moved keys changed"
	);
	return \@changes;
}

# An update of test_decoding as we should see it.
sub normalise_update
{
	my ($name, $before, $after) = @_;
	my %old = map { $_->[0] => $_->[1] } @{ $before // [] };

	if ($name =~ /full/)
	{
		foreach my $column (@$after)
		{
			$column->[1] = $old{ $column->[0] }
			  if $column->[1] eq "'$placeholder'"
			  && exists $old{ $column->[0] };
		}
		return ($before, $after);
	}

	# a key that is TOASTed is in the old row even if it did not change
	my $same = 1;
	foreach my $column (@$after)
	{
		next if !exists $old{ $column->[0] };
		$column->[1] = $old{ $column->[0] }
		  if $column->[1] eq "'$placeholder'";
		$same = 0 if $column->[1] ne $old{ $column->[0] };
	}
	return ($same ? undef : $before, $after);
}

sub read_theirs
{
	my @changes;
	my $xid;
	my $part = qr/(?:"(?:[^"]|"")+"|[^\s",:.]+)/;
	my $name = qr/$part\.$part/;
	my %ops = (INSERT => 'c', UPDATE => 'u', DELETE => 'd');

	foreach my $row (
		rows_of(
			"SELECT data FROM pg_logical_slot_get_changes('theirs', NULL, NULL)"))
	{
		my ($line) = @$row;
		if ($line =~ /^BEGIN (\d+)$/)
		{
			$xid = $1;
		}
		elsif ($line =~ /^table (.+): TRUNCATE: /)
		{
			push @changes, { xid => $xid, op => 't', name => $_ }
			  foreach $1 =~ /$name/g;
		}
		elsif ($line =~ /^table ($name): (INSERT|UPDATE|DELETE):(.*)$/)
		{
			my ($table, $op, $tuples) = ($1, $ops{$2}, $3);
			my ($before, $after);
			next if $table =~ /\.mv_/;
			if ($op eq 'u')
			{
				$tuples =~ s/^ old-key:(.*) new-tuple://s and $before = $1;
				($before, $after) = normalise_update($table,
					parse_row($before), parse_row($tuples));
			}
			elsif ($op eq 'c') { $after = parse_row($tuples); }
			else { $before = parse_row($tuples); }
			push @changes,
			  {
				xid => $xid,
				op => $op,
				name => $table,
				before => $before,
				after => $after
			  };
		}
		elsif ($line =~
			/^message: transactional: (\d) prefix: (.*), sz: \d+ content:(.*)$/)
		{
			push @changes,
			  {
				xid => $1 ? $xid : 'null',
				op => 'm',
				name => $2,
				after => [ [ 'content', "'$3'" ] ]
			  };
		}
		elsif ($line !~ /^COMMIT \Q$xid\E$/)
		{
			die "test_decoding says \"$line\"";
		}
	}
	return \@changes;
}

# The change as a publication of partitions as themselves sees it.
sub as_leaf
{
	my ($change) = @_;
	return if $change->{op} eq 't' && $partitioned{ $change->{name} };
	return $change;
}

# The change as a publication of partitions as their root sees it: partitions
# of this test are named after their root, and may have another order of
# columns.
sub as_root
{
	my ($change) = @_;
	my %root = %$change;

	my $is_partition = $root{name} =~ s/(_p\d+)+$//;
	return if $is_partition && $root{op} eq 't';
	foreach my $row (qw(before after))
	{
		$root{$row} = [ sort { $a->[0] cmp $b->[0] } @{ $root{$row} } ]
		  if $root{$row};
	}
	return \%root;
}

sub counts
{
	my ($changes) = @_;
	my %count;
	$count{ $_->{op} }++ foreach @$changes;
	return join(', ', map { "$count{$_} $_" } sort keys %count);
}

sub compare
{
	my ($what, $ours, $theirs) = @_;
	my @ours = map { change_text($_) } @$ours;
	my @theirs = map { change_text($_) } @$theirs;
	my $different = 0;

	for (my $i = 0; $i < @ours || $i < @theirs; $i++)
	{
		next if ($ours[$i] // '') eq ($theirs[$i] // '');
		diag("$what, change $i:\n  ours   "
			  . substr($ours[$i] // '(none)', 0, 1000)
			  . "\n  theirs "
			  . substr($theirs[$i] // '(none)', 0, 1000))
		  if $different++ < 3;
	}
	is($different, 0,
		"$what: " . @theirs . ' changes are the same: ' . counts($theirs));
	return;
}

# Run a part of the workload and compare what is decoded of it.  Returns the
# number of changes.
sub check
{
	my ($what, $work) = @_;

	ref $work ? $work->() : $node->safe_psql('postgres', $work);
	my $theirs = read_theirs();
	my @leaves = map { as_leaf($_) } @$theirs;
	my @roots = map { as_root($_) } @$theirs;
	my @our_roots = map { as_root($_) } @{ read_ours('roots') };
	compare($what, read_ours('leaves'), \@leaves);
	compare("$what, partitions as roots", \@our_roots, \@roots);
	$total{ $_->{op} }++ foreach @leaves, @roots;
	return scalar @leaves;
}

sub check_some
{
	my ($what, $work) = @_;
	cmp_ok(check($what, $work), '>', 0, "$what: there are changes");
	return;
}

# ----------------------------------------------------------------
# The workload
# ----------------------------------------------------------------

check_some('plain changes', <<'EOQ');
CREATE TABLE t (id int PRIMARY KEY, b bigint, v text, f bool);
CREATE TABLE keyless (v text, n int);
CREATE TABLE full_t (id int PRIMARY KEY, b bigint, v text, f bool);
ALTER TABLE full_t REPLICA IDENTITY FULL;
CREATE TABLE full_keyless (v text, n int);
ALTER TABLE full_keyless REPLICA IDENTITY FULL;
CREATE TABLE uindex (id int PRIMARY KEY, a int NOT NULL, c text NOT NULL, v text);
CREATE UNIQUE INDEX uindex_key ON uindex (c, a);
ALTER TABLE uindex REPLICA IDENTITY USING INDEX uindex_key;
CREATE TABLE "Odd, ""table" ("the key" int, "a=b" text, PRIMARY KEY ("the key"));
CREATE TABLE nothing (id int PRIMARY KEY, v text);
ALTER TABLE nothing REPLICA IDENTITY NOTHING;
CREATE TABLE stored (id int PRIMARY KEY, v text,
	upper_v text GENERATED ALWAYS AS (upper(v)) STORED);
CREATE TABLE serials (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text DEFAULT 'd');
INSERT INTO t SELECT g, g * 10000000000, 'it''s "' || g, g % 2 = 0 FROM generate_series(1, 50) g;
INSERT INTO t VALUES (100, NULL, NULL, NULL), (101, -1, '', true),
	(102, 0, E'tab\t nl\n back\\slash ''', false);
INSERT INTO keyless VALUES ('a', 1), (NULL, NULL), ('a', 1);
INSERT INTO full_t SELECT * FROM t;
INSERT INTO full_keyless VALUES ('a', 1), (NULL, NULL), ('a', 1);
INSERT INTO uindex SELECT g, g, 'c' || g, 'v' FROM generate_series(1, 20) g;
INSERT INTO "Odd, ""table" VALUES (1, 'x'), (2, NULL);
INSERT INTO nothing VALUES (1, 'x');
INSERT INTO stored (id, v) VALUES (1, 'a'), (2, NULL);
INSERT INTO serials (v) VALUES (DEFAULT), ('x');
UPDATE t SET v = v || '!' WHERE id <= 20;
UPDATE t SET id = id + 1000 WHERE id <= 10;
UPDATE t SET id = id, v = NULL WHERE id BETWEEN 11 AND 15;
UPDATE full_t SET v = v || '!', f = NOT f WHERE id <= 20;
UPDATE full_t SET id = id + 1000 WHERE id <= 10;
UPDATE full_keyless SET n = 2 WHERE n = 1;
UPDATE full_keyless SET v = v;
UPDATE uindex SET v = 'w' WHERE id < 5;
UPDATE uindex SET id = id + 100 WHERE id < 5;
UPDATE uindex SET a = -a WHERE id > 15;
UPDATE uindex SET c = c || 'x', id = -id WHERE id = 10;
UPDATE "Odd, ""table" SET "the key" = 3 WHERE "the key" = 1;
UPDATE stored SET v = 'b', id = id + 10;
DELETE FROM t WHERE id > 1005 OR f IS NULL;
DELETE FROM full_t WHERE id > 1005 OR f IS NULL;
DELETE FROM full_keyless WHERE n = 2;
DELETE FROM full_keyless;
DELETE FROM uindex WHERE a < 0;
DELETE FROM "Odd, ""table";
DELETE FROM stored;
WITH moved AS (DELETE FROM t WHERE id < 20 RETURNING *),
	changed AS (UPDATE full_t SET v = 'cte' WHERE id < 15 RETURNING id)
	INSERT INTO keyless SELECT v, id FROM moved;
MERGE INTO t USING (SELECT g AS id FROM generate_series(20, 60) g) s ON t.id = s.id
	WHEN MATCHED AND t.id % 3 = 0 THEN DELETE
	WHEN MATCHED THEN UPDATE SET v = 'merged'
	WHEN NOT MATCHED THEN INSERT VALUES (s.id, 0, 'new', true);
BEGIN;
SELECT count(*) FROM (SELECT FROM t FOR UPDATE) x;
UPDATE t SET v = 'locked' WHERE id = 30;
ROLLBACK;
BEGIN;
INSERT INTO t VALUES (500, 1, 'a', true);
UPDATE t SET v = 'b' WHERE id = 500;
UPDATE t SET id = 501 WHERE id = 500;
DELETE FROM t WHERE id = 501;
INSERT INTO t VALUES (500, 2, 'c', true);
COMMIT;
EOQ

check_some('triggers and cascades', <<'EOQ');
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child (id int PRIMARY KEY,
	parent int REFERENCES parent ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE lost (id int PRIMARY KEY,
	parent int REFERENCES parent ON DELETE SET NULL ON UPDATE SET NULL
	DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE audit (op text, id int, v text);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO audit VALUES (TG_OP, old.id, old.v);
    RETURN old;
  END IF;
  new.v := upper(new.v);
  INSERT INTO audit VALUES (TG_OP, new.id, new.v);
  RETURN new;
END $$;
CREATE TRIGGER audit BEFORE INSERT OR UPDATE OR DELETE ON parent
	FOR EACH ROW EXECUTE FUNCTION audit();
INSERT INTO parent SELECT g, 'v' || g FROM generate_series(1, 10) g;
INSERT INTO child SELECT g, g % 10 + 1 FROM generate_series(1, 40) g;
INSERT INTO lost SELECT g, g FROM generate_series(1, 10) g;
UPDATE parent SET id = id + 100 WHERE id IN (4, 5);
DELETE FROM parent WHERE id < 4;
EOQ

check_some('DDL between DML', <<'EOQ');
-- in transactions of their own
CREATE TABLE d (id int PRIMARY KEY, a int, v text);
INSERT INTO d SELECT g, g, 'v' || g FROM generate_series(1, 10) g;
ALTER TABLE d ADD COLUMN n int;
INSERT INTO d VALUES (11, 1, 'x', 1);
ALTER TABLE d ADD COLUMN dflt text NOT NULL DEFAULT 'default';
UPDATE d SET n = 2 WHERE id IN (1, 11);
ALTER TABLE d DROP COLUMN a;
UPDATE d SET n = 3 WHERE id IN (1, 2, 11);
INSERT INTO d VALUES (12, 'y', 1, 'z');
ALTER TABLE d RENAME COLUMN v TO w;
UPDATE d SET w = 'renamed' WHERE id = 3;
ALTER TABLE d ALTER COLUMN n TYPE bigint;
UPDATE d SET n = 10000000000 WHERE id = 4;
ALTER TABLE d ALTER COLUMN n TYPE text;
UPDATE d SET n = 'text' WHERE id = 5;
ALTER TABLE d RENAME TO d2;
UPDATE d2 SET n = 'as d2' WHERE id = 6;
CREATE SCHEMA s;
ALTER TABLE d2 SET SCHEMA s;
UPDATE s.d2 SET n = 'in s' WHERE id = 7;
ALTER SCHEMA s RENAME TO s2;
UPDATE s2.d2 SET n = 'in s2' WHERE id = 8;
ALTER TABLE s2.d2 DROP CONSTRAINT d_pkey, ADD PRIMARY KEY (w, id);
UPDATE s2.d2 SET id = id + 100 WHERE id = 8;
ALTER TABLE s2.d2 REPLICA IDENTITY FULL;
ALTER TABLE s2.d2 RENAME TO d2_full;
UPDATE s2.d2_full SET n = 'full' WHERE id <= 4;
DELETE FROM s2.d2_full WHERE id IN (5, 6);
ALTER TABLE s2.d2_full REPLICA IDENTITY DEFAULT;
ALTER TABLE s2.d2_full RENAME TO d2;
UPDATE s2.d2 SET n = 'default' WHERE id <= 4;
DELETE FROM s2.d2 WHERE id = 1;
-- all in one
BEGIN;
CREATE TABLE e (id int PRIMARY KEY, a int, v text);
INSERT INTO e SELECT g, g, 'v' || g FROM generate_series(1, 10) g;
ALTER TABLE e ADD COLUMN n int DEFAULT 7;
UPDATE e SET a = 2 WHERE id = 1;
ALTER TABLE e DROP COLUMN v;
DELETE FROM e WHERE id = 2;
INSERT INTO e VALUES (20, 1, 2);
ALTER TABLE e ALTER COLUMN a TYPE text;
UPDATE e SET a = a || 'x' WHERE id < 5;
ALTER TABLE e RENAME COLUMN a TO b;
ALTER TABLE e RENAME TO e2;
ALTER TABLE e2 SET SCHEMA s2;
UPDATE s2.e2 SET id = id + 100 WHERE id < 5;
ALTER TABLE s2.e2 REPLICA IDENTITY FULL;
ALTER TABLE s2.e2 RENAME TO e_full;
UPDATE s2.e_full SET n = id;
DELETE FROM s2.e_full WHERE n > 100;
COMMIT;
-- values of columns that were added with a default are nowhere on disk
CREATE TABLE missing_full (id int PRIMARY KEY);
ALTER TABLE missing_full REPLICA IDENTITY FULL;
INSERT INTO missing_full SELECT generate_series(1, 4);
ALTER TABLE missing_full ADD COLUMN v text DEFAULT 'missing', ADD COLUMN n int DEFAULT 5;
UPDATE missing_full SET n = 6 WHERE id = 1;
UPDATE missing_full SET id = 20 WHERE id = 2;
DELETE FROM missing_full;
-- tables that are not there any more when they are decoded
BEGIN;
CREATE TABLE gone (id int PRIMARY KEY, v text);
INSERT INTO gone VALUES (1, 'gone');
DROP TABLE gone;
COMMIT;
CREATE TABLE gone (id int, v text);
INSERT INTO gone VALUES (2, 'gone');
DROP TABLE gone;
INSERT INTO s2.d2 (id, w) VALUES (1000, 'before the schema goes');
SET client_min_messages = warning;
DROP SCHEMA s2 CASCADE;
-- tables from queries
CREATE TABLE created AS SELECT g AS id, 'as' AS v FROM generate_series(1, 10) g;
SELECT id * 2 AS id, v INTO selected FROM created;
EOQ

check_some('savepoints and subtransactions', <<'EOQ');
CREATE TABLE sp (id int PRIMARY KEY, v text);
CREATE FUNCTION attempts(first int, count int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN first .. first + count - 1 LOOP
    BEGIN
      INSERT INTO sp VALUES (i, 'attempt');
      UPDATE sp SET v = v || i WHERE id = i;
      IF i % 3 = 0 THEN
        INSERT INTO sp VALUES (i, 'twice');
      END IF;
    EXCEPTION WHEN unique_violation THEN
      INSERT INTO sp VALUES (-i, 'caught');
    END;
  END LOOP;
END $$;
BEGIN;
INSERT INTO sp VALUES (1, 'kept');
SAVEPOINT a;
INSERT INTO sp VALUES (2, 'undone');
SAVEPOINT b;
INSERT INTO sp VALUES (3, 'undone');
RELEASE b;
ROLLBACK TO a;
INSERT INTO sp VALUES (2, 'again');
SAVEPOINT b;
UPDATE sp SET v = 'released';
RELEASE b;
SAVEPOINT b;
UPDATE sp SET v = 'undone';
ROLLBACK TO b;
DELETE FROM sp WHERE id = 1;
SAVEPOINT c;
SAVEPOINT c;
SAVEPOINT c;
INSERT INTO sp VALUES (4, 'deep');
RELEASE c;
UPDATE sp SET id = 5 WHERE id = 4;
COMMIT;
BEGIN;
SAVEPOINT a;
INSERT INTO sp VALUES (10, 'undone');
ROLLBACK TO a;
ROLLBACK;
-- beyond the 64 that a process announces
SELECT attempts(100, 200);
BEGIN;
SELECT attempts(1000, 100);
SAVEPOINT a;
SELECT attempts(2000, 100);
ROLLBACK TO a;
SELECT attempts(2000, 50);
COMMIT;
-- DDL that is undone and DDL that stays, in subtransactions
BEGIN;
SAVEPOINT a;
ALTER TABLE sp ADD COLUMN n int DEFAULT 1;
INSERT INTO sp VALUES (3000, 'n is 1');
SAVEPOINT b;
ALTER TABLE sp DROP COLUMN v;
INSERT INTO sp VALUES (3001, 2);
ROLLBACK TO b;
INSERT INTO sp VALUES (3002, 'n is 3', 3);
ROLLBACK TO a;
INSERT INTO sp VALUES (3003, 'no n');
SAVEPOINT a;
ALTER TABLE sp ADD COLUMN m text;
INSERT INTO sp VALUES (3004, 'm', 'm');
RELEASE a;
CREATE TABLE sp2 (id int PRIMARY KEY);
INSERT INTO sp2 VALUES (1);
SAVEPOINT a;
TRUNCATE sp2;
INSERT INTO sp2 VALUES (2);
ROLLBACK TO a;
SAVEPOINT a;
DROP TABLE sp2;
ROLLBACK TO a;
INSERT INTO sp2 VALUES (3);
UPDATE sp SET m = 'end' WHERE id > 3000;
COMMIT;
EOQ

check_some('transactions that spill', <<'EOQ');
CREATE TABLE spill (id int PRIMARY KEY, v text);
CREATE TABLE spill_full (id int PRIMARY KEY, v text);
ALTER TABLE spill_full REPLICA IDENTITY FULL;
INSERT INTO spill SELECT g, repeat('s', 50) || g FROM generate_series(1, 5000) g;
BEGIN;
UPDATE spill SET v = v || '!' WHERE id <= 2000;
SAVEPOINT a;
UPDATE spill SET v = 'undone';
ROLLBACK TO a;
SAVEPOINT a;
INSERT INTO spill_full SELECT g, repeat('f', 50) || g FROM generate_series(1, 2000) g;
ALTER TABLE spill ADD COLUMN n int DEFAULT 3;
UPDATE spill SET n = id WHERE id > 3000;
RELEASE a;
UPDATE spill_full SET id = -id;
ALTER TABLE spill DROP COLUMN v;
DELETE FROM spill WHERE id % 2 = 0;
DELETE FROM spill_full WHERE id > -1000;
INSERT INTO spill VALUES (0, 0);
COMMIT;
BEGIN;
UPDATE spill SET n = 0;
ROLLBACK;
EOQ
foreach my $slot (qw(leaves roots theirs))
{
	is( $node->safe_psql(
			'postgres',
			"SELECT spill_txns >= 2 AND spill_bytes > 1000000
			   AND stream_txns = 0
			 FROM pg_stat_replication_slots WHERE slot_name = '$slot'"),
		't',
		"slot $slot has spilled");
}

check_some('COPY and rows of many sizes', <<"EOQ");
CREATE TABLE copied (id int PRIMARY KEY, v text);
ALTER TABLE copied ALTER v SET STORAGE EXTERNAL;
COPY copied FROM stdin;
@{[ join "\n", map { "$_\t" . ($_ % 7 ? "row $_" : '\\N') } 1 .. 1500 ]}
\\.
COPY copied FROM stdin;
@{[ join "\n", map { "$_\t" . 'x' x ($_ * 37 % 9000) } 2001 .. 2060 ]}
\\.
BEGIN;
CREATE TABLE frozen (id int PRIMARY KEY, v text);
COPY frozen FROM stdin WITH (FREEZE);
1	frozen
2	\\N
\\.
SAVEPOINT a;
COPY copied FROM stdin;
3001	undone
\\.
ROLLBACK TO a;
COPY copied (v, id) FROM stdin;
other order	3001
\\.
COMMIT;
INSERT INTO copied SELECT g, repeat('r', g % 100 * 40) FROM generate_series(4000, 4300) g;
EOQ

check_some('TOAST', <<'EOQ');
CREATE TABLE toast (id int PRIMARY KEY, n int, big text, big2 text);
CREATE TABLE toast_full (id int PRIMARY KEY, n int, big text, big2 text);
CREATE TABLE toast_key (id text PRIMARY KEY, n int, big text);
CREATE TABLE toast_index (id int PRIMARY KEY, k text NOT NULL, n int, big text);
CREATE UNIQUE INDEX toast_index_k ON toast_index (k);
ALTER TABLE toast_index REPLICA IDENTITY USING INDEX toast_index_k;
ALTER TABLE toast_full REPLICA IDENTITY FULL;
ALTER TABLE toast ALTER big SET STORAGE EXTERNAL;
ALTER TABLE toast_full ALTER big SET STORAGE EXTERNAL, ALTER big2 SET STORAGE EXTERNAL;
ALTER TABLE toast_key ALTER id SET STORAGE EXTERNAL, ALTER big SET STORAGE EXTERNAL;
ALTER TABLE toast_index ALTER k SET STORAGE EXTERNAL, ALTER big SET STORAGE EXTERNAL;
INSERT INTO toast SELECT g, 0, repeat('0123456789', 1000 + g),
	(SELECT string_agg(md5(g::text || h), '') FROM generate_series(1, 200) h) FROM generate_series(1, 10) g;
INSERT INTO toast_full SELECT * FROM toast;
INSERT INTO toast_key SELECT repeat('k', 2100) || id, n, big FROM toast;
INSERT INTO toast_index SELECT id, repeat('k', 2100) || id, n, big FROM toast;
UPDATE toast SET n = 1;
UPDATE toast SET big = big || 'x' WHERE id < 4;
UPDATE toast SET big2 = reverse(big2), big = NULL WHERE id = 4;
UPDATE toast SET big = 'short' WHERE id = 5;
UPDATE toast SET id = id + 100 WHERE id = 6;
UPDATE toast_full SET n = 1;
UPDATE toast_full SET big = big || 'x' WHERE id < 4;
UPDATE toast_full SET big2 = reverse(big2), big = NULL WHERE id = 4;
UPDATE toast_full SET id = id + 100 WHERE id = 6;
UPDATE toast_key SET n = 1;
UPDATE toast_key SET id = id || 'x' WHERE id LIKE '%5';
UPDATE toast_key SET id = 'short' WHERE id LIKE '%6';
UPDATE toast_key SET big = 'short' WHERE id LIKE '%7';
UPDATE toast_index SET n = 1;
UPDATE toast_index SET k = k || 'x' WHERE id = 5;
UPDATE toast_index SET id = -id WHERE id = 6;
DELETE FROM toast WHERE id > 5;
DELETE FROM toast_full WHERE id > 5;
DELETE FROM toast_key WHERE id LIKE '%8';
DELETE FROM toast_index WHERE id = 8;
-- several in one transaction, with the memory limit reached
BEGIN;
INSERT INTO toast SELECT g, 0, repeat('abc', 5000), 'x' FROM generate_series(1000, 1020) g;
UPDATE toast SET n = 2 WHERE id >= 1000;
SAVEPOINT a;
UPDATE toast SET big = repeat('undone', 1000) WHERE id >= 1000;
ROLLBACK TO a;
UPDATE toast SET big = repeat('d', id * 3) WHERE id >= 1010;
DELETE FROM toast WHERE id = 1000;
COMMIT;
ALTER TABLE toast ADD COLUMN m int DEFAULT 1, DROP COLUMN n;
UPDATE toast SET m = 2 WHERE id < 4;
EOQ

check_some('ON CONFLICT', <<'EOQ');
CREATE TABLE up (id int PRIMARY KEY, n int DEFAULT 0, v text);
ALTER TABLE up ALTER v SET STORAGE EXTERNAL;
INSERT INTO up SELECT g, 0, 'first' FROM generate_series(1, 10) g ON CONFLICT DO NOTHING;
INSERT INTO up SELECT g, 0, 'second' FROM generate_series(5, 15) g ON CONFLICT DO NOTHING;
INSERT INTO up SELECT g, 0, 'third' FROM generate_series(10, 20) g
	ON CONFLICT (id) DO UPDATE SET n = up.n + 1, v = excluded.v WHERE up.id <> 12;
INSERT INTO up SELECT g, 0, repeat('t', 5000) FROM generate_series(18, 22) g
	ON CONFLICT (id) DO UPDATE SET v = excluded.v;
INSERT INTO up VALUES (18, 0, NULL) ON CONFLICT (id) DO UPDATE SET n = 100;
INSERT INTO up VALUES (19, 0, NULL) ON CONFLICT (id) DO UPDATE SET id = -19;
BEGIN;
INSERT INTO up VALUES (50, 0, 'a') ON CONFLICT (id) DO UPDATE SET v = 'b';
SAVEPOINT a;
INSERT INTO up VALUES (50, 0, 'a') ON CONFLICT (id) DO UPDATE SET v = 'c';
ROLLBACK TO a;
INSERT INTO up VALUES (50, 0, 'a') ON CONFLICT (id) DO UPDATE SET v = 'd';
DELETE FROM up WHERE id = 50;
INSERT INTO up VALUES (50, 0, 'a') ON CONFLICT DO NOTHING;
COMMIT;
EOQ

# Two sessions insert the same key at the same time: one of them finds that
# out after its row is in the table, and takes it back.  The index that is
# filled first, because it is the older one, makes both wait in between.
check_some(
	'a speculative insertion taken back',
	sub {
		$node->safe_psql('postgres', <<'EOQ');
CREATE FUNCTION pause(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(1);
  RETURN $1;
END $$;
CREATE TABLE race (id int, v text, n int DEFAULT 0);
ALTER TABLE race ALTER v SET STORAGE EXTERNAL;
CREATE INDEX race_pause ON race (pause(left(v, 10)));
ALTER TABLE race ADD PRIMARY KEY (id);
EOQ
		my $connection =
		  'host=' . $node->host . ' port=' . $node->port . ' dbname=postgres';
		$node->safe_psql('postgres', <<"EOQ");
SELECT dblink_connect(c, '$connection') FROM unnest('{a,b}'::text[]) c;
SELECT pg_advisory_lock(1);
SELECT dblink_send_query(c, format('INSERT INTO race VALUES (1, repeat(%L, 5000))
	ON CONFLICT (id) DO UPDATE SET n = race.n + 1, v = excluded.v', c))
  FROM unnest('{a,b}'::text[]) c;
DO \$\$
BEGIN
  WHILE (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted) < 2 LOOP
    PERFORM pg_sleep(0.01);
  END LOOP;
END \$\$;
SELECT pg_advisory_unlock(1);
SELECT * FROM dblink_get_result('a') AS r (status text);
SELECT * FROM dblink_get_result('b') AS r (status text);
EOQ
		is( $node->safe_psql('postgres', 'SELECT id, n FROM race'),
			'1|1', 'one session inserted, the other updated');
	});

check('rewrites', <<'EOQ') and fail('rewrites emit nothing');
VACUUM FULL t, toast, full_t;
CLUSTER t USING t_pkey;
CLUSTER toast_full USING toast_full_pkey;
ALTER TABLE t ALTER COLUMN b TYPE text;
ALTER TABLE t ADD COLUMN volatile text DEFAULT md5(random()::text);
ALTER TABLE toast ALTER COLUMN id TYPE bigint;
ALTER TABLE copied SET UNLOGGED;
ALTER TABLE copied SET LOGGED;
CREATE MATERIALIZED VIEW mv_t AS SELECT id, v FROM t;
CREATE UNIQUE INDEX ON mv_t (id);
REFRESH MATERIALIZED VIEW mv_t;
REFRESH MATERIALIZED VIEW CONCURRENTLY mv_t;
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
INSERT INTO unlogged VALUES (1);
CREATE TEMPORARY TABLE temporary (id int PRIMARY KEY);
INSERT INTO temporary VALUES (1);
CREATE INDEX CONCURRENTLY ON t (v);
REINDEX TABLE CONCURRENTLY t;
ANALYZE t;
VACUUM t;
CREATE DATABASE other;
\c other
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);
EOQ

check_some('rewrites between changes of one transaction', <<'EOQ');
CREATE TABLE rw (id int PRIMARY KEY, a int, v text);
ALTER TABLE rw ALTER v SET STORAGE EXTERNAL;
INSERT INTO rw SELECT g, g, repeat('v', g * 500) FROM generate_series(1, 10) g;
CREATE MATERIALIZED VIEW mv_rw AS SELECT length(v) AS id FROM rw;
CREATE UNIQUE INDEX ON mv_rw (id);
BEGIN;
UPDATE rw SET a = 1 WHERE id <= 3;
ALTER TABLE rw ALTER COLUMN a TYPE bigint;
UPDATE rw SET a = 2 WHERE id <= 6;
CLUSTER rw USING rw_pkey;
UPDATE rw SET a = 3 WHERE id > 6;
SAVEPOINT a;
ALTER TABLE rw ALTER COLUMN id TYPE text;
UPDATE rw SET id = id || 'x';
ROLLBACK TO a;
REFRESH MATERIALIZED VIEW mv_rw;
REFRESH MATERIALIZED VIEW CONCURRENTLY mv_rw;
UPDATE rw SET id = id + 100 WHERE id = 10;
ALTER TABLE rw ADD COLUMN r text DEFAULT 'r' || random();
UPDATE rw SET r = 'known', v = v || '!';
COMMIT;
UPDATE rw SET a = 5;
VACUUM FULL rw;
DELETE FROM rw;
EOQ

check_some('partitions', <<'EOQ');
CREATE TABLE part (id int, region text, v text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE part_p1 PARTITION OF part FOR VALUES IN ('a');
CREATE TABLE part_p2 (v text, gone int, region text NOT NULL, id int NOT NULL);
ALTER TABLE part_p2 DROP COLUMN gone;
ALTER TABLE part ATTACH PARTITION part_p2 FOR VALUES IN ('b');
CREATE TABLE part_p3 (gone text, id int NOT NULL, v text, region text NOT NULL) PARTITION BY RANGE (id);
ALTER TABLE part_p3 DROP COLUMN gone;
CREATE TABLE part_p3_p1 PARTITION OF part_p3 FOR VALUES FROM (0) TO (100);
CREATE TABLE part_p3_p2 (region text NOT NULL, v text, id int NOT NULL);
ALTER TABLE part_p3 ATTACH PARTITION part_p3_p2 FOR VALUES FROM (100) TO (200);
ALTER TABLE part ATTACH PARTITION part_p3 FOR VALUES IN ('c');
CREATE TABLE part_p4 PARTITION OF part DEFAULT;
INSERT INTO part SELECT g, chr(97 + g % 4), 'v' || g FROM generate_series(1, 80) g;
INSERT INTO part SELECT g, 'c', 'v' || g FROM generate_series(101, 120) g;
UPDATE part SET v = 'changed' WHERE id % 5 = 0;
UPDATE part SET id = id + 10 WHERE region = 'c' AND id BETWEEN 101 AND 105 AND id + 10 > 120;
UPDATE part SET id = -id WHERE region <> 'c' AND id < 10;
UPDATE part SET region = 'b' WHERE region = 'a' AND id BETWEEN 10 AND 30;
UPDATE part SET region = 'z' WHERE region = 'c' AND id BETWEEN 10 AND 30;
UPDATE part SET id = id + 100 WHERE region = 'c' AND id BETWEEN 30 AND 60;
DELETE FROM part WHERE id > 60 AND id % 2 = 0;
ALTER TABLE part ADD COLUMN n int DEFAULT 4;
UPDATE part SET n = 5 WHERE id < 0 OR id > 100;
ALTER TABLE part_p1 REPLICA IDENTITY FULL;
INSERT INTO part VALUES (700, 'a', 'v', 1), (701, 'b', 'v', 1);
TRUNCATE part_p4;
TRUNCATE part;
-- foreign keys, triggers and an upsert through the root
INSERT INTO part VALUES (1, 'b', 'up'), (2, 'c', 'up');
INSERT INTO part VALUES (1, 'b', 'up'), (3, 'c', 'up')
	ON CONFLICT (region, id) DO UPDATE SET v = excluded.v || '!';
COPY part (region, id, v) FROM stdin;
b	50	copied
c	51	copied
c	151	copied
x	52	copied
\.
EOQ

# Partitions that come and go are tables of their own before and after.
sub check_leaves
{
	my ($what, $work) = @_;
	$node->safe_psql('postgres', $work);
	my $theirs = read_theirs();
	compare($what, read_ours('leaves'), $theirs);
	$total{ $_->{op} }++ foreach @$theirs;
	my $events = read_ours('roots');
	is(scalar @$events, scalar @$theirs,
		"$what, partitions as roots: as many changes");
	return $events;
}

my $events = check_leaves('ATTACH and DETACH', <<'EOQ');
CREATE TABLE arch (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE arch_a PARTITION OF arch FOR VALUES FROM (0) TO (100);
CREATE TABLE arch_b (v text, id int PRIMARY KEY);
INSERT INTO arch VALUES (1, 'in arch_a');
INSERT INTO arch_b VALUES ('alone', 101);
ALTER TABLE arch ATTACH PARTITION arch_b FOR VALUES FROM (100) TO (200);
INSERT INTO arch VALUES (102, 'in arch_b');
UPDATE arch SET v = 'both';
UPDATE arch SET id = 103 WHERE id = 1;
ALTER TABLE arch DETACH PARTITION arch_a CONCURRENTLY;
INSERT INTO arch_a VALUES (2, 'alone');
BEGIN;
ALTER TABLE arch DETACH PARTITION arch_b;
INSERT INTO arch_b VALUES ('alone', 104);
ALTER TABLE arch ATTACH PARTITION arch_b FOR VALUES FROM (100) TO (200);
INSERT INTO arch VALUES (105, 'in arch_b');
COMMIT;
ALTER TABLE arch ATTACH PARTITION arch_a FOR VALUES FROM (0) TO (100);
DELETE FROM arch;
DROP TABLE arch_a;
INSERT INTO arch VALUES (106, 'last');
DROP TABLE arch;
EOQ
is( join(' ', map { "$_->{op}:" . $_->{name} =~ s/public\.//r } @$events),
	'c:arch c:arch_b c:arch u:arch u:arch u:arch d:arch c:arch '
	  . 'c:arch_a c:arch_b c:arch '
	  . 'd:arch d:arch d:arch d:arch d:arch d:arch c:arch',
	'changes of partitions are those of the root while they belong to it');

check_some('prepared transactions', <<'EOQ');
CREATE TABLE prep (id int PRIMARY KEY, v text);
INSERT INTO prep VALUES (1, 'first');
BEGIN;
INSERT INTO prep VALUES (2, 'prepared');
UPDATE prep SET v = 'prepared' WHERE id = 1;
SAVEPOINT a;
INSERT INTO prep VALUES (3, 'undone');
ROLLBACK TO a;
SAVEPOINT a;
INSERT INTO prep VALUES (3, 'subtransaction');
PREPARE TRANSACTION 'committed later';
INSERT INTO prep VALUES (10, 'between');
BEGIN;
INSERT INTO prep VALUES (4, 'never');
PREPARE TRANSACTION 'rolled back';
BEGIN;
CREATE TABLE prep_new (id int PRIMARY KEY, v text);
INSERT INTO prep_new VALUES (1, 'new table');
INSERT INTO prep SELECT g, repeat('s', 100) FROM generate_series(1000, 3000) g;
PREPARE TRANSACTION 'large, with DDL';
INSERT INTO prep VALUES (11, 'between');
ROLLBACK PREPARED 'rolled back';
COMMIT PREPARED 'large, with DDL';
INSERT INTO prep_new VALUES (2, 'after');
UPDATE prep SET v = 'after' WHERE id >= 2990;
COMMIT PREPARED 'committed later';
UPDATE prep SET id = 20 WHERE id = 2;
EOQ

# also if they are prepared in one call for changes and committed in another
check('a transaction that is prepared', <<'EOQ')
BEGIN;
INSERT INTO prep VALUES (5000, 'prepared');
PREPARE TRANSACTION 'open';
EOQ
  and fail('a prepared transaction emits nothing');
check_some('the commit of what was prepared before',
	"COMMIT PREPARED 'open'");

check_some('TRUNCATE', <<'EOQ');
CREATE TABLE tr (id int PRIMARY KEY, v text);
CREATE TABLE tr2 (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tr int REFERENCES tr);
CREATE TABLE tr_keyless (v text);
INSERT INTO tr VALUES (1, 'a');
INSERT INTO tr2 (tr) VALUES (1);
INSERT INTO tr_keyless VALUES ('a');
TRUNCATE tr CASCADE;
INSERT INTO tr VALUES (1, 'a');
TRUNCATE tr2, tr_keyless, tr RESTART IDENTITY;
BEGIN;
INSERT INTO tr VALUES (1, 'before'), (2, 'before');
TRUNCATE tr CASCADE;
INSERT INTO tr VALUES (1, 'after');
SAVEPOINT a;
TRUNCATE tr, tr2;
ROLLBACK TO a;
UPDATE tr SET v = 'kept';
TRUNCATE tr_keyless;
COMMIT;
BEGIN;
TRUNCATE tr, tr2;
ROLLBACK;
BEGIN;
CREATE TABLE tr_new (id int PRIMARY KEY);
INSERT INTO tr_new VALUES (1);
TRUNCATE tr_new;
INSERT INTO tr_new VALUES (2);
COMMIT;
EOQ

# Transactional messages are where they were in their transaction; others are
# sent at once, and not undone.
check_some('logical messages', <<'EOQ');
CREATE TABLE lm (id int PRIMARY KEY);
SELECT pg_logical_emit_message(true, 'own', 'a transaction of its own');
SELECT pg_logical_emit_message(false, 'at once', 'no transaction');
BEGIN;
INSERT INTO lm VALUES (1);
SELECT pg_logical_emit_message(true, 'in', 'between');
SELECT pg_logical_emit_message(false, 'at once', 'before the commit');
SAVEPOINT a;
INSERT INTO lm VALUES (2);
SELECT pg_logical_emit_message(true, 'in', 'undone');
SELECT pg_logical_emit_message(false, 'at once', 'not undone');
ROLLBACK TO a;
INSERT INTO lm VALUES (3);
SELECT pg_logical_emit_message(true, '', '');
SELECT pg_logical_emit_message(false, 'at once', 'right before the commit');
COMMIT;
BEGIN;
SELECT pg_logical_emit_message(true, 'in', 'never');
SELECT pg_logical_emit_message(false, 'at once', 'rolled back');
ROLLBACK;
BEGIN;
SELECT pg_logical_emit_message(true, 'in', 'prepared');
PREPARE TRANSACTION 'message';
INSERT INTO lm VALUES (4);
COMMIT PREPARED 'message';
EOQ

# Transactions that are open at the same time: the order is that of commits,
# and a change of a table's definition reaches those that began before it.
check_some('interleaved transactions', sub {
	my $connection =
	  'host=' . $node->host . ' port=' . $node->port . ' dbname=postgres';
	my $script = <<"EOQ";
CREATE TABLE il (id int PRIMARY KEY, v text);
CREATE TABLE il2 (id int PRIMARY KEY, v text);
SELECT dblink_connect(c, '$connection') FROM unnest('{a,b,c}'::text[]) c;
EOQ
	foreach my $step (
		'a BEGIN',
		"a INSERT INTO il VALUES (1, 'a')",
		'b BEGIN',
		"b INSERT INTO il2 VALUES (2, 'b')",
		'a SAVEPOINT s',
		"a INSERT INTO il VALUES (3, 'a')",
		"c INSERT INTO il VALUES (4, 'c')",
		'b SAVEPOINT s',
		"b INSERT INTO il2 VALUES (5, 'b')",
		'a ROLLBACK TO s',
		'a COMMIT',
		# b is open and has changed il2, not il
		'c ALTER TABLE il ADD COLUMN n int DEFAULT 1',
		'b UPDATE il SET n = 2',
		'c BEGIN',
		"c INSERT INTO il VALUES (6, 'c', 6)",
		'a BEGIN',
		"a UPDATE il2 SET v = 'x' WHERE id = 0",
		'c CREATE TABLE il3 (id int PRIMARY KEY)',
		'c INSERT INTO il3 VALUES (1)',
		'b ROLLBACK TO s',
		'b COMMIT',
		"c UPDATE il SET v = 'c again' WHERE id = 6",
		'c COMMIT',
		'a INSERT INTO il3 VALUES (2)',
		'c ALTER TABLE il RENAME COLUMN n TO m',
		'c ALTER TABLE il RENAME TO il4',
		'a INSERT INTO il4 (id, m) VALUES (7, 7)',
		'a COMMIT',
		"c INSERT INTO il4 VALUES (8, 'c')")
	{
		my ($session, $command) = split / /, $step, 2;
		$script .=
		  "SELECT dblink_exec('$session', \$\$$command\$\$);\n";
	}
	$node->safe_psql('postgres', $script);
});

check_some('concurrent sessions', sub {
	$node->safe_psql('postgres', <<'EOQ');
CREATE TABLE hot (id int PRIMARY KEY, n int DEFAULT 0, v text, big text);
ALTER TABLE hot ALTER big SET STORAGE EXTERNAL;
CREATE TABLE hot_full (id int PRIMARY KEY, n int DEFAULT 0, v text);
ALTER TABLE hot_full REPLICA IDENTITY FULL;
CREATE TABLE morph (id bigserial PRIMARY KEY, v text);
EOQ
	my $dml = $node->basedir . '/dml.sql';
	my $ddl = $node->basedir . '/ddl.sql';
	append_to_file($dml, <<'EOQ');
\set id random(1, 20)
\set id2 random(1, 20)
\set size random(1, 4000)
\set what random(1, 6)
BEGIN;
INSERT INTO hot VALUES (:id, 0, 'insert', repeat('b', :size)) ON CONFLICT (id) DO UPDATE SET n = hot.n + 1, v = excluded.v;
INSERT INTO morph (v) VALUES ('dml');
SAVEPOINT a;
UPDATE hot SET n = n + 1 WHERE id = :id2;
INSERT INTO hot_full VALUES (:id2, :size, 'insert') ON CONFLICT DO NOTHING;
\if :what = 1
ROLLBACK TO a;
\elif :what = 2
DELETE FROM hot WHERE id = :id;
DELETE FROM hot_full WHERE id = :id2;
\elif :what = 3
RELEASE a;
UPDATE hot_full SET n = n + 1, v = repeat('f', :size) WHERE id = :id;
\endif
UPDATE morph SET v = v || :client_id WHERE id = :size % 100;
\if :what = 4
ROLLBACK;
\elif :what = 5
PREPARE TRANSACTION 'client :client_id';
COMMIT PREPARED 'client :client_id';
\else
COMMIT;
\endif
EOQ
	append_to_file($ddl, <<'EOQ');
\set n random(1, 3)
\set what random(1, 5)
BEGIN;
INSERT INTO morph (v) VALUES ('ddl');
\if :what = 1
ALTER TABLE morph ADD COLUMN IF NOT EXISTS c:n int DEFAULT :n;
\elif :what = 2
ALTER TABLE morph DROP COLUMN IF EXISTS c:n;
\elif :what = 3
ALTER TABLE morph ALTER COLUMN v TYPE varchar(10000);
\elif :what = 4
ALTER TABLE morph ALTER COLUMN v TYPE text;
TRUNCATE hot_full;
\else
CREATE TABLE side:client_id (id int PRIMARY KEY);
INSERT INTO side:client_id VALUES (1);
DROP TABLE side:client_id;
\endif
INSERT INTO morph (v) VALUES ('ddl after');
COMMIT;
EOQ
	command_ok(
		[
			'pgbench', '-n', '-h', $node->host, '-p', $node->port,
			'-c', '8', '-j', '2', '-t', '150', '--max-tries', '100',
			'--random-seed', '1', '-f', "$dml\@10", '-f', "$ddl\@1",
			'postgres'
		],
		'pgbench with 8 clients');
});

my $all = 0;
$all += $_ foreach values %total;
cmp_ok($all, '>', 50_000,
	"$all changes compared with test_decoding: "
	  . join(', ', map { "$total{$_} $_" } sort keys %total));

$node->stop;
done_testing();
