/*-------------------------------------------------------------------------
 *
 * publication.c
 *	  What publications publish of a relation.
 *
 * The rules are those of pgoutput: publications unite, a partition is
 * published if an ancestor is, and publish_via_partition_root publishes it
 * under the topmost ancestor.  The catalog is read as it was at the change
 * that is decoded, so a change of a publication takes effect at its own
 * place in the stream.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one, when a relation gets its cache entry.  Allocates in
 * CurrentMemoryContext.  Takes no lock but AccessShareLock on catalogs.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/publication.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "cdc_emit.h"
#include "compat.h"
#include "publication.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/*
 * Does a publication exist now?  The system caches show the catalog as it
 * was at the decoded change, when it may not have been created yet.
 */
static bool
publication_exists_now(const char *name)
{
	Relation	pg_publication = table_open(PublicationRelationId,
											AccessShareLock);
	NameData	namedata;
	Snapshot	snapshot;
	SysScanDesc scan;
	ScanKeyData key;
	bool		exists;

	namestrcpy(&namedata, name);
	ScanKeyInit(&key, Anum_pg_publication_pubname, BTEqualStrategyNumber,
				F_NAMEEQ, NameGetDatum(&namedata));
	snapshot =
		RegisterSnapshot(GetNonHistoricCatalogSnapshot(PublicationRelationId));
	scan = systable_beginscan(pg_publication, PublicationNameIndexId, true,
							  snapshot, 1, &key);
	exists = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(pg_publication, AccessShareLock);
	return exists;
}

/* NULL if the publication was created after the change that is decoded. */
static Publication *
load_publication(const char *name)
{
	Publication *publication = GetPublicationByName(name, true);

	if (publication == NULL && !publication_exists_now(name))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("publication \"%s\" does not exist", name),
				 errhint("Create it with CREATE PUBLICATION %s, or name other publications.",
						 quote_identifier(name))));
	return publication;
}

/* The publication's row for a relation it names; NULL if it names it not. */
static HeapTuple
publication_rel_tuple(Oid pubid, Oid relid)
{
	HeapTuple	tuple = SearchSysCache2(PUBLICATIONRELMAP,
										ObjectIdGetDatum(relid),
										ObjectIdGetDatum(pubid));

	return HeapTupleIsValid(tuple) ? tuple : NULL;
}

/*
 * Does FOR ALL TABLES leave this relation out (19)?  Partitions are left out
 * with the root of their tree only.
 */
static bool
is_excepted(Oid pubid, Oid relid)
{
	HeapTuple	tuple = publication_rel_tuple(pubid, relid);
	bool		excepted = false;

	if (tuple)
	{
		excepted = CdcPublicationRelIsExcept(tuple);
		ReleaseSysCache(tuple);
	}
	return excepted;
}

/* Does the publication name the relation's schema? */
static bool
is_in_schema(Oid pubid, Oid relid)
{
	return SearchSysCacheExists2(PUBLICATIONNAMESPACEMAP,
								 ObjectIdGetDatum(get_rel_namespace(relid)),
								 ObjectIdGetDatum(pubid));
}

/* Is a relation in the publication by its own name or by its schema's? */
static bool
is_listed(Oid pubid, Oid relid)
{
	HeapTuple	tuple = publication_rel_tuple(pubid, relid);

	if (tuple)
	{
		bool		included = !CdcPublicationRelIsExcept(tuple);

		ReleaseSysCache(tuple);
		return included;
	}
	return is_in_schema(pubid, relid);
}

/*
 * Is the relation in the publication?  Sets the relation to publish it as
 * and how many levels above it that is.
 */
static bool
find_in_publication(const Publication *publication, Oid relid,
					const List *ancestors, Oid *as_relid, int *level)
{
	Oid			topmost = InvalidOid;
	int			topmost_level = 0;
	int			i = 0;
	ListCell   *lc;

	*as_relid = relid;
	*level = 0;

	if (publication->alltables &&
		is_excepted(publication->oid,
					ancestors ? llast_oid(ancestors) : relid))
		return false;
	foreach(lc, ancestors)
	{
		Oid			ancestor = lfirst_oid(lc);

		i++;
		if (!publication->alltables && !is_listed(publication->oid, ancestor))
			continue;
		topmost = ancestor;
		topmost_level = i;
	}

	if (OidIsValid(topmost) && publication->pubviaroot)
	{
		*as_relid = topmost;
		*level = topmost_level;
	}
	return OidIsValid(topmost) || publication->alltables ||
		is_listed(publication->oid, relid);
}

/* A relation's qualified name, for messages */
static char *
relation_name(Oid relid)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	return quote_qualified_identifier(schema, get_rel_name(relid));
}

/*
 * The row filter of a relation in a publication, as text of a node; NULL if
 * it has none.  A publication of the relation's schema publishes all rows,
 * even if it names the relation with a filter too.
 */
static char *
row_filter(const Publication *publication, Oid relid)
{
	char	   *filter = NULL;
	HeapTuple	tuple;
	Datum		datum;
	bool		isnull;

	if (publication->alltables || is_in_schema(publication->oid, relid))
		return NULL;
	tuple = publication_rel_tuple(publication->oid, relid);
	if (tuple == NULL)
		return NULL;

	datum = SysCacheGetAttr(PUBLICATIONRELMAP, tuple,
							Anum_pg_publication_rel_prqual, &isnull);
	if (!isnull)
		filter = TextDatumGetCString(datum);
	ReleaseSysCache(tuple);
	return filter;
}

/*
 * Collect the row filters of each action.  One publication that publishes
 * the action without a filter publishes all rows.
 */
