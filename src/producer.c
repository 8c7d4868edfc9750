/*-------------------------------------------------------------------------
 *
 * producer.c
 *	  The Kafka producer of a worker: life, messages, events.
 *
 * Runs in a worker, on its main thread.  librdkafka's threads never run code
 * of ours: there are no callbacks, and reports, errors and logs are events of
 * its main queue, which producer_poll() fetches.  An eventfd tells when there
 * are some.
 *
 * The producer lives in a memory context of its own and, like librdkafka's
 * threads, until the process ends.
 *
 * Memory: every message is charged with what librdkafka really allocates for
 * it (measured; librdkafka's own limit counts values only).  The charge
 * travels with the message, beside the caller's token, and is released by its
 * delivery report.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/producer.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <malloc.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "fault.h"
#include "producer_internal.h"

/* What headers need besides their bytes, in bytes. */
#define FIRST_HEADER_COST		160
#define HEADER_COST				64

/* Bytes of framing, at most, that count against message.max.bytes. */
#define FRAMING_BYTES			36
#define HEADER_FRAMING_BYTES	10

/*
 * Memory goes back to the operating system when the queue is empty after
 * having been larger than this many bytes, at most every so many ms.
 */
#define TRIM_THRESHOLD			(8 * 1024 * 1024)
#define TRIM_INTERVAL_MS		10000

/* About 5 ms of work. */
#define MAX_REPORTS_PER_POLL	20000

StaticAssertDecl(sizeof(void *) >= sizeof(uint64),
				 "charge and token must fit into a pointer");

static inline void *
make_opaque(uint32 cost, uint32 token)
{
	return (void *) (uintptr_t) (((uint64) cost << 32) | token);
}

static inline uint32
opaque_cost(const void *opaque)
{
	return (uint32) ((uint64) (uintptr_t) opaque >> 32);
}

static inline uint32
opaque_token(const void *opaque)
{
	return (uint32) (uintptr_t) opaque;
}

static uint32
message_cost(const Message *message)
{
	uint64		cost = PRODUCER_MESSAGE_COST;

	cost += message->key_len;
	cost += message->value_len;
	for (int i = 0; i < message->nheaders; i++)
	{
		cost += i == 0 ? FIRST_HEADER_COST : HEADER_COST;
		cost += strlen(message->headers[i].name);
		cost += message->headers[i].value_len;
	}
	return (uint32) Min(cost, PG_UINT32_MAX);
}

void
producer_record_failure(Producer *producer, const char *topic,
						rd_kafka_resp_err_t err, const char *text)
{
	if (producer->failure[0] != '\0')
		return;

	/* what brokers say of it, and what librdkafka makes of that */
	if (producer->transactional_id != NULL &&
		(err == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
		 err == RD_KAFKA_RESP_ERR_PRODUCER_FENCED))
		err = RD_KAFKA_RESP_ERR__FENCED;
	producer->failure_code = err;
	producer_copy_text(producer->failed_topic, sizeof(producer->failed_topic),
					   topic);
	producer_copy_text(producer->failure, sizeof(producer->failure), text);
	producer_record_error(producer, text);
}

static int
open_event_fd(void)
{
	int			fd;

	ReserveExternalFD();
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
	{
		ReleaseExternalFD();
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not create event file descriptor: %m"));
	}
	return fd;
}

static void
close_event_fd(int fd)
{
	close(fd);
	ReleaseExternalFD();
}

/*
 * All signals are blocked while librdkafka starts its threads, which inherit
 * the mask: PostgreSQL's handlers must only ever run on the main thread.
 * librdkafka does the same, but not for the thread of the embedded broker.
 */
rd_kafka_t *
producer_start_librdkafka(rd_kafka_type_t type, rd_kafka_conf_t *conf,
						  char *errstr, size_t size)
{
	sigset_t	all_signals;
	sigset_t	old_signals;
	rd_kafka_t *rk;

	/* one malloc arena per thread would be memory nobody can account for */
	(void) mallopt(M_ARENA_MAX, 2);

	sigfillset(&all_signals);
	pthread_sigmask(SIG_SETMASK, &all_signals, &old_signals);
	rk = rd_kafka_new(type, conf, errstr, size);
	pthread_sigmask(SIG_SETMASK, &old_signals, NULL);

	if (rk == NULL)
		rd_kafka_conf_destroy(conf);
	return rk;
}

