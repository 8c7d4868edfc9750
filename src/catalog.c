/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  The extension's own tables, as SQL functions use them.
 *
 * Users have no privileges on these tables: SQL functions check what the
 * caller may do and then come here, where the tables are accessed as their
 * owner, usually a superuser.  Nothing the caller has made may run then, so
 * the search path is fixed while a statement is parsed and executed.  An error
 * in between restores the caller's identity and settings, since the abort of
 * the (sub)transaction does.
 *
 * Runs in ordinary backends.  Results are palloc'ed in the caller's memory
 * context.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/catalog.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "cdc_emit.h"
#include "compat.h"
#include "config.h"
#include "kafka_properties.h"
#include "options.h"
#include "shmem.h"

static Oid
catalog_owner(void)
{
	Oid			relid = get_relname_relid("subscription",
										  get_namespace_oid(CDC_NAME, false));
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("table \"%s.%s\" does not exist", CDC_NAME,
					   "subscription"),
				errhint("Use DROP EXTENSION cdc_emit and CREATE EXTENSION cdc_emit."));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

void
catalog_execute(const char *command, int nargs, Oid *argtypes, Datum *values,
				const char *nulls)
{
	Oid			owner = catalog_owner();
	Oid			save_userid;
	int			save_sec_context;
	int			save_nestlevel;

	GetUserIdAndSecContext(&save_userid, &save_sec_context);
	SetUserIdAndSecContext(owner, save_sec_context |
						   SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	save_nestlevel = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	if (SPI_execute_with_args(command, nargs, argtypes, values, nulls,
							  false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", command);
	AtEOXact_GUC(false, save_nestlevel);
	SetUserIdAndSecContext(save_userid, save_sec_context);
}

/* A column of a row of the result; none of ours may be null. */
static Datum
get_column(uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, column, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null value in table \"%s.%s\"", CDC_NAME,
			 "subscription");
	return value;
}

static List *
name_array_to_list(ArrayType *array)
{
	List	   *names = NIL;
	Datum	   *elements;
	int			nelements;

	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elements, NULL, &nelements);
	for (int i = 0; i < nelements; i++)
		names = lappend(names, pstrdup(NameStr(*DatumGetName(elements[i]))));
	return names;
}

static List *
make_skipped_list(ArrayType *commit_lsns, ArrayType *xids)
{
	List	   *result = NIL;
	Datum	   *lsns;
	Datum	   *ids;
	int			nlsns;
	int			nids;

	deconstruct_array(commit_lsns, LSNOID, sizeof(XLogRecPtr),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &lsns, NULL, &nlsns);
	deconstruct_array(xids, XIDOID, sizeof(TransactionId), true,
					  TYPALIGN_INT, &ids, NULL, &nids);
	for (int i = 0; i < Min(nlsns, nids); i++)
	{
		SkippedTransaction *skipped = palloc(sizeof(SkippedTransaction));

		skipped->commit_lsn = DatumGetLSN(lsns[i]);
		skipped->xid = DatumGetTransactionId(ids[i]);
		result = lappend(result, skipped);
	}
	return result;
}

/* Caller is in the memory context the result shall live in. */
static SubscriptionRow *
copy_row(uint64 number)
{
	SubscriptionRow *row = palloc0(sizeof(SubscriptionRow));

	row->subid = DatumGetInt64(get_column(number, 1));
	row->name = *DatumGetName(get_column(number, 2));
	row->owner = DatumGetObjectId(get_column(number, 3));
	row->server = *DatumGetName(get_column(number, 4));
	row->publications =
		name_array_to_list(DatumGetArrayTypeP(get_column(number, 5)));
	row->options = DatumGetJsonbPCopy(get_column(number, 6));
	row->enabled = DatumGetBool(get_column(number, 7));
	row->slot_name = *DatumGetName(get_column(number, 8));
	row->slot_created = DatumGetBool(get_column(number, 9));
	row->xmin = DatumGetTransactionId(get_column(number, 10));
	row->skipped =
		make_skipped_list(DatumGetArrayTypeP(get_column(number, 11)),
						  DatumGetArrayTypeP(get_column(number, 12)));
	row->slot_dropped = DatumGetBool(get_column(number, 13));
	row->system_identifier = (uint64) DatumGetInt64(get_column(number, 14));
	return row;
}

/*
 * Those that a worker may still meet are among the newest: it confirms what
 * is before a transaction that cannot be published.
 */
#define SKIPPED_COLUMN(column) \
	"ARRAY(SELECT k." column " FROM cdc_emit.skipped_transaction k " \
	"WHERE k.subid OPERATOR(pg_catalog.=) subscription.subid " \
	"ORDER BY k.skipped_at DESC, k.commit_lsn DESC LIMIT 32)"

#define SELECT_SUBSCRIPTION \
	"SELECT subid, subname, subowner, subserver, subpublications, " \
	"suboptions, subenabled, subslotname, subslotcreated, xmin, " \
	SKIPPED_COLUMN("commit_lsn") ", " SKIPPED_COLUMN("xid") ", " \
	"EXISTS (SELECT FROM cdc_emit.slot_drop d " \
	"WHERE d.slot_name OPERATOR(pg_catalog.=) subslotname), subsystem " \
	"FROM cdc_emit.subscription "
#define SELECT_BY_NAME \
	SELECT_SUBSCRIPTION "WHERE subname OPERATOR(pg_catalog.=) $1"

SubscriptionRow *
catalog_get_subscription(Name name, bool lock)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			argtypes[] = {NAMEOID};
	Datum		values[] = {NameGetDatum(name)};
	SubscriptionRow *row;

	SPI_connect();
	catalog_execute(lock ? SELECT_BY_NAME " FOR UPDATE" : SELECT_BY_NAME,
					1, argtypes, values, NULL);
	if (SPI_processed == 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("subscription \"%s\" does not exist", NameStr(*name)));
	MemoryContextSwitchTo(context);
	row = copy_row(0);
	SPI_finish();
	return row;
}

