/*-------------------------------------------------------------------------
 *
 * json_check.c
 *	  An independent reader of JSON, to judge what was written.
 *
 * A recursive descent over the text.  Allocates with malloc().
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/json_check.c
 *
 *-------------------------------------------------------------------------
 */
#include "json_check.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH	256

typedef struct Reader
{
	const char *p;
	const char *end;
	int			depth;
} Reader;

static JsonNode *read_value(Reader *reader);

static bool
looking_at(const Reader *reader, char c)
{
	return reader->p < reader->end && *reader->p == c;
}

static bool
accept(Reader *reader, const char *word)
{
	size_t		len = strlen(word);

	if ((size_t) (reader->end - reader->p) < len ||
		memcmp(reader->p, word, len) != 0)
		return false;
	reader->p += len;
	return true;
}

size_t
json_utf8_length(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *) text;
	unsigned long code_point;
	size_t		n;

	if (len == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
	if (s[0] < 0xC2 || s[0] > 0xF4 || len < n)
		return 0;
	code_point = s[0] & (0x7F >> n);
	for (size_t i = 1; i < n; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		code_point = code_point << 6 | (s[i] & 0x3F);
	}
	if ((n == 3 && code_point < 0x800) || (n == 4 && code_point < 0x10000) ||
		(code_point >= 0xD800 && code_point <= 0xDFFF) ||
		code_point > 0x10FFFF)
		return 0;
	return n;
}

/* The code unit after "\u", or -1. */
static int
read_hex(Reader *reader)
{
	int			unit = 0;

	for (int i = 0; i < 4; i++)
	{
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *digit;

		if (reader->p == reader->end || *reader->p == '\0')
			return -1;
		digit = strchr(digits, *reader->p++);
		if (digit == NULL)
			return -1;
		unit = unit << 4 | ((digit - digits) & 0x0F);
	}
	return unit;
}

/* The low surrogate that must follow a high one, or -1 */
static int
read_low_surrogate(Reader *reader)
{
	int			unit;

	if (!accept(reader, "\\u"))
		return -1;
	unit = read_hex(reader);
	return unit >= 0xDC00 && unit <= 0xDFFF ? unit : -1;
}

/*
 * The code point that an escape stands for, or -1.  What is written has no
 * escapes but of control characters and of characters beyond U+FFFF, so others
 * are taken for errors.
 */
static int
read_escape(Reader *reader)
{
	static const char names[] = "\"\\bfnrt";
	static const char characters[] = "\"\\\b\f\n\r\t";
	const char *name;
	int			unit;
	int			low;

	if (reader->p == reader->end || *reader->p == '\0')
		return -1;
	if (*reader->p != 'u')
	{
		name = strchr(names, *reader->p++);
		return name ? characters[name - names] : -1;
	}
	reader->p++;
	unit = read_hex(reader);
	if (unit < 0x20)
		return unit;
	low = read_low_surrogate(reader);
	if (unit < 0xD800 || unit > 0xDBFF || low < 0)
		return -1;
	return 0x10000 + ((unit & 0x3FF) << 10 | (low & 0x3FF));
}

/* Write a code point below U+0080 or beyond U+FFFF; returns its length. */
static size_t
write_code_point(char *text, int c)
{
	if (c < 0x80)
	{
		text[0] = c;
		return 1;
	}
	text[0] = 0xF0 | c >> 18;
	text[1] = 0x80 | (c >> 12 & 0x3F);
	text[2] = 0x80 | (c >> 6 & 0x3F);
	text[3] = 0x80 | (c & 0x3F);
	return 4;
}

/* The decoded text, or NULL. */
static char *
read_string(Reader *reader, size_t *len)
{
	char	   *text;

	*len = 0;
	if (!accept(reader, "\""))
		return NULL;
	text = malloc(reader->end - reader->p + 1);
	while (reader->p < reader->end && *reader->p != '"')
	{
		size_t		n = json_utf8_length(reader->p, reader->end - reader->p);
		int			c;

		if (n == 0 || (unsigned char) *reader->p < 0x20)
			break;
		if (*reader->p != '\\')
		{
			memcpy(text + *len, reader->p, n);
			*len += n;
			reader->p += n;
			continue;
		}
		reader->p++;
		c = read_escape(reader);
		if (c < 0)
			break;
		*len += write_code_point(text + *len, c);
	}
	text[*len] = '\0';
	if (!accept(reader, "\""))
	{
		free(text);
		return NULL;
	}
	return text;
}

static size_t
skip_digits(Reader *reader)
{
	const char *start = reader->p;

	while (reader->p < reader->end && *reader->p >= '0' && *reader->p <= '9')
		reader->p++;
	return reader->p - start;
}

