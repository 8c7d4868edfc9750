/*-------------------------------------------------------------------------
 *
 * row_filter.c
 *	  Row filters of publications: which changes of a relation they let pass.
 *
 * The rules are those of pgoutput.  Each action has its own filter: the
 * expressions of all publications that publish it, of which one must be
 * true; null is not.  The old row decides for a delete, the new one for an
 * insert, both for an update if the old one is known.  If it is not, the
 * columns of its replica identity did not change, and these are the only
 * ones that the filter of an update can look at.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  A filter lives in the context of its relation's cache entry;
 * what an expression allocates is gone when it has been evaluated.  No
 * locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/row_filter.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "row_filter.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

struct RowFilter
{
	ExprState  *conditions[ROW_ACTIONS];	/* NULL: all rows pass */
	ExprContext *context;
	TupleTableSlot *slot;		/* a row as the expressions see it */
	const AttrMap *map;			/* from the slot to a row image, or NULL */
	Oid			run_as;			/* role, or InvalidOid */
	const char *table;			/* qualified and quoted, for messages */
};

/* One condition from the filters of all publications, or NULL */
static ExprState *
prepare_condition(const List *filters, Relation target)
{
	List	   *nodes = NIL;
	ListCell   *lc;

	if (filters == NIL)
		return NULL;
	foreach(lc, filters)
		nodes = lappend(nodes,
						cdc_expand_virtual_columns(stringToNode(lfirst(lc)),
												   target));
	return ExecInitExpr(expression_planner(make_orclause(nodes)), NULL);
}

RowFilter *
row_filter_create(const PublishedRelation *published, Relation target,
				  const AttrMap *map, Oid owner)
{
	RowFilter  *filter = palloc0(sizeof(RowFilter));
	bool		any = false;
	TupleDesc	desc;
	char	   *schema;
	int			i;

	for (i = 0; i < ROW_ACTIONS; i++)
	{
		filter->conditions[i] = prepare_condition(published->filters[i],
												  target);
		any |= filter->conditions[i] != NULL;
	}
	if (!any)
		return NULL;

	filter->context = CreateStandaloneExprContext();
	desc = CreateTupleDescCopyConstr(RelationGetDescr(target));
	filter->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	filter->map = map;
	filter->run_as = owner;
	schema = get_namespace_name(RelationGetNamespace(target));
	filter->table = quote_qualified_identifier(schema,
											   RelationGetRelationName(target));
	return filter;
}

/* Put a row where expressions look for it. */
static void
store_row(RowFilter *filter, const RowImage *row)
{
	TupleTableSlot *slot = filter->slot;
	int			natts = slot->tts_tupleDescriptor->natts;
	int			i;

	ExecClearTuple(slot);
	for (i = 0; i < natts; i++)
	{
		int			j = filter->map ? filter->map->attnums[i] - 1 : i;

		/* Columns that the table has dropped are not in the map. */
		slot->tts_isnull[i] = j < 0 || row->nulls[j];
		slot->tts_values[i] = slot->tts_isnull[i] ? (Datum) 0 :
			row->values[j];
	}
	ExecStoreVirtualTuple(slot);
}

static bool
is_fulfilled(RowFilter *filter, ExprState *condition, const RowImage *row)
{
	bool		isnull;
	Datum		result;

	store_row(filter, row);
	filter->context->ecxt_scantuple = filter->slot;
	result = ExecEvalExprSwitchContext(condition, filter->context, &isnull);
	ResetExprContext(filter->context);
	return !isnull && DatumGetBool(result);
}

static bool
decide(RowFilter *filter, ExprState *condition,
	   ReorderBufferChangeType *action, const RowImage *old_row,
	   const RowImage *new_row)
{
	bool		old_passes;
	bool		new_passes;

	old_passes = old_row == NULL || is_fulfilled(filter, condition, old_row);
	new_passes = new_row == NULL || is_fulfilled(filter, condition, new_row);
	if (old_row == NULL || new_row == NULL || old_passes == new_passes)
		return old_passes && new_passes;

	*action = new_passes ? REORDER_BUFFER_CHANGE_INSERT :
		REORDER_BUFFER_CHANGE_DELETE;
	return true;
}

static RowAction
row_action(ReorderBufferChangeType action)
{
	switch (action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			return ROW_INSERT;
		case REORDER_BUFFER_CHANGE_UPDATE:
			return ROW_UPDATE;
		default:
			Assert(action == REORDER_BUFFER_CHANGE_DELETE);
			return ROW_DELETE;
	}
}

static void
error_callback(void *arg)
{
	const RowFilter *filter = arg;

	errcontext("row filter of table %s", filter->table);
}

bool
row_filter_apply(RowFilter *filter, ReorderBufferChangeType *action,
				 const RowImage *old_row, const RowImage *new_row)
{
	ExprState  *condition = filter->conditions[row_action(*action)];
	ErrorContextCallback callback;
	Oid			saved_userid;
	int			saved_context;
	bool		published;

	if (condition == NULL)
		return true;

	callback.callback = error_callback;
	callback.arg = filter;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	/* An error ends the transaction, which restores the user id too. */
	GetUserIdAndSecContext(&saved_userid, &saved_context);
	if (OidIsValid(filter->run_as))
		SetUserIdAndSecContext(filter->run_as,
							   saved_context | SECURITY_LOCAL_USERID_CHANGE |
							   SECURITY_RESTRICTED_OPERATION);
	published = decide(filter, condition, action, old_row, new_row);
	SetUserIdAndSecContext(saved_userid, saved_context);

	error_context_stack = callback.previous;
	return published;
}
