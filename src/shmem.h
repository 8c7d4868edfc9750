/*-------------------------------------------------------------------------
 *
 * shmem.h
 *	  Shared memory of cdc_emit: one entry per subscription of the cluster.
 *
 * Plain data only: no pointers, file descriptors or handles of librdkafka.
 * Who writes what, and under which lock:
 *
 *	- in_use, identity, enabled, removed, generation and configuration: the
 *	  controller of the subscription's database, under CdcShared->lock
 *	  (exclusive);
 *	- schedule and what it sees of the slot: the launcher, under the lock;
 *	  the controller sets retention back;
 *	- process, state and error: the worker, under the lock; state and error
 *	  also the launcher and the controller, for what they decide;
 *	- counters: the worker, as atomics without lock.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/shmem.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_SHMEM_H
#define CDC_SHMEM_H

#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"

/* Room for publications, options and Kafka properties of a subscription. */
#define CDC_CONFIG_SIZE		(32 * 1024)

#define CDC_ERROR_LENGTH	1024
#define CDC_DETAIL_LENGTH	512
#define CDC_KEY_LENGTH		256
#define CDC_ADDRESS_LENGTH	256

/* Databases whose catalog the controller has to read again. */
#define CDC_MAX_DIRTY_DATABASES 64

/* Databases that are being dropped at the moment. */
#define CDC_MAX_DROPPING_DATABASES 8

/* Shown in views; names in subscription_state_name(). */
typedef enum SubscriptionState
{
	SUBSCRIPTION_DISABLED,
	SUBSCRIPTION_STARTING,		/* waits for its worker */
	SUBSCRIPTION_CREATING_SLOT, /* waits for running transactions */
	SUBSCRIPTION_STREAMING,
	SUBSCRIPTION_WAITING_FOR_KAFKA, /* queue full or no broker reachable */
	SUBSCRIPTION_STOPPING,
	SUBSCRIPTION_BACKOFF,		/* restarts after an error */
	SUBSCRIPTION_PAUSED,		/* slot retains more WAL than allowed */
	SUBSCRIPTION_SLOT_MISSING,
	SUBSCRIPTION_SLOT_LOST,
	SUBSCRIPTION_SLOT_BUSY,
	SUBSCRIPTION_FAILED			/* does not restart by itself */
} SubscriptionState;

typedef struct SubscriptionCounters
{
	pg_atomic_uint64 read_lsn;	/* decoded up to here */
	pg_atomic_uint64 sent_lsn;	/* end of the newest transaction given to
								 * librdkafka */
	pg_atomic_uint64 acked_lsn; /* acknowledged by Kafka up to here */
	pg_atomic_uint64 confirmed_lsn; /* confirmed to the slot */
	pg_atomic_uint64 last_commit_time;	/* TimestampTz, of what was sent */
	pg_atomic_uint64 oldest_commit_time;	/* TimestampTz, of what is not
											 * acknowledged; 0: none */
	pg_atomic_uint64 last_ack_time; /* TimestampTz */

	pg_atomic_uint64 queue_messages;
	pg_atomic_uint64 queue_bytes;
	pg_atomic_uint64 queue_limit_bytes;
	pg_atomic_uint64 queue_full_count;	/* times reading had to stop */
	pg_atomic_uint64 queue_full_time;	/* microseconds in total */

	pg_atomic_uint64 transactions;
	pg_atomic_uint64 inserts;
	pg_atomic_uint64 updates;
	pg_atomic_uint64 deletes;
	pg_atomic_uint64 truncates;
	pg_atomic_uint64 filtered;
	pg_atomic_uint64 nulled_values;
	pg_atomic_uint64 dead_letters;
	pg_atomic_uint64 skipped;	/* transactions */
	pg_atomic_uint64 messages;	/* acknowledged */
	pg_atomic_uint64 message_bytes; /* acknowledged, key and value */
} SubscriptionCounters;

/* Why a worker ended, or could not start; text is in the server's encoding. */
typedef struct SubscriptionError
{
	TimestampTz time;			/* 0: there was none */
	int			sqlstate;
	char		message[CDC_ERROR_LENGTH];
	char		detail[CDC_DETAIL_LENGTH];
	char		hint[CDC_DETAIL_LENGTH];
	XLogRecPtr	lsn;			/* start of the transaction's commit record;
								 * without transaction, where reading was */
	bool		skippable;		/* lsn is that of a transaction, or of a
								 * logical message outside of transactions */
	TransactionId xid;			/* of the transaction */
	bool		permanent;		/* it comes again, so trying is of no use */
	char		table[2 * NAMEDATALEN + 2]; /* schema and table */
	char		key[CDC_KEY_LENGTH];	/* message key */
} SubscriptionError;

/* Does the slot retain more WAL than allowed, and what follows from it? */
typedef enum RetentionState
{
	RETENTION_WITHIN_LIMIT,
	RETENTION_EXCEEDED,			/* the action applies */
	RETENTION_TOLERATED			/* the administrator let it go on */
} RetentionState;

