/*-------------------------------------------------------------------------
 *
 * position.c
 *	  The position record of exactly-once delivery: what is in Kafka already.
 *
 * A record is one JSON object of scalars, written in the same Kafka
 * transaction as the events before that position:
 *
 *		{"version":1,"system_identifier":"7421337","timeline":1,
 *		 "lsn":"0/16B3748","changes":0,"change_lsn":"0/0",
 *		 "commit_lsn":"0/16B3700","commit_time":"846720000000000",
 *		 "writer":"00f3a2c47a1be9d5"}
 *
 * 64-bit numbers are strings, since JSON tools round numbers.  Readers accept
 * any order, blanks and unknown members, so that an administrator can write a
 * record by hand and later versions can add to it.
 *
 * Pure C: no PostgreSQL, no Kafka, no memory allocation and no locks, so that
 * it can be tested by itself.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/position.c
 *
 *-------------------------------------------------------------------------
 */
#include "position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POSITION_VERSION	1

/* Longest name or value that is looked at. */
#define TOKEN_SIZE			64

/* What is left of the text. */
typedef struct Cursor
{
	const char *next;
	const char *end;
} Cursor;

/* Members that were there. */
#define HAS_VERSION				0x01
#define HAS_SYSTEM_IDENTIFIER	0x02
#define HAS_TIMELINE			0x04
#define HAS_LSN					0x08
#define HAS_CHANGE_LSN			0x10

#define HAS_REQUIRED \
	(HAS_VERSION | HAS_SYSTEM_IDENTIFIER | HAS_TIMELINE | HAS_LSN)

size_t
position_format(const Position *position, char buf[POSITION_SIZE])
{
	int			len;

	len = snprintf(buf, POSITION_SIZE,
				   "{\"version\":%d,"
				   "\"system_identifier\":\"%" PRIu64 "\","
				   "\"timeline\":%" PRIu32 ","
				   "\"lsn\":\"%" PRIX32 "/%" PRIX32 "\","
				   "\"changes\":%" PRIu64 ","
				   "\"change_lsn\":\"%" PRIX32 "/%" PRIX32 "\","
				   "\"commit_lsn\":\"%" PRIX32 "/%" PRIX32 "\","
				   "\"commit_time\":\"%" PRIu64 "\","
				   "\"writer\":\"%016" PRIx64 "\"}",
				   POSITION_VERSION, position->system_identifier,
				   position->timeline,
				   (uint32_t) (position->lsn >> 32), (uint32_t) position->lsn,
				   position->changes,
				   (uint32_t) (position->change_lsn >> 32),
				   (uint32_t) position->change_lsn,
				   (uint32_t) (position->commit_lsn >> 32),
				   (uint32_t) position->commit_lsn,
				   position->commit_time,
				   position->writer);
	return (size_t) len;
}

static void
skip_blanks(Cursor *cursor)
{
	while (cursor->next < cursor->end && strchr(" \t\r\n", *cursor->next) &&
		   *cursor->next != '\0')
		cursor->next++;
}

/* The next character that is no blank is c: go past it. */
static bool
accept(Cursor *cursor, char c)
{
	skip_blanks(cursor);
	if (cursor->next == cursor->end || *cursor->next != c)
		return false;
	cursor->next++;
	return true;
}

/* A string without escapes, after its first quote. */
static bool
read_string(Cursor *cursor, char token[TOKEN_SIZE])
{
	size_t		len = 0;

	for (; cursor->next < cursor->end; cursor->next++)
	{
		char		c = *cursor->next;

		if (c == '"')
		{
			cursor->next++;
			token[len] = '\0';
			return true;
		}
		if (c == '\\' || c == '\0' || len == TOKEN_SIZE - 1)
			return false;
		token[len++] = c;
	}
	return false;
}

/* A number, true, false or null. */
static bool
read_bare(Cursor *cursor, char token[TOKEN_SIZE])
{
	size_t		len = 0;

	skip_blanks(cursor);
	for (; cursor->next < cursor->end; cursor->next++)
	{
		char		c = *cursor->next;

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			  c == '-' || c == '+' || c == '.' || c == 'E'))
			break;
		if (len == TOKEN_SIZE - 1)
			return false;
		token[len++] = c;
	}
	token[len] = '\0';
	return len > 0;
}

static bool
read_scalar(Cursor *cursor, char token[TOKEN_SIZE])
{
	return accept(cursor, '"') ? read_string(cursor, token) :
		read_bare(cursor, token);
}

