/*-------------------------------------------------------------------------
 *
 * decimal.h
 *	  Decimals as big-endian two's complement of the unscaled integer.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/decimal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_DECIMAL_H
#define CDC_DECIMAL_H

#include "lib/stringinfo.h"

/* Enough for any 128-bit integer; longer results are palloc'ed. */
#define DECIMAL_INLINE_BYTES	16

typedef struct Decimal
{
	int			scale;
	int			len;
	const unsigned char *bytes; /* minimal length, at least one byte */
	unsigned char inline_bytes[DECIMAL_INLINE_BYTES];
} Decimal;

/*
 * A numeric is given without compression or out-of-line storage, with a
 * header of one or four bytes.
 *
 * Take a numeric at this scale, or at the smallest that is exact and not
 * negative if scale is -1.  False for NaN and infinities.  A scale that is
 * too small for the value drops digits.  May allocate in
 * CurrentMemoryContext; bytes may point into decimal itself.
 */
extern bool decimal_from_numeric(Decimal *decimal,
								 const struct varlena *numeric, int scale);

/* Take an integer as unscaled value. */
extern void decimal_from_int64(Decimal *decimal, int64 unscaled, int scale);

/*
 * Append the digits of a numeric, without exponent, as many of them after
 * the point as numeric keeps: "-12.50".  NAN, POSITIVE_INFINITY and
 * NEGATIVE_INFINITY for special values.
 */
extern void decimal_append_text(StringInfo out,
								const struct varlena *numeric);

/* The same for an integer of units of 1 / 10 ^ scale, scale below 19 */
extern void decimal_append_int64_text(StringInfo out, int64 unscaled,
									  int scale);

/* The nearest double; infinity if it is out of range. */
extern double decimal_to_double(const struct varlena *numeric);
extern double decimal_int64_to_double(int64 unscaled, int scale);

#endif							/* CDC_DECIMAL_H */
