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

#endif							/* CDC_TEXT_SINK_H */