/* Takes over conf, also on ERROR. */
static rd_kafka_t *
start_producer(rd_kafka_conf_t *conf, int event_fd)
{
	char		errstr[512];
	rd_kafka_t *rk = producer_start_librdkafka(RD_KAFKA_PRODUCER, conf,
											   errstr, sizeof(errstr));

	if (rk == NULL)
	{
		close_event_fd(event_fd);
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("could not start the Kafka producer"),
				errdetail_internal("%s", errstr),
				errhint("Change the options of the foreign server or of the user mapping."));
	}
	return rk;
}

static void
set_event_fd(Producer *producer)
{
	static const uint64 one = 1;

	if (write(producer->event_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not write to event file descriptor: %m"));
}

/* Have everything delivered to the main queue, and be told of it. */
static void
connect_queue(Producer *producer)
{
	static const uint64 one = 1;

	(void) rd_kafka_set_log_queue(producer->rk, NULL);
	producer->queue = rd_kafka_queue_get_main(producer->rk);
	rd_kafka_queue_io_event_enable(producer->queue, producer->event_fd,
								   &one, sizeof(one));

	/* there may be something already, of which we were not told */
	set_event_fd(producer);
}

static void
init_bootstrap_servers(Producer *producer, const List *properties)
{
	const char *servers;

	if (producer->embedded)
	{
		rd_kafka_mock_cluster_t *cluster;

		cluster = rd_kafka_handle_mock_cluster(producer->rk);
		servers = rd_kafka_mock_cluster_bootstraps(cluster);
	}
	else
		servers = producer_conf_lookup(properties, "bootstrap.servers");
	if (servers != NULL)
		producer_copy_text(producer->status.bootstrap_servers,
						   sizeof(producer->status.bootstrap_servers),
						   servers);
}

Producer *
producer_create(const ProducerOptions *options)
{
	MemoryContext context;
	Producer   *producer;
	rd_kafka_conf_t *conf;
	int			event_fd;
	int			message_max_bytes;
	int			transaction_timeout;

	Assert(IsUnderPostmaster);
	producer_check_library();

	event_fd = open_event_fd();
	PG_TRY();
	{
		conf = producer_conf_build(options);
	}
	PG_CATCH();
	{
		close_event_fd(event_fd);
		PG_RE_THROW();
	}
	PG_END_TRY();
	message_max_bytes = producer_conf_get_int(conf, "message.max.bytes", 0);
	transaction_timeout = producer_conf_get_int(conf, "transaction.timeout.ms",
												0);

	context = AllocSetContextCreate(TopMemoryContext, "cdc_emit producer",
									ALLOCSET_DEFAULT_SIZES);
	producer = MemoryContextAllocZero(context, sizeof(Producer));
	producer->context = context;
	producer->event_fd = event_fd;
	producer->max_queue_bytes = options->max_queue_bytes;
	producer->queue_budget = producer->max_queue_bytes;
	producer->message_max_bytes = message_max_bytes;
	producer->transactional_id = options->transactional_id ?
		MemoryContextStrdup(context, options->transactional_id) : NULL;
	producer->transaction_timeout = transaction_timeout;
	producer->status.connected = true;
	producer_topics_init(producer, options);

	producer->rk = start_producer(conf, event_fd);
	producer->embedded = rd_kafka_handle_mock_cluster(producer->rk) != NULL;
	connect_queue(producer);
	init_bootstrap_servers(producer, options->properties);
	return producer;
}

int
producer_event_fd(const Producer *producer)
{
	return producer->event_fd;
}

static bool
has_room_for(const Producer *producer, uint32 cost)
{
	return producer->status.queue_messages == 0 ||
		producer->status.queue_bytes + cost <= producer->queue_budget;
}

void
producer_set_budget(Producer *producer, uint64 bytes)
{
	producer->queue_budget = Min(bytes, producer->max_queue_bytes);
}

bool
producer_has_room(const Producer *producer, const Message *message)
{
	return has_room_for(producer, message_cost(message));
}

/* librdkafka's own sum, with the longest form of all lengths in it */
int
producer_value_room(const Producer *producer, const Message *message)
{
	int64		used = FRAMING_BYTES + (int64) message->key_len;

	for (int i = 0; i < message->nheaders; i++)
		used += HEADER_FRAMING_BYTES + strlen(message->headers[i].name) +
			message->headers[i].value_len;
	return (int) Max(producer->message_max_bytes - used, PG_INT32_MIN);
}

/* What can be done about a message that Kafka refused; NULL if unknown. */
static const char *
failure_hint(rd_kafka_resp_err_t err)
{
	switch (err)
	{
		case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
		case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
		case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
			return gettext_noop("Increase max.message.bytes of the topic in Kafka, or reduce batch_size with ALTER SERVER.");
		case RD_KAFKA_RESP_ERR_INVALID_RECORD:
			return gettext_noop("A topic with cleanup.policy=compact does not take messages without a key, which changes of tables without a primary key are.");
		case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
			return gettext_noop("In Kafka, grant Describe and Write on the topic to the principal of the server's user mapping.");
		case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
			return gettext_noop("In Kafka, grant Describe and Write on the transactional id to the principal of the server's user mapping.");
		case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
			return gettext_noop("Reduce transaction_timeout_ms with ALTER SERVER, or increase transaction.max.timeout.ms of the brokers.");
		case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
		case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
		case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
			return gettext_noop("Check that the topic exists with all its partitions.");
		default:
			return NULL;
	}
}

void
producer_raise_failure(const Producer *producer)
{
	const char *hint = failure_hint(producer->failure_code);

	if (producer->failure_code == RD_KAFKA_RESP_ERR__FENCED)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("Kafka has fenced the producer with transactional id \"%s\"",
					   producer->transactional_id),
				errdetail("Another server has begun to use the id, or a Kafka transaction was open for longer than transaction_timeout_ms."));
	if (producer->failed_topic[0] != '\0')
		ereport(ERROR,
				errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				errmsg("could not deliver a message to Kafka topic \"%s\": %s",
					   producer->failed_topic, producer->failure),
				hint ? errhint("%s", _(hint)) : 0);
	ereport(ERROR,
			errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			errmsg("the Kafka producer cannot go on: %s", producer->failure));
}

/* The message was not accepted, and never will be. */
static void
raise_produce_error(Producer *producer, const Message *message,
					rd_kafka_resp_err_t err)
{
	const char *topic = producer->topics[message->topic]->name;
	const char *hint = failure_hint(err);
	char		text[512];

	if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("message for Kafka topic \"%s\" is too large", topic),
				errdetail("The key has %d bytes, the value %d; the limit of the producer is %d bytes.",
						  message->key_len, message->value_len,
						  producer->message_max_bytes),
				errhint("Increase the limit with ALTER SERVER ... OPTIONS (SET message_max_bytes '...'), and max.message.bytes of the topic in Kafka."));

	if (err == RD_KAFKA_RESP_ERR__FATAL)
	{
		err = rd_kafka_fatal_error(producer->rk, text, sizeof(text));
		producer_record_failure(producer, "", err, text);
		producer_raise_failure(producer);
	}

	ereport(ERROR,
			errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			errmsg("could not send a message to Kafka topic \"%s\": %s",
				   topic, rd_kafka_err2str(err)),
			errdetail("The key has %d bytes, the value %d.",
					  message->key_len, message->value_len),
			hint ? errhint("%s", _(hint)) : 0);
}

