/*-------------------------------------------------------------------------
 *
 * event_field.c
 *	  What Debezium's envelope says about an event, field by field.
 *
 * Formats that have no envelope take single fields of it: format row as
 * columns and headers, CloudEvents as attributes.
 *
 * Runs in any process that decodes, and in backends that check options.
 * No state, no locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/event_field.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cdc_emit.h"
#include "event_field.h"
#include "json_writer.h"
#include "utils/timestamp.h"
#include "value_time.h"

/* Prefix of the names of added fields */
#define ADDED_PREFIX	"__"

typedef enum FieldType
{
	FIELD_STRING,
	FIELD_INT64,
	FIELD_SNAPSHOT				/* a string with a schema name */
} FieldType;

typedef struct FieldDefinition
{
	const char *block;			/* NULL: top of the envelope */
	const char *name;
	bool		needs_block;	/* does the bare name mean another field? */
	EventField	field;
	FieldType	type;
} FieldDefinition;

static const FieldDefinition definitions[] = {
	{NULL, "op", false, EVENT_FIELD_OP, FIELD_STRING},
	{NULL, "ts_ms", false, EVENT_FIELD_CLOCK_MS, FIELD_INT64},
	{NULL, "ts_us", false, EVENT_FIELD_CLOCK_US, FIELD_INT64},
	{NULL, "ts_ns", false, EVENT_FIELD_CLOCK_NS, FIELD_INT64},
	{"transaction", "id", false, EVENT_FIELD_TRANSACTION_ID, FIELD_STRING},
	{"transaction", "total_order", false, EVENT_FIELD_TOTAL_ORDER,
	FIELD_INT64},
	{"transaction", "data_collection_order", false,
	EVENT_FIELD_COLLECTION_ORDER, FIELD_INT64},
	{"source", "version", false, EVENT_FIELD_VERSION, FIELD_STRING},
	{"source", "connector", false, EVENT_FIELD_CONNECTOR, FIELD_STRING},
	{"source", "name", false, EVENT_FIELD_NAME, FIELD_STRING},
	{"source", "ts_ms", true, EVENT_FIELD_COMMIT_MS, FIELD_INT64},
	{"source", "ts_us", true, EVENT_FIELD_COMMIT_US, FIELD_INT64},
	{"source", "ts_ns", true, EVENT_FIELD_COMMIT_NS, FIELD_INT64},
	{"source", "snapshot", false, EVENT_FIELD_SNAPSHOT, FIELD_SNAPSHOT},
	{"source", "db", false, EVENT_FIELD_DATABASE, FIELD_STRING},
	{"source", "sequence", false, EVENT_FIELD_SEQUENCE, FIELD_STRING},
	{"source", "schema", false, EVENT_FIELD_SCHEMA, FIELD_STRING},
	{"source", "table", false, EVENT_FIELD_TABLE, FIELD_STRING},
	{"source", "txId", false, EVENT_FIELD_XID, FIELD_INT64},
	{"source", "lsn", false, EVENT_FIELD_LSN, FIELD_INT64},
	{"source", "xmin", false, EVENT_FIELD_XMIN, FIELD_INT64},
	{"source", "origin", false, EVENT_FIELD_ORIGIN, FIELD_STRING},
	{"source", "origin_lsn", false, EVENT_FIELD_ORIGIN_LSN, FIELD_INT64},
	{"source", "commit_lsn", false, EVENT_FIELD_COMMIT_LSN, FIELD_INT64},
	{"source", "commit_index", false, EVENT_FIELD_COMMIT_INDEX, FIELD_INT64},
};

/* Does text of this length name the field, with or without its block? */
static bool
is_named(const FieldDefinition *definition, const char *text, int len)
{
	int			block_len = definition->block ? strlen(definition->block) : 0;
	bool		has_block = block_len > 0 && len > block_len &&
		strncmp(text, definition->block, block_len) == 0 &&
		text[block_len] == '.';

	if (has_block)
	{
		text += block_len + 1;
		len -= block_len + 1;
	}
	else if (definition->needs_block)
		return false;
	return strlen(definition->name) == len &&
		strncmp(text, definition->name, len) == 0;
}

