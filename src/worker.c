/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  The process that decodes, encodes and produces for one subscription.
 *
 * A dynamic background worker, started by the launcher.  One thread of ours
 * (librdkafka has its own, which never call into PostgreSQL) and one loop:
 *
 *		reader_run		decode some WAL; capture hands messages to the sink
 *		kafka_sink_poll	fetch delivery reports, commit Kafka transactions
 *		confirm			tell the slot what Kafka has acknowledged
 *		wait			for WAL, for Kafka or for the latch, in one place
 *
 * Leaving: SIGTERM is the one request to stop, whoever sends it (launcher,
 * postmaster, an administrator, the checkpointer that invalidates the slot).
 * At the end of the current transaction the worker stops reading, waits a
 * short time for the messages in flight, confirms, saves the slot and exits.
 * An ERROR is recorded in shared memory and ends the process with status 1.
 * Either way the last thing that runs is _exit(): exit handlers of libraries
 * would race librdkafka's threads.
 *
 * Signals: SIGHUP and SIGTERM only set flags and the latch; SIGUSR1 is
 * core's.  All of them arrive at the main thread, since librdkafka's threads
 * block every signal.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/worker.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "capture.h"
#include "cdc_emit.h"
#include "compat.h"
#include "config.h"
#include "exactly_once.h"
#include "failure.h"
#include "kafka_sink.h"
#include "options.h"
#include "producer.h"
#include "reader.h"
#include "shmem.h"
#include "slot.h"
#include "wal_wait.h"
#include "worker.h"

/* How long to decode before looking at Kafka again, in ms. */
#define SLICE_MS			5

/* How often progress is confirmed to the slot, and made durable, in ms. */
#define CONFIRM_INTERVAL_MS 1000
#define SAVE_INTERVAL_MS	5000

/* How often counters are copied to shared memory, in ms. */
#define PUBLISH_INTERVAL_MS 100

/*
 * Kafka is away when there is no report for messages in the queue, or no room
 * for further ones, for so long.
 */
#define SILENCE_MS			3000
#define PATIENCE_MS			1000

/*
 * Leaving: for how long in all, and for how long without any report, to wait
 * for messages in flight; and for how long to go on within a transaction.
 */
#define DRAIN_MS			2000
#define DRAIN_SILENCE_MS	500
#define FINISH_MS			500
#define DRAIN_NAP_MS		20

/* What the process works on; set up once, in this order. */
static SubscriptionShared *entry = NULL;
static char *config_data = NULL;
static uint32 config_size = 0;
static SubscriptionConfig *config = NULL;
static SubscriptionOptions *options = NULL;
static NameData slot_name;
static NameData subscription_name;
static ProducerOptions producer_options;
static Producer *producer = NULL;
static ExactlyOnceSettings exactly_once_settings;
static ExactlyOnce exactly_once;
static KafkaSink sink;
static Reader *reader = NULL;
static WaitEventSet *wait_set = NULL;

/* Set by the SIGTERM handler. */
static volatile sig_atomic_t stop_requested = false;

/* While not set, SIGTERM acts at the next CHECK_FOR_INTERRUPTS(). */
static volatile sig_atomic_t stop_gracefully = false;

/* Has the loop ended as it should, between two transactions? */
static bool stream_ended = false;

static TimestampTz stop_time = 0;
static TimestampTz next_publish = 0;
static TimestampTz next_confirm = 0;
static TimestampTz next_save = 0;
static TimestampTz last_report_time = 0;

/* ----------------------------------------------------------------
 *		signals
 * ----------------------------------------------------------------
 */

/*
 * A worker that sits in a lock wait inside of core would not see our flag, so
 * there the usual way is taken.
 */
static void
handle_sigterm(SIGNAL_ARGS)
{
	int			save_errno = errno;

	stop_requested = true;
	if (!stop_gracefully ||
		(MyProc != NULL && MyProc->waitStatus == PROC_WAIT_STATUS_WAITING))
	{
		InterruptPending = true;
		ProcDiePending = true;
	}
	SetLatch(MyLatch);
	errno = save_errno;
}

/*
 * Within a transaction, possibly a very large one: let it end if that takes
 * little time, since what is cut off is emitted again after a restart.  If
 * Kafka keeps us waiting already, it will not.
 */
