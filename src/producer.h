/*-------------------------------------------------------------------------
 *
 * producer.h
 *	  The Kafka producer of a worker: the only door to librdkafka.
 *
 * No function here blocks for more than PRODUCER_MAX_BLOCK_MS, and no
 * callback is ever run: delivery reports, logs and errors are fetched by
 * producer_poll() on the main thread.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/producer.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_PRODUCER_H
#define CDC_PRODUCER_H

#include "datatype/timestamp.h"
#include "message.h"
#include "nodes/pg_list.h"

/* Usual and longest duration of a blocking call of librdkafka, in ms. */
#define PRODUCER_MIN_BLOCK_MS	50
#define PRODUCER_MAX_BLOCK_MS	95

/* Of messages whose delivery is not reported to the caller. */
#define PRODUCER_NO_TOKEN		PG_UINT32_MAX

typedef struct Producer Producer;
typedef struct PositionReader PositionReader;

typedef struct ProducerOptions
{
	const char *client_id;
	const char *transactional_id;	/* NULL: without Kafka transactions */
	List	   *properties;		/* of NameValue (options.h): librdkafka names,
								 * with dots */
	int64		max_queue_bytes;	/* budget, with all costs of messages */
	bool		create_topics;
	int			topic_partitions;	/* -1: broker's default */
	int			topic_replication_factor;	/* -1: broker's default */
	List	   *topic_config;	/* of NameValue */
} ProducerOptions;

typedef struct ProducerStatus
{
	uint64		queue_messages; /* produced, not acknowledged */
	uint64		queue_bytes;	/* what they cost, against max_queue_bytes */
	uint64		reported_bytes; /* what those have cost that were reported */
	uint64		messages;		/* acknowledged since start; of transactional
								 * producers, committed */
	uint64		message_bytes;	/* key and value bytes of those */
	bool		connected;		/* no sign that all brokers are unreachable */
	TimestampTz last_ack_time;	/* 0: none yet */
	TimestampTz error_time;		/* 0: no error since start */
	char		error[256];		/* latest error librdkafka reported */
	char		bootstrap_servers[256]; /* also of the embedded broker */
} ProducerStatus;

/*
 * Called by producer_poll() for every acknowledged message.  After an ERROR
 * of it the process must end: other reports of the same event are lost.
 */
typedef void (*ProducerAckCallback) (void *arg, uint32 token);

/*
 * Start librdkafka.  Must not be called in the postmaster.  ERROR if the
 * configuration is refused.
 */
extern Producer *producer_create(const ProducerOptions *options);

/* Readable when producer_poll() has something to do. */
extern int	producer_event_fd(const Producer *producer);

/*
 * Make a topic usable: look it up, create it if allowed.  Returns its id at
 * once; the topic may be used when producer_topic_ready() says so.
 */
extern int	producer_open_topic(Producer *producer, const char *name);

/*
 * The same for the topic of positions: it is created with one partition and
 * compaction, and all messages go to partition 0.
 */
extern int	producer_open_position_topic(Producer *producer,
										 const char *name);

/*
 * Drive the preparation of a topic.  False: not yet, poll and call again.
 * ERROR if the topic does not exist and may not be created.
 */
extern bool producer_topic_ready(Producer *producer, int topic);

/*
 * Is there room in the budget for a message?  An empty queue takes any
 * message, also one that is larger than the budget.
 */
extern bool producer_has_room(const Producer *producer,
							  const Message *message);

/*
 * Bytes of value that librdkafka takes with a message's key and headers;
 * negative if these alone are too large.
 */
extern int	producer_value_room(const Producer *producer,
								const Message *message);

/*
 * Lower the budget, which is at most max_queue_bytes: a transactional producer
 * must not have more in its queue than it can deliver in time.
 */
extern void producer_set_budget(Producer *producer, uint64 bytes);

/*
 * Hand a message to librdkafka, which copies it.  token comes back in the
 * delivery report, unless it is PRODUCER_NO_TOKEN.  False: the queue is full,
 * poll and call again.  ERROR if the message can never be sent.
 */
extern bool producer_produce(Producer *producer, const Message *message,
							 uint32 token);

/*
 * Serve delivery reports, errors and logs that are there now; never waits.
 * When there are very many, the event fd stays readable for the rest.
 * ERROR after a failed delivery or a fatal error of librdkafka: later
 * messages may be stored, so the caller must not go on.
 */
extern void producer_poll(Producer *producer, ProducerAckCallback callback,
						  void *arg);

/*
 * Kafka transactions, of a producer with a transactional id.  First
 * producer_init_transactions(), once: it fences older producers with the same
 * id and aborts what they have left open.  Then messages can be produced
 * between begin and commit.  What is not committed when the process ends, is
 * aborted by the next one, or by Kafka after transaction.timeout.ms.
 *
 * False: not done yet, poll and call again.  A call waits up to
 * PRODUCER_MIN_BLOCK_MS.  ERROR if the transaction cannot be committed, or if
 * another producer has fenced this one: nothing else can be done with the
 * producer then.
 */
extern bool producer_init_transactions(Producer *producer);
extern void producer_begin_transaction(Producer *producer);
extern bool producer_commit_transaction(Producer *producer);

/* How long Kafka lets a transaction be open, in ms. */
extern int	producer_transaction_timeout(const Producer *producer);

/*
 * Read the newest committed value of a key in partition 0 of a topic that
 * exists.  A reader is made once in a process and stays; each read begins with
 * position_reader_start(), and goes on until position_reader_run() says that
 * it is done.  A complete read waits for the end of transactions that are open
 * when it begins, since what comes after them is not shown before; it is to be
 * made when our own has ended.  A call waits up to PRODUCER_MIN_BLOCK_MS.
 */
extern PositionReader *position_reader_create(const ProducerOptions *options,
											  const char *topic,
											  const char *key);
extern void position_reader_start(PositionReader *reader, bool complete);
extern bool position_reader_run(PositionReader *reader);

/* The value, not terminated; NULL if there is none. */
extern const char *position_reader_value(const PositionReader *reader,
										 size_t *len);

extern void producer_get_status(const Producer *producer,
								ProducerStatus *status);

/*
 * Check a property and its value by asking librdkafka; starts nothing and may
 * run in any process.  On false a message is in errstr.
 */
extern bool producer_check_property(const char *name, const char *value,
									char *errstr, size_t errstr_size);

/* The librdkafka in use, for example "2.0.2". */
extern const char *producer_library_version(void);

/* ERROR if the librdkafka in use is older than we can work with. */
extern void producer_check_library(void);

#ifdef CDC_CLEAN_EXIT
/*
 * Join librdkafka's threads and free everything, for memory checkers.  Never
 * in production: this may wait for a name server.
 */
extern void producer_destroy(Producer *producer);
#endif

#endif							/* CDC_PRODUCER_H */