/* "__", and an underscore for the point */
static char *
default_name(const char *reference, int len)
{
	char	   *name = psprintf(ADDED_PREFIX "%.*s", len, reference);
	char	   *point = strchr(name, '.');

	if (point)
		*point = '_';
	return name;
}

bool
event_field_parse(const char *reference, AddedField *added)
{
	const char *colon = strchr(reference, ':');
	int			len = colon ? colon - reference : strlen(reference);
	int			i;

	if (colon && colon[1] == '\0')
		return false;
	for (i = 0; i < lengthof(definitions); i++)
	{
		if (!is_named(&definitions[i], reference, len))
			continue;
		added->field = definitions[i].field;
		added->name = colon ? psprintf(ADDED_PREFIX "%s", colon + 1) :
			default_name(reference, len);
		return true;
	}
	return false;
}

AddedField *
event_field_parse_list(const List *references)
{
	AddedField *added = palloc(Max(list_length(references), 1) *
							   sizeof(AddedField));
	int			i = 0;
	ListCell   *lc;

	foreach(lc, references)
	{
		if (!event_field_parse(lfirst(lc), &added[i++]))
			elog(ERROR, "unrecognized field of events: \"%s\"",
				 (char *) lfirst(lc));
	}
	return added;
}

char *
event_field_list(void)
{
	StringInfoData list;
	int			i;

	initStringInfo(&list);
	for (i = 0; i < lengthof(definitions); i++)
		appendStringInfo(&list, "%s%s%s%s", i > 0 ? ", " : "",
						 definitions[i].block ? definitions[i].block : "",
						 definitions[i].block ? "." : "",
						 definitions[i].name);
	return list.data;
}

const char *
event_op_name(EventOp op)
{
	switch (op)
	{
		case EVENT_CREATE:
			return "c";
		case EVENT_UPDATE:
			return "u";
		case EVENT_DELETE:
			return "d";
		case EVENT_TRUNCATE:
			return "t";
	}
	return NULL;				/* keep compiler quiet */
}

void
event_append_transaction_id(StringInfo out,
							const TransactionInfo *transaction)
{
	json_append_char(out, '"');
	json_append_uint64(out, transaction->xid);
	json_append_char(out, ':');
	json_append_uint64(out, transaction->commit_lsn);
	json_append_char(out, '"');
}

/* LSNs of the last commit and of this event, as a string that holds JSON */
static void
append_sequence(StringInfo out, const EventPosition *position)
{
	XLogRecPtr	previous = position->transaction->previous_end_lsn;

	if (XLogRecPtrIsInvalid(previous))
		json_append_literal(out, "\"[null,\\\"");
	else
	{
		json_append_literal(out, "\"[\\\"");
		json_append_uint64(out, previous);
		json_append_literal(out, "\\\",\\\"");
	}
	json_append_uint64(out, position->lsn);
	json_append_literal(out, "\\\"]\"");
}

static void
append_origin(StringInfo out, EventField field,
			  const TransactionInfo *transaction)
{
	if (transaction->origin == NULL)
		json_append_literal(out, "null");
	else if (field == EVENT_FIELD_ORIGIN)
		json_append_shared_name(out, transaction->origin);
	else
		json_append_uint64(out, transaction->origin_lsn);
}

static int64
clock_us(void)
{
	return value_time_unix_us(GetCurrentTimestamp());
}