static void
check_stop_in_transaction(void)
{
	TimestampTz now;

	if (!stop_requested)
		return;
	now = GetCurrentTimestamp();
	if (stop_time == 0)
		stop_time = now;
	if (TimestampDifferenceExceeds(stop_time, now, FINISH_MS) ||
		(sink.waiting_since != 0 &&
		 TimestampDifferenceExceeds(sink.waiting_since, now, FINISH_MS)))
	{
		InterruptPending = true;
		ProcDiePending = true;
	}
}

static void
handle_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* ----------------------------------------------------------------
 *		shared memory
 * ----------------------------------------------------------------
 */

/* That a subscription has failed is the launcher's or controller's word. */
static void
set_state(SubscriptionState state)
{
	if (entry->state == state || entry->state == SUBSCRIPTION_FAILED)
		return;
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	shmem_set_state(entry, state);
	LWLockRelease(cdc_shared->lock);
}

/*
 * Ours count since the process started, those in shared memory since they
 * were reset: add what has come since the last time.
 */
static void
add_counter(pg_atomic_uint64 *counter, uint64 *published, uint64 now)
{
	if (now == *published)
		return;
	pg_atomic_fetch_add_u64(counter, now - *published);
	*published = now;
}

static void
publish_counters(const ProducerStatus *status)
{
	static CaptureCounters captured;
	static ProducerStatus acked;
	static uint64 queue_full_count;
	static uint64 queue_full_time;
	SubscriptionCounters *counters = &entry->counters;
	const CaptureCounters *capture = capture_counters();

	/* what an earlier worker left stays until there is something newer */
	pg_atomic_write_u64(&counters->sent_lsn, sink.sent_lsn);
	if (sink.last_commit_time != 0)
		pg_atomic_write_u64(&counters->last_commit_time,
							sink.last_commit_time);
	if (status->last_ack_time != 0)
		pg_atomic_write_u64(&counters->last_ack_time, status->last_ack_time);
	pg_atomic_write_u64(&counters->queue_messages, status->queue_messages);
	pg_atomic_write_u64(&counters->queue_bytes, status->queue_bytes);
	pg_atomic_write_u64(&counters->queue_limit_bytes,
						options->max_queue_bytes);

	add_counter(&counters->queue_full_count, &queue_full_count,
				sink.queue_full_count);
	add_counter(&counters->queue_full_time, &queue_full_time,
				sink.queue_full_time);
	add_counter(&counters->transactions, &captured.transactions,
				capture->transactions);
	add_counter(&counters->inserts, &captured.inserts, capture->inserts);
	add_counter(&counters->updates, &captured.updates, capture->updates);
	add_counter(&counters->deletes, &captured.deletes, capture->deletes);
	add_counter(&counters->truncates, &captured.truncates, capture->truncates);
	add_counter(&counters->filtered, &captured.filtered, capture->filtered);
	add_counter(&counters->nulled_values, &captured.nulled_values,
				capture->nulled_values);
	add_counter(&counters->dead_letters, &captured.dead_letters,
				capture->dead_letters);
	add_counter(&counters->skipped, &captured.skipped, capture->skipped);
	add_counter(&counters->messages, &acked.messages, status->messages);
	add_counter(&counters->message_bytes, &acked.message_bytes,
				status->message_bytes);
}

/* Is Kafka keeping us waiting?  Then the state says so. */
static SubscriptionState
current_state(const ProducerStatus *status, TimestampTz now)
{
	if (status->queue_messages == 0)
		last_report_time = now;
	else if (status->last_ack_time > last_report_time)
		last_report_time = status->last_ack_time;

	if (stop_requested)
		return SUBSCRIPTION_STOPPING;
	if (status->queue_messages > 0 &&
		(!status->connected ||
		 TimestampDifferenceExceeds(last_report_time, now, SILENCE_MS)))
		return SUBSCRIPTION_WAITING_FOR_KAFKA;
	if (kafka_sink_is_committing(&sink) &&
		TimestampDifferenceExceeds(exactly_once.closed, now, SILENCE_MS))
		return SUBSCRIPTION_WAITING_FOR_KAFKA;
	if (sink.waiting_since != 0 &&
		TimestampDifferenceExceeds(sink.waiting_since, now, PATIENCE_MS))
		return SUBSCRIPTION_WAITING_FOR_KAFKA;
	return SUBSCRIPTION_STREAMING;
}

