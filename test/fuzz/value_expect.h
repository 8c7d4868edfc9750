/*-------------------------------------------------------------------------
 *
 * value_expect.h
 *	  What a value must be as JSON.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/value_expect.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_FUZZ_VALUE_EXPECT_H
#define CDC_FUZZ_VALUE_EXPECT_H

#include "json_check.h"

/* An array or object may have any members. */
#define EXPECT_ANY_COUNT	(-1)

/*
 * Nodes are palloc'ed.  One whose text is NULL may have any.
 */
extern JsonNode *expect(JsonKind kind);
extern JsonNode *expect_any(JsonKind kind);
extern JsonNode *expect_string(const char *text, int len);
extern JsonNode *expect_int64(int64 value);

/* name is NULL for elements of an array. */
extern void expect_add(JsonNode *parent, const char *name, JsonNode *child);

/* Is this what was expected? */
extern bool expect_match(const JsonNode *node, const JsonNode *expected);

#endif							/* CDC_FUZZ_VALUE_EXPECT_H */
