/*-------------------------------------------------------------------------
 *
 * options.c
 *	  Options of a subscription: what they are and how they are checked.
 *
 * One table says which options there are and what each accepts.  A value
 * comes from jsonb or from a DefElem; both are first brought into one form,
 * OptionValue, and from there on treated alike.
 *
 * Runs in ordinary backends, the controller and workers.  No state; results
 * are palloc'ed in CurrentMemoryContext.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/options.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>

#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/varlena.h"

#include "compat.h"
#include "options.h"

#define DEFAULT_TOPIC			"{prefix}.{schema}.{table}"
#define DEFAULT_MAX_QUEUE_BYTES (INT64CONST(64) * 1024 * 1024)
#define MIN_QUEUE_BYTES			(INT64CONST(1024) * 1024)
#define MAX_QUEUE_BYTES			(INT64CONST(1024) * 1024 * 1024 * 1024)
#define MIN_WORK_MEM_KB			64

/* Kafka's limit for the length of a topic's name. */
#define MAX_TOPIC_LENGTH		249

typedef enum OptionType
{
	OPTION_FORMAT,
	OPTION_BOOL,
	OPTION_INT,
	OPTION_BYTES,				/* int64 field; number is bytes */
	OPTION_KILOBYTES,			/* int field; number is kB */
	OPTION_STRING,
	OPTION_PREFIX,				/* part of a topic's name */
	OPTION_TEMPLATE,			/* topic's name with placeholders */
	OPTION_CONFIG				/* list of NameValue */
} OptionType;

typedef struct OptionDefinition
{
	const char *name;
	OptionType	type;
	size_t		offset;			/* in SubscriptionOptions */
	int64		min;			/* of numbers */
	int64		max;
} OptionDefinition;

#define FIELD(field) offsetof(SubscriptionOptions, field)

/* In the order in which hints list them. */
static const OptionDefinition option_definitions[] = {
	{"format", OPTION_FORMAT, FIELD(format), 0, 0},
	{"topic_prefix", OPTION_PREFIX, FIELD(topic_prefix), 0, 0},
	{"topic", OPTION_TEMPLATE, FIELD(topic), 0, 0},
	{"tombstones", OPTION_BOOL, FIELD(tombstones), 0, 0},
	{"truncate", OPTION_BOOL, FIELD(truncate), 0, 0},
	{"unavailable_value", OPTION_STRING, FIELD(unavailable_value), 0, 0},
	{"create_topics", OPTION_BOOL, FIELD(create_topics), 0, 0},
	{"topic_partitions", OPTION_INT, FIELD(topic_partitions), 1, 100000},
	{"topic_replication_factor", OPTION_INT, FIELD(topic_replication_factor),
	1, SHRT_MAX},
	{"topic_config", OPTION_CONFIG, FIELD(topic_config), 0, 0},
	{"max_queue_bytes", OPTION_BYTES, FIELD(max_queue_bytes),
	MIN_QUEUE_BYTES, MAX_QUEUE_BYTES},
	{"decoding_work_mem", OPTION_KILOBYTES, FIELD(decoding_work_mem),
	MIN_WORK_MEM_KB, MAX_KILOBYTES},
};

/* Placeholders of a topic template. */
static const char *const placeholders[] = {
	"{prefix}", "{database}", "{schema}", "{table}"
};

/* A value, wherever it came from. */
typedef struct OptionValue
{
	const char *text;			/* string, number as text, or for messages */
	bool		is_bool;
	bool		boolean;
	bool		is_text;		/* a string or a number */
	List	   *config;			/* of NameValue */
	bool		is_config;
} OptionValue;

static SubscriptionOptions *
make_defaults(void)
{
	SubscriptionOptions *options = palloc0(sizeof(SubscriptionOptions));

	options->format = OUTPUT_FORMAT_DEBEZIUM;
	options->topic = pstrdup(DEFAULT_TOPIC);
	options->tombstones = true;
	options->truncate = true;
	options->unavailable_value = pstrdup("__debezium_unavailable_value");
	options->create_topics = true;
	options->topic_partitions = -1;
	options->topic_replication_factor = -1;
	options->max_queue_bytes = DEFAULT_MAX_QUEUE_BYTES;
	options->decoding_work_mem = -1;
	return options;
}

