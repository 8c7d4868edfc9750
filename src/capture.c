/*-------------------------------------------------------------------------
 *
 * capture.c
 *	  The output plugin: its callbacks, settings and state.
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

#include "capture_internal.h"
#include "config.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "replication/origin.h"
#include "route.h"
#include "text_sink.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Buffers that grew beyond this are given back after the change. */
#define BUFFER_KEEP_BYTES	(1024 * 1024)

static const CaptureSettings *worker_settings = NULL;
CaptureCounters capture_counts;
const CaptureState *capture_worker_state = NULL;

PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks *cb);

void
capture_use_settings(const CaptureSettings *settings)
{
	worker_settings = settings;
}

const CaptureCounters *
capture_counters(void)
{
	return &capture_counts;
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
		state->skipped = worker_settings->skipped;
		owner = worker_settings->owner;
		capture_worker_state = state;
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

/* Has an administrator asked to leave this transaction out? */
static bool
is_skipped(const CaptureState *state, const ReorderBufferTXN *txn)
{
	ListCell   *lc;

	foreach(lc, state->skipped)
	{
		const SkippedTransaction *skipped = lfirst(lc);

		if (skipped->commit_lsn == txn->final_lsn && skipped->xid == txn->xid)
			return true;
	}
	return false;
}

static void
begin_skipping(CaptureState *state)
{
	XLogRecPtr	commit_lsn = state->transaction.commit_lsn;

	capture_counts.skipped++;
	ereport(LOG,
			errmsg("skipping transaction %u, which committed at %X/%X",
				   state->transaction.xid, LSN_FORMAT_ARGS(commit_lsn)),
			errdetail("Its changes are not published, as requested with cdc_emit.skip_transaction()."));
}

static void
begin_cb(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	CaptureState *state = ctx->output_plugin_private;

	state->in_transaction = true;
	state->transaction.xid = txn->xid;
	state->transaction.commit_lsn = txn->final_lsn;
	state->transaction.commit_time = cdc_txn_commit_time(txn);
	state->begun = false;
	state->next_index = 0;
	state->skipping = is_skipped(state, txn);
	if (state->skipping)
		begin_skipping(state);
}

static void
commit_cb(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
		  XLogRecPtr commit_lsn)
{
	CaptureState *state = ctx->output_plugin_private;

	if (state->begun)
		state->transaction.previous_end_lsn = txn->end_lsn;
	state->sink->commit(state->sink, txn->end_lsn, cdc_txn_commit_time(txn));
	state->in_transaction = false;
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

void
capture_prepare_relation(CaptureState *state, RelationInfo *info)
{
	MemoryContext old;

	state->current.relation = info;
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

/* Are changes of this replication origin left out? */
static bool
filter_by_origin_cb(LogicalDecodingContext *ctx, CdcOriginId origin)
{
	CaptureState *state = ctx->output_plugin_private;

	/* There are no options yet while a slot is created. */
	return state != NULL && state->options->origin == ORIGIN_NONE &&
		origin != CdcInvalidOriginId;
}

static void
begin_change(CaptureState *state, const ReorderBufferChange *change)
{
	CHECK_FOR_INTERRUPTS();
	if (state->sink->progress)
		state->sink->progress(state->sink);
	capture_begin_change(state, change);
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
	capture_end_change(state);
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

	begin_change(state, change);
	old = MemoryContextSwitchTo(state->change_context);
	if (state->skipping)
		 /* nothing */ ;
	else if (state->options->on_error == ON_ERROR_DEAD_LETTER)
		capture_row_or_dead_letter(state, txn, relation, change);
	else
		capture_row(state, txn, relation, change);
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

	begin_change(state, change);
	old = MemoryContextSwitchTo(state->change_context);
	for (i = 0; i < nrelations && !state->skipping; i++)
		capture_truncate(state, txn, relations[i], change->lsn);
	MemoryContextSwitchTo(old);
	end_change(state);
}

/* All memory belongs to the decoding context, which goes after this. */
static void
shutdown_cb(LogicalDecodingContext *ctx)
{
	capture_worker_state = NULL;
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
	cb->filter_by_origin_cb = filter_by_origin_cb;
	cb->shutdown_cb = shutdown_cb;
}
