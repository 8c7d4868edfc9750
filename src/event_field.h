/*-------------------------------------------------------------------------
 *
 * event_field.h
 *	  What Debezium's envelope says about an event, field by field.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/event_field.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_EVENT_FIELD_H
#define CDC_EVENT_FIELD_H

#include "encode.h"

#define EVENT_CONNECTOR		"postgresql"

/* Name of the operation of logical messages in the envelope */
#define EVENT_OP_MESSAGE	"m"

typedef enum EventField
{
	/* at the top of the envelope */
	EVENT_FIELD_OP,
	EVENT_FIELD_CLOCK_MS,
	EVENT_FIELD_CLOCK_US,
	EVENT_FIELD_CLOCK_NS,

	/* of the transaction block */
	EVENT_FIELD_TRANSACTION_ID,
	EVENT_FIELD_TOTAL_ORDER,
	EVENT_FIELD_COLLECTION_ORDER,

	/* of the source block */
	EVENT_FIELD_VERSION,
	EVENT_FIELD_CONNECTOR,
	EVENT_FIELD_NAME,
	EVENT_FIELD_COMMIT_MS,
	EVENT_FIELD_SNAPSHOT,
	EVENT_FIELD_DATABASE,
	EVENT_FIELD_SEQUENCE,
	EVENT_FIELD_COMMIT_US,
	EVENT_FIELD_COMMIT_NS,
	EVENT_FIELD_SCHEMA,
	EVENT_FIELD_TABLE,
	EVENT_FIELD_XID,
	EVENT_FIELD_LSN,
	EVENT_FIELD_XMIN,
	EVENT_FIELD_ORIGIN,
	EVENT_FIELD_ORIGIN_LSN,
	EVENT_FIELD_COMMIT_LSN,
	EVENT_FIELD_COMMIT_INDEX
} EventField;

/* A field that is added to a row or to headers, under a name of its own */
typedef struct AddedField
{
	EventField	field;
	char	   *name;
} AddedField;

/* Where the values of fields come from; unset where a field needs it not */
typedef struct EventFieldContext
{
	const char *source_name;
	const char *database;
	const char *op;
	const char *schema;			/* "" of logical messages */
	const char *table;			/* "" of logical messages */
	const EventPosition *position;
} EventFieldContext;

/*
 * Understand a reference as Debezium's ExtractNewRecordState does: "op",
 * "table", "source.ts_ms", "transaction.id", also "table:name".  The name is
 * palloc'ed.  False if there is no such field.
 */
extern bool event_field_parse(const char *reference, AddedField *added);

/* The references there are, separated by commas; palloc'ed. */
extern char *event_field_list(void);

/* Name of the operation in the envelope: "c", "u", "d", "t" */
extern const char *event_op_name(EventOp op);

/*
 * Parse references that were checked (List of char *); result is a palloc'ed
 * array.
 */
extern AddedField *event_field_parse_list(const List *references);

/* The value as JSON, perhaps null. */
extern void event_field_append(StringInfo out, EventField field,
							   const EventFieldContext *context);

/* Add it to headers, as plain text. */
extern void event_field_add_header(HeaderList *headers, const char *name,
								   EventField field,
								   const EventFieldContext *context);

/* Its schema, optional, as Kafka Connect's JSON converter writes it. */
extern void event_field_append_schema(StringInfo out,
									  const AddedField *added);

/* Parts of the above that encoders write by themselves */
extern void event_append_transaction_id(StringInfo out,
										const TransactionInfo *transaction);
extern void event_append_snapshot_type(StringInfo out);

#endif							/* CDC_EVENT_FIELD_H */
