/*-------------------------------------------------------------------------
 *
 * kafka_properties.c
 *	  Options of the foreign-data wrapper: Kafka clusters and credentials.
 *
 * An option is a librdkafka property with dots written as underscores.  Only
 * properties of the table below are accepted, because some of librdkafka's
 * load libraries, run commands or read files as the operating system user of
 * the server, and others would break our guarantees.
 *
 * The validator runs in backends (DDL), kafka_properties_for_server() in
 * backends and in the controller, inside a transaction.  Results are palloc'ed
 * in the current memory context; no locks are taken.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/kafka_properties.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/reloptions.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "cdc_emit.h"
#include "compat.h"
#include "kafka_properties.h"
#include "options.h"
#include "producer.h"

/* Where an option may be given. */
#define IN_SERVER		0x01
#define IN_MAPPING		0x02
#define IN_BOTH			(IN_SERVER | IN_MAPPING)

/* Only a superuser may give it, or change something that has it. */
#define BY_SUPERUSER	0x10

/* The value must not be shown anywhere; only in user mappings. */
#define SECRET			0x20

/* A hint is given up if no option is as near as this. */
#define MAX_EDIT_DISTANCE	4

typedef struct KafkaProperty
{
	const char *name;			/* librdkafka's */
	int			flags;
} KafkaProperty;

static const KafkaProperty properties[] =
{
	/* connection */
	{"bootstrap.servers", IN_SERVER},
	{"broker.address.family", IN_SERVER},
	{"broker.address.ttl", IN_SERVER},
	{"client.dns.lookup", IN_SERVER},
	{"client.id", IN_SERVER},
	{"client.rack", IN_SERVER},
	{"connections.max.idle.ms", IN_SERVER},
	{"metadata.max.age.ms", IN_SERVER},
	{"metadata.recovery.strategy", IN_SERVER},
	{"reconnect.backoff.max.ms", IN_SERVER},
	{"reconnect.backoff.ms", IN_SERVER},
	{"socket.connection.setup.timeout.ms", IN_SERVER},
	{"socket.max.fails", IN_SERVER},
	{"socket.receive.buffer.bytes", IN_SERVER},
	{"socket.send.buffer.bytes", IN_SERVER},
	{"socket.timeout.ms", IN_SERVER},
	{"topic.metadata.refresh.fast.interval.ms", IN_SERVER},
	{"topic.metadata.refresh.interval.ms", IN_SERVER},
	{"topic.metadata.refresh.sparse", IN_SERVER},

	/* producer */
	{"batch.num.messages", IN_SERVER},
	{"batch.size", IN_SERVER},
	{"compression.level", IN_SERVER},
	{"compression.type", IN_SERVER},
	{"linger.ms", IN_SERVER},
	{"message.copy.max.bytes", IN_SERVER},
	{"message.max.bytes", IN_SERVER},
	{"queue.buffering.backpressure.threshold", IN_SERVER},
	{"request.timeout.ms", IN_SERVER},
	{"retry.backoff.max.ms", IN_SERVER},
	{"retry.backoff.ms", IN_SERVER},
	{"transaction.timeout.ms", IN_SERVER},

	/* security: the cluster's side */
	{"enable.sasl.oauthbearer.unsecure.jwt", IN_SERVER},
	{"enable.ssl.certificate.verification", IN_SERVER},
	{"sasl.kerberos.service.name", IN_SERVER},
	{"sasl.oauthbearer.extensions", IN_SERVER},
	{"sasl.oauthbearer.method", IN_SERVER},
	{"sasl.oauthbearer.scope", IN_SERVER},
	{"sasl.oauthbearer.token.endpoint.url", IN_SERVER},
	{"security.protocol", IN_SERVER},
	{"ssl.ca.pem", IN_SERVER},
	{"ssl.cipher.suites", IN_SERVER},
	{"ssl.curves.list", IN_SERVER},
	{"ssl.endpoint.identification.algorithm", IN_SERVER},
	{"ssl.sigalgs.list", IN_SERVER},

	/* security: who we are */
	{"sasl.kerberos.principal", IN_BOTH},
	{"sasl.mechanism", IN_BOTH},
	{"sasl.mechanisms", IN_BOTH},
	{"sasl.oauthbearer.client.id", IN_BOTH},
	{"sasl.username", IN_BOTH},
	{"ssl.certificate.pem", IN_BOTH},

	/* secrets */
	{"sasl.oauthbearer.client.secret", IN_MAPPING | SECRET},
	{"sasl.oauthbearer.config", IN_MAPPING | SECRET},
	{"sasl.password", IN_MAPPING | SECRET},
	{"ssl.key.password", IN_MAPPING | SECRET},
	{"ssl.key.pem", IN_MAPPING | SECRET},
	{"ssl.keystore.password", IN_MAPPING | SECRET},

	/* files of the database server */
	{"ssl.ca.location", IN_SERVER | BY_SUPERUSER},
	{"ssl.certificate.location", IN_BOTH | BY_SUPERUSER},
	{"ssl.crl.location", IN_SERVER | BY_SUPERUSER},
	{"ssl.key.location", IN_BOTH | BY_SUPERUSER},
	{"ssl.keystore.location", IN_BOTH | BY_SUPERUSER},

	/* fills the server log */
	{"debug", IN_SERVER | BY_SUPERUSER},

	/* runs a broker in the worker */
	{"test.mock.num.brokers", IN_SERVER | BY_SUPERUSER},
};

