/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  The process that decodes, encodes and produces for one subscription.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/worker.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_WORKER_H
#define CDC_WORKER_H

/* In bgw_extra: whom the worker was started for. */
typedef struct WorkerArguments
{
	Oid			dboid;
	int64		subid;
} WorkerArguments;

extern PGDLLEXPORT void worker_main(Datum main_arg);

#endif							/* CDC_WORKER_H */
