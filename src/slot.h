/*-------------------------------------------------------------------------
 *
 * slot.h
 *	  What is known of a subscription's replication slot.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/slot.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_SLOT_H
#define CDC_SLOT_H

#include "access/xlogdefs.h"

typedef enum SlotStatus
{
	SLOT_ABSENT,
	SLOT_USABLE,
	SLOT_IN_USE,				/* some process has it */
	SLOT_INVALIDATED,			/* what it needs is or will be gone */
	SLOT_FOREIGN				/* another plugin's or database's */
} SlotStatus;

typedef struct SlotInfo
{
	SlotStatus	status;
	const char *cause;			/* of its invalidation, a sentence; or NULL */
	XLogRecPtr	restart_lsn;
	XLogRecPtr	confirmed_lsn;
	uint64		retained_wal;	/* bytes of WAL it keeps from being removed */
} SlotInfo;

/*
 * What is there under this name, for subscriptions of a database.  An answer
 * about now, not a promise.  Takes locks of core's slots for a moment.
 */
extern void slot_look_up(const char *name, Oid dboid, SlotInfo *info);

extern SlotStatus slot_status(const char *name, Oid dboid);

#endif							/* CDC_SLOT_H */
