/*-------------------------------------------------------------------------
 *
 * options.c
 *	  Options of a subscription: what they are and how they are checked.
 *
 * One table says which options there are and what each accepts.
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

#include "event_field.h"
#include "option_parse.h"
#include "options.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "compat.h"

#define DEFAULT_TOPIC			"{prefix}.{schema}.{table}"
#define DEFAULT_POSITION_TOPIC	"cdc_emit.positions"
#define DEFAULT_COMMIT_INTERVAL	100
#define MAX_COMMIT_INTERVAL		10000
#define DEFAULT_MAX_QUEUE_BYTES (INT64CONST(64) * 1024 * 1024)
#define MIN_QUEUE_BYTES			(INT64CONST(1024) * 1024)
#define MAX_QUEUE_BYTES			(INT64CONST(1024) * 1024 * 1024 * 1024)
#define MIN_VALUE_BYTES			INT64CONST(1024)
#define MAX_VALUE_BYTES			(INT64CONST(1024) * 1024 * 1024)
#define MIN_WORK_MEM_KB			64
#define MAX_RETAINED_WAL		(INT64CONST(1024) * 1024 * 1024 * 1024 * 1024)

static const OptionWord format_words[] = {
	{"debezium", OUTPUT_FORMAT_DEBEZIUM},
	{"row", OUTPUT_FORMAT_ROW},
	{"cloudevents", OUTPUT_FORMAT_CLOUDEVENTS},
	{NULL, 0}
};

static const OptionWord decimal_words[] = {
	{"precise", DECIMAL_HANDLING_PRECISE},
	{"string", DECIMAL_HANDLING_STRING},
	{"double", DECIMAL_HANDLING_DOUBLE},
	{NULL, 0}
};

static const OptionWord time_words[] = {
	{"adaptive", TIME_PRECISION_ADAPTIVE},
	{"adaptive_time_microseconds", TIME_PRECISION_ADAPTIVE_TIME_MICROSECONDS},
	{"connect", TIME_PRECISION_CONNECT},
	{"isostring", TIME_PRECISION_ISOSTRING},
	{"microseconds", TIME_PRECISION_MICROSECONDS},
	{"nanoseconds", TIME_PRECISION_NANOSECONDS},
	{NULL, 0}
};

static const OptionWord interval_words[] = {
	{"numeric", INTERVAL_HANDLING_NUMERIC},
	{"string", INTERVAL_HANDLING_STRING},
	{NULL, 0}
};

static const OptionWord hstore_words[] = {
	{"json", HSTORE_HANDLING_JSON},
	{"map", HSTORE_HANDLING_MAP},
	{NULL, 0}
};

static const OptionWord binary_words[] = {
	{"bytes", BINARY_HANDLING_BYTES},
	{"base64", BINARY_HANDLING_BASE64},
	{"base64-url-safe", BINARY_HANDLING_BASE64_URL_SAFE},
	{"hex", BINARY_HANDLING_HEX},
	{NULL, 0}
};

static const OptionWord delete_words[] = {
	{"tombstone", DELETE_HANDLING_TOMBSTONE},
	{"drop", DELETE_HANDLING_DROP},
	{"rewrite", DELETE_HANDLING_REWRITE},
	{"rewrite_with_tombstone", DELETE_HANDLING_REWRITE_WITH_TOMBSTONE},
	{NULL, 0}
};

static const OptionWord cloudevents_words[] = {
	{"structured", CLOUDEVENTS_STRUCTURED},
	{"binary", CLOUDEVENTS_BINARY},
	{NULL, 0}
};

static const OptionWord origin_words[] = {
	{"any", ORIGIN_ANY},
	{"none", ORIGIN_NONE},
	{NULL, 0}
};

static const OptionWord timestamp_words[] = {
	{"commit", TIMESTAMP_SOURCE_COMMIT},
	{"now", TIMESTAMP_SOURCE_NOW},
	{NULL, 0}
};

static const OptionWord delivery_words[] = {
	{"at_least_once", DELIVERY_AT_LEAST_ONCE},
	{"exactly_once", DELIVERY_EXACTLY_ONCE},
	{NULL, 0}
};

static const OptionWord on_error_words[] = {
	{"stop", ON_ERROR_STOP},
	{"dead_letter", ON_ERROR_DEAD_LETTER},
	{NULL, 0}
};

static const OptionWord retention_words[] = {
	{"warn", RETENTION_WARN},
	{"pause", RETENTION_PAUSE},
	{"drop_slot", RETENTION_DROP_SLOT},
	{NULL, 0}
};

#define FIELD(field) offsetof(SubscriptionOptions, field)

/* In the order in which hints list them. */
static const OptionDefinition option_definitions[] = {
	{"format", OPTION_ENUM, FIELD(format), 0, 0, format_words},
	{"schemas", OPTION_BOOL, FIELD(schemas)},
	{"decimal_handling", OPTION_ENUM, FIELD(modes.decimal), 0, 0,
	decimal_words},
	{"time_precision", OPTION_ENUM, FIELD(modes.time), 0, 0, time_words},
	{"interval_handling", OPTION_ENUM, FIELD(modes.interval), 0, 0,
	interval_words},
	{"hstore_handling", OPTION_ENUM, FIELD(modes.hstore), 0, 0, hstore_words},
	{"binary_handling", OPTION_ENUM, FIELD(modes.binary), 0, 0, binary_words},
	{"unavailable_value", OPTION_STRING, FIELD(unavailable_value)},
	{"max_value_bytes", OPTION_BYTES, FIELD(max_value_bytes), MIN_VALUE_BYTES,
	MAX_VALUE_BYTES},
	{"source_name", OPTION_STRING, FIELD(source_name)},
	{"tombstones", OPTION_BOOL, FIELD(tombstones)},
	{"truncate", OPTION_BOOL, FIELD(truncate)},
	{"transaction_metadata", OPTION_BOOL, FIELD(transaction_metadata)},
	{"add_fields", OPTION_LIST, FIELD(add_fields)},
	{"add_headers", OPTION_LIST, FIELD(add_headers)},
	{"delete_handling", OPTION_ENUM, FIELD(delete_handling), 0, 0,
	delete_words},
	{"cloudevents_mode", OPTION_ENUM, FIELD(cloudevents_mode), 0, 0,
	cloudevents_words},
	{"headers", OPTION_HEADERS, FIELD(headers)},
	{"origin", OPTION_ENUM, FIELD(origin), 0, 0, origin_words},
	{"message_include", OPTION_LIST, FIELD(message_include)},
	{"message_exclude", OPTION_LIST, FIELD(message_exclude)},
	{"topic_prefix", OPTION_TOPIC_PART, FIELD(topic_prefix)},
	{"topic", OPTION_TOPIC_TEMPLATE, FIELD(topic)},
	{"tables", OPTION_TABLES, FIELD(tables)},
	{"message_key_columns", OPTION_STRING, FIELD(message_key_columns)},
	{"timestamp", OPTION_ENUM, FIELD(timestamp), 0, 0, timestamp_words},
	{"create_topics", OPTION_BOOL, FIELD(create_topics)},
	{"topic_partitions", OPTION_INT, FIELD(topic_partitions), 1, 100000},
	{"topic_replication_factor", OPTION_INT, FIELD(topic_replication_factor),
	1, SHRT_MAX},
	{"topic_config", OPTION_CONFIG, FIELD(topic_config)},
	{"delivery", OPTION_ENUM, FIELD(delivery), 0, 0, delivery_words},
	{"commit_interval", OPTION_INT, FIELD(commit_interval), 1,
	MAX_COMMIT_INTERVAL},
	{"position_topic", OPTION_TOPIC_PART, FIELD(position_topic)},
	{"on_error", OPTION_ENUM, FIELD(on_error), 0, 0, on_error_words},
	{"dead_letter_topic", OPTION_TOPIC_PART, FIELD(dead_letter_topic)},
	{"max_queue_bytes", OPTION_BYTES, FIELD(max_queue_bytes),
	MIN_QUEUE_BYTES, MAX_QUEUE_BYTES},
	{"decoding_work_mem", OPTION_KILOBYTES, FIELD(decoding_work_mem),
	MIN_WORK_MEM_KB, MAX_KILOBYTES},
	{"max_retained_wal", OPTION_BYTES, FIELD(max_retained_wal), 0,
	MAX_RETAINED_WAL},
	{"max_retained_wal_action", OPTION_ENUM, FIELD(max_retained_wal_action),
	0, 0, retention_words},
};

