/*-------------------------------------------------------------------------
 *
 * capture.c
 *	  The output plugin: changes to events, events to messages.
 *
 * In a worker the settings and the sink come from capture_use_settings(); in
 * the SQL and walsender interface from plugin options, and the sink writes
 * text rows.  Everything else is the same, so all that consumers of Kafka
 * see can be seen without Kafka.
 *
 * The callbacks run inside the transaction that replays a decoded one.  The
 * state lives in the decoding context.  What a change needs is allocated in
 * a context that is reset after each change, so that the length of a
 * transaction does not matter.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/capture.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "capture.h"
#include "cdc_emit.h"
#include "commands/dbcommands.h"
#include "compat.h"
#include "encode.h"
#include "miscadmin.h"
#include "relation.h"
#include "replication/origin.h"
#include "route.h"
#include "text_sink.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "value_time.h"

/* Buffers that grew beyond this are given back after the change. */
#define BUFFER_KEEP_BYTES	(1024 * 1024)

#define HEADER_NEW_KEY		"__debezium.newkey"
#define HEADER_OLD_KEY		"__debezium.oldkey"

typedef struct CaptureState
{
	MemoryContext context;		/* the decoding context's */
	MemoryContext change_context;	/* reset after each change */
	const SubscriptionOptions *options;
	const char *default_prefix; /* NULL: name of the database */
	Sink	   *sink;
	RelationCache *relations;

	/* Made at the first published change */
	char	   *database;
	const char *prefix;
	Encoder    *encoder;

	/* The transaction being decoded */
	TransactionInfo transaction;
	bool		begun;			/* has it had an event? */
	uint64		next_index;

	/* Reused for each change */
	int			natts;
	RowImage	old_row;
	RowImage	new_row;
	StringInfoData key;
	StringInfoData old_key;
	StringInfoData value;
} CaptureState;

static const CaptureSettings *worker_settings = NULL;
static CaptureCounters counters;

PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks *cb);

void
capture_use_settings(const CaptureSettings *settings)
{
	worker_settings = settings;
}

const CaptureCounters *
capture_counters(void)
{
	return &counters;
}

/* Take settings from plugin options; text rows are the sink. */
static List *
configure_from_options(CaptureState *state, LogicalDecodingContext *ctx)
{
	List	   *publications = NIL;

	state->options = options_from_plugin(ctx->output_plugin_options,
										 &publications);
	if (publications == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"publications\" is required"),
				 errhint("Name one or more publications, for example: SELECT data FROM pg_logical_slot_get_changes('slot', NULL, NULL, 'publications', 'pub1,pub2').")));
	state->sink = text_sink_create(ctx);
	return publications;
}

static void
startup_cb(LogicalDecodingContext *ctx, OutputPluginOptions *opt,
		   bool is_init)
{
	CaptureState *state;
	MemoryContext old;
	List	   *publications;
	Oid			owner = InvalidOid;

	opt->output_type = OUTPUT_PLUGIN_TEXTUAL_OUTPUT;
	opt->receive_rewrites = false;
	ctx->streaming = false;
	ctx->twophase = false;
	if (is_init)
		return;

	old = MemoryContextSwitchTo(ctx->context);
	state = palloc0(sizeof(CaptureState));
	state->context = ctx->context;
	if (worker_settings)
	{
		state->options = worker_settings->options;
		state->default_prefix = worker_settings->default_prefix;
		state->sink = worker_settings->sink;
		publications = worker_settings->publications;
		owner = worker_settings->owner;
	}
	else
		publications = configure_from_options(state, ctx);

	state->change_context = AllocSetContextCreate(ctx->context,
												  "cdc_emit change",
												  ALLOCSET_DEFAULT_SIZES);
	state->relations = relation_cache_create(ctx->context, publications,
											 state->options, owner);
	initStringInfo(&state->key);
	initStringInfo(&state->old_key);
	initStringInfo(&state->value);
	value_startup();
	ctx->output_plugin_private = state;
	MemoryContextSwitchTo(old);
}

static void
begin_cb(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	CaptureState *state = ctx->output_plugin_private;

	state->begun = false;
	state->next_index = 0;
}

static void
commit_cb(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
		  XLogRecPtr commit_lsn)
{
	CaptureState *state = ctx->output_plugin_private;

	if (state->begun)
		state->transaction.previous_end_lsn = txn->end_lsn;
	state->sink->commit(state->sink, txn->end_lsn, cdc_txn_commit_time(txn));
}

