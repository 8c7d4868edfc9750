/*-------------------------------------------------------------------------
 *
 * debezium_schema.c
 *	  Schema blocks of Debezium's messages, for Kafka Connect's JSON converter.
 *
 * They are constant for a table as long as its definition is, so encoders
 * build them once.  Names, versions and order are Debezium's; fields that only
 * we have, commit_lsn and commit_index, come at the end of the source block.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one, when a relation gets its cache entry.  Appends to the caller's
 * buffer.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/debezium_schema.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "connect_schema.h"
#include "debezium_schema.h"
#include "event_field.h"
#include "json_writer.h"

#define CONNECTOR_PACKAGE	"io.debezium.connector.postgresql."
#define COMMON_PACKAGE		"io.debezium.connector.common."

#define FIELD(type, optional, name) \
	"{\"type\":\"" type "\",\"optional\":" optional \
	",\"field\":\"" name "\"}"

#define BEGIN_SCHEMA		"{\"schema\":{\"type\":\"struct\",\"fields\":["
#define BEGIN_STRUCT		"{\"type\":\"struct\",\"fields\":["

/* The end of a schema that is not optional, and what comes after it */
#define END_SCHEMA(name, version) \
	"],\"optional\":false,\"name\":\"" name "\",\"version\":" version \
	"},\"payload\":"

static void
append_source(StringInfo out)
{
	json_append_literal(out, BEGIN_STRUCT
						FIELD("string", "false", "version") ","
						FIELD("string", "false", "connector") ","
						FIELD("string", "false", "name") ","
						FIELD("int64", "false", "ts_ms") ",{");
	event_append_snapshot_type(out);
	json_append_literal(out,
						",\"default\":\"false\",\"field\":\"snapshot\"},"
						FIELD("string", "false", "db") ","
						FIELD("string", "true", "sequence") ","
						FIELD("int64", "true", "ts_us") ","
						FIELD("int64", "true", "ts_ns") ","
						FIELD("string", "false", "schema") ","
						FIELD("string", "false", "table") ","
						FIELD("int64", "true", "txId") ","
						FIELD("int64", "true", "lsn") ","
						FIELD("int64", "true", "xmin") ","
						FIELD("string", "true", "origin") ","
						FIELD("int64", "true", "origin_lsn") ","
						FIELD("int64", "true", "commit_lsn") ","
						FIELD("int64", "true", "commit_index")
						"],\"optional\":false,"
						"\"name\":\"" CONNECTOR_PACKAGE "Source\","
						"\"version\":1,\"field\":\"source\"}");
}

static void
append_transaction_block(StringInfo out)
{
	json_append_literal(out, BEGIN_STRUCT
						FIELD("string", "false", "id") ","
						FIELD("int64", "false", "total_order") ","
						FIELD("int64", "false", "data_collection_order")
						"],\"optional\":true,\"name\":\"event.block\","
						"\"version\":1,\"field\":\"transaction\"}");
}

void
debezium_schema_append_name(StringInfo out, const RelationInfo *relation,
							const char *suffix)
{
	json_append_literal(out, ",\"name\":\"");
	json_append_raw(out, relation->topic_name, strlen(relation->topic_name));
	json_append_raw(out, suffix, strlen(suffix));
	json_append_char(out, '"');
}

void
debezium_schema_append_columns(StringInfo out, const RelationInfo *relation,
							   SchemaRow row)
{
	int			i;

	for (i = 0; i < relation->ncolumns; i++)
	{
		const RelationColumn *column = &relation->columns[i];
		bool		known = row == SCHEMA_ROW_COMPLETE || column->identity;

		if (i > 0)
			json_append_char(out, ',');
		connect_schema_append_column(out, column,
									 !known || !column->not_null);
	}
}

/* A row of the envelope */
static void
append_row(StringInfo out, const RelationInfo *relation, SchemaRow row)
{
	json_append_literal(out, BEGIN_STRUCT);
	debezium_schema_append_columns(out, relation, row);
	json_append_literal(out, "],\"optional\":true");
	debezium_schema_append_name(out, relation, ".Value");
	if (row == SCHEMA_ROW_OLD)
		json_append_literal(out, ",\"field\":\"before\"}");
	else
		json_append_literal(out, ",\"field\":\"after\"}");
}

