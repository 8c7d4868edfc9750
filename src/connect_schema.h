/*-------------------------------------------------------------------------
 *
 * connect_schema.h
 *	  Schemas of types as Kafka Connect's JSON converter writes them.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/connect_schema.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_CONNECT_SCHEMA_H
#define CDC_CONNECT_SCHEMA_H

#include "lib/stringinfo.h"
#include "relation.h"

/*
 * The schema of a type: {"type":...}.  field is the name of the struct's
 * field that has it, NULL outside of a struct.
 */
extern void connect_schema_append_type(StringInfo out, const ValueType *type,
									   bool optional, const char *field);

/*
 * The schema of a column as a field of a struct, with the column's default.
 * May run the output function of the type, so it needs a transaction.
 */
extern void connect_schema_append_column(StringInfo out,
										 const RelationColumn *column,
										 bool optional);

#endif							/* CDC_CONNECT_SCHEMA_H */
