/*-------------------------------------------------------------------------
 *
 * value_json_extension.c
 *	  Values of types of extensions as JSON: hstore, PostGIS, pgvector.
 *
 * They are read from what the type's output or send function says, not from
 * the datum, whose layout is the extension's own business.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  Scratch memory comes from CurrentMemoryContext.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value_json_extension.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "hstore_text.h"
#include "json_writer.h"
#include "port/pg_bswap.h"
#include "value_json.h"

/* Flag of the type in PostGIS's extended well-known binary: SRID follows */
#define EWKB_HAS_SRID		0x20000000

/* ----------------------------------------------------------------
 *		hstore
 * ----------------------------------------------------------------
 */

static void
append_pairs(StringInfo out, char *text)
{
	HstorePair	pair;
	bool		first = true;

	json_append_char(out, '{');
	while (hstore_text_next(&text, &pair))
	{
		if (!first)
			json_append_char(out, ',');
		first = false;
		json_append_string(out, pair.key, pair.key_len);
		json_append_char(out, ':');
		if (pair.value)
			json_append_string(out, pair.value, pair.value_len);
		else
			json_append_literal(out, "null");
	}
	json_append_char(out, '}');
	if (*text != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("could not read the text of a value of type %s",
						"hstore")));
}

void
value_json_append_hstore(StringInfo out, const ValueType *type, Datum value)
{
	char	   *text = value_output(type, value);
	StringInfoData object;

	if (type->value_class == VALUE_HSTORE_MAP)
	{
		append_pairs(out, text);
		return;
	}
	initStringInfo(&object);
	append_pairs(&object, text);
	json_append_utf8(out, object.data, object.len);
}

/* ----------------------------------------------------------------
 *		binary forms
 * ----------------------------------------------------------------
 */

/* Where the reading of a send function's result is */
typedef struct BinaryReader
{
	const char *data;
	int			len;
} BinaryReader;

static void
begin_reading(BinaryReader *reader, const bytea *bytes)
{
	reader->data = VARDATA_ANY(bytes);
	reader->len = VARSIZE_ANY_EXHDR(bytes);
}

static void
read_bytes(BinaryReader *reader, void *to, int len)
{
	if (len > reader->len)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary form of a value of an extension's type is too short")));
	memcpy(to, reader->data, len);
	reader->data += len;
	reader->len -= len;
}

/* Numbers in network byte order */
static uint16
read_uint16(BinaryReader *reader)
{
	uint16		value;

	read_bytes(reader, &value, sizeof(value));
	return pg_ntoh16(value);
}

static uint32
read_uint32(BinaryReader *reader)
{
	uint32		value;

	read_bytes(reader, &value, sizeof(value));
	return pg_ntoh32(value);
}

static float
float_of_bits(uint32 bits)
{
	float		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* ----------------------------------------------------------------
 *		PostGIS
 * ----------------------------------------------------------------
 */

/* The SRID in extended well-known binary; false if there is none. */
static bool
read_srid(BinaryReader reader, int32 *srid)
{
	uint8		little_endian;
	uint32		type;
	uint32		bits;

	read_bytes(&reader, &little_endian, 1);
	type = read_uint32(&reader);
	if (little_endian)
		type = pg_bswap32(type);
	if ((type & EWKB_HAS_SRID) == 0)
		return false;
	bits = read_uint32(&reader);
	*srid = (int32) (little_endian ? pg_bswap32(bits) : bits);
	return true;
}

void
value_json_append_geometry(StringInfo out, const ValueType *type, Datum value)
{
	BinaryReader reader;
	int32		srid;

	begin_reading(&reader, value_send(type, value));
	json_append_literal(out, "{\"wkb\":");
	json_append_base64(out, reader.data, reader.len);
	json_append_literal(out, ",\"srid\":");
	if (read_srid(reader, &srid))
		json_append_int64(out, srid);
	else
		json_append_literal(out, "null");
	json_append_char(out, '}');
}

/* ----------------------------------------------------------------
 *		pgvector
 * ----------------------------------------------------------------
 */

/* An IEEE 754 half: sign, 5 bits of exponent, 10 of mantissa */
static float
float_of_half(uint16 half)
{
	uint32		sign = (uint32) (half & 0x8000) << 16;
	uint32		exponent = (half >> 10) & 0x1F;
	uint32		mantissa = half & 0x03FF;

	if (exponent == 0x1F)
		return float_of_bits(sign | 0x7F800000 | mantissa << 13);
	if (exponent == 0)
	{
		float		value = mantissa / 16777216.0f; /* of 2 ^ -24 */

		return sign ? -value : value;
	}
	return float_of_bits(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

static void
append_dense(StringInfo out, BinaryReader *reader, bool half)
{
	int			dimensions = read_uint16(reader);
	int			i;

	(void) read_uint16(reader); /* unused */
	json_append_char(out, '[');
	for (i = 0; i < dimensions; i++)
	{
		if (i > 0)
			json_append_char(out, ',');
		if (half)
			json_append_float4(out, float_of_half(read_uint16(reader)));
		else
			json_append_float4(out, float_of_bits(read_uint32(reader)));
	}
	json_append_char(out, ']');
}

/*
 * A map with keys that are no strings is an array of pairs.  Indices count
 * from 1, as in SQL.
 */
static void
append_sparse(StringInfo out, BinaryReader *reader)
{
	uint32		dimensions = read_uint32(reader);
	uint32		count = read_uint32(reader);
	BinaryReader values;
	uint32		i;

	(void) read_uint32(reader); /* unused */
	if (count > reader->len / (2 * sizeof(uint32)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary form of a value of an extension's type is too short")));
	values.data = reader->data + count * sizeof(uint32);
	values.len = reader->len - count * sizeof(uint32);

	json_append_literal(out, "{\"dimensions\":");
	json_append_int64(out, dimensions);
	json_append_literal(out, ",\"vector\":[");
	for (i = 0; i < count; i++)
	{
		if (i > 0)
			json_append_char(out, ',');
		json_append_char(out, '[');
		json_append_int64(out, (int64) read_uint32(reader) + 1);
		json_append_char(out, ',');
		json_append_float4(out, float_of_bits(read_uint32(&values)));
		json_append_char(out, ']');
	}
	json_append_literal(out, "]}");
}

void
value_json_append_vector(StringInfo out, const ValueType *type, Datum value)
{
	BinaryReader reader;

	begin_reading(&reader, value_send(type, value));
	if (type->value_class == VALUE_SPARSE_VECTOR)
		append_sparse(out, &reader);
	else
		append_dense(out, &reader, type->value_class == VALUE_HALF_VECTOR);
}
