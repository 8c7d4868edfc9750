/*-------------------------------------------------------------------------
 *
 * capture.h
 *	  The output plugin: changes to events, events to messages.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/capture.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_CAPTURE_H
#define CDC_CAPTURE_H

#include "message.h"
#include "nodes/pg_list.h"
#include "options.h"
#include "replication/reorderbuffer.h"

/* Counted since the process started. */
typedef struct CaptureCounters
{
	uint64		transactions;	/* with at least one event */
	uint64		inserts;
	uint64		updates;
	uint64		deletes;
	uint64		truncates;
	uint64		tombstones;
	uint64		filtered;		/* changes decoded but not published */
	uint64		nulled_values;	/* value_nulled_count() */
	uint64		dead_letters;	/* events that could not be published */
	uint64		skipped;		/* transactions, on request */
} CaptureCounters;

/* What a worker hands to the plugin in place of plugin options. */
typedef struct CaptureSettings
{
	const SubscriptionOptions *options;
	List	   *publications;	/* of char * */
	List	   *skipped;		/* of SkippedTransaction (config.h) */
	Oid			owner;			/* role whose privileges count */
	const char *default_prefix; /* topic prefix if the options have none */
	Sink	   *sink;
} CaptureSettings;

/*
 * Run the plugin of this process with these settings, sink included, instead
 * of plugin options and text output.  Call before the decoding context is
 * made; the settings must outlive it.
 */
extern void capture_use_settings(const CaptureSettings *settings);

extern const CaptureCounters *capture_counters(void);

/* A change of a row, as decoded */
typedef struct RowChange
{
	ReorderBufferChangeType action;
	XLogRecPtr	lsn;			/* of its WAL record */
	HeapTuple	old_tuple;		/* NULL if there is none */
	HeapTuple	new_tuple;		/* NULL if there is none */
} RowChange;

/*
 * The same for changes that do not come from WAL (preview.c): all of them in
 * one transaction, which would commit now, with the catalog as it is.  The
 * state lives in CurrentMemoryContext, and the settings must outlive it.
 * Raises ERROR as decoding does.
 */
typedef struct CaptureState CaptureState;

extern CaptureState *capture_begin_direct(const CaptureSettings *settings);
extern void capture_change_direct(CaptureState *state, Relation relation,
								  const RowChange *change);
extern void capture_truncate_direct(CaptureState *state, Relation relation,
									XLogRecPtr lsn);
extern void capture_end_direct(CaptureState *state);

/* What an error happened to, as far as it is known */
typedef struct CaptureFailure
{
	XLogRecPtr	commit_lsn;		/* start of the transaction's commit record */
	TransactionId xid;
	bool		poison;			/* the data is the cause: comes again */
	const char *schema;			/* NULL: not known; also table */
	const char *table;
	const char *key;			/* message key as encoded; NULL: not known */
	int			key_len;
} CaptureFailure;

/*
 * Explain an ERROR of decoding that has reached a worker's main function.
 * False if it did not happen within a decoded transaction.
 */
extern bool capture_get_failure(int sqlstate, CaptureFailure *failure);

#endif							/* CDC_CAPTURE_H */
