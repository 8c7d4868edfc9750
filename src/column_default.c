/*-------------------------------------------------------------------------
 *
 * column_default.c
 *	  Defaults of columns, as far as they are constant.
 *
 * A default is an expression that any owner of a table can choose, and it is
 * evaluated here by a process that may be a superuser's.  So nothing is
 * evaluated but casts and operators of the server itself that are immutable,
 * over constants, and that take no time worth speaking of: a regular
 * expression can keep a process busy for ever.  Everything else counts as
 * computed: the user's functions, nextval(), now().
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one, when a relation gets its cache entry.  Values go to
 * CurrentMemoryContext.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/column_default.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "column_default.h"
#include "compat.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* Is this not an immutable function of the server itself? */
static bool
is_unsafe_function(Oid function, void *context)
{
	return function >= FirstGenbkiObjectId ||
		func_volatile(function) != PROVOLATILE_IMMUTABLE;
}

/* Arithmetic on values of fixed size, and concatenation of text */
static bool
is_cheap_operator(const OpExpr *expr)
{
	return expr->opfuncid == F_TEXTCAT ||
		(expr->opresulttype != BOOLOID && get_typbyval(expr->opresulttype));
}

/* Is there anything in the expression that must not be evaluated here? */
static bool
is_computed(Node *node, void *context)
{
	if (node == NULL)
		return false;

	switch (nodeTag(node))
	{
		case T_List:
		case T_Const:
		case T_RelabelType:
		case T_CollateExpr:
		case T_CoerceViaIO:
			break;
		case T_OpExpr:
			if (!is_cheap_operator((OpExpr *) node))
				return true;
			break;
		case T_FuncExpr:
			if (((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CAST &&
				((FuncExpr *) node)->funcformat != COERCE_IMPLICIT_CAST)
				return true;
			break;
		default:
			return true;
	}
	if (check_functions_in_node(node, is_unsafe_function, NULL))
		return true;
	return expression_tree_walker(node, is_computed, context);
}

/*
 * The value of an expression that is not computed; NULL if it has none, as
 * 1 / 0, or a cast to a type that is too small.  Such a default is the
 * business of those who insert, so the error goes no further.
 */
static Const *
evaluate(Expr *expr)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Node	   *node = (Node *) expr;
	Expr	   *volatile result = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		result = evaluate_expr(expr, exprType(node), exprTypmod(node),
							   exprCollation(node));
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
			error->sqlerrcode == ERRCODE_OUT_OF_MEMORY)
			ReThrowError(error);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return (Const *) result;
}

static Node *
find_expression(TupleDesc desc, AttrNumber attnum)
{
	TupleConstr *constr = desc->constr;
	int			i;

	for (i = 0; constr && i < constr->num_defval; i++)
	{
		if (constr->defval[i].adnum == attnum)
			return stringToNode(constr->defval[i].adbin);
	}
	return NULL;
}

void
column_default_init(ColumnDefault *column_default, TupleDesc desc, int index)
{
	Form_pg_attribute att = TupleDescAttr(desc, index);
	Node	   *node = NULL;
	Const	   *constant;

	column_default->kind = COLUMN_DEFAULT_NONE;
	if (att->atthasdef && att->attgenerated == '\0')
		node = find_expression(desc, att->attnum);
	if (node == NULL)
		return;

	/* Whether the domain takes the value is not asked. */
	while (IsA(node, CoerceToDomain))
		node = (Node *) ((CoerceToDomain *) node)->arg;
	column_default->kind = COLUMN_DEFAULT_COMPUTED;
	if (is_computed(node, NULL))
		return;

	constant = IsA(node, Const) ? (Const *) node : evaluate((Expr *) node);
	if (constant == NULL)
		return;
	column_default->kind =
		constant->constisnull ? COLUMN_DEFAULT_NONE : COLUMN_DEFAULT_VALUE;
	column_default->value = constant->constvalue;
}
