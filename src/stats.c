/*-------------------------------------------------------------------------
 *
 * stats.c
 *	  SQL functions behind the view pg_stat_cdc_emit.
 *
 * They run in ordinary backends and read shared memory: state and errors
 * under the lock, counters as atomics.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/stats.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "cdc_emit.h"
#include "compat.h"
#include "shmem.h"
#include "slot_watch.h"

#define STAT_COLUMNS 44

CDC_FUNCTION_INFO_V1(pg_stat_get_cdc_emit);
CDC_FUNCTION_INFO_V1(pg_stat_cdc_emit_reset);

/* A row under construction; columns are added in order. */
typedef struct StatRow
{
	int			ncolumns;
	Datum		values[STAT_COLUMNS];
	bool		nulls[STAT_COLUMNS];
} StatRow;

static void
add_column(StatRow *row, Datum value, bool isnull)
{
	Assert(row->ncolumns < STAT_COLUMNS);
	row->values[row->ncolumns] = value;
	row->nulls[row->ncolumns] = isnull;
	row->ncolumns++;
}

/* The empty string is null. */
static void
add_text(StatRow *row, const char *text)
{
	if (text[0] == '\0')
		add_column(row, (Datum) 0, true);
	else
		add_column(row, CStringGetTextDatum(text), false);
}

/* 0 is null. */
static void
add_lsn(StatRow *row, XLogRecPtr lsn)
{
	add_column(row, LSNGetDatum(lsn), lsn == InvalidXLogRecPtr);
}

/* 0 is null. */
static void
add_time(StatRow *row, TimestampTz time)
{
	add_column(row, TimestampTzGetDatum(time), time == 0);
}

static void
add_count(StatRow *row, uint64 count)
{
	add_column(row, Int64GetDatum((int64) count), false);
}

static void
add_counter(StatRow *row, pg_atomic_uint64 *counter)
{
	add_count(row, pg_atomic_read_u64(counter));
}

static void
add_milliseconds(StatRow *row, uint64 microseconds)
{
	add_column(row, Float8GetDatum(microseconds / 1000.0), false);
}

static void
add_process(StatRow *row, SubscriptionShared *entry)
{
	add_column(row, Int64GetDatum(entry->subid), false);
	add_text(row, subscription_state_name(entry->state));
	add_column(row, Int32GetDatum((int32) entry->worker_pid),
			   entry->worker_pid == 0);
	add_time(row, entry->worker_pid == 0 ? 0 : entry->worker_start);
	add_text(row, entry->bootstrap_servers);
	add_column(row, Int64GetDatum(entry->max_retained_wal),
			   entry->max_retained_wal == 0);
	add_column(row, BoolGetDatum(entry->retention != RETENTION_WITHIN_LIMIT),
			   entry->max_retained_wal == 0);
}

static void
add_counters(StatRow *row, SubscriptionCounters *counters)
{
	add_lsn(row, pg_atomic_read_u64(&counters->read_lsn));
	add_lsn(row, pg_atomic_read_u64(&counters->sent_lsn));
	add_lsn(row, pg_atomic_read_u64(&counters->acked_lsn));
	add_lsn(row, pg_atomic_read_u64(&counters->confirmed_lsn));
	add_time(row, pg_atomic_read_u64(&counters->oldest_commit_time));
	add_time(row, pg_atomic_read_u64(&counters->last_commit_time));
	add_time(row, pg_atomic_read_u64(&counters->last_ack_time));
	add_counter(row, &counters->queue_messages);
	add_counter(row, &counters->queue_bytes);
	add_counter(row, &counters->queue_limit_bytes);
	add_counter(row, &counters->queue_full_count);
	add_milliseconds(row, pg_atomic_read_u64(&counters->queue_full_time));
	add_counter(row, &counters->transactions);
	add_counter(row, &counters->inserts);
	add_counter(row, &counters->updates);
	add_counter(row, &counters->deletes);
	add_counter(row, &counters->truncates);
	add_counter(row, &counters->filtered);
	add_counter(row, &counters->nulled_values);
	add_counter(row, &counters->dead_letters);
	add_counter(row, &counters->skipped);
	add_counter(row, &counters->messages);
	add_counter(row, &counters->message_bytes);
}

