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
#define VALUE_TIME_TEXT_MAX		96

/* As many fraction digits as the value needs, none if it is whole. */
#define VALUE_TIME_NEEDED_DIGITS	(-1)

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
 * Micro-, milli- or nanoseconds since 1970-01-01, infinities included.  What
 * is out of the range of 64 bits becomes its end: microseconds from 294247
 * on, nanoseconds before 1677 and after 2262.
 */
extern int64 value_time_timestamp_us(Timestamp timestamp);
extern int64 value_time_timestamp_ms(Timestamp timestamp);
extern int64 value_time_timestamp_ns(Timestamp timestamp);

/* Microseconds, a month counted as a twelfth of 365.25 days. */
extern int64 value_time_interval_us(const Interval *interval);

/*
 * ISO 8601 text, not terminated.  Dates, timestamps and intervals can also be
 * "infinity" or "-infinity".  Return the length; buf has VALUE_TIME_TEXT_MAX
 * bytes.
 */
extern int	value_time_timestamptz_text(char *buf, Timestamp timestamp,
										int fraction_digits);
extern int	value_time_date_text(char *buf, DateADT date);
extern int	value_time_time_text(char *buf, TimeADT time);
extern int	value_time_timetz_text(char *buf, const TimeTzADT *time);
extern int	value_time_interval_text(char *buf, const Interval *interval);

#endif							/* CDC_VALUE_TIME_H */
