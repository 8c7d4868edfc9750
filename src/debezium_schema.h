/*-------------------------------------------------------------------------
 *
 * debezium_schema.h
 *	  Schema blocks of Debezium's messages, for Kafka Connect's JSON converter.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/debezium_schema.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_DEBEZIUM_SCHEMA_H
#define CDC_DEBEZIUM_SCHEMA_H

#include "encode.h"

/* Which row of an event a schema describes */
typedef enum SchemaRow
{
	SCHEMA_ROW_COMPLETE,		/* the new row, or one like it */
	SCHEMA_ROW_OLD				/* columns that are not in old rows are null */
} SchemaRow;

/*
 * Append {"schema": ... ,"payload": for keys and values; the payload and a
 * brace follow.  Names are derived from the relation's topic.
 */
extern void debezium_schema_append_key(StringInfo out,
									   const RelationInfo *relation,
									   KeyKind kind);
extern void debezium_schema_append_value(StringInfo out,
										 const RelationInfo *relation);
extern void debezium_schema_append_message_key(StringInfo out);
extern void debezium_schema_append_message_value(StringInfo out,
												 const ValueType *content);
extern void debezium_schema_append_transaction_key(StringInfo out);
extern void debezium_schema_append_transaction_value(StringInfo out);

/* Append the fields of a struct, separated by commas. */
extern void debezium_schema_append_columns(StringInfo out,
										   const RelationInfo *relation,
										   SchemaRow row);
extern void debezium_schema_append_message(StringInfo out,
										   const ValueType *content);

/* Append ,"name":"TOPIC.SUFFIX" */
extern void debezium_schema_append_name(StringInfo out,
										const RelationInfo *relation,
										const char *suffix);

#endif							/* CDC_DEBEZIUM_SCHEMA_H */
