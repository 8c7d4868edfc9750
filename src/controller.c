/*-------------------------------------------------------------------------
 *
 * controller.c
 *	  The process that reads the catalog of one database.
 *
 * A short-lived background worker, started by the launcher when something in
 * a database may have changed.  It
 *
 *	1. reads the subscriptions, their servers and user mappings, and puts them
 *	   into shared memory for the launcher and the workers;
 *	2. records in the catalog which slots the workers have created;
 *	3. drops the slots of dropped subscriptions, of all subscriptions when the
 *	   extension itself was dropped, and those that retain too much WAL.
 *
 * It exists because a process that decodes must not read catalogs through
 * ordinary snapshots.  It runs one transaction for reading, under a memory
 * context of its own, then short ones.  There is one controller at a time in
 * the cluster, so it does not wait long for locks: it fails, and the launcher
 * tries again.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/controller.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "cdc_emit.h"
#include "compat.h"
#include "controller.h"
#include "fault.h"
#include "options.h"
#include "shmem.h"
#include "slot.h"
#include "slot_watch.h"

/* A row of cdc_emit.subscription, and what follows from it. */
typedef struct CatalogSubscription
{
	SubscriptionRow *row;
	StringInfoData config;		/* empty if there is an error */
	int64		max_retained_wal;
	int			max_retained_wal_action;
	ErrorData  *error;			/* NULL: configuration is complete */
} CatalogSubscription;

/* All that one visit needs to know. */
typedef struct CatalogState
{
	bool		has_extension;
	List	   *subscriptions;	/* of CatalogSubscription * */
	List	   *dropped_slots;	/* of char * */
	bool		slot_busy;		/* one of them could not be dropped yet */
} CatalogState;

/* A slot that has to go because it retains too much */
typedef struct SlotOverLimit
{
	int64		subid;
	NameData	name;
	NameData	slot_name;
	int64		limit;
} SlotOverLimit;

static void
controller_exit(int code, Datum arg)
{
	LWLockReleaseAll();
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	if (cdc_shared->controller_pid == MyProcPid)
		cdc_shared->controller_pid = 0;
	LWLockRelease(cdc_shared->lock);
}

static void
controller_attach(Oid dboid)
{
	bool		dropping;

	before_shmem_exit(controller_exit, (Datum) 0);
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	dropping = shmem_database_is_dropping(dboid);
	cdc_shared->controller_pid = MyProcPid;
	LWLockRelease(cdc_shared->lock);

	/* not done: the launcher tries again if the database stays */
	if (dropping)
		proc_exit(1);
}

/* Settings of the database or the role must not get in our way. */
static void
controller_settings(void)
{
	static const char *const settings[][2] = {
		{"search_path", "pg_catalog, pg_temp"},
		{"synchronous_commit", "local"},
		{"statement_timeout", "0"},
		{"lock_timeout", "1s"}, /* others wait for us; we are tried again */
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"row_security", "off"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1],
						PGC_SUSET, PGC_S_OVERRIDE);
	if (GetConfigOption("transaction_timeout", true, false) != NULL)
		SetConfigOption("transaction_timeout", "0",
						PGC_SUSET, PGC_S_OVERRIDE);
}

static void
read_limits(CatalogSubscription *sub)
{
	SubscriptionOptions *options = options_from_jsonb(sub->row->options);

	sub->max_retained_wal = options->max_retained_wal;
	sub->max_retained_wal_action = options->max_retained_wal_action;
}

/*
 * A catalog that came with a dump or with pg_upgrade says that a worker
 * should run, but it said so for another cluster.
 */
static void
check_system(const SubscriptionRow *row)
{
	uint64		system = GetSystemIdentifier();
	const char *name = NameStr(row->name);

	if (row->system_identifier != system)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("subscription \"%s\" belongs to another database cluster",
					   name),
				errdetail("Its system identifier is " UINT64_FORMAT ", that of this cluster is " UINT64_FORMAT ": this is a copy, or pg_upgrade was used.",
						  row->system_identifier, system),
				errhint("Use SELECT cdc_emit.drop_subscription(%s) in a copy; to publish from here from now on, use SELECT cdc_emit.enable_subscription(%s).",
						quote_literal_cstr(name), quote_literal_cstr(name)));
}

/*
 * The configuration a worker needs.  A mistake in it (a server that is gone)
 * is the subscription's error, not the controller's: others go on.
 */
static void
make_config(CatalogSubscription *sub)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resowner = CurrentResourceOwner;

	initStringInfo(&sub->config);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		read_limits(sub);
		check_system(sub->row);
		catalog_serialize_config(sub->row, &sub->config);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		sub->error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		resetStringInfo(&sub->config);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = resowner;
}

