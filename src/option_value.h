/*-------------------------------------------------------------------------
 *
 * option_value.h
 *	  A value of an option, wherever it came from.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/option_value.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_OPTION_VALUE_H
#define CDC_OPTION_VALUE_H

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

typedef struct OptionValue
{
	const char *text;			/* string, number as text, or for messages;
								 * NULL is null */
	bool		is_bool;
	bool		boolean;
	bool		is_text;		/* a string or a number */
	List	   *list;			/* of char * */
	bool		is_list;		/* an array of strings and numbers */
	JsonbContainer *object;		/* NULL if it is none */
} OptionValue;

/* All palloc'ed in CurrentMemoryContext, or pointing into json. */
extern void option_value_from_jsonb(const JsonbValue *json,
									OptionValue *value);

/* What form a value of the output plugin's options, a string, must take */
typedef enum OptionForm
{
	OPTION_FORM_SCALAR,
	OPTION_FORM_LIST,			/* elements separated by commas */
	OPTION_FORM_OBJECT			/* JSON */
} OptionForm;

extern void option_value_from_defelem(DefElem *defelem, OptionForm form,
									  OptionValue *value);

/* A scalar of jsonb as text; NULL if it is null. */
extern char *option_scalar_text(const JsonbValue *scalar);

/*
 * Call back for each member of an object, in the order of jsonb.  name is
 * palloc'ed.
 */
typedef void (*OptionMemberCallback) (const char *name,
									  const OptionValue *value, void *arg);
extern void option_object_walk(JsonbContainer *object,
							   OptionMemberCallback callback, void *arg);

#endif							/* CDC_OPTION_VALUE_H */