typedef struct SubscriptionShared
{
	/* identity */
	bool		in_use;
	Oid			dboid;
	int64		subid;
	NameData	name;
	NameData	slot_name;

	/* what the catalog asks for */
	bool		enabled;
	bool		slot_created;	/* the catalog knows that the slot existed */
	TransactionId row_xmin;		/* of the row: enabling again is noticed */
	bool		removed;		/* row is gone: stop, then free the entry */
	bool		drop_slot;		/* with removed: the slot has to go, too */
	int64		max_retained_wal;	/* bytes; 0: no limit */
	int			max_retained_wal_action;	/* RetentionAction (options.h) */
	bool		slot_dropped;	/* the catalog knows that such an action has
								 * dropped it */
	uint32		generation;		/* changes with anything a worker must know */
	uint32		config_size;
	char		config[CDC_CONFIG_SIZE];	/* config.h */

	/* schedule */
	TimestampTz next_start;		/* not before; 0 is at once */
	int			restart_delay;	/* ms, of the next back-off */
	int			failure_count;	/* of the same error at the same LSN */
	int			failure_sqlstate;
	XLogRecPtr	failure_lsn;
	uint64		restart_count;

	/* what the launcher sees of the slot */
	bool		slot_watched;	/* it has looked at all */
	bool		slot_unusable;	/* no use in starting a worker */
	RetentionState retention;

	/* process */
	pid_t		worker_pid;		/* 0: no worker */
	uint32		worker_generation;
	TimestampTz worker_start;
	bool		worker_has_slot;	/* slot exists; for slot_created */
	uint64		position_writer;	/* exactly once: who wrote the position in
									 * Kafka last; 0: not known */
	SubscriptionState state;
	TimestampTz state_time;
	char		bootstrap_servers[CDC_ADDRESS_LENGTH];

	/* last error, and what librdkafka last complained about */
	SubscriptionError error;
	uint64		error_count;
	TimestampTz kafka_error_time;
	char		kafka_error[CDC_ADDRESS_LENGTH];

	TimestampTz stats_reset;
	SubscriptionCounters counters;

	/* broadcast when state or acked_lsn changes */
	ConditionVariable changed;
} SubscriptionShared;

typedef struct CdcShared
{
	LWLock	   *lock;			/* in the main LWLock array */

	pid_t		launcher_pid;

	/* the controller that runs, or ran last; one at a time */
	pid_t		controller_pid;
	Oid			controller_dboid;
	bool		controller_done;	/* did all it had to */

	/* databases the controller must visit; on overflow, all of them */
	bool		all_dirty;
	int			ndirty;
	Oid			dirty[CDC_MAX_DIRTY_DATABASES];

	/* a subscription found no free entry below */
	bool		entry_missing;

	/* databases in which nothing of ours may run */
	int			ndropping;
	Oid			dropping[CDC_MAX_DROPPING_DATABASES];

	int			nsubscriptions; /* array size: cdc_max_subscriptions */
	SubscriptionShared subscriptions[FLEXIBLE_ARRAY_MEMBER];
} CdcShared;

/* NULL where the library was not preloaded. */
extern CdcShared *cdc_shared;

extern void shmem_install_hooks(void);

/* ERROR with a hint unless the library was preloaded. */
extern void shmem_require(void);

/*
 * Entry of a subscription, NULL if there is none or it is being removed;
 * caller holds the lock.
 */
extern SubscriptionShared *shmem_find(Oid dboid, int64 subid);

/* A new entry, NULL if all are in use; caller holds the lock exclusively. */
extern SubscriptionShared *shmem_allocate(Oid dboid, int64 subid);

/* Give an entry back, secrets wiped; caller holds the lock exclusively. */
extern void shmem_free(SubscriptionShared *entry);

/*
 * These wake those who wait; caller holds the lock exclusively.  detail and
 * hint may be NULL; time is set.
 */
extern void shmem_set_state(SubscriptionShared *entry,
							SubscriptionState state);
extern void shmem_set_error(SubscriptionShared *entry,
							const SubscriptionError *error);
extern void shmem_set_error_text(SubscriptionShared *entry, int sqlstate,
								 const char *message, const char *detail,
								 const char *hint);

/* Copy text, NULL as empty, and cut it off between two characters. */
extern void shmem_copy_text(char *dst, size_t size, const char *src);

/* Caller holds the lock. */
extern bool shmem_database_is_dropping(Oid dboid);

extern const char *subscription_state_name(SubscriptionState state);

/*
 * Ask the launcher to have a database's catalog read again once the current
 * transaction commits.  Such a transaction cannot be prepared if it changed
 * subscriptions; with other reasons, PREPARE counts as commit.
 */
extern void shmem_mark_database_at_commit(bool subscriptions);

/* The same at once; takes the lock. */
extern void shmem_mark_database(Oid dboid);

/* Wake the launcher; takes the lock shared. */
extern void shmem_wake_launcher(void);

#endif							/* CDC_SHMEM_H */
