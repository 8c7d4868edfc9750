/*-------------------------------------------------------------------------
 *
 * value_json_nested.c
 *	  Arrays as JSON arrays, composite values as JSON objects.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  Scratch memory comes from CurrentMemoryContext, and for the
 * attributes of composite values from the type.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value_json_nested.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "compat.h"
#include "json_writer.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "value_json.h"

/* ----------------------------------------------------------------
 *		arrays
 * ----------------------------------------------------------------
 */

/* Where the walk over an array's elements is */
typedef struct ArrayWalk
{
	const ValueType *element;
	char	   *data;
	int			stride;			/* from one element to the next, 0 if their
								 * lengths differ */
	uint8	   *nulls;			/* NULL if there are none */
	int			index;
} ArrayWalk;

static void
append_next_element(StringInfo out, ArrayWalk *walk)
{
	const ValueType *type = walk->element;
	int			i = walk->index++;

	if (walk->nulls && (walk->nulls[i / BITS_PER_BYTE] &
						(1 << i % BITS_PER_BYTE)) == 0)
	{
		json_append_literal(out, "null");
		return;
	}
	value_append_json(out, type, fetch_att(walk->data, type->typbyval,
										   type->typlen));
	if (walk->stride > 0)
	{
		walk->data += walk->stride;
		return;
	}
	walk->data = att_addlength_pointer(walk->data, type->typlen, walk->data);
	walk->data = (char *) att_align_nominal(walk->data, type->typalign);
}

/* One dimension, and those inside it */
static void
append_dimension(StringInfo out, ArrayWalk *walk, int ndims, const int *dims)
{
	int			i;

	json_append_char(out, '[');
	for (i = 0; i < dims[0]; i++)
	{
		if (i > 0)
			json_append_char(out, ',');
		if (ndims > 1)
			append_dimension(out, walk, ndims - 1, dims + 1);
		else
			append_next_element(out, walk);
	}
	json_append_char(out, ']');
}

void
value_json_append_array(StringInfo out, const ValueType *type, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	ArrayWalk	walk;

	check_stack_depth();
	if (ARR_NDIM(array) == 0)
	{
		json_append_literal(out, "[]");
		return;
	}
	if (type->ndims > 0 && ARR_NDIM(array) != type->ndims)
	{
		json_append_literal(out, "null");
		value_count_nulled();
		return;
	}
	walk.element = type->element;
	walk.data = ARR_DATA_PTR(array);
	walk.stride = type->element->typlen <= 0 ? 0 :
		(int) att_align_nominal(type->element->typlen,
								type->element->typalign);
	walk.nulls = ARR_NULLBITMAP(array);
	walk.index = 0;
	append_dimension(out, &walk, ARR_NDIM(array), ARR_DIMS(array));
}

/* ----------------------------------------------------------------
 *		composite values
 * ----------------------------------------------------------------
 */

/* Attributes the type got after the value was stored are null. */
static void
deform(const ValueComposite *composite, HeapTupleHeader header)
{
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, composite->desc, composite->values,
					  composite->nulls);
}

void
value_json_append_composite(StringInfo out, const ValueType *type,
							Datum value)
{
	const ValueComposite *composite = type->composite;
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	int			i;

	check_stack_depth();
	if (HeapTupleHeaderGetTypeId(header) != type->typid)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("value of type %s has the type with OID %u",
						composite->name,
						HeapTupleHeaderGetTypeId(header))));

	deform(composite, header);
	json_append_char(out, '{');
	for (i = 0; i < composite->nfields; i++)
	{
		const ValueField *field = &composite->fields[i];

		if (i > 0)
			json_append_char(out, ',');
		json_append_cstring(out, field->name);
		json_append_char(out, ':');
		if (composite->nulls[field->index])
			json_append_literal(out, "null");
		else
			value_append_json(out, &field->type,
							  composite->values[field->index]);
	}
	json_append_char(out, '}');
}
