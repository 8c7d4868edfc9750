/*-------------------------------------------------------------------------
 *
 * fuzz_decimal.c
 *	  Fuzz target: numeric on disk to two's complement, text and double.
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

/* As numeric_out() writes it */
static void
expected_text(StringInfo out, const NumericText *text)
{
	if (text->negative)
		appendStringInfoChar(out, '-');
	if (text->digits.len == 0 || text->point <= 0)
		appendStringInfoChar(out, '0');
	for (int i = 0; text->digits.len > 0 && i < text->point; i++)
		appendStringInfoChar(out, i < text->digits.len ?
							 text->digits.data[i] : '0');
	if (text->display_scale > 0)
		appendStringInfoChar(out, '.');
	for (int i = 0; i < text->display_scale; i++)
	{
		int			digit = text->point + i;

		appendStringInfoChar(out, text->digits.len > 0 && digit >= 0 &&
							 digit < text->digits.len ?
							 text->digits.data[digit] : '0');
	}
}

/* What is in the buffer already stays there. */
static void
require_text(const struct varlena *numeric, const NumericText *text)
{
	StringInfoData expected;
	StringInfoData result;

	initStringInfo(&expected);
	appendStringInfoChar(&expected, '>');
	expected_text(&expected, text);
	initStringInfo(&result);
	appendStringInfoChar(&result, '>');
	decimal_append_text(&result, numeric);
	REQUIRE(result.len == expected.len);
	REQUIRE(memcmp(result.data, expected.data, result.len) == 0);
	REQUIRE(decimal_to_double(numeric) == strtod(expected.data + 1, NULL));
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
	if (!decimal_from_numeric(&decimal, numeric, scale))
	{
		REQUIRE(!text.finite);
		return;
	}
	REQUIRE(text.finite);
	require_text(numeric, &text);
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

static void
fuzz_int64_text(FuzzInput *input)
{
	StringInfoData text;
	int			scale = fuzz_choose(input, 19);
	int64		value = fuzz_take(input, 8);
	char		expected[64];
	uint64		magnitude = value < 0 ? -(uint64) value : (uint64) value;
	uint64		unit = 1;

	for (int i = 0; i < scale; i++)
		unit *= 10;
	snprintf(expected, sizeof(expected), "%s" UINT64_FORMAT,
			 value < 0 ? "-" : "", magnitude / unit);
	if (scale > 0)
		snprintf(expected + strlen(expected), 32, ".%0*llu", scale,
				 (unsigned long long) (magnitude % unit));
	initStringInfo(&text);
	decimal_append_int64_text(&text, value, scale);
	REQUIRE(strcmp(text.data, expected) == 0);
	REQUIRE(decimal_int64_to_double(value, scale) == strtod(expected, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	input = {data, size};

	switch (fuzz_choose(&input, 16))
	{
		case 0:
			fuzz_int64(&input);
			break;
		case 1:
			fuzz_int64_text(&input);
			break;
		default:
			fuzz_numeric(&input);
			break;
	}
	shim_reset();
	return 0;
}
