/*-------------------------------------------------------------------------
 *
 * value_json.c
 *	  Values as JSON, in the default modes of Debezium.
 *
 * Common types are written straight from the datum, without a text copy in
 * between.  Bytes are base64, decimals base64 of the unscaled integer, dates
 * and times numbers, and what has no class of its own is a string.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  Scratch memory comes from CurrentMemoryContext, which the
 * caller resets after each change.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value_json.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupmacs.h"
#include "common/md5.h"
#include "compat.h"
#include "decimal.h"
#include "json_writer.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/cash.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
#include "utils/varbit.h"
#include "value.h"
#include "value_time.h"

#define MD5_BYTES		16

static const char lower_hex[] = "0123456789abcdef";

static void
append_varlena_text(StringInfo out, Datum value)
{
	struct varlena *text = PG_DETOAST_DATUM_PACKED(value);

	json_append_string(out, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

static void
append_output(StringInfo out, const ValueType *type, Datum value)
{
	json_append_cstring(out, value_output(type, value));
}

/* As charout of 16 and newer, so that the result is ASCII. */
static void
append_char(StringInfo out, char c)
{
	char		text[5];

	if (IS_HIGHBIT_SET(c))
	{
		snprintf(text, sizeof(text), "\\%03o", (unsigned char) c);
		json_append_string(out, text, 4);
	}
	else
		json_append_string(out, &c, c == '\0' ? 0 : 1);
}

static void
append_uuid(StringInfo out, const unsigned char *bytes)
{
	char		text[38];
	char	   *p = text;
	int			i;

	*p++ = '"';
	for (i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = lower_hex[bytes[i] >> 4];
		*p++ = lower_hex[bytes[i] & 0x0F];
	}
	*p++ = '"';
	json_append_raw(out, text, p - text);
}

static void
append_jsonb(StringInfo out, Datum value)
{
	Jsonb	   *jsonb = DatumGetJsonbP(value);
	StringInfoData text;

	initStringInfo(&text);
	(void) JsonbToCString(&text, &jsonb->root, VARSIZE(jsonb));
	json_append_string(out, text.data, text.len);
}

