/*-------------------------------------------------------------------------
 *
 * check.h
 *	  Result rows of the functions that check things.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/check.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_CHECK_H
#define CDC_CHECK_H

#include "nodes/execnodes.h"

/* Add a row; remedy is NULL if there is nothing to do. */
extern void check_add_row(ReturnSetInfo *rsinfo, const char *item, bool ok,
						  const char *detail, const char *remedy);

#endif							/* CDC_CHECK_H */
