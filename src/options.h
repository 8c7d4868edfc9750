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

typedef enum OutputFormat
{
	OUTPUT_FORMAT_DEBEZIUM,
} OutputFormat;

/* A name and a value, both palloc'ed; List element of topic_config etc. */
typedef struct NameValue
{
	char	   *name;
	char	   *value;
} NameValue;

typedef struct SubscriptionOptions
{
	/* what messages look like */
	OutputFormat format;		/* "format": debezium */
	char	   *topic_prefix;	/* NULL: name of the subscription */
	char	   *topic;			/* template, {prefix} {database} {schema}
								 * {table}; default
								 * "{prefix}.{schema}.{table}" */
	bool		tombstones;		/* null message after a delete */
	bool		truncate;		/* emit TRUNCATE? */
	char	   *unavailable_value;	/* stands for unchanged TOAST */

	/* topics */
	bool		create_topics;	/* create those that are missing */
	int			topic_partitions;	/* -1: the broker's default */
	int			topic_replication_factor;	/* -1: the broker's default */
	List	   *topic_config;	/* of NameValue */

	/* limits */
	int64		max_queue_bytes;	/* not acknowledged, in bytes */
	int			decoding_work_mem;	/* kB, as logical_decoding_work_mem; -1:
									 * server setting */
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

#endif							/* CDC_OPTIONS_H */
