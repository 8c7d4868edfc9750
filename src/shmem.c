/*-------------------------------------------------------------------------
 *
 * shmem.c
 *	  Shared memory of cdc_emit.
 *
 * Reserved by the postmaster, used by every process of the cluster; see
 * shmem.h for who writes what.  A crash of any backend resets it, and the
 * launcher then fills it again from the catalogs.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/shmem.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "cdc_emit.h"
#include "compat.h"
#include "shmem.h"

CdcShared  *cdc_shared = NULL;

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

/*
 * Did the current transaction change something the controller reads, and was
 * that a subscription?
 */
static bool mark_at_commit = false;
static bool subscriptions_changed = false;
static bool xact_callback_registered = false;

static Size
shmem_size(void)
{
	return add_size(offsetof(CdcShared, subscriptions),
					mul_size(cdc_max_subscriptions,
							 sizeof(SubscriptionShared)));
}

static void
shmem_request(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();

	RequestAddinShmemSpace(shmem_size());
	RequestNamedLWLockTranche(CDC_NAME, 1);
}

static void
init_counters(SubscriptionCounters *counters)
{
	pg_atomic_uint64 *counter = (pg_atomic_uint64 *) counters;

	StaticAssertStmt(sizeof(*counters) % sizeof(*counter) == 0,
					 "counters are atomics only");

	for (int i = 0; i < sizeof(*counters) / sizeof(*counter); i++)
		pg_atomic_init_u64(&counter[i], 0);
}

