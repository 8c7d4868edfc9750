/*-------------------------------------------------------------------------
 *
 * route.h
 *	  Where messages go: topic and partition.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/route.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_ROUTE_H
#define CDC_ROUTE_H

/* Longest topic name that Kafka accepts, in bytes. */
#define ROUTE_TOPIC_MAX		249

/*
 * The topic of a table: the template with {prefix}, {database}, {schema} and
 * {table} filled in, characters that Kafka does not accept replaced by '_'.
 * palloc'ed in CurrentMemoryContext.  Raises ERROR if it is too long.
 */
extern char *route_topic_name(const char *template, const char *prefix,
							  const char *database, const char *schema,
							  const char *table);

/* Partitioner input of messages without a key; the same on all versions. */
extern uint32 route_keyless_hash(const char *schema, const char *table);

#endif							/* CDC_ROUTE_H */
