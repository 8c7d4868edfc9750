/*-------------------------------------------------------------------------
 *
 * value_make.c
 *	  Random types, and random values of them.
 *
 * Also stands in for output and send functions: what they say is the bytes of
 * the value.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/value_make.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "shim.h"
#include "utils/jsonb.h"
#include "value_make.h"

#define MAX_FIELDS		4
#define MAX_FIELD_NAME	12
#define MAX_LABELS		5
#define TIMETZ_BYTES	12

typedef struct Shape
{
	int16		typlen;
	bool		typbyval;
	char		typalign;
} Shape;

#define BYTES_1		{1, true, TYPALIGN_CHAR}
#define BYTES_2		{2, true, TYPALIGN_SHORT}
#define BYTES_4		{4, true, TYPALIGN_INT}
#define BYTES_8		{8, true, TYPALIGN_DOUBLE}
#define VARLENA		{-1, false, TYPALIGN_INT}

/* How values of each class are stored */
static const Shape shapes[] = {
	[VALUE_BOOL] = BYTES_1,
	[VALUE_INT2] = BYTES_2,
	[VALUE_INT4] = BYTES_4,
	[VALUE_INT8] = BYTES_8,
	[VALUE_OID] = BYTES_4,
	[VALUE_FLOAT4] = BYTES_4,
	[VALUE_FLOAT8] = BYTES_8,
	[VALUE_DECIMAL] = VARLENA,
	[VALUE_VARIABLE_DECIMAL] = VARLENA,
	[VALUE_DECIMAL_STRING] = VARLENA,
	[VALUE_DECIMAL_DOUBLE] = VARLENA,
	[VALUE_MONEY] = BYTES_8,
	[VALUE_MONEY_STRING] = BYTES_8,
	[VALUE_MONEY_DOUBLE] = BYTES_8,
	[VALUE_TEXT] = VARLENA,
	[VALUE_NAME] = {NAMEDATALEN, false, TYPALIGN_CHAR},
	[VALUE_CHAR] = BYTES_1,
	[VALUE_UUID] = {16, false, TYPALIGN_CHAR},
	[VALUE_JSON] = VARLENA,
	[VALUE_JSONB] = VARLENA,
	[VALUE_XML] = VARLENA,
	[VALUE_LTREE] = VARLENA,
	[VALUE_TSVECTOR] = VARLENA,
	[VALUE_ENUM] = BYTES_4,
	[VALUE_BYTEA] = VARLENA,
	[VALUE_BYTEA_BASE64] = VARLENA,
	[VALUE_BYTEA_BASE64_URL] = VARLENA,
	[VALUE_BYTEA_HEX] = VARLENA,
	[VALUE_BIT] = VARLENA,
	[VALUE_BITS] = VARLENA,
	[VALUE_DATE] = BYTES_4,
	[VALUE_DATE_CONNECT] = BYTES_4,
	[VALUE_DATE_ISO] = BYTES_4,
	[VALUE_TIME_MS] = BYTES_8,
	[VALUE_TIME_US] = BYTES_8,
	[VALUE_TIME_NS] = BYTES_8,
	[VALUE_TIME_CONNECT] = BYTES_8,
	[VALUE_TIME_ISO] = BYTES_8,
	[VALUE_TIMETZ] = {TIMETZ_BYTES, false, TYPALIGN_DOUBLE},
	[VALUE_TIMESTAMP_MS] = BYTES_8,
	[VALUE_TIMESTAMP_US] = BYTES_8,
	[VALUE_TIMESTAMP_NS] = BYTES_8,
	[VALUE_TIMESTAMP_CONNECT] = BYTES_8,
	[VALUE_TIMESTAMP_ISO] = BYTES_8,
	[VALUE_TIMESTAMPTZ] = BYTES_8,
	[VALUE_INTERVAL] = {16, false, TYPALIGN_DOUBLE},
	[VALUE_INTERVAL_ISO] = {16, false, TYPALIGN_DOUBLE},
	[VALUE_HSTORE] = VARLENA,
	[VALUE_HSTORE_MAP] = VARLENA,
	[VALUE_POINT] = {16, false, TYPALIGN_DOUBLE},
	[VALUE_GEOMETRY] = VARLENA,
	[VALUE_GEOGRAPHY] = VARLENA,
	[VALUE_VECTOR] = VARLENA,
	[VALUE_HALF_VECTOR] = VARLENA,
	[VALUE_SPARSE_VECTOR] = VARLENA,
	[VALUE_ARRAY] = {-1, false, TYPALIGN_DOUBLE},
	[VALUE_COMPOSITE] = {-1, false, TYPALIGN_DOUBLE},
	[VALUE_OUTPUT] = VARLENA,
};

/* ----------------------------------------------------------------
 *		types
 * ----------------------------------------------------------------
 */

/* A name no other field has */
static char *
make_field_name(FuzzInput *input, int number)
{
	StringInfoData name;

	initStringInfo(&name);
	appendStringInfo(&name, "%d", number);
	appendStringInfoString(&name, value_make_text(input, MAX_FIELD_NAME));
	return name.data;
}

static ValueComposite *
make_composite_type(FuzzInput *input, int depth)
{
	ValueComposite *composite = palloc0(sizeof(ValueComposite));
	int			n = fuzz_choose(input, MAX_FIELDS + 1);

	composite->name = pstrdup("schema.type");
	composite->nfields = n;
	composite->fields = palloc0(n * sizeof(ValueField));
	composite->values = palloc0(n * sizeof(Datum));
	composite->nulls = palloc0(n * sizeof(bool));
	for (int i = 0; i < n; i++)
	{
		composite->fields[i].name = make_field_name(input, i);
		composite->fields[i].index = i;
		value_make_type(input, &composite->fields[i].type, depth - 1);
	}
	return composite;
}

