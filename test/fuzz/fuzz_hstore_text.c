/*-------------------------------------------------------------------------
 *
 * fuzz_hstore_text.c
 *	  Fuzz target: reading the text form of hstore.
 *
 * Pairs that are written as hstore's output function does must be read as
 * they were; any other text must end the reading within its bounds.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz_hstore_text.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "hstore_text.h"
#include "lib/stringinfo.h"
#include "shim.h"

#define MAX_PAIRS		8
#define MAX_STRING		40

typedef struct ExpectedPair
{
	StringInfoData key;
	StringInfoData value;
	bool		is_null;
} ExpectedPair;

/* Any bytes but NUL, many of them special */
static void
make_string(FuzzInput *input, StringInfo string)
{
	static const char special[] = "\"\\,=> NUL";
	int			len = fuzz_choose(input, MAX_STRING);

	initStringInfo(string);
	for (int i = 0; i < len; i++)
	{
		int			c = fuzz_choose(input, 256);

		appendStringInfoChar(string, c < 128 && c > 0 ? c :
							 special[c % (sizeof(special) - 1)]);
	}
}

static void
append_quoted(StringInfo out, const StringInfoData *string)
{
	appendStringInfoChar(out, '"');
	for (int i = 0; i < string->len; i++)
	{
		if (string->data[i] == '"' || string->data[i] == '\\')
			appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, string->data[i]);
	}
	appendStringInfoChar(out, '"');
}

static void
append_pair(StringInfo out, const ExpectedPair *pair)
{
	append_quoted(out, &pair->key);
	appendStringInfoString(out, "=>");
	if (pair->is_null)
		appendStringInfoString(out, "NULL");
	else
		append_quoted(out, &pair->value);
}

static void
fuzz_pairs(FuzzInput *input)
{
	ExpectedPair pairs[MAX_PAIRS];
	StringInfoData text;
	HstorePair	pair;
	char	   *cursor;
	int			npairs = fuzz_choose(input, MAX_PAIRS + 1);

	initStringInfo(&text);
	for (int i = 0; i < npairs; i++)
	{
		make_string(input, &pairs[i].key);
		make_string(input, &pairs[i].value);
		pairs[i].is_null = fuzz_choose(input, 4) == 0;
		if (i > 0)
			appendStringInfoString(&text, ", ");
		append_pair(&text, &pairs[i]);
	}
	cursor = pnstrdup(text.data, text.len);
	for (int i = 0; i < npairs; i++)
	{
		REQUIRE(hstore_text_next(&cursor, &pair));
		REQUIRE(pair.key_len == pairs[i].key.len);
		REQUIRE(memcmp(pair.key, pairs[i].key.data, pair.key_len) == 0);
		REQUIRE((pair.value == NULL) == pairs[i].is_null);
		if (pair.value == NULL)
			continue;
		REQUIRE(pair.value_len == pairs[i].value.len);
		REQUIRE(memcmp(pair.value, pairs[i].value.data, pair.value_len) == 0);
	}
	REQUIRE(*cursor == '\0');
	REQUIRE(!hstore_text_next(&cursor, &pair) && *cursor == '\0');
}

static void
fuzz_any_text(FuzzInput *input)
{
	const uint8_t *bytes;
	HstorePair	pair;
	int			len = fuzz_bytes(input, SIZE_MAX, &bytes);
	char	   *text = pnstrdup((const char *) bytes, len);
	char	   *cursor = text;
	char	   *end = text + strlen(text);

	while (hstore_text_next(&cursor, &pair))
	{
		REQUIRE(pair.key >= text && pair.key + pair.key_len < cursor);
		REQUIRE(pair.value == NULL ||
				pair.value + pair.value_len < cursor);
	}
	REQUIRE(cursor <= end);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	input = {data, size};

	if (fuzz_choose(&input, 2))
		fuzz_pairs(&input);
	else
		fuzz_any_text(&input);
	shim_reset();
	return 0;
}
