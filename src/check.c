/*-------------------------------------------------------------------------
 *
 * check.c
 *	  SQL function check(): is the server set up for cdc_emit?
 *
 * One row per prerequisite.  It runs in ordinary backends as the caller,
 * except that our own tables are read as their owner, and works also where
 * the library was not preloaded: that is one of the things it tells.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/check.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "catalog.h"
#include "cdc_emit.h"
#include "check.h"
#include "compat.h"
#include "producer.h"
#include "shmem.h"

/* The launcher, and one controller at a time. */
#define OWN_PROCESSES 2

CDC_FUNCTION_INFO_V1(cdc_emit_check);

void
check_add_row(ReturnSetInfo *rsinfo, const char *item, bool ok,
			  const char *detail, const char *remedy)
{
	Datum		values[4];
	bool		nulls[4] = {0};

	values[0] = CStringGetTextDatum(item);
	values[1] = BoolGetDatum(ok);
	values[2] = CStringGetTextDatum(detail);
	values[3] = (Datum) 0;
	nulls[3] = remedy == NULL;
	if (remedy != NULL)
		values[3] = CStringGetTextDatum(remedy);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* A setting as SHOW shows it, with its unit. */
static const char *
show_setting(const char *name)
{
	return GetConfigOptionByName(name, NULL, false);
}

/*
 * The only value, a bigint, of a query over catalogs and our own tables; $1
 * is the OID of the database.
 */
static int64
query_count(const char *query)
{
	Oid			argtypes[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(MyDatabaseId)};
	bool		isnull;
	int64		count;

	SPI_connect();
	catalog_execute(query, 1, argtypes, values, NULL);
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return count;
}

static void
check_preload(ReturnSetInfo *rsinfo)
{
	if (cdc_shared != NULL)
		check_add_row(rsinfo, "shared_preload_libraries", true,
					  "cdc_emit is loaded", NULL);
	else
		check_add_row(rsinfo, "shared_preload_libraries", false,
					  "cdc_emit was not loaded at server start, so nothing is published",
					  "add cdc_emit to shared_preload_libraries in postgresql.conf, and restart the server");
}

static void
check_enabled(ReturnSetInfo *rsinfo)
{
	if (cdc_shared == NULL)
		return;
	if (cdc_enabled)
		check_add_row(rsinfo, "cdc_emit.enabled", true, "on", NULL);
	else
		check_add_row(rsinfo, "cdc_emit.enabled", false,
					  "off: no worker of this cluster runs",
					  "ALTER SYSTEM SET cdc_emit.enabled = on; SELECT pg_reload_conf();");
}

static void
check_wal_level(ReturnSetInfo *rsinfo)
{
	bool		ok = cdc_wal_level_allows_decoding();

	check_add_row(rsinfo, "wal_level", ok, show_setting("wal_level"),
				  ok ? NULL :
				  "ALTER SYSTEM SET wal_level = logical; and restart the server");
}

/* Slots are needed for subscriptions that have none yet, or the next one. */
static void
check_slots(ReturnSetInfo *rsinfo)
{
	int64		used = query_count("SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots");
	int64		needed = query_count("SELECT pg_catalog.count(*) FROM cdc_emit.subscription "
									 "WHERE NOT subslotcreated AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots r "
									 "WHERE r.slot_name OPERATOR(pg_catalog.=) subslotname)");
	bool		ok = used + needed <= max_replication_slots &&
		max_replication_slots > 0;

	check_add_row(rsinfo, "max_replication_slots", ok,
				  psprintf(INT64_FORMAT " of %d in use, and " INT64_FORMAT " needed for subscriptions that have none yet",
						   used, max_replication_slots, needed),
				  ok ? NULL :
				  psprintf("ALTER SYSTEM SET max_replication_slots = " INT64_FORMAT "; and restart the server",
						   used + Max(needed, 1) + 4));
}

/* Enabled subscriptions of the cluster, as far as they are known. */
static int
count_enabled(void)
{
	int			count = 0;

	if (cdc_shared == NULL)
		return 0;
	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		if (cdc_shared->subscriptions[i].in_use &&
			cdc_shared->subscriptions[i].enabled)
			count++;
	}
	LWLockRelease(cdc_shared->lock);
	return count;
}

/*
 * How many background workers others have is not known, but what core may
 * use is; parallel queries make do with fewer.
 */
static void
check_worker_processes(ReturnSetInfo *rsinfo)
{
	int			ours = OWN_PROCESSES + count_enabled();
	bool		ok = ours < max_worker_processes;

	check_add_row(rsinfo, "max_worker_processes", ok,
				  psprintf("%d, of which cdc_emit needs %d: one per enabled subscription and %d more; parallel queries take up to %s, logical replication up to %s",
						   max_worker_processes, ours, OWN_PROCESSES,
						   show_setting("max_parallel_workers"),
						   show_setting("max_logical_replication_workers")),
				  ok ? NULL :
				  psprintf("ALTER SYSTEM SET max_worker_processes = %d; and restart the server",
						   ours + 8));
}

static void
check_max_subscriptions(ReturnSetInfo *rsinfo)
{
	int			used = 0;
	bool		ok;

	if (cdc_shared == NULL)
		return;
	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
		used += cdc_shared->subscriptions[i].in_use ? 1 : 0;
	LWLockRelease(cdc_shared->lock);

	ok = used < cdc_shared->nsubscriptions;
	check_add_row(rsinfo, "cdc_emit.max_subscriptions", ok,
				  psprintf("%d of %d in use", used, cdc_shared->nsubscriptions),
				  ok ? NULL :
				  psprintf("ALTER SYSTEM SET cdc_emit.max_subscriptions = %d; and restart the server",
						   cdc_shared->nsubscriptions * 2));
}

