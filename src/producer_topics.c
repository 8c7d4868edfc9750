/*-------------------------------------------------------------------------
 *
 * producer_topics.c
 *	  Topics of the producer: look-up, creation, number of partitions.
 *
 * Runs in a worker.  A topic goes
 *
 *	  LOOKING_UP -> PROBING -> READY			it exists
 *	  LOOKING_UP -> CREATING -> LOOKING_UP		it does not, and we may create
 *	  LOOKING_UP or CREATING -> FAILED			Kafka refuses
 *
 * driven by producer_topic_ready(), and by the result of CreateTopics which
 * arrives on the main queue.  As long as no broker answers, a topic is just
 * not ready.
 *
 * Everything is allocated in the producer's memory context and stays for the
 * life of the process.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/producer_topics.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "options.h"
#include "producer_internal.h"

/* Pauses between look-ups without success, in ms. */
#define MIN_RETRY_DELAY_MS		100
#define MAX_RETRY_DELAY_MS		1000

/* How long a topic that was created may be missing in metadata, in ms. */
#define MAX_PROPAGATION_MS		30000

/* How long leaders of partitions may refuse to answer, in ms. */
#define MAX_PROBE_MS			5000

/* Shortest time to wait for them in one call, in ms. */
#define MIN_PROBE_MS			20

/* CreateTopics: how long we wait for an answer, and the broker for itself. */
#define CREATE_TIMEOUT_MS			15000
#define CREATE_BROKER_TIMEOUT_MS	5000

/* Partitions of a topic of the embedded broker by default. */
#define EMBEDDED_PARTITIONS		1

/*
 * The topic of positions.  A start reads all of it, so Kafka should compact it
 * soon: segments are as small as it allows, and marks of transactions go after
 * five minutes.
 */
static const char *const position_topic_config[][2] = {
	{"cleanup.policy", "compact"},
	{"segment.bytes", "1048576"},
	{"delete.retention.ms", "300000"},
};

typedef struct TopicNameEntry
{
	char		name[TOPIC_NAME_SIZE];	/* hash key */
	int			id;
} TopicNameEntry;

/* Copy a list of NameValue into the current memory context. */
static List *
copy_name_values(const List *list)
{
	List	   *result = NIL;
	const ListCell *lc;

	foreach(lc, list)
	{
		const NameValue *from = (const NameValue *) lfirst(lc);
		NameValue  *to = palloc(sizeof(NameValue));

		to->name = pstrdup(from->name);
		to->value = pstrdup(from->value);
		result = lappend(result, to);
	}
	return result;
}

void
producer_topics_init(Producer *producer, const ProducerOptions *options)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(producer->context);
	HASHCTL		ctl;

	producer->create_topics = options->create_topics;
	producer->topic_partitions = options->topic_partitions;
	producer->topic_replication_factor = options->topic_replication_factor;
	producer->topic_config = copy_name_values(options->topic_config);

	producer->max_topics = 16;
	producer->topics = palloc(producer->max_topics * sizeof(ProducerTopic *));

	ctl.keysize = TOPIC_NAME_SIZE;
	ctl.entrysize = sizeof(TopicNameEntry);
	ctl.hcxt = producer->context;
	producer->topics_by_name = hash_create("cdc_emit topics", 64, &ctl,
										   HASH_ELEM | HASH_STRINGS |
										   HASH_CONTEXT);
	MemoryContextSwitchTo(oldcontext);
}

static void
check_topic_name(const char *name)
{
	if (name[0] == '\0' || strlen(name) >= TOPIC_NAME_SIZE)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid name of Kafka topic: \"%s\"", name),
				errdetail("A name has 1 to %d bytes.", TOPIC_NAME_SIZE - 1));
}

/* The embedded broker has no Admin API; it does this at once. */
static void
create_embedded_topic(Producer *producer, ProducerTopic *topic)
{
	rd_kafka_mock_cluster_t *cluster;
	int			npartitions = producer->topic_partitions;

	if (npartitions < 0)
		npartitions = EMBEDDED_PARTITIONS;
	cluster = rd_kafka_handle_mock_cluster(producer->rk);
	(void) rd_kafka_mock_topic_create(cluster, topic->name, npartitions, 1);
	topic->created = GetCurrentTimestamp();
}

