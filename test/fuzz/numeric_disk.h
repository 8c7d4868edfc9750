/*-------------------------------------------------------------------------
 *
 * numeric_disk.h
 *	  Random values of type numeric as they are on disk, and their text.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/numeric_disk.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_FUZZ_NUMERIC_DISK_H
#define CDC_FUZZ_NUMERIC_DISK_H

#include "fuzz.h"
#include "lib/stringinfo.h"

/* Decimal digits of a finite value: 0.DIGITS times ten to the point. */
typedef struct NumericText
{
	bool		finite;
	bool		negative;
	StringInfoData digits;		/* without leading and trailing zeros; none
								 * for zero */
	int			point;
	int			display_scale;	/* digits after the point to show */
} NumericText;

/*
 * Make one, palloc'ed, with up to max_groups groups of four digits and the
 * point up to max_groups groups away from them.
 */
extern struct varlena *numeric_disk_make(FuzzInput *input, int max_groups,
										 NumericText *text);

#endif							/* CDC_FUZZ_NUMERIC_DISK_H */
