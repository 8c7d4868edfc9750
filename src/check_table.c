/*-------------------------------------------------------------------------
 *
 * check_table.c
 *	  SQL function check_table(): what will capture of a table lack?
 *
 * One row per property that decides what consumers get, with the statement
 * that would change it.  For a partitioned table, what matters of its
 * partitions is looked at too.
 *
 * Runs in ordinary backends as the caller, except that our own tables are
 * read as their owner.  Takes AccessShareLock on the table and its
 * partitions until the end of the transaction.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/check_table.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "catalog.h"
#include "check.h"
#include "compat.h"
#include "relation_key.h"

CDC_FUNCTION_INFO_V1(cdc_emit_check_table);

/* What the rows are about */
typedef struct TableCheck
{
	ReturnSetInfo *rsinfo;
	Relation	relation;
	char	   *name;			/* qualified and quoted */
	List	   *partitions;		/* OIDs of leaves of a partitioned table */
} TableCheck;

static char *
qualified_name(Oid relid)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	return quote_qualified_identifier(schema, get_rel_name(relid));
}

/* Names of the attributes, separated by commas; NULL if there are none. */
static char *
attribute_names(Relation relation, const Bitmapset *attributes)
{
	StringInfoData names;
	int			attnum = -1;

	if (bms_is_empty(attributes))
		return NULL;
	initStringInfo(&names);
	while ((attnum = bms_next_member(attributes, attnum)) >= 0)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(relation),
											  attnum - 1);

		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 quote_identifier(NameStr(att->attname)));
	}
	return names.data;
}

static const char *
kind_of_relation(Relation relation)
{
	switch (relation->rd_rel->relkind)
	{
		case RELKIND_RELATION:
			return "table";
		case RELKIND_PARTITIONED_TABLE:
			return "partitioned table";
		case RELKIND_VIEW:
			return "view";
		case RELKIND_MATVIEW:
			return "materialized view";
		case RELKIND_FOREIGN_TABLE:
			return "foreign table";
		default:
			return "other relation";
	}
}

/* Changes must be in WAL, and be allowed in publications. */
static void
check_kind(const TableCheck *check)
{
	Relation	relation = check->relation;
	const char *kind = kind_of_relation(relation);

	if (relation->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED)
		check_add_row(check->rsinfo, "kind", false,
					  "unlogged table: its changes are not in WAL",
					  psprintf("ALTER TABLE %s SET LOGGED;", check->name));
	else if (relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		check_add_row(check->rsinfo, "kind", false,
					  "temporary table: its changes are not in WAL", NULL);
	else if (!is_publishable_relation(relation))
		check_add_row(check->rsinfo, "kind", false,
					  psprintf("%s: it has no changes that can be captured",
							   kind), NULL);
	else
		check_add_row(check->rsinfo, "kind", true, kind, NULL);
}

/* The only value of a query whose $1 is the table, NULL if that is null. */
static char *
query_text(const TableCheck *check, const char *query)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			argtypes[] = {OIDOID};
	Datum		values[1];
	char	   *text;

	values[0] = ObjectIdGetDatum(RelationGetRelid(check->relation));
	SPI_connect();
	catalog_execute(query, 1, argtypes, values, NULL);
	text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (text)
		text = MemoryContextStrdup(context, text);
	SPI_finish();
	return text;
}

/* Publications of the table, its partitions or the tables it is part of */
#define PUBLICATIONS_QUERY \
	"FROM pg_catalog.pg_publication_tables p " \
	"JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) p.schemaname " \
	"JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid " \
	"AND c.relname OPERATOR(pg_catalog.=) p.tablename " \
	"WHERE c.oid IN (SELECT $1 UNION SELECT relid FROM pg_catalog.pg_partition_tree($1) " \
	"UNION SELECT relid FROM pg_catalog.pg_partition_ancestors($1))"

