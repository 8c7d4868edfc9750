/*-------------------------------------------------------------------------
 *
 * fuzz_options.c
 *	  Fuzz target: options of subscriptions and of the output plugin.
 *
 * Whatever text comes in, either there is an ERROR with a code of ours, or
 * each option is within what its documentation says.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz_options.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "fuzz.h"
#include "json_check.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "options.h"
#include "shim.h"

#define MAX_OPTIONS		64
#define MAX_TOPIC		249

#define TOPIC_CHARACTERS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static char *option_names[MAX_OPTIONS];
static int	noptions;

/* ----------------------------------------------------------------
 *		what was accepted
 * ----------------------------------------------------------------
 */

static void
require_topic_part(const char *text)
{
	REQUIRE(text != NULL && text[0] != '\0' && strlen(text) <= MAX_TOPIC);
	REQUIRE(text[strspn(text, TOPIC_CHARACTERS)] == '\0');
}

/* Placeholders cut out, nothing that Kafka rejects is left. */
static void
require_topic_template(const char *text)
{
	static const char *const placeholders[] = {
		"{prefix}", "{database}", "{schema}", "{table}", "{root}"
	};

	REQUIRE(text != NULL && text[0] != '\0' && strlen(text) <= MAX_TOPIC);
	while (*text != '\0')
	{
		size_t		len = strspn(text, TOPIC_CHARACTERS);

		for (int i = 0; i < lengthof(placeholders) && len == 0; i++)
		{
			if (strncmp(text, placeholders[i], strlen(placeholders[i])) == 0)
				len = strlen(placeholders[i]);
		}
		REQUIRE(len > 0);
		text += len;
	}
}

static void
require_names(const List *names)
{
	ListCell   *lc;

	foreach(lc, names)
		REQUIRE(lfirst(lc) != NULL);
}

static void
require_pairs(const List *pairs)
{
	ListCell   *lc;

	foreach(lc, pairs)
	{
		NameValue  *pair = lfirst(lc);

		REQUIRE(pair->name != NULL && pair->value != NULL);
	}
}

/* A placeholder goes from brace to brace, and a column needs a name. */
static void
require_headers(const List *headers)
{
	ListCell   *lc;

	require_pairs(headers);
	foreach(lc, headers)
	{
		const char *next = ((NameValue *) lfirst(lc))->value;

		while ((next = strchr(next, '{')) != NULL)
		{
			REQUIRE(strncmp(next, "{column:}", 9) != 0);
			next = strchr(next, '}');
			REQUIRE(next != NULL);
		}
	}
}

static void
require_tables(const SubscriptionOptions *options)
{
	ListCell   *lc;

	foreach(lc, options->tables)
	{
		TableOptions *table = lfirst(lc);

		REQUIRE(table->schema != NULL && table->table != NULL);
		REQUIRE(options_for_table(options, table->schema,
								  table->table) != NULL);
		if (table->topic)
			require_topic_template(table->topic);
		require_names(table->key);
		require_names(table->partition_by);
	}
	REQUIRE(options_for_table(options, "no such schema", "\x01") == NULL);
}

static void
require_options(const SubscriptionOptions *options)
{
	REQUIRE(options->format <= OUTPUT_FORMAT_CLOUDEVENTS);
	REQUIRE(options->modes.decimal <= DECIMAL_HANDLING_DOUBLE);
	REQUIRE(options->modes.time <= TIME_PRECISION_NANOSECONDS);
	REQUIRE(options->modes.binary <= BINARY_HANDLING_HEX);
	REQUIRE(options->unavailable_value != NULL);
	REQUIRE(options->max_value_bytes == 0 ||
			options->max_value_bytes >= 1024);
	REQUIRE(options->max_value_bytes <= 1024 * 1024 * 1024);
	REQUIRE(options->max_queue_bytes >= 1024 * 1024);
	REQUIRE(options->decoding_work_mem == -1 ||
			options->decoding_work_mem >= 64);
	REQUIRE(options->topic_partitions == -1 ||
			options->topic_partitions >= 1);
	REQUIRE(options->topic_replication_factor == -1 ||
			(options->topic_replication_factor >= 1 &&
			 options->topic_replication_factor <= SHRT_MAX));
	REQUIRE(options->commit_interval >= 1 &&
			options->commit_interval <= 10000);
	if (options->topic_prefix)
		require_topic_part(options->topic_prefix);
	require_topic_part(options->position_topic);
	require_topic_template(options->topic);
	require_names(options->add_fields);
	require_names(options->add_headers);
	require_names(options->message_include);
	require_names(options->message_exclude);
	require_headers(options->headers);
	require_pairs(options->topic_config);
	require_tables(options);
}

