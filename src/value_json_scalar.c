/*-------------------------------------------------------------------------
 *
 * value_json_scalar.c
 *	  Values of the server's own types as JSON, as far as they are not
 *	  numbers that are written as they are.
 *
 * Bytes are base64, decimals base64 of the unscaled integer, and what has no
 * class of its own is a string.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  Scratch memory comes from CurrentMemoryContext.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value_json_scalar.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "decimal.h"
#include "json_writer.h"
#include "utils/builtins.h"
#include "utils/cash.h"
#include "utils/geo_decls.h"
#include "utils/jsonb.h"
#include "utils/varbit.h"
#include "value_json.h"

/* Byte order, type, and two coordinates of a point in well-known binary */
#define WKB_POINT_BYTES		(1 + 4 + 2 * 8)

static const char lower_hex[] = "0123456789abcdef";

void
value_json_append_varlena_text(StringInfo out, Datum value)
{
	struct varlena *text = PG_DETOAST_DATUM_PACKED(value);

	json_append_string(out, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

void
value_json_append_output(StringInfo out, const ValueType *type, Datum value)
{
	json_append_cstring(out, value_output(type, value));
}

/* The label, without a look into the catalog */
void
value_json_append_enum(StringInfo out, const ValueType *type, Datum value)
{
	const ValueEnum *enumeration = type->enumeration;
	Oid			oid = DatumGetObjectId(value);
	int			low = 0;
	int			high = enumeration->nlabels - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		const EnumLabel *label = &enumeration->labels[middle];

		if (label->oid == oid)
		{
			json_append_cstring(out, label->label);
			return;
		}
		if (label->oid < oid)
			low = middle + 1;
		else
			high = middle - 1;
	}
	value_json_append_output(out, type, value);
}

/* As charout of 16 and newer, so that the result is ASCII. */
void
value_json_append_char(StringInfo out, char c)
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

void
value_json_append_uuid(StringInfo out, const unsigned char *bytes)
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

void
value_json_append_jsonb(StringInfo out, Datum value)
{
	Jsonb	   *jsonb = DatumGetJsonbP(value);
	StringInfoData text;

	initStringInfo(&text);
	(void) JsonbToCString(&text, &jsonb->root, VARSIZE(jsonb));
	json_append_string(out, text.data, text.len);
}

void
value_json_append_bytea(StringInfo out, ValueClass value_class, Datum value)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(bytes);
	int			len = VARSIZE_ANY_EXHDR(bytes);

	switch (value_class)
	{
		case VALUE_BYTEA_BASE64_URL:
			json_append_base64_url(out, data, len);
			break;
		case VALUE_BYTEA_HEX:
			json_append_hex(out, data, len);
			break;
		default:
			json_append_base64(out, data, len);
			break;
	}
}

static void
append_unscaled(StringInfo out, const Decimal *decimal)
{
	json_append_base64(out, (const char *) decimal->bytes, decimal->len);
}

static void
append_decimal(StringInfo out, const struct varlena *numeric, int scale)
{
	Decimal		decimal;

	if (decimal_from_numeric(&decimal, numeric, scale))
		append_unscaled(out, &decimal);
	else
	{
		json_append_literal(out, "null");
		value_count_nulled();
	}
}

static void
append_variable_decimal(StringInfo out, const struct varlena *numeric)
{
	Decimal		decimal;

	if (!decimal_from_numeric(&decimal, numeric, -1))
	{
		json_append_literal(out, "null");
		value_count_nulled();
		return;
	}
	json_append_literal(out, "{\"scale\":");
	json_append_int64(out, decimal.scale);
	json_append_literal(out, ",\"value\":");
	append_unscaled(out, &decimal);
	json_append_char(out, '}');
}

void
value_json_append_numeric(StringInfo out, const ValueType *type, Datum value)
{
	struct varlena *numeric = PG_DETOAST_DATUM_PACKED(value);

	switch (type->value_class)
	{
		case VALUE_DECIMAL:
			append_decimal(out, numeric, type->scale);
			break;
		case VALUE_VARIABLE_DECIMAL:
			append_variable_decimal(out, numeric);
			break;
		case VALUE_DECIMAL_STRING:
			json_append_char(out, '"');
			decimal_append_text(out, numeric);
			json_append_char(out, '"');
			break;
		default:
			json_append_float8(out, decimal_to_double(numeric));
			break;
	}
}

void
value_json_append_money(StringInfo out, const ValueType *type, Datum value)
{
	Cash		cash = DatumGetCash(value);
	Decimal		decimal;

	switch (type->value_class)
	{
		case VALUE_MONEY_STRING:
			json_append_char(out, '"');
			decimal_append_int64_text(out, cash, type->scale);
			json_append_char(out, '"');
			break;
		case VALUE_MONEY_DOUBLE:
			json_append_float8(out, decimal_int64_to_double(cash,
															type->scale));
			break;
		default:
			decimal_from_int64(&decimal, cash, type->scale);
			append_unscaled(out, &decimal);
			break;
	}
}

static bool
bit_is_set(const VarBit *bits, int i)
{
	return (VARBITS(bits)[i / BITS_PER_BYTE] &
			(HIGHBIT >> i % BITS_PER_BYTE)) != 0;
}

void
value_json_append_bit(StringInfo out, Datum value)
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
void
value_json_append_bits(StringInfo out, Datum value)
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

/* Little-endian, whatever this machine is */
static char *
put_double(char *p, double value)
{
	uint64		bits;
	int			i;

	memcpy(&bits, &value, sizeof(bits));
	for (i = 0; i < 8; i++)
		*p++ = (char) (bits >> (8 * i));
	return p;
}

void
value_json_append_point(StringInfo out, Datum value)
{
	Point	   *point = DatumGetPointP(value);
	char		wkb[WKB_POINT_BYTES] = {1, 1, 0, 0, 0};
	char	   *p = wkb + 5;

	p = put_double(p, point->x);
	put_double(p, point->y);
	json_append_literal(out, "{\"x\":");
	json_append_float8(out, point->x);
	json_append_literal(out, ",\"y\":");
	json_append_float8(out, point->y);
	json_append_literal(out, ",\"wkb\":");
	json_append_base64(out, wkb, sizeof(wkb));
	json_append_literal(out, ",\"srid\":null}");
}