/* accepted is a sentence that follows "Accepted". */
static void
invalid_value(const OptionDefinition *def, const OptionValue *value,
			  const char *accepted)
{
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("invalid value for option \"%s\": %s", def->name,
				   value->text ? psprintf("\"%s\"", value->text) : "null"),
			errdetail("Accepted %s.", accepted));
}

static void
unrecognized_option(const char *name, bool plugin)
{
	StringInfoData names;

	initStringInfo(&names);
	if (plugin)
		appendStringInfoString(&names, "publications, ");
	for (int i = 0; i < lengthof(option_definitions); i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 option_definitions[i].name);
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("unrecognized option \"%s\"", name),
			errhint("Valid options are: %s.", names.data));
}

static const OptionDefinition *
find_option(const char *name, bool plugin)
{
	for (int i = 0; i < lengthof(option_definitions); i++)
	{
		if (strcmp(option_definitions[i].name, name) == 0)
			return &option_definitions[i];
	}
	unrecognized_option(name, plugin);
	return NULL;				/* keep compiler quiet */
}

/* ----------------------------------------------------------------
 *		check and store a value
 * ----------------------------------------------------------------
 */

static OutputFormat
parse_format(const OptionDefinition *def, const OptionValue *value)
{
	if (!value->is_text || strcmp(value->text, "debezium") != 0)
		invalid_value(def, value, "is \"debezium\"");
	return OUTPUT_FORMAT_DEBEZIUM;
}

static bool
parse_boolean(const OptionDefinition *def, const OptionValue *value)
{
	bool		result = value->boolean;

	if (!value->is_bool &&
		!(value->is_text && parse_bool(value->text, &result)))
		invalid_value(def, value, "are true and false");
	return result;
}

static int
parse_integer(const OptionDefinition *def, const OptionValue *value)
{
	int64		result = 0;
	char	   *end = NULL;

	errno = 0;
	if (value->is_text)
		result = strtoll(value->text, &end, 10);
	if (!value->is_text || end == value->text || *end != '\0' ||
		errno == ERANGE || result < def->min || result > def->max)
		invalid_value(def, value,
					  psprintf("are integers from " INT64_FORMAT " to " INT64_FORMAT,
							   def->min, def->max));
	return (int) result;
}

/*
 * An amount of memory: a number, optionally with a unit as in
 * postgresql.conf.  Like parse_int(), but it has to go beyond 2 GB.  Returns
 * false if it cannot be understood.
 */
static bool
parse_memory(const char *text, int64 default_unit, int64 *bytes)
{
	static const struct
	{
		const char *name;
		int64		factor;
	}			units[] = {
		{"B", 1},
		{"kB", 1024},
		{"MB", INT64CONST(1024) * 1024},
		{"GB", INT64CONST(1024) * 1024 * 1024},
		{"TB", INT64CONST(1024) * 1024 * 1024 * 1024},
	};
	int64		factor = 0;
	double		number;
	char	   *end;

	errno = 0;
	number = strtod(text, &end);
	if (end == text || errno == ERANGE || isnan(number) || isinf(number))
		return false;
	while (isspace((unsigned char) *end))
		end++;
	if (*end == '\0')
		factor = default_unit;
	for (int i = 0; i < lengthof(units); i++)
	{
		size_t		len = strlen(units[i].name);

		if (strncmp(end, units[i].name, len) == 0 &&
			end[len + strspn(end + len, " \t\n\r\f\v")] == '\0')
			factor = units[i].factor;
	}
	number = rint(number * factor);
	if (factor == 0 || number < 0 || number >= (double) PG_INT64_MAX)
		return false;
	*bytes = (int64) number;
	return true;
}

static char *
format_memory(int64 bytes)
{
	if (bytes % (1024 * 1024) == 0)
		return psprintf(INT64_FORMAT "MB", bytes / (1024 * 1024));
	return psprintf(INT64_FORMAT "kB", bytes / 1024);
}

