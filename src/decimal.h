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
 * Take a numeric at this scale, or at the smallest that is exact and not
 * negative if scale is -1.  False for NaN and infinities.  A scale that is
 * too small for the value drops digits.  May allocate in
 * CurrentMemoryContext; bytes may point into decimal itself.
 */
extern bool decimal_from_numeric(Decimal *decimal, Datum numeric, int scale);

/* Take an integer as unscaled value. */
extern void decimal_from_int64(Decimal *decimal, int64 unscaled, int scale);

#endif							/* CDC_DECIMAL_H */
