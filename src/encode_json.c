/*-------------------------------------------------------------------------
 *
 * encode_json.c
 *	  Rows as JSON objects, for all encoders that write JSON.
 *
 * Runs in any process that decodes.  Prepared parts live as long as the
 * relation's cache entry.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/encode_json.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "encode_json.h"
#include "json_writer.h"

JsonFragment
json_fragment(StringInfo buffer)
{
	JsonFragment fragment;
	char	   *data = palloc(Max(buffer->len, 1));

	memcpy(data, buffer->data, buffer->len);
	fragment.data = data;
	fragment.len = buffer->len;
	return fragment;
}

JsonRelation *
encode_json_relation(const RelationInfo *relation,
					 const char *unavailable_value)
{
	JsonRelation *json = palloc(sizeof(JsonRelation));
	StringInfoData buffer;
	int			i;

	initStringInfo(&buffer);
	json->columns = palloc(Max(relation->ncolumns, 1) * sizeof(JsonColumn));
	for (i = 0; i < relation->ncolumns; i++)
	{
		const RelationColumn *column = &relation->columns[i];

		resetStringInfo(&buffer);
		json_append_char(&buffer, ',');
		json_append_cstring(&buffer, column->name);
		json_append_char(&buffer, ':');
		json->columns[i].name = json_fragment(&buffer);

		resetStringInfo(&buffer);
		value_append_unavailable(&buffer, &column->type, unavailable_value);
		json->columns[i].unavailable = json_fragment(&buffer);
	}
	pfree(buffer.data);
	return json;
}

/* The column in hand, for messages of errors */
typedef struct ColumnContext
{
	ErrorContextCallback callback;
	const RelationInfo *relation;
	const RelationColumn *column;
} ColumnContext;

static void
report_column(void *arg)
{
	const ColumnContext *context = arg;

	if (context->column)
		errcontext("column \"%s\" of table \"%s.%s\"",
				   context->column->name, context->relation->schema,
				   context->relation->table);
}

static inline void
push_context(ColumnContext *context, const RelationInfo *relation)
{
	context->relation = relation;
	context->column = NULL;
	context->callback.callback = report_column;
	context->callback.arg = context;
	context->callback.previous = error_context_stack;
	error_context_stack = &context->callback;
}

static inline void
pop_context(ColumnContext *context)
{
	error_context_stack = context->callback.previous;
}

static inline void
append_column(StringInfo out, ColumnContext *context, const JsonColumn *json,
			  const RelationColumn *column, const RowImage *row)
{
	Datum		value = row->values[column->index];

	context->column = column;
	json_append_raw(out, json->name.data, json->name.len);
	if (row->nulls[column->index])
		json_append_literal(out, "null");
	else if (row_value_is_unavailable(column, value))
		json_append_raw(out, json->unavailable.data, json->unavailable.len);
	else
		value_append_json(out, &column->type, value);
}

/* Name fragments start with a comma; the first becomes the brace. */
static inline void
close_object(StringInfo out, int start)
{
	if (out->len == start)
		json_append_char(out, '{');
	else
		out->data[start] = '{';
	json_append_char(out, '}');
}

void
encode_json_row(StringInfo out, const JsonRelation *json,
				const RelationInfo *relation, const RowImage *row)
{
	ColumnContext context;
	int			start = out->len;
	int			i;

	push_context(&context, relation);
	for (i = 0; i < relation->ncolumns; i++)
		append_column(out, &context, &json->columns[i], &relation->columns[i],
					  row);
	pop_context(&context);
	close_object(out, start);
}

void
encode_json_key(StringInfo out, const JsonRelation *json,
				const RelationInfo *relation, KeyKind kind,
				const RowImage *row)
{
	bool		message = kind == KEY_MESSAGE;
	int			n = message ? relation->nkeys : relation->npartition_keys;
	RelationColumn **columns = message ? relation->keys :
		relation->partition_keys;
	ColumnContext context;
	int			start = out->len;
	int			i;

	push_context(&context, relation);
	for (i = 0; i < n; i++)
	{
		const RelationColumn *column = columns[i];

		append_column(out, &context,
					  &json->columns[column - relation->columns], column,
					  row);
	}
	pop_context(&context);
	close_object(out, start);
}
