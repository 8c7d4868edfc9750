/*-------------------------------------------------------------------------
 *
 * value.c
 *	  Calls of output and send functions, with known settings and privileges.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  Results are in CurrentMemoryContext.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "compat.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
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

/* Since the process has started */
static uint64 nulled_count = 0;

/* GUC nest level to end in value_restore_settings(); 0 if none is open. */
static int	settings_nest_level = 0;

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

/* Call the type's function, one of a user as the owner. */
static Datum
call_function(const ValueType *type, Datum value)
{
	/* Only what the function itself keeps in there changes. */
	FmgrInfo   *function = (FmgrInfo *) &type->function;
	Oid			saved_userid;
	int			saved_context;
	Datum		result;

	apply_settings();
	if (!OidIsValid(type->run_as))
		return FunctionCall1(function, value);

	/* An error ends the transaction, which restores the user id too. */
	GetUserIdAndSecContext(&saved_userid, &saved_context);
	SetUserIdAndSecContext(type->run_as,
						   saved_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	result = FunctionCall1(function, value);
	SetUserIdAndSecContext(saved_userid, saved_context);
	return result;
}

char *
value_output(const ValueType *type, Datum value)
{
	return DatumGetCString(call_function(type, value));
}

bytea *
value_send(const ValueType *type, Datum value)
{
	return DatumGetByteaP(call_function(type, value));
}

uint64
value_nulled_count(void)
{
	return nulled_count;
}

void
value_count_nulled(void)
{
	nulled_count++;
}
