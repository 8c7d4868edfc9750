/*-------------------------------------------------------------------------
 *
 * preview.c
 *	  SQL function preview(): the messages that changes would produce.
 *
 * Rows come from the tables, or from the caller, and go the way that decoded
 * changes go: capture, encoder, route.  The sink is the function's result.
 * What the position in WAL and the clock decide (LSNs, transaction id, times)
 * is what it would be now.
 *
 * Runs in ordinary backends with the privileges of the caller: tables are
 * read through SPI, and output functions run as the caller.  Everything lives
 * in the context of the call.  Takes AccessShareLock on the tables until the
 * end of the transaction.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/preview.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "capture.h"
#include "compat.h"
#include "json_writer.h"
#include "options.h"
#include "text_sink.h"

#define MAX_ROWS	1000

CDC_FUNCTION_INFO_V1(cdc_emit_preview);

typedef enum PreviewOperation
{
	PREVIEW_INSERT,
	PREVIEW_UPDATE,
	PREVIEW_DELETE,
	PREVIEW_TRUNCATE
} PreviewOperation;

static const char *const operation_names[] = {
	"insert", "update", "delete", "truncate"
};

typedef struct Preview
{
	Sink		sink;			/* must be first */
	ReturnSetInfo *rsinfo;
	ArrayType  *publications;
	Oid			table;			/* InvalidOid: all that are published */
	Jsonb	   *row;			/* NULL: rows of the table */
	PreviewOperation operation;
	int			max_rows;		/* of each table */
	CaptureState *capture;
} Preview;

/* ----------------------------------------------------------------
 *		the sink
 * ----------------------------------------------------------------
 */

static int
preview_open_topic(Sink *sink, const char *topic_name)
{
	return 0;
}

static Datum
finish_text(StringInfo buffer)
{
	json_terminate(buffer);
	return CStringGetTextDatum(buffer->data);
}

static void
preview_emit(Sink *base, const Message *message, TimestampTz commit_time)
{
	Preview    *preview = (Preview *) base;
	StringInfoData buffer;
	Datum		values[4];
	bool		nulls[4] = {0};

	initStringInfo(&buffer);
	text_append_key(&buffer, message);
	values[1] = finish_text(&buffer);
	nulls[1] = message->key == NULL;
	resetStringInfo(&buffer);
	text_append_headers(&buffer, message);
	values[2] = finish_text(&buffer);
	resetStringInfo(&buffer);
	text_append_value(&buffer, message);
	values[3] = finish_text(&buffer);
	nulls[3] = message->value == NULL;

	/* json is stored as text is */
	values[0] = CStringGetTextDatum(message->topic_name);
	tuplestore_putvalues(preview->rsinfo->setResult,
						 preview->rsinfo->setDesc, values, nulls);
}

static void
preview_commit(Sink *sink, XLogRecPtr end_lsn, TimestampTz commit_time)
{
}

/* ----------------------------------------------------------------
 *		changes
 * ----------------------------------------------------------------
 */

/*
 * The old row that WAL has of an UPDATE that leaves the key alone, or of a
 * DELETE: what the replica identity says.  NULL if there is none.
 */
static HeapTuple
old_tuple(Relation relation, PreviewOperation operation, HeapTuple tuple)
{
	TupleDesc	desc = RelationGetDescr(relation);
	Bitmapset  *identity;
	Datum	   *values;
	bool	   *nulls;

	if (relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL)
		return tuple;
	if (operation == PREVIEW_UPDATE)
		return NULL;
	identity = RelationGetIndexAttrBitmap(relation,
										  INDEX_ATTR_BITMAP_IDENTITY_KEY);
	if (identity == NULL)
		return NULL;

	values = palloc(desc->natts * sizeof(Datum));
	nulls = palloc(desc->natts * sizeof(bool));
	heap_deform_tuple(tuple, desc, values, nulls);
	for (int i = 0; i < desc->natts; i++)
	{
		if (!bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber,
						   identity))
			nulls[i] = true;
	}
	return heap_form_tuple(desc, values, nulls);
}

