/*-------------------------------------------------------------------------
 *
 * fuzz_json_writer.c
 *	  Fuzz target: strings, numbers and base64 in JSON.
 *
 * Strings are compared with what a loop over their characters writes, and
 * read back; numbers are read back by the C library, base64 by an independent
 * decoder.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz_json_writer.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fuzz.h"
#include "json_check.h"
#include "json_writer.h"
#include "mb/pg_wchar.h"
#include "shim.h"

#define REPLACEMENT		0xFFFD
#define MAX_START		16
#define MAX_SPARE		40

/* What a byte can become */
#define MAX_CHARACTER_BYTES	4
#define MAX_ESCAPE_BYTES	6

/* What is in the buffer already stays there. */
typedef struct Output
{
	StringInfoData buffer;
	int			start;
} Output;

static void
begin_output(Output *out, FuzzInput *input)
{
	initStringInfo(&out->buffer);
	out->start = fuzz_choose(input, MAX_START);
	for (int i = 0; i < out->start; i++)
		json_append_char(&out->buffer, '.');
}

static JsonNode *
parse_output(Output *out, JsonKind kind)
{
	JsonNode   *node;

	for (int i = 0; i < out->start; i++)
		REQUIRE(out->buffer.data[i] == '.');
	node = json_parse(out->buffer.data + out->start,
					  out->buffer.len - out->start);
	REQUIRE(node != NULL && node->kind == kind);
	return node;
}

/* ----------------------------------------------------------------
 *		strings
 * ----------------------------------------------------------------
 */

/*
 * The string as code points in UTF-8.  What is not valid, has no equivalent
 * or is a NUL in text that may be of any encoding becomes U+FFFD.
 */
static void
expected_text(StringInfo out, int encoding, const char *str, int len)
{
	enlargeStringInfo(out, len * MAX_CHARACTER_BYTES);
	while (len > 0)
	{
		int			code_point = -1;
		int			n = 1;

		if (encoding == PG_SQL_ASCII || encoding == PG_UTF8)
		{
			n = json_utf8_length(str, len);
			if (n > 0 && *str != '\0')
				for (int i = 0; i < n; i++)
					appendStringInfoChar(out, str[i]);
			else
				shim_append_utf8(out, REPLACEMENT);
			n = Max(n, 1);
		}
		else
		{
			n = shim_character(encoding, (const unsigned char *) str, len,
							   &code_point);
			shim_append_utf8(out, code_point < 0 ? REPLACEMENT : code_point);
		}
		str += n;
		len -= n;
	}
}

/* A character of four bytes as Jackson writes it, in two UTF-16 units */
static void
expected_units(StringInfo out, const unsigned char *c)
{
	int			code_point = (c[0] & 0x07) << 18 | (c[1] & 0x3F) << 12 |
	(c[2] & 0x3F) << 6 | (c[3] & 0x3F);

	code_point -= 0x10000;
	appendStringInfo(out, "\\u%04X\\u%04X", 0xD800 | code_point >> 10,
					 0xDC00 | (code_point & 0x3FF));
}

/* The way of Jackson, one byte at a time. */
static void
expected_json(StringInfo out, const char *str, int len)
{
	enlargeStringInfo(out, len * MAX_ESCAPE_BYTES + 2);
	appendStringInfoChar(out, '"');
	for (int i = 0; i < len; i++)
	{
		unsigned char c = str[i];

		if (c == '\b')
			appendStringInfoString(out, "\\b");
		else if (c == '\t')
			appendStringInfoString(out, "\\t");
		else if (c == '\n')
			appendStringInfoString(out, "\\n");
		else if (c == '\f')
			appendStringInfoString(out, "\\f");
		else if (c == '\r')
			appendStringInfoString(out, "\\r");
		else if (c == '"' || c == '\\')
			appendStringInfo(out, "\\%c", c);
		else if (c < 0x20)
			appendStringInfo(out, "\\u%04X", c);
		else if (c >= 0xF0)
		{
			expected_units(out, (const unsigned char *) str + i);
			i += 3;
		}
		else
			appendStringInfoChar(out, c);
	}
	appendStringInfoChar(out, '"');
}

