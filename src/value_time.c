/*-------------------------------------------------------------------------
 *
 * value_time.c
 *	  Dates, times and intervals in the units of Debezium.
 *
 * Integer arithmetic only: neither the session's time zone nor its date
 * style has an influence.
 *
 * Runs in any process that decodes.  Allocates nothing.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value_time.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
#include "value_time.h"

/* What Java's driver makes of infinite timestamps, in milliseconds */
#define INFINITY_MS			INT64CONST(9223372036825200)
#define MINUS_INFINITY_MS	INT64CONST(-9223372036832400)

/* The last whose microseconds since 1970 fit, in January of 294247 */
#define MAX_UNIX_US_TIMESTAMP	(PG_INT64_MAX - VALUE_TIME_EPOCH_US)

/* 365.25 / 12 days */
#define USECS_PER_MONTH		(INT64CONST(2629800) * USECS_PER_SEC)

static const char two_digits[201] =
"00010203040506070809" "10111213141516171819"
"20212223242526272829" "30313233343536373839"
"40414243444546474849" "50515253545556575859"
"60616263646566676869" "70717273747576777879"
"80818283848586878889" "90919293949596979899";

static inline char *
put_two(char *p, int value)
{
	memcpy(p, two_digits + 2 * value, 2);
	return p + 2;
}

/* At least four digits, with a sign if there are more or it is negative. */
static char *
put_year(char *p, int year)
{
	if (year < 0)
	{
		*p++ = '-';
		year = -year;
	}
	else if (year > 9999)
		*p++ = '+';

	if (year > 9999)
		return p + pg_ultoa_n(year, p);
	p = put_two(p, year / 100);
	return put_two(p, year % 100);
}

/* HH:MM:SS and, if asked for, a point and fraction digits. */
static char *
put_time(char *p, int64 usecs, int fraction_digits)
{
	int			seconds = (int) (usecs / USECS_PER_SEC);
	int			fraction = (int) (usecs % USECS_PER_SEC);
	char		digits[6];

	p = put_two(p, seconds / SECS_PER_HOUR);
	*p++ = ':';
	p = put_two(p, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	*p++ = ':';
	p = put_two(p, seconds % SECS_PER_MINUTE);
	if (fraction_digits == 0)
		return p;

	*p++ = '.';
	put_two(digits, fraction / 10000);
	put_two(digits + 2, fraction / 100 % 100);
	put_two(digits + 4, fraction % 100);
	memcpy(p, digits, fraction_digits);
	return p + fraction_digits;
}

int32
value_time_date(DateADT date)
{
	return (int32) ((uint32) date +
					(uint32) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE));
}

int64
value_time_timestamp_us(Timestamp timestamp)
{
	if (TIMESTAMP_IS_NOEND(timestamp))
		return INFINITY_MS * 1000;
	if (TIMESTAMP_IS_NOBEGIN(timestamp))
		return MINUS_INFINITY_MS * 1000;
	if (timestamp > MAX_UNIX_US_TIMESTAMP)
		return PG_INT64_MAX;
	return value_time_unix_us(timestamp);
}

int64
value_time_timestamp_ms(Timestamp timestamp)
{
	int64		millis = timestamp / 1000;

	if (TIMESTAMP_IS_NOEND(timestamp))
		return INFINITY_MS;
	if (TIMESTAMP_IS_NOBEGIN(timestamp))
		return MINUS_INFINITY_MS;
	if (timestamp % 1000 < 0)
		millis--;
	return millis + VALUE_TIME_EPOCH_US / 1000;
}

int64
value_time_interval_us(const Interval *interval)
{
	int128		usecs = (int128) interval->month * USECS_PER_MONTH +
		(int128) interval->day * USECS_PER_DAY + interval->time;

	/* Beyond 292,000 years; 17 marks infinity by extreme fields too. */
	if (usecs > PG_INT64_MAX)
		return PG_INT64_MAX;
	if (usecs < PG_INT64_MIN)
		return PG_INT64_MIN;
	return (int64) usecs;
}

int
value_time_timestamptz_text(char *buf, TimestampTz timestamp,
							int fraction_digits)
{
	int64		days;
	int64		usecs;
	int			year;
	int			month;
	int			day;
	char	   *p;

	if (TIMESTAMP_IS_NOEND(timestamp))
	{
		memcpy(buf, "infinity", 8);
		return 8;
	}
	if (TIMESTAMP_IS_NOBEGIN(timestamp))
	{
		memcpy(buf, "-infinity", 9);
		return 9;
	}

	days = timestamp / USECS_PER_DAY;
	usecs = timestamp % USECS_PER_DAY;
	if (usecs < 0)
	{
		usecs += USECS_PER_DAY;
		days--;
	}
	j2date((int) (days + POSTGRES_EPOCH_JDATE), &year, &month, &day);

	p = put_year(buf, year);
	*p++ = '-';
	p = put_two(p, month);
	*p++ = '-';
	p = put_two(p, day);
	*p++ = 'T';
	p = put_time(p, usecs, fraction_digits);
	*p++ = 'Z';
	return p - buf;
}

int
value_time_timetz_text(char *buf, const TimeTzADT *time)
{
	int64		usecs = time->time + (int64) time->zone * USECS_PER_SEC;
	int			fraction_digits = 6;
	int			fraction;
	char	   *p;

	usecs %= USECS_PER_DAY;
	if (usecs < 0)
		usecs += USECS_PER_DAY;

	fraction = (int) (usecs % USECS_PER_SEC);
	while (fraction_digits > 0 && fraction % 10 == 0)
	{
		fraction /= 10;
		fraction_digits--;
	}
	p = put_time(buf, usecs, fraction_digits);
	*p++ = 'Z';
	return p - buf;
}
