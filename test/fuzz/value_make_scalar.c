/*-------------------------------------------------------------------------
 *
 * value_make_scalar.c
 *	  Random values of types that are not made of others.
 *
 * Headers, alignment and contents are as the server or an extension makes
 * them; only what the send functions of extensions say may be anything.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/value_make_scalar.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "numeric_disk.h"
#include "shim.h"
#include "utils/date.h"
#include "utils/timestamp.h"
#include "value_make.h"

#define MAX_TEXT		64
#define MAX_BITS		512
#define MAX_GROUPS		20
#define MAX_PAIRS		4
#define TIMETZ_BYTES	12
#define UUID_BYTES		16

/* ----------------------------------------------------------------
 *		text
 * ----------------------------------------------------------------
 */

static Datum
make_text(FuzzInput *input, JsonNode **expected)
{
	char	   *text = value_make_text(input, MAX_TEXT);

	*expected = expect_string(text, strlen(text));
	return value_make_varlena(input, text, strlen(text));
}

static Datum
make_name(FuzzInput *input, JsonNode **expected)
{
	char	   *text = value_make_text(input, NAMEDATALEN - 1);
	char	   *name = palloc0(NAMEDATALEN);

	strcpy(name, text);
	*expected = expect_string(text, strlen(text));
	return PointerGetDatum(name);
}

/* As charout() of 16 writes it */
static Datum
make_char(FuzzInput *input, JsonNode **expected)
{
	unsigned char c = fuzz_take(input, 1);
	char		text[8];

	snprintf(text, sizeof(text), c >= 0x80 ? "\\%03o" : "%c", c);
	*expected = expect_string(text, strlen(text));
	return CharGetDatum(c);
}

static Datum
make_uuid(FuzzInput *input, JsonNode **expected)
{
	unsigned char *uuid = palloc0(UUID_BYTES);
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < UUID_BYTES; i++)
	{
		uuid[i] = fuzz_take(input, 1);
		appendStringInfo(&text, i >= 4 && i <= 10 && i % 2 == 0 ?
						 "-%02x" : "%02x", uuid[i]);
	}
	*expected = expect_string(text.data, text.len);
	return PointerGetDatum(uuid);
}

/* The label, or what the output function says of an unknown one */
static Datum
make_enum(FuzzInput *input, const ValueEnum *enumeration, JsonNode **expected)
{
	Oid			oid = fuzz_choose(input, 2 * enumeration->nlabels + 2);
	char		text[16];

	snprintf(text, sizeof(text), "%u", oid);
	*expected = expect_string(text, strlen(text));
	for (int i = 0; i < enumeration->nlabels; i++)
	{
		const EnumLabel *label = &enumeration->labels[i];

		if (label->oid == oid)
			*expected = expect_string(label->label, strlen(label->label));
	}
	return ObjectIdGetDatum(oid);
}

/* ----------------------------------------------------------------
 *		bytes and bits
 * ----------------------------------------------------------------
 */

static JsonNode *
expect_base64(const unsigned char *bytes, int len, bool url)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < len; i += 3)
	{
		int			rest = len - i;
		uint32		word = (uint32) bytes[i] << 16 |
			(rest > 1 ? bytes[i + 1] : 0) << 8 |
			(rest > 2 ? bytes[i + 2] : 0);

		for (int n = 0; n < 4; n++)
		{
			char		c = digits[word >> (18 - 6 * n) & 0x3F];

			if (url && c == '+')
				c = '-';
			if (url && c == '/')
				c = '_';
			appendStringInfoChar(&text, n > rest ? '=' : c);
		}
	}
	return expect_string(text.data, text.len);
}

static JsonNode *
expect_hex(const unsigned char *bytes, int len)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < len; i++)
		appendStringInfo(&text, "%02x", bytes[i]);
	return expect_string(text.data, text.len);
}

static Datum
make_bytea(FuzzInput *input, ValueClass value_class, JsonNode **expected)
{
	const uint8_t *bytes;
	int			len = fuzz_bytes(input, fuzz_choose(input, MAX_TEXT), &bytes);

	*expected = value_class == VALUE_BYTEA_HEX ? expect_hex(bytes, len) :
		expect_base64(bytes, len, value_class == VALUE_BYTEA_BASE64_URL);
	return value_make_varlena(input, (const char *) bytes, len);
}

