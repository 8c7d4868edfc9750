/*-------------------------------------------------------------------------
 *
 * headers.c
 *	  The headers of one message while they are collected.
 *
 * Values that are made for the message are written to one buffer, which may
 * move while it grows, so pointers into it are set at the end.
 *
 * Runs in any process that decodes.  A list keeps its memory when it is
 * reset, so nothing is allocated per message in the long run.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/headers.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "headers.h"

#define INITIAL_SIZE	16
#define NOT_IN_TEXT		(-1)

void
headers_init(HeaderList *list)
{
	list->nheaders = 0;
	list->size = INITIAL_SIZE;
	list->headers = palloc(INITIAL_SIZE * sizeof(MessageHeader));
	list->offsets = palloc(INITIAL_SIZE * sizeof(int));
	initStringInfo(&list->text);
}

void
headers_reset(HeaderList *list)
{
	list->nheaders = 0;
	resetStringInfo(&list->text);
}

void
headers_add(HeaderList *list, const char *name, const char *value,
			int value_len)
{
	MessageHeader *header;

	if (list->nheaders == list->size)
	{
		list->size *= 2;
		list->headers = repalloc(list->headers,
								 list->size * sizeof(MessageHeader));
		list->offsets = repalloc(list->offsets, list->size * sizeof(int));
	}
	list->offsets[list->nheaders] = NOT_IN_TEXT;
	header = &list->headers[list->nheaders++];
	header->name = name;
	header->value = value;
	header->value_len = value_len;
}

StringInfo
headers_begin(HeaderList *list, const char *name)
{
	headers_add(list, name, NULL, 0);
	list->offsets[list->nheaders - 1] = list->text.len;
	return &list->text;
}

void
headers_end(HeaderList *list)
{
	int			last = list->nheaders - 1;

	list->headers[last].value_len = list->text.len - list->offsets[last];
}

void
headers_end_null(HeaderList *list)
{
	int			last = list->nheaders - 1;

	list->text.len = list->offsets[last];
	list->offsets[last] = NOT_IN_TEXT;
}

void
headers_cancel(HeaderList *list)
{
	headers_end_null(list);
	list->nheaders--;
}

const MessageHeader *
headers_finish(HeaderList *list)
{
	int			i;

	for (i = 0; i < list->nheaders; i++)
	{
		if (list->offsets[i] != NOT_IN_TEXT)
			list->headers[i].value = list->text.data + list->offsets[i];
	}
	return list->headers;
}