/* Labels of every other OID, so that some are found and some are not */
static ValueEnum *
make_enum_type(FuzzInput *input)
{
	ValueEnum  *enumeration = palloc0(sizeof(ValueEnum));
	int			n = fuzz_choose(input, MAX_LABELS + 1);

	enumeration->nlabels = n;
	enumeration->labels = palloc0(n * sizeof(EnumLabel));
	for (int i = 0; i < n; i++)
	{
		enumeration->labels[i].oid = 2 * i;
		enumeration->labels[i].label = value_make_text(input, MAX_FIELD_NAME);
	}
	enumeration->allowed = pstrdup("");
	return enumeration;
}

void
value_make_type(FuzzInput *input, ValueType *type, int depth)
{
	memset(type, 0, sizeof(*type));
	type->value_class = fuzz_choose(input, lengthof(shapes));
	if (depth == 0 && (type->value_class == VALUE_ARRAY ||
					   type->value_class == VALUE_COMPOSITE))
		type->value_class = VALUE_TEXT;

	type->typlen = shapes[type->value_class].typlen;
	type->typbyval = shapes[type->value_class].typbyval;
	type->typalign = shapes[type->value_class].typalign;
	type->typid = fuzz_take(input, 1);
	type->scale = fuzz_choose(input, 7);
	switch (type->value_class)
	{
		case VALUE_ARRAY:
			type->ndims = fuzz_choose(input, 3);
			type->element = palloc(sizeof(ValueType));
			value_make_type(input, type->element, depth - 1);
			if (type->element->value_class == VALUE_ARRAY)
				type->element->value_class = VALUE_TEXT;
			break;
		case VALUE_COMPOSITE:
			type->composite = make_composite_type(input, depth);
			break;
		case VALUE_ENUM:
			type->enumeration = make_enum_type(input);
			break;
		default:
			break;
	}
}

bool
value_may_be_broken(const ValueType *type)
{
	switch (type->value_class)
	{
		case VALUE_ARRAY:
			return value_may_be_broken(type->element);
		case VALUE_COMPOSITE:
			for (int i = 0; i < type->composite->nfields; i++)
			{
				if (value_may_be_broken(&type->composite->fields[i].type))
					return true;
			}
			return false;
		case VALUE_HSTORE:
		case VALUE_HSTORE_MAP:
		case VALUE_GEOMETRY:
		case VALUE_GEOGRAPHY:
		case VALUE_VECTOR:
		case VALUE_HALF_VECTOR:
		case VALUE_SPARSE_VECTOR:
			return true;
		default:
			return false;
	}
}

/* ----------------------------------------------------------------
 *		values
 * ----------------------------------------------------------------
 */

Datum
value_make_varlena(FuzzInput *input, const char *data, int len)
{
	char	   *result;

	if (len + VARHDRSZ_SHORT > VARATT_SHORT_MAX || fuzz_choose(input, 2))
	{
		result = palloc(VARHDRSZ + len);
		SET_VARSIZE(result, VARHDRSZ + len);
		memcpy(VARDATA(result), data, len);
	}
	else
	{
		result = palloc(VARHDRSZ_SHORT + len + 1);
		result += fuzz_choose(input, 2);
		SET_VARSIZE_SHORT(result, VARHDRSZ_SHORT + len);
		memcpy(VARDATA_SHORT(result), data, len);
	}
	return PointerGetDatum(result);
}

char *
value_make_text(FuzzInput *input, int max_len)
{
	const uint8_t *bytes;
	int			len = fuzz_bytes(input, fuzz_choose(input, max_len + 1),
								 &bytes);
	char	   *text = palloc(len + 1);
	int			kept = 0;

	for (int i = 0; i < len;)
	{
		int			n = json_utf8_length((const char *) bytes + i, len - i);

		if (n > 0 && bytes[i] != '\0')
		{
			memcpy(text + kept, bytes + i, n);
			kept += n;
		}
		i += Max(n, 1);
	}
	text[kept] = '\0';
	return text;
}

Datum
value_make(FuzzInput *input, const ValueType *type, JsonNode **expected)
{
	switch (type->value_class)
	{
		case VALUE_ARRAY:
			return value_make_array(input, type, expected);
		case VALUE_COMPOSITE:
			return value_make_composite(input, type, expected);
		default:
			return value_make_scalar(input, type, expected);
	}
}

/* ----------------------------------------------------------------
 *		output functions
 * ----------------------------------------------------------------
 */

/* Of an enum the number */
char *
value_output(const ValueType *type, Datum value)
{
	struct varlena *text;

	if (type->value_class == VALUE_ENUM)
	{
		StringInfoData label;

		initStringInfo(&label);
		appendStringInfo(&label, "%u", DatumGetObjectId(value));
		return label.data;
	}
	text = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));
	return pnstrdup(VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

bytea *
value_send(const ValueType *type, Datum value)
{
	return pg_detoast_datum((struct varlena *) DatumGetPointer(value));
}

char *
JsonbToCString(StringInfo out, JsonbContainer *in, int estimated_len)
{
	const char *text = (const char *) in;

	for (int i = 0; i < estimated_len - VARHDRSZ; i++)
		appendStringInfoChar(out, text[i]);
	return out->data;
}

void
value_count_nulled(void)
{
}

/* Any bytes will do. */
bool
pg_md5_binary(const void *buff, size_t len, void *outbuf,
			  const char **errstr)
{
	memset(outbuf, 0x5A, 16);
	return true;
}
