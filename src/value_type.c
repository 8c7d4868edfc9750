/*-------------------------------------------------------------------------
 *
 * value_type.c
 *	  What an encoder must know of a column's type, found once per relation.
 *
 * The walk over types is shared by all encoders: here a type gets its class,
 * which depends on the modes that were chosen, and each encoder has one
 * switch over classes.  So no value is looked up in the catalog or compared
 * with a mode.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one, when a relation gets its cache entry.  Descriptions are
 * allocated in CurrentMemoryContext, that of the entry.  Relations of
 * composite types are read without a lock, as core reads those it decodes;
 * pg_enum, pg_depend and pg_extension with AccessShareLock.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value_type.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "compat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "value.h"
#include "value_time.h"

/* What a description is made with */
typedef struct TypeContext
{
	const ValueModes *modes;
	Oid			owner;
} TypeContext;

/* Types that are known by their name and the extension they belong to */
static const struct
{
	const char *type;
	const char *extension;
	ValueClass	value_class;
}			extension_types[] =
{
	{"hstore", "hstore", VALUE_HSTORE},
	{"ltree", "ltree", VALUE_LTREE},
	{"geometry", "postgis", VALUE_GEOMETRY},
	{"geography", "postgis", VALUE_GEOGRAPHY},
	{"vector", "vector", VALUE_VECTOR},
	{"halfvec", "vector", VALUE_HALF_VECTOR},
	{"sparsevec", "vector", VALUE_SPARSE_VECTOR},
};

static void init_type(ValueType *type, Oid typid, int32 typmod, int ndims,
					  const TypeContext *context);

/* ----------------------------------------------------------------
 *		classes of the server's types, by mode
 * ----------------------------------------------------------------
 */

static ValueClass
numeric_class(const ValueModes *modes, int32 typmod)
{
	switch (modes->decimal)
	{
		case DECIMAL_HANDLING_PRECISE:
			return typmod < 0 ? VALUE_VARIABLE_DECIMAL : VALUE_DECIMAL;
		case DECIMAL_HANDLING_STRING:
			return VALUE_DECIMAL_STRING;
		case DECIMAL_HANDLING_DOUBLE:
			return VALUE_DECIMAL_DOUBLE;
	}
	return VALUE_OUTPUT;		/* keep compiler quiet */
}

static ValueClass
money_class(const ValueModes *modes)
{
	switch (modes->decimal)
	{
		case DECIMAL_HANDLING_PRECISE:
			return VALUE_MONEY;
		case DECIMAL_HANDLING_STRING:
			return VALUE_MONEY_STRING;
		case DECIMAL_HANDLING_DOUBLE:
			return VALUE_MONEY_DOUBLE;
	}
	return VALUE_OUTPUT;		/* keep compiler quiet */
}

static ValueClass
bytea_class(const ValueModes *modes)
{
	switch (modes->binary)
	{
		case BINARY_HANDLING_BYTES:
			return VALUE_BYTEA;
		case BINARY_HANDLING_BASE64:
			return VALUE_BYTEA_BASE64;
		case BINARY_HANDLING_BASE64_URL_SAFE:
			return VALUE_BYTEA_BASE64_URL;
		case BINARY_HANDLING_HEX:
			return VALUE_BYTEA_HEX;
	}
	return VALUE_OUTPUT;		/* keep compiler quiet */
}

/* Fraction digits of a time type; none given means microseconds. */
static int
fraction_digits(int32 typmod)
{
	return typmod < 0 ? 6 : typmod;
}

static ValueClass
date_class(const ValueModes *modes)
{
	switch (modes->time)
	{
		case TIME_PRECISION_CONNECT:
			return VALUE_DATE_CONNECT;
		case TIME_PRECISION_ISOSTRING:
			return VALUE_DATE_ISO;
		default:
			return VALUE_DATE;
	}
}

static ValueClass
time_class(const ValueModes *modes, int32 typmod)
{
	switch (modes->time)
	{
		case TIME_PRECISION_ADAPTIVE:
			return fraction_digits(typmod) <= 3 ? VALUE_TIME_MS :
				VALUE_TIME_US;
		case TIME_PRECISION_ADAPTIVE_TIME_MICROSECONDS:
		case TIME_PRECISION_MICROSECONDS:
			return VALUE_TIME_US;
		case TIME_PRECISION_NANOSECONDS:
			return VALUE_TIME_NS;
		case TIME_PRECISION_CONNECT:
			return VALUE_TIME_CONNECT;
		case TIME_PRECISION_ISOSTRING:
			return VALUE_TIME_ISO;
	}
	return VALUE_OUTPUT;		/* keep compiler quiet */
}