/*
 * Bits from the left; those that fill up the last byte are zero.  The result
 * has the last bit in bit 0 of its first byte, and no zero bytes at its end.
 */
static Datum
make_bits(FuzzInput *input, bool one, JsonNode **expected)
{
	int			nbits = fuzz_choose(input, one ? 2 : MAX_BITS);
	int			nbytes = (nbits + 7) / 8;
	char	   *contents = palloc0(sizeof(int32) + nbytes);
	char	   *bits = contents + sizeof(int32);
	unsigned char *reversed = palloc0(nbytes + 1);
	int			len = 0;

	memcpy(contents, &nbits, sizeof(int32));
	for (int i = 0; i < nbits; i++)
	{
		int			from_right = nbits - 1 - i;

		if (i % 8 == 0)
			bits[i / 8] = fuzz_take(input, 1);
		if (bits[i / 8] & 0x80 >> i % 8)
		{
			reversed[from_right / 8] |= 1 << from_right % 8;
			len = Max(len, from_right / 8 + 1);
		}
	}
	if (nbits % 8 != 0)
		bits[nbytes - 1] &= 0xFF << (8 - nbits % 8);
	*expected = !one ? expect_base64(reversed, len, false) :
		expect(len > 0 ? JSON_TRUE : JSON_FALSE);
	return value_make_varlena(input, contents, sizeof(int32) + nbytes);
}

/* ----------------------------------------------------------------
 *		numbers
 * ----------------------------------------------------------------
 */

static Datum
make_numeric(FuzzInput *input, ValueClass value_class, JsonNode **expected)
{
	NumericText text;
	struct varlena *numeric = numeric_disk_make(input, MAX_GROUPS, &text);

	if (value_class == VALUE_DECIMAL_STRING)
		*expected = expect(JSON_STRING);
	else if (value_class == VALUE_DECIMAL_DOUBLE)
		*expected = expect(text.finite ? JSON_NUMBER : JSON_STRING);
	else if (!text.finite)
		*expected = expect(JSON_NULL);
	else if (value_class == VALUE_DECIMAL)
		*expected = expect(JSON_STRING);
	else
	{
		*expected = expect(JSON_OBJECT);
		expect_add(*expected, "scale", expect(JSON_NUMBER));
		expect_add(*expected, "value", expect(JSON_STRING));
	}
	return PointerGetDatum(numeric);
}

static JsonNode *
expect_float(double value)
{
	return expect(value - value == 0 ? JSON_NUMBER : JSON_STRING);
}

