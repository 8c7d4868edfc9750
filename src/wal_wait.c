/*-------------------------------------------------------------------------
 *
 * wal_wait.c
 *	  Be woken when WAL is flushed.
 *
 * We listen where walsenders listen, so committers do nothing for us that
 * they do not do anyway.  Runs in workers.
 *
 * Since 16 logical walsenders sleep on a condition variable.  Before, the
 * flush sets the latch of every entry of the walsender array, whether or not
 * a walsender owns it: we put our latch into a free entry from the end, where
 * real walsenders come last, without claiming it.  A walsender that takes the
 * entry overwrites the latch, which we see at the next wake-up; so a sleep is
 * bounded there.  With max_wal_senders = 0 nobody is woken and we poll.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/wal_wait.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"

#include "compat.h"
#include "wal_wait.h"

/* Longest sleeps, in ms: woken by condition variable, by latch, by nobody. */
#define NAP_CONDITION_VARIABLE_MS	1000
#define NAP_LATCH_MS				500
#define NAP_POLL_MS					20

#ifdef CDC_WAL_WAKEUP_CV

static long
start_listening(void)
{
	ConditionVariablePrepareToSleep(CDC_WAL_WAKEUP_CV);
	return NAP_CONDITION_VARIABLE_MS;
}

void
wal_wait_disarm(void)
{
	ConditionVariableCancelSleep();
}

#else

/* Entry of the walsender array that holds our latch, NULL if none. */
static WalSnd *my_entry = NULL;

static void
release_entry(int code, Datum arg)
{
	wal_wait_disarm();
	my_entry = NULL;
}

/* Put our latch into a free entry; false if it is taken. */
static bool
try_entry(WalSnd *entry)
{
	bool		mine;

	SpinLockAcquire(&entry->mutex);
	if (entry->pid == 0 && entry->latch == NULL)
		entry->latch = MyLatch;
	mine = entry->latch == MyLatch;
	SpinLockRelease(&entry->mutex);
	return mine;
}

static long
start_listening(void)
{
	static bool exit_callback_registered = false;

	if (!exit_callback_registered)
	{
		before_shmem_exit(release_entry, (Datum) 0);
		exit_callback_registered = true;
	}

	if (my_entry != NULL && try_entry(my_entry))
		return NAP_LATCH_MS;

	my_entry = NULL;
	for (int i = max_wal_senders - 1; i >= 0; i--)
	{
		if (!try_entry(&WalSndCtl->walsnds[i]))
			continue;
		my_entry = &WalSndCtl->walsnds[i];
		return NAP_LATCH_MS;
	}
	return NAP_POLL_MS;
}

/* The entry is only remembered; nobody shall wake us from other sleeps. */
void
wal_wait_disarm(void)
{
	if (my_entry == NULL)
		return;
	SpinLockAcquire(&my_entry->mutex);
	if (my_entry->pid == 0 && my_entry->latch == MyLatch)
		my_entry->latch = NULL;
	SpinLockRelease(&my_entry->mutex);
}

#endif

long
wal_wait_arm(XLogRecPtr flushed)
{
	long		nap = max_wal_senders > 0 ? start_listening() : NAP_POLL_MS;

	/* what was flushed before we listened wakes nobody */
	if (GetFlushRecPtr(NULL) > flushed)
		return 0;
	return nap;
}