static void
unite_row_filters(const List *publications, PublishedRelation *published)
{
	bool		unfiltered[ROW_ACTIONS] = {false};
	ListCell   *lc;
	int			i;

	foreach(lc, publications)
	{
		const Publication *publication = lfirst(lc);
		const PublicationActions *actions = &publication->pubactions;
		const bool	publishes[ROW_ACTIONS] = {
			[ROW_INSERT] = actions->pubinsert,
			[ROW_UPDATE] = actions->pubupdate,
			[ROW_DELETE] = actions->pubdelete
		};
		char	   *filter = row_filter(publication, published->as_relid);

		for (i = 0; i < ROW_ACTIONS; i++)
		{
			if (!publishes[i])
				continue;
			if (filter)
				published->filters[i] = lappend(published->filters[i], filter);
			else
				unfiltered[i] = true;
		}
	}

	for (i = 0; i < ROW_ACTIONS; i++)
	{
		if (unfiltered[i])
			published->filters[i] = NIL;
	}
}

/* The column list of a relation in a publication, NULL if it has none */
static Bitmapset *
column_list(const Publication *publication, Oid relid)
{
	Bitmapset  *columns = NULL;
	HeapTuple	tuple;
	Datum		datum;
	bool		isnull;

	if (publication->alltables)
		return NULL;
	tuple = publication_rel_tuple(publication->oid, relid);
	if (tuple == NULL)
		return NULL;

	datum = SysCacheGetAttr(PUBLICATIONRELMAP, tuple,
							Anum_pg_publication_rel_prattrs, &isnull);
	if (!isnull)
		columns = pub_collist_to_bitmapset(NULL, datum, NULL);
	ReleaseSysCache(tuple);
	return columns;
}

/* Attribute numbers of columns, stored generated ones if asked for */
static Bitmapset *
all_columns(TupleDesc desc, bool generated)
{
	Bitmapset  *columns = NULL;
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && !CdcAttributeIsVirtual(att) &&
			(generated || att->attgenerated == '\0'))
			columns = bms_add_member(columns, att->attnum);
	}
	return columns;
}

/*
 * Do two publications agree on the columns?  Where publications have no say
 * about generated columns, and lists cannot name them, these do not count.
 */
static bool
same_columns(const Bitmapset *a, const Bitmapset *b, TupleDesc desc)
{
	Bitmapset  *countable;

	if (CDC_PUBLICATIONS_CHOOSE_GENERATED)
		return bms_equal(a, b);
	countable = all_columns(desc, false);
	return bms_equal(bms_intersect(a, countable), bms_intersect(b, countable));
}

/*
 * ALTER PUBLICATION comes too late for changes that are in WAL already, so
 * the hint is about the subscription.
 */
static void
report_different_columns(Oid relid)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot use different column lists for table %s in different publications",
					relation_name(relid)),
			 errhint("Choose other publications with SELECT cdc_emit.alter_subscription('...', publications => ARRAY[...]), "
					 "or drop the subscription and create it again after ALTER PUBLICATION, which has no effect on changes made before it.")));
}

/* The columns that publications publish of a relation; they must agree. */
static Bitmapset *
unite_columns(const List *publications, Oid relid)
{
	Relation	relation = RelationIdGetRelation(relid);
	Bitmapset  *united = NULL;
	TupleDesc	desc;
	bool		first = true;
	ListCell   *lc;

	if (!RelationIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("could not open relation with OID %u", relid)));
	desc = RelationGetDescr(relation);
	foreach(lc, publications)
	{
		const Publication *publication = lfirst(lc);
		Bitmapset  *columns = column_list(publication, relid);

		if (columns == NULL)
			columns = all_columns(desc,
								  CdcPublishesGenerated(publication));
		if (!first && !same_columns(united, columns, desc))
			report_different_columns(relid);
		united = bms_add_members(united, columns);
		first = false;
	}
	RelationClose(relation);
	return united;
}

/* Is it one of our own tables, which are nobody's business? */
static bool
is_own_table(Relation relation)
{
	char	   *schema = get_namespace_name(RelationGetNamespace(relation));

	return schema != NULL && strcmp(schema, CDC_NAME) == 0;
}

void
publication_lookup(const List *names, Relation relation,
				   PublishedRelation *published)
{
	Oid			relid = RelationGetRelid(relation);
	bool		partitioned;
	List	   *used = NIL;
	int			used_level = 0;
	ListCell   *lc;

	memset(published, 0, sizeof(PublishedRelation));
	published->as_relid = relid;
	if (is_own_table(relation))
		return;
	if (relation->rd_rel->relispartition)
		published->ancestors = get_partition_ancestors(relid);
	partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;

	foreach(lc, names)
	{
		Publication *publication = load_publication(lfirst(lc));
		Oid			as_relid;
		int			level;

		if (publication == NULL ||
			!find_in_publication(publication, relid, published->ancestors,
								 &as_relid, &level))
			continue;

		/* Partitions stand for a partitioned table, unless it is the root. */
		if (partitioned && !publication->pubviaroot)
			continue;

		published->inserts |= publication->pubactions.pubinsert;
		published->updates |= publication->pubactions.pubupdate;
		published->deletes |= publication->pubactions.pubdelete;
		published->truncates |= publication->pubactions.pubtruncate;

		/* The topmost ancestor over all publications wins. */
		if (level < used_level)
			continue;
		if (level > used_level)
		{
			used = NIL;
			used_level = level;
			published->as_relid = as_relid;
		}
		used = lappend(used, publication);
	}

	if (used == NIL)
		return;
	unite_row_filters(used, published);
	published->columns = unite_columns(used, published->as_relid);
}
