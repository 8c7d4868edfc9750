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

#include "access/xact.h"
#include "capture_internal.h"
#include "commands/dbcommands.h"
#include "config.h"
#include "event_field.h"
#include "miscadmin.h"
#include "replication/origin.h"
#include "text_sink.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

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
	capture_counts.nulled_values = value_nulled_count();
	return &capture_counts;
}

/* Take settings from plugin options; text rows are the sink. */
static void
configure_from_options(CaptureSettings *settings, LogicalDecodingContext *ctx)
{
	settings->options = options_from_plugin(ctx->output_plugin_options,
											&settings->publications);
	if (settings->publications == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"publications\" is required"),
				 errhint("Name one or more publications, for example: SELECT data FROM pg_logical_slot_get_changes('slot', NULL, NULL, 'publications', 'pub1,pub2').")));
	settings->sink = text_sink_create(ctx);
}

static Encoder *
make_encoder(const EncoderSettings *settings)
{
	switch (settings->options->format)
	{
		case OUTPUT_FORMAT_DEBEZIUM:
			return encode_debezium_create(settings);
		case OUTPUT_FORMAT_ROW:
			return encode_row_create(settings);
		case OUTPUT_FORMAT_CLOUDEVENTS:
			return encode_cloudevents_create(settings);
	}
	return NULL;				/* keep compiler quiet */
}

static char *
database_name(void)
{
	char	   *name = get_database_name(MyDatabaseId);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_DATABASE),
				 errmsg("database with OID %u does not exist",
						MyDatabaseId)));
	return name;
}

void
capture_prepare(CaptureState *state)
{
	MemoryContext old;
	const SubscriptionOptions *options = state->options;
	EncoderSettings settings;
	const char *prefix = options->topic_prefix;

	if (state->encoder)
		return;

	old = MemoryContextSwitchTo(state->context);
	settings.options = options;
	settings.database = database_name();
	if (prefix == NULL)
		prefix = state->default_prefix;
	if (prefix == NULL)
		prefix = settings.database;
	settings.name = options->source_name ? options->source_name : prefix;

	state->router = route_create(options, prefix, settings.database);
	state->message_topic.name = route_special_topic(state->router, "message");
	state->transaction_topic.name = route_special_topic(state->router,
														"transaction");
	state->dead_letter_topic.name = options->dead_letter_topic ?
		options->dead_letter_topic :
		route_special_topic(state->router, "dead_letter");
	state->encoder = make_encoder(&settings);
	MemoryContextSwitchTo(old);
}

/* In context, which is the current one */
static CaptureState *
make_state(MemoryContext context, const CaptureSettings *settings)
{
	CaptureState *state = palloc0(sizeof(CaptureState));

	state->context = context;
	state->options = settings->options;
	state->default_prefix = settings->default_prefix;
	state->skipped = settings->skipped;
	state->sink = settings->sink;
	state->change_context = AllocSetContextCreate(context, "cdc_emit change",
												  ALLOCSET_DEFAULT_SIZES);
	state->count_context = AllocSetContextCreate(context,
												 "cdc_emit transaction",
												 ALLOCSET_SMALL_SIZES);
	state->relations = relation_cache_create(context, settings->publications,
											 settings->options,
											 settings->owner);
	initStringInfo(&state->key);
	initStringInfo(&state->old_key);
	initStringInfo(&state->other_key);
	initStringInfo(&state->value);
	headers_init(&state->headers);
	value_startup();
	return state;
}

static void
startup_cb(LogicalDecodingContext *ctx, OutputPluginOptions *opt,
		   bool is_init)
{
	CaptureSettings settings = {0};
	CaptureState *state;
	MemoryContext old;

	opt->output_type = OUTPUT_PLUGIN_TEXTUAL_OUTPUT;
	opt->receive_rewrites = false;
	ctx->streaming = false;
	ctx->twophase = false;
	if (is_init)
		return;

	old = MemoryContextSwitchTo(ctx->context);
	if (worker_settings)
		settings = *worker_settings;
	else
		configure_from_options(&settings, ctx);
	state = make_state(ctx->context, &settings);
	if (worker_settings)
		capture_worker_state = state;
	ctx->output_plugin_private = state;
	MemoryContextSwitchTo(old);
}

