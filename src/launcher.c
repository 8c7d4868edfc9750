/*-------------------------------------------------------------------------
 *
 * launcher.c
 *	  The process that starts, stops and restarts all others.
 *
 * One static background worker.  It owns no data: what should run is in
 * shared memory, put there by the controllers, and what it keeps for itself
 * (handles of background workers) can be lost.  It reads only pg_database.
 *
 * It sleeps until somebody asks for something (a commit that changed
 * subscriptions, a process that came or went) or a back-off ends.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/launcher.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "cdc_emit.h"
#include "compat.h"
#include "controller.h"
#include "launcher.h"
#include "shmem.h"
#include "slot_watch.h"
#include "worker.h"

/* Back-off after an error of a worker: doubles from MIN to MAX, in ms. */
#define RESTART_DELAY_MIN_MS	1000
#define RESTART_DELAY_MAX_MS	60000

/* A worker that ran for so long starts again with the shortest delay. */
#define HEALTHY_RUN_MS			60000

/* After a controller that failed: doubles from MIN to MAX, in ms. */
#define CONTROLLER_RETRY_MIN_MS 1000
#define CONTROLLER_RETRY_MAX_MS 60000

/* Without room for a further background worker, in ms. */
#define NO_ROOM_RETRY_MS		5000

/* The same error at the same LSN so many times: stop trying. */
#define MAX_EQUAL_FAILURES		10

#define LONGEST_NAP_MS			60000

/* While a database with work to do is being dropped, in ms. */
#define DROPPING_NAP_MS			1000

/* What an entry without process needs. */
typedef enum EntryAction
{
	ENTRY_LEAVE,
	ENTRY_START,				/* a worker */
	ENTRY_REVISIT				/* by the controller */
} EntryAction;

/* Handles of what this launcher started; NULL if not running. */
static BackgroundWorkerHandle *controller_handle = NULL;
static BackgroundWorkerHandle **worker_handles = NULL;

/* Databases the controller still has to visit. */
static List *pending_databases = NIL;

/* Databases in which it has failed, and when to try these again. */
static List *failed_databases = NIL;
static TimestampTz failed_retry_time = 0;
static int	failed_retry_delay = CONTROLLER_RETRY_MIN_MS;

void
launcher_register(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, CDC_NAME);
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "launcher_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "cdc_emit launcher");
	snprintf(worker.bgw_type, BGW_MAXLEN, "cdc_emit launcher");
	RegisterBackgroundWorker(&worker);
}

static void
launcher_exit(int code, Datum arg)
{
	LWLockReleaseAll();
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	if (cdc_shared->launcher_pid == MyProcPid)
		cdc_shared->launcher_pid = 0;
	LWLockRelease(cdc_shared->lock);
}

static void
launcher_attach(void)
{
	before_shmem_exit(launcher_exit, (Datum) 0);
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	cdc_shared->launcher_pid = MyProcPid;
	cdc_shared->all_dirty = true;
	LWLockRelease(cdc_shared->lock);

	worker_handles = MemoryContextAllocZero(TopMemoryContext,
											cdc_shared->nsubscriptions *
											sizeof(BackgroundWorkerHandle *));
}

/*
 * Databases of the cluster, in the caller's memory context.  Those that
 * cannot be connected to, which includes what an interrupted DROP DATABASE
 * left, are in *all only.
 */
static void
list_databases(List **all, List **connectable)
{
	MemoryContext context = CurrentMemoryContext;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	*all = *connectable = NIL;
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old = MemoryContextSwitchTo(context);

		*all = lappend_oid(*all, database->oid);
		if (database->datallowconn &&
			database->datconnlimit != DATCONNLIMIT_INVALID_DB)
			*connectable = lappend_oid(*connectable, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
}

/*
 * Forget the subscriptions of databases that are gone; core dropped their
 * slots with them.
 */
static void
forget_dropped_databases(List *databases)
{
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		SubscriptionShared *entry = &cdc_shared->subscriptions[i];

		if (entry->in_use && entry->worker_pid == 0 &&
			!list_member_oid(databases, entry->dboid) &&
			!shmem_database_is_dropping(entry->dboid))
			shmem_free(entry);
	}
	LWLockRelease(cdc_shared->lock);
}

/*
 * Move what others marked in shared memory, and what is to be tried again, to
 * our own list.
 */
