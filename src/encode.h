/*-------------------------------------------------------------------------
 *
 * encode.h
 *	  The interface of encoders: an event in, bytes out.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/encode.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_ENCODE_H
#define CDC_ENCODE_H

#include "access/transam.h"
#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "headers.h"
#include "lib/stringinfo.h"
#include "relation.h"

typedef enum EventOp
{
	EVENT_CREATE,
	EVENT_UPDATE,
	EVENT_DELETE,
	EVENT_TRUNCATE
} EventOp;

/* A row as deformed from its tuple; RelationColumn.index counts in it. */
typedef struct RowImage
{
	Datum	   *values;
	bool	   *nulls;
} RowImage;

/*
 * The transaction of an event.  A logical message outside of transactions
 * stands for one of its own, without xid: commit_lsn is the start of the
 * message's record, commit_time when it was decoded.
 */
typedef struct TransactionInfo
{
	TransactionId xid;			/* invalid: none */
	XLogRecPtr	commit_lsn;		/* start of the commit record */
	TimestampTz commit_time;
	XLogRecPtr	previous_end_lsn;	/* end of the transaction with events
									 * before this; invalid if none is known */
	const char *origin;			/* replication origin; NULL if local */
	XLogRecPtr	origin_lsn;
} TransactionInfo;

/* Where an event stands. */
typedef struct EventPosition
{
	const TransactionInfo *transaction;
	XLogRecPtr	lsn;			/* of the event's WAL record */
	uint64		index;			/* within the transaction, from 0 */
	uint64		collection_order;	/* among those of its table, from 1; set
									 * if Encoder.orders_collections */
} EventPosition;

typedef struct ChangeEvent
{
	EventOp		op;
	EventPosition position;
	const RelationInfo *relation;
	const RowImage *before;		/* NULL if there is none */
	const RowImage *after;		/* NULL if there is none */
	bool		incomplete;		/* may after lack values? */

	/*
	 * An update that changed the key is a delete and a create.  These are
	 * rows with the other one's key; NULL in all other events.
	 */
	const RowImage *new_key;	/* of the delete */
	const RowImage *old_key;	/* of the create */
} ChangeEvent;

/* A message of pg_logical_emit_message() */
typedef struct LogicalMessage
{
	EventPosition position;
	const char *prefix;
	const char *content;		/* NULL: left out, it is too long */
	Size		content_len;
} LogicalMessage;

/* How many events of a table, or logical messages, a transaction had */
typedef struct CollectionCount
{
	const char *name;			/* schema.table */
	uint64		events;
} CollectionCount;

/* Which columns a key is made of */
typedef enum KeyKind
{
	KEY_MESSAGE,				/* RelationInfo.keys */
	KEY_PARTITION				/* RelationInfo.partition_keys */
} KeyKind;

typedef struct EncoderSettings
{
	const SubscriptionOptions *options;
	const char *name;			/* of the source */
	const char *database;
} EncoderSettings;

typedef struct Encoder Encoder;

/*
 * Encoders append to the caller's buffers and know nothing of sinks.  The
 * encoder and the constant parts it keeps live in the context that is current
 * in create(), relation parts in RelationInfo.context.  Scratch memory comes
 * from CurrentMemoryContext, which is reset after each change.
 */
struct Encoder
{
	bool		json;			/* are keys and values JSON text? */
	bool		tombstones;		/* does a null message follow a delete? */
	bool		tombstone_headers;	/* with the format's headers? */
	bool		orders_collections; /* wants EventPosition.collection_order */

	/* Prepare constant parts of a transaction, at its first event. */
	void		(*begin) (Encoder *encoder,
						  const TransactionInfo *transaction);

	/*
	 * Prepare constant parts of a relation, in encoder_data; its topic is
	 * known.
	 */
	void		(*relation) (Encoder *encoder, RelationInfo *relation);

	/* A key of a row; the relation has columns of this kind. */
	void		(*key) (Encoder *encoder, const RelationInfo *relation,
						KeyKind kind, const RowImage *row, StringInfo out);

	/* The value of an event.  False: the format has none for it. */
	bool		(*value) (Encoder *encoder, const ChangeEvent *event,
						  StringInfo out);

	/*
	 * Headers that the format has for the event value() was called for last;
	 * NULL if it has none.
	 */
	void		(*headers) (Encoder *encoder, const ChangeEvent *event,
							HeaderList *headers);

	/* Key, value and headers (may be NULL) of a logical message, in turn */
	void		(*message_key) (Encoder *encoder,
								const LogicalMessage *message,
								StringInfo out);
	void		(*message_value) (Encoder *encoder,
								  const LogicalMessage *message,
								  StringInfo out);
	void		(*message_headers) (Encoder *encoder,
									const LogicalMessage *message,
									HeaderList *headers);

	/*
	 * Key and value of the messages that begin (counts is NIL) and end a
	 * transaction; counts is a List of CollectionCount.  NULL if the format
	 * has no such messages.
	 */
	void		(*transaction_key) (Encoder *encoder,
									const TransactionInfo *transaction,
									StringInfo out);
	void		(*transaction_value) (Encoder *encoder,
									  const TransactionInfo *transaction,
									  const List *counts, StringInfo out);
};

/* Debezium's envelope as JSON, with or without schema (encode_debezium.c) */
extern Encoder *encode_debezium_create(const EncoderSettings *settings);

/* The row and nothing around it, as JSON (encode_row.c) */
extern Encoder *encode_row_create(const EncoderSettings *settings);

/* CloudEvents, structured or binary (encode_cloudevents.c) */
extern Encoder *encode_cloudevents_create(const EncoderSettings *settings);

#endif							/* CDC_ENCODE_H */
