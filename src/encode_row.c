/*-------------------------------------------------------------------------
 *
 * encode_row.c
 *	  The row and nothing around it, as JSON.
 *
 * What Debezium's ExtractNewRecordState makes of its envelope: the new row,
 * with fields of the envelope added on demand, and nothing or the old row for
 * a delete.  There is no row for TRUNCATE.
 *
 * Runs in any process that decodes.  Parts of relations live with their cache
 * entry.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/encode_row.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "debezium_schema.h"
#include "encode.h"
#include "encode_json.h"
#include "event_field.h"
#include "json_key.h"
#include "json_writer.h"
#include "logical_message.h"

typedef struct RowEncoder
{
	Encoder		base;
	const SubscriptionOptions *options;
	const char *name;
	const char *database;
	bool		rewrite;		/* are deletes rows too? */
	int			nfields;
	AddedField *fields;
	JsonFragment *field_names;	/* ,"name": */
	int			nheaders;
	AddedField *headers;
	LogicalMessageType message_type;
	JsonFragment message_key_schema;	/* empty without schemas */
	JsonFragment message_schema;
} RowEncoder;

typedef struct RowRelation
{
	JsonRelation *rows;
	JsonKeys	keys;
	JsonFragment schema;		/* empty without schemas */
} RowRelation;

/* ----------------------------------------------------------------
 *		schemas
 * ----------------------------------------------------------------
 */

#define BEGIN_SCHEMA	"{\"schema\":{\"type\":\"struct\",\"fields\":["

/* A comma, unless the list is empty: a table may have no column. */
static void
append_separator(StringInfo out)
{
	if (out->data[out->len - 1] != '[')
		json_append_char(out, ',');
}

static void
append_added_schemas(StringInfo out, const RowEncoder *encoder)
{
	int			i;

	for (i = 0; i < encoder->nfields; i++)
	{
		append_separator(out);
		event_field_append_schema(out, &encoder->fields[i]);
	}
}

static JsonFragment
row_schema(const RowEncoder *encoder, const RelationInfo *relation)
{
	StringInfoData buffer;
	JsonFragment fragment;

	initStringInfo(&buffer);
	json_append_literal(&buffer, BEGIN_SCHEMA);
	debezium_schema_append_columns(&buffer, relation, encoder->rewrite ?
								   SCHEMA_ROW_OLD : SCHEMA_ROW_COMPLETE);
	if (encoder->rewrite)
	{
		append_separator(&buffer);
		json_append_literal(&buffer, "{\"type\":\"string\","
							"\"optional\":true,\"field\":\"__deleted\"}");
	}
	append_added_schemas(&buffer, encoder);
	json_append_literal(&buffer, "],\"optional\":false");
	debezium_schema_append_name(&buffer, relation, ".Value");
	json_append_literal(&buffer, "},\"payload\":");
	fragment = json_fragment(&buffer);
	pfree(buffer.data);
	return fragment;
}

static void
init_message_schemas(RowEncoder *encoder)
{
	StringInfoData buffer;

	initStringInfo(&buffer);
	debezium_schema_append_message_key(&buffer);
	encoder->message_key_schema = json_fragment(&buffer);

	resetStringInfo(&buffer);
	json_append_literal(&buffer, BEGIN_SCHEMA);
	debezium_schema_append_message(&buffer, &encoder->message_type.content);
	append_added_schemas(&buffer, encoder);
	json_append_literal(&buffer, "],\"optional\":false,"
						"\"name\":\"io.debezium.connector.postgresql.Message\","
						"\"version\":1},\"payload\":");
	encoder->message_schema = json_fragment(&buffer);
	pfree(buffer.data);
}

/* A payload that began with a schema ends with one brace more. */
static inline void
end_payload(StringInfo out, const RowEncoder *encoder)
{
	if (encoder->options->schemas)
		json_append_char(out, '}');
}