static double
make_double(FuzzInput *input)
{
	uint64		bits = fuzz_take(input, 8);
	double		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static Datum
make_float8(FuzzInput *input, JsonNode **expected)
{
	double		value = make_double(input);

	*expected = expect_float(value);
	return Float8GetDatum(value);
}

static Datum
make_float4(FuzzInput *input, JsonNode **expected)
{
	uint32		bits = fuzz_take(input, 4);
	float		value;

	memcpy(&value, &bits, sizeof(value));
	*expected = expect_float(value);
	return Float4GetDatum(value);
}

static Datum
make_point(FuzzInput *input, JsonNode **expected)
{
	double	   *point = palloc(2 * sizeof(double));

	point[0] = make_double(input);
	point[1] = make_double(input);
	*expected = expect(JSON_OBJECT);
	expect_add(*expected, "x", expect_float(point[0]));
	expect_add(*expected, "y", expect_float(point[1]));
	expect_add(*expected, "wkb", expect(JSON_STRING));
	expect_add(*expected, "srid", expect(JSON_NULL));
	return PointerGetDatum(point);
}

static Datum
make_integer(FuzzInput *input, ValueClass value_class, JsonNode **expected)
{
	int64		value = fuzz_take(input, 8);

	switch (value_class)
	{
		case VALUE_INT2:
			*expected = expect_int64((int16) value);
			return Int16GetDatum((int16) value);
		case VALUE_INT4:
			*expected = expect_int64((int32) value);
			return Int32GetDatum((int32) value);
		case VALUE_OID:
			*expected = expect_int64((uint32) value);
			return ObjectIdGetDatum((Oid) value);
		default:
			*expected = expect_int64(value);
			return Int64GetDatum(value);
	}
}

/* ----------------------------------------------------------------
 *		dates and times
 * ----------------------------------------------------------------
 */

static int32
make_date(FuzzInput *input)
{
	switch (fuzz_choose(input, 8))
	{
		case 0:
			return DATEVAL_NOEND;
		case 1:
			return DATEVAL_NOBEGIN;
		default:
			return fuzz_range(input, DATETIME_MIN_JULIAN,
							  DATE_END_JULIAN - 1) - POSTGRES_EPOCH_JDATE;
	}
}

static Timestamp
make_timestamp(FuzzInput *input)
{
	switch (fuzz_choose(input, 8))
	{
		case 0:
			return DT_NOEND;
		case 1:
			return DT_NOBEGIN;
		default:
			return fuzz_range(input, MIN_TIMESTAMP, END_TIMESTAMP - 1);
	}
}

static Datum
make_timetz(FuzzInput *input)
{
	char	   *time = palloc(TIMETZ_BYTES);
	int64		usecs = fuzz_range(input, 0, USECS_PER_DAY);
	int32		zone = fuzz_range(input, -57599, 57599);

	memcpy(time, &usecs, sizeof(usecs));
	memcpy(time + sizeof(usecs), &zone, sizeof(zone));
	return PointerGetDatum(time);
}

static Datum
make_interval(FuzzInput *input)
{
	Interval   *interval = palloc(sizeof(Interval));

	interval->time = fuzz_take(input, 8);
	interval->day = fuzz_take(input, 4);
	interval->month = fuzz_take(input, 4);
	return PointerGetDatum(interval);
}

/* ----------------------------------------------------------------
 *		types of extensions
 * ----------------------------------------------------------------
 */

static void
append_hstore_string(StringInfo out, const char *text)
{
	appendStringInfoChar(out, '"');
	for (; *text != '\0'; text++)
	{
		if (*text == '"' || *text == '\\')
			appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, *text);
	}
	appendStringInfoChar(out, '"');
}

/* What the output function says: no key twice */
static Datum
make_hstore(FuzzInput *input, bool map, JsonNode **expected)
{
	int			npairs = fuzz_choose(input, MAX_PAIRS);
	StringInfoData text;

	*expected = expect(map ? JSON_OBJECT : JSON_STRING);
	initStringInfo(&text);
	for (int i = 0; i < npairs; i++)
	{
		char		number[2] = {'0' + i, '\0'};
		char	   *value = value_make_text(input, MAX_TEXT);
		bool		is_null = fuzz_choose(input, 4) == 0;

		appendStringInfoString(&text, i > 0 ? ", " : "");
		append_hstore_string(&text, number);
		appendStringInfoString(&text, "=>");
		if (is_null)
			appendStringInfoString(&text, "NULL");
		else
			append_hstore_string(&text, value);
		if (map)
			expect_add(*expected, number, is_null ? expect(JSON_NULL) :
					   expect_string(value, strlen(value)));
	}
	return value_make_varlena(input, text.data, text.len);
}

/* What the send function says: any bytes */
static Datum
make_binary(FuzzInput *input, JsonKind kind, JsonNode **expected)
{
	const uint8_t *bytes;
	int			len = fuzz_bytes(input, fuzz_choose(input, MAX_TEXT), &bytes);

	*expected = expect_any(kind);
	return value_make_varlena(input, (const char *) bytes, len);
}

/* ----------------------------------------------------------------
 *		all
 * ----------------------------------------------------------------
 */

