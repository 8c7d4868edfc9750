/*-------------------------------------------------------------------------
 *
 * catalog.h
 *	  The extension's own tables, as SQL functions use them.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/catalog.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_CATALOG_H
#define CDC_CATALOG_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* A row of cdc_emit.subscription. */
typedef struct SubscriptionRow
{
	int64		subid;
	NameData	name;
	Oid			owner;
	NameData	server;
	List	   *publications;	/* of char * */
	Jsonb	   *options;
	bool		enabled;
	NameData	slot_name;
	uint64		system_identifier;	/* of the cluster that publishes it */
	bool		slot_created;
	bool		slot_dropped;	/* by max_retained_wal_action */
	List	   *skipped;		/* of SkippedTransaction *, newest first */
	TransactionId xmin;			/* changes with every update of the row */
} SubscriptionRow;

/*
 * Run a command with parameters as the owner of our tables and leave its
 * result in SPI_tuptable and SPI_processed.  The caller has connected to SPI.
 * The search path is "pg_catalog, pg_temp" meanwhile; all the same, functions,
 * operators and types of the command are schema-qualified.  nulls is as in
 * SPI_execute_with_args().
 */
extern void catalog_execute(const char *command, int nargs, Oid *argtypes,
							Datum *values, const char *nulls);

/*
 * The row of a subscription, palloc'ed in CurrentMemoryContext; ERROR if
 * there is none.  With lock, nobody else changes it until the transaction
 * ends.
 */
extern SubscriptionRow *catalog_get_subscription(Name name, bool lock);

/* ERROR unless the current user may change the subscription. */
extern void catalog_check_owner(const SubscriptionRow *row);

/* All of them, in order of subid: a list of SubscriptionRow *. */
extern List *catalog_list_subscriptions(void);

/* Slots that are to be dropped: a list of char *. */
extern List *catalog_list_dropped_slots(void);

/* Rows of this database. */
extern int64 catalog_count_subscriptions(void);

/*
 * Append the configuration that the controller makes of a row to an empty
 * buffer; see config.h.  ERROR if the subscription cannot run with it: its
 * owner is gone, the server is, or may not be used by the owner, or all of it
 * takes more than CDC_CONFIG_SIZE bytes.
 */
extern void catalog_serialize_config(const SubscriptionRow *row,
									 StringInfo buf);

#endif							/* CDC_CATALOG_H */