static void
collect_marked_databases(TimestampTz now)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	List	   *all;
	List	   *connectable;
	ListCell   *lc;
	bool		all_marked;
	bool		retry;
	int			nmarked;
	Oid			marked[CDC_MAX_DIRTY_DATABASES];

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	all_marked = cdc_shared->all_dirty;
	nmarked = cdc_shared->ndirty;
	memcpy(marked, cdc_shared->dirty, nmarked * sizeof(Oid));
	cdc_shared->all_dirty = false;
	cdc_shared->ndirty = 0;
	LWLockRelease(cdc_shared->lock);

	retry = failed_databases != NIL && now >= failed_retry_time;
	if (all_marked || nmarked > 0 || retry)
	{
		list_databases(&all, &connectable);
		forget_dropped_databases(all);
		if (retry)
		{
			foreach(lc, failed_databases)
			{
				if (list_member_oid(connectable, lfirst_oid(lc)))
					pending_databases =
						list_append_unique_oid(pending_databases,
											   lfirst_oid(lc));
			}
			list_free(failed_databases);
			failed_databases = NIL;
		}
		for (int i = 0; i < nmarked; i++)
		{
			if (list_member_oid(connectable, marked[i]))
				pending_databases = list_append_unique_oid(pending_databases,
														   marked[i]);
		}
		if (all_marked)
			pending_databases = list_concat_unique_oid(pending_databases,
													   connectable);
		list_free(all);
		list_free(connectable);
	}
	MemoryContextSwitchTo(old);
}

static BackgroundWorkerHandle *
start_process(const char *function, const char *name, const char *type,
			  Datum main_arg, const void *extra, size_t extra_size)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle = NULL;
	MemoryContext old;
	bool		registered;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION | CDC_BGWORKER_INTERRUPTIBLE;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = main_arg;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, CDC_NAME);
	strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
	strlcpy(worker.bgw_name, name, BGW_MAXLEN);
	strlcpy(worker.bgw_type, type, BGW_MAXLEN);
	Assert(extra_size <= BGW_EXTRALEN);
	if (extra_size > 0)
		memcpy(worker.bgw_extra, extra, extra_size);

	old = MemoryContextSwitchTo(TopMemoryContext);
	registered = RegisterDynamicBackgroundWorker(&worker, &handle);
	MemoryContextSwitchTo(old);
	return registered ? handle : NULL;
}

static bool
process_has_stopped(BackgroundWorkerHandle *handle)
{
	pid_t		pid;

	return GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED;
}

/* The mark of this database must not be lost: try again later. */
static void
retry_database(Oid dboid, TimestampTz now)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	failed_databases = list_append_unique_oid(failed_databases, dboid);
	MemoryContextSwitchTo(old);
	failed_retry_time = TimestampTzPlusMilliseconds(now, failed_retry_delay);
	failed_retry_delay = Min(failed_retry_delay * 2, CONTROLLER_RETRY_MAX_MS);
}

/* See how the controller ended. */
static void
reap_controller(TimestampTz now)
{
	bool		done;
	Oid			dboid;

	if (controller_handle == NULL || !process_has_stopped(controller_handle))
		return;
	pfree(controller_handle);
	controller_handle = NULL;

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	cdc_shared->controller_pid = 0;
	done = cdc_shared->controller_done;
	dboid = cdc_shared->controller_dboid;
	LWLockRelease(cdc_shared->lock);

	if (!done)
		retry_database(dboid, now);
	else if (failed_databases == NIL)
		failed_retry_delay = CONTROLLER_RETRY_MIN_MS;
}

/* Start a controller for the next database that needs one. */
static void
start_controller(TimestampTz now)
{
	ListCell   *lc;
	Oid			dboid = InvalidOid;

	if (controller_handle != NULL)
		return;

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	foreach(lc, pending_databases)
	{
		if (shmem_database_is_dropping(lfirst_oid(lc)))
			continue;
		dboid = lfirst_oid(lc);
		pending_databases = foreach_delete_current(pending_databases, lc);
		cdc_shared->controller_dboid = dboid;
		cdc_shared->controller_done = false;
		break;
	}
	LWLockRelease(cdc_shared->lock);
	if (!OidIsValid(dboid))
		return;

	controller_handle = start_process("controller_main", "cdc_emit controller",
									  "cdc_emit controller",
									  ObjectIdGetDatum(dboid), NULL, 0);
	if (controller_handle == NULL)
	{
		retry_database(dboid, now);
		ereport(LOG,
				errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("out of background worker slots for cdc_emit"),
				errhint("You might need to increase \"%s\".",
						"max_worker_processes"));
	}
}