static int64
parse_memory_option(const OptionDefinition *def, const OptionValue *value,
					int64 unit)
{
	int64		bytes = 0;

	if (!value->is_text || !parse_memory(value->text, unit, &bytes) ||
		bytes / unit < def->min || bytes / unit > def->max)
		invalid_value(def, value,
					  psprintf("are amounts of memory from %s to %s, with the units B, kB, MB, GB and TB, or numbers in %s",
							   format_memory(def->min * unit),
							   format_memory(def->max * unit),
							   unit == 1 ? "bytes" : "kB"));
	return bytes / unit;
}

static char *
parse_string(const OptionDefinition *def, const OptionValue *value)
{
	if (!value->is_text)
		invalid_value(def, value, "are strings");
	return pstrdup(value->text);
}

/* Length of the leading part that may stand in a topic's name. */
static size_t
legal_topic_length(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
}

static char *
parse_prefix(const OptionDefinition *def, const OptionValue *value)
{
	if (!value->is_text || value->text[0] == '\0' ||
		value->text[legal_topic_length(value->text)] != '\0' ||
		strlen(value->text) > MAX_TOPIC_LENGTH)
		invalid_value(def, value,
					  psprintf("are 1 to %d letters, digits, \".\", \"_\" and \"-\"",
							   MAX_TOPIC_LENGTH));
	return pstrdup(value->text);
}

/* Length of the placeholder at the start of text, 0 if there is none. */
static size_t
placeholder_length(const char *text)
{
	for (int i = 0; i < lengthof(placeholders); i++)
	{
		size_t		len = strlen(placeholders[i]);

		if (strncmp(text, placeholders[i], len) == 0)
			return len;
	}
	return 0;
}

static bool
is_topic_template(const char *text)
{
	const char *next = text;

	while (*next != '\0')
	{
		size_t		len = legal_topic_length(next);

		if (len == 0)
			len = placeholder_length(next);
		if (len == 0)
			return false;
		next += len;
	}
	return next != text && strlen(text) <= MAX_TOPIC_LENGTH &&
		strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static char *
parse_template(const OptionDefinition *def, const OptionValue *value)
{
	if (!value->is_text || !is_topic_template(value->text))
		invalid_value(def, value,
					  psprintf("are at most %d letters, digits, \".\", \"_\" and \"-\", "
							   "and the placeholders {prefix}, {database}, {schema} and {table}",
							   MAX_TOPIC_LENGTH));
	return pstrdup(value->text);
}

static List *
parse_config(const OptionDefinition *def, const OptionValue *value)
{
	if (!value->is_config)
		invalid_value(def, value,
					  "is a JSON object whose values are strings, numbers, true or false, "
					  "for example {\"retention.ms\": 86400000}");
	return value->config;
}

static void
set_option(SubscriptionOptions *options, const OptionDefinition *def,
		   const OptionValue *value)
{
	void	   *field = (char *) options + def->offset;

	switch (def->type)
	{
		case OPTION_FORMAT:
			*(OutputFormat *) field = parse_format(def, value);
			break;
		case OPTION_BOOL:
			*(bool *) field = parse_boolean(def, value);
			break;
		case OPTION_INT:
			*(int *) field = parse_integer(def, value);
			break;
		case OPTION_BYTES:
			*(int64 *) field = parse_memory_option(def, value, 1);
			break;
		case OPTION_KILOBYTES:
			*(int *) field = (int) parse_memory_option(def, value, 1024);
			break;
		case OPTION_STRING:
			*(char **) field = parse_string(def, value);
			break;
		case OPTION_PREFIX:
			*(char **) field = parse_prefix(def, value);
			break;
		case OPTION_TEMPLATE:
			*(char **) field = parse_template(def, value);
			break;
		case OPTION_CONFIG:
			*(List **) field = parse_config(def, value);
			break;
	}
}

/* ----------------------------------------------------------------
 *		jsonb
 * ----------------------------------------------------------------
 */

/* A scalar as text; NULL if it is null. */
static char *
scalar_to_text(const JsonbValue *scalar)
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

/* False if a value of the object is null, an array or an object. */
static bool
object_to_config(JsonbContainer *object, List **config)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	item;
	NameValue  *entry = NULL;

	*config = NIL;
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			entry = palloc0(sizeof(NameValue));
			entry->name = scalar_to_text(&item);
		}
		else if (token == WJB_VALUE)
		{
			entry->value = scalar_to_text(&item);
			if (entry->value == NULL)
				return false;
			*config = lappend(*config, entry);
		}
	}
	return true;
}

