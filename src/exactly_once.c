/*-------------------------------------------------------------------------
 *
 * exactly_once.c
 *	  Exactly-once delivery: Kafka transactions and the position in them.
 *
 * A Kafka transaction holds the events of whole transactions and, as its last
 * message, the position after them: both are there or none.  A process that
 * starts fences its predecessor, reads the last position, and decodes from
 * there.  Nothing else decides what is sent again: not the slot, which is
 * confirmed later, nor what the predecessor thought.
 *
 *		NONE -> OPEN		a message is to be produced
 *		OPEN -> CLOSING		commit_interval is over, between transactions; or
 *							in the middle of one that takes too long
 *		CLOSING -> COMMITTING	the position was produced
 *		COMMITTING -> NONE	all was acknowledged, and committed
 *
 * No message is produced while a transaction is closing or committing.
 *
 * Any error ends the process; the next one resumes.  Runs in workers; memory
 * is the caller's.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/exactly_once.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "utils/timestamp.h"

#include "exactly_once.h"
#include "fault.h"
#include "reader.h"

/* While starting: pause between looks at a topic that is not ready, in ms. */
#define START_NAP_MS			100

/* While committing: librdkafka does not tell when that is over. */
#define COMMIT_NAP_MS			10

/* A Kafka transaction may be open for this part of the time Kafka allows. */
#define OPEN_TIME_DIVISOR		3

/*
 * What is in flight when a transaction closes must arrive before Kafka gives
 * it up.  So the budget starts low.  It is raised when as much was delivered
 * within a small part of the time Kafka allows, and lowered when a commit took
 * a larger part of it.
 */
#define MIN_BUDGET				(16 * 1024)
#define BUDGET_STEP				4
#define QUICK_DELIVERY_DIVISOR	60
#define SLOW_COMMIT_DIVISOR		12

/* ----------------------------------------------------------------
 *		the position
 * ----------------------------------------------------------------
 */

static void
raise_invalid_position(ExactlyOnce *eo, const char *value, size_t len)
{
	char		text[POSITION_SIZE];

	/* it may be in any encoding */
	len = Min(len, sizeof(text) - 1);
	for (size_t i = 0; i < len; i++)
		text[i] = (value[i] >= ' ' && value[i] <= '~') ? value[i] : '?';
	text[len] = '\0';

	eo->failed = true;
	ereport(ERROR,
			errcode(ERRCODE_DATA_CORRUPTED),
			errmsg("invalid position for \"%s\" in Kafka topic \"%s\"",
				   eo->settings->producer_options->transactional_id,
				   eo->settings->position_topic),
			errdetail("The record is: %s", text));
}

static void
raise_other_system(ExactlyOnce *eo)
{
	eo->failed = true;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("position in Kafka topic \"%s\" is of another database cluster",
				   eo->settings->position_topic),
			errdetail("Its system identifier is " UINT64_FORMAT ", that of this server is " UINT64_FORMAT ".",
					  eo->start.system_identifier,
					  eo->position.system_identifier));
}

/*
 * Kafka has events of transactions that this server does not have, because it
 * was promoted without them, or is an older copy.  To skip would lose events,
 * to go on would publish two histories: somebody has to decide.
 */
static void
raise_other_history(ExactlyOnce *eo, XLogRecPtr end)
{
	eo->failed = true;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("Kafka is ahead of this server: it has events up to %X/%X of timeline %u",
				   LSN_FORMAT_ARGS(eo->start.lsn), eo->start.timeline),
			XLogRecPtrIsInvalid(end) ?
			errdetail("That timeline is not part of the history of this server, which is on timeline %u.",
					  eo->position.timeline) :
			errdetail("The WAL this server has of that timeline ends at %X/%X.",
					  LSN_FORMAT_ARGS(end)),
			errhint("If another server publishes now, disable the subscription here. To continue here at the position of the replication slot, choose another position_topic with cdc_emit.alter_subscription(); events of transactions that are lost stay in Kafka."));
}

/*
 * The last transaction in Kafka is not one of this server, although the WAL
 * reaches as far: both are copies that have gone different ways.
 */
static void
raise_other_transactions(ExactlyOnce *eo)
{
	eo->failed = true;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("Kafka has events up to %X/%X of timeline %u of another server with the same system identifier",
				   LSN_FORMAT_ARGS(eo->start.lsn), eo->start.timeline),
			errdetail("This server has not committed the last transaction of them, at %X/%X.",
					  LSN_FORMAT_ARGS(eo->start.commit_lsn)),
			errhint("One is a copy of the other. Disable the subscription on the one that shall not publish. To publish from this server, choose another position_topic with cdc_emit.alter_subscription(); events of the other one stay in Kafka."));
}

