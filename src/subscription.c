/*-------------------------------------------------------------------------
 *
 * subscription.c
 *	  SQL functions that create, change and drop subscriptions.
 *
 * They check everything that can be checked now, so that mistakes show where
 * they are made, and change the catalog.  Nothing else happens before commit:
 * a trigger of the catalog has the launcher told then.
 *
 * They run in ordinary backends as the caller.  EXECUTE is granted to
 * cdc_emit_admin; whoever may execute them may create a subscription, and
 * change those of roles of which they are a member.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/subscription.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/partition.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "catalog.h"
#include "cdc_emit.h"
#include "compat.h"
#include "kafka_properties.h"
#include "options.h"
#include "shmem.h"

CDC_FUNCTION_INFO_V1(cdc_emit_require_preload);
CDC_FUNCTION_INFO_V1(cdc_emit_subscription_changed);
CDC_FUNCTION_INFO_V1(cdc_emit_create_subscription);
CDC_FUNCTION_INFO_V1(cdc_emit_alter_subscription);
CDC_FUNCTION_INFO_V1(cdc_emit_enable_subscription);
CDC_FUNCTION_INFO_V1(cdc_emit_disable_subscription);
CDC_FUNCTION_INFO_V1(cdc_emit_drop_subscription);

/* A table as one of the publications publishes it. */
typedef struct PublishedTable
{
	Oid			relid;
	const char *publication;
	const char *name;			/* qualified and quoted */
	const char *columns;		/* numbers */
} PublishedTable;

/* ----------------------------------------------------------------
 *		checks
 * ----------------------------------------------------------------
 */

/* The functions are not strict: a null must not do nothing silently. */
static void
check_not_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be null", name));
}

static void
check_name(Name name)
{
	if (NameStr(*name)[0] == '\0')
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("name of a subscription must not be empty"));
}

static void
check_wal_level(void)
{
	if (!cdc_wal_level_allows_decoding())
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("\"%s\" is insufficient to publish changes",
					   "wal_level"),
				errhint("Use ALTER SYSTEM SET wal_level = logical, and restart the server."));
}

/* What is in use in other databases, and all of this one's. */
static void
check_room(void)
{
	int64		count = catalog_count_subscriptions();

	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		if (cdc_shared->subscriptions[i].in_use &&
			cdc_shared->subscriptions[i].dboid != MyDatabaseId)
			count++;
	}
	LWLockRelease(cdc_shared->lock);

	if (count >= cdc_shared->nsubscriptions)
		ereport(ERROR,
				errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("all %d entries for subscriptions are in use",
					   cdc_shared->nsubscriptions),
				errhint("Use ALTER SYSTEM SET cdc_emit.max_subscriptions = %d, and restart the server.",
						cdc_shared->nsubscriptions * 2));
}

/* The array must hold names of publications, each once. */
static void
check_publications(ArrayType *array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg("publications must be a one-dimensional array"));

	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elements, &nulls, &nelements);
	if (nelements == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("publications must not be empty"));

	for (int i = 0; i < nelements; i++)
	{
		char	   *name;

		if (nulls[i])
			ereport(ERROR,
					errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("publications must not contain nulls"));
		name = NameStr(*DatumGetName(elements[i]));
		for (int j = 0; j < i; j++)
		{
			if (strcmp(name, NameStr(*DatumGetName(elements[j]))) == 0)
				ereport(ERROR,
						errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("publication \"%s\" is given more than once",
							   name));
		}
		if (GetPublicationByName(name, true) == NULL)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("publication \"%s\" does not exist", name),
					errhint("Use CREATE PUBLICATION %s FOR TABLE ...",
							quote_identifier(name)));
	}
}

/* True if role may read the relation itself, all rows of it. */
static bool
may_read_relation(Oid relid, Oid role, bool *row_security)
{
	if (pg_class_aclcheck(relid, role, ACL_SELECT) != ACLCHECK_OK)
		return false;
	if (check_enable_rls(relid, role, true) != RLS_ENABLED)
		return true;
	*row_security = true;
	return false;
}

/* True if role may read the table, from itself or from a partitioned table. */
static bool
may_read_table(Oid relid, Oid role, bool *row_security)
{
	List	   *relids = NIL;
	ListCell   *lc;

	*row_security = false;
	if (get_rel_relispartition(relid))
		relids = get_partition_ancestors(relid);
	relids = lcons_oid(relid, relids);
	foreach(lc, relids)
	{
		if (may_read_relation(lfirst_oid(lc), role, row_security))
			return true;
	}
	return false;
}

