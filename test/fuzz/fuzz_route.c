/*-------------------------------------------------------------------------
 *
 * fuzz_route.c
 *	  Fuzz target: names of topics, and headers that options ask for.
 *
 * Names are arbitrary bytes in several encodings.  A topic must be what a loop
 * over the characters makes of the template, tables must collide exactly if
 * that is the same for names that are not, and headers must be UTF-8.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz_route.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "relation_make.h"
#include "route.h"
#include "route_headers.h"
#include "shim.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#define MAX_SPARE		40
#define MAX_NAME		80
#define MAX_LONG_NAME	300
#define MAX_PIECES		5
#define MAX_RELATIONS	4
#define MAX_HEADERS		4
#define NO_COLUMN		"?"

/* What went in */
typedef struct Case
{
	SubscriptionOptions options;
	char	   *prefix;
	char	   *database;
	RelationInfo *relations[MAX_RELATIONS];
	int			nrelations;
} Case;

/* ----------------------------------------------------------------
 *		input
 * ----------------------------------------------------------------
 */

/* Of about the length that is too long */
static char *
make_long_name(FuzzInput *input)
{
	return psprintf("%0*d", (int) fuzz_choose(input, MAX_LONG_NAME), 0);
}

/* Any bytes but NUL */
static char *
make_bytes(FuzzInput *input)
{
	const uint8_t *bytes;
	size_t		len;

	if (fuzz_choose(input, 8) == 0)
		return make_long_name(input);
	len = fuzz_bytes(input, fuzz_choose(input, MAX_NAME), &bytes);
	return pnstrdup((const char *) bytes, strnlen((const char *) bytes, len));
}

/* In UTF-8 names of tables are valid. */
static char *
make_table_name(FuzzInput *input)
{
	if (shim_encoding != PG_UTF8)
		return make_bytes(input);
	return fuzz_choose(input, 8) == 0 ? make_long_name(input) :
		value_make_text(input, MAX_NAME);
}

/* A template that the option "topic" accepts */
static char *
make_topic_template(FuzzInput *input)
{
	static const char *const pieces[] = {
		"{prefix}", "{database}", "{schema}", "{table}", "{root}", ".", "-x"
	};
	StringInfoData template;
	int			n = 1 + fuzz_choose(input, MAX_PIECES);

	initStringInfo(&template);
	for (int i = 0; i < n; i++)
		appendStringInfoString(&template,
							   pieces[fuzz_choose(input, lengthof(pieces))]);
	return template.data;
}

/* Names with braces cannot be in a template. */
static const char *
choose_column(FuzzInput *input, const RelationInfo *relation)
{
	int			column = fuzz_choose(input, relation->ncolumns + 1);

	if (column == relation->ncolumns ||
		strpbrk(relation->columns[column].name, "{}"))
		return NO_COLUMN;
	return relation->columns[column].name;
}

/* One that the option "headers" accepts; some columns do not exist. */
static char *
make_header_template(FuzzInput *input, const RelationInfo *relation)
{
	static const char *const pieces[] = {
		"{prefix}", "{database}", "{schema}", "{table}", "{op}", "{xid}",
		"{commit_lsn}", "{commit_index}", "{commit_time}", " }"
	};
	StringInfoData template;
	int			n = fuzz_choose(input, MAX_PIECES);

	initStringInfo(&template);
	for (int i = 0; i < n; i++)
	{
		int			piece = fuzz_choose(input, lengthof(pieces) + 2);

		if (piece < lengthof(pieces))
			appendStringInfoString(&template, pieces[piece]);
		else if (piece == lengthof(pieces))
			appendStringInfo(&template, "{column:%s}",
							 choose_column(input, relation));
		else
			for (char *p = value_make_text(input, MAX_NAME); *p; p++)
				appendStringInfoChar(&template, *p == '{' ? '(' : *p);
	}
	return template.data;
}

static void
make_headers(FuzzInput *input, Case *the_case)
{
	int			n = fuzz_choose(input, MAX_HEADERS);

	for (int i = 0; i < n; i++)
	{
		NameValue  *header = palloc(sizeof(NameValue));

		header->name = psprintf("%d%s", i, value_make_text(input, MAX_NAME));
		header->value = make_header_template(input, the_case->relations[0]);
		the_case->options.headers = lappend(the_case->options.headers,
											header);
	}
}

static void
make_case(FuzzInput *input, Case *the_case)
{
	static const int encodings[] = {
		PG_UTF8, PG_SQL_ASCII, PG_LATIN1, PG_EUC_KR
	};

	memset(the_case, 0, sizeof(*the_case));
	shim_encoding = encodings[fuzz_choose(input, lengthof(encodings))];
	the_case->prefix = make_bytes(input);
	the_case->database = make_bytes(input);
	the_case->options.topic = make_topic_template(input);
	the_case->options.unavailable_value = pstrdup("mark");
	the_case->nrelations = 1 + fuzz_choose(input, MAX_RELATIONS);
	for (int i = 0; i < the_case->nrelations; i++)
	{
		RelationInfo *relation = relation_make(input, false);

		relation->schema = make_table_name(input);
		relation->table = make_table_name(input);
		relation->root = fuzz_choose(input, 2) ? make_table_name(input) :
			relation->table;
		the_case->relations[i] = relation;
	}
	/* values are UTF-8 */
	if (shim_encoding == PG_UTF8)
		make_headers(input, the_case);
}

