/*-------------------------------------------------------------------------
 *
 * fuzz_value_time.c
 *	  Fuzz target: dates, times and intervals in Debezium's units.
 *
 * Texts are read back and turned into numbers by counting leap years; numbers
 * are compared with what wider integers give.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz_value_time.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "shim.h"
#include "value_time.h"

#define EPOCH_DAYS			10957	/* 1970-01-01 to 2000-01-01 */
#define EPOCH_USECS			(EPOCH_DAYS * USECS_PER_DAY)
#define MAX_ZONE_SECONDS	(16 * 3600 - 1)

/* The values of infinite timestamps in the reference, microseconds */
#define EXPECTED_INFINITY		INT64CONST(9223372036825200000)
#define EXPECTED_MINUS_INFINITY	INT64CONST(-9223372036832400000)

/* ----------------------------------------------------------------
 *		reading texts
 * ----------------------------------------------------------------
 */

/* Exactly that many digits */
static int64
read_digits(const char **p, int ndigits)
{
	int64		value = 0;

	for (int i = 0; i < ndigits; i++)
	{
		REQUIRE(**p >= '0' && **p <= '9');
		value = value * 10 + *(*p)++ - '0';
	}
	return value;
}

static void
read_char(const char **p, char c)
{
	REQUIRE(**p == c);
	(*p)++;
}

/* Four digits, or more after a sign; the sign '+' only if there are more */
static int64
read_year(const char **p)
{
	bool		plus = **p == '+';
	bool		minus = **p == '-';
	int			ndigits;
	int64		year;

	if (plus || minus)
		(*p)++;
	ndigits = strspn(*p, "0123456789");
	REQUIRE(plus ? ndigits > 4 : minus ? ndigits >= 4 : ndigits == 4);
	REQUIRE(ndigits == 4 || **p != '0');
	year = read_digits(p, ndigits);
	REQUIRE(!minus || year != 0);
	return minus ? -year : year;
}

/* HH:MM:SS, and the digits of a fraction; microseconds. */
static int64
read_time(const char **p, int *fraction_digits)
{
	int64		usecs;
	int64		part = read_digits(p, 2);

	REQUIRE(part < 24 || memcmp(*p, ":00:00Z", 8) == 0);
	usecs = part * USECS_PER_HOUR;
	read_char(p, ':');
	part = read_digits(p, 2);
	REQUIRE(part < 60);
	usecs += part * USECS_PER_MINUTE;
	read_char(p, ':');
	part = read_digits(p, 2);
	REQUIRE(part < 60);
	usecs += part * USECS_PER_SEC;

	*fraction_digits = 0;
	if (**p == '.')
	{
		(*p)++;
		*fraction_digits = strspn(*p, "0123456789");
		REQUIRE(*fraction_digits >= 1 && *fraction_digits <= 6);
		part = read_digits(p, *fraction_digits);
		for (int i = *fraction_digits; i < 6; i++)
			part *= 10;
		usecs += part;
	}
	return usecs;
}

