/*-------------------------------------------------------------------------
 *
 * route_headers.c
 *	  Headers that the option "headers" asks for.
 *
 * Templates are taken apart once per relation.  What is the same for all its
 * events becomes text then, so a constant header costs nothing per event but
 * its place in the message.
 *
 * Runs in any process that decodes.  Templates live with their relation's
 * cache entry.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/route_headers.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "json_writer.h"
#include "route_headers.h"
#include "value_time.h"

typedef enum PieceKind
{
	PIECE_TEXT,
	PIECE_OP,
	PIECE_XID,
	PIECE_COMMIT_LSN,
	PIECE_COMMIT_INDEX,
	PIECE_COMMIT_TIME,
	PIECE_COLUMN
} PieceKind;

typedef struct Piece
{
	PieceKind	kind;
	int			len;
	const char *text;			/* UTF-8 */
	const RelationColumn *column;
} Piece;

typedef struct HeaderTemplate
{
	const char *name;			/* UTF-8 */
	bool		needs_row;
	List	   *pieces;			/* of Piece * */
} HeaderTemplate;

struct HeaderTemplates
{
	const char *unavailable_value;
	List	   *templates;		/* of HeaderTemplate * */
};

/* What a template is compiled with */
typedef struct Compilation
{
	const HeaderNames *names;
	const RelationInfo *relation;
	StringInfoData text;		/* the piece of text that is collected */
	HeaderTemplate *template;
	bool		lacks_column;
} Compilation;

/* ----------------------------------------------------------------
 *		compilation
 * ----------------------------------------------------------------
 */

/* Append a name of a shared catalog as UTF-8. */
static void
append_shared_name(StringInfo out, const char *name)
{
	StringInfoData json;

	initStringInfo(&json);
	json_append_shared_name(&json, name);
	json_append_unquoted(out, json.data, json.len);
	pfree(json.data);
}

static Piece *
add_piece(Compilation *compilation, PieceKind kind)
{
	Piece	   *piece = palloc0(sizeof(Piece));

	piece->kind = kind;
	compilation->template->pieces = lappend(compilation->template->pieces,
											piece);
	return piece;
}

static void
end_text(Compilation *compilation)
{
	StringInfo	text = &compilation->text;
	Piece	   *piece;

	if (text->len == 0)
		return;
	piece = add_piece(compilation, PIECE_TEXT);
	json_terminate(text);
	piece->text = pstrdup(text->data);
	piece->len = text->len;
	resetStringInfo(text);
}

static void
add_column(Compilation *compilation, const char *name, int len)
{
	const RelationInfo *relation = compilation->relation;
	int			i;

	compilation->template->needs_row = true;
	for (i = 0; relation && i < relation->ncolumns; i++)
	{
		const RelationColumn *column = &relation->columns[i];

		if (strlen(column->name) == len &&
			strncmp(column->name, name, len) == 0)
		{
			add_piece(compilation, PIECE_COLUMN)->column = column;
			return;
		}
	}
	compilation->lacks_column = true;
}

static bool
is_placeholder(const char *text, int len, const char *name)
{
	return strlen(name) == len && strncmp(text, name, len) == 0;
}

/* The inside of a pair of braces; the option was checked. */
static void
add_placeholder(Compilation *compilation, const char *text, int len)
{
	static const struct
	{
		const char *name;
		PieceKind	kind;
	}			of_events[] = {
		{"op", PIECE_OP},
		{"xid", PIECE_XID},
		{"commit_lsn", PIECE_COMMIT_LSN},
		{"commit_index", PIECE_COMMIT_INDEX},
		{"commit_time", PIECE_COMMIT_TIME},
	};
	const HeaderNames *names = compilation->names;
	const int	prefix_len = strlen("column:");
	int			i;

	if (is_placeholder(text, len, "prefix"))
		append_shared_name(&compilation->text, names->prefix);
	else if (is_placeholder(text, len, "database"))
		append_shared_name(&compilation->text, names->database);
	else if (is_placeholder(text, len, "schema"))
		json_append_plain(&compilation->text, names->schema,
						  strlen(names->schema));
	else if (is_placeholder(text, len, "table"))
		json_append_plain(&compilation->text, names->table,
						  strlen(names->table));
	else
	{
		end_text(compilation);
		if (strncmp(text, "column:", prefix_len) == 0)
			add_column(compilation, text + prefix_len, len - prefix_len);
		for (i = 0; i < lengthof(of_events); i++)
		{
			if (is_placeholder(text, len, of_events[i].name))
				add_piece(compilation, of_events[i].kind);
		}
	}
}

