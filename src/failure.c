/*-------------------------------------------------------------------------
 *
 * failure.c
 *	  What an error of a worker tells its administrator.
 *
 * Runs in a worker that is about to end.  The result is plain data for shared
 * memory; what is needed on the way is allocated in CurrentMemoryContext.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/failure.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "capture.h"
#include "failure.h"

/* First character that UTF-16 needs two units for */
#define SUPPLEMENTARY	0x10000

/* A character as JSON's escape of its UTF-16 units */
static void
append_unicode_escape(StringInfo out, pg_wchar c)
{
	if (c < SUPPLEMENTARY)
		appendStringInfo(out, "\\u%04x", (unsigned int) c);
	else
		appendStringInfo(out, "\\u%04x\\u%04x",
						 (unsigned int) (0xD800 + ((c - SUPPLEMENTARY) >> 10)),
						 (unsigned int) (0xDC00 + (c & 0x3FF)));
}

static bool
is_text(const char *key, int len)
{
	for (int i = 0; i < len; i++)
	{
		if ((unsigned char) key[i] < ' ')
			return false;
	}
	return pg_encoding_verifymbstr(PG_UTF8, key, len) == len;
}

/*
 * JSON is UTF-8: characters beyond ASCII become escapes if the server's
 * encoding is another.  Keys that are not text, such as those of Avro, are
 * shown in hexadecimal.
 */
static char *
key_text(const char *key, int len)
{
	bool		same = GetDatabaseEncoding() == PG_UTF8;
	StringInfoData text;

	initStringInfo(&text);
	if (!is_text(key, len))
	{
		appendStringInfoString(&text, "\\x");
		for (int i = 0; i < Min(len, CDC_KEY_LENGTH); i++)
			appendStringInfo(&text, "%02x", (unsigned char) key[i]);
		return text.data;
	}

	for (int i = 0; i < len && text.len < CDC_KEY_LENGTH;)
	{
		const unsigned char *c = (const unsigned char *) key + i;
		int			n = pg_utf_mblen(c);

		if (same || !IS_HIGHBIT_SET(*c))
			appendBinaryStringInfo(&text, key + i, n);
		else
			append_unicode_escape(&text, utf8_to_unicode(c));
		i += n;
	}
	return text.data;
}

/* Add what capture knows. */
static void
describe_event(SubscriptionError *error)
{
	CaptureFailure failure;

	if (!capture_get_failure(error->sqlstate, &failure))
		return;
	error->skippable = true;
	error->lsn = failure.commit_lsn;
	error->xid = failure.xid;
	error->permanent = failure.poison;
	if (failure.table != NULL)
		snprintf(error->table, sizeof(error->table), "%s.%s",
				 failure.schema, failure.table);
	if (failure.key != NULL)
		shmem_copy_text(error->key, sizeof(error->key),
						key_text(failure.key, failure.key_len));
}

void
failure_describe(SubscriptionError *error, XLogRecPtr position)
{
	ErrorData  *edata = CopyErrorData();

	memset(error, 0, sizeof(*error));
	error->sqlstate = edata->sqlerrcode;
	shmem_copy_text(error->message, sizeof(error->message), edata->message);
	shmem_copy_text(error->detail, sizeof(error->detail), edata->detail);
	shmem_copy_text(error->hint, sizeof(error->hint), edata->hint);
	error->lsn = position;
	describe_event(error);
}
