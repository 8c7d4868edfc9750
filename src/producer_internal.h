/*-------------------------------------------------------------------------
 *
 * producer_internal.h
 *	  What the files of the producer share; nobody else includes this.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/producer_internal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_PRODUCER_INTERNAL_H
#define CDC_PRODUCER_INTERNAL_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "utils/hsearch.h"
#include "utils/palloc.h"

#include "compat.h"
#include "producer.h"

/* What librdkafka needs for a message besides the bytes of it, in bytes. */
#define PRODUCER_MESSAGE_COST	188

/* Kafka's limit is 249 bytes. */
#define TOPIC_NAME_SIZE			250

/* Log messages remembered to suppress repetitions. */
#define LOG_HISTORY_SIZE		32

typedef enum TopicState
{
	TOPIC_LOOKING_UP,			/* does it exist, how many partitions? */
	TOPIC_CREATING,				/* CreateTopics was sent */
	TOPIC_PROBING,				/* do the leaders take messages? */
	TOPIC_READY,
	TOPIC_FAILED				/* see failure */
} TopicState;

typedef enum TopicFailure
{
	TOPIC_FAILURE_NONE,
	TOPIC_FAILURE_MISSING,		/* and we may not create it */
	TOPIC_FAILURE_LOOKUP_REFUSED,
	TOPIC_FAILURE_LOOKUP_FORBIDDEN,
	TOPIC_FAILURE_CREATE_REFUSED,
	TOPIC_FAILURE_CREATE_FORBIDDEN
} TopicFailure;

typedef struct ProducerTopic
{
	char	   *name;
	rd_kafka_topic_t *handle;
	bool		is_position;	/* the topic of positions */
	TopicState	state;
	int32		npartitions;	/* when it became ready */
	TimestampTz created;		/* when we did, or learnt that it is there;
								 * metadata may lag.  0: not known to exist */
	TimestampTz next_attempt;	/* no look-up before that */
	int			retry_delay;	/* ms */
	int			ntimeouts;		/* look-ups in a row without an answer */
	TimestampTz probed_since;	/* with TOPIC_PROBING */
	TopicFailure failure;
	char		error[256];		/* Kafka's words about failure */
} ProducerTopic;

typedef struct LogHistoryEntry
{
	uint32		hash;			/* facility and text */
	TimestampTz since;			/* last time it was logged; 0: free */
	int			nsuppressed;	/* since then */
} LogHistoryEntry;

struct Producer
{
	MemoryContext context;		/* child of TopMemoryContext */
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;	/* delivery reports, errors, logs, results */
	int			event_fd;
	bool		embedded;		/* librdkafka's own broker, in this process */

	/* limits */
	uint64		max_queue_bytes;
	uint64		queue_budget;	/* at present; at most max_queue_bytes */
	int			message_max_bytes;	/* librdkafka's limit */
	uint64		peak_queue_bytes;	/* since memory was last returned */
	TimestampTz last_trim;

	/* Kafka transactions; NULL: none */
	const char *transactional_id;
	int			transaction_timeout;	/* ms */
	uint64		open_messages;	/* acknowledged, but not committed */
	uint64		open_message_bytes;

	/* topics: array by id, hash by name */
	bool		create_topics;
	int			topic_partitions;
	int			topic_replication_factor;
	List	   *topic_config;	/* of NameValue */
	ProducerTopic **topics;
	int			ntopics;
	int			max_topics;
	HTAB	   *topics_by_name;

	/* the first failure that does not allow to go on; empty if none */
	rd_kafka_resp_err_t failure_code;
	char		failed_topic[TOPIC_NAME_SIZE];
	char		failure[512];

	LogHistoryEntry log_history[LOG_HISTORY_SIZE];
	ProducerStatus status;
};

/*
 * Configuration (producer_conf.c).  The result belongs to the caller; ERROR
 * names the property that is refused.
 */
extern rd_kafka_conf_t *producer_conf_build(const ProducerOptions *options);

/* That of a consumer of the same cluster which reads positions. */
extern rd_kafka_conf_t *
producer_conf_build_reader(const ProducerOptions *options);

/* Value of an integer property; fallback if it has none. */
extern int	producer_conf_get_int(const rd_kafka_conf_t *conf,
								  const char *name, int fallback);

/* Value in a list of NameValue, NULL if it is not there. */
extern const char *producer_conf_lookup(const List *properties,
										const char *name);

/*
 * Life (producer.c).  rd_kafka_new() with all signals blocked; takes over
 * conf.  NULL with a message in errstr if librdkafka refuses it.
 */
extern rd_kafka_t *producer_start_librdkafka(rd_kafka_type_t type,
											 rd_kafka_conf_t *conf,
											 char *errstr, size_t size);

/*
 * Remember why the producer cannot go on; only the first reason counts.  topic
 * is empty if the whole producer is concerned.
 */
extern void producer_record_failure(Producer *producer, const char *topic,
									rd_kafka_resp_err_t err, const char *text);

/* Raise what was recorded. */
CDC_NORETURN extern void producer_raise_failure(const Producer *producer);

/* Topics (producer_topics.c). */
extern void producer_topics_init(Producer *producer,
								 const ProducerOptions *options);
extern void producer_topics_serve_result(Producer *producer,
										 rd_kafka_event_t *event);

/* Log and errors (producer_log.c). */
extern void producer_copy_text(char *dst, size_t size, const char *src);
extern void producer_record_error(Producer *producer, const char *text);
extern void producer_log_event(Producer *producer, rd_kafka_event_t *event);

#endif							/* CDC_PRODUCER_INTERNAL_H */