static bool
is_leap(int64 year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64
divide_down(int64 a, int64 b)
{
	return a / b - (a % b < 0);
}

/* Days since 2000-01-01; day is checked against the length of the month. */
static int64
days_of_date(int64 year, int month, int day)
{
	static const int lengths[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	int64		before = year - 1;
	int64		days = 365 * (year - 2000);

	REQUIRE(month >= 1 && month <= 12);
	REQUIRE(day >= 1 &&
			day <= lengths[month - 1] + (month == 2 && is_leap(year)));
	days += divide_down(before, 4) - divide_down(before, 100) +
		divide_down(before, 400) - (1999 / 4 - 1999 / 100 + 1999 / 400);
	for (int i = 0; i < month - 1; i++)
		days += lengths[i] + (i == 1 && is_leap(year));
	return days + day - 1;
}

/* ----------------------------------------------------------------
 *		values
 * ----------------------------------------------------------------
 */

/* Any timestamp the server accepts, many of them near something. */
static Timestamp
make_timestamp(FuzzInput *input)
{
	static const Timestamp landmarks[] = {
		MIN_TIMESTAMP, END_TIMESTAMP - 1, 0, -EPOCH_USECS,
		INT64CONST(252455615999999999), /* end of 9999 */
		INT64CONST(-63082281600000000), /* 0001-01-01 */
		INT64CONST(-63113904000000000), /* 0000-01-01, 1 BC */
		INT64CONST(9222425352054775807) /* INT64_MAX since 1970 */
	};
	Timestamp	timestamp;

	switch (fuzz_choose(input, 4))
	{
		case 0:
			timestamp = landmarks[fuzz_choose(input, lengthof(landmarks))];
			timestamp += fuzz_range(input, -70000, 70000);
			break;
		case 1:
			timestamp = fuzz_range(input, -200 * 366, 200 * 366) *
				USECS_PER_DAY + fuzz_range(input, 0, USECS_PER_DAY);
			break;
		default:
			timestamp = fuzz_range(input, MIN_TIMESTAMP, END_TIMESTAMP - 1);
			break;
	}
	return Min(Max(timestamp, MIN_TIMESTAMP), END_TIMESTAMP - 1);
}

static int64
saturate(int128 value)
{
	return (int64) Min(Max(value, PG_INT64_MIN), PG_INT64_MAX);
}

static void
fuzz_timestamp(FuzzInput *input)
{
	Timestamp	timestamp = make_timestamp(input);
	int128		unix_us = (int128) timestamp + EPOCH_USECS;
	int64		millis = value_time_timestamp_ms(timestamp);

	REQUIRE((int128) millis * 1000 <= unix_us);
	REQUIRE((int128) millis * 1000 > unix_us - 1000);

	/* what the field cannot hold becomes the nearest that it can */
	REQUIRE(value_time_timestamp_us(timestamp) == saturate(unix_us));
	REQUIRE(value_time_timestamp_ns(timestamp) == saturate(unix_us * 1000));
}

static void
fuzz_timestamptz(FuzzInput *input)
{
	static const int64 units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
	char		text[VALUE_TIME_TEXT_MAX];
	const char *p = text;
	Timestamp	timestamp = make_timestamp(input);
	int			wanted = fuzz_choose(input, 8) - 1;
	int			fraction_digits;
	int			len;
	int64		days;
	int64		usecs;
	int			year;
	int			month;

	len = value_time_timestamptz_text(text, timestamp, wanted);
	REQUIRE(len < VALUE_TIME_TEXT_MAX);
	text[len] = '\0';
	year = read_year(&p);
	read_char(&p, '-');
	month = read_digits(&p, 2);
	read_char(&p, '-');
	days = days_of_date(year, month, read_digits(&p, 2));
	read_char(&p, 'T');
	usecs = read_time(&p, &fraction_digits);
	read_char(&p, 'Z');
	REQUIRE(*p == '\0' && strlen(text) == len);
	if (wanted == VALUE_TIME_NEEDED_DIGITS)
	{
		REQUIRE(fraction_digits == 0 || p[-2] != '0');
		wanted = 6;
	}
	else
		REQUIRE(fraction_digits == wanted);
	REQUIRE((int128) days * USECS_PER_DAY + usecs ==
			(int128) divide_down(timestamp, units[wanted]) * units[wanted]);
}

static void
fuzz_infinity(FuzzInput *input)
{
	char		text[VALUE_TIME_TEXT_MAX];
	bool		minus = fuzz_choose(input, 2);
	Timestamp	timestamp = minus ? DT_NOBEGIN : DT_NOEND;
	int64		usecs = minus ? EXPECTED_MINUS_INFINITY : EXPECTED_INFINITY;
	int			len = value_time_timestamptz_text(text, timestamp,
												  fuzz_choose(input, 7));

	text[len] = '\0';
	REQUIRE(strcmp(text, minus ? "-infinity" : "infinity") == 0);
	REQUIRE(value_time_timestamp_us(timestamp) == usecs);
	REQUIRE(value_time_timestamp_ms(timestamp) == usecs / 1000);
	REQUIRE(value_time_timestamp_ns(timestamp) ==
			(minus ? PG_INT64_MIN : PG_INT64_MAX));
	len = value_time_date_text(text, minus ? DATEVAL_NOBEGIN : DATEVAL_NOEND);
	text[len] = '\0';
	REQUIRE(strcmp(text, minus ? "-infinity" : "infinity") == 0);
}

static void
fuzz_date(FuzzInput *input)
{
	char		text[VALUE_TIME_TEXT_MAX];
	const char *p = text;
	DateADT		date;
	int			len;
	int			year;
	int			month;

	date = fuzz_range(input, DATETIME_MIN_JULIAN,
					  DATE_END_JULIAN - 1) - POSTGRES_EPOCH_JDATE;
	REQUIRE(value_time_date(date) == (int64) date + EPOCH_DAYS);
	REQUIRE(value_time_date(DATEVAL_NOBEGIN) == -2147472691);
	REQUIRE(value_time_date(DATEVAL_NOEND) == -2147472692);

	len = value_time_date_text(text, date);
	REQUIRE(len < VALUE_TIME_TEXT_MAX);
	text[len] = '\0';
	year = read_year(&p);
	read_char(&p, '-');
	month = read_digits(&p, 2);
	read_char(&p, '-');
	REQUIRE(days_of_date(year, month, read_digits(&p, 2)) == date);
	read_char(&p, 'Z');
	REQUIRE(*p == '\0');
}

static void
fuzz_time(FuzzInput *input)
{
	char		text[VALUE_TIME_TEXT_MAX];
	const char *p = text;
	TimeADT		time = fuzz_range(input, 0, USECS_PER_DAY);
	int			fraction_digits;
	int			len;

	if (fuzz_choose(input, 2))
		time -= time % USECS_PER_SEC;
	len = value_time_time_text(text, time);
	REQUIRE(len < VALUE_TIME_TEXT_MAX);
	text[len] = '\0';
	REQUIRE(read_time(&p, &fraction_digits) == time);
	REQUIRE(fraction_digits == 0 || p[-1] != '0');
	read_char(&p, 'Z');
	REQUIRE(*p == '\0');
}

static void
fuzz_timetz(FuzzInput *input)
{
	char		text[VALUE_TIME_TEXT_MAX];
	const char *p = text;
	TimeTzADT	time;
	int			fraction_digits;
	int			len;
	int64		usecs;

	time.time = fuzz_range(input, 0, USECS_PER_DAY);
	if (fuzz_choose(input, 2))
		time.time -= time.time % USECS_PER_SEC;
	time.zone = fuzz_range(input, -MAX_ZONE_SECONDS, MAX_ZONE_SECONDS);
	len = value_time_timetz_text(text, &time);
	REQUIRE(len < VALUE_TIME_TEXT_MAX);
	text[len] = '\0';
	usecs = read_time(&p, &fraction_digits);
	read_char(&p, 'Z');
	REQUIRE(*p == '\0');
	REQUIRE(fraction_digits == 0 || p[-2] != '0');
	/* the same time of day but for whole days */
	REQUIRE((time.time + time.zone * USECS_PER_SEC - usecs) %
			USECS_PER_DAY == 0);
}

static void
fuzz_interval(FuzzInput *input)
{
	Interval	interval;
	int128		usecs;

	interval.month = fuzz_range(input, PG_INT32_MIN, PG_INT32_MAX);
	interval.day = fuzz_range(input, PG_INT32_MIN, PG_INT32_MAX);
	interval.time = fuzz_range(input, PG_INT64_MIN, PG_INT64_MAX);

	/* a month is 30 days, 10 hours and 30 minutes */
	usecs = (int128) interval.month * 30 + interval.day;
	usecs = usecs * 24 + (int128) interval.month * 10;
	usecs = usecs * 60 + (int128) interval.month * 30;
	usecs = usecs * 60 * USECS_PER_SEC + interval.time;
	REQUIRE(value_time_interval_us(&interval) == saturate(usecs));
}

/* An integer and, for seconds, a fraction of microseconds; in microseconds */
static int128
read_field(const char **p, char unit)
{
	int			sign = **p == '-' ? -1 : 1;
	int128		value = 0;
	int128		scale = 1000000;

	if (sign < 0)
		(*p)++;
	REQUIRE(**p >= '0' && **p <= '9');
	while (**p >= '0' && **p <= '9')
		value = value * 10 + *(*p)++ - '0';
	value *= scale;
	if (**p == '.')
	{
		REQUIRE(unit == 'S' && strspn(*p + 1, "0123456789") <= 6);
		for ((*p)++; **p != unit; (*p)++)
		{
			scale /= 10;
			value += scale * (**p - '0');
		}
		REQUIRE((*p)[-1] != '0');
	}
	read_char(p, unit);
	return sign * value;
}

static void
fuzz_interval_text(FuzzInput *input)
{
	char		text[VALUE_TIME_TEXT_MAX];
	const char *p = text;
	Interval	interval;
	int128		months;
	int128		time;
	int			len;

	interval.month = fuzz_range(input, PG_INT32_MIN, PG_INT32_MAX);
	interval.day = fuzz_range(input, PG_INT32_MIN + 1, PG_INT32_MAX - 1);
	interval.time = fuzz_range(input, PG_INT64_MIN, PG_INT64_MAX);
	len = value_time_interval_text(text, &interval);
	REQUIRE(len < VALUE_TIME_TEXT_MAX);
	text[len] = '\0';

	read_char(&p, 'P');
	months = read_field(&p, 'Y') / 1000000 * 12;
	months += read_field(&p, 'M') / 1000000;
	REQUIRE(months == interval.month);
	REQUIRE(read_field(&p, 'D') / 1000000 == interval.day);
	read_char(&p, 'T');
	time = read_field(&p, 'H') * 3600;
	time += read_field(&p, 'M') * 60;
	REQUIRE(time + read_field(&p, 'S') == interval.time);
	REQUIRE(*p == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	input = {data, size};

	switch (fuzz_choose(&input, 8))
	{
		case 0:
			fuzz_timestamp(&input);
			break;
		case 1:
			fuzz_timestamptz(&input);
			break;
		case 2:
			fuzz_infinity(&input);
			break;
		case 3:
			fuzz_date(&input);
			break;
		case 4:
			fuzz_timetz(&input);
			break;
		case 5:
			fuzz_interval(&input);
			break;
		case 6:
			fuzz_time(&input);
			break;
		case 7:
			fuzz_interval_text(&input);
			break;
	}
	shim_reset();
	return 0;
}
