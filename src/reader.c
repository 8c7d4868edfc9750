/*-------------------------------------------------------------------------
 *
 * reader.c
 *	  The slot, the decoding context and the loop over WAL.
 *
 * Runs in workers, outside of any transaction: then the process does not hold
 * back vacuum, and the reorder buffer replays each transaction in a
 * transaction of its own.
 *
 * Memory: everything of the reader and of core's decoding lives in one
 * context that lasts as long as the process.  Core leaves another current
 * context behind after a decoded transaction (before 18), so it is switched
 * back after every record.
 *
 * Any ERROR here leaves the decoding context unusable; the process exits and
 * the launcher starts another one.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/reader.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/timeline.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "access/xlogutils.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "replication/decode.h"
#include "storage/latch.h"
#include "storage/procarray.h"
#include "utils/snapmgr.h"

#include "cdc_emit.h"
#include "compat.h"
#include "fault.h"
#include "reader.h"
#include "wal_wait.h"

/* Records between two looks at the clock. */
#define RECORDS_PER_CLOCK	64

/* Longest sleep while a committed transaction is not visible yet, in ms. */
#define VISIBILITY_NAP_MAX_MS	50

/* Longest sleep while a slot is being created, in ms. */
#define CREATION_NAP_MAX_MS		100

struct Reader
{
	MemoryContext context;
	LogicalDecodingContext *decoding;
	ReadLocalXLogPageNoWaitPrivate end_of_wal;
	ReaderHooks hooks;
	XLogRecPtr	flushed;
	XLogRecPtr	confirmed;
	XLogRecPtr	saved;
	TransactionId visible_before;	/* older transactions have all ended */
};

/* The next record; false at the end of what is flushed. */
static bool
try_record(XLogReaderState *reader, ReadLocalXLogPageNoWaitPrivate *end_of_wal)
{
	char	   *error = NULL;

	end_of_wal->end_of_wal = false;
	if (XLogReadRecord(reader, &error) != NULL)
		return true;

	if (error != NULL || !end_of_wal->end_of_wal)
		ereport(ERROR,
				errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("could not read WAL at %X/%X: %s",
					   LSN_FORMAT_ARGS(reader->EndRecPtr),
					   error ? error : "no record"));
	return false;
}

static void
sleep_for_wal(XLogRecPtr flushed)
{
	static uint32 wait_event = 0;
	long		nap = wal_wait_arm(flushed);

	if (nap > 0)
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Min(nap, CREATION_NAP_MAX_MS),
						 cdc_wait_event(&wait_event, "CdcEmitSlotCreation"));
	wal_wait_disarm();
	ResetLatch(MyLatch);
}

/*
 * Read until decoding can start: DecodingContextFindStartpoint() without its
 * page reader, which polls each ms, possibly for hours.
 */
static void
find_startpoint(LogicalDecodingContext *decoding)
{
	ReadLocalXLogPageNoWaitPrivate end_of_wal = {0};
	ReplicationSlot *slot = MyReplicationSlot;

	decoding->reader->private_data = &end_of_wal;
	XLogBeginRead(decoding->reader, slot->data.restart_lsn);
	while (!DecodingContextReady(decoding))
	{
		XLogRecPtr	flushed = GetFlushRecPtr(NULL);

		CHECK_FOR_INTERRUPTS();
		if (try_record(decoding->reader, &end_of_wal))
			LogicalDecodingProcessRecord(decoding, decoding->reader);
		else
			sleep_for_wal(flushed);
	}
	SpinLockAcquire(&slot->mutex);
	slot->data.confirmed_flush = decoding->reader->EndRecPtr;
	SpinLockRelease(&slot->mutex);
}

static const XLogReaderRoutine reader_routine = {
	.page_read = read_local_xlog_page_no_wait,
	.segment_open = wal_segment_open,
	.segment_close = wal_segment_close
};

