/*-------------------------------------------------------------------------
 *
 * producer_transactions.c
 *	  Kafka transactions of the producer.
 *
 * Runs in a worker, on its main thread.  librdkafka has these calls only as
 * blocking ones, which go on in the background when their time is over and are
 * taken up by the same call later; so each is made in short slices, between
 * which the worker serves what must be served.
 *
 * Nothing is mended here.  A transaction that cannot be committed is raised as
 * an ERROR and ends the process; the next one fences this producer, which
 * aborts the transaction, and resumes at the position in Kafka.  That includes
 * a commit of which it is not known whether it took place.  librdkafka's own
 * abort waits for threads that may be waiting for a name server, so it is not
 * used.
 *
 * Allocates nothing.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/producer_transactions.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "fault.h"
#include "producer_internal.h"

/*
 * See how a call has ended, and free its error.  True: done; false: it has to
 * be made again.  While nothing but time is missing there is no news.
 */
static bool
finish_call(Producer *producer, rd_kafka_error_t *error)
{
	rd_kafka_resp_err_t err;
	bool		retriable;
	char		text[512];

	if (error == NULL)
		return true;

	err = rd_kafka_error_code(error);
	retriable = rd_kafka_error_is_retriable(error);
	producer_copy_text(text, sizeof(text), rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);

	if (!retriable)
	{
		producer_record_failure(producer, "", err, text);
		producer_raise_failure(producer);
	}
	if (err != RD_KAFKA_RESP_ERR__TIMED_OUT)
		producer_record_error(producer, text);
	return false;
}

bool
producer_init_transactions(Producer *producer)
{
	Assert(producer->transactional_id != NULL);

	return finish_call(producer,
					   rd_kafka_init_transactions(producer->rk,
												  PRODUCER_MIN_BLOCK_MS));
}

/* Only says so to librdkafka; no broker is asked. */
void
producer_begin_transaction(Producer *producer)
{
	if (!finish_call(producer, rd_kafka_begin_transaction(producer->rk)))
		elog(ERROR, "could not begin a Kafka transaction: %s",
			 producer->status.error);
	producer->open_messages = 0;
	producer->open_message_bytes = 0;
}

/*
 * librdkafka wants all delivery reports to be served before.  It does not
 * commit if one of them was a failure.
 */
bool
producer_commit_transaction(Producer *producer)
{
	ProducerStatus *status = &producer->status;

	if (status->queue_messages > 0)
		return false;
	FAULT_POINT("before_kafka_commit");
	if (!finish_call(producer,
					 rd_kafka_commit_transaction(producer->rk,
												 PRODUCER_MIN_BLOCK_MS)))
		return false;
	FAULT_POINT("after_kafka_commit");

	status->messages += producer->open_messages;
	status->message_bytes += producer->open_message_bytes;
	status->last_ack_time = GetCurrentTimestamp();
	status->connected = true;
	return true;
}

int
producer_transaction_timeout(const Producer *producer)
{
	return producer->transaction_timeout;
}
