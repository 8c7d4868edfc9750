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

typedef struct TransactionInfo
{
	TransactionId xid;
	XLogRecPtr	commit_lsn;		/* start of the commit record */
	TimestampTz commit_time;
	XLogRecPtr	previous_end_lsn;	/* end of the transaction with events
									 * before this; invalid if none is known */
	const char *origin;			/* replication origin; NULL if local */
	XLogRecPtr	origin_lsn;
} TransactionInfo;

typedef struct ChangeEvent
{
	EventOp		op;
	const TransactionInfo *transaction;
	const RelationInfo *relation;
	XLogRecPtr	lsn;			/* of the change's WAL record */
	uint64		index;			/* within the transaction, from 0 */
	const RowImage *before;		/* NULL if there is none */
	const RowImage *after;		/* NULL if there is none */
} ChangeEvent;

typedef struct EncoderSettings
{
	const char *prefix;			/* logical name of the server */
	const char *database;
	const char *unavailable_value;
} EncoderSettings;

typedef struct Encoder Encoder;

/*
 * Encoders append to the caller's buffers and know nothing of sinks.  The
 * encoder and the constant parts it keeps live in the context that is current
 * in create(), relation parts in RelationInfo.context.
 */
struct Encoder
{
	/* Prepare constant parts of a transaction, at its first event. */
	void		(*begin) (Encoder *encoder,
						  const TransactionInfo *transaction);

	/* Prepare constant parts of a relation, in encoder_data. */
	void		(*relation) (Encoder *encoder, RelationInfo *relation);

	/* The message key of a row; the relation has key columns. */
	void		(*key) (Encoder *encoder, const RelationInfo *relation,
						const RowImage *row, StringInfo out);

	/* The message value of an event. */
	void		(*value) (Encoder *encoder, const ChangeEvent *event,
						  StringInfo out);
};

/* Debezium's envelope as JSON without schema (encode_debezium.c). */
extern Encoder *encode_debezium_create(const EncoderSettings *settings);

#endif							/* CDC_ENCODE_H */
