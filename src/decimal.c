/*-------------------------------------------------------------------------
 *
 * decimal.c
 *	  Decimals as big-endian two's complement of the unscaled integer.
 *
 * numeric keeps base-10000 digits; its layout on disk is fixed, because
 * pg_upgrade keeps data files, so the digits are read here in place, without
 * a way through text.  Up to 38 decimal digits are computed in a 128-bit
 * integer, more in an array of words.
 *
 * Runs in any process that decodes.  Allocates only for values beyond 128
 * bits and doubles beyond 16 digits, in CurrentMemoryContext.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/decimal.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "compat.h"
#include "decimal.h"
#include "miscadmin.h"

/* Header of a numeric as numeric.c stores it */
#define SIGN_MASK			0xC000
#define SIGN_NEGATIVE		0x4000
#define SIGN_SHORT			0x8000
#define SIGN_SPECIAL		0xC000
#define SPECIAL_MASK		0xF000
#define SPECIAL_INFINITY	0xD000
#define SPECIAL_MINUS_INFINITY	0xF000
#define DSCALE_MASK			0x3FFF
#define SHORT_SIGN_NEGATIVE	0x2000
#define SHORT_DSCALE_MASK	0x1F80
#define SHORT_DSCALE_SHIFT	7
#define SHORT_WEIGHT_SIGN	0x0040
#define SHORT_WEIGHT_MASK	0x003F

#define DIGITS_PER_GROUP	4
#define MAX_INT64_DIGITS	20
#define MAX_INT128_DIGITS	38

/* Groups that are multiplied into a large number at once */
#define GROUPS_PER_STEP		4

/* Integers and powers of ten up to these are exact as double. */
#define MAX_EXACT_DOUBLE	(INT64CONST(1) << 53)
#define MAX_EXACT_POWER		22

static const int powers_of_ten[] = {1, 10, 100, 1000, 10000};

/* A finite numeric: digit i counts 10000 ^ (weight - i). */
typedef struct NumericParts
{
	bool		negative;
	int			weight;
	int			dscale;			/* digits after the point to show */
	int			ndigits;
	const char *digits;			/* int16 each, perhaps not aligned */
} NumericParts;

static inline int
digit_at(const NumericParts *parts, int i)
{
	int16		digit;

	if (i < 0 || i >= parts->ndigits)
		return 0;
	memcpy(&digit, parts->digits + i * sizeof(int16), sizeof(int16));
	return digit;
}

static uint16
read_header(const struct varlena *numeric)
{
	uint16		header;

	memcpy(&header, VARDATA_ANY(numeric), sizeof(header));
	return header;
}

/* False for NaN and infinities. */
static bool
read_numeric(NumericParts *parts, const struct varlena *numeric)
{
	const char *data = VARDATA_ANY(numeric);
	int			len = VARSIZE_ANY_EXHDR(numeric);
	uint16		header = read_header(numeric);

	if ((header & SIGN_MASK) == SIGN_SPECIAL)
		return false;

	data += sizeof(header);
	len -= sizeof(header);
	if ((header & SIGN_MASK) == SIGN_SHORT)
	{
		parts->negative = (header & SHORT_SIGN_NEGATIVE) != 0;
		parts->dscale = (header & SHORT_DSCALE_MASK) >> SHORT_DSCALE_SHIFT;
		parts->weight = header & SHORT_WEIGHT_MASK;
		if (header & SHORT_WEIGHT_SIGN)
			parts->weight -= SHORT_WEIGHT_MASK + 1;
	}
	else
	{
		int16		weight;

		memcpy(&weight, data, sizeof(weight));
		parts->negative = (header & SIGN_MASK) == SIGN_NEGATIVE;
		parts->dscale = header & DSCALE_MASK;
		parts->weight = weight;
		data += sizeof(weight);
		len -= sizeof(weight);
	}
	parts->digits = data;
	parts->ndigits = len / sizeof(int16);
	return true;
}

/* Digits after the point, without trailing zeros. */
static int
minimal_scale(const NumericParts *parts)
{
	int			scale;
	int			last;

	if (parts->ndigits == 0)
		return 0;
	scale = (parts->ndigits - parts->weight - 1) * DIGITS_PER_GROUP;
	last = digit_at(parts, parts->ndigits - 1);
	while (scale > 0 && last != 0 && last % 10 == 0)
	{
		last /= 10;
		scale--;
	}
	return Max(scale, 0);
}

/*
 * Point bytes at the shortest two's complement in a buffer that holds one
 * with perhaps too many leading sign bytes.
 */
static void
set_minimal_bytes(Decimal *decimal, const unsigned char *bytes, int len)
{
	while (len > 1 &&
		   ((bytes[0] == 0x00 && (bytes[1] & 0x80) == 0) ||
			(bytes[0] == 0xFF && (bytes[1] & 0x80) != 0)))
	{
		bytes++;
		len--;
	}
	decimal->bytes = bytes;
	decimal->len = len;
}

