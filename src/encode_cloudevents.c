/*-------------------------------------------------------------------------
 *
 * encode_cloudevents.c
 *	  CloudEvents 1.0 in the Kafka protocol binding, structured or binary.
 *
 * What Debezium's CloudEvents converter makes of its envelope: rows are the
 * data, everything else is attributes, those of the source block with the
 * prefix iodebezium.  In structured mode attributes and data are one JSON
 * object; in binary mode the data is the value and attributes are headers.
 * Attributes without a value are left out.
 *
 * Attributes that are the same for all events of a relation or a transaction
 * are prepared once.
 *
 * Runs in any process that decodes.  Parts of transactions belong to the
 * encoder, parts of relations live with their cache entry.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/encode_cloudevents.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "encode.h"
#include "encode_json.h"
#include "event_field.h"
#include "json_key.h"
#include "json_writer.h"
#include "logical_message.h"
#include "value_time.h"

#define HEADER_CONTENT_TYPE	"content-type"
#define STRUCTURED_TYPE		"application/cloudevents+json; charset=UTF-8"
#define DATA_TYPE			"application/json"
#define TYPE_PACKAGE		"io.debezium.connector.postgresql."

/* Headers have this in front of the names of attributes. */
#define HEADER_PREFIX		"ce_"

/* Attributes of one scope: in structured mode JSON, in binary mode headers */
typedef struct Attributes
{
	bool		binary;
	StringInfoData json;		/* ,"name":"value" ... */
	HeaderList	headers;
	StringInfoData value;		/* scratch */
} Attributes;

typedef struct CloudEventsEncoder
{
	Encoder		base;
	const SubscriptionOptions *options;
	bool		binary;
	const char *name;
	const char *database;
	char	   *source;			/* JSON string */
	uint64		system_identifier;
	Attributes	transaction;
	Attributes	event;			/* of the event being encoded */
	Attributes *message;		/* of logical messages: as of a relation */
	LogicalMessageType message_type;
} CloudEventsEncoder;

typedef struct CloudEventsRelation
{
	JsonRelation *rows;
	JsonKeys	keys;
	Attributes *attributes;
} CloudEventsRelation;

typedef struct FieldAttribute
{
	const char *header;
	EventField	field;
} FieldAttribute;

/* Attributes that are fields of the envelope, by scope */
static const FieldAttribute relation_attributes[] = {
	{HEADER_PREFIX "iodebeziumversion", EVENT_FIELD_VERSION},
	{HEADER_PREFIX "iodebeziumconnector", EVENT_FIELD_CONNECTOR},
	{HEADER_PREFIX "iodebeziumname", EVENT_FIELD_NAME},
	{HEADER_PREFIX "iodebeziumsnapshot", EVENT_FIELD_SNAPSHOT},
	{HEADER_PREFIX "iodebeziumdb", EVENT_FIELD_DATABASE},
	{HEADER_PREFIX "iodebeziumschema", EVENT_FIELD_SCHEMA},
	{HEADER_PREFIX "iodebeziumtable", EVENT_FIELD_TABLE},
};

static const FieldAttribute transaction_attributes[] = {
	{HEADER_PREFIX "iodebeziumtsms", EVENT_FIELD_COMMIT_MS},
	{HEADER_PREFIX "iodebeziumtsus", EVENT_FIELD_COMMIT_US},
	{HEADER_PREFIX "iodebeziumtsns", EVENT_FIELD_COMMIT_NS},
	{HEADER_PREFIX "iodebeziumtxid", EVENT_FIELD_XID},
	{HEADER_PREFIX "iodebeziumorigin", EVENT_FIELD_ORIGIN},
	{HEADER_PREFIX "iodebeziumoriginlsn", EVENT_FIELD_ORIGIN_LSN},
	{HEADER_PREFIX "iodebeziumcommitlsn", EVENT_FIELD_COMMIT_LSN},
};

static const FieldAttribute event_attributes[] = {
	{HEADER_PREFIX "iodebeziumop", EVENT_FIELD_OP},
	{HEADER_PREFIX "iodebeziumsequence", EVENT_FIELD_SEQUENCE},
	{HEADER_PREFIX "iodebeziumlsn", EVENT_FIELD_LSN},
	{HEADER_PREFIX "iodebeziumcommitindex", EVENT_FIELD_COMMIT_INDEX},
};

