/*-------------------------------------------------------------------------
 *
 * kafka_sink.h
 *	  The sink of a worker: capture's messages go to the producer.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/kafka_sink.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_KAFKA_SINK_H
#define CDC_KAFKA_SINK_H

#include "acks.h"
#include "exactly_once.h"
#include "message.h"
#include "producer.h"

typedef struct KafkaSink
{
	Sink		base;			/* must be first */
	Producer   *producer;
	AckWindow	acks;
	ExactlyOnce *exactly_once;	/* NULL: at least once */
	XLogRecPtr	committed_lsn;	/* safe as long as a Kafka transaction is
								 * open */
	uint64		nchanges;
	TimestampTz last_commit_time;	/* of the newest one with messages */
	XLogRecPtr	sent_lsn;		/* end of that transaction */
	TimestampTz waiting_since;	/* 0: not waiting for Kafka now */
	uint64		queue_full_count;
	uint64		queue_full_time;	/* microseconds */

	/*
	 * Sleep up to timeout ms, serve what must be served, poll the producer;
	 * with 0, only serve and poll.
	 */
	void		(*serve) (long timeout);
} KafkaSink;

extern void kafka_sink_init(KafkaSink *sink, Producer *producer,
							ExactlyOnce *exactly_once, XLogRecPtr start_lsn,
							void (*serve) (long timeout));

/*
 * Fetch delivery reports and drive the commit of Kafka transactions; raises
 * what producer_poll() raises.
 */
extern void kafka_sink_poll(KafkaSink *sink);

/* Is there room to decode further transactions? */
extern bool kafka_sink_has_room(KafkaSink *sink);

/* Is it only a commit that keeps the worker from decoding? */
extern bool kafka_sink_is_committing(const KafkaSink *sink);

/* How long the worker may sleep before it polls again, in ms. */
extern long kafka_sink_nap(const KafkaSink *sink, long timeout);

/* LSN that may be confirmed: Kafka has everything before it, for good. */
extern XLogRecPtr kafka_sink_safe_lsn(const KafkaSink *sink);

/* Commit time of the oldest transaction of which that is not true; 0: none. */
extern TimestampTz kafka_sink_oldest_commit_time(const KafkaSink *sink);

/* Would polling, soon, make more safe?  No, if a transaction is cut off. */
extern bool kafka_sink_is_pending(const KafkaSink *sink);

/* Account the time in which a full queue kept the worker from reading. */
extern void kafka_sink_begin_wait(KafkaSink *sink);
extern void kafka_sink_end_wait(KafkaSink *sink);

#endif							/* CDC_KAFKA_SINK_H */
