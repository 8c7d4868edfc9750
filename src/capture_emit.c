/*-------------------------------------------------------------------------
 *
 * capture_emit.c
 *	  Events to messages: the bytes of the encoder go to the sink.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  Bytes are written to buffers of the state, which are reused.
 * No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/capture_emit.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "capture_internal.h"
#include "event_field.h"
#include "json_writer.h"
#include "route_headers.h"
#include "utils/timestamp.h"
#include "value_time.h"

StringInfo
capture_key(CaptureState *state, RelationInfo *info, const RowImage *row,
			StringInfo buffer)
{
	CurrentChange *current = &state->current;

	if (info->nkeys == 0)
		return NULL;
	current->phase = CAPTURE_ENCODING;
	current->relation = info;
	current->placed = current->value_begun = current->encoded = false;
	current->key = NULL;
	resetStringInfo(buffer);
	state->encoder->key(state->encoder, info, KEY_MESSAGE, row, buffer);
	current->key = buffer;
	return buffer;
}

static void
begin_encoding(CaptureState *state, RelationInfo *info,
			   const ChangeEvent *event, const StringInfo key)
{
	CurrentChange *current = &state->current;

	current->phase = CAPTURE_ENCODING;
	current->relation = info;
	current->op = event_op_name(event->op);
	current->key = key;
	current->index = event->position.index;
	current->placed = true;
	current->value_begun = true;
	current->encoded = false;
}

/* A message that the sink can never take is an error of the data. */
static void
check_size(const CaptureState *state, const Message *message)
{
	Sink	   *sink = state->sink;
	int			room;

	if (sink->value_room == NULL)
		return;
	room = sink->value_room(sink, message);
	if (message->value_len > room)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("message for Kafka topic \"%s\" is too large",
					   message->topic_name),
				errdetail("The key has %d bytes and the value %d; with this key, values of %d bytes can be sent.",
						  message->key_len, message->value_len,
						  Max(room, 0)),
				errhint("Increase the limit with ALTER SERVER ... OPTIONS (SET message_max_bytes '...'), and max.message.bytes of the topic in Kafka; or let cdc_emit.alter_subscription() set on_error to dead_letter."));
}

/* All but topic, value and partition */
static void
init_message(CaptureState *state, Message *message, const StringInfo key)
{
	TimestampTz timestamp = state->transaction.commit_time;

	if (state->options->timestamp == TIMESTAMP_SOURCE_NOW)
		timestamp = GetCurrentTimestamp();
	message->timestamp_ms = value_time_unix_us(timestamp) / 1000;
	message->json = state->encoder->json;
	message->key = key ? key->data : NULL;
	message->key_len = key ? key->len : 0;
	message->truncated = false;
	message->nheaders = state->headers.nheaders;
	message->headers = headers_finish(&state->headers);
	message->has_partition_hash = false;
	message->partition_hash = 0;
}

/* A value of NULL makes the message a tombstone. */
static void
send_message(CaptureState *state, Message *message, const StringInfo value)
{
	message->value = value ? value->data : NULL;
	message->value_len = value ? value->len : 0;
	check_size(state, message);
	state->current.phase = CAPTURE_EMITTING;
	state->sink->emit(state->sink, message, state->transaction.commit_time);
}

/* Columns that were asked for, else the key, else the table */
static void
choose_partition(CaptureState *state, const ChangeEvent *event,
				 Message *message)
{
	const RelationInfo *info = event->relation;
	const RowImage *row = event->after ? event->after : event->before;
	StringInfo	key = &state->other_key;

	if (info->npartition_keys > 0 && row)
	{
		resetStringInfo(key);
		state->encoder->key(state->encoder, info, KEY_PARTITION, row, key);
		message->has_partition_hash = true;
		message->partition_hash = route_key_hash(key->data, key->len);
	}
	else if (message->key == NULL)
	{
		message->has_partition_hash = true;
		message->partition_hash = info->keyless_hash;
	}
}

/* The names of columns that the event has no value for, as a JSON array */
static void
add_unavailable(const RelationInfo *info, const RowImage *row,
				HeaderList *headers)
{
	StringInfo	out = NULL;
	int			i;

	for (i = 0; i < info->ncolumns; i++)
	{
		const RelationColumn *column = &info->columns[i];

		if (row->nulls[column->index] ||
			!row_value_is_unavailable(column, row->values[column->index]))
			continue;
		if (out)
			json_append_char(out, ',');
		else
		{
			out = headers_begin(headers, CAPTURE_HEADER_UNAVAILABLE);
			json_append_char(out, '[');
		}
		json_append_cstring(out, column->name);
	}
	if (out)
	{
		json_append_char(out, ']');
		headers_end(headers);
	}
}

/*
 * Headers of the format, of the options, and of missing values.  Returns the
 * number of the format's, which come first.
 */
static int
collect_headers(CaptureState *state, const ChangeEvent *event)
{
	const RelationInfo *info = event->relation;
	HeaderList *headers = &state->headers;
	int			nformat;

	headers_reset(headers);
	if (state->encoder->headers)
		state->encoder->headers(state->encoder, event, headers);
	nformat = headers->nheaders;
	if (info->headers)
		header_templates_add(info->headers, event_op_name(event->op),
							 &event->position,
							 event->after ? event->after : event->before,
							 headers);
	if (event->after && event->incomplete)
		add_unavailable(info, event->after, headers);
	return nformat;
}

bool
capture_emit(CaptureState *state, RelationInfo *info,
			 const ChangeEvent *event, const StringInfo key)
{
	Encoder    *encoder = state->encoder;
	bool		tombstone = event->op == EVENT_DELETE && encoder->tombstones;
	bool		has_value;
	int			nformat;
	Message		message;

	begin_encoding(state, info, event, key);
	resetStringInfo(&state->value);
	has_value = encoder->value(encoder, event, &state->value);
	state->current.encoded = true;
	if (!has_value && !tombstone)
		return false;

	nformat = collect_headers(state, event);
	init_message(state, &message, key);
	message.topic = info->topic;
	message.topic_name = info->topic_name;
	choose_partition(state, event, &message);
	if (has_value)
		send_message(state, &message, &state->value);
	if (tombstone)
	{
		if (!encoder->tombstone_headers)
		{
			message.headers += nformat;
			message.nheaders -= nformat;
		}
		state->current.phase = CAPTURE_ENCODING;
		send_message(state, &message, NULL);
		capture_counts.tombstones++;
	}
	return true;
}

void
capture_open_topic(CaptureState *state, CaptureTopic *topic)
{
	CapturePhase phase = state->current.phase;

	if (topic->open)
		return;
	state->current.phase = CAPTURE_PREPARING;
	topic->id = state->sink->open_topic(state->sink, topic->name);
	topic->open = true;
	state->current.phase = phase;
}

void
capture_emit_special(CaptureState *state, CaptureTopic *topic,
					 const StringInfo key, const StringInfo value)
{
	Message		message;

	capture_open_topic(state, topic);
	init_message(state, &message, key);
	message.topic = topic->id;
	message.topic_name = topic->name;
	send_message(state, &message, value);
}