/* ----------------------------------------------------------------
 *		attributes
 * ----------------------------------------------------------------
 */

static void
attributes_init(Attributes *attributes, bool binary)
{
	attributes->binary = binary;
	initStringInfo(&attributes->json);
	headers_init(&attributes->headers);
	initStringInfo(&attributes->value);
}

static void
attributes_reset(Attributes *attributes)
{
	resetStringInfo(&attributes->json);
	headers_reset(&attributes->headers);
}

/*
 * Add an attribute with a JSON value, unless it is null or empty.  All are
 * strings: the numbers are too large for those of CloudEvents.  header is not
 * copied.
 */
static void
add_attribute(Attributes *attributes, const char *header, const char *json,
			  int len)
{
	const char *name = header + strlen(HEADER_PREFIX);
	bool		quoted = json[0] == '"';
	StringInfo	out = &attributes->json;

	if (json[0] == 'n' || (quoted && len == 2))
		return;
	if (attributes->binary)
	{
		json_append_unquoted(headers_begin(&attributes->headers, header),
							 json, len);
		headers_end(&attributes->headers);
		return;
	}
	json_append_literal(out, ",\"");
	json_append_raw(out, name, strlen(name));
	json_append_literal(out, "\":");
	if (!quoted)
		json_append_char(out, '"');
	json_append_raw(out, json, len);
	if (!quoted)
		json_append_char(out, '"');
}

#define add_literal_attribute(attributes, header, literal) \
	add_attribute(attributes, header, "\"" literal "\"", sizeof(literal) + 1)

static void
add_fields(Attributes *attributes, const FieldAttribute *fields, int nfields,
		   const EventFieldContext *context)
{
	StringInfo	value = &attributes->value;
	int			i;

	for (i = 0; i < nfields; i++)
	{
		resetStringInfo(value);
		event_field_append(value, fields[i].field, context);
		add_attribute(attributes, fields[i].header, value->data, value->len);
	}
}

static void
copy_headers(HeaderList *to, Attributes *from)
{
	const MessageHeader *headers = headers_finish(&from->headers);
	int			i;

	for (i = 0; i < from->headers.nheaders; i++)
		headers_add(to, headers[i].name, headers[i].value,
					headers[i].value_len);
}

static Attributes *
make_relation_attributes(const CloudEventsEncoder *encoder, bool is_message,
						 const EventFieldContext *context)
{
	Attributes *attributes = palloc(sizeof(Attributes));

	attributes_init(attributes, encoder->binary);
	add_literal_attribute(attributes, HEADER_PREFIX "specversion", "1.0");
	if (is_message)
		add_literal_attribute(attributes, HEADER_PREFIX "type",
							  TYPE_PACKAGE "Message");
	else
		add_literal_attribute(attributes, HEADER_PREFIX "type",
							  TYPE_PACKAGE "DataChangeEvent");
	add_attribute(attributes, HEADER_PREFIX "source", encoder->source,
				  strlen(encoder->source));

	/* In binary mode it is the header content-type. */
	if (!encoder->binary)
		add_literal_attribute(attributes, HEADER_PREFIX "datacontenttype",
							  DATA_TYPE);
	add_fields(attributes, relation_attributes,
			   lengthof(relation_attributes), context);
	return attributes;
}

static void
add_subject(Attributes *attributes, const char *subject)
{
	StringInfo	value = &attributes->value;

	resetStringInfo(value);
	json_append_cstring(value, subject);
	add_attribute(attributes, HEADER_PREFIX "subject", value->data,
				  value->len);
}

/* ----------------------------------------------------------------
 *		transactions and relations
 * ----------------------------------------------------------------
 */

static void
init_context(EventFieldContext *context, const CloudEventsEncoder *encoder,
			 const char *op, const EventPosition *position)
{
	context->source_name = encoder->name;
	context->database = encoder->database;
	context->op = op;
	context->schema = "";
	context->table = "";
	context->position = position;
}

