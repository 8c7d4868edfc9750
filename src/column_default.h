/*-------------------------------------------------------------------------
 *
 * column_default.h
 *	  Defaults of columns, as far as they are constant.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/column_default.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_COLUMN_DEFAULT_H
#define CDC_COLUMN_DEFAULT_H

#include "access/tupdesc.h"

typedef enum ColumnDefaultKind
{
	COLUMN_DEFAULT_NONE,		/* also if it is null, or generated */
	COLUMN_DEFAULT_VALUE,		/* a constant */
	COLUMN_DEFAULT_COMPUTED		/* differs from row to row, or may */
} ColumnDefaultKind;

typedef struct ColumnDefault
{
	ColumnDefaultKind kind;
	Datum		value;			/* if it is constant */
} ColumnDefault;

/*
 * Find out about the default of attribute number index + 1.  Needs a
 * transaction; a value is allocated in CurrentMemoryContext.
 */
extern void column_default_init(ColumnDefault *column_default,
								TupleDesc desc, int index);

#endif							/* CDC_COLUMN_DEFAULT_H */
