/*-------------------------------------------------------------------------
 *
 * json_key.h
 *	  Keys of rows as JSON, with or without schema.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/json_key.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_JSON_KEY_H
#define CDC_JSON_KEY_H

#include "encode_json.h"

/* What comes before and after the columns of a key; both may be empty */
typedef struct JsonKeys
{
	JsonFragment message_start;
	JsonFragment partition_start;
	JsonFragment end;
} JsonKeys;

/* Prepare a relation whose topic is known, in CurrentMemoryContext. */
extern void json_keys_init(JsonKeys *keys, const RelationInfo *relation,
						   bool schemas);

extern void json_keys_append(StringInfo out, const JsonKeys *keys,
							 const JsonRelation *rows,
							 const RelationInfo *relation, KeyKind kind,
							 const RowImage *row);

#endif							/* CDC_JSON_KEY_H */
