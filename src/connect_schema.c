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
	[VALUE_DECIMAL_STRING] = {"string", NULL, NULL, "\"0\""},
	[VALUE_DECIMAL_DOUBLE] = {"double", NULL, NULL, "0.0"},
	[VALUE_MONEY] = {"bytes", CONNECT("Decimal")},
	[VALUE_MONEY_STRING] = {"string"},
	[VALUE_MONEY_DOUBLE] = {"double"},
	[VALUE_TEXT] = {"string", NULL, NULL, "\"\""},
	[VALUE_NAME] = {"string"},
	[VALUE_CHAR] = {"string"},
	[VALUE_UUID] = {"string", DEBEZIUM("data.Uuid"), NULL,
	"\"00000000-0000-0000-0000-000000000000\""},
	[VALUE_JSON] = {"string", DEBEZIUM("data.Json"), NULL, "\"{}\""},
	[VALUE_JSONB] = {"string", DEBEZIUM("data.Json"), NULL, "\"{}\""},
	[VALUE_XML] = {"string", DEBEZIUM("data.Xml"), NULL, "\"\""},
	[VALUE_LTREE] = {"string", DEBEZIUM("data.Ltree")},
	[VALUE_TSVECTOR] = {"string", DEBEZIUM("data.Tsvector")},
	[VALUE_ENUM] = {"string", DEBEZIUM("data.Enum")},
	[VALUE_BYTEA] = {"bytes"},
	[VALUE_BYTEA_BASE64] = {"string"},
	[VALUE_BYTEA_BASE64_URL] = {"string"},
	[VALUE_BYTEA_HEX] = {"string"},
	[VALUE_BIT] = {"boolean", NULL, NULL, "false"},
	[VALUE_BITS] = {"bytes", DEBEZIUM("data.Bits"), NULL, "\"\""},
	[VALUE_DATE] = {"int32", DEBEZIUM("time.Date"), NULL, "0"},
	[VALUE_DATE_CONNECT] = {"int32", CONNECT("Date"), NULL, "0"},
	[VALUE_DATE_ISO] = {"string", DEBEZIUM("time.IsoDate"), NULL,
	"\"1970-01-01Z\""},
	[VALUE_TIME_MS] = {"int32", DEBEZIUM("time.Time"), NULL, "0"},
	[VALUE_TIME_US] = {"int64", DEBEZIUM("time.MicroTime"), NULL, "0"},
	[VALUE_TIME_NS] = {"int64", DEBEZIUM("time.NanoTime"), NULL, "0"},
	[VALUE_TIME_CONNECT] = {"int32", CONNECT("Time"), NULL, "0"},
	[VALUE_TIME_ISO] = {"string", DEBEZIUM("time.IsoTime"), NULL,
	"\"00:00:00Z\""},
	[VALUE_TIMETZ] = {"string", DEBEZIUM("time.ZonedTime")},
	[VALUE_TIMESTAMP_MS] = {"int64", DEBEZIUM("time.Timestamp"), NULL, "0"},
	[VALUE_TIMESTAMP_US] = {"int64", DEBEZIUM("time.MicroTimestamp"), NULL,
	"0"},
	[VALUE_TIMESTAMP_NS] = {"int64", DEBEZIUM("time.NanoTimestamp"), NULL,
	"0"},
	[VALUE_TIMESTAMP_CONNECT] = {"int64", CONNECT("Timestamp"), NULL, "0"},
	[VALUE_TIMESTAMP_ISO] = {"string", DEBEZIUM("time.IsoTimestamp"), NULL,
	"\"1970-01-01T00:00:00Z\""},
	[VALUE_TIMESTAMPTZ] = {"string", DEBEZIUM("time.ZonedTimestamp"), NULL,
	"\"1970-01-01T00:00:00Z\""},
	[VALUE_INTERVAL] = {"int64", DEBEZIUM("time.MicroDuration"), NULL, "0"},
	[VALUE_INTERVAL_ISO] = {"string", DEBEZIUM("time.Interval"), NULL,
	"\"P0Y0M0DT0H0M0S\""},
	[VALUE_HSTORE] = {"string", DEBEZIUM("data.Json")},
	[VALUE_HSTORE_MAP] = {"map"},
	[VALUE_POINT] = {"struct", DEBEZIUM("data.geometry.Point"),
	"Geometry (POINT)"},
	[VALUE_GEOMETRY] = {"struct", DEBEZIUM("data.geometry.Geometry"),
	"Geometry"},
	[VALUE_GEOGRAPHY] = {"struct", DEBEZIUM("data.geometry.Geography"),
	"Geography"},
	[VALUE_VECTOR] = {"array", DEBEZIUM("data.DoubleVector")},
	[VALUE_HALF_VECTOR] = {"array", DEBEZIUM("data.FloatVector")},
	[VALUE_SPARSE_VECTOR] = {"struct", DEBEZIUM("data.SparseDoubleVector"),
	"Sparse double vector"},
	[VALUE_ARRAY] = {"array"},
	[VALUE_COMPOSITE] = {"struct"},
	[VALUE_OUTPUT] = {"string"},
};

