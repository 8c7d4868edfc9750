/*-------------------------------------------------------------------------
 *
 * exactly_once.h
 *	  Exactly-once delivery: Kafka transactions and the position in them.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/exactly_once.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_EXACTLY_ONCE_H
#define CDC_EXACTLY_ONCE_H

#include "datatype/timestamp.h"
#include "position.h"
#include "producer.h"

typedef struct ExactlyOnceSettings
{
	const ProducerOptions *producer_options;
	const char *position_topic;
	int			commit_interval;	/* ms */

	/*
	 * Who wrote the last position, as far as this server knows; 0: not known.
	 * If it is somebody else's now, that one has taken over.
	 */
	uint64		last_writer;

	/* From here on WAL is kept by the slot; InvalidXLogRecPtr: it has none. */
	XLogRecPtr	restart_lsn;

	/* While starting: sleep up to timeout ms, serve what must be served. */
	void		(*wait) (long timeout);
} ExactlyOnceSettings;

typedef enum KafkaTransactionState
{
	KAFKA_TRANSACTION_NONE,
	KAFKA_TRANSACTION_OPEN,
	KAFKA_TRANSACTION_CLOSING,	/* the position is to be written */
	KAFKA_TRANSACTION_COMMITTING	/* waits for reports, then for Kafka */
} KafkaTransactionState;

typedef struct ExactlyOnce
{
	const ExactlyOnceSettings *settings;
	Producer   *producer;
	int			topic;			/* of positions */
	bool		failed;			/* the ERROR is one a restart cannot mend */
	Position	position;		/* next to be written; who we are */

	/* where to resume */
	bool		has_start;
	bool		resuming;		/* the transaction that is there in part is
								 * still to come */
	bool		skipping;		/* this is it */
	Position	start;

	/* the Kafka transaction */
	KafkaTransactionState state;
	TimestampTz opened;
	TimestampTz closed;
	TimestampTz next_close;		/* not before */
	TimestampTz now;			/* of the last exactly_once_poll() */
	TimestampTz oldest_commit_time; /* of transactions in it; 0: none */
	uint64		ncommits;

	/* what may be in flight, in bytes, and since when it has stood the test */
	uint64		budget;
	uint64		budget_start_bytes;
	TimestampTz budget_start;

	/* the transaction that is being decoded */
	XLogRecPtr	commit_lsn;
	uint64		changes;
	XLogRecPtr	change_lsn;
} ExactlyOnce;

/*
 * Fence older producers and learn where to resume; waits for Kafka as long as
 * it takes.  settings must outlive it.
 */
extern void exactly_once_start(ExactlyOnce *eo, Producer *producer,
							   const ExactlyOnceSettings *settings);

/* Where to begin to decode; InvalidXLogRecPtr: where the slot says. */
extern XLogRecPtr exactly_once_start_lsn(const ExactlyOnce *eo);

/*
 * Decoding will begin at start_lsn.  Write that as the position, so that
 * others see who publishes now.
 */
extern void exactly_once_announce(ExactlyOnce *eo, XLogRecPtr start_lsn);

/* A transaction begins, a change of it has ended, all of it was decoded. */
extern void exactly_once_begin(ExactlyOnce *eo, XLogRecPtr commit_lsn);
extern void exactly_once_change(ExactlyOnce *eo, XLogRecPtr lsn);
extern void exactly_once_end(ExactlyOnce *eo);

/* The transaction that has ended has events. */
extern void exactly_once_sent(ExactlyOnce *eo, TimestampTz commit_time);

/*
 * For messages: is it in Kafka already; can it be produced now; it will be.
 */
extern bool exactly_once_skips(const ExactlyOnce *eo);
extern bool exactly_once_may_produce(const ExactlyOnce *eo);
extern void exactly_once_open(ExactlyOnce *eo, TimestampTz commit_time);

/*
 * Is the Kafka transaction that holds messages of the transaction being
 * decoded so old that it must be committed now, in the middle?  Then do that:
 * poll until exactly_once_may_produce().
 */
extern bool exactly_once_must_split(const ExactlyOnce *eo);
extern void exactly_once_split(ExactlyOnce *eo);

/*
 * Close the Kafka transaction if it is time, and drive its commit.
 * in_transaction: some messages of a transaction were produced, but not all.
 * sent_lsn: end of the last one of which all were.  Waits up to
 * PRODUCER_MIN_BLOCK_MS; call it when delivery reports were served.
 */
extern void exactly_once_poll(ExactlyOnce *eo, bool in_transaction,
							  XLogRecPtr sent_lsn);

/* How long until it has to be called again, in ms; at most timeout. */
extern long exactly_once_nap(const ExactlyOnce *eo, bool in_transaction,
							 long timeout);

/* Close it at the next poll, whatever the interval says. */
extern void exactly_once_hurry(ExactlyOnce *eo);

#endif							/* CDC_EXACTLY_ONCE_H */
