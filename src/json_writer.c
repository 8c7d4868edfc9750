/*-------------------------------------------------------------------------
 *
 * json_writer.c
 *	  Writing JSON text: strings, numbers, base64.
 *
 * The text is that of Jackson, which Kafka's JSON converter uses: no white
 * space, control characters as short escapes or \u00XX, characters beyond
 * U+FFFF as escapes of their UTF-16 units, everything else as it is.  Equal
 * keys have equal bytes then, so they go to the partition where Debezium's
 * do.  The result is valid UTF-8 whatever the server encoding is: what
 * cannot be converted becomes U+FFFD, and so do bytes of an SQL_ASCII
 * database that are not UTF-8.
 *
 * Runs in any process that decodes.  Appends to the caller's buffer.  No
 * locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/json_writer.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/namespace.h"
#include "common/shortest_dec.h"
#include "fmgr.h"
#include "json_writer.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#define ONES			UINT64CONST(0x0101010101010101)
#define HIGH_BITS		UINT64CONST(0x8080808080808080)

/* Nonzero if a byte of the word is zero. */
#define HAS_ZERO(word)	(((word) - ONES) & ~(word) & HIGH_BITS)

/* Longest text of a float: sign, digits, point, zeros, exponent. */
#define FLOAT_TEXT_MAX	64

/* Bytes between two checks for interrupts; a multiple of three */
#define BLOCK_BYTES		(3 * 1024 * 1024)

/* Size of the buffer that text of another encoding is converted in. */
#define CONVERSION_BYTES	4096

#define REPLACEMENT_CHARACTER	"\xEF\xBF\xBD"

/* The least first byte of a UTF-8 character of four bytes. */
#define FOUR_BYTES		0xF0

/* Characters from here on need two UTF-16 units. */
#define SUPPLEMENTARY	0x10000

static const char base64_digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const char base64_url_digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const char upper_hex[] = "0123456789ABCDEF";
static const char lower_hex[] = "0123456789abcdef";

void
json_enlarge(StringInfo out, int64 needed)
{
	if (out->len + needed >= (int64) MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("event is longer than 1 GB"),
				 errdetail("It has %d bytes so far, and " INT64_FORMAT " more are needed.",
						   out->len, needed),
				 errhint("Set the option max_value_bytes to leave out values that are longer.")));
	enlargeStringInfo(out, (int) needed);
}

/* Conversion of the server encoding, one for all the process's life */
static FmgrInfo conversion;
static bool conversion_is_valid = false;

/* Nonzero if one of eight bytes needs an escape; see byte_needs_escape(). */
static inline uint64
word_needs_escape(uint64 word)
{
	uint64		control = (word - ONES * 0x20) & ~word & HIGH_BITS;
	uint64		two_bits = word & (word << 1);
	uint64		four_bits = two_bits & (two_bits << 2) & HIGH_BITS;

	return control | four_bits | HAS_ZERO(word ^ (ONES * '"')) |
		HAS_ZERO(word ^ (ONES * '\\'));
}

/* A character of four bytes is beyond U+FFFF; its first byte tells. */
static inline bool
byte_needs_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\' || c >= FOUR_BYTES;
}

/* Length of the leading part of str that can be copied as it is. */
static inline int
plain_length(const char *str, int len)
{
	int			i = 0;

	while (i + (int) sizeof(uint64) <= len)
	{
		uint64		word;

		memcpy(&word, str + i, sizeof(word));
		if (word_needs_escape(word))
			break;
		i += sizeof(word);
	}
	while (i < len && !byte_needs_escape((unsigned char) str[i]))
		i++;
	return i;
}

static bool
is_ascii(const char *str, int len)
{
	int			i = 0;

	while (i + (int) sizeof(uint64) <= len)
	{
		uint64		word;

		memcpy(&word, str + i, sizeof(word));
		if (word & HIGH_BITS)
			return false;
		i += sizeof(word);
	}
	for (; i < len; i++)
	{
		if (IS_HIGHBIT_SET(str[i]))
			return false;
	}
	return true;
}

static void
append_utf16_unit(StringInfo out, unsigned int unit)
{
	char		escape[6] = {'\\', 'u',
		upper_hex[unit >> 12],
		upper_hex[(unit >> 8) & 0x0F],
		upper_hex[(unit >> 4) & 0x0F],
		upper_hex[unit & 0x0F]
	};

	json_append_raw(out, escape, sizeof(escape));
}

void
json_append_unicode_escape(StringInfo out, pg_wchar c)
{
	if (c >= SUPPLEMENTARY)
	{
		c -= SUPPLEMENTARY;
		append_utf16_unit(out, 0xD800 + (c >> 10));
		c = 0xDC00 + (c & 0x3FF);
	}
	append_utf16_unit(out, c);
}