#define FIELD(type, optional, name) \
	"{\"type\":\"" type "\",\"optional\":" optional ",\"field\":\"" name "\"}"
#define ITEM(type, optional) \
	"{\"type\":\"" type "\",\"optional\":" optional "}"

/* ----------------------------------------------------------------
 *		types
 * ----------------------------------------------------------------
 */

/* As many arrays in each other as dimensions were declared */
static void
append_items(StringInfo out, const ValueType *type)
{
	const ValueType *element = type->element;
	bool		optional = element->value_class != VALUE_ENUM;
	int			i;

	for (i = 1; i < type->ndims; i++)
		json_append_literal(out, ",\"items\":{\"type\":\"array\"");
	json_append_literal(out, ",\"items\":");
	connect_schema_append_type(out, element, optional, NULL);
	for (i = 1; i < type->ndims; i++)
		json_append_literal(out, ",\"optional\":true}");
}

static void
append_composite_fields(StringInfo out, const ValueComposite *composite)
{
	int			i;

	json_append_literal(out, ",\"fields\":[");
	for (i = 0; i < composite->nfields; i++)
	{
		const ValueField *field = &composite->fields[i];

		if (i > 0)
			json_append_char(out, ',');
		connect_schema_append_type(out, &field->type, true, field->name);
	}
	json_append_char(out, ']');
}

/*
 * Debezium counts dimensions in 16 bits.  Those of a vector that is not
 * declared to have so few may not fit.
 */
static void
append_sparse_vector_fields(StringInfo out, const ValueType *type)
{
	const char *index_type = "int32";

	if (type->typmod > 0 && type->typmod <= PG_INT16_MAX)
		index_type = "int16";
	appendStringInfo(out, ",\"fields\":["
					 FIELD("%s", "false", "dimensions") ","
					 "{\"type\":\"map\",\"keys\":" ITEM("%s", "false")
					 ",\"values\":" ITEM("double", "false")
					 ",\"optional\":false,\"field\":\"vector\"}]",
					 index_type, index_type);
}

/* What a type is made of */
static void
append_inside(StringInfo out, const ValueType *type)
{
	switch (type->value_class)
	{
		case VALUE_ARRAY:
			append_items(out, type);
			break;
		case VALUE_COMPOSITE:
			append_composite_fields(out, type->composite);
			break;
		case VALUE_VARIABLE_DECIMAL:
			json_append_literal(out, ",\"fields\":["
								FIELD("int32", "false", "scale") ","
								FIELD("bytes", "false", "value") "]");
			break;
		case VALUE_POINT:
			json_append_literal(out, ",\"fields\":["
								FIELD("double", "false", "x") ","
								FIELD("double", "false", "y") ","
								FIELD("bytes", "true", "wkb") ","
								FIELD("int32", "true", "srid") "]");
			break;
		case VALUE_GEOMETRY:
		case VALUE_GEOGRAPHY:
			json_append_literal(out, ",\"fields\":["
								FIELD("bytes", "false", "wkb") ","
								FIELD("int32", "true", "srid") "]");
			break;
		case VALUE_HSTORE_MAP:
			json_append_literal(out, ",\"keys\":" ITEM("string", "false")
								",\"values\":" ITEM("string", "true"));
			break;
		case VALUE_VECTOR:
			json_append_literal(out, ",\"items\":" ITEM("double", "false"));
			break;
		case VALUE_HALF_VECTOR:
			json_append_literal(out, ",\"items\":" ITEM("float", "false"));
			break;
		case VALUE_SPARSE_VECTOR:
			append_sparse_vector_fields(out, type);
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
		case VALUE_ENUM:
			json_append_literal(out, ",\"parameters\":{\"allowed\":");
			json_append_cstring(out, type->enumeration->allowed);
			json_append_char(out, '}');
			break;
		default:
			break;
	}
}

/* Logical types have a version; a composite type has a name only. */
static void
append_name(StringInfo out, const ValueType *type, const char *logical_name)
{
	if (type->value_class == VALUE_COMPOSITE)
	{
		json_append_literal(out, ",\"name\":");
		json_append_cstring(out, type->composite->name);
	}
	else if (logical_name)
	{
		json_append_literal(out, ",\"name\":");
		json_append_cstring(out, logical_name);
		json_append_literal(out, ",\"version\":1");
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
	append_name(out, type, connect->name);
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

/* Zero has as many digits after the point as all values of the column. */
static void
append_zero(StringInfo out, const ValueType *type)
{
	const char *zero = connect_types[type->value_class].zero;
	int			i;

	switch (type->value_class)
	{
		case VALUE_TIMESTAMPTZ:
			value_append_json(out, type,
							  TimestampTzGetDatum(SetEpochTimestamp()));
			break;
		case VALUE_DECIMAL_STRING:
			json_append_literal(out, "\"0");
			for (i = 0; i < type->scale; i++)
				json_append_raw(out, i == 0 ? ".0" : "0", i == 0 ? 2 : 1);
			json_append_char(out, '"');
			break;
		default:
			json_append_raw(out, zero, strlen(zero));
			break;
	}
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
