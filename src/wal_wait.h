/*-------------------------------------------------------------------------
 *
 * wal_wait.h
 *	  Be woken when WAL is flushed.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/wal_wait.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_WAL_WAIT_H
#define CDC_WAL_WAIT_H

#include "access/xlogdefs.h"

/*
 * Arrange that a flush of WAL sets MyLatch.  Returns for how many ms at most
 * the caller may sleep, or 0 if WAL beyond the given position was flushed
 * already.  Between arming and disarming no other condition variable may be
 * used.
 */
extern long wal_wait_arm(XLogRecPtr flushed);

extern void wal_wait_disarm(void);

#endif							/* CDC_WAL_WAIT_H */