/*
 * Append a character of four bytes; returns its length.  len bytes are there:
 * a value that its type did not check may end within it.
 */
static int
append_four_bytes(StringInfo out, const unsigned char *str, int len)
{
	if (len < 4 || !pg_utf8_islegal(str, 4))
	{
		json_append_literal(out, REPLACEMENT_CHARACTER);
		return 1;
	}
	json_append_unicode_escape(out, utf8_to_unicode(str));
	return 4;
}

/* Append the escape of a character; returns the character's length. */
static int
append_escape(StringInfo out, const char *str, int len)
{
	unsigned char c = (unsigned char) *str;

	if (c >= FOUR_BYTES)
		return append_four_bytes(out, (const unsigned char *) str, len);
	switch (c)
	{
		case '"':
			json_append_literal(out, "\\\"");
			break;
		case '\\':
			json_append_literal(out, "\\\\");
			break;
		case '\b':
			json_append_literal(out, "\\b");
			break;
		case '\f':
			json_append_literal(out, "\\f");
			break;
		case '\n':
			json_append_literal(out, "\\n");
			break;
		case '\r':
			json_append_literal(out, "\\r");
			break;
		case '\t':
			json_append_literal(out, "\\t");
			break;
		default:
			append_utf16_unit(out, c);
			break;
	}
	return 1;
}

/* Append valid UTF-8, escaped, without quotes. */
static void
append_escaped(StringInfo out, const char *str, int len)
{
	for (;;)
	{
		int			done = plain_length(str, len);

		json_append_raw(out, str, done);
		if (done == len)
			return;
		done += append_escape(out, str + done, len - done);
		str += done;
		len -= done;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Append bytes of unknown encoding: what is not UTF-8 becomes U+FFFD. */
static void
append_repaired(StringInfo out, const char *str, int len)
{
	while (len > 0)
	{
		int			valid = pg_encoding_verifymbstr(PG_UTF8, str, len);

		append_escaped(out, str, valid);
		str += valid;
		len -= valid;
		if (len > 0)
		{
			json_append_literal(out, REPLACEMENT_CHARACTER);
			str++;
			len--;
		}
	}
}

/* Callback: a conversion was made or dropped. */
static void
forget_conversion(Datum arg, int cacheid, uint32 hash)
{
	conversion_is_valid = false;
}

/*
 * The function that converts the server encoding to UTF-8, found once and
 * kept until conversions change.
 */
static FmgrInfo *
conversion_to_utf8(int encoding)
{
	static bool registered = false;
	Oid			function;

	if (conversion_is_valid)
		return &conversion;
	if (!registered)
	{
		CacheRegisterSyscacheCallback(CONDEFAULT, forget_conversion,
									  (Datum) 0);
		registered = true;
	}
	function = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("default conversion function for encoding \"%s\" to \"%s\" does not exist",
						pg_encoding_to_char(encoding),
						pg_encoding_to_char(PG_UTF8))));
	fmgr_info_cxt(function, &conversion, TopMemoryContext);
	conversion_is_valid = true;
	return &conversion;
}

/* Convert what fits into utf8; returns how many bytes of str were used. */
static int
convert(FmgrInfo *function, int encoding, const char *str, int len,
		char *utf8, int size)
{
	len = Min(len, (size - 1) / MAX_CONVERSION_GROWTH);
	return DatumGetInt32(FunctionCall6(function, Int32GetDatum(encoding),
									   Int32GetDatum(PG_UTF8),
									   CStringGetDatum(str),
									   CStringGetDatum(utf8),
									   Int32GetDatum(len),
									   BoolGetDatum(true)));
}

/*
 * Append text of the server encoding, converted.  A conversion stops at the
 * end of its buffer or at a character that has no equivalent; in the latter
 * case the next one starts with that character and converts nothing.
 */
static void
append_converted(StringInfo out, const char *str, int len)
{
	int			encoding = GetDatabaseEncoding();
	FmgrInfo   *function = conversion_to_utf8(encoding);
	char		utf8[CONVERSION_BYTES];

	while (len > 0)
	{
		int			done = convert(function, encoding, str, len, utf8,
								   sizeof(utf8));

		if (done > 0)
			append_escaped(out, utf8, strlen(utf8));
		else
		{
			json_append_literal(out, REPLACEMENT_CHARACTER);
			done = pg_encoding_verifymbchar(encoding, str, len);
			done = Max(done, 1);
		}
		str += done;
		len -= done;
	}
}

/*
 * Append a string in the server encoding.  The first conversion looks up its
 * function in the system cache, so it needs a transaction; ASCII, the common
 * case, needs no conversion.
 */
