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

#include <limits.h>

#include "common/int.h"
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

static char *
put_int(char *p, int64 value)
{
	char		digits[20];
	int			len = 0;
	uint64		rest = value < 0 ? -(uint64) value : (uint64) value;

	if (value < 0)
		*p++ = '-';
	do
	{
		digits[len++] = '0' + rest % 10;
		rest /= 10;
	} while (rest > 0);
	while (len > 0)
		*p++ = digits[--len];
	return p;
}

static char *
put_text(char *p, const char *text)
{
	int			len = strlen(text);

	memcpy(p, text, len);
	return p + len;
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
		return put_int(p, year);
	p = put_two(p, year / 100);
	return put_two(p, year % 100);
}

/*
 * YYYY-MM-DD of days since 2000-01-01, in the proleptic Gregorian calendar
 * with a year 0.  Counted in years that begin in March and eras of 400 such
 * years, which are all alike.
 */
static char *
put_date(char *p, int64 days)
{
	int64		since_march = days + 730425;	/* 0000-03-01 is day 0 */
	int64		era = (since_march >= 0 ? since_march :
					   since_march - 146096) / 146097;
	int			day_of_era = (int) (since_march - era * 146097);
	int			year_of_era = (day_of_era - day_of_era / 1460 +
							   day_of_era / 36524 - day_of_era / 146096) / 365;
	int			day_of_year = day_of_era - (365 * year_of_era +
											year_of_era / 4 -
											year_of_era / 100);
	int			months = (5 * day_of_year + 2) / 153;	/* since March */
	int			month = months < 10 ? months + 3 : months - 9;
	int64		year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);

	p = put_year(p, (int) year);
	*p++ = '-';
	p = put_two(p, month);
	*p++ = '-';
	return put_two(p, day_of_year - (153 * months + 2) / 5 + 1);
}

/* A point and digits of a number of microseconds below a million */
static char *
put_fraction(char *p, int fraction, int fraction_digits)
{
	char		digits[6];

	if (fraction_digits == VALUE_TIME_NEEDED_DIGITS)
	{
		int			rest = fraction;

		for (fraction_digits = 6; fraction_digits > 0 && rest % 10 == 0;
			 fraction_digits--)
			rest /= 10;
	}
	if (fraction_digits == 0)
		return p;

	*p++ = '.';
	put_two(digits, fraction / 10000);
	put_two(digits + 2, fraction / 100 % 100);
	put_two(digits + 4, fraction % 100);
	memcpy(p, digits, fraction_digits);
	return p + fraction_digits;
}

/* HH:MM:SS and fraction digits, of microseconds since midnight */
static char *
put_time(char *p, int64 usecs, int fraction_digits)
{
	int			seconds = (int) (usecs / USECS_PER_SEC);

	p = put_two(p, seconds / SECS_PER_HOUR);
	*p++ = ':';
	p = put_two(p, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	*p++ = ':';
	p = put_two(p, seconds % SECS_PER_MINUTE);
	return put_fraction(p, (int) (usecs % USECS_PER_SEC), fraction_digits);
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
value_time_timestamp_ns(Timestamp timestamp)
{
	int64		result;

	if (TIMESTAMP_IS_NOEND(timestamp))
		return PG_INT64_MAX;
	if (TIMESTAMP_IS_NOBEGIN(timestamp))
		return PG_INT64_MIN;
	if (pg_mul_s64_overflow(value_time_timestamp_us(timestamp), 1000,
							&result))
		return timestamp > 0 ? PG_INT64_MAX : PG_INT64_MIN;
	return result;
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
value_time_timestamptz_text(char *buf, Timestamp timestamp,
							int fraction_digits)
{
	int64		days;
	int64		usecs;
	char	   *p;

	if (TIMESTAMP_IS_NOEND(timestamp))
		return put_text(buf, "infinity") - buf;
	if (TIMESTAMP_IS_NOBEGIN(timestamp))
		return put_text(buf, "-infinity") - buf;

	days = timestamp / USECS_PER_DAY;
	usecs = timestamp % USECS_PER_DAY;
	if (usecs < 0)
	{
		usecs += USECS_PER_DAY;
		days--;
	}
	p = put_date(buf, days);
	*p++ = 'T';
	p = put_time(p, usecs, fraction_digits);
	*p++ = 'Z';
	return p - buf;
}

int
value_time_date_text(char *buf, DateADT date)
{
	char	   *p;

	if (DATE_IS_NOEND(date))
		return put_text(buf, "infinity") - buf;
	if (DATE_IS_NOBEGIN(date))
		return put_text(buf, "-infinity") - buf;
	p = put_date(buf, date);
	*p++ = 'Z';
	return p - buf;
}

/* 24:00:00 stays what it is. */
int
value_time_time_text(char *buf, TimeADT time)
{
	char	   *p = put_time(buf, time, VALUE_TIME_NEEDED_DIGITS);

	*p++ = 'Z';
	return p - buf;
}

int
value_time_timetz_text(char *buf, const TimeTzADT *time)
{
	int64		usecs = time->time + (int64) time->zone * USECS_PER_SEC;

	usecs %= USECS_PER_DAY;
	if (usecs < 0)
		usecs += USECS_PER_DAY;
	return value_time_time_text(buf, usecs);
}

/* Seconds with their sign and as many fraction digits as needed */
static char *
put_seconds(char *p, int64 usecs)
{
	if (usecs < 0)
	{
		*p++ = '-';
		usecs = -usecs;
	}
	p = put_int(p, usecs / USECS_PER_SEC);
	return put_fraction(p, (int) (usecs % USECS_PER_SEC),
						VALUE_TIME_NEEDED_DIGITS);
}

/*
 * All six fields, each with a sign of its own.  17 marks infinity by the
 * extremes of all fields; before, they are no interval that can be entered.
 */
int
value_time_interval_text(char *buf, const Interval *interval)
{
	char	   *p = buf;

	if (interval->month == INT_MAX && interval->day == INT_MAX &&
		interval->time == PG_INT64_MAX)
		return put_text(buf, "infinity") - buf;
	if (interval->month == INT_MIN && interval->day == INT_MIN &&
		interval->time == PG_INT64_MIN)
		return put_text(buf, "-infinity") - buf;

	*p++ = 'P';
	p = put_int(p, interval->month / MONTHS_PER_YEAR);
	*p++ = 'Y';
	p = put_int(p, interval->month % MONTHS_PER_YEAR);
	*p++ = 'M';
	p = put_int(p, interval->day);
	p = put_text(p, "DT");
	p = put_int(p, interval->time / USECS_PER_HOUR);
	*p++ = 'H';
	p = put_int(p, interval->time % USECS_PER_HOUR / USECS_PER_MINUTE);
	*p++ = 'M';
	p = put_seconds(p, interval->time % USECS_PER_MINUTE);
	*p++ = 'S';
	return p - buf;
}
