/*-------------------------------------------------------------------------
 *
 * hstore_text.h
 *	  Reading the text form of hstore.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/hstore_text.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_HSTORE_TEXT_H
#define CDC_HSTORE_TEXT_H

typedef struct HstorePair
{
	const char *key;
	int			key_len;
	const char *value;			/* NULL if it is null */
	int			value_len;
} HstorePair;

/*
 * Read the next pair of what hstore's output function wrote: "k"=>"v" or
 * "k"=>NULL, with a comma between them.  *cursor points at the text, then at
 * what is left of it.  Escapes are removed in place, so the text changes;
 * keys and values are not terminated.  False at the end, or if there is no
 * pair: then **cursor is not NUL.
 */
extern bool hstore_text_next(char **cursor, HstorePair *pair);

#endif							/* CDC_HSTORE_TEXT_H */
