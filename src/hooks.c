/*-------------------------------------------------------------------------
 *
 * hooks.c
 *	  Reactions of ordinary backends to DDL that concerns us.
 *
 *	- DROP DATABASE: core refuses while a slot of the database is active, and
 *	  it looks after the object access hook.  So the hook makes the workers of
 *	  that database leave and waits for it; if the command fails they come
 *	  back.
 *	- ALTER DATABASE SET TABLESPACE and RENAME, CREATE DATABASE TEMPLATE: they
 *	  want nobody to be connected.  Our workers are not what the command's
 *	  author should have to think of, so they leave in the same way and come
 *	  back afterwards.
 *	- CREATE DATABASE: the controller has to visit it, since its template may
 *	  have had subscriptions.
 *	- DROP EXTENSION, changes of servers and user mappings: the controller has
 *	  to look at the database again after commit.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/hooks.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "cdc_emit.h"
#include "compat.h"
#include "hooks.h"
#include "shmem.h"

/* How long DROP DATABASE waits for our processes, in ms. */
#define DROP_DATABASE_WAIT_MS	10000

static object_access_hook_type prev_object_access_hook = NULL;
static ProcessUtility_hook_type prev_process_utility_hook = NULL;

/* The database this transaction wants to have for itself. */
static Oid	dropping_dboid = InvalidOid;

/* A database that this transaction has created. */
static Oid	created_dboid = InvalidOid;
static bool xact_callback_registered = false;

/*
 * Let our processes start in the database again.  If it is gone, the launcher
 * notices.
 */
static void
end_dropping(Oid dboid)
{
	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < cdc_shared->ndropping; i++)
	{
		if (cdc_shared->dropping[i] == dboid)
		{
			cdc_shared->dropping[i] =
				cdc_shared->dropping[--cdc_shared->ndropping];
			break;
		}
	}
	LWLockRelease(cdc_shared->lock);

	shmem_mark_database(dboid);
}

static void
database_xact_callback(XactEvent event, void *arg)
{
	Oid			dropping = dropping_dboid;
	Oid			created = created_dboid;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT)
		return;
	dropping_dboid = created_dboid = InvalidOid;
	if (OidIsValid(dropping))
		end_dropping(dropping);
	if (OidIsValid(created) && event == XACT_EVENT_COMMIT)
		shmem_mark_database(created);
}

static void
database_exit_callback(int code, Datum arg)
{
	if (OidIsValid(dropping_dboid))
		database_xact_callback(XACT_EVENT_ABORT, NULL);
}

static void
register_callbacks(void)
{
	if (xact_callback_registered)
		return;
	RegisterXactCallback(database_xact_callback, NULL);
	before_shmem_exit(database_exit_callback, (Datum) 0);
	xact_callback_registered = true;
}

static void
begin_dropping(Oid dboid)
{
	bool		room;

	register_callbacks();

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	room = cdc_shared->ndropping < CDC_MAX_DROPPING_DATABASES;
	if (room)
		cdc_shared->dropping[cdc_shared->ndropping++] = dboid;
	LWLockRelease(cdc_shared->lock);

	if (!room)
		ereport(ERROR,
				errcode(ERRCODE_TOO_MANY_CONNECTIONS),
				errmsg("too many databases are being dropped at the same time"),
				errhint("Try again."));
	dropping_dboid = dboid;
}

/* Ask our processes of a database to leave; returns how many there are. */
static int
terminate_processes(Oid dboid)
{
	int			nprocesses = 0;

	LWLockAcquire(cdc_shared->lock, LW_SHARED);
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		SubscriptionShared *entry = &cdc_shared->subscriptions[i];

		if (entry->in_use && entry->dboid == dboid && entry->worker_pid != 0)
		{
			kill(entry->worker_pid, SIGTERM);
			nprocesses++;
		}
	}
	if (cdc_shared->controller_pid != 0 &&
		cdc_shared->controller_dboid == dboid)
	{
		kill(cdc_shared->controller_pid, SIGTERM);
		nprocesses++;
	}
	LWLockRelease(cdc_shared->lock);
	return nprocesses;
}

static void
release_database(Oid dboid)
{
	static uint32 wait_event = 0;
	TimestampTz deadline;

	begin_dropping(dboid);
	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
										   DROP_DATABASE_WAIT_MS);
	while (terminate_processes(dboid) > 0 && GetCurrentTimestamp() < deadline)
	{
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 10, cdc_wait_event(&wait_event,
											  "CdcEmitDropDatabase"));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
object_access(ObjectAccessType access, Oid classId, Oid objectId,
			  int subId, void *arg)
{
	if (prev_object_access_hook)
		prev_object_access_hook(access, classId, objectId, subId, arg);

	if (cdc_shared == NULL || IsBinaryUpgrade)
		return;

	switch (classId)
	{
		case DatabaseRelationId:
			if (access == OAT_DROP && objectId != MyDatabaseId)
				release_database(objectId);
			else if (access == OAT_POST_CREATE)
			{
				register_callbacks();
				created_dboid = objectId;
			}
			break;

		case ExtensionRelationId:
			if (access == OAT_DROP &&
				objectId == get_extension_oid(CDC_NAME, true))
				shmem_mark_database_at_commit(false);
			break;

		case ForeignServerRelationId:
		case UserMappingRelationId:
			if (access == OAT_POST_CREATE || access == OAT_POST_ALTER ||
				access == OAT_DROP)
				shmem_mark_database_at_commit(false);
			break;

		default:
			break;
	}
}

/* Value of an option, NULL if it is not there. */
static const char *
find_option(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) == 0 && option->arg != NULL)
			return defGetString(option);
	}
	return NULL;
}

/* The database that a statement wants to have for itself, or NULL. */
static const char *
database_wanted(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterDatabaseStmt:
			{
				AlterDatabaseStmt *alter = (AlterDatabaseStmt *) statement;

				return find_option(alter->options, "tablespace") != NULL ?
					alter->dbname : NULL;
			}
		case T_RenameStmt:
			{
				RenameStmt *rename = (RenameStmt *) statement;

				return rename->renameType == OBJECT_DATABASE ?
					rename->subname : NULL;
			}
		case T_CreatedbStmt:
			return find_option(((CreatedbStmt *) statement)->options,
							   "template");
		default:
			return NULL;
	}
}

/* Only who may do such things with the database makes our workers leave. */
static void
release_database_wanted(Node *statement)
{
	const char *name = database_wanted(statement);
	Oid			dboid;

	if (name == NULL || cdc_shared == NULL || IsBinaryUpgrade)
		return;
	dboid = get_database_oid(name, true);
	if (!OidIsValid(dboid) || dboid == MyDatabaseId ||
		OidIsValid(dropping_dboid) ||
		!cdc_database_ownercheck(dboid, GetUserId()))
		return;
	release_database(dboid);
}

static void
process_utility(PlannedStmt *pstmt, const char *query, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *dest,
				QueryCompletion *completion)
{
	release_database_wanted(pstmt->utilityStmt);
	if (prev_process_utility_hook)
		prev_process_utility_hook(pstmt, query, read_only_tree, context,
								  params, environment, dest, completion);
	else
		standard_ProcessUtility(pstmt, query, read_only_tree, context,
								params, environment, dest, completion);
}

void
hooks_install(void)
{
	prev_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;

	prev_object_access_hook = object_access_hook;
	object_access_hook = object_access;
}