void
debezium_schema_append_value(StringInfo out, const RelationInfo *relation)
{
	json_append_literal(out, BEGIN_SCHEMA);
	append_row(out, relation, SCHEMA_ROW_OLD);
	json_append_char(out, ',');
	append_row(out, relation, SCHEMA_ROW_COMPLETE);
	json_append_char(out, ',');
	append_source(out);
	json_append_char(out, ',');
	append_transaction_block(out);
	json_append_literal(out, ","
						FIELD("string", "false", "op") ","
						FIELD("int64", "true", "ts_ms") ","
						FIELD("int64", "true", "ts_us") ","
						FIELD("int64", "true", "ts_ns")
						"],\"optional\":false");
	debezium_schema_append_name(out, relation, ".Envelope");
	json_append_literal(out, ",\"version\":2},\"payload\":");
}

void
debezium_schema_append_key(StringInfo out, const RelationInfo *relation,
						   KeyKind kind)
{
	bool		message = kind == KEY_MESSAGE;
	int			n = message ? relation->nkeys : relation->npartition_keys;
	RelationColumn **columns = message ? relation->keys :
		relation->partition_keys;
	int			i;

	json_append_literal(out, BEGIN_SCHEMA);
	for (i = 0; i < n; i++)
	{
		if (i > 0)
			json_append_char(out, ',');
		connect_schema_append_column(out, columns[i], !columns[i]->not_null);
	}
	json_append_literal(out, "],\"optional\":false");
	debezium_schema_append_name(out, relation, ".Key");
	json_append_literal(out, "},\"payload\":");
}

void
debezium_schema_append_message_key(StringInfo out)
{
	json_append_literal(out, BEGIN_SCHEMA
						FIELD("string", "true", "prefix")
						END_SCHEMA(CONNECTOR_PACKAGE "MessageKey", "1"));
}

void
debezium_schema_append_message(StringInfo out, const ValueType *content)
{
	json_append_literal(out, FIELD("string", "true", "prefix") ",");
	connect_schema_append_type(out, content, true, "content");
}

void
debezium_schema_append_message_value(StringInfo out, const ValueType *content)
{
	json_append_literal(out, BEGIN_SCHEMA
						FIELD("string", "false", "op") ","
						FIELD("int64", "true", "ts_ms") ",");
	append_source(out);
	json_append_char(out, ',');
	append_transaction_block(out);
	json_append_literal(out, "," BEGIN_STRUCT);
	debezium_schema_append_message(out, content);
	json_append_literal(out, "],\"optional\":false,"
						"\"name\":\"" CONNECTOR_PACKAGE "Message\","
						"\"version\":1,\"field\":\"message\"}"
						END_SCHEMA(CONNECTOR_PACKAGE "MessageValue", "1"));
}

void
debezium_schema_append_transaction_key(StringInfo out)
{
	json_append_literal(out, BEGIN_SCHEMA
						FIELD("string", "false", "id")
						END_SCHEMA(COMMON_PACKAGE "TransactionMetadataKey",
								   "1"));
}

void
debezium_schema_append_transaction_value(StringInfo out)
{
	json_append_literal(out, BEGIN_SCHEMA
						FIELD("string", "false", "status") ","
						FIELD("string", "false", "id") ","
						FIELD("int64", "true", "event_count") ","
						"{\"type\":\"array\",\"items\":" BEGIN_STRUCT
						FIELD("string", "false", "data_collection") ","
						FIELD("int64", "false", "event_count")
						"],\"optional\":true,\"name\":\"event.collection\","
						"\"version\":1},\"optional\":true,"
						"\"field\":\"data_collections\"},"
						FIELD("int64", "false", "ts_ms")
						END_SCHEMA(COMMON_PACKAGE "TransactionMetadataValue",
								   "1"));
}