static void
check_readable(const PublishedTable *table, Oid owner)
{
	const char *role = quote_identifier(GetUserNameFromId(owner, false));
	bool		row_security;

	if (may_read_table(table->relid, owner, &row_security))
		return;
	if (row_security)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("row-level security is enabled for table %s",
					   table->name),
				errdetail("Publication \"%s\" publishes it, and a subscription would bypass its policies.",
						  table->publication),
				errhint("Use ALTER ROLE %s BYPASSRLS, or let a superuser create the subscription.",
						role));
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied for table %s", table->name),
			errdetail("Publication \"%s\" publishes it, and the owner of a subscription needs SELECT on it.",
					  table->publication),
			errhint("Use GRANT SELECT ON %s TO %s.", table->name, role));
}

/* A worker would fail on these, so they are refused now. */
static void
check_columns(const PublishedTable *table, const PublishedTable *previous)
{
	if (previous->relid == table->relid &&
		strcmp(previous->columns, table->columns) != 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("publications \"%s\" and \"%s\" publish different columns of table %s, which is not supported",
					   previous->publication, table->publication,
					   table->name),
				errhint("Use ALTER PUBLICATION to let both publish the same columns, or choose other publications."));
}

/* Take a row of the query in check_tables(). */
static void
get_published_table(HeapTuple row, TupleDesc desc, PublishedTable *table)
{
	bool		isnull;

	table->relid = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
	table->publication = SPI_getvalue(row, desc, 2);
	table->name = SPI_getvalue(row, desc, 3);
	table->columns = SPI_getvalue(row, desc, 4);
}

/*
 * Decoding knows no privileges, so the owner must be able to read what is
 * published by other means.  Tables that join a publication later are checked
 * when they are captured.  FOR ALL TABLES includes our own tables, which are
 * never captured.  Where publications have no say about generated columns,
 * these do not count.
 */
static void
check_tables(ArrayType *publications, Oid owner)
{
	static const char *const query =
		"SELECT c.oid, p.pubname, pg_catalog.format('%I.%I', p.schemaname, p.tablename), "
		"ARRAY(SELECT a.attnum FROM pg_catalog.pg_attribute a "
		"WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attname OPERATOR(pg_catalog.=) ANY (p.attnames) "
		"AND ($2 OR a.attgenerated OPERATOR(pg_catalog.=) '') ORDER BY 1)::pg_catalog.text "
		"FROM pg_catalog.pg_publication_tables p "
		"JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) p.schemaname "
		"JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid "
		"AND c.relname OPERATOR(pg_catalog.=) p.tablename "
		"WHERE p.pubname OPERATOR(pg_catalog.=) ANY ($1) "
		"AND n.nspname OPERATOR(pg_catalog.<>) 'cdc_emit' "
		"ORDER BY 3, 2";
	Oid			argtypes[] = {NAMEARRAYOID, BOOLOID};
	Datum		values[] = {PointerGetDatum(publications),
	BoolGetDatum(CDC_PUBLICATIONS_CHOOSE_GENERATED)};
	PublishedTable previous = {0};

	SPI_connect();
	if (SPI_execute_with_args(query, 2, argtypes, values, NULL,
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the tables of publications");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		PublishedTable table;

		get_published_table(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
							&table);
		if (!superuser_arg(owner))
			check_readable(&table, owner);
		check_columns(&table, &previous);
		previous = table;
	}
	SPI_finish();
}

/*
 * The row as it is now must make a configuration that a worker can run with.
 */
static void
check_config(Name name)
{
	StringInfoData config;

	initStringInfo(&config);
	catalog_serialize_config(catalog_get_subscription(name, false), &config);
}

/* ----------------------------------------------------------------
 *		changes
 * ----------------------------------------------------------------
 */

/*
 * Options with changes merged in; null resets a key.  Both the changes and
 * the result are checked.
 */
static Jsonb *
merge_options(Jsonb *options, Jsonb *changes)
{
	static const char *const query =
		"SELECT COALESCE(pg_catalog.jsonb_object_agg(o.key, o.value), '{}') "
		"FROM pg_catalog.jsonb_each($1 OPERATOR(pg_catalog.||) $2) o "
		"WHERE pg_catalog.jsonb_typeof(o.value) OPERATOR(pg_catalog.<>) 'null'";
	MemoryContext context = CurrentMemoryContext;
	Oid			argtypes[] = {JSONBOID, JSONBOID};
	Datum		values[] = {JsonbPGetDatum(options), JsonbPGetDatum(changes)};
	Jsonb	   *merged;
	bool		isnull;

	(void) options_from_jsonb(changes);

	SPI_connect();
	if (SPI_execute_with_args(query, 2, argtypes, values, NULL,
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not merge options");
	MemoryContextSwitchTo(context);
	merged = DatumGetJsonbPCopy(SPI_getbinval(SPI_tuptable->vals[0],
											  SPI_tuptable->tupdesc, 1,
											  &isnull));
	SPI_finish();

	(void) options_from_jsonb(merged);
	return merged;
}

static Jsonb *
empty_object(void)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum("{}")));
}

