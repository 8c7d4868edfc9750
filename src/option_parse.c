/*-------------------------------------------------------------------------
 *
 * option_parse.c
 *	  One parser for each type of option.
 *
 * Runs in ordinary backends, the controller and workers.  No state; results
 * are palloc'ed in CurrentMemoryContext.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/option_parse.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "option_parse.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

/* Kafka's limit for the length of a topic's name. */
#define MAX_TOPIC_LENGTH		249

/* Placeholders of a topic template. */
static const char *const topic_placeholders[] = {
	"{prefix}", "{database}", "{schema}", "{table}", "{root}", NULL
};

/* Placeholders of a header's value; {column:NAME} is another. */
static const char *const header_placeholders[] = {
	"{prefix}", "{database}", "{schema}", "{table}", "{op}", "{xid}",
	"{commit_lsn}", "{commit_index}", "{commit_time}", NULL
};

#define COLUMN_PLACEHOLDER		"{column:"

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

/* ----------------------------------------------------------------
 *		words, numbers and amounts of memory
 * ----------------------------------------------------------------
 */

static int
parse_word(const OptionDefinition *def, const OptionValue *value)
{
	const OptionWord *word;
	StringInfoData accepted;

	for (word = def->words; word->word != NULL; word++)
	{
		if (value->is_text && strcmp(value->text, word->word) == 0)
			return word->value;
	}

	initStringInfo(&accepted);
	appendStringInfoString(&accepted, "are ");
	for (word = def->words; word->word != NULL; word++)
		appendStringInfo(&accepted, "%s\"%s\"",
						 word == def->words ? "" :
						 word[1].word == NULL ? " and " : ", ", word->word);
	invalid_value(def, value, accepted.data);
	return 0;					/* keep compiler quiet */
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

/* ----------------------------------------------------------------
 *		text
 * ----------------------------------------------------------------
 */

static char *
parse_string(const OptionDefinition *def, const OptionValue *value)
{
	if (!value->is_text)
		invalid_value(def, value, "are strings");
	return pstrdup(value->text);
}

static List *
parse_list(const OptionDefinition *def, const OptionValue *value)
{
	if (!value->is_list)
		invalid_value(def, value, "are arrays of strings");
	return value->list;
}

/* Length of the leading part that may stand in a topic's name. */
static size_t
legal_topic_length(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
}

static char *
parse_topic_part(const OptionDefinition *def, const OptionValue *value)
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
placeholder_length(const char *text, const char *const *placeholders)
{
	for (int i = 0; placeholders[i] != NULL; i++)
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
			len = placeholder_length(next, topic_placeholders);
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
							   "and the placeholders {prefix}, {database}, {schema}, {table} and {root}",
							   MAX_TOPIC_LENGTH));
	return pstrdup(value->text);
}

/* ----------------------------------------------------------------
 *		objects
 * ----------------------------------------------------------------
 */

/* What a callback for members of an object needs */
typedef struct MemberWalk
{
	const OptionDefinition *def;
	const OptionValue *object;	/* the whole value, for messages */
	List	   *list;			/* result */
	TableOptions *table;		/* the member of "tables" that is walked */
} MemberWalk;

static List *
walk_members(const OptionDefinition *def, const OptionValue *value,
			 OptionMemberCallback callback, const char *accepted)
{
	MemberWalk	walk = {def, value, NIL, NULL};

	if (value->object == NULL)
		invalid_value(def, value, accepted);
	option_object_walk(value->object, callback, &walk);
	return walk.list;
}

static NameValue *
make_pair(const char *name, const char *value)
{
	NameValue  *pair = palloc(sizeof(NameValue));

	pair->name = pstrdup(name);
	pair->value = pstrdup(value);
	return pair;
}

#define ACCEPTED_CONFIG \
	"is a JSON object whose values are strings, numbers, true or false, " \
	"for example {\"retention.ms\": 86400000}"

static void
parse_config_member(const char *name, const OptionValue *value, void *arg)
{
	MemberWalk *walk = arg;

	if (!value->is_text && !value->is_bool)
		invalid_value(walk->def, walk->object, ACCEPTED_CONFIG);
	walk->list = lappend(walk->list, make_pair(name, value->text));
}

