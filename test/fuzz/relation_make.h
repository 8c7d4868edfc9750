/*-------------------------------------------------------------------------
 *
 * relation_make.h
 *	  Random relations and rows of them.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/relation_make.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_FUZZ_RELATION_MAKE_H
#define CDC_FUZZ_RELATION_MAKE_H

#include "encode.h"
#include "value_make.h"

/* A row, and what it must be as JSON with all columns */
typedef struct MadeRow
{
	RowImage	image;
	JsonNode   *expected;
} MadeRow;

/* fixed_dimensions: arrays have as many as their type says. */
extern RelationInfo *relation_make(FuzzInput *input, bool fixed_dimensions);

/* complete: also columns that old rows lack are there. */
extern void relation_make_row(FuzzInput *input, const RelationInfo *relation,
							  bool complete, MadeRow *row);

/* Does it have a type whose values may be broken? */
extern bool relation_may_be_broken(const RelationInfo *relation);

#endif							/* CDC_FUZZ_RELATION_MAKE_H */