/*
 * Insert the row.  The slot's name holds the database, since slots belong to
 * the cluster, and the extension's OID, since subid starts again when it is
 * dropped and created.  An index entry of a concurrent transaction is waited
 * for.
 */
static void
insert_subscription(Name name, Name server, ArrayType *publications,
					Jsonb *options, bool enabled)
{
	static const char *const command =
		"INSERT INTO cdc_emit.subscription "
		"(subid, subname, subowner, subserver, subpublications, suboptions, subenabled, subslotname, subsystem) "
		"OVERRIDING SYSTEM VALUE "
		"SELECT n.subid, $1, $2, $3, $4, $5, $6, "
		"pg_catalog.format('cdc_emit_%s_%s_%s', $7, $8, n.subid)::pg_catalog.name, $9 "
		"FROM (SELECT pg_catalog.nextval('cdc_emit.subscription_subid_seq') AS subid OFFSET 0) n "
		"ON CONFLICT (subname) DO NOTHING";
	Oid			argtypes[] = {NAMEOID, REGROLEOID, NAMEOID, NAMEARRAYOID,
	JSONBOID, BOOLOID, OIDOID, OIDOID, INT8OID};
	Datum		values[] = {NameGetDatum(name),
		ObjectIdGetDatum(GetUserId()),
		NameGetDatum(server),
		PointerGetDatum(publications),
		JsonbPGetDatum(options),
		BoolGetDatum(enabled),
		ObjectIdGetDatum(MyDatabaseId),
		ObjectIdGetDatum(get_extension_oid(CDC_NAME, false)),
	Int64GetDatum((int64) GetSystemIdentifier())};

	SPI_connect();
	catalog_execute(command, lengthof(argtypes), argtypes, values, NULL);
	if (SPI_processed == 0)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("subscription \"%s\" already exists", NameStr(*name)));
	SPI_finish();
}

/* Enabling one that came from another cluster is taking it over. */
static void
set_enabled(FunctionCallInfo fcinfo, bool enabled)
{
	SubscriptionRow *row;
	Oid			argtypes[] = {INT8OID, BOOLOID, INT8OID};
	Datum		values[3];

	shmem_require();
	check_not_null(fcinfo, 0, "subscription");
	row = catalog_get_subscription(PG_GETARG_NAME(0), true);
	catalog_check_owner(row);

	values[0] = Int64GetDatum(row->subid);
	values[1] = BoolGetDatum(enabled);
	values[2] = Int64GetDatum((int64) (enabled ? GetSystemIdentifier() :
									   row->system_identifier));
	SPI_connect();
	catalog_execute("UPDATE cdc_emit.subscription "
					"SET subenabled = $2, subsystem = $3 "
					"WHERE subid OPERATOR(pg_catalog.=) $1",
					3, argtypes, values, NULL);
	SPI_finish();
}

/* ----------------------------------------------------------------
 *		SQL functions
 * ----------------------------------------------------------------
 */

/* Called by the extension's script, so that CREATE EXTENSION fails early. */
Datum
cdc_emit_require_preload(PG_FUNCTION_ARGS)
{
	if (!IsBinaryUpgrade)
		shmem_require();
	PG_RETURN_VOID();
}

/*
 * Trigger of the catalog.  Without preloading (a restore into a server that
 * is not set up yet) there is nobody to tell.
 */
Datum
cdc_emit_subscription_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function \"%s\" was not called by trigger manager",
					   "subscription_changed"));
	if (cdc_shared != NULL)
		shmem_mark_database_at_commit(true);
	return PointerGetDatum(NULL);
}

