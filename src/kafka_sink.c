/*-------------------------------------------------------------------------
 *
 * kafka_sink.c
 *	  The sink of a worker: capture's messages go to the producer.
 *
 * Joins the producer, the ack window and, for exactly-once delivery, the Kafka
 * transaction, and is where back-pressure acts: between transactions the
 * worker does not read on without room (kafka_sink_has_room), and within a
 * large transaction emit() waits.
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
	if (sink->exactly_once)
		exactly_once_poll(sink->exactly_once, sink->acks.open, sink->sent_lsn);
}

bool
kafka_sink_is_committing(const KafkaSink *sink)
{
	return sink->exactly_once && !exactly_once_may_produce(sink->exactly_once);
}

bool
kafka_sink_has_room(KafkaSink *sink)
{
	static const Message small = {0};

	return acks_has_room(&sink->acks) &&
		producer_has_room(sink->producer, &small) &&
		!kafka_sink_is_committing(sink);
}

long
kafka_sink_nap(const KafkaSink *sink, long timeout)
{
	if (sink->exactly_once)
		timeout = exactly_once_nap(sink->exactly_once, sink->acks.open,
								   timeout);
	return timeout;
}

/* What was acknowledged within an open Kafka transaction is not safe yet. */
static bool
in_kafka_transaction(const KafkaSink *sink)
{
	return sink->exactly_once &&
		sink->exactly_once->state != KAFKA_TRANSACTION_NONE;
}

XLogRecPtr
kafka_sink_safe_lsn(const KafkaSink *sink)
{
	return in_kafka_transaction(sink) ? sink->committed_lsn :
		acks_safe_lsn(&sink->acks);
}

/* A transaction whose first message still waits counts as well. */
TimestampTz
kafka_sink_oldest_commit_time(const KafkaSink *sink)
{
	TimestampTz result = acks_oldest_commit_time(&sink->acks);

	if (in_kafka_transaction(sink))
		result = sink->exactly_once->oldest_commit_time;
	return result != 0 ? result : sink->waiting_since;
}

bool
kafka_sink_is_pending(const KafkaSink *sink)
{
	ProducerStatus status;

	if (sink->exactly_once)
		return in_kafka_transaction(sink) && !sink->acks.open;
	producer_get_status(sink->producer, &status);
	return status.queue_messages > 0;
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
		producer_has_room(sink->producer, message) &&
		!kafka_sink_is_committing(sink);
}

static void
wait_for_room(KafkaSink *sink)
{
	if (!kafka_sink_is_committing(sink))
		kafka_sink_begin_wait(sink);
	sink->serve(kafka_sink_nap(sink, ROOM_NAP_MS));
}

static void
open_kafka_transaction(KafkaSink *sink, TimestampTz commit_time)
{
	if (!in_kafka_transaction(sink))
		sink->committed_lsn = acks_safe_lsn(&sink->acks);
	exactly_once_open(sink->exactly_once, commit_time);
}

static void
sink_begin(Sink *base, XLogRecPtr commit_lsn)
{
	KafkaSink  *sink = (KafkaSink *) base;

	if (sink->exactly_once)
		exactly_once_begin(sink->exactly_once, commit_lsn);
}

static void
sink_emit(Sink *base, const Message *message, TimestampTz commit_time)
{
	KafkaSink  *sink = (KafkaSink *) base;
	uint32		token;

	if (sink->exactly_once && exactly_once_skips(sink->exactly_once))
		return;
	while (!sink_has_room_for(sink, message))
		wait_for_room(sink);
	if (sink->exactly_once)
		open_kafka_transaction(sink, commit_time);
	token = acks_add(&sink->acks, commit_time);
	while (!producer_produce(sink->producer, message, token))
		wait_for_room(sink);
	kafka_sink_end_wait(sink);
}

static void
sink_commit(Sink *base, XLogRecPtr end_lsn, TimestampTz commit_time)
{
	KafkaSink  *sink = (KafkaSink *) base;

	if (sink->exactly_once)
		exactly_once_end(sink->exactly_once);
	if (sink->acks.open)
	{
		sink->sent_lsn = end_lsn;
		sink->last_commit_time = commit_time;
		if (sink->exactly_once)
			exactly_once_sent(sink->exactly_once, commit_time);
	}
	acks_close(&sink->acks, end_lsn);
}

/* Between two changes is where a transaction can be resumed. */
static void
split_if_necessary(KafkaSink *sink)
{
	if (!sink->acks.open || !exactly_once_must_split(sink->exactly_once))
		return;
	exactly_once_split(sink->exactly_once);
	while (kafka_sink_is_committing(sink))
		sink->serve(kafka_sink_nap(sink, ROOM_NAP_MS));
}

static void
sink_progress(Sink *base, XLogRecPtr lsn)
{
	KafkaSink  *sink = (KafkaSink *) base;

	if (sink->exactly_once)
		exactly_once_change(sink->exactly_once, lsn);
	if (++sink->nchanges % CHANGES_PER_POLL == 0)
		sink->serve(0);
	if (sink->exactly_once)
		split_if_necessary(sink);
}

void
kafka_sink_init(KafkaSink *sink, Producer *producer, ExactlyOnce *exactly_once,
				XLogRecPtr start_lsn, void (*serve) (long timeout))
{
	AckSlot    *slots = MemoryContextAllocZero(TopMemoryContext,
											   ACK_WINDOW_CAPACITY *
											   sizeof(AckSlot));

	memset(sink, 0, sizeof(*sink));
	sink->base.open_topic = sink_open_topic;
	sink->base.value_room = sink_value_room;
	sink->base.begin = sink_begin;
	sink->base.emit = sink_emit;
	sink->base.commit = sink_commit;
	sink->base.progress = sink_progress;
	sink->producer = producer;
	sink->exactly_once = exactly_once;
	sink->committed_lsn = start_lsn;
	sink->serve = serve;
	sink->sent_lsn = start_lsn;
	acks_init(&sink->acks, slots, ACK_WINDOW_CAPACITY, start_lsn);
}
