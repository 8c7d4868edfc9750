/*-------------------------------------------------------------------------
 *
 * publication.h
 *	  What publications publish of a relation.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/publication.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_PUBLICATION_H
#define CDC_PUBLICATION_H

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

/* Changes of rows, for each of which there can be row filters */
typedef enum RowAction
{
	ROW_INSERT,
	ROW_UPDATE,
	ROW_DELETE
} RowAction;

#define ROW_ACTIONS		3

typedef struct PublishedRelation
{
	bool		inserts;
	bool		updates;
	bool		deletes;
	bool		truncates;
	Oid			as_relid;		/* itself or an ancestor */
	Bitmapset  *columns;		/* published attributes of as_relid */
	List	   *filters[ROW_ACTIONS];	/* of char *, each the text of an
										 * expression over as_relid; rows that
										 * fulfil one are published; NIL: all */
	List	   *ancestors;		/* OIDs, nearest first; NIL if no partition */
} PublishedRelation;

/*
 * Unite what the named publications (List of char *) publish of a relation,
 * as pgoutput does.  Looks at the catalog; allocates in
 * CurrentMemoryContext.  Raises ERROR for a publication that does not exist
 * and for publications that disagree on the columns.
 */
extern void publication_lookup(const List *names, Relation relation,
							   PublishedRelation *published);

#endif							/* CDC_PUBLICATION_H */
