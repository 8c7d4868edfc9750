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
	state->transaction.xid = txn->xid;
	state->transaction.commit_lsn = txn->final_lsn;
	state->transaction.commit_time = cdc_txn_commit_time(txn);
	set_origin(state, txn);
	state->encoder->begin(state->encoder, &state->transaction);
	state->begun = true;
	capture_counts.transactions++;
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
	message.nheaders = header ? 1 : 0;
	message.headers = header;
	message.keyless_hash = info->keyless_hash;
	message.timestamp_ms =
		value_time_unix_us(state->transaction.commit_time) / 1000;
	state->sink->emit(state->sink, &message, state->transaction.commit_time);
}

void
capture_emit(CaptureState *state, ReorderBufferTXN *txn, ChangeEvent *event,
			 const StringInfo key, const MessageHeader *header)
{
	if (!state->begun)
		begin_transaction(state, txn);
	event->transaction = &state->transaction;
	event->index = state->next_index++;

	resetStringInfo(&state->value);
	state->encoder->value(state->encoder, event, &state->value);
	emit_message(state, event->relation, key, &state->value, header);
}

StringInfo
capture_key(CaptureState *state, const RelationInfo *info,
			const RowImage *row, StringInfo buffer)
{
	if (info->nkeys == 0)
		return NULL;
	resetStringInfo(buffer);
	state->encoder->key(state->encoder, info, row, buffer);
	return buffer;
}

void
capture_emit_tombstone(CaptureState *state, const RelationInfo *info,
					   const StringInfo key, const MessageHeader *header)
{
	if (!state->options->tombstones)
		return;
	emit_message(state, info, key, NULL, header);
	capture_counts.tombstones++;
}