/* Those that are stored and shown as a number or a string of any text */
static Datum
make_date_or_time(FuzzInput *input, ValueClass value_class,
				  JsonNode **expected)
{
	*expected = expect(JSON_NUMBER);
	switch (value_class)
	{
		case VALUE_DATE_ISO:
			*expected = expect(JSON_STRING);
			/* FALLTHROUGH */
		case VALUE_DATE:
		case VALUE_DATE_CONNECT:
			return Int32GetDatum(make_date(input));
		case VALUE_TIME_ISO:
			*expected = expect(JSON_STRING);
			/* FALLTHROUGH */
		case VALUE_TIME_MS:
		case VALUE_TIME_US:
		case VALUE_TIME_NS:
		case VALUE_TIME_CONNECT:
			return Int64GetDatum(fuzz_range(input, 0, USECS_PER_DAY));
		case VALUE_TIMETZ:
			*expected = expect(JSON_STRING);
			return make_timetz(input);
		case VALUE_TIMESTAMPTZ:
		case VALUE_TIMESTAMP_ISO:
			*expected = expect(JSON_STRING);
			/* FALLTHROUGH */
		case VALUE_TIMESTAMP_MS:
		case VALUE_TIMESTAMP_US:
		case VALUE_TIMESTAMP_NS:
		case VALUE_TIMESTAMP_CONNECT:
			return TimestampGetDatum(make_timestamp(input));
		case VALUE_INTERVAL_ISO:
			*expected = expect(JSON_STRING);
			/* FALLTHROUGH */
		case VALUE_INTERVAL:
			return make_interval(input);
		default:
			abort();
	}
}

Datum
value_make_scalar(FuzzInput *input, const ValueType *type,
				  JsonNode **expected)
{
	bool		boolean;

	switch (type->value_class)
	{
		case VALUE_BOOL:
			boolean = fuzz_choose(input, 2);
			*expected = expect(boolean ? JSON_TRUE : JSON_FALSE);
			return BoolGetDatum(boolean);
		case VALUE_INT2:
		case VALUE_INT4:
		case VALUE_INT8:
		case VALUE_OID:
			return make_integer(input, type->value_class, expected);
		case VALUE_FLOAT4:
			return make_float4(input, expected);
		case VALUE_FLOAT8:
			return make_float8(input, expected);
		case VALUE_DECIMAL:
		case VALUE_VARIABLE_DECIMAL:
		case VALUE_DECIMAL_STRING:
		case VALUE_DECIMAL_DOUBLE:
			return make_numeric(input, type->value_class, expected);
		case VALUE_MONEY:
		case VALUE_MONEY_STRING:
			*expected = expect(JSON_STRING);
			return Int64GetDatum(fuzz_take(input, 8));
		case VALUE_MONEY_DOUBLE:
			*expected = expect(JSON_NUMBER);
			return Int64GetDatum(fuzz_take(input, 8));
		case VALUE_TEXT:
		case VALUE_JSON:
		case VALUE_JSONB:
		case VALUE_XML:
		case VALUE_LTREE:
		case VALUE_TSVECTOR:
		case VALUE_OUTPUT:
			return make_text(input, expected);
		case VALUE_NAME:
			return make_name(input, expected);
		case VALUE_CHAR:
			return make_char(input, expected);
		case VALUE_UUID:
			return make_uuid(input, expected);
		case VALUE_ENUM:
			return make_enum(input, type->enumeration, expected);
		case VALUE_BYTEA:
		case VALUE_BYTEA_BASE64:
		case VALUE_BYTEA_BASE64_URL:
		case VALUE_BYTEA_HEX:
			return make_bytea(input, type->value_class, expected);
		case VALUE_BIT:
		case VALUE_BITS:
			return make_bits(input, type->value_class == VALUE_BIT, expected);
		case VALUE_HSTORE:
		case VALUE_HSTORE_MAP:
			return make_hstore(input, type->value_class == VALUE_HSTORE_MAP,
							   expected);
		case VALUE_POINT:
			return make_point(input, expected);
		case VALUE_VECTOR:
		case VALUE_HALF_VECTOR:
			return make_binary(input, JSON_ARRAY, expected);
		case VALUE_GEOMETRY:
		case VALUE_GEOGRAPHY:
		case VALUE_SPARSE_VECTOR:
			return make_binary(input, JSON_OBJECT, expected);
		default:
			return make_date_or_time(input, type->value_class, expected);
	}
}
