/*-------------------------------------------------------------------------
 *
 * encode_debezium.c
 *	  Debezium's change event envelope as JSON without schema.
 *
 * Most of an event is the same for all events of a transaction or of a
 * relation, so those parts are written once and copied.  The order of the
 * source block's fields is Debezium's; our identity of the event, commit_lsn
 * and commit_index, comes last.
 *
 * Runs in any process that decodes.  Parts of transactions are buffers of
 * the encoder, parts of relations live with their cache entry.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/encode_debezium.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cdc_emit.h"
#include "encode.h"
#include "encode_json.h"
#include "json_writer.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "value_time.h"

typedef struct DebeziumEncoder
{
	Encoder		base;
	const char *unavailable_value;
	JsonFragment source_start;	/* "source":{ ... "ts_ms": */
	JsonFragment source_database;	/* ,"snapshot": ... "sequence": */

	/* Parts of the source block that are one transaction's */
	StringInfoData to_sequence; /* up to the LSN within sequence */
	StringInfoData to_schema;	/* from there up to the schema */
	StringInfoData xid;			/* from the table up to the LSN */
	StringInfoData to_index;	/* from the LSN up to the index */
} DebeziumEncoder;

typedef struct DebeziumRelation
{
	JsonRelation *rows;
	JsonFragment source;		/* "schema": ... "txId": */
} DebeziumRelation;

