/*-------------------------------------------------------------------------
 *
 * route.c
 *	  Where messages go: topic and partition.
 *
 * The topic of a table is a template filled in.  Characters that Kafka does
 * not accept become '_', so two tables could come to share a topic without
 * anybody wanting it; a registry of topics finds that out.  Tables that share
 * one because their templates say so are welcome to.
 *
 * Runs in any process that decodes, once per relation, inside the transaction
 * that replays a decoded one.  The registry lives with the router.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/route.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "murmur2.h"
#include "route.h"
#include "route_headers.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Constants of the 32-bit FNV-1a hash */
#define FNV_OFFSET		0x811C9DC5
#define FNV_PRIME		0x01000193

struct Router
{
	MemoryContext context;
	const SubscriptionOptions *options;
	const char *prefix;
	const char *database;
	HTAB	   *topics;			/* of KnownTopic */
	HeaderTemplates *message_headers;
};

/* A topic and the first table that goes there */
typedef struct KnownTopic
{
	char		name[ROUTE_TOPIC_MAX + 1];	/* hash key */
	char	   *wanted;			/* before characters were replaced */
	char	   *schema;
	char	   *table;
} KnownTopic;

/* ----------------------------------------------------------------
 *		names
 * ----------------------------------------------------------------
 */

static bool
is_topic_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/*
 * Length of the first character in bytes.  The name of a database may be in
 * another encoding than the server's; what is no character counts as one.
 */
static int
character_length(const char *str)
{
	int			len = pg_encoding_verifymbchar(GetDatabaseEncoding(), str,
											   strlen(str));

	return len > 0 ? len : 1;
}

/* One '_' for each character, not byte, that Kafka does not accept. */
static char *
sanitized(const char *str)
{
	StringInfoData name;

	initStringInfo(&name);
	while (*str)
	{
		appendStringInfoChar(&name, is_topic_character(*str) ? *str : '_');
		str += character_length(str);
	}
	return name.data;
}

/*
 * The value of the placeholder that template starts with, NULL if it starts
 * with none.  Sets *len to the placeholder's length.
 */
static const char *
placeholder_value(const Router *router, const RelationInfo *info,
				  const char *template, int *len)
{
	const struct
	{
		const char *name;
		const char *value;
	}			placeholders[] = {
		{"{prefix}", router->prefix},
		{"{database}", router->database},
		{"{schema}", info->schema},
		{"{table}", info->table},
		{"{root}", info->root},
	};
	int			i;

	for (i = 0; i < lengthof(placeholders); i++)
	{
		*len = strlen(placeholders[i].name);
		if (strncmp(template, placeholders[i].name, *len) == 0)
			return placeholders[i].value;
	}
	return NULL;
}

/* The name the user wants, whatever Kafka may think of it */
static char *
expanded(const Router *router, const RelationInfo *info, const char *template)
{
	StringInfoData name;

	initStringInfo(&name);
	while (*template)
	{
		int			len;
		const char *value = placeholder_value(router, info, template, &len);

		if (value)
			appendStringInfoString(&name, value);
		else
			appendStringInfoChar(&name, *template);
		template += value ? len : 1;
	}
	return name.data;
}

static char *
qualified_name(const char *schema, const char *table)
{
	return quote_qualified_identifier(schema, table);
}

#define HINT_TOPIC \
	"Choose a topic for the table with cdc_emit.alter_subscription(), for example options => '{\"tables\": {\"schema.table\": {\"topic\": \"name\"}}}'; or change the option \"topic\"."

static void
check_topic_name(const RelationInfo *info, const char *topic)
{
	int			len = strlen(topic);

	if (len == 0 || len > ROUTE_TOPIC_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("topic name of table %s has %d bytes",
						qualified_name(info->schema, info->table), len),
				 errdetail("Kafka accepts 1 to %d bytes.", ROUTE_TOPIC_MAX),
				 errhint(HINT_TOPIC)));
	if (strcmp(topic, ".") == 0 || strcmp(topic, "..") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("topic name of table %s is \"%s\"",
						qualified_name(info->schema, info->table), topic),
				 errdetail("Kafka does not accept this name."),
				 errhint(HINT_TOPIC)));
}

