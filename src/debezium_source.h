/*-------------------------------------------------------------------------
 *
 * debezium_source.h
 *	  The source block of Debezium's envelope.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/debezium_source.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_DEBEZIUM_SOURCE_H
#define CDC_DEBEZIUM_SOURCE_H

#include "encode.h"
#include "encode_json.h"

typedef struct DebeziumSource
{
	JsonFragment start;			/* ,"source":{"version": ... "ts_ms": */
	JsonFragment database;		/* ,"snapshot": ... "sequence": */

	/* Parts that are one transaction's */
	StringInfoData to_sequence; /* up to the LSN within sequence */
	StringInfoData to_schema;	/* from there up to the schema */
	StringInfoData xid;			/* from the table up to the LSN */
	StringInfoData to_index;	/* from the LSN up to the index */

	/* From the LSN within sequence up to the LSN, of the relation used last */
	const JsonFragment *relation;
	StringInfoData to_lsn;
} DebeziumSource;

/* In CurrentMemoryContext */
extern void debezium_source_init(DebeziumSource *source,
								 const EncoderSettings *settings);

/* Prepare the parts of a transaction. */
extern void debezium_source_begin(DebeziumSource *source,
								  const TransactionInfo *transaction);

/*
 * Prepare the part of a relation: "schema": ... "txId":, in
 * CurrentMemoryContext.  Forgets the relation used last, which may be gone.
 */
extern JsonFragment debezium_source_relation(DebeziumSource *source,
											 const char *schema,
											 const char *table);

/* Append ,"source":{...} of an event of the transaction begun last. */
extern void debezium_source_append(StringInfo out, DebeziumSource *source,
								   const JsonFragment *relation,
								   const EventPosition *position);

#endif							/* CDC_DEBEZIUM_SOURCE_H */
