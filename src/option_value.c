/*-------------------------------------------------------------------------
 *
 * option_value.c
 *	  A value of an option, wherever it came from.
 *
 * A value comes from jsonb or from a DefElem; here both are brought into one
 * form, and from there on treated alike.
 *
 * Runs in ordinary backends, the controller and workers.  No state; results
 * are palloc'ed in CurrentMemoryContext.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/option_value.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "option_value.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

char *
option_scalar_text(const JsonbValue *scalar)
{
	switch (scalar->type)
	{
		case jbvString:
			return pnstrdup(scalar->val.string.val, scalar->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(scalar->val.numeric)));
		case jbvBool:
			return pstrdup(scalar->val.boolean ? "true" : "false");
		default:
			return NULL;
	}
}

/* False if an element is not a string or a number. */
static bool
array_to_list(JsonbContainer *array, List **list)
{
	JsonbIterator *iterator = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue	item;

	*list = NIL;
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (item.type != jbvString && item.type != jbvNumeric)
			return false;
		*list = lappend(*list, option_scalar_text(&item));
	}
	return true;
}

static void
container_to_value(JsonbContainer *container, int len, OptionValue *value)
{
	value->text = JsonbToCString(NULL, container, len);
	if (JsonContainerIsObject(container))
		value->object = container;
	else
		value->is_list = array_to_list(container, &value->list);
}

void
option_value_from_jsonb(const JsonbValue *json, OptionValue *value)
{
	memset(value, 0, sizeof(*value));
	if (json->type == jbvBinary)
	{
		container_to_value(json->val.binary.data, json->val.binary.len,
						   value);
		return;
	}
	value->text = option_scalar_text(json);
	value->is_text = json->type == jbvString || json->type == jbvNumeric;
	if (json->type == jbvBool)
	{
		value->is_bool = true;
		value->boolean = json->val.boolean;
	}
}

/* The parts between commas, blanks around them removed; none may be empty. */
static bool
split_list(const char *text, List **list)
{
	*list = NIL;
	for (;;)
	{
		int			len = strcspn(text, ",");
		const char *next = text + len;

		while (len > 0 && isspace((unsigned char) *text))
		{
			text++;
			len--;
		}
		while (len > 0 && isspace((unsigned char) text[len - 1]))
			len--;
		if (len == 0)
			return *next == '\0' && *list == NIL;
		*list = lappend(*list, pnstrdup(text, len));
		if (*next == '\0')
			return true;
		text = next + 1;
	}
}

/* An option without a value is a boolean, as everywhere. */
void
option_value_from_defelem(DefElem *defelem, OptionForm form,
						  OptionValue *value)
{
	Jsonb	   *jsonb;

	memset(value, 0, sizeof(*value));
	if (defelem->arg == NULL)
	{
		value->text = "true";
		value->is_bool = true;
		value->boolean = true;
		return;
	}
	value->text = strVal(defelem->arg);
	switch (form)
	{
		case OPTION_FORM_SCALAR:
			value->is_text = true;
			break;
		case OPTION_FORM_LIST:
			value->is_list = split_list(value->text, &value->list);
			break;
		case OPTION_FORM_OBJECT:
			jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
													   CStringGetDatum(value->text)));
			if (JB_ROOT_IS_OBJECT(jsonb))
				value->object = &jsonb->root;
			break;
	}
}

void
option_object_walk(JsonbContainer *object, OptionMemberCallback callback,
				   void *arg)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	item;
	char	   *name = NULL;

	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = option_scalar_text(&item);
		else if (token == WJB_VALUE)
		{
			OptionValue value;

			option_value_from_jsonb(&item, &value);
			callback(name, &value, arg);
		}
	}
}