static ValueClass
timestamp_class(const ValueModes *modes, int32 typmod)
{
	switch (modes->time)
	{
		case TIME_PRECISION_ADAPTIVE:
		case TIME_PRECISION_ADAPTIVE_TIME_MICROSECONDS:
			return fraction_digits(typmod) <= 3 ? VALUE_TIMESTAMP_MS :
				VALUE_TIMESTAMP_US;
		case TIME_PRECISION_MICROSECONDS:
			return VALUE_TIMESTAMP_US;
		case TIME_PRECISION_NANOSECONDS:
			return VALUE_TIMESTAMP_NS;
		case TIME_PRECISION_CONNECT:
			return VALUE_TIMESTAMP_CONNECT;
		case TIME_PRECISION_ISOSTRING:
			return VALUE_TIMESTAMP_ISO;
	}
	return VALUE_OUTPUT;		/* keep compiler quiet */
}

/* Class of a type the server comes with; VALUE_OUTPUT for all others. */
static ValueClass
builtin_class(Oid typid, int32 typmod, const ValueModes *modes)
{
	switch (typid)
	{
		case BOOLOID:
			return VALUE_BOOL;
		case INT2OID:
			return VALUE_INT2;
		case INT4OID:
			return VALUE_INT4;
		case INT8OID:
			return VALUE_INT8;
		case OIDOID:
			return VALUE_OID;
		case FLOAT4OID:
			return VALUE_FLOAT4;
		case FLOAT8OID:
			return VALUE_FLOAT8;
		case NUMERICOID:
			return numeric_class(modes, typmod);
		case CASHOID:
			return money_class(modes);
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return VALUE_TEXT;
		case NAMEOID:
			return VALUE_NAME;
		case CHAROID:
			return VALUE_CHAR;
		case UUIDOID:
			return VALUE_UUID;
		case JSONOID:
			return VALUE_JSON;
		case JSONBOID:
			return VALUE_JSONB;
		case XMLOID:
			return VALUE_XML;
		case TSVECTOROID:
			return VALUE_TSVECTOR;
		case BYTEAOID:
			return bytea_class(modes);
		case BITOID:
		case VARBITOID:
			return typmod == 1 ? VALUE_BIT : VALUE_BITS;
		case DATEOID:
			return date_class(modes);
		case TIMEOID:
			return time_class(modes, typmod);
		case TIMETZOID:
			return VALUE_TIMETZ;
		case TIMESTAMPOID:
			return timestamp_class(modes, typmod);
		case TIMESTAMPTZOID:
			return VALUE_TIMESTAMPTZ;
		case INTERVALOID:
			return modes->interval == INTERVAL_HANDLING_STRING ?
				VALUE_INTERVAL_ISO : VALUE_INTERVAL;
		case POINTOID:
			return VALUE_POINT;
		default:
			return VALUE_OUTPUT;
	}
}

/* ----------------------------------------------------------------
 *		types of users and extensions
 * ----------------------------------------------------------------
 */

/* A user's type of the same name is something else. */
static ValueClass
extension_class(Oid typid, const char *name, const ValueModes *modes)
{
	Oid			extension;
	char	   *extension_name;
	int			i;

	for (i = 0; i < lengthof(extension_types); i++)
	{
		if (strcmp(extension_types[i].type, name) == 0)
			break;
	}
	if (i == lengthof(extension_types))
		return VALUE_OUTPUT;

	extension = getExtensionOfObject(TypeRelationId, typid);
	if (!OidIsValid(extension))
		return VALUE_OUTPUT;
	extension_name = get_extension_name(extension);
	if (extension_name == NULL ||
		strcmp(extension_types[i].extension, extension_name) != 0)
		return VALUE_OUTPUT;
	if (extension_types[i].value_class == VALUE_HSTORE &&
		modes->hstore == HSTORE_HANDLING_MAP)
		return VALUE_HSTORE_MAP;
	return extension_types[i].value_class;
}

/*
 * The type's output function, or send function.  A built-in one may call one
 * of a user for a part of the value, as range_out does, so the type counts
 * too.
 */
