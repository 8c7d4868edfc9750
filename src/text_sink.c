/*-------------------------------------------------------------------------
 *
 * text_sink.c
 *	  Messages as text rows of the SQL and walsender interface.
 *
 * Each message is one row, a JSON object with topic, key, value and headers
 * in this order.  Key and value are the message's own JSON, a base64 string
 * if they are none, or null.
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

#include "catalog/namespace.h"
#include "json_writer.h"
#include "mb/pg_wchar.h"
#include "replication/output_plugin.h"
#include "text_sink.h"

/* Size of the buffer that text is converted in. */
#define CONVERSION_BYTES	4096

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

/*
 * Characters that the server encoding lacks are escaped, which JSON allows
 * in strings; elsewhere it is ASCII.  A conversion stops at the end of its
 * buffer or at such a character; in the latter case the next one starts with
 * it and converts nothing.
 */
static void
append_converted(StringInfo out, Oid function, const char *json, int len)
{
	char		text[CONVERSION_BYTES];

	while (len > 0)
	{
		int			done;

		done = pg_do_encoding_conversion_buf(function, PG_UTF8,
											 GetDatabaseEncoding(),
											 (unsigned char *) json, len,
											 (unsigned char *) text,
											 sizeof(text), true);
		if (done > 0)
			json_append_raw(out, text, strlen(text));
		else
		{
			const unsigned char *c = (const unsigned char *) json;

			json_append_unicode_escape(out, utf8_to_unicode(c));
			done = pg_utf_mblen(c);
		}
		json += done;
		len -= done;
	}
}

/* JSON is UTF-8, a text row has the server encoding. */
static void
append_json(StringInfo out, const char *json, int len)
{
	int			encoding = GetDatabaseEncoding();
	Oid			function;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		json_append_raw(out, json, len);
	else
	{
		function = FindDefaultConversionProc(PG_UTF8, encoding);
		if (!OidIsValid(function))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_FUNCTION),
					 errmsg("default conversion function for encoding \"%s\" to \"%s\" does not exist",
							pg_encoding_to_char(PG_UTF8),
							pg_encoding_to_char(encoding))));
		append_converted(out, function, json, len);
	}
}

/* Bytes that are not JSON by themselves, as a string */
static void
append_text(StringInfo out, const char *text, int len)
{
	StringInfoData json;

	initStringInfo(&json);
	json_append_utf8(&json, text, len);
	append_json(out, json.data, json.len);
	pfree(json.data);
}

void
text_append_key(StringInfo out, const Message *message)
{
	if (message->key == NULL)
		json_append_literal(out, "null");
	else if (message->json)
		append_json(out, message->key, message->key_len);
	else
		json_append_base64(out, message->key, message->key_len);
}

void
text_append_value(StringInfo out, const Message *message)
{
	if (message->value == NULL)
		json_append_literal(out, "null");
	else if (message->json && message->truncated)
		append_text(out, message->value, message->value_len);
	else if (message->json)
		append_json(out, message->value, message->value_len);
	else
		json_append_base64(out, message->value, message->value_len);
}

void
text_append_headers(StringInfo out, const Message *message)
{
	int			i;

	json_append_char(out, '{');
	for (i = 0; i < message->nheaders; i++)
	{
		const MessageHeader *header = &message->headers[i];

		if (i > 0)
			json_append_char(out, ',');
		append_text(out, header->name, strlen(header->name));
		json_append_char(out, ':');
		if (header->value == NULL)
			json_append_literal(out, "null");
		else
			append_text(out, header->value, header->value_len);
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
	text_append_key(out, message);
	json_append_literal(out, ",\"value\":");
	text_append_value(out, message);
	json_append_literal(out, ",\"headers\":");
	text_append_headers(out, message);
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
