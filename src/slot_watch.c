/*-------------------------------------------------------------------------
 *
 * slot_watch.c
 *	  The launcher's look at the slots, and limits of the WAL they retain.
 *
 * A slot keeps WAL whether or not its worker runs, so a process that always
 * runs looks at the slots: every few seconds if there is a limit, more often
 * as long as a worker waits for its slot.  Slots are in shared memory; no
 * database is needed.
 *
 * When a slot retains more than option max_retained_wal, that is logged once,
 * and the option's action applies: "pause" ends the worker, "drop_slot" has
 * the controller drop the slot with a record in the catalog.  A tenth less
 * than the limit, and the next time is logged again.
 *
 * Runs in the launcher.  No memory is kept.  The lock of our shared memory is
 * not held while core's are taken.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/slot_watch.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "compat.h"
#include "options.h"
#include "slot.h"
#include "slot_watch.h"

/* How often to look if there are limits, and if a worker waits, in ms. */
#define LIMIT_INTERVAL_MS	5000
#define WAITING_INTERVAL_MS 1000
#define NO_INTERVAL_MS		60000

/* What has to be said when the lock is released again. */
typedef struct SlotNews
{
	bool		exceeded;
	bool		within_limit;
	NameData	name;
	int64		limit;
	int			action;
} SlotNews;

/* Does a worker wait for the slot, or did it find that there is none? */
static bool
waits_for_slot(const SubscriptionShared *entry)
{
	return entry->worker_pid == 0 &&
		(entry->state == SUBSCRIPTION_SLOT_BUSY ||
		 entry->state == SUBSCRIPTION_SLOT_MISSING ||
		 entry->state == SUBSCRIPTION_SLOT_LOST);
}

bool
slot_watch_stops(const SubscriptionShared *entry)
{
	return entry->retention == RETENTION_EXCEEDED &&
		entry->max_retained_wal_action != RETENTION_WARN;
}

bool
slot_watch_blocks(const SubscriptionShared *entry)
{
	return waits_for_slot(entry) && entry->slot_unusable;
}

bool
slot_watch_drops(const SubscriptionShared *entry)
{
	return entry->retention == RETENTION_EXCEEDED &&
		entry->max_retained_wal_action == RETENTION_DROP_SLOT;
}

/* Caller holds the lock exclusively. */
static void
judge_retention(SubscriptionShared *entry, const SlotInfo *info,
				SlotNews *news)
{
	uint64		limit = entry->max_retained_wal;
	bool		exceeded = limit > 0 && info->retained_wal > limit;

	news->name = entry->name;
	news->limit = limit;
	news->action = entry->max_retained_wal_action;
	if (exceeded && entry->retention == RETENTION_WITHIN_LIMIT)
	{
		entry->retention = RETENTION_EXCEEDED;
		news->exceeded = true;
	}
	else if (entry->retention != RETENTION_WITHIN_LIMIT &&
			 (limit == 0 || info->retained_wal <= limit - limit / 10))
	{
		entry->retention = RETENTION_WITHIN_LIMIT;
		news->within_limit = true;
	}
}

static void
report(const SlotNews *news, const SlotInfo *info)
{
	if (news->exceeded)
		ereport(WARNING,
				errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("replication slot of subscription \"%s\" retains " UINT64_FORMAT " bytes of WAL, more than max_retained_wal",
					   NameStr(news->name), info->retained_wal),
				errdetail("The limit is " INT64_FORMAT " bytes.", news->limit),
				news->action == RETENTION_PAUSE ?
				errhint("The subscription is paused; cdc_emit.enable_subscription() lets it go on.") :
				news->action == RETENTION_DROP_SLOT ?
				errhint("The slot is dropped, as max_retained_wal_action says.") :
				errhint("See its state in cdc_emit.pg_stat_cdc_emit."));
	if (news->within_limit)
		ereport(LOG,
				errmsg("replication slot of subscription \"%s\" retains no longer more WAL than max_retained_wal",
					   NameStr(news->name)));
}

/* Look at one slot; returns after how many ms that is to be done again. */
static long
watch(SubscriptionShared *entry)
{
	SlotInfo	info;
	SlotNews	news = {0};
	NameData	slot_name;
	int64		subid;
	Oid			dboid;
	bool		in_use;
	long		nap = NO_INTERVAL_MS;

	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	in_use = entry->in_use && !entry->removed;
	slot_name = entry->slot_name;
	dboid = entry->dboid;
	subid = entry->subid;
	LWLockRelease(cdc_shared->lock);
	if (!in_use)
		return nap;
	slot_look_up(NameStr(slot_name), dboid, &info);

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	if (entry == shmem_find(dboid, subid))
	{
		entry->slot_watched = true;
		entry->slot_unusable = info.status != SLOT_USABLE;
		judge_retention(entry, &info, &news);
		if (waits_for_slot(entry))
			nap = WAITING_INTERVAL_MS;
		else if (entry->max_retained_wal > 0)
			nap = LIMIT_INTERVAL_MS;
	}
	LWLockRelease(cdc_shared->lock);
	report(&news, &info);
	return nap;
}

static bool
has_unwatched_entries(void)
{
	bool		result = false;

	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	for (int i = 0; i < cdc_shared->nsubscriptions && !result; i++)
	{
		SubscriptionShared *entry = &cdc_shared->subscriptions[i];

		result = entry->in_use && !entry->removed && !entry->slot_watched;
	}
	LWLockRelease(cdc_shared->lock);
	return result;
}

long
slot_watch(TimestampTz now)
{
	static TimestampTz next = 0;
	long		nap = NO_INTERVAL_MS;

	if (now < next && !has_unwatched_entries())
		return TimestampDifferenceMilliseconds(now, next) + 1;
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
		nap = Min(nap, watch(&cdc_shared->subscriptions[i]));
	next = TimestampTzPlusMilliseconds(now, nap);
	return nap;
}
