/*-------------------------------------------------------------------------
 *
 * capture_emit.c
 *	  Events to messages: the bytes of the encoder go to the sink.
 *
 * Here a transaction begins, at its first event, and events get their number
 * within it.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  Bytes are written to buffers of the state, which are reused.
 * No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/capture_emit.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "capture_internal.h"
#include "replication/origin.h"
#include "utils/memutils.h"
#include "value_time.h"

static void
set_origin(CaptureState *state, ReorderBufferTXN *txn)
{
	TransactionInfo *transaction = &state->transaction;
	char	   *name;

	if (transaction->origin)
		pfree((char *) transaction->origin);
	transaction->origin = NULL;
	transaction->origin_lsn = txn->origin_lsn;
	if (txn->origin_id != CdcInvalidOriginId &&
		replorigin_by_oid(txn->origin_id, true, &name))
		transaction->origin = MemoryContextStrdup(state->context, name);
}

/* At the first event of a transaction */
static void
begin_transaction(CaptureState *state, ReorderBufferTXN *txn)
{
	set_origin(state, txn);
	state->encoder->begin(state->encoder, &state->transaction);
	state->begun = true;
	capture_counts.transactions++;
}

/* A message that the sink can never take is an error of the data. */
static void
check_size(const CaptureState *state, const Message *message)
{
	Sink	   *sink = state->sink;
	int			room;

	if (sink->value_room == NULL)
		return;
	room = sink->value_room(sink, message);
	if (message->value_len > room)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("message for Kafka topic \"%s\" is too large",
					   message->topic_name),
				errdetail("The key has %d bytes and the value %d; with this key, values of %d bytes can be sent.",
						  message->key_len, message->value_len,
						  Max(room, 0)),
				errhint("Increase the limit with ALTER SERVER ... OPTIONS (SET message_max_bytes '...'), and max.message.bytes of the topic in Kafka; or let cdc_emit.alter_subscription() set on_error to dead_letter."));
}

/* Hand over a message; a value of NULL makes it a tombstone. */
static void
emit_message(CaptureState *state, const RelationInfo *info,
			 const StringInfo key, const StringInfo value,
			 const MessageHeader *header)
{
	Message		message;

	message.topic = info->topic;
	message.topic_name = info->topic_name;
	message.key = key ? key->data : NULL;
	message.key_len = key ? key->len : 0;
	message.value = value ? value->data : NULL;
	message.value_len = value ? value->len : 0;
	message.truncated = false;
	message.nheaders = header ? 1 : 0;
	message.headers = header;
	message.keyless_hash = info->keyless_hash;
	message.timestamp_ms =
		value_time_unix_us(state->transaction.commit_time) / 1000;
	check_size(state, &message);
	state->current.phase = CAPTURE_EMITTING;
	state->sink->emit(state->sink, &message, state->transaction.commit_time);
}

static void
begin_encoding(CaptureState *state, const ChangeEvent *event, StringInfo key)
{
	CurrentChange *current = &state->current;

	current->phase = CAPTURE_ENCODING;
	current->relation = event->relation;
	current->op = event->op;
	current->key = key;
	current->index = event->index;
	current->numbered = true;
	current->value_begun = true;
	current->encoded = false;
}

void
capture_emit(CaptureState *state, ReorderBufferTXN *txn, ChangeEvent *event,
			 const StringInfo key, const MessageHeader *header)
{
	if (!state->begun)
		begin_transaction(state, txn);
	event->transaction = &state->transaction;
	event->index = state->next_index++;
	begin_encoding(state, event, key);

	resetStringInfo(&state->value);
	state->encoder->value(state->encoder, event, &state->value);
	state->current.encoded = true;
	emit_message(state, event->relation, key, &state->value, header);
}

StringInfo
capture_key(CaptureState *state, const RelationInfo *info,
			const RowImage *row, StringInfo buffer)
{
	CurrentChange *current = &state->current;

	if (info->nkeys == 0)
		return NULL;
	current->phase = CAPTURE_ENCODING;
	current->relation = info;
	current->numbered = false;
	current->value_begun = current->encoded = false;
	current->key = NULL;
	resetStringInfo(buffer);
	state->encoder->key(state->encoder, info, row, buffer);
	current->key = buffer;
	return buffer;
}

void
capture_emit_tombstone(CaptureState *state, const RelationInfo *info,
					   const StringInfo key, const MessageHeader *header)
{
	if (!state->options->tombstones)
		return;
	state->current.phase = CAPTURE_ENCODING;
	emit_message(state, info, key, NULL, header);
	capture_counts.tombstones++;
}
