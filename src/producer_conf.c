/*-------------------------------------------------------------------------
 *
 * producer_conf.c
 *	  Configuration of librdkafka: what we force, what we default.
 *
 * producer_conf_build() runs in a worker, the checks in any process: they
 * start no thread.  A configuration lives in malloc'ed memory of librdkafka
 * and is destroyed before an ERROR is raised.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/producer_conf.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "options.h"
#include "producer_internal.h"

/* The oldest librdkafka we work with: 2.0.2. */
#define MIN_LIBRDKAFKA_VERSION	0x020002ff

/* librdkafka's own default of message.max.bytes. */
#define DEFAULT_MESSAGE_MAX_BYTES	1000000

typedef struct Setting
{
	const char *name;
	const char *value;
	bool		optional;		/* some versions or builds do not have it */
} Setting;

/* The options of a server override these. */
static const Setting default_settings[] =
{
	{"compression.type", "lz4", true},
	{"linger.ms", "1", false},
};

/* Nothing overrides these. */
static const Setting forced_settings[] =
{
	/* order and completeness */
	{"enable.idempotence", "true", false},
	{"acks", "all", false},
	{"message.timeout.ms", "0", false},

	/* the placement other Kafka clients use */
	{"partitioner", "murmur2_random", false},

	/* a topic is created as the subscription says, or not at all */
	{"allow.auto.create.topics", "false", true},

	{"socket.nagle.disable", "true", false},
	{"socket.keepalive.enable", "true", false},
	{"log.queue", "true", false},
	{"log.thread.name", "false", true},
	{"log.connection.close", "false", false},
	{"enable.metrics.push", "false", true},

	/* never run kinit, which is a fork from a thread of librdkafka */
	{"sasl.kerberos.min.time.before.relogin", "0", true},
};

/*
 * Of the consumer that reads positions.  It has no queue of logs and errors to
 * serve: the producer meets the same problems and reports them.
 */
static const Setting reader_settings[] =
{
	{"isolation.level", "read_committed", false},
	{"enable.partition.eof", "true", false},
	{"auto.offset.reset", "earliest", false},
	{"check.crcs", "true", false},
	{"fetch.wait.max.ms", "10", false},
	{"allow.auto.create.topics", "false", true},
	{"socket.nagle.disable", "true", false},
	{"log_level", "0", false},
	{"enable.metrics.push", "false", true},
	{"sasl.kerberos.min.time.before.relogin", "0", true},
};

/* Some messages of librdkafka end with a newline. */
static void
trim_newline(char *text)
{
	size_t		len = strlen(text);

	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
}

/*
 * Set a property or raise ERROR.  librdkafka's message may quote the value,
 * which is no secret: secrets are strings, of which any is accepted.
 */
static void
set_property(rd_kafka_conf_t *conf, const char *name, const char *value,
			 bool optional)
{
	char		errstr[256];
	rd_kafka_conf_res_t result;

	result = rd_kafka_conf_set(conf, name, value, errstr, sizeof(errstr));
	if (result == RD_KAFKA_CONF_OK)
		return;
	if (optional)
		return;

	rd_kafka_conf_destroy(conf);
	trim_newline(errstr);
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("could not set librdkafka property \"%s\"", name),
			errdetail_internal("%s", errstr));
}

static void
set_int_property(rd_kafka_conf_t *conf, const char *name, int64 value)
{
	char		buf[32];

	snprintf(buf, sizeof(buf), INT64_FORMAT, Min(value, INT_MAX));
	set_property(conf, name, buf, false);
}

/*
 * librdkafka's limits are only backstops: they count less than we do, and must
 * admit one message that is larger than the whole budget.
 */
static void
set_queue_limits(rd_kafka_conf_t *conf, int64 max_queue_bytes)
{
	int			max_message = producer_conf_get_int(conf, "message.max.bytes",
													DEFAULT_MESSAGE_MAX_BYTES);

	set_int_property(conf, "queue.buffering.max.kbytes",
					 (max_queue_bytes + max_message) / 1024 + 1);
	set_int_property(conf, "queue.buffering.max.messages",
					 max_queue_bytes / PRODUCER_MESSAGE_COST + 2);
}

static void
set_properties(rd_kafka_conf_t *conf, const Setting *settings, int nsettings)
{
	for (int i = 0; i < nsettings; i++)
		set_property(conf, settings[i].name, settings[i].value,
					 settings[i].optional);
}

/*
 * What the server and the user mapping say.  Property debug would have a
 * client without queue of logs write to stderr from its own threads, whatever
 * its log_level; so it is for the producer only.
 */
static void
set_options(rd_kafka_conf_t *conf, const ProducerOptions *options,
			bool with_debug)
{
	ListCell   *lc;

	if (options->client_id != NULL)
		set_property(conf, "client.id", options->client_id, false);

	foreach(lc, options->properties)
	{
		NameValue  *property = (NameValue *) lfirst(lc);

		if (!with_debug && strcmp(property->name, "debug") == 0)
			continue;
		set_property(conf, property->name, property->value, false);
	}
}

rd_kafka_conf_t *
producer_conf_build(const ProducerOptions *options)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	set_properties(conf, default_settings, lengthof(default_settings));
	set_options(conf, options, true);
	set_properties(conf, forced_settings, lengthof(forced_settings));
	if (options->transactional_id != NULL)
		set_property(conf, "transactional.id", options->transactional_id,
					 false);
	set_queue_limits(conf, options->max_queue_bytes);

	rd_kafka_conf_set_events(conf,
							 RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR |
							 RD_KAFKA_EVENT_LOG);
	return conf;
}

rd_kafka_conf_t *
producer_conf_build_reader(const ProducerOptions *options)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	set_options(conf, options, false);
	set_properties(conf, reader_settings, lengthof(reader_settings));
	return conf;
}

int
producer_conf_get_int(const rd_kafka_conf_t *conf, const char *name,
					  int fallback)
{
	char		buf[32];
	size_t		size = sizeof(buf);

	if (rd_kafka_conf_get(conf, name, buf, &size) != RD_KAFKA_CONF_OK)
		return fallback;
	return atoi(buf);
}

const char *
producer_conf_lookup(const List *properties, const char *name)
{
	const ListCell *lc;

	foreach(lc, properties)
	{
		const NameValue *property = (const NameValue *) lfirst(lc);

		if (strcmp(property->name, name) == 0)
			return property->value;
	}
	return NULL;
}

/*
 * The caller vouches for the name: setting some properties has effects at
 * once, such as loading a library.
 */
bool
producer_check_property(const char *name, const char *value,
						char *errstr, size_t errstr_size)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_res_t result;

	result = rd_kafka_conf_set(conf, name, value, errstr, errstr_size);
	rd_kafka_conf_destroy(conf);
	if (result == RD_KAFKA_CONF_OK)
		return true;
	trim_newline(errstr);
	return false;
}

const char *
producer_library_version(void)
{
	return rd_kafka_version_str();
}

void
producer_check_library(void)
{
	if (rd_kafka_version() < MIN_LIBRDKAFKA_VERSION)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("librdkafka %s is too old", rd_kafka_version_str()),
				errhint("Install librdkafka 2.0.2 or newer and restart the server."));
}
