/*-------------------------------------------------------------------------
 *
 * connect_check.c
 *	  Does a payload fit its schema, as Kafka Connect's JSON converter reads
 *	  them?
 *
 * Says on standard error what does not.  One liberty is taken: elements of
 * arrays may be null whatever the schema says, because Debezium's schema of
 * arrays of an enum is not optional.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/connect_check.c
 *
 *-------------------------------------------------------------------------
 */
#include "connect_check.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fits(const JsonNode *schema, const JsonNode *value);

static bool
misfit(const JsonNode *schema, const JsonNode *value, const char *reason)
{
	const JsonNode *field = json_member(schema, "field");

	fprintf(stderr, "field \"%s\", value \"%s\": %s\n",
			field && field->text ? field->text : "",
			value && value->text ? value->text : "", reason);
	return false;
}

static bool
is_text(const JsonNode *node, const char *text)
{
	return node && node->kind == JSON_STRING && strcmp(node->text, text) == 0;
}

static bool
fits_integer(const JsonNode *value, int64_t min, int64_t max)
{
	long long	number;
	char	   *end;

	if (value->kind != JSON_NUMBER)
		return false;
	errno = 0;
	number = strtoll(value->text, &end, 10);
	return errno == 0 && *end == '\0' && number >= min && number <= max;
}

/* NaN and infinities are strings. */
static bool
fits_float(const JsonNode *value)
{
	return value->kind == JSON_NUMBER || is_text(value, "NaN") ||
		is_text(value, "Infinity") || is_text(value, "-Infinity");
}

static bool
fits_bytes(const JsonNode *value)
{
	unsigned char *bytes;
	long		len;

	if (value->kind != JSON_STRING)
		return false;
	bytes = malloc(value->len + 1);
	len = json_decode_base64(value->text, value->len, bytes);
	free(bytes);
	return len >= 0;
}

static bool
fits_array(const JsonNode *schema, const JsonNode *value)
{
	const JsonNode *items = json_member(schema, "items");

	if (items == NULL || value->kind != JSON_ARRAY)
		return misfit(schema, value, "no array");
	for (const JsonNode *item = value->first; item; item = item->next)
	{
		if (item->kind != JSON_NULL && !fits(items, item))
			return false;
	}
	return true;
}

/* A map is an object if its keys are strings, else an array of pairs. */
static bool
fits_map(const JsonNode *schema, const JsonNode *value)
{
	const JsonNode *keys = json_member(schema, "keys");
	const JsonNode *values = json_member(schema, "values");
	bool		object;

	if (keys == NULL || values == NULL)
		return misfit(schema, value, "map without types");
	object = is_text(json_member(keys, "type"), "string");
	if (value->kind != (object ? JSON_OBJECT : JSON_ARRAY))
		return misfit(schema, value, "no map");
	for (const JsonNode *entry = value->first; entry; entry = entry->next)
	{
		if (object ? !fits(values, entry) :
			entry->kind != JSON_ARRAY || entry->count != 2 ||
			!fits(keys, entry->first) || !fits(values, entry->first->next))
			return misfit(schema, value, "entry of a map");
	}
	return true;
}

static bool
fits_struct(const JsonNode *schema, const JsonNode *value)
{
	const JsonNode *fields = json_member(schema, "fields");
	const JsonNode *member = value->first;

	if (fields == NULL || value->kind != JSON_OBJECT ||
		value->count != fields->count)
		return misfit(schema, value, "number of fields");
	for (const JsonNode *field = fields->first; field; field = field->next)
	{
		if (!is_text(json_member(field, "field"), member->name))
			return misfit(field, value, "name of a field");
		if (!fits(field, member))
			return false;
		member = member->next;
	}
	return true;
}

static bool
fits_type(const JsonNode *schema, const char *type, const JsonNode *value)
{
	if (strcmp(type, "boolean") == 0)
		return value->kind == JSON_TRUE || value->kind == JSON_FALSE;
	if (strcmp(type, "int16") == 0)
		return fits_integer(value, INT16_MIN, INT16_MAX);
	if (strcmp(type, "int32") == 0)
		return fits_integer(value, INT32_MIN, INT32_MAX);
	if (strcmp(type, "int64") == 0)
		return fits_integer(value, INT64_MIN, INT64_MAX);
	if (strcmp(type, "float") == 0 || strcmp(type, "double") == 0)
		return fits_float(value);
	if (strcmp(type, "string") == 0)
		return value->kind == JSON_STRING;
	if (strcmp(type, "bytes") == 0)
		return fits_bytes(value);
	if (strcmp(type, "array") == 0)
		return fits_array(schema, value);
	if (strcmp(type, "map") == 0)
		return fits_map(schema, value);
	if (strcmp(type, "struct") == 0)
		return fits_struct(schema, value);
	return false;
}

static bool
fits(const JsonNode *schema, const JsonNode *value)
{
	const JsonNode *type;
	const JsonNode *optional;
	const JsonNode *unfit;

	if (schema->kind != JSON_OBJECT)
		return misfit(value, value, "schema is no object");
	type = json_member(schema, "type");
	optional = json_member(schema, "optional");
	unfit = json_member(schema, "default");
	if (type == NULL || type->kind != JSON_STRING || optional == NULL ||
		(optional->kind != JSON_TRUE && optional->kind != JSON_FALSE))
		return misfit(schema, value, "schema without type or optional");
	if (unfit && unfit->kind != JSON_NULL &&
		!fits_type(schema, type->text, unfit))
		return misfit(schema, unfit, "default of another type");
	if (value->kind == JSON_NULL)
		return optional->kind == JSON_TRUE ||
			misfit(schema, value, "null that is not optional");
	return fits_type(schema, type->text, value) ||
		misfit(schema, value, type->text);
}

bool
connect_check(const JsonNode *message, const JsonNode **payload)
{
	const JsonNode *schema;

	if (message->kind != JSON_OBJECT || message->count != 2)
		return false;
	schema = json_member(message, "schema");
	*payload = json_member(message, "payload");
	return schema && *payload && fits(schema, *payload);
}
