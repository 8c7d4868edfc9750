/*-------------------------------------------------------------------------
 *
 * value_make.h
 *	  Random types, random values of them, and what they are as JSON.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/value_make.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_FUZZ_VALUE_MAKE_H
#define CDC_FUZZ_VALUE_MAKE_H

#include "fuzz.h"
#include "value.h"
#include "value_expect.h"

/* A type of any class; arrays and composites down to that depth. */
extern void value_make_type(FuzzInput *input, ValueType *type, int depth);

/*
 * A value as it is in a tuple or array, palloc'ed, and what it must be as
 * JSON.  Values of types of extensions may be broken.
 */
extern Datum value_make(FuzzInput *input, const ValueType *type,
						JsonNode **expected);

/* Does the type contain one whose values may be broken? */
extern bool value_may_be_broken(const ValueType *type);

/* Text without a NUL in the encoding of the database, UTF-8 */
extern char *value_make_text(FuzzInput *input, int max_len);

/* value_make_scalar.c: those that are not made of others */
extern Datum value_make_scalar(FuzzInput *input, const ValueType *type,
							   JsonNode **expected);

/* With a header of one byte at any address, or of four, aligned */
extern Datum value_make_varlena(FuzzInput *input, const char *data, int len);

/* value_make_nested.c */
extern Datum value_make_array(FuzzInput *input, const ValueType *type,
							  JsonNode **expected);
extern Datum value_make_composite(FuzzInput *input, const ValueType *type,
								  JsonNode **expected);

#endif							/* CDC_FUZZ_VALUE_MAKE_H */
