/*-------------------------------------------------------------------------
 *
 * slot_watch.h
 *	  The launcher's look at the slots, and limits of the WAL they retain.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/slot_watch.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_SLOT_WATCH_H
#define CDC_SLOT_WATCH_H

#include "shmem.h"

/*
 * Look at all slots if that is due.  Returns the ms after which it wants to
 * be called again.
 */
extern long slot_watch(TimestampTz now);

/* These look at an entry only; caller holds the lock. */

/* Shall no worker run, because the slot retains too much? */
extern bool slot_watch_stops(const SubscriptionShared *entry);

/* Is there no use in starting a worker, as it would not get the slot? */
extern bool slot_watch_blocks(const SubscriptionShared *entry);

/* Shall the controller drop the slot? */
extern bool slot_watch_drops(const SubscriptionShared *entry);

#endif							/* CDC_SLOT_WATCH_H */