/* Shall the worker of an entry run?  Caller holds the lock. */
static bool
should_run(SubscriptionShared *entry)
{
	return cdc_enabled && entry->enabled && !entry->removed &&
		entry->state != SUBSCRIPTION_FAILED && entry->config_size > 0 &&
		!slot_watch_stops(entry) && !shmem_database_is_dropping(entry->dboid);
}

/*
 * State of an entry whose worker does not run and shall not start now, unless
 * it has failed.  Caller holds the lock exclusively.
 */
static void
set_idle_state(SubscriptionShared *entry)
{
	if (!entry->enabled || !cdc_enabled)
		shmem_set_state(entry, SUBSCRIPTION_DISABLED);
	else if (!slot_watch_stops(entry) || slot_watch_drops(entry))
		shmem_set_state(entry, SUBSCRIPTION_STARTING);
	else if (entry->state != SUBSCRIPTION_PAUSED)
	{
		shmem_set_error_text(entry, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
							 "replication slot retains more WAL than max_retained_wal",
							 "No worker runs; the slot keeps WAL, and nothing is lost.",
							 "Use cdc_emit.enable_subscription() to let it go on, or cdc_emit.alter_subscription() to change the limit.");
		shmem_set_state(entry, SUBSCRIPTION_PAUSED);
	}
}

/*
 * Count how often the same error has come at the same LSN.  Trying for ever
 * would send the start of that transaction again and again; with an error of
 * the data itself once is enough.
 */
static void
count_failures(SubscriptionShared *entry)
{
	const SubscriptionError *error = &entry->error;

	if (error->time == 0 || error->time < entry->worker_start)
		return;
	if (entry->failure_sqlstate != error->sqlstate ||
		entry->failure_lsn != error->lsn)
		entry->failure_count = 0;
	entry->failure_sqlstate = error->sqlstate;
	entry->failure_lsn = error->lsn;
	entry->failure_count++;
	if (error->permanent ||
		(entry->failure_count >= MAX_EQUAL_FAILURES &&
		 !XLogRecPtrIsInvalid(error->lsn)))
		shmem_set_state(entry, SUBSCRIPTION_FAILED);
}

/*
 * A worker has left: with an error, or because it was asked to.  Decide when
 * it may start again.  Caller holds the lock exclusively.
 */
static void
schedule_restart(SubscriptionShared *entry, TimestampTz now)
{
	entry->slot_watched = false;
	if (entry->state == SUBSCRIPTION_FAILED)
		return;

	if (entry->generation != entry->worker_generation || !should_run(entry))
	{
		entry->restart_delay = 0;
		entry->next_start = 0;
		set_idle_state(entry);
		return;
	}

	if (TimestampDifferenceExceeds(entry->worker_start, now, HEALTHY_RUN_MS))
		entry->restart_delay = 0;
	entry->restart_delay = Min(Max(entry->restart_delay * 2,
								   RESTART_DELAY_MIN_MS),
							   RESTART_DELAY_MAX_MS);
	entry->next_start = TimestampTzPlusMilliseconds(now,
													entry->restart_delay);
	entry->restart_count++;
	if (entry->state != SUBSCRIPTION_SLOT_MISSING &&
		entry->state != SUBSCRIPTION_SLOT_LOST &&
		entry->state != SUBSCRIPTION_SLOT_BUSY)
		shmem_set_state(entry, SUBSCRIPTION_BACKOFF);
	count_failures(entry);
}

/*
 * Register the worker of an entry.  The name and the arguments were copied
 * under the lock; the worker checks them against the entry when it starts.
 */
static void
start_worker(int index, const WorkerArguments *arguments, const char *name,
			 TimestampTz now)
{
	char		process_name[BGW_MAXLEN];
	SubscriptionShared *entry;

	snprintf(process_name, sizeof(process_name),
			 "cdc_emit worker for subscription \"%s\"", name);
	worker_handles[index] = start_process("worker_main", process_name,
										  "cdc_emit worker",
										  Int32GetDatum(index),
										  arguments, sizeof(*arguments));
	if (worker_handles[index] != NULL)
		return;

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	entry = shmem_find(arguments->dboid, arguments->subid);
	if (entry != NULL)
	{
		entry->next_start = TimestampTzPlusMilliseconds(now,
														NO_ROOM_RETRY_MS);
		shmem_set_error_text(entry, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
							 "out of background worker slots", NULL,
							 "Increase max_worker_processes, and restart the server.");
		shmem_set_state(entry, SUBSCRIPTION_BACKOFF);
	}
	LWLockRelease(cdc_shared->lock);
}

