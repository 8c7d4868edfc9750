/*-------------------------------------------------------------------------
 *
 * encode_json.h
 *	  Rows as JSON objects, for all encoders that write JSON.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/encode_json.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_ENCODE_JSON_H
#define CDC_ENCODE_JSON_H

#include "encode.h"
#include "json_writer.h"

/* Prebuilt bytes; none if all zero */
typedef struct JsonFragment
{
	const char *data;
	int			len;
} JsonFragment;

static inline void
json_append_fragment(StringInfo out, const JsonFragment *fragment)
{
	if (fragment->len > 0)
		json_append_raw(out, fragment->data, fragment->len);
}

typedef struct JsonColumn
{
	JsonFragment name;			/* ,"name": */
	JsonFragment unavailable;	/* stands for unchanged TOAST */
} JsonColumn;

/* Constant parts of a relation's rows; one JsonColumn for each column. */
typedef struct JsonRelation
{
	JsonColumn *columns;
} JsonRelation;

/* Keep what was written to buffer, in CurrentMemoryContext. */
extern JsonFragment json_fragment(StringInfo buffer);

/* Prepare a relation, in CurrentMemoryContext. */
extern JsonRelation *encode_json_relation(const RelationInfo *relation,
										  const char *unavailable_value);

/* All columns of a row. */
extern void encode_json_row(StringInfo out, const JsonRelation *json,
							const RelationInfo *relation, const RowImage *row);

/* The columns of a key. */
extern void encode_json_key(StringInfo out, const JsonRelation *json,
							const RelationInfo *relation, KeyKind kind,
							const RowImage *row);

#endif							/* CDC_ENCODE_JSON_H */