/* Every brace must begin a placeholder. */
static bool
is_header_template(const char *text)
{
	while (*text != '\0')
	{
		size_t		len = 1;

		if (strncmp(text, COLUMN_PLACEHOLDER,
					strlen(COLUMN_PLACEHOLDER)) == 0)
		{
			const char *end = strchr(text, '}');

			len = end ? end - text + 1 : 0;
			if (len <= strlen(COLUMN_PLACEHOLDER) + 1)
				return false;
		}
		else if (*text == '{')
			len = placeholder_length(text, header_placeholders);
		if (len == 0)
			return false;
		text += len;
	}
	return true;
}

#define ACCEPTED_HEADERS \
	"is a JSON object of header names and strings, in which {prefix}, {database}, {schema}, {table}, {op}, {xid}, {commit_lsn}, " \
	"{commit_index}, {commit_time} and {column:NAME} stand for their values, for example {\"tenant\": \"{column:tenant_id}\"}"

static void
parse_headers_member(const char *name, const OptionValue *value, void *arg)
{
	MemberWalk *walk = arg;

	if (name[0] == '\0' || !value->is_text ||
		!is_header_template(value->text))
		invalid_value(walk->def, walk->object, ACCEPTED_HEADERS);
	walk->list = lappend(walk->list, make_pair(name, value->text));
}

#define ACCEPTED_TABLES \
	"is a JSON object of tables, each an object with \"topic\" (a topic or template), \"key\" and \"partition_by\" (arrays of columns), " \
	"for example {\"public.orders\": {\"topic\": \"orders\", \"partition_by\": [\"customer\"]}}"

static void
parse_table_property(const char *name, const OptionValue *value, void *arg)
{
	MemberWalk *walk = arg;
	TableOptions *table = walk->table;

	if (strcmp(name, "topic") == 0 && value->is_text &&
		is_topic_template(value->text))
		table->topic = pstrdup(value->text);
	else if (strcmp(name, "key") == 0 && value->is_list &&
			 value->list != NIL)
		table->key = value->list;
	else if (strcmp(name, "partition_by") == 0 && value->is_list &&
			 value->list != NIL)
		table->partition_by = value->list;
	else
		invalid_value(walk->def, walk->object, ACCEPTED_TABLES);
}

/* False unless name is a schema and a table, quoted as in SQL if need be. */
static bool
split_table_name(const char *name, char **schema, char **table)
{
	List	   *parts;

	if (!SplitIdentifierString(pstrdup(name), '.', &parts) ||
		list_length(parts) != 2)
		return false;
	*schema = linitial(parts);
	*table = lsecond(parts);
	return true;
}

static void
parse_tables_member(const char *name, const OptionValue *value, void *arg)
{
	MemberWalk *walk = arg;
	TableOptions *table = palloc0(sizeof(TableOptions));

	if (!split_table_name(name, &table->schema, &table->table) ||
		value->object == NULL)
		invalid_value(walk->def, walk->object, ACCEPTED_TABLES);
	walk->table = table;
	option_object_walk(value->object, parse_table_property, walk);
	walk->list = lappend(walk->list, table);
}

/* ----------------------------------------------------------------
 *		all types
 * ----------------------------------------------------------------
 */

OptionForm
option_form(OptionType type)
{
	switch (type)
	{
		case OPTION_LIST:
			return OPTION_FORM_LIST;
		case OPTION_CONFIG:
		case OPTION_HEADERS:
		case OPTION_TABLES:
			return OPTION_FORM_OBJECT;
		default:
			return OPTION_FORM_SCALAR;
	}
}

void
option_parse(SubscriptionOptions *options, const OptionDefinition *def,
			 const OptionValue *value)
{
	void	   *field = (char *) options + def->offset;

	switch (def->type)
	{
		case OPTION_ENUM:
			*(int *) field = parse_word(def, value);
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
		case OPTION_LIST:
			*(List **) field = parse_list(def, value);
			break;
		case OPTION_TOPIC_PART:
			*(char **) field = parse_topic_part(def, value);
			break;
		case OPTION_TOPIC_TEMPLATE:
			*(char **) field = parse_template(def, value);
			break;
		case OPTION_CONFIG:
			*(List **) field = walk_members(def, value, parse_config_member,
											ACCEPTED_CONFIG);
			break;
		case OPTION_HEADERS:
			*(List **) field = walk_members(def, value, parse_headers_member,
											ACCEPTED_HEADERS);
			break;
		case OPTION_TABLES:
			*(List **) field = walk_members(def, value, parse_tables_member,
											ACCEPTED_TABLES);
			break;
	}
}
