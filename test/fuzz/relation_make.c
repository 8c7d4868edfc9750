/*-------------------------------------------------------------------------
 *
 * relation_make.c
 *	  Random relations and rows of them.
 *
 * A column is never null where its schema would say that it cannot be: types
 * whose values can become null, and values that are not available and have no
 * mark, occur only in columns that may be null.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/relation_make.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "relation_make.h"
#include "shim.h"

#define MAX_COLUMNS		6
#define MAX_NAME		16
#define MAX_DEPTH		2
#define SMALL_VALUE		16

/* Never empty, and no other name begins with the same number */
static char *
make_name(FuzzInput *input, int number)
{
	StringInfoData name;

	initStringInfo(&name);
	appendStringInfo(&name, "%d", number);
	appendStringInfoString(&name, value_make_text(input, MAX_NAME));
	return name.data;
}

/* Values of these can be null in JSON although they are none. */
static bool
has_null_values(const ValueType *type)
{
	return type->value_class == VALUE_DECIMAL ||
		type->value_class == VALUE_VARIABLE_DECIMAL ||
		type->value_class == VALUE_ARRAY;
}

/* What stands for a value that is not available; null if nothing does */
static JsonNode *
expect_mark(const ValueType *type)
{
	StringInfoData mark;

	initStringInfo(&mark);
	value_append_unavailable(&mark, type, "mark");
	if (mark.data[0] == 'n')
		return expect(JSON_NULL);
	return mark.data[0] == '"' ? expect(JSON_STRING) :
		expect_any(mark.data[0] == '[' ? JSON_ARRAY : JSON_OBJECT);
}

static void
make_default(FuzzInput *input, RelationColumn *column)
{
	JsonNode   *expected;

	column->column_default.kind =
		fuzz_choose(input, COLUMN_DEFAULT_COMPUTED + 1);
	if (column->column_default.kind == COLUMN_DEFAULT_VALUE)
		column->column_default.value = value_make(input, &column->type,
												  &expected);
}

static bool
may_be_unavailable(const RelationColumn *column)
{
	return column->varlena &&
		(!column->not_null || expect_mark(&column->type)->kind != JSON_NULL);
}

static void
fix_dimensions(ValueType *type)
{
	if (type->value_class == VALUE_ARRAY)
	{
		type->ndims = Max(type->ndims, 1);
		fix_dimensions(type->element);
	}
	if (type->value_class == VALUE_COMPOSITE)
	{
		for (int i = 0; i < type->composite->nfields; i++)
			fix_dimensions(&type->composite->fields[i].type);
	}
}

static void
make_column(FuzzInput *input, RelationColumn *column, int index,
			bool fixed_dimensions)
{
	column->name = make_name(input, index);
	column->index = index;
	value_make_type(input, &column->type, MAX_DEPTH);
	if (fixed_dimensions)
		fix_dimensions(&column->type);
	column->varlena = column->type.typlen == -1;
	column->not_null = fuzz_choose(input, 2) &&
		!has_null_values(&column->type);
	if (may_be_unavailable(column) && fuzz_choose(input, 4) == 0)
		column->max_bytes = SMALL_VALUE;
	column->identity = fuzz_choose(input, 2);
	make_default(input, column);
}

static RelationColumn **
choose_columns(FuzzInput *input, const RelationInfo *relation, int *count)
{
	RelationColumn **columns = palloc(relation->ncolumns * sizeof(*columns));

	*count = 0;
	for (int i = 0; i < relation->ncolumns; i++)
	{
		if (fuzz_choose(input, 2))
			columns[(*count)++] = &relation->columns[i];
	}
	return columns;
}

RelationInfo *
relation_make(FuzzInput *input, bool fixed_dimensions)
{
	RelationInfo *relation = palloc0(sizeof(RelationInfo));

	relation->schema = make_name(input, 0);
	relation->table = make_name(input, 1);
	relation->root = relation->table;
	relation->topic_name = pstrdup("prefix.schema.table");
	relation->ncolumns = fuzz_choose(input, MAX_COLUMNS + 1);
	relation->columns = palloc0(relation->ncolumns * sizeof(RelationColumn));
	for (int i = 0; i < relation->ncolumns; i++)
		make_column(input, &relation->columns[i], i, fixed_dimensions);
	relation->keys = choose_columns(input, relation, &relation->nkeys);
	relation->partition_keys = choose_columns(input, relation,
											  &relation->npartition_keys);
	return relation;
}

bool
relation_may_be_broken(const RelationInfo *relation)
{
	for (int i = 0; i < relation->ncolumns; i++)
	{
		if (value_may_be_broken(&relation->columns[i].type))
			return true;
	}
	return false;
}

/* ----------------------------------------------------------------
 *		rows
 * ----------------------------------------------------------------
 */

/* A pointer to a value that is stored out of line, perhaps not aligned */
static Datum
make_toast_pointer(FuzzInput *input)
{
	char	   *pointer = palloc0(TOAST_POINTER_SIZE + 1);

	pointer += fuzz_choose(input, 2);
	SET_VARTAG_EXTERNAL(pointer, VARTAG_ONDISK);
	return PointerGetDatum(pointer);
}

Size
toast_raw_datum_size(Datum value)
{
	struct varlena *varlena = (struct varlena *) DatumGetPointer(value);

	return VARSIZE_ANY_EXHDR(varlena) + VARHDRSZ;
}

static Datum
make_value(FuzzInput *input, const RelationColumn *column,
		   JsonNode **expected)
{
	Datum		value;

	if (may_be_unavailable(column) && fuzz_choose(input, 8) == 0)
	{
		*expected = expect_mark(&column->type);
		return make_toast_pointer(input);
	}
	value = value_make(input, &column->type, expected);
	if (row_value_is_unavailable(column, value))
		*expected = expect_mark(&column->type);
	return value;
}

void
relation_make_row(FuzzInput *input, const RelationInfo *relation,
				  bool complete, MadeRow *row)
{
	row->image.values = palloc0(relation->ncolumns * sizeof(Datum));
	row->image.nulls = palloc0(relation->ncolumns * sizeof(bool));
	row->expected = expect(JSON_OBJECT);
	for (int i = 0; i < relation->ncolumns; i++)
	{
		const RelationColumn *column = &relation->columns[i];
		JsonNode   *node = expect(JSON_NULL);

		row->image.nulls[i] = complete || column->identity ?
			!column->not_null && fuzz_choose(input, 4) == 0 : true;
		if (!row->image.nulls[i])
			row->image.values[i] = make_value(input, column, &node);
		expect_add(row->expected, column->name, node);
	}
}
