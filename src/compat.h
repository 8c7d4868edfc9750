/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Differences between PostgreSQL 15, 16, 17, 18 and 19.
 *
 * This is the only file that tests PG_VERSION_NUM.  Everything here is a
 * thin macro or static inline function named cdc_*, so that callers read the
 * same on every major version.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/compat.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_COMPAT_H
#define CDC_COMPAT_H

#include "access/attmap.h"
#include "access/xlog.h"
#include "access/xlogreader.h"
#include "catalog/pg_database.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_publication.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "replication/logical.h"
#include "replication/output_plugin.h"
#include "replication/reorderbuffer.h"
#include "replication/slot.h"
#include "replication/walsender_private.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/spin.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/resowner.h"
#include "utils/wait_event.h"

#if PG_VERSION_NUM < 150000
#error "cdc_emit needs PostgreSQL 15 or newer"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
#if PG_VERSION_NUM >= 180000
#include "rewrite/rewriteHandler.h"
#include "storage/waiteventset.h"
#endif
#if PG_VERSION_NUM >= 190000
#include "replication/logicalctl.h"
#endif

/* The module's magic block; 18 shows name and version in a system view. */
#if PG_VERSION_NUM >= 180000
#define CDC_MODULE_MAGIC(module_name, module_version) \
	PG_MODULE_MAGIC_EXT(.name = module_name, .version = module_version)
#else
#define CDC_MODULE_MAGIC(module_name, module_version) PG_MODULE_MAGIC
#endif

/*
 * PG_FUNCTION_INFO_V1 exports the function itself only since 16, which
 * matters with -fvisibility=hidden.
 */
#define CDC_FUNCTION_INFO_V1(funcname) \
	extern PGDLLEXPORT Datum funcname(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(funcname)

/* Goes before the declaration of a function that does not return. */
#if PG_VERSION_NUM >= 180000
#define CDC_NORETURN pg_noreturn
#else
#define CDC_NORETURN __attribute__((noreturn))
#endif

/* From pg_locale.h, which wants the headers of ICU that few systems have. */
extern PGDLLIMPORT char *locale_monetary;

/* Tuples of a change are wrapped in a ReorderBufferTupleBuf before 17. */
static inline HeapTuple
cdc_change_new_tuple(ReorderBufferChange *change)
{
#if PG_VERSION_NUM >= 170000
	return change->data.tp.newtuple;
#else
	return change->data.tp.newtuple ? &change->data.tp.newtuple->tuple : NULL;
#endif
}

static inline HeapTuple
cdc_change_old_tuple(ReorderBufferChange *change)
{
#if PG_VERSION_NUM >= 170000
	return change->data.tp.oldtuple;
#else
	return change->data.tp.oldtuple ? &change->data.tp.oldtuple->tuple : NULL;
#endif
}

static inline TimestampTz
cdc_txn_commit_time(ReorderBufferTXN *txn)
{
#if PG_VERSION_NUM >= 190000
	return txn->commit_time;
#else
	return txn->xact_time.commit_time;
#endif
}

#if PG_VERSION_NUM >= 190000
typedef ReplOriginId CdcOriginId;
#define CdcInvalidOriginId InvalidReplOriginId
#else
typedef RepOriginId CdcOriginId;
#define CdcInvalidOriginId InvalidRepOriginId
#endif

static inline void
cdc_check_decoding_requirements(void)
{
#if PG_VERSION_NUM >= 190000
	CheckLogicalDecodingRequirements(false);
#else
	CheckLogicalDecodingRequirements();
#endif
}

/*
 * Create a logical slot and keep it acquired.  It is ephemeral: an error
 * before ReplicationSlotPersist() drops it.
 */
static inline void
cdc_slot_create(const char *name)
{
#if PG_VERSION_NUM >= 190000
	ReplicationSlotCreate(name, true, RS_EPHEMERAL, false, false, false,
						  false);
	EnsureLogicalDecodingEnabled();
#elif PG_VERSION_NUM >= 170000
	ReplicationSlotCreate(name, true, RS_EPHEMERAL, false, false, false);
#else
	ReplicationSlotCreate(name, true, RS_EPHEMERAL, false);
#endif
}

static inline void
cdc_slot_acquire(const char *name)
{
#if PG_VERSION_NUM >= 180000
	ReplicationSlotAcquire(name, true, true);
#else
	ReplicationSlotAcquire(name, true);
#endif
}

static inline LogicalDecodingContext *
cdc_create_init_decoding_context(const char *plugin,
								 XLogReaderRoutine *routine)
{
#if PG_VERSION_NUM >= 190000
	return CreateInitDecodingContext(plugin, NIL, false, false,
									 InvalidXLogRecPtr, routine,
									 NULL, NULL, NULL);
#else
	return CreateInitDecodingContext(plugin, NIL, false,
									 InvalidXLogRecPtr, routine,
									 NULL, NULL, NULL);
#endif
}

/* Process id of the slot's owner, 0 if nobody has it; caller holds no lock. */
static inline int
cdc_slot_active_pid(ReplicationSlot *slot)
{
	int			pid;

	SpinLockAcquire(&slot->mutex);
#if PG_VERSION_NUM >= 190000
	pid = slot->active_proc == INVALID_PROC_NUMBER ? 0 :
		GetPGProcByNumber(slot->active_proc)->pid;
#else
	pid = slot->active_pid;
#endif
	SpinLockRelease(&slot->mutex);
	return pid;
}

/*
 * A wait event set that lives as long as the process.  17 ties wait event
 * sets to resource owners; NULL means none.
 */
static inline WaitEventSet *
cdc_create_wait_event_set(int nevents)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, nevents);
#else
	return CreateWaitEventSet(TopMemoryContext, nevents);