/* ----------------------------------------------------------------
 *		rows
 * ----------------------------------------------------------------
 */

static void
row_begin(Encoder *base, const TransactionInfo *transaction)
{
}

static void
row_relation(Encoder *base, RelationInfo *relation)
{
	RowEncoder *encoder = (RowEncoder *) base;
	MemoryContext old = MemoryContextSwitchTo(relation->context);
	RowRelation *data = palloc0(sizeof(RowRelation));

	data->rows = encode_json_relation(relation,
									  encoder->options->unavailable_value);
	json_keys_init(&data->keys, relation, encoder->options->schemas);
	if (encoder->options->schemas)
		data->schema = row_schema(encoder, relation);
	relation->encoder_data = data;
	MemoryContextSwitchTo(old);
}

static void
row_key(Encoder *base, const RelationInfo *relation, KeyKind kind,
		const RowImage *row, StringInfo out)
{
	RowRelation *data = relation->encoder_data;

	json_keys_append(out, &data->keys, data->rows, relation, kind, row);
}

static void
init_context(EventFieldContext *context, const RowEncoder *encoder,
			 const ChangeEvent *event)
{
	context->source_name = encoder->name;
	context->database = encoder->database;
	context->op = event_op_name(event->op);
	context->schema = event->relation->schema;
	context->table = event->relation->table;
	context->position = &event->position;
}

/*
 * Go on with an object that was closed, and close it again.  The names of
 * members begin with a comma, which must not follow the opening brace of a
 * row without columns.
 */
static void
append_members(StringInfo out, const RowEncoder *encoder,
			   const char *deleted, const EventFieldContext *context)
{
	int			start = --out->len;
	int			i;

	json_append_raw(out, deleted, strlen(deleted));
	for (i = 0; i < encoder->nfields; i++)
	{
		json_append_fragment(out, &encoder->field_names[i]);
		event_field_append(out, encoder->fields[i].field, context);
	}
	if (out->data[start - 1] == '{' && out->len > start)
	{
		out->len--;
		memmove(out->data + start, out->data + start + 1, out->len - start);
	}
	json_append_char(out, '}');
}

/* The member that tells deletes from other rows */
static const char *
deleted_member(const RowEncoder *encoder, EventOp op)
{
	if (!encoder->rewrite)
		return "";
	return op == EVENT_DELETE ? ",\"__deleted\":\"true\"" :
		",\"__deleted\":\"false\"";
}

static bool
row_value(Encoder *base, const ChangeEvent *event, StringInfo out)
{
	RowEncoder *encoder = (RowEncoder *) base;
	RowRelation *data = event->relation->encoder_data;
	bool		deleted = event->op == EVENT_DELETE;
	EventFieldContext context;

	if (event->op == EVENT_TRUNCATE || (deleted && !encoder->rewrite))
		return false;

	json_append_fragment(out, &data->schema);
	encode_json_row(out, data->rows, event->relation,
					deleted ? event->before : event->after);
	init_context(&context, encoder, event);
	append_members(out, encoder, deleted_member(encoder, event->op),
				   &context);
	end_payload(out, encoder);
	return true;
}

static void
add_headers(const RowEncoder *encoder, const EventFieldContext *context,
			HeaderList *headers)
{
	int			i;

	for (i = 0; i < encoder->nheaders; i++)
		event_field_add_header(headers, encoder->headers[i].name,
							   encoder->headers[i].field, context);
}

static void
row_headers(Encoder *base, const ChangeEvent *event, HeaderList *headers)
{
	RowEncoder *encoder = (RowEncoder *) base;
	EventFieldContext context;

	init_context(&context, encoder, event);
	add_headers(encoder, &context, headers);
}

/* ----------------------------------------------------------------
 *		logical messages
 * ----------------------------------------------------------------
 */

static void
init_message_context(EventFieldContext *context, const RowEncoder *encoder,
					 const LogicalMessage *message)
{
	context->source_name = encoder->name;
	context->database = encoder->database;
	context->op = "m";
	context->schema = "";
	context->table = "";
	context->position = &message->position;
}