static void
raise_taken_over(ExactlyOnce *eo)
{
	eo->failed = true;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_IN_USE),
			errmsg("another server has taken over transactional id \"%s\"",
				   eo->settings->producer_options->transactional_id),
			errdetail("It wrote position %X/%X of timeline %u to Kafka topic \"%s\".",
					  LSN_FORMAT_ARGS(eo->start.lsn), eo->start.timeline,
					  eo->settings->position_topic),
			errhint("Decide which server shall publish: disable the subscription on the other one, and use cdc_emit.enable_subscription() on that one."));
}

/* Where it cannot be told because WAL was removed, the answer is yes. */
static bool
has_last_transaction(const ExactlyOnce *eo)
{
	XLogRecPtr	kept_from = eo->settings->restart_lsn;

	if (XLogRecPtrIsInvalid(eo->start.commit_lsn) ||
		XLogRecPtrIsInvalid(kept_from) || eo->start.commit_lsn < kept_from)
		return true;
	return reader_has_commit(eo->start.commit_lsn,
							 (TimestampTz) eo->start.commit_time);
}

static void
check_start(ExactlyOnce *eo)
{
	XLogRecPtr	end = reader_timeline_end(eo->start.timeline);

	switch (position_check(&eo->start, eo->position.system_identifier, end))
	{
		case POSITION_USABLE:
			break;
		case POSITION_OTHER_SYSTEM:
			raise_other_system(eo);
			break;
		case POSITION_OTHER_HISTORY:
		case POSITION_AHEAD:
			raise_other_history(eo, end);
			break;
	}
	if (eo->settings->last_writer != 0 &&
		eo->start.writer != eo->settings->last_writer)
		raise_taken_over(eo);
	if (!has_last_transaction(eo))
		raise_other_transactions(eo);
}

/* Read the last committed position, and see whether it is one for us. */
static void
read_start(ExactlyOnce *eo, PositionReader *reader, bool complete)
{
	const char *value;
	size_t		len;

	position_reader_start(reader, complete);
	while (!position_reader_run(reader))
		eo->settings->wait(0);

	value = position_reader_value(reader, &len);
	eo->has_start = value != NULL;
	if (value == NULL)
		return;
	if (!position_parse(value, len, &eo->start))
		raise_invalid_position(eo, value, len);
	check_start(eo);
}

/* The position as a message; false if there is no room for it now. */
static bool
produce_position(ExactlyOnce *eo)
{
	const char *key = eo->settings->producer_options->transactional_id;
	char		value[POSITION_SIZE];
	Message		message = {0};

	message.topic = eo->topic;
	message.topic_name = eo->settings->position_topic;
	message.key = key;
	message.key_len = strlen(key);
	message.value = value;
	message.value_len = position_format(&eo->position, value);
	return producer_produce(eo->producer, &message, PRODUCER_NO_TOKEN);
}

/* ----------------------------------------------------------------
 *		what may be in flight
 * ----------------------------------------------------------------
 */

static bool
is_older_than(const ExactlyOnce *eo, TimestampTz since, int divisor)
{
	return TimestampDifferenceExceeds(since, eo->now,
									  producer_transaction_timeout(eo->producer) / divisor);
}

static void
set_budget(ExactlyOnce *eo, uint64 bytes)
{
	uint64		limit = eo->settings->producer_options->max_queue_bytes;

	eo->budget = Max(Min(bytes, limit), MIN_BUDGET);
	producer_set_budget(eo->producer, eo->budget);
}

/* Each time as much as the budget has arrived, see how long that took. */
static void
raise_budget(ExactlyOnce *eo)
{
	ProducerStatus status;

	producer_get_status(eo->producer, &status);
	if (status.reported_bytes - eo->budget_start_bytes < eo->budget)
		return;
	if (!is_older_than(eo, eo->budget_start, QUICK_DELIVERY_DIVISOR))
		set_budget(eo, eo->budget * BUDGET_STEP);
	eo->budget_start = eo->now;
	eo->budget_start_bytes = status.reported_bytes;
}

static void
lower_budget(ExactlyOnce *eo)
{
	if (is_older_than(eo, eo->closed, SLOW_COMMIT_DIVISOR))
		set_budget(eo, eo->budget / BUDGET_STEP);
}