static void
debezium_begin(Encoder *base, const TransactionInfo *transaction)
{
	DebeziumEncoder *encoder = (DebeziumEncoder *) base;
	int64		commit_us = value_time_unix_us(transaction->commit_time);
	StringInfo	out = &encoder->to_sequence;

	resetStringInfo(out);
	json_append_raw(out, encoder->source_start.data,
					encoder->source_start.len);
	json_append_int64(out, commit_us / 1000);
	json_append_raw(out, encoder->source_database.data,
					encoder->source_database.len);
	if (XLogRecPtrIsInvalid(transaction->previous_end_lsn))
		json_append_literal(out, "\"[null,\\\"");
	else
	{
		json_append_literal(out, "\"[\\\"");
		json_append_uint64(out, transaction->previous_end_lsn);
		json_append_literal(out, "\\\",\\\"");
	}

	out = &encoder->to_schema;
	resetStringInfo(out);
	json_append_literal(out, "\\\"]\",\"ts_us\":");
	json_append_int64(out, commit_us);
	json_append_literal(out, ",\"ts_ns\":");
	json_append_int64(out, commit_us);
	json_append_literal(out, "000,");

	out = &encoder->xid;
	resetStringInfo(out);
	json_append_uint64(out, transaction->xid);
	json_append_literal(out, ",\"lsn\":");

	out = &encoder->to_index;
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

static void
debezium_relation(Encoder *base, RelationInfo *relation)
{
	DebeziumEncoder *encoder = (DebeziumEncoder *) base;
	MemoryContext old = MemoryContextSwitchTo(relation->context);
	DebeziumRelation *data = palloc(sizeof(DebeziumRelation));
	StringInfoData buffer;

	data->rows = encode_json_relation(relation, encoder->unavailable_value);
	initStringInfo(&buffer);
	json_append_literal(&buffer, "\"schema\":");
	json_append_cstring(&buffer, relation->schema);
	json_append_literal(&buffer, ",\"table\":");
	json_append_cstring(&buffer, relation->table);
	json_append_literal(&buffer, ",\"txId\":");
	data->source = json_fragment(&buffer);
	pfree(buffer.data);
	relation->encoder_data = data;
	MemoryContextSwitchTo(old);
}

static void
debezium_key(Encoder *base, const RelationInfo *relation,
			 const RowImage *row, StringInfo out)
{
	DebeziumRelation *data = relation->encoder_data;

	encode_json_key(out, data->rows, relation, row);
}

static void
append_row(StringInfo out, const RelationInfo *relation, const RowImage *row)
{
	DebeziumRelation *data = relation->encoder_data;

	if (row)
		encode_json_row(out, data->rows, relation, row);
	else
		json_append_literal(out, "null");
}

static void
append_source(StringInfo out, const DebeziumEncoder *encoder,
			  const ChangeEvent *event)
{
	DebeziumRelation *data = event->relation->encoder_data;
	char		lsn[MAXINT8LEN + 1];
	int			lsn_len = pg_ulltoa_n(event->lsn, lsn);

	json_append_raw(out, encoder->to_sequence.data, encoder->to_sequence.len);
	json_append_raw(out, lsn, lsn_len);
	json_append_raw(out, encoder->to_schema.data, encoder->to_schema.len);
	json_append_raw(out, data->source.data, data->source.len);
	json_append_raw(out, encoder->xid.data, encoder->xid.len);
	json_append_raw(out, lsn, lsn_len);
	json_append_raw(out, encoder->to_index.data, encoder->to_index.len);
	json_append_uint64(out, event->index);
	json_append_char(out, '}');
}

/* The clock in milli-, micro- and nanoseconds, one print for all three */
static void
append_clock(StringInfo out)
{
	char		usecs[MAXINT8LEN + 1];
	int			len;

	len = pg_ulltoa_n(value_time_unix_us(GetCurrentTimestamp()), usecs);
	json_append_literal(out, ",\"ts_ms\":");
	json_append_raw(out, usecs, len - 3);
	json_append_literal(out, ",\"ts_us\":");
	json_append_raw(out, usecs, len);
	json_append_literal(out, ",\"ts_ns\":");
	json_append_raw(out, usecs, len);
	json_append_literal(out, "000}");
}

static void
append_op(StringInfo out, EventOp op)
{
	switch (op)
	{
		case EVENT_CREATE:
			json_append_literal(out, ",\"transaction\":null,\"op\":\"c\"");
			break;
		case EVENT_UPDATE:
			json_append_literal(out, ",\"transaction\":null,\"op\":\"u\"");
			break;
		case EVENT_DELETE:
			json_append_literal(out, ",\"transaction\":null,\"op\":\"d\"");
			break;
		case EVENT_TRUNCATE:
			json_append_literal(out, ",\"transaction\":null,\"op\":\"t\"");
			break;
	}
}

static void
debezium_value(Encoder *base, const ChangeEvent *event, StringInfo out)
{
	DebeziumEncoder *encoder = (DebeziumEncoder *) base;

	json_append_literal(out, "{\"before\":");
	append_row(out, event->relation, event->before);
	json_append_literal(out, ",\"after\":");
	append_row(out, event->relation, event->after);
	append_source(out, encoder, event);
	append_op(out, event->op);
	append_clock(out);
}

static void
init_constants(DebeziumEncoder *encoder, const EncoderSettings *settings)
{
	StringInfoData buffer;

	initStringInfo(&buffer);
	json_append_literal(&buffer,
						",\"source\":{\"version\":\"" CDC_VERSION "\","
						"\"connector\":\"postgresql\",\"name\":");
	json_append_shared_name(&buffer, settings->prefix);
	json_append_literal(&buffer, ",\"ts_ms\":");
	encoder->source_start = json_fragment(&buffer);

	resetStringInfo(&buffer);
	json_append_literal(&buffer, ",\"snapshot\":\"false\",\"db\":");
	json_append_shared_name(&buffer, settings->database);
	json_append_literal(&buffer, ",\"sequence\":");
	encoder->source_database = json_fragment(&buffer);
	pfree(buffer.data);
}

Encoder *
encode_debezium_create(const EncoderSettings *settings)
{
	DebeziumEncoder *encoder = palloc0(sizeof(DebeziumEncoder));

	encoder->base.begin = debezium_begin;
	encoder->base.relation = debezium_relation;
	encoder->base.key = debezium_key;
	encoder->base.value = debezium_value;
	encoder->unavailable_value = pstrdup(settings->unavailable_value);
	init_constants(encoder, settings);
	initStringInfo(&encoder->to_sequence);
	initStringInfo(&encoder->to_schema);
	initStringInfo(&encoder->xid);
	initStringInfo(&encoder->to_index);
	return &encoder->base;
}
