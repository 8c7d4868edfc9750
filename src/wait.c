/*-------------------------------------------------------------------------
 *
 * wait.c
 *	  SQL functions that wait for a worker: wait_ready() and wait_for().
 *
 * They sleep on the condition variable of the subscription's entry in shared
 * memory, which is broadcast when the state or the acknowledged position
 * changes.  An entry may be freed and given to another subscription at any
 * time, so it is looked up again after each sleep.  It may also not be there
 * yet, when the controller has not seen the commit that made the
 * subscription.
 *
 * They run in ordinary backends and hold no lock while they sleep.  Memory
 * used in one round of waiting is in a context of its own.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/wait.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "miscadmin.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "cdc_emit.h"
#include "compat.h"
#include "config.h"
#include "shmem.h"

/* Longest sleep on the condition variable, in ms. */
#define SLICE_MS			1000

/* Sleep while there is no entry yet, or the controller has to act, in ms. */
#define CONTROLLER_SLICE_MS 20

CDC_FUNCTION_INFO_V1(cdc_emit_wait_ready);
CDC_FUNCTION_INFO_V1(cdc_emit_wait_for);

/* What somebody waits for. */
typedef struct WaitTarget
{
	NameData	name;
	bool		ready;			/* for a worker that streams; else for lsn */
	XLogRecPtr	lsn;
	TimestampTz deadline;		/* 0: none */
} WaitTarget;

/* What one look at shared memory tells. */
typedef struct EntryStatus
{
	bool		current;		/* is what the catalog says */
	bool		reached;		/* what was waited for is there */
	SubscriptionState state;
} EntryStatus;

/* ----------------------------------------------------------------
 *		arguments
 * ----------------------------------------------------------------
 */

static void
get_subscription(FunctionCallInfo fcinfo, int arg, WaitTarget *target)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be null", "subscription"));
	target->name = *PG_GETARG_NAME(arg);
}

static void
get_deadline(FunctionCallInfo fcinfo, int arg, WaitTarget *target)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz deadline;

	target->deadline = 0;
	if (PG_ARGISNULL(arg))
		return;

	deadline = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
													   TimestampTzGetDatum(now),
													   PG_GETARG_DATUM(arg)));
	if (deadline <= now)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("timeout must be positive"));
	if (!TIMESTAMP_NOT_FINITE(deadline))
		target->deadline = deadline;
}

/*
 * The end of a record that ends with its page is the page's end, but the
 * insert position is then already behind the header of the next page.  A
 * reader of WAL gets there only with the next record.
 */
static XLogRecPtr
skip_back_page_header(XLogRecPtr lsn)
{
	uint64		offset = XLogSegmentOffset(lsn, wal_segment_size);

	if (offset == SizeOfXLogLongPHD)
		return lsn - SizeOfXLogLongPHD;
	if (offset > XLOG_BLCKSZ && offset % XLOG_BLCKSZ == SizeOfXLogShortPHD)
		return lsn - SizeOfXLogShortPHD;
	return lsn;
}

/*
 * Only flushed WAL is decoded, and on an idle server nobody else might flush
 * it (commits with synchronous_commit = off).
 */
static void
flush_wal(XLogRecPtr lsn)
{
	if (!RecoveryInProgress())
		XLogFlush(Min(lsn, skip_back_page_header(GetXLogInsertRecPtr())));
}

/* ----------------------------------------------------------------
 *		a look at shared memory
 * ----------------------------------------------------------------
 */

static ConditionVariable *
find_condition_variable(int64 subid)
{
	SubscriptionShared *entry;

	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	entry = shmem_find(MyDatabaseId, subid);
	LWLockRelease(cdc_shared->lock);

	/* the variable itself outlives the entry */
	return entry ? &entry->changed : NULL;
}

/*
 * Does the worker run with this configuration?  Caller holds the lock.
 */
static bool
worker_is_current(const SubscriptionShared *entry)
{
	return entry->worker_pid != 0 &&
		entry->worker_generation == entry->generation &&
		(entry->state == SUBSCRIPTION_STREAMING ||
		 entry->state == SUBSCRIPTION_WAITING_FOR_KAFKA);
}

/* Configuration is NULL if it does not matter. */
static void
read_entry(const WaitTarget *target, int64 subid, StringInfo config,
		   EntryStatus *status)
{
	SubscriptionShared *entry;

	memset(status, 0, sizeof(*status));
	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	entry = shmem_find(MyDatabaseId, subid);
	if (entry != NULL)
	{
		status->current = entry->enabled && !entry->removed &&
			(config == NULL ||
			 (entry->config_size == config->len &&
			  memcmp(entry->config, config->data, config->len) == 0));
		status->state = entry->state;
		if (target->ready)
			status->reached = status->current && worker_is_current(entry);
		else
			status->reached =
				pg_atomic_read_u64(&entry->counters.acked_lsn) >= target->lsn;
	}
	LWLockRelease(cdc_shared->lock);
}

/* ERROR for what does not mend itself. */
static void
check_status(const WaitTarget *target, const EntryStatus *status)
{
	const char *name = NameStr(target->name);

	if (!cdc_enabled)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("subscription \"%s\" does not run: \"%s\" is off",
					   name, "cdc_emit.enabled"),
				errhint("Use ALTER SYSTEM SET cdc_emit.enabled = on, and SELECT pg_reload_conf()."));

	if (!status->current)
		return;

	if (status->state == SUBSCRIPTION_PAUSED)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("subscription \"%s\" is paused: its replication slot retains more WAL than max_retained_wal",
					   name),
				errhint("Use SELECT cdc_emit.enable_subscription(%s) to let it go on.",
						quote_literal_cstr(name)));
	if (status->state == SUBSCRIPTION_SLOT_MISSING ||
		status->state == SUBSCRIPTION_SLOT_LOST)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("subscription \"%s\" cannot run: its replication slot %s",
					   name, status->state == SUBSCRIPTION_SLOT_MISSING ?
					   "is missing" : "is lost"),
				errdetail("Changes committed in the meantime cannot be published."),
				errhint("Use cdc_emit.drop_subscription() and cdc_emit.create_subscription() to start anew."));
}

