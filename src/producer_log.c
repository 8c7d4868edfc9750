/*-------------------------------------------------------------------------
 *
 * producer_log.c
 *	  What librdkafka says: into the server log and the status.
 *
 * Runs in a worker, on its main thread: librdkafka's log messages are events
 * of the main queue.  Allocates nothing.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/producer_log.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/timestamp.h"

#include "producer_internal.h"

/* How long the same log message is not repeated, in ms. */
#define LOG_INTERVAL_MS			60000

/*
 * Text of librdkafka or a broker, for people.  It may be in any encoding, so
 * only printable ASCII is kept.
 */
void
producer_copy_text(char *dst, size_t size, const char *src)
{
	size_t		len = 0;

	for (; *src != '\0' && len < size - 1; src++)
		dst[len++] = (*src >= ' ' && *src <= '~') ? *src : '?';
	dst[len] = '\0';
}

void
producer_record_error(Producer *producer, const char *text)
{
	producer_copy_text(producer->status.error, sizeof(producer->status.error),
					   text);
	producer->status.error_time = GetCurrentTimestamp();
}

/*
 * Should a message be logged?  Repetitions are counted; the number of those
 * not logged since the last time goes to *nsuppressed.  What librdkafka adds
 * at the end, durations and counts, does not make a difference.
 */
static bool
must_log(Producer *producer, const char *facility, const char *text,
		 int *nsuppressed)
{
	LogHistoryEntry *oldest = &producer->log_history[0];
	TimestampTz now = GetCurrentTimestamp();
	const char *end = strstr(text, " (after ");
	size_t		len = end ? (size_t) (end - text) : strlen(text);
	uint32		hash;

	hash = hash_combine(hash_bytes((const unsigned char *) facility,
								   strlen(facility)),
						hash_bytes((const unsigned char *) text, len));
	*nsuppressed = 0;

	for (int i = 0; i < LOG_HISTORY_SIZE; i++)
	{
		LogHistoryEntry *entry = &producer->log_history[i];

		if (entry->since != 0 && entry->hash == hash)
		{
			if (!TimestampDifferenceExceeds(entry->since, now,
											LOG_INTERVAL_MS))
			{
				entry->nsuppressed++;
				return false;
			}
			*nsuppressed = entry->nsuppressed;
			oldest = entry;
			break;
		}
		if (entry->since < oldest->since)
			oldest = entry;
	}

	oldest->hash = hash;
	oldest->since = now;
	oldest->nsuppressed = 0;
	return true;
}

void
producer_log_event(Producer *producer, rd_kafka_event_t *event)
{
	const char *facility;
	const char *raw_text;
	char		text[1024];
	int			level;
	int			nsuppressed;

	if (rd_kafka_event_log(event, &facility, &raw_text, &level) != 0)
		return;
	producer_copy_text(text, sizeof(text), raw_text);
	if (!must_log(producer, facility, text, &nsuppressed))
		return;

	ereport(LOG,
			errmsg("librdkafka: %s: %s", facility, text),
			nsuppressed > 0 ?
			errdetail_plural("%d message like this was suppressed.",
							 "%d messages like this were suppressed.",
							 nsuppressed, nsuppressed) : 0);
}
