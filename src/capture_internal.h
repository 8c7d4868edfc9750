/*-------------------------------------------------------------------------
 *
 * capture_internal.h
 *	  What the files of capture share; nobody else includes this.
 *
 * One direction: capture.c has the callbacks, capture_error.c catches errors
 * of the data, capture_row.c turns rows into events, capture_emit.c turns
 * events into messages.
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

/* What is being done, for those who have to explain an error */
typedef enum CapturePhase
{
	CAPTURE_PREPARING,			/* look-ups in catalog and Kafka */
	CAPTURE_ENCODING,			/* errors are the data's own */
	CAPTURE_EMITTING			/* errors have to do with Kafka, and may be of
								 * another event */
} CapturePhase;

/* What is known of the change in hand */
typedef struct CurrentChange
{
	bool		active;			/* false: between changes */
	CapturePhase phase;
	EventOp		op;
	XLogRecPtr	lsn;			/* of the change's WAL record */
	const RelationInfo *relation;	/* NULL: not looked up yet */
	StringInfo	key;			/* NULL: none, or not encoded yet */
	bool		numbered;		/* index is that of the event */
	uint64		index;
	bool		value_begun;	/* value is the event's, perhaps in part */
	bool		encoded;		/* and all of it */
} CurrentChange;

typedef struct CaptureState
{
	MemoryContext context;		/* the decoding context's */
	MemoryContext change_context;	/* reset after each change */
	const SubscriptionOptions *options;
	const char *default_prefix; /* NULL: name of the database */
	const List *skipped;		/* of SkippedTransaction */
	Sink	   *sink;
	RelationCache *relations;

	/* Made at the first published change */
	char	   *database;
	const char *prefix;
	Encoder    *encoder;

	/* Topic for dead letters; the name is NULL before the first one */
	char	   *dead_letter_topic_name;
	int			dead_letter_topic;

	/* The transaction being decoded */
	bool		in_transaction;
	bool		skipping;		/* it is not to be published */
	TransactionInfo transaction;
	bool		begun;			/* has it had an event? */
	uint64		next_index;
	CurrentChange current;

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

/* The worker's; NULL in other processes */
extern const CaptureState *capture_worker_state;

/* capture.c: topic and encoder parts of a relation that is published */
extern void capture_prepare_relation(CaptureState *state, RelationInfo *info);

/* capture_error.c: keep account of the change in hand. */
extern void capture_begin_change(CaptureState *state,
								 const ReorderBufferChange *change);
extern void capture_end_change(CaptureState *state);

/*
 * capture_error.c: a change of a row; if the data has an error, a dead letter
 * instead.
 */
extern void capture_row_or_dead_letter(CaptureState *state,
									   ReorderBufferTXN *txn,
									   Relation relation,
									   ReorderBufferChange *change);

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
