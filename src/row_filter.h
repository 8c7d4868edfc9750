/*-------------------------------------------------------------------------
 *
 * row_filter.h
 *	  Row filters of publications: which changes of a relation they let pass.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/row_filter.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_ROW_FILTER_H
#define CDC_ROW_FILTER_H

#include "access/attmap.h"
#include "encode.h"
#include "publication.h"
#include "replication/reorderbuffer.h"
#include "utils/rel.h"

typedef struct RowFilter RowFilter;

/*
 * Prepare the filters of a published relation; NULL if it has none.  target
 * is the relation it is published as, map has the attribute number in the
 * relation itself for each of target's, NULL if they are the same; it must
 * live as long as the filter.  Expressions run as owner, InvalidOid for the
 * current role.  Allocates in CurrentMemoryContext, whose end frees it all.
 */
extern RowFilter *row_filter_create(const PublishedRelation *published,
									Relation target, const AttrMap *map,
									Oid owner);

/*
 * Is a change published, and as what?  Rows are NULL if the change does not
 * have them; values of the new row that are unchanged TOAST have been taken
 * from the old row.  An update that brings a row into the filter becomes an
 * insert in *action, one that takes it out a delete.  False if it is not
 * published.  Raises ERROR if an expression does.
 */
extern bool row_filter_apply(RowFilter *filter,
							 ReorderBufferChangeType *action,
							 const RowImage *old_row,
							 const RowImage *new_row);

#endif							/* CDC_ROW_FILTER_H */