static void
check_publications(const TableCheck *check)
{
	const char *name = RelationGetRelationName(check->relation);
	char	   *names = query_text(check,
								   "SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(p.pubname), ', ') "
								   PUBLICATIONS_QUERY);

	if (names)
		check_add_row(check->rsinfo, "publications", true, names, NULL);
	else
		check_add_row(check->rsinfo, "publications", false,
					  "none publishes the table",
					  psprintf("CREATE PUBLICATION %s FOR TABLE %s;",
							   quote_identifier(name), check->name));
}

static void
check_subscriptions(const TableCheck *check)
{
	char	   *names = query_text(check,
								   "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(s.subname), ', ' ORDER BY s.subname) "
								   "FROM cdc_emit.subscription s "
								   "WHERE s.subpublications OPERATOR(pg_catalog.&&) "
								   "ARRAY(SELECT p.pubname " PUBLICATIONS_QUERY ")");

	check_add_row(check->rsinfo, "subscriptions", names != NULL,
				  names ? names : "none captures the table",
				  names ? NULL :
				  "SELECT cdc_emit.create_subscription('...', server => '...', publications => '{...}');");
}

/* Without a key topics cannot be compacted, and deletes leave no tombstone. */
static void
check_key(const TableCheck *check)
{
	char	   *names = attribute_names(check->relation,
										relation_key(check->relation));

	if (names)
		check_add_row(check->rsinfo, "key", true, names, NULL);
	else
		check_add_row(check->rsinfo, "key", false,
					  "none: messages have a null key, and all go to one partition",
					  psprintf("ALTER TABLE %s ADD PRIMARY KEY (...);",
							   check->name));
}

/* What the replica identity of one table, perhaps a partition, means */
static const char *
identity_of_relation(Relation relation, bool *known)
{
	*known = true;
	if (relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL)
		return "FULL: old rows are complete";
	*known = OidIsValid(RelationGetReplicaIndex(relation));
	if (*known)
		return psprintf("old rows have %s only",
						attribute_names(relation,
										relation_key(relation)));
	return "none: PostgreSQL refuses UPDATE and DELETE of the table while it is published";
}

/* How a table that has none gets a replica identity */
static const char *
identity_remedy(Relation relation, const char *name)
{
	if (relation_key(relation) == NULL)
		return psprintf("ALTER TABLE %s ADD PRIMARY KEY (...); or ALTER TABLE %s REPLICA IDENTITY FULL;",
						name, name);
	return psprintf("ALTER TABLE %s REPLICA IDENTITY FULL;", name);
}

static void
check_identity(const TableCheck *check, Relation relation)
{
	bool		known;
	const char *identity = identity_of_relation(relation, &known);
	char	   *name = qualified_name(RelationGetRelid(relation));

	if (relation != check->relation)
		identity = psprintf("%s: %s", name, identity);
	check_add_row(check->rsinfo, "replica identity", known, identity,
				  known ? NULL : identity_remedy(relation, name));
}

/* Partitions that are published as the table must have its key in old rows. */
static void
check_partitions(const TableCheck *check)
{
	Bitmapset  *key = relation_key(check->relation);
	ListCell   *lc;

	foreach(lc, check->partitions)
	{
		Relation	partition = table_open(lfirst_oid(lc), AccessShareLock);
		AttrMap    *map = cdc_build_attrmap(RelationGetDescr(partition),
											RelationGetDescr(check->relation));
		Bitmapset  *columns = NULL;
		int			attnum = -1;
		char	   *name = qualified_name(RelationGetRelid(partition));

		while ((attnum = bms_next_member(key, attnum)) >= 0)
			columns = bms_add_member(columns, map ? map->attnums[attnum - 1] :
									 attnum);
		if (partition->rd_rel->relreplident != REPLICA_IDENTITY_FULL &&
			!OidIsValid(RelationGetReplicaIndex(partition)))
			check_identity(check, partition);
		else if (!relation_old_rows_have(partition, columns))
			check_add_row(check->rsinfo, "replica identity", false,
						  psprintf("%s: old rows lack columns of the key of %s, so its events have no key if it is published as that table",
								   name, check->name),
						  psprintf("ALTER TABLE %s REPLICA IDENTITY FULL;",
								   name));
		table_close(partition, NoLock);
	}
}

