/*-------------------------------------------------------------------------
 *
 * encode_debezium.c
 *	  Debezium's change event envelope as JSON, with or without schema.
 *
 * Field for field what Debezium's PostgreSQL connector and Kafka Connect's
 * JSON converter write.  A schema is constant for a relation, so it is built
 * once and copied in front of each event.
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

#include "debezium_schema.h"
#include "debezium_source.h"
#include "encode.h"
#include "encode_json.h"
#include "event_field.h"
#include "json_key.h"
#include "json_writer.h"
#include "logical_message.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "value_time.h"

#define HEADER_NEW_KEY		"__debezium.newkey"
#define HEADER_OLD_KEY		"__debezium.oldkey"

typedef struct DebeziumEncoder
{
	Encoder		base;
	const char *unavailable_value;
	bool		schemas;
	bool		transaction_block;
	DebeziumSource source;
	JsonFragment message_source;	/* in place of a relation's part */
	LogicalMessageType message_type;

	/* What comes before payloads; empty without schemas */
	JsonFragment message_key_schema;
	JsonFragment message_value_schema;
	JsonFragment transaction_key_schema;
	JsonFragment transaction_value_schema;

	/* Of the transaction: ,"transaction":{"id": ... "total_order": */
	StringInfoData to_total_order;
} DebeziumEncoder;

typedef struct DebeziumRelation
{
	JsonRelation *rows;
	JsonFragment source;
	JsonKeys	keys;
	JsonFragment value_start;	/* schema, if any, and {"before": */
} DebeziumRelation;

/* A payload that began with a schema ends with one brace more. */
static inline void
end_payload(StringInfo out, const DebeziumEncoder *encoder)
{
	if (encoder->schemas)
		json_append_char(out, '}');
}

/* ----------------------------------------------------------------
 *		transactions and relations
 * ----------------------------------------------------------------
 */

static void
debezium_begin(Encoder *base, const TransactionInfo *transaction)
{
	DebeziumEncoder *encoder = (DebeziumEncoder *) base;
	StringInfo	out = &encoder->to_total_order;

	debezium_source_begin(&encoder->source, transaction);
	if (!encoder->transaction_block)
		return;
	resetStringInfo(out);
	json_append_literal(out, ",\"transaction\":{\"id\":");
	event_append_transaction_id(out, transaction);
	json_append_literal(out, ",\"total_order\":");
}

static JsonFragment
value_start(const DebeziumEncoder *encoder, const RelationInfo *relation)
{
	StringInfoData buffer;
	JsonFragment fragment;

	initStringInfo(&buffer);
	if (encoder->schemas)
		debezium_schema_append_value(&buffer, relation);
	json_append_literal(&buffer, "{\"before\":");
	fragment = json_fragment(&buffer);
	pfree(buffer.data);
	return fragment;
}

static void
debezium_relation(Encoder *base, RelationInfo *relation)
{
	DebeziumEncoder *encoder = (DebeziumEncoder *) base;
	MemoryContext old = MemoryContextSwitchTo(relation->context);
	DebeziumRelation *data = palloc0(sizeof(DebeziumRelation));

	data->rows = encode_json_relation(relation, encoder->unavailable_value);
	data->source = debezium_source_relation(&encoder->source,
											relation->schema,
											relation->table);
	json_keys_init(&data->keys, relation, encoder->schemas);
	data->value_start = value_start(encoder, relation);
	relation->encoder_data = data;
	MemoryContextSwitchTo(old);
}

/* ----------------------------------------------------------------
 *		changes
 * ----------------------------------------------------------------
 */