Datum
cdc_emit_create_subscription(PG_FUNCTION_ARGS)
{
	Name		name;
	Name		server;
	ArrayType  *publications;
	Jsonb	   *options;

	shmem_require();
	check_not_null(fcinfo, 0, "subscription");
	check_not_null(fcinfo, 1, "server");
	check_not_null(fcinfo, 2, "publications");
	check_not_null(fcinfo, 3, "options");
	check_not_null(fcinfo, 4, "enabled");
	name = PG_GETARG_NAME(0);
	server = PG_GETARG_NAME(1);
	publications = PG_GETARG_ARRAYTYPE_P(2);

	check_name(name);
	check_wal_level();
	(void) kafka_properties_for_server(NameStr(*server), GetUserId());
	check_publications(publications);
	check_tables(publications, GetUserId());
	options = merge_options(empty_object(), PG_GETARG_JSONB_P(3));
	check_room();

	insert_subscription(name, server, publications, options,
						PG_GETARG_BOOL(4));
	check_config(name);
	PG_RETURN_VOID();
}

Datum
cdc_emit_alter_subscription(PG_FUNCTION_ARGS)
{
	SubscriptionRow *row;
	Oid			argtypes[] = {INT8OID, JSONBOID, NAMEARRAYOID, NAMEOID};
	Datum		values[4] = {0};
	char		nulls[] = "    ";

	shmem_require();
	check_not_null(fcinfo, 0, "subscription");
	if (PG_ARGISNULL(1) && PG_ARGISNULL(2) && PG_ARGISNULL(3))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("nothing to change"),
				errhint("Give at least one of options, publications and server."));

	row = catalog_get_subscription(PG_GETARG_NAME(0), true);
	catalog_check_owner(row);

	values[0] = Int64GetDatum(row->subid);
	if (PG_ARGISNULL(1))
		nulls[1] = 'n';
	else
		values[1] = JsonbPGetDatum(merge_options(row->options,
												 PG_GETARG_JSONB_P(1)));
	if (PG_ARGISNULL(2))
		nulls[2] = 'n';
	else
	{
		check_publications(PG_GETARG_ARRAYTYPE_P(2));
		check_tables(PG_GETARG_ARRAYTYPE_P(2), row->owner);
		values[2] = PG_GETARG_DATUM(2);
	}
	if (PG_ARGISNULL(3))
		nulls[3] = 'n';
	else
	{
		(void) kafka_properties_for_server(NameStr(*PG_GETARG_NAME(3)),
										   row->owner);
		values[3] = PG_GETARG_DATUM(3);
	}

	SPI_connect();
	catalog_execute("UPDATE cdc_emit.subscription SET "
					"suboptions = COALESCE($2, suboptions), "
					"subpublications = COALESCE($3, subpublications), "
					"subserver = COALESCE($4, subserver) "
					"WHERE subid OPERATOR(pg_catalog.=) $1",
					4, argtypes, values, nulls);
	SPI_finish();
	check_config(&row->name);
	PG_RETURN_VOID();
}

Datum
cdc_emit_enable_subscription(PG_FUNCTION_ARGS)
{
	set_enabled(fcinfo, true);
	PG_RETURN_VOID();
}

Datum
cdc_emit_disable_subscription(PG_FUNCTION_ARGS)
{
	set_enabled(fcinfo, false);
	PG_RETURN_VOID();
}

/*
 * The slot is remembered even if the catalog does not know of one: the worker
 * may have just created it.
 */
Datum
cdc_emit_drop_subscription(PG_FUNCTION_ARGS)
{
	SubscriptionRow *row;
	Oid			argtypes[] = {INT8OID};
	Datum		values[1];

	shmem_require();
	check_not_null(fcinfo, 0, "subscription");
	check_not_null(fcinfo, 1, "keep_slot");
	row = catalog_get_subscription(PG_GETARG_NAME(0), true);
	catalog_check_owner(row);

	SPI_connect();
	values[0] = Int64GetDatum(row->subid);
	catalog_execute("DELETE FROM cdc_emit.subscription "
					"WHERE subid OPERATOR(pg_catalog.=) $1",
					1, argtypes, values, NULL);
	if (!PG_GETARG_BOOL(1))
	{
		argtypes[0] = NAMEOID;
		values[0] = NameGetDatum(&row->slot_name);
		catalog_execute("INSERT INTO cdc_emit.dropped_slot VALUES ($1) "
						"ON CONFLICT DO NOTHING",
						1, argtypes, values, NULL);
	}
	SPI_finish();
	PG_RETURN_VOID();
}