/* A flush of WAL wakes workers by the means that wake walsenders. */
static void
check_wal_senders(ReturnSetInfo *rsinfo)
{
	bool		ok = max_wal_senders > 0;

	check_add_row(rsinfo, "max_wal_senders", ok,
				  ok ? show_setting("max_wal_senders") :
				  "0: workers are not woken by commits and have to poll",
				  ok ? NULL :
				  "ALTER SYSTEM SET max_wal_senders = 10; and restart the server");
}

static void
check_keep_size(ReturnSetInfo *rsinfo)
{
	const char *size = show_setting("max_slot_wal_keep_size");

	if (strcmp(size, "-1") == 0)
		check_add_row(rsinfo, "max_slot_wal_keep_size", true,
					  "no limit: while Kafka is away, WAL is kept until the disk is full",
					  NULL);
	else
		check_add_row(rsinfo, "max_slot_wal_keep_size", true,
					  psprintf("%s: if Kafka is away for longer than that much WAL lasts, the slot is lost and the subscription has to start anew",
							   size),
					  NULL);
}

static bool
plugin_is_listed(const char *libraries)
{
	List	   *names;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(libraries), ',', &names))
		return false;
	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), CDC_NAME) == 0 || strcmp(lfirst(lc), "*") == 0)
			return true;
	}
	return false;
}

/* Never wrong: workers list the plugin for themselves. */
static void
check_plugin_libraries(ReturnSetInfo *rsinfo)
{
	const char *libraries = GetConfigOption("output_plugin_libraries", true,
											false);

	if (libraries == NULL)
		check_add_row(rsinfo, "output_plugin_libraries", true,
					  "this version has no such setting", NULL);
	else if (plugin_is_listed(libraries))
		check_add_row(rsinfo, "output_plugin_libraries", true,
					  "cdc_emit is listed", NULL);
	else
		check_add_row(rsinfo, "output_plugin_libraries", true,
					  "cdc_emit is not listed; subscriptions do not need it, but pg_upgrade, "
					  "pg_create_logical_replication_slot() and pg_recvlogical do",
					  psprintf("ALTER SYSTEM SET output_plugin_libraries = %s%scdc_emit; SELECT pg_reload_conf();",
							   libraries, libraries[0] == '\0' ? "" : ", "));
}

/*
 * The producer's own check raises an error, which here is an answer.  It does
 * nothing that would have to be undone, so no subtransaction is needed.
 */
static void
check_library(ReturnSetInfo *rsinfo)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool ok = true;

	PG_TRY();
	{
		producer_check_library();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		ok = false;
	}
	PG_END_TRY();

	check_add_row(rsinfo, "librdkafka", ok, producer_library_version(),
				  ok ? NULL : "install librdkafka 2.0.2 or newer, and restart the server");
}

/* Slots with our name and plugin that belong to no subscription. */
static void
check_orphaned_slots(ReturnSetInfo *rsinfo)
{
	static const char *const query =
		"SELECT pg_catalog.string_agg(r.slot_name::pg_catalog.text, ', ' ORDER BY r.slot_name), "
		"pg_catalog.string_agg(pg_catalog.format('SELECT pg_drop_replication_slot(%L);', r.slot_name), ' ' ORDER BY r.slot_name) "
		"FROM pg_catalog.pg_replication_slots r "
		"WHERE r.plugin OPERATOR(pg_catalog.=) 'cdc_emit' AND r.datoid OPERATOR(pg_catalog.=) $1 "
		"AND pg_catalog.starts_with(r.slot_name::pg_catalog.text, pg_catalog.format('cdc_emit_%s_', $1)) "
		"AND NOT EXISTS (SELECT FROM cdc_emit.subscription s WHERE s.subslotname OPERATOR(pg_catalog.=) r.slot_name) "
		"AND NOT EXISTS (SELECT FROM cdc_emit.dropped_slot d WHERE d.slotname OPERATOR(pg_catalog.=) r.slot_name)";
	MemoryContext context = CurrentMemoryContext;
	Oid			argtypes[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(MyDatabaseId)};
	char	   *slots;
	char	   *remedy = NULL;

	SPI_connect();
	catalog_execute(query, 1, argtypes, values, NULL);
	slots = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (slots != NULL)
	{
		remedy = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
		slots = MemoryContextStrdup(context, slots);
		remedy = MemoryContextStrdup(context, remedy);
	}
	SPI_finish();

	if (slots == NULL)
		check_add_row(rsinfo, "orphaned slots", true, "none", NULL);
	else
		check_add_row(rsinfo, "orphaned slots", false,
					  psprintf("they hold WAL and belong to no subscription: %s",
							   slots),
					  remedy);
}

Datum
cdc_emit_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	check_preload(rsinfo);
	check_enabled(rsinfo);
	check_max_subscriptions(rsinfo);
	check_wal_level(rsinfo);
	check_slots(rsinfo);
	check_worker_processes(rsinfo);
	check_wal_senders(rsinfo);
	check_keep_size(rsinfo);
	check_plugin_libraries(rsinfo);
	check_library(rsinfo);
	check_orphaned_slots(rsinfo);
	PG_RETURN_NULL();
}
