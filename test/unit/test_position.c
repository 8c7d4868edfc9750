/*-------------------------------------------------------------------------
 *
 * test_position.c
 *	  Unit tests of the position record.
 *
 * A program of its own without PostgreSQL.  Prints TAP; the exit status is 1
 * if a test failed.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/unit/test_position.c
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "position.h"

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

/* Did all checks of the running test hold? */
static bool test_ok;

#define CHECK(condition) \
	check((condition), #condition, __LINE__)

static void
check(bool condition, const char *text, int line)
{
	if (condition)
		return;
	printf("# line %d: %s\n", line, text);
	test_ok = false;
}

static bool
parse(const char *text, Position *position)
{
	return position_parse(text, strlen(text), position);
}

static bool
is_valid(const char *text)
{
	Position	position;

	return parse(text, &position);
}

static bool
equal(const Position *a, const Position *b)
{
	return a->system_identifier == b->system_identifier &&
		a->timeline == b->timeline && a->lsn == b->lsn &&
		a->changes == b->changes && a->change_lsn == b->change_lsn &&
		a->commit_lsn == b->commit_lsn &&
		a->commit_time == b->commit_time && a->writer == b->writer;
}

static void
test_format(void)
{
	Position	position = {
		.system_identifier = UINT64_C(7421337133713371337),
		.timeline = 3,
		.lsn = UINT64_C(0x16B3748),
		.changes = 17,
		.change_lsn = UINT64_C(0x2000000000AB),
		.commit_lsn = UINT64_C(0x100000000F),
		.commit_time = UINT64_C(846720000000000),
		.writer = UINT64_C(0xF3A2C47A1BE9D5)
	};
	char		text[POSITION_SIZE];

	CHECK(position_format(&position, text) == strlen(text));
	CHECK(strcmp(text,
				 "{\"version\":1,"
				 "\"system_identifier\":\"7421337133713371337\","
				 "\"timeline\":3,\"lsn\":\"0/16B3748\",\"changes\":17,"
				 "\"change_lsn\":\"2000/AB\",\"commit_lsn\":\"10/F\","
				 "\"commit_time\":\"846720000000000\","
				 "\"writer\":\"00f3a2c47a1be9d5\"}") == 0);
}

static void
test_round_trip(void)
{
	static const uint64_t values[] = {
		0, 1, 9, 10, UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 53,
		UINT64_MAX - 1, UINT64_MAX
	};

	for (size_t i = 0; i < lengthof(values); i++)
	{
		Position	position = {
			.system_identifier = values[i],
			.timeline = (uint32_t) values[i],
			.lsn = values[i],
			.changes = values[i],
			.change_lsn = values[i],
			.commit_lsn = values[i],
			.commit_time = values[i],
			.writer = values[i]
		};
		Position	parsed;
		char		text[POSITION_SIZE];
		size_t		len = position_format(&position, text);

		CHECK(len < POSITION_SIZE);
		CHECK(position_parse(text, len, &parsed));
		CHECK(equal(&position, &parsed));
	}
}

static void
test_by_hand(void)
{
	Position	position;

	CHECK(parse(" { \"lsn\" : \"0/ff\" ,\n\t\"timeline\":\"2\", "
				"\"note\": \"mended\", \"ok\": true, \"x\": -1.5E+3,"
				"\"system_identifier\": 42, \"version\": 1 } \r\n",
				&position));
	CHECK(position.system_identifier == 42);
	CHECK(position.timeline == 2);
	CHECK(position.lsn == 0xFF);
	CHECK(position.changes == 0);
	CHECK(position.change_lsn == 0);
	CHECK(position.commit_lsn == 0);
	CHECK(position.commit_time == 0);
	CHECK(position.writer == 0);
}

#define COMPLETE \
	"\"version\":1,\"system_identifier\":\"1\",\"timeline\":1,\"lsn\":\"0/1\""

static void
test_refused(void)
{
	static const char *const texts[] = {
		"",
		"{",
		"{}",
		"null",
		"[" COMPLETE "]",
		"{" COMPLETE,
		"{" COMPLETE "} {}",
		"{" COMPLETE ",}",
		"{" COMPLETE " \"a\":1}",
		"{" COMPLETE ",\"a\"}",
		"{" COMPLETE ",\"a\":}",
		"{" COMPLETE ",\"a\":{}}",
		"{" COMPLETE ",\"a\":[1]}",
		"{" COMPLETE ",\"a\":\"b}",
		"{" COMPLETE ",\"a\":\"\\u0041\"}",
		"{" COMPLETE ",\"changes\":1}",
		"{" COMPLETE ",\"changes\":-1}",
		"{" COMPLETE ",\"changes\":1.5}",
		"{" COMPLETE ",\"lsn\":\"0\"}",
		"{" COMPLETE ",\"lsn\":\"0/\"}",
		"{" COMPLETE ",\"lsn\":\"/1\"}",
		"{" COMPLETE ",\"lsn\":\"0/1/2\"}",
		"{" COMPLETE ",\"lsn\":\"0/100000000\"}",
		"{" COMPLETE ",\"lsn\":\"0/XY\"}",
		"{" COMPLETE ",\"lsn\":null}",
		"{" COMPLETE ",\"timeline\":4294967296}",
		"{" COMPLETE ",\"system_identifier\":18446744073709551616}",
		"{" COMPLETE ",\"version\":2}",
		"{\"version\":1,\"timeline\":1,\"lsn\":\"0/1\"}",
		"{\"system_identifier\":\"1\",\"timeline\":1,\"lsn\":\"0/1\"}",
		"{\"version\":1,\"system_identifier\":\"1\",\"lsn\":\"0/1\"}",
		"{\"version\":1,\"system_identifier\":\"1\",\"timeline\":1}",
	};

	CHECK(is_valid("{" COMPLETE "}"));
	for (size_t i = 0; i < lengthof(texts); i++)
	{
		if (!is_valid(texts[i]))
			continue;
		printf("# accepted: %s\n", texts[i]);
		test_ok = false;
	}
}

/* Whatever is cut off or changed: no harm, and no record of something else. */
static void
test_damaged(void)
{
	static const char text[] = "{" COMPLETE "}";
	size_t		len = strlen(text);
	Position	position;

	for (size_t i = 0; i < len; i++)
		CHECK(!position_parse(text, i, &position));

	srand(1);
	for (int i = 0; i < 100000; i++)
	{
		char		damaged[sizeof(text)];

		memcpy(damaged, text, sizeof(text));
		for (int j = rand() % 3; j >= 0; j--)
			damaged[rand() % len] = (char) (rand() % 256);
		if (position_parse(damaged, len, &position))
			CHECK(position.timeline <= 9 && position.system_identifier <= 9);
	}
}

static void
test_check(void)
{
	Position	position = {
		.system_identifier = 42,.timeline = 1,.lsn = 1000
	};

	CHECK(position_check(&position, 42, 1001) == POSITION_USABLE);
	CHECK(position_check(&position, 42, 1000) == POSITION_USABLE);
	CHECK(position_check(&position, 42, 999) == POSITION_AHEAD);
	CHECK(position_check(&position, 42, 0) == POSITION_OTHER_HISTORY);
	CHECK(position_check(&position, 43, 1001) == POSITION_OTHER_SYSTEM);
	CHECK(position_check(&position, 43, 0) == POSITION_OTHER_SYSTEM);
}

static void
test_check_within_transaction(void)
{
	Position	position = {
		.system_identifier = 42,.timeline = 1,.lsn = 1000,
		.changes = 5,.change_lsn = 900
	};

	CHECK(position_check(&position, 42, 1001) == POSITION_USABLE);
	CHECK(position_check(&position, 42, 1000) == POSITION_AHEAD);
	CHECK(position_check(&position, 42, 999) == POSITION_AHEAD);
}

static const struct
{
	const char *name;
	void		(*run) (void);
}			tests[] =
{
	{"text of a record", test_format},
	{"records survive being written and read", test_round_trip},
	{"records written by hand", test_by_hand},
	{"what is no record is refused", test_refused},
	{"damaged records", test_damaged},
	{"position and history of the server", test_check},
	{"position within a transaction", test_check_within_transaction},
};

int
main(void)
{
	int			nfailed = 0;

	printf("1..%d\n", (int) lengthof(tests));
	for (size_t i = 0; i < lengthof(tests); i++)
	{
		test_ok = true;
		tests[i].run();
		printf("%sok %d - %s\n", test_ok ? "" : "not ", (int) i + 1,
			   tests[i].name);
		if (!test_ok)
			nfailed++;
	}
	return nfailed > 0;
}
