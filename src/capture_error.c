/*-------------------------------------------------------------------------
 *
 * capture_error.c
 *	  Events that cannot be published: what is known of them, dead letters.
 *
 * An error of the data is one that the encoder or the size of a message
 * raises for one change, and that comes again whenever the change is decoded:
 * a value its type's output function refuses, text that is not valid in its
 * encoding, a message larger than the producer may send.  All other errors
 * (Kafka, catalog, memory, disk) are not the event's fault.
 *
 * With on_error = dead_letter a change is captured in a subtransaction.  Core
 * holds the transaction that replays the decoded one, and lets callbacks have
 * subtransactions in it; rolling one back is what releases locks, references,
 * settings and the user id that an output function may have left behind.
 * None is ever given a transaction id, as nothing may be written.  Messages
 * that were handed over before the error stay so: they do not depend on it.
 * Errors that are not of the data are raised again after the rollback.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one; capture_get_failure() also after it.  What a dead letter
 * needs is allocated in the context that is reset after each change.  No
 * locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/capture_error.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "capture_internal.h"
#include "json_writer.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "value_time.h"

/* Bytes of an error's message that a header holds */
#define MAX_ERROR_HEADER		256

/* Dead letters are logged at most so often, in ms. */
#define LOG_INTERVAL_MS			10000

/* Headers of a dead letter */
#define MAX_HEADERS				12

void
capture_begin_change(CaptureState *state, const char *op, XLogRecPtr lsn)
{
	CurrentChange *current = &state->current;

	memset(current, 0, sizeof(*current));
	current->active = true;
	current->op = op;
	current->lsn = lsn;
}

void
capture_end_change(CaptureState *state)
{
	state->current.active = false;
}

/*
 * Can the data alone be the cause of such an error?  Classes are those of
 * the SQL standard; 38, 39 and P0 are what functions in other languages
 * raise.
 */
static bool
is_data_error(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_EXTERNAL_ROUTINE_EXCEPTION:
		case ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION:
		case ERRCODE_PLPGSQL_ERROR:
			return true;
		default:
			return sqlstate == ERRCODE_DATA_CORRUPTED;
	}
}

/* Is this error the fault of the change in hand? */
static bool
is_poison(const CaptureState *state, int sqlstate)
{
	return state->current.active &&
		state->current.phase == CAPTURE_ENCODING && is_data_error(sqlstate);
}

bool
capture_get_failure(int sqlstate, CaptureFailure *failure)
{
	const CaptureState *state = capture_worker_state;
	const CurrentChange *current;

	memset(failure, 0, sizeof(*failure));
	if (state == NULL || !state->in_transaction)
		return false;
	current = &state->current;
	failure->commit_lsn = state->transaction.commit_lsn;
	failure->xid = state->transaction.xid;
	if (!current->active || current->phase == CAPTURE_EMITTING)
		return true;
	failure->poison = is_poison(state, sqlstate);
	if (current->relation != NULL)
	{
		failure->schema = current->relation->schema;
		failure->table = current->relation->table;
	}
	if (current->key != NULL)
	{
		failure->key = current->key->data;
		failure->key_len = current->key->len;
	}
	return true;
}

/* ----------------------------------------------------------------
 *		dead letters
 * ----------------------------------------------------------------
 */

static void
add_header(Message *message, MessageHeader *headers, const char *name,
		   const char *value)
{
	MessageHeader *header = &headers[message->nheaders++];

	Assert(message->nheaders <= MAX_HEADERS);
	header->name = name;
	header->value = value;
	header->value_len = strlen(value);
}

/* Errors are in the server's encoding, headers in UTF-8. */
static char *
error_text(const char *text)
{
	StringInfoData utf8;

	initStringInfo(&utf8);
	json_append_plain(&utf8, text, strlen(text));
	utf8.len = pg_encoding_mbcliplen(PG_UTF8, utf8.data, utf8.len,
									 MAX_ERROR_HEADER);
	json_terminate(&utf8);
	return utf8.data;
}

/* What happened, and the identity of the event */
static void
add_headers(const CaptureState *state, Message *message,
			MessageHeader *headers, const ErrorData *error)
{
	const CurrentChange *current = &state->current;
	const RelationInfo *info = current->relation;
	XLogRecPtr	commit_lsn = state->transaction.commit_lsn;

	add_header(message, headers, "__cdc_emit.sqlstate",
			   pstrdup(unpack_sql_state(error->sqlerrcode)));
	add_header(message, headers, "__cdc_emit.error",
			   error_text(error->message));
	add_header(message, headers, "__cdc_emit.topic",
			   info ? info->topic_name : state->message_topic.name);
	if (info)
	{
		add_header(message, headers, "__cdc_emit.schema",
				   error_text(info->schema));
		add_header(message, headers, "__cdc_emit.table",
				   error_text(info->table));
	}
	add_header(message, headers, "__cdc_emit.op", current->op);
	add_header(message, headers, "__cdc_emit.xid",
			   psprintf("%u", state->transaction.xid));
	add_header(message, headers, "__cdc_emit.lsn",
			   psprintf(UINT64_FORMAT, current->lsn));
	add_header(message, headers, "__cdc_emit.commit_lsn",
			   psprintf(UINT64_FORMAT, commit_lsn));
	add_header(message, headers, "__cdc_emit.commit_index",
			   psprintf(UINT64_FORMAT, current->index));
	if (current->encoded)
		add_header(message, headers, "__cdc_emit.value_length",
				   psprintf("%d", state->value.len));
}