/*
 * Read everything in one transaction.  The result lives in the caller's
 * memory context.
 */
static CatalogState *
read_catalog(void)
{
	MemoryContext context = CurrentMemoryContext;
	CatalogState *state = palloc0(sizeof(CatalogState));

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(context);
	state->has_extension = OidIsValid(get_extension_oid(CDC_NAME, true));
	if (state->has_extension)
	{
		ListCell   *lc;

		foreach(lc, catalog_list_subscriptions())
		{
			CatalogSubscription *sub = palloc0(sizeof(CatalogSubscription));

			sub->row = lfirst(lc);
			make_config(sub);
			state->subscriptions = lappend(state->subscriptions, sub);
		}
		state->dropped_slots = catalog_list_dropped_slots();
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return state;
}

/*
 * Any update of the row lets a paused subscription go on, until the slot
 * retains less than the limit again.  Another action applies at once.
 */
static void
publish_limits(SubscriptionShared *entry, const CatalogSubscription *sub)
{
	bool		same_action;

	same_action = entry->max_retained_wal_action ==
		sub->max_retained_wal_action;
	if (entry->retention == RETENTION_TOLERATED && !same_action)
		entry->retention = RETENTION_EXCEEDED;
	else if (entry->retention == RETENTION_EXCEEDED && same_action &&
			 entry->max_retained_wal_action == RETENTION_PAUSE &&
			 entry->row_xmin != sub->row->xmin)
		entry->retention = RETENTION_TOLERATED;
	entry->max_retained_wal = sub->max_retained_wal;
	entry->max_retained_wal_action = sub->max_retained_wal_action;
	entry->slot_watched = false;
}

/*
 * Bring one entry up to date; caller holds the lock exclusively.  False if
 * there is no entry for it.
 */
static bool
publish_subscription(CatalogSubscription *sub)
{
	const SubscriptionRow *row = sub->row;
	SubscriptionShared *entry = shmem_find(MyDatabaseId, row->subid);
	bool		changed;

	if (entry == NULL)
		entry = shmem_allocate(MyDatabaseId, row->subid);
	if (entry == NULL)
		return false;

	/* an update of the row is the way to start one again that has failed */
	changed = entry->config_size != sub->config.len ||
		memcmp(entry->config, sub->config.data, sub->config.len) != 0 ||
		(row->enabled && !entry->enabled) ||
		(entry->state == SUBSCRIPTION_FAILED && entry->row_xmin != row->xmin);
	entry->name = row->name;
	entry->slot_name = row->slot_name;
	entry->enabled = row->enabled;
	entry->slot_created = row->slot_created;
	entry->slot_dropped = row->slot_dropped;
	publish_limits(entry, sub);
	entry->row_xmin = row->xmin;
	if (changed)
	{
		entry->generation++;
		entry->config_size = sub->config.len;
		memcpy(entry->config, sub->config.data, sub->config.len);
		entry->next_start = 0;
		entry->restart_delay = 0;
		entry->failure_count = 0;
		entry->position_writer = 0;
	}
	if (sub->error && row->enabled)
	{
		shmem_set_error_text(entry, sub->error->sqlerrcode,
							 sub->error->message, sub->error->detail,
							 sub->error->hint);
		shmem_set_state(entry, SUBSCRIPTION_FAILED);
	}
	else if (changed && entry->worker_pid == 0)
		shmem_set_state(entry, entry->enabled ? SUBSCRIPTION_STARTING :
						SUBSCRIPTION_DISABLED);
	return true;
}

static bool
name_in_list(const char *name, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(name, lfirst(lc)) == 0)
			return true;
	}
	return false;
}

static bool
subscription_in_catalog(int64 subid, CatalogState *state)
{
	ListCell   *lc;

	foreach(lc, state->subscriptions)
	{
		CatalogSubscription *sub = lfirst(lc);

		if (sub->row->subid == subid)
			return true;
	}
	return false;
}

/* Put what the catalog says into shared memory. */
static void
publish_catalog(CatalogState *state)
{
	ListCell   *lc;
	int			nmissing = 0;

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		SubscriptionShared *entry = &cdc_shared->subscriptions[i];

		if (!entry->in_use || entry->dboid != MyDatabaseId ||
			entry->removed || subscription_in_catalog(entry->subid, state))
			continue;
		entry->removed = true;
		entry->enabled = false;
		entry->next_start = 0;
		entry->drop_slot = !state->has_extension ||
			name_in_list(NameStr(entry->slot_name), state->dropped_slots);
	}
	foreach(lc, state->subscriptions)
	{
		if (!publish_subscription(lfirst(lc)))
			nmissing++;
	}
	LWLockRelease(cdc_shared->lock);

	if (nmissing > 0)
		ereport(LOG,
				errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("%d subscriptions cannot run: all %d entries for subscriptions are in use",
					   nmissing, cdc_shared->nsubscriptions),
				errhint("Increase \"%s\" and restart the server.",
						"cdc_emit.max_subscriptions"));
}