void
json_append_string(StringInfo out, const char *str, int len)
{
	int			encoding = GetDatabaseEncoding();

	json_append_char(out, '"');
	if (encoding == PG_UTF8 || is_ascii(str, len))
		append_escaped(out, str, len);
	else if (encoding == PG_SQL_ASCII)
		append_repaired(out, str, len);
	else
		append_converted(out, str, len);
	json_append_char(out, '"');
}

void
json_append_cstring(StringInfo out, const char *str)
{
	json_append_string(out, str, strlen(str));
}

/*
 * Names of shared catalogs were given in some database of the cluster, whose
 * encoding is not known here.
 */
void
json_append_shared_name(StringInfo out, const char *str)
{
	int			len = strlen(str);

	if (GetDatabaseEncoding() != PG_UTF8)
	{
		json_append_string(out, str, len);
		return;
	}
	json_append_char(out, '"');
	append_repaired(out, str, len);
	json_append_char(out, '"');
}

void
json_append_utf8(StringInfo out, const char *str, int len)
{
	json_append_char(out, '"');
	append_escaped(out, str, len);
	json_append_char(out, '"');
}

void
json_append_int64(StringInfo out, int64 value)
{
	if (unlikely(out->maxlen - out->len <= MAXINT8LEN))
		json_enlarge(out, MAXINT8LEN);
	out->len += pg_lltoa(value, out->data + out->len);
}

void
json_append_uint64(StringInfo out, uint64 value)
{
	if (unlikely(out->maxlen - out->len <= MAXINT8LEN))
		json_enlarge(out, MAXINT8LEN);
	out->len += pg_ulltoa_n(value, out->data + out->len);
}

/*
 * Append the shortest text that PostgreSQL finds for a float (which ends with
 * a NUL) in the notation of Java: at least one digit after the point, and an
 * exponent below 1e-3 and from 1e7.
 */
static void
append_java_float(StringInfo out, const char *text, int len)
{
	char		digits[FLOAT_TEXT_MAX];
	int			ndigits = 0;
	int			point = -1;
	int			exponent = 0;
	int			leading = 0;
	int			i;

	if (*text == '-')
	{
		json_append_char(out, '-');
		text++;
		len--;
	}

	for (i = 0; i < len; i++)
	{
		if (text[i] == '.')
			point = ndigits;
		else if (text[i] == 'e')
		{
			exponent = atoi(text + i + 1);
			break;
		}
		else
			digits[ndigits++] = text[i];
	}
	if (point < 0)
		point = ndigits;

	/* The value is 0.DIGITS times ten to the power of point. */
	point += exponent;
	while (leading < ndigits - 1 && digits[leading] == '0')
	{
		leading++;
		point--;
	}
	memmove(digits, digits + leading, ndigits - leading);
	ndigits -= leading;
	while (ndigits > 1 && digits[ndigits - 1] == '0')
		ndigits--;

	if (ndigits == 1 && digits[0] == '0')
		json_append_literal(out, "0.0");
	else if (point > -3 && point <= 0)
	{
		json_append_literal(out, "0.");
		for (i = point; i < 0; i++)
			json_append_char(out, '0');
		json_append_raw(out, digits, ndigits);
	}
	else if (point > 0 && point <= 7)
	{
		for (i = 0; i < point; i++)
			json_append_char(out, i < ndigits ? digits[i] : '0');
		json_append_char(out, '.');
		if (ndigits > point)
			json_append_raw(out, digits + point, ndigits - point);
		else
			json_append_char(out, '0');
	}
	else
	{
		json_append_char(out, digits[0]);
		json_append_char(out, '.');
		if (ndigits > 1)
			json_append_raw(out, digits + 1, ndigits - 1);
		else
			json_append_char(out, '0');
		json_append_char(out, 'E');
		json_append_int64(out, point - 1);
	}
}

/* NaN and infinities; true if value was one. */
static bool
append_special_float(StringInfo out, double value)
{
	if (isnan(value))
		json_append_literal(out, "\"NaN\"");
	else if (isinf(value) && value > 0)
		json_append_literal(out, "\"Infinity\"");
	else if (isinf(value))
		json_append_literal(out, "\"-Infinity\"");
	else
		return false;
	return true;
}

void
json_append_float8(StringInfo out, double value)
{
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (!append_special_float(out, value))
		append_java_float(out, text,
						  double_to_shortest_decimal_buf(value, text));
}

void
json_append_float4(StringInfo out, float value)
{
	char		text[FLOAT_SHORTEST_DECIMAL_LEN];

	if (!append_special_float(out, value))
		append_java_float(out, text,
						  float_to_shortest_decimal_buf(value, text));
}

