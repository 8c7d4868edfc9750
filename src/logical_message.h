/*-------------------------------------------------------------------------
 *
 * logical_message.h
 *	  Messages of pg_logical_emit_message() as JSON.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/logical_message.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_LOGICAL_MESSAGE_H
#define CDC_LOGICAL_MESSAGE_H

#include "encode.h"

/* How contents are written */
typedef struct LogicalMessageType
{
	ValueType	content;
	const char *unavailable_value;
} LogicalMessageType;

/* Looks at the catalog, so it needs a transaction; in CurrentMemoryContext. */
extern void logical_message_type_init(LogicalMessageType *type,
									  const SubscriptionOptions *options);

/* {"prefix":...} */
extern void logical_message_append_key(StringInfo out,
									   const LogicalMessage *message);

/* {"prefix":...,"content":...} */
extern void logical_message_append(StringInfo out,
								   const LogicalMessageType *type,
								   const LogicalMessage *message);

#endif							/* CDC_LOGICAL_MESSAGE_H */