static void
set_function(ValueType *type, bool send, const TypeContext *context)
{
	Oid			function;
	bool		is_varlena;

	if (send)
		getTypeBinaryOutputInfo(type->typid, &function, &is_varlena);
	else
		getTypeOutputInfo(type->typid, &function, &is_varlena);
	fmgr_info(function, &type->function);
	if (function >= FirstGenbkiObjectId ||
		type->typid >= FirstGenbkiObjectId)
		type->run_as = context->owner;
}

static int
compare_labels(const void *a, const void *b)
{
	Oid			left = ((const EnumLabel *) a)->oid;
	Oid			right = ((const EnumLabel *) b)->oid;

	return left < right ? -1 : left > right;
}

static void
add_label(ValueEnum *enumeration, StringInfo allowed, Form_pg_enum row)
{
	EnumLabel  *label;

	enumeration->labels =
		enumeration->labels == NULL ? palloc(sizeof(EnumLabel)) :
		repalloc(enumeration->labels,
				 (enumeration->nlabels + 1) * sizeof(EnumLabel));
	label = &enumeration->labels[enumeration->nlabels++];
	label->oid = row->oid;
	label->label = pstrdup(NameStr(row->enumlabel));
	if (allowed->len > 0)
		appendStringInfoChar(allowed, ',');
	appendStringInfoString(allowed, label->label);
}

static void
init_enum(ValueType *type, const TypeContext *context)
{
	ValueEnum  *enumeration = palloc0(sizeof(ValueEnum));
	StringInfoData allowed;
	Relation	catalog;
	Relation	index;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	initStringInfo(&allowed);
	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type->typid));
	catalog = table_open(EnumRelationId, AccessShareLock);
	index = index_open(EnumTypIdSortOrderIndexId, AccessShareLock);
	scan = systable_beginscan_ordered(catalog, index, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan,
															 ForwardScanDirection)))
		add_label(enumeration, &allowed, (Form_pg_enum) GETSTRUCT(tuple));
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(catalog, AccessShareLock);

	if (enumeration->nlabels > 1)
		qsort(enumeration->labels, enumeration->nlabels, sizeof(EnumLabel),
			  compare_labels);
	enumeration->allowed = allowed.data;
	type->value_class = VALUE_ENUM;
	type->enumeration = enumeration;
	set_function(type, false, context);
}

static TupleDesc
copy_row_type(Oid relid)
{
	Relation	relation = RelationIdGetRelation(relid);
	TupleDesc	desc;

	if (!RelationIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("could not open relation with OID %u", relid)));
	desc = CreateTupleDescCopyConstr(RelationGetDescr(relation));
	RelationClose(relation);
	return desc;
}

static void
init_composite(ValueType *type, Form_pg_type row, const TypeContext *context)
{
	ValueComposite *composite = palloc0(sizeof(ValueComposite));
	TupleDesc	desc = copy_row_type(row->typrelid);
	char	   *schema = get_namespace_name(row->typnamespace);
	int			i;

	composite->schema = row->typnamespace;
	composite->relid = row->typrelid;
	composite->name = psprintf("%s.%s", schema ? schema : "",
							   NameStr(row->typname));
	composite->desc = desc;
	composite->fields = palloc0(Max(desc->natts, 1) * sizeof(ValueField));
	composite->values = palloc(Max(desc->natts, 1) * sizeof(Datum));
	composite->nulls = palloc(Max(desc->natts, 1) * sizeof(bool));
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		ValueField *field;

		if (att->attisdropped)
			continue;
		field = &composite->fields[composite->nfields++];
		field->name = pstrdup(NameStr(att->attname));
		field->index = i;
		init_type(&field->type, att->atttypid, att->atttypmod,
				  att->attndims, context);
	}
	type->value_class = VALUE_COMPOSITE;
	type->composite = composite;
}

/* A type of its own bytes, or known by its output function only */
static void
init_base_type(ValueType *type, const char *name, const TypeContext *context)
{
	bool		send = false;

	if (type->typid >= FirstNormalObjectId)
		type->value_class = extension_class(type->typid, name,
											context->modes);
	switch (type->value_class)
	{
		case VALUE_GEOMETRY:
		case VALUE_GEOGRAPHY:
		case VALUE_VECTOR:
		case VALUE_HALF_VECTOR:
		case VALUE_SPARSE_VECTOR:
			send = true;
			break;
		default:
			break;
	}
	set_function(type, send, context);

	/* Types such as citext, whose bytes are their text */
	if (type->value_class == VALUE_OUTPUT && type->typlen == -1 &&
		type->function.fn_addr == textout)
		type->value_class = VALUE_TEXT;
}