static void
preview_row(Preview *preview, Relation relation, HeapTuple tuple)
{
	RowChange	change = {0};

	change.lsn = GetXLogInsertRecPtr();
	if (preview->operation != PREVIEW_DELETE)
		change.new_tuple = tuple;
	switch (preview->operation)
	{
		case PREVIEW_INSERT:
			change.action = REORDER_BUFFER_CHANGE_INSERT;
			break;
		case PREVIEW_UPDATE:
			change.action = REORDER_BUFFER_CHANGE_UPDATE;
			change.old_tuple = old_tuple(relation, PREVIEW_UPDATE, tuple);
			break;
		default:
			change.action = REORDER_BUFFER_CHANGE_DELETE;
			change.old_tuple = old_tuple(relation, PREVIEW_DELETE, tuple);
			break;
	}
	capture_change_direct(preview->capture, relation, &change);
}

static char *
qualified_name(Relation relation)
{
	char	   *schema = get_namespace_name(RelationGetNamespace(relation));

	return quote_qualified_identifier(schema,
									  RelationGetRelationName(relation));
}

/*
 * Preview rows that a query returns as composite values.  Such values hold
 * no TOAST pointers.  Returns the number of rows.
 */
static int
preview_query(Preview *preview, Relation relation, const char *query,
			  int max_rows)
{
	Oid			argtypes[] = {JSONBOID};
	Datum		values[1];
	char		nulls[] = " ";
	int			nrows;

	if (preview->row)
		values[0] = JsonbPGetDatum(preview->row);
	else
	{
		values[0] = (Datum) 0;
		nulls[0] = 'n';
	}
	SPI_connect();
	if (SPI_execute_with_args(query, 1, argtypes, values, nulls, true,
							  max_rows) != SPI_OK_SELECT)
		elog(ERROR, "could not read table \"%s\"",
			 RelationGetRelationName(relation));
	nrows = (int) SPI_processed;
	for (int i = 0; i < nrows; i++)
	{
		HeapTupleData tuple;
		bool		isnull;
		Datum		datum = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull);

		tuple.t_data = DatumGetHeapTupleHeader(datum);
		tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
		ItemPointerSetInvalid(&tuple.t_self);
		tuple.t_tableOid = RelationGetRelid(relation);
		preview_row(preview, relation, &tuple);
	}
	SPI_finish();
	return nrows;
}

/* A table that has rows of its own.  Returns the number of rows. */
static int
preview_leaf(Preview *preview, Oid relid, int max_rows)
{
	Relation	relation = table_open(relid, AccessShareLock);
	char	   *name = qualified_name(relation);
	int			nrows;

	if (preview->operation == PREVIEW_TRUNCATE)
	{
		capture_truncate_direct(preview->capture, relation,
								GetXLogInsertRecPtr());
		nrows = 1;
	}
	else if (preview->row)
		nrows = preview_query(preview, relation,
							  psprintf("SELECT pg_catalog.jsonb_populate_record(NULL::%s, $1)",
									   name),
							  max_rows);
	else
		nrows = preview_query(preview, relation,
							  psprintf("SELECT t FROM ONLY %s t", name),
							  max_rows);
	table_close(relation, NoLock);
	return nrows;
}

/* A row from the caller could go to any partition. */
static void
check_row_of_table(const Preview *preview, Oid relid)
{
	if (preview->row && get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is a partitioned table", get_rel_name(relid)),
				errhint("Name the partition that the row would be in."));
}

static void
report_empty(Oid relid)
{
	ereport(NOTICE,
			errmsg("table \"%s\" has no rows to show", get_rel_name(relid)),
			errhint("Give a row with the arguments \"table\" and \"row\"."));
}

/* A published table; rows of a partitioned one are in its partitions. */
static void
preview_table(Preview *preview, Oid relid)
{
	int			left = preview->max_rows;
	ListCell   *lc;

	check_row_of_table(preview, relid);
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE ||
		preview->operation == PREVIEW_TRUNCATE)
	{
		left -= preview_leaf(preview, relid, left);
		if (left == preview->max_rows)
			report_empty(relid);
		return;
	}
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		if (left > 0 && get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			left -= preview_leaf(preview, lfirst_oid(lc), left);
	}
	if (left == preview->max_rows)
		report_empty(relid);
}