static void
publish_kafka_error(const ProducerStatus *status)
{
	if (status->error_time == entry->kafka_error_time &&
		strcmp(status->bootstrap_servers, entry->bootstrap_servers) == 0)
		return;
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	entry->kafka_error_time = status->error_time;
	strlcpy(entry->kafka_error, status->error, sizeof(entry->kafka_error));
	strlcpy(entry->bootstrap_servers, status->bootstrap_servers,
			sizeof(entry->bootstrap_servers));
	LWLockRelease(cdc_shared->lock);
}

/*
 * Once Kafka has a position of this server, it must stay one of ours.  Not so
 * if the configuration has changed since we started, maybe to another topic:
 * then the controller has set it back for the next worker.
 */
static void
publish_writer(void)
{
	if (sink.exactly_once == NULL || exactly_once.ncommits == 0 ||
		entry->position_writer == exactly_once.position.writer)
		return;
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	if (entry->generation == entry->worker_generation)
		entry->position_writer = exactly_once.position.writer;
	LWLockRelease(cdc_shared->lock);
}

/* Copy to shared memory what views show, and what the next worker needs. */
static void
publish(TimestampTz now)
{
	ProducerStatus status;

	producer_get_status(producer, &status);
	publish_counters(&status);
	set_state(current_state(&status, now));
	publish_kafka_error(&status);
	publish_writer();
	next_publish = TimestampTzPlusMilliseconds(now, PUBLISH_INTERVAL_MS);
}

/* Positions are published at once: wait_for() waits for them. */
static void
publish_positions(void)
{
	SubscriptionCounters *counters = &entry->counters;
	XLogRecPtr	safe_lsn = kafka_sink_safe_lsn(&sink);

	pg_atomic_write_u64(&counters->read_lsn,
						Max(reader_position(reader),
							reader_confirmed(reader)));
	pg_atomic_write_u64(&counters->oldest_commit_time,
						kafka_sink_oldest_commit_time(&sink));
	if (pg_atomic_read_u64(&counters->acked_lsn) != safe_lsn)
	{
		pg_atomic_write_u64(&counters->acked_lsn, safe_lsn);
		ConditionVariableBroadcast(&entry->changed);
	}
}

/* ----------------------------------------------------------------
 *		the loop
 * ----------------------------------------------------------------
 */

static void
wait_for_events(long timeout, uint32 wait_event)
{
	WaitEvent	events[3];

	(void) WaitEventSetWait(wait_set, timeout, events, lengthof(events),
							wait_event);
	ResetLatch(MyLatch);
}

/*
 * Counters first, then the position: who waits for the position finds the
 * counters up to date.
 */
static void
poll_kafka(void)
{
	TimestampTz now;

	kafka_sink_poll(&sink);
	now = GetCurrentTimestamp();
	if (now >= next_publish || kafka_sink_safe_lsn(&sink) !=
		pg_atomic_read_u64(&entry->counters.acked_lsn))
		publish(now);
	publish_positions();
}

/* The reader and the sink sleep through this, inside of a transaction. */
static void
serve(long timeout)
{
	static uint32 wait_event = 0;

	if (timeout > 0)
		wait_for_events(timeout, cdc_wait_event(&wait_event, "CdcEmitKafka"));
	check_stop_in_transaction();
	handle_interrupts();
	poll_kafka();
}

static bool
may_read(void)
{
	return !stop_requested && kafka_sink_has_room(&sink);
}

/* Confirm what is acknowledged; now and then make it durable. */
static void
confirm(TimestampTz now)
{
	XLogRecPtr	safe_lsn = kafka_sink_safe_lsn(&sink);

	if (now >= next_confirm && safe_lsn > reader_confirmed(reader))
	{
		reader_confirm(reader, safe_lsn);
		pg_atomic_write_u64(&entry->counters.confirmed_lsn, safe_lsn);
		next_confirm = TimestampTzPlusMilliseconds(now, CONFIRM_INTERVAL_MS);
	}
	if (now >= next_save)
	{
		reader_save(reader);
		next_save = TimestampTzPlusMilliseconds(now, SAVE_INTERVAL_MS);
	}
}

