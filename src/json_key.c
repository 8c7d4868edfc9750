/*-------------------------------------------------------------------------
 *
 * json_key.c
 *	  Keys of rows as JSON, with or without schema.
 *
 * Runs in any process that decodes.  Prepared parts live as long as the
 * relation's cache entry.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/json_key.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "debezium_schema.h"
#include "json_key.h"
#include "json_writer.h"

static JsonFragment
schema_of(const RelationInfo *relation, KeyKind kind)
{
	StringInfoData buffer;
	JsonFragment fragment;

	initStringInfo(&buffer);
	debezium_schema_append_key(&buffer, relation, kind);
	fragment = json_fragment(&buffer);
	pfree(buffer.data);
	return fragment;
}

void
json_keys_init(JsonKeys *keys, const RelationInfo *relation, bool schemas)
{
	memset(keys, 0, sizeof(*keys));
	if (!schemas)
		return;
	keys->message_start = schema_of(relation, KEY_MESSAGE);
	keys->partition_start = schema_of(relation, KEY_PARTITION);
	keys->end.data = "}";
	keys->end.len = 1;
}

void
json_keys_append(StringInfo out, const JsonKeys *keys,
				 const JsonRelation *rows, const RelationInfo *relation,
				 KeyKind kind, const RowImage *row)
{
	json_append_fragment(out, kind == KEY_MESSAGE ? &keys->message_start :
						 &keys->partition_start);
	encode_json_key(out, rows, relation, kind, row);
	json_append_fragment(out, &keys->end);
}