/*
 * The handle is made here, before the first message: librdkafka then asks for
 * the topic's metadata in the background.
 */
static ProducerTopic *
make_topic(Producer *producer, const char *name, bool is_position)
{
	ProducerTopic *topic;

	topic = MemoryContextAllocZero(producer->context, sizeof(ProducerTopic));
	topic->name = MemoryContextStrdup(producer->context, name);
	topic->is_position = is_position;
	topic->state = TOPIC_LOOKING_UP;
	topic->retry_delay = MIN_RETRY_DELAY_MS;

	if (producer->embedded && producer->create_topics)
		create_embedded_topic(producer, topic);

	topic->handle = rd_kafka_topic_new(producer->rk, name, NULL);
	if (topic->handle == NULL)
		ereport(ERROR,
				errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				errmsg("could not prepare Kafka topic \"%s\": %s",
					   name, rd_kafka_err2str(rd_kafka_last_error())));
	return topic;
}

/* What is not an event of ours would end up between the positions. */
static void
check_topic_use(const ProducerTopic *topic, bool is_position)
{
	if (topic->is_position == is_position)
		return;
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("Kafka topic \"%s\" cannot hold positions and events",
				   topic->name),
			errhint("Choose another position_topic with cdc_emit.alter_subscription(), or another topic for the table."));
}

static int
open_topic(Producer *producer, const char *name, bool is_position)
{
	TopicNameEntry *entry;
	ProducerTopic *topic;
	bool		found;

	check_topic_name(name);
	entry = hash_search(producer->topics_by_name, name, HASH_FIND, NULL);
	if (entry != NULL)
	{
		check_topic_use(producer->topics[entry->id], is_position);
		return entry->id;
	}

	if (producer->ntopics == producer->max_topics)
	{
		producer->max_topics *= 2;
		producer->topics = repalloc(producer->topics,
									producer->max_topics *
									sizeof(ProducerTopic *));
	}
	topic = make_topic(producer, name, is_position);

	entry = hash_search(producer->topics_by_name, name, HASH_ENTER, &found);
	entry->id = producer->ntopics++;
	producer->topics[entry->id] = topic;
	return entry->id;
}

int
producer_open_topic(Producer *producer, const char *name)
{
	return open_topic(producer, name, false);
}

int
producer_open_position_topic(Producer *producer, const char *name)
{
	return open_topic(producer, name, true);
}

static void
retry_later(ProducerTopic *topic, int delay)
{
	topic->state = TOPIC_LOOKING_UP;
	topic->next_attempt = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													  delay);
}

static void
retry_with_backoff(ProducerTopic *topic)
{
	retry_later(topic, topic->retry_delay);
	topic->retry_delay = Min(topic->retry_delay * 2, MAX_RETRY_DELAY_MS);
}

static void
fail_topic(ProducerTopic *topic, TopicFailure failure, const char *text)
{
	topic->state = TOPIC_FAILED;
	topic->failure = failure;
	producer_copy_text(topic->error, sizeof(topic->error), text);
}

/* For problems that may pass: said in the status, tried again. */
static void
record_topic_error(Producer *producer, const ProducerTopic *topic,
				   const char *text)
{
	char		buf[sizeof(producer->status.error)];

	snprintf(buf, sizeof(buf), "topic \"%s\": %s", topic->name, text);
	producer_record_error(producer, buf);
}

static void
set_position_config(rd_kafka_NewTopic_t *new_topic)
{
	for (int i = 0; i < lengthof(position_topic_config); i++)
		(void) rd_kafka_NewTopic_set_config(new_topic,
											position_topic_config[i][0],
											position_topic_config[i][1]);
}