static rd_kafka_headers_t *
make_headers(const Message *message)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(message->nheaders);

	for (int i = 0; i < message->nheaders; i++)
	{
		const MessageHeader *header = &message->headers[i];

		(void) rd_kafka_header_add(headers, header->name, -1,
								   header->value,
								   header->value ? header->value_len : 0);
	}
	return headers;
}

/* V_HEADERS must not be given without headers. */
static rd_kafka_resp_err_t
send_message(Producer *producer, const ProducerTopic *topic, int32 partition,
			 const Message *message, void *opaque)
{
	void	   *value = (void *) message->value;
	rd_kafka_headers_t *headers;
	rd_kafka_resp_err_t err;

	if (message->nheaders == 0)
		return rd_kafka_producev(producer->rk,
								 RD_KAFKA_V_RKT(topic->handle),
								 RD_KAFKA_V_PARTITION(partition),
								 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
								 RD_KAFKA_V_KEY(message->key,
												message->key_len),
								 RD_KAFKA_V_VALUE(value, message->value_len),
								 RD_KAFKA_V_TIMESTAMP(message->timestamp_ms),
								 RD_KAFKA_V_OPAQUE(opaque),
								 RD_KAFKA_V_END);

	headers = make_headers(message);
	err = rd_kafka_producev(producer->rk,
							RD_KAFKA_V_RKT(topic->handle),
							RD_KAFKA_V_PARTITION(partition),
							RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
							RD_KAFKA_V_KEY(message->key, message->key_len),
							RD_KAFKA_V_VALUE(value, message->value_len),
							RD_KAFKA_V_TIMESTAMP(message->timestamp_ms),
							RD_KAFKA_V_HEADERS(headers),
							RD_KAFKA_V_OPAQUE(opaque),
							RD_KAFKA_V_END);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_headers_destroy(headers);
	return err;
}

