/*-------------------------------------------------------------------------
 *
 * option_parse.h
 *	  One parser for each type of option.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/option_parse.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_OPTION_PARSE_H
#define CDC_OPTION_PARSE_H

#include "option_value.h"
#include "options.h"

typedef enum OptionType
{
	OPTION_ENUM,
	OPTION_BOOL,
	OPTION_INT,
	OPTION_BYTES,				/* int64 field; number is bytes */
	OPTION_KILOBYTES,			/* int field; number is kB */
	OPTION_STRING,
	OPTION_LIST,				/* of char * */
	OPTION_TOPIC_PART,			/* part of a topic's name */
	OPTION_TOPIC_TEMPLATE,		/* topic's name with placeholders */
	OPTION_CONFIG,				/* list of NameValue */
	OPTION_HEADERS,				/* list of NameValue; values are templates */
	OPTION_TABLES				/* list of TableOptions */
} OptionType;

/* A word that an option of type OPTION_ENUM accepts */
typedef struct OptionWord
{
	const char *word;
	int			value;
} OptionWord;

typedef struct OptionDefinition
{
	const char *name;
	OptionType	type;
	size_t		offset;			/* in SubscriptionOptions */
	int64		min;			/* of numbers */
	int64		max;
	const OptionWord *words;	/* of OPTION_ENUM; the last word is NULL */
} OptionDefinition;

/*
 * Check a value and store it in the options.  Raises ERROR that names the
 * option, the value and what is accepted.  Results are palloc'ed in
 * CurrentMemoryContext.
 */
extern void option_parse(SubscriptionOptions *options,
						 const OptionDefinition *def,
						 const OptionValue *value);

/* How a value of the output plugin's options, a string, is to be read */
extern OptionForm option_form(OptionType type);

#endif							/* CDC_OPTION_PARSE_H */
