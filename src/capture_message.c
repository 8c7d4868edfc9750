/*-------------------------------------------------------------------------
 *
 * capture_message.c
 *	  Messages of pg_logical_emit_message() to events.
 *
 * A message inside a transaction is one of its events.  One outside stands
 * for itself: it is sent at once, and confirmed like a transaction that
 * commits where the message is in WAL.
 *
 * Runs in any process that decodes, in a transaction.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/capture_message.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "capture_internal.h"
#include "event_field.h"
#include "route_headers.h"
#include "utils/timestamp.h"

/* What is unavailable of a message that is too long, as a JSON array */
#define UNAVAILABLE_CONTENT	"[\"content\"]"

/* Is the prefix one of these, or does it begin with one that ends in "*"? */
static bool
matches(const List *patterns, const char *prefix)
{
	ListCell   *lc;

	foreach(lc, patterns)
	{
		const char *pattern = lfirst(lc);
		size_t		len = strlen(pattern);

		if (strcmp(pattern, prefix) == 0)
			return true;
		if (len > 0 && pattern[len - 1] == '*' &&
			strncmp(pattern, prefix, len - 1) == 0)
			return true;
	}
	return false;
}

/* Anybody can write messages, so none is wanted unless it is named. */
static bool
is_wanted(const SubscriptionOptions *options, const char *prefix)
{
	return matches(options->message_include, prefix) &&
		!matches(options->message_exclude, prefix);
}

/* The message stands for a transaction of its own, whose LSN is known. */
static void
place_outside(CaptureState *state, EventPosition *position)
{
	TransactionInfo *transaction = &state->transaction;

	transaction->xid = InvalidTransactionId;
	transaction->commit_time = GetCurrentTimestamp();
	if (transaction->origin)
		pfree((char *) transaction->origin);
	transaction->origin = NULL;
	transaction->origin_lsn = InvalidXLogRecPtr;
	capture_prepare(state);
	state->encoder->begin(state->encoder, transaction);
	position->transaction = transaction;
	position->index = 0;
	position->collection_order = 0;
}

static void
collect_headers(CaptureState *state, const LogicalMessage *message)
{
	Encoder    *encoder = state->encoder;
	const HeaderTemplates *templates = route_message_headers(state->router);
	HeaderList *headers = &state->headers;

	headers_reset(headers);
	if (encoder->message_headers)
		encoder->message_headers(encoder, message, headers);
	if (templates)
		header_templates_add(templates, EVENT_OP_MESSAGE, &message->position,
							 NULL, headers);
	if (message->content == NULL)
		headers_add(headers, CAPTURE_HEADER_UNAVAILABLE,
					UNAVAILABLE_CONTENT, strlen(UNAVAILABLE_CONTENT));
}

static void
emit_logical_message(CaptureState *state, const LogicalMessage *message)
{
	Encoder    *encoder = state->encoder;
	CurrentChange *current = &state->current;

	current->phase = CAPTURE_ENCODING;
	current->message = message;
	current->index = message->position.index;
	current->placed = true;
	resetStringInfo(&state->key);
	encoder->message_key(encoder, message, &state->key);
	current->key = &state->key;
	resetStringInfo(&state->value);
	current->value_begun = true;
	encoder->message_value(encoder, message, &state->value);
	current->encoded = true;
	collect_headers(state, message);
	capture_emit_special(state, &state->message_topic, &state->key,
						 &state->value);
}

void
capture_message(CaptureState *state, LogicalMessage *message,
				bool transactional)
{
	if (!is_wanted(state->options, message->prefix))
	{
		capture_counts.filtered++;
		return;
	}
	if (state->options->max_value_bytes > 0 &&
		message->content_len > state->options->max_value_bytes)
		message->content = NULL;
	if (transactional)
		capture_place(state, NULL, &message->position);
	else
		place_outside(state, &message->position);
	emit_logical_message(state, message);
}