/* Enumerations have their first value, booleans false, others none. */
static SubscriptionOptions *
make_defaults(void)
{
	SubscriptionOptions *options = palloc0(sizeof(SubscriptionOptions));

	options->unavailable_value = pstrdup("__debezium_unavailable_value");
	options->tombstones = true;
	options->truncate = true;
	options->topic = pstrdup(DEFAULT_TOPIC);
	options->create_topics = true;
	options->topic_partitions = -1;
	options->topic_replication_factor = -1;
	options->commit_interval = DEFAULT_COMMIT_INTERVAL;
	options->position_topic = pstrdup(DEFAULT_POSITION_TOPIC);
	options->max_queue_bytes = DEFAULT_MAX_QUEUE_BYTES;
	options->decoding_work_mem = -1;
	return options;
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
 *		options that depend on each other
 * ----------------------------------------------------------------
 */

const TableOptions *
options_for_table(const SubscriptionOptions *options, const char *schema,
				  const char *table)
{
	ListCell   *lc;

	foreach(lc, options->tables)
	{
		TableOptions *special = lfirst(lc);

		if (strcmp(special->schema, schema) == 0 &&
			strcmp(special->table, table) == 0)
			return special;
	}
	return NULL;
}

static void
invalid_key_columns(const SubscriptionOptions *options)
{
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("invalid value for option \"%s\": \"%s\"",
				   "message_key_columns", options->message_key_columns),
			errdetail("Accepted are tables and columns in the form schema.table:column,column;schema.table:column."));
}

