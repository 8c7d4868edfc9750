/*-------------------------------------------------------------------------
 *
 * capture_internal.h
 *	  What the files of capture share; nobody else includes this.
 *
 * One direction: capture.c has the callbacks, capture_row.c turns rows into
 * events, capture_emit.c turns events into messages.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/capture_internal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_CAPTURE_INTERNAL_H
#define CDC_CAPTURE_INTERNAL_H

#include "capture.h"
#include "compat.h"
#include "encode.h"
#include "relation.h"

typedef struct CaptureState
{
	MemoryContext context;		/* the decoding context's */
	MemoryContext change_context;	/* reset after each change */
	const SubscriptionOptions *options;
	const char *default_prefix; /* NULL: name of the database */
	Sink	   *sink;
	RelationCache *relations;

	/* Made at the first published change */
	char	   *database;
	const char *prefix;
	Encoder    *encoder;

	/* The transaction being decoded */
	TransactionInfo transaction;
	bool		begun;			/* has it had an event? */
	uint64		next_index;

	/* Reused for each change */
	int			natts;
	RowImage	old_row;
	RowImage	new_row;
	StringInfoData key;
	StringInfoData old_key;
	StringInfoData value;
} CaptureState;

/* Of this process */
extern CaptureCounters capture_counts;

/* capture.c: topic and encoder parts of a relation that is published */
extern void capture_prepare_relation(CaptureState *state, RelationInfo *info);

/* capture_row.c: a change of a row, and one relation of a TRUNCATE */
extern void capture_row(CaptureState *state, ReorderBufferTXN *txn,
						Relation relation, ReorderBufferChange *change);
extern void capture_truncate(CaptureState *state, ReorderBufferTXN *txn,
							 Relation relation, XLogRecPtr lsn);

/*
 * capture_emit.c: the key of a row, in buffer, or NULL if the relation has
 * none
 */
extern StringInfo capture_key(CaptureState *state, const RelationInfo *info,
							  const RowImage *row, StringInfo buffer);

/* capture_emit.c: number an event and hand it over as a message. */
extern void capture_emit(CaptureState *state, ReorderBufferTXN *txn,
						 ChangeEvent *event, const StringInfo key,
						 const MessageHeader *header);

/* capture_emit.c: the null message after a delete, if there is to be one */
extern void capture_emit_tombstone(CaptureState *state,
								   const RelationInfo *info,
								   const StringInfo key,
								   const MessageHeader *header);

#endif							/* CDC_CAPTURE_INTERNAL_H */
