/*-------------------------------------------------------------------------
 *
 * slot.c
 *	  What is known of a subscription's replication slot.
 *
 * Reads core's shared memory, so it works in any process, also in those that
 * are not connected to a database.  No memory is allocated.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/slot.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"

#include "cdc_emit.h"
#include "compat.h"
#include "slot.h"

/* Slots are added and removed under the lock; a copy is enough for us. */
static bool
copy_slot(const char *name, ReplicationSlotPersistentData *data,
		  int *active_pid, CdcSlotCause *cause)
{
	ReplicationSlot *slot;

	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	slot = SearchNamedReplicationSlot(name, false);
	if (slot != NULL)
	{
		SpinLockAcquire(&slot->mutex);
		*data = slot->data;
		SpinLockRelease(&slot->mutex);
		*active_pid = cdc_slot_active_pid(slot);
		*cause = cdc_slot_cause(data);
	}
	LWLockRelease(ReplicationSlotControlLock);
	return slot != NULL;
}

static const char *
cause_sentence(CdcSlotCause cause)
{
	switch (cause)
	{
		case CDC_SLOT_VALID:
			break;
		case CDC_SLOT_WAL_REMOVED:
			return gettext_noop("WAL it needs was removed, because it was more than max_slot_wal_keep_size.");
		case CDC_SLOT_ROWS_REMOVED:
			return gettext_noop("Rows of the system catalog it needs were removed.");
		case CDC_SLOT_WAL_LEVEL:
			return gettext_noop("The server ran with a wal_level that is too low for it.");
		case CDC_SLOT_IDLE_TIMEOUT:
			return gettext_noop("It was not in use for longer than idle_replication_slot_timeout.");
		case CDC_SLOT_OTHER_CAUSE:
			return gettext_noop("See invalidation_reason in pg_replication_slots.");
	}
	return NULL;
}

void
slot_look_up(const char *name, Oid dboid, SlotInfo *info)
{
	ReplicationSlotPersistentData data;
	CdcSlotCause cause = CDC_SLOT_VALID;
	int			active_pid = 0;
	XLogRecPtr	flushed;

	memset(info, 0, sizeof(*info));
	if (!copy_slot(name, &data, &active_pid, &cause))
		return;

	info->restart_lsn = data.restart_lsn;
	info->confirmed_lsn = data.confirmed_flush;
	if (data.database != dboid || strcmp(NameStr(data.plugin), CDC_NAME) != 0)
		info->status = SLOT_FOREIGN;
	else if (cause != CDC_SLOT_VALID)
		info->status = SLOT_INVALIDATED;
	else if (active_pid != 0)
		info->status = SLOT_IN_USE;
	else
		info->status = SLOT_USABLE;
	info->cause = cause_sentence(cause);

	if (info->status == SLOT_INVALIDATED || RecoveryInProgress() ||
		XLogRecPtrIsInvalid(data.restart_lsn))
		return;
	flushed = GetFlushRecPtr(NULL);
	if (flushed > data.restart_lsn)
		info->retained_wal = flushed - data.restart_lsn;
}

SlotStatus
slot_status(const char *name, Oid dboid)
{
	SlotInfo	info;

	slot_look_up(name, dboid, &info);
	return info.status;
}
