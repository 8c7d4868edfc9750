/*-------------------------------------------------------------------------
 *
 * connect_schema.c
 *	  Schemas of types as Kafka Connect's JSON converter writes them.
 *
 * The order of members is that converter's: type, what is inside, optional,
 * name, version, doc, parameters, default, field.  Names of logical types are
 * Debezium's.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one, when a relation gets its cache entry.  Appends to the caller's
 * buffer.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/connect_schema.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "catalog/pg_type.h"
#include "connect_schema.h"
#include "json_writer.h"
#include "utils/timestamp.h"

#define CONNECT(name)		"org.apache.kafka.connect.data." name
#define DEBEZIUM(name)		"io.debezium." name

typedef struct ConnectType
{
	const char *type;
	const char *name;			/* of a logical type, version 1; or NULL */
	const char *doc;			/* or NULL */
	const char *zero;			/* stands for a computed default; NULL: the
								 * type's defaults are not in schemas */
} ConnectType;

/* By ValueClass.  Debezium does not have defaults of all types either. */
static const ConnectType connect_types[] = {
	[VALUE_BOOL] = {"boolean", NULL, NULL, "false"},
	[VALUE_INT2] = {"int16", NULL, NULL, "0"},
	[VALUE_INT4] = {"int32", NULL, NULL, "0"},
	[VALUE_INT8] = {"int64", NULL, NULL, "0"},
	[VALUE_OID] = {"int64"},
	[VALUE_FLOAT4] = {"float", NULL, NULL, "0.0"},
	[VALUE_FLOAT8] = {"double", NULL, NULL, "0.0"},
	[VALUE_DECIMAL] = {"bytes", CONNECT("Decimal"), NULL, "\"AA==\""},
	[VALUE_VARIABLE_DECIMAL] = {"struct", DEBEZIUM("data.VariableScaleDecimal"),
	"Variable scaled decimal"},
	[VALUE_MONEY] = {"bytes", CONNECT("Decimal")},
	[VALUE_TEXT] = {"string", NULL, NULL, "\"\""},
	[VALUE_NAME] = {"string"},
	[VALUE_CHAR] = {"string"},
	[VALUE_UUID] = {"string", DEBEZIUM("data.Uuid"), NULL,
	"\"00000000-0000-0000-0000-000000000000\""},
	[VALUE_JSON] = {"string", DEBEZIUM("data.Json"), NULL, "\"{}\""},
	[VALUE_JSONB] = {"string", DEBEZIUM("data.Json"), NULL, "\"{}\""},
	[VALUE_XML] = {"string", DEBEZIUM("data.Xml"), NULL, "\"\""},
	[VALUE_ENUM] = {"string", DEBEZIUM("data.Enum")},
	[VALUE_BYTEA] = {"bytes"},
	[VALUE_BIT] = {"boolean", NULL, NULL, "false"},
	[VALUE_BITS] = {"bytes", DEBEZIUM("data.Bits"), NULL, "\"\""},
	[VALUE_DATE] = {"int32", DEBEZIUM("time.Date"), NULL, "0"},
	[VALUE_TIME_MS] = {"int32", DEBEZIUM("time.Time"), NULL, "0"},
	[VALUE_TIME_US] = {"int64", DEBEZIUM("time.MicroTime"), NULL, "0"},
	[VALUE_TIMETZ] = {"string", DEBEZIUM("time.ZonedTime")},
	[VALUE_TIMESTAMP_MS] = {"int64", DEBEZIUM("time.Timestamp"), NULL, "0"},
	[VALUE_TIMESTAMP_US] = {"int64", DEBEZIUM("time.MicroTimestamp"), NULL,
	"0"},
	[VALUE_TIMESTAMPTZ] = {"string", DEBEZIUM("time.ZonedTimestamp"), NULL,
	"\"1970-01-01T00:00:00Z\""},
	[VALUE_INTERVAL] = {"int64", DEBEZIUM("time.MicroDuration"), NULL, "0"},
	[VALUE_ARRAY] = {"array"},
	[VALUE_OUTPUT] = {"string"},
};

/* ----------------------------------------------------------------
 *		types
 * ----------------------------------------------------------------
 */

