/*-------------------------------------------------------------------------
 *
 * value_json_unavailable.c
 *	  What stands for an unavailable value, as JSON.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one, when a relation gets its cache entry.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value_json_unavailable.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/md5.h"
#include "json_writer.h"
#include "value_json.h"

#define MD5_BYTES		16

/* Is any text a value of the type, as consumers see it? */
static bool
has_room_for_mark(const ValueType *type)
{
	switch (type->value_class)
	{
		case VALUE_DECIMAL_STRING:
		case VALUE_TEXT:
		case VALUE_NAME:
		case VALUE_JSON:
		case VALUE_JSONB:
		case VALUE_XML:
		case VALUE_LTREE:
		case VALUE_TSVECTOR:
		case VALUE_ENUM:
		case VALUE_BYTEA:
		case VALUE_BYTEA_BASE64:
		case VALUE_BYTEA_BASE64_URL:
		case VALUE_BYTEA_HEX:
		case VALUE_HSTORE:
		case VALUE_HSTORE_MAP:
		case VALUE_OUTPUT:
			return true;
		default:
			return false;
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
	value_json_append_uuid(out, bytes);
}

/* The mark as a JSON object that maps it to itself */
static void
append_mark_map(StringInfo out, const char *mark)
{
	json_append_char(out, '{');
	json_append_cstring(out, mark);
	json_append_char(out, ':');
	json_append_cstring(out, mark);
	json_append_char(out, '}');
}

/* The same as a string of that text */
static void
append_mark_map_text(StringInfo out, const char *mark)
{
	StringInfoData text;

	initStringInfo(&text);
	append_mark_map(&text, mark);
	json_append_utf8(out, text.data, text.len);
	pfree(text.data);
}

/* The elements of an array that stands for one; false if nothing does. */
static bool
append_mark_elements(StringInfo out, const ValueType *element,
					 const char *mark)
{
	switch (element->value_class)
	{
		case VALUE_INT4:
		case VALUE_INT8:
		case VALUE_DATE:
		case VALUE_DATE_CONNECT:
			append_mark_numbers(out, mark);
			return true;
		case VALUE_UUID:
			append_mark_uuid(out, mark);
			return true;
		case VALUE_ARRAY:
			return false;
		default:
			if (!has_room_for_mark(element))
				return false;
			value_append_unavailable(out, element, mark);
			return true;
	}
}

static void
append_unavailable_array(StringInfo out, const ValueType *type,
						 const char *mark)
{
	int			start = out->len;
	int			depth = Max(type->ndims, 1);
	int			i;

	for (i = 0; i < depth; i++)
		json_append_char(out, '[');
	if (!append_mark_elements(out, type->element, mark))
	{
		out->len = start;
		json_append_literal(out, "null");
		return;
	}
	for (i = 0; i < depth; i++)
		json_append_char(out, ']');
}

void
value_append_unavailable(StringInfo out, const ValueType *type,
						 const char *mark)
{
	switch (type->value_class)
	{
		case VALUE_BYTEA:
			json_append_base64(out, mark, strlen(mark));
			break;
		case VALUE_HSTORE:
			append_mark_map_text(out, mark);
			break;
		case VALUE_HSTORE_MAP:
			append_mark_map(out, mark);
			break;
		case VALUE_ARRAY:
			append_unavailable_array(out, type, mark);
			break;
		default:
			if (has_room_for_mark(type))
				json_append_cstring(out, mark);
			else
				json_append_literal(out, "null");
			break;
	}
}