/* Columns whose values may be missing from updates that leave them alone */
static void
check_toast(const TableCheck *check)
{
	TupleDesc	desc = RelationGetDescr(check->relation);
	Bitmapset  *columns = NULL;
	char	   *names;

	if (check->relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL)
		return;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && att->attlen == -1 &&
			att->attstorage != TYPSTORAGE_PLAIN)
			columns = bms_add_member(columns, att->attnum);
	}
	columns = bms_del_members(columns, relation_key(check->relation));
	names = attribute_names(check->relation, columns);
	if (names)
		check_add_row(check->rsinfo, "unchanged TOAST", true,
					  psprintf("an UPDATE that does not change a large value of these columns has a placeholder for it: %s",
							   names),
					  psprintf("ALTER TABLE %s REPLICA IDENTITY FULL;",
							   check->name));
}

static void
check_generated(const TableCheck *check)
{
	TupleDesc	desc = RelationGetDescr(check->relation);
	Bitmapset  *columns = NULL;
	char	   *names;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && CdcAttributeIsVirtual(att))
			columns = bms_add_member(columns, att->attnum);
	}
	names = attribute_names(check->relation, columns);
	if (names)
		check_add_row(check->rsinfo, "generated columns", false,
					  psprintf("virtual columns are not stored and not captured: %s",
							   names), NULL);
}

/* Numbers that decimal_handling=precise cannot write */
static void
check_numeric(const TableCheck *check)
{
	TupleDesc	desc = RelationGetDescr(check->relation);
	Bitmapset  *columns = NULL;
	char	   *names;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && getBaseType(att->atttypid) == NUMERICOID)
			columns = bms_add_member(columns, att->attnum);
	}
	names = attribute_names(check->relation, columns);
	if (names)
		check_add_row(check->rsinfo, "numeric", true,
					  psprintf("NaN and infinities are null with decimal_handling=precise, the default: %s",
							   names), NULL);
}

static void
check_row_security(const TableCheck *check)
{
	if (!check->relation->rd_rel->relrowsecurity)
		return;
	if (check_enable_rls(RelationGetRelid(check->relation), GetUserId(),
						 true) != RLS_ENABLED)
		check_add_row(check->rsinfo, "row security", true,
					  "enabled; a subscription of yours captures all rows, because policies do not apply to you",
					  NULL);
	else
		check_add_row(check->rsinfo, "row security", false,
					  "enabled: a subscription of yours would bypass policies that apply to you, and is refused",
					  psprintf("ALTER ROLE %s BYPASSRLS;",
							   quote_identifier(GetUserNameFromId(GetUserId(),
																  false))));
}

static void
check_privilege(const TableCheck *check)
{
	Oid			relid = RelationGetRelid(check->relation);
	const char *role = quote_identifier(GetUserNameFromId(GetUserId(), false));

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return;
	check_add_row(check->rsinfo, "privileges", false,
				  psprintf("%s may not read the table, so subscriptions of that role cannot capture it",
						   role),
				  psprintf("GRANT SELECT ON %s TO %s;", check->name, role));
}

static void
find_partitions(TableCheck *check)
{
	Oid			relid = RelationGetRelid(check->relation);
	ListCell   *lc;

	if (check->relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			check->partitions = lappend_oid(check->partitions,
											lfirst_oid(lc));
	}
}

Datum
cdc_emit_check_table(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	TableCheck	check = {0};

	check.relation = try_relation_open(relid, AccessShareLock);
	if (check.relation == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u does not exist", relid));
	check.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	check.name = qualified_name(relid);
	InitMaterializedSRF(fcinfo, 0);
	check_kind(&check);
	if (is_publishable_relation(check.relation))
	{
		find_partitions(&check);
		check_publications(&check);
		check_subscriptions(&check);
		check_privilege(&check);
		check_row_security(&check);
		check_key(&check);
		if (check.relation->rd_rel->relkind == RELKIND_RELATION)
			check_identity(&check, check.relation);
		check_partitions(&check);
		check_toast(&check);
		check_generated(&check);
		check_numeric(&check);
	}
	relation_close(check.relation, NoLock);
	PG_RETURN_NULL();
}
