/*-------------------------------------------------------------------------
 *
 * config.h
 *	  Configuration of a worker, as the controller hands it over.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/config.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_CONFIG_H
#define CDC_CONFIG_H

#include "access/xlogdefs.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

/* A transaction that is not to be published; both have to be its own. */
typedef struct SkippedTransaction
{
	XLogRecPtr	commit_lsn;		/* start of its commit record */
	TransactionId xid;
} SkippedTransaction;

typedef struct SubscriptionConfig
{
	Oid			owner;
	List	   *publications;	/* of char * */
	char	   *options;		/* jsonb as text */
	List	   *skipped;		/* of SkippedTransaction */
	List	   *properties;		/* of NameValue, librdkafka names */
} SubscriptionConfig;

/* Flat form without pointers, for shared memory. */
extern void config_serialize(const SubscriptionConfig *config, StringInfo buf);

/* Back again; everything is palloc'ed in CurrentMemoryContext. */
extern SubscriptionConfig *config_deserialize(const char *data, uint32 size);

#endif							/* CDC_CONFIG_H */