/* ----------------------------------------------------------------
 *		input
 * ----------------------------------------------------------------
 */

/* The names of all options, from the hint that lists them */
static void
find_names(void)
{
	DefElem	   *defelem = palloc0(sizeof(DefElem));
	List	   *publications;
	char	   *next;

	defelem->type = T_DefElem;
	defelem->defname = "no such option";
	if (setjmp(shim_error_jump) == 0)
	{
		shim_error_expected = true;
		options_from_plugin(lappend(NIL, defelem), &publications);
		abort();
	}
	next = strdup(strchr(shim_error_hint, ':') + 1);
	for (char *name = strtok(next, " ,."); name; name = strtok(NULL, " ,."))
	{
		REQUIRE(noptions < MAX_OPTIONS);
		option_names[noptions++] = name;
	}
}

/* Text up to the next NUL */
static char *
take_text(FuzzInput *input)
{
	const uint8_t *bytes;
	size_t		len = strnlen((const char *) input->data, input->size);

	fuzz_bytes(input, len, &bytes);
	fuzz_take(input, 1);
	return pnstrdup((const char *) bytes, len);
}

static List *
take_defelems(FuzzInput *input)
{
	List	   *list = NIL;

	while (input->size > 0 && list_length(list) < 8)
	{
		DefElem    *defelem = palloc0(sizeof(DefElem));
		int			name = fuzz_choose(input, noptions + 2);

		defelem->type = T_DefElem;
		defelem->defname = name < noptions ? option_names[name] :
			take_text(input);
		if (name != noptions + 1)
		{
			String	   *value = palloc0(sizeof(String));

			value->type = T_String;
			value->sval = take_text(input);
			defelem->arg = (Node *) value;
		}
		list = lappend(list, defelem);
	}
	return list;
}

static bool
is_our_error(int code)
{
	return code == ERRCODE_INVALID_PARAMETER_VALUE ||
		code == ERRCODE_INVALID_NAME || code == ERRCODE_SYNTAX_ERROR ||
		code == ERRCODE_INVALID_TEXT_REPRESENTATION;
}

static const SubscriptionOptions *
parse_input(FuzzInput *input, const JsonNode *node)
{
	List	   *publications;

	if (node)
		return options_from_jsonb(shim_jsonb(node));
	return options_from_plugin(take_defelems(input), &publications);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	input = {data, size};
	JsonNode   *node = NULL;

	if (noptions == 0)
		find_names();
	if (fuzz_choose(&input, 2))
	{
		node = json_parse((const char *) input.data, input.size);
		if (node == NULL ||
			(node->kind != JSON_OBJECT && node->kind != JSON_ARRAY))
		{
			json_free(node);
			return -1;
		}
	}

	if (setjmp(shim_error_jump) == 0)
	{
		shim_error_expected = true;
		require_options(parse_input(&input, node));
	}
	else
	{
		REQUIRE(is_our_error(shim_error_code));
		REQUIRE(shim_error_text[0] != '\0');
	}
	shim_error_expected = false;
	json_free(node);
	shim_jsonb_free();
	shim_reset();
	return 0;
}