/* Nothing to decode, or no room for it: sleep until that may have changed. */
static void
wait_for_work(ReaderResult result)
{
	static uint32 kafka_event = 0;
	static uint32 wal_event = 0;
	XLogRecPtr	safe_lsn = kafka_sink_safe_lsn(&sink);

	if (result == READER_PAUSED)
	{
		if (!kafka_sink_is_committing(&sink))
			kafka_sink_begin_wait(&sink);
		wait_for_events(kafka_sink_nap(&sink, PUBLISH_INTERVAL_MS),
						cdc_wait_event(&kafka_event, "CdcEmitKafka"));
	}
	else
	{
		long		nap = wal_wait_arm(reader_flushed(reader));

		kafka_sink_end_wait(&sink);
		if (safe_lsn > reader_confirmed(reader))
			nap = Min(nap, CONFIRM_INTERVAL_MS / 4);
		nap = kafka_sink_nap(&sink, nap);
		if (nap > 0)
			wait_for_events(nap, cdc_wait_event(&wal_event, "CdcEmitWal"));
		wal_wait_disarm();
	}
}

static void
stream(void)
{
	set_state(SUBSCRIPTION_STREAMING);
	for (;;)
	{
		ReaderResult result;

		handle_interrupts();
		if (stop_requested)
			break;
		result = reader_run(reader, SLICE_MS);
		acks_set_position(&sink.acks, reader_position(reader));
		poll_kafka();
		confirm(GetCurrentTimestamp());
		if (result == READER_MORE)
			kafka_sink_end_wait(&sink);
		else if (!stop_requested && !(result == READER_PAUSED && may_read()))
			wait_for_work(result);
	}
	stream_ended = true;
}

/* ----------------------------------------------------------------
 *		leaving
 * ----------------------------------------------------------------
 */

/*
 * Wait a short time for the messages in flight, as long as reports arrive, and
 * for the commit of the Kafka transaction.
 * Interrupts are held off here, but barriers must be served: other sessions
 * may wait for us.
 */
static void
drain(void)
{
	static uint32 wait_event = 0;
	TimestampTz start = GetCurrentTimestamp();
	TimestampTz last_report = last_report_time;
	TimestampTz now = start;
	ProducerStatus status;
	uint64		queued;

	if (sink.exactly_once)
		exactly_once_hurry(sink.exactly_once);
	producer_get_status(producer, &status);
	while (kafka_sink_is_pending(&sink) && status.connected &&
		   !TimestampDifferenceExceeds(start, now, DRAIN_MS) &&
		   !TimestampDifferenceExceeds(last_report, now, DRAIN_SILENCE_MS))
	{
		queued = status.queue_messages;
		wait_for_events(kafka_sink_nap(&sink, DRAIN_NAP_MS),
						cdc_wait_event(&wait_event, "CdcEmitDrain"));
		if (ProcSignalBarrierPending)
			ProcessProcSignalBarrier();
		kafka_sink_poll(&sink);
		producer_get_status(producer, &status);
		now = GetCurrentTimestamp();
		if (status.queue_messages != queued)
			last_report = now;
	}
}

/* Take along what Kafka has acknowledged. */
static void
confirm_all(void)
{
	reader_confirm(reader, kafka_sink_safe_lsn(&sink));
	pg_atomic_write_u64(&entry->counters.confirmed_lsn,
						reader_confirmed(reader));
	reader_save(reader);
}

/*
 * The three callbacks of leaving run in this order, between core's that
 * aborts the transaction and core's that releases slots and locks.  Each
 * runs even if the one before it fails; so draining, which may, comes after
 * a first confirmation.
 */
static void
leave_kafka(int code, Datum arg)
{
	LWLockReleaseAll();
	ConditionVariableCancelSleep();
	if (reader == NULL || MyReplicationSlot == NULL)
		return;
	confirm_all();
	if (!stop_requested)
		return;
	drain();
	confirm_all();
	publish(GetCurrentTimestamp());
	publish_positions();
}

