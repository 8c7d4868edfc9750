/*-------------------------------------------------------------------------
 *
 * value_time.h
 *	  Dates, times and intervals in the units of Debezium.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value_time.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_VALUE_TIME_H
#define CDC_VALUE_TIME_H

#include "datatype/timestamp.h"
#include "utils/date.h"

/* Longest text written here, with its NUL. */
#define VALUE_TIME_TEXT_MAX		48

/* From 1970-01-01 to 2000-01-01 */
#define VALUE_TIME_EPOCH_US \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/*
 * Microseconds since 1970-01-01 of a finite timestamp, such as a commit's,
 * before the year 294247.
 */
static inline int64
value_time_unix_us(Timestamp timestamp)
{
	return timestamp + VALUE_TIME_EPOCH_US;
}

/* Days since 1970-01-01; infinities wrap around. */
extern int32 value_time_date(DateADT date);

/*
 * Microseconds or milliseconds since 1970-01-01, infinities included.
 * Microseconds beyond 64 bits, from 294247 on, are the greatest that fit.
 */
extern int64 value_time_timestamp_us(Timestamp timestamp);
extern int64 value_time_timestamp_ms(Timestamp timestamp);

/* Microseconds, a month counted as a twelfth of 365.25 days. */
extern int64 value_time_interval_us(const Interval *interval);

/*
 * ISO 8601 text in UTC with this many fraction digits, or "infinity",
 * "-infinity".  Returns the length; buf has VALUE_TIME_TEXT_MAX bytes.
 */
extern int	value_time_timestamptz_text(char *buf, TimestampTz timestamp,
										int fraction_digits);

/* The same for a time of day, with as many fraction digits as needed. */
extern int	value_time_timetz_text(char *buf, const TimeTzADT *time);

#endif							/* CDC_VALUE_TIME_H */