void
reader_create_slot(const char *slot_name)
{
	MemoryContext old = CurrentMemoryContext;
	XLogReaderRoutine routine = reader_routine;
	LogicalDecodingContext *decoding;

	cdc_check_decoding_requirements();
	cdc_slot_create(slot_name);
	decoding = cdc_create_init_decoding_context(CDC_NAME, &routine);
	FAULT_POINT("slot_creation");
	find_startpoint(decoding);
	FreeDecodingContext(decoding);
	FAULT_POINT("before_slot_persist");
	ReplicationSlotPersist();
	FAULT_POINT("after_slot_persist");
	ReplicationSlotRelease();
	MemoryContextSwitchTo(old);
}

Reader *
reader_open(const char *slot_name, XLogRecPtr start_lsn,
			const ReaderHooks *hooks)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "cdc_emit reader",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Reader	   *reader = palloc0(sizeof(Reader));
	XLogReaderRoutine routine = reader_routine;

	Assert(!IsTransactionOrTransactionBlock());

	reader->context = context;
	reader->hooks = *hooks;

	cdc_check_decoding_requirements();
	cdc_slot_acquire(slot_name);
	reader->decoding = CreateDecodingContext(start_lsn, NIL, false, &routine,
											 NULL, NULL, NULL);

	/* core points this at the decoding context, which page_read would hit */
	reader->decoding->reader->private_data = &reader->end_of_wal;

	reader->confirmed = MyReplicationSlot->data.confirmed_flush;
	reader->saved = reader->confirmed;
	XLogBeginRead(reader->decoding->reader,
				  MyReplicationSlot->data.restart_lsn);
	MemoryContextSwitchTo(old);
	return reader;
}

TimeLineID
reader_timeline(void)
{
	return GetWALInsertionTimeLine();
}

XLogRecPtr
reader_timeline_end(TimeLineID timeline)
{
	TimeLineID	current = GetWALInsertionTimeLine();
	XLogRecPtr	end = InvalidXLogRecPtr;
	List	   *history;
	ListCell   *lc;

	if (timeline == current)
		return GetFlushRecPtr(NULL);

	history = readTimeLineHistory(current);
	foreach(lc, history)
	{
		TimeLineHistoryEntry *entry = lfirst(lc);

		if (entry->tli == timeline)
			end = entry->end;
	}
	list_free_deep(history);
	return end;
}

/* The time that output plugins are told of a commit */
static TimestampTz
commit_time_of(XLogReaderState *record)
{
	xl_xact_parsed_commit parsed;

	ParseCommitRecord(XLogRecGetInfo(record),
					  (xl_xact_commit *) XLogRecGetData(record), &parsed);
	return (parsed.xinfo & XACT_XINFO_HAS_ORIGIN) ? parsed.origin_timestamp :
		parsed.xact_time;
}

static bool
is_commit(XLogReaderState *record)
{
	uint8		info = XLogRecGetInfo(record) & XLOG_XACT_OPMASK;

	return XLogRecGetRmid(record) == RM_XACT_ID &&
		(info == XLOG_XACT_COMMIT || info == XLOG_XACT_COMMIT_PREPARED);
}

bool
reader_has_commit(XLogRecPtr lsn, TimestampTz commit_time)
{
	ReadLocalXLogPageNoWaitPrivate end_of_wal = {0};
	XLogReaderRoutine routine = reader_routine;
	XLogReaderState *wal;
	char	   *error;
	bool		result;

	wal = XLogReaderAllocate(wal_segment_size, NULL, &routine, &end_of_wal);
	if (wal == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OUT_OF_MEMORY),
				errmsg("out of memory"));
	XLogBeginRead(wal, lsn);
	result = XLogReadRecord(wal, &error) != NULL &&
		(XLogRecGetRmid(wal) == RM_LOGICALMSG_ID ||
		 (is_commit(wal) && commit_time_of(wal) == commit_time));
	XLogReaderFree(wal);
	return result;
}

/*
 * Is a committed transaction still in the proc array?
 *
 * Most are not, and one look at the oldest that is tells so of many.  Core's
 * test has a short cut of its own, RecentXmin, which moves only when snapshots
 * are taken; we take none, so it would be wrong after 2^31 transactions.
 */
