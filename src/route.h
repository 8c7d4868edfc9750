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

#include "options.h"
#include "relation.h"

/* Longest topic name that Kafka accepts, in bytes. */
#define ROUTE_TOPIC_MAX		249

typedef struct Router Router;

/*
 * Make a router, in CurrentMemoryContext; the arguments must outlive it.
 * prefix is what {prefix} stands for.
 */
extern Router *route_create(const SubscriptionOptions *options,
							const char *prefix, const char *database);

/*
 * Fill in topic_name, keyless_hash and headers of a relation, in its context.
 * Looks at the catalog.  Raises ERROR if Kafka does not accept the topic's
 * name, or if it is another table's only because of replaced characters.
 */
extern void route_relation(Router *router, RelationInfo *info);

/*
 * The topic of what is not a row: PREFIX.suffix; palloc'ed in
 * CurrentMemoryContext.
 */
extern char *route_special_topic(const Router *router, const char *suffix);

/* Headers that options ask for in logical messages; NULL if none. */
extern const struct HeaderTemplates *
route_message_headers(const Router *router);

/* The partition hash that Java's producer has for a key. */
extern uint32 route_key_hash(const char *key, int len);

#endif							/* CDC_ROUTE_H */