/* The plain text of the value is what it was made of. */
static void
require_unquoted(const Output *out, const StringInfoData *text)
{
	StringInfoData plain;

	initStringInfo(&plain);
	json_append_unquoted(&plain, out->buffer.data + out->start,
						 out->buffer.len - out->start);
	REQUIRE(plain.len == text->len);
	REQUIRE(memcmp(plain.data, text->data, text->len) == 0);
}

static void
require_string(Output *out, const StringInfoData *text)
{
	StringInfoData json;
	JsonNode   *node = parse_output(out, JSON_STRING);

	REQUIRE(node->len == text->len);
	REQUIRE(memcmp(node->text, text->data, text->len) == 0);
	json_free(node);

	initStringInfo(&json);
	expected_json(&json, text->data, text->len);
	REQUIRE(out->buffer.len - out->start == json.len);
	REQUIRE(memcmp(out->buffer.data + out->start, json.data, json.len) == 0);
	require_unquoted(out, text);
}

/*
 * Text never contains a NUL and is valid in its encoding, unless that is
 * SQL_ASCII, so those bytes are taken out.
 */
static int
make_valid(char *str, int len, int encoding)
{
	int			kept = 0;

	for (int i = 0; i < len;)
	{
		int			n = 1;

		if (encoding == PG_UTF8)
			n = json_utf8_length(str + i, len - i);
		else if (encoding == PG_EUC_KR)
			n = pg_encoding_verifymbchar(encoding, str + i, len - i);
		if (n > 0 && str[i] != '\0')
		{
			memmove(str + kept, str + i, n);
			kept += n;
		}
		i += Max(n, 1);
	}
	return kept;
}

static void
fuzz_string(FuzzInput *input, bool shared_name)
{
	static const int encodings[] = {
		PG_UTF8, PG_SQL_ASCII, PG_LATIN1, PG_EUC_KR
	};
	Output		out;
	StringInfoData text;
	const uint8_t *bytes;
	char	   *str;
	int			len;

	shim_encoding = encodings[fuzz_choose(input, lengthof(encodings))];
	begin_output(&out, input);
	len = fuzz_bytes(input, SIZE_MAX, &bytes);
	str = palloc(len + 1);
	memcpy(str, bytes, len);
	len = make_valid(str, len, shared_name && shim_encoding == PG_UTF8 ?
					 PG_SQL_ASCII : shim_encoding);

	initStringInfo(&text);
	expected_text(&text, shim_encoding, str, len);
	if (shared_name)
	{
		str[len] = '\0';
		json_append_shared_name(&out.buffer, str);
	}
	else
	{
		/* exactly as long as it is, so that a byte too many is noticed */
		str = repalloc(str, Max(len, 1));
		json_append_string(&out.buffer, str, len);
	}
	require_string(&out, &text);
}

/* ----------------------------------------------------------------
 *		numbers
 * ----------------------------------------------------------------
 */

static void
fuzz_integer(FuzzInput *input)
{
	Output		out;
	char		expected[32];
	bool		is_signed = fuzz_choose(input, 2);
	uint64		value;

	begin_output(&out, input);
	value = fuzz_take(input, 8);
	if (is_signed)
	{
		json_append_int64(&out.buffer, (int64) value);
		snprintf(expected, sizeof(expected), INT64_FORMAT, (int64) value);
	}
	else
	{
		json_append_uint64(&out.buffer, value);
		snprintf(expected, sizeof(expected), UINT64_FORMAT, value);
	}
	json_terminate(&out.buffer);
	REQUIRE(strcmp(out.buffer.data + out.start, expected) == 0);
	json_free(parse_output(&out, JSON_NUMBER));
}

