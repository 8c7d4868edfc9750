# A consumer of Debezium's change events, in SQL: it rebuilds tables from the
# messages of a stream, and turns JSON values back into the text of PostgreSQL
# values by the published rules of the format.  It shares nothing with the C
# code.
#
# What a consumer knows beforehand is in consumer.layout: for each table the
# key, the replica identity and the types of columns.  A type is a JSON object
# with its kind and what belongs to the kind (scale, unit, length, element,
# fields).
#
# Rules that are the consumer's:
# - a column that is unavailable in an event (unchanged TOAST) keeps the value
#   it had before; after a change of the key, the one under the old key;
# - a tombstone follows the delete of its key;
# - TRUNCATE empties the table.
# Everything that contradicts what is known already is an error.

# Sessions that call its functions have "SET search_path = consumer".

package DebeziumConsumer;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(install_consumer);

sub install_consumer
{
	my ($node, $database) = @_;
	$node->safe_psql($database, <<'EOQ');
CREATE SCHEMA consumer;
SET search_path = consumer;

CREATE UNLOGGED TABLE layout (
  tab text PRIMARY KEY,
  identity_full boolean NOT NULL,
  keys text[] NOT NULL,              -- in order of the table's columns
  columns json NOT NULL,             -- name: {"type": ..., "mark": ...}
  schemas boolean NOT NULL           -- do messages have schemas?
);
CREATE UNLOGGED TABLE event (n bigint GENERATED ALWAYS AS IDENTITY, data text);
CREATE UNLOGGED TABLE state (
  id bigint GENERATED ALWAYS AS IDENTITY,
  tab text,
  key text,
  image json
);
CREATE INDEX ON state (tab, key);

-- ----------------------------------------------------------------
-- Values
-- ----------------------------------------------------------------

CREATE FUNCTION bytes_of(value text, encoding text) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE encoding
           WHEN 'hex' THEN decode(value, 'hex')
           WHEN 'base64-url-safe' THEN
             CASE WHEN value !~ '[+/]' THEN decode(translate(value, '-_', '+/'), 'base64') END
           ELSE decode(value, 'base64')
         END
$$;

-- Big-endian two's complement, which must be the shortest
CREATE FUNCTION integer_of(bytes bytea) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  negative boolean := get_byte(bytes, 0) >= 128;
  n numeric := CASE WHEN negative THEN -1 ELSE 0 END;
BEGIN
  IF length(bytes) > 1 AND
     get_byte(bytes, 0) = negative::int * 255 AND
     (get_byte(bytes, 1) >= 128) = negative THEN
    RAISE EXCEPTION 'not the shortest integer: %', bytes;
  END IF;
  FOR i IN 0 .. length(bytes) - 1 LOOP
    n := n * 256 + get_byte(bytes, i);
  END LOOP;
  RETURN n;
END $$;

CREATE FUNCTION decimal_of(value text, scale int) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT (integer_of(decode(value, 'base64')) || 'e-' || scale)::numeric::text
$$;

-- The last bit is bit 0 of the first byte; without a known length there are
-- no leading zeros.
CREATE FUNCTION bits_of(value text, length int) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  bytes bytea := decode(value, 'base64');
  bits text := '';
BEGIN
  FOR i IN 0 .. length(bytes) - 1 LOOP
    bits := get_byte(bytes, i)::bit(8)::text || bits;
  END LOOP;
  bits := ltrim(bits, '0');
  RETURN CASE WHEN bits_of.length IS NULL THEN bits ELSE lpad(bits, bits_of.length, '0') END;
END $$;

-- ISO 8601 with a sign for years beyond four digits and before the year 0
CREATE FUNCTION iso_of(value text, zone text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  part text[];
  year int;
BEGIN
  IF value IN ('infinity', '-infinity') THEN
    RETURN value;
  END IF;
  part := regexp_match(value, '^(\d{4}|-\d{4,}|\+\d{5,})-(\d\d)-(\d\d)(?:T(\d\d:\d\d:\d\d(?:\.\d+)?))?Z$');
  IF part IS NULL THEN
    RAISE EXCEPTION 'not ISO 8601: %', value;
  END IF;
  year := part[1]::int;
  RETURN CASE WHEN year > 0 THEN ltrim(part[1], '+') ELSE lpad((1 - year)::text, 4, '0') END
    || '-' || part[2] || '-' || part[3] || coalesce(' ' || part[4] || zone, '')
    || CASE WHEN year > 0 THEN '' ELSE ' BC' END;
END $$;

CREATE FUNCTION unit_factor(unit text) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE unit WHEN 'ms' THEN 1000 WHEN 'us' THEN 1 WHEN 'ns' THEN 0.001 END
$$;

CREATE FUNCTION time_of(value text, unit text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN us = 86400000000 THEN '24:00:00'
              WHEN us BETWEEN 0 AND 86399999999 AND us = trunc(us) THEN
                (time '00:00' + make_interval(secs => (us / 1000000)::float8))::text
         END
    FROM (SELECT value::numeric * unit_factor(unit)) AS s (us)
$$;

-- Since 1970; infinities are what Java's driver makes of them, and in
-- nanoseconds the ends of the range.
CREATE FUNCTION timestamp_of(value text, unit text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
           WHEN unit <> 'ns' AND us IN (9223372036825200000, 9223372036825200) THEN 'infinity'
           WHEN unit <> 'ns' AND us IN (-9223372036832400000, -9223372036832400) THEN '-infinity'
           WHEN unit = 'ns' AND value = '9223372036854775807' THEN 'infinity'
           WHEN unit = 'ns' AND value = '-9223372036854775808' THEN '-infinity'
           ELSE (timestamp 'epoch' + make_interval(
                   days => floor(us / 86400000000)::int,
                   secs => ((us - floor(us / 86400000000) * 86400000000) / 1000000)::float8))::text
         END
    FROM (SELECT value::numeric * unit_factor(unit)) AS s (us)
$$;

-- Days wrap around for the infinities.
CREATE FUNCTION date_of(value text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE value WHEN '-2147472692' THEN 'infinity' WHEN '-2147472691' THEN '-infinity'
                    ELSE (date '1970-01-01' + value::int)::text END
$$;

CREATE FUNCTION quoted(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT '"' || replace(replace(value, '\', '\\'), '"', '\"') || '"'
$$;

CREATE FUNCTION hstore_of(value json) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(string_agg(quoted(key) || '=>' || coalesce(quoted(e.value), 'NULL'), ','), '')
    FROM json_each_text(value) e
$$;

-- Little-endian: 1, the type, two coordinates
CREATE FUNCTION wkb_of(x text, y text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  result bytea := '\x0101000000';
  big_endian bytea;
BEGIN
  FOREACH big_endian IN ARRAY ARRAY[float8send(x::float8), float8send(y::float8)] LOOP
    FOR i IN REVERSE 7 .. 0 LOOP
      result := result || substring(big_endian, i + 1, 1);
    END LOOP;
  END LOOP;
  RETURN result;
END $$;

-- x, y and the well-known binary say the same.
CREATE FUNCTION point_of(value json) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN decode(value ->> 'wkb', 'base64') = wkb_of(value ->> 'x', value ->> 'y')
                   AND json_typeof(value -> 'srid') = 'null'
              THEN '(' || (value ->> 'x') || ',' || (value ->> 'y') || ')' END
$$;

CREATE FUNCTION decimal_string_of(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE value WHEN 'NAN' THEN 'NaN' WHEN 'POSITIVE_INFINITY' THEN 'Infinity'
                    WHEN 'NEGATIVE_INFINITY' THEN '-Infinity' ELSE value::numeric::text END
$$;

-- Which JSON a kind consists of
CREATE FUNCTION json_of_kind(kind text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
           WHEN kind IN ('number', 'days', 'time', 'timestamp', 'micro duration') THEN 'number'
           WHEN kind IN ('boolean', 'bit') THEN 'boolean'
           WHEN kind IN ('variable decimal', 'hstore map', 'point', 'composite') THEN 'object'
           WHEN kind = 'array' THEN 'array'
           ELSE 'string'
         END
$$;

-- The text of the PostgreSQL value; null for null
CREATE FUNCTION value_of(value json, type json) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  kind text := type ->> 'kind';
  text text := value #>> '{}';
BEGIN
  IF json_typeof(value) = 'null' THEN
    RETURN NULL;
  END IF;
  IF json_typeof(value) <> json_of_kind(kind) AND NOT
     (kind IN ('float', 'decimal double') AND (json_typeof(value) = 'number') <> (text IN ('NaN', 'Infinity', '-Infinity'))) THEN
    RAISE EXCEPTION 'a % is no %', json_typeof(value), kind;
  END IF;

  CASE kind
    WHEN 'number', 'boolean', 'string', 'float', 'micro duration', 'iso duration' THEN
      RETURN text;
    WHEN 'decimal' THEN
      RETURN decimal_of(text, (type ->> 'scale')::int);
    WHEN 'variable decimal' THEN
      RETURN decimal_of(value ->> 'value', (value ->> 'scale')::int);
    WHEN 'decimal double' THEN
      RETURN CASE WHEN text = '-0.0' THEN '-0' WHEN json_typeof(value) = 'string' THEN text
                  ELSE trim_scale(text::numeric)::text END;
    WHEN 'decimal string' THEN
      RETURN decimal_string_of(text);
    WHEN 'bytes' THEN
      RETURN bytes_of(text, type ->> 'encoding');
    WHEN 'bit' THEN
      RETURN text::boolean::int;
    WHEN 'bits' THEN
      RETURN bits_of(text, (type ->> 'length')::int);
    WHEN 'days' THEN
      RETURN date_of(text);
    WHEN 'time' THEN
      RETURN time_of(text, type ->> 'unit');
    WHEN 'timestamp' THEN
      RETURN timestamp_of(text, type ->> 'unit');
    WHEN 'iso date', 'iso timestamp' THEN
      RETURN iso_of(text, '');
    WHEN 'zoned timestamp' THEN
      -- all values of a column have the same number of digits
      IF type ->> 'digits' <> coalesce(length(substring(text, '\.(\d+)Z$')), 0)::text
         AND text !~ 'infinity' THEN
        RAISE EXCEPTION '% has not % digits', text, type ->> 'digits';
      END IF;
      RETURN iso_of(text, '+00');
    WHEN 'iso time' THEN
      RETURN CASE WHEN text LIKE '%Z' THEN rtrim(text, 'Z') END;
    WHEN 'zoned time' THEN
      RETURN CASE WHEN text LIKE '%Z' THEN rtrim(text, 'Z') || '+00' END;
    WHEN 'hstore json' THEN
      RETURN hstore_of(text::json);
    WHEN 'hstore map' THEN
      RETURN hstore_of(value);
    WHEN 'point' THEN
      RETURN point_of(value);
    WHEN 'array' THEN
      RETURN array_of(value, type -> 'element', type ->> 'delimiter');
    WHEN 'composite' THEN
      RETURN composite_of(value, type -> 'fields');
  END CASE;
END $$;

-- Arrays in arrays are dimensions.
CREATE FUNCTION array_of(value json, element json, delimiter text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT '{' || coalesce(string_agg(
           CASE json_typeof(e.value)
             WHEN 'array' THEN array_of(e.value, element, delimiter)
             WHEN 'null' THEN 'NULL'
             ELSE quoted(value_of(e.value, element))
           END, delimiter ORDER BY n), '') || '}'
    FROM json_array_elements(value) WITH ORDINALITY AS e (value, n)
$$;

-- All fields, in the order of the type
CREATE FUNCTION composite_of(value json, fields json) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF (SELECT json_agg(key ORDER BY n)::text FROM json_object_keys(value) WITH ORDINALITY AS k (key, n)) <>
     (SELECT json_agg(f ->> 'name' ORDER BY n)::text FROM json_array_elements(fields) WITH ORDINALITY AS e (f, n)) THEN
    RAISE EXCEPTION 'unexpected fields: %', value;
  END IF;
  RETURN (SELECT '(' || string_agg(coalesce(quoted(value_of(value -> (f ->> 'name'), f -> 'type')), ''), ',' ORDER BY n) || ')'
            FROM json_array_elements(fields) WITH ORDINALITY AS e (f, n));
END $$;

-- ----------------------------------------------------------------
-- Tables
-- ----------------------------------------------------------------

-- The row of an event, complete: what is unavailable comes from before.
-- Unavailable columns are named in a header, and where their type has room
-- for a mark, that is their value.
CREATE FUNCTION completed(after json, before json, unavailable json, layout layout)
RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  names text[] := ARRAY(SELECT json_array_elements_text(unavailable));
  column_name text;
  value json;
  mark text;
  parts text[] := '{}';
BEGIN
  FOR column_name, value IN SELECT * FROM json_each(after) LOOP
    mark := layout.columns -> column_name ->> 'mark';
    IF mark IS NULL THEN
      RAISE EXCEPTION 'unknown column "%"', column_name;
    END IF;
    IF column_name = ANY (names) THEN
      IF value::text <> mark THEN
        RAISE EXCEPTION 'column "%" is unavailable, but it is %', column_name, left(value::text, 100);
      END IF;
      IF layout.identity_full OR before IS NULL THEN
        RAISE EXCEPTION 'column "%" must not be unavailable', column_name;
      END IF;
      value := before -> column_name;
    ELSIF value::text = mark AND mark <> 'null' THEN
      RAISE EXCEPTION 'column "%" has the mark, but is not in the header', column_name;
    END IF;
    parts := parts || (to_json(column_name) || ':' || value);
  END LOOP;
  IF names = '{}' THEN
    RETURN after;
  END IF;
  RETURN '{' || array_to_string(parts, ',') || '}';
END $$;

-- Does the old row of an event fit the row that is known?
CREATE FUNCTION fits(before json, known json, layout layout) RETURNS boolean
LANGUAGE sql AS $$
  SELECT CASE
           WHEN (layout).identity_full THEN before::text = known::text
           ELSE (SELECT bool_and(e.value::text = CASE WHEN e.key = ANY ((layout).keys)
                                                      THEN (known -> e.key)::text ELSE 'null' END)
                   FROM json_each(before) e)
         END
$$;

CREATE FUNCTION key_of(image json, layout layout) RETURNS text LANGUAGE sql AS $$
  SELECT '{' || string_agg(to_json(k) || ':' || (image -> k), ',' ORDER BY n) || '}'
    FROM unnest((layout).keys) WITH ORDINALITY AS u (k, n)
$$;

-- Apply the events to consumer.state; returns how many there were.
CREATE FUNCTION apply() RETURNS bigint LANGUAGE plpgsql AS $$
<<apply>>
DECLARE
  e record;
  message json;
  event json;
  key text;
  headers json;
  layout layout;
  known state;
  moved json;
  deleted text;
  op text;
  rows json;
  before json;
  wrong text;
  count bigint := 0;
BEGIN
  FOR e IN SELECT * FROM event ORDER BY n LOOP
    count := count + 1;
    wrong := NULL;
    PERFORM e.data::jsonb;
    message := e.data;
    headers := message -> 'headers';
    event := message -> 'value';

    SELECT * INTO layout FROM consumer.layout l WHERE l.tab = substring(message ->> 'topic', '[^.]+$');
    IF layout.schemas THEN
      event := CASE WHEN json_typeof(event) = 'null' THEN event ELSE event -> 'payload' END;
      key := message -> 'key' -> 'payload';
    ELSE
      key := message -> 'key';
    END IF;
    IF json_typeof(event) = 'null' THEN
      IF deleted IS DISTINCT FROM message ->> 'key' THEN
        RAISE EXCEPTION 'event % is a tombstone without a delete: %', e.n, left(e.data, 2000);
      END IF;
      deleted := NULL;
      CONTINUE;
    END IF;
    IF deleted IS NOT NULL THEN
      RAISE EXCEPTION 'event % should be a tombstone: %', e.n, left(e.data, 2000);
    END IF;

    op := event ->> 'op';
    rows := event -> 'after';
    before := nullif((event -> 'before')::text, 'null')::json;
    known := NULL;
    IF op = 't' THEN
      DELETE FROM state s WHERE s.tab = layout.tab;
      CONTINUE;
    END IF;
    IF layout.keys = '{}' THEN
      SELECT * INTO known FROM state s WHERE s.tab = layout.tab AND s.image::text = before::text LIMIT 1;
      IF key <> 'null' OR (op = 'c') <> (before IS NULL) OR (op <> 'c' AND known IS NULL) THEN
        wrong := 'the row before is not known';
      END IF;
    ELSE
      SELECT * INTO known FROM state s WHERE s.tab = layout.tab AND s.key = apply.key;
      wrong := CASE
        WHEN (known.id IS NULL) <> (op = 'c') THEN 'the key is ' || CASE op WHEN 'c' THEN '' ELSE 'not ' END || 'known already'
        WHEN before IS NOT NULL AND NOT fits(before, known.image, layout) THEN 'the row before is not ' || coalesce(known.image::text, 'known')
        WHEN (before IS NOT NULL) <> (op = 'd' OR (op = 'u' AND layout.identity_full)) THEN 'there is a row before, or none'
        WHEN (headers ? '__debezium.newkey') > (op = 'd') OR (headers ? '__debezium.oldkey') <> (moved IS NOT NULL) THEN 'headers'
      END;
    END IF;
    IF wrong IS NOT NULL THEN
      RAISE EXCEPTION 'event %: %: %', e.n, wrong, left(e.data, 2000);
    END IF;

    IF op = 'd' THEN
      DELETE FROM state s WHERE s.id = known.id;
      IF headers ? '__debezium.newkey' THEN
        moved := known.image;
      END IF;
      deleted := message ->> 'key';
      CONTINUE;
    END IF;
    rows := completed(rows, coalesce(known.image, moved), (headers ->> '__cdc_emit.unavailable')::json, layout);
    moved := NULL;
    IF layout.keys <> '{}' AND key_of(event -> 'after', layout) <> key THEN
      RAISE EXCEPTION 'event %: key and row differ: %', e.n, left(e.data, 2000);
    END IF;
    IF op = 'c' THEN
      INSERT INTO state (tab, key, image) VALUES (layout.tab, key, rows);
    ELSE
      UPDATE state s SET image = rows WHERE s.id = known.id;
    END IF;
  END LOOP;
  TRUNCATE event;
  RETURN count;
END $$;

CREATE FUNCTION has_key(object json, key text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT object -> key IS NOT NULL
$$;
CREATE OPERATOR ? (LEFTARG = json, RIGHTARG = text, FUNCTION = has_key);
EOQ
	return;
}

1;