static void
set_int128(Decimal *decimal, int128 value)
{
	int			i;

	for (i = DECIMAL_INLINE_BYTES - 1; i >= 0; i--)
	{
		decimal->inline_bytes[i] = (unsigned char) (value & 0xFF);
		value >>= 8;
	}
	set_minimal_bytes(decimal, decimal->inline_bytes, DECIMAL_INLINE_BYTES);
}

/* Whole groups of the unscaled value; may be negative for small values. */
static int
group_count(const Decimal *decimal, const NumericParts *parts)
{
	return parts->weight + 1 + decimal->scale / DIGITS_PER_GROUP;
}

static void
small_from_parts(Decimal *decimal, const NumericParts *parts)
{
	int			groups = group_count(decimal, parts);
	int			rest = decimal->scale % DIGITS_PER_GROUP;
	int128		value = 0;
	int			i;

	for (i = 0; i < groups; i++)
		value = value * 10000 + digit_at(parts, i);
	if (rest > 0)
		value = value * powers_of_ten[rest] +
			digit_at(parts, groups) / powers_of_ten[DIGITS_PER_GROUP - rest];
	set_int128(decimal, parts->negative ? -value : value);
}

/* words = words * factor + addend; returns the new number of words. */
static int
multiply_add(uint64 *words, int nwords, uint64 factor, uint64 addend)
{
	uint128		carry = addend;
	int			i;

	for (i = 0; i < nwords; i++)
	{
		carry += (uint128) words[i] * factor;
		words[i] = (uint64) carry;
		carry >>= 64;
	}
	if (carry > 0)
		words[nwords++] = (uint64) carry;
	return nwords;
}