/* Who sees that the worker is gone may count on the slot being free. */
static void
leave_slot(int code, Datum arg)
{
	LWLockReleaseAll();
	if (MyReplicationSlot == NULL)
		return;
	if (stream_ended)
		reader_close(reader);
	ReplicationSlotRelease();
}

/* Give the entry back. */
static void
detach(int code, Datum arg)
{
	LWLockReleaseAll();
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	if (code != 0 && !stop_requested &&
		entry->error.time < entry->worker_start)
		shmem_set_error_text(entry, ERRCODE_INTERNAL_ERROR,
							 "worker has ended unexpectedly", NULL,
							 "See the server log.");
	entry->worker_pid = 0;
	pg_atomic_write_u64(&entry->counters.queue_messages, 0);
	pg_atomic_write_u64(&entry->counters.queue_bytes, 0);
	ConditionVariableBroadcast(&entry->changed);
	LWLockRelease(cdc_shared->lock);
	shmem_wake_launcher();
}

#ifndef CDC_CLEAN_EXIT
static void
exit_at_once(int code, Datum arg)
{
	_exit(code);
}
#endif

/* Keep the reason of an exit for the view. */
static void
record_error(MemoryContext context)
{
	SubscriptionError error;

	MemoryContextSwitchTo(context);
	failure_describe(&error, reader ? reader_position(reader) :
					 InvalidXLogRecPtr);
	error.permanent |= exactly_once.failed;
	LWLockReleaseAll();
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	shmem_set_error(entry, &error);
	LWLockRelease(cdc_shared->lock);
}

/* ----------------------------------------------------------------
 *		starting
 * ----------------------------------------------------------------
 */

/*
 * Take the entry we were started for, unless things have changed meanwhile.
 * Copies the configuration, which is all we know of the catalog.
 */
static void
attach(int index)
{
	WorkerArguments arguments;

	memcpy(&arguments, MyBgworkerEntry->bgw_extra, sizeof(arguments));
	config_data = palloc(CDC_CONFIG_SIZE);

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	entry = &cdc_shared->subscriptions[index];
	if (!entry->in_use || entry->dboid != arguments.dboid ||
		entry->subid != arguments.subid || entry->worker_pid != 0 ||
		!entry->enabled || entry->removed || stop_requested ||
		shmem_database_is_dropping(entry->dboid))
	{
		LWLockRelease(cdc_shared->lock);
		proc_exit(0);
	}
	entry->worker_pid = MyProcPid;
	entry->worker_generation = entry->generation;
	entry->worker_start = GetCurrentTimestamp();
	shmem_set_state(entry, SUBSCRIPTION_STARTING);
	slot_name = entry->slot_name;
	subscription_name = entry->name;
	config_size = entry->config_size;
	memcpy(config_data, entry->config, config_size);
	LWLockRelease(cdc_shared->lock);
	before_shmem_exit(detach, (Datum) 0);
	before_shmem_exit(leave_slot, (Datum) 0);
	before_shmem_exit(leave_kafka, (Datum) 0);
}

static void
read_config(void)
{
	Jsonb	   *jsonb;

	config = config_deserialize(config_data, config_size);
	explicit_bzero(config_data, CDC_CONFIG_SIZE);
	pfree(config_data);

	jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											   CStringGetDatum(config->options)));
	options = options_from_jsonb(jsonb);
}

/*
 * Output must not depend on settings of the server, the database or a role.
 * Where core checks which libraries may be output plugins, ours is listed,
 * for this process only.
 */
static void
apply_settings(void)
{
	static const char *const settings[][2] = {
		{"search_path", ""},
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"bytea_output", "hex"},
		{"extra_float_digits", "1"},
		{"lc_monetary", "C"},
		{"lc_numeric", "C"},
		{"lc_time", "C"},
		{"quote_all_identifiers", "off"},
		{"statement_timeout", "0"},
		{"lock_timeout", "0"},
		{"synchronous_commit", "local"},
		{"row_security", "off"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1],
						PGC_SUSET, PGC_S_OVERRIDE);
	if (GetConfigOption("output_plugin_libraries", true, false) != NULL)
		SetConfigOption("output_plugin_libraries", "pgoutput, " CDC_NAME,
						PGC_SUSET, PGC_S_OVERRIDE);
	if (GetConfigOption("transaction_timeout", true, false) != NULL)
		SetConfigOption("transaction_timeout", "0",
						PGC_SUSET, PGC_S_OVERRIDE);
	if (options->decoding_work_mem > 0)
		SetConfigOption("logical_decoding_work_mem",
						psprintf("%d", options->decoding_work_mem),
						PGC_SUSET, PGC_S_OVERRIDE);
}

