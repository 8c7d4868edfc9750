/*-------------------------------------------------------------------------
 *
 * logical_message.c
 *	  Messages of pg_logical_emit_message() as JSON.
 *
 * The content is bytes, whatever it was when it was emitted, and is written
 * as values of type bytea are.
 *
 * Runs in any process that decodes.  Scratch memory comes from
 * CurrentMemoryContext.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/logical_message.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "compat.h"
#include "json_writer.h"
#include "logical_message.h"

void
logical_message_type_init(LogicalMessageType *type,
						  const SubscriptionOptions *options)
{
	value_type_init(&type->content, BYTEAOID, -1, 0, &options->modes,
					InvalidOid);
	type->unavailable_value = options->unavailable_value;
}

void
logical_message_append_key(StringInfo out, const LogicalMessage *message)
{
	json_append_literal(out, "{\"prefix\":");
	json_append_cstring(out, message->prefix);
	json_append_char(out, '}');
}

static void
append_content(StringInfo out, const LogicalMessageType *type,
			   const LogicalMessage *message)
{
	bytea	   *content = palloc(VARHDRSZ + message->content_len);

	SET_VARSIZE(content, VARHDRSZ + message->content_len);
	memcpy(VARDATA(content), message->content, message->content_len);
	value_append_json(out, &type->content, PointerGetDatum(content));
	pfree(content);
}

void
logical_message_append(StringInfo out, const LogicalMessageType *type,
					   const LogicalMessage *message)
{
	json_append_literal(out, "{\"prefix\":");
	json_append_cstring(out, message->prefix);
	json_append_literal(out, ",\"content\":");
	if (message->content)
		append_content(out, type, message);
	else
		value_append_unavailable(out, &type->content,
								 type->unavailable_value);
	json_append_char(out, '}');
}
