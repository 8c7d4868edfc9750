/*-------------------------------------------------------------------------
 *
 * shim_options.c
 *	  Stands in for what the parsers of options call in the server: lists,
 *	  identifiers, booleans, jsonb.
 *
 * A jsonb is a tree of json_check.c here, wrapped so that the code under test
 * sees whether it is an object; its numbers are text.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/shim_options.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "json_check.h"
#include "nodes/pg_list.h"
#include "nodes/value.h"
#include "shim.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/varlena.h"

/* ----------------------------------------------------------------
 *		strings and lists
 * ----------------------------------------------------------------
 */

/* An abbreviation of the word is enough, in any case of letters. */
bool
parse_bool(const char *value, bool *result)
{
	static const char *const words[] = {
		"false", "true", "no", "yes", "off", "on", "0", "1"
	};
	size_t		len = strlen(value);

	for (int i = 0; i < lengthof(words); i++)
	{
		if (len > 0 && strncasecmp(value, words[i], len) == 0 &&
			(len > 1 || words[i][0] != 'o'))
		{
			*result = i % 2 == 1;
			return true;
		}
	}
	return false;
}

static char *
skip_blanks(char *text)
{
	return text + strspn(text, " \t\n\r\f\v");
}

/* A quoted identifier, without its quotes; NULL if it has no end. */
static char *
quoted_identifier(char **next)
{
	char	   *name = *next + 1;
	char	   *to = name;
	char	   *from = name;

	while (from[0] != '"' || from[1] == '"')
	{
		if (*from == '\0')
			return NULL;
		from += *from == '"';
		*to++ = *from++;
	}
	*next = from + 1;
	*to = '\0';
	return name;
}

/* Cuts rawstring into pieces, as the server does. */
bool
SplitIdentifierString(char *rawstring, char separator, List **namelist)
{
	char	   *next = skip_blanks(rawstring);

	*namelist = NIL;
	if (*next == '\0')
		return true;
	for (;;)
	{
		char	   *name = next;
		char	   *end;
		char		last;

		if (*next == '"')
		{
			name = quoted_identifier(&next);
			if (name == NULL)
				return false;
			end = NULL;
		}
		else
		{
			while (*next != '\0' && *next != separator && *next != ' ')
			{
				*next = tolower((unsigned char) *next);
				next++;
			}
			end = next;
			if (end == name)
				return false;
		}
		next = skip_blanks(next);
		last = *next;
		if (last != '\0' && last != separator)
			return false;
		if (last != '\0')
			next++;
		if (end)
			*end = '\0';
		*namelist = lappend(*namelist, name);
		if (last == '\0')
			return true;
		next = skip_blanks(next);
	}
}

/* ----------------------------------------------------------------
 *		jsonb
 * ----------------------------------------------------------------
 */

/* The node follows the header of the container, without alignment. */
#define WRAPPER_SIZE	(sizeof(Jsonb) + sizeof(JsonNode *))

typedef struct ShimIterator
{
	const JsonNode *node;		/* the container */
	const JsonNode *next;
	int			step;
	bool		name_given;
} ShimIterator;

/* The tree has to live as long as the result. */
Jsonb *
shim_jsonb(const JsonNode *node)
{
	Jsonb	   *jsonb = palloc0(WRAPPER_SIZE);

	SET_VARSIZE(jsonb, WRAPPER_SIZE);
	jsonb->root.header = node->kind == JSON_OBJECT ? JB_FOBJECT : JB_FARRAY;
	memcpy(&jsonb->root + 1, &node, sizeof(node));
	return jsonb;
}

static const JsonNode *
unwrap(JsonbContainer *container)
{
	const JsonNode *node;

	memcpy(&node, container + 1, sizeof(node));
	return node;
}

static JsonNode *parsed;

void
shim_jsonb_free(void)
{
	json_free(parsed);
	parsed = NULL;
}

/* Of one value at a time */
Datum
jsonb_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);

	shim_jsonb_free();
	parsed = json_parse(text, strlen(text));
	if (parsed == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type json")));
	PG_RETURN_POINTER(shim_jsonb(parsed));
}

Datum
numeric_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(pstrdup((char *) PG_GETARG_POINTER(0)));
}

Datum
DirectFunctionCall1Coll(PGFunction func, Oid collation, Datum arg1)
{
	LOCAL_FCINFO(fcinfo, 1);

	InitFunctionCallInfoData(*fcinfo, NULL, 1, collation, NULL, NULL);
	fcinfo->args[0].value = arg1;
	fcinfo->args[0].isnull = false;
	return (*func) (fcinfo);
}

/* Only for messages */
char *
JsonbToCString(StringInfo out, JsonbContainer *in, int estimated_len)
{
	return pstrdup(JsonContainerIsObject(in) ? "{...}" : "[...]");
}

JsonbIterator *
JsonbIteratorInit(JsonbContainer *container)
{
	ShimIterator *it = palloc0(sizeof(ShimIterator));

	it->node = unwrap(container);
	it->next = it->node->first;
	return (JsonbIterator *) it;
}

static void
set_value(JsonbValue *val, const JsonNode *node)
{
	switch (node->kind)
	{
		case JSON_NULL:
			val->type = jbvNull;
			break;
		case JSON_FALSE:
		case JSON_TRUE:
			val->type = jbvBool;
			val->val.boolean = node->kind == JSON_TRUE;
			break;
		case JSON_NUMBER:
			val->type = jbvNumeric;
			val->val.numeric = (Numeric) node->text;
			break;
		case JSON_STRING:
			val->type = jbvString;
			val->val.string.val = node->text;
			val->val.string.len = node->len;
			break;
		case JSON_ARRAY:
		case JSON_OBJECT:
			val->type = jbvBinary;
			val->val.binary.data = &shim_jsonb(node)->root;
			val->val.binary.len = WRAPPER_SIZE;
			break;
	}
}

/* Nested containers are values, which is what skipNested asks for. */
JsonbIteratorToken
JsonbIteratorNext(JsonbIterator **iterator, JsonbValue *val, bool skipNested)
{
	ShimIterator *it = (ShimIterator *) *iterator;
	bool		object = it->node->kind == JSON_OBJECT;
	const JsonNode *node = it->next;

	memset(val, 0, sizeof(*val));
	if (it->step == 0)
	{
		it->step = 1;
		return object ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY;
	}
	if (node == NULL)
	{
		if (it->step == 2)
			return WJB_DONE;
		it->step = 2;
		return object ? WJB_END_OBJECT : WJB_END_ARRAY;
	}
	if (object && !it->name_given)
	{
		it->name_given = true;
		val->type = jbvString;
		val->val.string.val = node->name;
		val->val.string.len = strlen(node->name);
		return WJB_KEY;
	}
	it->name_given = false;
	it->next = node->next;
	set_value(val, node);
	return object ? WJB_VALUE : WJB_ELEM;
}