/* Does a worker run, or might one start, that uses this slot? */
static bool
slot_has_worker(const char *slot_name)
{
	bool		result = false;

	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		SubscriptionShared *entry = &cdc_shared->subscriptions[i];

		if (entry->in_use && entry->worker_pid != 0 &&
			strcmp(NameStr(entry->slot_name), slot_name) == 0)
			result = true;
	}
	LWLockRelease(cdc_shared->lock);
	return result;
}

/*
 * Drop a slot of ours.  True if it is gone, whoever dropped it; false if some
 * process has it.  A slot of another plugin or database that happens to have
 * the name is left alone and counts as gone.
 */
static bool
drop_slot(const char *slot_name)
{
	switch (slot_status(slot_name, MyDatabaseId))
	{
		case SLOT_ABSENT:
		case SLOT_FOREIGN:
			return true;
		case SLOT_IN_USE:
			return false;
		case SLOT_USABLE:
		case SLOT_INVALIDATED:
			break;
	}
	if (slot_has_worker(slot_name))
		return false;

	ReplicationSlotDrop(slot_name, true);
	ereport(LOG, errmsg("dropped replication slot \"%s\"", slot_name));
	return true;
}

/*
 * Without the extension there are no subscriptions, so slots with our names
 * are left over: by DROP EXTENSION followed by a crash, say.
 */
static void
drop_leftover_slots(CatalogState *state)
{
	char	   *prefix = psprintf(CDC_NAME "_%u_", MyDatabaseId);
	List	   *names = NIL;
	ListCell   *lc;

	if (state->has_extension)
		return;

	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];

		if (slot->in_use &&
			strncmp(NameStr(slot->data.name), prefix, strlen(prefix)) == 0)
			names = lappend(names, pstrdup(NameStr(slot->data.name)));
	}
	LWLockRelease(ReplicationSlotControlLock);

	foreach(lc, names)
	{
		CHECK_FOR_INTERRUPTS();
		if (!drop_slot(lfirst(lc)))
			state->slot_busy = true;
	}
}

/* Execute a command with one parameter, in a transaction of its own. */
static void
execute_in_transaction(const char *command, Oid argtype, Datum arg)
{
	MemoryContext context = CurrentMemoryContext;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	catalog_execute(command, 1, &argtype, &arg, NULL);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
}

static void
drop_slots_in_catalog(CatalogState *state)
{
	ListCell   *lc;

	foreach(lc, state->dropped_slots)
	{
		NameData	slot_name;

		CHECK_FOR_INTERRUPTS();
		namestrcpy(&slot_name, lfirst(lc));
		if (drop_slot(NameStr(slot_name)))
			execute_in_transaction("DELETE FROM cdc_emit.dropped_slot "
								   "WHERE slotname OPERATOR(pg_catalog.=) $1",
								   NAMEOID, NameGetDatum(&slot_name));
		else
			state->slot_busy = true;
	}
}

/* ----------------------------------------------------------------
 *		slots that retain too much WAL
 * ----------------------------------------------------------------
 */

/*
 * The record is written first: a crash in between leaves a slot that is
 * dropped later, with another record, but never one that is gone without.
 */
static void
record_and_drop(const SlotOverLimit *over, const SlotInfo *info)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			argtypes[] = {INT8OID, NAMEOID, NAMEOID, LSNOID, LSNOID,
	INT8OID, INT8OID};
	Datum		values[] = {Int64GetDatum(over->subid),
		NameGetDatum(&over->name),
		NameGetDatum(&over->slot_name),
		LSNGetDatum(info->restart_lsn),
		LSNGetDatum(info->confirmed_lsn),
		Int64GetDatum((int64) info->retained_wal),
	Int64GetDatum(over->limit)};

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	catalog_execute("INSERT INTO cdc_emit.slot_drop (subid, subscription, "
					"slot_name, restart_lsn, confirmed_lsn, "
					"retained_wal_bytes, max_retained_wal) "
					"VALUES ($1, $2, $3, $4, $5, $6, $7)",
					lengthof(argtypes), argtypes, values, NULL);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	FAULT_POINT("before_slot_drop");
	ReplicationSlotDrop(NameStr(over->slot_name), true);
	FAULT_POINT("after_slot_drop");
	ereport(LOG,
			errmsg("dropped replication slot \"%s\" of subscription \"%s\", which retained " UINT64_FORMAT " bytes of WAL",
				   NameStr(over->slot_name), NameStr(over->name),
				   info->retained_wal),
			errdetail("Changes committed after %X/%X were not published.",
					  LSN_FORMAT_ARGS(info->confirmed_lsn)));
}