/* ----------------------------------------------------------------
 *		what is expected
 * ----------------------------------------------------------------
 */

static int
character_length(const char *text)
{
	int			code_point;

	switch (shim_encoding)
	{
		case PG_UTF8:
			return Max(json_utf8_length(text, strlen(text)), 1);
		case PG_EUC_KR:
			return shim_character(PG_EUC_KR, (const unsigned char *) text,
								  strlen(text), &code_point);
		default:
			return 1;
	}
}

/* The template with the values in place of braces */
static char *
expected_wanted(const Case *the_case, const RelationInfo *relation)
{
	StringInfoData name;

	initStringInfo(&name);
	for (const char *p = the_case->options.topic; *p; p++)
	{
		if (*p != '{')
		{
			appendStringInfoChar(&name, *p);
			continue;
		}
		appendStringInfoString(&name,
							   p[1] == 'p' ? the_case->prefix :
							   p[1] == 'd' ? the_case->database :
							   p[1] == 's' ? relation->schema :
							   p[1] == 't' ? relation->table :
							   relation->root);
		p = strchr(p, '}');
	}
	return name.data;
}

static char *
expected_topic(const char *wanted)
{
	StringInfoData topic;

	initStringInfo(&topic);
	for (; *wanted; wanted += character_length(wanted))
		appendStringInfoChar(&topic, *wanted < 0 || !(isalnum(*wanted) ||
													  strchr("._-", *wanted)) ?
							 '_' : *wanted);
	return topic.data;
}

static bool
is_legal_topic(const char *topic)
{
	return topic[0] != '\0' && strlen(topic) <= ROUTE_TOPIC_MAX &&
		strcmp(topic, ".") != 0 && strcmp(topic, "..") != 0;
}

/*
 * Is this relation, number i, refused?  The last one with the topic counts,
 * because an earlier one that was not refused had the same name.
 */
static bool
expected_collision(const Case *the_case, int i)
{
	const RelationInfo *relation = the_case->relations[i];
	char	   *wanted = expected_wanted(the_case, relation);

	for (int j = i - 1; j >= 0; j--)
	{
		const RelationInfo *other = the_case->relations[j];
		char	   *other_wanted = expected_wanted(the_case, other);

		if (strcmp(expected_topic(wanted), expected_topic(other_wanted)) == 0)
			return strcmp(wanted, other_wanted) != 0 &&
				(strcmp(relation->schema, other->schema) != 0 ||
				 strcmp(relation->table, other->table) != 0);
	}
	return false;
}

/* ----------------------------------------------------------------
 *		verdicts
 * ----------------------------------------------------------------
 */

static void
require_utf8(const char *text, size_t len)
{
	while (len > 0)
	{
		size_t		n = json_utf8_length(text, len);

		REQUIRE(n > 0);
		text += n;
		len -= n;
	}
}

/* Names of the cluster may be anything; what is not UTF-8 becomes U+FFFD. */
static void
append_repaired(StringInfo out, const char *name)
{
	while (*name)
	{
		int			n = json_utf8_length(name, strlen(name));

		for (int i = 0; i < n; i++)
			appendStringInfoChar(out, name[i]);
		if (n == 0)
			shim_append_utf8(out, 0xFFFD);
		name += Max(n, 1);
	}
}

/* A placeholder that is not a column.  False if the header is null. */
static bool
append_expected(StringInfo out, const Case *the_case, const char *placeholder,
				const EventPosition *position)
{
	const TransactionInfo *transaction = position->transaction;

	if (strncmp(placeholder, "{prefix", 7) == 0)
		append_repaired(out, the_case->prefix);
	else if (strncmp(placeholder, "{database", 9) == 0)
		append_repaired(out, the_case->database);
	else if (strncmp(placeholder, "{schema", 7) == 0)
		appendStringInfoString(out, the_case->relations[0]->schema);
	else if (strncmp(placeholder, "{table", 6) == 0)
		appendStringInfoString(out, the_case->relations[0]->table);
	else if (strncmp(placeholder, "{op", 3) == 0)
		appendStringInfoString(out, "c");
	else if (strncmp(placeholder, "{xid", 4) == 0)
		appendStringInfo(out, "%u", transaction->xid);
	else if (strncmp(placeholder, "{commit_time", 12) == 0)
		appendStringInfoString(out, "2000-01-01T00:00:00.000000Z");
	else if (strncmp(placeholder, "{commit_lsn", 11) == 0)
		appendStringInfo(out, UINT64_FORMAT, transaction->commit_lsn);
	else
		appendStringInfo(out, UINT64_FORMAT, position->index);
	return strncmp(placeholder, "{xid", 4) != 0 ||
		transaction->xid != InvalidTransactionId;
}

