/*-------------------------------------------------------------------------
 *
 * headers.h
 *	  The headers of one message while they are collected.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/headers.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_HEADERS_H
#define CDC_HEADERS_H

#include "lib/stringinfo.h"
#include "message.h"

typedef struct HeaderList
{
	int			nheaders;
	int			size;			/* of the arrays */
	MessageHeader *headers;
	int		   *offsets;		/* of values that are in text, else -1 */
	StringInfoData text;		/* values written by the list's users */
} HeaderList;

/* In CurrentMemoryContext, where the list also grows. */
extern void headers_init(HeaderList *list);

extern void headers_reset(HeaderList *list);

/*
 * Add a header.  Name and value are not copied and must live as long as the
 * list is used; a value of NULL is a null header.
 */
extern void headers_add(HeaderList *list, const char *name,
						const char *value, int value_len);

/* Add a header whose value the caller appends to the result. */
extern StringInfo headers_begin(HeaderList *list, const char *name);
extern void headers_end(HeaderList *list);

/* Instead of headers_end(): the value is null after all. */
extern void headers_end_null(HeaderList *list);

/* Instead of headers_end(): no such header after all. */
extern void headers_cancel(HeaderList *list);

/* All headers, valid until the list is changed. */
extern const MessageHeader *headers_finish(HeaderList *list);

#endif							/* CDC_HEADERS_H */