static rd_kafka_NewTopic_t *
make_new_topic(Producer *producer, ProducerTopic *topic)
{
	rd_kafka_NewTopic_t *new_topic;
	char		errstr[256];
	ListCell   *lc;

	new_topic = rd_kafka_NewTopic_new(topic->name, topic->is_position ? 1 :
									  producer->topic_partitions,
									  producer->topic_replication_factor,
									  errstr, sizeof(errstr));
	if (new_topic == NULL)
	{
		fail_topic(topic, TOPIC_FAILURE_CREATE_REFUSED, errstr);
		return NULL;
	}
	if (topic->is_position)
	{
		set_position_config(new_topic);
		return new_topic;
	}
	foreach(lc, producer->topic_config)
	{
		NameValue  *config = (NameValue *) lfirst(lc);

		(void) rd_kafka_NewTopic_set_config(new_topic, config->name,
											config->value);
	}
	return new_topic;
}

/* Send CreateTopics; the result comes on the main queue. */
static void
start_creation(Producer *producer, int id)
{
	ProducerTopic *topic = producer->topics[id];
	rd_kafka_NewTopic_t *new_topic = make_new_topic(producer, topic);
	rd_kafka_AdminOptions_t *options;
	char		errstr[256];

	if (new_topic == NULL)
		return;

	options = rd_kafka_AdminOptions_new(producer->rk,
										RD_KAFKA_ADMIN_OP_CREATETOPICS);
	(void) rd_kafka_AdminOptions_set_request_timeout(options,
													 CREATE_TIMEOUT_MS,
													 errstr, sizeof(errstr));
	(void)
		rd_kafka_AdminOptions_set_operation_timeout(options,
													CREATE_BROKER_TIMEOUT_MS,
													errstr, sizeof(errstr));
	rd_kafka_AdminOptions_set_opaque(options, (void *) (intptr_t) id);

	rd_kafka_CreateTopics(producer->rk, &new_topic, 1, options,
						  producer->queue);
	topic->state = TOPIC_CREATING;

	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_NewTopic_destroy(new_topic);
}

/* React to what Kafka says about one topic. */
static void
finish_creation(Producer *producer, ProducerTopic *topic,
				rd_kafka_resp_err_t err, const char *text)
{
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		ereport(LOG, errmsg("created Kafka topic \"%s\"", topic->name));

	switch (err)
	{
		case RD_KAFKA_RESP_ERR_NO_ERROR:
		case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
			topic->created = GetCurrentTimestamp();
			topic->retry_delay = MIN_RETRY_DELAY_MS;
			retry_later(topic, 0);
			break;

		case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
			fail_topic(topic, TOPIC_FAILURE_CREATE_FORBIDDEN, text);
			break;

		case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
		case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
		case RD_KAFKA_RESP_ERR_INVALID_REPLICA_ASSIGNMENT:
		case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
		case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
		case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
		case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
		case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
		case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
			fail_topic(topic, TOPIC_FAILURE_CREATE_REFUSED, text);
			break;

		default:
			/* timeouts, change of controller, quota ... */
			record_topic_error(producer, topic, text);
			retry_with_backoff(topic);
			break;
	}
}

void
producer_topics_serve_result(Producer *producer, rd_kafka_event_t *event)
{
	int			id = (int) (intptr_t) rd_kafka_event_opaque(event);
	const rd_kafka_CreateTopics_result_t *result;
	const rd_kafka_topic_result_t **results;
	ProducerTopic *topic;
	rd_kafka_resp_err_t err;
	const char *text;
	size_t		nresults = 0;

	if (id < 0 || id >= producer->ntopics)
		return;
	topic = producer->topics[id];
	if (topic->state != TOPIC_CREATING)
		return;

	err = rd_kafka_event_error(event);
	text = rd_kafka_event_error_string(event);
	result = rd_kafka_event_CreateTopics_result(event);
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR && result != NULL)
	{
		results = rd_kafka_CreateTopics_result_topics(result, &nresults);
		if (nresults > 0)
		{
			err = rd_kafka_topic_result_error(results[0]);
			text = rd_kafka_topic_result_error_string(results[0]);
		}
	}
	if (text == NULL)
		text = rd_kafka_err2str(err);
	finish_creation(producer, topic, err, text);
}

/*
 * The broker does not know the topic.  One that was created a moment ago may
 * need time to show up everywhere.
 */