/* Digits of the base from text to its end, or to the character stop. */
static bool
parse_digits(const char *text, char stop, int base, uint64_t max,
			 uint64_t *value, const char **rest)
{
	*value = 0;
	*rest = text;
	for (; **rest != '\0' && **rest != stop; (*rest)++)
	{
		char		c = **rest;
		uint64_t	digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (base == 16 && c >= 'A' && c <= 'F')
			digit = c - 'A' + 10;
		else if (base == 16 && c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else
			return false;
		if (*value > (max - digit) / base)
			return false;
		*value = *value * base + digit;
	}
	return *rest != text;
}

static bool
parse_number(const char *text, int base, uint64_t max, uint64_t *value)
{
	const char *rest;

	return parse_digits(text, '\0', base, max, value, &rest);
}

static bool
parse_lsn(const char *text, uint64_t *lsn)
{
	uint64_t	high;
	uint64_t	low;
	const char *rest;

	if (!parse_digits(text, '/', 16, UINT32_MAX, &high, &rest) ||
		*rest != '/' ||
		!parse_number(rest + 1, 16, UINT32_MAX, &low))
		return false;
	*lsn = (high << 32) | low;
	return true;
}

/* Take a member; unknown ones are ignored. */
static bool
take_member(const char *name, const char *value, Position *position,
			int *members)
{
	uint64_t	number;

	if (strcmp(name, "version") == 0)
	{
		*members |= HAS_VERSION;
		return parse_number(value, 10, UINT64_MAX, &number) &&
			number == POSITION_VERSION;
	}
	if (strcmp(name, "system_identifier") == 0)
	{
		*members |= HAS_SYSTEM_IDENTIFIER;
		return parse_number(value, 10, UINT64_MAX,
							&position->system_identifier);
	}
	if (strcmp(name, "timeline") == 0)
	{
		*members |= HAS_TIMELINE;
		if (!parse_number(value, 10, UINT32_MAX, &number))
			return false;
		position->timeline = (uint32_t) number;
		return true;
	}
	if (strcmp(name, "lsn") == 0)
	{
		*members |= HAS_LSN;
		return parse_lsn(value, &position->lsn);
	}
	if (strcmp(name, "changes") == 0)
		return parse_number(value, 10, UINT64_MAX, &position->changes);
	if (strcmp(name, "change_lsn") == 0)
	{
		*members |= HAS_CHANGE_LSN;
		return parse_lsn(value, &position->change_lsn);
	}
	if (strcmp(name, "commit_lsn") == 0)
		return parse_lsn(value, &position->commit_lsn);
	if (strcmp(name, "commit_time") == 0)
		return parse_number(value, 10, UINT64_MAX, &position->commit_time);
	if (strcmp(name, "writer") == 0)
		return parse_number(value, 16, UINT64_MAX, &position->writer);
	return true;
}

static bool
read_member(Cursor *cursor, Position *position, int *members)
{
	char		name[TOKEN_SIZE];
	char		value[TOKEN_SIZE];

	return accept(cursor, '"') && read_string(cursor, name) &&
		accept(cursor, ':') && read_scalar(cursor, value) &&
		take_member(name, value, position, members);
}

bool
position_parse(const char *text, size_t len, Position *position)
{
	Cursor		cursor = {text, text + len};
	int			members = 0;

	memset(position, 0, sizeof(*position));
	if (!accept(&cursor, '{'))
		return false;
	do
	{
		if (!read_member(&cursor, position, &members))
			return false;
	} while (accept(&cursor, ','));
	if (!accept(&cursor, '}'))
		return false;
	skip_blanks(&cursor);

	if (cursor.next != cursor.end ||
		(members & HAS_REQUIRED) != HAS_REQUIRED)
		return false;
	return position->changes == 0 || (members & HAS_CHANGE_LSN) != 0;
}

/*
 * A transaction that is there in part begins its commit record at the
 * position, which has to be part of the history as well.
 */
PositionStatus
position_check(const Position *position, uint64_t system_identifier,
			   uint64_t end)
{
	if (position->system_identifier != system_identifier)
		return POSITION_OTHER_SYSTEM;
	if (end == 0)
		return POSITION_OTHER_HISTORY;
	if (position->lsn > end ||
		(position->changes > 0 && position->lsn == end))
		return POSITION_AHEAD;
	return POSITION_USABLE;
}