#endif
}

/*
 * Wait event shown in pg_stat_activity, looked up once per call site.  Named
 * events of extensions exist since 17; before that all of them share one.
 */
static inline uint32
cdc_wait_event(uint32 *cached, const char *name)
{
#if PG_VERSION_NUM >= 170000
	if (*cached == 0)
		*cached = WaitEventExtensionNew(name);
#else
	*cached = PG_WAIT_EXTENSION;
#endif
	return *cached;
}

static inline AclResult
cdc_server_aclcheck(Oid serverid, Oid roleid, AclMode mode)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ForeignServerRelationId, serverid, roleid, mode);
#else
	return pg_foreign_server_aclcheck(serverid, roleid, mode);
#endif
}

static inline bool
cdc_publication_ownercheck(Oid pubid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(PublicationRelationId, pubid, roleid);
#else
	return pg_publication_ownercheck(pubid, roleid);
#endif
}

static inline bool
cdc_database_ownercheck(Oid dboid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(DatabaseRelationId, dboid, roleid);
#else
	return pg_database_ownercheck(dboid, roleid);
#endif
}

/* Virtual generated columns (18) have no value in the tuple. */
#ifdef ATTRIBUTE_GENERATED_VIRTUAL
#define CdcAttributeIsVirtual(att) \
	((att)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#else
#define CdcAttributeIsVirtual(att) false
#endif

/*
 * Since 18 publications say whether stored generated columns are published,
 * and column lists can name them.
 */
#if PG_VERSION_NUM >= 180000
#define CDC_PUBLICATIONS_CHOOSE_GENERATED true
#define CdcPublishesGenerated(publication) \
	((publication)->pubgencols_type == PUBLISH_GENCOLS_STORED)
#else
#define CDC_PUBLICATIONS_CHOOSE_GENERATED false
#define CdcPublishesGenerated(publication) true
#endif

/* An expression over a relation without references to virtual columns */
static inline Node *
cdc_expand_virtual_columns(Node *node, Relation relation)
{
#if PG_VERSION_NUM >= 180000
	return expand_generated_columns_in_expr(node, relation, 1);
#else
	return node;
#endif
}

/* Is a column known not to contain nulls?  18 has constraints NOT VALID. */
static inline bool
cdc_is_not_null(TupleDesc desc, int i)
{
#if PG_VERSION_NUM >= 180000
	return TupleDescCompactAttr(desc, i)->attnullability == ATTNULLABLE_VALID;
#else
	return TupleDescAttr(desc, i)->attnotnull;
#endif
}

/* Lets tools such as DROP/CREATE DATABASE end our processes by themselves. */
#ifdef BGWORKER_INTERRUPTIBLE
#define CDC_BGWORKER_INTERRUPTIBLE BGWORKER_INTERRUPTIBLE
#else
#define CDC_BGWORKER_INTERRUPTIBLE 0
#endif

/* All transactions with an older xid than this have ended; never invalid. */
static inline TransactionId
cdc_oldest_active_xid(void)
{
#if PG_VERSION_NUM >= 190000
	return GetOldestActiveTransactionId(false, true);
#else
	return GetOldestActiveTransactionId();
#endif
}

/* Why a slot was invalidated */
typedef enum CdcSlotCause
{
	CDC_SLOT_VALID,				/* it was not */
	CDC_SLOT_WAL_REMOVED,
	CDC_SLOT_ROWS_REMOVED,
	CDC_SLOT_WAL_LEVEL,
	CDC_SLOT_IDLE_TIMEOUT,
	CDC_SLOT_OTHER_CAUSE
} CdcSlotCause;

static inline CdcSlotCause
cdc_slot_cause(const ReplicationSlotPersistentData *data)
{
#if PG_VERSION_NUM >= 160000
	switch (data->invalidated)
	{
		case RS_INVAL_NONE:
			return CDC_SLOT_VALID;
		case RS_INVAL_WAL_REMOVED:
			return CDC_SLOT_WAL_REMOVED;
		case RS_INVAL_HORIZON:
			return CDC_SLOT_ROWS_REMOVED;
		case RS_INVAL_WAL_LEVEL:
			return CDC_SLOT_WAL_LEVEL;
#if PG_VERSION_NUM >= 180000
		case RS_INVAL_IDLE_TIMEOUT:
			return CDC_SLOT_IDLE_TIMEOUT;
#endif
	}
	return CDC_SLOT_OTHER_CAUSE;
#else
	return XLogRecPtrIsInvalid(data->invalidated_at) ? CDC_SLOT_VALID :
		CDC_SLOT_WAL_REMOVED;
#endif
}

/*
 * How a flush of WAL wakes logical walsenders: a condition variable since 16,
 * latches in the array of walsenders before.
 */
#if PG_VERSION_NUM >= 160000
#define CDC_WAL_WAKEUP_CV	(&WalSndCtl->wal_replay_cv)
#endif

/* Does a row of pg_publication_rel name an exception to ALL TABLES (19)? */
#if PG_VERSION_NUM >= 190000
#define CdcPublicationRelIsExcept(tuple) \
	(((Form_pg_publication_rel) GETSTRUCT(tuple))->prexcept)
#else
#define CdcPublicationRelIsExcept(tuple) false
#endif

/* Attribute numbers of indesc for each of outdesc; NULL if they are equal. */
static inline AttrMap *
cdc_build_attrmap(TupleDesc indesc, TupleDesc outdesc)
{
#if PG_VERSION_NUM >= 160000
	return build_attrmap_by_name_if_req(indesc, outdesc, false);
#else
	return build_attrmap_by_name_if_req(indesc, outdesc);
#endif
}

/*
 * Inheritance of privileges: each membership's own property since 16, before
 * that the member's.  The arguments are rows of pg_auth_members and
 * pg_authid.
 */
#if PG_VERSION_NUM >= 160000
#define CdcMembershipInherits(membership) ((membership)->inherit_option)
#define CdcRoleInherits(role) true
#else
#define CdcMembershipInherits(membership) true
#define CdcRoleInherits(role) ((role)->rolinherit)
#endif

/*
 * Is wal_level high enough?  19 switches decoding on with the first logical
 * slot if wal_level is replica.
 */
static inline bool
cdc_wal_level_allows_decoding(void)
{
#if PG_VERSION_NUM >= 190000
	return wal_level >= WAL_LEVEL_REPLICA;
#else
	return wal_level >= WAL_LEVEL_LOGICAL;
#endif
}

#endif							/* CDC_COMPAT_H */