static void
cloudevents_begin(Encoder *base, const TransactionInfo *transaction)
{
	CloudEventsEncoder *encoder = (CloudEventsEncoder *) base;
	Attributes *attributes = &encoder->transaction;
	EventPosition position = {transaction};
	EventFieldContext context;
	char		time[VALUE_TIME_TEXT_MAX + 1];
	int			len;

	attributes_reset(attributes);
	time[0] = '"';
	len = value_time_timestamptz_text(time + 1, transaction->commit_time, 6);
	time[len + 1] = '"';
	add_attribute(attributes, HEADER_PREFIX "time", time, len + 2);
	init_context(&context, encoder, NULL, &position);
	add_fields(attributes, transaction_attributes,
			   lengthof(transaction_attributes), &context);
}

static void
cloudevents_relation(Encoder *base, RelationInfo *relation)
{
	CloudEventsEncoder *encoder = (CloudEventsEncoder *) base;
	MemoryContext old = MemoryContextSwitchTo(relation->context);
	CloudEventsRelation *data = palloc0(sizeof(CloudEventsRelation));
	EventFieldContext context;
	char	   *subject = psprintf("%s.%s", relation->schema,
								   relation->table);

	data->rows = encode_json_relation(relation,
									  encoder->options->unavailable_value);
	json_keys_init(&data->keys, relation, false);
	init_context(&context, encoder, NULL, NULL);
	context.schema = relation->schema;
	context.table = relation->table;
	data->attributes = make_relation_attributes(encoder, false, &context);
	add_subject(data->attributes, subject);
	pfree(subject);
	relation->encoder_data = data;
	MemoryContextSwitchTo(old);
}

/* ----------------------------------------------------------------
 *		events
 * ----------------------------------------------------------------
 */

/* Unique among all events of the server, and the same if it is sent again */
static void
add_id(CloudEventsEncoder *encoder, const EventPosition *position)
{
	char		id[80];
	int			len;

	len = snprintf(id, sizeof(id),
				   "\"" UINT64_FORMAT "-" UINT64_FORMAT "-" UINT64_FORMAT "\"",
				   encoder->system_identifier,
				   (uint64) position->transaction->commit_lsn,
				   position->index);
	add_attribute(&encoder->event, HEADER_PREFIX "id", id, len);
}

static void
prepare_event(CloudEventsEncoder *encoder, const char *op,
			  const EventPosition *position)
{
	EventFieldContext context;

	attributes_reset(&encoder->event);
	add_id(encoder, position);
	init_context(&context, encoder, op, position);
	add_fields(&encoder->event, event_attributes, lengthof(event_attributes),
			   &context);
}

static void
add_headers(CloudEventsEncoder *encoder, Attributes *of_relation,
			HeaderList *headers)
{
	if (!encoder->binary)
	{
		headers_add(headers, HEADER_CONTENT_TYPE, STRUCTURED_TYPE,
					strlen(STRUCTURED_TYPE));
		return;
	}
	headers_add(headers, HEADER_CONTENT_TYPE, DATA_TYPE, strlen(DATA_TYPE));
	copy_headers(headers, &encoder->event);
	copy_headers(headers, &encoder->transaction);
	copy_headers(headers, of_relation);
}

/* In structured mode: all attributes, and the name of the data */
static void
begin_structured(StringInfo out, const CloudEventsEncoder *encoder,
				 const Attributes *of_relation)
{
	const StringInfoData *event = &encoder->event.json;

	/* Each attribute has a comma in front, the first one a brace instead. */
	json_append_char(out, '{');
	json_append_raw(out, event->data + 1, event->len - 1);
	json_append_raw(out, encoder->transaction.json.data,
					encoder->transaction.json.len);
	json_append_raw(out, of_relation->json.data, of_relation->json.len);
	json_append_literal(out, ",\"data\":");
}

static void
append_row(StringInfo out, const RelationInfo *relation, const RowImage *row)
{
	CloudEventsRelation *data = relation->encoder_data;

	if (row)
		encode_json_row(out, data->rows, relation, row);
	else
		json_append_literal(out, "null");
}

static void
cloudevents_key(Encoder *base, const RelationInfo *relation, KeyKind kind,
				const RowImage *row, StringInfo out)
{
	CloudEventsRelation *data = relation->encoder_data;

	json_keys_append(out, &data->keys, data->rows, relation, kind, row);
}

