/*-------------------------------------------------------------------------
 *
 * skip.c
 *	  SQL function to go past a transaction that cannot be published.
 *
 * What is skipped is lost for consumers, so it has to be what the
 * administrator has seen to fail: the transaction of the subscription's last
 * error, named by its LSN, and not yet acknowledged by Kafka.  The record says
 * who skipped what and why; the worker finds it in its configuration and
 * leaves out a transaction only if the LSN of its commit and its transaction
 * id are the recorded ones.  A logical message outside of transactions counts
 * as one without transaction id.
 *
 * Runs in ordinary backends as the caller.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/skip.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"

#include "catalog.h"
#include "cdc_emit.h"
#include "compat.h"
#include "shmem.h"

CDC_FUNCTION_INFO_V1(cdc_emit_skip_transaction);

/* What shared memory knows of the failure. */
typedef struct FailedTransaction
{
	SubscriptionError error;
	XLogRecPtr	delivered;		/* Kafka has everything before it */
} FailedTransaction;

static void
check_not_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be null", name));
}

static void
get_failure(int64 subid, FailedTransaction *failed)
{
	SubscriptionShared *entry;

	memset(failed, 0, sizeof(*failed));
	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	entry = shmem_find(MyDatabaseId, subid);
	if (entry != NULL)
	{
		failed->error = entry->error;
		failed->delivered =
			Max(pg_atomic_read_u64(&entry->counters.acked_lsn),
				pg_atomic_read_u64(&entry->counters.confirmed_lsn));
	}
	LWLockRelease(cdc_shared->lock);
}

static void
check_failure(const char *name, const FailedTransaction *failed,
			  XLogRecPtr lsn)
{
	const SubscriptionError *error = &failed->error;

	if (error->time == 0 || !error->skippable)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("subscription \"%s\" has not failed within a transaction",
					   name),
				errhint("Only the transaction of the last error can be skipped; see last_error in cdc_emit.pg_stat_cdc_emit."));
	if (error->lsn != lsn)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("subscription \"%s\" has not failed at %X/%X", name,
					   LSN_FORMAT_ARGS(lsn)),
				errdetail("It has failed at %X/%X: %s",
						  LSN_FORMAT_ARGS(error->lsn), error->message),
				errhint("Only the transaction at last_error_lsn of cdc_emit.pg_stat_cdc_emit can be skipped."));
	if (failed->delivered > lsn)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the transaction that committed at %X/%X has been published",
					   LSN_FORMAT_ARGS(lsn)),
				errdetail("Kafka has acknowledged everything committed before %X/%X.",
						  LSN_FORMAT_ARGS(failed->delivered)));
}

/* The update of the row, which changes nothing, starts the worker again. */
static void
record_skip(const SubscriptionRow *row, const SubscriptionError *error)
{
	Oid			argtypes[] = {INT8OID, NAMEOID, LSNOID, XIDOID, REGROLEOID,
	TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	Datum		values[] = {Int64GetDatum(row->subid),
		NameGetDatum(&row->name),
		LSNGetDatum(error->lsn),
		TransactionIdGetDatum(error->xid),
		ObjectIdGetDatum(GetUserId()),
		CStringGetTextDatum(unpack_sql_state(error->sqlstate)),
		CStringGetTextDatum(error->message),
		CStringGetTextDatum(error->table),
	CStringGetTextDatum(error->key)};
	char		nulls[] = "         ";

	if (error->table[0] == '\0')
		nulls[7] = 'n';
	if (error->key[0] == '\0')
		nulls[8] = 'n';
	SPI_connect();
	catalog_execute("INSERT INTO cdc_emit.skipped_transaction "
					"(subid, subscription, commit_lsn, xid, skipped_by, "
					"error_sqlstate, error, error_table, error_key) "
					"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
					"ON CONFLICT DO NOTHING",
					lengthof(argtypes), argtypes, values, nulls);
	if (SPI_processed == 0)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("the transaction that committed at %X/%X is skipped already",
					   LSN_FORMAT_ARGS(error->lsn)));
	catalog_execute("UPDATE cdc_emit.subscription SET subenabled = subenabled "
					"WHERE subid OPERATOR(pg_catalog.=) $1",
					1, argtypes, values, NULL);
	SPI_finish();
}

Datum
cdc_emit_skip_transaction(PG_FUNCTION_ARGS)
{
	SubscriptionRow *row;
	FailedTransaction failed;

	shmem_require();
	check_not_null(fcinfo, 0, "subscription");
	check_not_null(fcinfo, 1, "lsn");
	row = catalog_get_subscription(PG_GETARG_NAME(0), true);
	catalog_check_owner(row);

	get_failure(row->subid, &failed);
	check_failure(NameStr(row->name), &failed, PG_GETARG_LSN(1));
	record_skip(row, &failed.error);
	PG_RETURN_VOID();
}
