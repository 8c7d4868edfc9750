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
#include "worker.h"

/* Back-off after an error of a worker: doubles from MIN to MAX, in ms. */
#define RESTART_DELAY_MIN_MS	1000
#define RESTART_DELAY_MAX_MS	60000

/* A worker that ran for so long starts again with the shortest delay. */
#define HEALTHY_RUN_MS			60000

/* After a controller that failed, and without room for a worker, in ms. */
#define CONTROLLER_RETRY_MS		1000
#define NO_ROOM_RETRY_MS		5000

#define LONGEST_NAP_MS			60000

/* Handles of what this launcher started; NULL if not running. */
static BackgroundWorkerHandle *controller_handle = NULL;
static BackgroundWorkerHandle **worker_handles = NULL;

/* Databases the controller still has to visit. */
static List *pending_databases = NIL;
static TimestampTz controller_not_before = 0;

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
 * Databases of the cluster that accept connections, in the caller's memory
 * context.
 */
static List *
list_databases(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *databases = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old;

		if (!database->datallowconn)
			continue;
		old = MemoryContextSwitchTo(context);
		databases = lappend_oid(databases, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return databases;
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

/* Move what others marked in shared memory to our own list. */
static void
collect_marked_databases(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	List	   *databases;
	bool		all;
	int			nmarked;
	Oid			marked[CDC_MAX_DIRTY_DATABASES];

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	all = cdc_shared->all_dirty;
	nmarked = cdc_shared->ndirty;
	memcpy(marked, cdc_shared->dirty, nmarked * sizeof(Oid));
	cdc_shared->all_dirty = false;
	cdc_shared->ndirty = 0;
	LWLockRelease(cdc_shared->lock);

	if (all || nmarked > 0)
	{
		databases = list_databases();
		forget_dropped_databases(databases);
		for (int i = 0; i < nmarked; i++)
		{
			if (list_member_oid(databases, marked[i]))
				pending_databases = list_append_unique_oid(pending_databases,
														   marked[i]);
		}
		if (all)
			pending_databases = list_concat_unique_oid(pending_databases,
													   databases);
		list_free(databases);
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

/*
 * See how the controller ended.  One that failed is tried again later: its
 * database was marked once, and the mark must not be lost.
 */
static void
reap_controller(void)
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
	{
		shmem_mark_database(dboid);
		controller_not_before =
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
										CONTROLLER_RETRY_MS);
	}
}

/* Start a controller for the next database that needs one. */
static void
start_controller(TimestampTz now)
{
	ListCell   *lc;
	Oid			dboid = InvalidOid;

	if (controller_handle != NULL || now < controller_not_before)
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
		shmem_mark_database(dboid);
		controller_not_before = TimestampTzPlusMilliseconds(now,
															NO_ROOM_RETRY_MS);
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
		entry->state != SUBSCRIPTION_FAILED &&
		!shmem_database_is_dropping(entry->dboid);
}

/*
 * A worker has left: with an error, or because it was asked to.  Decide when
 * it may start again.  Caller holds the lock exclusively.
 */
static void
schedule_restart(SubscriptionShared *entry, TimestampTz now)
{
	bool		failed = entry->error_time >= entry->worker_start &&
		entry->worker_start != 0;
	bool		asked = entry->generation != entry->worker_generation ||
		!should_run(entry);

	if (asked)
	{
		entry->restart_delay = 0;
		entry->next_start = 0;
		shmem_set_state(entry, entry->enabled && cdc_enabled ?
						SUBSCRIPTION_STARTING : SUBSCRIPTION_DISABLED);
		return;
	}

	if (!failed ||
		TimestampDifferenceExceeds(entry->worker_start, now, HEALTHY_RUN_MS))
		entry->restart_delay = 0;
	entry->restart_delay = Min(Max(entry->restart_delay * 2,
								   RESTART_DELAY_MIN_MS),
							   RESTART_DELAY_MAX_MS);
	entry->next_start = TimestampTzPlusMilliseconds(now,
													entry->restart_delay);
	entry->restart_count++;
	if (entry->state != SUBSCRIPTION_SLOT_MISSING &&
		entry->state != SUBSCRIPTION_SLOT_LOST &&
		entry->state != SUBSCRIPTION_SLOT_BUSY &&
		entry->state != SUBSCRIPTION_FAILED)
		shmem_set_state(entry, SUBSCRIPTION_BACKOFF);
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

	snprintf(process_name, sizeof(process_name),
			 "cdc_emit worker for subscription \"%s\"", name);
	worker_handles[index] = start_process("worker_main", process_name,
										  "cdc_emit worker",
										  Int32GetDatum(index),
										  arguments, sizeof(*arguments));
	if (worker_handles[index] != NULL)
		return;

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	{
		SubscriptionShared *entry = &cdc_shared->subscriptions[index];

		entry->next_start = TimestampTzPlusMilliseconds(now,
														NO_ROOM_RETRY_MS);
		shmem_set_error(entry, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
						"out of background worker slots: increase max_worker_processes",
						InvalidXLogRecPtr);
		shmem_set_state(entry, SUBSCRIPTION_BACKOFF);
	}
	LWLockRelease(cdc_shared->lock);
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
	char		name[NAMEDATALEN];
	bool		start = false;
	Oid			revisit = InvalidOid;
	long		nap = LONGEST_NAP_MS;

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	if (worker_handles[index] != NULL &&
		process_has_stopped(worker_handles[index]))
	{
		pfree(worker_handles[index]);
		worker_handles[index] = NULL;
		if (entry->in_use)
		{
			entry->worker_pid = 0;
			schedule_restart(entry, now);
		}
	}

	if (!entry->in_use)
		 /* nothing */ ;
	else if (entry->worker_pid != 0)
	{
		if (!should_run(entry) ||
			entry->generation != entry->worker_generation)
		{
			kill(entry->worker_pid, SIGTERM);
			nap = 1000;
		}
	}
	else if (worker_handles[index] != NULL)
		 /* registered, on its way */ ;
	else if (entry->removed)
	{
		/* its slot and the entry may go now; tried again every second */
		if (entry->next_start <= now)
		{
			revisit = entry->dboid;
			entry->next_start = TimestampTzPlusMilliseconds(now, 1000);
		}
		nap = 1000;
	}
	else if (!should_run(entry))
	{
		if (!entry->enabled || !cdc_enabled)
			shmem_set_state(entry, SUBSCRIPTION_DISABLED);
	}
	else if (entry->next_start > now)
		nap = TimestampDifferenceMilliseconds(now, entry->next_start) + 1;
	else
	{
		start = true;
		arguments.dboid = entry->dboid;
		arguments.subid = entry->subid;
		strlcpy(name, NameStr(entry->name), sizeof(name));
		entry->worker_start = now;
		entry->worker_generation = entry->generation;
		if (entry->state == SUBSCRIPTION_DISABLED)
			shmem_set_state(entry, SUBSCRIPTION_STARTING);
	}
	LWLockRelease(cdc_shared->lock);

	if (start)
	{
		start_worker(index, &arguments, name, now);
		nap = 1000;
	}
	if (OidIsValid(revisit))
		shmem_mark_database(revisit);
	return nap;
}

static long
launcher_cycle(void)
{
	TimestampTz now;
	long		nap = LONGEST_NAP_MS;

	reap_controller();
	collect_marked_databases();
	now = GetCurrentTimestamp();
	start_controller(now);
	if (controller_handle == NULL && pending_databases != NIL)
		nap = CONTROLLER_RETRY_MS;
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
		long		nap = launcher_cycle();

		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 nap, cdc_wait_event("CdcEmitLauncherMain"));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}