/* ----------------------------------------------------------------
 *		registry of topics
 * ----------------------------------------------------------------
 */

static bool
table_exists(const char *schema, const char *table)
{
	Oid			namespace = get_namespace_oid(schema, true);

	return OidIsValid(namespace) &&
		OidIsValid(get_relname_relid(table, namespace));
}

/* Does another table have this topic because of a replaced character? */
static bool
collides(const KnownTopic *known, const RelationInfo *info,
		 const char *wanted)
{
	if (strcmp(known->wanted, wanted) == 0)
		return false;
	if (strcmp(known->schema, info->schema) == 0 &&
		strcmp(known->table, info->table) == 0)
		return false;

	/* It may have been dropped or renamed since. */
	return table_exists(known->schema, known->table);
}

static void
register_topic(Router *router, const RelationInfo *info, const char *topic,
			   const char *wanted)
{
	bool		found;
	KnownTopic *known = hash_search(router->topics, topic, HASH_ENTER,
									&found);

	if (found && collides(known, info, wanted))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("tables %s and %s have the same Kafka topic \"%s\"",
						qualified_name(known->schema, known->table),
						qualified_name(info->schema, info->table), topic),
				 errdetail("Their names differ only in characters that Kafka does not accept and that become \"_\"."),
				 errhint(HINT_TOPIC)));
	if (found)
	{
		pfree(known->wanted);
		pfree(known->schema);
		pfree(known->table);
	}
	known->wanted = MemoryContextStrdup(router->context, wanted);
	known->schema = MemoryContextStrdup(router->context, info->schema);
	known->table = MemoryContextStrdup(router->context, info->table);
}

/* ----------------------------------------------------------------
 *		partitions
 * ----------------------------------------------------------------
 */

static uint32
hash_string(uint32 hash, const char *str)
{
	/* The final NUL separates this string from the next. */
	do
	{
		hash ^= (unsigned char) *str;
		hash *= FNV_PRIME;
	} while (*str++);
	return hash;
}

uint32
route_key_hash(const char *key, int len)
{
	/* Java's numbers have a sign. */
	return murmur2((const unsigned char *) key, len) & PG_INT32_MAX;
}

/* ----------------------------------------------------------------
 *		interface
 * ----------------------------------------------------------------
 */

Router *
route_create(const SubscriptionOptions *options, const char *prefix,
			 const char *database)
{
	Router	   *router = palloc0(sizeof(Router));
	HeaderNames names = {prefix, database, "", ""};
	HASHCTL		control;

	memset(&control, 0, sizeof(control));
	control.keysize = ROUTE_TOPIC_MAX + 1;
	control.entrysize = sizeof(KnownTopic);
	control.hcxt = CurrentMemoryContext;
	router->context = CurrentMemoryContext;
	router->options = options;
	router->prefix = prefix;
	router->database = database;
	router->topics = hash_create("cdc_emit topics", 128, &control,
								 HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	router->message_headers = header_templates_create(options, &names, NULL);
	return router;
}

void
route_relation(Router *router, RelationInfo *info)
{
	MemoryContext old = MemoryContextSwitchTo(info->context);
	HeaderNames names = {router->prefix, router->database, info->schema,
	info->table};
	const char *template = router->options->topic;
	char	   *wanted;

	if (info->options && info->options->topic)
		template = info->options->topic;
	wanted = expanded(router, info, template);
	info->topic_name = sanitized(wanted);
	check_topic_name(info, info->topic_name);
	register_topic(router, info, info->topic_name, wanted);

	info->keyless_hash = hash_string(hash_string(FNV_OFFSET, info->schema),
									 info->table);
	info->headers = header_templates_create(router->options, &names, info);
	MemoryContextSwitchTo(old);
}

char *
route_special_topic(const Router *router, const char *suffix)
{
	return psprintf("%s.%s", sanitized(router->prefix), suffix);
}

const HeaderTemplates *
route_message_headers(const Router *router)
{
	return router->message_headers;
}
