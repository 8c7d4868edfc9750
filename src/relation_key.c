/*-------------------------------------------------------------------------
 *
 * relation_key.c
 *	  Which columns tell the rows of a relation apart.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one, when a relation gets its cache entry.  Allocates in
 * CurrentMemoryContext.  No locks: the catalog is read with a historic
 * snapshot.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/relation_key.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "compat.h"
#include "relation_key.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static HeapTuple
index_tuple(Oid indexid)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID,
										ObjectIdGetDatum(indexid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", indexid);
	return tuple;
}

/* Attribute numbers of an index's key columns; NULL if there is no index. */
static Bitmapset *
index_columns(Oid indexid)
{
	Bitmapset  *columns = NULL;
	HeapTuple	tuple;
	Form_pg_index index;
	int			i;

	if (!OidIsValid(indexid))
		return NULL;
	tuple = index_tuple(indexid);
	index = (Form_pg_index) GETSTRUCT(tuple);
	for (i = 0; i < index->indnkeyatts; i++)
		columns = bms_add_member(columns, index->indkey.values[i]);
	ReleaseSysCache(tuple);
	return columns;
}

/*
 * Does an index make its columns unique over all rows, at all times?  Not if
 * they can be null, because nulls are not equal to each other.
 */
static bool
is_unique_over_table(HeapTuple tuple, TupleDesc desc)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);
	int			i;

	if (!index->indisunique || !index->indimmediate ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL) ||
		!heap_attisnull(tuple, Anum_pg_index_indexprs, NULL))
		return false;
	for (i = 0; i < index->indnkeyatts; i++)
	{
		if (!cdc_is_not_null(desc, index->indkey.values[i] - 1))
			return false;
	}
	return true;
}

/*
 * The primary key's index, which may be deferrable, else the first unique
 * one by name; InvalidOid if there is neither.
 */
static Oid
find_unique_index(Relation relation)
{
	Oid			found = InvalidOid;
	char	   *found_name = NULL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(relation))
	{
		Oid			indexid = lfirst_oid(lc);
		HeapTuple	tuple = index_tuple(indexid);
		Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);
		bool		primary = index->indisvalid && index->indisprimary;
		bool		unique = index->indisvalid &&
			is_unique_over_table(tuple, RelationGetDescr(relation));
		char	   *name;

		ReleaseSysCache(tuple);
		if (primary)
			return indexid;
		if (!unique)
			continue;
		name = get_rel_name(indexid);
		if (found_name == NULL || strcmp(name, found_name) < 0)
		{
			found = indexid;
			found_name = name;
		}
	}
	return found;
}

Bitmapset *
relation_key(Relation relation)
{
	Oid			identity = RelationGetReplicaIndex(relation);

	if (relation->rd_rel->relreplident == REPLICA_IDENTITY_INDEX &&
		OidIsValid(identity))
		return index_columns(identity);
	return index_columns(find_unique_index(relation));
}

bool
relation_old_rows_have(Relation relation, const Bitmapset *columns)
{
	Oid			identity;

	if (relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL)
		return true;
	identity = RelationGetReplicaIndex(relation);
	return !OidIsValid(identity) ||
		bms_is_subset(columns, index_columns(identity));
}

static char *
qualified_name(Relation relation)
{
	char	   *schema = get_namespace_name(RelationGetNamespace(relation));

	return quote_qualified_identifier(schema,
									  RelationGetRelationName(relation));
}

/* Are all of these columns in old rows that can be published? */
static bool
in_old_rows(const RelationInfo *info, Relation relation,
			RelationColumn **columns, int ncolumns)
{
	Bitmapset  *attnums = NULL;
	int			i;

	if (!(info->publish_updates || info->publish_deletes))
		return true;
	for (i = 0; i < ncolumns; i++)
		attnums = bms_add_member(attnums, columns[i]->index + 1);
	return relation_old_rows_have(relation, attnums);
}

/*
 * Warn of columns that are not in old rows, because the relation has another
 * replica identity than the table it is published as, or because options ask
 * for them.
 */
static void
warn_of_key(Relation relation, Relation target, const char *message,
			const char *what)
{
	char	   *name = qualified_name(relation);

	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg(message, name),
			 target == relation ?
			 errdetail("Its replica identity lacks columns of %s.", what) :
			 errdetail("It is published as table %s, but its replica identity lacks columns of %s of that table.",
					   qualified_name(target), what),
			 errhint("Run ALTER TABLE %s REPLICA IDENTITY FULL, or choose an index of the key columns with ALTER TABLE %s REPLICA IDENTITY USING INDEX.",
					 name, name)));
}

void
relation_check_keys(RelationInfo *info, Relation relation, Relation target)
{
	if (!in_old_rows(info, relation, info->keys, info->nkeys))
	{
		info->nkeys = 0;
		warn_of_key(relation, target,
					gettext_noop("events of table %s have no key"), "the key");
	}
	if (!in_old_rows(info, relation, info->partition_keys,
					 info->npartition_keys))
	{
		info->npartition_keys = 0;
		warn_of_key(relation, target,
					gettext_noop("events of table %s go to partitions by their key only"),
					"\"partition_by\"");
	}
}

void
relation_mark_identity(RelationInfo *info, Relation relation)
{
	int			i;

	for (i = 0; i < info->ncolumns; i++)
	{
		RelationColumn *column = &info->columns[i];

		column->identity =
			relation_old_rows_have(relation,
								   bms_make_singleton(column->index + 1));
	}
}