/* Names are looked up in the catalog, so not before there is a change. */
static void
make_encoder(CaptureState *state)
{
	MemoryContext old = MemoryContextSwitchTo(state->context);
	EncoderSettings settings;

	state->database = get_database_name(MyDatabaseId);
	if (state->database == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_DATABASE),
				 errmsg("database with OID %u does not exist",
						MyDatabaseId)));
	state->prefix = state->options->topic_prefix;
	if (state->prefix == NULL)
		state->prefix = state->default_prefix;
	if (state->prefix == NULL)
		state->prefix = state->database;

	settings.prefix = state->prefix;
	settings.database = state->database;
	settings.unavailable_value = state->options->unavailable_value;
	state->encoder = encode_debezium_create(&settings);
	MemoryContextSwitchTo(old);
}

/* Topic and encoder parts of a relation that is published */
static void
prepare_relation(CaptureState *state, RelationInfo *info)
{
	MemoryContext old;

	if (state->encoder == NULL)
		make_encoder(state);

	old = MemoryContextSwitchTo(info->context);
	info->topic_name = route_topic_name(state->options->topic, state->prefix,
										state->database, info->schema,
										info->table);
	info->keyless_hash = route_keyless_hash(info->schema, info->table);
	MemoryContextSwitchTo(old);

	info->topic = state->sink->open_topic(state->sink, info->topic_name);
	state->encoder->relation(state->encoder, info);
	info->prepared = true;
}

static void
set_origin(CaptureState *state, ReorderBufferTXN *txn)
{
	TransactionInfo *transaction = &state->transaction;
	char	   *name;

	if (transaction->origin)
		pfree((char *) transaction->origin);
	transaction->origin = NULL;
	transaction->origin_lsn = txn->origin_lsn;
	if (txn->origin_id != CdcInvalidOriginId &&
		replorigin_by_oid(txn->origin_id, true, &name))
		transaction->origin = MemoryContextStrdup(state->context, name);
}

/* At the first event of a transaction */
static void
begin_transaction(CaptureState *state, ReorderBufferTXN *txn)
{
	state->transaction.xid = txn->xid;
	state->transaction.commit_lsn = txn->final_lsn;
	state->transaction.commit_time = cdc_txn_commit_time(txn);
	set_origin(state, txn);
	state->encoder->begin(state->encoder, &state->transaction);
	state->begun = true;
	counters.transactions++;
}

/* Hand over a message; a value of NULL makes it a tombstone. */
static void
emit_message(CaptureState *state, const RelationInfo *info,
			 const StringInfo key, const StringInfo value,
			 const MessageHeader *header)
{
	Message		message;

	message.topic = info->topic;
	message.topic_name = info->topic_name;
	message.key = key ? key->data : NULL;
	message.key_len = key ? key->len : 0;
	message.value = value ? value->data : NULL;
	message.value_len = value ? value->len : 0;
	message.nheaders = header ? 1 : 0;
	message.headers = header;
	message.keyless_hash = info->keyless_hash;
	message.timestamp_ms =
		value_time_unix_us(state->transaction.commit_time) / 1000;
	state->sink->emit(state->sink, &message, state->transaction.commit_time);
}

static void
emit_event(CaptureState *state, ReorderBufferTXN *txn, ChangeEvent *event,
		   const StringInfo key, const MessageHeader *header)
{
	if (!state->begun)
		begin_transaction(state, txn);
	event->transaction = &state->transaction;
	event->index = state->next_index++;

	resetStringInfo(&state->value);
	state->encoder->value(state->encoder, event, &state->value);
	emit_message(state, event->relation, key, &state->value, header);
}

/* The key of a row in buffer, or NULL if the relation has none */
static StringInfo
encode_key(CaptureState *state, const RelationInfo *info,
		   const RowImage *row, StringInfo buffer)
{
	if (info->nkeys == 0)
		return NULL;
	resetStringInfo(buffer);
	state->encoder->key(state->encoder, info, row, buffer);
	return buffer;
}

static void
emit_tombstone(CaptureState *state, const RelationInfo *info,
			   const StringInfo key, const MessageHeader *header)
{
	if (!state->options->tombstones)
		return;
	emit_message(state, info, key, NULL, header);
	counters.tombstones++;
}