/*
 * Decide about an entry of which no process runs or is registered.  Caller
 * holds the lock exclusively.
 */
static EntryAction
manage_idle_entry(SubscriptionShared *entry, TimestampTz now, long *nap)
{
	if (entry->removed || slot_watch_drops(entry))
	{
		/* the slot, and the entry, may go now; tried again every second */
		*nap = 1000;
		if (entry->next_start > now)
			return ENTRY_LEAVE;
		entry->next_start = TimestampTzPlusMilliseconds(now, 1000);
		return ENTRY_REVISIT;
	}
	if (!should_run(entry))
	{
		if (entry->state != SUBSCRIPTION_FAILED || !entry->enabled)
			set_idle_state(entry);
		return ENTRY_LEAVE;
	}
	if (entry->next_start > now)
	{
		*nap = TimestampDifferenceMilliseconds(now, entry->next_start) + 1;
		return ENTRY_LEAVE;
	}
	if (slot_watch_blocks(entry))
		return ENTRY_LEAVE;		/* slot_watch() sees when that changes */

	entry->worker_start = now;
	entry->worker_generation = entry->generation;
	if (entry->state == SUBSCRIPTION_DISABLED ||
		entry->state == SUBSCRIPTION_PAUSED)
		shmem_set_state(entry, SUBSCRIPTION_STARTING);
	return ENTRY_START;
}

/*
 * Bring one entry and its process in line.  Returns the ms after which it
 * wants to be looked at again.
 */
static long
manage_worker(int index, TimestampTz now)
{
	SubscriptionShared *entry = &cdc_shared->subscriptions[index];
	WorkerArguments arguments;
	NameData	name;
	EntryAction action = ENTRY_LEAVE;
	long		nap = LONGEST_NAP_MS;

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	if (worker_handles[index] != NULL &&
		process_has_stopped(worker_handles[index]))
	{
		pfree(worker_handles[index]);
		worker_handles[index] = NULL;
		if (entry->in_use && entry->worker_pid == 0)
			schedule_restart(entry, now);
	}

	if (entry->in_use && entry->worker_pid != 0)
	{
		if (!should_run(entry) ||
			entry->generation != entry->worker_generation)
		{
			kill(entry->worker_pid, SIGTERM);
			nap = 1000;
		}
	}
	else if (entry->in_use && worker_handles[index] == NULL)
		action = manage_idle_entry(entry, now, &nap);
	arguments.dboid = entry->dboid;
	arguments.subid = entry->subid;
	name = entry->name;
	LWLockRelease(cdc_shared->lock);

	if (action == ENTRY_START)
	{
		start_worker(index, &arguments, NameStr(name), now);
		nap = 1000;
	}
	else if (action == ENTRY_REVISIT)
		shmem_mark_database(arguments.dboid);
	return nap;
}

/* How long until failed_retry_time, in ms. */
static long
retry_nap(TimestampTz now)
{
	if (failed_databases == NIL)
		return LONGEST_NAP_MS;
	return TimestampDifferenceMilliseconds(now, failed_retry_time) + 1;
}

static long
launcher_cycle(void)
{
	TimestampTz now = GetCurrentTimestamp();
	long		nap;

	reap_controller(now);
	collect_marked_databases(now);
	start_controller(now);
	nap = Min(LONGEST_NAP_MS, retry_nap(now));
	if (controller_handle == NULL && pending_databases != NIL)
		nap = Min(nap, DROPPING_NAP_MS);
	nap = Min(nap, slot_watch(now));
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
		nap = Min(nap, manage_worker(i, now));
	return nap;
}

void
launcher_main(Datum main_arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	launcher_attach();
	ereport(DEBUG1, errmsg_internal("cdc_emit launcher started"));

	for (;;)
	{
		static uint32 wait_event = 0;
		long		nap = launcher_cycle();

		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 nap,
						 cdc_wait_event(&wait_event, "CdcEmitLauncherMain"));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}