static void
debezium_key(Encoder *base, const RelationInfo *relation, KeyKind kind,
			 const RowImage *row, StringInfo out)
{
	DebeziumRelation *data = relation->encoder_data;

	json_keys_append(out, &data->keys, data->rows, relation, kind, row);
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

/* A message outside of transactions has no block. */
static bool
has_transaction_block(const DebeziumEncoder *encoder,
					  const EventPosition *position)
{
	return encoder->transaction_block &&
		TransactionIdIsValid(position->transaction->xid);
}

static void
append_transaction(StringInfo out, const DebeziumEncoder *encoder,
				   const EventPosition *position)
{
	json_append_raw(out, encoder->to_total_order.data,
					encoder->to_total_order.len);
	json_append_uint64(out, position->index + 1);
	json_append_literal(out, ",\"data_collection_order\":");
	json_append_uint64(out, position->collection_order);
	json_append_char(out, '}');
}

/* The transaction block, which is rare, and the operation */
static void
append_op(StringInfo out, const DebeziumEncoder *encoder,
		  const ChangeEvent *event)
{
	if (has_transaction_block(encoder, &event->position))
		append_transaction(out, encoder, &event->position);
	else
		json_append_literal(out, ",\"transaction\":null");

	switch (event->op)
	{
		case EVENT_CREATE:
			json_append_literal(out, ",\"op\":\"c\",\"ts_ms\":");
			break;
		case EVENT_UPDATE:
			json_append_literal(out, ",\"op\":\"u\",\"ts_ms\":");
			break;
		case EVENT_DELETE:
			json_append_literal(out, ",\"op\":\"d\",\"ts_ms\":");
			break;
		case EVENT_TRUNCATE:
			json_append_literal(out, ",\"op\":\"t\",\"ts_ms\":");
			break;
	}
}

/* The clock in milli-, micro- and nanoseconds, printed once for all three */
static void
append_clock(StringInfo out)
{
	char		usecs[MAXINT8LEN + 1];
	int			len;

	len = pg_ulltoa_n(value_time_unix_us(GetCurrentTimestamp()), usecs);
	json_append_raw(out, usecs, len - 3);
	json_append_literal(out, ",\"ts_us\":");
	json_append_raw(out, usecs, len);
	json_append_literal(out, ",\"ts_ns\":");
	json_append_raw(out, usecs, len);
	json_append_literal(out, "000}");
}

static bool
debezium_value(Encoder *base, const ChangeEvent *event, StringInfo out)
{
	DebeziumEncoder *encoder = (DebeziumEncoder *) base;
	DebeziumRelation *data = event->relation->encoder_data;

	json_append_fragment(out, &data->value_start);
	append_row(out, event->relation, event->before);
	json_append_literal(out, ",\"after\":");
	append_row(out, event->relation, event->after);
	debezium_source_append(out, &encoder->source, &data->source,
						   &event->position);
	append_op(out, encoder, event);
	append_clock(out);
	end_payload(out, encoder);
	return true;
}

static void
add_key_header(HeaderList *headers, const char *name,
			   const RelationInfo *relation, const RowImage *row)
{
	DebeziumRelation *data = relation->encoder_data;

	if (row == NULL)
		return;
	encode_json_key(headers_begin(headers, name), data->rows, relation,
					KEY_MESSAGE, row);
	headers_end(headers);
}

/* Only events of a changed key have headers: the other key, without schema. */
static void
debezium_headers(Encoder *base, const ChangeEvent *event, HeaderList *headers)
{
	add_key_header(headers, HEADER_NEW_KEY, event->relation, event->new_key);
	add_key_header(headers, HEADER_OLD_KEY, event->relation, event->old_key);
}

/* ----------------------------------------------------------------
 *		logical messages
 * ----------------------------------------------------------------
 */

static void
debezium_message_key(Encoder *base, const LogicalMessage *message,
					 StringInfo out)
{
	DebeziumEncoder *encoder = (DebeziumEncoder *) base;

	json_append_fragment(out, &encoder->message_key_schema);
	logical_message_append_key(out, message);
	end_payload(out, encoder);
}

static void
debezium_message_value(Encoder *base, const LogicalMessage *message,
					   StringInfo out)
{
	DebeziumEncoder *encoder = (DebeziumEncoder *) base;
	int64		now = value_time_unix_us(GetCurrentTimestamp());

	json_append_fragment(out, &encoder->message_value_schema);
	json_append_literal(out, "{\"op\":\"m\",\"ts_ms\":");
	json_append_int64(out, now / 1000);
	debezium_source_append(out, &encoder->source, &encoder->message_source,
						   &message->position);
	if (has_transaction_block(encoder, &message->position))
		append_transaction(out, encoder, &message->position);
	else
		json_append_literal(out, ",\"transaction\":null");
	json_append_literal(out, ",\"message\":");
	logical_message_append(out, &encoder->message_type, message);
	json_append_char(out, '}');
	end_payload(out, encoder);
}

/* ----------------------------------------------------------------
 *		beginning and end of transactions
 * ----------------------------------------------------------------
 */

static void
debezium_transaction_key(Encoder *base, const TransactionInfo *transaction,
						 StringInfo out)
{
	DebeziumEncoder *encoder = (DebeziumEncoder *) base;

	json_append_fragment(out, &encoder->transaction_key_schema);
	json_append_literal(out, "{\"id\":");
	event_append_transaction_id(out, transaction);
	json_append_char(out, '}');
	end_payload(out, encoder);
}

static void
append_counts(StringInfo out, const List *counts)
{
	uint64		events = 0;
	ListCell   *lc;

	foreach(lc, counts)
		events += ((CollectionCount *) lfirst(lc))->events;

	json_append_literal(out, ",\"event_count\":");
	json_append_uint64(out, events);
	json_append_literal(out, ",\"data_collections\":");
	foreach(lc, counts)
	{
		CollectionCount *count = lfirst(lc);

		json_append_char(out, lc == list_head(counts) ? '[' : ',');
		json_append_literal(out, "{\"data_collection\":");
		json_append_cstring(out, count->name);
		json_append_literal(out, ",\"event_count\":");
		json_append_uint64(out, count->events);
		json_append_char(out, '}');
	}
	json_append_char(out, ']');
}

static void
debezium_transaction_value(Encoder *base, const TransactionInfo *transaction,
						   const List *counts, StringInfo out)
{
	DebeziumEncoder *encoder = (DebeziumEncoder *) base;
	int64		commit_us = value_time_unix_us(transaction->commit_time);

	json_append_fragment(out, &encoder->transaction_value_schema);
	if (counts == NIL)
		json_append_literal(out, "{\"status\":\"BEGIN\",\"id\":");
	else
		json_append_literal(out, "{\"status\":\"END\",\"id\":");
	event_append_transaction_id(out, transaction);
	if (counts == NIL)
		json_append_literal(out,
							",\"event_count\":null,\"data_collections\":null");
	else
		append_counts(out, counts);
	json_append_literal(out, ",\"ts_ms\":");
	json_append_int64(out, commit_us / 1000);
	json_append_char(out, '}');
	end_payload(out, encoder);
}

/* ----------------------------------------------------------------
 *		creation
 * ----------------------------------------------------------------
 */

static void
init_schemas(DebeziumEncoder *encoder)
{
	StringInfoData buffer;

	initStringInfo(&buffer);
	debezium_schema_append_message_key(&buffer);
	encoder->message_key_schema = json_fragment(&buffer);
	resetStringInfo(&buffer);
	debezium_schema_append_message_value(&buffer,
										 &encoder->message_type.content);
	encoder->message_value_schema = json_fragment(&buffer);
	resetStringInfo(&buffer);
	debezium_schema_append_transaction_key(&buffer);
	encoder->transaction_key_schema = json_fragment(&buffer);
	resetStringInfo(&buffer);
	debezium_schema_append_transaction_value(&buffer);
	encoder->transaction_value_schema = json_fragment(&buffer);
	pfree(buffer.data);
}

Encoder *
encode_debezium_create(const EncoderSettings *settings)
{
	DebeziumEncoder *encoder = palloc0(sizeof(DebeziumEncoder));
	const SubscriptionOptions *options = settings->options;

	encoder->base.json = true;
	encoder->base.tombstones = options->tombstones;
	encoder->base.orders_collections = options->transaction_metadata;
	encoder->base.tombstone_headers = true;
	encoder->base.begin = debezium_begin;
	encoder->base.relation = debezium_relation;
	encoder->base.key = debezium_key;
	encoder->base.value = debezium_value;
	encoder->base.headers = debezium_headers;
	encoder->base.message_key = debezium_message_key;
	encoder->base.message_value = debezium_message_value;
	if (options->transaction_metadata)
	{
		encoder->base.transaction_key = debezium_transaction_key;
		encoder->base.transaction_value = debezium_transaction_value;
	}

	encoder->unavailable_value = options->unavailable_value;
	encoder->schemas = options->schemas;
	encoder->transaction_block = options->transaction_metadata;
	debezium_source_init(&encoder->source, settings);
	encoder->message_source = debezium_source_relation(&encoder->source, "",
													   "");
	logical_message_type_init(&encoder->message_type, options);
	if (encoder->schemas)
		init_schemas(encoder);
	initStringInfo(&encoder->to_total_order);
	return &encoder->base;
}
