/*-------------------------------------------------------------------------
 *
 * json_check.h
 *	  An independent reader of JSON, to judge what was written.
 *
 * Strict: RFC 8259 without white space, UTF-8 without surrogates, overlong
 * forms and code points beyond U+10FFFF, no member name twice.  Knows nothing
 * of PostgreSQL.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/json_check.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_FUZZ_JSON_CHECK_H
#define CDC_FUZZ_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

typedef enum JsonKind
{
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
} JsonKind;

typedef struct JsonNode JsonNode;

struct JsonNode
{
	JsonKind	kind;
	char	   *text;			/* of a number as written, of a string decoded
								 * to UTF-8; ends with a NUL beyond len */
	size_t		len;
	char	   *name;			/* of a member of an object, decoded */
	JsonNode   *first;			/* elements or members */
	JsonNode   *next;			/* in the same array or object */
	int			count;			/* of elements or members */
};

/*
 * Read one value that takes all of text.  NULL if it is not valid.
 * json_free() frees the result.
 */
extern JsonNode *json_parse(const char *text, size_t len);
extern void json_free(JsonNode *node);

/* The member of this name; NULL if there is none. */
extern JsonNode *json_member(const JsonNode *object, const char *name);

/* Length of the valid UTF-8 character at the start of text, or 0. */
extern size_t json_utf8_length(const char *text, size_t len);

/*
 * Decode base64 with padding into out, which has room for len / 4 * 3 bytes.
 * Returns how many there are, or -1 if text is not what an encoder writes.
 */
extern long json_decode_base64(const char *text, size_t len,
							   unsigned char *out);

#endif							/* CDC_FUZZ_JSON_CHECK_H */
