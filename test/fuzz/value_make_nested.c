/*-------------------------------------------------------------------------
 *
 * value_make_nested.c
 *	  Random arrays and composite values.
 *
 * Arrays are as the server stores them.  A composite value is a header and a
 * pointer to its attributes, which the function here that stands in for the
 * deforming of tuples follows.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/value_make_nested.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "compat.h"
#include "shim.h"
#include "utils/array.h"
#include "value_make.h"

#define MAX_DIMENSIONS	3
#define MAX_ELEMENTS	6

/* ----------------------------------------------------------------
 *		arrays
 * ----------------------------------------------------------------
 */

/* What is put together */
typedef struct ArrayBuild
{
	FuzzInput  *input;
	const ValueType *element;
	StringInfoData data;
	unsigned char *nulls;		/* bit set: not null */
	bool		has_nulls;
	int			index;
} ArrayBuild;

static void
pad(StringInfo out, char typalign)
{
	while (att_align_nominal(out->len, typalign) != out->len)
		appendStringInfoChar(out, 0);
}

/* In arrays varlenas have headers of four bytes, and all are aligned. */
static void
append_element(ArrayBuild *build, Datum value)
{
	const ValueType *type = build->element;
	char		bytes[sizeof(Datum)];
	const char *from = bytes;
	int			len = type->typlen;

	if (type->typbyval)
		store_att_byval(bytes, value, type->typlen);
	else if (type->typlen > 0)
		from = DatumGetPointer(value);
	else
	{
		from = (char *) pg_detoast_datum((struct varlena *)
										 DatumGetPointer(value));
		len = VARSIZE(from);
	}
	pad(&build->data, type->typalign);
	for (int i = 0; i < len; i++)
		appendStringInfoChar(&build->data, from[i]);
}

static JsonNode *
make_dimension(ArrayBuild *build, int ndims, const int *dims)
{
	JsonNode   *array = expect(JSON_ARRAY);

	for (int i = 0; i < dims[0]; i++)
	{
		JsonNode   *node;

		if (ndims > 1)
			node = make_dimension(build, ndims - 1, dims + 1);
		else if (fuzz_choose(build->input, 8) == 0)
		{
			build->has_nulls = true;
			build->index++;
			node = expect(JSON_NULL);
		}
		else
		{
			append_element(build, value_make(build->input, build->element,
											 &node));
			build->nulls[build->index / 8] |= 1 << build->index % 8;
			build->index++;
		}
		expect_add(array, NULL, node);
	}
	return array;
}

/* The header, dimensions, lower bounds, null bitmap and elements */
static Datum
assemble_array(ArrayBuild *build, int ndims, const int *dims)
{
	int			data_offset = build->has_nulls ?
		ARR_OVERHEAD_WITHNULLS(ndims, build->index) :
		ARR_OVERHEAD_NONULLS(ndims);
	int			len = data_offset + build->data.len;
	ArrayType  *array = palloc0(len);

	SET_VARSIZE(array, len);
	array->ndim = ndims;
	array->dataoffset = build->has_nulls ? data_offset : 0;
	for (int i = 0; i < ndims; i++)
	{
		ARR_DIMS(array)[i] = dims[i];
		ARR_LBOUND(array)[i] = 1;
	}
	if (build->has_nulls)
		memcpy(ARR_NULLBITMAP(array), build->nulls, (build->index + 7) / 8);
	memcpy((char *) array + data_offset, build->data.data, build->data.len);
	return value_make_varlena(build->input, (char *) array + VARHDRSZ,
							  len - VARHDRSZ);
}

Datum
value_make_array(FuzzInput *input, const ValueType *type, JsonNode **expected)
{
	ArrayBuild	build = {input, type->element};
	int			ndims = fuzz_choose(input, MAX_DIMENSIONS + 1);
	int			dims[MAX_DIMENSIONS];
	int			count = 1;

	for (int i = 0; i < ndims; i++)
	{
		dims[i] = 1 + fuzz_choose(input, MAX_ELEMENTS);
		count *= dims[i];
	}
	initStringInfo(&build.data);
	build.nulls = palloc0((count + 7) / 8);
	*expected = ndims == 0 ? expect(JSON_ARRAY) :
		make_dimension(&build, ndims, dims);
	if (ndims > 0 && type->ndims > 0 && ndims != type->ndims)
		*expected = expect(JSON_NULL);
	pad(&build.data, type->element->typalign);
	return assemble_array(&build, ndims, dims);
}

/* ----------------------------------------------------------------
 *		composite values
 * ----------------------------------------------------------------
 */

typedef struct CompositeValue
{
	char		header[MAXALIGN(sizeof(HeapTupleHeaderData))];
	int			natts;
	Datum	   *values;
	bool	   *nulls;
} CompositeValue;

Datum
value_make_composite(FuzzInput *input, const ValueType *type,
					 JsonNode **expected)
{
	const ValueComposite *composite = type->composite;
	CompositeValue *value = palloc0(sizeof(CompositeValue));

	SET_VARSIZE(value, sizeof(CompositeValue));
	HeapTupleHeaderSetTypeId((HeapTupleHeader) value, type->typid);
	value->natts = composite->nfields;
	value->values = palloc0(composite->nfields * sizeof(Datum));
	value->nulls = palloc0(composite->nfields * sizeof(bool));
	*expected = expect(JSON_OBJECT);
	for (int i = 0; i < composite->nfields; i++)
	{
		JsonNode   *node = expect(JSON_NULL);

		value->nulls[i] = fuzz_choose(input, 8) == 0;
		if (!value->nulls[i])
			value->values[i] = value_make(input, &composite->fields[i].type,
										  &node);
		expect_add(*expected, composite->fields[i].name, node);
	}
	return value_make_varlena(input, (char *) value + VARHDRSZ,
							  sizeof(CompositeValue) - VARHDRSZ);
}

/* A function in newer minor versions, a macro in older ones */
#ifndef DatumGetHeapTupleHeader
HeapTupleHeader
DatumGetHeapTupleHeader(Datum t)
{
	return (HeapTupleHeader) PG_DETOAST_DATUM(t);
}
#endif

void
heap_deform_tuple(HeapTuple tuple, TupleDesc desc, Datum *values,
				  bool *isnull)
{
	const CompositeValue *value = (CompositeValue *) tuple->t_data;

	memcpy(values, value->values, value->natts * sizeof(Datum));
	memcpy(isnull, value->nulls, value->natts * sizeof(bool));
}