static void
value_from_jsonb(const JsonbValue *json, OptionValue *value)
{
	memset(value, 0, sizeof(*value));
	value->text = scalar_to_text(json);
	value->is_text = json->type == jbvString || json->type == jbvNumeric;
	if (json->type == jbvBool)
	{
		value->is_bool = true;
		value->boolean = json->val.boolean;
	}
	else if (json->type == jbvBinary)
	{
		value->text = JsonbToCString(NULL, json->val.binary.data,
									 json->val.binary.len);
		if (JsonContainerIsObject(json->val.binary.data))
			value->is_config = object_to_config(json->val.binary.data,
												&value->config);
	}
}

SubscriptionOptions *
options_from_jsonb(Jsonb *jsonb)
{
	SubscriptionOptions *options = make_defaults();
	const OptionDefinition *def = NULL;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	item;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("options must be a JSON object"),
				errhint("For example: '{\"tombstones\": false}'."));

	iterator = JsonbIteratorInit(&jsonb->root);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		OptionValue value;

		if (token == WJB_KEY)
			def = find_option(scalar_to_text(&item), false);
		else if (token == WJB_VALUE)
		{
			/* null stands for the default */
			if (item.type == jbvNull)
				continue;
			value_from_jsonb(&item, &value);
			set_option(options, def, &value);
		}
	}
	return options;
}

/* ----------------------------------------------------------------
 *		options of the output plugin
 * ----------------------------------------------------------------
 */

/*
 * The plugin's options are strings; topic_config is a JSON object in a
 * string.  An option without a value is a boolean, as everywhere.
 */
static void
value_from_defelem(DefElem *defelem, const OptionDefinition *def,
				   OptionValue *value)
{
	memset(value, 0, sizeof(*value));
	if (defelem->arg == NULL)
	{
		value->is_bool = true;
		value->boolean = true;
		return;
	}
	value->text = strVal(defelem->arg);
	value->is_text = true;
	if (def->type == OPTION_CONFIG)
	{
		Jsonb	   *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
															   CStringGetDatum(value->text)));

		if (JB_ROOT_IS_OBJECT(jsonb))
			value->is_config = object_to_config(&jsonb->root, &value->config);
	}
}

static List *
parse_publications(DefElem *defelem)
{
	List	   *publications = NIL;

	if (defelem->arg == NULL ||
		!SplitIdentifierString(pstrdup(strVal(defelem->arg)), ',',
							   &publications) ||
		publications == NIL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid value for option \"%s\": %s", "publications",
					   defelem->arg ?
					   psprintf("\"%s\"", strVal(defelem->arg)) : "null"),
				errdetail("Accepted are names of publications, separated by commas."));
	return publications;
}

static void
check_duplicate(List *defelems, DefElem *defelem)
{
	ListCell   *lc;

	foreach(lc, defelems)
	{
		DefElem    *other = lfirst_node(DefElem, lc);

		if (other == defelem)
			return;
		if (strcmp(other->defname, defelem->defname) == 0)
			ereport(ERROR,
					errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("option \"%s\" is given more than once",
						   defelem->defname));
	}
}

SubscriptionOptions *
options_from_plugin(List *defelems, List **publications)
{
	SubscriptionOptions *options = make_defaults();
	ListCell   *lc;

	*publications = NIL;
	foreach(lc, defelems)
	{
		DefElem    *defelem = lfirst_node(DefElem, lc);
		const OptionDefinition *def;
		OptionValue value;

		Assert(defelem->arg == NULL || IsA(defelem->arg, String));

		check_duplicate(defelems, defelem);
		if (strcmp(defelem->defname, "publications") == 0)
		{
			*publications = parse_publications(defelem);
			continue;
		}
		def = find_option(defelem->defname, true);
		value_from_defelem(defelem, def, &value);
		set_option(options, def, &value);
	}
	return options;
}