/* Encode bytes, in three at a time; returns the end of the text. */
static char *
put_base64(char *dst, const unsigned char *src, int len, const char *digits)
{
	for (; len >= 3; len -= 3, src += 3)
	{
		*dst++ = digits[src[0] >> 2];
		*dst++ = digits[(src[0] & 0x03) << 4 | src[1] >> 4];
		*dst++ = digits[(src[1] & 0x0F) << 2 | src[2] >> 6];
		*dst++ = digits[src[2] & 0x3F];
	}
	if (len > 0)
	{
		unsigned char second = len == 2 ? src[1] : 0;

		*dst++ = digits[src[0] >> 2];
		*dst++ = digits[(src[0] & 0x03) << 4 | second >> 4];
		*dst++ = len == 2 ? digits[(second & 0x0F) << 2] : '=';
		*dst++ = '=';
	}
	return dst;
}

static void
append_base64(StringInfo out, const char *data, int len, const char *digits)
{
	const unsigned char *src = (const unsigned char *) data;
	char	   *dst;

	json_enlarge(out, ((int64) len + 2) / 3 * 4 + 2);
	dst = out->data + out->len;
	*dst++ = '"';
	for (; len > BLOCK_BYTES; len -= BLOCK_BYTES, src += BLOCK_BYTES)
	{
		dst = put_base64(dst, src, BLOCK_BYTES, digits);
		CHECK_FOR_INTERRUPTS();
	}
	dst = put_base64(dst, src, len, digits);
	*dst++ = '"';
	out->len = dst - out->data;
}

void
json_append_base64(StringInfo out, const char *data, int len)
{
	append_base64(out, data, len, base64_digits);
}

void
json_append_base64_url(StringInfo out, const char *data, int len)
{
	append_base64(out, data, len, base64_url_digits);
}

void
json_append_hex(StringInfo out, const char *data, int len)
{
	char	   *dst;
	int			i;

	json_enlarge(out, (int64) len * 2 + 2);
	dst = out->data + out->len;
	*dst++ = '"';
	for (i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) data[i];

		*dst++ = lower_hex[c >> 4];
		*dst++ = lower_hex[c & 0x0F];
		if (unlikely(i % BLOCK_BYTES == BLOCK_BYTES - 1))
			CHECK_FOR_INTERRUPTS();
	}
	*dst++ = '"';
	out->len = dst - out->data;
}

/* The UTF-16 unit that four digits of ours stand for */
static pg_wchar
utf16_unit(const char *digits)
{
	pg_wchar	unit = 0;
	int			i;

	for (i = 0; i < 4; i++)
	{
		char		c = digits[i];

		unit = unit << 4 | (c >= 'A' ? c - 'A' + 10 : c - '0');
	}
	return unit;
}

/*
 * Append what \u escapes stand for and return their length.  They are those
 * of a control character, or two of a character beyond U+FFFF.
 */
static int
append_unescaped_unicode(StringInfo out, const char *escape)
{
	pg_wchar	unit = utf16_unit(escape + 2);
	unsigned char utf8[4];

	if (unit < 0x20)
	{
		json_append_char(out, unit);
		return 6;
	}
	unicode_to_utf8(SUPPLEMENTARY + ((unit - 0xD800) << 10) +
					(utf16_unit(escape + 8) - 0xDC00), utf8);
	json_append_raw(out, (char *) utf8, sizeof(utf8));
	return 12;
}

/* Append what an escape stands for and return its length. */
static int
append_unescaped(StringInfo out, const char *escape)
{
	switch (escape[1])
	{
		case 'b':
			json_append_char(out, '\b');
			return 2;
		case 'f':
			json_append_char(out, '\f');
			return 2;
		case 'n':
			json_append_char(out, '\n');
			return 2;
		case 'r':
			json_append_char(out, '\r');
			return 2;
		case 't':
			json_append_char(out, '\t');
			return 2;
		case 'u':
			return append_unescaped_unicode(out, escape);
		default:
			json_append_char(out, escape[1]);
			return 2;
	}
}

void
json_append_unquoted(StringInfo out, const char *json, int len)
{
	const char *end = json + len - 1;

	if (len == 0 || *json != '"')
	{
		json_append_raw(out, json, len);
		return;
	}
	json++;
	while (json < end)
	{
		const char *escape = memchr(json, '\\', end - json);
		int			plain = (escape ? escape : end) - json;

		json_append_raw(out, json, plain);
		json += plain;
		if (escape)
			json += append_unescaped(out, escape);
	}
}

void
json_append_plain(StringInfo out, const char *str, int len)
{
	StringInfoData json;

	initStringInfo(&json);
	json_append_string(&json, str, len);
	json_append_unquoted(out, json.data, json.len);
	pfree(json.data);
}