/* Fields that need the event's position */
static void
append_position(StringInfo out, EventField field,
				const EventPosition *position)
{
	const TransactionInfo *transaction = position->transaction;
	int64		commit_us = value_time_unix_us(transaction->commit_time);

	switch (field)
	{
		case EVENT_FIELD_TRANSACTION_ID:
			if (TransactionIdIsValid(transaction->xid))
				event_append_transaction_id(out, transaction);
			else
				json_append_literal(out, "null");
			break;
		case EVENT_FIELD_TOTAL_ORDER:
			json_append_uint64(out, position->index + 1);
			break;
		case EVENT_FIELD_COLLECTION_ORDER:
			json_append_uint64(out, position->collection_order);
			break;
		case EVENT_FIELD_COMMIT_MS:
			json_append_int64(out, commit_us / 1000);
			break;
		case EVENT_FIELD_COMMIT_US:
			json_append_int64(out, commit_us);
			break;
		case EVENT_FIELD_COMMIT_NS:
			json_append_int64(out, commit_us * 1000);
			break;
		case EVENT_FIELD_SEQUENCE:
			append_sequence(out, position);
			break;
		case EVENT_FIELD_XID:
			if (TransactionIdIsValid(transaction->xid))
				json_append_uint64(out, transaction->xid);
			else
				json_append_literal(out, "null");
			break;
		case EVENT_FIELD_LSN:
			json_append_uint64(out, position->lsn);
			break;
		case EVENT_FIELD_ORIGIN:
		case EVENT_FIELD_ORIGIN_LSN:
			append_origin(out, field, transaction);
			break;
		case EVENT_FIELD_COMMIT_LSN:
			json_append_uint64(out, transaction->commit_lsn);
			break;
		case EVENT_FIELD_COMMIT_INDEX:
			json_append_uint64(out, position->index);
			break;
		default:
			elog(ERROR, "unrecognized field of events: %d", (int) field);
	}
}

void
event_field_append(StringInfo out, EventField field,
				   const EventFieldContext *context)
{
	switch (field)
	{
		case EVENT_FIELD_OP:
			json_append_cstring(out, context->op);
			break;
		case EVENT_FIELD_CLOCK_MS:
			json_append_int64(out, clock_us() / 1000);
			break;
		case EVENT_FIELD_CLOCK_US:
			json_append_int64(out, clock_us());
			break;
		case EVENT_FIELD_CLOCK_NS:
			json_append_int64(out, clock_us() * 1000);
			break;
		case EVENT_FIELD_VERSION:
			json_append_literal(out, "\"" CDC_VERSION "\"");
			break;
		case EVENT_FIELD_CONNECTOR:
			json_append_literal(out, "\"" EVENT_CONNECTOR "\"");
			break;
		case EVENT_FIELD_NAME:
			json_append_shared_name(out, context->source_name);
			break;
		case EVENT_FIELD_SNAPSHOT:
			json_append_literal(out, "\"false\"");
			break;
		case EVENT_FIELD_DATABASE:
			json_append_shared_name(out, context->database);
			break;
		case EVENT_FIELD_SCHEMA:
			json_append_cstring(out, context->schema);
			break;
		case EVENT_FIELD_TABLE:
			json_append_cstring(out, context->table);
			break;
		case EVENT_FIELD_XMIN:
			json_append_literal(out, "null");
			break;
		default:
			append_position(out, field, context->position);
	}
}

void
event_field_add_header(HeaderList *headers, const char *name,
					   EventField field, const EventFieldContext *context)
{
	StringInfo	out = headers_begin(headers, name);
	StringInfoData json;

	initStringInfo(&json);
	event_field_append(&json, field, context);
	if (json.data[0] == 'n')
		headers_end_null(headers);
	else
	{
		json_append_unquoted(out, json.data, json.len);
		headers_end(headers);
	}
	pfree(json.data);
}

/* Members that the schemas of the snapshot field have in common */
void
event_append_snapshot_type(StringInfo out)
{
	json_append_literal(out,
						"\"type\":\"string\",\"optional\":true,"
						"\"name\":\"io.debezium.data.Enum\",\"version\":1,"
						"\"parameters\":{\"allowed\":\"true,first,"
						"first_in_data_collection,last_in_data_collection,"
						"last,false,incremental\"}");
}

void
event_field_append_schema(StringInfo out, const AddedField *added)
{
	FieldType	type = FIELD_STRING;
	int			i;

	for (i = 0; i < lengthof(definitions); i++)
	{
		if (definitions[i].field == added->field)
			type = definitions[i].type;
	}

	json_append_char(out, '{');
	switch (type)
	{
		case FIELD_STRING:
			json_append_literal(out, "\"type\":\"string\",\"optional\":true");
			break;
		case FIELD_INT64:
			json_append_literal(out, "\"type\":\"int64\",\"optional\":true");
			break;
		case FIELD_SNAPSHOT:
			event_append_snapshot_type(out);
			break;
	}
	json_append_literal(out, ",\"field\":");
	json_append_cstring(out, added->name);
	json_append_char(out, '}');
}