/* cdc_emit sets these, or depends on librdkafka's default. */
static const char *const reserved_properties[] =
{
	"acks",
	"allow.auto.create.topics",
	"delivery.report.only.error",
	"delivery.timeout.ms",
	"enable.gapless.guarantee",
	"enable.idempotence",
	"enable.metrics.push",
	"log.connection.close",
	"log.queue",
	"log.thread.name",
	"max.in.flight",
	"max.in.flight.requests.per.connection",
	"message.send.max.retries",
	"message.timeout.ms",
	"partitioner",
	"queue.buffering.max.kbytes",
	"queue.buffering.max.messages",
	"queuing.strategy",
	"request.required.acks",
	"retries",
	"sasl.kerberos.min.time.before.relogin",
	"socket.keepalive.enable",
	"socket.nagle.disable",
	"sticky.partitioning.linger.ms",
	"transactional.id",
};

CDC_FUNCTION_INFO_V1(cdc_emit_validator);

/* Is this how the property is written as an option? */
static bool
is_option_for(const char *option, const char *property)
{
	for (; *option != '\0' && *property != '\0'; option++, property++)
	{
		char		expected = *property == '.' ? '_' : *property;

		if (*option != expected)
			return false;
	}
	return *option == *property;
}

/* palloc'ed option name of a property */
static char *
option_name(const char *property)
{
	char	   *option = pstrdup(property);

	for (char *p = option; *p != '\0'; p++)
	{
		if (*p == '.')
			*p = '_';
	}
	return option;
}

static const KafkaProperty *
find_property(const char *option)
{
	for (int i = 0; i < lengthof(properties); i++)
	{
		if (is_option_for(option, properties[i].name))
			return &properties[i];
	}
	return NULL;
}

static bool
is_reserved(const char *option)
{
	for (int i = 0; i < lengthof(reserved_properties); i++)
	{
		if (is_option_for(option, reserved_properties[i]))
			return true;
	}
	return false;
}

static int
context_of_catalog(Oid catalog)
{
	if (catalog == ForeignServerRelationId)
		return IN_SERVER;
	if (catalog == UserMappingRelationId)
		return IN_MAPPING;
	return 0;
}

/* The option of this context most like the name; NULL if none is like it. */
static char *
closest_option(const char *name, int context)
{
	char	   *closest = NULL;
	int			max_distance = MAX_EDIT_DISTANCE;
	int			len = strlen(name);

	/* the limit of varstr_levenshtein_less_equal() */
	if (len == 0 || len > 255)
		return NULL;

	for (int i = 0; i < lengthof(properties); i++)
	{
		char	   *option;
		int			distance;

		if ((properties[i].flags & context) == 0)
			continue;
		option = option_name(properties[i].name);
		distance = varstr_levenshtein_less_equal(name, len,
												 option, strlen(option),
												 1, 1, 1, max_distance, true);
		if (distance <= max_distance && distance <= len / 2)
		{
			max_distance = distance - 1;
			closest = option;
		}
		if (max_distance < 0)
			break;
	}
	return closest;
}

