/*-------------------------------------------------------------------------
 *
 * relation_key.h
 *	  Which columns tell the rows of a relation apart.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/relation_key.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_RELATION_KEY_H
#define CDC_RELATION_KEY_H

#include "nodes/bitmapset.h"
#include "relation.h"
#include "utils/rel.h"

/*
 * Attribute numbers of the key's columns, NULL if the relation has no key.
 * The key is the one of the first of these indexes that exists: that of
 * REPLICA IDENTITY USING INDEX, because old rows have no other columns; that
 * of the primary key; the first one by name that is unique over the table.
 */
extern Bitmapset *relation_key(Relation relation);

/*
 * Are these columns in every old row that can be published?  True if the
 * relation has no replica identity: then there are no such rows.
 */
extern bool relation_old_rows_have(Relation relation,
								   const Bitmapset *columns);

/*
 * Take keys from a relation that old rows lack in part, with a WARNING that
 * says what mends it: half a key would be wrong, and events of a row must not
 * differ in whether they have one.  target is the relation it is published
 * as, which may have another replica identity.
 */
extern void relation_check_keys(RelationInfo *info, Relation relation,
								Relation target);

/* Fill in which columns old rows have. */
extern void relation_mark_identity(RelationInfo *info, Relation relation);

#endif							/* CDC_RELATION_KEY_H */
