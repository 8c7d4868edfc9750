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
 * bits or values that are compressed or out of line, in
 * CurrentMemoryContext.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/decimal.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "decimal.h"
#include "fmgr.h"
#include "miscadmin.h"

/* Header of a numeric as numeric.c stores it */
#define SIGN_MASK			0xC000
#define SIGN_NEGATIVE		0x4000
#define SIGN_SHORT			0x8000
#define SIGN_SPECIAL		0xC000
#define SHORT_SIGN_NEGATIVE	0x2000
#define SHORT_WEIGHT_SIGN	0x0040
#define SHORT_WEIGHT_MASK	0x003F

#define DIGITS_PER_GROUP	4
#define MAX_INT128_DIGITS	38

static const int powers_of_ten[] = {1, 10, 100, 1000, 10000};

/* A finite numeric: digit i counts 10000 ^ (weight - i). */
typedef struct NumericParts
{
	bool		negative;
	int			weight;
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

/* False for NaN and infinities. */
static bool
read_numeric(NumericParts *parts, struct varlena *numeric)
{
	const char *data = VARDATA_ANY(numeric);
	int			len = VARSIZE_ANY_EXHDR(numeric);
	uint16		header;

	memcpy(&header, data, sizeof(header));
	if ((header & SIGN_MASK) == SIGN_SPECIAL)
		return false;

	data += sizeof(header);
	len -= sizeof(header);
	if ((header & SIGN_MASK) == SIGN_SHORT)
	{
		parts->negative = (header & SHORT_SIGN_NEGATIVE) != 0;
		parts->weight = header & SHORT_WEIGHT_MASK;
		if (header & SHORT_WEIGHT_SIGN)
			parts->weight -= SHORT_WEIGHT_MASK + 1;
	}
	else
	{
		int16		weight;

		memcpy(&weight, data, sizeof(weight));
		parts->negative = (header & SIGN_MASK) == SIGN_NEGATIVE;
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
multiply_add(uint32 *words, int nwords, uint32 factor, uint32 addend)
{
	uint64		carry = addend;
	int			i;

	for (i = 0; i < nwords; i++)
	{
		carry += (uint64) words[i] * factor;
		words[i] = (uint32) carry;
		carry >>= 32;
	}
	if (carry > 0)
		words[nwords++] = (uint32) carry;
	return nwords;
}

static void
large_from_parts(Decimal *decimal, const NumericParts *parts)
{
	int			groups = group_count(decimal, parts);
	int			rest = decimal->scale % DIGITS_PER_GROUP;
	uint32	   *words;
	unsigned char *bytes;
	int			nwords = 0;
	int			len;
	int			i;

	/* A group of four decimal digits needs less than 14 bits. */
	words = palloc(((Size) Max(groups, 0) * 14 / 32 + 4) * sizeof(uint32));
	for (i = 0; i < groups; i++)
	{
		nwords = multiply_add(words, nwords, 10000, digit_at(parts, i));
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	if (rest > 0)
		nwords = multiply_add(words, nwords, powers_of_ten[rest],
							  digit_at(parts, groups) /
							  powers_of_ten[DIGITS_PER_GROUP - rest]);

	/* One more byte than the words have, for the sign */
	len = nwords * (int) sizeof(uint32) + 1;
	bytes = palloc(len);
	bytes[0] = 0;
	for (i = 0; i < len - 1; i++)
		bytes[len - 1 - i] = (unsigned char) (words[i / 4] >> (i % 4 * 8));
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
decimal_from_numeric(Decimal *decimal, Datum numeric, int scale)
{
	NumericParts parts;

	if (!read_numeric(&parts, PG_DETOAST_DATUM_PACKED(numeric)))
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
