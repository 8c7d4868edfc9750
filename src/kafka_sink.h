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
#include "message.h"
#include "producer.h"

typedef struct KafkaSink
{
	Sink		base;			/* must be first */
	Producer   *producer;
	AckWindow	acks;
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
							XLogRecPtr start_lsn,
							void (*serve) (long timeout));

/* Fetch delivery reports; raises what producer_poll() raises. */
extern void kafka_sink_poll(KafkaSink *sink);

/* Is there room to decode further transactions? */
extern bool kafka_sink_has_room(KafkaSink *sink);

/* Account the time in which a full queue kept the worker from reading. */
extern void kafka_sink_begin_wait(KafkaSink *sink);
extern void kafka_sink_end_wait(KafkaSink *sink);

#endif							/* CDC_KAFKA_SINK_H */