bool
producer_produce(Producer *producer, const Message *message, uint32 token)
{
	ProducerTopic *topic = producer->topics[message->topic];
	uint32		cost = message_cost(message);
	int32		partition = RD_KAFKA_PARTITION_UA;
	rd_kafka_resp_err_t err;

	Assert(topic->state == TOPIC_READY);

	if (producer->failure[0] != '\0')
		producer_raise_failure(producer);
	if (!has_room_for(producer, cost))
		return false;

	if (topic->is_position)
		partition = 0;
	else if (message->has_partition_hash)
		partition = message->partition_hash % topic->npartitions;

	FAULT_POINT("before_produce");
	err = send_message(producer, topic, partition, message,
					   make_opaque(cost, token));
	FAULT_POINT("after_produce");
	if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		return false;
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		raise_produce_error(producer, message, err);

	producer->status.queue_messages++;
	producer->status.queue_bytes += cost;
	if (producer->status.queue_bytes > producer->peak_queue_bytes)
		producer->peak_queue_bytes = producer->status.queue_bytes;
	return true;
}

/* A message is in Kafka; in a transaction, that is not the last word. */
static void
count_message(Producer *producer, const rd_kafka_message_t *message)
{
	size_t		len = message->key_len + message->len;

	if (producer->transactional_id != NULL)
	{
		producer->open_messages++;
		producer->open_message_bytes += len;
	}
	else
	{
		producer->status.messages++;
		producer->status.message_bytes += len;
	}
}

/*
 * Was the message reported as delivered only because a later one of its
 * partition was?
 *
 * librdkafka does so when a batch was refused while the next one was on its
 * way and was stored: it trusts that brokers refuse a batch that leaves a gap.
 * But they do not when they know nothing of the producer yet, as with the
 * first messages to a partition.  The message is lost then, or late.
 *
 * With acks=all everything else has an offset.
 */
static bool
is_presumed_delivered(const rd_kafka_message_t *message)
{
	return message->offset == RD_KAFKA_OFFSET_INVALID;
}

/* Returns the number of reports. */
static int
serve_delivery_reports(Producer *producer, rd_kafka_event_t *event,
					   ProducerAckCallback callback, void *arg)
{
	ProducerStatus *status = &producer->status;
	const rd_kafka_message_t *message;
	bool		delivered = false;
	int			nreports = 0;
	uint32		token;

	while ((message = rd_kafka_event_message_next(event)) != NULL)
	{
		nreports++;
		status->queue_messages--;
		status->queue_bytes -= opaque_cost(message->_private);
		status->reported_bytes += opaque_cost(message->_private);

		if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		{
			producer_record_failure(producer,
									rd_kafka_topic_name(message->rkt),
									message->err,
									rd_kafka_err2str(message->err));
			continue;
		}
		if (is_presumed_delivered(message))
		{
			producer_record_failure(producer,
									rd_kafka_topic_name(message->rkt),
									RD_KAFKA_RESP_ERR__INCONSISTENT,
									"later messages were stored, of this one it is not known");
			continue;
		}

		delivered = true;
		token = opaque_token(message->_private);
		if (token == PRODUCER_NO_TOKEN)
			continue;
		count_message(producer, message);
		callback(arg, token);
	}

	FAULT_POINT("after_delivery");
	if (delivered)
	{
		status->last_ack_time = GetCurrentTimestamp();
		status->connected = true;
	}
	return nreports;
}

