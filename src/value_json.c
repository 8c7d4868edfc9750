/*-------------------------------------------------------------------------
 *
 * value_json.c
 *	  Values as JSON.
 *
 * One switch over the classes of types.  Common types are written straight
 * from the datum, without a text copy in between.  What a mode has to say was
 * said when the type got its class.
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

#include "json_writer.h"
#include "utils/timestamp.h"
#include "value_json.h"
#include "value_time.h"

/* Text of a date or time, which needs no escapes */
typedef struct TimeText
{
	int			len;
	char		text[VALUE_TIME_TEXT_MAX];
} TimeText;

static void
append_time_text(StringInfo out, const TimeText *text)
{
	json_append_char(out, '"');
	json_append_raw(out, text->text, text->len);
	json_append_char(out, '"');
}

/* Dates, times and intervals that are text */
static void
append_time(StringInfo out, const ValueType *type, Datum value)
{
	TimeText	text;

	switch (type->value_class)
	{
		case VALUE_DATE_ISO:
			text.len = value_time_date_text(text.text,
											DatumGetDateADT(value));
			break;
		case VALUE_TIME_ISO:
			text.len = value_time_time_text(text.text,
											DatumGetTimeADT(value));
			break;
		case VALUE_TIMETZ:
			text.len = value_time_timetz_text(text.text,
											  DatumGetTimeTzADTP(value));
			break;
		case VALUE_TIMESTAMP_ISO:
		case VALUE_TIMESTAMPTZ:
			text.len = value_time_timestamptz_text(text.text,
												   DatumGetTimestampTz(value),
												   type->scale);
			break;
		default:
			text.len = value_time_interval_text(text.text,
												DatumGetIntervalP(value));
			break;
	}
	append_time_text(out, &text);
}

/* Times and intervals that are numbers */
static int64
time_number(const ValueType *type, Datum value)
{
	switch (type->value_class)
	{
		case VALUE_TIME_MS:
		case VALUE_TIME_CONNECT:
			return DatumGetTimeADT(value) / 1000;
		case VALUE_TIME_US:
			return DatumGetTimeADT(value);
		case VALUE_TIME_NS:
			return DatumGetTimeADT(value) * 1000;
		case VALUE_TIMESTAMP_MS:
		case VALUE_TIMESTAMP_CONNECT:
			return value_time_timestamp_ms(DatumGetTimestamp(value));
		case VALUE_TIMESTAMP_US:
			return value_time_timestamp_us(DatumGetTimestamp(value));
		case VALUE_TIMESTAMP_NS:
			return value_time_timestamp_ns(DatumGetTimestamp(value));
		default:
			return value_time_interval_us(DatumGetIntervalP(value));
	}
}

void
value_append_json(StringInfo out, const ValueType *type, Datum value)
{
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
		case VALUE_VARIABLE_DECIMAL:
		case VALUE_DECIMAL_STRING:
		case VALUE_DECIMAL_DOUBLE:
			value_json_append_numeric(out, type, value);
			break;
		case VALUE_MONEY:
		case VALUE_MONEY_STRING:
		case VALUE_MONEY_DOUBLE:
			value_json_append_money(out, type, value);
			break;
		case VALUE_TEXT:
		case VALUE_JSON:
			value_json_append_varlena_text(out, value);
			break;
		case VALUE_NAME:
			json_append_cstring(out, NameStr(*DatumGetName(value)));
			break;
		case VALUE_CHAR:
			value_json_append_char(out, DatumGetChar(value));
			break;
		case VALUE_UUID:
			value_json_append_uuid(out, DatumGetUUIDP(value)->data);
			break;
		case VALUE_JSONB:
			value_json_append_jsonb(out, value);
			break;
		case VALUE_ENUM:
			value_json_append_enum(out, type, value);
			break;
		case VALUE_XML:
		case VALUE_LTREE:
		case VALUE_TSVECTOR:
		case VALUE_OUTPUT:
			value_json_append_output(out, type, value);
			break;
		case VALUE_BYTEA:
		case VALUE_BYTEA_BASE64:
		case VALUE_BYTEA_BASE64_URL:
		case VALUE_BYTEA_HEX:
			value_json_append_bytea(out, type->value_class, value);
			break;
		case VALUE_BIT:
			value_json_append_bit(out, value);
			break;
		case VALUE_BITS:
			value_json_append_bits(out, value);
			break;
		case VALUE_DATE:
		case VALUE_DATE_CONNECT:
			json_append_int64(out, value_time_date(DatumGetDateADT(value)));
			break;
		case VALUE_TIME_MS:
		case VALUE_TIME_US:
		case VALUE_TIME_NS:
		case VALUE_TIME_CONNECT:
		case VALUE_TIMESTAMP_MS:
		case VALUE_TIMESTAMP_US:
		case VALUE_TIMESTAMP_NS:
		case VALUE_TIMESTAMP_CONNECT:
		case VALUE_INTERVAL:
			json_append_int64(out, time_number(type, value));
			break;
		case VALUE_DATE_ISO:
		case VALUE_TIME_ISO:
		case VALUE_TIMETZ:
		case VALUE_TIMESTAMP_ISO:
		case VALUE_TIMESTAMPTZ:
		case VALUE_INTERVAL_ISO:
			append_time(out, type, value);
			break;
		case VALUE_HSTORE:
		case VALUE_HSTORE_MAP:
			value_json_append_hstore(out, type, value);
			break;
		case VALUE_POINT:
			value_json_append_point(out, value);
			break;
		case VALUE_GEOMETRY:
		case VALUE_GEOGRAPHY:
			value_json_append_geometry(out, type, value);
			break;
		case VALUE_VECTOR:
		case VALUE_HALF_VECTOR:
		case VALUE_SPARSE_VECTOR:
			value_json_append_vector(out, type, value);
			break;
		case VALUE_ARRAY:
			value_json_append_array(out, type, value);
			break;
		case VALUE_COMPOSITE:
			value_json_append_composite(out, type, value);
			break;
	}
}
