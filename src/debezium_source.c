/*-------------------------------------------------------------------------
 *
 * debezium_source.c
 *	  The source block of Debezium's envelope.
 *
 * Most of the block is the same for all events of a transaction or of a
 * relation, so those parts are written once and copied.  The order of fields
 * is Debezium's; our identity of the event, commit_lsn and commit_index,
 * comes last.
 *
 * Runs in any process that decodes.  Parts of transactions are buffers that
 * are reused.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/debezium_source.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cdc_emit.h"
#include "debezium_source.h"
#include "event_field.h"
#include "json_writer.h"
#include "utils/builtins.h"
#include "value_time.h"

void
debezium_source_init(DebeziumSource *source, const EncoderSettings *settings)
{
	StringInfoData buffer;

	initStringInfo(&buffer);
	json_append_literal(&buffer,
						",\"source\":{\"version\":\"" CDC_VERSION "\","
						"\"connector\":\"" EVENT_CONNECTOR "\",\"name\":");
	json_append_shared_name(&buffer, settings->name);
	json_append_literal(&buffer, ",\"ts_ms\":");
	source->start = json_fragment(&buffer);

	resetStringInfo(&buffer);
	json_append_literal(&buffer, ",\"snapshot\":\"false\",\"db\":");
	json_append_shared_name(&buffer, settings->database);
	json_append_literal(&buffer, ",\"sequence\":");
	source->database = json_fragment(&buffer);
	pfree(buffer.data);

	initStringInfo(&source->to_sequence);
	initStringInfo(&source->to_schema);
	initStringInfo(&source->xid);
	initStringInfo(&source->to_index);
	source->relation = NULL;
	initStringInfo(&source->to_lsn);
}

static void
begin_sequence(StringInfo out, const DebeziumSource *source,
			   const TransactionInfo *transaction, int64 commit_us)
{
	resetStringInfo(out);
	json_append_raw(out, source->start.data, source->start.len);
	json_append_int64(out, commit_us / 1000);
	json_append_raw(out, source->database.data, source->database.len);
	if (XLogRecPtrIsInvalid(transaction->previous_end_lsn))
		json_append_literal(out, "\"[null,\\\"");
	else
	{
		json_append_literal(out, "\"[\\\"");
		json_append_uint64(out, transaction->previous_end_lsn);
		json_append_literal(out, "\\\",\\\"");
	}
}

static void
begin_index(StringInfo out, const TransactionInfo *transaction)
{
	resetStringInfo(out);
	json_append_literal(out, ",\"xmin\":null,\"origin\":");
	if (transaction->origin)
	{
		json_append_shared_name(out, transaction->origin);
		json_append_literal(out, ",\"origin_lsn\":");
		json_append_uint64(out, transaction->origin_lsn);
	}
	else
		json_append_literal(out, "null,\"origin_lsn\":null");
	json_append_literal(out, ",\"commit_lsn\":");
	json_append_uint64(out, transaction->commit_lsn);
	json_append_literal(out, ",\"commit_index\":");
}

void
debezium_source_begin(DebeziumSource *source,
					  const TransactionInfo *transaction)
{
	int64		commit_us = value_time_unix_us(transaction->commit_time);
	StringInfo	out;

	begin_sequence(&source->to_sequence, source, transaction, commit_us);

	out = &source->to_schema;
	resetStringInfo(out);
	json_append_literal(out, "\\\"]\",\"ts_us\":");
	json_append_int64(out, commit_us);
	json_append_literal(out, ",\"ts_ns\":");
	json_append_int64(out, commit_us);
	json_append_literal(out, "000,");

	out = &source->xid;
	resetStringInfo(out);
	if (TransactionIdIsValid(transaction->xid))
		json_append_uint64(out, transaction->xid);
	else
		json_append_literal(out, "null");
	json_append_literal(out, ",\"lsn\":");

	begin_index(&source->to_index, transaction);
	source->relation = NULL;
}

JsonFragment
debezium_source_relation(DebeziumSource *source, const char *schema,
						 const char *table)
{
	StringInfoData buffer;
	JsonFragment fragment;

	initStringInfo(&buffer);
	json_append_literal(&buffer, "\"schema\":");
	json_append_cstring(&buffer, schema);
	json_append_literal(&buffer, ",\"table\":");
	json_append_cstring(&buffer, table);
	json_append_literal(&buffer, ",\"txId\":");
	fragment = json_fragment(&buffer);
	pfree(buffer.data);
	source->relation = NULL;
	return fragment;
}

static void
use_relation(DebeziumSource *source, const JsonFragment *relation)
{
	StringInfo	out = &source->to_lsn;

	resetStringInfo(out);
	json_append_raw(out, source->to_schema.data, source->to_schema.len);
	json_append_fragment(out, relation);
	json_append_raw(out, source->xid.data, source->xid.len);
	source->relation = relation;
}

static inline char *
put(char *to, const char *data, int len)
{
	memcpy(to, data, len);
	return to + len;
}

/* Room is made once, not for each part. */
void
debezium_source_append(StringInfo out, DebeziumSource *source,
					   const JsonFragment *relation,
					   const EventPosition *position)
{
	char		lsn[MAXINT8LEN + 1];
	int			lsn_len = pg_ulltoa_n(position->lsn, lsn);
	char	   *to;

	if (source->relation != relation)
		use_relation(source, relation);
	enlargeStringInfo(out, source->to_sequence.len + source->to_lsn.len +
					  source->to_index.len + 3 * MAXINT8LEN + 1);
	to = out->data + out->len;
	to = put(to, source->to_sequence.data, source->to_sequence.len);
	to = put(to, lsn, lsn_len);
	to = put(to, source->to_lsn.data, source->to_lsn.len);
	to = put(to, lsn, lsn_len);
	to = put(to, source->to_index.data, source->to_index.len);
	to += pg_ulltoa_n(position->index, to);
	*to++ = '}';
	out->len = to - out->data;
}