/*
 * ERROR if it has failed since the row was last changed.  Before the
 * controller has seen a change of the row, which starts it again, the failure
 * is an old one.  The configuration does not matter: it may be what is wrong.
 */
static void
check_not_failed(const SubscriptionRow *row)
{
	SubscriptionShared *entry;
	char		error[CDC_ERROR_LENGTH];
	bool		failed;

	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	entry = shmem_find(MyDatabaseId, row->subid);
	failed = entry != NULL && entry->state == SUBSCRIPTION_FAILED &&
		entry->row_xmin == row->xmin;
	if (failed)
		strlcpy(error, entry->error.message, sizeof(error));
	LWLockRelease(cdc_shared->lock);

	if (failed)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("subscription \"%s\" has failed: %s",
					   NameStr(row->name), error),
				errhint("Mend the cause; then use SELECT cdc_emit.enable_subscription(%s).",
						quote_literal_cstr(NameStr(row->name))));
}

static void
check_row(const SubscriptionRow *row)
{
	if (!row->enabled)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("subscription \"%s\" is disabled", NameStr(row->name)),
				errhint("Use SELECT cdc_emit.enable_subscription(%s).",
						quote_literal_cstr(NameStr(row->name))));
}

/* ----------------------------------------------------------------
 *		waiting
 * ----------------------------------------------------------------
 */

/* How long to sleep at most, in ms. */
static long
get_nap(const WaitTarget *target, const EntryStatus *status)
{
	long		nap = status->current ? SLICE_MS : CONTROLLER_SLICE_MS;

	if (target->deadline != 0)
	{
		TimestampTz now = GetCurrentTimestamp();
		long		left;

		left = TimestampDifferenceMilliseconds(now, target->deadline);
		nap = Min(nap, left + 1);
	}
	return nap;
}

static void
sleep_until_change(ConditionVariable *changed, long nap)
{
	static uint32 cached = 0;
	uint32		wait_event = cdc_wait_event(&cached, "CdcEmitWait");

	if (changed != NULL)
		(void) ConditionVariableTimedSleep(changed, nap, wait_event);
	else
	{
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 nap, wait_event);
		ResetLatch(MyLatch);
	}
}

/*
 * One round: true if what was waited for is there, false after a sleep.
 *
 * A position that was reached stays so, and Kafka's acknowledgements may be
 * frequent; so the catalog is not asked each time for that.
 */
static bool
wait_round(const WaitTarget *target, SubscriptionRow **row)
{
	ConditionVariable *changed;
	EntryStatus status;
	StringInfoData config;

	initStringInfo(&config);
	if (target->ready)
	{
		*row = catalog_get_subscription((Name) &target->name, false);
		check_row(*row);
		check_not_failed(*row);
		catalog_serialize_config(*row, &config);
	}
	else
		flush_wal(target->lsn);

	changed = find_condition_variable((*row)->subid);
	if (changed != NULL)
		ConditionVariablePrepareToSleep(changed);
	read_entry(target, (*row)->subid, target->ready ? &config : NULL, &status);
	if (status.reached)
		return true;

	if (!status.current || status.state == SUBSCRIPTION_FAILED)
		*row = catalog_get_subscription((Name) &target->name, false);
	check_row(*row);
	check_not_failed(*row);
	check_status(target, &status);
	sleep_until_change(changed, get_nap(target, &status));
	return false;
}

static bool
wait_for_target(const WaitTarget *target)
{
	MemoryContext round = AllocSetContextCreate(CurrentMemoryContext,
												"cdc_emit wait",
												ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(round);
	SubscriptionRow *row = catalog_get_subscription((Name) &target->name,
													false);
	SubscriptionRow saved = *row;
	bool		reached;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		row = &saved;
		reached = wait_round(target, &row);
		ConditionVariableCancelSleep();
		if (reached || (target->deadline != 0 &&
						GetCurrentTimestamp() >= target->deadline))
			break;
		MemoryContextReset(round);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(round);
	return reached;
}

/*
 * A worker creates its slot only when all transactions that write have ended,
 * and sees a subscription only when it is committed.
 */
static void
check_transaction(void)
{
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot wait for a subscription in a transaction that has performed writes"),
				errdetail("The subscription's worker would wait for this transaction to end."),
				errhint("Commit first."));
}

Datum
cdc_emit_wait_ready(PG_FUNCTION_ARGS)
{
	WaitTarget	target = {0};

	shmem_require();
	get_subscription(fcinfo, 0, &target);
	get_deadline(fcinfo, 1, &target);
	target.ready = true;
	check_transaction();

	PG_RETURN_BOOL(wait_for_target(&target));
}

Datum
cdc_emit_wait_for(PG_FUNCTION_ARGS)
{
	WaitTarget	target = {0};

	shmem_require();
	get_subscription(fcinfo, 0, &target);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be null", "lsn"));
	target.lsn = skip_back_page_header(PG_GETARG_LSN(1));
	get_deadline(fcinfo, 2, &target);

	PG_RETURN_BOOL(wait_for_target(&target));
}