static void
append_bytea(StringInfo out, Datum value)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	json_append_base64(out, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

static void
append_unscaled(StringInfo out, const Decimal *decimal)
{
	json_append_base64(out, (const char *) decimal->bytes, decimal->len);
}

static void
append_decimal(StringInfo out, Datum value, int scale)
{
	Decimal		decimal;

	if (decimal_from_numeric(&decimal, value, scale))
		append_unscaled(out, &decimal);
	else
		json_append_literal(out, "null");
}

static void
append_variable_decimal(StringInfo out, Datum value)
{
	Decimal		decimal;

	if (!decimal_from_numeric(&decimal, value, -1))
	{
		json_append_literal(out, "null");
		return;
	}
	json_append_literal(out, "{\"scale\":");
	json_append_int64(out, decimal.scale);
	json_append_literal(out, ",\"value\":");
	append_unscaled(out, &decimal);
	json_append_char(out, '}');
}

static void
append_money(StringInfo out, Datum value, int scale)
{
	Decimal		decimal;

	decimal_from_int64(&decimal, DatumGetCash(value), scale);
	append_unscaled(out, &decimal);
}

static bool
bit_is_set(const VarBit *bits, int i)
{
	return (VARBITS(bits)[i / BITS_PER_BYTE] &
			(HIGHBIT >> i % BITS_PER_BYTE)) != 0;
}

static void
append_bit(StringInfo out, Datum value)
{
	VarBit	   *bits = DatumGetVarBitP(value);

	if (VARBITLEN(bits) > 0 && bit_is_set(bits, 0))
		json_append_literal(out, "true");
	else
		json_append_literal(out, "false");
}

/*
 * The last bit is bit 0 of byte 0, and there are as many bytes as the
 * highest set bit needs, as in a java.util.BitSet.
 */
static void
append_bits(StringInfo out, Datum value)
{
	VarBit	   *bits = DatumGetVarBitP(value);
	int			nbits = VARBITLEN(bits);
	unsigned char *bytes = palloc0(nbits / BITS_PER_BYTE + 1);
	int			len = 0;
	int			i;

	for (i = 0; i < nbits; i++)
	{
		int			position = nbits - 1 - i;

		if (bit_is_set(bits, i))
		{
			bytes[position / BITS_PER_BYTE] |= 1 << position % BITS_PER_BYTE;
			len = Max(len, position / BITS_PER_BYTE + 1);
		}
	}
	json_append_base64(out, (const char *) bytes, len);
}

static void
append_timestamptz(StringInfo out, Datum value, int fraction_digits)
{
	char		text[VALUE_TIME_TEXT_MAX];
	int			len;

	text[0] = '"';
	len = value_time_timestamptz_text(text + 1, DatumGetTimestampTz(value),
									  fraction_digits);
	text[len + 1] = '"';
	json_append_raw(out, text, len + 2);
}

static void
append_timetz(StringInfo out, Datum value)
{
	char		text[VALUE_TIME_TEXT_MAX];
	int			len;

	text[0] = '"';
	len = value_time_timetz_text(text + 1, DatumGetTimeTzADTP(value));
	text[len + 1] = '"';
	json_append_raw(out, text, len + 2);
}

/* Where the walk over an array's elements is */
typedef struct ArrayWalk
{
	const ValueType *element;
	char	   *data;
	uint8	   *nulls;			/* NULL if there are none */
	int			index;
} ArrayWalk;

static void
append_next_element(StringInfo out, ArrayWalk *walk)
{
	const ValueType *type = walk->element;
	int			i = walk->index++;

	if (walk->nulls && (walk->nulls[i / BITS_PER_BYTE] &
						(1 << i % BITS_PER_BYTE)) == 0)
	{
		json_append_literal(out, "null");
		return;
	}
	value_append_json(out, type, fetch_att(walk->data, type->typbyval,
										   type->typlen));
	walk->data = att_addlength_pointer(walk->data, type->typlen, walk->data);
	walk->data = (char *) att_align_nominal(walk->data, type->typalign);
}

/* One dimension, and those inside it */
static void
append_dimension(StringInfo out, ArrayWalk *walk, int ndims, const int *dims)
{
	int			i;

	json_append_char(out, '[');
	for (i = 0; i < dims[0]; i++)
	{
		if (i > 0)
			json_append_char(out, ',');
		if (ndims > 1)
			append_dimension(out, walk, ndims - 1, dims + 1);
		else
			append_next_element(out, walk);
	}
	json_append_char(out, ']');
}

static void
append_array(StringInfo out, const ValueType *type, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	ArrayWalk	walk;

	check_stack_depth();
	if (ARR_NDIM(array) == 0)
	{
		json_append_literal(out, "[]");
		return;
	}
	walk.element = type->element;
	walk.data = ARR_DATA_PTR(array);
	walk.nulls = ARR_NULLBITMAP(array);
	walk.index = 0;
	append_dimension(out, &walk, ARR_NDIM(array), ARR_DIMS(array));
}

void
value_append_json(StringInfo out, const ValueType *type, Datum value)
{
	Timestamp	timestamp;
	Interval   *interval;

	switch (type->value_class)
	{
		case VALUE_BOOL:
			if (DatumGetBool(value))
				json_append_literal(out, "true");
			else
				json_append_literal(out, "false");
			break;
		case VALUE_INT2:
			json_append_int64(out, DatumGetInt16(value));
			break;
		case VALUE_INT4:
			json_append_int64(out, DatumGetInt32(value));
			break;
		case VALUE_INT8:
			json_append_int64(out, DatumGetInt64(value));
			break;
		case VALUE_OID:
			json_append_int64(out, DatumGetObjectId(value));
			break;
		case VALUE_FLOAT4:
			json_append_float4(out, DatumGetFloat4(value));
			break;
		case VALUE_FLOAT8:
			json_append_float8(out, DatumGetFloat8(value));
			break;
		case VALUE_DECIMAL:
			append_decimal(out, value, type->scale);
			break;
		case VALUE_VARIABLE_DECIMAL:
			append_variable_decimal(out, value);
			break;
		case VALUE_MONEY:
			append_money(out, value, type->scale);
			break;
		case VALUE_TEXT:
		case VALUE_JSON:
			append_varlena_text(out, value);
			break;
		case VALUE_NAME:
			json_append_cstring(out, NameStr(*DatumGetName(value)));
			break;
		case VALUE_CHAR:
			append_char(out, DatumGetChar(value));
			break;
		case VALUE_UUID:
			append_uuid(out, DatumGetUUIDP(value)->data);
			break;
		case VALUE_JSONB:
			append_jsonb(out, value);
			break;
		case VALUE_XML:
		case VALUE_ENUM:
		case VALUE_OUTPUT:
			append_output(out, type, value);
			break;
		case VALUE_BYTEA:
			append_bytea(out, value);
			break;
		case VALUE_BIT:
			append_bit(out, value);
			break;
		case VALUE_BITS:
			append_bits(out, value);
			break;
		case VALUE_DATE:
			json_append_int64(out, value_time_date(DatumGetDateADT(value)));
			break;
		case VALUE_TIME_MS:
			json_append_int64(out, DatumGetTimeADT(value) / 1000);
			break;
		case VALUE_TIME_US:
			json_append_int64(out, DatumGetTimeADT(value));
			break;
		case VALUE_TIMETZ:
			append_timetz(out, value);
			break;
		case VALUE_TIMESTAMP_MS:
			timestamp = DatumGetTimestamp(value);
			json_append_int64(out, value_time_timestamp_ms(timestamp));
			break;
		case VALUE_TIMESTAMP_US:
			timestamp = DatumGetTimestamp(value);
			json_append_int64(out, value_time_timestamp_us(timestamp));
			break;
		case VALUE_TIMESTAMPTZ:
			append_timestamptz(out, value, type->scale);
			break;
		case VALUE_INTERVAL:
			interval = DatumGetIntervalP(value);
			json_append_int64(out, value_time_interval_us(interval));
			break;
		case VALUE_ARRAY:
			append_array(out, type, value);
			break;
	}
}

/* The mark as an array of the numbers of its bytes. */
static void
append_mark_numbers(StringInfo out, const char *mark)
{
	const char *p;

	for (p = mark; *p; p++)
	{
		if (p > mark)
			json_append_char(out, ',');
		json_append_int64(out, (unsigned char) *p);
	}
}

/* The mark as a name-based UUID, as java.util.UUID makes it. */
static void
append_mark_uuid(StringInfo out, const char *mark)
{
	unsigned char bytes[MD5_BYTES];
	const char *error = NULL;

	if (!pg_md5_binary(mark, strlen(mark), bytes, &error))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute the placeholder for type %s: %s",
						"uuid[]", error)));
	bytes[6] = (bytes[6] & 0x0F) | 0x30;
	bytes[8] = (bytes[8] & 0x3F) | 0x80;
	append_uuid(out, bytes);
}

