/*-------------------------------------------------------------------------
 *
 * fuzz_decimal.c
 *	  Fuzz target: numeric on disk to two's complement.
 *
 * The code under test multiplies its way from groups of digits to bytes.
 * Here the bytes are divided by ten until nothing is left, and the remainders
 * must be the digits of the value.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz_decimal.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "decimal.h"
#include "fuzz.h"
#include "numeric_disk.h"
#include "shim.h"

#define MAX_GROUPS		120
#define MAX_SCALE		16383

/* The digits before the point once it was moved right by scale. */
static void
expected_digits(StringInfo out, const NumericText *text, int scale)
{
	int			count = text->point + scale;

	for (int i = 0; i < count && text->digits.len > 0; i++)
		appendStringInfoChar(out, i < text->digits.len ?
							 text->digits.data[i] : '0');
	if (out->len == 0)
		appendStringInfoChar(out, '0');
}

/* The absolute value of two's complement, in as many bytes */
static unsigned char *
absolute_value(const Decimal *decimal)
{
	unsigned char *bytes = palloc(decimal->len);
	bool		negative = decimal->bytes[0] >= 0x80;
	bool		borrow = negative;

	for (int i = decimal->len - 1; i >= 0; i--)
	{
		unsigned char byte = decimal->bytes[i];

		/* ~(value - 1) */
		bytes[i] = negative ? ~(byte - borrow) : byte;
		borrow = borrow && byte == 0;
	}
	return bytes;
}

/* Divide by ten in place; the remainder */
static int
divide_by_ten(unsigned char *bytes, int len)
{
	int			rest = 0;

	for (int i = 0; i < len; i++)
	{
		rest = rest << 8 | bytes[i];
		bytes[i] = rest / 10;
		rest %= 10;
	}
	return rest;
}

static void
require_digits(const Decimal *decimal, const StringInfoData *digits)
{
	unsigned char *bytes = absolute_value(decimal);

	for (int i = digits->len - 1; i >= 0; i--)
		REQUIRE(divide_by_ten(bytes, decimal->len) == digits->data[i] - '0');
	for (int i = 0; i < decimal->len; i++)
		REQUIRE(bytes[i] == 0);
}

static void
require_decimal(const Decimal *decimal, const StringInfoData *digits,
				bool negative)
{
	bool		zero = strcmp(digits->data, "0") == 0;

	REQUIRE(decimal->len > 0);
	REQUIRE((decimal->bytes[0] >= 0x80) == (negative && !zero));
	if (decimal->len > 1)
		REQUIRE(decimal->bytes[0] !=
				(decimal->bytes[1] >= 0x80 ? 0xFF : 0x00));
	require_digits(decimal, digits);
}

static void
fuzz_numeric(FuzzInput *input)
{
	NumericText text;
	Decimal		decimal;
	StringInfoData digits;
	struct varlena *numeric;
	int			choice = fuzz_choose(input, 8);
	int			scale = choice < 3 ? -1 : choice < 7 ?
		fuzz_choose(input, 60) : fuzz_choose(input, MAX_GROUPS * 4);

	numeric = numeric_disk_make(input, MAX_GROUPS, &text);
	if (!decimal_from_numeric(&decimal, PointerGetDatum(numeric), scale))
	{
		REQUIRE(!text.finite);
		return;
	}
	REQUIRE(text.finite);
	if (scale < 0)
		scale = Max(text.digits.len - text.point, 0);
	if (text.digits.len == 0 && choice < 3)
		scale = 0;
	REQUIRE(decimal.scale == scale);
	initStringInfo(&digits);
	expected_digits(&digits, &text, scale);
	require_decimal(&decimal, &digits, text.negative);
}

static void
fuzz_int64(FuzzInput *input)
{
	Decimal		decimal;
	StringInfoData digits;
	int			scale = fuzz_choose(input, MAX_SCALE);
	int64		value = fuzz_take(input, 8);

	decimal_from_int64(&decimal, value, scale);
	REQUIRE(decimal.scale == scale);
	initStringInfo(&digits);
	appendStringInfo(&digits, UINT64_FORMAT,
					 value < 0 ? -(uint64) value : (uint64) value);
	require_decimal(&decimal, &digits, value < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	input = {data, size};

	if (fuzz_choose(&input, 16) == 0)
		fuzz_int64(&input);
	else
		fuzz_numeric(&input);
	shim_reset();
	return 0;
}