/* Room for the rows of a relation with this many attributes */
static void
reserve_rows(CaptureState *state, int natts)
{
	if (natts <= state->natts)
		return;

	natts = Max(natts, 2 * state->natts);
	if (state->natts > 0)
	{
		pfree(state->old_row.values);
		pfree(state->old_row.nulls);
		pfree(state->new_row.values);
		pfree(state->new_row.nulls);
		state->natts = 0;
	}
	state->old_row.values = MemoryContextAlloc(state->context,
											   natts * sizeof(Datum));
	state->old_row.nulls = MemoryContextAlloc(state->context,
											  natts * sizeof(bool));
	state->new_row.values = MemoryContextAlloc(state->context,
											   natts * sizeof(Datum));
	state->new_row.nulls = MemoryContextAlloc(state->context,
											  natts * sizeof(bool));
	state->natts = natts;
}

/*
 * Values that the new row lacks, because they are unchanged TOAST, are taken
 * from the old row if it has them: all with REPLICA IDENTITY FULL, else
 * those of key columns.
 */
static void
fill_unchanged(const RelationInfo *info, RowImage *row, const RowImage *old)
{
	int			i;

	for (i = 0; i < info->ncolumns; i++)
	{
		const RelationColumn *column = &info->columns[i];
		int			j = column->index;

		if (column->varlena && !row->nulls[j] &&
			VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(row->values[j])) &&
			!old->nulls[j])
			row->values[j] = old->values[j];
	}
}

static void
capture_insert(CaptureState *state, ReorderBufferTXN *txn,
			   ChangeEvent *event, TupleDesc desc, HeapTuple tuple)
{
	heap_deform_tuple(tuple, desc, state->new_row.values,
					  state->new_row.nulls);
	event->op = EVENT_CREATE;
	event->after = &state->new_row;
	emit_event(state, txn, event,
			   encode_key(state, event->relation, event->after, &state->key),
			   NULL);
	counters.inserts++;
}

static void
capture_delete(CaptureState *state, ReorderBufferTXN *txn,
			   ChangeEvent *event, TupleDesc desc, HeapTuple tuple)
{
	StringInfo	key;

	heap_deform_tuple(tuple, desc, state->old_row.values,
					  state->old_row.nulls);
	event->op = EVENT_DELETE;
	event->before = &state->old_row;
	key = encode_key(state, event->relation, event->before, &state->key);
	emit_event(state, txn, event, key, NULL);
	emit_tombstone(state, event->relation, key, NULL);
	counters.deletes++;
}

/* An update that changed the key: the old key ends, the new one begins. */
static void
capture_key_change(CaptureState *state, ReorderBufferTXN *txn,
				   ChangeEvent *event)
{
	MessageHeader header;

	header.name = HEADER_NEW_KEY;
	header.value = state->key.data;
	header.value_len = state->key.len;
	event->op = EVENT_DELETE;
	event->before = &state->old_row;
	event->after = NULL;
	emit_event(state, txn, event, &state->old_key, &header);
	emit_tombstone(state, event->relation, &state->old_key, &header);

	header.name = HEADER_OLD_KEY;
	header.value = state->old_key.data;
	header.value_len = state->old_key.len;
	event->op = EVENT_CREATE;
	event->before = NULL;
	event->after = &state->new_row;
	emit_event(state, txn, event, &state->key, &header);
}