static void
row_message_key(Encoder *base, const LogicalMessage *message, StringInfo out)
{
	RowEncoder *encoder = (RowEncoder *) base;

	json_append_fragment(out, &encoder->message_key_schema);
	logical_message_append_key(out, message);
	end_payload(out, encoder);
}

static void
row_message_value(Encoder *base, const LogicalMessage *message,
				  StringInfo out)
{
	RowEncoder *encoder = (RowEncoder *) base;
	EventFieldContext context;

	json_append_fragment(out, &encoder->message_schema);
	logical_message_append(out, &encoder->message_type, message);
	init_message_context(&context, encoder, message);
	append_members(out, encoder, "", &context);
	end_payload(out, encoder);
}

static void
row_message_headers(Encoder *base, const LogicalMessage *message,
					HeaderList *headers)
{
	RowEncoder *encoder = (RowEncoder *) base;
	EventFieldContext context;

	init_message_context(&context, encoder, message);
	add_headers(encoder, &context, headers);
}

/* ----------------------------------------------------------------
 *		creation
 * ----------------------------------------------------------------
 */

static JsonFragment *
name_fragments(const AddedField *fields, int nfields)
{
	JsonFragment *names = palloc(Max(nfields, 1) * sizeof(JsonFragment));
	StringInfoData buffer;
	int			i;

	initStringInfo(&buffer);
	for (i = 0; i < nfields; i++)
	{
		resetStringInfo(&buffer);
		json_append_char(&buffer, ',');
		json_append_cstring(&buffer, fields[i].name);
		json_append_char(&buffer, ':');
		names[i] = json_fragment(&buffer);
	}
	pfree(buffer.data);
	return names;
}

static bool
uses_collection_order(const AddedField *fields, int nfields)
{
	int			i;

	for (i = 0; i < nfields; i++)
	{
		if (fields[i].field == EVENT_FIELD_COLLECTION_ORDER)
			return true;
	}
	return false;
}

static void
init_added(RowEncoder *encoder)
{
	const SubscriptionOptions *options = encoder->options;

	encoder->nfields = list_length(options->add_fields);
	encoder->fields = event_field_parse_list(options->add_fields);
	encoder->field_names = name_fragments(encoder->fields, encoder->nfields);
	encoder->nheaders = list_length(options->add_headers);
	encoder->headers = event_field_parse_list(options->add_headers);
	encoder->base.orders_collections =
		uses_collection_order(encoder->fields, encoder->nfields) ||
		uses_collection_order(encoder->headers, encoder->nheaders);
}

Encoder *
encode_row_create(const EncoderSettings *settings)
{
	RowEncoder *encoder = palloc0(sizeof(RowEncoder));
	DeleteHandling handling = settings->options->delete_handling;

	encoder->base.json = true;
	encoder->base.tombstones = handling == DELETE_HANDLING_TOMBSTONE ||
		handling == DELETE_HANDLING_REWRITE_WITH_TOMBSTONE;
	encoder->base.tombstone_headers = true;
	encoder->base.begin = row_begin;
	encoder->base.relation = row_relation;
	encoder->base.key = row_key;
	encoder->base.value = row_value;
	encoder->base.headers = row_headers;
	encoder->base.message_key = row_message_key;
	encoder->base.message_value = row_message_value;
	encoder->base.message_headers = row_message_headers;

	encoder->options = settings->options;
	encoder->name = settings->name;
	encoder->database = settings->database;
	encoder->rewrite = handling == DELETE_HANDLING_REWRITE ||
		handling == DELETE_HANDLING_REWRITE_WITH_TOMBSTONE;
	init_added(encoder);
	logical_message_type_init(&encoder->message_type, settings->options);
	if (settings->options->schemas)
		init_message_schemas(encoder);
	return &encoder->base;
}