static bool
is_in_progress(Reader *reader, TransactionId xid)
{
	if (TransactionIdIsValid(reader->visible_before) &&
		TransactionIdPrecedes(xid, reader->visible_before))
		return false;
	reader->visible_before = cdc_oldest_active_xid();
	if (TransactionIdPrecedes(xid, reader->visible_before))
		return false;
	RecentXmin = reader->visible_before;
	return TransactionIdIsInProgress(xid);
}

/*
 * A consumer that reads the primary on receipt of an event must find the row.
 * The commit record is flushed before its transaction leaves the proc array,
 * normally some microseconds later, but much later if it waits for a
 * synchronous standby.
 */
static void
wait_until_visible(Reader *reader)
{
	XLogReaderState *record = reader->decoding->reader;
	xl_xact_parsed_commit parsed;
	TransactionId xid;
	long		nap = 1;

	if (!is_commit(record))
		return;
	ParseCommitRecord(XLogRecGetInfo(record),
					  (xl_xact_commit *) XLogRecGetData(record), &parsed);
	if (parsed.dbId != MyDatabaseId)
		return;

	xid = TransactionIdIsValid(parsed.twophase_xid) ? parsed.twophase_xid :
		XLogRecGetXid(record);
	while (TransactionIdIsValid(xid) && is_in_progress(reader, xid))
	{
		reader->hooks.sleep(nap);
		nap = Min(nap * 2, VISIBILITY_NAP_MAX_MS);
	}
}

/*
 * The next record; at the end of WAL, what was flushed at that time is kept
 * for the wait to come.  It has to be asked before the last attempt; asking
 * before each would cost committers a spinlock per record.
 */
static bool
read_record(Reader *reader)
{
	XLogReaderState *wal = reader->decoding->reader;

	if (try_record(wal, &reader->end_of_wal))
		return true;
	reader->flushed = GetFlushRecPtr(NULL);
	return try_record(wal, &reader->end_of_wal);
}

ReaderResult
reader_run(Reader *reader, int slice)
{
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	ReaderResult result = READER_MORE;
	instr_time	start;
	instr_time	now;

	INSTR_TIME_SET_CURRENT(start);
	for (int nrecords = 1;; nrecords++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!reader->hooks.may_read())
		{
			result = READER_PAUSED;
			break;
		}
		if (!read_record(reader))
		{
			result = READER_AT_END;
			break;
		}
		wait_until_visible(reader);
		LogicalDecodingProcessRecord(reader->decoding,
									 reader->decoding->reader);
		MemoryContextSwitchTo(reader->context);

		if (nrecords % RECORDS_PER_CLOCK != 0)
			continue;
		INSTR_TIME_SET_CURRENT(now);
		INSTR_TIME_SUBTRACT(now, start);
		if (INSTR_TIME_GET_MILLISEC(now) >= slice)
			break;
	}
	MemoryContextSwitchTo(old);
	return result;
}

XLogRecPtr
reader_position(const Reader *reader)
{
	return reader->decoding->reader->EndRecPtr;
}

XLogRecPtr
reader_flushed(const Reader *reader)
{
	return reader->flushed;
}

XLogRecPtr
reader_confirmed(const Reader *reader)
{
	return reader->confirmed;
}

void
reader_confirm(Reader *reader, XLogRecPtr lsn)
{
	XLogRecPtr	restart_lsn = MyReplicationSlot->data.restart_lsn;

	if (lsn <= reader->confirmed)
		return;
	FAULT_POINT("before_confirm");
	LogicalConfirmReceivedLocation(lsn);
	FAULT_POINT("after_confirm");
	reader->confirmed = lsn;

	/* before 19 core forgets this if catalog_xmin did not move as well */
	if (MyReplicationSlot->data.restart_lsn != restart_lsn)
		ReplicationSlotsComputeRequiredLSN();
}

void
reader_save(Reader *reader)
{
	if (reader->saved == reader->confirmed)
		return;
	ReplicationSlotMarkDirty();
	FAULT_POINT("before_save");
	ReplicationSlotSave();
	FAULT_POINT("after_save");
	reader->saved = reader->confirmed;
}

void
reader_close(Reader *reader)
{
	FreeDecodingContext(reader->decoding);
}