static bool
same_key(const StringInfo a, const StringInfo b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void
capture_update(CaptureState *state, ReorderBufferTXN *txn,
			   ChangeEvent *event, TupleDesc desc, HeapTuple old_tuple,
			   HeapTuple tuple)
{
	const RelationInfo *info = event->relation;
	StringInfo	old_key = NULL;
	StringInfo	key;

	heap_deform_tuple(tuple, desc, state->new_row.values,
					  state->new_row.nulls);
	if (old_tuple)
	{
		heap_deform_tuple(old_tuple, desc, state->old_row.values,
						  state->old_row.nulls);
		if (HeapTupleHasExternal(tuple))
			fill_unchanged(info, &state->new_row, &state->old_row);
		old_key = encode_key(state, info, &state->old_row, &state->old_key);
	}

	counters.updates++;
	key = encode_key(state, info, &state->new_row, &state->key);
	if (old_key && !same_key(old_key, key))
	{
		capture_key_change(state, txn, event);
		return;
	}
	event->op = EVENT_UPDATE;
	event->before = old_tuple && info->identity_full ? &state->old_row : NULL;
	event->after = &state->new_row;
	emit_event(state, txn, event, key, NULL);
}

static bool
is_published(const RelationInfo *info, ReorderBufferChange *change)
{
	switch (change->action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			return info->publish_inserts && cdc_change_new_tuple(change);
		case REORDER_BUFFER_CHANGE_UPDATE:
			return info->publish_updates && cdc_change_new_tuple(change);
		case REORDER_BUFFER_CHANGE_DELETE:
			/* Without a replica identity the row is not known. */
			return info->publish_deletes && cdc_change_old_tuple(change);
		default:
			return false;
	}
}

static void
capture_change(CaptureState *state, ReorderBufferTXN *txn, Relation relation,
			   ReorderBufferChange *change)
{
	RelationInfo *info = relation_cache_lookup(state->relations, relation);
	TupleDesc	desc = RelationGetDescr(relation);
	ChangeEvent event;

	if (!is_published(info, change))
	{
		counters.filtered++;
		return;
	}
	if (!info->prepared)
		prepare_relation(state, info);
	reserve_rows(state, desc->natts);

	memset(&event, 0, sizeof(event));
	event.relation = info;
	event.lsn = change->lsn;
	switch (change->action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			capture_insert(state, txn, &event, desc,
						   cdc_change_new_tuple(change));
			break;
		case REORDER_BUFFER_CHANGE_UPDATE:
			capture_update(state, txn, &event, desc,
						   cdc_change_old_tuple(change),
						   cdc_change_new_tuple(change));
			break;
		default:
			capture_delete(state, txn, &event, desc,
						   cdc_change_old_tuple(change));
			break;
	}
}

static void
capture_truncate(CaptureState *state, ReorderBufferTXN *txn,
				 Relation relation, XLogRecPtr lsn)
{
	RelationInfo *info = relation_cache_lookup(state->relations, relation);
	ChangeEvent event;

	if (!info->publish_truncates || !state->options->truncate)
	{
		counters.filtered++;
		return;
	}
	if (!info->prepared)
		prepare_relation(state, info);

	memset(&event, 0, sizeof(event));
	event.op = EVENT_TRUNCATE;
	event.relation = info;
	event.lsn = lsn;
	emit_event(state, txn, &event, NULL, NULL);
	counters.truncates++;
}

static void
begin_change(CaptureState *state)
{
	CHECK_FOR_INTERRUPTS();
	if (state->sink->progress)
		state->sink->progress(state->sink);
}

static void
trim_buffer(StringInfo buffer, MemoryContext context)
{
	MemoryContext old;

	if (buffer->maxlen <= BUFFER_KEEP_BYTES)
		return;
	old = MemoryContextSwitchTo(context);
	pfree(buffer->data);
	initStringInfo(buffer);
	MemoryContextSwitchTo(old);
}

static void
end_change(CaptureState *state)
{
	value_restore_settings();
	trim_buffer(&state->value, state->context);
	trim_buffer(&state->key, state->context);
	trim_buffer(&state->old_key, state->context);
	MemoryContextReset(state->change_context);
}

static void
change_cb(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
		  Relation relation, ReorderBufferChange *change)
{
	CaptureState *state = ctx->output_plugin_private;
	MemoryContext old;

	begin_change(state);
	old = MemoryContextSwitchTo(state->change_context);
	capture_change(state, txn, relation, change);
	MemoryContextSwitchTo(old);
	end_change(state);
}

static void
truncate_cb(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
			int nrelations, Relation relations[],
			ReorderBufferChange *change)
{
	CaptureState *state = ctx->output_plugin_private;
	MemoryContext old;
	int			i;

	begin_change(state);
	old = MemoryContextSwitchTo(state->change_context);
	for (i = 0; i < nrelations; i++)
		capture_truncate(state, txn, relations[i], change->lsn);
	MemoryContextSwitchTo(old);
	end_change(state);
}

/* All memory belongs to the decoding context, which goes after this. */
static void
shutdown_cb(LogicalDecodingContext *ctx)
{
	ctx->output_plugin_private = NULL;
}

void
_PG_output_plugin_init(OutputPluginCallbacks *cb)
{
	cb->startup_cb = startup_cb;
	cb->begin_cb = begin_cb;
	cb->change_cb = change_cb;
	cb->truncate_cb = truncate_cb;
	cb->commit_cb = commit_cb;
	cb->shutdown_cb = shutdown_cb;
}
