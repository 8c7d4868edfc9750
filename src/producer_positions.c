/*-------------------------------------------------------------------------
 *
 * producer_positions.c
 *	  Read a position: the newest committed value of a key in a topic.
 *
 * Runs in a worker, on its main thread, when it starts.  A consumer of its own
 * reads partition 0 without a consumer group.
 *
 * Read-committed consumers are shown the end of the topic where the oldest
 * open transaction begins, which may be that of any other subscription, and
 * our newest position may come after it.  So the end that counts is that of
 * the partition when the read began, and a complete read waits until all up to
 * there is decided.
 *
 * The consumer stays, idle, until the process ends: destroying one that was
 * made a moment ago can fail an assertion of librdkafka (#3608), which would
 * be a crash.
 *
 * The reader lives in TopMemoryContext, as long as the process.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/producer_positions.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "producer_internal.h"

#define POSITION_PARTITION	0

/* Longer values are kept up to here: they are no positions. */
#define VALUE_SIZE			1024

struct PositionReader
{
	rd_kafka_t *rk;
	rd_kafka_topic_t *topic;
	rd_kafka_queue_t *queue;
	char	   *key;
	bool		running;
	int64		next_offset;	/* where the next read begins */
	bool		complete;		/* read what is not decided yet, too */
	int64		end_offset;		/* how far to read then; -1: not known yet */
	bool		has_value;
	size_t		value_len;
	char		value[VALUE_SIZE];
};

PositionReader *
position_reader_create(const ProducerOptions *options, const char *topic,
					   const char *key)
{
	PositionReader *reader = MemoryContextAllocZero(TopMemoryContext,
													sizeof(PositionReader));
	char		errstr[512];

	reader->rk = producer_start_librdkafka(RD_KAFKA_CONSUMER,
										   producer_conf_build_reader(options),
										   errstr, sizeof(errstr));
	if (reader->rk == NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("could not start a Kafka consumer"),
				errdetail_internal("%s", errstr),
				errhint("Change the options of the foreign server or of the user mapping."));

	reader->topic = rd_kafka_topic_new(reader->rk, topic, NULL);
	if (reader->topic == NULL)
		ereport(ERROR,
				errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				errmsg("could not prepare Kafka topic \"%s\": %s",
					   topic, rd_kafka_err2str(rd_kafka_last_error())));
	reader->queue = rd_kafka_queue_new(reader->rk);
	reader->key = MemoryContextStrdup(TopMemoryContext, key);
	reader->next_offset = RD_KAFKA_OFFSET_BEGINNING;
	return reader;
}

void
position_reader_start(PositionReader *reader, bool complete)
{
	Assert(!reader->running);

	if (rd_kafka_consume_start_queue(reader->topic, POSITION_PARTITION,
									 reader->next_offset,
									 reader->queue) != 0)
		ereport(ERROR,
				errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				errmsg("could not read Kafka topic \"%s\": %s",
					   rd_kafka_topic_name(reader->topic),
					   rd_kafka_err2str(rd_kafka_last_error())));
	reader->running = true;
	reader->complete = complete;
	reader->end_offset = -1;
}

static void
stop(PositionReader *reader)
{
	(void) rd_kafka_consume_stop(reader->topic, POSITION_PARTITION);
	reader->running = false;
}

/* The last value of our key counts; a null value is none. */
static void
take_record(PositionReader *reader, const rd_kafka_message_t *message)
{
	if (message->key_len != strlen(reader->key) ||
		memcmp(message->key, reader->key, message->key_len) != 0)
		return;
	reader->has_value = message->payload != NULL;
	reader->value_len = Min(message->len, VALUE_SIZE);
	if (reader->has_value)
		memcpy(reader->value, message->payload, reader->value_len);
}

/*
 * There is nothing more to show now.  The end of the partition as brokers told
 * it with that is the end to reach.
 */
static bool
is_end(PositionReader *reader, int64 offset)
{
	int64		low;
	int64		high;

	if (!reader->complete)
		reader->end_offset = offset;
	else if (reader->end_offset < 0 &&
			 rd_kafka_get_watermark_offsets(reader->rk,
											rd_kafka_topic_name(reader->topic),
											POSITION_PARTITION, &low,
											&high) ==
			 RD_KAFKA_RESP_ERR_NO_ERROR)
		reader->end_offset = high;
	if (reader->end_offset < 0 || offset < reader->end_offset)
		return false;
	reader->next_offset = offset;
	return true;
}

/* Most errors pass, and the consumer goes on by itself. */
static void
handle_error(PositionReader *reader, const rd_kafka_message_t *message)
{
	if (message->err != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		return;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied for Kafka topic \"%s\"",
				   rd_kafka_topic_name(reader->topic)),
			errhint("In Kafka, grant Describe, Read and Write on the topic to the principal of the server's user mapping."));
}

bool
position_reader_run(PositionReader *reader)
{
	TimestampTz deadline =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									PRODUCER_MIN_BLOCK_MS);
	rd_kafka_message_t *message;
	bool		done = false;

	Assert(reader->running);

	while (!done)
	{
		long		timeout =
			TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);

		if (timeout == 0)
			return false;
		message = rd_kafka_consume_queue(reader->queue,
										 Min(timeout, PRODUCER_MIN_BLOCK_MS));
		if (message == NULL)
			return false;
		if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			take_record(reader, message);
		else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			done = is_end(reader, message->offset);
		else
			handle_error(reader, message);
		rd_kafka_message_destroy(message);
	}
	stop(reader);
	return true;
}

const char *
position_reader_value(const PositionReader *reader, size_t *len)
{
	*len = reader->value_len;
	return reader->has_value ? reader->value : NULL;
}