static void
init_array(ValueType *type, Oid element, int ndims,
		   const TypeContext *context)
{
	type->value_class = VALUE_ARRAY;
	if (context->modes->fixed_dimensions)
		type->ndims = Max(ndims, 1);
	type->element = palloc(sizeof(ValueType));
	init_type(type->element, element, type->typmod, 0, context);
}

static void
init_catalog_type(ValueType *type, int ndims, const TypeContext *context)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID,
										ObjectIdGetDatum(type->typid));
	Form_pg_type row;
	Oid			element;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type with OID %u does not exist", type->typid)));
	row = (Form_pg_type) GETSTRUCT(tuple);
	element = get_element_type(type->typid);
	if (OidIsValid(element))
		init_array(type, element, ndims, context);
	else if (row->typtype == TYPTYPE_COMPOSITE)
		init_composite(type, row, context);
	else if (row->typtype == TYPTYPE_ENUM)
		init_enum(type, context);
	else
		init_base_type(type, NameStr(row->typname), context);
	ReleaseSysCache(tuple);
}

/* ----------------------------------------------------------------
 *		all types
 * ----------------------------------------------------------------
 */

/*
 * Digits that numeric's typmod says.  A negative scale rounds to tens: the
 * values are integers, longer by as many digits.
 */
static void
set_decimal_digits(ValueType *type)
{
	int32		typmod = type->typmod - VARHDRSZ;
	int			scale = ((typmod & 0x7FF) ^ 1024) - 1024;

	type->precision = (typmod >> 16) & 0xFFFF;
	if (scale < 0)
		type->precision -= scale;
	type->scale = Max(scale, 0);
}

/* What comes under a domain, whose array dimensions are its own matter */
static void
resolve_domains(ValueType *type, Oid typid, int32 typmod, int *ndims)
{
	type->typmod = typmod;
	for (;;)
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typid));
		Form_pg_type row;

		if (!HeapTupleIsValid(tuple))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("type with OID %u does not exist", typid)));
		row = (Form_pg_type) GETSTRUCT(tuple);
		if (row->typtype != TYPTYPE_DOMAIN)
		{
			type->typid = typid;
			type->typlen = row->typlen;
			type->typbyval = row->typbyval;
			type->typalign = row->typalign;
			ReleaseSysCache(tuple);
			return;
		}
		typid = row->typbasetype;
		type->typmod = row->typtypmod;
		*ndims = row->typndims;
		ReleaseSysCache(tuple);
	}
}

static void
init_type(ValueType *type, Oid typid, int32 typmod, int ndims,
		  const TypeContext *context)
{
	check_stack_depth();
	memset(type, 0, sizeof(ValueType));
	resolve_domains(type, typid, typmod, &ndims);
	type->value_class = builtin_class(type->typid, type->typmod,
									  context->modes);
	switch (type->value_class)
	{
		case VALUE_DECIMAL:
			set_decimal_digits(type);
			break;
		case VALUE_DECIMAL_STRING:
			if (type->typmod >= 0)
				set_decimal_digits(type);
			break;
		case VALUE_MONEY:
		case VALUE_MONEY_STRING:
		case VALUE_MONEY_DOUBLE:

			/*
			 * The integer that is stored counts units of 1/100, or whatever
			 * lc_monetary's currency has.  That setting can differ from
			 * session to session, so the value itself does not tell: two
			 * digits are assumed, as Debezium does by default.
			 */
			type->scale = 2;
			break;
		case VALUE_TIMESTAMPTZ:
			type->scale = fraction_digits(type->typmod);
			break;
		case VALUE_TIMESTAMP_ISO:
			type->scale = VALUE_TIME_NEEDED_DIGITS;
			break;
		case VALUE_XML:
		case VALUE_TSVECTOR:
			set_function(type, false, context);
			break;
		case VALUE_OUTPUT:
			init_catalog_type(type, ndims, context);
			break;
		default:
			break;
	}
}

void
value_type_init(ValueType *type, Oid typid, int32 typmod, int ndims,
				const ValueModes *modes, Oid owner)
{
	TypeContext context;

	context.modes = modes;
	context.owner = owner;
	init_type(type, typid, typmod, ndims, &context);
}
