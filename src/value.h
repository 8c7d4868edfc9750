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

#include "access/tupdesc.h"
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

	/* Must arrays have the dimensions that were declared, as schemas say? */
	bool		fixed_dimensions;
} ValueModes;

/*
 * How values of a type are written; every encoder switches on it.  Two
 * classes can share their bytes and differ in what a schema calls them.
 */
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
	VALUE_DECIMAL_STRING,
	VALUE_DECIMAL_DOUBLE,
	VALUE_MONEY,
	VALUE_MONEY_STRING,
	VALUE_MONEY_DOUBLE,
	VALUE_TEXT,					/* a varlena that is its own text */
	VALUE_NAME,
	VALUE_CHAR,					/* "char" */
	VALUE_UUID,
	VALUE_JSON,
	VALUE_JSONB,
	VALUE_XML,
	VALUE_LTREE,
	VALUE_TSVECTOR,
	VALUE_ENUM,
	VALUE_BYTEA,				/* bytes */
	VALUE_BYTEA_BASE64,			/* strings */
	VALUE_BYTEA_BASE64_URL,
	VALUE_BYTEA_HEX,
	VALUE_BIT,					/* bit strings of at most one bit */
	VALUE_BITS,
	VALUE_DATE,					/* days */
	VALUE_DATE_CONNECT,
	VALUE_DATE_ISO,				/* text */
	VALUE_TIME_MS,
	VALUE_TIME_US,
	VALUE_TIME_NS,
	VALUE_TIME_CONNECT,			/* ms */
	VALUE_TIME_ISO,				/* text */
	VALUE_TIMETZ,
	VALUE_TIMESTAMP_MS,
	VALUE_TIMESTAMP_US,
	VALUE_TIMESTAMP_NS,
	VALUE_TIMESTAMP_CONNECT,	/* ms */
	VALUE_TIMESTAMP_ISO,		/* text */
	VALUE_TIMESTAMPTZ,
	VALUE_INTERVAL,				/* us */
	VALUE_INTERVAL_ISO,			/* text */
	VALUE_HSTORE,				/* text of a JSON object */
	VALUE_HSTORE_MAP,
	VALUE_POINT,
	VALUE_GEOMETRY,				/* PostGIS */
	VALUE_GEOGRAPHY,
	VALUE_VECTOR,				/* pgvector */
	VALUE_HALF_VECTOR,
	VALUE_SPARSE_VECTOR,
	VALUE_ARRAY,
	VALUE_COMPOSITE,
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
	int			ndims;			/* of arrays; 0 if any number may occur */
	Oid			run_as;			/* role of a user's function, or InvalidOid */
	FmgrInfo	function;		/* output, or send of some extension types */
	struct ValueType *element;	/* of arrays */
	struct ValueEnum *enumeration;
	struct ValueComposite *composite;
} ValueType;

typedef struct EnumLabel
{
	Oid			oid;
	char	   *label;
} EnumLabel;

typedef struct ValueEnum
{
	int			nlabels;
	EnumLabel  *labels;			/* in order of OID */
	char	   *allowed;		/* labels in the type's order, with commas */
} ValueEnum;

/* An attribute of a composite type */
typedef struct ValueField
{
	char	   *name;
	int			index;			/* in the deformed tuple */
	ValueType	type;
} ValueField;

typedef struct ValueComposite
{
	Oid			schema;
	Oid			relid;			/* of the type's relation */
	char	   *name;			/* schema.type */
	TupleDesc	desc;
	int			nfields;
	ValueField *fields;
	Datum	   *values;			/* scratch, one for each attribute */
	bool	   *nulls;
} ValueComposite;

/*
 * value_type.c: describe a type.  Looks at the catalog, so it needs a
 * transaction; what it allocates goes to CurrentMemoryContext.  ndims is the
 * declared number of dimensions, 0 if there is none.  modes choose among
 * classes; owner is the role that functions of users run as, InvalidOid for
 * the current one.
 */
extern void value_type_init(ValueType *type, Oid typid, int32 typmod,
							int ndims, const ValueModes *modes, Oid owner);

/*
 * The text of the type's output function, in CurrentMemoryContext, free of
 * the influence of session settings.
 */
extern char *value_output(const ValueType *type, Datum value);

/* The same for a send function. */
extern bytea *value_send(const ValueType *type, Datum value);

/* Call once when decoding starts. */
extern void value_startup(void);

/* Output settings that value_output() changed go back to what they were. */
extern void value_restore_settings(void);

/*
 * How many values this process has written as null because their schema has
 * no room for them: NaN and infinity as decimals, arrays of other dimensions
 * than declared.
 */
extern uint64 value_nulled_count(void);
extern void value_count_nulled(void);

/* value_json.c: append a value that is not null and not unavailable. */
extern void value_append_json(StringInfo out, const ValueType *type,
							  Datum value);

/*
 * value_json_unavailable.c: what stands for an unavailable value of this
 * type, as JSON; null if the type has no room for a mark.
 */
extern void value_append_unavailable(StringInfo out, const ValueType *type,
									 const char *mark);

#endif							/* CDC_VALUE_H */