static HeaderTemplate *
compile(const NameValue *header, const HeaderNames *names,
		const RelationInfo *relation)
{
	Compilation compilation = {names, relation};
	const char *text = header->value;

	initStringInfo(&compilation.text);
	json_append_plain(&compilation.text, header->name, strlen(header->name));
	json_terminate(&compilation.text);
	compilation.template = palloc0(sizeof(HeaderTemplate));
	compilation.template->name = pstrdup(compilation.text.data);
	resetStringInfo(&compilation.text);

	while (*text)
	{
		int			len = strcspn(text, "{");

		json_append_plain(&compilation.text, text, len);
		text += len;
		if (*text == '{')
		{
			len = strcspn(text, "}");
			add_placeholder(&compilation, text + 1, len - 1);
			text += len + 1;
		}
	}
	end_text(&compilation);
	pfree(compilation.text.data);
	return compilation.lacks_column ? NULL : compilation.template;
}

HeaderTemplates *
header_templates_create(const SubscriptionOptions *options,
						const HeaderNames *names,
						const RelationInfo *relation)
{
	HeaderTemplates *templates;
	ListCell   *lc;

	if (options->headers == NIL)
		return NULL;
	templates = palloc0(sizeof(HeaderTemplates));
	templates->unavailable_value = options->unavailable_value;
	foreach(lc, options->headers)
	{
		HeaderTemplate *template = compile(lfirst(lc), names, relation);

		if (template)
			templates->templates = lappend(templates->templates, template);
	}
	return templates;
}

/* ----------------------------------------------------------------
 *		events
 * ----------------------------------------------------------------
 */

/* The value as in the event, but as plain text; false if it is null */
static bool
append_column(StringInfo out, const RelationColumn *column,
			  const RowImage *row, const char *unavailable_value)
{
	Datum		value = row->values[column->index];
	StringInfoData json;

	if (row->nulls[column->index])
		return false;
	initStringInfo(&json);
	if (row_value_is_unavailable(column, value))
		value_append_unavailable(&json, &column->type, unavailable_value);
	else
		value_append_json(&json, &column->type, value);
	json_append_unquoted(out, json.data, json.len);
	pfree(json.data);
	return true;
}

static void
append_commit_time(StringInfo out, TimestampTz commit_time)
{
	char		text[VALUE_TIME_TEXT_MAX];
	int			len = value_time_timestamptz_text(text, commit_time, 6);

	json_append_raw(out, text, len);
}

/* False if the piece, and so the header, is null */
static bool
append_piece(StringInfo out, const Piece *piece, const char *op,
			 const EventPosition *position, const RowImage *row,
			 const char *unavailable_value)
{
	const TransactionInfo *transaction = position->transaction;

	switch (piece->kind)
	{
		case PIECE_TEXT:
			json_append_raw(out, piece->text, piece->len);
			return true;
		case PIECE_OP:
			json_append_raw(out, op, strlen(op));
			return true;
		case PIECE_XID:
			if (!TransactionIdIsValid(transaction->xid))
				return false;
			json_append_uint64(out, transaction->xid);
			return true;
		case PIECE_COMMIT_LSN:
			json_append_uint64(out, transaction->commit_lsn);
			return true;
		case PIECE_COMMIT_INDEX:
			json_append_uint64(out, position->index);
			return true;
		case PIECE_COMMIT_TIME:
			append_commit_time(out, transaction->commit_time);
			return true;
		case PIECE_COLUMN:
			return append_column(out, piece->column, row, unavailable_value);
	}
	return false;				/* keep compiler quiet */
}

/* A header that is one piece of text */
static const Piece *
constant_piece(const HeaderTemplate *template)
{
	const Piece *piece;

	if (list_length(template->pieces) != 1)
		return NULL;
	piece = linitial(template->pieces);
	return piece->kind == PIECE_TEXT ? piece : NULL;
}

static void
add_header(const HeaderTemplate *template, const char *op,
		   const EventPosition *position, const RowImage *row,
		   const char *unavailable_value, HeaderList *headers)
{
	const Piece *constant = constant_piece(template);
	StringInfo	out;
	ListCell   *lc;

	if (constant)
	{
		headers_add(headers, template->name, constant->text, constant->len);
		return;
	}
	out = headers_begin(headers, template->name);
	foreach(lc, template->pieces)
	{
		if (!append_piece(out, lfirst(lc), op, position, row,
						  unavailable_value))
		{
			headers_end_null(headers);
			return;
		}
	}
	headers_end(headers);
}

void
header_templates_add(const HeaderTemplates *templates, const char *op,
					 const EventPosition *position, const RowImage *row,
					 HeaderList *headers)
{
	ListCell   *lc;

	foreach(lc, templates->templates)
	{
		const HeaderTemplate *template = lfirst(lc);

		if (!template->needs_row || row)
			add_header(template, op, position, row,
					   templates->unavailable_value, headers);
	}
}