/* The value of a header without columns */
static void
require_header(const Case *the_case, const char *template,
			   const EventPosition *position, const MessageHeader *header)
{
	StringInfoData expected;

	initStringInfo(&expected);
	for (; *template; template++)
	{
		if (*template != '{')
			appendStringInfoChar(&expected, *template);
		else if (append_expected(&expected, the_case, template, position))
			template = strchr(template, '}');
		else
		{
			REQUIRE(header->value == NULL);
			return;
		}
	}
	REQUIRE(header->value_len == expected.len);
	REQUIRE(expected.len == 0 ||
			memcmp(header->value, expected.data, expected.len) == 0);
}

/*
 * Headers come in order; those with a column are left out if there is no row
 * or no such column.
 */
static void
require_headers(FuzzInput *input, const Case *the_case)
{
	const RelationInfo *relation = the_case->relations[0];
	TransactionInfo transaction = {fuzz_take(input, 1)};
	EventPosition position = {&transaction};
	bool		has_row = fuzz_choose(input, 4);
	HeaderList	list;
	const MessageHeader *next;
	MadeRow		row;
	ListCell   *lc;

	if (relation->headers == NULL)
		return;
	relation_make_row(input, relation, true, &row);
	headers_init(&list);
	header_templates_add(relation->headers, "c", &position,
						 has_row ? &row.image : NULL, &list);
	next = headers_finish(&list);
	foreach(lc, the_case->options.headers)
	{
		const NameValue *header = lfirst(lc);
		bool		column = strstr(header->value, "{column:") != NULL;

		if (column && (!has_row || strstr(header->value, "{column:" NO_COLUMN "}")))
			continue;
		REQUIRE(list.nheaders-- > 0);
		REQUIRE(strcmp(next->name, header->name) == 0);
		if (!column)
			require_header(the_case, header->value, &position, next);
		else if (next->value)
			require_utf8(next->value, next->value_len);
		next++;
	}
	REQUIRE(list.nheaders == 0);
}

/* True if the relation was accepted. */
static bool
require_route(Router *router, const Case *the_case, int i)
{
	RelationInfo *relation = the_case->relations[i];
	char	   *topic = expected_topic(expected_wanted(the_case, relation));

	if (setjmp(shim_error_jump) == 0)
	{
		shim_error_expected = true;
		route_relation(router, relation);
		shim_error_expected = false;
		REQUIRE(strcmp(relation->topic_name, topic) == 0);
		REQUIRE(is_legal_topic(topic) && !expected_collision(the_case, i));
		return true;
	}
	if (shim_error_code == ERRCODE_DUPLICATE_OBJECT)
		REQUIRE(expected_collision(the_case, i));
	else
		REQUIRE(!is_legal_topic(topic));
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	input = {data, size};
	static Case the_case;
	Router	   *router;
	int			accepted = 0;

	shim_spare = fuzz_choose(&input, MAX_SPARE);
	make_case(&input, &the_case);
	router = route_create(&the_case.options, the_case.prefix,
						  the_case.database);
	while (accepted < the_case.nrelations &&
		   require_route(router, &the_case, accepted))
		accepted++;

	if (accepted > 0 && setjmp(shim_error_jump) == 0)
	{
		shim_error_expected = relation_may_be_broken(the_case.relations[0]);
		require_headers(&input, &the_case);
	}
	shim_error_expected = false;
	shim_reset();
	return 0;
}

/* ----------------------------------------------------------------
 *		what routes ask of the server
 * ----------------------------------------------------------------
 */

/* A hash table as a list; a single one lives at a time. */
struct HTAB
{
	Size		keysize;
	Size		entrysize;
	List	   *entries;
};

HTAB *
hash_create(const char *tabname, long nelem, const HASHCTL *info, int flags)
{
	HTAB	   *table = palloc0(sizeof(HTAB));

	table->keysize = info->keysize;
	table->entrysize = info->entrysize;
	return table;
}

/* Of strings, for HASH_ENTER */
void *
hash_search(HTAB *table, const void *key, HASHACTION action, bool *found)
{
	ListCell   *lc;
	char	   *entry;

	REQUIRE(action == HASH_ENTER && strlen(key) < table->keysize);
	foreach(lc, table->entries)
	{
		*found = strcmp(lfirst(lc), key) == 0;
		if (*found)
			return lfirst(lc);
	}
	entry = palloc0(table->entrysize);
	strcpy(entry, key);
	table->entries = lappend(table->entries, entry);
	*found = false;
	return entry;
}

char *
MemoryContextStrdup(MemoryContext context, const char *string)
{
	return pstrdup(string);
}

/* All tables exist. */
Oid
get_namespace_oid(const char *nspname, bool missing_ok)
{
	return 1;
}

Oid
get_relname_relid(const char *relname, Oid relnamespace)
{
	return 1;
}

char *
quote_qualified_identifier(const char *qualifier, const char *ident)
{
	return psprintf("\"%s\".\"%s\"", qualifier, ident);
}