void
catalog_check_owner(const SubscriptionRow *row)
{
	if (!superuser() && !has_privs_of_role(GetUserId(), row->owner))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("must be owner of subscription \"%s\"",
					   NameStr(row->name)));
}

List *
catalog_list_subscriptions(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *subscriptions = NIL;

	SPI_connect();
	catalog_execute(SELECT_SUBSCRIPTION "ORDER BY subid", 0, NULL, NULL, NULL);
	MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
		subscriptions = lappend(subscriptions, copy_row(i));
	SPI_finish();
	return subscriptions;
}

List *
catalog_list_dropped_slots(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *slots = NIL;

	SPI_connect();
	catalog_execute("SELECT slotname FROM cdc_emit.dropped_slot",
					0, NULL, NULL, NULL);
	MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
		slots = lappend(slots,
						pstrdup(NameStr(*DatumGetName(get_column(i, 1)))));
	SPI_finish();
	return slots;
}

int64
catalog_count_subscriptions(void)
{
	int64		count;

	SPI_connect();
	catalog_execute("SELECT pg_catalog.count(*) FROM cdc_emit.subscription",
					0, NULL, NULL, NULL);
	count = DatumGetInt64(get_column(0, 1));
	SPI_finish();
	return count;
}

/* Roles are shared, and core does not know that this one is in use. */
static void
check_owner_exists(const SubscriptionRow *row)
{
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(row->owner)))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("owner of subscription \"%s\" does not exist",
					   NameStr(row->name)),
				errhint("A superuser can drop the subscription with cdc_emit.drop_subscription() and create it anew."));
}

/* The embedded broker knows neither abort nor fencing. */
static void
check_delivery(const SubscriptionRow *row, const List *properties)
{
	const ListCell *lc;

	if (options_from_jsonb(row->options)->delivery != DELIVERY_EXACTLY_ONCE)
		return;
	foreach(lc, properties)
	{
		const NameValue *property = lfirst(lc);

		if (strcmp(property->name, "test.mock.num.brokers") == 0)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("the embedded broker does not support exactly-once delivery"),
					errdetail("Server \"%s\" has option \"test_mock_num_brokers\".",
							  NameStr(row->server)),
					errhint("Use delivery = at_least_once, or a server with bootstrap_servers."));
	}
}

void
catalog_serialize_config(const SubscriptionRow *row, StringInfo buf)
{
	SubscriptionConfig config = {0};

	check_owner_exists(row);
	config.owner = row->owner;
	config.publications = row->publications;
	config.skipped = row->skipped;
	config.options = JsonbToCString(NULL, &row->options->root,
									VARSIZE(row->options));
	config.properties = kafka_properties_for_server(NameStr(row->server),
													row->owner);
	check_delivery(row, config.properties);
	config_serialize(&config, buf);

	if (buf->len > CDC_CONFIG_SIZE)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("publications, options and server properties take %d bytes, only %d are allowed",
					   buf->len, CDC_CONFIG_SIZE));
}