static char *
list_options(int context)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < lengthof(properties); i++)
	{
		if ((properties[i].flags & context) == 0)
			continue;
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 option_name(properties[i].name));
	}
	return buf.data;
}

static void
raise_invalid_option(const char *name, int context)
{
	char	   *closest = closest_option(name, context);

	ereport(ERROR,
			errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			errmsg("invalid option \"%s\"", name),
			context == 0 ?
			errhint("There are no valid options in this context.") :
			closest != NULL ?
			errhint("Perhaps you meant the option \"%s\".", closest) :
			errhint("Valid options in this context are: %s",
					list_options(context)));
}

/* The option is known, but not here. */
static void
raise_wrong_context(const char *name, const KafkaProperty *property)
{
	ereport(ERROR,
			errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			errmsg("invalid option \"%s\"", name),
			property->flags & SECRET ?
			errdetail("A server's options can be read by everyone.") : 0,
			property->flags & IN_MAPPING ?
			errhint("Set it with CREATE USER MAPPING or ALTER USER MAPPING.") :
			errhint("Set it with CREATE SERVER or ALTER SERVER."));
}

/*
 * Superusers only.  The validator gets the whole list of options without
 * knowing which were there before.  So, as in postgres_fdw, a server or user
 * mapping that has such an option can be altered by a superuser only; taking
 * the option away is allowed to its owner.  That is wanted: otherwise the
 * owner could send a file the superuser chose to another cluster.
 */
static void
check_superuser(const char *name, const KafkaProperty *property)
{
	if ((property->flags & BY_SUPERUSER) == 0 || superuser())
		return;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied to set option \"%s\"", name),
			errdetail("Only superusers may create or change a server or user mapping with this option."));
}

static void
check_value(const char *name, const KafkaProperty *property,
			const char *value)
{
	char		errstr[256] = "";

	if (!producer_check_property(property->name, value,
								 errstr, sizeof(errstr)))
		ereport(ERROR,
				errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				property->flags & SECRET ?
				errmsg("invalid value for option \"%s\"", name) :
				errmsg("invalid value for option \"%s\": \"%s\"",
					   name, value),
				property->flags & SECRET ? 0 :
				errdetail_internal("%s", errstr));

	/* librdkafka takes 0 and thousands, too */
	if (strcmp(property->name, "test.mock.num.brokers") == 0 &&
		(value[0] < '1' || value[0] > '3' || value[1] != '\0'))
		ereport(ERROR,
				errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				errmsg("invalid value for option \"%s\": \"%s\"", name, value),
				errdetail("Valid values are 1, 2 and 3."));

	if (strcmp(property->name, "bootstrap.servers") == 0 && value[0] == '\0')
		ereport(ERROR,
				errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				errmsg("invalid value for option \"%s\": \"%s\"", name, value),
				errdetail("The value is a list of host:port, separated by commas."));
}

static void
check_option(DefElem *def, int context)
{
	const KafkaProperty *property = find_property(def->defname);

	if (context != 0 && is_reserved(def->defname))
		ereport(ERROR,
				errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				errmsg("option \"%s\" cannot be set", def->defname),
				errdetail("cdc_emit sets this property of librdkafka itself, so that no change is lost or out of order."));
	if (property == NULL || context == 0)
		raise_invalid_option(def->defname, context);
	if ((property->flags & context) == 0)
		raise_wrong_context(def->defname, property);

	check_superuser(def->defname, property);
	check_value(def->defname, property, defGetString(def));
}

/* cdc_emit_validator(text[], oid) */
Datum
cdc_emit_validator(PG_FUNCTION_ARGS)
{
	List	   *options = untransformRelOptions(PG_GETARG_DATUM(0));
	int			context = context_of_catalog(PG_GETARG_OID(1));
	ListCell   *lc;

	foreach(lc, options)
		check_option((DefElem *) lfirst(lc), context);

	PG_RETURN_VOID();
}

