/*-------------------------------------------------------------------------
 *
 * reader.h
 *	  The slot, the decoding context and the loop over WAL.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/reader.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_READER_H
#define CDC_READER_H

#include "access/xlogdefs.h"

typedef struct Reader Reader;

/* What the reader asks of its process. */
typedef struct ReaderHooks
{
	/* May a further record be decoded now?  Called between records. */
	bool		(*may_read) (void);

	/* Sleep, serving everything that must be served; ms at most. */
	void		(*sleep) (long timeout);
} ReaderHooks;

typedef enum ReaderResult
{
	READER_MORE,				/* the time slice is over */
	READER_PAUSED,				/* may_read() said no */
	READER_AT_END				/* nothing more is flushed */
} ReaderResult;

/*
 * Create the slot.  Waits for all transactions of the cluster that write at
 * this time; interruptible.  Nothing is left behind on ERROR.
 */
extern void reader_create_slot(const char *slot_name);

/*
 * Acquire the slot and begin to decode: transactions whose commit record
 * starts at start_lsn or at what the slot has confirmed, whichever is later.
 * Must be called outside of a transaction; the output plugin's settings must
 * be there already.
 */
extern Reader *reader_open(const char *slot_name, XLogRecPtr start_lsn,
						   const ReaderHooks *hooks);

/* The timeline this server writes to; not during recovery. */
extern TimeLineID reader_timeline(void);

/*
 * How far WAL of a timeline is part of this server's history: to the switch to
 * the next timeline, or to the end of what is flushed.  InvalidXLogRecPtr if
 * it is not part of it.
 */
extern XLogRecPtr reader_timeline_end(TimeLineID timeline);

/*
 * Does the record at lsn commit a transaction at that time, or is it a message
 * outside of transactions?  A slot must keep that WAL.
 */
extern bool reader_has_commit(XLogRecPtr lsn, TimestampTz commit_time);

/* Decode until one of ReaderResult is true; slice is in ms. */
extern ReaderResult reader_run(Reader *reader, int slice);

/* Everything before this LSN was decoded. */
extern XLogRecPtr reader_position(const Reader *reader);

/* What was flushed when the reader last found the end of WAL. */
extern XLogRecPtr reader_flushed(const Reader *reader);

/* What the slot has confirmed. */
extern XLogRecPtr reader_confirmed(const Reader *reader);

/*
 * Tell the slot that everything before lsn was delivered; never goes back.
 * Writes the slot's file only when restart_lsn or catalog_xmin move.
 */
extern void reader_confirm(Reader *reader, XLogRecPtr lsn);

/* Make what was confirmed durable, if it is not yet. */
extern void reader_save(Reader *reader);

/*
 * End decoding between two records: files of large transactions go.  The
 * slot is still acquired; nothing but that may follow.
 */
extern void reader_close(Reader *reader);

#endif							/* CDC_READER_H */