static bool
cloudevents_value(Encoder *base, const ChangeEvent *event, StringInfo out)
{
	CloudEventsEncoder *encoder = (CloudEventsEncoder *) base;
	CloudEventsRelation *data = event->relation->encoder_data;

	prepare_event(encoder, event_op_name(event->op), &event->position);
	if (!encoder->binary)
		begin_structured(out, encoder, data->attributes);
	json_append_literal(out, "{\"before\":");
	append_row(out, event->relation, event->before);
	json_append_literal(out, ",\"after\":");
	append_row(out, event->relation, event->after);
	json_append_char(out, '}');
	if (!encoder->binary)
		json_append_char(out, '}');
	return true;
}

/* Uses what cloudevents_value() prepared. */
static void
cloudevents_headers(Encoder *base, const ChangeEvent *event,
					HeaderList *headers)
{
	CloudEventsEncoder *encoder = (CloudEventsEncoder *) base;
	CloudEventsRelation *data = event->relation->encoder_data;

	add_headers(encoder, data->attributes, headers);
}

static void
cloudevents_message_key(Encoder *base, const LogicalMessage *message,
						StringInfo out)
{
	logical_message_append_key(out, message);
}

static void
cloudevents_message_value(Encoder *base, const LogicalMessage *message,
						  StringInfo out)
{
	CloudEventsEncoder *encoder = (CloudEventsEncoder *) base;

	prepare_event(encoder, "m", &message->position);
	add_subject(&encoder->event, message->prefix);
	if (!encoder->binary)
		begin_structured(out, encoder, encoder->message);
	logical_message_append(out, &encoder->message_type, message);
	if (!encoder->binary)
		json_append_char(out, '}');
}

/* Uses what cloudevents_message_value() prepared. */
static void
cloudevents_message_headers(Encoder *base, const LogicalMessage *message,
							HeaderList *headers)
{
	CloudEventsEncoder *encoder = (CloudEventsEncoder *) base;

	add_headers(encoder, encoder->message, headers);
}

/* ----------------------------------------------------------------
 *		creation
 * ----------------------------------------------------------------
 */

/* The source is a URI, in which other characters are not allowed. */
static bool
is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || strchr("-._~", c) != NULL;
}

static char *
make_source(const char *name)
{
	StringInfoData json;
	StringInfoData text;
	StringInfoData source;
	int			i;

	initStringInfo(&json);
	json_append_shared_name(&json, name);
	initStringInfo(&text);
	json_append_unquoted(&text, json.data, json.len);

	initStringInfo(&source);
	appendStringInfoString(&source, "\"/debezium/" EVENT_CONNECTOR "/");
	for (i = 0; i < text.len; i++)
	{
		if (is_unreserved(text.data[i]))
			appendStringInfoChar(&source, text.data[i]);
		else
			appendStringInfo(&source, "%%%02X", (unsigned char) text.data[i]);
	}
	appendStringInfoChar(&source, '"');
	return source.data;
}

Encoder *
encode_cloudevents_create(const EncoderSettings *settings)
{
	CloudEventsEncoder *encoder = palloc0(sizeof(CloudEventsEncoder));
	EventFieldContext context;

	encoder->base.json = true;
	encoder->base.tombstones = settings->options->tombstones;
	encoder->base.begin = cloudevents_begin;
	encoder->base.relation = cloudevents_relation;
	encoder->base.key = cloudevents_key;
	encoder->base.value = cloudevents_value;
	encoder->base.headers = cloudevents_headers;
	encoder->base.message_key = cloudevents_message_key;
	encoder->base.message_value = cloudevents_message_value;
	encoder->base.message_headers = cloudevents_message_headers;

	encoder->options = settings->options;
	encoder->binary =
		settings->options->cloudevents_mode == CLOUDEVENTS_BINARY;
	encoder->name = settings->name;
	encoder->database = settings->database;
	encoder->source = make_source(settings->name);
	encoder->system_identifier = GetSystemIdentifier();
	attributes_init(&encoder->transaction, encoder->binary);
	attributes_init(&encoder->event, encoder->binary);
	init_context(&context, encoder, NULL, NULL);
	encoder->message = make_relation_attributes(encoder, true, &context);
	logical_message_type_init(&encoder->message_type, settings->options);
	return &encoder->base;
}