static const char *
special_float(double value)
{
	return isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

/*
 * Java writes a point with a digit on either side, and one digit before the
 * point with an exponent, which it uses below 1e-3 and from 1e7.
 */
static void
require_java_notation(const char *text, double value)
{
	double		magnitude = fabs(value);
	bool		plain = value == 0 || (magnitude >= 1e-3 && magnitude < 1e7);
	const char *exponent = strchr(text, 'E');
	const char *point = strchr(text, '.');
	const char *end = exponent ? exponent : text + strlen(text);

	text += *text == '-';
	REQUIRE(plain == (exponent == NULL));
	REQUIRE(strchr(text, 'e') == NULL && strchr(text, '+') == NULL);
	REQUIRE(point != NULL && point > text && point + 1 < end);
	REQUIRE(exponent == NULL || (point == text + 1 && *text != '0'));
	REQUIRE(point == text + 1 || *text != '0');
	/* no zeros at the end but the one that has to be there */
	REQUIRE(end[-1] != '0' || end == point + 2);
}

static void
fuzz_float(FuzzInput *input)
{
	Output		out;
	JsonNode   *node;
	bool		single = fuzz_choose(input, 2);
	uint64		bits;
	float		value4 = 0;
	double		value;

	begin_output(&out, input);
	bits = fuzz_take(input, 8);
	memcpy(&value, &bits, sizeof(value));
	if (single)
	{
		uint32		bits4 = (uint32) bits;

		memcpy(&value4, &bits4, sizeof(value4));
		value = value4;
		json_append_float4(&out.buffer, value4);
	}
	else
		json_append_float8(&out.buffer, value);

	if (isnan(value) || isinf(value))
	{
		node = parse_output(&out, JSON_STRING);
		REQUIRE(strcmp(node->text, special_float(value)) == 0);
		json_free(node);
		return;
	}
	node = parse_output(&out, JSON_NUMBER);
	if (single)
		REQUIRE(strtof(node->text, NULL) == value4);
	else
		REQUIRE(strtod(node->text, NULL) == value);
	REQUIRE((node->text[0] == '-') == (signbit(value) != 0));
	require_java_notation(node->text, value);
	json_free(node);
}

/* The usual digits for those that are safe in URLs */
static void
translate_url_digits(char *text, int len)
{
	for (int i = 0; i < len; i++)
	{
		REQUIRE(text[i] != '+' && text[i] != '/');
		text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	}
}

static void
fuzz_base64(FuzzInput *input)
{
	Output		out;
	JsonNode   *node;
	const uint8_t *bytes;
	unsigned char *decoded;
	char	   *copy;
	bool		url = fuzz_choose(input, 2);
	int			len;

	begin_output(&out, input);
	len = fuzz_bytes(input, SIZE_MAX, &bytes);
	copy = palloc(len);
	memcpy(copy, bytes, len);
	if (url)
		json_append_base64_url(&out.buffer, copy, len);
	else
		json_append_base64(&out.buffer, copy, len);
	node = parse_output(&out, JSON_STRING);
	if (url)
		translate_url_digits(node->text, node->len);
	decoded = palloc(node->len);
	REQUIRE(json_decode_base64(node->text, node->len, decoded) == len);
	REQUIRE(memcmp(decoded, copy, len) == 0);
	json_free(node);
}

static void
fuzz_hex(FuzzInput *input)
{
	Output		out;
	JsonNode   *node;
	StringInfoData expected;
	const uint8_t *bytes;
	char	   *copy;
	int			len;

	begin_output(&out, input);
	len = fuzz_bytes(input, SIZE_MAX, &bytes);
	copy = palloc(len);
	memcpy(copy, bytes, len);
	json_append_hex(&out.buffer, copy, len);
	node = parse_output(&out, JSON_STRING);
	initStringInfo(&expected);
	for (int i = 0; i < len; i++)
		appendStringInfo(&expected, "%02x", bytes[i]);
	REQUIRE(node->len == expected.len);
	REQUIRE(memcmp(node->text, expected.data, node->len) == 0);
	json_free(node);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	input = {data, size};

	shim_spare = fuzz_choose(&input, MAX_SPARE);
	switch (fuzz_choose(&input, 8))
	{
		case 0:
			fuzz_integer(&input);
			break;
		case 1:
			fuzz_float(&input);
			break;
		case 2:
			fuzz_base64(&input);
			break;
		case 3:
			fuzz_string(&input, true);
			break;
		case 4:
			fuzz_hex(&input);
			break;
		default:
			fuzz_string(&input, false);
			break;
	}
	shim_reset();
	return 0;
}
