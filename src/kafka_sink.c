/*-------------------------------------------------------------------------
 *
 * kafka_sink.c
 *	  The sink of a worker: capture's messages go to the producer.
 *
 * Joins the producer and the ack window, and is where back-pressure acts:
 * between transactions the worker does not read on without room
 * (kafka_sink_has_room), and within a large transaction emit() waits.
 *
 * Runs in workers.  The ring of the ack window is allocated once, in
 * TopMemoryContext; nothing is allocated per message.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/kafka_sink.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "kafka_sink.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Transactions that may wait for acknowledgement at the same time. */
#define ACK_WINDOW_CAPACITY		65536

/* Changes between two looks at the producer within a transaction. */
#define CHANGES_PER_POLL		128

/* Longest sleep while waiting for room, in ms. */
#define ROOM_NAP_MS				100

static void
acknowledge(void *arg, uint32 token)
{
	KafkaSink  *sink = arg;

	if (!acks_acknowledge(&sink->acks, token))
		elog(ERROR, "unexpected delivery report for transaction slot %u",
			 token);
}

void
kafka_sink_poll(KafkaSink *sink)
{
	producer_poll(sink->producer, acknowledge, sink);
}

bool
kafka_sink_has_room(KafkaSink *sink)
{
	static const Message small = {0};

	return acks_has_room(&sink->acks) &&
		producer_has_room(sink->producer, &small);
}

void
kafka_sink_begin_wait(KafkaSink *sink)
{
	if (sink->waiting_since != 0)
		return;
	sink->waiting_since = GetCurrentTimestamp();
	sink->queue_full_count++;
}

void
kafka_sink_end_wait(KafkaSink *sink)
{
	if (sink->waiting_since == 0)
		return;
	sink->queue_full_time += GetCurrentTimestamp() - sink->waiting_since;
	sink->waiting_since = 0;
}

static int
sink_open_topic(Sink *base, const char *topic_name)
{
	KafkaSink  *sink = (KafkaSink *) base;
	int			topic = producer_open_topic(sink->producer, topic_name);

	while (!producer_topic_ready(sink->producer, topic))
	{
		kafka_sink_begin_wait(sink);
		sink->serve(ROOM_NAP_MS);
	}
	kafka_sink_end_wait(sink);
	return topic;
}

static int
sink_value_room(Sink *base, const Message *message)
{
	return producer_value_room(((KafkaSink *) base)->producer, message);
}

static bool
sink_has_room_for(KafkaSink *sink, const Message *message)
{
	return (sink->acks.open || acks_has_room(&sink->acks)) &&
		producer_has_room(sink->producer, message);
}

static void
sink_emit(Sink *base, const Message *message, TimestampTz commit_time)
{
	KafkaSink  *sink = (KafkaSink *) base;
	uint32		token;

	while (!sink_has_room_for(sink, message))
	{
		kafka_sink_begin_wait(sink);
		sink->serve(ROOM_NAP_MS);
	}
	token = acks_add(&sink->acks, commit_time);
	while (!producer_produce(sink->producer, message, token))
	{
		kafka_sink_begin_wait(sink);
		sink->serve(ROOM_NAP_MS);
	}
	kafka_sink_end_wait(sink);
}

static void
sink_commit(Sink *base, XLogRecPtr end_lsn, TimestampTz commit_time)
{
	KafkaSink  *sink = (KafkaSink *) base;

	if (sink->acks.open)
	{
		sink->sent_lsn = end_lsn;
		sink->last_commit_time = commit_time;
	}
	acks_close(&sink->acks, end_lsn);
}

static void
sink_progress(Sink *base)
{
	KafkaSink  *sink = (KafkaSink *) base;

	if (++sink->nchanges % CHANGES_PER_POLL == 0)
		sink->serve(0);
}

void
kafka_sink_init(KafkaSink *sink, Producer *producer, XLogRecPtr start_lsn,
				void (*serve) (long timeout))
{
	AckSlot    *slots = MemoryContextAllocZero(TopMemoryContext,
											   ACK_WINDOW_CAPACITY *
											   sizeof(AckSlot));

	memset(sink, 0, sizeof(*sink));
	sink->base.open_topic = sink_open_topic;
	sink->base.value_room = sink_value_room;
	sink->base.emit = sink_emit;
	sink->base.commit = sink_commit;
	sink->base.progress = sink_progress;
	sink->producer = producer;
	sink->serve = serve;
	sink->sent_lsn = start_lsn;
	acks_init(&sink->acks, slots, ACK_WINDOW_CAPACITY, start_lsn);
}