/* The unscaled value without its sign, in words */
static int
large_magnitude(uint64 *words, const NumericParts *parts, int groups,
				int rest)
{
	int			nwords = 0;
	int			i = 0;

	while (i < groups)
	{
		uint64		factor = 1;
		uint64		addend = 0;
		int			end = Min(i + GROUPS_PER_STEP, groups);

		for (; i < end; i++)
		{
			factor *= 10000;
			addend = addend * 10000 + digit_at(parts, i);
		}
		nwords = multiply_add(words, nwords, factor, addend);
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	if (rest > 0)
		nwords = multiply_add(words, nwords, powers_of_ten[rest],
							  digit_at(parts, groups) /
							  powers_of_ten[DIGITS_PER_GROUP - rest]);
	return nwords;
}

static void
large_from_parts(Decimal *decimal, const NumericParts *parts)
{
	int			groups = group_count(decimal, parts);
	uint64	   *words;
	unsigned char *bytes;
	int			nwords;
	int			len;
	int			i;

	/* A group of four decimal digits needs less than 14 bits. */
	words = palloc(((Size) Max(groups, 0) * 14 / 64 + 4) * sizeof(uint64));
	nwords = large_magnitude(words, parts, groups,
							 decimal->scale % DIGITS_PER_GROUP);

	/* One more byte than the words have, for the sign */
	len = nwords * (int) sizeof(uint64) + 1;
	bytes = palloc(len);
	bytes[0] = 0;
	for (i = 0; i < len - 1; i++)
		bytes[len - 1 - i] = (unsigned char) (words[i / 8] >> (i % 8 * 8));
	if (parts->negative)
	{
		int			carry = 1;

		for (i = len - 1; i >= 0; i--)
		{
			carry += (unsigned char) ~bytes[i];
			bytes[i] = (unsigned char) carry;
			carry >>= 8;
		}
	}
	set_minimal_bytes(decimal, bytes, len);
	pfree(words);
}

bool
decimal_from_numeric(Decimal *decimal, const struct varlena *numeric,
					 int scale)
{
	NumericParts parts;

	if (!read_numeric(&parts, numeric))
		return false;

	decimal->scale = scale >= 0 ? scale : minimal_scale(&parts);
	if ((parts.weight + 1) * DIGITS_PER_GROUP + decimal->scale <=
		MAX_INT128_DIGITS)
		small_from_parts(decimal, &parts);
	else
		large_from_parts(decimal, &parts);
	return true;
}

void
decimal_from_int64(Decimal *decimal, int64 unscaled, int scale)
{
	decimal->scale = scale;
	set_int128(decimal, unscaled);
}

static const char *
special_text(const struct varlena *numeric)
{
	switch (read_header(numeric) & SPECIAL_MASK)
	{
		case SPECIAL_INFINITY:
			return "POSITIVE_INFINITY";
		case SPECIAL_MINUS_INFINITY:
			return "NEGATIVE_INFINITY";
		default:
			return "NAN";
	}
}

static char *
put_group(char *p, int group)
{
	p[0] = '0' + group / 1000;
	p[1] = '0' + group / 100 % 10;
	p[2] = '0' + group / 10 % 10;
	p[3] = '0' + group % 10;
	return p + DIGITS_PER_GROUP;
}

/* Digits before the point, without leading zeros but at least one */
static char *
put_integer_part(char *p, const NumericParts *parts)
{
	char	   *start = p;
	int			leading = 0;
	int			i;

	for (i = 0; i <= parts->weight; i++)
		p = put_group(p, digit_at(parts, i));
	while (leading < p - start && start[leading] == '0')
		leading++;
	if (leading == p - start)
	{
		*start = '0';
		return start + 1;
	}
	memmove(start, start + leading, p - start - leading);
	return p - leading;
}

void
decimal_append_text(StringInfo out, const struct varlena *numeric)
{
	NumericParts parts;
	char	   *p;
	char	   *end;
	int			i;

	if (!read_numeric(&parts, numeric))
	{
		appendStringInfoString(out, special_text(numeric));
		return;
	}

	/* Sign, zero, point and all digits; the last group may be cut. */
	enlargeStringInfo(out, (Max(parts.weight, 0) + 2) * DIGITS_PER_GROUP +
					  parts.dscale + DIGITS_PER_GROUP);
	p = out->data + out->len;
	if (parts.negative)
		*p++ = '-';
	p = put_integer_part(p, &parts);
	if (parts.dscale > 0)
	{
		*p++ = '.';
		end = p + parts.dscale;
		for (i = parts.weight + 1; p < end; i++)
			p = put_group(p, digit_at(&parts, i));
		p = end;
	}
	out->len = p - out->data;
}

void
decimal_append_int64_text(StringInfo out, int64 unscaled, int scale)
{
	char		digits[MAX_INT64_DIGITS];
	uint64		rest = unscaled < 0 ? -(uint64) unscaled : (uint64) unscaled;
	int			len = 0;

	Assert(scale < MAX_INT64_DIGITS);
	while (rest > 0 || len <= scale)
	{
		digits[len++] = '0' + rest % 10;
		rest /= 10;
	}
	if (unscaled < 0)
		appendStringInfoChar(out, '-');
	while (len > 0)
	{
		appendStringInfoChar(out, digits[--len]);
		if (len == scale && scale > 0)
			appendStringInfoChar(out, '.');
	}
}

/* A number too long for an exact integer or power of ten */
static double
double_of_text(StringInfo text)
{
	double		result;

	appendStringInfoChar(text, '\0');
	result = strtod(text->data, NULL);
	pfree(text->data);
	return result;
}

/* The quotient or product of two exact doubles is rounded once. */
static double
scale_exact_double(int64 unscaled, int exponent)
{
	double		power = 1.0;
	int			i;

	for (i = abs(exponent); i > 0; i--)
		power *= 10.0;
	return exponent < 0 ? unscaled / power : unscaled * power;
}

/* By way of an exact integer and an exact power of ten, or false */
static bool
exact_double(const NumericParts *parts, double *result)
{
	int			exponent = (parts->weight + 1 - parts->ndigits) *
		DIGITS_PER_GROUP;
	int64		unscaled = 0;
	int			i;

	if (parts->ndigits > GROUPS_PER_STEP || abs(exponent) > MAX_EXACT_POWER)
		return false;
	for (i = 0; i < parts->ndigits; i++)
		unscaled = unscaled * 10000 + digit_at(parts, i);
	if (unscaled > MAX_EXACT_DOUBLE)
		return false;
	*result = scale_exact_double(parts->negative ? -unscaled : unscaled,
								 exponent);
	return true;
}

static double
special_double(const struct varlena *numeric)
{
	switch (read_header(numeric) & SPECIAL_MASK)
	{
		case SPECIAL_INFINITY:
			return HUGE_VAL;
		case SPECIAL_MINUS_INFINITY:
			return -HUGE_VAL;
		default:
			return NAN;
	}
}

double
decimal_to_double(const struct varlena *numeric)
{
	NumericParts parts;
	StringInfoData text;
	double		result;

	if (!read_numeric(&parts, numeric))
		return special_double(numeric);
	if (exact_double(&parts, &result))
		return result;
	initStringInfo(&text);
	decimal_append_text(&text, numeric);
	return double_of_text(&text);
}

double
decimal_int64_to_double(int64 unscaled, int scale)
{
	StringInfoData text;

	if (unscaled >= -MAX_EXACT_DOUBLE && unscaled <= MAX_EXACT_DOUBLE &&
		scale <= MAX_EXACT_POWER)
		return scale_exact_double(unscaled, -scale);
	initStringInfo(&text);
	decimal_append_int64_text(&text, unscaled, scale);
	return double_of_text(&text);
}
