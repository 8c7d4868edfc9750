/*-------------------------------------------------------------------------
 *
 * value_expect.c
 *	  What a value must be as JSON.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/value_expect.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "value_expect.h"

JsonNode *
expect(JsonKind kind)
{
	JsonNode   *node = palloc0(sizeof(JsonNode));

	node->kind = kind;
	return node;
}

JsonNode *
expect_any(JsonKind kind)
{
	JsonNode   *node = expect(kind);

	node->count = EXPECT_ANY_COUNT;
	return node;
}

static JsonNode *
expect_text(JsonKind kind, const char *text, int len)
{
	JsonNode   *node = expect(kind);

	node->text = palloc(len + 1);
	memcpy(node->text, text, len);
	node->text[len] = '\0';
	node->len = len;
	return node;
}

JsonNode *
expect_string(const char *text, int len)
{
	return expect_text(JSON_STRING, text, len);
}

JsonNode *
expect_int64(int64 value)
{
	char		text[32];

	snprintf(text, sizeof(text), INT64_FORMAT, value);
	return expect_text(JSON_NUMBER, text, strlen(text));
}

void
expect_add(JsonNode *parent, const char *name, JsonNode *child)
{
	JsonNode  **last = &parent->first;

	while (*last)
		last = &(*last)->next;
	*last = child;
	child->name = name ? pstrdup(name) : NULL;
	parent->count++;
}

bool
expect_match(const JsonNode *node, const JsonNode *expected)
{
	const JsonNode *child = node->first;

	if (node->kind != expected->kind)
		return false;
	if (expected->text && (node->len != expected->len ||
						   memcmp(node->text, expected->text, node->len) != 0))
		return false;
	if (expected->count == EXPECT_ANY_COUNT)
		return true;
	if (node->count != expected->count)
		return false;
	for (const JsonNode *other = expected->first; other; other = other->next)
	{
		if (!expect_match(child, other) ||
			(other->name && strcmp(child->name, other->name) != 0))
			return false;
		child = child->next;
	}
	return true;
}