static void
begin_change(CaptureState *state, const char *op, XLogRecPtr lsn)
{
	CHECK_FOR_INTERRUPTS();
	capture_begin_change(state, op, lsn);
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
release_memory(CaptureState *state)
{
	value_restore_settings();
	trim_buffer(&state->value, state->context);
	trim_buffer(&state->key, state->context);
	trim_buffer(&state->old_key, state->context);
	trim_buffer(&state->other_key, state->context);
	trim_buffer(&state->headers.text, state->context);
	MemoryContextReset(state->change_context);
}

static void
end_change(CaptureState *state, XLogRecPtr lsn)
{
	capture_end_change(state);
	release_memory(state);
	if (state->sink->progress)
		state->sink->progress(state->sink, lsn);
}

/* Has an administrator asked to leave this transaction out? */
static bool
is_skipped(const CaptureState *state, XLogRecPtr commit_lsn,
		   TransactionId xid)
{
	ListCell   *lc;

	foreach(lc, state->skipped)
	{
		const SkippedTransaction *skipped = lfirst(lc);

		if (skipped->commit_lsn == commit_lsn && skipped->xid == xid)
			return true;
	}
	return false;
}

static void
report_skipping(XLogRecPtr commit_lsn, TransactionId xid)
{
	capture_counts.skipped++;
	ereport(LOG,
			errmsg("skipping transaction %u, which committed at %X/%X",
				   xid, LSN_FORMAT_ARGS(commit_lsn)),
			errdetail("Its changes are not published, as requested with cdc_emit.skip_transaction()."));
}

static void
begin_transaction(CaptureState *state, TransactionId xid,
				  XLogRecPtr commit_lsn, TimestampTz commit_time)
{
	state->in_transaction = true;
	state->transaction.xid = xid;
	state->transaction.commit_lsn = commit_lsn;
	state->transaction.commit_time = commit_time;
	state->begun = false;
	state->next_index = 0;
	if (state->sink->begin)
		state->sink->begin(state->sink, commit_lsn);
}

static void
end_transaction(CaptureState *state, XLogRecPtr end_lsn)
{
	MemoryContext old = MemoryContextSwitchTo(state->change_context);

	capture_end_transaction(state);
	MemoryContextSwitchTo(old);
	release_memory(state);
	if (state->begun)
		state->transaction.previous_end_lsn = end_lsn;
	state->sink->commit(state->sink, end_lsn, state->transaction.commit_time);
	state->in_transaction = false;
}

static void
begin_cb(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	CaptureState *state = ctx->output_plugin_private;

	begin_transaction(state, txn->xid, txn->final_lsn,
					  cdc_txn_commit_time(txn));
	state->transaction.origin_lsn = txn->origin_lsn;
	state->origin_id = txn->origin_id;
	state->skipping = is_skipped(state, txn->final_lsn, txn->xid);
	if (state->skipping)
		report_skipping(txn->final_lsn, txn->xid);
}

static void
commit_cb(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
		  XLogRecPtr commit_lsn)
{
	end_transaction(ctx->output_plugin_private, txn->end_lsn);
}

static const char *
change_op(ReorderBufferChangeType action)
{
	switch (action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			return event_op_name(EVENT_CREATE);
		case REORDER_BUFFER_CHANGE_UPDATE:
			return event_op_name(EVENT_UPDATE);
		default:
			return event_op_name(EVENT_DELETE);
	}
}

void
capture_change_direct(CaptureState *state, Relation relation,
					  const RowChange *change)
{
	MemoryContext old;

	begin_change(state, change_op(change->action), change->lsn);
	old = MemoryContextSwitchTo(state->change_context);
	if (state->skipping)
		 /* nothing */ ;
	else if (state->options->on_error == ON_ERROR_DEAD_LETTER)
		capture_row_or_dead_letter(state, relation, change);
	else
		capture_row(state, relation, change);
	MemoryContextSwitchTo(old);
	end_change(state, change->lsn);
}

static void
change_cb(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
		  Relation relation, ReorderBufferChange *change)
{
	CaptureState *state = ctx->output_plugin_private;
	RowChange	row;

	row.action = change->action;
	row.lsn = change->lsn;
	row.old_tuple = cdc_change_old_tuple(change);
	row.new_tuple = cdc_change_new_tuple(change);
	capture_change_direct(state, relation, &row);
}

void
capture_truncate_direct(CaptureState *state, Relation relation,
						XLogRecPtr lsn)
{
	MemoryContext old;

	begin_change(state, event_op_name(EVENT_TRUNCATE), lsn);
	old = MemoryContextSwitchTo(state->change_context);
	if (!state->skipping)
		capture_truncate(state, relation, lsn);
	MemoryContextSwitchTo(old);
	end_change(state, lsn);
}

static void
truncate_cb(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
			int nrelations, Relation relations[],
			ReorderBufferChange *change)
{
	CaptureState *state = ctx->output_plugin_private;
	int			i;

	for (i = 0; i < nrelations; i++)
		capture_truncate_direct(state, relations[i], change->lsn);
}

static void
message_in_context(CaptureState *state, LogicalMessage *message,
				   bool transactional)
{
	MemoryContext old;

	begin_change(state, EVENT_OP_MESSAGE, message->position.lsn);
	old = MemoryContextSwitchTo(state->change_context);
	if (transactional && state->skipping)
		 /* nothing */ ;
	else if (state->options->on_error == ON_ERROR_DEAD_LETTER)
		capture_message_or_dead_letter(state, message, transactional);
	else
		capture_message(state, message, transactional);
	MemoryContextSwitchTo(old);
	end_change(state, message->position.lsn);
}

/*
 * Core calls back for a message outside of transactions when it reads it: in
 * no transaction, unless the caller has one, with a snapshot for the catalog.
 * The message stands for a transaction that commits where it is in WAL.  The
 * LSN that core tells is the end of its record, where the commit record of
 * another transaction may begin; its start is nobody else's.
 */
static void
message_outside(CaptureState *state, LogicalMessage *message,
				XLogReaderState *reader)
{
	bool		own_transaction = !IsTransactionState();
	ResourceOwner owner = CurrentResourceOwner;
	MemoryContext old = CurrentMemoryContext;

	state->in_transaction = true;
	state->transaction.commit_lsn = reader->ReadRecPtr;
	state->transaction.xid = InvalidTransactionId;
	if (state->sink->begin)
		state->sink->begin(state->sink, state->transaction.commit_lsn);
	if (own_transaction)
		StartTransactionCommand();
	message_in_context(state, message, false);

	/* As core ends the transactions in which it replays others. */
	if (own_transaction)
	{
		AbortCurrentTransaction();
		CurrentResourceOwner = owner;
	}
	MemoryContextSwitchTo(old);
	state->sink->commit(state->sink, reader->EndRecPtr,
						state->transaction.commit_time);
	state->in_transaction = false;
}

static void
message_cb(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn,
		   bool transactional, const char *prefix, Size content_len,
		   const char *content)
{
	CaptureState *state = ctx->output_plugin_private;
	LogicalMessage message = {0};

	message.position.lsn = lsn;
	message.prefix = prefix;
	message.content = content;
	message.content_len = content_len;
	if (!transactional &&
		is_skipped(state, ctx->reader->ReadRecPtr, InvalidTransactionId))
		report_skipping(ctx->reader->ReadRecPtr, InvalidTransactionId);
	else if (!transactional)
		message_outside(state, &message, ctx->reader);
	else
		message_in_context(state, &message, true);
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

CaptureState *
capture_begin_direct(const CaptureSettings *settings)
{
	CaptureState *state = make_state(CurrentMemoryContext, settings);

	state->origin_id = CdcInvalidOriginId;
	begin_transaction(state, GetTopTransactionIdIfAny(), GetXLogInsertRecPtr(),
					  GetCurrentTimestamp());
	return state;
}

void
capture_end_direct(CaptureState *state)
{
	end_transaction(state, state->transaction.commit_lsn);
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
	cb->message_cb = message_cb;
	cb->commit_cb = commit_cb;
	cb->filter_by_origin_cb = filter_by_origin_cb;
	cb->shutdown_cb = shutdown_cb;
}
