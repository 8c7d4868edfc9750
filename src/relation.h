/*-------------------------------------------------------------------------
 *
 * relation.h
 *	  What is known of a relation while its changes are decoded.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/relation.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_RELATION_H
#define CDC_RELATION_H

#include "access/detoast.h"
#include "column_default.h"
#include "compat.h"
#include "nodes/pg_list.h"
#include "options.h"
#include "utils/rel.h"
#include "value.h"

/* A published column, in the order of the relation it is published as. */
typedef struct RelationColumn
{
	char	   *name;
	int			index;			/* of its datum in the deformed tuple */
	bool		varlena;		/* may be unchanged TOAST */
	Size		max_bytes;		/* longer values are unavailable; 0: none is */
	bool		not_null;
	bool		identity;		/* in old rows?  Looked up for schemas only */
	ColumnDefault column_default;	/* looked up for schemas only */
	ValueType	type;
} RelationColumn;

/* A row of a system cache, as its invalidation messages tell it */
typedef struct CatalogRow
{
	int			cacheid;
	uint32		hash;
} CatalogRow;

/* Things that the entry depends on besides the relation itself */
typedef struct RelationDependencies
{
	List	   *relids;			/* partitioned tables, relations of composite
								 * types */
	int			nrows;
	CatalogRow *rows;			/* schemas and types */
	bool		has_enum;		/* depends on the labels of some type */
} RelationDependencies;

typedef struct RelationInfo
{
	MemoryContext context;		/* holds all of this */
	bool		publish_inserts;
	bool		publish_updates;
	bool		publish_deletes;
	bool		publish_truncates;
	bool		identity_full;	/* are old rows complete? */
	struct RowFilter *filter;	/* NULL: all rows are published */

	char	   *schema;
	char	   *table;
	char	   *root;			/* topmost partitioned table, or itself */
	const TableOptions *options;	/* NULL if nothing is special */
	int			ncolumns;
	RelationColumn *columns;
	int			nkeys;
	RelationColumn **keys;
	int			npartition_keys;
	RelationColumn **partition_keys;	/* choose the partition */

	RelationDependencies dependencies;

	/* Filled in by capture */
	bool		prepared;
	char	   *topic_name;
	int			topic;
	uint32		keyless_hash;	/* partition of events without a key */
	struct HeaderTemplates *headers;	/* that options ask for */
	void	   *encoder_data;	/* of the encoder */

	/* Events of it in the transaction of this number */
	uint64		counted_in;
	struct CollectionCount *count;
} RelationInfo;

typedef struct RelationCache RelationCache;

/*
 * Is a value that is not null not there, or not to be published?  It is not
 * there if it is TOAST that an UPDATE did not change and that is not in the
 * row's WAL record; it is not published if it is longer than the option
 * max_value_bytes allows.
 */
static inline bool
row_value_is_unavailable(const RelationColumn *column, Datum value)
{
	if (!column->varlena)
		return false;
	if (VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)))
		return true;
	return column->max_bytes > 0 &&
		toast_raw_datum_size(value) - VARHDRSZ > column->max_bytes;
}

/*
 * Make the cache of this process, in a child of context; it is gone when
 * that context is.  publications is a List of char *, owner the role whose
 * privileges are checked, InvalidOid for no check.  All must outlive it.
 */
extern RelationCache *relation_cache_create(MemoryContext context,
											const List *publications,
											const SubscriptionOptions *options,
											Oid owner);

/*
 * What is known of a relation, looked up in the catalog if it is not cached
 * or was changed since.  Valid until the next call.  Raises ERROR as
 * publication_lookup() and access_check_relation() do.
 */
extern RelationInfo *relation_cache_lookup(RelationCache *cache,
										   Relation relation);

#endif							/* CDC_RELATION_H */