static void
add_errors(StatRow *row, SubscriptionShared *entry)
{
	const SubscriptionError *error = &entry->error;
	bool		retry = entry->enabled && entry->worker_pid == 0 &&
		entry->state != SUBSCRIPTION_FAILED &&
		!slot_watch_blocks(entry) && !slot_watch_stops(entry);

	add_count(row, entry->error_count);
	add_count(row, entry->restart_count);
	add_time(row, error->time);
	add_text(row, error->time == 0 ? "" : unpack_sql_state(error->sqlstate));
	add_text(row, error->message);
	add_text(row, error->detail);
	add_text(row, error->hint);
	add_lsn(row, error->lsn);
	add_text(row, error->table);
	add_text(row, error->key);
	add_time(row, retry ? entry->next_start : 0);
	add_time(row, entry->kafka_error_time);
	add_text(row, entry->kafka_error);
	add_time(row, entry->stats_reset);
}

Datum
pg_stat_get_cdc_emit(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	shmem_require();
	InitMaterializedSRF(fcinfo, 0);

	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		SubscriptionShared *entry = &cdc_shared->subscriptions[i];
		StatRow		row = {0};
		bool		ours;

		LWLockAcquire(cdc_shared->lock, LW_SHARED);
		ours = entry->in_use && entry->dboid == MyDatabaseId;
		if (ours)
		{
			add_process(&row, entry);
			add_counters(&row, &entry->counters);
			add_errors(&row, entry);
		}
		LWLockRelease(cdc_shared->lock);

		if (!ours)
			continue;
		Assert(row.ncolumns == STAT_COLUMNS);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row.values,
							 row.nulls);
	}
	PG_RETURN_NULL();
}

/* Caller holds the lock exclusively. */
static void
reset_entry(SubscriptionShared *entry)
{
	SubscriptionCounters *counters = &entry->counters;

	pg_atomic_write_u64(&counters->queue_full_count, 0);
	pg_atomic_write_u64(&counters->queue_full_time, 0);
	pg_atomic_write_u64(&counters->transactions, 0);
	pg_atomic_write_u64(&counters->inserts, 0);
	pg_atomic_write_u64(&counters->updates, 0);
	pg_atomic_write_u64(&counters->deletes, 0);
	pg_atomic_write_u64(&counters->truncates, 0);
	pg_atomic_write_u64(&counters->filtered, 0);
	pg_atomic_write_u64(&counters->nulled_values, 0);
	pg_atomic_write_u64(&counters->dead_letters, 0);
	pg_atomic_write_u64(&counters->skipped, 0);
	pg_atomic_write_u64(&counters->messages, 0);
	pg_atomic_write_u64(&counters->message_bytes, 0);
	entry->error_count = 0;
	entry->restart_count = 0;
	entry->stats_reset = GetCurrentTimestamp();
}

Datum
pg_stat_cdc_emit_reset(PG_FUNCTION_ARGS)
{
	int64		subid = 0;

	shmem_require();
	if (!PG_ARGISNULL(0))
		subid = catalog_get_subscription(PG_GETARG_NAME(0), false)->subid;

	LWLockAcquire(cdc_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < cdc_shared->nsubscriptions; i++)
	{
		SubscriptionShared *entry = &cdc_shared->subscriptions[i];

		if (entry->in_use && entry->dboid == MyDatabaseId &&
			(PG_ARGISNULL(0) || entry->subid == subid))
			reset_entry(entry);
	}
	LWLockRelease(cdc_shared->lock);
	PG_RETURN_VOID();
}
