/*-------------------------------------------------------------------------
 *
 * relation_options.h
 *	  What options of the subscription say of a relation.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/relation_options.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_RELATION_OPTIONS_H
#define CDC_RELATION_OPTIONS_H

#include "nodes/bitmapset.h"
#include "options.h"
#include "utils/rel.h"

/*
 * The options of a table, else those of the topmost partitioned table above
 * it (root; the table itself if it is no partition); NULL if neither has any.
 */
extern const TableOptions *
relation_options(const SubscriptionOptions *options, Oid relid, Oid root);

/*
 * Attribute numbers of columns (List of char *) that a property of the
 * table's options names; NULL for NIL.  ERROR if one does not exist or is
 * not published.
 */
extern Bitmapset *relation_option_columns(Relation relation,
										  const Bitmapset *published,
										  const List *names,
										  const char *property);

#endif							/* CDC_RELATION_OPTIONS_H */
