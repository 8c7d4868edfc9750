/*-------------------------------------------------------------------------
 *
 * options.h
 *	  Options of a subscription: what they are and how they are checked.
 *
 * The same options are accepted as jsonb (SQL functions) and as options of
 * the output plugin (SQL and walsender interface of logical decoding).
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/options.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_OPTIONS_H
#define CDC_OPTIONS_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "value.h"

typedef enum OutputFormat
{
	OUTPUT_FORMAT_DEBEZIUM,
	OUTPUT_FORMAT_ROW,
	OUTPUT_FORMAT_CLOUDEVENTS
} OutputFormat;

typedef enum CloudEventsMode
{
	CLOUDEVENTS_STRUCTURED,		/* attributes and data in the value */
	CLOUDEVENTS_BINARY			/* attributes in headers */
} CloudEventsMode;

/* What format row makes of a delete */
typedef enum DeleteHandling
{
	DELETE_HANDLING_TOMBSTONE,	/* a null value */
	DELETE_HANDLING_DROP,		/* nothing */
	DELETE_HANDLING_REWRITE,	/* the old row, marked as deleted */
	DELETE_HANDLING_REWRITE_WITH_TOMBSTONE
} DeleteHandling;

typedef enum OriginFilter
{
	ORIGIN_ANY,
	ORIGIN_NONE					/* only changes made on this server */
} OriginFilter;

/* Which time is the timestamp of messages */
typedef enum TimestampSource
{
	TIMESTAMP_SOURCE_COMMIT,
	TIMESTAMP_SOURCE_NOW
} TimestampSource;

typedef enum DeliveryGuarantee
{
	DELIVERY_AT_LEAST_ONCE,
	DELIVERY_EXACTLY_ONCE
} DeliveryGuarantee;

/* What happens to an event that can not be published */
typedef enum OnError
{
	ON_ERROR_STOP,				/* the subscription fails */
	ON_ERROR_DEAD_LETTER		/* it goes to a topic of its own */
} OnError;

/* What happens when the slot retains more WAL than is allowed */
typedef enum RetentionAction
{
	RETENTION_WARN,				/* say so */
	RETENTION_PAUSE,			/* and end the worker */
	RETENTION_DROP_SLOT			/* and give up */
} RetentionAction;

/* A name and a value, both palloc'ed; List element of topic_config etc. */
typedef struct NameValue
{
	char	   *name;
	char	   *value;
} NameValue;

/* What is special about one table; unset fields are NULL or NIL */
typedef struct TableOptions
{
	char	   *schema;
	char	   *table;
	char	   *topic;			/* template */
	List	   *key;			/* of char *: columns of the message key */
	List	   *partition_by;	/* of char *: columns that choose the
								 * partition */
} TableOptions;

typedef struct SubscriptionOptions
{
	/* what messages look like */
	OutputFormat format;
	bool		schemas;		/* with Kafka Connect's schema block? */
	ValueModes	modes;			/* how values of some types are written */
	char	   *unavailable_value;	/* stands for unchanged TOAST */
	int64		max_value_bytes;	/* longer values count as unavailable; 0:
									 * no limit */
	char	   *source_name;	/* in the source block; NULL: the prefix */
	bool		tombstones;		/* null message after a delete */
	bool		truncate;		/* emit TRUNCATE? */
	bool		transaction_metadata;	/* transaction block and topic */
	List	   *add_fields;		/* of char *, with format row */
	List	   *add_headers;	/* of char *, with format row */
	DeleteHandling delete_handling; /* with format row */
	CloudEventsMode cloudevents_mode;
	List	   *headers;		/* of NameValue; values are templates */

	/* what is captured besides what publications say */
	OriginFilter origin;
	List	   *message_include;	/* of char *: prefixes of logical messages;
									 * NIL: none */
	List	   *message_exclude;	/* of char * */

	/* where messages go */
	char	   *topic_prefix;	/* NULL: name of the subscription */
	char	   *topic;			/* template, {prefix} {database} {schema}
								 * {table} {root} */
	List	   *tables;			/* of TableOptions */
	char	   *message_key_columns;	/* as given; merged into tables */
	TimestampSource timestamp;

	/* topics */
	bool		create_topics;	/* create those that are missing */
	int			topic_partitions;	/* -1: the broker's default */
	int			topic_replication_factor;	/* -1: the broker's default */
	List	   *topic_config;	/* of NameValue */

	/* delivery */
	DeliveryGuarantee delivery;
	int			commit_interval;	/* ms, of Kafka transactions */
	char	   *position_topic; /* of exactly_once */
	OnError		on_error;
	char	   *dead_letter_topic;	/* NULL: {prefix}.dead_letter */

	/* limits */
	int64		max_queue_bytes;	/* not acknowledged, in bytes */
	int			decoding_work_mem;	/* kB, as logical_decoding_work_mem; -1:
									 * server setting */
	int64		max_retained_wal;	/* bytes of WAL; 0: no limit */
	RetentionAction max_retained_wal_action;
} SubscriptionOptions;

/*
 * Parse and check options; result is palloc'ed in CurrentMemoryContext, with
 * defaults filled in.  Raise ERROR that names the key, the value and what is
 * accepted.
 */
extern SubscriptionOptions *options_from_jsonb(Jsonb *jsonb);

/*
 * The same for a list of DefElem, as the output plugin gets.  "publications"
 * (comma-separated, as pgoutput's publication_names) goes to *publications;
 * options that have no meaning without Kafka are checked and ignored.
 */
extern SubscriptionOptions *options_from_plugin(List *defelems,
												List **publications);

/* What is special about a table; NULL if nothing is. */
extern const TableOptions *
options_for_table(const SubscriptionOptions *options, const char *schema,
				  const char *table);

#endif							/* CDC_OPTIONS_H */