/* What a type is made of */
static void
append_inside(StringInfo out, const ValueType *type)
{
	switch (type->value_class)
	{
		case VALUE_ARRAY:
			json_append_literal(out, ",\"items\":");
			connect_schema_append_type(out, type->element,
									   type->element->value_class !=
									   VALUE_ENUM, NULL);
			break;
		case VALUE_VARIABLE_DECIMAL:
			json_append_literal(out, ",\"fields\":["
								"{\"type\":\"int32\",\"optional\":false,\"field\":\"scale\"},"
								"{\"type\":\"bytes\",\"optional\":false,\"field\":\"value\"}]");
			break;
		default:
			break;
	}
}

static void
append_quoted_int(StringInfo out, int value)
{
	json_append_char(out, '"');
	json_append_int64(out, value);
	json_append_char(out, '"');
}

/* Length in bits; any if none was declared. */
static int
bit_length(const ValueType *type)
{
	return type->typmod > 0 ? type->typmod : INT_MAX;
}

static void
append_parameters(StringInfo out, const ValueType *type)
{
	switch (type->value_class)
	{
		case VALUE_DECIMAL:
			json_append_literal(out, ",\"parameters\":{\"scale\":");
			append_quoted_int(out, type->scale);
			json_append_literal(out, ",\"connect.decimal.precision\":");
			append_quoted_int(out, type->precision);
			json_append_char(out, '}');
			break;
		case VALUE_MONEY:
			json_append_literal(out, ",\"parameters\":{\"scale\":");
			append_quoted_int(out, type->scale);
			json_append_char(out, '}');
			break;
		case VALUE_BITS:
			json_append_literal(out, ",\"parameters\":{\"length\":");
			append_quoted_int(out, bit_length(type));
			json_append_char(out, '}');
			break;
		default:
			break;
	}
}

/* All members of the schema that come before the default */
static void
append_start(StringInfo out, const ValueType *type, bool optional)
{
	const ConnectType *connect = &connect_types[type->value_class];

	json_append_literal(out, "{\"type\":\"");
	json_append_raw(out, connect->type, strlen(connect->type));
	json_append_char(out, '"');
	append_inside(out, type);
	if (optional)
		json_append_literal(out, ",\"optional\":true");
	else
		json_append_literal(out, ",\"optional\":false");
	if (connect->name)
	{
		json_append_literal(out, ",\"name\":");
		json_append_cstring(out, connect->name);
		json_append_literal(out, ",\"version\":1");
	}
	if (connect->doc)
	{
		json_append_literal(out, ",\"doc\":");
		json_append_cstring(out, connect->doc);
	}
	append_parameters(out, type);
}

static void
append_end(StringInfo out, const char *field)
{
	if (field)
	{
		json_append_literal(out, ",\"field\":");
		json_append_cstring(out, field);
	}
	json_append_char(out, '}');
}

void
connect_schema_append_type(StringInfo out, const ValueType *type,
						   bool optional, const char *field)
{
	append_start(out, type, optional);
	append_end(out, field);
}

/* ----------------------------------------------------------------
 *		columns
 * ----------------------------------------------------------------
 */

/* Does Debezium have defaults of columns of this type? */
static bool
has_defaults(const ValueType *type)
{
	switch (type->value_class)
	{
		case VALUE_ENUM:
			return true;
		case VALUE_TEXT:
			return type->typid == TEXTOID || type->typid == VARCHAROID ||
				type->typid == BPCHAROID;
		default:
			return connect_types[type->value_class].zero != NULL;
	}
}

/* The epoch has as many fraction digits as all values of the column. */
static void
append_zero(StringInfo out, const ValueType *type)
{
	const char *zero = connect_types[type->value_class].zero;

	if (type->value_class == VALUE_TIMESTAMPTZ)
		value_append_json(out, type,
						  TimestampTzGetDatum(SetEpochTimestamp()));
	else
		json_append_raw(out, zero, strlen(zero));
}

static void
append_default(StringInfo out, const RelationColumn *column)
{
	const ColumnDefault *column_default = &column->column_default;
	const ValueType *type = &column->type;

	if (column_default->kind == COLUMN_DEFAULT_NONE || !has_defaults(type))
		return;
	if (column_default->kind == COLUMN_DEFAULT_VALUE)
	{
		json_append_literal(out, ",\"default\":");
		value_append_json(out, type, column_default->value);
	}
	else if (connect_types[type->value_class].zero)
	{
		json_append_literal(out, ",\"default\":");
		append_zero(out, type);
	}
}

void
connect_schema_append_column(StringInfo out, const RelationColumn *column,
							 bool optional)
{
	append_start(out, &column->type, optional);
	append_default(out, column);
	append_end(out, column->name);
}
