/*-------------------------------------------------------------------------
 *
 * json_writer.h
 *	  Writing JSON text: strings, numbers, base64.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/json_writer.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_JSON_WRITER_H
#define CDC_JSON_WRITER_H

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/*
 * Make room for this many bytes more and a NUL.  Raises ERROR if a message
 * of more than 1 GB would result, which no memory chunk can hold.
 */
extern void json_enlarge(StringInfo out, int64 needed);

/*
 * Append bytes as they are.  Unlike appendBinaryStringInfo() it leaves the
 * buffer without a terminating NUL; json_terminate() adds it.
 */
static inline void
json_append_raw(StringInfo out, const char *data, int len)
{
	if (unlikely(len >= out->maxlen - out->len))
		json_enlarge(out, len);
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

static inline void
json_append_char(StringInfo out, char c)
{
	if (unlikely(out->maxlen - out->len <= 1))
		json_enlarge(out, 1);
	out->data[out->len++] = c;
}

#define json_append_literal(out, literal) \
	json_append_raw(out, "" literal "", sizeof(literal) - 1)

static inline void
json_terminate(StringInfo out)
{
	if (unlikely(out->maxlen - out->len <= 1))
		json_enlarge(out, 1);
	out->data[out->len] = '\0';
}

/*
 * A string in the server encoding, as quoted and escaped UTF-8.  Characters
 * that have no equivalent become U+FFFD.
 */
extern void json_append_string(StringInfo out, const char *str, int len);
extern void json_append_cstring(StringInfo out, const char *str);

/* The same for a name of a database or an origin, in whatever encoding. */
extern void json_append_shared_name(StringInfo out, const char *str);

/* The same for a string that is valid UTF-8 already. */
extern void json_append_utf8(StringInfo out, const char *str, int len);

/* A character as the escape of its UTF-16 units, for within a string */
extern void json_append_unicode_escape(StringInfo out, pg_wchar c);

extern void json_append_int64(StringInfo out, int64 value);
extern void json_append_uint64(StringInfo out, uint64 value);

/* Numbers in the notation of Java; NaN and infinities as strings. */
extern void json_append_float8(StringInfo out, double value);
extern void json_append_float4(StringInfo out, float value);

/*
 * Bytes as a quoted string: base64 with padding, in the usual digits or in
 * those that are safe in URLs, or hexadecimal.
 */
extern void json_append_base64(StringInfo out, const char *data, int len);
extern void json_append_base64_url(StringInfo out, const char *data, int len);
extern void json_append_hex(StringInfo out, const char *data, int len);

/*
 * A JSON value of ours as plain text: a string without quotes and escapes,
 * everything else as it is.
 */
extern void json_append_unquoted(StringInfo out, const char *json, int len);

/* Text of the server encoding as plain UTF-8, repaired as strings are. */
extern void json_append_plain(StringInfo out, const char *str, int len);

#endif							/* CDC_JSON_WRITER_H */
