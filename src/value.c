/*-------------------------------------------------------------------------
 *
 * value.c
 *	  What an encoder must know of a column's type, found once per relation.
 *
 * The walk over types is shared by all encoders: here a type gets its class,
 * and each encoder has one switch over classes.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  Descriptions live in the context of their relation's cache
 * entry.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "compat.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "value.h"

/* Settings that have an influence on output functions. */
static const struct
{
	const char *name;
	const char *value;
}			output_settings[] =
{
	{"DateStyle", "ISO"},
	{"IntervalStyle", "postgres"},
	{"TimeZone", "UTC"},
	{"bytea_output", "hex"},
	{"extra_float_digits", "1"},
	{"lc_monetary", "C"},
	{"quote_all_identifiers", "off"},
	{"search_path", "pg_catalog"},
};

/* GUC nest level to end in value_restore_settings(); 0 if none is open. */
static int	settings_nest_level = 0;

/*
 * Digits that numeric's typmod says.  A negative scale rounds to tens: the
 * values are integers, longer by as many digits.
 */
static void
set_decimal_digits(ValueType *type, int32 typmod)
{
	int			scale = (((typmod - VARHDRSZ) & 0x7FF) ^ 1024) - 1024;

	type->precision = ((typmod - VARHDRSZ) >> 16) & 0xFFFF;
	if (scale < 0)
		type->precision -= scale;
	type->scale = Max(scale, 0);
}

/* Fraction digits of a time type; none given means microseconds. */
static int
fraction_digits(int32 typmod)
{
	return typmod < 0 ? 6 : typmod;
}

/* Class of a type the server comes with; VALUE_OUTPUT for all others. */
static ValueClass
builtin_class(Oid typid, int32 typmod)
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
			return typmod < 0 ? VALUE_VARIABLE_DECIMAL : VALUE_DECIMAL;
		case CASHOID:
			return VALUE_MONEY;
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
		case BYTEAOID:
			return VALUE_BYTEA;
		case BITOID:
		case VARBITOID:
			return typmod == 1 ? VALUE_BIT : VALUE_BITS;
		case DATEOID:
			return VALUE_DATE;
		case TIMEOID:
			return fraction_digits(typmod) <= 3 ? VALUE_TIME_MS :
				VALUE_TIME_US;
		case TIMETZOID:
			return VALUE_TIMETZ;
		case TIMESTAMPOID:
			return fraction_digits(typmod) <= 3 ? VALUE_TIMESTAMP_MS :
				VALUE_TIMESTAMP_US;
		case TIMESTAMPTZOID:
			return VALUE_TIMESTAMPTZ;
		case INTERVALOID:
			return VALUE_INTERVAL;
		default:
			return VALUE_OUTPUT;
	}
}

static void
set_output_function(ValueType *type, Oid owner, MemoryContext context)
{
	Oid			function;
	bool		is_varlena;

	getTypeOutputInfo(type->typid, &function, &is_varlena);
	fmgr_info_cxt(function, &type->output, context);

	/*
	 * A built-in output function may call one of a user for a part of the
	 * value, as record_out does, so look at the type too.
	 */
	if (function >= FirstGenbkiObjectId ||
		type->typid >= FirstGenbkiObjectId)
		type->run_as = owner;
}

void
value_type_init(ValueType *type, Oid typid, int32 typmod,
				const ValueModes *modes, Oid owner, MemoryContext context)
{
	Oid			element;

	check_stack_depth();
	memset(type, 0, sizeof(ValueType));
	type->typmod = typmod;
	type->typid = getBaseTypeAndTypmod(typid, &type->typmod);
	get_typlenbyvalalign(type->typid, &type->typlen, &type->typbyval,
						 &type->typalign);
	type->value_class = builtin_class(type->typid, type->typmod);

	switch (type->value_class)
	{
		case VALUE_DECIMAL:
			set_decimal_digits(type, type->typmod);
			return;
		case VALUE_MONEY:

			/*
			 * The integer that is stored counts units of 1/100, or whatever
			 * lc_monetary's currency has.  That setting can differ from
			 * session to session, so the value itself does not tell: two
			 * digits are assumed, as Debezium does by default.
			 */
			type->scale = 2;
			return;
		case VALUE_TIMESTAMPTZ:
			type->scale = fraction_digits(type->typmod);
			return;
		case VALUE_XML:
			set_output_function(type, owner, context);
			return;
		case VALUE_OUTPUT:
			break;
		default:
			return;
	}

	element = get_element_type(type->typid);
	if (OidIsValid(element))
	{
		type->value_class = VALUE_ARRAY;
		type->element = MemoryContextAlloc(context, sizeof(ValueType));
		value_type_init(type->element, element, type->typmod, modes, owner,
						context);
		return;
	}

	set_output_function(type, owner, context);

	/* Types such as citext, whose bytes are their text */
	if (type->typlen == -1 && type->output.fn_addr == textout)
		type->value_class = VALUE_TEXT;
	else if (get_typtype(type->typid) == TYPTYPE_ENUM)
		type->value_class = VALUE_ENUM;
}

/* Is nothing but the system catalog in the search path? */
static bool
search_path_fits(void)
{
	const char *path = namespace_search_path;

	return path[0] == '\0' || strcmp(path, "\"\"") == 0 ||
		strcmp(path, "pg_catalog") == 0 ||
		strcmp(path, "pg_catalog, pg_temp") == 0;
}

/* Do the settings of this process already give the text we want? */
static bool
settings_fit(void)
{
	return DateStyle == USE_ISO_DATES &&
		IntervalStyle == INTSTYLE_POSTGRES &&
		bytea_output == BYTEA_OUTPUT_HEX &&
		extra_float_digits >= 1 &&
		strcmp(pg_get_timezone_name(session_timezone), "UTC") == 0 &&
		strcmp(locale_monetary, "C") == 0 &&
		!quote_all_identifiers &&
		search_path_fits();
}

/*
 * Set what output functions look at.  A worker has these settings for all
 * its life; for a session they are undone at the end of the change or, after
 * an error, by the end of the transaction.
 */
static void
apply_settings(void)
{
	int			i;

	if (settings_nest_level > 0 || settings_fit())
		return;

	settings_nest_level = NewGUCNestLevel();
	for (i = 0; i < lengthof(output_settings); i++)
		(void) set_config_option(output_settings[i].name,
								 output_settings[i].value,
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

/* An error undid the settings of the session before without our help. */
void
value_startup(void)
{
	settings_nest_level = 0;
}

void
value_restore_settings(void)
{
	int			nest_level = settings_nest_level;

	if (nest_level == 0)
		return;
	settings_nest_level = 0;
	AtEOXact_GUC(true, nest_level);
}

char *
value_output(const ValueType *type, Datum value)
{
	FmgrInfo   *function = (FmgrInfo *) &type->output;
	Oid			saved_userid;
	int			saved_context;
	char	   *result;

	apply_settings();
	if (!OidIsValid(type->run_as))
		return OutputFunctionCall(function, value);

	/* An error ends the transaction, which restores the user id too. */
	GetUserIdAndSecContext(&saved_userid, &saved_context);
	SetUserIdAndSecContext(type->run_as,
						   saved_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	result = OutputFunctionCall(function, value);
	SetUserIdAndSecContext(saved_userid, saved_context);
	return result;
}