static void
start_producer(void)
{
	producer_options.client_id = psprintf("cdc_emit-%s",
										  NameStr(subscription_name));
	producer_options.properties = config->properties;
	producer_options.max_queue_bytes = options->max_queue_bytes;
	producer_options.create_topics = options->create_topics;
	producer_options.topic_partitions = options->topic_partitions;
	producer_options.topic_replication_factor =
		options->topic_replication_factor;
	producer_options.topic_config = options->topic_config;
	if (options->delivery == DELIVERY_EXACTLY_ONCE)
		producer_options.transactional_id =
			psprintf(CDC_NAME "-" UINT64_FORMAT "-%s",
					 GetSystemIdentifier(), NameStr(slot_name));
	producer_check_library();
	producer = producer_create(&producer_options);

	wait_set = cdc_create_wait_event_set(3);
	AddWaitEventToSet(wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL,
					  NULL);
	AddWaitEventToSet(wait_set, WL_SOCKET_READABLE,
					  producer_event_fd(producer), NULL, NULL);
}

/* No message was produced, so there is no report. */
static void
no_report(void *arg, uint32 token)
{
}

/* Serve and sleep as long as there is neither reader nor sink. */
static void
wait_for_start(long timeout)
{
	static uint32 wait_event = 0;
	ProducerStatus status;

	if (timeout > 0)
		wait_for_events(timeout, cdc_wait_event(&wait_event, "CdcEmitKafka"));
	handle_interrupts();
	if (stop_requested)
		proc_exit(0);
	producer_poll(producer, no_report, NULL);
	producer_get_status(producer, &status);
	publish_kafka_error(&status);
	if (TimestampDifferenceExceeds(entry->worker_start, GetCurrentTimestamp(),
								   SILENCE_MS))
		set_state(SUBSCRIPTION_WAITING_FOR_KAFKA);
}

/* Kafka knows where to resume.  With that, nobody else can publish. */
static void
start_exactly_once(void)
{
	SlotInfo	info;

	slot_look_up(NameStr(slot_name), MyDatabaseId, &info);
	exactly_once_settings.restart_lsn = info.restart_lsn;
	exactly_once_settings.producer_options = &producer_options;
	exactly_once_settings.position_topic = options->position_topic;
	exactly_once_settings.commit_interval = options->commit_interval;
	exactly_once_settings.last_writer = entry->position_writer;
	exactly_once_settings.wait = wait_for_start;
	exactly_once_start(&exactly_once, producer, &exactly_once_settings);
}

/* The slot exists: the controller has to record it. */
static void
report_slot(void)
{
	bool		known;

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	entry->worker_has_slot = true;
	known = entry->slot_created;
	LWLockRelease(cdc_shared->lock);
	if (!known)
		shmem_mark_database(MyDatabaseId);
}

/* The slot existed and is gone, and with it changes: not ours to hide. */
static void
raise_slot_absent(void)
{
	bool		dropped = entry->slot_dropped;

	set_state(dropped ? SUBSCRIPTION_SLOT_LOST : SUBSCRIPTION_SLOT_MISSING);
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("replication slot \"%s\" of subscription \"%s\" does not exist",
				   NameStr(slot_name), NameStr(subscription_name)),
			dropped ?
			errdetail("It was dropped because it retained more WAL than max_retained_wal; see cdc_emit.slot_drop. Changes since then are lost.") :
			errdetail("Changes since it was dropped are lost."),
			errhint("Drop the subscription with cdc_emit.drop_subscription() and create it again."));
}