static void
shmem_startup(void)
{
	bool		found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	cdc_shared = ShmemInitStruct(CDC_NAME, shmem_size(), &found);
	if (!found)
	{
		memset(cdc_shared, 0, shmem_size());
		cdc_shared->lock = &(GetNamedLWLockTranche(CDC_NAME))->lock;
		cdc_shared->all_dirty = true;
		cdc_shared->nsubscriptions = cdc_max_subscriptions;
		for (int i = 0; i < cdc_shared->nsubscriptions; i++)
		{
			init_counters(&cdc_shared->subscriptions[i].counters);
			ConditionVariableInit(&cdc_shared->subscriptions[i].changed);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

void
shmem_install_hooks(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = shmem_request;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = shmem_startup;
}

void
shmem_require(void)
{
	if (cdc_shared == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("\"%s\" must be loaded via \"%s\"",
					   CDC_NAME, "shared_preload_libraries"),
				errhint("Add cdc_emit to shared_preload_libraries in postgresql.conf, "
						"for example with ALTER SYSTEM SET shared_preload_libraries = cdc_emit, "
						"and restart the server."));
}

SubscriptionShared *
shmem_find(Oid dboid, int64 subid)
{
	Assert(LWLockHeldByMe(cdc_shared->lock));

	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		SubscriptionShared *entry = &cdc_shared->subscriptions[i];

		if (entry->in_use && !entry->removed &&
			entry->dboid == dboid && entry->subid == subid)
			return entry;
	}
	return NULL;
}

SubscriptionShared *
shmem_allocate(Oid dboid, int64 subid)
{
	Assert(LWLockHeldByMeInMode(cdc_shared->lock, LW_EXCLUSIVE));

	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		SubscriptionShared *entry = &cdc_shared->subscriptions[i];

		if (entry->in_use)
			continue;
		entry->in_use = true;
		entry->dboid = dboid;
		entry->subid = subid;
		entry->stats_reset = GetCurrentTimestamp();
		return entry;
	}
	cdc_shared->entry_missing = true;
	return NULL;
}

/*
 * The condition variable at the end stays: somebody may sleep on it still,
 * and will find that the entry has another owner.
 */
void
shmem_free(SubscriptionShared *entry)
{
	Assert(LWLockHeldByMeInMode(cdc_shared->lock, LW_EXCLUSIVE));
	Assert(entry->worker_pid == 0);

	explicit_bzero(entry, offsetof(SubscriptionShared, counters));
	init_counters(&entry->counters);
	ConditionVariableBroadcast(&entry->changed);

	/* whoever found none may have this one */
	if (cdc_shared->entry_missing)
	{
		cdc_shared->entry_missing = false;
		cdc_shared->all_dirty = true;
	}
}

void
shmem_set_state(SubscriptionShared *entry, SubscriptionState state)
{
	Assert(LWLockHeldByMeInMode(cdc_shared->lock, LW_EXCLUSIVE));

	if (entry->state == state)
		return;
	entry->state = state;
	entry->state_time = GetCurrentTimestamp();
	ConditionVariableBroadcast(&entry->changed);
}

void
shmem_copy_text(char *dst, size_t size, const char *src)
{
	int			len = src ? strlen(src) : 0;

	if (len >= size)
		len = pg_mbcliplen(src, len, size - 1);
	if (len > 0)
		memcpy(dst, src, len);
	dst[len] = '\0';
}

void
shmem_set_error(SubscriptionShared *entry, const SubscriptionError *error)
{
	Assert(LWLockHeldByMeInMode(cdc_shared->lock, LW_EXCLUSIVE));

	entry->error = *error;
	entry->error.time = GetCurrentTimestamp();
	entry->error_count++;
	ConditionVariableBroadcast(&entry->changed);
}

void
shmem_set_error_text(SubscriptionShared *entry, int sqlstate,
					 const char *message, const char *detail,
					 const char *hint)
{
	SubscriptionError error = {0};

	error.sqlstate = sqlstate;
	shmem_copy_text(error.message, sizeof(error.message), message);
	shmem_copy_text(error.detail, sizeof(error.detail), detail);
	shmem_copy_text(error.hint, sizeof(error.hint), hint);
	shmem_set_error(entry, &error);
}

const char *
subscription_state_name(SubscriptionState state)
{
	switch (state)
	{
		case SUBSCRIPTION_DISABLED:
			return "disabled";
		case SUBSCRIPTION_STARTING:
			return "starting";
		case SUBSCRIPTION_CREATING_SLOT:
			return "creating_slot";
		case SUBSCRIPTION_STREAMING:
			return "streaming";
		case SUBSCRIPTION_WAITING_FOR_KAFKA:
			return "waiting_for_kafka";
		case SUBSCRIPTION_STOPPING:
			return "stopping";
		case SUBSCRIPTION_BACKOFF:
			return "backoff";
		case SUBSCRIPTION_PAUSED:
			return "paused";
		case SUBSCRIPTION_SLOT_MISSING:
			return "slot_missing";
		case SUBSCRIPTION_SLOT_LOST:
			return "slot_lost";
		case SUBSCRIPTION_SLOT_BUSY:
			return "slot_busy";
		case SUBSCRIPTION_FAILED:
			return "failed";
	}
	return "unknown";
}

bool
shmem_database_is_dropping(Oid dboid)
{
	Assert(LWLockHeldByMe(cdc_shared->lock));

	for (int i = 0; i < cdc_shared->ndropping; i++)
	{
		if (cdc_shared->dropping[i] == dboid)
			return true;
	}
	return false;
}

/* Caller holds the lock exclusively. */
static void
add_dirty_database(Oid dboid)
{
	for (int i = 0; i < cdc_shared->ndirty; i++)
	{
		if (cdc_shared->dirty[i] == dboid)
			return;
	}
	if (cdc_shared->ndirty < CDC_MAX_DIRTY_DATABASES)
		cdc_shared->dirty[cdc_shared->ndirty++] = dboid;
	else
		cdc_shared->all_dirty = true;
}

void
shmem_wake_launcher(void)
{
	pid_t		pid;

	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	pid = cdc_shared->launcher_pid;
	LWLockRelease(cdc_shared->lock);

	if (pid != 0)
		kill(pid, SIGUSR1);
}

void
shmem_mark_database(Oid dboid)
{
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	add_dirty_database(dboid);
	LWLockRelease(cdc_shared->lock);

	shmem_wake_launcher();
}

static void
mark_database_xact_callback(XactEvent event, void *arg)
{
	if (!mark_at_commit)
		return;

	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			mark_at_commit = subscriptions_changed = false;
			shmem_mark_database(MyDatabaseId);
			break;
		case XACT_EVENT_ABORT:
			mark_at_commit = subscriptions_changed = false;
			break;
		case XACT_EVENT_PRE_PREPARE:
			if (subscriptions_changed)
				ereport(ERROR,
						errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot PREPARE a transaction that has changed cdc_emit subscriptions"));
			break;
		default:
			break;
	}
}

void
shmem_mark_database_at_commit(bool subscriptions)
{
	if (!xact_callback_registered)
	{
		RegisterXactCallback(mark_database_xact_callback, NULL);
		xact_callback_registered = true;
	}
	mark_at_commit = true;
	subscriptions_changed |= subscriptions;
}