static bool
skip_number(Reader *reader)
{
	accept(reader, "-");
	if (!accept(reader, "0") && skip_digits(reader) == 0)
		return false;
	if (accept(reader, ".") && skip_digits(reader) == 0)
		return false;
	if (accept(reader, "e") || accept(reader, "E"))
	{
		if (!accept(reader, "-"))
			accept(reader, "+");
		if (skip_digits(reader) == 0)
			return false;
	}
	return true;
}

static bool
read_number(Reader *reader, JsonNode *node)
{
	const char *start = reader->p;

	if (!skip_number(reader))
		return false;
	node->kind = JSON_NUMBER;
	node->len = reader->p - start;
	node->text = malloc(node->len + 1);
	memcpy(node->text, start, node->len);
	node->text[node->len] = '\0';
	return true;
}

/* The elements of an array or members of an object, and what closes it. */
static bool
read_members(Reader *reader, JsonNode *node)
{
	const char *close = node->kind == JSON_OBJECT ? "}" : "]";
	JsonNode  **last = &node->first;

	if (accept(reader, close))
		return true;
	do
	{
		char	   *name = NULL;
		size_t		len;

		if (node->kind == JSON_OBJECT)
		{
			name = read_string(reader, &len);
			if (name == NULL || json_member(node, name) ||
				!accept(reader, ":"))
			{
				free(name);
				return false;
			}
		}
		*last = read_value(reader);
		if (*last == NULL)
		{
			free(name);
			return false;
		}
		(*last)->name = name;
		last = &(*last)->next;
		node->count++;
	} while (accept(reader, ","));
	return accept(reader, close);
}

static bool
read_into(Reader *reader, JsonNode *node)
{
	bool		valid;

	if (looking_at(reader, '"'))
	{
		node->kind = JSON_STRING;
		node->text = read_string(reader, &node->len);
		return node->text != NULL;
	}
	if (accept(reader, "{"))
		node->kind = JSON_OBJECT;
	else if (accept(reader, "["))
		node->kind = JSON_ARRAY;
	else if (accept(reader, "null"))
		return true;
	else if (accept(reader, "true"))
	{
		node->kind = JSON_TRUE;
		return true;
	}
	else if (accept(reader, "false"))
	{
		node->kind = JSON_FALSE;
		return true;
	}
	else
		return read_number(reader, node);

	if (++reader->depth > MAX_DEPTH)
		return false;
	valid = read_members(reader, node);
	reader->depth--;
	return valid;
}

static JsonNode *
read_value(Reader *reader)
{
	JsonNode   *node = calloc(1, sizeof(JsonNode));

	if (!read_into(reader, node))
	{
		json_free(node);
		return NULL;
	}
	return node;
}

JsonNode *
json_parse(const char *text, size_t len)
{
	Reader		reader = {text, text + len, 0};
	JsonNode   *node = read_value(&reader);

	if (node && reader.p != reader.end)
	{
		json_free(node);
		return NULL;
	}
	return node;
}

void
json_free(JsonNode *node)
{
	while (node)
	{
		JsonNode   *next = node->next;

		json_free(node->first);
		free(node->text);
		free(node->name);
		free(node);
		node = next;
	}
}

JsonNode *
json_member(const JsonNode *object, const char *name)
{
	for (JsonNode *node = object->first; node; node = node->next)
	{
		if (node->name && strcmp(node->name, name) == 0)
			return node;
	}
	return NULL;
}

/* The six bits of a digit; 64 for the padding, -1 for others. */
static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : c == '=' ? 64 : -1;
}

long
json_decode_base64(const char *text, size_t len, unsigned char *out)
{
	long		n = 0;

	if (len % 4 != 0)
		return -1;
	for (size_t i = 0; i < len; i += 4)
	{
		int			a = base64_value(text[i]);
		int			b = base64_value(text[i + 1]);
		int			c = base64_value(text[i + 2]);
		int			d = base64_value(text[i + 3]);

		if (a < 0 || a > 63 || b < 0 || b > 63 || c < 0 || d < 0)
			return -1;
		if ((c == 64 && d != 64) || (d == 64 && i + 4 < len))
			return -1;
		out[n++] = a << 2 | b >> 4;
		if (c != 64)
			out[n++] = (b & 0x0F) << 4 | c >> 2;
		if (d != 64)
			out[n++] = (c & 0x03) << 6 | d;
		/* bits that belong to no byte are zero */
		if ((c == 64 && (b & 0x0F) != 0) || (c != 64 && d == 64 && (c & 0x03)))
			return -1;
	}
	return n;
}
