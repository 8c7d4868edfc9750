/*-------------------------------------------------------------------------
 *
 * relation_options.c
 *	  What options of the subscription say of a relation.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one, when a relation gets its cache entry: the catalog is read with
 * a historic snapshot, so a column must exist at the time of the change.
 * Allocates in CurrentMemoryContext.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/relation_options.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "relation_options.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static const TableOptions *
options_of(const SubscriptionOptions *options, Oid relid)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relid));
	char	   *table = get_rel_name(relid);

	return schema && table ? options_for_table(options, schema, table) : NULL;
}

const TableOptions *
relation_options(const SubscriptionOptions *options, Oid relid, Oid root)
{
	const TableOptions *found;

	if (options->tables == NIL)
		return NULL;
	found = options_of(options, relid);
	if (found == NULL && root != relid)
		found = options_of(options, root);
	return found;
}

static AttrNumber
find_column(TupleDesc desc, const char *name)
{
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
			return att->attnum;
	}
	return InvalidAttrNumber;
}

Bitmapset *
relation_option_columns(Relation relation, const Bitmapset *published,
						const List *names, const char *property)
{
	const char *table = RelationGetRelationName(relation);
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	foreach(lc, names)
	{
		const char *name = lfirst(lc);
		AttrNumber	attnum = find_column(RelationGetDescr(relation), name);
		bool		exists = attnum != InvalidAttrNumber;
		char	   *schema;

		if (exists && bms_is_member(attnum, published))
		{
			columns = bms_add_member(columns, attnum);
			continue;
		}
		schema = get_namespace_name(RelationGetNamespace(relation));
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 exists ?
				 errmsg("column \"%s\" of table %s is not published", name,
						quote_qualified_identifier(schema, table)) :
				 errmsg("column \"%s\" of table %s does not exist", name,
						quote_qualified_identifier(schema, table)),
				 errdetail("The subscription's options name it in \"%s\" of that table.",
						   property),
				 errhint("Change the option with cdc_emit.alter_subscription(), for example options => '{\"tables\": {\"schema.table\": {\"%s\": [\"column\"]}}}'.",
						 property)));
	}
	return columns;
}