/* ----------------------------------------------------------------
 *		starting
 * ----------------------------------------------------------------
 */

static void
init_identity(ExactlyOnce *eo)
{
	Position   *position = &eo->position;

	position->system_identifier = GetSystemIdentifier();
	position->timeline = reader_timeline();
	position->writer = eo->settings->last_writer;
	while (position->writer == 0)
	{
		if (!pg_strong_random(&position->writer, sizeof(position->writer)))
			ereport(ERROR,
					errcode(ERRCODE_INTERNAL_ERROR),
					errmsg("could not generate a random number"));
	}
}

static void
log_start(const ExactlyOnce *eo)
{
	const char *id = eo->settings->producer_options->transactional_id;
	const char *topic = eo->settings->position_topic;

	if (!eo->has_start)
		ereport(LOG,
				errmsg("Kafka topic \"%s\" has no position for \"%s\"",
					   topic, id),
				errdetail("Begins at the position of the replication slot; events that were published after it come again."));
	else if (eo->start.changes == 0)
		ereport(LOG,
				errmsg("Kafka topic \"%s\" has position %X/%X for \"%s\"",
					   topic, LSN_FORMAT_ARGS(eo->start.lsn), id));
	else
		ereport(LOG,
				errmsg("Kafka topic \"%s\" has position %X/%X for \"%s\", and " UINT64_FORMAT " changes of the transaction committed there",
					   topic, LSN_FORMAT_ARGS(eo->start.lsn), id,
					   eo->start.changes));
}

/*
 * The position is read twice: before fencing, so that a server that is not to
 * publish does no harm to the one that does; and after it, when nobody else
 * can write it any more.
 */
void
exactly_once_start(ExactlyOnce *eo, Producer *producer,
				   const ExactlyOnceSettings *settings)
{
	PositionReader *reader;

	memset(eo, 0, sizeof(*eo));
	eo->settings = settings;
	eo->producer = producer;
	set_budget(eo, MIN_BUDGET);
	init_identity(eo);

	eo->topic = producer_open_position_topic(producer,
											 settings->position_topic);
	while (!producer_topic_ready(producer, eo->topic))
		settings->wait(START_NAP_MS);
	reader = position_reader_create(settings->producer_options,
									settings->position_topic,
									settings->producer_options->transactional_id);

	read_start(eo, reader, false);
	while (!producer_init_transactions(producer))
		settings->wait(0);
	FAULT_POINT("after_fencing");
	read_start(eo, reader, true);
	log_start(eo);
}

XLogRecPtr
exactly_once_start_lsn(const ExactlyOnce *eo)
{
	return eo->has_start ? eo->start.lsn : InvalidXLogRecPtr;
}

static void
close_at(ExactlyOnce *eo, XLogRecPtr lsn, uint64 changes,
		 XLogRecPtr change_lsn)
{
	eo->position.lsn = lsn;
	eo->position.changes = changes;
	eo->position.change_lsn = change_lsn;
	eo->state = KAFKA_TRANSACTION_CLOSING;
	eo->closed = GetCurrentTimestamp();
	eo->next_close = TimestampTzPlusMilliseconds(eo->closed,
												 eo->settings->commit_interval);
}

/*
 * If the slot is further on, what is there in part is complete: the
 * subscription was not exactly once meanwhile.
 */
void
exactly_once_announce(ExactlyOnce *eo, XLogRecPtr start_lsn)
{
	eo->resuming = eo->has_start && eo->start.changes > 0 &&
		eo->start.lsn == start_lsn;
	eo->position.commit_lsn = eo->start.commit_lsn;
	eo->position.commit_time = eo->start.commit_time;
	exactly_once_open(eo, 0);
	if (eo->resuming)
		close_at(eo, start_lsn, eo->start.changes, eo->start.change_lsn);
	else
		close_at(eo, start_lsn, 0, InvalidXLogRecPtr);
}

/* ----------------------------------------------------------------
 *		the transaction that is being decoded
 * ----------------------------------------------------------------
 */

static void
raise_lost_transaction(ExactlyOnce *eo, const char *detail)
{
	eo->failed = true;
	ereport(ERROR,
			errcode(ERRCODE_DATA_CORRUPTED),
			errmsg("cannot resume within the transaction committed at %X/%X",
				   LSN_FORMAT_ARGS(eo->start.lsn)),
			errdetail("Kafka has " UINT64_FORMAT " changes of it, the last one at %X/%X. %s",
					  eo->start.changes,
					  LSN_FORMAT_ARGS(eo->start.change_lsn), _(detail)));
}

