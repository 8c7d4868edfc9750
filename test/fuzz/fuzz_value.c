/*-------------------------------------------------------------------------
 *
 * fuzz_value.c
 *	  Fuzz target: values of all types as JSON.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz_value.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "json_check.h"
#include "json_writer.h"
#include "shim.h"
#include "value_make.h"

#define MAX_SPARE		40
#define MAX_MARK		32
#define MAX_DEPTH		3

static void
require_json(const StringInfoData *out, const JsonNode *expected)
{
	JsonNode   *node = json_parse(out->data, out->len);

	REQUIRE(node != NULL);
	REQUIRE(expected == NULL || expect_match(node, expected));
	json_free(node);
}

/* Broken values of extensions are an ERROR, others never. */
static void
require_value(const ValueType *type, Datum value, const JsonNode *expected)
{
	StringInfoData out;

	initStringInfo(&out);
	if (setjmp(shim_error_jump) == 0)
	{
		shim_error_expected = value_may_be_broken(type);
		value_append_json(&out, type, value);
		require_json(&out, expected);
	}
	else
		REQUIRE(shim_error_code == ERRCODE_INVALID_BINARY_REPRESENTATION);
	shim_error_expected = false;
}

static void
require_mark(const ValueType *type, const char *mark)
{
	StringInfoData out;

	initStringInfo(&out);
	value_append_unavailable(&out, type, mark);
	require_json(&out, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	input = {data, size};
	ValueType	type;
	JsonNode   *expected;
	Datum		value;

	shim_spare = fuzz_choose(&input, MAX_SPARE);
	value_make_type(&input, &type, MAX_DEPTH);
	value = value_make(&input, &type, &expected);
	require_value(&type, value, expected);
	require_mark(&type, value_make_text(&input, MAX_MARK));
	shim_reset();
	return 0;
}
