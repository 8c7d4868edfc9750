/*-------------------------------------------------------------------------
 *
 * text_sink.h
 *	  Messages as text rows of the SQL and walsender interface.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/text_sink.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_TEXT_SINK_H
#define CDC_TEXT_SINK_H

#include "message.h"
#include "replication/logical.h"

/* A sink that writes to ctx, allocated in CurrentMemoryContext. */
extern Sink *text_sink_create(LogicalDecodingContext *ctx);

/*
 * Parts of a message as JSON in the server encoding: their own JSON, or null;
 * bytes that are none as base64.  Headers are an object.
 */
extern void text_append_key(StringInfo out, const Message *message);
extern void text_append_value(StringInfo out, const Message *message);
extern void text_append_headers(StringInfo out, const Message *message);

#endif							/* CDC_TEXT_SINK_H */
