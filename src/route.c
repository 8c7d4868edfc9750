/*-------------------------------------------------------------------------
 *
 * route.c
 *	  Where messages go: topic and partition.
 *
 * Runs in any process that decodes, once per relation.  Allocates in
 * CurrentMemoryContext.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/route.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "route.h"

/* Constants of the 32-bit FNV-1a hash */
#define FNV_OFFSET		0x811C9DC5
#define FNV_PRIME		0x01000193

static bool
is_topic_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/*
 * Length of the first character in bytes.  The name of a database may be in
 * another encoding than the server's; what is no character counts as one.
 */
static int
character_length(const char *str)
{
	int			len = pg_encoding_verifymbchar(GetDatabaseEncoding(), str,
											   strlen(str));

	return len > 0 ? len : 1;
}

/* One '_' for each character, not byte, that Kafka does not accept. */
static void
append_sanitized(StringInfo out, const char *str)
{
	while (*str)
	{
		appendStringInfoChar(out, is_topic_character(*str) ? *str : '_');
		str += character_length(str);
	}
}

/*
 * The value of the placeholder that template starts with, NULL if it starts
 * with none.  Sets *len to the placeholder's length.
 */
static const char *
placeholder_value(const char *template, int *len, const char *prefix,
				  const char *database, const char *schema, const char *table)
{
	const struct
	{
		const char *name;
		const char *value;
	}			placeholders[] = {
		{"{prefix}", prefix},
		{"{database}", database},
		{"{schema}", schema},
		{"{table}", table},
	};
	int			i;

	for (i = 0; i < lengthof(placeholders); i++)
	{
		*len = strlen(placeholders[i].name);
		if (strncmp(template, placeholders[i].name, *len) == 0)
			return placeholders[i].value;
	}
	return NULL;
}

char *
route_topic_name(const char *template, const char *prefix,
				 const char *database, const char *schema, const char *table)
{
	StringInfoData name;
	const char *p = template;

	initStringInfo(&name);
	while (*p)
	{
		int			len;
		const char *value = placeholder_value(p, &len, prefix, database,
											  schema, table);

		if (value)
		{
			append_sanitized(&name, value);
			p += len;
		}
		else
		{
			appendStringInfoChar(&name, is_topic_character(*p) ? *p : '_');
			p += character_length(p);
		}
	}

	if (name.len == 0 || name.len > ROUTE_TOPIC_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("topic name of table \"%s.%s\" has %d bytes",
						schema, table, name.len),
				 errdetail("Kafka accepts 1 to %d bytes.", ROUTE_TOPIC_MAX),
				 errhint("Choose another topic template with the option \"topic\".")));
	return name.data;
}

static uint32
hash_string(uint32 hash, const char *str)
{
	/* The final NUL separates this string from the next. */
	do
	{
		hash ^= (unsigned char) *str;
		hash *= FNV_PRIME;
	} while (*str++);
	return hash;
}

uint32
route_keyless_hash(const char *schema, const char *table)
{
	return hash_string(hash_string(FNV_OFFSET, schema), table);
}