/* Tables that the publications name; OIDs in order of names */
static List *
published_tables(const Preview *preview)
{
	static const char *const query =
		"SELECT DISTINCT c.oid, p.schemaname, p.tablename "
		"FROM pg_catalog.pg_publication_tables p "
		"JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) p.schemaname "
		"JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid "
		"AND c.relname OPERATOR(pg_catalog.=) p.tablename "
		"WHERE p.pubname OPERATOR(pg_catalog.=) ANY ($1) "
		"AND n.nspname OPERATOR(pg_catalog.<>) 'cdc_emit' "
		"ORDER BY 2, 3";
	MemoryContext context = CurrentMemoryContext;
	Oid			argtypes[] = {NAMEARRAYOID};
	Datum		values[1];
	List	   *relids = NIL;

	values[0] = PointerGetDatum(preview->publications);
	SPI_connect();
	if (SPI_execute_with_args(query, 1, argtypes, values, NULL, true,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the tables of publications");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		MemoryContext old = MemoryContextSwitchTo(context);
		Datum		relid = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull);

		relids = lappend_oid(relids, DatumGetObjectId(relid));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return relids;
}

/* ----------------------------------------------------------------
 *		arguments
 * ----------------------------------------------------------------
 */

static void
require_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be null", name));
}

static List *
publication_names(ArrayType *array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;
	List	   *names = NIL;

	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elements, &nulls, &nelements);
	for (int i = 0; i < nelements; i++)
	{
		char	   *name;

		if (nulls[i])
			ereport(ERROR,
					errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("publications must not contain nulls"));
		name = NameStr(*DatumGetName(elements[i]));
		if (GetPublicationByName(name, true) == NULL)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("publication \"%s\" does not exist", name),
					errhint("Create it with CREATE PUBLICATION %s, or name other publications.",
							quote_identifier(name)));
		names = lappend(names, pstrdup(name));
	}
	if (names == NIL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("publications must not be empty"));
	return names;
}

static PreviewOperation
parse_operation(const char *name)
{
	for (int i = 0; i < lengthof(operation_names); i++)
	{
		if (strcmp(name, operation_names[i]) == 0)
			return (PreviewOperation) i;
	}
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("invalid operation: \"%s\"", name),
			errdetail("Accepted are \"insert\", \"update\", \"delete\" and \"truncate\"."));
	return PREVIEW_INSERT;		/* keep compiler quiet */
}

static void
get_arguments(FunctionCallInfo fcinfo, Preview *preview)
{
	require_argument(fcinfo, 0, "publications");
	require_argument(fcinfo, 1, "options");
	require_argument(fcinfo, 4, "operation");
	require_argument(fcinfo, 5, "max_rows");
	preview->publications = PG_GETARG_ARRAYTYPE_P(0);
	preview->table = PG_ARGISNULL(2) ? InvalidOid : PG_GETARG_OID(2);
	preview->row = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3);
	preview->operation =
		parse_operation(text_to_cstring(PG_GETARG_TEXT_PP(4)));
	preview->max_rows = PG_GETARG_INT32(5);
	if (preview->max_rows < 1 || preview->max_rows > MAX_ROWS)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid max_rows: %d", preview->max_rows),
				errdetail("Accepted are numbers from 1 to %d.", MAX_ROWS));
	if (preview->row && !OidIsValid(preview->table))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a row needs a table"),
				errhint("Name the table of the row with the argument \"table\"."));
	if (!PG_ARGISNULL(2) && get_rel_name(preview->table) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u does not exist",
					   preview->table));
}

Datum
cdc_emit_preview(PG_FUNCTION_ARGS)
{
	Preview		preview = {0};
	CaptureSettings settings = {0};
	List	   *relids;
	ListCell   *lc;

	get_arguments(fcinfo, &preview);
	InitMaterializedSRF(fcinfo, 0);
	preview.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	preview.sink.open_topic = preview_open_topic;
	preview.sink.emit = preview_emit;
	preview.sink.commit = preview_commit;

	settings.options = options_from_jsonb(PG_GETARG_JSONB_P(1));
	settings.publications = publication_names(preview.publications);
	settings.owner = GetUserId();
	settings.sink = &preview.sink;
	relids = OidIsValid(preview.table) ? list_make1_oid(preview.table) :
		published_tables(&preview);

	preview.capture = capture_begin_direct(&settings);
	foreach(lc, relids)
		preview_table(&preview, lfirst_oid(lc));
	capture_end_direct(preview.capture);
	PG_RETURN_NULL();
}