/* Options of the role's user mapping, or of PUBLIC's; NIL if there is none. */
static List *
user_mapping_options(Oid serverid, Oid role)
{
	HeapTuple	tuple;
	Datum		datum;
	bool		isnull;
	List	   *options = NIL;

	tuple = SearchSysCache2(USERMAPPINGUSERSERVER,
							ObjectIdGetDatum(role),
							ObjectIdGetDatum(serverid));
	if (!HeapTupleIsValid(tuple))
		tuple = SearchSysCache2(USERMAPPINGUSERSERVER,
								ObjectIdGetDatum(InvalidOid),
								ObjectIdGetDatum(serverid));
	if (!HeapTupleIsValid(tuple))
		return NIL;

	datum = SysCacheGetAttr(USERMAPPINGUSERSERVER, tuple,
							Anum_pg_user_mapping_umoptions, &isnull);
	if (!isnull)
		options = untransformRelOptions(datum);
	ReleaseSysCache(tuple);
	return options;
}

/* Set a property; what is there already is replaced. */
static List *
merge_option(List *list, const char *property, char *value)
{
	NameValue  *entry;
	ListCell   *lc;

	foreach(lc, list)
	{
		entry = (NameValue *) lfirst(lc);
		if (strcmp(entry->name, property) == 0)
		{
			entry->value = value;
			return list;
		}
	}

	entry = palloc(sizeof(NameValue));
	entry->name = pstrdup(property);
	entry->value = value;
	return lappend(list, entry);
}

/*
 * Options that the table does not have any more (an older version accepted
 * them) are an error: the administrator should decide.
 */
static List *
merge_options(List *list, List *options, int context)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *def = (DefElem *) lfirst(lc);
		const KafkaProperty *property = find_property(def->defname);

		if (property == NULL || (property->flags & context) == 0)
			raise_invalid_option(def->defname, context);
		list = merge_option(list, property->name,
							pstrdup(defGetString(def)));
	}
	return list;
}

static bool
has_property(List *list, const char *name)
{
	ListCell   *lc;

	foreach(lc, list)
	{
		if (strcmp(((NameValue *) lfirst(lc))->name, name) == 0)
			return true;
	}
	return false;
}

/* The server, if it is one of ours and the role may use it. */
static ForeignServer *
usable_server(const char *server, Oid role)
{
	ForeignServer *foreign_server = GetForeignServerByName(server, true);
	ForeignDataWrapper *wrapper;

	if (foreign_server == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("server \"%s\" does not exist", server),
				errhint("Use CREATE SERVER %s FOREIGN DATA WRAPPER %s OPTIONS (bootstrap_servers 'host:9092').",
						quote_identifier(server), CDC_NAME));

	wrapper = GetForeignDataWrapper(foreign_server->fdwid);
	if (strcmp(wrapper->fdwname, CDC_NAME) != 0)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("server \"%s\" is not a Kafka cluster", server),
				errdetail("Its foreign-data wrapper is \"%s\", not \"%s\".",
						  wrapper->fdwname, CDC_NAME),
				errhint("Create one with CREATE SERVER ... FOREIGN DATA WRAPPER %s OPTIONS (bootstrap_servers 'host:9092').",
						CDC_NAME));

	if (cdc_server_aclcheck(foreign_server->serverid, role,
							ACL_USAGE) != ACLCHECK_OK)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied for foreign server %s", server),
				errdetail("The owner of a subscription needs USAGE on its server."),
				errhint("Use GRANT USAGE ON FOREIGN SERVER %s TO %s.",
						quote_identifier(server),
						quote_identifier(GetUserNameFromId(role, false))));
	return foreign_server;
}

List *
kafka_properties_for_server(const char *server, Oid role)
{
	ForeignServer *foreign_server = usable_server(server, role);
	List	   *list;

	list = merge_options(NIL, foreign_server->options, IN_SERVER);
	list = merge_options(list, user_mapping_options(foreign_server->serverid,
													role),
						 IN_MAPPING);

	if (!has_property(list, "bootstrap.servers") &&
		!has_property(list, "test.mock.num.brokers"))
		ereport(ERROR,
				errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				errmsg("server \"%s\" does not say where Kafka is", server),
				errhint("Use ALTER SERVER %s OPTIONS (ADD bootstrap_servers 'host:9092').",
						quote_identifier(server)));
	return list;
}
