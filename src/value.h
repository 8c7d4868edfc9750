/*-------------------------------------------------------------------------
 *
 * value.h
 *	  What an encoder must know of a column's type, found once per relation.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_VALUE_H
#define CDC_VALUE_H

#include "fmgr.h"
#include "lib/stringinfo.h"

/*
 * How values are represented where there is a choice; names and meaning are
 * Debezium's.
 */
typedef enum DecimalHandling
{
	DECIMAL_HANDLING_PRECISE,
	DECIMAL_HANDLING_STRING,
	DECIMAL_HANDLING_DOUBLE
} DecimalHandling;

typedef enum TimePrecision
{
	TIME_PRECISION_ADAPTIVE,
	TIME_PRECISION_ADAPTIVE_TIME_MICROSECONDS,
	TIME_PRECISION_CONNECT,
	TIME_PRECISION_ISOSTRING,
	TIME_PRECISION_MICROSECONDS,
	TIME_PRECISION_NANOSECONDS
} TimePrecision;

typedef enum IntervalHandling
{
	INTERVAL_HANDLING_NUMERIC,
	INTERVAL_HANDLING_STRING
} IntervalHandling;

typedef enum HstoreHandling
{
	HSTORE_HANDLING_JSON,
	HSTORE_HANDLING_MAP
} HstoreHandling;

typedef enum BinaryHandling
{
	BINARY_HANDLING_BYTES,
	BINARY_HANDLING_BASE64,
	BINARY_HANDLING_BASE64_URL_SAFE,
	BINARY_HANDLING_HEX
} BinaryHandling;

typedef struct ValueModes
{
	DecimalHandling decimal;
	TimePrecision time;
	IntervalHandling interval;
	HstoreHandling hstore;
	BinaryHandling binary;
} ValueModes;

/* How values of a type are written; every encoder switches on it. */
typedef enum ValueClass
{
	VALUE_BOOL,
	VALUE_INT2,
	VALUE_INT4,
	VALUE_INT8,
	VALUE_OID,
	VALUE_FLOAT4,
	VALUE_FLOAT8,
	VALUE_DECIMAL,				/* numeric of a known scale */
	VALUE_VARIABLE_DECIMAL,		/* numeric without one */
	VALUE_MONEY,
	VALUE_TEXT,					/* a varlena that is its own text */
	VALUE_NAME,
	VALUE_CHAR,					/* "char" */
	VALUE_UUID,
	VALUE_JSON,
	VALUE_JSONB,
	VALUE_XML,
	VALUE_ENUM,
	VALUE_BYTEA,
	VALUE_BIT,					/* bit strings of at most one bit */
	VALUE_BITS,
	VALUE_DATE,
	VALUE_TIME_MS,
	VALUE_TIME_US,
	VALUE_TIMETZ,
	VALUE_TIMESTAMP_MS,
	VALUE_TIMESTAMP_US,
	VALUE_TIMESTAMPTZ,
	VALUE_INTERVAL,
	VALUE_ARRAY,
	VALUE_OUTPUT				/* text of the type's output function */
} ValueClass;

typedef struct ValueType
{
	ValueClass	value_class;
	Oid			typid;			/* below domains */
	int32		typmod;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	int			precision;		/* digits of decimals */
	int			scale;			/* digits after the point of decimals and
								 * fractions of seconds */
	Oid			run_as;			/* role of a user's output function, or
								 * InvalidOid */
	FmgrInfo	output;
	struct ValueType *element;	/* of arrays */
} ValueType;

/*
 * Describe a type.  Looks at the catalog, so it needs a transaction; what it
 * allocates goes to context.  modes choose among classes; owner is the role
 * that output functions of users run as, InvalidOid for the current one.
 */
extern void value_type_init(ValueType *type, Oid typid, int32 typmod,
							const ValueModes *modes, Oid owner,
							MemoryContext context);

/*
 * The text of the type's output function, in CurrentMemoryContext, free of
 * the influence of session settings.
 */
extern char *value_output(const ValueType *type, Datum value);

/* Call once when decoding starts. */
extern void value_startup(void);

/* Output settings that value_output() changed go back to what they were. */
extern void value_restore_settings(void);

/* value_json.c: append a value that is not null and not unchanged TOAST. */
extern void value_append_json(StringInfo out, const ValueType *type,
							  Datum value);

/*
 * value_json.c: what stands for an unchanged TOAST value of this type, as
 * JSON; null if the type has no room for a mark.
 */
extern void value_append_unavailable(StringInfo out, const ValueType *type,
									 const char *mark);

#endif							/* CDC_VALUE_H */
