/*-------------------------------------------------------------------------
 *
 * config.c
 *	  Flat form of a subscription's configuration.
 *
 * The controller reads catalogs and writes this form into shared memory; the
 * worker, which must not read catalogs, takes it from there.  It is a run of
 * NUL-terminated strings, lists preceded by their length.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/config.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "config.h"
#include "options.h"

/* Reads the strings one after the other. */
typedef struct ConfigCursor
{
	const char *next;
	const char *end;
} ConfigCursor;

static void
put_string(StringInfo buf, const char *string)
{
	appendBinaryStringInfo(buf, string, strlen(string) + 1);
}

static void
put_number(StringInfo buf, uint32 number)
{
	char		text[16];

	snprintf(text, sizeof(text), "%u", number);
	put_string(buf, text);
}

static char *
get_string(ConfigCursor *cursor)
{
	size_t		left = cursor->end - cursor->next;
	size_t		len = strnlen(cursor->next, left);
	char	   *result;

	if (len == left)
		elog(ERROR, "configuration of subscription is cut off");
	result = pstrdup(cursor->next);
	cursor->next += len + 1;
	return result;
}

static uint32
get_number(ConfigCursor *cursor)
{
	char	   *text = get_string(cursor);
	uint32		result = strtoul(text, NULL, 10);

	pfree(text);
	return result;
}

static SkippedTransaction *
get_skipped(ConfigCursor *cursor)
{
	SkippedTransaction *skipped = palloc(sizeof(SkippedTransaction));

	skipped->commit_lsn = (XLogRecPtr) get_number(cursor) << 32;
	skipped->commit_lsn |= get_number(cursor);
	skipped->xid = get_number(cursor);
	return skipped;
}

void
config_serialize(const SubscriptionConfig *config, StringInfo buf)
{
	ListCell   *lc;

	put_number(buf, config->owner);
	put_string(buf, config->options);
	put_number(buf, list_length(config->publications));
	foreach(lc, config->publications)
		put_string(buf, lfirst(lc));
	put_number(buf, list_length(config->skipped));
	foreach(lc, config->skipped)
	{
		SkippedTransaction *skipped = lfirst(lc);

		put_number(buf, (uint32) (skipped->commit_lsn >> 32));
		put_number(buf, (uint32) skipped->commit_lsn);
		put_number(buf, skipped->xid);
	}
	put_number(buf, list_length(config->properties));
	foreach(lc, config->properties)
	{
		NameValue  *property = lfirst(lc);

		put_string(buf, property->name);
		put_string(buf, property->value);
	}
}

SubscriptionConfig *
config_deserialize(const char *data, uint32 size)
{
	SubscriptionConfig *config = palloc0(sizeof(SubscriptionConfig));
	ConfigCursor cursor = {data, data + size};
	uint32		count;

	config->owner = get_number(&cursor);
	config->options = get_string(&cursor);
	count = get_number(&cursor);
	while (count-- > 0)
		config->publications = lappend(config->publications,
									   get_string(&cursor));
	count = get_number(&cursor);
	while (count-- > 0)
		config->skipped = lappend(config->skipped, get_skipped(&cursor));
	count = get_number(&cursor);
	while (count-- > 0)
	{
		NameValue  *property = palloc(sizeof(NameValue));

		property->name = get_string(&cursor);
		property->value = get_string(&cursor);
		config->properties = lappend(config->properties, property);
	}
	return config;
}