static void
append_unavailable_array(StringInfo out, const ValueType *element,
						 const char *mark)
{
	switch (element->value_class)
	{
		case VALUE_INT4:
		case VALUE_INT8:
		case VALUE_DATE:
			json_append_char(out, '[');
			append_mark_numbers(out, mark);
			json_append_char(out, ']');
			break;
		case VALUE_TEXT:
		case VALUE_NAME:
		case VALUE_JSON:
		case VALUE_JSONB:
		case VALUE_XML:
		case VALUE_ENUM:
		case VALUE_OUTPUT:
			json_append_char(out, '[');
			json_append_cstring(out, mark);
			json_append_char(out, ']');
			break;
		case VALUE_UUID:
			json_append_char(out, '[');
			append_mark_uuid(out, mark);
			json_append_char(out, ']');
			break;
		default:
			json_append_literal(out, "null");
			break;
	}
}

void
value_append_unavailable(StringInfo out, const ValueType *type,
						 const char *mark)
{
	switch (type->value_class)
	{
		case VALUE_TEXT:
		case VALUE_JSON:
		case VALUE_JSONB:
		case VALUE_XML:
		case VALUE_ENUM:
		case VALUE_OUTPUT:
			json_append_cstring(out, mark);
			break;
		case VALUE_BYTEA:
			json_append_base64(out, mark, strlen(mark));
			break;
		case VALUE_ARRAY:
			append_unavailable_array(out, type->element, mark);
			break;
		default:
			json_append_literal(out, "null");
			break;
	}
}