/*
 * Errors are for information: librdkafka goes on by itself, unless they are
 * fatal.  That no broker is left says less than what was said before.
 */
static void
serve_error(Producer *producer, rd_kafka_event_t *event)
{
	rd_kafka_resp_err_t err;
	char		text[512];

	if (rd_kafka_event_error_is_fatal(event))
	{
		err = rd_kafka_fatal_error(producer->rk, text, sizeof(text));
		if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		{
			err = rd_kafka_event_error(event);
			strlcpy(text, rd_kafka_event_error_string(event), sizeof(text));
		}
		producer_record_failure(producer, "", err, text);
		return;
	}

	if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
	{
		producer->status.connected = false;
		if (producer->status.error[0] != '\0')
			return;
	}
	producer_record_error(producer, rd_kafka_event_error_string(event));
}

/* Returns the number of delivery reports in the event. */
static int
serve_event(Producer *producer, rd_kafka_event_t *event,
			ProducerAckCallback callback, void *arg)
{
	switch (rd_kafka_event_type(event))
	{
		case RD_KAFKA_EVENT_DR:
			return serve_delivery_reports(producer, event, callback, arg);
		case RD_KAFKA_EVENT_ERROR:
			serve_error(producer, event);
			break;
		case RD_KAFKA_EVENT_LOG:
			producer_log_event(producer, event);
			break;
		case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
			producer_topics_serve_result(producer, event);
			break;
		default:
			break;
	}
	return 0;
}

/* After a backlog the heap is large and empty, and malloc keeps it. */
static void
return_memory(Producer *producer)
{
	TimestampTz now;

	if (producer->status.queue_messages > 0 ||
		producer->peak_queue_bytes < TRIM_THRESHOLD)
		return;

	now = GetCurrentTimestamp();
	if (!TimestampDifferenceExceeds(producer->last_trim, now,
									TRIM_INTERVAL_MS))
		return;
	(void) malloc_trim(0);
	producer->last_trim = now;
	producer->peak_queue_bytes = 0;
}

static void
reset_event_fd(Producer *producer)
{
	uint64		count;

	if (read(producer->event_fd, &count, sizeof(count)) < 0 &&
		errno != EAGAIN && errno != EINTR)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not read from event file descriptor: %m"));
}

/*
 * The event fd is read first and the queue emptied after that, so that no
 * event can be left behind without a wake-up.  After a backlog there may be
 * so many reports that the caller is let go in between.
 *
 * Failures are raised at the end: the reports of what was delivered count.
 */
void
producer_poll(Producer *producer, ProducerAckCallback callback, void *arg)
{
	rd_kafka_event_t *event;
	int			nreports = 0;

	reset_event_fd(producer);
	while ((event = rd_kafka_queue_poll(producer->queue, 0)) != NULL)
	{
		nreports += serve_event(producer, event, callback, arg);
		rd_kafka_event_destroy(event);
		if (nreports >= MAX_REPORTS_PER_POLL)
		{
			set_event_fd(producer);
			break;
		}
	}

	return_memory(producer);
	if (producer->failure[0] != '\0')
		producer_raise_failure(producer);
}

void
producer_get_status(const Producer *producer, ProducerStatus *status)
{
	*status = producer->status;
}

#ifdef CDC_CLEAN_EXIT
void
producer_destroy(Producer *producer)
{
	for (int i = 0; i < producer->ntopics; i++)
		rd_kafka_topic_destroy(producer->topics[i]->handle);
	rd_kafka_queue_io_event_enable(producer->queue, -1, NULL, 0);
	rd_kafka_queue_destroy(producer->queue);
	(void) rd_kafka_purge(producer->rk,
						  RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_destroy(producer->rk);
	close_event_fd(producer->event_fd);
	MemoryContextDelete(producer->context);
}
#endif
