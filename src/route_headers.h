/*-------------------------------------------------------------------------
 *
 * route_headers.h
 *	  Headers that the option "headers" asks for.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/route_headers.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_ROUTE_HEADERS_H
#define CDC_ROUTE_HEADERS_H

#include "encode.h"
#include "headers.h"
#include "options.h"

typedef struct HeaderTemplates HeaderTemplates;

/* What placeholders that are the same for all events stand for */
typedef struct HeaderNames
{
	const char *prefix;
	const char *database;
	const char *schema;			/* "" of logical messages */
	const char *table;			/* "" of logical messages */
} HeaderNames;

/*
 * Prepare the headers of a relation, or of logical messages if it is NULL:
 * they have no columns.  A header with a column that the relation lacks is
 * left out.  In CurrentMemoryContext; NULL if there are no headers.
 */
extern HeaderTemplates *
header_templates_create(const SubscriptionOptions *options,
						const HeaderNames *names,
						const RelationInfo *relation);

/*
 * Add the headers of an event.  op is its name, row where columns come from,
 * NULL if it has none: then headers with columns are left out.
 */
extern void header_templates_add(const HeaderTemplates *templates,
								 const char *op,
								 const EventPosition *position,
								 const RowImage *row, HeaderList *headers);

#endif							/* CDC_ROUTE_HEADERS_H */