static void
raise_slot_unusable(const SlotInfo *info)
{
	const char *slot = NameStr(slot_name);
	const char *name = NameStr(subscription_name);

	switch (info->status)
	{
		case SLOT_ABSENT:
		case SLOT_USABLE:
			break;
		case SLOT_IN_USE:
			set_state(SUBSCRIPTION_SLOT_BUSY);
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_IN_USE),
					errmsg("replication slot \"%s\" of subscription \"%s\" is used by another process",
						   slot, name),
					errhint("See active_pid in pg_replication_slots."));
			break;
		case SLOT_INVALIDATED:
			set_state(SUBSCRIPTION_SLOT_LOST);
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("replication slot \"%s\" of subscription \"%s\" was invalidated",
						   slot, name),
					errdetail("%s", _(info->cause)),
					errhint("Drop the subscription with cdc_emit.drop_subscription() and create it again; changes that were not published are lost."));
			break;
		case SLOT_FOREIGN:
			set_state(SUBSCRIPTION_SLOT_MISSING);
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("replication slot \"%s\" does not belong to subscription \"%s\"",
						   slot, name),
					errdetail("It has another output plugin or database; the subscription may have been restored from a copy."),
					errhint("Drop the subscription with cdc_emit.drop_subscription() and create it again."));
			break;
	}
}

/*
 * Create the slot at the first start.  Later a missing slot means that changes
 * are lost, which the administrator has to decide about.
 */
static void
prepare_slot(void)
{
	SlotInfo	info;

	slot_look_up(NameStr(slot_name), MyDatabaseId, &info);
	if (info.status == SLOT_ABSENT)
	{
		if (entry->slot_created || entry->slot_dropped)
			raise_slot_absent();
		set_state(SUBSCRIPTION_CREATING_SLOT);
		reader_create_slot(NameStr(slot_name));
		ereport(LOG,
				errmsg("created replication slot \"%s\" for subscription \"%s\"",
					   NameStr(slot_name), NameStr(subscription_name)));
	}
	else
		raise_slot_unusable(&info);
	report_slot();
}

static void
start_streaming(void)
{
	static const ReaderHooks hooks = {.may_read = may_read,.sleep = serve};
	static CaptureSettings settings;
	bool		once = options->delivery == DELIVERY_EXACTLY_ONCE;
	XLogRecPtr	start_lsn = InvalidXLogRecPtr;

	settings.options = options;
	settings.publications = config->publications;
	settings.skipped = config->skipped;
	settings.owner = config->owner;
	settings.default_prefix = NameStr(subscription_name);
	settings.sink = &sink.base;
	capture_use_settings(&settings);
	if (once)
	{
		start_exactly_once();
		start_lsn = exactly_once_start_lsn(&exactly_once);
	}
	reader = reader_open(NameStr(slot_name), start_lsn, &hooks);
	start_lsn = Max(start_lsn, reader_confirmed(reader));
	kafka_sink_init(&sink, producer, once ? &exactly_once : NULL, start_lsn,
					serve);
	if (once)
		exactly_once_announce(&exactly_once, start_lsn);
	pg_atomic_write_u64(&entry->counters.confirmed_lsn,
						reader_confirmed(reader));
}

static void
run(void)
{
	read_config();
	apply_settings();
	pgstat_report_appname(NameStr(subscription_name));
	pgstat_report_activity(STATE_RUNNING, NULL);

	prepare_slot();
	stop_gracefully = true;
	start_producer();
	start_streaming();
	ereport(LOG,
			errmsg("cdc_emit worker for subscription \"%s\" streams from %X/%X",
				   NameStr(subscription_name),
				   LSN_FORMAT_ARGS(kafka_sink_safe_lsn(&sink))));
	stream();
}

void
worker_main(Datum main_arg)
{
	MemoryContext context;

#ifndef CDC_CLEAN_EXIT
	on_proc_exit(exit_at_once, (Datum) 0);
#endif
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, handle_sigterm);
	BackgroundWorkerUnblockSignals();

	context = AllocSetContextCreate(TopMemoryContext, "cdc_emit worker",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	attach(DatumGetInt32(main_arg));

	PG_TRY();
	{
		BackgroundWorkerInitializeConnectionByOid(entry->dboid, InvalidOid, 0);
		run();
	}
	PG_CATCH();
	{
		record_error(context);
		PG_RE_THROW();
	}
	PG_END_TRY();

	proc_exit(0);
}
