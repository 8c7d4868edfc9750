/*-------------------------------------------------------------------------
 *
 * hstore_text.c
 *	  Reading the text form of hstore.
 *
 * What hstore is on disk is the extension's own business; its text is not.
 *
 * Pure: no process, memory or locks of its own.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/hstore_text.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "hstore_text.h"

/* Skip a token; false if the text does not start with it. */
static bool
skip(char **p, const char *token)
{
	int			len = strlen(token);

	if (strncmp(*p, token, len) != 0)
		return false;
	*p += len;
	return true;
}

/* A quoted string, in which a backslash comes before a quote or another */
static bool
read_string(char **p, const char **string, int *len)
{
	char	   *from = *p;
	char	   *to;

	if (*from != '"')
		return false;
	to = ++from;
	*string = to;
	while (*from != '"')
	{
		if (*from == '\\')
			from++;
		if (*from == '\0')
			return false;
		*to++ = *from++;
	}
	*len = to - *string;
	*p = from + 1;
	return true;
}

bool
hstore_text_next(char **cursor, HstorePair *pair)
{
	char	   *p = *cursor;

	pair->value = NULL;
	pair->value_len = 0;
	if (!read_string(&p, &pair->key, &pair->key_len) || !skip(&p, "=>"))
		return false;
	if (!skip(&p, "NULL") &&
		!read_string(&p, &pair->value, &pair->value_len))
		return false;
	if (*p != '\0' && !(skip(&p, ", ") && *p == '"'))
		return false;
	*cursor = p;
	return true;
}
