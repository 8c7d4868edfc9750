/*-------------------------------------------------------------------------
 *
 * capture_internal.h
 *	  What the files of capture share; nobody else includes this.
 *
 * One direction: capture.c has the callbacks; capture_error.c catches errors
 * of the data; capture_row.c and capture_message.c turn what they get into
 * events; capture_emit.c turns events into messages, and
 * capture_transaction.c knows the transaction.
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
#include "headers.h"
#include "relation.h"
#include "route.h"

/* Names what an event has no value for, as a JSON array. */
#define CAPTURE_HEADER_UNAVAILABLE	"__cdc_emit.unavailable"

/* A topic for what is not a row, opened when it is needed */
typedef struct CaptureTopic
{
	char	   *name;
	bool		open;
	int			id;
} CaptureTopic;

/* What is being done, for those who have to explain an error */
typedef enum CapturePhase
{
	CAPTURE_PREPARING,			/* look-ups in catalog and Kafka */
	CAPTURE_ENCODING,			/* errors are the data's own */
	CAPTURE_EMITTING			/* errors have to do with Kafka, and may be of
								 * another event */
} CapturePhase;

/* How far an update that changes the key has got: it is two events */
typedef enum KeyChange
{
	KEY_CHANGE_NONE,
	KEY_CHANGE_DELETE,			/* the old key ends */
	KEY_CHANGE_CREATE			/* the new one begins */
} KeyChange;

/* What is known of the change, or logical message, in hand */
typedef struct CurrentChange
{
	bool		active;			/* false: between changes */
	CapturePhase phase;
	const char *op;				/* as in Debezium's envelope */
	XLogRecPtr	lsn;			/* of the change's WAL record */
	RelationInfo *relation;		/* NULL: not looked up yet, or a message */
	const LogicalMessage *message;	/* NULL: a change */
	StringInfo	key;			/* NULL: none, or not encoded yet */
	KeyChange	key_change;
	bool		placed;			/* index is that of the event */
	uint64		index;
	bool		value_begun;	/* value is the event's, perhaps in part */
	bool		encoded;		/* and all of it */
} CurrentChange;

struct CaptureState
{
	MemoryContext context;		/* the decoding context's */
	MemoryContext change_context;	/* reset after each change */
	const SubscriptionOptions *options;
	const char *default_prefix; /* NULL: name of the database */
	const List *skipped;		/* of SkippedTransaction */
	Sink	   *sink;
	RelationCache *relations;

	/* Made at the first event */
	Encoder    *encoder;
	Router	   *router;
	CaptureTopic message_topic;
	CaptureTopic transaction_topic;
	CaptureTopic dead_letter_topic;

	/* The transaction being decoded */
	bool		in_transaction;
	bool		skipping;		/* it is not to be published */
	TransactionInfo transaction;
	CdcOriginId origin_id;		/* of transaction.origin */
	bool		begun;			/* has it had an event? */
	uint64		next_index;
	CurrentChange current;

	/* Its events of each table, if the encoder wants to know */
	uint64		transaction_number; /* in this process */
	MemoryContext count_context;	/* reset after each transaction */
	HTAB	   *counts_by_name;
	List	   *counts;			/* of CollectionCount *, in order of events */

	/* Reused for each change */
	int			natts;
	RowImage	old_row;
	RowImage	new_row;
	StringInfoData key;
	StringInfoData old_key;
	StringInfoData other_key;	/* for the partition, of transactions */
	StringInfoData value;
	HeaderList	headers;
};

/* Of this process */
extern CaptureCounters capture_counts;

/* The worker's; NULL in other processes */
extern const CaptureState *capture_worker_state;

/*
 * capture.c: make what needs names of the catalog, so not before there is an
 * event and within a transaction.
 */
extern void capture_prepare(CaptureState *state);

/* capture_error.c: keep account of the change in hand. */
extern void capture_begin_change(CaptureState *state, const char *op,
								 XLogRecPtr lsn);
extern void capture_end_change(CaptureState *state);

/*
 * capture_error.c: a change of a row, or a logical message; if the data has
 * an error, a dead letter instead.
 */
extern void capture_row_or_dead_letter(CaptureState *state,
									   Relation relation,
									   const RowChange *change);
extern void capture_message_or_dead_letter(CaptureState *state,
										   LogicalMessage *message,
										   bool transactional);

/* capture_row.c: a change of a row, and one relation of a TRUNCATE */
extern void capture_row(CaptureState *state, Relation relation,
						const RowChange *change);
extern void capture_truncate(CaptureState *state, Relation relation,
							 XLogRecPtr lsn);

/* capture_message.c: a logical message, perhaps outside of transactions */
extern void capture_message(CaptureState *state, LogicalMessage *message,
							bool transactional);

/*
 * capture_transaction.c: place an event in its transaction, which begins with
 * its first event; relation is NULL for a logical message.
 */
extern void capture_place(CaptureState *state, RelationInfo *relation,
						  EventPosition *position);

/* capture_transaction.c: at commit, after the last event if there was one */
extern void capture_end_transaction(CaptureState *state);

/*
 * capture_emit.c: the key of a row, in buffer, or NULL if the relation has
 * none
 */
extern StringInfo capture_key(CaptureState *state, RelationInfo *info,
							  const RowImage *row, StringInfo buffer);

/*
 * capture_emit.c: hand over an event that was placed, as the messages that
 * the format has for it.  False: none.
 */
extern bool capture_emit(CaptureState *state, RelationInfo *info,
						 const ChangeEvent *event, const StringInfo key);

/* capture_emit.c: make a special topic known to the sink. */
extern void capture_open_topic(CaptureState *state, CaptureTopic *topic);

/*
 * capture_emit.c: hand over a message for a special topic, with the headers
 * that were collected.
 */
extern void capture_emit_special(CaptureState *state, CaptureTopic *topic,
								 const StringInfo key,
								 const StringInfo value);

#endif							/* CDC_CAPTURE_INTERNAL_H */