/*
 * What fits of the key and of the value.  A value is cut off between two
 * characters; one that could not be encoded ends where the error came.
 */
static void
fill_message(CaptureState *state, Message *message)
{
	const CurrentChange *current = &state->current;
	Sink	   *sink = state->sink;
	int			room = PG_INT32_MAX;

	if (current->key != NULL)
	{
		message->key = current->key->data;
		message->key_len = current->key->len;
	}
	if (sink->value_room != NULL)
		room = sink->value_room(sink, message);
	if (room < 0)
	{
		message->key = NULL;
		message->key_len = 0;
		room = Max(sink->value_room(sink, message), 0);
	}
	if (!current->value_begun)
		return;
	message->value = state->value.data;
	message->value_len = state->value.len;
	message->truncated = !current->encoded || message->value_len > room;
	if (message->value_len > room)
		message->value_len = pg_encoding_mbcliplen(PG_UTF8, message->value,
												   message->value_len, room);
}

/* Not more often than a log can bear; the view counts all of them. */
static void
log_dead_letter(const CaptureState *state, const ErrorData *error)
{
	static TimestampTz last = 0;
	TimestampTz now = GetCurrentTimestamp();
	const RelationInfo *info = state->current.relation;
	const char *topic = state->dead_letter_topic.name;
	XLogRecPtr	commit_lsn = state->transaction.commit_lsn;

	if (last != 0 && !TimestampDifferenceExceeds(last, now, LOG_INTERVAL_MS))
		return;
	last = now;
	ereport(LOG,
			errcode(error->sqlerrcode),
			info ?
			errmsg("an event of table \"%s.%s\" went to topic \"%s\": %s",
				   info->schema, info->table, topic, error->message) :
			errmsg("a logical message with prefix \"%s\" went to topic \"%s\": %s",
				   state->current.message->prefix, topic, error->message),
			errdetail("It is of the transaction that committed at %X/%X. Further ones are counted in pg_stat_cdc_emit and not logged for %d seconds.",
					  LSN_FORMAT_ARGS(commit_lsn), LOG_INTERVAL_MS / 1000));
}

/* Dead letters are events too: they have an index and are counted. */
static void
place_dead_letter(CaptureState *state)
{
	CurrentChange *current = &state->current;
	EventPosition position;

	if (current->placed)
		return;
	capture_place(state, current->relation, &position);
	current->index = position.index;
}

static void
emit_dead_letter(CaptureState *state, const ErrorData *error)
{
	CurrentChange *current = &state->current;
	MessageHeader headers[MAX_HEADERS];
	Message		message = {0};

	place_dead_letter(state);
	current->phase = CAPTURE_EMITTING;
	capture_open_topic(state, &state->dead_letter_topic);
	log_dead_letter(state, error);

	message.topic = state->dead_letter_topic.id;
	message.topic_name = state->dead_letter_topic.name;
	message.json = state->encoder->json;
	message.headers = headers;
	message.timestamp_ms =
		value_time_unix_us(state->transaction.commit_time) / 1000;
	add_headers(state, &message, headers, error);
	fill_message(state, &message);
	if (message.key == NULL)
	{
		message.has_partition_hash = true;
		message.partition_hash =
			current->relation ? current->relation->keyless_hash : 0;
	}
	state->sink->emit(state->sink, &message, state->transaction.commit_time);
	capture_counts.dead_letters++;
}

/* What is captured: a change of a row, or a logical message */
typedef struct CaptureTask
{
	Relation	relation;
	const RowChange *change;
	LogicalMessage *message;	/* NULL: a change */
	bool		transactional;	/* of the message */
} CaptureTask;

static void
perform(CaptureState *state, const CaptureTask *task)
{
	if (task->message)
		capture_message(state, task->message, task->transactional);
	else
		capture_row(state, task->relation, task->change);
}

/*
 * Capture something in a subtransaction.  Returns NULL, or the error of the
 * data that kept it from being published; raises all other errors.
 */
static ErrorData *
try_to_perform(CaptureState *state, const CaptureTask *task)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		perform(state, task);
		value_restore_settings();
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		value_startup();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;

	if (error != NULL && !is_poison(state, error->sqlerrcode))
		ReThrowError(error);
	return error;
}

static void
perform_or_dead_letter(CaptureState *state, const CaptureTask *task)
{
	CurrentChange *current = &state->current;
	ErrorData  *error = try_to_perform(state, task);

	while (error != NULL)
	{
		emit_dead_letter(state, error);
		if (current->key_change != KEY_CHANGE_DELETE)
			return;

		/* The old row was to blame; the new one may be good. */
		current->key_change = KEY_CHANGE_CREATE;
		current->phase = CAPTURE_PREPARING;
		error = try_to_perform(state, task);
	}
}

void
capture_row_or_dead_letter(CaptureState *state, Relation relation,
						   const RowChange *change)
{
	CaptureTask task = {relation, change, NULL, false};

	perform_or_dead_letter(state, &task);
}

void
capture_message_or_dead_letter(CaptureState *state, LogicalMessage *message,
							   bool transactional)
{
	CaptureTask task = {NULL, NULL, message, transactional};

	perform_or_dead_letter(state, &task);
}