/* What the launcher has decided; false if nothing. */
static bool
get_slot_over_limit(SubscriptionShared *entry, SlotOverLimit *over)
{
	bool		result;

	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	result = entry->in_use && entry->dboid == MyDatabaseId &&
		!entry->removed && entry->worker_pid == 0 && slot_watch_drops(entry);
	over->subid = entry->subid;
	over->name = entry->name;
	over->slot_name = entry->slot_name;
	over->limit = entry->max_retained_wal;
	LWLockRelease(cdc_shared->lock);
	return result;
}

static void
forget_slot_over_limit(const SlotOverLimit *over, bool dropped)
{
	SubscriptionShared *entry;

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	entry = shmem_find(MyDatabaseId, over->subid);
	if (entry != NULL)
	{
		entry->retention = RETENTION_WITHIN_LIMIT;
		entry->next_start = 0;
		entry->slot_dropped |= dropped;
	}
	LWLockRelease(cdc_shared->lock);
	shmem_wake_launcher();
}

/*
 * The slot may have moved since the launcher looked: the worker confirms what
 * it can when it ends.
 */
static void
drop_slots_over_limit(CatalogState *state)
{
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		SlotOverLimit over;
		SlotInfo	info;

		if (!get_slot_over_limit(&cdc_shared->subscriptions[i], &over))
			continue;
		slot_look_up(NameStr(over.slot_name), MyDatabaseId, &info);
		if (info.status == SLOT_IN_USE)
		{
			state->slot_busy = true;
			continue;
		}
		if (info.status == SLOT_USABLE && info.retained_wal > over.limit)
		{
			record_and_drop(&over, &info);
			forget_slot_over_limit(&over, true);
		}
		else
			forget_slot_over_limit(&over, false);
	}
}

/* Entries whose subscription is gone: drop the slot, free the entry. */
static void
remove_entries(void)
{
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		SubscriptionShared *entry = &cdc_shared->subscriptions[i];
		NameData	slot_name;
		bool		idle;
		bool		drop;

		LWLockAcquire(cdc_shared->lock, LW_SHARED);
		idle = entry->in_use && entry->dboid == MyDatabaseId &&
			entry->removed && entry->worker_pid == 0;
		drop = entry->drop_slot;
		slot_name = entry->slot_name;
		LWLockRelease(cdc_shared->lock);

		if (!idle || (drop && !drop_slot(NameStr(slot_name))))
			continue;

		LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
		if (entry->in_use && entry->removed && entry->worker_pid == 0)
			shmem_free(entry);
		LWLockRelease(cdc_shared->lock);
	}
}

/* Record in the catalog which slots exist now. */
static void
record_created_slots(CatalogState *state)
{
	ListCell   *lc;

	foreach(lc, state->subscriptions)
	{
		CatalogSubscription *sub = lfirst(lc);
		SubscriptionShared *entry;
		bool		created;

		if (sub->row->slot_created)
			continue;
		LWLockAcquire(cdc_shared->lock, LW_SHARED);
		entry = shmem_find(MyDatabaseId, sub->row->subid);
		created = entry != NULL && entry->worker_has_slot;
		LWLockRelease(cdc_shared->lock);
		if (!created)
			continue;

		FAULT_POINT("before_slot_recorded");
		execute_in_transaction("UPDATE cdc_emit.subscription "
							   "SET subslotcreated = true "
							   "WHERE subid OPERATOR(pg_catalog.=) $1",
							   INT8OID, Int64GetDatum(sub->row->subid));

		LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
		entry = shmem_find(MyDatabaseId, sub->row->subid);
		if (entry != NULL)
			entry->slot_created = true;
		LWLockRelease(cdc_shared->lock);
	}
}

void
controller_main(Datum main_arg)
{
	Oid			dboid = DatumGetObjectId(main_arg);
	MemoryContext context;
	CatalogState *state;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	controller_attach(dboid);
	BackgroundWorkerInitializeConnectionByOid(dboid, InvalidOid, 0);
	controller_settings();

	context = AllocSetContextCreate(TopMemoryContext, "cdc_emit controller",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);

	state = read_catalog();
	publish_catalog(state);
	record_created_slots(state);
	drop_slots_over_limit(state);
	drop_slots_in_catalog(state);
	drop_leftover_slots(state);
	remove_entries();

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	cdc_shared->controller_done = !state->slot_busy;
	LWLockRelease(cdc_shared->lock);
	proc_exit(0);
}