static void
add_key_columns(SubscriptionOptions *options, char *table_name, char *columns)
{
	List	   *parts;
	List	   *key;
	TableOptions *table;

	if (!SplitIdentifierString(table_name, '.', &parts) ||
		list_length(parts) != 2 ||
		!SplitIdentifierString(columns, ',', &key) || key == NIL)
		invalid_key_columns(options);

	table = (TableOptions *) options_for_table(options, linitial(parts),
											   lsecond(parts));
	if (table == NULL)
	{
		table = palloc0(sizeof(TableOptions));
		table->schema = linitial(parts);
		table->table = lsecond(parts);
		options->tables = lappend(options->tables, table);
	}
	if (table->key != NIL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("key of table \"%s.%s\" is given more than once",
					   table->schema, table->table),
				errhint("Use one of the options \"tables\" and \"message_key_columns\" for a table."));
	table->key = key;
}

/* Debezium's way to name key columns: schema.table:column,column;... */
static void
merge_key_columns(SubscriptionOptions *options)
{
	char	   *next;

	if (options->message_key_columns == NULL)
		return;
	next = pstrdup(options->message_key_columns);
	while (next != NULL)
	{
		char	   *table = next;
		char	   *columns;

		next = strchr(next, ';');
		if (next)
			*next++ = '\0';
		while (isspace((unsigned char) *table))
			table++;
		if (*table == '\0')
			continue;
		columns = strchr(table, ':');
		if (columns == NULL)
			invalid_key_columns(options);
		*columns++ = '\0';
		add_key_columns(options, table, columns);
	}
}

static void
require_format(const char *option, bool given, bool fits, const char *formats)
{
	if (given && !fits)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"%s\" needs format %s", option, formats));
}

/* Each must be a field of the envelope, and no two may have one name. */
static void
check_added_fields(const char *option, const List *references)
{
	int			n = list_length(references);
	AddedField *added = palloc(Max(n, 1) * sizeof(AddedField));

	for (int i = 0; i < n; i++)
	{
		const char *reference = list_nth(references, i);

		if (!event_field_parse(reference, &added[i]))
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for option \"%s\": \"%s\"", option,
						   reference),
					errdetail("Accepted are %s.  \"source.\" and \"transaction.\" may be left out where another field does not have the name; \":name\" after a field gives it a name.",
							  event_field_list()));
		for (int j = 0; j < i; j++)
		{
			if (strcmp(added[i].name, added[j].name) == 0)
				ereport(ERROR,
						errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"%s\" has more than one field \"%s\"",
							   option, added[i].name));
		}
	}
}

static void
finish_options(SubscriptionOptions *options)
{
	bool		debezium = options->format == OUTPUT_FORMAT_DEBEZIUM;
	bool		row = options->format == OUTPUT_FORMAT_ROW;

	require_format("schemas", options->schemas, debezium || row,
				   "\"debezium\" or \"row\"");
	require_format("transaction_metadata", options->transaction_metadata,
				   debezium, "\"debezium\"");
	require_format("add_fields", options->add_fields != NIL, row, "\"row\"");
	require_format("add_headers", options->add_headers != NIL, row,
				   "\"row\"");
	require_format("delete_handling", options->delete_handling != 0, row,
				   "\"row\"");
	require_format("cloudevents_mode", options->cloudevents_mode != 0,
				   options->format == OUTPUT_FORMAT_CLOUDEVENTS,
				   "\"cloudevents\"");
	if (row && !options->tombstones)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"tombstones\" has no meaning with format \"row\""),
				errhint("Choose what becomes of deletes with the option \"delete_handling\"."));
	check_added_fields("add_fields", options->add_fields);
	check_added_fields("add_headers", options->add_headers);
	merge_key_columns(options);

	/* What a schema says of arrays must be so. */
	options->modes.fixed_dimensions = options->schemas;
}

/* ----------------------------------------------------------------
 *		jsonb
 * ----------------------------------------------------------------
 */

/* null stands for the default */
static void
set_member(const char *name, const OptionValue *value, void *arg)
{
	const OptionDefinition *def = find_option(name, false);

	if (value->text != NULL)
		option_parse(arg, def, value);
}

SubscriptionOptions *
options_from_jsonb(Jsonb *jsonb)
{
	SubscriptionOptions *options = make_defaults();

	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("options must be a JSON object"),
				errhint("For example: '{\"tombstones\": false}'."));
	option_object_walk(&jsonb->root, set_member, options);
	finish_options(options);
	return options;
}

/* ----------------------------------------------------------------
 *		options of the output plugin
 * ----------------------------------------------------------------
 */

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
		option_value_from_defelem(defelem, option_form(def->type), &value);
		option_parse(options, def, &value);
	}
	finish_options(options);
	return options;
}