static void
topic_is_missing(Producer *producer, int id)
{
	ProducerTopic *topic = producer->topics[id];

	if (topic->created != 0 &&
		!TimestampDifferenceExceeds(topic->created, GetCurrentTimestamp(),
									MAX_PROPAGATION_MS))
		retry_later(topic, MIN_RETRY_DELAY_MS);
	else if (producer->embedded)
	{
		create_embedded_topic(producer, topic);
		retry_later(topic, MIN_RETRY_DELAY_MS);
	}
	else if (producer->create_topics)
	{
		topic->created = 0;
		start_creation(producer, id);
	}
	else
		fail_topic(topic, TOPIC_FAILURE_MISSING, "");
}

/* A broker answered: what does it say about the topic? */
static void
interpret_metadata(Producer *producer, int id,
				   const struct rd_kafka_metadata_topic *metadata)
{
	ProducerTopic *topic = producer->topics[id];

	switch (metadata->err)
	{
		case RD_KAFKA_RESP_ERR_NO_ERROR:
			if (metadata->partition_cnt > 0)
			{
				topic->npartitions = metadata->partition_cnt;
				topic->state = TOPIC_PROBING;
				topic->probed_since = GetCurrentTimestamp();
			}
			else
				retry_later(topic, MIN_RETRY_DELAY_MS);
			break;

		case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
		case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
			topic_is_missing(producer, id);
			break;

		case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
			fail_topic(topic, TOPIC_FAILURE_LOOKUP_FORBIDDEN,
					   rd_kafka_err2str(metadata->err));
			break;

		case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
			fail_topic(topic, TOPIC_FAILURE_LOOKUP_REFUSED,
					   rd_kafka_err2str(metadata->err));
			break;

		case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
			retry_later(topic, MIN_RETRY_DELAY_MS);
			break;

		default:
			record_topic_error(producer, topic,
							   rd_kafka_err2str(metadata->err));
			retry_with_backoff(topic);
			break;
	}
}

/*
 * Ask a broker about the topic.  librdkafka has this only as a blocking call,
 * so it is kept short; a connection that was not made in time goes on being
 * made in the background.  When answers are slow, a longer wait is tried.
 */
static void
look_up(Producer *producer, int id)
{
	ProducerTopic *topic = producer->topics[id];
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_resp_err_t err;
	int			timeout = PRODUCER_MIN_BLOCK_MS;

	if (topic->ntimeouts >= 5)
		timeout = PRODUCER_MAX_BLOCK_MS;

	err = rd_kafka_metadata(producer->rk, 0, topic->handle, &metadata,
							timeout);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		if (err == RD_KAFKA_RESP_ERR__TIMED_OUT)
			topic->ntimeouts++;
		else
			topic->ntimeouts = 0;
		if (err != RD_KAFKA_RESP_ERR__TRANSPORT)
			record_topic_error(producer, topic, rd_kafka_err2str(err));
		retry_with_backoff(topic);
		return;
	}

	producer->status.connected = true;
	topic->ntimeouts = 0;
	topic->retry_delay = MIN_RETRY_DELAY_MS;
	if (metadata->topic_cnt > 0)
		interpret_metadata(producer, id, &metadata->topics[0]);
	else
		retry_with_backoff(topic);
	rd_kafka_metadata_destroy(metadata);
}

/* Does the leader of every partition answer for it? */
static bool
leaders_answer(const Producer *producer, const ProducerTopic *topic,
			   int timeout)
{
	rd_kafka_topic_partition_list_t *list;
	bool		result;

	list = rd_kafka_topic_partition_list_new(topic->npartitions);
	rd_kafka_topic_partition_list_add_range(list, topic->name, 0,
											topic->npartitions - 1);
	for (int i = 0; i < list->cnt; i++)
		list->elems[i].offset = RD_KAFKA_OFFSET_END;
	result = rd_kafka_offsets_for_times(producer->rk, list, timeout) ==
		RD_KAFKA_RESP_ERR_NO_ERROR;
	for (int i = 0; i < list->cnt; i++)
		result = result &&
			list->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_topic_partition_list_destroy(list);
	return result;
}