void
exactly_once_begin(ExactlyOnce *eo, XLogRecPtr commit_lsn)
{
	eo->commit_lsn = commit_lsn;
	eo->changes = 0;
	if (!eo->resuming)
		return;

	if (commit_lsn > eo->start.lsn)
		raise_lost_transaction(eo, gettext_noop("It was not found in WAL."));
	if (commit_lsn == eo->start.lsn)
	{
		eo->resuming = false;
		eo->skipping = true;
	}
}

void
exactly_once_change(ExactlyOnce *eo, XLogRecPtr lsn)
{
	eo->changes++;
	eo->change_lsn = lsn;
	if (!eo->skipping || eo->changes < eo->start.changes)
		return;
	if (lsn != eo->start.change_lsn)
		raise_lost_transaction(eo, gettext_noop("It has other changes now."));
	eo->skipping = false;
}

void
exactly_once_end(ExactlyOnce *eo)
{
	if (eo->skipping)
		raise_lost_transaction(eo, gettext_noop("It has fewer changes now."));
}

void
exactly_once_sent(ExactlyOnce *eo, TimestampTz commit_time)
{
	eo->position.commit_lsn = eo->commit_lsn;
	eo->position.commit_time = (uint64) commit_time;
}

/* ----------------------------------------------------------------
 *		the Kafka transaction
 * ----------------------------------------------------------------
 */

bool
exactly_once_skips(const ExactlyOnce *eo)
{
	return eo->skipping;
}

bool
exactly_once_may_produce(const ExactlyOnce *eo)
{
	return eo->state == KAFKA_TRANSACTION_NONE ||
		eo->state == KAFKA_TRANSACTION_OPEN;
}

void
exactly_once_open(ExactlyOnce *eo, TimestampTz commit_time)
{
	if (eo->state != KAFKA_TRANSACTION_NONE)
		return;
	producer_begin_transaction(eo->producer);
	eo->state = KAFKA_TRANSACTION_OPEN;
	eo->opened = eo->now = GetCurrentTimestamp();
	eo->oldest_commit_time = commit_time;
}

bool
exactly_once_must_split(const ExactlyOnce *eo)
{
	return eo->state == KAFKA_TRANSACTION_OPEN &&
		is_older_than(eo, eo->opened, OPEN_TIME_DIVISOR);
}

void
exactly_once_split(ExactlyOnce *eo)
{
	close_at(eo, eo->commit_lsn, eo->changes, eo->change_lsn);
}

static void
finish_commit(ExactlyOnce *eo)
{
	eo->state = KAFKA_TRANSACTION_NONE;
	eo->oldest_commit_time = 0;
	eo->ncommits++;
	eo->now = GetCurrentTimestamp();
	lower_budget(eo);
}

void
exactly_once_poll(ExactlyOnce *eo, bool in_transaction, XLogRecPtr sent_lsn)
{
	eo->now = GetCurrentTimestamp();
	raise_budget(eo);
	if (eo->state == KAFKA_TRANSACTION_OPEN && !in_transaction &&
		(eo->now >= eo->next_close || exactly_once_must_split(eo)))
		close_at(eo, sent_lsn, 0, InvalidXLogRecPtr);
	if (eo->state == KAFKA_TRANSACTION_CLOSING && produce_position(eo))
		eo->state = KAFKA_TRANSACTION_COMMITTING;
	if (eo->state == KAFKA_TRANSACTION_COMMITTING &&
		producer_commit_transaction(eo->producer))
		finish_commit(eo);
}

/*
 * Reports wake the process; the end of the interval and of a commit do not.
 * Within a transaction the end of the interval is of no interest, and may be
 * long past.
 */
long
exactly_once_nap(const ExactlyOnce *eo, bool in_transaction, long timeout)
{
	ProducerStatus status;

	switch (eo->state)
	{
		case KAFKA_TRANSACTION_OPEN:
			if (in_transaction)
				break;
			return Min(timeout,
					   TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
													   eo->next_close));
		case KAFKA_TRANSACTION_COMMITTING:
			producer_get_status(eo->producer, &status);
			if (status.queue_messages == 0)
				return Min(timeout, COMMIT_NAP_MS);
			break;
		default:
			break;
	}
	return timeout;
}

void
exactly_once_hurry(ExactlyOnce *eo)
{
	eo->next_close = 0;
}
