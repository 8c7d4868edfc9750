/*-------------------------------------------------------------------------
 *
 * text_sink.c
 *	  Messages as text rows of the SQL and walsender interface.
 *
 * Each message is one row, a JSON object with topic, key, value and headers
 * in this order.  Key and value are the message's own JSON, or null.
 *
 * Runs in backends and walsenders that decode with this plugin.  Lives in
 * the decoding context.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/text_sink.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "json_writer.h"
#include "mb/pg_wchar.h"
#include "replication/output_plugin.h"
#include "text_sink.h"

typedef struct TextSink
{
	Sink		base;
	LogicalDecodingContext *ctx;
} TextSink;

static int
text_open_topic(Sink *sink, const char *topic_name)
{
	return 0;
}

/* JSON is UTF-8, a text row has the server encoding. */
static void
append_json(StringInfo out, const char *json, int len)
{
	char	   *text;

	if (json == NULL)
	{
		json_append_literal(out, "null");
		return;
	}
	text = pg_any_to_server(json, len, PG_UTF8);
	json_append_raw(out, text, text == json ? len : (int) strlen(text));
	if (text != json)
		pfree(text);
}

static void
append_headers(StringInfo out, const Message *message)
{
	int			i;

	json_append_char(out, '{');
	for (i = 0; i < message->nheaders; i++)
	{
		const MessageHeader *header = &message->headers[i];
		StringInfoData json;

		if (i > 0)
			json_append_char(out, ',');
		json_append_cstring(out, header->name);
		json_append_char(out, ':');
		if (header->value == NULL)
		{
			json_append_literal(out, "null");
			continue;
		}
		initStringInfo(&json);
		json_append_utf8(&json, header->value, header->value_len);
		append_json(out, json.data, json.len);
		pfree(json.data);
	}
	json_append_char(out, '}');
}

static void
text_emit(Sink *base, const Message *message, TimestampTz commit_time)
{
	TextSink   *sink = (TextSink *) base;
	StringInfo	out = sink->ctx->out;

	OutputPluginPrepareWrite(sink->ctx, true);
	json_append_literal(out, "{\"topic\":");
	json_append_cstring(out, message->topic_name);
	json_append_literal(out, ",\"key\":");
	append_json(out, message->key, message->key_len);
	json_append_literal(out, ",\"value\":");
	append_json(out, message->value, message->value_len);
	json_append_literal(out, ",\"headers\":");
	append_headers(out, message);
	json_append_char(out, '}');
	json_terminate(out);
	OutputPluginWrite(sink->ctx, true);
}

static void
text_commit(Sink *sink, XLogRecPtr end_lsn, TimestampTz commit_time)
{
}

Sink *
text_sink_create(LogicalDecodingContext *ctx)
{
	TextSink   *sink = palloc0(sizeof(TextSink));

	sink->base.open_topic = text_open_topic;
	sink->base.emit = text_emit;
	sink->base.commit = text_commit;
	sink->ctx = ctx;
	return &sink->base;
}