/*
 * Brokers announce a partition before its leader takes messages: with a new
 * topic, or when they have just started.  A first batch that is refused then,
 * with a second one on its way that is not, leaves a hole; see
 * serve_delivery_reports() for what happens in that case.  So ask for the end
 * of all partitions first.  One that stays without a leader does not keep the
 * others waiting.
 */
static void
probe(Producer *producer, ProducerTopic *topic, int timeout)
{
	TimestampTz now;

	if (leaders_answer(producer, topic, timeout))
	{
		topic->state = TOPIC_READY;
		return;
	}
	now = GetCurrentTimestamp();
	if (TimestampDifferenceExceeds(topic->probed_since, now, MAX_PROBE_MS))
		topic->state = TOPIC_READY;
	topic->next_attempt = TimestampTzPlusMilliseconds(now,
													  MIN_RETRY_DELAY_MS);
}

static void
raise_topic_failure(const Producer *producer, const ProducerTopic *topic)
{
	switch (topic->failure)
	{
		case TOPIC_FAILURE_NONE:
			break;

		case TOPIC_FAILURE_MISSING:
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("Kafka topic \"%s\" does not exist", topic->name),
					topic->is_position ?
					errhint("Create the topic in Kafka with one partition and cleanup.policy=compact, or let the subscription do it: SELECT cdc_emit.alter_subscription('...', options => '{\"create_topics\": true}').") :
					errhint("Create the topic in Kafka, or let the subscription do it: SELECT cdc_emit.alter_subscription('...', options => '{\"create_topics\": true}')."));
			break;

		case TOPIC_FAILURE_LOOKUP_REFUSED:
			ereport(ERROR,
					errcode(ERRCODE_INVALID_NAME),
					errmsg("Kafka topic \"%s\" cannot be used", topic->name),
					errdetail("Kafka says: %s", topic->error));
			break;

		case TOPIC_FAILURE_LOOKUP_FORBIDDEN:
			ereport(ERROR,
					errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied for Kafka topic \"%s\"",
						   topic->name),
					errdetail("Kafka says: %s", topic->error),
					errhint("In Kafka, grant Describe and Write on the topic to the principal of the server's user mapping."));
			break;

		case TOPIC_FAILURE_CREATE_REFUSED:
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("could not create Kafka topic \"%s\"", topic->name),
					errdetail("Kafka says: %s", topic->error),
					topic->is_position ?
					errhint("Create the topic in Kafka with one partition and cleanup.policy=compact.") :
					errhint("Change the options topic_partitions, topic_replication_factor and topic_config of the subscription with cdc_emit.alter_subscription(), or create the topic in Kafka."));
			break;

		case TOPIC_FAILURE_CREATE_FORBIDDEN:
			ereport(ERROR,
					errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied to create Kafka topic \"%s\"",
						   topic->name),
					errdetail("Kafka says: %s", topic->error),
					errhint("Create the topic in Kafka, or grant Create on it to the principal of the server's user mapping."));
			break;
	}
	elog(ERROR, "Kafka topic \"%s\" has no failure", topic->name);
}

bool
producer_topic_ready(Producer *producer, int topic_id)
{
	TimestampTz start = GetCurrentTimestamp();
	ProducerTopic *topic;
	long		left;

	Assert(topic_id >= 0 && topic_id < producer->ntopics);
	topic = producer->topics[topic_id];

	if (topic->state == TOPIC_LOOKING_UP && start >= topic->next_attempt)
		look_up(producer, topic_id);
	if (topic->state == TOPIC_PROBING && start >= topic->next_attempt)
	{
		left = PRODUCER_MAX_BLOCK_MS -
			TimestampDifferenceMilliseconds(start, GetCurrentTimestamp());
		if (left >= MIN_PROBE_MS)
			probe(producer, topic, Min(left, PRODUCER_MIN_BLOCK_MS));
	}
	if (topic->state == TOPIC_FAILED)
		raise_topic_failure(producer, topic);
	return topic->state == TOPIC_READY;
}
