/*-------------------------------------------------------------------------
 *
 * failure.h
 *	  What an error of a worker tells its administrator.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/failure.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_FAILURE_H
#define CDC_FAILURE_H

#include "shmem.h"

/*
 * Describe the error that is being handled, with the transaction, table and
 * key it happened to if these are known.  position is where reading was.
 */
extern void failure_describe(SubscriptionError *error, XLogRecPtr position);

#endif							/* CDC_FAILURE_H */
